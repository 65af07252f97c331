package stack_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/cmd/devstack/s3server"
	"github.com/signgate/signgate/api/cmd/devstack/stack"
)

// TestMain is the S3 server's child where the stack starts this binary again.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == s3server.ChildArgument {
		if err := s3server.RunChild(); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func config(dir string) (stack.Config, error) {
	addresses, err := stack.FreeAddresses(context.Background())
	return stack.Config{Addresses: addresses, Dir: dir, Log: slog.New(slog.DiscardHandler), Now: time.Now}, err
}

func TestWhatHoldsASecretIsReadableByItsOwnerOnly(t *testing.T) {
	here, err := config(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	local, err := stack.Start(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := local.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, pattern := range []string{"gateway.env", "keys/*.pem", "audit.jsonl"} {
		paths, err := filepath.Glob(filepath.Join(here.Dir, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v %v", pattern, paths, err)
		}
		for _, path := range paths {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s is %s", path, info.Mode())
			}
		}
	}
}

func TestAStackThatCannotStartWholeLeavesNothingRunning(t *testing.T) {
	here, err := config(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(here.Dir, "policies"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(here.Dir, "policies", "mine.cedar"), []byte("permit nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := stack.Start(t.Context(), here); err == nil || !strings.Contains(err.Error(), "mine.cedar") {
		t.Fatalf("Start = %v", err)
	}
	for _, address := range []string{here.Gateway, here.Edge, here.S3, here.Issuer} {
		if connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
			_ = connection.Close()
			t.Errorf("something listens on %s", address)
		}
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "signgate-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	here, err := config(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	local, err := stack.Start(context.Background(), here)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = local.Close() }()

	// The edge stands where CloudFront does: without a signature, nothing.
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, local.EdgeURL()+"/users/alice/pictures/meadow.png", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = response.Body.Close()
	fmt.Println(response.StatusCode)
	// Output: 403
}
