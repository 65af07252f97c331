package policytest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Policies are all policies that together decide: those of the templates, and
// what a test adds.
type Policies struct {
	Buckets   map[string]*Bucket  // by ARN
	Keys      map[string]*Key     // by ARN
	Aliases   map[string]string   // ARN of a key by the ARN of its alias
	Roles     map[string]*IAMRole // by ARN
	Attached  map[string]Policy   // policies of other resources by the resource's ARN
	Endpoints map[string]Policy   // by id of the VPC endpoint
}

// A Bucket is what decides about a bucket beside its policy.
type Bucket struct {
	Account, Region       string
	Policy                *Policy // nil: none
	Key                   string  // ARN of the key objects are encrypted with, or of its alias; empty: SSE-S3
	BucketKey             bool    // an S3 Bucket Key stands between objects and key
	RestrictPublicBuckets bool
}

// A Key is a KMS key, which always has a policy.
type Key struct {
	Account string
	Policy  Policy
}

// An IAMRole is a role with everything attached to it.
type IAMRole struct {
	Trust    *Policy // nil for a role that no template defines
	Identity []Policy
	Boundary *Policy
}

// An Answer is AWS's, and why.
type Answer struct {
	Allowed bool
	// Reason in words: which kind of policy decided, or was missing.
	Reason string
	// Statements that decided, as policy/Sid: those that denied, or those
	// that allowed. None did where nothing allowed.
	Statements []string
}

