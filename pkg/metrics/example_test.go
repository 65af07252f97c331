package metrics_test

import (
	"fmt"

	"github.com/signgate/signgate/pkg/metrics"
)

func Example() {
	fmt.Println(metrics.CountedBy(metrics.Denials), metrics.CountedBy(metrics.Denials, metrics.Reason), metrics.CountedBy(metrics.Denials, metrics.Action))
	// Output: true true false
}
