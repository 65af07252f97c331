package keyring

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
)

var (
	// ErrUnavailable is wrapped where a key, or what says which keys there
	// are, can't be reached now.
	ErrUnavailable = errors.New("signing keys can't be reached")
	// ErrNoTokenSecret says that there is nothing to seal tokens under.
	ErrNoTokenSecret = errors.New("no token secret: signatures of a key in KMS differ each time, so nothing can be derived from them. " +
		`Put "tokenSecrets", a list of 32 random bytes in Base64 (openssl rand -base64 32), into the document of signing keys`)
)

// Keys is what a source has at one time: it never changes.
type Keys struct {
	Ring     *Ring
	Document *Document // nil where PEM files are all there is
	Revision string    // differs wherever anything else does
	Unusable error     // why keys that wait to become active aren't in the ring; nil: all are

	tokenSecrets []hidden[[]byte]
}

// Opener returns the private half of a slot that doesn't hold it.
type Opener func(ctx context.Context, slot Slot) (crypto.Signer, error)

// Keys opens the slots of the document that CloudFront knows, with an opener
// for the private halves that aren't in it. One that can't be reached while it
// waits to become active is left out: nobody needs it yet, and a gateway that
// may not use a new key, or not yet, has to start all the same. Errors are
// New's, Check's, or the opener's.
func (d *Document) Keys(ctx context.Context, revision string, open Opener) (*Keys, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	active := d.Slots[d.Active]
	if active.KeyID == "" {
		return nil, fmt.Errorf("%w: the active slot %s has no keyId yet", ErrNoActiveKey, d.Active)
	}
	var keys []Key
	var unusable error
	for _, name := range d.Names() {
		slot := d.Slots[name]
		if slot.KeyID == "" {
			continue
		}
		signer, err := slot.Open(ctx, open)
		if name != d.Active && slot.Waits() && errors.Is(err, ErrUnavailable) {
			unusable = errors.Join(unusable, fmt.Errorf("slot %s: %w", name, err))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("slot %s: %w", name, err)
		}
		keys = append(keys, Key{ID: slot.KeyID, Signer: signer})
	}
	ring, err := New(active.KeyID, keys...)
	if err != nil {
		return nil, err
	}
	return &Keys{Ring: ring, Document: d, Revision: revision, Unusable: unusable, tokenSecrets: d.tokenSecrets}, nil
}

// Open returns the slot's signer: its own private half, or the opener's, whose
// public half must be the one that the slot names.
func (s Slot) Open(ctx context.Context, open Opener) (crypto.Signer, error) {
	if s.private != nil {
		return ParsePrivatePEM([]byte(s.private()))
	}
	signer, err := open(ctx, s)
	if err != nil {
		return nil, err
	}
	if s.PublicKey != "" {
		public, err := ParsePublicPEM([]byte(s.PublicKey))
		if err != nil {
			return nil, err
		}
		if !equalPublic(public, signer.Public()) {
			return nil, fmt.Errorf("%w: the private half doesn't belong to publicKey", ErrUnsupportedKey)
		}
	}
	return signer, nil
}

// Secrets returns keys for one purpose, 32 bytes each, that every process with
// the same keys finds: the first is to be used now, the others were before.
// They come from the token secrets (HKDF, RFC 5869), and from the signing keys
// whose signatures are deterministic: RSA's are (RFC 8017, section 8.2),
// ECDSA's without a source of randomness (RFC 6979). The error wraps
// ErrNoTokenSecret where neither will do.
func (k *Keys) Secrets(purpose string) ([][]byte, error) {
	var secrets [][]byte
	for _, secret := range k.tokenSecrets {
		derived, err := hkdf.Key(sha256.New, secret(), nil, purpose, TokenSecretSize)
		if err != nil {
			return nil, fmt.Errorf("derive a key: %w", err)
		}
		secrets = append(secrets, derived)
	}
	for n, key := range k.Ring.Keys() { // the active one first
		if !isDeterministic(key.Signer) {
			if n == 0 && len(secrets) == 0 {
				return nil, ErrNoTokenSecret
			}
			continue
		}
		digest := sha256.Sum256([]byte(purpose))
		signature, err := key.Signer.Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("derive a key: %w", err)
		}
		derived := sha256.Sum256(signature) // of a signature that never leaves
		secrets = append(secrets, derived[:])
	}
	return secrets, nil
}

// isDeterministic knows the two kinds of private keys that ParsePrivatePEM
// returns; any other signer's signatures may differ each time.
func isDeterministic(signer crypto.Signer) bool {
	switch signer.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey:
		return true
	}
	return false
}
