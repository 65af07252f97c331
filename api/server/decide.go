package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/decisionhook"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
)

// shortestShare is the shortest rest of a share's time that anything can still
// be issued for.
const shortestShare = 2 * time.Second

// authorizeKey asks for a decision about an object. Where several objects of
// one folder are asked for, the folder as a whole may be decided once, which
// is stricter; only where that is a no is each object decided on its own.
func (i *issue) authorizeKey(action access.Action, key objectkey.Key) (decision, error) {
	if whole := i.folder(action, key); whole.Allowed {
		return whole, nil
	}
	return i.authorize(action, key.String(), func(action access.Action) (decision, error) { return i.decideKey(action, key) })
}

// folder returns the decision about everything in the folder of a key, from
// the second key of that folder on.
func (i *issue) folder(action access.Action, key objectkey.Key) decision {
	parent, ok := key.Parent()
	if !ok || i.server.parts.DecisionHook != nil { // an application that knows its objects needn't know its folders
		return decision{}
	}
	question := string(action) + " " + parent.String()
	decided, asked := i.folders[question]
	switch {
	case !asked:
		i.folders[question] = nil
		return decision{}
	case decided == nil:
		whole, err := i.decidePrefix(action, parent)
		if err != nil || len(whole.shares) > 0 && whole.shares[0].MaxUses > 0 {
			whole = decision{} // each object says what is wrong, or counts as a use
		}
		decided = &whole
		i.folders[question] = decided
	}
	return *decided
}

// authorizePrefix asks for a decision about everything below a prefix.
func (i *issue) authorizePrefix(action access.Action, prefix objectkey.Prefix) (decision, error) {
	return i.authorize(action, prefix.String(), func(action access.Action) (decision, error) { return i.decidePrefix(action, prefix) })
}

// decideKey decides about an object.
func (i *issue) decideKey(action access.Action, key objectkey.Key) (decision, error) {
	return i.decideOnce(action, resource{key: key})
}

// decidePrefix decides about everything below a prefix.
func (i *issue) decidePrefix(action access.Action, prefix objectkey.Prefix) (decision, error) {
	return i.decideOnce(action, resource{prefix: prefix})
}

// decideOnce is decide, but for what was decided ahead.
func (i *issue) decideOnce(action access.Action, about resource) (decision, error) {
	if ahead, ok := i.ahead[question{action, about}]; ok {
		return ahead.decision, ahead.err
	}
	return i.decide(action, about)
}

// decide asks the policies, and the application where there is one: as the
// settings say, where the policies allow, or in their place where they don't
// forbid. What lies in quarantine is nobody's, whatever either says.
func (i *issue) decide(action access.Action, about resource) (decision, error) {
	if i.never(action, about) {
		return decision{}, nil
	}
	if i.server.parts.HookInstead {
		return i.askInstead(action, about)
	}
	decided, err := i.decideByPolicies(action, about)
	if err != nil {
		return decision{}, err
	}
	return i.askAlso(action, about, decided)
}

// decideWithoutShares is decide, but for what others share with the caller.
func (i *issue) decideWithoutShares(action access.Action, about resource) (decision, error) {
	if i.never(action, about) {
		return decision{}, nil
	}
	if i.server.parts.HookInstead {
		return i.askInstead(action, about)
	}
	return i.askAlso(action, about, decision{Decision: i.policies(action, about)})
}

// never says that nothing and nobody can allow an action there.
func (i *issue) never(action access.Action, about resource) bool {
	return about.overlaps(i.server.parts.Quarantine) || i.mayNot(action) || !i.principal().Covers(action, about.name())
}

// policies asks the policies alone.
func (i *issue) policies(action access.Action, about resource, granted ...access.Action) access.Decision {
	if about.key.IsZero() {
		return i.server.parts.Access.AuthorizePrefix(i.principal(), action, about.prefix, granted...)
	}
	return i.server.parts.Access.Authorize(i.principal(), action, about.key, granted...)
}

// question is policies, to be asked again with what is shared: where the
// policies can be, without beginning anew.
func (i *issue) question(action access.Action, about resource) func(granted ...access.Action) access.Decision {
	again, ok := i.server.parts.Access.(interface {
		Ask(principal access.Principal, action access.Action, key objectkey.Key) *access.Question
	})
	if ok && !about.key.IsZero() {
		return again.Ask(i.principal(), action, about.key).Answer
	}
	return func(granted ...access.Action) access.Decision { return i.policies(action, about, granted...) }
}

