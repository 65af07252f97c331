package bolt_test

import (
	"bytes"
	"testing"

	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/grants/bolt"
	"github.com/signgate/signgate/pkg/grants/storetest"
)

// A record is believed only under its own key, and then means what it meant
// when it was written.
func FuzzRecord(f *testing.F) {
	for _, resource := range []string{"users/", "users/alice/a.png"} {
		key, value, err := bolt.Encode(storetest.NewGrant(resource, grants.Everyone()))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(key, value)
		f.Add(key[1:], value)
		f.Add(key, value[1:])
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		grant, err := bolt.Decode(key, value)
		if err != nil {
			return
		}
		again, _, err := bolt.Encode(grant)
		if err != nil || !bytes.Equal(again, key) || grant.Grantee.IsZero() {
			t.Fatalf("%q under %q is read as %+v, %v", value, key, grant, err)
		}
	})
}
