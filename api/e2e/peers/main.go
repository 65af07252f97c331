// Command peers measures the gateway beside what one would otherwise write: a
// Node.js service on AWS's own signer. `make bench-peers` runs it.
//
// Both sides check the same access token, authorize by the caller's folder and
// answer the same requests of the same load generator, in turns, on this
// machine, which they share with the generator. Ours also records every URL in
// an audit trail on disk and logs every request. Times hold for this machine,
// the ratios for any like it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/alecthomas/kong"
)

type commands struct {
	Gateway string        `required:"" type:"existingfile" help:"The signgate binary."`
	Peer    string        `required:"" type:"existingdir" help:"Folder of the peer, with its modules installed."`
	Rounds  int           `default:"5" help:"How often the sides take turns."`
	Length  time.Duration `default:"4s" help:"How long each turn is."`
	Workers int           `default:"16" help:"Connections of the load generator."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var cli commands
	kong.Parse(&cli)
	err := cli.run(ctx, time.Now, os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "peers: %v\n", err)
		os.Exit(1)
	}
}

// run starts every side, lets them take turns and tells the ratios.
func (c commands) run(ctx context.Context, now func() time.Time, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "signgate-peers-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	field, err := newField(ctx, dir, now)
	if err != nil {
		return err
	}
	defer field.close()
	ours, err := field.startGateway(ctx, c.Gateway)
	if err != nil {
		return err
	}
	defer ours.stop()
	rsa, err := field.startPeer(ctx, c.Peer, rsaKeyID, "SHA1")
	if err != nil {
		return err
	}
	defer rsa.stop()
	ec, err := field.startPeer(ctx, c.Peer, ecKeyID, "SHA256")
	if err != nil {
		return err
	}
	defer ec.stop()
	load := generator{workers: c.Workers, token: field.token, now: now}
	var one [3]series
	var batch series
	for range c.Rounds {
		for i, side := range []*side{ours, rsa, ec} {
			if err := load.turn(ctx, side, 1, c.Length, 0, &one[i]); err != nil {
				return err
			}
		}
		if err := load.turn(ctx, ours, batchSize, c.Length, 0, &batch); err != nil {
			return err
		}
	}
	var half series
	if err := load.turn(ctx, ours, 1, c.Length, one[0].median(perSecond)/2, &half); err != nil {
		return err
	}
	raw, err := rawSignatures(ctx, field.ecKey, c.Length/2)
	if err != nil {
		return err
	}
	return report(out, results{
		ours: one[0], rsa: one[1], ec: one[2], batch: batch, half: half, raw: raw,
		oursPeak: ours.peakMiB(), rsaPeak: rsa.peakMiB(), ecPeak: ec.peakMiB(),
	})
}
