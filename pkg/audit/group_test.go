package audit_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/audit"
)

var errSink = errors.New("the sink is away")

// shelf is a sink in memory. before is asked before each Store and says how
// many of the lines are kept, and what is answered.
type shelf struct {
	mu     sync.Mutex
	text   bytes.Buffer
	stored int // calls
	before func(ctx context.Context, lines int) (int, error)
}

func (s *shelf) Store(ctx context.Context, _ string, lines []audit.Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored++
	kept, err := len(lines), error(nil)
	if s.before != nil {
		kept, err = s.before(ctx, len(lines))
	}
	for _, line := range lines[:kept] {
		s.text.Write(line.Text)
		s.text.WriteByte('\n')
	}
	return err
}

func (s *shelf) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func newSunk(t testing.TB, sink audit.Sink) *audit.Log {
	t.Helper()
	return audit.New(audit.Config{Sink: sink, Patience: 10 * time.Second, Signer: fixedKey(t), KeyID: keyID, Now: noon})
}

func TestNobodyWaitsForACheckpointLongerThanTheyCan(t *testing.T) {
	s := &shelf{}
	log := newSunk(t, s)
	write(t, log, "one")
	release := make(chan struct{})
	s.mu.Lock()
	s.before = func(_ context.Context, lines int) (int, error) {
		<-release
		return lines, nil
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := log.CheckpointWithin(ctx); !errors.Is(err, audit.ErrNotRecorded) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("CheckpointWithin = %v", err)
	}
	close(release)
	if err := log.CheckpointWithin(t.Context()); err != nil || !strings.Contains(s.String(), `"checkpoint"`) {
		t.Errorf("CheckpointWithin = %v:\n%s", err, s)
	}
}

func TestASinkKeepsAChainThatVerifies(t *testing.T) {
	s := &shelf{}
	log := newSunk(t, s)
	write(t, log, "one", "two")
	finish(t, log.Checkpoint)
	finish(t, log.Checkpoint) // of nothing new
	write(t, log, "three")
	finish(t, log.Close)
	finish(t, log.Close)
	if got := verify(t, []byte(s.String())); !got.Complete() || got.Records != 3 || got.Checkpoints != 3 {
		t.Errorf("%+v\n%s", got, s)
	}
	if err := log.Record(t.Context(), record("four")); !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("after the end: %v", err)
	}
}

func TestARunThatRecordedNothingLeavesNothingInASink(t *testing.T) {
	s := &shelf{}
	log := newSunk(t, s)
	finish(t, log.Checkpoint)
	if err := log.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	finish(t, log.Close)
	if s.String() != "" {
		t.Error(s)
	}
}

// The promise of all of this: however the sink fails, whenever, no record is
// said to be kept that isn't, and the chain has no hole.
func TestWhateverASinkDoesNoRecordIsSaidToBeKeptThatIsnt(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := &shelf{before: func(_ context.Context, lines int) (int, error) {
			switch random.IntN(4) {
			case 0:
				return 0, errSink
			case 1:
				return lines, errSink // the answer got lost
			case 2:
				return random.IntN(lines + 1), errSink // the first few
			}
			return lines, nil
		}}
		log := newSunk(t, s)
		var mu sync.Mutex
		var kept []string
		var all sync.WaitGroup
		for person := range 8 {
			all.Go(func() {
				for n := range 20 {
					id := fmt.Sprintf("ID%dX%d", person, n)
					err := log.Record(t.Context(), record(id), record(id+"B"))
					if err != nil && !errors.Is(err, audit.ErrNotRecorded) {
						t.Error(err)
					}
					if err == nil {
						mu.Lock()
						kept = append(kept, id, id+"B")
						mu.Unlock()
					}
				}
			})
		}
		all.Wait()
		for range 100 {
			if log.Checkpoint() == nil {
				break
			}
		}
		s.mu.Lock()
		s.before = nil
		s.mu.Unlock()
		finish(t, log.Close)
		trail, _ := gathered(t, 0, []byte(s.String()))
		if got := verify(t, trail); !got.Complete() || got.Runs != 1 {
			t.Fatalf("seed %d: %+v", seed, got)
		}
		for _, id := range kept {
			if !bytes.Contains(trail, []byte(`"id":"`+id+`"`)) {
				t.Errorf("seed %d: %s was said to be kept", seed, id)
			}
		}
	}
}

func TestWhatASinkCannotKeepIsAnError(t *testing.T) {
	s := &shelf{before: func(context.Context, int) (int, error) { return 0, errSink }}
	log := newSunk(t, s)
	for range 2 {
		if err := log.Record(t.Context(), record("one")); !errors.Is(err, audit.ErrNotRecorded) || !errors.Is(err, errSink) {
			t.Error(err)
		}
	}
	if err := log.Ready(t.Context()); !errors.Is(err, errSink) {
		t.Errorf("ready: %v", err)
	}
	s.mu.Lock()
	s.before = nil
	s.mu.Unlock()
	if err := log.Ready(t.Context()); err != nil {
		t.Errorf("not ready again: %v", err)
	}
	write(t, log, "two")
	finish(t, log.Close)
	if got := verify(t, []byte(s.String())); !got.Complete() {
		t.Errorf("%+v\n%s", got, s)
	}
}

