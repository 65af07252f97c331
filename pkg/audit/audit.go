package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrNotRecorded is wrapped by every error of Record.
var ErrNotRecorded = errors.New("not recorded in the audit trail")

// Outcome is what became of a request for access.
type Outcome string

// The outcomes.
const (
	Issued Outcome = "issued" // a signed request was made and is about to leave
	Denied Outcome = "denied" // the decision was no
)

// Record is one line of the audit trail.
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
	KeyID         string     `json:"keyId,omitempty"`     // the CloudFront key that signed
	ExpiresAt     *time.Time `json:"expiresAt,omitempty"` // when what was issued dies, UTC
}

// Log writes records as JSON lines. It is safe for concurrent use: the lines
// of one call stand together.
type Log struct {
	mu      sync.Mutex
	out     io.Writer
	partial bool  // the last write may have left half a line
	failure error // of the last write
}

// NewLog makes a log that writes to out. Each call of Record is one Write, so
// a file opened for appending keeps whole lines even with several writers.
func NewLog(out io.Writer) *Log { return &Log{out: out} }

// Record writes the records, all or, as far as the writer tells, none. The
// error wraps ErrNotRecorded; nothing that the records speak of may then be
// handed out.
func (l *Log) Record(ctx context.Context, records ...Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, record := range records {
		if err := encoder.Encode(record); err != nil {
			return fmt.Errorf("%w: %w", ErrNotRecorded, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.write(lines.Bytes())
}

// Ready says whether records can be written: the last one could be, or now an
// empty line can. The error wraps ErrNotRecorded.
func (l *Log) Ready(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		return nil
	}
	return l.write([]byte("\n"))
}

func (l *Log) write(data []byte) error {
	if l.partial {
		data = append([]byte("\n"), data...) // so that half a line spoils no other
	}
	n, err := l.out.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		l.partial = l.partial || n > 0
		l.failure = fmt.Errorf("%w: %w", ErrNotRecorded, err)
		return l.failure
	}
	l.partial, l.failure = false, nil
	return nil
}
