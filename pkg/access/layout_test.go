package access_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
)

func parseLayout(t testing.TB, texts ...string) access.Layout {
	t.Helper()
	layout, err := access.ParseLayout(texts)
	if err != nil {
		t.Fatal(err)
	}
	return layout
}

func laidOut(t testing.TB, layout access.Layout, policies string) *access.Authorizer {
	t.Helper()
	authorizer, err := access.LoadWithLayout(fstest.MapFS{"test.cedar": {Data: []byte(policies)}}, layout)
	if err != nil {
		t.Fatal(err)
	}
	return authorizer
}

const (
	ownersPolicy = `@id("own") permit (principal is Person, action, resource) when { resource has owner && resource.owner == principal };`
	tenantPolicy = `@id("ours") permit (principal is Person, action, resource) when { principal has tenant && resource has tenant && resource.tenant == principal.tenant };`
)

func TestTheLayoutOfKeysSaysWhoseAnObjectIs(t *testing.T) {
	layout := parseLayout(t, "users/{owner}/", "tenants/{tenant}/", "tenants/{tenant}/people/{owner}/", "shared/drop/{owner}/")
	member := access.Principal{Subject: "alice", Tenant: "a"}
	for key, want := range map[string][2]bool{ // by owner, by tenant
		"users/alice/x":             {true, false},
		"users/alice/deep/x":        {true, false},
		"users/alice":               {false, false},
		"users/alice2/x":            {false, false},
		"users/bob/alice/x":         {false, false},
		"other/alice/x":             {false, false},
		"tenants/a/x":               {false, true},
		"tenants/a/people/alice/x":  {true, true},
		"tenants/b/people/alice/x":  {true, false},
		"tenants/a/people/alice":    {false, true},
		"tenants/a/else/alice/x":    {false, true},
		"tenants/a":                 {false, false},
		"shared/drop/alice/x":       {true, false},
		"shared/alice/x":            {false, false},
		"users/{owner}/x":           {false, false},
		"tenants/b/tenants/a/alice": {false, false},
	} {
		for n, policy := range []string{ownersPolicy, tenantPolicy} {
			if got := laidOut(t, layout, policy).Authorize(member, access.Read, parseKey(t, key)); got.Allowed != want[n] || len(got.Errors) > 0 {
				t.Errorf("%s, policy %d: %+v", key, n, got)
			}
		}
	}
}

func TestALayoutThatCouldSayTwoThingsIsRefused(t *testing.T) {
	for _, texts := range [][]string{
		{"users/{owner}"}, {"users/"}, {"users/{subject}/"}, {"users/{owner}x/"}, {"users/{owner/"}, {"{owner}/{owner}/"}, {"/{owner}/"}, {""}, {"users/{}/"},
		{"{owner}/x/", "y/{owner}/"}, {"users/{owner}/", "users/x/{owner}/"}, {"a/{tenant}/{owner}/", "a/{owner}/"}, {"../{owner}/"},
	} {
		if _, err := access.ParseLayout(texts); !errors.Is(err, access.ErrLayout) {
			t.Errorf("%q: %v", texts, err)
		}
	}
	for _, texts := range [][]string{nil, {"{owner}/"}, {"a/{owner}/", "b/x/{owner}/"}, {"t/{tenant}/", "t/{tenant}/u/{owner}/"}, {"a/{owner}/{tenant}/", "b/{tenant}/{owner}/"}} {
		if _, err := access.ParseLayout(texts); err != nil {
			t.Errorf("%q: %v", texts, err)
		}
	}
}

func TestAPrefixIsGrantedByOwnerOrTenantWhereAllBelowItHasTheSame(t *testing.T) {
	layout := parseLayout(t, "users/{owner}/", "tenants/{tenant}/", "tenants/{tenant}/people/{owner}/")
	const apart = `permit (principal, action, resource); forbid (principal, action, resource) when { resource has tenant }
		unless { principal is Person && principal has tenant && resource has tenant && resource.tenant == principal.tenant };`
	const notOthers = `permit (principal, action, resource); forbid (principal is Person, action, resource) when { resource has owner && resource.owner != principal };`
	member := access.Principal{Subject: "alice", Tenant: "a"}
	for _, test := range []struct {
		policies, prefix string
		want             bool
	}{
		{ownersPolicy, "users/alice/", true}, {ownersPolicy, "users/alice/deep/", true}, {ownersPolicy, "users/bob/", false}, {ownersPolicy, "users/", false},
		{ownersPolicy, "tenants/a/", false}, {ownersPolicy, "tenants/a/people/", false}, {ownersPolicy, "tenants/a/people/alice/", true}, {ownersPolicy, "else/", false},
		{tenantPolicy, "tenants/a/", true}, {tenantPolicy, "tenants/a/people/", true}, {tenantPolicy, "tenants/b/", false}, {tenantPolicy, "tenants/", false},
		{apart, "tenants/a/", true}, {apart, "tenants/b/", false}, {apart, "tenants/", false}, {apart, "users/", true}, {apart, "else/", true},
		{notOthers, "users/alice/", true}, {notOthers, "users/bob/", false}, {notOthers, "users/", false}, {notOthers, "tenants/a/", false}, {notOthers, "tenants/a/x/", true}, {notOthers, "else/", true},
		{apart + `forbid (principal, action, resource) when { resource has tenant && resource.key like "*secret*" };`, "tenants/a/", false},
		{apart + `forbid (principal, action, resource) when { resource has tenant && 9007199254740993 == 9007199254740992 };`, "tenants/a/", true},
		{`permit (principal is Person, action, resource) when { resource has owner && resource.owner == principal && resource.key like "*.png" };`, "users/alice/", false},
		{`permit (principal is Person, action, resource) unless { resource has owner };`, "users/", false},
		{`permit (principal is Person, action, resource) unless { resource has owner };`, "else/", true},
	} {
		if got := laidOut(t, layout, test.policies).AuthorizePrefix(member, access.Read, parsePrefix(t, test.prefix)); got.Allowed != test.want || len(got.Errors) > 0 {
			t.Errorf("%s under\n%s\n%+v", test.prefix, test.policies, got)
		}
	}
}

