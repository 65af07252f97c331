package access_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/signgate/signgate/pkg/access"
)

// judged are a principal and an object, and all there is to know of both, as
// Cedar wants it: written down beforehand, not as it is asked for.
type judged struct {
	principal access.Principal
	uid       cedar.EntityUID
	entities  types.EntityMap
	object    cedar.EntityUID
	key       string
}

func uid(kind types.EntityType, id string) cedar.EntityUID {
	return cedar.NewEntityUID(kind, cedar.String(id))
}

// newJudged knows people who are called by a word, and the default layout.
func newJudged(principal access.Principal, key string) judged {
	kind, id, attributes, parents := types.EntityType("Person"), principal.Subject, types.RecordMap{}, []types.EntityUID{}
	switch principal.Kind {
	case access.Machine:
		var scopes []types.Value
		for _, scope := range principal.Scopes {
			scopes = append(scopes, types.String(scope))
		}
		kind, attributes = "Machine", types.RecordMap{"scopes": types.NewSet(scopes...)}
	case access.Anonymous:
		kind, id = "Anonymous", "anyone"
	case access.Person, "":
		attributes["home"] = uid("Prefix", "users/"+principal.Subject+"/")
	}
	j := judged{principal: principal, uid: uid(kind, id), entities: types.EntityMap{}, object: uid("Object", key), key: key}
	for _, group := range principal.Groups {
		parents = append(parents, uid("Group", group))
	}
	if principal.Tenant != "" {
		attributes["tenant"], attributes["tenantHome"] = uid("Tenant", principal.Tenant), uid("Prefix", "tenants/"+principal.Tenant+"/")
		parents = append(parents, uid("Tenant", principal.Tenant))
	}
	for _, parent := range parents {
		j.entities[parent] = types.Entity{UID: parent}
	}
	j.entities[j.uid] = types.Entity{UID: j.uid, Parents: types.NewEntityUIDSet(parents...), Attributes: types.NewRecord(attributes)}
	above := types.NewEntityUIDSet()
	for n, char := range key {
		if char == '/' {
			prefix := uid("Prefix", key[:n+1])
			j.entities[prefix] = types.Entity{UID: prefix, Parents: above}
			above = types.NewEntityUIDSet(prefix)
		}
	}
	facts := types.RecordMap{"key": types.String(key)}
	if segments := strings.Split(key, "/"); len(segments) > 2 && segments[0] == "users" {
		facts["owner"] = uid("Person", segments[1])
	} else if len(segments) > 2 && segments[0] == "tenants" {
		facts["tenant"] = uid("Tenant", segments[1])
	}
	j.entities[j.object] = types.Entity{UID: j.object, Parents: above, Attributes: types.NewRecord(facts)}
	return j
}

// decide is Cedar's own answer, of all policies at once; an error denies.
func (j judged) decide(policies *cedar.PolicySet, action access.Action, granted []access.Action) (allowed bool, by []string) {
	if !j.principal.Covers(action, j.key) {
		return false, nil
	}
	var shared []types.Value
	for _, one := range granted {
		shared = append(shared, types.String(one))
	}
	decision, diagnostic := cedar.Authorize(policies, j.entities, cedar.Request{
		Principal: j.uid, Action: uid("Action", string(action)), Resource: j.object,
		Context: types.NewRecord(types.RecordMap{"granted": types.NewSet(shared...)}),
	})
	for _, reason := range diagnostic.Reasons {
		by = append(by, string(reason.PolicyID))
	}
	slices.Sort(by)
	return decision == cedar.Allow && len(diagnostic.Errors) == 0, by
}

