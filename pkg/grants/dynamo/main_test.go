package dynamo_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// emulator is where DynamoDB answers; TestMain starts and ends it.
var emulator string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	script := filepath.Join("emulator", "emulator.mjs")
	if _, err := os.Stat(filepath.Join("emulator", "node_modules")); err != nil {
		return 0, fmt.Errorf("%w; `make judges` installs the emulator of DynamoDB", err)
	}
	child := exec.CommandContext(context.Background(), "node", script)
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		return 0, err
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := child.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = stdin.Close() // which ends it
		if failed := child.Wait(); err == nil {
			err = failed
		}
	}()
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("the emulator of DynamoDB doesn't start: %w", err)
	}
	emulator = "http://127.0.0.1:" + strings.TrimSpace(port)
	return m.Run(), nil
}