// decideByPolicies asks the policies, and where they say no, again with what is
// shared with the caller there. That the shares can't be looked up is an error,
// not a no: somebody would be told that what they were given isn't there.
func (i *issue) decideByPolicies(action access.Action, about resource) (decision, error) {
	ask := i.question(action, about)
	plain := decision{Decision: ask()}
	needed, shareable := sharedAs(action)
	if plain.Allowed || !shareable || i.server.parts.Grants == nil {
		return plain, nil
	}
	now := i.server.parts.Now()
	found, err := i.server.parts.Grants.Find(i.ctx, now, about.above(), i.grantees())
	if err != nil {
		return decision{}, err
	}
	fitting := slices.DeleteFunc(found, func(grant grants.Grant) bool {
		return !grant.Allows(needed) || grant.Expires != nil && grant.Expires.Sub(now) < shortestShare
	})
	if len(fitting) == 0 {
		return plain, nil
	}
	slices.SortStableFunc(fitting, better)
	return decision{Decision: ask(access.Action(needed)), shares: fitting}, nil
}

// sharedAs says what has to be shared for an action.
func sharedAs(action access.Action) (grants.Action, bool) {
	switch action {
	case access.Read, access.List:
		return grants.Read, true
	case access.Write:
		return grants.Write, true
	case access.Overwrite, access.Delete, access.Share, access.Revoke, access.Audit:
	}
	return "", false
}

// grantees are all that the caller is to those who share.
func (i *issue) grantees() []grants.Grantee {
	all := []grants.Grantee{grants.Everyone()}
	principal := i.principal()
	if principal.Kind != access.Anonymous {
		if person, err := grants.Person(principal.Subject); err == nil {
			all = append(all, person)
		}
	}
	for _, name := range principal.Groups {
		if group, err := grants.Group(name); err == nil {
			all = append(all, group)
		}
	}
	if link := linkFrom(i.ctx); !link.IsZero() {
		all = append(all, link)
	}
	return all
}

// mayNot says that no policy can allow an action: whoever brings no token may
// read at most, since an upload belongs to a person.
func (i *issue) mayNot(action access.Action) bool {
	return i.principal().Kind == access.Anonymous && action != access.Read && action != access.List
}

func (i *issue) principal() access.Principal { return i.who }

// authorize counts the use of a share that the decision rests on, or turns a
// no into a record and a problem: for what the caller can't read, the same one
// as for what isn't there.
func (i *issue) authorize(action access.Action, key string, decide func(access.Action) (decision, error)) (decision, error) {
	decided, err := decide(action)
	if errors.Is(err, decisionhook.ErrUnavailable) {
		return decision{}, problemFor(i.ctx, err) // stays with its item
	}
	if err != nil {
		return decision{}, err
	}
	if decided.Allowed && i.use(&decided) {
		return decided, nil
	}
	for _, failure := range decided.Errors {
		logFrom(i.ctx).ErrorContext(i.ctx, "a policy could not be evaluated, so the answer is no", "error", failure)
	}
	if decided.answer != nil && !decided.answer.Allowed {
		logFrom(i.ctx).InfoContext(i.ctx, "the application denies it", "hook", decided.answer.ID, "reason", decided.answer.Reason)
	}
	decided.shares = nil
	record := i.record(action, key, decided)
	record.Outcome = audit.Denied
	i.records = append(i.records, record)
	if action == access.Read || i.hides(action, decide) {
		return decision{}, problem.New(problem.NotFound, "There is no such object, or you may not read it.")
	}
	what := "this object"
	if strings.HasSuffix(key, "/") {
		what = "whatever lies below this prefix"
	}
	return decision{}, problem.New(problem.Denied, fmt.Sprintf("Nothing allows you to %s %s.", action, what))
}

// hides says that even the refusal of an action would tell too much: that
// there may be something to delete, share or take back.
func (i *issue) hides(action access.Action, decide func(access.Action) (decision, error)) bool {
	if !slices.Contains([]access.Action{access.Delete, access.Share, access.Revoke, access.Audit}, action) {
		return false
	}
	reading, err := decide(access.Read)
	return err != nil || !reading.Allowed
}

// use counts a use of the first share that has one left, and makes it the one
// that the decision rests on. Without shares it rests on policies alone.
func (i *issue) use(decided *decision) bool {
	for _, share := range decided.shares {
		var err error
		if share.MaxUses > 0 {
			err = i.server.parts.Grants.Use(i.ctx, share.ID, i.server.parts.Now())
		}
		if err == nil {
			decided.shares = []grants.Grant{share}
			return true
		}
		if !errors.Is(err, grants.ErrUsedUp) {
			logFrom(i.ctx).WarnContext(i.ctx, "a share could not be used", "grant", share.ID, "error", err)
		}
	}
	return len(decided.shares) == 0
}

// better says which of two shares to rest on: the one without a limit of uses,
// then the one that lives longer.
func better(a, b grants.Grant) int {
	switch {
	case (a.MaxUses > 0) != (b.MaxUses > 0):
		return a.MaxUses - b.MaxUses
	case a.Expires == nil || b.Expires == nil:
		return boolInt(a.Expires != nil) - boolInt(b.Expires != nil)
	}
	return b.Expires.Compare(*a.Expires)
}

func boolInt(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

type linkKey struct{}

// linkFrom returns the holder of the link that came with a request, or nobody.
func linkFrom(ctx context.Context) grants.Grantee {
	link, _ := ctx.Value(linkKey{}).(grants.Grantee)
	return link
}
