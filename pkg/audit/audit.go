package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNotRecorded is wrapped by every error of Record.
var ErrNotRecorded = errors.New("not recorded in the audit trail")

var (
	errClosed  = errors.New("the trail is closed")
	errTooLong = fmt.Errorf("a line is longer than %d bytes", maxLine)
)

// Outcome is what became of a request for access.
type Outcome string

// The outcomes.
const (
	Issued Outcome = "issued" // a signed request was made and is about to leave
	Denied Outcome = "denied" // the decision was no
)

// Record is one line of the audit trail, but for its place in the chain.
type Record struct {
	Time          time.Time  `json:"time"`                // UTC
	ID            string     `json:"id,omitempty"`        // the issue id; in a read URL it is sg-id; the same in all steps of an upload
	RequestID     string     `json:"requestId,omitempty"` // joins the records of one HTTP request to its log line
	Outcome       Outcome    `json:"outcome"`
	Principal     string     `json:"principal"`           // the subject
	Authenticated string     `json:"authenticated"`       // how, for example "oidc"
	Address       string     `json:"address,omitempty"`   // where the request came from
	Action        string     `json:"action"`              // read, write, overwrite or delete
	Key           string     `json:"key"`                 // the object
	Step          string     `json:"step,omitempty"`      // of an upload: session, credentials, start, parts, list, complete or abort
	Parts         string     `json:"parts,omitempty"`     // the numbers of the parts that were signed, such as "1-3,7"
	Grant         string     `json:"grant,omitempty"`     // the id of the share that the decision rests on
	Grantee       string     `json:"grantee,omitempty"`   // of a share that was made or taken back: with whom
	Policies      []string   `json:"policies,omitempty"`  // the ids of the policies that decided
	Hook          string     `json:"hook,omitempty"`      // the id of the question that the application answered, where it is asked
	KeyID         string     `json:"keyId,omitempty"`     // the CloudFront key that signed
	ExpiresAt     *time.Time `json:"expiresAt,omitempty"` // when what was issued dies, UTC
}

// Log writes records as JSON lines, each with its place in the chain of this
// run. It is safe for concurrent use: the lines of one call stand together.
type Log struct {
	config  Config
	signing atomic.Pointer[signing] // nil where nothing is signed; Config has only the first

	mu      sync.Mutex
	chain   chain
	failure error // of the last write
	closed  bool
	group   *group // where there is a sink; it holds the chain then

	stop context.CancelFunc // ends the schedule
	done chan struct{}
}

// NewLog makes a log that writes a chain without checkpoints: changes show,
// but whoever may write to the trail can write all of it anew. Each call of
// Record is one Write, so a file opened for appending keeps whole lines even
// with several writers.
func NewLog(out io.Writer) *Log { return New(Config{Out: out}) }

// Record writes the records, all or, as far as the writer tells, none. The
// error wraps ErrNotRecorded; nothing that the records speak of may then be
// handed out.
func (l *Log) Record(ctx context.Context, records ...Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	var bodies bytes.Buffer
	encoder := json.NewEncoder(&bodies)
	encoder.SetEscapeHTML(false)
	ends := make([]int, len(records))
	for i, record := range records {
		if err := encoder.Encode(record); err != nil {
			return fmt.Errorf("%w: %w", ErrNotRecorded, err)
		}
		ends[i] = bodies.Len() - 1 // without the newline
	}
	return l.commit(ctx, bodies.Len(), func(b *batch) error {
		start := 0
		for _, end := range ends {
			if err := b.add(bodies.Bytes()[start:end], nil); err != nil {
				return err
			}
			start = end + 1
		}
		return nil
	})
}

// CheckpointWithin is Checkpoint for those who can't wait for ever: when ctx
// ends it returns, and the checkpoint that was begun is finished without it.
// The error wraps ErrNotRecorded.
func (l *Log) CheckpointWithin(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- l.Checkpoint() }() //nolint:contextcheck // a checkpoint isn't left half done
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotRecorded, ctx.Err())
	}
}

// commit writes what fill adds.
func (l *Log) commit(ctx context.Context, size int, fill func(*batch) error) error {
	if l.group != nil {
		return l.group.commit(ctx, size, fill)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.append(fill)
}

// Ready says whether records can be written: the last one could be, or now a
// line can. The error wraps ErrNotRecorded.
func (l *Log) Ready(ctx context.Context) error {
	if l.group != nil {
		return l.group.ready(ctx, l.checkpoint)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		return nil
	}
	if l.signs() {
		return l.mark(kindCheckpoint)
	}
	b := l.chain.batch()
	if !b.lead {
		b.data = append(b.data, '\n')
	}
	return l.write(b)
}

// append writes what fill adds, after the beginning of the run where there is
// none yet.
func (l *Log) append(fill func(b *batch) error) error {
	if l.closed {
		return fmt.Errorf("%w: %w", ErrNotRecorded, errClosed)
	}
	begins := l.chain.seq == 0
	if begins && l.config.Tail != nil {
		tail, err := l.config.Tail()
		if err != nil {
			return l.failed(err)
		}
		l.chain.follow(tail)
	}
	b := l.chain.batch()
	if begins {
		if err := l.addMark(b, kindStart); err != nil {
			return l.failed(err)
		}
	}
	if err := fill(b); err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	return l.write(b)
}

func (l *Log) failed(err error) error {
	l.failure = fmt.Errorf("%w: %w", ErrNotRecorded, err)
	return l.failure
}

func (l *Log) write(b *batch) error {
	if len(b.data) == 0 {
		return nil
	}
	n, err := l.config.Out.Write(b.data)
	if err == nil && n < len(b.data) {
		err = io.ErrShortWrite
	}
	l.chain.wrote(b, n)
	if err != nil {
		return l.failed(err)
	}
	l.failure = nil
	return nil
}
