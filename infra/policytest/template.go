package policytest

import (
	"errors"
	"fmt"
	"strings"
)

// A Template is one synthesized CloudFormation template.
type Template struct {
	Stack  string
	Region string
	Body   map[string]any // as encoding/json decodes it into any
}

// An account is what templates are deployed to together.
type account struct {
	Context
	stacks []*stack
	depth  int // of functions within functions
}

// maxDepth is deeper than any template that doesn't refer to itself in a circle.
const maxDepth = 200

// A stack resolves CloudFormation's functions in one template. What it can't
// resolve is an error.
type stack struct {
	Template
	in *account
}

// noValue is what AWS::NoValue leaves of a member or an element: nothing.
type noValue struct{}

// section is a part of the template, such as Resources.
func (s *stack) section(name string) map[string]any {
	members, _ := s.Body[name].(map[string]any)
	return members
}

// resource by logical id; false where a condition of the template leaves it out.
func (s *stack) resource(id string) (map[string]any, bool, error) {
	resource, ok := s.section("Resources")[id].(map[string]any)
	if !ok {
		return nil, false, nil
	}
	if name, ok := resource["Condition"].(string); ok {
		holds, err := s.condition(name)
		return resource, holds, err
	}
	return resource, true, nil
}

// property resolves one property of a resource; nil where it has none.
func (s *stack) property(resource map[string]any, name string) (any, error) {
	properties, _ := resource["Properties"].(map[string]any)
	value, err := s.resolve(properties[name])
	if _, none := value.(noValue); none {
		value = nil
	}
	return value, err
}

// name is a property that has to be a string.
func (s *stack) name(resource map[string]any, property string) (string, error) {
	value, err := s.property(resource, property)
	text, ok := value.(string)
	if err == nil && !ok {
		err = fmt.Errorf("%s is %v", property, value)
	}
	return text, err
}

// list is a property that is a list, or isn't there.
func (s *stack) list(resource map[string]any, property string) ([]any, error) {
	value, err := s.property(resource, property)
	list, ok := value.([]any)
	if err == nil && value != nil && !ok {
		err = fmt.Errorf("%s is %v", property, value)
	}
	return list, err
}

// text resolves to a string; empty where there is no value.
func (s *stack) text(value any) (string, error) {
	resolved, err := s.resolve(value)
	if err != nil {
		return "", err
	}
	switch resolved := resolved.(type) {
	case nil, noValue:
		return "", nil
	case string:
		return resolved, nil
	case bool, float64, int:
		return fmt.Sprint(resolved), nil
	}
	return "", fmt.Errorf("%v is not a string", resolved)
}

// resolve works a value out, with all functions in it.
func (s *stack) resolve(value any) (any, error) {
	s.in.depth++
	defer func() { s.in.depth-- }()
	if s.in.depth > maxDepth {
		return nil, errors.New("the template refers to itself in a circle")
	}
	switch value := value.(type) {
	case string:
		if strings.Contains(value, "{{resolve:") {
			return nil, fmt.Errorf("%q is resolved when it is deployed", value)
		}
		return value, nil
	case []any:
		list := make([]any, 0, len(value))
		for _, element := range value {
			resolved, err := s.resolve(element)
			if err != nil {
				return nil, err
			}
			if _, none := resolved.(noValue); !none {
				list = append(list, resolved)
			}
		}
		return list, nil
	case map[string]any:
		for name, argument := range value {
			if len(value) == 1 && (name == "Ref" || name == "Condition" && isText(argument) || strings.HasPrefix(name, "Fn::")) {
				return s.call(name, argument)
			}
		}
		members := map[string]any{}
		for name, member := range value {
			resolved, err := s.resolve(member)
			if err != nil {
				return nil, err
			}
			if _, none := resolved.(noValue); !none {
				members[name] = resolved
			}
		}
		return members, nil
	}
	return value, nil
}

func isText(value any) bool {
	_, ok := value.(string)
	return ok
}
