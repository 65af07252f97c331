package callers

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	lru "github.com/hashicorp/golang-lru/v2"
)

var (
	// ErrToken is wrapped where a token is refused, whatever the reason. The
	// reason is for the log, not for the caller.
	ErrToken = errors.New("access token refused")
	// ErrIssuer is wrapped where an issuer can't be used.
	ErrIssuer = errors.New("the OIDC issuer can't be used")
)

const (
	// maxTokenBytes is far above real access tokens and far below what could
	// hurt; Go's limit on all headers together is 1 MiB.
	maxTokenBytes = 16 << 10
	// verifiedTokens bounds how many tokens are remembered as verified, and
	// verifiedFor for how long at most: a key that the issuer takes back is
	// believed no longer than that.
	verifiedTokens = 10_000
	verifiedFor    = 5 * time.Minute
)

// OIDCConfig says whose tokens are accepted.
type OIDCConfig struct {
	Issuers []Issuer

	HTTP *http.Client
	Log  *slog.Logger
	Now  func() time.Time
}

// OIDC authenticates callers by access tokens. It is safe for concurrent use.
type OIDC struct {
	issuers  map[string]*verifier // by the iss claim
	now      func() time.Time
	verified *lru.Cache[[sha256.Size]byte, verified]
}

// verified is what was found out about a token. Tokens themselves are not
// kept, only their digests.
type verified struct {
	caller Caller
	until  time.Time
}

// NewOIDC finds the keys of every issuer and returns an authenticator. Refresh
// keeps them fresh. Errors wrap ErrIssuer.
func NewOIDC(ctx context.Context, config OIDCConfig) (*OIDC, error) {
	if len(config.Issuers) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrIssuer)
	}
	if err := checkIssuers(config.Issuers); err != nil {
		return nil, err
	}
	remembered, err := lru.New[[sha256.Size]byte, verified](verifiedTokens)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	authenticator := &OIDC{issuers: map[string]*verifier{}, now: config.Now, verified: remembered}
	verifiers, failures := make([]*verifier, len(config.Issuers)), make([]error, len(config.Issuers))
	var all sync.WaitGroup
	for n, issuer := range config.Issuers {
		all.Go(func() {
			verifiers[n], failures[n] = newVerifier(ctx, issuer, namespaceOf(issuer, config.Issuers), config)
		})
	}
	all.Wait()
	if err := cmp.Or(failures...); err != nil {
		return nil, err
	}
	for n, issuer := range config.Issuers {
		authenticator.issuers[issuer.Issuer] = verifiers[n]
	}
	return authenticator, authenticator.Ready(ctx)
}

// Authenticate checks a token and says whose it is. The error wraps ErrToken
// and never holds the token.
func (o *OIDC) Authenticate(ctx context.Context, token string) (Caller, error) {
	if len(token) > maxTokenBytes {
		return Caller{}, fmt.Errorf("%w: it is longer than %d bytes", ErrToken, maxTokenBytes)
	}
	digest := sha256.Sum256([]byte(token))
	if known, ok := o.verified.Get(digest); ok && o.now().Before(known.until) {
		return known.caller, nil
	}
	issuer, ok := o.issuers[claimedIssuer(token)]
	if !ok {
		return Caller{}, fmt.Errorf("%w: it names no issuer that is known here", ErrToken)
	}
	caller, expires, err := issuer.verify(ctx, token)
	if err != nil {
		return Caller{}, err
	}
	until := o.now().Add(verifiedFor)
	if expires.Before(until) {
		until = expires
	}
	o.verified.Add(digest, verified{caller, until})
	return caller, nil
}

// Refresh reads the keys of every issuer again whose keys were read an hour
// ago or earlier, so that a key that an issuer takes back ends here. It is to
// be called every few minutes: where an issuer doesn't answer, its keys go on,
// and the next call asks again. What fails is logged.
func (o *OIDC) Refresh(ctx context.Context) {
	var all sync.WaitGroup
	for _, issuer := range o.issuers {
		all.Go(func() { issuer.shared.refresh(ctx) })
	}
	all.Wait()
}

// Ready says whether keys of every issuer are known to check tokens with. The
// error wraps ErrIssuer.
func (o *OIDC) Ready(ctx context.Context) error {
	failures := make([]error, 0, len(o.issuers))
	for _, issuer := range o.issuers {
		failures = append(failures, issuer.ready(ctx))
	}
	return errors.Join(failures...)
}

// claimedIssuer is what a token says of itself: whose keys it is to be verified
// with, and nothing more. Empty where it can't be read.
func claimedIssuer(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return ""
	}
	return claims.Issuer
}
