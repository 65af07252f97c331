package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/client"
)

// auditing runs `signgate audit` and returns what it says and its exit code.
func auditing(t *testing.T, stdin io.Reader, arguments ...string) (string, int) {
	t.Helper()
	p := startWith(t, stdin, nil, "signgate", append([]string{"audit"}, arguments...)...)
	code := p.exitCode(t)
	return p.stdout.String() + p.stderr.String(), code
}

// trailOf lets alice and bob ask for some things and returns the trail, and
// the URL that alice got.
func trailOf(t *testing.T, s *stack) (path string, read client.ReadURL) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "trail.jsonl")
	g := s.startGateway(t, "--audit-file="+path)
	read = g.readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/sunrise.png"})
	if _, err := g.as(t, "alice").ReadPrefix(t.Context(), client.PrefixRequest{Prefix: "users/alice/"}); err != nil {
		t.Fatal(err)
	}
	if denied, err := g.as(t, "bob").ReadURLs(t.Context(), client.ReadItem{Key: "users/alice/pictures/sunrise.png"}); err != nil || denied[0].Problem == nil {
		t.Fatal(denied, err)
	}
	g.interrupt(t)
	return path, read
}

// activeKey names the key that the stack's gateway signs with.
func activeKey(t *testing.T, s *stack) string {
	t.Helper()
	id := s.active(t)
	return "--public-key=" + id + "=" + publicFile(t, s.keyFile(id))
}

func TestAVerifiedTrailIsFoundChangedOnceItIs(t *testing.T) {
	s := startStack(t)
	path, _ := trailOf(t, s)
	key := activeKey(t, s)
	trail, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write(trail)
	_ = zip.Close()
	all := strings.SplitAfter(string(trail), "\n")
	for name, test := range map[string]struct {
		trail     string
		arguments []string
		code      int
		says      []string
	}{
		"as it was written": {string(trail), []string{"--strict", key}, 0, []string{"5 lines of 1 runs: 3 records, 2 signatures", "nothing was changed", "last: chain "}},
		"gzip":              {zipped.String(), []string{key}, 0, []string{"nothing was changed"}},
		"as JSON":           {string(trail), []string{"-o", "json", key}, 0, []string{`{"report":{"lines":5,"records":3`}},
		"changed":           {strings.Replace(string(trail), `"principal":"alice"`, `"principal":"carol"`, 1), []string{key}, 1, []string{"line 2, chain ", "seq 2: changed", "not as it was written"}},
		"changed, as JSON":  {strings.Replace(string(trail), `"principal":"bob"`, `"principal":"eve"`, 1), []string{"--output=json", key}, 1, []string{`{"line":4,"chain":"`, `"change":"changed"`}},
		"a line removed":    {strings.Join(append(all[:2:2], all[3:]...), ""), []string{key}, 1, []string{"line 3, chain ", "removed: seq 3 to 3"}},
		"the end cut off":   {strings.Join(all[:4], ""), []string{key}, 0, []string{"has no end", "3 lines since its last checkpoint aren't signed"}},
		"cut, and strict":   {strings.Join(all[:4], ""), []string{"--strict", key}, 1, []string{"no signed end"}},
		"cut within a line": {strings.Join(all[:4], "")[:len(strings.Join(all[:4], ""))-9], []string{key}, 0, []string{"line 4 is unfinished"}},
		"a part":            {strings.Join(all[2:], ""), []string{"--partial", "--strict", key}, 0, []string{"nothing was changed"}},
		"another key":       {string(trail), []string{"--public-key=KOTHER01=" + publicFile(t, s.keyFile(ecKey))}, 1, []string{"unknown: signed by"}},
		"nothing":           {"", []string{key}, 2, []string{"empty"}},
		"no key":            {string(trail), nil, 2, []string{"public-key"}},
		"a key that isn't":  {string(trail), []string{"--public-key=K1=/nowhere.pem"}, 2, []string{"/nowhere.pem"}},
	} {
		t.Run(name, func(t *testing.T) {
			said, code := auditing(t, strings.NewReader(test.trail), append([]string{"verify", "-"}, test.arguments...)...)
			if code != test.code {
				t.Errorf("exit code %d, want %d:\n%s", code, test.code, said)
			}
			for _, text := range test.says {
				if !strings.Contains(said, text) {
					t.Errorf("it doesn't say %q:\n%s", text, said)
				}
			}
		})
	}
	if said, code := auditing(t, nil, "verify", "/nowhere.jsonl", key); code != 2 || !strings.Contains(said, "/nowhere.jsonl") {
		t.Errorf("a file that isn't there: %d\n%s", code, said)
	}
	if said, code := auditing(t, nil, "verify", path, "--strict", key); code != 0 {
		t.Errorf("the file itself: %d\n%s", code, said)
	}
}

