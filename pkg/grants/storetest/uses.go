package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/grants"
)

func usesUp(c check) {
	t, store := c.t, c.store
	ends := Start.Add(time.Hour)
	grant := NewGrant("users/", grants.Everyone())
	grant.MaxUses, grant.Expires = 2, &ends
	mustCreate(t, store, grant)
	mustFail(t, "at its end", store.Use(t.Context(), grant.ID, ends), grants.ErrExpired)
	mustFail(t, "first", store.Use(t.Context(), grant.ID, Start), nil)
	mustFail(t, "second", store.Use(t.Context(), grant.ID, ends.Add(-1)), nil)
	mustFail(t, "third", store.Use(t.Context(), grant.ID, Start), grants.ErrUsedUp)
	mustFail(t, "third, later", store.Use(t.Context(), grant.ID, ends), grants.ErrExpired)
	mustHaveUses(t, store, grant.ID, 2)

	free := mustCreate(t, store, NewGrant("users/", grants.Everyone()))
	for range 3 {
		mustFail(t, "without a limit", store.Use(t.Context(), free, Start), nil)
	}
	mustHaveUses(t, store, free, 3)
	if listed := everyPage(t, 10, listFor(t, store, grants.Everyone())); len(listed) != 2 || listed[0].Uses+listed[1].Uses != 5 {
		t.Errorf("the list doesn't show the uses: %+v", listed)
	}
}

func mustHaveUses(t *testing.T, store grants.Store, id string, want int) {
	t.Helper()
	if got, err := store.Get(t.Context(), id); err != nil || got.Uses != want {
		t.Errorf("%d uses, %v, want %d", got.Uses, err, want)
	}
}

const (
	crowd = 100
	limit = 10
)

func usesAtOnce(c check) {
	t, store := c.t, c.store
	grant := NewGrant("users/", grants.Everyone())
	grant.MaxUses = limit
	mustCreate(t, store, grant)
	if got := atOnce(t, grants.ErrUsedUp, func() error { return store.Use(t.Context(), grant.ID, Start) }); got != limit {
		t.Errorf("%d of %d succeeded, want %d", got, crowd, limit)
	}
	mustHaveUses(t, store, grant.ID, limit)
}

func createsAtOnce(c check) {
	t, store := c.t, c.store
	grant := NewGrant("users/", grants.Everyone())
	if got := atOnce(t, grants.ErrExists, func() error { return store.Create(t.Context(), grant) }); got != 1 {
		t.Errorf("%d of %d succeeded, want 1", got, crowd)
	}
	if got := atOnce(t, grants.ErrNotFound, func() error { return store.Delete(t.Context(), grant.ID) }); got != 1 {
		t.Errorf("%d of %d deleted it, want 1", got, crowd)
	}
	MustFind(t, store, []string{"users/"}, []grants.Grantee{grants.Everyone()})
}

// atOnce counts how many of a crowd succeed; the others must fail in one way.
func atOnce(t *testing.T, otherwise error, try func() error) int64 {
	t.Helper()
	var succeeded atomic.Int64
	var group sync.WaitGroup
	begin := make(chan struct{})
	for range crowd {
		group.Go(func() {
			<-begin
			if err := try(); err == nil {
				succeeded.Add(1)
			} else if !errors.Is(err, otherwise) {
				t.Errorf("%v, want %v", err, otherwise)
			}
		})
	}
	close(begin)
	group.Wait()
	return succeeded.Load()
}
