package server_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/settings"
)

// issuer is an OIDC issuer whose keys a test changes, and who may be down.
type issuer struct {
	*httptest.Server

	mu   sync.Mutex
	keys map[string]crypto.Signer
	down bool
}

func newIssuer(t testing.TB, keys map[string]crypto.Signer) *issuer {
	t.Helper()
	i := &issuer{keys: keys}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		switch {
		case i.down:
			http.Error(w, "down", http.StatusServiceUnavailable)
		case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/jwks"})
		default:
			storage := jwkset.NewMemoryStorage()
			for kid, key := range i.keys {
				jwk, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid, USE: jwkset.UseSig}})
				if err == nil {
					err = storage.KeyWrite(r.Context(), jwk)
				}
				if err != nil {
					t.Error(err)
				}
			}
			set, err := storage.JSONPublic(r.Context())
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(set)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) change(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// token is a good one for alice but for what is changed; a nil claim is left
// out.
func (i *issuer) token(t testing.TB, method jwt.SigningMethod, key any, kid string, more map[string]any) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": i.URL, "aud": "signgate", "sub": "alice", "exp": start.Add(time.Hour).Unix()}
	maps.Copy(claims, more)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = kid
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func newKeys(t testing.TB) (*ecdsa.PrivateKey, *rsa.PrivateKey) {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return ec, rsaKey
}

// asks says whether a bearer gets an answer about an object that anybody known
// may read.
func (g *gateway) asks(t *testing.T, bearer string) bool {
	t.Helper()
	switch got := g.do(t, bearer, http.MethodGet, "/v1/read/a", ""); got.Code {
	case http.StatusFound:
		return true
	default:
		mustProblem(t, got, problem.Unauthenticated)
		return false
	}
}

func TestEveryTokenThatShouldBeIsRefusedByTheGateway(t *testing.T) {
	ec, rsaKey := newKeys(t)
	stranger, _ := newKeys(t)
	i := newIssuer(t, map[string]crypto.Signer{"ec": ec, "rsa": rsaKey})
	g := fromSettings(t, generateKey(t, keyring.P256), func(s *settings.Gateway) { s.Issuer = i.URL })
	public := func(kind string, key any) []byte {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	der := x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)
	now := g.now
	ecToken := func(more map[string]any) string { return i.token(t, jwt.SigningMethodES256, ec, "ec", more) }
	for name, token := range map[string]string{
		"an expired one":                    ecToken(map[string]any{"exp": now.Add(-time.Minute).Unix()}),
		"one without expiry":                ecToken(map[string]any{"exp": nil}),
		"one that isn't valid yet":          ecToken(map[string]any{"nbf": now.Add(time.Minute).Unix()}),
		"one issued in the future":          ecToken(map[string]any{"iat": now.Add(time.Minute).Unix()}),
		"one for nobody":                    ecToken(map[string]any{"aud": nil}),
		"one for another":                   ecToken(map[string]any{"aud": "other"}),
		"one for no end of others":          ecToken(map[string]any{"aud": []string{"a", "b"}}),
		"one of another issuer":             ecToken(map[string]any{"iss": "https://other.example.com"}),
		"one of no issuer":                  ecToken(map[string]any{"iss": nil}),
		"one of an issuer with a slash":     ecToken(map[string]any{"iss": i.URL + "/"}),
		"one of nobody":                     ecToken(map[string]any{"sub": nil}),
		"an oversized one":                  ecToken(map[string]any{"padding": strings.Repeat("A", 16<<10)}),
		"alg none":                          i.token(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "ec", nil),
		"HS256 under the public RSA key":    i.token(t, jwt.SigningMethodHS256, public("PUBLIC KEY", rsaKey.Public()), "rsa", nil),
		"HS256 under it, in PKCS#1":         i.token(t, jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: der}), "rsa", nil),
		"HS256 under it, in DER":            i.token(t, jwt.SigningMethodHS256, der, "rsa", nil),
		"HS256 under the public EC key":     i.token(t, jwt.SigningMethodHS256, public("PUBLIC KEY", ec.Public()), "ec", nil),
		"HS512 under nothing":               i.token(t, jwt.SigningMethodHS512, []byte{}, "rsa", nil),
		"an algorithm that isn't pinned":    i.token(t, jwt.SigningMethodRS512, rsaKey, "rsa", nil),
		"one signed by a stranger":          i.token(t, jwt.SigningMethodES256, stranger, "ec", nil),
		"one signed under an unknown key":   i.token(t, jwt.SigningMethodES256, stranger, "stranger", nil),
		"one signed by another key of it":   i.token(t, jwt.SigningMethodES256, ec, "rsa", nil),
		"one without a signature":           strings.TrimRight(ecToken(nil), "-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
		"an API key, where there are none":  "sgk_AAAAAAAAAAAAAAAA_" + strings.Repeat("A", 59),
		"the beginning of one and a token ": "sgk_" + ecToken(nil),
	} {
		if g.asks(t, token) {
			t.Errorf("%s is accepted", name)
		}
		if strings.Contains(g.log.String()+g.trail.String(), token[len(token)/2:]) && len(token) > 40 {
			t.Errorf("%s: half of it is written down", name)
		}
	}
	for name, token := range map[string]string{
		"ES256": ecToken(nil), "RS256": i.token(t, jwt.SigningMethodRS256, rsaKey, "rsa", nil), "PS256": i.token(t, jwt.SigningMethodPS256, rsaKey, "rsa", nil),
		"among several audiences": ecToken(map[string]any{"aud": []string{"a", "signgate"}}), "almost valid": ecToken(map[string]any{"nbf": now.Add(20 * time.Second).Unix()}),
		"a large one": ecToken(map[string]any{"padding": strings.Repeat("A", 11<<10)}),
	} {
		if !g.asks(t, token) {
			t.Errorf("%s is refused: %s", name, g.log)
		}
	}
}

