package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/grants"
)

// list asks for one page.
type list func(cursor string, limit int) (grants.Page, error)

func listOf(t *testing.T, store grants.Store, resource string) list {
	t.Helper()
	return func(cursor string, limit int) (grants.Page, error) {
		return store.OnResource(t.Context(), resource, cursor, limit)
	}
}

func listFor(t *testing.T, store grants.Store, grantee grants.Grantee) list {
	t.Helper()
	return func(cursor string, limit int) (grants.Page, error) {
		return store.ForGrantee(t.Context(), grantee, cursor, limit)
	}
}

// everyPage follows the cursors to the end.
func everyPage(t *testing.T, limit int, next list) []grants.Grant {
	t.Helper()
	var all []grants.Grant
	for cursor := ""; ; {
		page, err := next(cursor, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Grants) > limit || (page.Next != "" && len(page.Grants) == 0) {
			t.Fatalf("a page of %d has %d grants", limit, len(page.Grants))
		}
		if all = append(all, page.Grants...); len(all) > grants.MaxLimit {
			t.Fatal("the pages don't end")
		}
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

func listsResource(c check) {
	t, store := c.t, c.store
	want := make([]string, 0, 23)
	for n := range 23 {
		want = append(want, mustCreate(t, store, NewGrant("users/alice/", Person(t, fmt.Sprint("friend ", n%7)))))
	}
	for _, near := range []string{"users/alice", "users/alice/a", "users/alice!", "users/", "users/alicf/"} {
		mustCreate(t, store, NewGrant(near, Person(t, "friend 1")))
	}
	for _, limit := range []int{1, 2, 22, 23, 24, grants.MaxLimit} {
		mustBe(t, everyPage(t, limit, listOf(t, store, "users/alice/")), want)
	}
	mustBe(t, everyPage(t, 5, listOf(t, store, "users/bob/")), nil)
	first, err := store.OnResource(t.Context(), "users/alice/", "", 5)
	if err != nil {
		t.Fatal(err)
	}
	// The grant that a cursor names may be gone when the next page is asked for.
	if err := store.Delete(t.Context(), first.Grants[4].ID); err != nil {
		t.Fatal(err)
	}
	second, err := store.OnResource(t.Context(), "users/alice/", first.Next, grants.MaxLimit)
	if err != nil {
		t.Fatal(err)
	}
	mustBe(t, append(first.Grants, second.Grants...), want)
}

func listsGrantee(c check) {
	t, store := c.t, c.store
	bob := Person(t, "bob")
	want := make([]string, 0, 23)
	for n := range 23 {
		at := Start.Add(time.Duration(n*7%23) * time.Second)
		grant := NewGrant(fmt.Sprintf("users/alice/%d.png", n%9), bob)
		grant.ID, grant.CreatedAt = grants.NewID(grant.Resource, bob, at), at
		want = append(want, mustCreate(t, store, grant))
		mustCreate(t, store, NewGrant(grant.Resource, Person(t, fmt.Sprint("other ", n))))
	}
	for _, limit := range []int{1, 2, 22, 23, 24, grants.MaxLimit} {
		all := everyPage(t, limit, listFor(t, store, bob))
		mustBe(t, all, want)
		if !slices.IsSortedFunc(all, func(a, b grants.Grant) int { return b.CreatedAt.Compare(a.CreatedAt) }) {
			t.Errorf("in pages of %d the newest aren't first", limit)
		}
	}
	mustBe(t, everyPage(t, 5, listFor(t, store, Group(t, "bob"))), nil)
	mustBe(t, everyPage(t, 5, listFor(t, store, grants.Everyone())), nil)
}

func refusesCursors(c check) {
	t, store := c.t, c.store
	bob, carol := Person(t, "bob"), Person(t, "carol")
	mustCreate(t, store, NewGrant("users/alice/", bob))
	for _, cursor := range []string{"x", "=", NewGrant("users/", carol).ID + "A", NewGrant("users/", carol).ID} {
		_, err := store.OnResource(t.Context(), "users/alice/", cursor, 10)
		mustFail(t, "OnResource after "+cursor, err, grants.ErrInvalid)
		_, err = store.ForGrantee(t.Context(), bob, cursor, 10)
		mustFail(t, "ForGrantee after "+cursor, err, grants.ErrInvalid)
	}
	for _, limit := range []int{-1, 0, grants.MaxLimit + 1} {
		_, err := store.OnResource(t.Context(), "users/alice/", "", limit)
		mustFail(t, "OnResource", err, grants.ErrInvalid)
		_, err = store.ForGrantee(t.Context(), bob, "", limit)
		mustFail(t, "ForGrantee", err, grants.ErrInvalid)
	}
}
