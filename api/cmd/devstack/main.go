// Command devstack is signgate on one machine: a real S3, an edge that really
// verifies, a demo issuer and the gateway, without AWS.
//
//	devstack        run it until Ctrl-C (make dev)
//	devstack demo   run it on free ports and tell what it does (make demo)
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/signgate/signgate/api/cmd/devstack/s3server"
	"github.com/signgate/signgate/api/cmd/devstack/stack"
	"github.com/signgate/signgate/api/cmd/devstack/story"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == s3server.ChildArgument {
		if err := s3server.RunChild(); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:], time.Now, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "devstack: %v\n", err)
		os.Exit(1)
	}
}

type commands struct {
	Run  runCommand `cmd:"" default:"withargs" help:"Run the local stack until Ctrl-C."`
	Demo struct{}   `cmd:"" help:"Run it on free ports and tell what it does; fails at the first difference."`
}

type runCommand struct {
	stack.Addresses
	stack.Options
	Data    string `placeholder:"DIR" help:"Keep keys, policies, objects and the audit trail in this folder."`
	Verbose bool   `help:"Log every request of the gateway and the edge to standard error."`
}

func run(ctx context.Context, args []string, now func() time.Time, stdout, stderr io.Writer) error {
	var cli commands
	exited := false
	parser, err := kong.New(&cli, kong.Name("devstack"), kong.Description("signgate on one machine, without AWS."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if exited || err != nil {
		return err
	}
	if parsed.Command() == "demo" {
		return demo(ctx, now, stdout)
	}
	return cli.Run.run(ctx, now, stdout, stderr)
}

// run starts the stack, says where it is, and waits.
func (c runCommand) run(ctx context.Context, now func() time.Time, stdout, stderr io.Writer) (err error) {
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	dir, remove, err := dataDir(c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	local, err := stack.Start(ctx, stack.Config{Addresses: c.Addresses, Options: c.Options, Dir: dir, Log: log, Now: now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Close()) }()
	if err := local.Welcome(stdout, c.Data != ""); err != nil {
		return err
	}
	return local.Wait(ctx)
}

// demo tells the story on a stack of its own.
func demo(ctx context.Context, now func() time.Time, stdout io.Writer) (err error) {
	addresses, err := stack.FreeAddresses(ctx)
	if err != nil {
		return err
	}
	dir, remove, err := dataDir("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	local, err := stack.Start(ctx, stack.Config{Addresses: addresses, Dir: dir, Log: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Close()) }()
	return story.Tell(ctx, local, now, stdout)
}

// dataDir returns the folder for data and what to do with it in the end.
func dataDir(kept string) (string, func() error, error) {
	if kept != "" {
		dir, err := filepath.Abs(kept)
		if err != nil {
			return "", nil, fmt.Errorf("data folder: %w", err)
		}
		return dir, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "signgate-")
	if err != nil {
		return "", nil, fmt.Errorf("data folder: %w", err)
	}
	return dir, func() error { return os.RemoveAll(dir) }, nil
}
