// Package complaints collects everything that is wrong with what was given, so
// that it is said at once. It knows neither CDK nor what is checked.
package complaints

import (
	"fmt"
	"strings"
)

// List is what is wrong, in the order in which it was found.
type List []string

// When adds a complaint if something is wrong.
func (l *List) When(wrong bool, format string, args ...any) {
	if wrong {
		*l = append(*l, fmt.Sprintf(format, args...))
	}
}

// Err is nil if nothing is wrong, else one error that wraps the kind and names
// everything.
func (l *List) Err(kind error) error {
	if len(*l) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", kind, strings.Join(*l, "; "))
}
