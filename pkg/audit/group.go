package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Sink keeps the lines of a chain somewhere else than in a file.
type Sink interface {
	// Store keeps lines, which follow one another in a chain. It returns nil
	// when all of them are kept for good. After an error some of the first may
	// be kept, but none behind one that isn't; the same lines come again then, before
	// any other, and those that are kept are kept once or, in a sink that can't
	// tell, twice. The lines are the caller's again when it has returned.
	Store(ctx context.Context, chain string, lines []Line) error
}

// Line is a line of a trail and its place in its chain.
type Line struct {
	Seq  uint64
	Text []byte // without a newline, at most 256 KiB
}

// How much is written together, so that it fits into one request of the sinks
// that there are, and how much may wait.
const (
	groupLines   = 400
	groupBytes   = 512 << 10
	waitingBytes = 64 << 20
)

var errTooMany = errors.New("too much waits to be written")

// group writes what concurrent calls record together, one batch after the
// other: the next is put into the chain when the sink has the one before. What
// the sink may not have got is kept, and sent again before anything else, since the
// chain goes on from it.
type group struct {
	sink     Sink
	patience time.Duration
	begin    func(*batch) error // adds the first line of the run, where lines are signed

	mu      sync.Mutex
	waiting []*entry
	bytes   int // that wait
	running bool
	closed  bool
	failure error  // why the last batch wasn't written; nil where it was
	seq     uint64 // of the last line that was put into the chain
	signed  uint64 // of the last one that is signed

	chain  chain  // belongs to whoever runs
	unsent []Line // that the sink may not have
}

// entry is what one call has to write.
type entry struct {
	ctx  context.Context //nolint:containedctx // of the call that waits for it
	size int
	fill func(*batch) error
	done chan error // takes one error
}

func (g *group) commit(ctx context.Context, size int, fill func(*batch) error) error {
	one, err := g.enqueue(ctx, size, fill)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	select {
	case err = <-one.done:
	case <-ctx.Done():
		err = ctx.Err() // it may still be written, and says more than what left
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	return nil
}

// enqueue has an entry written by whoever writes, or begins to write.
func (g *group) enqueue(ctx context.Context, size int, fill func(*batch) error) (*entry, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.closed:
		return nil, errClosed
	case g.bytes+size > waitingBytes:
		return nil, errTooMany
	}
	return g.add(ctx, size, fill), nil
}

func (g *group) add(ctx context.Context, size int, fill func(*batch) error) *entry {
	one := &entry{ctx: ctx, size: size, fill: fill, done: make(chan error, 1)}
	g.waiting, g.bytes = append(g.waiting, one), g.bytes+size
	if !g.running {
		g.running = true
		go g.run() //nolint:contextcheck,gosec // it writes for many calls, of which one may be given up
	}
	return one
}

// run writes until nothing waits.
func (g *group) run() {
	for {
		if err := g.resend(context.Background()); err != nil {
			g.refuse(err)
		} else {
			g.write(g.take())
		}
		g.mu.Lock()
		g.running = len(g.waiting) > 0
		running := g.running
		g.mu.Unlock()
		if !running {
			return
		}
	}
}

// resend gives the sink again what it may not have. Of ctx it takes what it
// carries, not its end.
func (g *group) resend(ctx context.Context) error {
	if len(g.unsent) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.patience)
	defer cancel()
	if err := g.sink.Store(ctx, g.chain.id, g.unsent); err != nil {
		return err
	}
	g.unsent = nil
	g.mu.Lock()
	g.failure = nil
	g.mu.Unlock()
	return nil
}

// refuse ends everything that waits: nothing can be written now.
func (g *group) refuse(err error) {
	g.mu.Lock()
	waiting := g.waiting
	g.waiting, g.bytes, g.failure = nil, 0, err
	g.mu.Unlock()
	for _, one := range waiting {
		one.done <- err
	}
}

// take returns the next entries that are to be written together.
func (g *group) take() []*entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	size, n := 0, 0
	for n < len(g.waiting) && n < groupLines && (n == 0 || size+g.waiting[n].size <= groupBytes) {
		size += g.waiting[n].size
		n++
	}
	taken := g.waiting[:n:n]
	g.waiting, g.bytes = g.waiting[n:], g.bytes-size
	return taken
}

// write puts entries into the chain and the lines into the sink.
func (g *group) write(entries []*entry) {
	b := g.chain.batch()
	written := g.fill(b, entries)
	lines := make([]Line, len(b.lines))
	for n, line := range b.lines {
		lines[n] = Line{Seq: g.chain.seq + uint64(n) + 1, Text: b.data[line.start:line.end]}
	}
	g.chain.wrote(b, len(b.data))
	g.unsent = lines
	ctx := context.Background()
	if len(written) > 0 {
		ctx = written[0].ctx // a trace can hold one of them only
	}
	err := g.resend(ctx)
	g.mu.Lock()
	if err != nil {
		g.failure = err
	}
	g.seq, g.signed = b.seq, b.signedTo
	g.mu.Unlock()
	for _, one := range written {
		one.done <- err
	}
}

// fill lets entries add their lines, answers those that can't, and returns the
// others. A line that can't be signed is a failure until lines are kept again.
func (g *group) fill(b *batch, entries []*entry) []*entry {
	filled := entries[:0:0]
	for _, one := range entries {
		before := *b
		err := one.ctx.Err()
		if err == nil && b.seq == 0 {
			err = g.begin(b)
		}
		if err == nil {
			err = one.fill(b)
		}
		if err != nil {
			*b = before
			if errors.Is(err, errUnsigned) {
				g.mu.Lock()
				g.failure = err // before the answer, so that who has it isn't told otherwise
				g.mu.Unlock()
			}
			one.done <- err
			continue
		}
		filled = append(filled, one)
	}
	return filled
}

// ready says whether the last batch could be written, or now a line can.
func (g *group) ready(ctx context.Context, fill func(*batch) error) error {
	g.mu.Lock()
	failure := g.failure
	g.mu.Unlock()
	if failure == nil {
		return nil
	}
	return g.commit(ctx, 0, fill)
}

// unsigned says whether lines were written since the last signed one.
func (g *group) unsigned() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seq != g.signed
}

// close lets nothing more in, and says whether the run has begun, or will by
// what waits.
func (g *group) close() (begun, already bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	already, g.closed = g.closed, true
	return g.seq > 0 || g.running, already
}

// last writes one more entry after close, and waits for it.
func (g *group) last(fill func(*batch) error) error {
	g.mu.Lock()
	one := g.add(context.Background(), 0, func(b *batch) error {
		if b.seq == 0 {
			return nil
		}
		return fill(b)
	})
	g.mu.Unlock()
	if err := <-one.done; err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	return nil
}
