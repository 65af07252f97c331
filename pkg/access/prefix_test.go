package access_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
)

func parsePrefix(t testing.TB, name string) objectkey.Prefix {
	t.Helper()
	prefix, err := objectkey.ParsePrefix(name)
	if err != nil {
		t.Fatal(err)
	}
	return prefix
}

var alice = access.Principal{Subject: "alice"}

func TestAPersonMayHaveTheWholeOfTheirFolderAndNoMore(t *testing.T) {
	authorizer := builtin(t)
	for name, want := range map[string]bool{
		"users/alice/": true, "users/alice/albums/7/": true, "users/bob/": false, "users/": false, "users/alice2/": false, "other/": false,
	} {
		if decision := authorizer.AuthorizePrefix(alice, access.Read, parsePrefix(t, name)); decision.Allowed != want || (want && !slices.Equal(decision.Policies, []string{"home"})) {
			t.Errorf("%s: %+v", name, decision)
		}
	}
	if authorizer.AuthorizePrefix(access.Principal{}, access.Read, parsePrefix(t, "users/alice/")).Allowed {
		t.Error("nobody is allowed")
	}
	if load(t, `permit (principal, action, resource);`).AuthorizePrefix(alice, access.Read, objectkey.Prefix{}).Allowed {
		t.Error("the whole bucket is allowed")
	}
}

// What allows single objects says nothing about all of them, unless it can't
// tell one from another.
func TestAPrefixIsGrantedOnlyWhereNoObjectBelowItCouldBeDenied(t *testing.T) {
	const where = `permit (principal, action, resource in Prefix::"users/alice/");`
	for name, test := range map[string]struct {
		policies string
		want     bool
	}{
		"by place":                           {where, true},
		"by place and kind":                  {`permit (principal, action, resource is Object in Prefix::"users/alice/");`, true},
		"by place, in a condition":           {`permit (principal, action, resource) when { principal is Person && resource in Prefix::"users/alice/" };`, true},
		"everything":                         {`permit (principal, action, resource);`, true},
		"a place further down":               {`permit (principal, action, resource in Prefix::"users/alice/albums/7/8/");`, false},
		"one object":                         {`permit (principal, action, resource == Object::"users/alice/albums/7/x");`, false},
		"one object, as a place":             {`permit (principal, action, resource in Object::"users/alice/albums/7/x");`, false},
		"by name":                            {`permit (principal, action, resource) when { resource.key like "users/alice/*" };`, false},
		"with an exception":                  {`permit (principal, action, resource in Prefix::"users/alice/") unless { resource in Prefix::"users/alice/albums/7/private/" };`, false},
		"with an exception inside":           {`permit (principal, action, resource) when { resource in Prefix::"users/alice/" && !(resource in Prefix::"users/alice/albums/7/private/") };`, false},
		"by either of two":                   {`permit (principal, action, resource) when { resource in Prefix::"users/alice/" || resource.key like "*.png" };`, false},
		"an exception about the person":      {`permit (principal, action, resource in Prefix::"users/alice/") unless { principal == Person::"bob" };`, true},
		"a forbid by name":                   {where + `forbid (principal, action, resource) when { resource.key like "*secret*" };`, false},
		"a forbid further down":              {where + `forbid (principal, action, resource in Prefix::"users/alice/albums/7/private/");`, false},
		"a forbid of one object":             {where + `forbid (principal, action, resource == Object::"users/alice/albums/7/x");`, false},
		"a forbid that errs":                 {where + `forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };`, false},
		"a permit that errs":                 {where + `permit (principal, action, resource) when { resource.key like "*.png" && 9223372036854775807 + 1 == 0 };`, false},
		"a forbid that knows another object": {where + `forbid (principal, action, resource) when { Object::"users/alice/albums/7/x" has key };`, false},
		"a forbid by another object's place": {where + `forbid (principal, action, resource) when { Object::"users/alice/albums/7/x" in Prefix::"users/" };`, false},
		"a forbid by another prefix's place": {where + `forbid (principal, action, resource) when { Prefix::"users/alice/albums/7/private/" in Prefix::"users/" };`, false},
		"a forbid by the place of a home":    {where + `forbid (principal is Person, action, resource) when { principal has home && principal.home in Prefix::"users/alice/albums/7/" };`, false},
		"an exception on the left":           {`permit (principal, action, resource in Prefix::"users/alice/") when { !(resource in Prefix::"users/alice/albums/7/private/") && principal is Person };`, false},
		"a prefix that depends on the name":  {`permit (principal, action, resource) when { resource in (if resource.key like "*x" then Prefix::"none/" else Prefix::"users/alice/") };`, false},
		"a left side that depends on it":     {`permit (principal, action, resource) when { (if resource.key like "*x" then Object::"y" else resource) in Prefix::"users/alice/" };`, false},
		"a type and a prefix that depend":    {`permit (principal, action, resource) when { resource is Object in (if resource.key like "*x" then Prefix::"none/" else Prefix::"users/alice/") };`, false},
		"a forbid of another action":         {where + `forbid (principal, action == Action::"delete", resource);`, true},
		"a forbid of another person":         {where + `forbid (principal == Person::"bob", action, resource);`, true},
		"a forbid on a fact that's false":    {where + `forbid (principal, action, resource) when { principal has banned };`, true},
	} {
		t.Run(name, func(t *testing.T) {
			prefix := parsePrefix(t, "users/alice/albums/7/")
			if decision := load(t, test.policies).AuthorizePrefix(alice, access.Read, prefix); decision.Allowed != test.want {
				t.Errorf("%+v", decision)
			}
		})
	}
}

// The promise that a decision about a folder stands on: what it allows, no
// object below it is denied, whatever the policies are.
func FuzzPrefixIsStricter(f *testing.F) {
	for _, policies := range []string{
		`permit (principal, action, resource in Prefix::"users/alice/");`,
		`permit (principal, action, resource) when { resource in principal.home };`,
		`permit (principal, action, resource); forbid (principal, action, resource) when { resource.key like "*a*" };`,
		`permit (principal, action, resource); permit (principal, action, resource) when { resource.nowhere };`,
		`permit (principal is Person, action, resource) when { resource has owner && resource.owner == principal };`,
		`permit (principal, action, resource); forbid (principal is Person, action, resource) when { resource has owner } unless { resource has owner && resource.owner == principal };`,
		`permit (principal, action, resource) when { resource.key == "users/alice/a" || true };`,
		`permit (principal, action, resource is Object in Prefix::"users/") unless { resource in Prefix::"users/alice/a/" };`,
		`permit (principal, action, resource); forbid (principal, action, resource) when { Object::"users/alice/secret" has key };`,
		`permit (principal, action, resource); permit (principal, action, resource) when { resource.key like "*t" && 9223372036854775807 + 1 == 0 };`,
		`permit (principal, action, resource); forbid (principal is Person, action, resource) when { principal has home && principal.home in Prefix::"users/alice/a/" };`,
	} {
		for _, child := range []string{"a", "a/b", "secret"} {
			f.Add(policies, child)
		}
	}
	f.Fuzz(func(t *testing.T, policies, child string) {
		authorizer, err := access.Load(fstest.MapFS{"fuzz.cedar": {Data: []byte(policies)}})
		if err != nil {
			return
		}
		prefix := parsePrefix(t, "users/alice/")
		key, err := prefix.Child(child)
		if err != nil {
			return
		}
		if authorizer.AuthorizePrefix(alice, access.Read, prefix).Allowed && !authorizer.Authorize(alice, access.Read, key).Allowed {
			t.Errorf("the prefix is allowed and %q below it is not, under\n%s", key, policies)
		}
	})
}
