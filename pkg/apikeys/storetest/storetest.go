// Package storetest holds what every apikeys.Store promises, as tests: a store
// that passes Run can take the place of any other.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/apikeys"
)

// Start is when the tests play.
var Start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant, as far as Go has them for times

// NewKey makes a key to keep, and what opens it.
func NewKey() (apikeys.Key, apikeys.Secret) {
	secret := apikeys.NewSecret()
	return apikeys.Key{
		ID: secret.ID(), Digest: secret.Digest(), Name: "nightly report", Machine: "reporter",
		Scopes: []string{"read:reports/"}, CreatedAt: Start, ExpiresAt: Start.Add(24 * time.Hour),
	}, secret
}

// Run runs all tests, each on a store of its own, which open makes and ends.
func Run(t *testing.T, open func(t *testing.T) apikeys.Store) {
	t.Helper()
	for name, test := range map[string]func(check){
		"a key comes back as it was given":              comesBack,
		"an id is given once":                           givenOnce,
		"of a hundred at once one creates a key":        createsAtOnce,
		"what is no key is refused":                     refusesInvalid,
		"what isn't there isn't found":                  absent,
		"a key that was revoked stays so":               revokes,
		"the last use only moves forwards":              touches,
		"all keys are listed, each once":                lists,
		"lists that can't be meant are refused":         refusesLists,
		"changes at once lose nothing":                  changesAtOnce,
		"a caller who gave up gets an error, no answer": givesUp,
	} {
		t.Run(name, func(t *testing.T) { test(check{t, open(t)}) })
	}
}

// check is one test and the store that it is about.
type check struct {
	t     *testing.T
	store apikeys.Store
}

func (c check) create() apikeys.Key {
	c.t.Helper()
	key, _ := NewKey()
	if err := c.store.Create(c.t.Context(), key); err != nil {
		c.t.Fatalf("Create: %v", err)
	}
	return key
}

func (c check) get(id string) apikeys.Key {
	c.t.Helper()
	key, err := c.store.Get(c.t.Context(), id)
	if err != nil {
		c.t.Fatalf("Get: %v", err)
	}
	return key
}

func (c check) want(what string, got, want error) {
	c.t.Helper()
	if !errors.Is(got, want) {
		c.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func comesBack(c check) {
	plain := c.create()
	full, _ := NewKey()
	full.Name, full.Groups, full.Tenant = "Jürgens Übersicht; \"q\"", []string{"b", "a"}, "a/b"
	full.Scopes = []string{"write:inbox/", "read"}
	full.ExpiresAt = Start.Add(time.Nanosecond)
	if err := c.store.Create(c.t.Context(), full); err != nil {
		c.t.Fatal(err)
	}
	for _, key := range []apikeys.Key{plain, full} {
		if got := c.get(key.ID); !reflect.DeepEqual(got, key) {
			c.t.Errorf("got %+v\nwant %+v", got, key)
		}
	}
}

func givenOnce(c check) {
	key := c.create()
	other, _ := NewKey()
	other.ID = key.ID
	c.want("another key under the id", c.store.Create(c.t.Context(), other), apikeys.ErrExists)
	if got := c.get(key.ID); got.Digest != key.Digest {
		c.t.Error("the key was replaced")
	}
}

func createsAtOnce(c check) {
	id := apikeys.NewSecret().ID()
	var created atomic.Int64
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			key, _ := NewKey()
			key.ID = id
			switch err := c.store.Create(c.t.Context(), key); {
			case err == nil:
				created.Add(1)
			case !errors.Is(err, apikeys.ErrExists):
				c.t.Error(err)
			}
		})
	}
	group.Wait()
	if created.Load() != 1 {
		c.t.Errorf("%d created it", created.Load())
	}
}

func refusesInvalid(c check) {
	for name, spoil := range map[string]func(*apikeys.Key){
		"no id":         func(k *apikeys.Key) { k.ID = "" },
		"no digest":     func(k *apikeys.Key) { k.Digest = [32]byte{} },
		"no scopes":     func(k *apikeys.Key) { k.Scopes = nil },
		"used already":  func(k *apikeys.Key) { k.LastUsedAt = Start },
		"no expiry":     func(k *apikeys.Key) { k.ExpiresAt = time.Time{} },
		"a bad machine": func(k *apikeys.Key) { k.Machine = "a/b" },
	} {
		key, _ := NewKey()
		spoil(&key)
		c.want(name, c.store.Create(c.t.Context(), key), apikeys.ErrInvalid)
	}
}