func (a Answer) String() string {
	verdict := "denied"
	if a.Allowed {
		verdict = "allowed"
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %s %s", verdict, a.Reason, strings.Join(a.Statements, ", ")))
}

// Evaluate says what AWS would answer. Errors say what can't be judged: they
// are faults of the test or of a policy, and no answer.
func (p *Policies) Evaluate(r Request) (Answer, error) {
	answer, err := p.evaluate(r)
	if err != nil {
		return Answer{}, fmt.Errorf("%s on %s: %w", r.Action, r.Resource, err)
	}
	return answer, nil
}

func (p *Policies) evaluate(r Request) (Answer, error) {
	if r.Principal.problem != nil {
		return Answer{}, r.Principal.problem
	}
	if !strings.Contains(r.Action, ":") || strings.ContainsAny(r.Action, "*?") {
		return Answer{}, fmt.Errorf("%q is not one action", r.Action)
	}
	target, err := p.target(r)
	if err != nil {
		return Answer{}, err
	}
	caller := r.Principal
	if role, ok := p.Roles[caller.arn]; ok {
		caller = caller.WithPolicies(role.Identity...)
		if role.Boundary != nil {
			caller = caller.WithBoundary(*role.Boundary)
		}
	}
	r = r.With("aws:ResourceAccount", target.account).With("aws:RequestedRegion", target.region)
	if strings.HasPrefix(r.Action, "kms:") && caller.account != "" {
		r = r.With("kms:CallerAccount", caller.account)
	}
	return p.decide(r, caller, target)
}

// target is the resource's side of a request.
type target struct {
	account  string
	region   string
	policies []Policy // its own policy, if it has one
	alone    bool     // nobody is allowed what its own policy doesn't allow
	bucket   *Bucket
}

// globalRegion is where services without regions are.
const globalRegion = "us-east-1"

// target finds whose resource it is and which policy it has.
func (p *Policies) target(r Request) (target, error) {
	fields := strings.SplitN(r.Resource, ":", arnFields)
	if r.Resource == "*" { // actions on no resource are the caller's account's
		return target{account: r.Principal.account, region: globalRegion}, nil
	}
	if len(fields) < arnFields || fields[0] != "arn" {
		return target{}, errors.New("the resource is not an ARN")
	}
	switch {
	case fields[2] == "s3":
		arn, _, _ := strings.Cut(r.Resource, "/")
		bucket, ok := p.Buckets[arn]
		if !ok {
			return target{}, fmt.Errorf("nobody knows the bucket %s", arn)
		}
		t := target{account: bucket.Account, region: bucket.Region, bucket: bucket}
		if bucket.Policy != nil {
			t.policies = []Policy{*bucket.Policy}
		}
		return t, nil
	case fields[2] == "kms" && strings.HasPrefix(fields[5], "alias/") && !strings.HasSuffix(r.Action, "Alias"):
		return target{}, errors.New("rights to use a key are about the key, not its alias")
	case fields[2] == "kms" && strings.HasPrefix(fields[5], "key/"):
		key, ok := p.Keys[r.Resource]
		if !ok {
			return target{}, errors.New("nobody knows the key")
		}
		return target{account: key.Account, region: fields[3], policies: []Policy{key.Policy}, alone: true}, nil
	case fields[2] == "iam" && strings.HasPrefix(r.Action, "sts:AssumeRole"):
		role, ok := p.Roles[r.Resource]
		if !ok || role.Trust == nil {
			return target{}, errors.New("nobody knows the trust policy of the role")
		}
		return target{account: fields[4], region: globalRegion, policies: []Policy{*role.Trust}, alone: true}, nil
	}
	t := target{account: cmp.Or(fields[4], r.Principal.account), region: cmp.Or(fields[3], globalRegion)}
	if policy, ok := p.Attached[r.Resource]; ok {
		t.policies = []Policy{policy}
	}
	return t, nil
}

// decide follows the flow chart of "Determining whether a request is allowed
// or denied within an account", and its cross-account counterpart.
func (p *Policies) decide(r Request, caller Principal, target target) (Answer, error) {
	resource, err := r.judge(caller, target.policies)
	if err != nil {
		return Answer{}, err
	}
	identity, err := r.judge(caller, caller.identity)
	if err != nil {
		return Answer{}, err
	}
	if caller.isRoot() {
		identity.allow(byAccount, "the root user's own right")
	}
	limits, err := p.limits(r, caller)
	if err != nil {
		return Answer{}, err
	}
	denied := slices.Concat(resource.denies, identity.denies)
	for _, l := range limits {
		denied = append(denied, l.denies...)
	}
	if len(denied) > 0 {
		return Answer{Reason: "an explicit deny", Statements: denied}, nil
	}
	if target.closedToPublic(caller) {
		return Answer{Reason: "S3 Block Public Access closes the bucket, whose policy is public"}, nil
	}
	return conclude(r, caller, target, resource, identity, limits), nil
}

// conclude decides where nothing denies.
func conclude(r Request, caller Principal, target target, resource, identity verdict, limits []limit) Answer {
	within := caller.account == "" || caller.account == target.account
	var limited []string
	for _, l := range limits {
		spared := within && l.spares(resource.reach)
		if l.reach == unnamed && !spared {
			return Answer{Reason: l.name + " doesn't allow it"}
		}
		limited = append(limited, l.allows...)
	}
	switch {
	case caller.isAnonymous() && !strings.HasPrefix(r.Action, "s3:"):
		return Answer{Reason: "only S3 takes anonymous requests"}
	case within && resource.reach >= byRole:
		return Answer{Allowed: true, Reason: "the resource's policy", Statements: slices.Concat(resource.allows, limited)}
	case resource.reach == unnamed && (target.alone || caller.account == "" || !within):
		return Answer{Reason: "the resource's policy doesn't allow it"}
	case identity.reach == unnamed:
		return Answer{Reason: "no identity policy allows it"}
	}
	return Answer{Allowed: true, Reason: "the identity's policies", Statements: slices.Concat(identity.allows, resource.allows, limited)}
}

// A limit is a policy that allows nothing by itself and has to allow all.
type limit struct {
	verdict
	name     string
	endpoint bool
}

// spares: boundary and session policies don't limit what a resource's policy
// gives to a user, a session or everyone; an endpoint limits all.
func (l limit) spares(granted reach) bool { return !l.endpoint && granted == directly }

func (p *Policies) limits(r Request, caller Principal) ([]limit, error) {
	var limits []limit
	var problems error
	add := func(l limit, policies ...Policy) {
		var err error
		l.verdict, err = r.judge(caller, policies)
		limits, problems = append(limits, l), errors.Join(problems, err)
	}
	if r.endpoint != "" {
		policy, ok := p.Endpoints[r.endpoint]
		if !ok {
			return nil, fmt.Errorf("nobody knows the VPC endpoint %s", r.endpoint)
		}
		add(limit{name: "the VPC endpoint's policy", endpoint: true}, policy)
	}
	if caller.boundary != nil {
		add(limit{name: "the permissions boundary"}, *caller.boundary)
	}
	if len(caller.limits) > 0 {
		add(limit{name: "the session policy"}, caller.limits...)
	}
	return limits, problems
}

// A verdict is what policies of one kind say.
type verdict struct {
	denies []string
	allows []string
	reach  reach // the closest an Allow comes to the principal
}

func (v *verdict) allow(by reach, cited string) {
	v.reach = max(v.reach, by)
	v.allows = append(v.allows, cited)
}

func (r Request) judge(caller Principal, policies []Policy) (verdict, error) {
	var v verdict
	for _, policy := range policies {
		for _, s := range policy.statements {
			cited := policy.Name + "/" + s.sid
			by, err := s.applies(r, caller, policy.version == "2012-10-17")
			switch {
			case errors.Is(err, errUnresolved) && !s.deny:
				// The statement is invalid for this request, and allows nothing.
			case err != nil:
				return v, fmt.Errorf("%s: %w", cited, err)
			case by == unnamed:
			case s.deny:
				v.denies = append(v.denies, cited)
			default:
				v.allow(by, cited)
			}
		}
	}
	return v, nil
}

// applies says how closely the statement names the caller; unnamed if any of
// its elements doesn't match.
func (s *statement) applies(r Request, caller Principal, variables bool) (reach, error) {
	by := s.addresses(caller)
	if by == unnamed || s.coversAction(r.Action) == s.not.actions {
		return unnamed, nil
	}
	covered, err := s.coversResource(r.Resource, variables, r.keys)
	if err != nil || covered == s.not.resources {
		return unnamed, err
	}
	for _, c := range s.conditions {
		if holds, err := c.holds(r.keys, variables); err != nil || !holds {
			return unnamed, err
		}
	}
	return by, nil
}

func (s *statement) addresses(caller Principal) reach {
	switch {
	case s.principals == nil: // an identity policy is its principal's
		return directly
	case !s.not.principals:
		return s.principals.names(caller)
	case s.principals.spares(caller):
		return unnamed
	}
	return directly
}

// wildcards are what makes a text mean more than itself.
const wildcards = "*?"

// coversAction compares without case: actions are case-insensitive.
func (s *statement) coversAction(action string) bool {
	for _, text := range s.actions {
		if !strings.ContainsAny(text, wildcards) {
			if strings.EqualFold(text, action) {
				return true
			}
			continue
		}
		if (pattern{}).and(strings.ToLower(text), true).matches(strings.ToLower(action)) {
			return true
		}
	}
	return false
}

func (s *statement) coversResource(resource string, variables bool, keys contextKeys) (bool, error) {
	if s.resources == nil { // a trust policy is about its role
		return true, nil
	}
	for _, text := range s.resources {
		if text == "*" || text == resource && resource != "*" {
			return true, nil
		}
		if isLiteralARN(text) {
			continue // of something else
		}
		wanted, err := expand(text, variables, keys)
		if err != nil {
			return false, err
		}
		if resource == "*" {
			continue
		}
		if matched, err := wanted.matchesARN(resource); err != nil || matched {
			return matched, err
		}
	}
	return false, nil
}
