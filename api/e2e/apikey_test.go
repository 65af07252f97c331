package e2e_test

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// operate runs one of the commands on keys, and wants it to end well.
func operate(t *testing.T, arguments ...string) *process {
	t.Helper()
	p := start(t, nil, "signgate", append([]string{"apikey"}, arguments...)...)
	if code := p.exitCode(t); code != 0 {
		t.Fatalf("apikey %q: exit code %d: %s", arguments, code, p.stderr)
	}
	return p
}

// An operator makes a key, sees it used, and takes it back, all beside the
// gateway that runs on the same file.
func TestAMachineGetsInWithItsKeyUntilItIsRevoked(t *testing.T) {
	s := startStack(t)
	file := "--api-keys-file=" + filepath.Join(t.TempDir(), "keys.db")
	policies := t.TempDir()
	writeFile(t, filepath.Join(policies, "a.cedar"), []byte(`permit (principal == Machine::"key:reporter", action, resource in Prefix::"users/");`))
	g := s.startGateway(t, file, "--policies="+policies)

	made := operate(t, "create", "nightly report", "--machine=reporter", "--scope=read:users/alice/", "--expires-in=1h", file)
	key := strings.TrimSpace(made.stdout.String())
	id := regexp.MustCompile(`^sgk_([A-Z2-7]{16})_[A-Z2-7]{59}$`).FindStringSubmatch(key)
	if id == nil || !strings.Contains(made.stderr.String(), id[1]) {
		t.Fatalf("%q, %s", key, made.stderr)
	}
	status := func(object string) int {
		return send(t, http.MethodGet, g.url+"/v1/read/users/"+object, map[string]string{"Authorization": "Bearer " + key}, nil).status
	}
	if got := status("alice/pictures/sunrise.png"); got != http.StatusFound {
		t.Errorf("within its scope: %d", got)
	}
	if got := status("bob/pictures/sunrise.png"); got != http.StatusNotFound {
		t.Errorf("beyond its scope: %d", got)
	}
	for format, says := range map[string][]string{
		"":       {id[1], "good", "key:reporter", "read:users/alice/", `"nightly report"`},
		"--json": {`"id":"` + id[1] + `"`, `"state":"good"`, `"lastUsedAt":"20`},
	} {
		listed := operate(t, append([]string{"list", file}, strings.Fields(format)...)...).stdout.String()
		for _, text := range says {
			if !strings.Contains(listed, text) {
				t.Errorf("list %s doesn't say %q: %s", format, text, listed)
			}
		}
		if strings.Contains(listed, key[len(key)-20:]) || strings.Contains(listed, "never") {
			t.Errorf("list %s: %s", format, listed)
		}
	}

	operate(t, "revoke", id[1], file)
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for range ticker.C { // seconds, says the documentation; the test's own limit ends it
		if status("alice/pictures/sunrise.png") == http.StatusUnauthorized {
			break
		}
	}
	if listed := operate(t, "list", file).stdout.String(); !strings.Contains(listed, "revoked") {
		t.Errorf("%s", listed)
	}
	if written := g.stderr.String() + g.stdout.String(); strings.Contains(written, key[22:42]) || !strings.Contains(written, `"authenticated":"api-key:`+id[1]+`"`) {
		t.Errorf("the secret is written down, or whose key it was isn't: %s", written)
	}
}

func TestTheCommandsOnKeysSayWhatToMend(t *testing.T) {
	file := "--api-keys-file=" + filepath.Join(t.TempDir(), "keys.db")
	for _, test := range []struct {
		arguments []string
		code      int
		says      string
	}{
		{[]string{"create", "a", "--machine=a", "--scope=read"}, 1, "api-keys-file or api-keys-table"},
		{[]string{"create", "a", "--machine=a", "--scope=read", file, "--api-keys-table=keys"}, 1, "not both"},
		{[]string{"create", "a", "--machine=a", "--scope=read", "--api-keys-table=keys"}, 1, "region"},
		{[]string{"create", "a", "--machine=a", file}, 2, "--scope"},
		{[]string{"create", "a", "--scope=read", file}, 2, "--machine"},
		{[]string{"create", "--machine=a", "--scope=read", file}, 2, "<name>"},
		{[]string{"create", "a", "--machine=a/b", "--scope=read", file}, 1, "machine"},
		{[]string{"create", "a", "--machine=a", "--scope=peek", file}, 1, `"peek"`},
		{[]string{"create", "a", "--machine=a", "--scope=read:reports", file}, 1, "end with a slash"},
		{[]string{"create", "a", "--machine=a", "--scope=read", "--expires-in=0s", file}, 1, "expire"},
		{[]string{"revoke", "ABCDEFGHIJKLMNOP", file}, 1, "no such API key"},
		{[]string{"revoke", "all", file}, 1, "16 capital letters"},
	} {
		p := start(t, nil, "signgate", append([]string{"apikey"}, test.arguments...)...)
		if code := p.exitCode(t); code != test.code || !strings.Contains(p.stderr.String(), test.says) {
			t.Errorf("%q: exit code %d: %s", test.arguments, code, p.stderr)
		}
	}
}
