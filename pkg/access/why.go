package access

import (
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	publicast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/signgate/signgate/pkg/objectkey"
)

// Reason says of one policy what it does to one question.
type Reason struct {
	Policy  string `json:"policy"`            // its id
	Effect  string `json:"effect"`            // "permit" or "forbid"
	Holds   bool   `json:"holds"`             // it takes part in the decision
	Missing string `json:"missing,omitempty"` // why not: "scope", or the first condition that is false
}

// outOfScope is Missing where a policy is about other principals, actions or
// resources.
const outOfScope = "scope"

// Why says of every policy what it does to a question, sorted by id. It tells
// what policies say, so it is for those who write them.
func (a *Authorizer) Why(principal Principal, action Action, key objectkey.Key, granted ...Action) []Reason {
	if principal.isNobody() || key.IsZero() {
		return nil
	}
	entities, question := newEntities(principal, key, a.layout), request(principal, action, key, granted)
	holds := func(tree ast.Policy) bool {
		tree.Effect = ast.EffectPermit // so that holding is allowing
		set := cedar.NewPolicySet()
		set.Add("one", cedar.NewPolicyFromAST((*publicast.Policy)(&tree)))
		decision, _ := cedar.Authorize(set, entities, question)
		return decision == cedar.Allow
	}
	var reasons []Reason
	for id, policy := range a.policies.All() {
		tree := *(*ast.Policy)(policy.AST())
		reason := Reason{Policy: string(id), Effect: "permit", Holds: holds(tree)}
		if policy.Effect() == cedar.Forbid {
			reason.Effect = "forbid"
		}
		if !reason.Holds {
			reason.Missing = missing(tree, holds)
		}
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(x, y Reason) int { return strings.Compare(x.Policy, y.Policy) })
	return reasons
}

// missing finds the first part of a policy that doesn't hold.
func missing(tree ast.Policy, holds func(ast.Policy) bool) string {
	conditions := tree.Conditions
	tree.Conditions = nil
	if !holds(tree) {
		return outOfScope
	}
	for _, condition := range conditions {
		for _, part := range parts(condition) {
			tree.Conditions = []ast.ConditionType{part}
			if !holds(tree) {
				return words(tree)
			}
		}
	}
	return ""
}

// parts splits a condition into those that have to hold together.
func parts(condition ast.ConditionType) []ast.ConditionType {
	and, ok := condition.Body.(ast.NodeTypeAnd)
	if !ok || condition.Condition != ast.ConditionWhen {
		return []ast.ConditionType{condition}
	}
	left, right := condition, condition
	left.Body, right.Body = and.Left, and.Right
	return append(parts(left), parts(right)...)
}

// words are the conditions of a policy in Cedar.
func words(tree ast.Policy) string {
	text := string(cedar.NewPolicyFromAST((*publicast.Policy)(&tree)).MarshalCedar())
	for _, keyword := range []string{"when", "unless"} {
		if _, condition, ok := strings.Cut(text, keyword+" {"); ok {
			return keyword + " { " + strings.TrimSuffix(strings.TrimSpace(condition), ";")
		}
	}
	return ""
}
