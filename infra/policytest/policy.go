package policytest

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

var actionName = regexp.MustCompile(`^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$`)

// Kind says what a policy is attached to, and so which elements it has.
type Kind int

const (
	// Identity policies belong to a role or limit it: they name no principal.
	Identity Kind = iota
	// Resource policies name principals and resources: those of buckets,
	// keys, secrets and VPC endpoints.
	Resource
	// Trust policies of roles name principals and no resource.
	Trust
)

// A Policy is one document and the name under which answers cite it.
type Policy struct {
	Name       string
	version    string
	statements []statement
}

type statement struct {
	sid        string // as written, or #1 for the first
	deny       bool
	principals *principals // nil in an identity policy
	not        struct{ principals, actions, resources bool }
	actions    []string
	resources  []string // nil in a trust policy
	conditions []condition
}

// ParsePolicy reads a document. Duplicate members, elements it doesn't know and
// values out of place are errors.
func ParsePolicy(name string, kind Kind, document []byte) (Policy, error) {
	var decoded any
	if err := json.Unmarshal(document, &decoded); err != nil {
		return Policy{}, fmt.Errorf("%s: %w", name, err)
	}
	return policyFrom(name, kind, decoded)
}

func policyFrom(name string, kind Kind, document any) (Policy, error) {
	members, err := object(document, "Version", "Id", "Statement")
	if err != nil {
		return Policy{}, fmt.Errorf("%s: %w", name, err)
	}
	policy := Policy{Name: name, version: "2008-10-17"}
	if version, ok := members["Version"]; ok {
		policy.version, _ = version.(string)
	}
	if policy.version != "2012-10-17" && policy.version != "2008-10-17" {
		return Policy{}, fmt.Errorf("%s: Version is %v", name, members["Version"])
	}
	list, ok := members["Statement"].([]any)
	if !ok {
		list = []any{members["Statement"]}
	}
	sids := map[string]bool{}
	for i, element := range list {
		one, err := parseStatement(kind, element)
		if err != nil {
			return Policy{}, fmt.Errorf("%s: statement %d %s: %w", name, i+1, one.sid, err)
		}
		if one.sid == "" {
			one.sid = fmt.Sprintf("#%d", i+1)
		}
		if sids[one.sid] {
			return Policy{}, fmt.Errorf("%s: two statements have the Sid %s", name, one.sid)
		}
		sids[one.sid] = true
		policy.statements = append(policy.statements, one)
	}
	return policy, nil
}

