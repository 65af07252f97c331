package audit

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Config says what a log writes to and who signs it.
type Config struct {
	Out     io.Writer            // each call of Record is one Write
	Chain   string               // the id of this run, letters and digits; a random one where it is empty
	Signer  crypto.Signer        // signs beginning, checkpoints and end: P-256 or RSA; without it there are none
	KeyID   string               // of the signer's public half
	Now     func() time.Time     // for the signed lines
	Tail    func() (Tail, error) // what the file ends in, asked for before the first line; nil: nothing
	OnError func(error)          // hears of checkpoints that could not be written; may be nil
}

// New makes a log. Nothing is written before the first record.
func New(config Config) *Log {
	if config.Chain == "" {
		config.Chain = rand.Text()
	}
	return &Log{config: config, chain: chain{id: config.Chain}}
}

// kind says what a line is that is no record.
type kind string

// The kinds. All of them are signed.
const (
	kindStart      kind = "start"      // the first line of a run; it links to the run before
	kindCheckpoint kind = "checkpoint" // everything so far stands
	kindEnd        kind = "end"        // the last line of a run
)

// mark is a line that is no record.
type mark struct {
	Time  time.Time `json:"time"`
	Kind  kind      `json:"kind"`
	KeyID string    `json:"keyId"`
}

// checkpointDomain begins every message that is signed here, so that nothing
// else that the key signs, such as CloudFront's policies, can pass for one.
const checkpointDomain = "signgate audit checkpoint v1\n"

// Checkpoint signs what was written since the last signed line, if anything
// was. The error wraps ErrNotRecorded.
func (l *Log) Checkpoint() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.config.Signer == nil || l.closed || l.chain.seq == l.chain.signedTo {
		return nil
	}
	return l.mark(kindCheckpoint)
}

// Start makes a checkpoint at every interval, until Close.
func (l *Log) Start(every time.Duration) {
	ctx, stop := context.WithCancel(context.Background())
	l.stop, l.done = stop, make(chan struct{})
	go func() {
		defer close(l.done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if err := l.Checkpoint(); err != nil && l.config.OnError != nil {
				l.config.OnError(err)
			}
		}
	}()
}

// Close ends the schedule and the run: its last line is signed. Nothing can be
// recorded afterwards. The writer stays open.
func (l *Log) Close() error {
	if l.stop != nil {
		l.stop()
		<-l.done
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	var err error
	if l.config.Signer != nil && l.chain.seq > 0 {
		err = l.mark(kindEnd)
	}
	l.closed = true
	return err
}

// mark writes a signed line. Where the run has not begun, its beginning is
// one already.
func (l *Log) mark(kind kind) error {
	begins := l.chain.seq == 0
	return l.append(func(b *batch) error {
		if begins {
			return nil
		}
		return l.addMark(b, kind)
	})
}

func (l *Log) addMark(b *batch, kind kind) error {
	body, err := json.Marshal(mark{Time: l.config.Now().UTC(), Kind: kind, KeyID: l.config.KeyID})
	if err != nil {
		return err
	}
	return b.add(body, func(line []byte) ([]byte, error) {
		signature, err := l.config.Signer.Sign(rand.Reader, signedDigest(line), crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("sign a checkpoint: %w", err)
		}
		return signature, nil
	})
}

// signedDigest is what the signature of a line is made over.
func signedDigest(line []byte) []byte {
	hash := sha256.New()
	_, _ = io.WriteString(hash, checkpointDomain) // a hash takes everything
	_, _ = hash.Write(line)
	return hash.Sum(nil)
}
