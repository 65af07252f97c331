package access_test

import (
	"testing"

	"github.com/signgate/signgate/pkg/access"
)

func TestWhySaysOfEveryPolicyWhatItDoesToAQuestion(t *testing.T) {
	authorizer := load(t, `
		@id("a-home") permit (principal is Person, action == Action::"read", resource) when { principal has home && resource in principal.home && resource.key like "*.png" };
		@id("b-held") forbid (principal, action, resource) unless { resource in Prefix::"users/" };
		@id("c-other") permit (principal, action == Action::"delete", resource);`)
	alice := access.Principal{Subject: "alice"}
	for key, want := range map[string][]access.Reason{
		"users/alice/a.png": {{"a-home", "permit", true, ""}, {"b-held", "forbid", false, `unless { resource in Prefix::"users/" }`}, {"c-other", "permit", false, "scope"}},
		"users/alice/a.gif": {{"a-home", "permit", false, `when { resource.key like "*.png" }`}, {"b-held", "forbid", false, `unless { resource in Prefix::"users/" }`}, {"c-other", "permit", false, "scope"}},
		"other/a.png":       {{"a-home", "permit", false, `when { resource in principal.home }`}, {"b-held", "forbid", true, ""}, {"c-other", "permit", false, "scope"}},
	} {
		got := authorizer.Why(alice, access.Read, parseKey(t, key))
		for n := range want {
			if len(got) != len(want) || got[n] != want[n] {
				t.Errorf("%s: %+v, want %+v", key, got, want)
				break
			}
		}
	}
	if got := authorizer.Why(access.Principal{}, access.Read, parseKey(t, "a")); got != nil {
		t.Errorf("nobody: %+v", got)
	}
}
