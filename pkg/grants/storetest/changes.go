package storetest

import (
	"context"
	"reflect"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/grants"
)

func comesBack(c check) {
	t, store := c.t, c.store
	expires := Start.Add(time.Hour + 7*time.Nanosecond)
	folder := strings.Repeat("ф", 511) + "/"
	for _, grantee := range []grants.Grantee{
		Person(t, "alice"), Person(t, "auth0|1:2/3 \x00\n%é"), Group(t, strings.Repeat("g", grants.MaxNameBytes)),
		grants.Everyone(), grants.NewSecret().Holder(),
	} {
		for _, resource := range []string{"a", "users/alice/", "users/alice/é*?.png", strings.Repeat("k", 1024), folder} {
			full := NewGrant(resource, grantee)
			full.Actions, full.Expires, full.MaxUses = []grants.Action{grants.Write, grants.Read}, &expires, 7
			full.CreatedBy, full.CreatedAt = "auth0|\x00é", Start.Add(123456789*time.Nanosecond)
			for _, grant := range []grants.Grant{NewGrant(resource, grantee), full} {
				mustCreate(t, store, grant)
				got, err := store.Get(t.Context(), grant.ID)
				if err != nil || !reflect.DeepEqual(got, grant) {
					t.Fatalf("got %+v, %v\nwant %+v", got, err, grant)
				}
			}
		}
	}
}

func givenOnce(c check) {
	t, store := c.t, c.store
	grant := NewGrant("users/alice/", grants.Everyone())
	mustCreate(t, store, grant)
	again := grant
	again.Actions = []grants.Action{grants.Write}
	mustFail(t, "another grant with the id", store.Create(t.Context(), again), grants.ErrExists)
	mustFail(t, "the same grant again", store.Create(t.Context(), grant), grants.ErrExists)
	got, err := store.Get(t.Context(), grant.ID)
	if err != nil || got.Allows(grants.Write) {
		t.Errorf("the grant has changed: %+v, %v", got, err)
	}
}

func refusesInvalid(c check) {
	t, store := c.t, c.store
	bob, early := Person(t, "bob"), time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)
	for what, spoil := range map[string]func(*grants.Grant){
		"no id":                  func(g *grants.Grant) { g.ID = "" },
		"an id of another place": func(g *grants.Grant) { g.ID = grants.NewID("users/", bob, Start) },
		"an id of another":       func(g *grants.Grant) { g.Grantee = grants.Everyone() },
		"no resource":            func(g *grants.Grant) { g.Resource = "" },
		"the whole bucket":       func(g *grants.Grant) { g.Resource = "/" },
		"a way out":              func(g *grants.Grant) { g.Resource = "users/../" },
		"nobody":                 func(g *grants.Grant) { g.Grantee = grants.Grantee{} },
		"no action":              func(g *grants.Grant) { g.Actions = nil },
		"another action":         func(g *grants.Grant) { g.Actions = []grants.Action{"own"} },
		"an action twice":        func(g *grants.Grant) { g.Actions = []grants.Action{grants.Read, grants.Read} },
		"a negative limit":       func(g *grants.Grant) { g.MaxUses = -1 },
		"used already":           func(g *grants.Grant) { g.Uses = 1 },
		"nobody's":               func(g *grants.Grant) { g.CreatedBy = "" },
		"no time":                func(g *grants.Grant) { g.CreatedAt = time.Time{} },
		"an end before 1970":     func(g *grants.Grant) { g.Expires = &early },
	} {
		grant := NewGrant("users/alice/", bob)
		spoil(&grant)
		mustFail(t, what, store.Create(t.Context(), grant), grants.ErrInvalid)
	}
	MustFind(t, store, []string{"users/alice/", "users/../", "/", ""}, []grants.Grantee{bob, grants.Everyone()})
}

func takenBack(c check) {
	t, store := c.t, c.store
	bob, resources := Person(t, "bob"), []string{"users/", "users/alice/"}
	expires := Start.Add(time.Hour)
	grant := NewGrant("users/alice/", bob)
	grant.Expires = &expires
	kept := mustCreate(t, store, NewGrant("users/alice/", bob))
	MustFind(t, store, resources, []grants.Grantee{bob}, mustCreate(t, store, grant), kept)
	if err := store.Delete(t.Context(), grant.ID); err != nil {
		t.Fatal(err)
	}
	MustFind(t, store, resources, []grants.Grantee{bob}, kept)
	_, err := store.Get(t.Context(), grant.ID)
	mustFail(t, "Get", err, grants.ErrNotFound)
	mustFail(t, "Use", store.Use(t.Context(), grant.ID, Start), grants.ErrNotFound)
	for range 2 {
		mustFail(t, "Delete again", store.Delete(t.Context(), grant.ID), grants.ErrNotFound)
	}
	mustBe(t, everyPage(t, 10, listOf(t, store, "users/alice/")), []string{kept})
	mustBe(t, everyPage(t, 10, listFor(t, store, bob)), []string{kept})
}

func absent(c check) {
	t, store := c.t, c.store
	for _, id := range []string{"", "x", NewGrant("users/", grants.Everyone()).ID, strings.Repeat("é", 36), strings.Repeat("=", 72), strings.Repeat("\n", 72)} {
		_, err := store.Get(t.Context(), id)
		mustFail(t, "Get", err, grants.ErrNotFound)
		mustFail(t, "Delete", store.Delete(t.Context(), id), grants.ErrNotFound)
		mustFail(t, "Use", store.Use(t.Context(), id, Start), grants.ErrNotFound)
	}
	MustFind(t, store, []string{"users/"}, []grants.Grantee{grants.Everyone()})
	MustFind(t, store, nil, []grants.Grantee{grants.Everyone()})
	MustFind(t, store, []string{"users/"}, nil)
}

func givesUp(c check) {
	t, store := c.t, c.store
	grant := NewGrant("users/", grants.Everyone())
	mustCreate(t, store, grant)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Find(ctx, Start, []string{"users/"}, []grants.Grantee{grants.Everyone()})
	mustFail(t, "Find", err, grants.ErrUnavailable)
	mustFail(t, "Find", err, context.Canceled)
	_, err = store.Get(ctx, grant.ID)
	mustFail(t, "Get", err, grants.ErrUnavailable)
	_, err = store.OnResource(ctx, "users/", "", 1)
	mustFail(t, "OnResource", err, grants.ErrUnavailable)
	_, err = store.ForGrantee(ctx, grants.Everyone(), "", 1)
	mustFail(t, "ForGrantee", err, grants.ErrUnavailable)
	mustFail(t, "Use", store.Use(ctx, grant.ID, Start), grants.ErrUnavailable)
	mustFail(t, "Create", store.Create(ctx, NewGrant("users/", grants.Everyone())), grants.ErrUnavailable)
	mustFail(t, "Delete", store.Delete(ctx, grant.ID), grants.ErrUnavailable)
}
