package objectkey

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBytes is the longest key in bytes of UTF-8, which is S3's own limit
// (Amazon S3 User Guide, "Naming Amazon S3 objects").
const MaxBytes = 1024

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("invalid object key")

// Error says which rule a key breaks. It never holds the key itself, which
// may come from anybody.
type Error struct {
	Reason string // for example "has an empty segment"
}

// Error describes the broken rule.
func (e *Error) Error() string { return "object key " + e.Reason }

// Unwrap returns ErrInvalid.
func (e *Error) Unwrap() error { return ErrInvalid }

// Key is a key that obeys the rules. The zero value is no key; only Parse
// and FromPath make one.
type Key struct{ name string }

// Parse checks the rules: valid UTF-8 of 1 to MaxBytes bytes, segments
// separated by single slashes, no slash at either end, no "." or ".."
// segment, no control character (Unicode category Cc). The error is an
// *Error wrapping ErrInvalid.
func Parse(name string) (Key, error) {
	if reason := brokenRule(name); reason != "" {
		return Key{}, &Error{Reason: reason}
	}
	return Key{name: name}, nil
}

func brokenRule(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > MaxBytes:
		return fmt.Sprintf("is longer than %d bytes", MaxBytes)
	case !utf8.ValidString(name):
		return "is not valid UTF-8"
	case strings.HasPrefix(name, "/"):
		return "begins with a slash"
	case strings.HasSuffix(name, "/"):
		return "ends with a slash"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "has a control character"
	}
	for segment := range strings.SplitSeq(name, "/") {
		switch segment {
		case "":
			return "has an empty segment"
		case ".", "..":
			return "has a dot segment"
		}
	}
	return ""
}

// String returns the key as S3 knows it.
func (k Key) String() string { return k.name }

// IsZero says that the key was never parsed.
func (k Key) IsZero() bool { return k.name == "" }

// Path returns the key as the path of a URL: a slash, then the key encoded
// by Escape with its slashes kept. It is the same form that Signature
// Version 4 demands of an S3 path.
func (k Key) Path() string { return "/" + escape(k.name, true) }

// Prefixes returns every prefix the key lies below, shortest first, each
// with its closing slash: "a/b/c" lies below "a/" and "a/b/".
func (k Key) Prefixes() []string {
	var prefixes []string
	for i, r := range k.name {
		if r == '/' {
			prefixes = append(prefixes, k.name[:i+1])
		}
	}
	return prefixes
}

// Parent returns the folder that the key lies in; a key at the top has none.
func (k Key) Parent() (Prefix, bool) {
	slash := strings.LastIndexByte(k.name, '/')
	return Prefix{name: k.name[:slash+1]}, slash >= 0
}

// FromPath reads a key back from the raw path of a request ("/a%20b"). Any
// valid percent-encoding is accepted, upper or lower case, needed or not;
// the decoded key must obey the rules of Parse. It decodes exactly once, so
// "%252e" is the key "%2e". The error wraps ErrInvalid.
func FromPath(path string) (Key, error) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return Key{}, &Error{Reason: "is not a path: it must begin with a slash"}
	}
	name, err := url.PathUnescape(rest)
	if err != nil {
		return Key{}, &Error{Reason: "has a malformed percent-encoding"}
	}
	return Parse(name)
}
