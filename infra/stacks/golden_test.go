package stacks_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// update writes the templates instead of comparing them (make golden).
var update = flag.Bool("update", false, "write testdata/*.template.json")

// TestTemplatesAreThoseThatWereReviewed shows what a change does to what is
// shipped, for whoever reviews it. That it is right is tested elsewhere.
func TestTemplatesAreThoseThatWereReviewed(t *testing.T) {
	kept := map[string]bool{}
	for _, environment := range append(shipped(), "service") {
		for _, template := range templates(t, environment) {
			path := filepath.Join("testdata", template.Stack+".template.json")
			if environment == "service" {
				if template.Stack != "signgate-prod" {
					continue // as prod's
				}
				path = filepath.Join("testdata", template.Stack+"-on-fargate.template.json")
			}
			kept[path] = true
			text, err := json.Marshal(template.Body, json.Deterministic(true), jsontext.WithIndent("  "))
			if err != nil {
				t.Fatal(err)
			}
			text = append(withoutHashes(text), '\n')
			if *update {
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			reviewed, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(reviewed) != string(text) {
				t.Errorf("%s is otherwise than in %s: make golden, and look at the difference", template.Stack, path)
			}
		}
	}
	found, err := filepath.Glob("testdata/*.template.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if !kept[path] {
			t.Errorf("%s is of no stack that is shipped", path)
		}
	}
}

// shipped are the environments that come with the repository.
func shipped() []string { return []string{"dev", "staging", "prod"} }

// withoutHashes leaves out what changes with CDK's version and says nothing:
// hashes of its functions' code, and what it tells about the constructs used.
func withoutHashes(template []byte) []byte {
	template = regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAll(template, []byte("HASH"))
	return regexp.MustCompile(`"v2:deflate64:[^"]*"`).ReplaceAll(template, []byte(`"ANALYTICS"`))
}
