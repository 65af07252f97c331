// Command peers measures the gateway beside what one would otherwise run:
// Node.js services on AWS's own signers for reads and for uploads, and Uppy's
// Companion. `make bench-peers` runs it.
//
// The gateway and the services check the same access token, authorize by the
// caller's folder and answer the same requests of the same load generator, in
// turns, on this machine, which they share with the generator. Companion asks
// nobody who they are; of ours, the address itself says it. Ours also records
// every URL in an audit trail on disk and logs every request. Times hold for
// this machine, the ratios for any like it.
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
	lineup, err := newLineup(ctx, field, c.Gateway, c.Peer)
	if err != nil {
		return err
	}
	defer lineup.stop()
	if err := lineup.measure(ctx, generator{workers: c.Workers, token: field.token, now: now}, c.Rounds, c.Length); err != nil {
		return err
	}
	return report(out, lineup)
}
