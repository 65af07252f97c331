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
// camelCase, durations as text ("5m"). It serves kong.Configuration. An
// unknown member is an error, because a misspelt limit would be no limit.
func File(r io.Reader) (kong.Resolver, error) {
	decoder := json.NewDecoder(r)
	decoder.UseNumber()
	values := map[string]any{}
	if err := decoder.Decode(&values); err != nil {
		return nil, fmt.Errorf("%w: the file is not one JSON object: %w", ErrInvalid, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: something follows the JSON object in the file", ErrInvalid)
	}
	return file{values: values}, nil
}

type file struct{ values map[string]any }

// Validate refuses members that are no settings.
func (f file) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			known[camelCase(flag.Name)] = true
		}
		return next(nil)
	})
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if !known[name] {
			return fmt.Errorf("%w: the file has an unknown setting %q", ErrInvalid, name)
		}
	}
	return nil
}

// Resolve answers for one flag. The environment stands above the file; kong
// asks resolvers even where it was set there.
func (f file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Tag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil //nolint:nilnil // kong's way to say "not here"
		}
	}
	value, ok := f.values[camelCase(flag.Name)]
	if !ok {
		return nil, nil //nolint:nilnil // kong's way to say "not here"
	}
	if list, ok := value.([]any); ok {
		parts := make([]string, len(list))
		for i, part := range list {
			parts[i] = fmt.Sprint(part)
		}
		return strings.Join(parts, ","), nil
	}
	return fmt.Sprint(value), nil
}

func camelCase(name string) string {
	words := strings.Split(name, "-")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}
