package grants

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/signgate/signgate/pkg/objectkey"
)

// Action is what a grant allows.
type Action string

// The actions. Neither includes the other.
const (
	Read  Action = "read"
	Write Action = "write"
)

// Grant is one thing shared with one grantee. Two grants of the same thing to
// the same grantee stand side by side.
type Grant struct {
	ID        string // made by NewID
	Resource  string // a key, or a prefix with its closing slash
	Grantee   Grantee
	Actions   []Action // at least one, each once
	Expires   *time.Time
	MaxUses   int    // 0 for any number
	CreatedBy string // the subject of who shared it
	CreatedAt time.Time
	Uses      int // counted by Store.Use; 0 when the grant is created
}

// Check says what keeps a grant from being created, or else where its id puts
// it. The error wraps ErrInvalid.
func (g Grant) Check() (Place, error) {
	place, err := ParseID(g.ID)
	if err != nil {
		return Place{}, err
	}
	if complaint := g.complaint(place); complaint != "" {
		return Place{}, fmt.Errorf("%w: %s", ErrInvalid, complaint)
	}
	return place, nil
}

func (g Grant) complaint(place Place) string {
	switch {
	case !IsResource(g.Resource):
		return "the resource is neither a key nor a prefix"
	case g.Grantee.IsZero():
		return "the grantee is nobody"
	case place.Resource != MarkOf(g.Resource) || place.Grantee != g.Grantee.Mark():
		return "the id was made for another resource or grantee"
	case !areActions(g.Actions):
		return "the actions must be read, write or both"
	case g.MaxUses < 0 || g.Uses != 0:
		return "a grant begins unused, with a limit that isn't negative"
	case g.CreatedBy == "" || len(g.CreatedBy) > MaxNameBytes || !utf8.ValidString(g.CreatedBy):
		return fmt.Sprintf("who created the grant must be valid UTF-8 of 1 to %d bytes", MaxNameBytes)
	case !isStorable(g.CreatedAt) || (g.Expires != nil && !isStorable(*g.Expires)):
		return "its times must lie between 1970 and 2262"
	}
	return ""
}

// IsResource says whether text is a key or a prefix with its closing slash, by
// the rules of package objectkey.
func IsResource(text string) bool {
	if strings.HasSuffix(text, "/") {
		_, err := objectkey.ParsePrefix(text)
		return err == nil
	}
	_, err := objectkey.Parse(text)
	return err == nil
}

func areActions(actions []Action) bool {
	seen := map[Action]bool{}
	for _, action := range actions {
		if seen[action] || (action != Read && action != Write) {
			return false
		}
		seen[action] = true
	}
	return len(seen) > 0
}

// isStorable says whether a time can be counted in nanoseconds since 1970.
func isStorable(t time.Time) bool {
	return t.UnixNano() > 0 && time.Unix(0, t.UnixNano()).Equal(t)
}

// Allows says whether the grant is for an action.
func (g Grant) Allows(action Action) bool { return slices.Contains(g.Actions, action) }

// Holds says whether the grant gives anything at a time, and why not: the
// error is ErrExpired, from Expires on, or ErrUsedUp.
func (g Grant) Holds(now time.Time) error {
	switch {
	case g.Expires != nil && !now.Before(*g.Expires):
		return ErrExpired
	case g.MaxUses > 0 && g.Uses >= g.MaxUses:
		return ErrUsedUp
	}
	return nil
}

// ResourcesOf returns what a grant on the key can be on: each prefix above it,
// shortest first, and the key.
func ResourcesOf(key objectkey.Key) []string { return append(key.Prefixes(), key.String()) }

// ResourcesOfPrefix returns what a grant on all below the prefix can be on:
// each prefix above it, shortest first, and the prefix.
func ResourcesOfPrefix(prefix objectkey.Prefix) []string {
	var above []string
	for i, r := range prefix.String() {
		if r == '/' {
			above = append(above, prefix.String()[:i+1])
		}
	}
	return above
}
