package access

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/signgate/signgate/pkg/objectkey"
)

// factOf returns the fact that a part of a policy asks of the resource:
// resource.owner, resource has owner; 0 for anything else.
func factOf(node ast.IsNode) facts {
	switch node := node.(type) {
	case ast.NodeTypeAccess:
		if isResource(node.Arg) {
			return factNamed(string(node.Value))
		}
	case ast.NodeTypeHas:
		if isResource(node.Arg) {
			return factNamed(string(node.Value))
		}
	}
	return 0
}

// factsIn are the facts that a policy asks of the resource.
func factsIn(policy *ast.Policy) facts {
	found := facts(0)
	for _, condition := range policy.Conditions {
		ast.Inspect(ast.NewNode(condition.Body), func(node ast.IsNode) bool {
			found |= factOf(node)
			return true
		})
	}
	return found
}

// withFacts returns a policy with what is settled of everything below a prefix
// in the place of what it asks, so that the rest can be left open.
func (l Layout) withFacts(policy *cedar.Policy, prefix objectkey.Prefix) (*ast.Policy, error) {
	text, err := policy.MarshalJSON()
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // a Long is more than a float holds
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	if text, err = json.Marshal(l.fill(tree, segmentsOf(prefix.String()))); err != nil {
		return nil, err
	}
	var filled cedar.Policy
	if err := filled.UnmarshalJSON(text); err != nil {
		return nil, fmt.Errorf("policy with what is known: %w", err)
	}
	return (*ast.Policy)(filled.AST()), nil
}

// fill replaces questions in Cedar's JSON form of a policy
// (https://docs.cedarpolicy.com/policies/json-format.html).
func (l Layout) fill(tree any, below []string) any {
	switch tree := tree.(type) {
	case []any:
		for n := range tree {
			tree[n] = l.fill(tree[n], below)
		}
	case map[string]any:
		for operator, arguments := range tree {
			if operator == "Value" {
				continue
			}
			if value := l.answer(operator, arguments, below); value != nil {
				return map[string]any{"Value": value}
			}
			tree[operator] = l.fill(arguments, below)
		}
	}
	return tree
}

// answer is what is known of a question; nil for nothing.
func (l Layout) answer(operator string, arguments any, below []string) any {
	question, ok := arguments.(map[string]any)
	if !ok || operator != "." && operator != "has" {
		return nil
	}
	left, ok := question["left"].(map[string]any)
	name, named := question["attr"].(string)
	fact := factNamed(name)
	if !ok || !named || left["Var"] != "resource" || fact == 0 {
		return nil
	}
	value, settled := l.of(below, fact)
	switch {
	case !settled:
		return nil
	case operator == "has":
		return value != ""
	case value == "":
		return nil // "has" stands before it, by the schema
	}
	uid := factUID(fact, value)
	return map[string]any{"__entity": map[string]any{"type": string(uid.Type), "id": string(uid.ID)}}
}
