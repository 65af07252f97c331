package callers

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

const (
	// maxGroups is more groups than a token of 16 KiB can usefully hold.
	maxGroups    = 256
	maxNameBytes = 256
	// maxSubjectBytes is OpenID Connect's limit (Core 1.0, section 2, "sub").
	maxSubjectBytes = 255
)

// byToken is how callers with an access token are authenticated.
const byToken = "oidc"

// tokenClaims are the registered claims and all as they stand. A claim whose
// name differs by case is another claim, and none may be there twice: readers
// that see it otherwise would let who can add a claim of their own to a token
// replace one of the issuer's.
type tokenClaims struct {
	jwt.RegisteredClaims
	all map[string]jsontext.Value
}

// UnmarshalJSON reads both.
func (c *tokenClaims) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &c.RegisteredClaims); err != nil {
		return err
	}
	return json.Unmarshal(text, &c.all)
}

// reading says what claims mean.
type reading struct {
	issuer Issuer
	names  namespace
}

// caller reads who it is from verified claims. A claim that is there and isn't
// of the form that it must have refuses the token: to leave it out would let
// policies that look for a group, to forbid something, miss it. The error
// wraps ErrToken.
func (r reading) caller(claims tokenClaims) (Caller, error) {
	for claim, want := range r.issuer.Required {
		var got string
		if err := json.Unmarshal(claims.all[claim], &got); err != nil || got != want {
			return Caller{}, fmt.Errorf("%w: its claim %q isn't the one required", ErrToken, claim)
		}
	}
	caller := Caller{Kind: r.issuer.Kind, Authenticated: byToken}
	if caller.Kind == "" {
		caller.Kind = Person
	}
	subject, err := r.subject(claims)
	if err != nil {
		return Caller{}, err
	}
	groups, err := r.groups(claims)
	if err != nil {
		return Caller{}, err
	}
	tenant, err := r.tenant(claims)
	if err != nil {
		return Caller{}, err
	}
	caller.Subject, caller.Groups, caller.Tenant = subject, groups, tenant
	return caller, nil
}

func (r reading) subject(claims tokenClaims) (string, error) {
	claim := r.issuer.SubjectClaim
	if claim == "" {
		claim = defaultSubjectClaim
	}
	var subject string
	if err := json.Unmarshal(claims.all[claim], &subject); err != nil || subject == "" || len(subject) > maxSubjectBytes {
		return "", fmt.Errorf("%w: its subject is no text, empty or too long", ErrToken)
	}
	return r.names.name(subject)
}

func (r reading) groups(claims tokenClaims) ([]string, error) {
	text, ok := claims.all[r.issuer.GroupsClaim]
	if !ok || r.issuer.GroupsClaim == "" {
		return nil, nil
	}
	var groups []string
	if err := json.Unmarshal(text, &groups); err != nil {
		return nil, fmt.Errorf("%w: the claim of groups is not a list of texts", ErrToken)
	}
	if len(groups) > maxGroups {
		return nil, fmt.Errorf("%w: it has too many groups", ErrToken)
	}
	for n, group := range groups {
		if group == "" || len(group) > maxNameBytes {
			return nil, fmt.Errorf("%w: a group has no name, or one too long", ErrToken)
		}
		var err error
		if groups[n], err = r.names.name(group); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

func (r reading) tenant(claims tokenClaims) (string, error) {
	text, ok := claims.all[r.issuer.TenantClaim]
	if !ok || r.issuer.TenantClaim == "" {
		return "", nil
	}
	var tenant string
	if err := json.Unmarshal(text, &tenant); err != nil || len(tenant) > maxNameBytes {
		return "", fmt.Errorf("%w: the claim of the tenant is not a text, or too long a one", ErrToken)
	}
	if tenant == "" {
		return "", nil // no tenant, rather than the tenant of all who have none
	}
	return r.names.name(tenant)
}
