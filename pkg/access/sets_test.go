package access_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
)

func TestTheSetsThatComeWithUsAnswerTheirOwnTests(t *testing.T) {
	for _, name := range access.Sets() {
		folder, err := access.Set(name)
		if err != nil {
			t.Fatal(err)
		}
		authorizer, err := access.Load(folder)
		if err != nil {
			t.Fatal(err)
		}
		tests, err := access.LoadTests(folder)
		if err != nil || len(tests) < 5 {
			t.Fatalf("%s: %d tests, %v", name, len(tests), err)
		}
		for _, test := range tests {
			if err := authorizer.Run(test); err != nil {
				t.Errorf("%s: %s: %v", name, test.Name, err)
			}
		}
	}
	if _, err := access.Set("nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a set that isn't there: %v", err)
	}
}

func TestAPolicyTestThatGoesWrongSaysSo(t *testing.T) {
	authorizer := builtin(t)
	right := access.Test{Person: "alice", Action: access.Read, Key: "users/alice/a", Expect: "allow", By: []string{"home"}}
	if err := authorizer.Run(right); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change    func(*access.Test)
		senseless bool
	}{
		"another answer": {func(test *access.Test) { test.Expect = "deny" }, false},
		"another policy": {func(test *access.Test) { test.By = []string{"shared-read"} }, false},
		"nobody":         {func(test *access.Test) { test.Person = "" }, true},
		"two at once":    {func(test *access.Test) { test.Anonymous = true }, true},
		"no such action": {func(test *access.Test) { test.Action = "peek" }, true},
		"no such key":    {func(test *access.Test) { test.Key = "a//b" }, true},
		"no such answer": {func(test *access.Test) { test.Expect = "maybe" }, true},
	} {
		changed := right
		test.change(&changed)
		if err := authorizer.Run(changed); err == nil || errors.Is(err, access.ErrTests) != test.senseless {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{"nonsense": "nonsense", "unknown member": `[{"title":"x"}]`} {
		if _, err := access.LoadTests(fstest.MapFS{access.TestsFile: {Data: []byte(text)}}); !errors.Is(err, access.ErrTests) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := access.LoadTests(fstest.MapFS{}); !errors.Is(err, access.ErrTests) {
		t.Errorf("no file: %v", err)
	}
}

// A misspelt word would otherwise be a permit that never holds, or a forbid
// that never does.
func TestPoliciesAreHeldToTheSchema(t *testing.T) {
	for name, policy := range map[string]string{
		"a misspelt attribute":    `permit (principal is Person, action, resource) when { resource in principal.hoem };`,
		"one that may be missing": `permit (principal is Person, action, resource) when { resource in principal.home };`,
		"a misspelt type":         `permit (principal is Persn, action, resource);`,
		"a misspelt action":       `permit (principal, action == Action::"raed", resource);`,
		"another context":         `permit (principal, action, resource) when { context.shared };`,
		"a comparison of kinds":   `permit (principal, action, resource) when { resource.key == 5 };`,
	} {
		if _, err := access.Load(fstest.MapFS{"a.cedar": {Data: []byte(policy)}}); !errors.Is(err, access.ErrPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(access.Schema()) == 0 {
		t.Error("there is no schema to publish")
	}
}

func TestPrincipalsOfAllKindsAreTold(t *testing.T) {
	authorizer := load(t, `
		@id("editors") permit (principal in Group::"editors", action, resource in Prefix::"editors/");
		@id("tenant") permit (principal in Tenant::"a", action, resource in Prefix::"a/");
		@id("scope") permit (principal is Machine, action, resource in Prefix::"scoped/") when { principal.scopes.contains("read") };
		@id("anybody") permit (principal is Anonymous, action, resource in Prefix::"open/");
		@id("granted") permit (principal, action == Action::"read", resource) when { context.granted.contains("read") };`)
	person := access.Principal{Subject: "alice", Groups: []string{"readers", "editors"}, Tenant: "a"}
	machine := access.Principal{Kind: access.Machine, Subject: "alice", Groups: []string{"editors"}, Scopes: []string{"read"}}
	anybody := access.Principal{Kind: access.Anonymous}
	for _, test := range []struct {
		principal access.Principal
		key       string
		want      bool
	}{
		{person, "editors/a", true}, {person, "a/a", true}, {person, "scoped/a", false}, {person, "open/a", false},
		{machine, "editors/a", true}, {machine, "a/a", false}, {machine, "scoped/a", true}, {machine, "open/a", false},
		{anybody, "editors/a", false}, {anybody, "a/a", false}, {anybody, "scoped/a", false}, {anybody, "open/a", true},
		{access.Principal{Kind: "Person2", Subject: "alice"}, "open/a", false},
		{access.Principal{Kind: access.Machine}, "scoped/a", false},
	} {
		if got := authorizer.Authorize(test.principal, access.Read, parseKey(t, test.key)); got.Allowed != test.want {
			t.Errorf("%+v at %s: %+v", test.principal, test.key, got)
		}
		if got := authorizer.Authorize(test.principal, access.Read, parseKey(t, "elsewhere"), access.Read); got.Allowed == (test.principal.Kind == "Person2" || test.principal.Kind == access.Machine && test.principal.Subject == "") {
			t.Errorf("%+v, to whom it was granted: %+v", test.principal, got)
		}
		if authorizer.Authorize(test.principal, access.Delete, parseKey(t, "elsewhere"), access.Read).Allowed {
			t.Errorf("%+v may delete what it was granted to read", test.principal)
		}
	}
}

func TestWhatASharedPrefixGivesHoldsForThePrefix(t *testing.T) {
	authorizer := builtin(t)
	bob, prefix := access.Principal{Subject: "bob"}, parsePrefix(t, "users/alice/albums/7/")
	if decision := authorizer.AuthorizePrefix(bob, access.Read, prefix); decision.Allowed {
		t.Errorf("without a share: %+v", decision)
	}
	if decision := authorizer.AuthorizePrefix(bob, access.Read, prefix, access.Read); !decision.Allowed {
		t.Errorf("with one: %+v", decision)
	}
	if decision := authorizer.AuthorizePrefix(bob, access.Write, prefix, access.Read); decision.Allowed {
		t.Errorf("another action: %+v", decision)
	}
}

// No request of a principal of one tenant is ever allowed on an object of
// another, whatever was granted.
func FuzzTenantsStayApart(f *testing.F) {
	folder, err := access.Set("tenants")
	if err != nil {
		f.Fatal(err)
	}
	authorizer, err := access.Load(folder)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a", "b", "ann", "administrators", "plan.pdf", byte(0))
	f.Add("a", "a/b", "ann", "editors", "x/plan.pdf", byte(1))
	f.Add("a", "ab", "", "", "plan.pdf", byte(2))
	f.Fuzz(func(t *testing.T, own, other, subject, group, name string, kind byte) {
		key, err := objectkey.Parse("tenants/" + other + "/" + name)
		if err != nil || own == other {
			return
		}
		principal := access.Principal{
			Kind: []access.Kind{access.Person, access.Machine, access.Anonymous}[kind%3], Subject: subject, Groups: []string{group}, Tenant: own,
		}
		if home := "tenants/" + own + "/"; len(key.String()) > len(home) && key.String()[:len(home)] == home {
			return // it is in the own folder after all: "a" owns what lies below "a/b" too
		}
		for _, action := range access.Actions() {
			if authorizer.Authorize(principal, action, key, access.Actions()...).Allowed {
				t.Errorf("%+v may %s %s", principal, action, key)
			}
		}
	})
}

func TestATenantsPeopleMayHaveItsPrefixesAndNoOthers(t *testing.T) {
	set, err := access.Set("tenants")
	if err != nil {
		t.Fatal(err)
	}
	authorizer, err := access.Load(set)
	if err != nil {
		t.Fatal(err)
	}
	ann := access.Principal{Subject: "ann", Tenant: "a"}
	for prefix, want := range map[string]bool{"tenants/a/": true, "tenants/a/album/": true, "tenants/b/": false, "tenants/": false, "users/ann/": false} {
		if got := authorizer.AuthorizePrefix(ann, access.Read, parsePrefix(t, prefix)); got.Allowed != want {
			t.Errorf("%s: %+v", prefix, got)
		}
	}
	if authorizer.AuthorizePrefix(ann, access.Read, parsePrefix(t, "tenants/b/"), access.Read).Allowed {
		t.Error("another tenant's, where it was shared")
	}
}
