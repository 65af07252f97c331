package grants

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// SecretPrefix is what secrets begin with, so that scanners for leaked secrets
// can tell them.
const SecretPrefix = "sglink_"

const secretBytes = 32

// Secret opens what is shared by link. It prints as a placeholder, lest it
// ends up in a log; Reveal alone gives it away. The zero value is no secret.
type Secret struct{ bytes [secretBytes]byte }

// NewSecret makes a secret of 256 bits from crypto/rand. It is to be revealed
// once, to who shares, and kept by nobody: a grant holds its digest.
func NewSecret() Secret {
	var secret Secret
	_, _ = rand.Read(secret.bytes[:]) // never fails
	return secret
}

// ParseSecret reads what Reveal wrote. The error wraps ErrInvalid and doesn't
// hold the text.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, SecretPrefix)
	// One character over 43 is refused before it is decoded.
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return Secret{}, fmt.Errorf("%w: not the secret of a link", ErrInvalid)
	}
	var secret Secret
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || copy(secret.bytes[:], decoded) != secretBytes || secret == (Secret{}) || secret.Reveal() != text {
		return Secret{}, fmt.Errorf("%w: not the secret of a link", ErrInvalid)
	}
	return secret, nil
}

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	return SecretPrefix + base64.RawURLEncoding.EncodeToString(s.bytes[:])
}

// String returns a placeholder.
func (s Secret) String() string { return "[secret of a link]" }

// GoString returns a placeholder.
func (s Secret) GoString() string { return s.String() }

// MarshalText returns a placeholder, for loggers and encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Holder is whoever holds the secret. The zero secret's is nobody.
func (s Secret) Holder() Grantee {
	if s == (Secret{}) {
		return Grantee{}
	}
	digest := sha256.Sum256(s.bytes[:])
	return Grantee{kind: KindLink, name: string(digest[:])}
}
