package callers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

var (
	// ErrIdentity is wrapped where an AWS identity isn't accepted. The reason is
	// for the log.
	ErrIdentity = errors.New("AWS identity refused")
	// ErrIAMCallers is wrapped where a description of IAM callers can't be used.
	ErrIAMCallers = errors.New("invalid AWS callers")
)

// byIAM is how callers whom AWS has authenticated are authenticated.
const byIAM = "aws-iam"

// IAMIdentity is who signed a request, as a front door on AWS found by
// checking the signature.
type IAMIdentity struct {
	ARN     string // of the user, or of the session of a role
	Account string // the account of the identity, twelve digits
	Cognito bool   // a Cognito identity pool stands between: one role for many people
}

type iamKey struct{}

// WithIAM hands the identity that a front door has found to whoever handles
// the request in the same process. It is never read from a header: those are
// the client's to write.
func WithIAM(ctx context.Context, identity IAMIdentity) context.Context {
	return context.WithValue(ctx, iamKey{}, identity)
}

// IAMFrom returns what WithIAM handed over, if anything.
func IAMFrom(ctx context.Context) (IAMIdentity, bool) {
	identity, ok := ctx.Value(iamKey{}).(IAMIdentity)
	return identity, ok
}

// ReadIAM finds the identity in the requestContext of a Lambda event, which
// API Gateway writes: in authorizer.iam for HTTP APIs (payload format 2.0), in
// identity for REST APIs (Amazon API Gateway Developer Guide, "Create AWS
// Lambda proxy integrations"). found is false where no IAM authorizer has run.
// The error wraps ErrIdentity.
func ReadIAM(requestContext []byte) (identity IAMIdentity, found bool, err error) {
	var event struct {
		Authorizer struct {
			IAM *struct {
				UserARN   string `json:"userArn"`
				AccountID string `json:"accountId"`
				Cognito   any    `json:"cognitoIdentity"`
			} `json:"iam"`
		} `json:"authorizer"`
		Identity struct {
			UserARN   string `json:"userArn"`
			AccountID string `json:"accountId"`
			Cognito   string `json:"cognitoIdentityId"`
		} `json:"identity"`
	}
	if err := json.Unmarshal(requestContext, &event); err != nil {
		return IAMIdentity{}, false, fmt.Errorf("%w: the request context can't be read: %w", ErrIdentity, err)
	}
	switch iam := event.Authorizer.IAM; {
	case iam != nil:
		return IAMIdentity{ARN: iam.UserARN, Account: iam.AccountID, Cognito: iam.Cognito != nil}, true, nil
	case event.Identity.UserARN != "":
		rest := event.Identity
		return IAMIdentity{ARN: rest.UserARN, Account: rest.AccountID, Cognito: rest.Cognito != ""}, true, nil
	}
	return IAMIdentity{}, false, nil
}

// IAM knows the machines behind AWS identities.
type IAM struct {
	accounts []string
	machines map[string]Caller // by what normalized returns
}

// iamCaller is one machine in the description.
type iamCaller struct {
	ARN     string   `json:"arn"`     // of a role or user
	Machine string   `json:"machine"` // its subject is "aws:" and this
	Groups  []string `json:"groups"`
	Tenant  string   `json:"tenant"`
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	machineForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	arnForm     = regexp.MustCompile(`^arn:(aws[a-z-]*):(iam|sts)::([0-9]{12}):([a-z-]+)/([\x21-\x7e]+)$`)
)

