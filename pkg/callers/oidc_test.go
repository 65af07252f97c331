package callers_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/signgate/signgate/pkg/callers"
)

const audience = "signgate"

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// issuer is a small OIDC issuer whose every part a test may spoil.
type issuer struct {
	*httptest.Server
	metadata atomic.Value // map[string]any
	keys     atomic.Value // []byte, the JWK set
	down     atomic.Bool
	asked    atomic.Int64                  // how often the keys were asked for
	later    atomic.Int64                  // how far the clock is beyond start, in nanoseconds
	hold     atomic.Pointer[chan struct{}] // answers for keys wait for it
}

func newIssuer(t testing.TB, keys map[string]crypto.Signer) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case i.down.Load():
			http.Error(w, "down", http.StatusServiceUnavailable)
		case r.URL.Path == "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(i.metadata.Load())
		case r.URL.Path == "/jwks":
			i.asked.Add(1)
			if hold := i.hold.Load(); hold != nil {
				<-*hold
			}
			_, _ = w.Write(i.keys.Load().([]byte))
		}
	}))
	t.Cleanup(i.Close)
	i.metadata.Store(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/jwks"})
	i.publish(t, keys)
	return i
}

// encryptionKID names the key that is published for encryption.
const encryptionKID = "encryption"

// publish replaces the published keys.
func (i *issuer) publish(t testing.TB, keys map[string]crypto.Signer) {
	t.Helper()
	storage := jwkset.NewMemoryStorage()
	for kid, key := range keys {
		use := jwkset.UseSig
		if kid == encryptionKID {
			use = jwkset.UseEnc
		}
		jwk, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid, USE: use}})
		if err != nil {
			t.Fatal(err)
		}
		if err := storage.KeyWrite(t.Context(), jwk); err != nil {
			t.Fatal(err)
		}
	}
	set, err := storage.JSONPublic(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i.keys.Store([]byte(set))
}

func (i *issuer) authenticator(t testing.TB) *callers.OIDC {
	t.Helper()
	authenticator, err := callers.NewOIDC(t.Context(), i.config())
	if err != nil {
		t.Fatal(err)
	}
	return authenticator
}

func (i *issuer) config() callers.OIDCConfig {
	return callers.OIDCConfig{
		Issuers: []callers.Issuer{{Issuer: i.URL, Audience: audience, Algorithms: []string{"ES256", "RS256"}}},
		HTTP:    i.Client(), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return start.Add(time.Duration(i.later.Load())) },
	}
}

// claims are those of a good token for alice.
func (i *issuer) claims() jwt.MapClaims {
	return jwt.MapClaims{"iss": i.URL, "aud": audience, "sub": "alice", "iat": start.Unix(), "exp": start.Add(time.Hour).Unix()}
}

