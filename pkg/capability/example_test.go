package capability_test

import (
	"fmt"
	"time"

	"github.com/signgate/signgate/pkg/capability"
)

func Example() {
	now := func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }
	sealer, err := capability.New(now, []byte("thirty-two bytes, kept in secret"))
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := sealer.Seal("invitation", map[string]string{"for": "alice"}, now().Add(time.Hour))
	if err != nil {
		fmt.Println(err)
		return
	}
	var invitation map[string]string
	expires, err := sealer.Open("invitation", token, &invitation)
	fmt.Println(invitation["for"], expires.Format(time.RFC3339), err)

	_, err = sealer.Open("admission", token, &invitation)
	fmt.Println(err)
	// Output:
	// alice 2026-11-21T13:00:00Z <nil>
	// invalid token
}
