package keyring

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var (
	// ErrDocument is wrapped where a document of keys can't be understood.
	ErrDocument = errors.New("unusable document of signing keys")
	// ErrNoDocument is wrapped where there is none yet.
	ErrNoDocument = errors.New("no document of signing keys")
	// ErrConflict is wrapped where a document was changed by somebody else
	// since it was read.
	ErrConflict = errors.New("the document of signing keys was changed meanwhile")
	// ErrSlot is wrapped where a slot can't be added, switched to or removed.
	ErrSlot = errors.New("not with this slot")
)

const (
	documentVersion = 1
	// maxDocument is the most that Secrets Manager keeps in a secret (Secrets
	// Manager User Guide, "Quotas").
	maxDocument = 65536
	// TokenSecretSize is the length of a token secret in bytes.
	TokenSecretSize = 32
)

// Document says which keys there are and which of them signs. It is what a
// secret in Secrets Manager holds, or the file keys.json beside PEM files:
//
//	{
//	  "version": 1,
//	  "active": "b",
//	  "slots": {
//	    "a": {"keyId": "K2JCJMDEHXQW5F", "privateKey": "-----BEGIN PRIVATE KEY-----\n…",
//	          "addedAt": "2026-01-02T10:00:00Z", "activeAt": "2026-01-02T10:00:00Z", "retiredAt": "2026-07-02T10:00:00Z"},
//	    "b": {"keyId": "K3XAMPLEXAMPLE", "kmsKey": "arn:aws:kms:…:key/…", "publicKey": "-----BEGIN PUBLIC KEY-----\n…",
//	          "addedAt": "2026-07-01T10:00:00Z", "boundAt": "2026-07-01T10:05:00Z", "activeAt": "2026-07-02T10:00:00Z"}
//	  },
//	  "tokenSecrets": ["…32 bytes in Base64…"]
//	}
//
// A slot is a key from before CloudFront knows it until no URL needs it any
// more. Its private half stands in the slot, or stays in KMS, or, beside PEM
// files, is <keyId>.pem. It has no keyId until CloudFront has given it one;
// then it waits to become active, signs, and is retired. Times are RFC 3339.
//
// The first of the token secrets seals the ids of uploads and keys the ids of
// stable URLs, the others still open what they sealed. Without one, keys for
// these are derived from the signing keys, which those of KMS don't allow.
//
// A document keeps its secrets to itself: printed or marshalled by encoding/json
// it shows none, Marshal writes them.
type Document struct {
	Active       string // the name of the slot that signs
	Slots        map[string]Slot
	tokenSecrets []hidden[[]byte]
}

// Slot is one key of a document.
type Slot struct {
	KeyID     string // CloudFront's public key id; empty where it has given none yet
	KMSKey    string // ARN of the key in KMS that signs; empty where the private half is kept elsewhere
	PublicKey string // PEM; always there with KMSKey
	AddedAt   time.Time
	BoundAt   time.Time // when CloudFront's id was written down, where that was later
	ActiveAt  time.Time // when it last began to sign; zero: never
	RetiredAt time.Time // when it stopped signing; zero: it hasn't

	private hidden[string] // PEM; nil in KMS, and where a file holds it
}

// hidden is a secret that nothing prints by accident: fmt, slog and
// encoding/json show of a function only that it is one.
type hidden[T any] func() T

func hide[T any](secret T) hidden[T] { return func() T { return secret } }

// wire is how a document is written.
type wire struct {
	Version      int                 `json:"version"`
	Active       string              `json:"active"`
	Slots        map[string]wireSlot `json:"slots"`
	TokenSecrets []string            `json:"tokenSecrets,omitempty"`
}

type wireSlot struct {
	KeyID      string    `json:"keyId,omitempty"`
	PrivateKey string    `json:"privateKey,omitempty"`
	KMSKey     string    `json:"kmsKey,omitempty"`
	PublicKey  string    `json:"publicKey,omitempty"`
	AddedAt    time.Time `json:"addedAt,omitzero"`
	BoundAt    time.Time `json:"boundAt,omitzero"`
	ActiveAt   time.Time `json:"activeAt,omitzero"`
	RetiredAt  time.Time `json:"retiredAt,omitzero"`
}

