package apikeys

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxNameBytes  = 256
	maxGroups     = 256
	maxScopes     = 64
	maxScopeBytes = 2048 // an action, and a prefix of up to 1,024 bytes
)

// Key is what is kept of a key.
type Key struct {
	ID      string
	Digest  [sha256.Size]byte // of the secret
	Name    string            // for people: what it is for
	Machine string            // whose it is; several keys may be one machine's
	Groups  []string          // that the machine is in
	Tenant  string            // that it belongs to; empty for none
	Scopes  []string          // what the key is for, by the rules of package access; at least one

	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt time.Time // zero: never; lags behind by up to LastUseEvery
	RevokedAt  time.Time // zero: it isn't
}

// machineForm has neither slash nor colon, so that a machine has a folder, and
// its name doesn't look like another kind's.
var machineForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Check says what keeps a key from being kept. The error wraps ErrInvalid.
func (k Key) Check() error {
	var complaint string
	switch {
	case !IsID(k.ID) || k.Digest == [sha256.Size]byte{}:
		complaint = "it has no id or no digest"
	case !isName(k.Name):
		complaint = fmt.Sprintf("its name must be a line of 1 to %d bytes", maxNameBytes)
	case !machineForm.MatchString(k.Machine):
		complaint = "its machine must have letters, digits, dots, underscores and hyphens, at most 128"
	case len(k.Groups) > maxGroups || !areAll(k.Groups, isName):
		complaint = fmt.Sprintf("a group must be a line of 1 to %d bytes, and there may be %d", maxNameBytes, maxGroups)
	case k.Tenant != "" && !isName(k.Tenant):
		complaint = fmt.Sprintf("its tenant must be a line of at most %d bytes", maxNameBytes)
	case len(k.Scopes) == 0 || len(k.Scopes) > maxScopes || !areAll(k.Scopes, isScope):
		complaint = fmt.Sprintf("it needs 1 to %d scopes, each a text", maxScopes)
	case !isStorable(k.CreatedAt) || !isStorable(k.ExpiresAt) || !k.ExpiresAt.After(k.CreatedAt):
		complaint = "it must expire after it was created, and before 2262"
	case !k.LastUsedAt.IsZero() || !k.RevokedAt.IsZero():
		complaint = "it begins unused and not revoked"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s", ErrInvalid, complaint)
}

// Holds says whether the key is good at a time. The error is ErrExpired, from
// ExpiresAt on, or ErrRevoked.
func (k Key) Holds(now time.Time) error {
	switch {
	case !k.RevokedAt.IsZero():
		return ErrRevoked
	case !now.Before(k.ExpiresAt):
		return ErrExpired
	}
	return nil
}

func areAll(texts []string, are func(string) bool) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return !are(text) })
}

func isName(text string) bool { return len(text) <= maxNameBytes && isText(text) }

func isScope(text string) bool { return len(text) <= maxScopeBytes && isText(text) }

func isText(text string) bool {
	return text != "" && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// isStorable says whether a time can be counted in nanoseconds since 1970.
func isStorable(t time.Time) bool {
	return t.UnixNano() > 0 && time.Unix(0, t.UnixNano()).Equal(t)
}