func sign(t testing.TB, method jwt.SigningMethod, key any, claims jwt.MapClaims, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	maps.Copy(token.Header, header)
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAGoodTokenSaysWhoIsCalling(t *testing.T) {
	ec := ecKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := newIssuer(t, map[string]crypto.Signer{"ec": ec, "rsa": rsaKey})
	authenticator := i.authenticator(t)
	several := i.claims()
	several["aud"] = []string{"other", audience}
	for name, token := range map[string]string{
		"ES256":             sign(t, jwt.SigningMethodES256, ec, i.claims(), map[string]any{"kid": "ec"}),
		"RS256":             sign(t, jwt.SigningMethodRS256, rsaKey, i.claims(), map[string]any{"kid": "rsa"}),
		"without a key id":  sign(t, jwt.SigningMethodES256, ec, i.claims(), nil),
		"RFC 9068":          sign(t, jwt.SigningMethodES256, ec, i.claims(), map[string]any{"kid": "ec", "typ": "at+jwt"}),
		"several audiences": sign(t, jwt.SigningMethodES256, ec, several, map[string]any{"kid": "ec"}),
	} {
		caller, err := authenticator.Authenticate(t.Context(), token)
		if err != nil || !reflect.DeepEqual(caller, callers.Caller{Kind: callers.Person, Subject: "alice", Authenticated: "oidc"}) {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
}

func TestEveryOtherTokenIsRefused(t *testing.T) {
	key, stranger, encryption := ecKey(t), ecKey(t), ecKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := newIssuer(t, map[string]crypto.Signer{"ec": key, "rsa": rsaKey, encryptionKID: encryption})
	authenticator := i.authenticator(t)
	with := func(change func(jwt.MapClaims), header map[string]any) string {
		claims := i.claims()
		change(claims)
		if header == nil {
			header = map[string]any{"kid": "ec"}
		}
		return sign(t, jwt.SigningMethodES256, key, claims, header)
	}
	nothing := func(jwt.MapClaims) {}
	good := with(nothing, nil)
	parts := strings.Split(good, ".")
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	for name, token := range map[string]string{
		"empty":                     "",
		"not a token":               "token",
		"two parts":                 parts[0] + "." + parts[1],
		"no signature":              parts[0] + "." + parts[1] + ".",
		"oversized":                 with(func(c jwt.MapClaims) { c["padding"] = strings.Repeat("A", 16<<10) }, nil),
		"alg none":                  sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, i.claims(), map[string]any{"kid": "ec"}),
		"HMAC under the public key": sign(t, jwt.SigningMethodHS256, publicPEM, i.claims(), map[string]any{"kid": "ec"}),
		"algorithm not pinned":      sign(t, jwt.SigningMethodES384, mustP384(t), i.claims(), map[string]any{"kid": "ec"}),
		"another algorithm":         sign(t, jwt.SigningMethodPS256, rsaKey, i.claims(), map[string]any{"kid": "rsa"}),
		"another digest":            sign(t, jwt.SigningMethodRS512, rsaKey, i.claims(), map[string]any{"kid": "rsa"}),
		"a key for encryption":      sign(t, jwt.SigningMethodES256, encryption, i.claims(), map[string]any{"kid": encryptionKID}),
		"another's signature":       sign(t, jwt.SigningMethodES256, stranger, i.claims(), map[string]any{"kid": "ec"}),
		"another's, without key id": sign(t, jwt.SigningMethodES256, stranger, i.claims(), nil),
		"unknown key":               sign(t, jwt.SigningMethodES256, stranger, i.claims(), map[string]any{"kid": "stranger"}),
		"changed claims":            parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"bob"}`)) + "." + parts[2],
		"expired":                   with(func(c jwt.MapClaims) { c["exp"] = start.Add(-leewayAndMore).Unix() }, nil),
		"no expiry":                 with(func(c jwt.MapClaims) { delete(c, "exp") }, nil),
		"not yet valid":             with(func(c jwt.MapClaims) { c["nbf"] = start.Add(leewayAndMore).Unix() }, nil),
		"issued in the future":      with(func(c jwt.MapClaims) { c["iat"] = start.Add(leewayAndMore).Unix() }, nil),
		"another audience":          with(func(c jwt.MapClaims) { c["aud"] = "other" }, nil),
		"no audience":               with(func(c jwt.MapClaims) { delete(c, "aud") }, nil),
		"another issuer":            with(func(c jwt.MapClaims) { c["iss"] = "https://other.example.com" }, nil),
		"issuer with a slash":       with(func(c jwt.MapClaims) { c["iss"] = i.URL + "/" }, nil),
		"no issuer":                 with(func(c jwt.MapClaims) { delete(c, "iss") }, nil),
		"no subject":                with(func(c jwt.MapClaims) { delete(c, "sub") }, nil),
		"subject no text":           with(func(c jwt.MapClaims) { c["sub"] = 7 }, nil),
		"endless subject":           with(func(c jwt.MapClaims) { c["sub"] = strings.Repeat("a", 256) }, nil),
		"a logout token":            with(nothing, map[string]any{"kid": "ec", "typ": "logout+jwt"}),
		"typ no text":               with(nothing, map[string]any{"kid": "ec", "typ": 7}),
		"critical extension":        with(nothing, map[string]any{"kid": "ec", "crit": []string{"b64"}}),
		"key id no text":            with(nothing, map[string]any{"kid": 7}),
	} {
		caller, err := authenticator.Authenticate(t.Context(), token)
		if !errors.Is(err, callers.ErrToken) || !reflect.DeepEqual(caller, callers.Caller{}) {
			t.Errorf("%s: %+v, %v, want ErrToken", name, caller, err)
		}
		if err != nil && len(token) > 40 && strings.Contains(err.Error(), token[:40]) {
			t.Errorf("%s: the error repeats the token", name)
		}
	}
	if _, err := authenticator.Authenticate(t.Context(), good); err != nil {
		t.Errorf("the token that all were made from: %v", err)
	}
}

// leewayAndMore is a little over what differing clocks are forgiven.
const leewayAndMore = 31 * time.Second

func mustP384(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestANewKeyOfTheIssuerIsPickedUpAndStrangersCannotFloodIt(t *testing.T) {
	first, second := ecKey(t), ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"first": first})
	authenticator := i.authenticator(t)
	i.publish(t, map[string]crypto.Signer{"first": first, "second": second})
	token := sign(t, jwt.SigningMethodES256, second, i.claims(), map[string]any{"kid": "second"})
	if _, err := authenticator.Authenticate(t.Context(), token); err != nil {
		t.Fatalf("a token under the new key: %v", err)
	}
	asked := i.asked.Load()
	for range 50 {
		stranger := sign(t, jwt.SigningMethodES256, second, i.claims(), map[string]any{"kid": rand.Text()})
		if _, err := authenticator.Authenticate(t.Context(), stranger); !errors.Is(err, callers.ErrToken) {
			t.Fatalf("a token under an unknown key: %v", err)
		}
	}
	if more := i.asked.Load() - asked; more > 1 {
		t.Errorf("50 tokens under unknown keys asked the issuer %d times", more)
	}
}

func TestKnownKeysGoOnWhileTheIssuerIsDown(t *testing.T) {
	key := ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"ec": key})
	authenticator := i.authenticator(t)
	i.down.Store(true)
	unknown := sign(t, jwt.SigningMethodES256, key, i.claims(), map[string]any{"kid": "unknown"})
	if _, err := authenticator.Authenticate(t.Context(), unknown); !errors.Is(err, callers.ErrToken) {
		t.Errorf("an unknown key: %v", err)
	}
	known := sign(t, jwt.SigningMethodES256, key, i.claims(), map[string]any{"kid": "ec"})
	if _, err := authenticator.Authenticate(t.Context(), known); err != nil {
		t.Errorf("a known key: %v", err)
	}
	if err := authenticator.Ready(t.Context()); err != nil {
		t.Errorf("Ready = %v", err)
	}
}

// A key that the issuer takes back ends with the next hour, and where the
// issuer is down just then, as soon as it isn't.
func TestAKeyThatTheIssuerTakesBackEnds(t *testing.T) {
	first, second := ecKey(t), ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"first": first, "second": second})
	authenticator := i.authenticator(t)
	believed := func() bool {
		claims := i.claims()
		claims["jti"], claims["exp"] = rand.Text(), start.Add(3*time.Hour).Unix() // one that nobody remembers
		_, err := authenticator.Authenticate(t.Context(), sign(t, jwt.SigningMethodES256, first, claims, map[string]any{"kid": "first"}))
		return err == nil
	}
	i.publish(t, map[string]crypto.Signer{"second": second})
	asked := i.asked.Load()
	i.later.Store(int64(time.Hour - time.Second))
	authenticator.Refresh(t.Context())
	if !believed() || i.asked.Load() != asked {
		t.Errorf("asked %d times before the hour is over", i.asked.Load()-asked)
	}
	i.later.Store(int64(time.Hour))
	i.down.Store(true)
	authenticator.Refresh(t.Context())
	if !believed() {
		t.Error("an issuer that is down keeps its callers out")
	}
	i.down.Store(false)
	i.later.Store(int64(time.Hour + time.Minute))
	authenticator.Refresh(t.Context())
	if believed() {
		t.Error("the key is believed still")
	}
}

func TestAnIssuerThatCannotBeTrustedStopsTheStart(t *testing.T) {
	for name, spoil := range map[string]func(*issuer, *callers.OIDCConfig){
		"down":        func(i *issuer, _ *callers.OIDCConfig) { i.down.Store(true) },
		"unreachable": func(_ *issuer, c *callers.OIDCConfig) { c.Issuers[0].Issuer = "http://127.0.0.1:1" },
		"another name": func(i *issuer, _ *callers.OIDCConfig) {
			i.metadata.Store(map[string]any{"issuer": "https://other.example.com", "jwks_uri": i.URL + "/jwks"})
		},
		"no keys' address":   func(i *issuer, _ *callers.OIDCConfig) { i.metadata.Store(map[string]any{"issuer": i.URL}) },
		"keys are no JSON":   func(i *issuer, _ *callers.OIDCConfig) { i.keys.Store([]byte("<html>")) },
		"no keys":            func(i *issuer, _ *callers.OIDCConfig) { i.keys.Store([]byte(`{"keys":[]}`)) },
		"no audience":        func(_ *issuer, c *callers.OIDCConfig) { c.Issuers[0].Audience = "" },
		"no algorithms":      func(_ *issuer, c *callers.OIDCConfig) { c.Issuers[0].Algorithms = nil },
		"algorithm none":     func(_ *issuer, c *callers.OIDCConfig) { c.Issuers[0].Algorithms = []string{"none"} },
		"algorithm HS256":    func(_ *issuer, c *callers.OIDCConfig) { c.Issuers[0].Algorithms = []string{"HS256"} },
		"algorithm nonsense": func(_ *issuer, c *callers.OIDCConfig) { c.Issuers[0].Algorithms = []string{"ROT13"} },
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, map[string]crypto.Signer{"ec": ecKey(t)})
			config := i.config()
			spoil(i, &config)
			if _, err := callers.NewOIDC(t.Context(), config); !errors.Is(err, callers.ErrIssuer) {
				t.Errorf("NewOIDC = %v, want ErrIssuer", err)
			}
		})
	}
}

func TestKeysOfAnHTTPSIssuerComeOverHTTPS(t *testing.T) {
	keys := newIssuer(t, map[string]crypto.Signer{"ec": ecKey(t)}) // plain HTTP
	mux := http.NewServeMux()
	web := httptest.NewTLSServer(mux)
	t.Cleanup(web.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": web.URL, "jwks_uri": keys.URL + "/jwks"})
	})
	config := keys.config()
	config.Issuers[0].Issuer, config.HTTP = web.URL, web.Client()
	if _, err := callers.NewOIDC(t.Context(), config); !errors.Is(err, callers.ErrIssuer) {
		t.Errorf("NewOIDC = %v, want ErrIssuer", err)
	}
}

func TestNoKeysLeftIsNotReady(t *testing.T) {
	key := ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"ec": key})
	authenticator := i.authenticator(t)
	if err := authenticator.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.publish(t, nil)
	unknown := sign(t, jwt.SigningMethodES256, key, i.claims(), map[string]any{"kid": "unknown"})
	if _, err := authenticator.Authenticate(t.Context(), unknown); !errors.Is(err, callers.ErrToken) {
		t.Fatal(err)
	}
	if err := authenticator.Ready(t.Context()); !errors.Is(err, callers.ErrIssuer) {
		t.Errorf("Ready = %v, want ErrIssuer", err)
	}
}

// A token that was verified is believed for a while, and not longer than it
// lives, nor much longer than its key.
func TestAVerifiedTokenIsRememberedForAWhile(t *testing.T) {
	key := ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"ec": key})
	authenticator := i.authenticator(t)
	short, long := i.claims(), i.claims()
	short["exp"] = start.Add(time.Minute).Unix()
	tokens := map[string]string{}
	for name, claims := range map[string]jwt.MapClaims{"short": short, "long": long} {
		tokens[name] = sign(t, jwt.SigningMethodES256, key, claims, map[string]any{"kid": "ec"})
		if _, err := authenticator.Authenticate(t.Context(), tokens[name]); err != nil {
			t.Fatal(err)
		}
	}
	i.publish(t, nil) // the issuer takes its key back
	unknown := sign(t, jwt.SigningMethodES256, key, long, map[string]any{"kid": "unknown"})
	_, _ = authenticator.Authenticate(t.Context(), unknown) // and the gateway learns of it
	for _, step := range []struct {
		after       time.Duration
		short, long bool
	}{{59 * time.Second, true, true}, {time.Minute, false, true}, {5*time.Minute - time.Second, false, true}, {5 * time.Minute, false, false}} {
		i.later.Store(int64(step.after))
		for name, want := range map[string]bool{"short": step.short, "long": step.long} {
			if _, err := authenticator.Authenticate(t.Context(), tokens[name]); (err == nil) != want {
				t.Errorf("%s after %s: %v", name, step.after, err)
			}
			cut := tokens[name][:len(tokens[name])-4] + "AAAA"
			if _, err := authenticator.Authenticate(t.Context(), cut); err == nil {
				t.Errorf("%s after %s: another signature is believed", name, step.after)
			}
		}
	}
}

// Forged tokens whose senders hang up must not end the question to the issuer
// that a real one waits for.
func TestANewKeyIsLearnedThoughForgersHangUp(t *testing.T) {
	first, second := ecKey(t), ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"first": first})
	authenticator := i.authenticator(t)
	i.publish(t, map[string]crypto.Signer{"first": first, "second": second})
	hold := make(chan struct{})
	i.hold.Store(&hold)
	asked := i.asked.Load()

	forger, hangUp := context.WithCancel(t.Context())
	hungUp := make(chan struct{})
	go func() {
		defer close(hungUp)
		forged := sign(t, jwt.SigningMethodES256, second, i.claims(), map[string]any{"kid": "forged"})
		_, _ = authenticator.Authenticate(forger, forged)
	}()
	for i.asked.Load() == asked { // until the issuer has been asked
		runtime.Gosched()
	}
	hangUp()
	<-hungUp
	close(hold)
	token := sign(t, jwt.SigningMethodES256, second, i.claims(), map[string]any{"kid": "second"})
	if _, err := authenticator.Authenticate(t.Context(), token); err != nil {
		t.Errorf("a token under the new key: %v", err)
	}
}

// BenchmarkAuthenticate is a token seen for the first time, and again.
func BenchmarkAuthenticate(b *testing.B) {
	key := ecKey(b)
	i := newIssuer(b, map[string]crypto.Signer{"ec": key})
	authenticator := i.authenticator(b)
	claims := i.claims()
	claims["exp"] = start.AddDate(200, 0, 0).Unix()
	token := sign(b, jwt.SigningMethodES256, key, claims, map[string]any{"kid": "ec"})
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			i.later.Add(int64(6 * time.Minute)) // nobody remembers
			if _, err := authenticator.Authenticate(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			if _, err := authenticator.Authenticate(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func FuzzAuthenticate(f *testing.F) {
	key := ecKey(f)
	i := newIssuer(f, map[string]crypto.Signer{"ec": key})
	authenticator := i.authenticator(f)
	good := sign(f, jwt.SigningMethodES256, key, i.claims(), map[string]any{"kid": "ec"})
	f.Add(good)
	f.Add("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		caller, err := authenticator.Authenticate(t.Context(), token)
		if err == nil && caller.Subject != "alice" {
			t.Fatalf("%q is %q", token, caller.Subject)
		}
	})
}