// awaySigner is a key that may be out of reach.
type awaySigner struct {
	crypto.Signer
	away atomic.Bool
}

var errAway = errors.New("the key is away")

func (s *awaySigner) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	if s.away.Load() {
		return nil, errAway
	}
	return s.Signer.Sign(random, digest, options)
}

func TestARunThatCannotBeginIsNotReady(t *testing.T) {
	s, signer := &shelf{}, &awaySigner{Signer: fixedKey(t)}
	signer.away.Store(true)
	log := audit.New(audit.Config{Sink: s, Signer: signer, KeyID: keyID, Now: noon})
	if err := log.Record(t.Context(), record("one")); !errors.Is(err, audit.ErrNotRecorded) || !errors.Is(err, errAway) {
		t.Error(err)
	}
	for range 2 {
		if err := log.Ready(t.Context()); !errors.Is(err, audit.ErrNotRecorded) || !errors.Is(err, errAway) {
			t.Errorf("ready: %v", err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Ready(gone); err == nil {
		t.Error("ready for one who has left")
	}
	if err := log.Ready(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("ready after one who has left: %v", err)
	}
	signer.away.Store(false)
	finish(t, func() error { return log.Ready(t.Context()) })
	write(t, log, "two")
	finish(t, log.Close)
	if got := verify(t, []byte(s.String())); !got.Complete() || got.Records != 1 || got.Checkpoints != 2 {
		t.Errorf("%+v\n%s", got, s)
	}
}

func TestASinkThatCannotHaveACheckpointIsNotReadyUntilLinesAreKept(t *testing.T) {
	s, signer := &shelf{}, &awaySigner{Signer: fixedKey(t)}
	log := audit.New(audit.Config{Sink: s, Signer: signer, KeyID: keyID, Now: noon})
	write(t, log, "one")
	signer.away.Store(true)
	if err := log.Checkpoint(); !errors.Is(err, errAway) {
		t.Error(err)
	}
	if err := log.Ready(t.Context()); !errors.Is(err, errAway) {
		t.Errorf("ready: %v", err)
	}
	write(t, log, "two")
	finish(t, func() error { return log.Ready(t.Context()) })
}

func TestASinkThatDoesNotAnswerHoldsNobodyUp(t *testing.T) {
	s := &shelf{before: func(ctx context.Context, _ int) (int, error) { <-ctx.Done(); return 0, ctx.Err() }}
	log := audit.New(audit.Config{Sink: s, Patience: 20 * time.Millisecond})
	if err := log.Record(t.Context(), record("one")); !errors.Is(err, audit.ErrNotRecorded) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	release := make(chan struct{})
	defer close(release)
	log = newSunk(t, &shelf{before: func(context.Context, int) (int, error) { <-release; return 0, errSink }})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := log.Record(ctx, record("one")); !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("whose caller is gone: %v", err)
	}
}

func TestRecordsThatComeWhileTheSinkWritesAreWrittenTogether(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	first := true
	s := &shelf{before: func(_ context.Context, lines int) (int, error) {
		if first {
			first = false
			close(entered)
			<-release
		}
		return lines, nil
	}}
	log := newSunk(t, s)
	errs := make(chan error)
	go func() { errs <- log.Record(t.Context(), record("first")) }()
	<-entered
	const others = 300
	var started sync.WaitGroup
	started.Add(others)
	for n := range others {
		go func() {
			started.Done()
			errs <- log.Record(t.Context(), record(fmt.Sprintf("N%d", n)))
		}()
	}
	started.Wait()
	close(release)
	for range others + 1 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if s.stored > others/2 {
		t.Errorf("%d records in %d batches", others+1, s.stored)
	}
	finish(t, log.Close)
	if got := verify(t, []byte(s.String())); !got.Complete() || got.Records != others+1 {
		t.Errorf("%+v", got)
	}
}

func TestALineThatIsTooLongSpoilsNoOtherInASink(t *testing.T) {
	s := &shelf{}
	log := newSunk(t, s)
	long := record("LONG")
	long.Key = strings.Repeat("x", 300<<10)
	if err := log.Record(t.Context(), record("before"), long); !errors.Is(err, audit.ErrNotRecorded) {
		t.Error(err)
	}
	write(t, log, "short")
	finish(t, log.Close)
	if got := verify(t, []byte(s.String())); !got.Complete() || got.Records != 1 {
		t.Errorf("%+v", got)
	}
}

func TestMoreThanMemoryIsForDoesNotWait(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := &shelf{before: func(_ context.Context, lines int) (int, error) {
		once.Do(func() { close(entered) })
		<-release
		return lines, nil
	}}
	log := newSunk(t, s)
	long := record("LONG")
	long.Key = strings.Repeat("x", 240<<10)
	many := make([]audit.Record, 84) // 20 MB
	for n := range many {
		many[n] = long
	}
	first, others := make(chan error, 1), make(chan error, 9)
	go func() { first <- log.Record(t.Context(), many...) }()
	<-entered
	for range 9 {
		go func() { others <- log.Record(t.Context(), many...) }()
	}
	for range 6 { // three wait
		if err := <-others; !errors.Is(err, audit.ErrNotRecorded) {
			t.Error(err)
		}
	}
	close(release)
	for range 3 {
		if err := <-others; err != nil {
			t.Error(err)
		}
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
}
