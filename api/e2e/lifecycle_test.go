package e2e_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/client"
)

// A gateway that can't do its work says in one line what to mend and doesn't
// start.
func TestAGatewayThatCannotWorkRefusesToStart(t *testing.T) {
	s := startStack(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, []byte(content))
		return path
	}
	folder := func(name, content string) string { return filepath.Dir(file(name, content)) }
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()

	for name, test := range map[string]struct {
		options     []string
		environment []string
		says        []string
	}{
		"no folder of keys":           {options: []string{"--signing-keys=" + dir + "/nowhere"}, says: []string{"signing-keys", "nowhere"}},
		"no key in the folder":        {options: []string{"--signing-keys=" + folder("empty/README", "")}, says: []string{"signing-keys", "empty"}},
		"a key that can't be read":    {options: []string{"--signing-keys=" + folder("broken/KBROKEN1.pem", "-----BEGIN"), "--active-key-id=KBROKEN1"}, says: []string{"KBROKEN1.pem"}},
		"no active key":               {options: []string{"--active-key-id=KNOBODYS"}, says: []string{"KNOBODYS"}},
		"no folder of policies":       {options: []string{"--policies=" + dir + "/nowhere"}, says: []string{"policies", "nowhere"}},
		"no policies":                 {options: []string{"--policies=" + folder("none/README", "")}, says: []string{"policies"}},
		"a policy that doesn't parse": {options: []string{"--policies=" + folder("bad/bad.cedar", "permit everything;")}, says: []string{"bad.cedar"}},
		"a layout that says nothing":  {options: []string{"--key-layout=users/{name}/"}, says: []string{"key-layout", "{owner}"}},
		"no secret for the hook":      {options: []string{"--decision-hook=https://app.example.com", "--decision-hook-secret=" + dir + "/nowhere"}, says: []string{"decision-hook-secret", "nowhere"}},
		"a secret that is none":       {options: []string{"--decision-hook=https://app.example.com", "--decision-hook-secret=" + file("secret", "hunter2")}, says: []string{"decision-hook-secret", "whsec_"}},
		"an issuer that isn't there":  {options: []string{"--issuer=http://127.0.0.1:1"}, says: []string{"issuer", "127.0.0.1:1"}},
		"another issuer":              {options: []string{"--issuer=http://localhost" + s.issuer[strings.LastIndex(s.issuer, ":"):]}, says: []string{"issuer"}},
		"no file of settings":         {options: []string{"--config=" + dir + "/nowhere.json"}, says: []string{"nowhere.json"}},
		"settings that aren't JSON":   {options: []string{"--config=" + file("text.json", "listen: 8080")}, says: []string{"JSON"}},
		"a setting that isn't one":    {options: []string{"--config=" + file("odd.json", `{"readLive":"5m"}`)}, says: []string{"readLive"}},
		"an algorithm with a secret":  {options: []string{"--token-algorithms=HS256"}, says: []string{"token-algorithms", "HS256"}},
		"a life that makes no sense":  {options: []string{"--read-life=0s"}, says: []string{"read-life"}},
		"an unknown digest":           {options: []string{"--signing-hash=MD5"}, says: []string{"signing-hash", "SHA256"}},
		"a trail that can't be kept":  {options: []string{"--audit-file=" + dir + "/nowhere/trail"}, says: []string{"audit-file", "nowhere"}},
		"a port that is taken":        {options: []string{"--listen=" + taken.Addr().String()}, says: []string{"listen", taken.Addr().String()}},
		"no credentials":              {environment: []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="}, says: []string{"credentials", "AWS_ACCESS_KEY_ID"}},
		"no bucket":                   {environment: []string{"SIGNGATE_BUCKET="}, says: []string{"bucket"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, append(s.environment(t), test.environment...), "signgate", append([]string{"serve"}, test.options...)...)
			if code := p.exitCode(t); code == 0 {
				t.Error("exit code 0")
			}
			said := p.stderr.String()
			if !strings.HasPrefix(said, "signgate: ") || strings.Count(said, "\n") != 1 || p.stdout.String() != "" {
				t.Errorf("it says, in %d lines,\n%s%s", strings.Count(said, "\n"), said, p.stdout)
			}
			for _, want := range test.says {
				if !strings.Contains(said, want) {
					t.Errorf("%q doesn't say %q", said, want)
				}
			}
		})
	}
}

