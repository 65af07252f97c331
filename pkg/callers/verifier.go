package callers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// leeway forgives clocks that differ a little.
const leeway = 30 * time.Second

// verifier verifies the tokens of one issuer: by its keys and algorithms alone.
type verifier struct {
	keys    keyfunc.Keyfunc
	shared  *sharedKeys // where it finds them
	parser  *jwt.Parser
	reading reading
}

func newVerifier(ctx context.Context, issuer Issuer, names namespace, config OIDCConfig) (*verifier, error) {
	address, err := discover(ctx, config.HTTP, issuer.Issuer)
	if err != nil {
		return nil, err
	}
	keys, shared, err := newKeys(ctx, config, address)
	if err != nil {
		return nil, err
	}
	return &verifier{
		keys: keys, shared: shared, reading: reading{issuer, names},
		parser: jwt.NewParser(
			jwt.WithValidMethods(issuer.Algorithms),
			jwt.WithIssuer(issuer.Issuer),
			jwt.WithAudience(issuer.Audience),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithLeeway(leeway),
			jwt.WithTimeFunc(config.Now),
		),
	}, nil
}

// verify says whose token it is and when it expires. The error wraps ErrToken.
func (v *verifier) verify(ctx context.Context, token string) (Caller, time.Time, error) {
	var claims tokenClaims
	parsed, err := v.parser.ParseWithClaims(token, &claims, v.keys.KeyfuncCtx(ctx))
	if err != nil {
		return Caller{}, time.Time{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if err := checkHeader(parsed.Header); err != nil {
		return Caller{}, time.Time{}, err
	}
	caller, err := v.reading.caller(claims)
	if err != nil {
		return Caller{}, time.Time{}, err
	}
	return caller, claims.ExpiresAt.Time, nil
}

// ready says whether keys are known. The error wraps ErrIssuer.
func (v *verifier) ready(ctx context.Context) error {
	keys, err := v.keys.Storage().KeyReadAll(ctx)
	if err != nil || len(keys) == 0 {
		return fmt.Errorf("%w: none of the keys of %s are known", ErrIssuer, v.reading.issuer.Issuer)
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
