package signedurl

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"
)

// The ways in which CloudFront refuses a signed URL or cookies, each with an error body
// of its own. Every error of Verify is a *Refusal wrapping one of them.
var (
	ErrMissingKey         = errors.New("missing key id")
	ErrUnknownKey         = errors.New("unknown key id")
	ErrMalformedPolicy    = errors.New("malformed policy")
	ErrMalformedSignature = errors.New("malformed signature")
	ErrAccessDenied       = errors.New("access denied")
)

// Refusal says why a request is refused. Reason is for the operator: CloudFront's
// own answer doesn't hold it, and it never holds the signature.
type Refusal struct { //nolint:errname // named for what it is
	Kind   error  // one of the sentinels above
	Check  string // which check fails, as in Explanation
	Reason string // for example "it expired 5s ago"
}

// Error describes the refusal without naming the URL.
func (r *Refusal) Error() string { return r.Kind.Error() + ": " + r.Reason }

// Unwrap returns the kind.
func (r *Refusal) Unwrap() error { return r.Kind }

// Viewer is one request as it was received.
type Viewer struct {
	URL     string         // raw: scheme, host, path and query
	Cookies []*http.Cookie // count only where the URL isn't signed
	Address netip.Addr     // where it comes from; the zero address fits no range
}

// Verified is what an accepted request says.
type Verified struct {
	Resource string    // the URL without CloudFront's parameters, byte for byte as received
	IssueID  string    // the value of IssueParam, empty where there is none, and with cookies
	KeyID    string    // the key that signed
	Expires  time.Time // UTC
}

// Verifier checks signed URLs and cookies as the distribution does whose key
// group holds the given keys. It is safe for concurrent use.
type Verifier struct {
	keys map[string]crypto.PublicKey
	now  func() time.Time
}

// NewVerifier makes a verifier that trusts the given public keys by their
// ids and takes the time from now. Without a key it would refuse everything,
// so that is an error.
func NewVerifier(keys map[string]crypto.PublicKey, now func() time.Time) (*Verifier, error) {
	if len(keys) == 0 {
		return nil, errors.New("a verifier needs at least one public key")
	}
	for id, key := range keys {
		switch key.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey:
		default:
			return nil, fmt.Errorf("key %s: %T can't be verified", id, key)
		}
	}
	return &Verifier{keys: keys, now: now}, nil
}

// Verify checks one request, in the order of checks, which is CloudFront's as
// far as it is known. The error is a *Refusal: the first check that fails.
func (v *Verifier) Verify(viewer Viewer) (*Verified, error) {
	e := evaluation{verifier: v, viewer: viewer, parts: split(viewer)}
	for _, check := range checks() {
		if found := check.run(&e); !found.ok {
			return nil, &Refusal{Kind: check.kind, Check: check.name, Reason: found.text}
		}
	}
	verified := &Verified{
		Resource: e.parts.resource,
		IssueID:  e.parts.issueID,
		KeyID:    e.parts.values[paramKeyID],
		Expires:  time.Unix(e.policy.expires, 0).UTC(),
	}
	if e.parts.inCookies {
		verified.IssueID = "" // a query beside cookies is anybody's to write
	}
	return verified, nil
}