func TestOtherCommandsSayWhatTheyAre(t *testing.T) {
	version := start(t, nil, "signgate", "version")
	if code := version.exitCode(t); code != 0 || !strings.HasPrefix(version.stdout.String(), "signgate ") {
		t.Errorf("version: %d %s", code, version.stdout)
	}
	help := start(t, nil, "signgate", "serve", "--help")
	if code := help.exitCode(t); code != 0 || !strings.Contains(help.stdout.String(), "SIGNGATE_CDN_URL") {
		t.Errorf("help: %d %s", code, help.stdout)
	}
	unknown := start(t, nil, "signgate", "sreve")
	if code := unknown.exitCode(t); code != 2 || strings.Count(unknown.stderr.String(), "\n") != 1 {
		t.Errorf("a misspelt command: %d %s", code, unknown.stderr)
	}
}

// Ctrl-C reaches every process of the terminal; here only the parent hears
// it, which is harder. A closed terminal hangs up.
func TestNothingIsLeftWhenTheStackIsInterrupted(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) { mustLeaveNothing(t, signal) })
	}
}

func mustLeaveNothing(t *testing.T, signal syscall.Signal) {
	t.Helper()
	ports := freeAddresses(t, 4)
	p := start(t, nil, "devstack", "--gateway="+ports[0], "--edge="+ports[1], "--s3="+ports[2], "--issuer="+ports[3])
	p.waitFor(t, p.stdout, "A first refusal")
	if err := p.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	if code := p.exitCode(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
	left, err := os.ReadDir(p.tmp)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for _, address := range ports {
		if answers(t, address) {
			t.Errorf("something still listens on %s", address)
		}
	}
}

func TestNothingGoesOnWhenTheStackIsKilled(t *testing.T) {
	s := startStack(t)
	if err := s.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.exitCode(t)
	again, enough := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer again.Stop()
	for answers(t, s.s3) {
		select {
		case <-again.C:
		case <-enough:
			t.Fatal("the local S3 outlives the stack")
		}
	}
}

func TestAKeptFolderKeepsObjectsAndKeys(t *testing.T) {
	s := startStack(t)
	g := s.startGateway(t)
	g.upload(t, "carol", "users/carol/kept.txt", "text/plain", []byte("kept"))
	read := g.readURL(t, "carol", client.ReadItem{Key: "users/carol/kept.txt"}).URL
	g.interrupt(t)
	s.interrupt(t)

	p := start(t, nil, "devstack", "--gateway="+s.gateway, "--edge="+s.edge, "--s3="+s.s3, "--issuer="+s.issuer, "--data="+s.data)
	p.waitFor(t, p.stdout, "A first refusal")
	if got := get(t, read); string(got.body) != "kept" {
		t.Errorf("after a restart: %d %s", got.status, got.body)
	}
}

func TestATakenPortNamesTheFlagThatMovesIt(t *testing.T) {
	for _, part := range []string{"gateway", "edge", "s3", "issuer"} {
		t.Run(part, func(t *testing.T) {
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = taken.Close() }()
			ports := freeAddresses(t, 4)
			p := start(t, nil, "devstack", "--gateway="+ports[0], "--edge="+ports[1], "--s3="+ports[2], "--issuer="+ports[3],
				"--"+part+"="+taken.Addr().String())
			if code := p.exitCode(t); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if said := p.stderr.String(); !strings.Contains(said, "--"+part+"=") || !strings.Contains(said, taken.Addr().String()) || strings.Count(said, "\n") != 1 {
				t.Errorf("it says\n%s", said)
			}
			if left, err := os.ReadDir(p.tmp); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// answers says whether somebody listens.
func answers(t testing.TB, address string) bool {
	t.Helper()
	connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}
