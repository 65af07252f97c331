package signedurl

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
)

// IssueParam is the query parameter that carries the issue id. The signature
// covers it; the distribution neither caches by it nor sends it to S3.
const IssueParam = "sg-id"

// MaxExpiry is the latest expiry that CloudFront takes: 2^31-1 seconds after
// 1970 (CloudFront Developer Guide, "Create a signed URL using a canned policy").
const MaxExpiry = 1<<31 - 1

// MaxURLBytes is the longest URL that CloudFront takes, with scheme and host
// (CloudFront Developer Guide, "Quotas").
const MaxURLBytes = 8192

var (
	// ErrBaseURL is wrapped where the address of a distribution can't be used.
	ErrBaseURL = errors.New("invalid base URL of the distribution")
	// ErrHash is wrapped for a hash that CloudFront doesn't know.
	ErrHash = errors.New("unsupported hash algorithm")
	// ErrCookieDomain is wrapped where no cookie of the gateway's can reach the
	// distribution.
	ErrCookieDomain = errors.New("no common domain for cookies")
	// ErrRequest is wrapped where a request to sign is incomplete or out of range.
	ErrRequest = errors.New("can't sign")
	// ErrTooLong is wrapped where a URL would be longer than MaxURLBytes.
	ErrTooLong = fmt.Errorf("%w: the URL would be longer than the %d bytes that CloudFront takes", ErrRequest, MaxURLBytes)

	errIssueID = fmt.Errorf("%w: the issue id must be letters and digits", ErrRequest)
)

// Hash is the digest under the signature.
type Hash string

// The digests that CloudFront knows. SHA-256 is announced in the URL by
// Hash-Algorithm=SHA256; SHA-1 is what CloudFront assumes without it.
const (
	SHA256 Hash = "SHA256"
	SHA1   Hash = "SHA1"
)

// CheckBaseURL says whether a distribution may be addressed as base: an
// absolute URL of scheme and host without path, query, fragment or user, and
// "https" unless the host is this machine itself. The error wraps ErrBaseURL.
func CheckBaseURL(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return fmt.Errorf("%w: it is not a URL", ErrBaseURL)
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return fmt.Errorf("%w: it must begin with https:// and name a host", ErrBaseURL)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return fmt.Errorf("%w: http is for this machine only; use https", ErrBaseURL)
	case u.Port() == map[string]string{"https": "443", "http": "80"}[u.Scheme]:
		return fmt.Errorf("%w: leave out the default port: clients do, and URLs are compared byte for byte", ErrBaseURL)
	case base != u.Scheme+"://"+u.Host:
		return fmt.Errorf("%w: it must be scheme and host only, without a closing slash", ErrBaseURL)
	case strings.ContainsFunc(u.Host, func(r rune) bool { return !isHostRune(r) }):
		return fmt.Errorf("%w: the host must be lower case; write it in Punycode where it isn't ASCII", ErrBaseURL)
	}
	return nil
}

// isHostRune keeps wildcards, upper case and non-ASCII out of resources.
func isHostRune(r rune) bool {
	return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("-.:[]", r)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && addr.IsLoopback())
}

// Signer signs for one distribution with one key. It is safe for concurrent
// use if its key is.
type Signer struct {
	base  string
	keyID string
	key   crypto.Signer
	hash  sign.HashAlgorithm // as it stands in the URL: empty for SHA-1
}

// NewSigner makes a signer for the distribution at base (see CheckBaseURL),
// with the private key whose public half CloudFront knows as keyID. Errors
// wrap ErrBaseURL or ErrHash.
func NewSigner(base, keyID string, key crypto.Signer, hash Hash) (*Signer, error) {
	if err := CheckBaseURL(base); err != nil {
		return nil, err
	}
	signer := &Signer{base: base, keyID: keyID, key: key}
	if private, ok := key.(*ecdsa.PrivateKey); ok {
		signer.key = deterministic{private}
	}
	switch hash {
	case SHA256:
		signer.hash = sign.HashSHA256
	case SHA1: // CloudFront's default: no parameter needed
	default:
		return nil, fmt.Errorf("%w: %q; use %s or %s", ErrHash, hash, SHA256, SHA1)
	}
	return signer, nil
}

// Remote is a key that is asked elsewhere, as one in KMS is.
type Remote interface {
	crypto.Signer
	// SignContext is Sign, which ends with ctx.
	SignContext(ctx context.Context, digest []byte, options crypto.SignerOpts) ([]byte, error)
	// Parallel is how many signatures are asked for at a time at most.
	Parallel() int
}

// WithContext returns the signer for what is signed within ctx. It matters to
// keys that are Remote only.
func (s *Signer) WithContext(ctx context.Context) *Signer {
	key, remote := s.key.(Remote)
	if !remote {
		return s
	}
	within := *s
	within.key = bound{key, ctx}
	return &within
}

// Parallel is how many signatures are worth asking for side by side: one where
// the key is at hand.
func (s *Signer) Parallel() int {
	if key, remote := s.key.(Remote); remote {
		return max(1, key.Parallel())
	}
	return 1
}

// bound is a key within a context, which crypto.Signer doesn't know.
type bound struct {
	Remote
	ctx context.Context //nolint:containedctx // of the one request that signs
}

// Sign is the key's.
func (b bound) Sign(_ io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	return b.SignContext(b.ctx, digest, options)
}

