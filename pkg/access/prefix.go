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
//     (resource is Object, resource in …), and whose it is (resource.owner,
//     resource.tenant) where that is the same of everything below the prefix:
//     one that looks at its name or makes exceptions says nothing about every
//     object;
//   - a forbid that could hold for any object at all, with this principal and
//     action, denies;
//   - a policy that computes, or looks at an entity that is neither the
//     principal nor the resource, could hold or err for some object and not for
//     another: where there is one, no prefix is granted.
//
// granted are the actions that shares of the prefix, or of one above it, give
// the principal.
func (a *Authorizer) AuthorizePrefix(principal Principal, action Action, prefix objectkey.Prefix, granted ...Action) Decision {
	if principal.isNobody() || prefix.IsZero() {
		return Decision{Errors: []string{"no principal or no prefix"}}
	}
	// A name that no policy can know stands for all of them.
	anything, err := prefix.Child(rand.Text())
	if err != nil {
		return Decision{Errors: []string{err.Error()}}
	}
	entities := newEntities(principal, anything, a.layout)
	request := request(principal, action, anything, granted)
	unknown := eval.Env{
		Principal: request.Principal, Action: request.Action, Resource: eval.Variable("resource"),
		Context: request.Context, Entities: entities,
	}
	if len(a.opaque) > 0 {
		return Decision{Policies: a.opaque}
	}
	for id, forbid := range a.forbids {
		tree := (*ast.Policy)(forbid.AST())
		if factsIn(tree) != 0 {
			if tree, err = a.layout.withFacts(forbid, prefix); err != nil {
				return Decision{Errors: []string{string(id) + ": " + err.Error()}}
			}
		}
		if _, mayHold := eval.PartialPolicy(unknown, tree); mayHold {
			return Decision{Policies: []string{string(id)}}
		}
	}
	if whole := a.Authorize(principal, action, anything, granted...); !whole.Allowed {
		return whole
	}
	return decide(cedar.Authorize(a.prefixPermits[a.layout.settled(prefix)], entities, request))
}

// sort puts a policy where a Question and AuthorizePrefix find it.
func (a *Authorizer) sort(id cedar.PolicyID, policy *cedar.Policy) error {
	tree := (*ast.Policy)(policy.AST())
	asked := a.settled
	if looksAtShares(tree) {
		asked = a.sharing
	}
	if !asked.Add(id, policy) {
		return fmt.Errorf("%w: two policies have the id %q", ErrPolicy, id)
	}
	if !looksOnlyAtTheRequest(tree) {
		a.opaque = append(a.opaque, string(id))
	}
	if policy.Effect() == cedar.Forbid {
		a.forbids[id] = policy
		return nil
	}
	if !asksOnlyWhere(tree) {
		return nil
	}
	for settled, permits := range a.prefixPermits {
		if asked := factsIn(tree); asked&settled == asked && !permits.Add(id, policy) {
			return fmt.Errorf("%w: two policies have the id %q", ErrPolicy, id)
		}
	}
	return nil
}

// looksOnlyAtTheRequest says that a policy takes attributes and ancestors of
// the request's own variables only, and that nothing in it can overflow. After
// the schema has been checked, such a policy can't err.
func looksOnlyAtTheRequest(policy *ast.Policy) bool {
	only := true
	for _, condition := range policy.Conditions {
		ast.Inspect(ast.NewNode(condition.Body), func(node ast.IsNode) bool {
			switch node := node.(type) {
			case ast.NodeTypeAccess:
				only = only && isVariable(node.Arg)
			case ast.NodeTypeHas:
				only = only && isVariable(node.Arg)
			case ast.NodeTypeIn:
				only = only && isVariable(node.Left)
			case ast.NodeTypeIsIn:
				only = only && isVariable(node.Left)
			case ast.NodeTypeAdd, ast.NodeTypeSub, ast.NodeTypeMult, ast.NodeTypeNegate,
				ast.NodeTypeExtensionCall, ast.NodeTypeGetTag, ast.NodeTypeHasTag:
				only = false
			}
			return only
		})
	}
	return only
}

func isVariable(node ast.IsNode) bool {
	_, ok := node.(ast.NodeTypeVariable)
	return ok
}

// asksOnlyWhere says that a policy looks at the resource by "is" and "in" only,
// in conditions that all have to hold, but for facts, which are the same of all
// objects where they are settled.
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

// mentionsResource says whether a part of a policy looks at anything of the
// resource that isn't a fact.
func mentionsResource(node ast.IsNode) bool {
	found := false
	ast.Inspect(ast.NewNode(node), func(inner ast.IsNode) bool {
		found = found || isResource(inner)
		return !found && factOf(inner) == 0
	})
	return found
}
