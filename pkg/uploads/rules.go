package uploads

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
)

// ErrRules is wrapped where a set of rules can't be used.
var ErrRules = errors.New("invalid upload rules")

// Rule is what holds for uploads below a prefix, on top of the policies.
type Rule struct {
	Prefix       string   `json:"prefix"`       // with its closing slash; "" for the whole bucket
	MaxBytes     int64    `json:"maxBytes"`     // largest object; 0 for no limit of its own
	ContentTypes []string `json:"contentTypes"` // media types, or ranges such as "image/*"; empty for any
	Overwrite    *bool    `json:"overwrite"`    // false: never, whatever the policies say; nil and true leave it to them
	Verify       bool     `json:"verify"`       // bytes land in quarantine until they have been checked
}

// Rules are the rules of a bucket. The zero value has none.
type Rules struct{ byLength []Rule } // the longest prefix first

// ParseRules reads a JSON array of rules. The error wraps ErrRules and names
// everything that is wrong.
func ParseRules(text []byte) (Rules, error) {
	var rules []Rule
	if err := json.Unmarshal(text, &rules, json.RejectUnknownMembers(true)); err != nil {
		return Rules{}, fmt.Errorf("%w: %w", ErrRules, err)
	}
	var complaints []string
	seen := map[string]bool{}
	for n, rule := range rules {
		for _, complaint := range rule.check() {
			complaints = append(complaints, fmt.Sprintf("rule %d (%q) %s", n+1, rule.Prefix, complaint))
		}
		if seen[rule.Prefix] {
			complaints = append(complaints, fmt.Sprintf("rule %d: there is another for %q", n+1, rule.Prefix))
		}
		seen[rule.Prefix] = true
	}
	if len(complaints) > 0 {
		return Rules{}, fmt.Errorf("%w: %s", ErrRules, strings.Join(complaints, "; "))
	}
	slices.SortStableFunc(rules, func(a, b Rule) int { return len(b.Prefix) - len(a.Prefix) })
	return Rules{byLength: rules}, nil
}

func (r Rule) check() []string {
	var complaints []string
	if r.Prefix != "" {
		if _, err := objectkey.ParsePrefix(r.Prefix); err != nil {
			complaints = append(complaints, "prefix: "+err.Error())
		}
	}
	if r.MaxBytes < 0 {
		complaints = append(complaints, "maxBytes is negative")
	}
	for _, pattern := range r.ContentTypes {
		if !IsContentRange(pattern) {
			complaints = append(complaints, fmt.Sprintf("contentTypes holds %q; use media types such as image/png, or image/*", pattern))
		}
	}
	return complaints
}

// For returns the rule with the longest prefix that the key lies below, or
// the zero rule. Rules don't add up: the longest alone holds.
func (r Rules) For(key objectkey.Key) Rule {
	for _, rule := range r.byLength {
		if strings.HasPrefix(key.String(), rule.Prefix) {
			return rule
		}
	}
	return Rule{}
}

// Touches says whether there is a rule for any key below the prefix: one of
// the prefix itself, of a folder above it or of one below.
func (r Rules) Touches(prefix objectkey.Prefix) bool {
	return slices.ContainsFunc(r.byLength, func(rule Rule) bool {
		return strings.HasPrefix(prefix.String(), rule.Prefix) || strings.HasPrefix(rule.Prefix, prefix.String())
	})
}

// Verifies says whether any rule makes use of the quarantine.
func (r Rules) Verifies() bool {
	return slices.ContainsFunc(r.byLength, func(rule Rule) bool { return rule.Verify })
}

// AllowsType says whether objects of a content type may be uploaded.
func (r Rule) AllowsType(contentType string) bool {
	return AllowsType(r.ContentTypes, contentType)
}

// AllowsType says whether a content type is among media types and ranges;
// without any, all are. Parameters such as charset don't count, nor does case
// (RFC 9110, section 8.3.1).
func AllowsType(allowed []string, contentType string) bool {
	bare, _, _ := strings.Cut(contentType, ";")
	bare = strings.ToLower(strings.TrimSpace(bare))
	group, _, ok := strings.Cut(bare, "/")
	return len(allowed) == 0 || ok && slices.ContainsFunc(allowed, func(pattern string) bool {
		pattern = strings.ToLower(pattern)
		return pattern == bare || pattern == group+"/*"
	})
}

// IsContentRange says whether text is a media type without parameters, or all
// subtypes of one ("image/*").
func IsContentRange(text string) bool {
	group, all := strings.CutSuffix(text, "/*")
	if all {
		text = group + "/x"
	}
	return overrides.IsContentType(text) && !strings.ContainsAny(text, ";* ")
}
