package demoissuer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// ErrUnknownPerson is wrapped where a token is asked for somebody who isn't
// one of the demo people.
var ErrUnknownPerson = errors.New("no such demo person")

const (
	tokenLife = time.Hour
	clientID  = "demo"
)

// Config says whose tokens are given.
type Config struct {
	URL      string // the issuer's own address, as in the iss claim
	Audience string
	People   []string
	Now      func() time.Time
}

// Issuer gives tokens. It is safe for concurrent use.
type Issuer struct {
	config Config
	public jwkset.Storage // every key that was ever active

	mu     sync.Mutex
	kid    string
	active *ecdsa.PrivateKey
}

// New makes an issuer with a key of its own.
func New(ctx context.Context, config Config) (*Issuer, error) {
	issuer := &Issuer{config: config, public: jwkset.NewMemoryStorage()}
	if _, err := issuer.Rotate(ctx); err != nil {
		return nil, err
	}
	return issuer, nil
}

// Rotate makes a new key active and returns its id. The old ones stay
// published, because tokens under them are still out.
func (i *Issuer) Rotate(ctx context.Context) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("rotate: %w", err)
	}
	kid := rand.Text()
	jwk, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{ALG: jwkset.AlgES256, KID: kid, USE: jwkset.UseSig},
	})
	if err != nil {
		return "", fmt.Errorf("rotate: %w", err)
	}
	if err := i.public.KeyWrite(ctx, jwk); err != nil {
		return "", fmt.Errorf("rotate: %w", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kid, i.active = kid, key
	return kid, nil
}

// Token gives an access token (RFC 9068) to one of the people, for an hour.
// The error wraps ErrUnknownPerson for anybody else.
func (i *Issuer) Token(person string) (string, error) {
	if !slices.Contains(i.config.People, person) {
		return "", fmt.Errorf("%w; there are %s", ErrUnknownPerson, strings.Join(i.config.People, ", "))
	}
	now := i.config.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": i.config.URL, "aud": i.config.Audience, "sub": person, "client_id": clientID,
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(), "jti": rand.Text(),
	})
	i.mu.Lock()
	defer i.mu.Unlock()
	token.Header["typ"], token.Header["kid"] = "at+jwt", i.kid
	return token.SignedString(i.active)
}

// Handler serves the issuer's metadata, its keys, tokens (GET
// /token/{person}, plain text to paste into a shell) and POST /rotate.
func (i *Issuer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.metadata)
	mux.HandleFunc("GET /jwks", i.keys)
	mux.HandleFunc("GET /token/{person}", i.token)
	mux.HandleFunc("POST /rotate", i.rotate)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "Demo issuer of signgate's local stack. Tokens: /token/{%s}\n", strings.Join(i.config.People, ","))
	})
	return mux
}

func (i *Issuer) metadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"issuer": i.config.URL, "jwks_uri": i.config.URL + "/jwks", "token_endpoint": i.config.URL + "/token",
		"response_types_supported": []string{"token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{jwt.SigningMethodES256.Alg()},
	})
}

func (i *Issuer) keys(w http.ResponseWriter, r *http.Request) {
	set, err := i.public.JSONPublic(r.Context())
	if err != nil {
		http.Error(w, "the keys can't be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(set)
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	token, err := i.Token(r.PathValue("person"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = fmt.Fprint(w, token)
}

func (i *Issuer) rotate(w http.ResponseWriter, r *http.Request) {
	kid, err := i.Rotate(r.Context())
	if err != nil {
		http.Error(w, "rotation failed", http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprintln(w, kid)
}
