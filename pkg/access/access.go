package access

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/signgate/signgate/pkg/objectkey"
)

var (
	// ErrNoPolicies says that a folder holds no policy, so that everything
	// would be denied.
	ErrNoPolicies = errors.New("no policies")
	// ErrPolicy is wrapped where a policy can't be used.
	ErrPolicy = errors.New("invalid policy")
)

// Action is what somebody wants to do to an object.
type Action string

// The actions. Overwrite is asked for on top of Write where an upload may
// replace an object; Share and Revoke give others what one may do and take it
// back; Audit looks at what others were given.
const (
	Read      Action = "read"
	List      Action = "list"
	Write     Action = "write"
	Overwrite Action = "overwrite"
	Delete    Action = "delete"
	Share     Action = "share"
	Revoke    Action = "revoke"
	Audit     Action = "audit"
)

// Actions returns every action.
func Actions() []Action {
	return []Action{Read, List, Write, Overwrite, Delete, Share, Revoke, Audit}
}

// Kind is what a principal is.
type Kind string

// The kinds; the zero Kind is a person.
const (
	Person    Kind = "Person"
	Machine   Kind = "Machine"
	Anonymous Kind = "Anonymous"
)

// anyone is the id of the one anonymous principal.
const anyone = "anyone"

// Principal is who asks.
type Principal struct {
	Kind    Kind
	Subject string   // as package callers gives it, nobody else's of whatever kind; nothing of Anonymous
	Groups  []string // that a person or machine is in
	Tenant  string   // that a person or machine belongs to; empty for none
	Scopes  []string // of a machine's key, which bound what policies can allow: see Covers; nil for no bounds
}

// Decision is the answer to one question.
type Decision struct {
	Allowed  bool
	Policies []string // the ids of the policies that decided, sorted; empty for the default deny
	Errors   []string // what went wrong while evaluating; any makes a deny
}

// Authorizer decides by an immutable set of policies. It is safe for
// concurrent use.
type Authorizer struct {
	policies      *cedar.PolicySet
	settled       *cedar.PolicySet // those of them that don't look at shares
	sharing       *cedar.PolicySet // those that do
	layout        Layout
	prefixPermits map[facts]*cedar.PolicySet // the permits that can speak for a whole prefix, by the facts settled below it
	forbids       map[cedar.PolicyID]*cedar.Policy
	opaque        []string // ids of policies that can't be decided for a whole prefix, sorted
	validator     *validate.Validator
	count         int
}

// policySuffix is what the names of policy files end in.
const policySuffix = ".cedar"

// Load reads every file of the folder whose name ends in ".cedar". A policy's
// id is its @id annotation, or the file's name and its place there
// ("home.cedar:1"). Keys are laid out as DefaultLayout says. Errors wrap
// ErrNoPolicies or ErrPolicy and name the file.
func Load(folder fs.FS) (*Authorizer, error) {
	layout, err := ParseLayout(DefaultLayout())
	if err != nil {
		return nil, err
	}
	return LoadWithLayout(folder, layout)
}

// LoadWithLayout is Load for keys that are laid out in another way.
func LoadWithLayout(folder fs.FS, layout Layout) (*Authorizer, error) {
	names, err := fs.Glob(folder, "*"+policySuffix)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	validator, err := newValidator()
	if err != nil {
		return nil, err
	}
	authorizer := &Authorizer{
		validator: validator, layout: layout, policies: cedar.NewPolicySet(), settled: cedar.NewPolicySet(), sharing: cedar.NewPolicySet(),
		prefixPermits: map[facts]*cedar.PolicySet{}, forbids: map[cedar.PolicyID]*cedar.Policy{},
	}
	for settled := range allFacts + 1 {
		authorizer.prefixPermits[settled] = cedar.NewPolicySet()
	}
	for _, name := range names {
		if err := authorizer.add(folder, name); err != nil {
			return nil, err
		}
	}
	slices.Sort(authorizer.opaque)
	if authorizer.count == 0 {
		return nil, fmt.Errorf("%w: the folder has no policy in a file ending in %s", ErrNoPolicies, policySuffix)
	}
	return authorizer, nil
}

func (a *Authorizer) add(folder fs.FS, name string) error {
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	policies, err := cedar.NewPolicyListFromBytes(name, text)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrPolicy, name, err)
	}
	for i, policy := range policies {
		id := cedar.PolicyID(fmt.Sprintf("%s:%d", path.Base(name), i+1))
		if named, ok := policy.Annotations()["id"]; ok {
			id = cedar.PolicyID(named)
		}
		if err := check(a.validator, name, id, policy); err != nil {
			return err
		}
		if !a.policies.Add(id, policy) {
			return fmt.Errorf("%w: %s: two policies have the id %q", ErrPolicy, name, id)
		}
		if err := a.sort(id, policy); err != nil {
			return err
		}
		a.count++
	}
	return nil
}

// Len returns the number of policies, which is never zero.
func (a *Authorizer) Len() int { return a.count }

// Authorize decides whether the principal may do the action to the object.
// granted are the actions that shares give the principal there. The zero
// principal and the zero key are denied, and so is what the principal's scopes
// don't cover, whatever policies say.
func (a *Authorizer) Authorize(principal Principal, action Action, key objectkey.Key, granted ...Action) Decision {
	return a.Ask(principal, action, key).Answer(granted...)
}

func request(principal Principal, action Action, key objectkey.Key, granted []Action) cedar.Request {
	actions := make([]types.Value, len(granted))
	for n, one := range granted {
		actions[n] = types.String(one)
	}
	return cedar.Request{
		Principal: principal.uid(),
		Action:    cedar.NewEntityUID("Action", cedar.String(action)),
		Resource:  objectUID(key),
		Context:   types.NewRecord(types.RecordMap{"granted": types.NewSet(actions...)}),
	}
}

// decide turns Cedar's answer into ours: an error on the way is a no.
func decide(allowed cedar.Decision, diagnostic cedar.Diagnostic) Decision {
	decision := Decision{Allowed: allowed == cedar.Allow && len(diagnostic.Errors) == 0}
	for _, reason := range diagnostic.Reasons {
		decision.Policies = append(decision.Policies, string(reason.PolicyID))
	}
	for _, failure := range diagnostic.Errors {
		decision.Errors = append(decision.Errors, string(failure.PolicyID)+": "+failure.Message)
	}
	slices.Sort(decision.Policies)
	slices.Sort(decision.Errors)
	return decision
}

// own returns the folder below a root that belongs to a name. Only a name that
// is one segment of a key has one: "alice/albums" must not own a folder of
// alice's, nor ".." the folder of everybody.
func own(root, name string) (string, bool) {
	if strings.Contains(name, "/") {
		return "", false
	}
	if _, err := objectkey.Parse(root + name + "/x"); err != nil {
		return "", false
	}
	return root + name + "/", true
}
