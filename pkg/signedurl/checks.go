package signedurl

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // one of the two digests that CloudFront defines
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// check is one step of verification.
type check struct {
	name string // as in Explanation
	kind error  // what CloudFront answers where it fails
	run  func(*evaluation) finding
}

// checks are all of them, in the order in which they decide: where several
// fail, the first one's answer is given.
func checks() []check {
	return []check{
		{"key-id", ErrMissingKey, (*evaluation).keyID},
		{"key", ErrUnknownKey, (*evaluation).trustedKey},
		{"policy", ErrMalformedPolicy, (*evaluation).readPolicy},
		{"signature-form", ErrMalformedSignature, (*evaluation).readSignature},
		{"parameters", ErrAccessDenied, (*evaluation).noneTwice},
		{"hash", ErrAccessDenied, (*evaluation).knownHash},
		{"signature", ErrAccessDenied, (*evaluation).fits},
		{"resource", ErrAccessDenied, (*evaluation).covered},
		{"not-before", ErrAccessDenied, (*evaluation).begun},
		{"expiry", ErrAccessDenied, (*evaluation).notOver},
		{"address", ErrAccessDenied, (*evaluation).fromThere},
	}
}

// evaluation is one request on its way through the checks. Each check may
// rely on those before it only if it looks whether they got that far.
type evaluation struct {
	verifier *Verifier
	viewer   Viewer
	parts    signedParts

	key        crypto.PublicKey // nil until known
	policy     policy
	policyText []byte // what was signed; nil until read
	signature  []byte // nil until read
}

// finding is the outcome of a check.
type finding struct {
	ok      bool
	skipped bool   // nothing to look at: an earlier check failed
	text    string // what was found; where it failed, why
}

func fine(format string, args ...any) finding {
	return finding{ok: true, text: fmt.Sprintf(format, args...)}
}

func wrong(format string, args ...any) finding { return finding{text: fmt.Sprintf(format, args...)} }

func skipped() finding { return finding{skipped: true, text: "an earlier check failed"} }

// maxShown is longer than CloudFront's ids and shorter than any secret that
// somebody might send in the place of one.
const maxShown = 24

// shown quotes what a viewer sent, unless it could be a secret in the wrong
// place: findings go to logs.
func shown(value string) string {
	if len(value) > maxShown {
		return fmt.Sprintf("something of %d bytes", len(value))
	}
	return strconv.Quote(value)
}

func (e *evaluation) keyID() finding {
	id := e.parts.values[paramKeyID]
	if id == "" {
		return wrong("neither the URL nor a cookie has a %s", paramKeyID)
	}
	return fine("%s", shown(id))
}

func (e *evaluation) trustedKey() finding {
	id := e.parts.values[paramKeyID]
	key, ok := e.verifier.keys[id]
	if !ok {
		return wrong("%s is not in the key group", shown(id))
	}
	e.key = key
	return fine("%s is in the key group", id)
}

func (e *evaluation) readPolicy() finding {
	read, text, err := e.parts.readPolicy()
	if err != nil {
		return wrong("%s", err)
	}
	e.policy, e.policyText = read, text
	if e.parts.custom() {
		return fine("a custom policy")
	}
	return fine("a canned policy")
}

func (e *evaluation) readSignature() finding {
	signature, err := decodeBase64(e.parts.values[paramSignature])
	if err != nil {
		return wrong("%s", err)
	}
	e.signature = signature
	return fine("%d bytes", len(signature))
}

func (e *evaluation) noneTwice() finding {
	if e.parts.repeated != "" {
		return wrong("the parameter %s stands twice", e.parts.repeated)
	}
	return fine("each stands once")
}

func (e *evaluation) knownHash() finding {
	switch name := e.parts.values[paramHash]; Hash(name) {
	case "":
		return fine("%s, since no %s is given", SHA1, paramHash)
	case SHA1, SHA256:
		return fine("%s", name)
	default:
		return wrong("%s is %s; it must be %s or %s", paramHash, shown(name), SHA1, SHA256)
	}
}

func (e *evaluation) fits() finding {
	if e.key == nil || e.policyText == nil || e.signature == nil {
		return skipped()
	}
	if !verify(e.key, Hash(e.parts.values[paramHash]), e.policyText, e.signature) {
		return wrong("the signature doesn't fit this URL, policy, key and hash")
	}
	return fine("it fits")
}

// covered compares the URL with a custom policy's resource. A canned policy
// has been rebuilt from the URL, so there the signature says it all.
func (e *evaluation) covered() finding {
	switch {
	case e.policyText == nil:
		return skipped()
	case !e.parts.custom():
		return fine("the canned policy is for this URL alone")
	case e.policy.resource == "":
		return fine("the policy names no resource: it opens everything that trusts the key")
	case !matches(e.policy.resource, e.parts.resource):
		return wrong("%s is not covered by %s", Redact(e.parts.resource), Redact(e.policy.resource))
	}
	return fine("covered by %s", Redact(e.policy.resource))
}

func (e *evaluation) begun() finding {
	if e.policyText == nil {
		return skipped()
	}
	if now := e.verifier.now(); e.policy.notBefore > 0 && now.Unix() <= e.policy.notBefore {
		return wrong("it begins in %s", time.Unix(e.policy.notBefore+1, 0).Sub(now).Truncate(time.Second))
	}
	return fine("it has begun")
}

func (e *evaluation) notOver() finding {
	if e.policyText == nil {
		return skipped()
	}
	now, end := e.verifier.now(), time.Unix(e.policy.expires, 0).UTC()
	if now.Unix() >= e.policy.expires {
		return wrong("it expired %s ago, at %s", now.Sub(end).Truncate(time.Second), end.Format(time.RFC3339))
	}
	return fine("until %s", end.Format(time.RFC3339))
}

func (e *evaluation) fromThere() finding {
	from := e.viewer.Address.Unmap().WithZone("") // a zone may hold any text
	switch {
	case e.policyText == nil:
		return skipped()
	case !e.policy.address.IsValid():
		return fine("from anywhere")
	case !e.policy.address.Contains(from):
		return wrong("the request comes from %s, not from %s", from, e.policy.address)
	}
	return fine("from %s", e.policy.address)
}

// verify checks a signature over a policy. SHA-1 is what CloudFront assumes
// where no hash is named.
func verify(key crypto.PublicKey, name Hash, policy, signature []byte) bool {
	var hash crypto.Hash
	var digest []byte
	if name == SHA256 {
		sum := sha256.Sum256(policy)
		hash, digest = crypto.SHA256, sum[:]
	} else {
		sum := sha1.Sum(policy) //nolint:gosec // see the import
		hash, digest = crypto.SHA1, sum[:]
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest, signature)
	}
	return false
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
