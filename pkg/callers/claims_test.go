package callers_test

import (
	"crypto"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/signgate/signgate/pkg/callers"
)

func TestGroupsAndTenantComeFromTheClaimsThatSettingsName(t *testing.T) {
	key := ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"ec": key})
	config := i.config()
	config.Issuers[0].GroupsClaim, config.Issuers[0].TenantClaim = "roles", "https://example.com/tenant"
	authenticator, err := callers.NewOIDC(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	token := func(more map[string]any) string {
		claims := i.claims()
		maps.Copy(claims, more)
		return sign(t, jwt.SigningMethodES256, key, claims, map[string]any{"kid": "ec"})
	}
	caller, err := authenticator.Authenticate(t.Context(), token(map[string]any{
		"roles": []string{"editors", "readers"}, "https://example.com/tenant": "a", "groups": []string{"admins"},
	}))
	if err != nil || !slices.Equal(caller.Groups, []string{"editors", "readers"}) || caller.Tenant != "a" {
		t.Errorf("%+v, %v", caller, err)
	}
	if caller, err := authenticator.Authenticate(t.Context(), token(nil)); err != nil || caller.Groups != nil || caller.Tenant != "" {
		t.Errorf("without them: %+v, %v", caller, err)
	}
	for name, more := range map[string]map[string]any{
		"one group as a text":       {"roles": "editors"},
		"groups that are numbers":   {"roles": []int{1}},
		"a group without a name":    {"roles": []string{""}},
		"a group with a long name":  {"roles": []string{strings.Repeat("x", 257)}},
		"very many groups":          {"roles": strings.Split(strings.Repeat("x ", 300)+"x", " ")},
		"a tenant that is a list":   {"https://example.com/tenant": []string{"a"}},
		"a tenant with a long name": {"https://example.com/tenant": strings.Repeat("x", 257)},
	} {
		if caller, err := authenticator.Authenticate(t.Context(), token(more)); !errors.Is(err, callers.ErrToken) {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
}
