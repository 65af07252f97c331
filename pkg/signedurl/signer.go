package signedurl

import (
	"crypto"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"

	"github.com/signgate/signgate/pkg/objectkey"
)

// IssueParam is the query parameter that carries the issue id. The signature
// covers it; the distribution neither caches by it nor sends it to S3.
const IssueParam = "sg-id"

// MaxExpiry is the latest expiry that CloudFront takes: 2^31-1 seconds after
// 1970 (CloudFront Developer Guide, "Create a signed URL using a canned policy").
const MaxExpiry = 1<<31 - 1

var (
	// ErrBaseURL is wrapped where the address of a distribution can't be used.
	ErrBaseURL = errors.New("invalid base URL of the distribution")
	// ErrHash is wrapped for a hash that CloudFront doesn't know.
	ErrHash = errors.New("unsupported hash algorithm")
	// ErrRequest is wrapped where a request to sign is incomplete or out of range.
	ErrRequest = errors.New("can't sign")
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

// Signer signs URLs of one distribution with one key. It is safe for
// concurrent use if its key is.
type Signer struct {
	base   string
	keyID  string
	signer *sign.URLSigner
}

// NewSigner makes a signer for the distribution at base (see CheckBaseURL),
// with the private key whose public half CloudFront knows as keyID. Errors
// wrap ErrBaseURL or ErrHash.
func NewSigner(base, keyID string, key crypto.Signer, hash Hash) (*Signer, error) {
	if err := CheckBaseURL(base); err != nil {
		return nil, err
	}
	signer := sign.NewURLSigner(keyID, key)
	switch hash {
	case SHA256:
		signer.HashAlg = sign.HashSHA256
	case SHA1:
		signer.HashAlg = "" // CloudFront's default: no parameter needed
	default:
		return nil, fmt.Errorf("%w: %q; use %s or %s", ErrHash, hash, SHA256, SHA1)
	}
	return &Signer{base: base, keyID: keyID, signer: signer}, nil
}

// KeyID returns the id of the key that signs.
func (s *Signer) KeyID() string { return s.keyID }

// Request is what a URL is to be signed for.
type Request struct {
	Key     objectkey.Key // the object
	IssueID string        // goes into the URL as IssueParam; letters and digits
	Expires time.Time     // truncated to whole seconds
}

// Sign returns the signed URL for one object. Errors wrap ErrRequest, or are
// those of the key.
func (s *Signer) Sign(r Request) (string, error) {
	resource, err := s.resource(r)
	if err != nil {
		return "", err
	}
	signed, err := s.signer.Sign(resource, r.Expires)
	if err != nil {
		return "", fmt.Errorf("sign a URL with key %s: %w", s.keyID, err)
	}
	return signed, nil
}

func (s *Signer) resource(r Request) (string, error) {
	switch {
	case r.Key.IsZero():
		return "", fmt.Errorf("%w: no object key", ErrRequest)
	case !isIssueID(r.IssueID):
		return "", fmt.Errorf("%w: the issue id must be letters and digits", ErrRequest)
	case r.Expires.Unix() <= 0 || r.Expires.Unix() > MaxExpiry:
		return "", fmt.Errorf("%w: the expiry must lie between 1 and %d seconds after 1970", ErrRequest, MaxExpiry)
	}
	return s.base + r.Key.Path() + "?" + IssueParam + "=" + r.IssueID, nil
}

func isIssueID(id string) bool {
	return id != "" && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}