// NewDocument makes an empty document. With a token secret of its own, what
// is sealed outlives every signing key.
func NewDocument(withTokenSecret bool) *Document {
	d := &Document{Slots: map[string]Slot{}}
	if withTokenSecret {
		secret := make([]byte, TokenSecretSize)
		_, _ = rand.Read(secret) // never fails
		d.tokenSecrets = []hidden[[]byte]{hide(secret)}
	}
	return d
}

// ParseDocument reads a document. It takes nothing that it doesn't know and
// nothing twice. Errors wrap ErrDocument, ErrKeyID, ErrPEM or
// ErrUnsupportedKey and repeat nothing of what was read but names of slots.
func ParseDocument(data []byte) (*Document, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrDocument, maxDocument)
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("%w: it is not one JSON object with a version", ErrDocument) // the cause may quote it
	}
	if version.Version != documentVersion {
		return nil, fmt.Errorf("%w: version %d; this signgate knows version %d", ErrDocument, version.Version, documentVersion)
	}
	var read wire
	if err := json.Unmarshal(data, &read, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrDocument, whereIn(err))
	}
	d := &Document{Active: read.Active, Slots: make(map[string]Slot, len(read.Slots))}
	for name, slot := range read.Slots {
		d.Slots[name] = Slot{
			KeyID: slot.KeyID, KMSKey: slot.KMSKey, PublicKey: slot.PublicKey,
			AddedAt: slot.AddedAt, BoundAt: slot.BoundAt, ActiveAt: slot.ActiveAt, RetiredAt: slot.RetiredAt,
		}.withPrivate(slot.PrivateKey)
	}
	for _, text := range read.TokenSecrets {
		secret, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(secret) != TokenSecretSize {
			return nil, fmt.Errorf("%w: a token secret must be %d bytes in Base64", ErrDocument, TokenSecretSize)
		}
		d.tokenSecrets = append(d.tokenSecrets, hide(secret))
	}
	return d, d.Check()
}

// whereIn says which member is wrong, without its value.
func whereIn(err error) string {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) && semantic.JSONPointer != "" && isPlain(string(semantic.JSONPointer)) {
		return "the member " + string(semantic.JSONPointer) + " is unknown or has another type"
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) && isPlain(string(syntactic.JSONPointer)) {
		return fmt.Sprintf("it is not JSON, or says something twice, at byte %d", syntactic.ByteOffset)
	}
	return "it is not JSON of this form"
}

// isPlain keeps a pasted key, which would be long, out of errors.
func isPlain(pointer string) bool {
	const longest = 80
	return len(pointer) < longest && !strings.ContainsAny(pointer, "\n\r")
}

// Marshal writes the document with its secrets.
func (d *Document) Marshal() ([]byte, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	written := wire{Version: documentVersion, Active: d.Active, Slots: make(map[string]wireSlot, len(d.Slots))}
	for name, slot := range d.Slots {
		kept := wireSlot{
			KeyID: slot.KeyID, KMSKey: slot.KMSKey, PublicKey: slot.PublicKey,
			AddedAt: slot.AddedAt.UTC(), BoundAt: slot.BoundAt.UTC(), ActiveAt: slot.ActiveAt.UTC(), RetiredAt: slot.RetiredAt.UTC(),
		}
		if slot.private != nil {
			kept.PrivateKey = slot.private()
		}
		written.Slots[name] = kept
	}
	for _, secret := range d.tokenSecrets {
		written.TokenSecrets = append(written.TokenSecrets, base64.StdEncoding.EncodeToString(secret()))
	}
	data, err := json.Marshal(written, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("%w: it can't be written", ErrDocument)
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrDocument, maxDocument)
	}
	return append(data, '\n'), nil
}

var slotName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Check says what in the document makes no sense. Errors are ParseDocument's.
func (d *Document) Check() error {
	if len(d.Slots) == 0 {
		return fmt.Errorf("%w: it has no slot", ErrDocument)
	}
	ids, publics := map[string]string{}, map[string]string{}
	for _, name := range d.Names() {
		slot := d.Slots[name]
		if !slotName.MatchString(name) {
			return fmt.Errorf("%w: the name of a slot must be 1 to 64 letters, digits, - and _", ErrDocument)
		}
		if err := slot.check(); err != nil {
			return fmt.Errorf("slot %s: %w", name, err)
		}
		if other := ids[slot.KeyID]; other != "" && slot.KeyID != "" {
			return fmt.Errorf("%w: slots %s and %s have one key id", ErrDocument, other, name)
		}
		ids[slot.KeyID] = name
		if public := slot.PublicPEM(); public != "" {
			if other := publics[public]; other != "" {
				return fmt.Errorf("%w: slots %s and %s hold one key", ErrDocument, other, name)
			}
			publics[public] = name
		}
	}
	active, ok := d.Slots[d.Active]
	switch {
	case !ok:
		return fmt.Errorf("%w: %w: the active slot is not among the %d slots", ErrDocument, ErrNoActiveKey, len(d.Slots))
	case !active.RetiredAt.IsZero():
		return fmt.Errorf("%w: the active slot %s is retired", ErrDocument, d.Active)
	}
	for i, secret := range d.tokenSecrets {
		if slices.ContainsFunc(d.tokenSecrets[:i], func(other hidden[[]byte]) bool { return string(other()) == string(secret()) }) {
			return fmt.Errorf("%w: two token secrets are one", ErrDocument)
		}
	}
	return nil
}

