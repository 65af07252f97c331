package access

import (
	"slices"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/signgate/signgate/pkg/objectkey"
)

// Question is whether a principal may do an action to an object. It may be
// asked again with more that is shared: what is known of both is put together
// once, and policies that don't look at shares are asked once. It is one
// goroutine's at a time.
type Question struct {
	authorizer *Authorizer
	principal  Principal
	action     Action
	key        objectkey.Key
	entities   *entities // nil: whatever is shared, the answer is refused
	refused    Decision
	first      *verdict // of all policies; nil: not asked yet
}

// verdict is what a set of policies says.
type verdict struct {
	decision   cedar.Decision
	diagnostic cedar.Diagnostic
}

// Ask puts a question together. Whatever is shared, the answer is no for the
// zero principal and the zero key, and where the principal's scopes don't cover
// it.
func (a *Authorizer) Ask(principal Principal, action Action, key objectkey.Key) *Question {
	q := &Question{authorizer: a, principal: principal, action: action, key: key}
	switch {
	case principal.isNobody() || key.IsZero():
		q.refused = Decision{Errors: []string{"no principal or no key"}}
	case principal.Covers(action, key.String()):
		q.entities = newEntities(principal, key, a.layout)
	}
	return q
}

// Answer is Authorize's.
func (q *Question) Answer(granted ...Action) Decision {
	if q.entities == nil {
		return q.refused
	}
	request, all := request(q.principal, q.action, q.key, granted), q.authorizer
	if q.first == nil {
		first := judge(all.policies, q.entities, request)
		q.first = &first
		return decide(first.decision, first.diagnostic)
	}
	settled, known := q.first.without(all.sharing)
	if !known {
		settled = judge(all.settled, q.entities, request)
	}
	whole := judge(all.sharing, q.entities, request).and(settled)
	return decide(whole.decision, whole.diagnostic)
}

// without is what the policies would have said that aren't among those of a
// set. It isn't known where only those forbade: what the others permit wasn't
// told then.
func (v verdict) without(others *cedar.PolicySet) (verdict, bool) {
	left := verdict{decision: v.decision}
	for _, reason := range v.diagnostic.Reasons {
		if others.Get(reason.PolicyID) == nil {
			left.diagnostic.Reasons = append(left.diagnostic.Reasons, reason)
		}
	}
	for _, failure := range v.diagnostic.Errors {
		if others.Get(failure.PolicyID) == nil {
			left.diagnostic.Errors = append(left.diagnostic.Errors, failure)
		}
	}
	if len(left.diagnostic.Reasons) == 0 {
		left.decision = cedar.Deny
	}
	return left, !v.forbids() || left.forbids()
}

func judge(policies *cedar.PolicySet, entities *entities, request cedar.Request) verdict {
	decision, diagnostic := cedar.Authorize(policies, entities, request)
	return verdict{decision, diagnostic}
}

// and is the verdict of two sets of policies as of one: any forbid denies, else
// any permit allows (Cedar Policy Language Reference, "Authorization").
func (v verdict) and(other verdict) verdict {
	both := verdict{decision: cedar.Deny}
	both.diagnostic.Errors = slices.Concat(v.diagnostic.Errors, other.diagnostic.Errors)
	for _, one := range []verdict{v, other} {
		if one.forbids() {
			both.diagnostic.Reasons = append(both.diagnostic.Reasons, one.diagnostic.Reasons...)
		}
	}
	if v.forbids() || other.forbids() {
		return both
	}
	for _, one := range []verdict{v, other} {
		if one.decision == cedar.Allow {
			both.decision = cedar.Allow
			both.diagnostic.Reasons = append(both.diagnostic.Reasons, one.diagnostic.Reasons...)
		}
	}
	return both
}

// forbids says that a policy does, and not that none permits.
func (v verdict) forbids() bool { return v.decision == cedar.Deny && len(v.diagnostic.Reasons) > 0 }

// looksAtShares says whether a policy looks at the context, which is what is
// shared and nothing else.
func looksAtShares(policy *ast.Policy) bool {
	found := false
	for _, condition := range policy.Conditions {
		ast.Inspect(ast.NewNode(condition.Body), func(node ast.IsNode) bool {
			variable, ok := node.(ast.NodeTypeVariable)
			found = found || ok && variable.Name == types.String("context")
			return !found
		})
	}
	return found
}
