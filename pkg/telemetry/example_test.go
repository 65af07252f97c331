package telemetry_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/signgate/signgate/pkg/telemetry"
)

func Example() {
	ctx := context.Background()
	measured, err := telemetry.New(ctx, telemetry.Config{
		Service: "signgate", Namespace: "signgate/prod", Out: os.Stdout, Lookup: os.LookupEnv,
		Now: func() time.Time { return time.UnixMilli(1).UTC() },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	counter, err := measured.Meter("example").Int64Counter("issued")
	if err != nil {
		fmt.Println(err)
		return
	}
	counter.Add(ctx, 1)
	fmt.Println(measured.Close(ctx))
	// Output:
	// {"_aws":{"CloudWatchMetrics":[{"Namespace":"signgate/prod","Dimensions":[["service"]],"Metrics":[{"Name":"issued","Unit":"None"}]}],"Timestamp":1},"issued":1,"service":"signgate"}
	// <nil>
}
