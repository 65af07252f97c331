package bolt_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/apikeys/bolt"
	"github.com/signgate/signgate/pkg/apikeys/storetest"
)

func open(t testing.TB, path string) *bolt.Store {
	t.Helper()
	store, err := bolt.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStoreKeepsWhatStoresOfKeysPromise(t *testing.T) {
	storetest.Run(t, func(t *testing.T) apikeys.Store {
		t.Helper()
		return open(t, filepath.Join(t.TempDir(), "keys"))
	})
}

// The operator's command and the gateway are two processes on one file.
func TestTwoWhoHaveTheFileSeeWhatTheOtherDoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	gateway, command := open(t, path), open(t, path)
	key, _ := storetest.NewKey()
	if err := command.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.Get(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(gateway.Touch(t.Context(), key.ID, storetest.Start), command.Revoke(t.Context(), key.ID, storetest.Start)); err != nil {
		t.Fatal(err)
	}
	for _, store := range []*bolt.Store{gateway, command} {
		if got, err := store.Get(t.Context(), key.ID); err != nil || got.RevokedAt.IsZero() || got.LastUsedAt.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestTheFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	open(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestWhatIsNoFileOfKeysIsAnError(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, make([]byte, 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{t.TempDir(), garbage, filepath.Join(t.TempDir(), "nowhere", "keys")} {
		if _, err := bolt.Open(t.Context(), path); !errors.Is(err, apikeys.ErrUnavailable) {
			t.Errorf("%s: %v", path, err)
		}
	}
	path := filepath.Join(t.TempDir(), "keys")
	store := open(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), apikeys.NewSecret().ID()); !errors.Is(err, apikeys.ErrUnavailable) {
		t.Errorf("a file that was removed: %v", err)
	}
}

func TestARecordThatSomebodyChangedByHandGivesNothing(t *testing.T) {
	for name, value := range map[string]string{
		"no record": "x", "an unknown member": `{"admin":true}`, "nothing in it": `{}`,
		"a short digest": `{"digest":"AAAA","name":"a","machine":"a","scopes":["read"],"createdAt":1,"expiresAt":2}`,
		"no scopes":      `{"digest":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","name":"a","machine":"a","scopes":[],"createdAt":1,"expiresAt":2}`,
	} {
		path := filepath.Join(t.TempDir(), "keys")
		store := open(t, path)
		id := apikeys.NewSecret().ID()
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("apikeys")).Put([]byte(id), []byte(value)) })
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Get(t.Context(), id); !errors.Is(err, apikeys.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if page, err := store.List(t.Context(), "", 1); !errors.Is(err, apikeys.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}
