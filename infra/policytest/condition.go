package policytest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A condition is one key under one operator: every condition of a statement
// has to hold, and for one of them one of the values is enough.
type condition struct {
	operator operator
	key      string
	values   []string
}

// An operator as written ForAllValues:StringNotLikeIfExists: which set
// operator, which comparison, whether negated, whether a missing key is fine.
type operator struct {
	name     string
	set      string // "", ForAllValues or ForAnyValue
	compare  string // the comparison without its negation
	negated  bool
	ifExists bool
}

const (
	forAllValues = "ForAllValues"
	forAnyValue  = "ForAnyValue"
	isNull       = "Null"
)

// parseOperator knows all operators of "IAM JSON policy elements: Condition
// operators", and no other.
func parseOperator(name string) (operator, error) {
	op := operator{name: name}
	base := name
	if set, rest, found := strings.Cut(name, ":"); found {
		if set != forAllValues && set != forAnyValue {
			return op, fmt.Errorf("%s is no condition operator", name)
		}
		op.set, base = set, rest
	}
	base, op.ifExists = strings.CutSuffix(base, "IfExists")
	switch base {
	case "StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike", "NumericNotEquals",
		"DateNotEquals", "ArnNotEquals", "ArnNotLike", "NotIpAddress":
		op.negated, op.compare = true, strings.Replace(base, "Not", "", 1)
	case "StringEquals", "StringEqualsIgnoreCase", "StringLike", "Bool", "BinaryEquals", "IpAddress", "ArnEquals", "ArnLike",
		"NumericEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
		"DateEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals":
		op.compare = base
	case isNull:
		if op.ifExists || op.set != "" {
			return op, fmt.Errorf("%s: Null takes neither IfExists nor a set operator", name)
		}
		op.compare = base
	default:
		return op, fmt.Errorf("%s is no condition operator", name)
	}
	return op, nil
}

// takesVariables: policy variables are for the string and ARN operators alone;
// the values of others can't be read with one in them.
func (o operator) takesVariables() bool {
	return strings.HasPrefix(o.compare, "String") || strings.HasPrefix(o.compare, "Arn")
}

// holds says whether the condition is true for the request. Documented for
// absent keys: an operator is false, a negated one true, IfExists true,
// ForAllValues true, ForAnyValue false. Set operators take an empty string
// for an empty set.
func (c condition) holds(keys contextKeys, variables bool) (bool, error) {
	values := keys.get(c.key)
	if c.operator.compare == isNull {
		return strings.EqualFold(c.values[0], "true") == (len(values) == 0), nil
	}
	if len(values) == 0 {
		return c.operator.ifExists || c.operator.set == forAllValues ||
			c.operator.negated && c.operator.set != forAnyValue, nil
	}
	if c.operator.set == "" {
		if len(values) > 1 {
			return false, fmt.Errorf("%s has several values, for which %s needs ForAllValues or ForAnyValue", c.key, c.operator.name)
		}
		return c.matchesOne(values[0], keys, variables)
	}
	if !slices.ContainsFunc(values, func(value string) bool { return value != "" }) {
		return c.operator.set == forAllValues, nil
	}
	all, one := true, false
	for _, value := range values {
		matched, err := c.matchesOne(value, keys, variables)
		if err != nil {
			return false, err
		}
		all, one = all && matched, one || matched
	}
	if c.operator.set == forAllValues {
		return all, nil
	}
	return one, nil
}

// matchesOne compares one value of the request with all of the policy: any of
// them for an operator, none of them for a negated one.
func (c condition) matchesOne(value string, keys contextKeys, variables bool) (bool, error) {
	for _, text := range c.values {
		if strings.HasPrefix(c.operator.compare, "Arn") && isLiteralARN(text) && isLiteralARN(value) {
			if text == value {
				return !c.operator.negated, nil
			}
			continue
		}
		wanted, err := expand(text, variables, keys)
		if err != nil {
			return false, fmt.Errorf("%s %s: %w", c.operator.name, c.key, err)
		}
		match, err := matcher(c.operator.compare, wanted)
		if err != nil {
			return false, fmt.Errorf("%s %s: %w", c.operator.name, c.key, err)
		}
		matched, err := match(value)
		if err != nil {
			return false, fmt.Errorf("%s %s: %w", c.operator.name, c.key, err)
		}
		if matched {
			return !c.operator.negated, nil
		}
	}
	return c.operator.negated, nil
}

// matcher is the comparison with one value of a policy.
func matcher(compare string, wanted pattern) (func(value string) (bool, error), error) {
	text := wanted.String()
	switch compare {
	case "StringEquals":
		return func(value string) (bool, error) { return value == text, nil }, nil
	case "StringEqualsIgnoreCase":
		return func(value string) (bool, error) { return strings.EqualFold(value, text), nil }, nil
	case "StringLike":
		return func(value string) (bool, error) { return wanted.matches(value), nil }, nil
	case "ArnEquals", "ArnLike": // "behave identically"
		_, err := wanted.arnSegments()
		return wanted.matchesARN, err
	case "Bool", isNull:
		return boolMatcher(text)
	case "BinaryEquals":
		return binaryMatcher(text)
	case "IpAddress":
		return addressMatcher(text)
	}
	if ordering, ok := strings.CutPrefix(compare, "Numeric"); ok {
		return orderMatcher(ordering, text, parseNumber, cmp.Compare[float64])
	}
	return orderMatcher(strings.TrimPrefix(compare, "Date"), text, parseDate, time.Time.Compare)
}

func orderMatcher[T any](ordering, text string, parse func(string) (T, error), order func(a, b T) int) (func(string) (bool, error), error) {
	wanted, err := parse(text)
	if err != nil {
		return nil, err
	}
	return func(value string) (bool, error) {
		given, err := parse(value)
		if err != nil {
			return false, err
		}
		switch compared := order(given, wanted); ordering {
		case "LessThan":
			return compared < 0, nil
		case "LessThanEquals":
			return compared <= 0, nil
		case "GreaterThan":
			return compared > 0, nil
		case "GreaterThanEquals":
			return compared >= 0, nil
		default:
			return compared == 0, nil
		}
	}, nil
}

func parseNumber(text string) (float64, error) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return number, nil
}

// parseDate takes W3C's profile of ISO 8601 and seconds since 1970, as AWS does.
func parseDate(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"} {
		if date, err := time.Parse(layout, text); err == nil {
			return date, nil
		}
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0), nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a date nor seconds since 1970", text)
}

func boolMatcher(text string) (func(string) (bool, error), error) {
	if !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
		return nil, fmt.Errorf("%q is neither true nor false", text)
	}
	return func(value string) (bool, error) { return strings.EqualFold(value, text), nil }, nil
}

func binaryMatcher(text string) (func(string) (bool, error), error) {
	wanted, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not base64", text)
	}
	return func(value string) (bool, error) {
		given, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return false, fmt.Errorf("%q is not base64", value)
		}
		return bytes.Equal(given, wanted), nil
	}, nil
}

func addressMatcher(text string) (func(string) (bool, error), error) {
	wanted, err := netip.ParsePrefix(text)
	if err != nil {
		address, alone := netip.ParseAddr(text)
		if alone != nil {
			return nil, fmt.Errorf("%q is neither an address nor a range", text)
		}
		wanted = netip.PrefixFrom(address, address.BitLen())
	}
	return func(value string) (bool, error) {
		given, err := netip.ParseAddr(value)
		if err != nil {
			return false, fmt.Errorf("%q is not an address", value)
		}
		return wanted.Contains(given), nil
	}, nil
}
