package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/audit"
)

func record(id string) audit.Record {
	expires := time.Date(2026, 11, 21, 12, 5, 0, 0, time.UTC)
	return audit.Record{
		Time: expires.Add(-5 * time.Minute), ID: id, Outcome: audit.Issued, Principal: "alice",
		Authenticated: "oidc", Action: "read", Key: "users/alice/<a&b>.png", ExpiresAt: &expires,
	}
}

func TestARecordIsOneLineOfJSONThatReadsBack(t *testing.T) {
	var out bytes.Buffer
	want := record("ID1")
	want.Key = "users/alice/line\u2028separator\".png"
	if err := audit.NewLog(&out).Record(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.HasSuffix(out.String(), "\n") {
		t.Fatalf("not one line: %q", out.String())
	}
	var got audit.Record
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Key != want.Key || got.ID != want.ID || !got.ExpiresAt.Equal(*want.ExpiresAt) {
		t.Errorf("read back %+v", got)
	}
}

// failing takes the first n bytes of a write and fails, as a full disk does,
// until it is mended.
type failing struct {
	bytes.Buffer
	n   int
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.err == nil {
		return f.Buffer.Write(p)
	}
	n, _ := f.Buffer.Write(p[:f.n])
	return n, f.err
}

func TestWhatCannotBeWrittenIsAnError(t *testing.T) {
	full := errors.New("disk full")
	err := audit.NewLog(&failing{err: full}).Record(t.Context(), record("ID1"))
	if !errors.Is(err, audit.ErrNotRecorded) || !errors.Is(err, full) {
		t.Errorf("Record = %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := audit.NewLog(&out).Record(cancelled, record("ID1")); !errors.Is(err, audit.ErrNotRecorded) || out.Len() != 0 {
		t.Errorf("Record = %v, wrote %q", err, out.String())
	}
}

// silentlyShort claims success for half a line.
type silentlyShort struct{}

func (silentlyShort) Write(p []byte) (int, error) { return len(p) / 2, nil }

// moody fails as long as it is told to.
type moody struct {
	bytes.Buffer
	fails bool
}

func (m *moody) Write(p []byte) (int, error) {
	if m.fails {
		return 0, errors.New("no space left")
	}
	return m.Buffer.Write(p)
}

func TestItIsReadyAgainOnceItCanWriteAgain(t *testing.T) {
	out := &moody{fails: true}
	log := audit.NewLog(out)
	if err := log.Ready(t.Context()); err != nil {
		t.Errorf("before anything failed: %v", err)
	}
	if err := log.Record(t.Context(), audit.Record{ID: "A"}); !errors.Is(err, audit.ErrNotRecorded) {
		t.Fatal(err)
	}
	if err := log.Ready(t.Context()); !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("while it fails: %v", err)
	}
	out.fails = false
	if err := log.Ready(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAShortWriteIsAnErrorToo(t *testing.T) {
	if err := audit.NewLog(silentlyShort{}).Record(t.Context(), record("ID1")); !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("Record = %v, want ErrNotRecorded", err)
	}
}

func TestHalfALineSpoilsNoOther(t *testing.T) {
	out := &failing{n: 20, err: errors.New("disk full")}
	log := audit.NewLog(out)
	if err := log.Record(t.Context(), record("LOST")); err == nil {
		t.Fatal("the write did not fail")
	}
	out.err = nil
	if err := log.Record(t.Context(), record("KEPT")); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	var last audit.Record
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.ID != "KEPT" {
		t.Errorf("the line after the failure reads %v, %v", last.ID, err)
	}
}

func TestLinesOfConcurrentCallsStayWholeAndTogether(t *testing.T) {
	var out bytes.Buffer
	log := audit.NewLog(&out)
	var writers sync.WaitGroup
	for writer := range 16 {
		writers.Go(func() {
			for call := range 20 {
				id := fmt.Sprintf("W%dC%d", writer, call)
				if err := log.Record(t.Context(), record(id), record(id)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 16*20*2 {
		t.Fatalf("%d lines", len(lines))
	}
	for i := 0; i < len(lines); i += 2 {
		var first, second audit.Record
		if json.Unmarshal([]byte(lines[i]), &first) != nil || json.Unmarshal([]byte(lines[i+1]), &second) != nil || first.ID != second.ID {
			t.Fatalf("lines %d and %d: %s, %s", i, i+1, lines[i], lines[i+1])
		}
	}
}
