package access_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
)

func TestScopesBoundWhatPoliciesAllow(t *testing.T) {
	authorizer := load(t, `permit (principal, action, resource);`)
	for _, test := range []struct {
		scopes      []string
		action      access.Action
		key         string
		object, all bool // the object, and everything in its folder
	}{
		{nil, access.Delete, "reports/a", true, true},
		{[]string{}, access.Read, "reports/a", false, false},
		{[]string{"read"}, access.Read, "reports/a", true, true},
		{[]string{"read"}, access.List, "reports/a", false, false},
		{[]string{"read", "list"}, access.List, "reports/a", true, true},
		{[]string{"read:reports/"}, access.Read, "reports/2026/a", true, true},
		{[]string{"read:reports/"}, access.Read, "reports/a", true, true},
		{[]string{"read:reports/2026/"}, access.Read, "reports/a", false, false},
		{[]string{"read:reports/"}, access.Write, "reports/a", false, false},
		{[]string{"read:reports/"}, access.Read, "reports2/a", false, false},
		{[]string{"read:reports/"}, access.Read, "x/reports/a", false, false},
		{[]string{"write"}, access.Overwrite, "reports/a", false, false},
		// what isn't a scope covers nothing
		{[]string{"read:reports"}, access.Read, "reports/a", false, false},
		{[]string{"read:"}, access.Read, "reports/a", false, false},
		{[]string{"*", "read:*", "READ", " read", "", "read,list"}, access.Read, "reports/a", false, false},
	} {
		machine := access.Principal{Kind: access.Machine, Subject: "key:m", Scopes: test.scopes}
		key := parseKey(t, test.key)
		if got := authorizer.Authorize(machine, test.action, key).Allowed; got != test.object {
			t.Errorf("%q, %s %s: %t", test.scopes, test.action, key, got)
		}
		if got := authorizer.Authorize(machine, test.action, key, test.action).Allowed; got != test.object {
			t.Errorf("%q, %s %s, which was shared: %t", test.scopes, test.action, key, got)
		}
		folder, _ := key.Parent()
		if got := authorizer.AuthorizePrefix(machine, test.action, folder).Allowed; got != test.all {
			t.Errorf("%q, %s %s: %t", test.scopes, test.action, folder, got)
		}
	}
}

func TestScopesAllowNothingByThemselves(t *testing.T) {
	authorizer := load(t, `permit (principal, action == Action::"read", resource in Prefix::"reports/");`)
	machine := access.Principal{Kind: access.Machine, Subject: "key:m", Scopes: []string{"read", "write"}}
	if authorizer.Authorize(machine, access.Read, parseKey(t, "inbox/a")).Allowed || authorizer.Authorize(machine, access.Write, parseKey(t, "reports/a")).Allowed {
		t.Error("a scope alone allows")
	}
}

// With scopes a principal may never do what it may not do without, and never
// what no scope names.
func FuzzScopes(f *testing.F) {
	authorizer, err := access.Load(access.Builtin())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("read:reports/", "reports/a", byte(0))
	f.Add("write", "users/alice/a", byte(2))
	f.Add("read:users/alice/", "users/alice/a", byte(0))
	f.Fuzz(func(t *testing.T, scope, name string, nth byte) {
		key, err := objectkey.Parse(name)
		if err != nil {
			return
		}
		action := access.Actions()[int(nth)%len(access.Actions())]
		free := access.Principal{Subject: "alice"}
		bound := access.Principal{Subject: "alice", Scopes: []string{scope}}
		if !authorizer.Authorize(bound, action, key).Allowed {
			return
		}
		if !authorizer.Authorize(free, action, key).Allowed {
			t.Errorf("%q allows to %s %s", scope, action, key)
		}
		says, prefix, _ := strings.Cut(scope, ":")
		if err := access.CheckScope(scope); err != nil || says != string(action) || !strings.HasPrefix(name, prefix) {
			t.Errorf("%q (%v) covers to %s %s", scope, err, action, key)
		}
	})
}

func TestAScopeIsAnActionOrAnActionBelowAPrefix(t *testing.T) {
	for text, want := range map[string]bool{
		"read": true, "audit:logs/": true, "write:a/b/c/": true, "overwrite": true,
		"": false, "readings": false, "Read": false, "read:": false, "read:a": false, "read:/a/": false, "read:a//": false, "*": false, "read:*": false, ":a/": false,
	} {
		if err := access.CheckScope(text); (err == nil) != want || err != nil && !errors.Is(err, access.ErrScope) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
