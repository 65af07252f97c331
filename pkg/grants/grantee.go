package grants

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/signgate/signgate/pkg/objectkey"
)

// Kind is what a grantee is.
type Kind byte

// The kinds. Their numbers go into ids and must never change.
const (
	KindPerson Kind = iota + 1
	KindGroup
	KindEveryone
	KindLink
)

// String returns the word that the kind's text form begins with.
func (k Kind) String() string {
	switch k {
	case KindPerson:
		return "person"
	case KindGroup:
		return "group"
	case KindEveryone:
		return "everyone"
	case KindLink:
		return "link"
	}
	return "nobody"
}

// MaxNameBytes is the longest subject or name of a group in bytes.
const MaxNameBytes = 1024

// Grantee is whom something is shared with. Two are the same exactly when ==
// says so; names are compared byte by byte. The zero value is nobody.
type Grantee struct {
	kind Kind
	name string // the subject, the group, or the 32 bytes of a link's digest
}

// Person is who authenticates as the subject. The error wraps ErrInvalid.
func Person(subject string) (Grantee, error) { return named(KindPerson, subject) }

// Group is whoever is in the group. The error wraps ErrInvalid.
func Group(name string) (Grantee, error) { return named(KindGroup, name) }

// Everyone is everyone, callers without a token included.
func Everyone() Grantee { return Grantee{kind: KindEveryone} }

func named(kind Kind, name string) (Grantee, error) {
	if name == "" || len(name) > MaxNameBytes || !utf8.ValidString(name) {
		return Grantee{}, fmt.Errorf("%w: the name of a %s must be valid UTF-8 of 1 to %d bytes", ErrInvalid, kind, MaxNameBytes)
	}
	return Grantee{kind: kind, name: name}, nil
}

// Kind says what the grantee is, 0 for the zero value.
func (g Grantee) Kind() Kind { return g.kind }

// Name returns the subject of a person and the name of a group; the others
// have none.
func (g Grantee) Name() string {
	if g.kind == KindPerson || g.kind == KindGroup {
		return g.name
	}
	return ""
}

// IsZero says that the grantee is nobody.
func (g Grantee) IsZero() bool { return g.kind == 0 }

// String returns the text form: "person:" or "group:" and the name encoded by
// objectkey.Escape, "everyone", or "link:" and the digest of the link's secret
// in base64url, which is no secret. Every grantee has one text, no two share
// one, and it is plain ASCII whatever a name holds. The zero value's is empty.
func (g Grantee) String() string {
	switch g.kind {
	case KindPerson, KindGroup:
		return g.kind.String() + ":" + objectkey.Escape(g.name)
	case KindEveryone:
		return g.kind.String()
	case KindLink:
		return g.kind.String() + ":" + base64.RawURLEncoding.EncodeToString([]byte(g.name))
	}
	return ""
}

// ParseGrantee reads what String wrote, and nothing else: another spelling of
// the same name is refused. The error wraps ErrInvalid.
func ParseGrantee(text string) (Grantee, error) {
	kind, rest, hasName := strings.Cut(text, ":")
	var grantee Grantee
	var err error
	switch kind {
	case KindPerson.String(), KindGroup.String():
		grantee, err = parseNamed(kind, rest)
	case KindEveryone.String():
		grantee = Everyone()
	case KindLink.String():
		grantee, err = parseLink(rest)
	default:
		return Grantee{}, fmt.Errorf("%w: no such kind of grantee", ErrInvalid)
	}
	if err != nil {
		return Grantee{}, err
	}
	if grantee.String() != text || hasName == (grantee.kind == KindEveryone) {
		return Grantee{}, fmt.Errorf("%w: the grantee is spelt in another way than ours", ErrInvalid)
	}
	return grantee, nil
}

func parseNamed(kind, escaped string) (Grantee, error) {
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return Grantee{}, fmt.Errorf("%w: the grantee has a malformed percent-encoding", ErrInvalid)
	}
	if kind == KindPerson.String() {
		return Person(name)
	}
	return Group(name)
}

func parseLink(text string) (Grantee, error) {
	digest, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(digest) != sha256.Size {
		return Grantee{}, fmt.Errorf("%w: the grantee has no digest of a link", ErrInvalid)
	}
	return Grantee{kind: KindLink, name: string(digest)}, nil
}

// MarshalText is String; nobody has no text. The error wraps ErrInvalid.
func (g Grantee) MarshalText() ([]byte, error) {
	if g.IsZero() {
		return nil, fmt.Errorf("%w: the grantee is nobody", ErrInvalid)
	}
	return []byte(g.String()), nil
}

// UnmarshalText is ParseGrantee.
func (g *Grantee) UnmarshalText(text []byte) error {
	parsed, err := ParseGrantee(string(text))
	if err != nil {
		return err
	}
	*g = parsed
	return nil
}