func (s Slot) check() error {
	if s.KeyID != "" {
		if err := CheckID(s.KeyID); err != nil {
			return err
		}
	}
	var public crypto.PublicKey
	if s.PublicKey != "" {
		var err error
		if public, err = ParsePublicPEM([]byte(s.PublicKey)); err != nil {
			return fmt.Errorf("publicKey: %w", err)
		}
	}
	switch {
	case s.private != nil && s.KMSKey != "":
		return fmt.Errorf("%w: it has both a privateKey and a kmsKey", ErrDocument)
	case s.KMSKey != "" && public == nil:
		return fmt.Errorf("%w: a kmsKey needs its publicKey, as CloudFront has it", ErrDocument)
	case s.KMSKey != "":
		return CheckKMSKey(s.KMSKey)
	case s.private != nil:
		signer, err := ParsePrivatePEM([]byte(s.private()))
		if err != nil {
			return fmt.Errorf("privateKey: %w", err)
		}
		if public != nil && !equalPublic(public, signer.Public()) {
			return fmt.Errorf("%w: publicKey is not the other half of privateKey", ErrDocument)
		}
	}
	return nil
}

// PublicPEM returns the public half in the form in which CloudFront takes it:
// what a deployment makes a public key of. It is empty where a file has it.
func (s Slot) PublicPEM() string {
	var public crypto.PublicKey
	if s.private != nil {
		if signer, err := ParsePrivatePEM([]byte(s.private())); err == nil {
			public = signer.Public()
		}
	} else if s.PublicKey != "" {
		public, _ = ParsePublicPEM([]byte(s.PublicKey))
	}
	text, err := MarshalPublicPEM(public)
	if err != nil {
		return ""
	}
	return string(text)
}

func equalPublic(a, b crypto.PublicKey) bool {
	key, ok := a.(interface {
		Equal(other crypto.PublicKey) bool
	})
	return ok && key.Equal(b)
}

// CheckKMSKey wants the ARN of a key: an alias could be pointed elsewhere. The
// error wraps ErrDocument.
func CheckKMSKey(key string) error {
	parsed, err := arn.Parse(key)
	id, isKey := strings.CutPrefix(parsed.Resource, "key/")
	if err != nil || parsed.Service != "kms" || parsed.Region == "" || !isKey || id == "" {
		return fmt.Errorf("%w: kmsKey must be the ARN of a key, such as arn:aws:kms:eu-central-1:123456789012:key/…; an alias could be pointed elsewhere", ErrDocument)
	}
	return nil
}

// Names returns the names of the slots, sorted.
func (d *Document) Names() []string { return slices.Sorted(maps.Keys(d.Slots)) }

// HasTokenSecret says whether the document has a token secret of its own.
func (d *Document) HasTokenSecret() bool { return len(d.tokenSecrets) > 0 }

// WithPrivateKey returns the slot with a private half, from PEM.
func (s Slot) WithPrivateKey(text []byte) Slot { return s.withPrivate(string(text)) }

func (s Slot) withPrivate(text string) Slot {
	s.private = nil
	if text != "" {
		s.private = hide(text)
	}
	return s
}

// KnownFrom is since when a gateway that has looked at the document has the
// key.
func (s Slot) KnownFrom() time.Time {
	if s.BoundAt.After(s.AddedAt) {
		return s.BoundAt
	}
	return s.AddedAt
}

// Waits says whether the slot has yet to sign for the first time.
func (s Slot) Waits() bool { return s.ActiveAt.IsZero() && s.RetiredAt.IsZero() }
