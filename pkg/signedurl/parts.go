package signedurl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"
)

// CloudFront's own parameters. The cookies of the same meaning are named
// "CloudFront-" and the name.
const (
	paramExpires   = "Expires"
	paramPolicy    = "Policy"
	paramSignature = "Signature"
	paramKeyID     = "Key-Pair-Id"
	paramHash      = "Hash-Algorithm"

	cookiePrefix = "CloudFront-"
)

// ReservedParams are the query parameters that CloudFront keeps for itself.
func ReservedParams() []string {
	return []string{paramExpires, paramPolicy, paramSignature, paramKeyID, paramHash}
}

// signedParts is what a viewer sent, taken apart into CloudFront's parameters
// and the rest.
type signedParts struct {
	resource  string            // the URL without CloudFront's parameters, order kept
	values    map[string]string // CloudFront's parameters, from the URL or the cookies
	repeated  string            // one that stands twice
	inCookies bool
	issueID   string
}

// split takes a viewer's request apart. If the URL holds any of CloudFront's
// parameters, cookies don't count (Developer Guide, "Decide to use signed URLs
// or signed cookies").
func split(viewer Viewer) signedParts {
	parts := signedParts{values: make(map[string]string, 4)}
	address, query, _ := strings.Cut(viewer.URL, "?")
	var own []string
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		switch name {
		case paramExpires, paramPolicy, paramSignature, paramKeyID, paramHash:
			parts.add(name, decodeValue(value))
			continue
		case IssueParam:
			parts.issueID = value
		}
		own = append(own, parameter)
	}
	parts.resource = address
	if rest := strings.Join(own, "&"); rest != "" {
		parts.resource += "?" + rest
	}
	if len(parts.values) == 0 {
		parts.addCookies(viewer.Cookies)
	}
	return parts
}

func (p *signedParts) addCookies(cookies []*http.Cookie) {
	for _, cookie := range cookies {
		switch cookie.Name {
		case sign.CookiePolicyName, sign.CookieSignatureName, sign.CookieKeyIDName, sign.CookieHashAlgorithmName, cookiePrefix + paramExpires:
			p.inCookies = true
			p.add(strings.TrimPrefix(cookie.Name, cookiePrefix), cookie.Value)
		}
	}
}

func (p *signedParts) add(name, value string) {
	if _, seen := p.values[name]; seen {
		p.repeated = name
	}
	p.values[name] = value
}

// custom says that the policy came with the request. It counts above an
// expiry.
func (p *signedParts) custom() bool {
	_, ok := p.values[paramPolicy]
	return ok
}

// decodeValue undoes percent-encoding: some clients send "%7E" for "~" and
// CloudFront takes it. What can't be decoded stays and fails later.
func decodeValue(value string) string {
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}

// readPolicy returns the policy and the exact bytes that were signed.
func (p *signedParts) readPolicy() (policy, []byte, error) {
	if !p.custom() {
		value, ok := p.values[paramExpires]
		if !ok {
			return policy{}, nil, fmt.Errorf("there is neither %s nor %s", paramExpires, paramPolicy)
		}
		expires, err := parseSeconds(value)
		if err != nil {
			return policy{}, nil, fmt.Errorf("%s %w", paramExpires, err)
		}
		return policy{resource: p.resource, expires: expires}, cannedPolicy(p.resource, expires), nil
	}
	text, err := decodeBase64(p.values[paramPolicy])
	if err != nil {
		return policy{}, nil, err
	}
	custom, err := parsePolicy(text)
	return custom, text, err
}

// parseSeconds reads seconds since 1970, 1 to MaxExpiry, in the one usual form.
func parseSeconds(value string) (int64, error) {
	seconds, err := strconv.ParseInt(value, 10, 32)
	if err != nil || seconds <= 0 || value != strconv.FormatInt(seconds, 10) {
		return 0, fmt.Errorf("must be seconds since 1970, at most %d (milliseconds are a common mistake)", MaxExpiry)
	}
	return seconds, nil
}

// decodeBase64 decodes CloudFront's Base64: "+", "=" and "/" became "-", "_"
// and "~". Decoding is strict, so that no two spellings mean the same; only
// the padding may be missing.
func decodeBase64(value string) ([]byte, error) {
	if value == "" {
		return nil, errors.New("it is missing")
	}
	if strings.ContainsAny(value, "+/=\r\n") {
		return nil, errors.New("it is plain Base64; CloudFront replaces + = / by - _ ~")
	}
	unpadded := strings.TrimRight(value, "_")
	if padding := len(value) - len(unpadded); padding > 2 || (padding > 0 && len(value)%4 != 0) {
		return nil, errors.New("its padding is wrong")
	}
	standard := strings.NewReplacer("-", "+", "~", "/").Replace(unpadded)
	decoded, err := base64.RawStdEncoding.Strict().DecodeString(standard)
	if err != nil {
		return nil, errors.New("it is not CloudFront's Base64")
	}
	return decoded, nil
}