func absent(c check) {
	c.create()
	for _, id := range []string{apikeys.NewSecret().ID(), "", "x", "ABCDEFGHIJKLMNO/"} {
		_, err := c.store.Get(c.t.Context(), id)
		c.want("Get", err, apikeys.ErrNotFound)
		c.want("Revoke", c.store.Revoke(c.t.Context(), id, Start), apikeys.ErrNotFound)
		c.want("Touch", c.store.Touch(c.t.Context(), id, Start), nil)
		_, err = c.store.Get(c.t.Context(), id)
		c.want("Get, after changes", err, apikeys.ErrNotFound)
	}
}

func revokes(c check) {
	key, other := c.create(), c.create()
	at := Start.Add(time.Hour)
	c.want("Revoke", c.store.Revoke(c.t.Context(), key.ID, at), nil)
	c.want("again", c.store.Revoke(c.t.Context(), key.ID, at.Add(time.Hour)), nil)
	c.want("used after that", c.store.Touch(c.t.Context(), key.ID, at), nil)
	if got := c.get(key.ID); !got.RevokedAt.Equal(at) || !errors.Is(got.Holds(Start), apikeys.ErrRevoked) {
		c.t.Errorf("revoked at %s, want %s", got.RevokedAt, at)
	}
	if got := c.get(other.ID); !got.RevokedAt.IsZero() {
		c.t.Error("another key was revoked too")
	}
}

func touches(c check) {
	key := c.create()
	for _, step := range []struct{ at, want time.Duration }{{time.Minute, time.Minute}, {time.Hour, time.Hour}, {time.Minute, time.Hour}, {time.Hour + 1, time.Hour + 1}} {
		c.want("Touch", c.store.Touch(c.t.Context(), key.ID, Start.Add(step.at)), nil)
		if got := c.get(key.ID); !got.LastUsedAt.Equal(Start.Add(step.want)) {
			c.t.Errorf("used at %s, noted %s", Start.Add(step.at), got.LastUsedAt)
		}
	}
	got := c.get(key.ID)
	got.LastUsedAt = time.Time{}
	if !reflect.DeepEqual(got, key) {
		c.t.Errorf("more has changed: %+v", got)
	}
}

func lists(c check) {
	want := map[string]bool{}
	for range 7 {
		want[c.create().ID] = true
	}
	for limit := 1; limit <= 8; limit++ {
		seen, cursor := map[string]bool{}, ""
		for pages := 0; ; pages++ {
			page, err := c.store.List(c.t.Context(), cursor, limit)
			if err != nil || len(page.Keys) > limit || pages > len(want) {
				c.t.Fatalf("page %d of %d: %d keys, %v", pages, limit, len(page.Keys), err)
			}
			for _, key := range page.Keys {
				if seen[key.ID] {
					c.t.Fatalf("%s is listed twice", key.ID)
				}
				seen[key.ID] = true
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if !maps.Equal(seen, want) {
			c.t.Errorf("by %d: %v, want %v", limit, slices.Collect(maps.Keys(seen)), slices.Collect(maps.Keys(want)))
		}
	}
}

func refusesLists(c check) {
	for _, question := range []struct {
		cursor string
		limit  int
	}{{"", 0}, {"", -1}, {"", apikeys.MaxLimit + 1}, {"x", 1}, {"ABCDEFGHIJKLMNO/", 1}} {
		_, err := c.store.List(c.t.Context(), question.cursor, question.limit)
		c.want(fmt.Sprintf("%+v", question), err, apikeys.ErrInvalid)
	}
}

func changesAtOnce(c check) {
	key := c.create()
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() {
			c.want("Touch", c.store.Touch(c.t.Context(), key.ID, Start.Add(time.Duration(n)*time.Minute)), nil)
		})
		group.Go(func() { c.want("Revoke", c.store.Revoke(c.t.Context(), key.ID, Start.Add(time.Hour)), nil) })
		group.Go(func() {
			_, err := c.store.Get(c.t.Context(), key.ID)
			c.want("Get", err, nil)
		})
	}
	group.Wait()
	if got := c.get(key.ID); !got.LastUsedAt.Equal(Start.Add(19*time.Minute)) || !got.RevokedAt.Equal(Start.Add(time.Hour)) {
		c.t.Errorf("used %s, revoked %s", got.LastUsedAt, got.RevokedAt)
	}
}

func givesUp(c check) {
	key := c.create()
	ctx, cancel := context.WithCancel(c.t.Context())
	cancel()
	_, err := c.store.Get(ctx, key.ID)
	c.want("Get", err, apikeys.ErrUnavailable)
	_, err = c.store.List(ctx, "", 1)
	c.want("List", err, apikeys.ErrUnavailable)
	other, _ := NewKey()
	c.want("Create", c.store.Create(ctx, other), apikeys.ErrUnavailable)
	c.want("Revoke", c.store.Revoke(ctx, key.ID, Start), apikeys.ErrUnavailable)
	c.want("Touch", c.store.Touch(ctx, key.ID, Start), apikeys.ErrUnavailable)
}
