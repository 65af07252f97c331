package apikeys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// Prefix is what keys begin with, so that scanners for leaked secrets can tell
// them, and the gateway can tell them from access tokens.
const Prefix = "sgk_"

const (
	idLength       = 16
	secretLength   = 52 // of 5 bits each
	checksumLength = 7  // of 5 bits each, for 32
	alphabet       = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// Secret is a key as a machine holds it. It prints as a placeholder, lest it
// ends up in a log; Reveal alone gives it away. The zero value is no key.
type Secret struct{ id, secret string }

// NewSecret makes a key from crypto/rand: 80 bits of id and 260 of secret. It
// is to be revealed once.
func NewSecret() Secret {
	// rand.Text has 26 characters of this alphabet.
	return Secret{id: rand.Text()[:idLength], secret: rand.Text() + rand.Text()}
}

// ParseSecret reads what Reveal wrote. The error wraps ErrRefused and doesn't
// hold the text.
func ParseSecret(text string) (Secret, error) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(text, Prefix), "_")
	if len(rest) != secretLength+checksumLength || !IsID(id) {
		return Secret{}, fmt.Errorf("%w: it is none", ErrRefused)
	}
	secret := Secret{id: id, secret: rest[:secretLength]}
	if !isBase32(secret.secret) || secret.Reveal() != text {
		return Secret{}, fmt.Errorf("%w: it is none, or was mistyped", ErrRefused)
	}
	return secret, nil
}

// IsID says whether text can be the id of a key.
func IsID(text string) bool { return len(text) == idLength && isBase32(text) }

func isBase32(text string) bool { return strings.Trim(text, alphabet) == "" }

// Reveal returns the key itself.
func (s Secret) Reveal() string {
	text := Prefix + s.id + "_" + s.secret
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	return text + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum)
}

// ID names the key. It is no secret.
func (s Secret) ID() string { return s.id }

// Digest is what is kept of the secret: its SHA-256.
func (s Secret) Digest() [sha256.Size]byte { return sha256.Sum256([]byte(s.secret)) }

// String returns a placeholder.
func (s Secret) String() string { return "[API key " + s.id + "]" }

// GoString returns a placeholder.
func (s Secret) GoString() string { return s.String() }

// MarshalText returns a placeholder, for loggers and encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
