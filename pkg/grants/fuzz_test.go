package grants_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/grants"
)

// What is read is what would be written, so that one grantee, id or secret has
// one text; everything else is refused with ErrInvalid and nothing beside it.
func FuzzParseGrantee(f *testing.F) {
	for _, seed := range []string{"everyone", "person:alice", "person:a%3Ab", "person:a:b", "group:%C3%A9", "group:%c3%a9", "link:" + strings.Repeat("A", 43), "", ":", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		grantee, err := grants.ParseGrantee(text)
		if err != nil {
			if !errors.Is(err, grants.ErrInvalid) || !grantee.IsZero() {
				t.Fatalf("%q: %v, %v", text, grantee, err)
			}
		} else if grantee.IsZero() || grantee.String() != text || len(grantee.Name()) > grants.MaxNameBytes {
			t.Fatalf("%q is read as %q", text, grantee)
		}
		named, err := grants.Person(text)
		if err != nil {
			return
		}
		if back, err := grants.ParseGrantee(named.String()); err != nil || back != named {
			t.Fatalf("the person %q is read as %v, %v", text, back, err)
		}
	})
}

func FuzzParseSecret(f *testing.F) {
	for _, seed := range []string{grants.NewSecret().Reveal(), grants.SecretPrefix + strings.Repeat("A", 43), grants.SecretPrefix + strings.Repeat("A", 41) + "\n\n", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := grants.ParseSecret(text)
		if err != nil {
			if !errors.Is(err, grants.ErrInvalid) || secret != (grants.Secret{}) {
				t.Fatalf("%q: %v", text, err)
			}
		} else if secret.Reveal() != text || secret.Holder().IsZero() {
			t.Fatalf("%q is read as %q", text, secret.Reveal())
		}
	})
}

func FuzzParseCursor(f *testing.F) {
	id := grants.NewID("users/", grants.Everyone(), start)
	for _, seed := range []string{id, strings.ToLower(id), id[:71] + "\n", id[:70] + "==", "", strings.Repeat("0", 72), strings.Repeat("W", 72)} {
		f.Add(seed, 10)
	}
	f.Add(id, 0)
	f.Add(id, grants.MaxLimit+1)
	f.Fuzz(func(t *testing.T, cursor string, limit int) {
		place, err := grants.ParseCursor(cursor, limit)
		switch {
		case err != nil:
			if !errors.Is(err, grants.ErrInvalid) || place != (grants.Place{}) {
				t.Fatalf("%q: %v, %v", cursor, place, err)
			}
		case limit < 1 || limit > grants.MaxLimit:
			t.Fatalf("a page of %d", limit)
		case cursor == "":
			if place != (grants.Place{}) {
				t.Fatal("the first page begins somewhere")
			}
		case place.ID() != cursor:
			t.Fatalf("%q is read as %q", cursor, place.ID())
		}
	})
}
