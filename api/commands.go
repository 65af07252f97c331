package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/settings"
)

// commands are those of the binary.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Answer requests."`
	Explain explainCommand `cmd:"" help:"Say why a distribution takes a signed URL, or doesn't."`
	Policy  policyCommands `cmd:"" help:"Work with access policies."`
	APIKey  apikeyCommands `cmd:"" name:"apikey" help:"Make, list and revoke API keys of machines."`
	Audit   auditCommand   `cmd:"" help:"Verify the audit trail, and ask it."`
	Keys    keysCommands   `cmd:"" help:"Work with signing keys."`
	Version versionCommand `cmd:"" help:"Print which gateway this is."`
}

type serveCommand struct {
	settings.Sources
	settings.Gateway
}

type versionCommand struct{}

// run parses the command line and runs the command. It returns the exit code.
func run(ctx context.Context, args []string, now func() time.Time, stdin io.Reader, stdout, stderr io.Writer) int {
	var cli commands
	var read reading
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("signgate"),
		kong.Description("Hands out access to private objects in S3 without touching their bytes."),
		kong.DefaultEnvars(settings.EnvPrefix),
		kong.Bind(read.parameters(ctx, now)),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
	)
	if err != nil {
		return fail(stderr, err, exitFailed)
	}
	parsed, err := parser.Parse(argumentsOf(args))
	if exited >= 0 { // --help has been printed
		return exited
	}
	if err != nil {
		return fail(stderr, usage(err), exitUsage)
	}
	command, _, _ := strings.Cut(parsed.Command(), " <")
	err = cli.dispatch(ctx, command, now, read, stdin, stdout, stderr)
	switch {
	case errors.Is(err, errUnread):
		return fail(stderr, err, exitUsage)
	case errors.Is(err, errNotFinished):
		return fail(stderr, err, exitNotFinished)
	case err != nil:
		return fail(stderr, err, exitFailed)
	}
	return exitOK
}

// dispatch runs the command of that name; groups know their own.
func (c *commands) dispatch(ctx context.Context, command string, now func() time.Time, read reading, stdin io.Reader, stdout, stderr io.Writer) error {
	switch group, _, _ := strings.Cut(command, " "); group {
	case "explain":
		return c.Explain.run(now, stdin, stdout)
	case "policy":
		return c.Policy.run(command, stdout)
	case "apikey":
		return c.APIKey.run(ctx, command, now(), stdout, stderr)
	case "audit":
		return c.Audit.run(ctx, command, stdin, stdout, stderr)
	case "keys":
		return c.Keys.run(ctx, command, now, stdin, stdout)
	case "serve":
		return serve(ctx, c.Serve.Gateway, now, read, stdout, stderr)
	default: // version
		build := server.CurrentBuild()
		_, err := fmt.Fprintf(stdout, "signgate %s %s %s\n", build.Version, build.Commit, build.GoVersion)
		return err
	}
}

// usage keeps an argument too many, which may well be a URL, out of the error.
func usage(err error) error {
	if strings.HasPrefix(err.Error(), "unexpected argument ") {
		return errors.New("unexpected argument; see --help. A URL has to stand in quotes, and only one at a time is explained")
	}
	return err
}

func newLog(level string, out io.Writer) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log-level: %w", err)
	}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: least})), nil
}
