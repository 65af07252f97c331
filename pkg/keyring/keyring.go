package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

var (
	// ErrNoActiveKey says that the id of the active key names none of the keys.
	ErrNoActiveKey = errors.New("no active signing key")
	// ErrKeyID is wrapped where a key id can't be one of CloudFront's.
	ErrKeyID = errors.New("invalid key id")
	// ErrUnsupportedKey is wrapped where CloudFront would not take the key.
	ErrUnsupportedKey = errors.New("unsupported signing key")
	// ErrPEM is wrapped where a PEM file can't be read as one key.
	ErrPEM = errors.New("unreadable PEM")
)

// rsaBits is the one RSA size that CloudFront takes for signed URLs.
const rsaBits = 2048

// Key is a signing key under the id that CloudFront gave its public half.
type Key struct {
	ID     string // CloudFront's public key id, sent as Key-Pair-Id
	Signer crypto.Signer
}

// String returns the id: a signer that is a private key would show its half.
func (k Key) String() string { return k.ID }

// Ring is an immutable set of signing keys.
type Ring struct {
	active Key
	keys   map[string]Key
}

// New makes a ring that signs with the key whose id is activeID and trusts
// all the others as retiring. Errors wrap ErrKeyID, ErrUnsupportedKey or
// ErrNoActiveKey.
func New(activeID string, keys ...Key) (*Ring, error) {
	if err := CheckID(activeID); err != nil {
		return nil, fmt.Errorf("active key: %w", err)
	}
	ring := &Ring{keys: make(map[string]Key, len(keys))}
	for _, key := range keys {
		if err := CheckID(key.ID); err != nil {
			return nil, err
		}
		if key.Signer == nil {
			return nil, fmt.Errorf("%w: %s has no private half", ErrUnsupportedKey, key.ID)
		}
		if err := CheckPublic(key.Signer.Public()); err != nil {
			return nil, fmt.Errorf("key %s: %w", key.ID, err)
		}
		if _, taken := ring.keys[key.ID]; taken {
			return nil, fmt.Errorf("%w: %s names two keys", ErrKeyID, key.ID)
		}
		ring.keys[key.ID] = key
	}
	active, ok := ring.keys[activeID]
	if !ok {
		return nil, fmt.Errorf("%w: %s is not among the %d keys", ErrNoActiveKey, activeID, len(keys))
	}
	ring.active = active
	return ring, nil
}

// Active returns the key that signs.
func (r *Ring) Active() Key { return r.active }

// Keys returns all keys: the active one first, the others by id.
func (r *Ring) Keys() []Key {
	keys := []Key{r.active}
	for _, id := range r.IDs() {
		if id != r.active.ID {
			keys = append(keys, r.keys[id])
		}
	}
	return keys
}

// IDs returns the ids of all keys, sorted.
func (r *Ring) IDs() []string { return slices.Sorted(maps.Keys(r.keys)) }

// PublicKeys returns the public halves of all keys by id: what the key group
// of the distribution must hold.
func (r *Ring) PublicKeys() map[string]crypto.PublicKey {
	public := make(map[string]crypto.PublicKey, len(r.keys))
	for id, key := range r.keys {
		public[id] = key.Signer.Public()
	}
	return public
}

// CheckID says whether id has the form of CloudFront's ids: upper-case
// letters and digits, "K…" for a public key of a key group (14 characters as
// CloudFront makes them), "APKA…" for a key pair of the account's root user.
// The error wraps ErrKeyID and never repeats what was given, because the usual
// mistakes are an IAM access key id or a whole PEM file.
func CheckID(id string) error {
	const hint = "use the id of the CloudFront public key, such as K2JCJMDEHXQW5F"
	switch {
	case id == "":
		return fmt.Errorf("%w: it is empty; %s", ErrKeyID, hint)
	case strings.Contains(id, "-----"):
		return fmt.Errorf("%w: it is a PEM document; %s", ErrKeyID, hint)
	case strings.HasPrefix(id, "AKIA"), strings.HasPrefix(id, "ASIA"):
		return fmt.Errorf("%w: it is an IAM access key id; %s", ErrKeyID, hint)
	case !strings.HasPrefix(id, "K") && !strings.HasPrefix(id, "APKA"), len(id) < 8, len(id) > 64:
		return fmt.Errorf("%w: it must be 8 to 64 characters and begin with K or APKA; %s", ErrKeyID, hint)
	case strings.ContainsFunc(id, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }):
		return fmt.Errorf("%w: it may hold upper-case letters and digits only; %s", ErrKeyID, hint)
	}
	return nil
}

// CheckPublic says whether CloudFront takes the key: RSA with 2048 bits or
// ECDSA on P-256. The error wraps ErrUnsupportedKey.
func CheckPublic(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() != rsaBits {
			return fmt.Errorf("%w: RSA with %d bits; CloudFront takes %d", ErrUnsupportedKey, key.N.BitLen(), rsaBits)
		}
		return nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return fmt.Errorf("%w: ECDSA on %s; CloudFront takes P-256", ErrUnsupportedKey, key.Curve.Params().Name)
		}
		return nil
	default:
		return fmt.Errorf("%w: %T; CloudFront takes RSA-2048 and ECDSA P-256", ErrUnsupportedKey, public)
	}
}
