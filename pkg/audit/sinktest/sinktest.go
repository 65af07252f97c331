// Package sinktest holds what every sink of the audit trail promises: run
// against a real server, over HTTP, with its faults put in between. Moto, which
// speaks for AWS here, is started once for a package of tests.
package sinktest

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/pkg/audit"
)

// Region is where moto's resources are made.
const Region = "eu-central-1"

// Credentials are what moto takes.
func Credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
}

// Moto is a running server of moto's.
type Moto struct {
	URL string

	command *exec.Cmd
}

// StartMoto runs the server that `make judges` installs, given its path.
func StartMoto(path string) (*Moto, error) {
	command := exec.CommandContext(context.Background(), path, "--host=127.0.0.1", "--port=0")
	said, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%w; `make judges` installs moto", err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text()); url != "" {
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return &Moto{URL: url, command: command}, nil
		}
	}
	return nil, errors.Join(errors.New("moto doesn't start"), lines.Err(), command.Wait())
}

// Stop ends the server.
func (m *Moto) Stop() {
	_ = m.command.Process.Signal(syscall.SIGINT)
	_ = m.command.Wait()
}

// Main runs the tests of a package beside a server of moto's, which use gets,
// and ends the process.
func Main(m *testing.M, path string, use func(*Moto)) {
	moto, err := StartMoto(path)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	use(moto)
	code := m.Run()
	moto.Stop()
	os.Exit(code)
}

// Kept is a sink under test, and a way to read what it has kept.
type Kept struct {
	New  func(aws.HTTPClient) audit.Sink // over a client of a test's own
	Read func(t testing.TB) []byte       // lines, in any order
	Deny string                          // what the service answers when it is asked too much
}

// Run holds a sink to its promises; open makes an empty one.
func Run(t *testing.T, open func(t *testing.T) Kept) {
	t.Helper()
	t.Run("what is recorded comes back as a chain that verifies", func(t *testing.T) { recorded(t, open(t)) })
	t.Run("what was sent twice is a chain that verifies", func(t *testing.T) { twice(t, open(t)) })
	t.Run("more than fits into one request is kept in order", func(t *testing.T) { large(t, open(t)) })
	t.Run("nothing is said to be kept while the service says no", func(t *testing.T) { throttled(t, open(t)) })
	t.Run("nothing is said to be kept while no answer comes", func(t *testing.T) { silent(t, open(t)) })
	t.Run("an answer that got lost leaves no hole and no second line", func(t *testing.T) { lost(t, open(t)) })
	t.Run("a batch that got in halfway is finished before anything else", func(t *testing.T) { halfway(t, open(t)) })
}

// transport is an http.RoundTripper.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func record(id string) audit.Record {
	return audit.Record{Time: noon(), ID: id, Outcome: audit.Issued, Principal: "alice", Authenticated: "oidc", Action: "read", Key: "users/alice/" + id}
}

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// trail is a log into the sink and what verifies it.
type trail struct {
	*audit.Log
	kept Kept
	keys map[string]crypto.PublicKey
}

func newTrail(t testing.TB, kept Kept, rt http.RoundTripper, patience time.Duration) *trail {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &trail{kept: kept, keys: map[string]crypto.PublicKey{"K": key.Public()}, Log: audit.New(audit.Config{
		Sink: kept.New(&http.Client{Transport: rt}), Patience: patience, Signer: key, KeyID: "K", Now: noon,
	})}
}

// verified ends the run and returns the lines that the sink has.
func (l *trail) verified(t testing.TB, records int64) []byte {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	gather := audit.NewGather(t.TempDir())
	defer func() { _ = gather.Close() }()
	if err := gather.Add(bytes.NewReader(l.kept.Read(t))); err != nil {
		t.Fatal(err)
	}
	var sorted bytes.Buffer
	if _, err := gather.WriteTo(&sorted); err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(bytes.NewReader(sorted.Bytes()), audit.VerifyOptions{Keys: l.keys}, func(f audit.Finding) { t.Errorf("%+v", f) })
	if err != nil || !report.Complete() || report.Records != records {
		t.Errorf("%+v, %v", report, err)
	}
	return sorted.Bytes()
}

