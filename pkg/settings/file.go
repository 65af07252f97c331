package settings

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// File reads settings from JSON: one object whose members are the settings in
// camelCase, durations as text ("5m"). An
// unknown member is an error, because a misspelt limit would be no limit, and
// so is a member without a value (null) or with an object. Errors wrap
// ErrInvalid.
func File(r io.Reader) (kong.Resolver, error) {
	values, err := readObject(r)
	if err != nil {
		return nil, err
	}
	return source{name: "the file", values: values}, nil
}

// readObject reads one object of settings, whatever their names.
func readObject(r io.Reader) (map[string]any, error) {
	decoder := json.NewDecoder(r)
	decoder.UseNumber()
	values := map[string]any{}
	if err := decoder.Decode(&values); err != nil {
		return nil, fmt.Errorf("%w: the file is not one JSON object: %w", ErrInvalid, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: something follows the JSON object in the file", ErrInvalid)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !isSetting(values[name]) {
			return nil, fmt.Errorf("%w: %s in the file must be a text, a number, true, false or a list of these; leave it out where it has no value", ErrInvalid, name)
		}
	}
	return values, nil
}

// isSetting says whether a value of JSON can be written as that of a flag.
func isSetting(value any) bool {
	if list, ok := value.([]any); ok {
		return !slices.ContainsFunc(list, func(part any) bool { return !isPlain(part) })
	}
	return isPlain(value)
}

func isPlain(value any) bool {
	switch value.(type) {
	case string, json.Number, bool:
		return true
	}
	return false
}

// source is settings by name in camelCase.
type source struct {
	name   string
	values map[string]any
}

// Validate refuses members that are no settings.
func (s source) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[camelCase(flag.Name)] = true
		}
		return next(nil)
	})
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if !known[name] {
			return fmt.Errorf("%w: %s has an unknown setting %q", ErrInvalid, s.name, name)
		}
	}
	return nil
}

// Resolve answers for one flag. The environment stands above every source;
// kong asks resolvers even where it was set there.
func (s source) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Tag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil //nolint:nilnil // kong's way to say "not here"
		}
	}
	value, ok := s.values[camelCase(flag.Name)]
	if !ok {
		return nil, nil //nolint:nilnil // kong's way to say "not here"
	}
	return asText(value), nil
}

// asText writes a value as that of a flag.
func asText(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	parts := make([]string, len(list))
	for i, part := range list {
		parts[i] = fmt.Sprint(part)
	}
	return strings.Join(parts, ",")
}

func camelCase(name string) string {
	words := strings.Split(name, "-")
	for i, word := range words[1:] {
		if word != "" {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}
