package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/client"
)

func TestThePolicyCommandsCheckTryAndExplain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "policies")
	broken := t.TempDir()
	writeFile(t, filepath.Join(broken, "a.cedar"), []byte(`permit (principal is Person, action, resource) when { resource in principal.hoem };`))
	for _, test := range []struct {
		name      string
		arguments []string
		code      int
		says      []string
	}{
		{"a set is written", []string{"set", "tenants", folder}, 0, []string{"policy test"}},
		{"and not over another", []string{"set", "photos", folder}, 1, []string{"exist"}},
		{"it fits the schema", []string{"lint", folder}, 0, []string{"6 policies"}},
		{"it answers its tests", []string{"test", folder}, 0, []string{"ok    1.", "ok    11."}},
		{"a yes", []string{"explain", folder, "--person=ann", "--tenant=a", "--action=read", "--key=tenants/a/x"}, 0, []string{"allowed, by tenant-read"}},
		{"a no, and why", []string{"explain", folder, "--person=bea", "--tenant=b", "--action=read", "--key=tenants/a/x"}, 1, []string{"denied, by tenants-apart", "does not hold: when {"}},
		{"as JSON", []string{"explain", folder, "--anonymous", "--action=read", "--key=a", "--granted=read", "--json"}, 0, []string{`"allowed": true`, `"policy": "shared-read"`}},
		{"a misspelt attribute", []string{"lint", broken}, 1, []string{"a.cedar", "hoem"}},
		{"nobody asks", []string{"explain", folder, "--action=read", "--key=a"}, 2, []string{"--person"}},
		{"no such action", []string{"explain", folder, "--person=a", "--action=peek", "--key=a"}, 2, []string{"peek"}},
		{"no folder", []string{"lint", "/nowhere"}, 2, []string{"/nowhere"}},
		{"the schema", []string{"schema"}, 0, []string{"entity Person"}},
	} {
		p := start(t, nil, "signgate", append([]string{"policy"}, test.arguments...)...)
		code := p.exitCode(t)
		said := p.stdout.String() + p.stderr.String()
		for _, text := range test.says {
			if code != test.code || !strings.Contains(said, text) {
				t.Errorf("%s: exit code %d, want %d with %q:\n%s", test.name, code, test.code, text, said)
			}
		}
	}
	tests := filepath.Join(folder, "tests.json")
	text, err := os.ReadFile(tests)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, tests, []byte(strings.Replace(string(text), `"expect": "deny"`, `"expect": "allow"`, 1)))
	wrong := start(t, nil, "signgate", "policy", "test", folder)
	if code := wrong.exitCode(t); code != 1 || !strings.Contains(wrong.stdout.String(), "FAIL  3.") {
		t.Errorf("a wrong answer: %d\n%s", code, wrong.stdout)
	}
}

func TestChangedPoliciesDecideWithoutARestart(t *testing.T) {
	s := startStack(t)
	folder := t.TempDir()
	write := func(policy string) { writeFile(t, filepath.Join(folder, "a.cedar"), []byte(policy)) }
	write(`permit (principal, action, resource);`)
	g := s.startGateway(t, "--policies="+folder, "--policy-refresh=100ms")
	bob := g.as(t, "bob")
	reads := func() bool {
		_, err := bob.ReadURL(t.Context(), client.ReadItem{Key: "users/alice/pictures/sunrise.png"})
		return err == nil
	}
	if !reads() {
		t.Fatal("bob may not read under the first policies")
	}
	write("nonsense")
	g.waitFor(t, g.stderr, "those from before decide")
	if !reads() {
		t.Error("what can't be used took what was there away")
	}
	write(`permit (principal == Person::"alice", action, resource);`)
	g.waitFor(t, g.stderr, "changed policies decide now")
	if reads() {
		t.Error("the new policies don't decide")
	}
}