func recorded(t *testing.T, kept Kept) {
	t.Helper()
	l := newTrail(t, kept, http.DefaultTransport, time.Minute)
	var all sync.WaitGroup
	for person := range 10 {
		all.Go(func() {
			for n := range 5 {
				if err := l.Record(t.Context(), record(fmt.Sprintf("ID%dX%d", person, n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := l.Checkpoint(); err != nil {
		t.Error(err)
	}
	text := l.verified(t, 50)
	for person := range 10 {
		if id := fmt.Sprintf(`"id":"ID%dX4"`, person); !bytes.Contains(text, []byte(id)) {
			t.Errorf("%s is missing", id)
		}
	}
}

func twice(t *testing.T, kept Kept) {
	t.Helper()
	doubled := kept
	doubled.New = func(c aws.HTTPClient) audit.Sink { return doubling{kept.New(c)} }
	l := newTrail(t, doubled, http.DefaultTransport, time.Minute)
	if err := l.Record(t.Context(), record("one"), record("two")); err != nil {
		t.Fatal(err)
	}
	l.verified(t, 2)
}

// doubling stores everything twice.
type doubling struct{ audit.Sink }

func (d doubling) Store(ctx context.Context, chain string, lines []audit.Line) error {
	return errors.Join(d.Sink.Store(ctx, chain, lines), d.Sink.Store(ctx, chain, lines))
}

func large(t *testing.T, kept Kept) {
	t.Helper()
	l := newTrail(t, kept, http.DefaultTransport, time.Minute)
	records := make([]audit.Record, 520)
	for n := range records {
		records[n] = record(fmt.Sprintf("ID%d", n))
		records[n].Key += strings.Repeat("x", 900)
	}
	for n := range 5 {
		records[n].Key += strings.Repeat("x", 250<<10)
	}
	if err := l.Record(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	l.verified(t, 520)
}

func throttled(t *testing.T, kept Kept) {
	t.Helper()
	l := newTrail(t, kept, transport(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
			Body: io.NopCloser(strings.NewReader(`{"__type":"` + kept.Deny + `","message":"slow down"}`)), Request: r,
		}, nil
	}), time.Second)
	if err := l.Record(t.Context(), record("one")); !errors.Is(err, audit.ErrNotRecorded) {
		t.Error(err)
	}
	if text := kept.Read(t); len(text) != 0 {
		t.Errorf("kept %s", text)
	}
}

func silent(t *testing.T, kept Kept) {
	t.Helper()
	l := newTrail(t, kept, transport(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}), 50*time.Millisecond)
	if err := l.Record(t.Context(), record("one")); !errors.Is(err, audit.ErrNotRecorded) {
		t.Error(err)
	}
}

// lost has the service do what it is asked, and its answers get lost on the
// way, the SDK's own repetitions too.
func lost(t *testing.T, kept Kept) {
	t.Helper()
	var mu sync.Mutex
	losing := true
	l := newTrail(t, kept, transport(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && losing {
			_ = response.Body.Close()
			return nil, errors.New("the connection broke")
		}
		return response, err
	}), time.Minute)
	if err := l.Record(t.Context(), record("one")); !errors.Is(err, audit.ErrNotRecorded) {
		t.Error(err)
	}
	mu.Lock()
	losing = false
	mu.Unlock()
	if err := l.Record(t.Context(), record("two")); err != nil {
		t.Error(err)
	}
	l.verified(t, 2)
}

// halfway lets the first request of a large batch through, and no other.
func halfway(t *testing.T, kept Kept) {
	t.Helper()
	var mu sync.Mutex
	through := 1
	l := newTrail(t, kept, transport(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		through--
		pass := through >= 0
		mu.Unlock()
		if !pass {
			return nil, errors.New("no route")
		}
		return http.DefaultTransport.RoundTrip(r)
	}), time.Minute)
	records := make([]audit.Record, 520)
	for n := range records {
		records[n] = record(fmt.Sprintf("ID%d", n))
	}
	if err := l.Record(t.Context(), records...); !errors.Is(err, audit.ErrNotRecorded) {
		t.Error(err)
	}
	got := bytes.Count(kept.Read(t), []byte("\n"))
	if got == 0 || got >= 520 {
		t.Errorf("%d lines got in", got)
	}
	if err := l.Ready(t.Context()); !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("ready: %v", err)
	}
	mu.Lock()
	through = 1000
	mu.Unlock()
	if err := l.Ready(t.Context()); err != nil {
		t.Errorf("not ready again: %v", err)
	}
	if err := l.Record(t.Context(), record("after")); err != nil {
		t.Error(err)
	}
	if text := l.verified(t, 521); !bytes.Contains(text, []byte(`"id":"ID519"`)) {
		t.Error("the rest is missing")
	}
}
