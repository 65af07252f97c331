package grants_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/objectkey"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestAnIDSaysWhereAGrantLiesAndWhenItWasMade(t *testing.T) {
	early, late := grants.NewID("users/", grants.Everyone(), start), grants.NewID("users/", grants.Everyone(), start.Add(time.Millisecond))
	first, err := grants.ParseID(early)
	if err != nil {
		t.Fatal(err)
	}
	second, err := grants.ParseID(late)
	if err != nil {
		t.Fatal(err)
	}
	if first.Resource != grants.MarkOf("users/") || first.Grantee != grants.Everyone().Mark() || first.Resource != second.Resource || first.Grantee != second.Grantee {
		t.Errorf("%+v, %+v", first, second)
	}
	if bytes.Compare(first.Serial[:], second.Serial[:]) >= 0 || first.Serial.String() >= second.Serial.String() || early >= late {
		t.Errorf("%s isn't before %s", early, late)
	}
	if early == grants.NewID("users/", grants.Everyone(), start) {
		t.Error("an id came twice")
	}
}

func TestAGrantHoldsUntilItsEndAndItsLastUse(t *testing.T) {
	end := start.Add(time.Hour)
	for what, example := range map[string]struct {
		grant grants.Grant
		now   time.Time
		want  error
	}{
		"without an end":         {grants.Grant{}, end, nil},
		"before its end":         {grants.Grant{Expires: &end}, end.Add(-1), nil},
		"at its end":             {grants.Grant{Expires: &end}, end, grants.ErrExpired},
		"after its end":          {grants.Grant{Expires: &end}, end.Add(1), grants.ErrExpired},
		"used without a limit":   {grants.Grant{Uses: 99}, end, nil},
		"with a use left":        {grants.Grant{MaxUses: 2, Uses: 1}, end, nil},
		"without one":            {grants.Grant{MaxUses: 2, Uses: 2}, end, grants.ErrUsedUp},
		"used more than allowed": {grants.Grant{MaxUses: 2, Uses: 3}, end, grants.ErrUsedUp},
	} {
		if err := example.grant.Holds(example.now); !errors.Is(err, example.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAGrantAllowsWhatItSaysAndNoMore(t *testing.T) {
	reading := grants.Grant{Actions: []grants.Action{grants.Read}}
	if !reading.Allows(grants.Read) || reading.Allows(grants.Write) || reading.Allows("") || (grants.Grant{}).Allows("") {
		t.Error("a grant to read allows something else")
	}
}

func TestAKeyIsSharedThroughItselfAndEveryFolderAboveIt(t *testing.T) {
	key, err := objectkey.Parse("users/alice/a.png")
	if err != nil {
		t.Fatal(err)
	}
	if got := grants.ResourcesOf(key); !slices.Equal(got, []string{"users/", "users/alice/", "users/alice/a.png"}) {
		t.Errorf("%q", got)
	}
	prefix, err := objectkey.ParsePrefix("users/alice/")
	if err != nil {
		t.Fatal(err)
	}
	if got := grants.ResourcesOfPrefix(prefix); !slices.Equal(got, []string{"users/", "users/alice/"}) {
		t.Errorf("%q", got)
	}
	if got := grants.ResourcesOfPrefix(objectkey.Prefix{}); len(got) != 0 {
		t.Errorf("no prefix: %q", got)
	}
}
