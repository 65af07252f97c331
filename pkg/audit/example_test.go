package audit_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/signgate/signgate/pkg/audit"
)

func Example() {
	log := audit.NewLog(os.Stdout)
	err := log.Record(context.Background(), audit.Record{
		Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Outcome: audit.Denied,
		Principal: "bob", Authenticated: "oidc", Action: "read", Key: "users/alice/a.png",
	})
	if err != nil {
		fmt.Println("nothing may leave:", err)
	}
	// Output:
	// {"time":"2026-11-21T12:00:00Z","outcome":"denied","principal":"bob","authenticated":"oidc","action":"read","key":"users/alice/a.png"}
}
