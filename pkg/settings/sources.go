package settings

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// Sources name where settings come from that neither flags nor the environment
// give. To be embedded beside Gateway in a command of kong's; what reads
// parameters is bound to the parser (kong.Bind). Parameters stand above the
// file: the file is deployed with the binary, parameters are an environment's.
type Sources struct {
	Config     string `placeholder:"FILE" help:"JSON file of settings; everything else stands above it."`
	Parameters string `placeholder:"PATH" help:"Path of settings in SSM Parameter Store, such as /signgate/prod; flags and the environment stand above them."`
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
		parsing.AddResolver(resolver) // kong takes the last
	}
	return nil
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
