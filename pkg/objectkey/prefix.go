package objectkey

import "strings"

// Prefix is everything below a folder: keys that begin with it. The zero
// value is no prefix; only ParsePrefix makes one.
type Prefix struct{ name string }

// ParsePrefix reads a prefix, "users/alice/albums/7/": a key by the rules of
// Parse, and the closing slash that keeps "…/7" from opening "…/70". The
// whole bucket has no prefix. The error is an *Error wrapping ErrInvalid.
func ParsePrefix(name string) (Prefix, error) {
	folder, closed := strings.CutSuffix(name, "/")
	if !closed {
		return Prefix{}, &Error{Reason: "is not a prefix: it must end with a slash"}
	}
	if reason := brokenRule(folder); reason != "" {
		return Prefix{}, &Error{Reason: reason}
	}
	if len(name) >= MaxBytes {
		return Prefix{}, &Error{Reason: "leaves no room for a name below it"}
	}
	return Prefix{name: name}, nil
}

// String returns the prefix with its closing slash.
func (p Prefix) String() string { return p.name }

// IsZero says that the prefix was never parsed.
func (p Prefix) IsZero() bool { return p.name == "" }

// Path returns the prefix as the beginning of a URL's path, encoded as the
// paths of the keys below it are: with "*" and "?" in names encoded, so that
// they never become wildcards.
func (p Prefix) Path() string { return "/" + escape(p.name, true) }

// Contains says whether a key lies below the prefix.
func (p Prefix) Contains(key Key) bool {
	return !p.IsZero() && strings.HasPrefix(key.name, p.name) && len(key.name) > len(p.name)
}

// Overlaps says whether there are keys below both prefixes.
func (p Prefix) Overlaps(other Prefix) bool {
	return !p.IsZero() && !other.IsZero() && (strings.HasPrefix(p.name, other.name) || strings.HasPrefix(other.name, p.name))
}

// Child returns a key directly below the prefix.
func (p Prefix) Child(name string) (Key, error) { return Parse(p.name + name) }
