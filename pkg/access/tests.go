package access

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/pkg/objectkey"
)

// TestsFile is the file of a folder of policies that holds its tests.
const TestsFile = "tests.json"

// ErrTests is wrapped where a file of tests can't be used.
var ErrTests = errors.New("invalid policy tests")

// Test is one question to a set of policies, and the answer that it must get.
// Exactly one of Person, Machine and Anonymous says who asks.
type Test struct {
	Name      string   `json:"name"`
	Person    string   `json:"person,omitempty"`
	Machine   string   `json:"machine,omitempty"`
	Anonymous bool     `json:"anonymous,omitempty"`
	Groups    []string `json:"groups,omitempty"`
	Tenant    string   `json:"tenant,omitempty"`
	Scopes    []string `json:"scopes,omitempty"`
	Action    Action   `json:"action"`
	Key       string   `json:"key"`
	Granted   []Action `json:"granted,omitempty"` // by shares
	Expect    string   `json:"expect"`            // "allow" or "deny"
	By        []string `json:"by,omitempty"`      // ids of the policies that decide; not looked at if left out
}

// LoadTests reads TestsFile of a folder. Errors wrap ErrTests.
func LoadTests(folder fs.FS) ([]Test, error) {
	text, err := fs.ReadFile(folder, TestsFile)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTests, err)
	}
	var tests []Test
	if err := json.Unmarshal(text, &tests, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrTests, TestsFile, err)
	}
	return tests, nil
}

// Run asks the question. The error says in what the answer differs; it wraps
// ErrTests where the question makes no sense.
func (a *Authorizer) Run(test Test) error {
	principal, err := test.principal()
	if err != nil {
		return err
	}
	key, err := objectkey.Parse(test.Key)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTests, err)
	}
	if !slices.Contains(Actions(), test.Action) || test.Expect != "allow" && test.Expect != "deny" {
		return fmt.Errorf("%w: action must be one of %q, expect allow or deny", ErrTests, Actions())
	}
	decision := a.Authorize(principal, test.Action, key, test.Granted...)
	got := "deny"
	if decision.Allowed {
		got = "allow"
	}
	switch {
	case len(decision.Errors) > 0:
		return fmt.Errorf("evaluation failed: %q", decision.Errors)
	case got != test.Expect:
		return fmt.Errorf("expected %s, got %s by %q", test.Expect, got, decision.Policies)
	case test.By != nil && !slices.Equal(slices.Sorted(slices.Values(test.By)), decision.Policies):
		return fmt.Errorf("expected to be decided by %q, was by %q", test.By, decision.Policies)
	}
	return nil
}

func (t Test) principal() (Principal, error) {
	given := 0
	principal := Principal{Groups: t.Groups, Tenant: t.Tenant, Scopes: t.Scopes}
	if t.Person != "" {
		principal.Kind, principal.Subject = Person, t.Person
		given++
	}
	if t.Machine != "" {
		principal.Kind, principal.Subject = Machine, t.Machine
		given++
	}
	if t.Anonymous {
		principal.Kind = Anonymous
		given++
	}
	if given != 1 {
		return principal, fmt.Errorf("%w: say one of person, machine and anonymous", ErrTests)
	}
	return principal, nil
}