// deterministic makes the same signature for the same policy (RFC 6979), so
// that a URL asked for twice is the same URL, as with RSA.
type deterministic struct{ *ecdsa.PrivateKey }

// Sign leaves the source of randomness out, which is how Go is told.
func (d deterministic) Sign(_ io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	return d.PrivateKey.Sign(nil, digest, options)
}

// noting keeps the key's error, of which AWS's signer passes on the text only.
type noting struct {
	crypto.Signer
	err error
}

// Sign is the key's.
func (n *noting) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) (signature []byte, err error) {
	signature, n.err = n.Signer.Sign(random, digest, options)
	return signature, n.err
}

// KeyID returns the id of the key that signs.
func (s *Signer) KeyID() string { return s.keyID }

// URL returns the address of the distribution, without a closing slash.
func (s *Signer) URL() string { return s.base }

// Request is what a URL is to be signed for.
type Request struct {
	Key     objectkey.Key // the object
	IssueID string        // goes into the URL as IssueParam; letters and digits
	Conditions
	Overrides overrides.Set
}

// Sign returns the signed URL for one object: with a canned policy where the
// expiry is all it demands, else with a custom one for exactly this URL.
// Errors wrap ErrRequest, one of them ErrTooLong, or are those of the key.
func (s *Signer) Sign(r Request) (string, error) {
	if r.Key.IsZero() {
		return "", fmt.Errorf("%w: no object key", ErrRequest)
	}
	if !isIssueID(r.IssueID) {
		return "", errIssueID
	}
	if err := r.Overrides.Check(); err != nil {
		return "", fmt.Errorf("%w: %w", ErrRequest, err)
	}
	parameters := append(r.Overrides.Parameters(), IssueParam+"="+r.IssueID)
	slices.Sort(parameters) // the order is part of the cache key
	resource := s.base + r.Key.Path() + "?" + strings.Join(parameters, "&")
	encoded, err := s.sign(policyFor(resource, r.Conditions), r.Conditions)
	if err != nil {
		return "", err
	}
	signed := resource + "&" + s.parameters(paramPolicy, encoded.policy, encoded)
	if r.canned() {
		signed = resource + "&" + s.parameters(paramExpires, strconv.FormatInt(r.Expires.Unix(), 10), encoded)
	}
	if len(signed) > MaxURLBytes {
		return "", fmt.Errorf("%w: %d", ErrTooLong, len(signed))
	}
	return signed, nil
}

// PrefixRequest is what the URLs of a whole prefix are to be signed for.
type PrefixRequest struct {
	Prefix  objectkey.Prefix
	IssueID string
	Conditions
}

// PrefixGrant opens every object below a prefix: the URL of one is URL, the
// rest of its key encoded by objectkey.Escape segment by segment, "?" and
// Query.
type PrefixGrant struct {
	URL   string // of the prefix, ends in a slash
	Query string // issue id and signature, the same for every object
}

// SignPrefix signs one custom policy for all objects below a prefix. Errors
// wrap ErrRequest, one of them ErrTooLong where not even an object of a
// one-letter name has room, or are those of the key.
func (s *Signer) SignPrefix(r PrefixRequest) (PrefixGrant, error) {
	if r.Prefix.IsZero() {
		return PrefixGrant{}, fmt.Errorf("%w: no prefix", ErrRequest)
	}
	if !isIssueID(r.IssueID) {
		return PrefixGrant{}, errIssueID
	}
	query := IssueParam + "=" + r.IssueID
	url := s.base + r.Prefix.Path()
	encoded, err := s.sign(policyFor(url+"*?"+query, r.Conditions), r.Conditions)
	if err != nil {
		return PrefixGrant{}, err
	}
	grant := PrefixGrant{URL: url, Query: query + "&" + s.parameters(paramPolicy, encoded.policy, encoded)}
	if shortest := len(grant.URL) + len("a?") + len(grant.Query); shortest > MaxURLBytes {
		return PrefixGrant{}, fmt.Errorf("%w: %d", ErrTooLong, shortest)
	}
	return grant, nil
}

// encoded is a policy and its signature in CloudFront's Base64.
type encoded struct{ policy, signature string }

func (s *Signer) sign(policy *sign.Policy, conditions Conditions) (encoded, error) {
	if err := conditions.check(); err != nil {
		return encoded{}, err
	}
	key := &noting{Signer: s.key}
	signature, text, err := policy.SignWithAlgorithm(key, s.hash)
	if err = cmp.Or(key.err, err); err != nil {
		return encoded{}, fmt.Errorf("sign with key %s: %w", s.keyID, err)
	}
	return encoded{string(text), string(signature)}, nil
}

// parameters are CloudFront's own, the first one being the expiry or policy.
func (s *Signer) parameters(name, value string, signed encoded) string {
	parameters := name + "=" + value + "&" + paramSignature + "=" + signed.signature + "&" + paramKeyID + "=" + s.keyID
	if s.hash != "" {
		parameters += "&" + paramHash + "=" + string(s.hash)
	}
	return parameters
}

func isIssueID(id string) bool {
	return id != "" && !strings.ContainsFunc(id, func(r rune) bool { return !isLetterOrDigit(r) })
}

func isLetterOrDigit(r rune) bool {
	return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9'
}