func parseStatement(kind Kind, element any) (statement, error) {
	var s statement
	members, err := object(element, "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
	if err != nil {
		return s, err
	}
	if sid, ok := members["Sid"]; ok {
		if s.sid, ok = sid.(string); !ok {
			return s, errors.New("the Sid is not a string")
		}
	}
	switch members["Effect"] {
	case "Allow":
	case "Deny":
		s.deny = true
	default:
		return s, fmt.Errorf("the Effect is %v", members["Effect"])
	}
	if err := s.parsePrincipals(kind, members); err != nil {
		return s, err
	}
	if s.actions, s.not.actions, err = oneOf(members, "Action"); err != nil {
		return s, err
	}
	for _, action := range s.actions {
		if !actionName.MatchString(action) {
			return s, fmt.Errorf("%q is not an action", action)
		}
	}
	if err := s.parseResources(kind, members); err != nil {
		return s, err
	}
	s.conditions, err = parseConditions(members["Condition"])
	return s, err
}

func (s *statement) parsePrincipals(kind Kind, members map[string]any) error {
	principal, positive := members["Principal"]
	notPrincipal, negative := members["NotPrincipal"]
	switch {
	case kind == Identity && (positive || negative):
		return errors.New("an identity policy names no principal")
	case kind == Identity:
		return nil
	case positive == negative:
		return errors.New("one of Principal and NotPrincipal is needed")
	case negative && !s.deny:
		return errors.New("an Allow with NotPrincipal would allow everyone else, anonymous callers too, and isn't judged")
	case negative:
		principal, s.not.principals = notPrincipal, true
	}
	var err error
	s.principals, err = parsePrincipals(principal)
	return err
}

func (s *statement) parseResources(kind Kind, members map[string]any) (err error) {
	if kind == Trust {
		if members["Resource"] != nil || members["NotResource"] != nil {
			return errors.New("a trust policy names no resource")
		}
		return nil
	}
	if s.resources, s.not.resources, err = oneOf(members, "Resource"); err != nil {
		return err
	}
	for _, resource := range s.resources {
		if resource == "*" {
			continue
		}
		fields := strings.SplitN(resource, ":", arnFields)
		if len(fields) < arnFields || fields[0] != "arn" {
			return fmt.Errorf("%q is neither * nor an ARN of six fields", resource)
		}
		if strings.Contains(strings.Join(fields[:arnFields-1], ":"), "${") {
			return fmt.Errorf("%q has a variable before its fifth colon", resource)
		}
	}
	return nil
}

func parseConditions(element any) ([]condition, error) {
	if element == nil {
		return nil, nil
	}
	operators, err := object(element)
	if err != nil {
		return nil, err
	}
	var conditions []condition
	for _, name := range slices.Sorted(maps.Keys(operators)) {
		op, err := parseOperator(name)
		if err != nil {
			return nil, err
		}
		keys, err := object(operators[name])
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			c := condition{operator: op, key: key}
			if c.values, err = texts(keys[key], true); err != nil {
				return nil, fmt.Errorf("%s %s: %w", name, key, err)
			}
			if seen[strings.ToLower(key)] {
				return nil, fmt.Errorf("%s has %s twice", name, key)
			}
			seen[strings.ToLower(key)] = true
			if err := c.check(); err != nil {
				return nil, fmt.Errorf("%s %s: %w", name, key, err)
			}
			conditions = append(conditions, c)
		}
	}
	return conditions, nil
}

// check refuses what can be seen to be wrong without a request.
func (c condition) check() error {
	if !strings.Contains(c.key, ":") {
		return errors.New("a condition key has a prefix and a colon")
	}
	if c.operator.compare == isNull && len(c.values) != 1 {
		return errors.New("it takes one value")
	}
	for _, text := range c.values {
		if c.operator.takesVariables() && strings.Contains(text, "${") {
			continue // its value comes with the request
		}
		wanted, err := expand(text, false, nil)
		if err != nil {
			return err
		}
		if _, err := matcher(c.operator.compare, wanted); err != nil {
			return err
		}
	}
	return nil
}

// object is a JSON object with no members but those named; without names all do.
func object(value any, names ...string) (map[string]any, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%v is not an object", value)
	}
	for name := range members {
		if len(names) > 0 && !slices.Contains(names, name) {
			return nil, fmt.Errorf("%q is no element known here", name)
		}
	}
	return members, nil
}

// oneOf reads Action or NotAction, Resource or NotResource: one of them.
func oneOf(members map[string]any, name string) (values []string, not bool, err error) {
	value, positive := members[name]
	other, negative := members["Not"+name]
	if positive == negative {
		return nil, false, fmt.Errorf("one of %s and Not%s is needed", name, name)
	}
	if negative {
		value = other
	}
	values, err = texts(value, false)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return values, negative, err
}

// texts is a string or a list of strings, in conditions also of booleans and numbers.
func texts(value any, scalars bool) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	if len(list) == 0 {
		return nil, errors.New("an empty list")
	}
	values := make([]string, 0, len(list))
	for _, element := range list {
		switch element := element.(type) {
		case string:
			values = append(values, element)
		case bool, float64, int:
			if !scalars {
				return nil, fmt.Errorf("%v is not a string", element)
			}
			values = append(values, fmt.Sprint(element))
		default:
			return nil, fmt.Errorf("%v is not a string", element)
		}
	}
	return values, nil
}