// ParseIAM reads a JSON object: "callers" names the machines behind roles and
// users by ARN; "accounts" lists the accounts of which all others are machines
// as well, called by their ARNs. An identity that is in neither is refused.
// The error wraps ErrIAMCallers and names everything that is wrong.
func ParseIAM(text []byte) (*IAM, error) {
	var described struct {
		Accounts []string    `json:"accounts"`
		Callers  []iamCaller `json:"callers"`
	}
	if err := json.Unmarshal(text, &described, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIAMCallers, err)
	}
	var complaints []string
	if len(described.Accounts) == 0 && len(described.Callers) == 0 {
		complaints = append(complaints, "there are none")
	}
	for _, account := range described.Accounts {
		if !accountForm.MatchString(account) {
			complaints = append(complaints, fmt.Sprintf("accounts holds %q; an account is twelve digits", account))
		}
	}
	iam := &IAM{accounts: described.Accounts, machines: map[string]Caller{}}
	for n, one := range described.Callers {
		if err := iam.add(one); err != nil {
			complaints = append(complaints, fmt.Sprintf("caller %d (%q) %s", n+1, one.ARN, err))
		}
	}
	if len(complaints) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrIAMCallers, strings.Join(complaints, "; "))
	}
	return iam, nil
}

func (i *IAM) add(one iamCaller) error {
	arn, err := normalized(one.ARN)
	_, twice := i.machines[arn]
	switch {
	case err != nil || strings.Contains(one.ARN, ":sts:"):
		return errors.New("needs the ARN of a role or user, such as arn:aws:iam::123456789012:role/reporter")
	case twice:
		return errors.New("stands here twice: the path of a role doesn't tell it from another")
	case !machineForm.MatchString(one.Machine):
		return fmt.Errorf("has the machine %q; use letters, digits, dots, underscores and hyphens", one.Machine)
	case slices.Contains(one.Groups, ""):
		return errors.New("has a group without a name")
	}
	i.machines[arn] = Caller{Kind: Machine, Subject: IAMPrefix + one.Machine, Authenticated: byIAM, Groups: one.Groups, Tenant: one.Tenant}
	return nil
}

// Authenticate says which machine an identity is. The error wraps ErrIdentity.
func (i *IAM) Authenticate(identity IAMIdentity) (Caller, error) {
	arn, err := normalized(identity.ARN)
	switch {
	case err != nil:
		return Caller{}, err
	case identity.Cognito:
		return Caller{}, fmt.Errorf("%w: it comes from a Cognito identity pool, whose people share a role", ErrIdentity)
	case !strings.Contains(arn, "::"+identity.Account+":") || !accountForm.MatchString(identity.Account):
		return Caller{}, fmt.Errorf("%w: its ARN is of another account than it says", ErrIdentity)
	}
	if caller, ok := i.machines[arn]; ok {
		return caller, nil
	}
	if slices.Contains(i.accounts, identity.Account) {
		return Caller{Kind: Machine, Subject: IAMPrefix + arn, Authenticated: byIAM}, nil
	}
	return Caller{}, fmt.Errorf("%w: neither it nor its account is among the AWS callers", ErrIdentity)
}

// normalized is the ARN of the role or user that an identity is, without its
// path: a session of a role tells neither the path nor needs to, because names
// are unique within an account (AWS IAM User Guide, "IAM identifiers"). Root
// users and federated users are nobody. The error wraps ErrIdentity.
func normalized(arn string) (string, error) {
	parts := arnForm.FindStringSubmatch(arn)
	if parts == nil {
		return "", fmt.Errorf("%w: it has no ARN of a role or user", ErrIdentity)
	}
	partition, service, account, kind, rest := parts[1], parts[2], parts[3], parts[4], strings.Split(parts[5], "/")
	name := rest[len(rest)-1]
	switch {
	case slices.Contains(rest, ""):
		return "", fmt.Errorf("%w: its ARN has an empty part", ErrIdentity)
	case service == "sts" && kind == "assumed-role" && len(rest) == 2: // the role and the session
		kind, name = "role", rest[0]
	case service != "iam" || kind != "role" && kind != "user":
		return "", fmt.Errorf("%w: it is neither a role nor a user", ErrIdentity)
	}
	return fmt.Sprintf("arn:%s:iam::%s:%s/%s", partition, account, kind, name), nil
}
