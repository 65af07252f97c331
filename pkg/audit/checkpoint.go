package audit

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Config says what a log writes to and who signs it.
type Config struct {
	Out      io.Writer            // each call of Record is one Write; nil where there is a Sink
	Sink     Sink                 // keeps the lines of concurrent calls together
	Patience time.Duration        // how long a Sink may take; 5 seconds where it is 0
	Chain    string               // the id of this run, letters and digits; a random one where it is empty
	Signer   crypto.Signer        // signs beginning, checkpoints and end: P-256 or RSA; without it there are none
	KeyID    string               // of the signer's public half
	Now      func() time.Time     // for the signed lines
	Tail     func() (Tail, error) // what the file ends in, asked for before the first line; nil: nothing
	OnError  func(error)          // hears of checkpoints that could not be written; may be nil
}

// sinkPatience is how long a sink may take where nothing else was said.
const sinkPatience = 5 * time.Second

// New makes a log. Nothing is written before the first record.
func New(config Config) *Log {
	if config.Chain == "" {
		config.Chain = rand.Text()
	}
	log := &Log{config: config, chain: chain{id: config.Chain}}
	log.SignWith(config.KeyID, config.Signer)
	if config.Patience <= 0 {
		config.Patience = sinkPatience
	}
	if config.Sink != nil {
		log.group = &group{sink: config.Sink, patience: config.Patience, chain: chain{id: config.Chain}}
		log.group.begin = func(b *batch) error { return log.addMark(b, kindStart) }
	}
	return log
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
	if l.group != nil {
		if !l.signs() || !l.group.unsigned() {
			return nil
		}
		return l.group.commit(context.Background(), 0, l.checkpoint)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.signs() || l.closed || l.chain.seq == l.chain.signedTo {
		return nil
	}
	return l.mark(kindCheckpoint)
}

// signing is a key and its id, which change together: a line that names one key
// and is signed by another looks changed.
type signing struct {
	keyID  string
	signer crypto.Signer
}

// SignWith has the lines that are signed from now on signed by another key;
// none are without a signer. It may be called while others record.
func (l *Log) SignWith(keyID string, signer crypto.Signer) {
	if signer == nil {
		l.signing.Store(nil)
		return
	}
	l.signing.Store(&signing{keyID, signer})
}

// signs says whether there is a signer.
func (l *Log) signs() bool { return l.signing.Load() != nil }

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
			if err := l.Checkpoint(); err != nil && l.config.OnError != nil { //nolint:contextcheck // one that was begun is finished
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
	if l.group != nil {
		return l.closeGroup()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	var err error
	if l.signs() && l.chain.seq > 0 {
		err = l.mark(kindEnd)
	}
	l.closed = true
	return err
}

// closeGroup is Close where there is a sink.
func (l *Log) closeGroup() error {
	begun, already := l.group.close()
	if already || !begun || !l.signs() {
		return nil
	}
	return l.group.last(func(b *batch) error { return l.addMark(b, kindEnd) })
}

// checkpoint adds a signed line where something wasn't signed yet.
func (l *Log) checkpoint(b *batch) error {
	if b.signedTo == b.seq {
		return nil
	}
	return l.addMark(b, kindCheckpoint)
}

// errUnsigned is wrapped where the key doesn't sign.
var errUnsigned = errors.New("sign a checkpoint")

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

// addMark adds a signed line where there is a signer.
func (l *Log) addMark(b *batch, kind kind) error {
	with := l.signing.Load()
	if with == nil {
		return nil
	}
	body, err := json.Marshal(mark{Time: l.config.Now().UTC(), Kind: kind, KeyID: with.keyID})
	if err != nil {
		return err
	}
	return b.add(body, func(line []byte) ([]byte, error) {
		signature, err := with.signer.Sign(rand.Reader, signedDigest(line), crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnsigned, err)
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
