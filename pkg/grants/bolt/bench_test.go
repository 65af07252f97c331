package bolt_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/grants/bolt"
	"github.com/signgate/signgate/pkg/grants/storetest"
	"github.com/signgate/signgate/pkg/objectkey"
)

// BenchmarkFind is the look-up of a decision in stores of growing size: whether
// a caller in three groups may have a photo, five levels deep, each time in
// another of all the albums. Every album is shared with one person.
func BenchmarkFind(b *testing.B) {
	for _, size := range []struct {
		name  string
		count int
	}{{"1k", 1_000}, {"10k", 10_000}, {"100k", 100_000}, {"1M", 1_000_000}} {
		b.Run(size.name, func(b *testing.B) {
			store := filled(b, size.count)
			questions := questions(b, size.count)
			runtime.GC() // what filling left behind
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				question := questions[n%len(questions)]
				n++
				found, err := store.Find(b.Context(), storetest.Start, question.resources, question.grantees)
				if err != nil || len(found) != 1 {
					b.Fatal(len(found), err)
				}
			}
		})
	}
}

// album is where the n-th grant is, and person whose it is.
func album(n int) string          { return fmt.Sprintf("users/%d/albums/%d/", n/10, n%10) }
func person(n int) grants.Grantee { return must(grants.Person(fmt.Sprintf("auth0|%d", n))) }
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func filled(b *testing.B, count int) *bolt.Store {
	b.Helper()
	store, err := bolt.Open(filepath.Join(b.TempDir(), "grants"), atStart)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	list := make([]grants.Grant, count)
	for n := range list {
		list[n] = storetest.NewGrant(album(n), person(n))
	}
	if err := store.Fill(list); err != nil {
		b.Fatal(err)
	}
	return store
}

// traffic is how many questions take turns: the same in every store, for it is
// not a store's size that makes many different ones.
const traffic = 1000

type question struct {
	resources []string
	grantees  []grants.Grantee
}

func questions(b *testing.B, count int) []question {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	list := make([]question, traffic)
	for i := range list {
		n := random.IntN(count)
		key, err := objectkey.Parse(album(n) + "sunrise.png")
		if err != nil {
			b.Fatal(err)
		}
		list[i] = question{grants.ResourcesOf(key), []grants.Grantee{
			grants.Everyone(), must(grants.Group("friends")), must(grants.Group("staff")), must(grants.Group("family")), person(n),
		}}
	}
	return list
}