func TestAnIssuerMayChangeItsKeysAndBeDown(t *testing.T) {
	first, _ := newKeys(t)
	second, _ := newKeys(t)
	third, _ := newKeys(t)
	i := newIssuer(t, map[string]crypto.Signer{"first": first})
	g := fromSettings(t, generateKey(t, keyring.P256), func(s *settings.Gateway) { s.Issuer = i.URL })
	if !g.asks(t, i.token(t, jwt.SigningMethodES256, first, "first", nil)) {
		t.Fatal("the first key")
	}
	i.change(func() { i.keys["second"] = second })
	if !g.asks(t, i.token(t, jwt.SigningMethodES256, second, "second", nil)) {
		t.Error("a new key isn't picked up")
	}
	i.change(func() { i.down = true })
	if g.asks(t, i.token(t, jwt.SigningMethodES256, third, "third", nil)) {
		t.Error("a key that nobody vouches for is accepted")
	}
	for kid, key := range map[string]*ecdsa.PrivateKey{"first": first, "second": second} {
		if !g.asks(t, i.token(t, jwt.SigningMethodES256, key, kid, map[string]any{"jti": "during the outage"})) {
			t.Errorf("the %s key is forgotten while the issuer is down", kid)
		}
	}
	if got := g.do(t, "", http.MethodGet, "/readyz", ""); got.Code != http.StatusOK {
		t.Errorf("not ready while the issuer is down: %d %s", got.Code, got.Body)
	}
}

// A pipeline and a person, of two issuers that call them the same.
func TestTwoIssuersAreTakenSideBySide(t *testing.T) {
	people, _ := newKeys(t)
	_, machines := newKeys(t)
	persons, ci := newIssuer(t, map[string]crypto.Signer{"k": people}), newIssuer(t, map[string]crypto.Signer{"k": machines})
	file := filepath.Join(t.TempDir(), "issuers.json")
	list := fmt.Sprintf(`[{"issuer":%q,"audience":"signgate-ci","algorithms":["RS256"],"kind":"machine","prefix":"github:","tenantClaim":"repository_owner","required":{"repository_owner_id":"7"}}]`, ci.URL)
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	g := fromSettings(t, generateKey(t, keyring.P256), func(s *settings.Gateway) {
		s.Issuer, s.Issuers = persons.URL, file
		writePolicies(t, s.Policies, `
			permit (principal == Person::"alice", action, resource in Prefix::"people/");
			permit (principal == Machine::"github:alice", action, resource in Prefix::"builds/");
			permit (principal in Tenant::"github:octo-org", action, resource in Prefix::"octo/");`)
	})
	person := persons.token(t, jwt.SigningMethodES256, people, "k", nil)
	claims := map[string]any{"aud": "signgate-ci", "repository_owner": "octo-org", "repository_owner_id": "7"}
	pipeline := ci.token(t, jwt.SigningMethodRS256, machines, "k", claims)
	for _, test := range []struct {
		who, key string
		want     bool
	}{
		{person, "people/a", true}, {person, "builds/a", false}, {person, "octo/a", false},
		{pipeline, "people/a", false}, {pipeline, "builds/a", true}, {pipeline, "octo/a", true},
	} {
		if got := g.reads(t, test.who, test.key); got != test.want {
			t.Errorf("%s: %t", test.key, got)
		}
	}
	if !strings.Contains(g.trail.String(), `"principal":"github:alice","authenticated":"oidc"`) {
		t.Errorf("%s", g.trail)
	}
	claims["repository_owner_id"] = "8"
	for name, token := range map[string]string{
		"another organization's":            ci.token(t, jwt.SigningMethodRS256, machines, "k", claims),
		"for the audience of the people's":  ci.token(t, jwt.SigningMethodRS256, machines, "k", map[string]any{"repository_owner_id": "7"}),
		"with the name of a pipeline":       persons.token(t, jwt.SigningMethodES256, people, "k", map[string]any{"sub": "github:alice"}),
		"in the name of the other issuer":   persons.token(t, jwt.SigningMethodES256, people, "k", map[string]any{"iss": ci.URL, "aud": "signgate-ci", "repository_owner_id": "7"}),
		"with the name of a key's machine":  persons.token(t, jwt.SigningMethodES256, people, "k", map[string]any{"sub": "key:reporter"}),
		"with the name of a machine on AWS": persons.token(t, jwt.SigningMethodES256, people, "k", map[string]any{"sub": "aws:reporter"}),
	} {
		if got := g.do(t, token, http.MethodGet, "/v1/read/people/a", ""); got.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
}

// writePolicies replaces the policies of a gateway on its way.
func writePolicies(t *testing.T, folder, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "all.cedar"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
