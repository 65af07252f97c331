package main

import (
	"context"
	"crypto"
	"time"
)

// lineup is every side, and what each does in its turns.
type lineup struct {
	sides []*side
	key   crypto.Signer // that ours signs reads with

	read, readRSA, readEC entry // one URL
	batch                 entry // batchSize URLs, ours only
	put, putPeer          entry // one PUT
	form, formPeer        entry // one form

	half series    // turns of read at half of its capacity
	raw  []float64 // what the signature alone allows, signatures per second
}

// newLineup starts every side and opens an upload session at ours.
func newLineup(ctx context.Context, f *field, gateway, peer string) (*lineup, error) {
	l := &lineup{key: f.ecKey}
	for _, service := range []func() (*side, error){
		func() (*side, error) { return f.startGateway(ctx, gateway) },
		func() (*side, error) { return f.startReads(ctx, peer, rsaKeyID, "SHA1") },
		func() (*side, error) { return f.startReads(ctx, peer, ecKeyID, "SHA256") },
		func() (*side, error) { return f.startUploads(ctx, peer) },
		func() (*side, error) { return f.startCompanion(ctx, peer) },
	} {
		started, err := service()
		if err != nil {
			l.stop()
			return nil, err
		}
		l.sides = append(l.sides, started)
	}
	session, err := openSession(l.sides[0], f.token)
	if err != nil {
		l.stop()
		return nil, err
	}
	l.assign(session)
	return l, nil
}

// assign says who does what; session is the path of ours.
func (l *lineup) assign(session string) {
	ours, rsa, ec, uploads, companion := l.sides[0], l.sides[1], l.sides[2], l.sides[3], l.sides[4]
	l.read = entry{name: "signgate, P-256", side: ours, task: readTask(1)}
	l.readRSA = entry{name: "Node.js and AWS's signer, RSA-2048", side: rsa, task: readTask(1)}
	l.readEC = entry{name: "Node.js and AWS's signer, P-256", side: ec, task: readTask(1)}
	l.batch = entry{name: "signgate, a batch", side: ours, task: readTask(batchSize)}
	l.put = entry{name: "signgate", side: ours, task: putTask()}
	l.putPeer = entry{name: "Node.js and AWS's presigner", side: uploads, task: putTask()}
	l.form = entry{name: "signgate", side: ours, task: formTask(session)}
	l.formPeer = entry{name: "Uppy's Companion", side: companion, task: formTask("")}
}

func (l *lineup) entries() []*entry {
	return []*entry{&l.read, &l.readRSA, &l.readEC, &l.batch, &l.put, &l.putPeer, &l.form, &l.formPeer}
}

// measure lets the entries take turns once their answers have been found to
// be good.
func (l *lineup) measure(ctx context.Context, load generator, rounds int, length time.Duration) error {
	for _, entry := range l.entries() {
		answer, err := entry.task.once(entry.side, load.token)
		if err != nil {
			return err
		}
		if err := entry.task.check(answer); err != nil {
			return err
		}
	}
	for range rounds {
		for _, entry := range l.entries() {
			if err := load.turn(ctx, entry, length, 0, &entry.turns); err != nil {
				return err
			}
		}
		raw, err := rawSignatures(ctx, l.key, length/2)
		if err != nil {
			return err
		}
		l.raw = append(l.raw, raw)
	}
	return load.turn(ctx, &l.read, length, l.read.turns.median(perSecond)/2, &l.half)
}

func (l *lineup) stop() {
	for _, side := range l.sides {
		side.stop()
	}
}
