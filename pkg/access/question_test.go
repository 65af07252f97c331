package access_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/signgate/signgate/pkg/access"
)

// However often a question was asked before, and with whatever was shared, its
// answer is the one of somebody who asks for the first time.
func TestAQuestionThatIsAskedAgainIsAnsweredAsIfForTheFirstTime(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	oneOf := func(all ...string) string { return all[random.IntN(len(all))] }
	condition := func() string {
		return oneOf(
			`context.granted.contains("read")`, `!context.granted.contains("read")`, `context.granted.contains("write") || resource in Prefix::"users/"`,
			`resource in Prefix::"users/alice/"`, `principal has home && resource in principal.home`, `principal in Group::"staff"`, `resource.key like "*.png"`, `true`,
			`9223372036854775807 + 1 == 0`, // errs
			`context.granted.contains("read") && 9223372036854775807 + 1 == 0`,
		)
	}
	allowed, denied, erred := 0, 0, 0
	for range 300 {
		var policies strings.Builder
		for range 1 + random.IntN(5) {
			fmt.Fprintf(&policies, "%s (principal is Person, action, resource is Object) when { %s };\n", oneOf("permit", "permit", "forbid"), condition())
		}
		authorizer, err := access.Load(fstest.MapFS{"a.cedar": {Data: []byte(policies.String())}})
		if err != nil {
			t.Fatalf("%s: %v", policies.String(), err)
		}
		principal := access.Principal{Subject: oneOf("alice", "bob"), Groups: []string{oneOf("staff", "guests")}}
		key := parseKey(t, oneOf("users/alice/a.png", "users/bob/a.txt", "shared/a.png"))
		question := authorizer.Ask(principal, access.Read, key)
		for range 4 {
			var granted []access.Action
			for _, action := range []access.Action{access.Read, access.Write} {
				if random.IntN(2) == 0 {
					granted = append(granted, action)
				}
			}
			want := authorizer.Authorize(principal, access.Read, key, granted...)
			if got := question.Answer(granted...); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s%+v of %s, shared %v: %+v, for the first time %+v", policies.String(), principal, key, granted, got, want)
			}
			switch {
			case len(want.Errors) > 0:
				erred++
			case want.Allowed:
				allowed++
			default:
				denied++
			}
		}
	}
	if allowed < 100 || denied < 100 || erred < 100 {
		t.Errorf("%d allowed, %d denied, %d erred: that says little", allowed, denied, erred)
	}
}

func TestNobodysQuestionIsNeverAnsweredByYes(t *testing.T) {
	authorizer, err := access.Load(fstest.MapFS{"a.cedar": {Data: []byte("permit (principal, action, resource);")}})
	if err != nil {
		t.Fatal(err)
	}
	key := parseKey(t, "users/alice/a.png")
	for name, question := range map[string]*access.Question{
		"nobody":       authorizer.Ask(access.Principal{}, access.Read, key),
		"beyond scope": authorizer.Ask(access.Principal{Kind: access.Machine, Subject: "key:a", Scopes: []string{"read:users/bob/"}}, access.Read, key),
	} {
		for range 2 {
			if question.Answer(access.Read).Allowed {
				t.Errorf("%s may", name)
			}
		}
	}
}