// madeUp are policies that nobody would write.
func madeUp(random *rand.Rand) string {
	oneOf := func(all ...string) string { return all[random.IntN(len(all))] }
	var expression func(depth int) string
	expression = func(depth int) string {
		form := random.IntN(6)
		switch {
		case depth > 0 && form == 0:
			return "(" + expression(depth-1) + " && " + expression(depth-1) + ")"
		case depth > 0 && form == 1:
			return "(" + expression(depth-1) + " || " + expression(depth-1) + ")"
		case depth > 0 && form == 2:
			return "!(" + expression(depth-1) + ")"
		case depth > 0 && form == 3:
			return "(if " + expression(depth-1) + " then " + expression(depth-1) + " else " + expression(depth-1) + ")"
		}
		return oneOf(
			`context.granted.contains("read")`, `context["granted"].contains("write")`, `["read"].containsAny(context.granted)`,
			`context.granted.isEmpty()`, `{a: context.granted}.a.contains("read")`, `context == {granted: ["read"]}`,
			`resource in Prefix::"users/"`, `resource in Prefix::"users/alice/"`, `resource.key like "*.png"`, `principal in Group::"staff"`,
			`principal has home && resource in principal.home`, `principal has tenantHome && resource in principal.tenantHome`,
			`resource has owner && resource.owner == principal`, `principal has tenant && resource has tenant && resource.tenant == principal.tenant`,
			`Person::"bob" in Group::"staff"`, `Object::"users/bob/a.txt" in Prefix::"users/"`, `true`,
			`9223372036854775807 + 1 == 0`, // errs
		)
	}
	var text strings.Builder
	for range 1 + random.IntN(6) {
		fmt.Fprintf(&text, "%s (%s, %s, resource is Object) %s { %s };\n", oneOf("permit", "permit", "forbid"),
			oneOf("principal", "principal is Person", `principal in Group::"staff"`), oneOf("action", `action == Action::"read"`), oneOf("when", "unless"), expression(2))
	}
	return text.String()
}

// A question that is asked again and again has the answer that Cedar gives to
// all policies, asked once with everything at hand.
func TestEveryAnswerIsTheOneOfAllPolicies(t *testing.T) {
	layout, err := access.ParseLayout(access.DefaultLayout())
	if err != nil {
		t.Fatal(err)
	}
	random, allowed := rand.New(rand.NewPCG(7, 8)), 0
	for range 3000 {
		text := madeUp(random)
		authorizer, err := access.LoadWithLayout(fstest.MapFS{"a.cedar": {Data: []byte(text)}}, layout)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		list, err := cedar.NewPolicyListFromBytes("a.cedar", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		policies := cedar.NewPolicySet()
		for n, policy := range list {
			policies.Add(cedar.PolicyID(fmt.Sprintf("a.cedar:%d", n+1)), policy)
		}
		one := newJudged([]access.Principal{
			{Subject: "alice", Groups: []string{"staff"}}, {Subject: "bob", Groups: []string{"guests", "staff"}, Tenant: "acme"}, {Kind: access.Anonymous},
			{Kind: access.Machine, Subject: "key:1", Scopes: []string{"read:users/"}}, {Kind: access.Machine, Subject: "alice", Tenant: "acme"},
		}[random.IntN(5)], []string{"users/alice/a.png", "users/bob/a.txt", "shared/a.png", "tenants/acme/x/y.png", "a"}[random.IntN(5)])
		action := []access.Action{access.Read, access.Write, access.Delete}[random.IntN(3)]
		question := authorizer.Ask(one.principal, action, parseKey(t, one.key))
		for _, granted := range [][]access.Action{nil, {access.Read}, {access.Write}, {access.Read, access.Write}, {access.Read}, nil} {
			got := question.Answer(granted...)
			want, by := one.decide(policies, action, granted)
			if got.Allowed != want || !slices.Equal(got.Policies, by) {
				t.Fatalf("%s%+v may %s %s, shared %v: %+v, by all policies at once %t by %v", text, one.principal, action, one.key, granted, got, want, by)
			}
			if want {
				allowed++
			}
		}
	}
	if allowed < 1000 {
		t.Errorf("%d allowed: that says little", allowed)
	}
}
