package signedurl

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // one of the two digests that CloudFront defines
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The ways in which CloudFront refuses a signed URL, each with an error body
// of its own. Every error of Verify is a *Refusal wrapping one of them.
var (
	ErrMissingKey         = errors.New("missing key id")
	ErrUnknownKey         = errors.New("unknown key id")
	ErrMalformedPolicy    = errors.New("malformed policy")
	ErrMalformedSignature = errors.New("malformed signature")
	ErrAccessDenied       = errors.New("access denied")
)

// Refusal says why a URL is refused. Reason is for the operator: CloudFront's
// own answer doesn't hold it, and it never holds the signature.
type Refusal struct { //nolint:errname // named for what it is
	Kind   error  // one of the sentinels above
	Reason string // for example "expired 5s ago"
}

// Error describes the refusal without naming the URL.
func (r *Refusal) Error() string { return r.Kind.Error() + ": " + r.Reason }

// Unwrap returns the kind.
func (r *Refusal) Unwrap() error { return r.Kind }

// Verified is what an accepted URL says.
type Verified struct {
	Resource string    // the URL without CloudFront's parameters, byte for byte as received
	IssueID  string    // the value of IssueParam, empty where there is none
	KeyID    string    // the key that signed
	Expires  time.Time // UTC
}

// Verifier checks signed URLs as the distribution does whose key group holds
// the given keys. It is safe for concurrent use.
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

// Verify checks one URL as the viewer sent it: scheme, host, path and query,
// raw. The checks run in CloudFront's order as far as it is known: key id
// present, key id trusted, policy readable, signature readable, then
// signature and time. The error is a *Refusal.
func (v *Verifier) Verify(rawURL string) (*Verified, error) {
	parts := split(rawURL)
	key, err := v.key(parts)
	if err != nil {
		return nil, err
	}
	expires, err := parts.expiry()
	if err != nil {
		return nil, err
	}
	signature, err := parts.signature()
	if err != nil {
		return nil, err
	}
	if parts.repeated != "" {
		return nil, refuse(ErrAccessDenied, "the parameter %s stands twice", parts.repeated)
	}
	if err := check(key, parts.reserved[paramHash], cannedPolicy(parts.resource, expires), signature); err != nil {
		return nil, err
	}
	if now := v.now(); now.Unix() >= expires {
		return nil, refuse(ErrAccessDenied, "expired %s ago", now.Sub(time.Unix(expires, 0)).Truncate(time.Second))
	}
	return &Verified{
		Resource: parts.resource,
		IssueID:  parts.issueID,
		KeyID:    parts.reserved[paramKeyID],
		Expires:  time.Unix(expires, 0).UTC(),
	}, nil
}

func (v *Verifier) key(parts signedParts) (crypto.PublicKey, error) {
	id := parts.reserved[paramKeyID]
	if id == "" {
		return nil, refuse(ErrMissingKey, "the URL has no %s", paramKeyID)
	}
	key, ok := v.keys[id]
	if !ok {
		return nil, refuse(ErrUnknownKey, "%s is not in the key group", strconv.Quote(id))
	}
	return key, nil
}

