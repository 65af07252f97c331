package storetest

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/signgate/signgate/pkg/grants"
)

func findsOnlyAskedFor(c check) {
	t, store := c.t, c.store
	bob, friends := Person(t, "bob"), Group(t, "friends")
	onKey := mustCreate(t, store, NewGrant("users/alice/a.png", bob))
	onAlbum := mustCreate(t, store, NewGrant("users/alice/", friends))
	again := mustCreate(t, store, NewGrant("users/alice/", friends))
	onAll := mustCreate(t, store, NewGrant("users/", grants.Everyone()))
	mustCreate(t, store, NewGrant("users/alice/", Person(t, "carol")))
	mustCreate(t, store, NewGrant("users/alice/b.png", bob))
	mustCreate(t, store, NewGrant("users/alice", bob))
	resources := []string{"users/", "users/alice/", "users/alice/a.png"}
	MustFind(t, store, resources, []grants.Grantee{bob, friends, grants.Everyone()}, onKey, onAlbum, again, onAll)
	MustFind(t, store, resources, []grants.Grantee{bob}, onKey)
	MustFind(t, store, resources, []grants.Grantee{friends, friends}, onAlbum, again)
	MustFind(t, store, slices.Repeat(resources, 9), slices.Repeat([]grants.Grantee{bob, grants.Everyone()}, 9), onKey, onAll)
	MustFind(t, store, resources[2:], []grants.Grantee{friends, grants.Everyone()})
	MustFind(t, store, []string{"users/alice/a.png", "users/alice/", "users/"}, []grants.Grantee{grants.Everyone(), friends}, onAlbum, again, onAll)
}

func keepsLookalikesApart(c check) {
	t, store := c.t, c.store
	holder := grants.NewSecret().Holder()
	grantees := []grants.Grantee{
		grants.Everyone(), Person(t, "everyone"), Group(t, "everyone"), Person(t, "group:everyone"), Person(t, "a"), Group(t, "a"), Person(t, "A"),
		Person(t, "a "), Person(t, "a\x00"), Person(t, "a:b"), Person(t, "a%3Ab"), holder, Person(t, holder.String()), grants.NewSecret().Holder(),
	}
	resources := []string{"a", "a/", "a/b", "a/b/", "A", "a b", "a%20b", "ab", "a!", "a/!"}
	for _, resource := range resources {
		for _, grantee := range grantees {
			id := mustCreate(t, store, NewGrant(resource, grantee))
			MustFind(t, store, []string{resource}, []grants.Grantee{grantee}, id)
		}
	}
	MustFind(t, store, []string{"a\x00", "a/\x00b", "", "/", "*"}, grantees)
}

func findsWhatHolds(c check) {
	t, store := c.t, c.store
	everyone, resources := []grants.Grantee{grants.Everyone()}, []string{"users/"}
	limited := NewGrant("users/", grants.Everyone())
	limited.MaxUses = 1
	mustCreate(t, store, limited)
	ends := Start.Add(time.Minute)
	ending := NewGrant("users/", grants.Everyone())
	ending.Expires = &ends
	mustCreate(t, store, ending)
	MustFind(t, store, resources, everyone, limited.ID, ending.ID)
	if err := store.Use(t.Context(), limited.ID, Start); err != nil {
		t.Fatal(err)
	}
	MustFind(t, store, resources, everyone, ending.ID)
	for _, now := range []time.Time{ends.Add(-1), ends, ends.Add(time.Hour)} {
		found, err := store.Find(t.Context(), now, resources, everyone)
		if err != nil || (len(found) == 1) != now.Before(ends) {
			t.Errorf("at %s: %d grants, %v", now, len(found), err)
		}
	}
}

func refusesQuestions(c check) {
	t, store := c.t, c.store
	_, err := store.Find(t.Context(), Start, []string{"users/"}, []grants.Grantee{grants.Everyone(), {}})
	mustFail(t, "nobody asks", err, grants.ErrInvalid)
	_, err = store.Find(t.Context(), Start, make([]string, grants.MaxPairs), slices.Repeat([]grants.Grantee{grants.Everyone()}, 2))
	mustFail(t, "too many pairs", err, grants.ErrInvalid)
}

// findsLikeAModel compares the store with a list after each of many changes
// at random, asking for everything at random.
func findsLikeAModel(c check) {
	t, store := c.t, c.store
	seed := rand.Uint64() //nolint:gosec // for a test, whose failure names it
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // likewise
	resources := []string{"a", "a/", "a/b", "a/b/", "a/b/c", "a!", "ab/", "b"}
	grantees := []grants.Grantee{grants.Everyone(), Person(t, "a"), Group(t, "a"), Person(t, "b"), Person(t, "everyone"), grants.NewSecret().Holder()}
	var model []grants.Grant
	for range 300 {
		if len(model) > 0 && random.IntN(3) == 0 {
			n := random.IntN(len(model))
			if err := store.Delete(t.Context(), model[n].ID); err != nil {
				t.Fatal(err)
			}
			model = slices.Delete(model, n, n+1)
		} else {
			grant := NewGrant(resources[random.IntN(len(resources))], grantees[random.IntN(len(grantees))])
			mustCreate(t, store, grant)
			model = append(model, grant)
		}
		askedResources, askedGrantees := some(random, resources), some(random, grantees)
		var want []string
		for _, grant := range model {
			if slices.Contains(askedResources, grant.Resource) && slices.Contains(askedGrantees, grant.Grantee) {
				want = append(want, grant.ID)
			}
		}
		MustFind(t, store, askedResources, askedGrantees, want...)
	}
}

// some returns some of a list, in any order.
func some[T any](random *rand.Rand, list []T) []T {
	mixed := slices.Clone(list)
	random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	return mixed[:random.IntN(len(mixed)+1)]
}