func TestTheTrailSaysWhoWasGivenWhatAndWhoFetchedIt(t *testing.T) {
	path, read := trailOf(t, startStack(t))
	signature := queryOf(t, read.URL).Get("Signature")
	query := read.URL[strings.Index(read.URL, "?")+1:]
	var lines strings.Builder
	lines.WriteString("#Version: 1.0\n#Fields: date time c-ip cs-uri-stem sc-status sc-bytes cs-uri-query\n")
	for n := range 4 {
		fmt.Fprintf(&lines, "2026-11-21\t12:00:0%d\t192.0.2.%d\t/users/alice/pictures/sunrise.png\t200\t1000\t%s\n", n, n, query)
	}
	log := lines.String() + "2026-11-21\t12:00:09\t192.0.2.9\t/users/alice/\x1b[31m.png\t403\t90\t" + strings.Replace(query, read.ID, "IDNOBODYS", 1) + "\n"
	const key = "users/alice/pictures/sunrise.png"
	for name, test := range map[string]struct {
		arguments   []string
		says, never []string
		lines       int
	}{
		"who":               {[]string{"who", key, path}, []string{read.ID, key, " users/alice/ ", "issued"}, []string{"denied", "bob"}, 3},
		"who, refusals too": {[]string{"who", key, path, "--refused"}, []string{"denied", "bob"}, nil, 4},
		"who, of another":   {[]string{"who", "users/alice/other.png", path}, []string{" users/alice/ "}, []string{read.ID}, 2},
		"who, as JSON":      {[]string{"who", key, path, "-ojson"}, []string{`"id":"` + read.ID + `"`, `"policies":[`}, nil, 2},
		"what":              {[]string{"what", "alice", path}, []string{read.ID, "read"}, []string{"bob"}, 3},
		"what, of nobody":   {[]string{"what", "dave", path}, nil, []string{"alice"}, 1},
		"join":              {[]string{"join", "-", path}, []string{"(not in the trail)", "12:00:03Z", "4000", "Used from 3 addresses", "4          alice", `\x1b`}, []string{"\x1b"}, 9},
		"join, from five":   {[]string{"join", "-", path, "--many=5"}, nil, []string{"4          alice"}, 8},
		"join, as JSON":     {[]string{"join", "-", path, "-o", "json"}, []string{`"known":true,"principal":"alice"`, `"addresses":4`}, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			said, code := auditing(t, strings.NewReader(log), test.arguments...)
			if code != 0 || strings.Count(said, "\n") != test.lines {
				t.Errorf("exit code %d, %d lines, want %d:\n%s", code, strings.Count(said, "\n"), test.lines, said)
			}
			for _, text := range test.says {
				if !strings.Contains(said, text) {
					t.Errorf("it doesn't say %q:\n%s", text, said)
				}
			}
			for _, text := range append(test.never, signature[:20], "Signature") {
				if strings.Contains(said, text) {
					t.Errorf("it says %q:\n%s", text, said)
				}
			}
		})
	}
	if said, code := auditing(t, nil, "join", "/nowhere.log", path); code != 2 {
		t.Errorf("a log that isn't there: %d\n%s", code, said)
	}
}

// kills is how often the gateway is killed.
const kills = 15

func TestKillingTheGatewayLosesNoRecordOfAURLThatLeft(t *testing.T) {
	s := startStack(t)
	path := filepath.Join(t.TempDir(), "trail.jsonl")
	key := activeKey(t, s)
	for kill := range kills {
		g := s.startGateway(t, "--audit-file="+path, "--audit-checkpoint-interval=1s")
		received := killed(t, g)
		recorded := idsOf(t, path)
		for _, id := range received {
			if !recorded[id] {
				t.Fatalf("kill %d: %s left and isn't recorded", kill, id)
			}
		}
		if said, code := auditing(t, nil, "verify", path, key); code != 0 {
			t.Fatalf("kill %d: %s", kill, said)
		}
	}
	g := s.startGateway(t, "--audit-file="+path)
	_ = g.readURL(t, "alice", client.ReadItem{Key: "users/alice/a.png"})
	g.interrupt(t)
	said, code := auditing(t, nil, "verify", path, "--strict", "-ojson", key)
	var told struct{ Report struct{ Runs int } }
	if err := json.Unmarshal([]byte(said), &told); err != nil || code != 0 || told.Report.Runs != kills+1 {
		t.Errorf("in the end: %d %v\n%s", code, err, said)
	}
}

func idsOf(t *testing.T, path string) map[string]bool {
	t.Helper()
	trail, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for line := range strings.Lines(string(trail)) {
		_, rest, _ := strings.Cut(line, `"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		ids[id] = true
	}
	return ids
}

// killed asks a gateway for URLs from several sides, kills it at a random
// moment and returns the ids of those that came.
func killed(t *testing.T, g *gateway) []string {
	t.Helper()
	var mu sync.Mutex
	var received []string
	token := g.token(t, "alice")
	came := make(chan struct{}, 1)
	var callers sync.WaitGroup
	for range 4 {
		alice, err := client.New(client.Config{URL: g.url, Token: func(context.Context) (string, error) { return token, nil }, Pause: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		callers.Go(func() {
			for {
				items := make([]client.ReadItem, 1+rand.IntN(100))
				for n := range items {
					items[n].Key = fmt.Sprintf("users/alice/%d/%d.png", rand.IntN(3), n)
				}
				urls, err := alice.ReadURLs(t.Context(), items...)
				if err != nil {
					return
				}
				mu.Lock()
				for _, url := range urls {
					received = append(received, url.ID)
				}
				mu.Unlock()
				select {
				case came <- struct{}{}:
				default:
				}
			}
		})
	}
	select {
	case <-came:
	case <-time.After(patience):
		t.Error("no URL came")
	}
	<-time.After(time.Duration(rand.IntN(150_000)) * time.Microsecond)
	if err := g.command.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = g.exitCode(t)
	callers.Wait()
	if len(received) == 0 || slices.Contains(received, "") {
		t.Errorf("%d URLs came, or one without an id", len(received))
	}
	return received
}
