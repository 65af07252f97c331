package audit_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/audit"
)

const keyID = "KTEST0001"

// fixedKey is the same in every run, so that seeds stay valid.
func fixedKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	secret := sha256.Sum256([]byte("the key of the tests"))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret[:])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// openTrail begins a run in a file, as the gateway does.
func openTrail(t testing.TB, path string, signer crypto.Signer) *audit.Log {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return audit.New(audit.Config{Out: file, Tail: audit.TailOf(path), Signer: signer, KeyID: keyID, Now: noon})
}

func write(t testing.TB, log *audit.Log, ids ...string) {
	t.Helper()
	records := make([]audit.Record, len(ids))
	for i, id := range ids {
		records[i] = record(id)
	}
	if err := log.Record(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
}

func finish(t testing.TB, step func() error) {
	t.Helper()
	if err := step(); err != nil {
		t.Fatal(err)
	}
}

// verified is a report and what it found.
type verified struct {
	audit.Report
	found []audit.Finding
}

func verify(t testing.TB, trail []byte) verified {
	t.Helper()
	return verifyWith(t, trail, audit.VerifyOptions{Keys: map[string]crypto.PublicKey{keyID: fixedKey(t).Public()}})
}

func verifyWith(t testing.TB, trail []byte, options audit.VerifyOptions) verified {
	t.Helper()
	var v verified
	var err error
	v.Report, err = audit.Verify(bytes.NewReader(trail), options, func(f audit.Finding) { v.found = append(v.found, f) })
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestRunsOfOneFileAreLinkedAndSigned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trail")
	for run := range 3 {
		log := openTrail(t, path, fixedKey(t))
		write(t, log, fmt.Sprint("A", run), fmt.Sprint("B", run))
		finish(t, log.Checkpoint)
		finish(t, log.Checkpoint) // nothing new: no line
		write(t, log, fmt.Sprint("C", run))
		finish(t, log.Close)
		finish(t, log.Close)
	}
	got := verify(t, read(t, path))
	if !got.Complete() || got.Runs != 3 || got.Records != 9 || got.Checkpoints != 9 || got.Lines != 18 {
		t.Errorf("%+v", got)
	}
}

func TestAnRSAKeySignsToo(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := audit.New(audit.Config{Out: &out, Signer: key, KeyID: keyID, Now: noon})
	write(t, log, "A")
	finish(t, log.Close)
	options := audit.VerifyOptions{Keys: map[string]crypto.PublicKey{keyID: key.Public()}}
	if got := verifyWith(t, out.Bytes(), options); !got.Complete() || got.Checkpoints != 2 {
		t.Errorf("%+v", got)
	}
	if got := verify(t, out.Bytes()); got.Findings == 0 || got.Checkpoints != 0 {
		t.Errorf("under another key: %+v", got)
	}
}

func TestARunThatRecordedNothingLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trail")
	log := openTrail(t, path, fixedKey(t))
	finish(t, log.Checkpoint)
	finish(t, log.Close)
	if got := read(t, path); len(got) != 0 {
		t.Errorf("it left %s", got)
	}
	if err := log.Record(t.Context(), record("LATE")); !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("after the end: %v", err)
	}
}

func TestTheScheduleSignsWhatWasWritten(t *testing.T) {
	var out bytes.Buffer
	written := make(chan struct{}, 100)
	log := audit.New(audit.Config{Out: telling{&out, written}, Signer: fixedKey(t), KeyID: keyID, Now: noon})
	log.Start(time.Millisecond)
	write(t, log, "A")
	<-written // the record
	select {
	case <-written: // the checkpoint
	case <-time.After(10 * time.Second):
		t.Fatal("no checkpoint came")
	}
	finish(t, log.Close)
	if got := verify(t, out.Bytes()); !got.Complete() || got.Checkpoints != 3 || got.Lines != 4 {
		t.Errorf("%+v\n%s", got, out.String())
	}
}

// telling says when something was written.
type telling struct {
	*bytes.Buffer
	written chan struct{}
}

func (w telling) Write(p []byte) (int, error) {
	defer func() { w.written <- struct{}{} }()
	return w.Buffer.Write(p)
}

func TestAFailedCheckpointIsHeardOf(t *testing.T) {
	out := &moody{}
	heard := make(chan error, 100)
	log := audit.New(audit.Config{Out: out, Signer: fixedKey(t), KeyID: keyID, Now: noon, OnError: func(err error) {
		select {
		case heard <- err:
		default:
		}
	}})
	write(t, log, "A")
	out.fails = true
	log.Start(time.Millisecond)
	if err := <-heard; !errors.Is(err, audit.ErrNotRecorded) {
		t.Error(err)
	}
	if err := log.Close(); !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("Close = %v", err)
	}
}

// cuts are places in a trail: all about the ends of lines, and some others.
func cuts(trail []byte) []int {
	var places []int
	for at := range len(trail) + 1 {
		about := trail[max(0, at-3):min(len(trail), at+3)]
		if at%11 == 0 || at < 12 || at == len(trail) || bytes.ContainsRune(about, '\n') {
			places = append(places, at)
		}
	}
	return places
}

