package settings

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Values are settings as text, by the names of their flags.
type Values map[string]string

// ReadValues reads what File reads, for those who hand settings on, such as to
// Parameter Store. Lists become texts with commas. Errors wrap ErrInvalid.
func ReadValues(r io.Reader) (Values, error) {
	held, err := readObject(r)
	if err != nil {
		return nil, err
	}
	values := Values{}
	for _, name := range Names() {
		if value, given := held[camelCase(name)]; given {
			values[name] = asText(value)
			delete(held, camelCase(name))
		}
	}
	if len(held) > 0 {
		return nil, fmt.Errorf("%w: there is no setting %s", ErrInvalid, strings.Join(slices.Sorted(maps.Keys(held)), ", "))
	}
	return values, nil
}

// Gateway takes these values and defaults for the rest: neither flags, nor the
// environment, nor a file. They are checked as those that a gateway starts
// with; the error wraps ErrInvalid.
func (v Values) Gateway() (Gateway, error) {
	var gateway Gateway
	parser, err := newParser(&gateway)
	if err != nil {
		return Gateway{}, err
	}
	args := make([]string, 0, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		args = append(args, "--"+name+"="+v[name])
	}
	if _, err := parser.Parse(args); err != nil {
		return Gateway{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return gateway, nil
}

// Names are the flags of all settings, in order.
func Names() []string {
	parser, err := newParser(&Gateway{})
	if err != nil {
		panic(err) // of this package's own making
	}
	names := []string{}
	for _, flag := range parser.Model.Flags {
		if flag.Name != "help" {
			names = append(names, flag.Name)
		}
	}
	slices.Sort(names)
	return names
}

// newParser knows the settings and no environment.
func newParser(gateway *Gateway) (*kong.Kong, error) {
	parser, err := kong.New(gateway, kong.Name("signgate"))
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	for _, flag := range parser.Model.Flags {
		flag.Envs, flag.Tag.Envs = nil, nil
	}
	return parser, nil
}
