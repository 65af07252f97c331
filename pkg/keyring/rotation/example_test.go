package rotation_test

import (
	"fmt"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/rotation"
)

func Example() {
	began := time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)
	document := keyring.NewDocument(true)
	for _, id := range []string{"K2JCJMDEHXQW5F", "K3XAMPLEXAMPLE"} { // the private halves are in files
		if err := document.Add(id, keyring.Slot{KeyID: id}, began); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := document.Switch("K3XAMPLEXAMPLE", began.Add(time.Hour)); err != nil {
		fmt.Println(err)
		return
	}
	rotator := rotation.New(rotation.Config{Life: 12 * time.Hour, Grace: time.Hour})
	for _, later := range []time.Duration{2 * time.Hour, 20 * time.Hour} {
		state, until := rotator.StateOf(document, "K2JCJMDEHXQW5F", began.Add(later))
		fmt.Println(state, until.Format(time.RFC3339))
	}
	// Output:
	// retiring 2026-07-02T00:00:00Z
	// spent 2026-07-02T00:00:00Z
}