// What an allowed prefix promises, for layouts, policies and keys of all kinds.
func TestNoKeyBelowAnAllowedPrefixIsDenied(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	oneOf := func(all ...string) string { return all[random.IntN(len(all))] }
	conditions := []string{
		`resource has owner`, `resource has tenant`, `(resource has owner && resource.owner == principal)`, `(resource has owner && resource.owner != principal)`,
		`(principal has tenant && resource has tenant && resource.tenant == principal.tenant)`, `(resource has tenant && resource.tenant == Tenant::"b")`,
		`resource in Prefix::"a/"`, `resource in Prefix::"a/alice/"`, `resource.key like "*x*"`, `true`,
	}
	segments := []string{"a", "b", "alice", "x"}
	folders := func(depth int) string {
		var text strings.Builder
		for range depth {
			text.WriteString(oneOf(segments...) + "/")
		}
		return text.String()
	}
	allowed := 0
	for range 800 {
		var texts []string
		for range 1 + random.IntN(3) {
			texts = append(texts, oneOf("", "a/", "b/")+oneOf("{owner}/", "{tenant}/", "{tenant}/x/{owner}/", "alice/{tenant}/", "{owner}/{tenant}/"))
		}
		layout, err := access.ParseLayout(texts)
		if err != nil {
			continue
		}
		var policies strings.Builder
		for range 1 + random.IntN(3) {
			policies.WriteString(oneOf("permit", "permit", "forbid") + " (principal is Person, action, resource) " + oneOf("when", "when", "unless") +
				" { " + oneOf("", "", "!") + "(" + oneOf(conditions...) + oneOf(" && ", " || ") + oneOf(conditions...) + ") };\n")
		}
		authorizer, err := access.LoadWithLayout(fstest.MapFS{"test.cedar": {Data: []byte(policies.String())}}, layout)
		if err != nil {
			continue // some conditions can't hold together
		}
		principal := access.Principal{Subject: "alice", Tenant: oneOf("a", "b", "")}
		for range 20 {
			name := folders(1 + random.IntN(3))
			if !authorizer.AuthorizePrefix(principal, access.Read, parsePrefix(t, name)).Allowed {
				continue
			}
			allowed++
			for range 10 {
				key := parseKey(t, name+folders(random.IntN(3))+oneOf(segments...))
				if got := authorizer.Authorize(principal, access.Read, key); !got.Allowed {
					t.Fatalf("%s is allowed, %s is not, for the tenant %q, laid out as %q, under\n%s", name, key, principal.Tenant, texts, policies.String())
				}
			}
		}
	}
	if allowed < 200 {
		t.Errorf("only %d prefixes were allowed: this says little", allowed)
	}
}

func FuzzLayout(f *testing.F) {
	for _, seed := range []string{"users/{owner}/", "t/{tenant}/\nt/{tenant}/u/{owner}/", "{owner}/\n{tenant}/{owner}/", "{/}/"} {
		f.Add(seed, "users/alice/x")
	}
	f.Fuzz(func(t *testing.T, texts, name string) {
		layout, err := access.ParseLayout(strings.Split(texts, "\n"))
		key, keyErr := objectkey.Parse(name)
		if err != nil || keyErr != nil {
			return
		}
		authorizer, err := access.LoadWithLayout(fstest.MapFS{"test.cedar": {Data: []byte(ownersPolicy + tenantPolicy)}}, layout)
		if err != nil {
			t.Fatal(err)
		}
		got := authorizer.Authorize(access.Principal{Subject: "alice", Tenant: "a"}, access.Read, key)
		if len(got.Errors) > 0 || got.Allowed && !slices.Contains(strings.Split(name, "/"), "alice") && !slices.Contains(strings.Split(name, "/"), "a") {
			t.Errorf("%q of %q: %+v", name, texts, got)
		}
	})
}
