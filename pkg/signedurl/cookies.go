package signedurl

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"
	"golang.org/x/net/publicsuffix"

	"github.com/signgate/signgate/pkg/objectkey"
)

// CookieRequest is what signed cookies are to open.
type CookieRequest struct {
	Prefix objectkey.Prefix // everything below
	Conditions
	Domain   string        // of the cookies, from CookieDomain; empty: the gateway's own host only
	SameSite http.SameSite // None where pages of other sites embed the objects
}

// SignCookies makes the cookies that open everything below a prefix. They
// live as long as the browser's session and are sent to nothing but the
// prefix (Developer Guide, "Set signed cookies using a custom policy").
// Errors wrap ErrRequest, or are those of the key.
func (s *Signer) SignCookies(r CookieRequest) ([]*http.Cookie, error) {
	if r.Prefix.IsZero() {
		return nil, fmt.Errorf("%w: no prefix", ErrRequest)
	}
	encoded, err := s.sign(policyFor(s.base+r.Prefix.Path()+"*", r.Conditions), r.Conditions)
	if err != nil {
		return nil, err
	}
	values := [][2]string{
		{sign.CookiePolicyName, encoded.policy}, {sign.CookieSignatureName, encoded.signature}, {sign.CookieKeyIDName, s.keyID},
	}
	if s.hash != "" {
		values = append(values, [2]string{sign.CookieHashAlgorithmName, string(s.hash)})
	}
	cookies := make([]*http.Cookie, len(values))
	for i, value := range values {
		cookies[i] = &http.Cookie{ //nolint:gosec // Secure wherever the distribution is https; SameSite is the caller's choice
			Name: value[0], Value: value[1], Domain: r.Domain, Path: r.Prefix.Path(),
			Secure: strings.HasPrefix(s.base, "https://"), HttpOnly: true, SameSite: r.SameSite,
		}
	}
	return cookies, nil
}

// CookieDomain returns the Domain that cookies set by a gateway at host must
// have to reach the distribution: as narrow as covers both, empty where both
// are the same host. The error wraps ErrCookieDomain where the two share no
// registrable domain (Public Suffix List), so that no cookie could.
func (s *Signer) CookieDomain(host string) (string, error) {
	u, err := url.Parse(s.base)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCookieDomain, err)
	}
	cdn := u.Hostname()
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == cdn {
		return "", nil
	}
	_, notAddress := netip.ParseAddr(cdn)
	registrable, err := publicsuffix.EffectiveTLDPlusOne(cdn)
	if notAddress == nil || err != nil {
		return "", fmt.Errorf("%w: cookies for %s can be set by itself only", ErrCookieDomain, cdn)
	}
	domain := common(cdn, host)
	if domain != registrable && !strings.HasSuffix(domain, "."+registrable) {
		return "", fmt.Errorf("%w: the gateway must be called by a name below %s, as the distribution is", ErrCookieDomain, registrable)
	}
	return domain, nil
}

// common returns the labels at the end that two host names share.
func common(a, b string) string {
	left, right := strings.Split(a, "."), strings.Split(b, ".")
	shared := 0
	for shared < len(left) && shared < len(right) && left[len(left)-1-shared] == right[len(right)-1-shared] {
		shared++
	}
	return strings.Join(left[len(left)-shared:], ".")
}
