package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/signgate/signgate/pkg/objectkey"
)

// ErrScope is wrapped where a text is no scope.
var ErrScope = errors.New("invalid scope")

// CheckScope says what keeps a text from being a scope: an action ("read"), or
// an action below a prefix ("read:reports/"). The error wraps ErrScope.
func CheckScope(text string) error {
	action, prefix, bounded := strings.Cut(text, ":")
	if !slices.Contains(Actions(), Action(action)) {
		return fmt.Errorf("%w: %q doesn't begin with one of the actions %q", ErrScope, text, Actions())
	}
	if !bounded {
		return nil
	}
	if _, err := objectkey.ParsePrefix(prefix); err != nil {
		return fmt.Errorf("%w: %q: %w", ErrScope, text, err)
	}
	return nil
}

// Covers says whether the principal's scopes let it ask for an action on a
// resource, a key or a prefix, at all. Without scopes every question may be
// asked; with them one of them has to name the action, and a prefix that the
// resource lies in, if it names one. Whether the answer is yes is for policies
// to say.
func (p Principal) Covers(action Action, resource string) bool {
	return p.Scopes == nil || slices.ContainsFunc(p.Scopes, func(scope string) bool {
		if CheckScope(scope) != nil {
			return false
		}
		name, prefix, _ := strings.Cut(scope, ":")
		return name == string(action) && strings.HasPrefix(resource, prefix)
	})
}
