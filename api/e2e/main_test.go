package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaries says where TestMain has built them.
var binaries string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if binaries, err = os.MkdirTemp("", "signgate-e2e-"); err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(binaries) }()
	for name, source := range map[string]string{"signgate": "./api", "devstack": "./api/cmd/devstack"} {
		arguments := append([]string{"build"}, buildFlags()...)
		build := exec.CommandContext(context.Background(), "go", append(arguments, "-o", binary(name), source)...)
		build.Dir = filepath.Join("..", "..")
		if output, err := build.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("build %s: %w\n%s", name, err, output)
		}
	}
	return m.Run(), nil
}

func binary(name string) string { return filepath.Join(binaries, name) }
