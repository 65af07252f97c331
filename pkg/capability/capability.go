package capability

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

var (
	// ErrKey is wrapped where a Sealer can't be made.
	ErrKey = errors.New("unusable key")
	// ErrInvalid is returned for what isn't a token of ours, or not of this kind.
	ErrInvalid = errors.New("invalid token")
	// ErrExpired is returned for a token whose time is over.
	ErrExpired = errors.New("the token has expired")
)

// ErrTooLong is wrapped where a state doesn't fit into a token.
var ErrTooLong = errors.New("too long for a token")

// KeySize is the length of a key in bytes.
const KeySize = chacha20poly1305.KeySize

// MaxLength is the most bytes that a token may have: together with the rest
// it must fit into the address line of a request.
const MaxLength = 6 << 10

const expiryBytes = 8

// Sealer makes and opens tokens. It is safe for concurrent use.
type Sealer struct {
	ciphers []cipher.AEAD // the first seals, all open
	now     func() time.Time
}

// New makes a sealer. The first key seals; the others still open what they
// once sealed. Keys have KeySize bytes and are secret. Errors wrap ErrKey.
func New(now func() time.Time, keys ...[]byte) (*Sealer, error) {
	if now == nil || len(keys) == 0 {
		return nil, fmt.Errorf("%w: a clock and a key are needed", ErrKey)
	}
	sealer := &Sealer{now: now}
	for _, key := range keys {
		aead, err := chacha20poly1305.NewX(key)
		if err != nil {
			return nil, fmt.Errorf("%w: it must have %d bytes", ErrKey, KeySize)
		}
		sealer.ciphers = append(sealer.ciphers, aead)
	}
	return sealer, nil
}

// Seal makes a token of letters, digits, "-" and "_" that holds the state,
// whatever encoding/json can carry, for one kind of use and until a time. The
// error wraps ErrTooLong where that makes more than MaxLength bytes.
func (s *Sealer) Seal(kind string, state any, expires time.Time) (string, error) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false) // six bytes for one
	if err := encoder.Encode(state); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	body := encoded.Bytes()
	aead := s.ciphers[0]
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+expiryBytes+len(body)+aead.Overhead())
	_, _ = rand.Read(nonce)                                                              // never fails
	plain := append(binary.BigEndian.AppendUint64(nil, uint64(expires.Unix())), body...) //nolint:gosec // the sign comes back in Open
	token := base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(kind)))
	if len(token) > MaxLength {
		return "", fmt.Errorf("%w: %d bytes, of at most %d", ErrTooLong, len(token), MaxLength)
	}
	return token, nil
}

// Open reads a token of the kind into state and returns when it expires. The
// error is ErrInvalid or ErrExpired; state is then untouched or worthless.
func (s *Sealer) Open(kind, token string, state any) (time.Time, error) {
	if len(token) > MaxLength {
		return time.Time{}, ErrInvalid
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return time.Time{}, ErrInvalid
	}
	plain, ok := s.decrypt(kind, sealed)
	if !ok || len(plain) < expiryBytes {
		return time.Time{}, ErrInvalid
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0).UTC() //nolint:gosec // the inverse of Seal
	if !s.now().Before(expires) {
		return time.Time{}, ErrExpired
	}
	if err := json.Unmarshal(plain[expiryBytes:], state); err != nil {
		return time.Time{}, ErrInvalid // sealed by another version of this program
	}
	return expires, nil
}

func (s *Sealer) decrypt(kind string, sealed []byte) ([]byte, bool) {
	for _, aead := range s.ciphers {
		if len(sealed) < aead.NonceSize() {
			return nil, false
		}
		nonce, box := sealed[:aead.NonceSize()], sealed[aead.NonceSize():]
		if plain, err := aead.Open(nil, nonce, box, []byte(kind)); err == nil {
			return plain, true
		}
	}
	return nil, false
}
