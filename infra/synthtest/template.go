package synthtest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Of returns all resources of a type, by logical id.
func (t Template) Of(kind string) []Resource {
	var found []Resource
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if t.Resources[id].Type == kind {
			found = append(found, t.Resources[id])
		}
	}
	return found
}

// Only returns the one resource of a type whose logical id begins so.
func (t Template) Only(tb testing.TB, kind, prefix string) Resource {
	tb.Helper()
	found := slices.DeleteFunc(t.Of(kind), func(r Resource) bool { return !strings.HasPrefix(r.ID, prefix) })
	if len(found) != 1 {
		tb.Fatalf("%d resources of type %s begin with %q, not one", len(found), kind, prefix)
	}
	return found[0]
}

// Get follows member names through properties; a number is an index.
func (r Resource) Get(path ...any) any {
	var value any = r.Properties
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// Statement is one of a policy, without its Sid. Its lists are sorted, for
// their order says nothing. A principal is written such as
// "Service cloudtrail.amazonaws.com", everybody "*", a condition such as
// "Bool aws:SecureTransport".
type Statement struct {
	Effect                      string
	Principal, Action, Resource []string
	Condition                   map[string][]string
}

// Allow is a statement that is expected.
func Allow(principal string, actions, resources []string, when map[string][]string) Statement {
	return Statement{
		Effect: "Allow", Principal: []string{principal}, Action: slices.Sorted(slices.Values(actions)),
		Resource: slices.Sorted(slices.Values(resources)), Condition: when,
	}
}

// Deny is a statement that is expected, which refuses something to everybody.
func Deny(actions, resources []string, when map[string][]string) Statement {
	statement := Allow("*", actions, resources, when)
	statement.Effect = "Deny"
	return statement
}

// Statements returns a policy document by the Sids of its statements. A
// statement without a Sid, or with one that another has, fails.
func Statements(tb testing.TB, document any) map[string]Statement {
	tb.Helper()
	object, _ := document.(map[string]any)
	list, _ := object["Statement"].([]any)
	found := map[string]Statement{}
	for _, element := range list {
		raw, _ := element.(map[string]any)
		sid := text(raw["Sid"])
		if _, twice := found[sid]; twice || sid == "" {
			tb.Fatalf("the Sid %q is empty or not the only one", sid)
		}
		found[sid] = Statement{
			Effect: text(raw["Effect"]), Principal: principals(raw["Principal"]),
			Action: sorted(raw["Action"]), Resource: sorted(raw["Resource"]), Condition: conditions(raw["Condition"]),
		}
	}
	return found
}

// Wildcards returns the actions that the policies of the template allow and
// that name more than one, by where they stand.
func (t Template) Wildcards() (found []string) {
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		found = append(found, Wildcards(id, t.Resources[id].Properties)...)
	}
	return found
}

// Wildcards returns what Template.Wildcards does, of any part of a template.
func Wildcards(where string, value any) (found []string) {
	switch value := value.(type) {
	case []any:
		for i, element := range value {
			found = append(found, Wildcards(fmt.Sprintf("%s[%d]", where, i), element)...)
		}
	case map[string]any:
		for _, action := range slices.Concat(texts(value["Action"]), texts(value["NotAction"])) {
			if value["Effect"] == "Allow" && strings.Contains(action, "*") {
				found = append(found, where+": "+action)
			}
		}
		for key, element := range value {
			found = append(found, Wildcards(where+"."+key, element)...)
		}
	}
	return found
}

func sorted(value any) []string {
	list := texts(value)
	slices.Sort(list)
	return list
}

func principals(value any) []string {
	object, ok := value.(map[string]any)
	if !ok {
		return texts(value)
	}
	var found []string
	for kind, names := range object {
		for _, name := range texts(names) {
			if kind == "AWS" && name == "*" {
				found = append(found, name)
				continue
			}
			found = append(found, kind+" "+name)
		}
	}
	slices.Sort(found)
	return found
}

func conditions(value any) map[string][]string {
	var found map[string][]string
	operators, _ := value.(map[string]any)
	for operator, keys := range operators {
		members, _ := keys.(map[string]any)
		for key, values := range members {
			if found == nil {
				found = map[string][]string{}
			}
			found[operator+" "+key] = texts(values)
		}
	}
	return found
}

// Equal fails unless the value is what is wanted, and shows both.
func Equal(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if !reflect.DeepEqual(got, want) {
		tb.Errorf("%s is\n%s\nnot\n%s", what, show(got), show(want))
	}
}

func show(value any) string {
	out, err := json.Marshal(value, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Sprintf("%#v", value)
	}
	return string(out)
}

func text(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

func texts(value any) []string {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		list := make([]string, len(value))
		for i, element := range value {
			list[i] = text(element)
		}
		return list
	default:
		return []string{text(value)}
	}
}

// render writes what CloudFormation fills in as text. One of the region's
// zones is written such as "zone 0".
func render(value any) any {
	switch value := value.(type) {
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = render(element)
		}
		return list
	case map[string]any:
		if len(value) == 1 {
			if rendered, ok := intrinsic(value); ok {
				return rendered
			}
		}
		object := map[string]any{}
		for key, element := range value {
			object[key] = render(element)
		}
		return object
	default:
		return value
	}
}

func intrinsic(function map[string]any) (string, bool) {
	if id, ok := function["Ref"]; ok {
		return "${" + text(id) + "}", true
	}
	if path, ok := function["Fn::GetAtt"]; ok {
		return "${" + strings.Join(texts(path), ".") + "}", true
	}
	if join, ok := function["Fn::Join"].([]any); ok && len(join) == 2 {
		return strings.Join(texts(render(join[1])), text(join[0])), true
	}
	if list, ok := function["Fn::Select"].([]any); ok && len(list) == 2 {
		if region, ok := list[1].(map[string]any)["Fn::GetAZs"]; ok && region == "" {
			return "zone " + text(list[0]), true
		}
	}
	return "", false
}
