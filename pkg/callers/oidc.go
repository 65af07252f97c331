package callers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

var (
	// ErrToken is wrapped where a token is refused, whatever the reason. The
	// reason is for the log, not for the caller.
	ErrToken = errors.New("access token refused")
	// ErrIssuer is wrapped where the issuer can't be used.
	ErrIssuer = errors.New("the OIDC issuer can't be used")
)

const (
	// maxTokenBytes is far above real access tokens and far below what could
	// hurt; Go's limit on all headers together is 1 MiB.
	maxTokenBytes = 16 << 10
	// maxSubjectBytes is OpenID Connect's limit (Core 1.0, section 2, "sub").
	maxSubjectBytes = 255
	// verifiedTokens bounds how many tokens are remembered as verified, and
	// verifiedFor for how long at most: a key that the issuer takes back is
	// believed no longer than that.
	verifiedTokens = 10_000
	verifiedFor    = 5 * time.Minute
	// leeway forgives clocks that differ a little.
	leeway = 30 * time.Second

	maxDiscoveryBytes = 1 << 20
	issuerTimeout     = 10 * time.Second
	refreshKeysEvery  = time.Hour
	// unknownKeyEvery bounds how often tokens that name unknown keys, which
	// anybody can make, send us to the issuer.
	unknownKeyEvery = 10 * time.Second
	// unknownKeyWait bounds how long the holder of such a token waits for the
	// issuer's answer. The question itself goes on.
	unknownKeyWait = 3 * time.Second
)

// Caller is somebody whose token was accepted.
type Caller struct {
	Subject       string   // empty for anybody
	Authenticated string   // how: "oidc"
	Groups        []string // from the claim that the configuration names
	Tenant        string   // likewise
}

// OIDCConfig says which tokens are accepted.
type OIDCConfig struct {
	Issuer     string   // exactly the iss claim; the keys are found below it
	Audience   string   // must be among the aud claim
	Algorithms []string // the signature algorithms accepted, such as ES256

	GroupsClaim string // claim that holds the caller's groups, a list of texts; none if empty
	TenantClaim string // claim that holds the caller's tenant, a text; none if empty

	HTTP *http.Client
	Log  *slog.Logger
	Now  func() time.Time
}

// OIDC authenticates callers by access tokens. It is safe for concurrent use.
type OIDC struct {
	keys     keyfunc.Keyfunc
	parser   *jwt.Parser
	now      func() time.Time
	claims   claimNames
	verified *lru.Cache[[sha256.Size]byte, verified]
}

// verified is what was found out about a token. Tokens themselves are not
// kept, only their digests.
type verified struct {
	caller Caller
	until  time.Time
}

// NewOIDC finds the issuer's keys and returns an authenticator that keeps
// them fresh until ctx ends. Errors wrap ErrIssuer.
func NewOIDC(ctx context.Context, config OIDCConfig) (*OIDC, error) {
	for _, algorithm := range config.Algorithms {
		if method := jwt.GetSigningMethod(algorithm); method == nil || algorithm == "none" || strings.HasPrefix(algorithm, "HS") {
			return nil, fmt.Errorf("%w: the algorithm %q is not accepted for tokens", ErrIssuer, algorithm)
		}
	}
	if config.Audience == "" || len(config.Algorithms) == 0 {
		return nil, fmt.Errorf("%w: audience and algorithms are needed", ErrIssuer)
	}
	keysURL, err := discover(ctx, config)
	if err != nil {
		return nil, err
	}
	keys, err := newKeys(ctx, config, keysURL)
	if err != nil {
		return nil, err
	}
	remembered, err := lru.New[[sha256.Size]byte, verified](verifiedTokens)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	authenticator := &OIDC{
		claims: claimNames{groups: config.GroupsClaim, tenant: config.TenantClaim},
		keys:   keys, now: config.Now, verified: remembered,
		parser: jwt.NewParser(
			jwt.WithValidMethods(config.Algorithms),
			jwt.WithIssuer(config.Issuer),
			jwt.WithAudience(config.Audience),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithLeeway(leeway),
			jwt.WithTimeFunc(config.Now),
		),
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
	var claims tokenClaims
	parsed, err := o.parser.ParseWithClaims(token, &claims, o.keys.KeyfuncCtx(ctx))
	if err != nil {
		return Caller{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if err := checkHeader(parsed.Header); err != nil {
		return Caller{}, err
	}
	if claims.Subject == "" || len(claims.Subject) > maxSubjectBytes {
		return Caller{}, fmt.Errorf("%w: its subject is empty or too long", ErrToken)
	}
	caller, err := o.claims.caller(claims)
	if err != nil {
		return Caller{}, err
	}
	until := o.now().Add(verifiedFor)
	if claims.ExpiresAt.Before(until) {
		until = claims.ExpiresAt.Time
	}
	o.verified.Add(digest, verified{caller, until})
	return caller, nil
}

// Ready says whether keys are known to check tokens with. The error wraps
// ErrIssuer.
func (o *OIDC) Ready(ctx context.Context) error {
	keys, err := o.keys.Storage().KeyReadAll(ctx)
	if err != nil || len(keys) == 0 {
		return fmt.Errorf("%w: none of its keys are known", ErrIssuer)
	}
	return nil
}

// checkHeader refuses what the signature alone doesn't: tokens of another
// kind, signed by the same keys (RFC 8725, section 3.11), and extensions that
// must be understood and aren't (RFC 7515, section 4.1.11).
func checkHeader(header map[string]any) error {
	if _, ok := header["crit"]; ok {
		return fmt.Errorf("%w: it has critical extensions", ErrToken)
	}
	kind, ok := header["typ"]
	if !ok {
		return nil
	}
	name, _ := kind.(string)
	if !slices.Contains([]string{"jwt", "at+jwt", "application/at+jwt"}, strings.ToLower(name)) {
		return fmt.Errorf("%w: it is no access token: its typ is another", ErrToken)
	}
	return nil
}

// discover reads the issuer's metadata (OpenID Connect Discovery 1.0, section
// 4) and returns the address of its keys.
func discover(ctx context.Context, config OIDCConfig) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, issuerTimeout)
	defer cancel()
	address := strings.TrimSuffix(config.Issuer, "/") + "/.well-known/openid-configuration"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	response, err := config.HTTP.Do(request)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	defer func() { _ = response.Body.Close() }()
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%w: %s answers %s", ErrIssuer, address, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxDiscoveryBytes)).Decode(&metadata); err != nil {
		return "", fmt.Errorf("%w: %s is not its metadata: %w", ErrIssuer, address, err)
	}
	if metadata.Issuer != config.Issuer {
		return "", fmt.Errorf("%w: it calls itself %q, not %q", ErrIssuer, metadata.Issuer, config.Issuer)
	}
	if strings.HasPrefix(config.Issuer, "https://") && !strings.HasPrefix(metadata.JWKSURI, "https://") {
		return "", fmt.Errorf("%w: its keys are not served over https", ErrIssuer)
	}
	return metadata.JWKSURI, nil
}
