package policytest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var substitution = regexp.MustCompile(`\$\{[^}]*\}`)

// call is one of CloudFormation's functions.
func (s *stack) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		id, _ := argument.(string)
		return s.reference(id)
	case "Fn::GetAtt":
		return s.getAtt(argument)
	case "Fn::Sub":
		return s.sub(argument)
	case "Fn::If", "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition":
		return s.choose(name, argument)
	}
	resolved, err := s.resolve(argument)
	if err != nil {
		return nil, err
	}
	list, _ := resolved.([]any)
	switch {
	case name == "Fn::ImportValue":
		export, _ := resolved.(string)
		return s.in.export(export)
	case name == "Fn::Join" && len(list) == 2:
		delimiter, _ := list[0].(string)
		parts, err := texts(list[1], true)
		return strings.Join(parts, delimiter), err
	case name == "Fn::Split" && len(list) == 2:
		delimiter, _ := list[0].(string)
		text, ok := list[1].(string)
		if !ok || delimiter == "" {
			return nil, fmt.Errorf("Fn::Split of %v", list)
		}
		var parts []any
		for part := range strings.SplitSeq(text, delimiter) {
			parts = append(parts, part)
		}
		return parts, nil
	case name == "Fn::Select" && len(list) == 2:
		index, err := strconv.Atoi(fmt.Sprint(list[0]))
		from, _ := list[1].([]any)
		if err != nil || index < 0 || index >= len(from) {
			return nil, fmt.Errorf("Fn::Select of %v", list)
		}
		return from[index], nil
	case name == "Fn::FindInMap" && len(list) == 3:
		return s.findInMap(list)
	}
	return nil, fmt.Errorf("%s of %v can't be resolved", name, argument)
}

// reference is Ref: a pseudo parameter, a parameter or a resource.
func (s *stack) reference(id string) (any, error) {
	switch id {
	case "AWS::AccountId":
		return s.in.Account, nil
	case "AWS::Region":
		return s.Region, nil
	case "AWS::Partition":
		return s.in.Partition, nil
	case "AWS::URLSuffix":
		return s.in.URLSuffix, nil
	case "AWS::StackName":
		return s.Stack, nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	if value, ok := s.in.Values[s.Stack+"/"+id]; ok {
		return value, nil
	}
	if parameter, ok := s.section("Parameters")[id].(map[string]any); ok {
		kind, _ := parameter["Type"].(string)
		if value, ok := parameter["Default"]; ok && (kind == "String" || kind == "Number") {
			return fmt.Sprint(value), nil
		}
		return nil, fmt.Errorf("the parameter %s/%s has no value in Context.Values", s.Stack, id)
	}
	return s.attribute(id, "")
}

func (s *stack) getAtt(argument any) (any, error) {
	if joined, ok := argument.(string); ok {
		id, name, _ := strings.Cut(joined, ".")
		argument = []any{id, name}
	}
	list, _ := argument.([]any)
	if len(list) != 2 || !isText(list[0]) || !isText(list[1]) {
		return nil, fmt.Errorf("Fn::GetAtt of %v", argument)
	}
	id, name := list[0].(string), list[1].(string)
	if value, ok := s.in.Values[s.Stack+"/"+id+"."+name]; ok {
		return value, nil
	}
	return s.attribute(id, name)
}

// sub is Fn::Sub: ${Name} and ${Name.Attribute} are replaced, ${!x} is ${x}.
func (s *stack) sub(argument any) (any, error) {
	local := map[string]any{}
	if list, ok := argument.([]any); ok && len(list) == 2 {
		local, _ = list[1].(map[string]any)
		argument = list[0]
	}
	text, ok := argument.(string)
	if !ok {
		return nil, fmt.Errorf("Fn::Sub of %v", argument)
	}
	var problems error
	replaced := substitution.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		value, ok := local[name]
		switch {
		case ok:
		case strings.Contains(name, "."):
			value = map[string]any{"Fn::GetAtt": name}
		default:
			value = map[string]any{"Ref": name}
		}
		resolved, err := s.text(value)
		problems = errors.Join(problems, err)
		return resolved
	})
	return replaced, problems
}

func (s *stack) findInMap(list []any) (any, error) {
	var found any = s.section("Mappings")
	for _, key := range list {
		level, _ := found.(map[string]any)
		name, _ := key.(string)
		found = level[name]
	}
	if found == nil {
		return nil, fmt.Errorf("Fn::FindInMap finds no %v", list)
	}
	return found, nil
}

// choose is Fn::If and the functions for conditions.
func (s *stack) choose(name string, argument any) (any, error) {
	list, _ := argument.([]any)
	switch {
	case name == "Condition":
		return s.condition(argument.(string))
	case name == "Fn::If" && len(list) == 3 && isText(list[0]):
		holds, err := s.condition(list[0].(string))
		if err != nil {
			return nil, err
		}
		if holds {
			return s.resolve(list[1])
		}
		return s.resolve(list[2])
	}
	resolved, err := s.resolve(list)
	if err != nil {
		return nil, err
	}
	list = resolved.([]any)
	if name == "Fn::Equals" && len(list) == 2 {
		return fmt.Sprint(list[0]) == fmt.Sprint(list[1]), nil
	}
	for _, element := range list {
		if _, ok := element.(bool); !ok {
			return nil, fmt.Errorf("%s of %v", name, argument)
		}
	}
	switch {
	case name == "Fn::Not" && len(list) == 1:
		return !list[0].(bool), nil
	case name == "Fn::And" && len(list) > 0:
		return !slices.Contains(list, any(false)), nil
	case name == "Fn::Or" && len(list) > 0:
		return slices.Contains(list, any(true)), nil
	}
	return nil, fmt.Errorf("%s of %v", name, argument)
}

func (s *stack) condition(name string) (bool, error) {
	definition, ok := s.section("Conditions")[name]
	if !ok {
		return false, fmt.Errorf("the template has no condition %s", name)
	}
	value, err := s.resolve(definition)
	holds, ok := value.(bool)
	if err == nil && !ok {
		err = fmt.Errorf("the condition %s is %v", name, value)
	}
	return holds, err
}

// export finds an exported output among all templates.
func (a *account) export(name string) (any, error) {
	for _, s := range a.stacks {
		for _, output := range s.section("Outputs") {
			members, _ := output.(map[string]any)
			export, _ := members["Export"].(map[string]any)
			if export == nil {
				continue
			}
			if exported, err := s.text(export["Name"]); err != nil || exported != name {
				continue
			}
			return s.resolve(members["Value"])
		}
	}
	return nil, fmt.Errorf("no template exports %q", name)
}

// exported is what CDK hands from one region to another by custom resources:
// the writer's exports are the reader's attributes.
func (a *account) exported(path string) (any, error) {
	for _, s := range a.stacks {
		for _, element := range s.section("Resources") {
			resource, _ := element.(map[string]any)
			properties, _ := resource["Properties"].(map[string]any)
			writer, _ := properties["WriterProps"].(map[string]any)
			exports, _ := writer["exports"].(map[string]any)
			if value, ok := exports[path]; ok && resource["Type"] == "Custom::CrossRegionExportWriter" {
				return s.resolve(value)
			}
		}
	}
	return nil, fmt.Errorf("no template writes %q", path)
}
