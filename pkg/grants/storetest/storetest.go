// Package storetest holds what every grants.Store promises, as tests: a store
// that passes Run can take the place of any other.
package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/grants"
)

// Start is when the tests play. A store with a clock of its own must not be
// past it.
var Start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant, as far as Go has them for times

// Run runs all tests, each on a store of its own, which open makes and ends.
func Run(t *testing.T, open func(t *testing.T) grants.Store) {
	t.Helper()
	for name, test := range map[string]func(check){
		"a grant comes back as it was given":                   comesBack,
		"an id is given once":                                  givenOnce,
		"what is no grant is refused":                          refusesInvalid,
		"a grant that was taken back is gone":                  takenBack,
		"what isn't there isn't found":                         absent,
		"only the grants asked for are found":                  findsOnlyAskedFor,
		"nothing is found for names that look alike":           keepsLookalikesApart,
		"what expired or is used up isn't found":               findsWhatHolds,
		"a question that can't be meant is refused":            refusesQuestions,
		"who can see a resource is listed in pages":            listsResource,
		"what is shared with somebody is listed, newest first": listsGrantee,
		"cursors of other lists are refused":                   refusesCursors,
		"a grant is used as often as it may be":                usesUp,
		"a hundred at once share ten uses":                     usesAtOnce,
		"of a hundred at once one creates a grant":             createsAtOnce,
		"a caller who gave up gets an error, not an answer":    givesUp,
		"no sequence of changes finds what wasn't asked for":   findsLikeAModel,
	} {
		t.Run(name, func(t *testing.T) { test(check{t, open(t)}) })
	}
}

// check is one test and the store that it is about.
type check struct {
	t     *testing.T
	store grants.Store
}

// NewGrant makes a grant to read a resource.
func NewGrant(resource string, grantee grants.Grantee) grants.Grant {
	return grants.Grant{
		ID: grants.NewID(resource, grantee, Start), Resource: resource, Grantee: grantee,
		Actions: []grants.Action{grants.Read}, CreatedBy: "alice", CreatedAt: Start,
	}
}

// Person is grants.Person for names that are known to be right.
func Person(t testing.TB, subject string) grants.Grantee {
	t.Helper()
	grantee, err := grants.Person(subject)
	if err != nil {
		t.Fatal(err)
	}
	return grantee
}

// Group is grants.Group for names that are known to be right.
func Group(t testing.TB, name string) grants.Grantee {
	t.Helper()
	grantee, err := grants.Group(name)
	if err != nil {
		t.Fatal(err)
	}
	return grantee
}

// MustFind wants Find to return exactly these grants.
func MustFind(t testing.TB, store grants.Store, resources []string, grantees []grants.Grantee, want ...string) {
	t.Helper()
	found, err := store.Find(t.Context(), Start, resources, grantees)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	mustBe(t, found, want)
}

func mustBe(t testing.TB, found []grants.Grant, want []string) {
	t.Helper()
	got := ids(found)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Fatalf("found %d grants, want %d\n got %q\nwant %q", len(got), len(want), got, want)
	}
}

func ids(found []grants.Grant) []string {
	list := make([]string, 0, len(found))
	for _, grant := range found {
		list = append(list, grant.ID)
	}
	return list
}

func mustCreate(t testing.TB, store grants.Store, grant grants.Grant) string {
	t.Helper()
	if err := store.Create(t.Context(), grant); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return grant.ID
}

func mustFail(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
