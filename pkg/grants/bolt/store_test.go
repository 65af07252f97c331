package bolt_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/grants/bolt"
	"github.com/signgate/signgate/pkg/grants/storetest"
)

func atStart() time.Time { return storetest.Start }

func open(t testing.TB, path string, now func() time.Time) *bolt.Store {
	t.Helper()
	store, err := bolt.Open(path, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestStoreKeepsWhatGrantsStoresPromise(t *testing.T) {
	storetest.Run(t, func(t *testing.T) grants.Store {
		t.Helper()
		return open(t, filepath.Join(t.TempDir(), "grants"), atStart)
	})
}

func TestGrantsOutliveTheProcessThatCreatedThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grants")
	first, err := bolt.Open(path, atStart)
	if err != nil {
		t.Fatal(err)
	}
	kept, gone := storetest.NewGrant("users/", grants.Everyone()), storetest.NewGrant("users/", grants.Everyone())
	for _, grant := range []grants.Grant{kept, gone} {
		if err := first.Create(t.Context(), grant); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(first.Delete(t.Context(), gone.ID), first.Use(t.Context(), kept.ID, storetest.Start), first.Close()); err != nil {
		t.Fatal(err)
	}
	second := open(t, path, atStart)
	storetest.MustFind(t, second, []string{"users/"}, []grants.Grantee{grants.Everyone()}, kept.ID)
	if got, err := second.Get(t.Context(), kept.ID); err != nil || got.Uses != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAFileThatAnotherProcessHasOpenIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "grants")
	open(t, path, atStart)
	if _, err := bolt.Open(path, atStart); !errors.Is(err, grants.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if _, err := bolt.Open(t.TempDir(), atStart); !errors.Is(err, grants.ErrUnavailable) {
		t.Errorf("a folder: %v", err)
	}
}

func TestAClosedStoreAnswersWithAnError(t *testing.T) {
	store, err := bolt.Open(filepath.Join(t.TempDir(), "grants"), atStart)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := store.Find(t.Context(), storetest.Start, []string{"users/"}, []grants.Grantee{grants.Everyone()})
	if !errors.Is(err, grants.ErrUnavailable) || found != nil {
		t.Errorf("%v, %v", found, err)
	}
}

func TestGrantsThatExpiredLongAgoAreSweptAndNoOthers(t *testing.T) {
	now := storetest.Start
	store := open(t, filepath.Join(t.TempDir(), "grants"), func() time.Time { return now })
	create := func(expires time.Time) string {
		grant := storetest.NewGrant("users/", grants.Everyone())
		if grant.Expires = &expires; expires.IsZero() {
			grant.Expires = nil
		}
		if err := store.Create(t.Context(), grant); err != nil {
			t.Fatal(err)
		}
		return grant.ID
	}
	forever, long := create(time.Time{}), create(now.Add(365*24*time.Hour))
	var short []string
	for range 40 {
		short = append(short, create(now.Add(time.Minute)))
	}
	now = now.Add(grants.KeepExpired + time.Minute)
	create(now.Add(time.Hour))
	mustKeep(t, store, append(short, forever, long), 42)
	now = now.Add(time.Nanosecond)
	for left := 42 - 16; left > 2; left -= 16 {
		create(now.Add(time.Hour))
		mustKeep(t, store, append(short, forever, long), left)
	}
	create(now.Add(time.Hour))
	mustKeep(t, store, append(short, forever, long), 2)
	mustKeep(t, store, []string{forever, long}, 2)
}

func mustKeep(t *testing.T, store *bolt.Store, ids []string, want int) {
	t.Helper()
	kept := 0
	for _, id := range ids {
		if _, err := store.Get(t.Context(), id); err == nil {
			kept++
		} else if !errors.Is(err, grants.ErrNotFound) {
			t.Error(err)
		}
	}
	if kept != want {
		t.Errorf("%d grants are left, want %d", kept, want)
	}
}
