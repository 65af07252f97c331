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
	"github.com/signgate/signgate/pkg/access"
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
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("signgate"),
		kong.Description("Hands out access to private objects in S3 without touching their bytes."),
		kong.DefaultEnvars(settings.EnvPrefix),
		kong.Bind(readParameters(ctx)),
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
	switch command, _, _ := strings.Cut(parsed.Command(), " <"); command {
	case "explain":
		err = cli.Explain.run(now, stdin, stdout)
	case "policy lint":
		err = cli.Policy.Lint.run(stdout)
	case "policy test":
		err = cli.Policy.Test.run(stdout)
	case "policy explain":
		err = cli.Policy.Explain.run(stdout)
	case "policy schema":
		_, err = stdout.Write(access.Schema())
	case "policy set":
		err = cli.Policy.Set.run(stdout)
	case "apikey create":
		err = cli.APIKey.Create.run(ctx, now(), stdout, stderr)
	case "apikey list":
		err = cli.APIKey.List.run(ctx, now(), stdout)
	case "apikey revoke":
		err = cli.APIKey.Revoke.run(ctx, now(), stdout)
	case "serve":
		err = serve(ctx, cli.Serve.Gateway, now, stdout, stderr)
	case "audit verify":
		err = cli.Audit.Verify.run(stdin, stdout)
	case "audit who":
		err = cli.Audit.Who.run(stdin, stdout, stderr)
	case "audit what":
		err = cli.Audit.What.run(stdin, stdout, stderr)
	case "audit export":
		err = cli.Audit.Export.run(ctx, stdout)
	case "audit join":
		err = cli.Audit.Join.run(stdin, stdout, stderr)
	case "keys status", "keys rotate", "keys add", "keys bind":
		err = cli.Keys.run(ctx, command, now, stdin, stdout)
	case "version":
		build := server.CurrentBuild()
		_, err = fmt.Fprintf(stdout, "signgate %s %s %s\n", build.Version, build.Commit, build.GoVersion)
	}
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
