package callers

import (
	"encoding/json"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// maxGroups is more groups than a token of 16 KiB can usefully hold.
	maxGroups    = 256
	maxNameBytes = 256
)

// tokenClaims are the registered claims and all others as they stand.
type tokenClaims struct {
	jwt.RegisteredClaims
	others map[string]json.RawMessage
}

// UnmarshalJSON reads both.
func (c *tokenClaims) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &c.RegisteredClaims); err != nil {
		return err
	}
	return json.Unmarshal(text, &c.others)
}

// claimNames says which claims hold what policies look at.
type claimNames struct{ groups, tenant string }

// caller reads a person from verified claims. A claim that is there and isn't
// of the form that it must have refuses the token: to leave it out would let
// policies that look for a group, to forbid something, miss it. The error
// wraps ErrToken.
func (n claimNames) caller(claims tokenClaims) (Caller, error) {
	caller := Caller{Subject: claims.Subject, Authenticated: "oidc"}
	if text, ok := claims.others[n.groups]; ok && n.groups != "" {
		if err := json.Unmarshal(text, &caller.Groups); err != nil {
			return Caller{}, fmt.Errorf("%w: the claim of groups is not a list of texts", ErrToken)
		}
	}
	if text, ok := claims.others[n.tenant]; ok && n.tenant != "" {
		if err := json.Unmarshal(text, &caller.Tenant); err != nil {
			return Caller{}, fmt.Errorf("%w: the claim of the tenant is not a text", ErrToken)
		}
	}
	if len(caller.Groups) > maxGroups || len(caller.Tenant) > maxNameBytes {
		return Caller{}, fmt.Errorf("%w: it has too many groups, or a tenant with too long a name", ErrToken)
	}
	for _, group := range caller.Groups {
		if group == "" || len(group) > maxNameBytes {
			return Caller{}, fmt.Errorf("%w: a group has no name, or one too long", ErrToken)
		}
	}
	return caller, nil
}