func refuse(kind error, format string, args ...any) *Refusal {
	return &Refusal{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// cannedPolicy rebuilds the exact bytes that a signer signed for resource.
func cannedPolicy(resource string, expires int64) []byte {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)      // "&" stands for itself in a policy
	_ = encoder.Encode(resource)      // a string into a buffer can't fail
	quoted.Truncate(quoted.Len() - 1) // the line feed that Encode adds
	return fmt.Appendf(nil, `{"Statement":[{"Resource":%s,"Condition":{"DateLessThan":{"AWS:EpochTime":%d}}}]}`, quoted.Bytes(), expires)
}

// check verifies the signature over a policy under the digest that the URL
// names; SHA-1 is what CloudFront assumes where it names none.
func check(key crypto.PublicKey, hashName string, policy, signature []byte) error {
	var hash crypto.Hash
	var digest []byte
	switch Hash(hashName) {
	case SHA1, "":
		sum := sha1.Sum(policy) //nolint:gosec // see the import
		hash, digest = crypto.SHA1, sum[:]
	case SHA256:
		sum := sha256.Sum256(policy)
		hash, digest = crypto.SHA256, sum[:]
	default:
		return refuse(ErrAccessDenied, "%s must be %s or %s", paramHash, SHA1, SHA256)
	}
	valid := false
	switch key := key.(type) {
	case *rsa.PublicKey:
		valid = rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		valid = ecdsa.VerifyASN1(key, digest, signature)
	}
	if !valid {
		return refuse(ErrAccessDenied, "the signature doesn't fit this URL, expiry, key and hash")
	}
	return nil
}

// CloudFront's own parameters.
const (
	paramExpires   = "Expires"
	paramPolicy    = "Policy"
	paramSignature = "Signature"
	paramKeyID     = "Key-Pair-Id"
	paramHash      = "Hash-Algorithm"
)

// signedParts is a URL taken apart into CloudFront's parameters and the rest.
type signedParts struct {
	resource string            // the URL without CloudFront's parameters, order kept
	reserved map[string]string // CloudFront's parameters, percent-decoded
	repeated string            // a parameter of CloudFront's that stands twice
	issueID  string
}

func split(rawURL string) signedParts {
	parts := signedParts{reserved: make(map[string]string, 4)}
	address, query, _ := strings.Cut(rawURL, "?")
	var own []string
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		switch name {
		case paramExpires, paramPolicy, paramSignature, paramKeyID, paramHash:
			if _, seen := parts.reserved[name]; seen {
				parts.repeated = name
			}
			parts.reserved[name] = decodeValue(value)
			continue
		case IssueParam:
			parts.issueID = value
		}
		own = append(own, parameter)
	}
	parts.resource = address
	if rest := strings.Join(own, "&"); rest != "" || len(own) > 1 {
		parts.resource += "?" + rest
	}
	return parts
}

// decodeValue undoes percent-encoding: some clients send "%7E" for "~" and
// CloudFront takes it. What can't be decoded stays and fails later.
func decodeValue(value string) string {
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}

func (p signedParts) expiry() (int64, error) {
	if _, custom := p.reserved[paramPolicy]; custom {
		return 0, refuse(ErrAccessDenied, "custom policies are not accepted here")
	}
	value, ok := p.reserved[paramExpires]
	if !ok {
		return 0, refuse(ErrMalformedPolicy, "the URL has no %s", paramExpires)
	}
	expires, err := strconv.ParseInt(value, 10, 32)
	if err != nil || expires <= 0 || value != strconv.FormatInt(expires, 10) {
		return 0, refuse(ErrMalformedPolicy, "%s must be seconds since 1970, at most %d (milliseconds are a common mistake)", paramExpires, MaxExpiry)
	}
	return expires, nil
}

// signature decodes CloudFront's Base64: "+", "=" and "/" became "-", "_" and
// "~". Decoding is strict, so that no two spellings mean the same signature;
// only the padding may be missing.
func (p signedParts) signature() ([]byte, error) {
	value := p.reserved[paramSignature]
	if value == "" {
		return nil, refuse(ErrMalformedSignature, "the URL has no %s", paramSignature)
	}
	if strings.ContainsAny(value, "+/=\r\n") {
		return nil, refuse(ErrMalformedSignature, "it is plain Base64; CloudFront replaces + = / by - _ ~")
	}
	unpadded := strings.TrimRight(value, "_")
	if padding := len(value) - len(unpadded); padding > 2 || (padding > 0 && len(value)%4 != 0) {
		return nil, refuse(ErrMalformedSignature, "its padding is wrong")
	}
	standard := strings.NewReplacer("-", "+", "~", "/").Replace(unpadded)
	signature, err := base64.RawStdEncoding.Strict().DecodeString(standard)
	if err != nil {
		return nil, refuse(ErrMalformedSignature, "it is not CloudFront's Base64")
	}
	return signature, nil
}
