package stack_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signgate/signgate/api/cmd/devstack/stack"
	"github.com/signgate/signgate/pkg/edge"
)

// deployed writes behaviours of a deployment into a file: thumbnails that
// anybody may read, and the rest under keys that aren't here.
func deployed(t *testing.T) string {
	t.Helper()
	open, signed := edge.ReadBehavior(nil, edge.Lifetime{}), edge.ReadBehavior([]string{"SigningKeysKeya01234567"}, edge.Lifetime{})
	open.PathPattern, open.Unsigned = "/users/alice/pictures/*", true
	open.Headers = append(open.Headers, edge.Header{Name: "X-Described", Value: "in the file"})
	path := filepath.Join(t.TempDir(), "behaviors.json")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(edge.WriteBehaviors(file, []edge.Behavior{open, signed}), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEdgeRunsTheBehavioursOfAFileWithTheLocalKeys(t *testing.T) {
	here, err := config(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here.Behaviors = deployed(t)
	local, err := stack.Start(t.Context(), here) // the edge refuses keys that it doesn't have
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := local.Close(); err != nil {
			t.Error(err)
		}
	}()
	for path, want := range map[string]int{"/users/alice/pictures/meadow.png": http.StatusOK, "/users/bob/pictures/meadow.png": http.StatusForbidden} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, local.EdgeURL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want || (want == http.StatusOK) != (response.Header.Get("X-Described") != "") {
			t.Errorf("%s: %s %v", path, response.Status, response.Header)
		}
	}
}

func TestAFileOfBehavioursThatCannotBeReadIsNamed(t *testing.T) {
	here, err := config(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here.Behaviors = filepath.Join(here.Dir, "missing.json")
	if _, err := stack.Start(t.Context(), here); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Start = %v", err)
	}
	if err := os.WriteFile(here.Behaviors, []byte(`[{"pathPattern":"*"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := stack.Start(t.Context(), here); !errors.Is(err, edge.ErrFile) || !strings.Contains(err.Error(), here.Behaviors) {
		t.Errorf("Start = %v", err)
	}
}
