package grants

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

// MarkBytes is the length of a Mark: 120 bits, and a whole number of
// characters in base32hex.
const MarkBytes = 15

// Mark is the beginning of a SHA-256: of a resource or of a grantee. Stores
// find by marks and then compare what was stored with what was asked for, so
// nothing rests on marks being different.
type Mark [MarkBytes]byte

// String returns the mark in base32hex (RFC 4648, section 7), 24 digits and
// capital letters, which sort as the bytes do.
func (m Mark) String() string { return base32.HexEncoding.EncodeToString(m[:]) }

// MarkOf returns the mark of a resource.
func MarkOf(resource string) Mark {
	digest := sha256.Sum256([]byte(resource))
	return Mark(digest[:MarkBytes])
}

// Mark returns the mark of the grantee.
func (g Grantee) Mark() Mark {
	text := make([]byte, 0, 1+MaxNameBytes)
	digest := sha256.Sum256(append(append(text, byte(g.kind)), g.name...))
	return Mark(digest[:MarkBytes])
}

// Place is where a grant lies in a store. Its id says just that, so that a
// store gets at a grant by its id without an index of ids, which could lag
// behind, or a second record, which could be left over.
type Place struct {
	Resource Mark // of the resource
	Grantee  Mark // of the grantee
	Serial   Mark // six bytes of milliseconds since 1970, nine random ones
}

// NewID makes the id of a grant to be created: 72 digits and capital
// letters. It is no secret and gives nothing, though who knows it can confirm a guess of
// the resource and the grantee. Serials sort by the time they were made at.
func NewID(resource string, grantee Grantee, now time.Time) string {
	var serial Mark
	var milliseconds [8]byte
	binary.BigEndian.PutUint64(milliseconds[:], uint64(now.UnixMilli()))
	_, _ = rand.Read(serial[copy(serial[:], milliseconds[2:]):]) // never fails
	return Place{Resource: MarkOf(resource), Grantee: grantee.Mark(), Serial: serial}.ID()
}

// ID returns the id of the grant at the place.
func (p Place) ID() string { return p.Resource.String() + p.Grantee.String() + p.Serial.String() }

// ParseID reads an id. The error wraps ErrInvalid.
func ParseID(id string) (Place, error) {
	var bytes [3 * MarkBytes]byte
	if len(id) != base32.HexEncoding.EncodedLen(len(bytes)) {
		return Place{}, fmt.Errorf("%w: not the id of a grant", ErrInvalid)
	}
	decoded, err := base32.HexEncoding.AppendDecode(bytes[:0], []byte(id))
	if err != nil || len(decoded) != len(bytes) {
		return Place{}, fmt.Errorf("%w: not the id of a grant", ErrInvalid)
	}
	return Place{
		Resource: Mark(decoded[:MarkBytes]), Grantee: Mark(decoded[MarkBytes : 2*MarkBytes]), Serial: Mark(decoded[2*MarkBytes:]),
	}, nil
}