// breaking takes so many bytes and fails, again and again.
type breaking struct {
	bytes.Buffer
	takes []int // of each failing write; afterwards all is well
}

func (w *breaking) Write(p []byte) (int, error) {
	if len(w.takes) == 0 {
		return w.Buffer.Write(p)
	}
	n, _ := w.Buffer.Write(p[:min(w.takes[0], len(p))])
	w.takes = w.takes[1:]
	return n, errors.New("disk full")
}

// However much of a batch a full disk takes, and however often, what is
// written later verifies, and all of it is there.
func TestAFullDiskDoesNotBreakTheChain(t *testing.T) {
	var whole bytes.Buffer
	log := audit.New(audit.Config{Out: &whole, Chain: "X", Signer: fixedKey(t), KeyID: keyID, Now: noon})
	write(t, log, "LOST1", "LOST2")
	for _, first := range cuts(whole.Bytes()) {
		for _, then := range [][]int{nil, {0}, {1}, {2}, {40}, {1, 1, 30}} {
			out := &breaking{takes: append([]int{first}, then...)}
			log := audit.New(audit.Config{Out: out, Chain: "X", Signer: fixedKey(t), KeyID: keyID, Now: noon})
			for range 1 + len(then) {
				if err := log.Record(t.Context(), record("LOST1"), record("LOST2")); !errors.Is(err, audit.ErrNotRecorded) {
					t.Fatalf("%d %v: Record = %v", first, then, err)
				}
			}
			write(t, log, "KEPT")
			finish(t, log.Close)
			if got := verify(t, out.Bytes()); !got.Complete() || !strings.Contains(out.String(), `"id":"KEPT"`) {
				t.Fatalf("%d %v: %+v\n%s", first, then, got, out.String())
			}
		}
	}
}

// Wherever a crash cuts the file, the next run begins behind it and vouches
// for what there is.
func TestACrashAnywhereDoesNotBreakTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "whole")
	log := openTrail(t, path, fixedKey(t))
	write(t, log, "A", "B")
	finish(t, log.Checkpoint)
	write(t, log, "C")
	whole := read(t, path)
	for _, cut := range cuts(whole) {
		path := filepath.Join(dir, "cut")
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if cut > 0 {
			if got := verify(t, whole[:cut]); got.Findings != 0 || got.Complete() {
				t.Fatalf("cut at %d: %+v", cut, got)
			}
		}
		for range 2 {
			again := openTrail(t, path, fixedKey(t))
			write(t, again, "D")
			finish(t, again.Close)
		}
		if got := verify(t, read(t, path)); !got.Complete() || got.Unsigned != 0 {
			t.Fatalf("cut at %d: %+v\n%s", cut, got, read(t, path))
		}
	}
}

func TestAFileThatIsNoTrailIsLeftAlone(t *testing.T) {
	for name, content := range map[string]string{
		"text":            "hello\n",
		"records of old":  `{"time":"2026-11-21T12:00:00Z","outcome":"issued"}` + "\n",
		"a line of dots":  strings.Repeat(".", 5<<20),
		"empty lines":     "\n\n{}\n",
		"half a document": `{"hello":`,
	} {
		path := filepath.Join(t.TempDir(), "trail")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := audit.TailOf(path)(); !errors.Is(err, audit.ErrNoTrail) {
			t.Errorf("%s: %v", name, err)
		}
		if err := openTrail(t, path, fixedKey(t)).Record(t.Context(), record("A")); !errors.Is(err, audit.ErrNotRecorded) || string(read(t, path)) != content {
			t.Errorf("%s: Record = %v", name, err)
		}
	}
	if _, err := audit.TailOf("/dev/null")(); err != nil {
		t.Errorf("a device: %v", err)
	}
}

func TestALineThatNobodyCouldReadIsNotWritten(t *testing.T) {
	var out bytes.Buffer
	log := audit.NewLog(&out)
	long := record("LONG")
	long.Principal = strings.Repeat("x", 1<<20)
	if err := log.Record(t.Context(), record("A"), long); !errors.Is(err, audit.ErrNotRecorded) || out.Len() != 0 {
		t.Errorf("Record = %v, wrote %d bytes", err, out.Len())
	}
	if err := log.Ready(context.Background()); err != nil || out.Len() != 0 {
		t.Errorf("Ready = %v: the disk is well", err)
	}
}

func TestReadinessIsTriedWithASignedLine(t *testing.T) {
	out := &breaking{takes: []int{30, 0}}
	log := audit.New(audit.Config{Out: out, Signer: fixedKey(t), KeyID: keyID, Now: noon})
	if err := log.Record(t.Context(), record("LOST")); err == nil {
		t.Fatal("the write did not fail")
	}
	if err := log.Ready(t.Context()); !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("while it fails: %v", err)
	}
	finish(t, func() error { return log.Ready(t.Context()) })
	finish(t, log.Close)
	if got := verify(t, out.Bytes()); !got.Complete() || got.Torn != 1 {
		t.Errorf("%+v\n%s", got, out.String())
	}
}
