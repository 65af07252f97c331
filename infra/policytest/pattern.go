package policytest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errUnresolved says that a policy variable has neither a value in the request
// nor a default. AWS calls a statement with such a variable invalid.
var errUnresolved = errors.New("the request has no value for a policy variable")

// A pattern is text of a policy in which some characters may be wildcards:
// those that a policy variable stands for never are.
type pattern []token

type token struct {
	char rune
	wild bool
}

// and appends text, in which * and ? are wildcards or themselves.
func (p pattern) and(text string, wildcards bool) pattern {
	p = slices.Grow(p, len(text))
	for _, char := range text {
		p = append(p, token{char: char, wild: wildcards && (char == '*' || char == '?')})
	}
	return p
}

// String is the text with wildcards as themselves, for exact comparison.
func (p pattern) String() string {
	var text strings.Builder
	for _, token := range p {
		text.WriteRune(token.char)
	}
	return text.String()
}

// matches compares case-sensitively: * stands for any characters, also none,
// ? for exactly one.
func (p pattern) matches(value string) bool {
	chars := []rune(value)
	next, star, resume := 0, -1, 0
	for i := 0; i < len(chars); {
		switch {
		case next < len(p) && p[next].wild && p[next].char == '*':
			star, resume = next, i
			next++
		case next < len(p) && (p[next].char == chars[i] || p[next].wild):
			next++
			i++
		case star >= 0: // let the last * take one more
			resume++
			next, i = star+1, resume
		default:
			return false
		}
	}
	for next < len(p) && p[next].wild && p[next].char == '*' {
		next++
	}
	return next == len(p)
}

// arnFields: arn:partition:service:region:account:resource, and the resource
// may hold colons of its own.
const arnFields = 6

// arnSegments takes a pattern apart at its first five colons.
func (p pattern) arnSegments() ([]pattern, error) {
	segments := make([]pattern, 1, arnFields)
	for _, token := range p {
		if token.char == ':' && len(segments) < arnFields {
			segments = append(segments, nil)
			continue
		}
		last := len(segments) - 1
		segments[last] = append(segments[last], token)
	}
	if len(segments) < arnFields {
		return nil, fmt.Errorf("%q is not an ARN of six fields", p)
	}
	return segments, nil
}

// matchesARN compares field by field, so that no wildcard reaches over a colon
// of the first five ("Amazon Resource Name (ARN) condition operators").
func (p pattern) matchesARN(value string) (bool, error) {
	segments, err := p.arnSegments()
	if err != nil {
		return false, err
	}
	fields := strings.SplitN(value, ":", arnFields)
	if len(fields) < arnFields || fields[0] != "arn" {
		return false, fmt.Errorf("the request's %q is not an ARN", value)
	}
	for i, segment := range segments {
		if !segment.matches(fields[i]) {
			return false, nil
		}
	}
	return true, nil
}

// isLiteralARN says whether a text is an ARN that stands for itself only.
func isLiteralARN(text string) bool {
	return strings.HasPrefix(text, "arn:") && strings.Count(text, ":") >= arnFields-1 && !strings.ContainsAny(text, wildcards+"$")
}

// expand turns text of a policy into a pattern. With variables, ${aws:userid}
// becomes the request's value and ${aws:userid, 'nobody'} has a default;
// ${*}, ${?} and ${$} are these characters themselves ("IAM policy elements:
// Variables and tags"). Policies older than version 2012-10-17 have none.
func expand(text string, variables bool, keys contextKeys) (pattern, error) {
	var p pattern
	for {
		before, after, found := strings.Cut(text, "${")
		if !found || !variables {
			return p.and(text, true), nil
		}
		variable, rest, closed := strings.Cut(after, "}")
		if !closed {
			return nil, fmt.Errorf("%q opens a variable and doesn't close it", text)
		}
		value, err := keys.variable(variable)
		if err != nil {
			return nil, err
		}
		p = p.and(before, true).and(value, false)
		text = rest
	}
}

func (k contextKeys) variable(variable string) (string, error) {
	if variable == "*" || variable == "?" || variable == "$" {
		return variable, nil
	}
	name, fallback, hasFallback := strings.Cut(variable, ", ")
	if !strings.Contains(name, ":") {
		return "", fmt.Errorf("${%s} is not a policy variable", variable)
	}
	if hasFallback && (len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'') {
		return "", fmt.Errorf("the default of ${%s} isn't between single quotes", variable)
	}
	switch values := k.get(name); {
	case len(values) == 1:
		return values[0], nil
	case len(values) > 1:
		return "", fmt.Errorf("${%s} has several values in the request, and a variable takes one", name)
	case hasFallback:
		return fallback[1 : len(fallback)-1], nil
	default:
		return "", fmt.Errorf("%w: ${%s}", errUnresolved, name)
	}
}
