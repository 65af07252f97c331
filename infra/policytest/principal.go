package policytest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	entityARN    = regexp.MustCompile(`^arn:[a-z-]+:iam::([0-9]{12}):(role|user|root)(/.+)?$`)
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	principalARN = regexp.MustCompile(`^arn:[a-z-]+:(iam::[0-9]{12}:(root|(user|role)/[^*?]+)|sts::[0-9]{12}:(assumed-role|federated-user)/[^*?]+)$`)
)

// A Principal makes requests. One of a role that a template defines has that
// role's policies; what others may do is said by the With methods.
type Principal struct {
	arn       string // of the role or user; ends in :root for an account's root user
	session   string // ARN of the session of a role
	account   string // empty for services, federated and anonymous callers
	service   string
	federated string
	identity  []Policy
	boundary  *Policy
	limits    []Policy // session policies
	problem   error
}

// Role is a session of the role with this ARN.
func Role(arn, session string) Principal {
	p := entity(arn, "role")
	if fields := strings.Split(arn, ":"); p.problem == nil {
		name := arn[strings.LastIndex(arn, "/")+1:]
		p.session = fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", fields[1], p.account, name, session)
	}
	return p
}

// User is the IAM user with this ARN.
func User(arn string) Principal { return entity(arn, "user") }

// Root is the root user of an account.
func Root(account string) Principal { return entity("arn:aws:iam::"+account+":root", "root") }

func entity(arn, kind string) Principal {
	p := Principal{arn: arn}
	match := entityARN.FindStringSubmatch(arn)
	if match == nil || match[2] != kind {
		p.problem = fmt.Errorf("%q is not the ARN of a %s", arn, kind)
		return p
	}
	p.account = match[1]
	return p
}

// Service is an AWS service by its principal, such as cloudfront.amazonaws.com.
func Service(name string) Principal { return Principal{service: name} }

// FederatedBy is a caller with a token of this provider, who wants a role.
func FederatedBy(provider string) Principal { return Principal{federated: provider} }

// Anonymous signs nothing.
func Anonymous() Principal { return Principal{} }

// WithPolicies adds identity policies.
func (p Principal) WithPolicies(policies ...Policy) Principal {
	p.identity = slices.Concat(p.identity, policies)
	return p
}

// WithBoundary sets the permissions boundary.
func (p Principal) WithBoundary(policy Policy) Principal {
	p.boundary = &policy
	return p
}

// WithSessionPolicies limits a session as AssumeRole's Policy does: together
// they allow what one of them allows.
func (p Principal) WithSessionPolicies(policies ...Policy) Principal {
	p.limits = slices.Concat(p.limits, policies)
	return p
}

func (p Principal) isRoot() bool      { return strings.HasSuffix(p.arn, ":root") }
func (p Principal) isAnonymous() bool { return p.arn == "" && p.service == "" && p.federated == "" }

// keys are what every request of the principal tells about it ("AWS global
// condition context keys").
func (p Principal) keys() map[string]string {
	switch {
	case p.service != "":
		return map[string]string{"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": p.service}
	case p.isAnonymous():
		return map[string]string{"aws:PrincipalType": "Anonymous", "aws:userid": "anonymous"}
	case p.federated != "":
		return map[string]string{"aws:FederatedProvider": p.federated}
	}
	keys := map[string]string{"aws:PrincipalArn": p.arn, "aws:PrincipalAccount": p.account, "aws:PrincipalIsAWSService": "false"}
	switch {
	case p.isRoot():
		keys["aws:PrincipalType"] = "Account"
	case p.session != "":
		keys["aws:PrincipalType"] = "AssumedRole"
	default:
		keys["aws:PrincipalType"], keys["aws:username"] = "User", p.arn[strings.LastIndex(p.arn, "/")+1:]
	}
	return keys
}

// principals is a Principal element.
type principals struct {
	everyone  bool
	aws       []string // ARNs; accounts as their root's
	services  []string
	federated []string
}

func parsePrincipals(element any) (*principals, error) {
	if element == "*" {
		return &principals{everyone: true}, nil
	}
	members, err := object(element, "AWS", "Service", "Federated")
	if err != nil {
		return nil, fmt.Errorf("Principal: %w", err)
	}
	if len(members) == 0 {
		return nil, errors.New("the Principal names nobody")
	}
	var p principals
	for kind, value := range members {
		names, err := texts(value, false)
		if err != nil {
			return nil, fmt.Errorf("Principal: %w", err)
		}
		for _, name := range names {
			if err := p.add(kind, name); err != nil {
				return nil, err
			}
		}
	}
	return &p, nil
}

// add takes what "AWS JSON policy elements: Principal" lists, but for canonical
// users and the unique ids that AWS leaves where a principal was deleted.
func (p *principals) add(kind, name string) error {
	switch {
	case strings.Contains(name, "*") && (name != "*" || kind != "AWS"):
		return fmt.Errorf("%q: a principal is named in full", name)
	case name == "*": // the same as "Principal": "*" in a resource's policy
		p.everyone = true
	case kind == "Service":
		p.services = append(p.services, name)
	case kind == "Federated":
		p.federated = append(p.federated, name)
	case accountID.MatchString(name):
		p.aws = append(p.aws, "arn:aws:iam::"+name+":root")
	case principalARN.MatchString(name):
		p.aws = append(p.aws, name)
	default:
		return fmt.Errorf("%q is no principal that is judged here", name)
	}
	return nil
}

// reach says how closely a statement names a principal, which decides what
// else has to agree.
type reach int

const (
	unnamed   reach = iota
	byAccount       // its account, which decides by its identity policies
	byRole          // its role: boundary and session policies limit that
	directly        // itself or everyone: they don't
)

// names says how closely the element names the principal.
func (p *principals) names(caller Principal) reach {
	root := slices.ContainsFunc(p.aws, func(arn string) bool {
		fields := strings.Split(arn, ":")
		return caller.account != "" && fields[4] == caller.account && fields[5] == "root"
	})
	switch {
	case p.everyone,
		caller.service != "" && slices.Contains(p.services, caller.service),
		caller.federated != "" && slices.Contains(p.federated, caller.federated),
		caller.session != "" && slices.Contains(p.aws, caller.session),
		caller.session == "" && caller.arn != "" && slices.Contains(p.aws, caller.arn):
		return directly
	case caller.session != "" && slices.Contains(p.aws, caller.arn):
		return byRole
	case root:
		return byAccount
	}
	return unnamed
}

// spares says whether a NotPrincipal element leaves the principal out. AWS
// may check the account, then the role, then the session, and so every one of
// them has to be named ("AWS JSON policy elements: NotPrincipal").
func (p *principals) spares(caller Principal) bool {
	if caller.account == "" || p.everyone {
		return p.names(caller) == directly
	}
	for _, arn := range []string{caller.arn, caller.session} {
		if arn != "" && !slices.Contains(p.aws, arn) {
			return false
		}
	}
	account := Principal{account: caller.account}
	return caller.isRoot() || p.names(account) == byAccount
}
