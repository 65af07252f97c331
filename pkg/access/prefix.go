package access

import (
	"crypto/rand"
	"fmt"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/eval"

	"github.com/signgate/signgate/pkg/objectkey"
)

// AuthorizePrefix decides whether the principal may do the action to every
// object below the prefix, whatever it is called, there now or later. It is
// stricter than Authorize, never laxer:
//
//   - a permit counts only if all it asks of the object is where it lies
//     (resource is Object, resource in …): one that looks at its name or
//     makes exceptions says nothing about every object;
//   - a forbid that could hold for any object at all, with this principal and
//     action, denies;
//   - so does an error in any policy.
func (a *Authorizer) AuthorizePrefix(principal Principal, action Action, prefix objectkey.Prefix) Decision {
	if principal.Subject == "" || prefix.IsZero() {
		return Decision{Errors: []string{"no principal or no prefix"}}
	}
	// A name that no policy can know stands for all of them.
	anyone, err := prefix.Child(rand.Text())
	if err != nil {
		return Decision{Errors: []string{err.Error()}}
	}
	entities := newEntities(principal, anyone)
	request := cedar.Request{
		Principal: personUID(principal),
		Action:    cedar.NewEntityUID("Action", cedar.String(action)),
		Resource:  objectUID(anyone),
	}
	unknown := eval.Env{
		Principal: request.Principal, Action: request.Action, Resource: eval.Variable("resource"),
		Context: cedar.NewRecord(nil), Entities: entities,
	}
	for id, forbid := range a.forbids {
		if _, mayHold := eval.PartialPolicy(unknown, forbid); mayHold {
			return Decision{Policies: []string{string(id)}}
		}
	}
	// The permits that don't count here could still err, which would deny each
	// object on its own.
	if whole := a.Authorize(principal, action, anyone); !whole.Allowed {
		return whole
	}
	return decide(cedar.Authorize(a.prefixPermits, entities, request))
}

// sort puts a policy where AuthorizePrefix finds it.
func (a *Authorizer) sort(id cedar.PolicyID, policy *cedar.Policy) error {
	tree := (*ast.Policy)(policy.AST())
	if policy.Effect() == cedar.Forbid {
		a.forbids[id] = tree
		return nil
	}
	if asksOnlyWhere(tree) && !a.prefixPermits.Add(id, policy) {
		return fmt.Errorf("%w: two policies have the id %q", ErrPolicy, id)
	}
	return nil
}

// asksOnlyWhere says that a policy looks at the resource by "is" and "in"
// only, in conditions that all have to hold.
func asksOnlyWhere(policy *ast.Policy) bool {
	if _, one := policy.Resource.(ast.ScopeTypeEq); one {
		return false
	}
	for _, condition := range policy.Conditions {
		if condition.Condition != ast.ConditionWhen && mentionsResource(condition.Body) {
			return false
		}
		if condition.Condition == ast.ConditionWhen && !conjunctsAskOnlyWhere(condition.Body) {
			return false
		}
	}
	return true
}

func conjunctsAskOnlyWhere(node ast.IsNode) bool {
	switch node := node.(type) {
	case ast.NodeTypeAnd:
		return conjunctsAskOnlyWhere(node.Left) && conjunctsAskOnlyWhere(node.Right)
	case ast.NodeTypeIn:
		return (isResource(node.Left) || !mentionsResource(node.Left)) && !mentionsResource(node.Right)
	case ast.NodeTypeIsIn:
		return (isResource(node.Left) || !mentionsResource(node.Left)) && !mentionsResource(node.Entity)
	case ast.NodeTypeIs:
		return isResource(node.Left) || !mentionsResource(node.Left)
	}
	return !mentionsResource(node)
}

func isResource(node ast.IsNode) bool {
	variable, ok := node.(ast.NodeTypeVariable)
	return ok && variable.Name == "resource"
}

func mentionsResource(node ast.IsNode) bool {
	found := false
	ast.Inspect(ast.NewNode(node), func(inner ast.IsNode) bool {
		found = found || isResource(inner)
		return !found
	})
	return found
}
