package settings

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// Sources name where settings come from that neither flags nor the environment
// give. To be embedded beside Gateway in a command of kong's; what reads
// parameters is bound to the parser (kong.Bind). Parameters stand above the
// file: the file is deployed with the binary, parameters are an environment's.
type Sources struct {
	Config     string `placeholder:"FILE" help:"JSON file of settings; everything else stands above it."`
	Parameters string `placeholder:"PATH" help:"Path of settings in SSM Parameter Store, such as /signgate/prod; flags and the environment stand above them."`
	// A deployment deletes parameters after it has started processes anew, which
	// would find them and keep them for as long as they run.
	ParametersOnly string `placeholder:"NAME,..." help:"The settings that are taken from there, such as cdn-url,bucket. Each has to be there; others are passed over. All by default."`
}

// ReadParameters reads the settings below a path of Parameter Store.
type ReadParameters func(path string) (kong.Resolver, error)

// BeforeResolve reads the sources. kong calls it.
func (*Sources) BeforeResolve(parsing *kong.Context, parameters ReadParameters) error {
	given := map[string]string{}
	for _, flag := range parsing.Flags() {
		if text, ok := parsing.FlagValue(flag).(string); ok {
			given[flag.Name] = text
		}
	}
	if path := given["config"]; path != "" {
		resolver, err := readFile(path)
		if err != nil {
			return fmt.Errorf("config: %w", err)
		}
		parsing.AddResolver(resolver)
	}
	if path := given["parameters"]; path != "" {
		resolver, err := parameters(path)
		if err != nil {
			return fmt.Errorf("parameters: %w", err)
		}
		if only := given["parameters-only"]; only != "" {
			if resolver, err = keep(resolver, strings.Split(only, ",")); err != nil {
				return fmt.Errorf("parameters: %w", err)
			}
		}
		parsing.AddResolver(resolver) // kong takes the last
	}
	return nil
}

// keep leaves of a source the settings of these names.
func keep(resolver kong.Resolver, names []string) (kong.Resolver, error) {
	all, ok := resolver.(source)
	if !ok {
		return nil, fmt.Errorf("%w: parameters-only is about a source of this package", ErrInvalid)
	}
	kept := source{name: all.name, values: map[string]any{}}
	for _, name := range names {
		value, there := all.values[camelCase(name)]
		if !there {
			return nil, fmt.Errorf("%w: parameters-only names %q, which isn't below %s", ErrInvalid, name, all.name)
		}
		kept.values[camelCase(name)] = value
	}
	return kept, nil
}

func readFile(path string) (kong.Resolver, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	resolver, err := File(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return resolver, nil
}
