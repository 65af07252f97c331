package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/signgate/signgate/api/lambda"
	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/settings"
)

// onLambda says whether this process was started as a Lambda function.
func onLambda() bool { return os.Getenv(lambda.RuntimeAPI) != "" }

// argumentsOf returns the arguments, those of the command to serve where Lambda
// started this process, which gives none.
func argumentsOf(args []string) []string {
	if len(args) == 0 && onLambda() {
		return []string{"serve"}
	}
	return args
}

// serve runs the gateway until ctx ends: as a Lambda function where it was
// started as one, else as a server.
func serve(ctx context.Context, gateway settings.Gateway, now func() time.Time, read reading, stdout, stderr io.Writer) error {
	log, err := newLog(gateway.LogLevel, stderr)
	if err != nil {
		return err
	}
	aws, err := config.LoadDefaultConfig(ctx, config.WithRegion(gateway.Region))
	if err != nil {
		return fmt.Errorf("AWS configuration: %w", err)
	}
	build := server.CurrentBuild()
	measured, err := newTelemetry(ctx, gateway, build, now, log, stderr)
	if err != nil {
		return err
	}
	starting, started := traceStart(ctx, measured, read)
	handler, closeHandler, err := server.FromSettings(starting, gateway, server.Environment{
		Credentials: aws.Credentials, Stdout: stdout, Log: log, Now: now, Build: build, Telemetry: measured, Frozen: onLambda(),
	})
	started()
	if err != nil {
		return err
	}
	closeParts := func() error {
		err := closeHandler()
		closeWithin(context.WithoutCancel(ctx), gateway.ShutdownGrace, measured, log)
		return err
	}
	if onLambda() {
		log.InfoContext(ctx, "answering invocations")
		lambda.New(lambda.Config{Handler: handler, Identify: identify, Settle: handler.CatchUp, TooLarge: tooLarge, Log: log}).Serve(ctx)
		return closeParts()
	}
	sites, err := listen(ctx, gateway, handler, measured.Page(), log)
	if err != nil {
		return errors.Join(err, closeParts())
	}
	return errors.Join(server.ServeAll(ctx, gateway.ShutdownGrace, sites...), closeParts())
}

// listen opens the gateway's address, and that of the page for Prometheus where
// there is one.
func listen(ctx context.Context, gateway settings.Gateway, handler, page http.Handler, log *slog.Logger) ([]server.Site, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", gateway.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	sites := []server.Site{{Listener: listener, Handler: handler, KeepAlive: gateway.KeepAlive}}
	if page != nil {
		metrics, err := (&net.ListenConfig{}).Listen(ctx, "tcp", gateway.MetricsListen)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("metrics-listen: %w", err), listener.Close())
		}
		log.InfoContext(ctx, "listening for Prometheus", "metricsAddress", metrics.Addr().String())
		sites = append(sites, server.Site{Listener: metrics, Handler: metricsOnly(page)})
	}
	log.InfoContext(ctx, "listening", "address", listener.Addr().String())
	return sites, nil
}

// identify hands on whom API Gateway has verified.
func identify(ctx context.Context, identity lambda.Identity) context.Context {
	return callers.WithIAM(ctx, callers.IAMIdentity(identity))
}

// tooLarge answers in place of what a function can't return. What was issued
// stands in the trail, and reaches nobody.
func tooLarge(w http.ResponseWriter, _ *http.Request) {
	document := problem.New(problem.TooLarge, "The answer would be larger than the 6 MB that a Lambda function can return. Ask for fewer at once.")
	document.RequestID = w.Header().Get("X-Request-ID")
	w.Header().Set("Content-Type", problem.ContentType)
	w.WriteHeader(document.Status)
	_ = json.NewEncoder(w).Encode(document) // into memory
}

// parametersTimeout bounds the reading of settings from Parameter Store.
const parametersTimeout = 10 * time.Second

// reading is when settings were read from Parameter Store; zero: they weren't.
type reading struct{ from, until time.Time }

// parameters reads settings from Parameter Store in the region of the
// environment: that of the settings isn't known yet.
func (r *reading) parameters(ctx context.Context, now func() time.Time) settings.ReadParameters {
	return func(path string) (kong.Resolver, error) {
		r.from = now()
		defer func() { r.until = now() }()
		ctx, cancel := context.WithTimeout(ctx, parametersTimeout)
		defer cancel()
		aws, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, fmt.Errorf("AWS configuration: %w", err)
		}
		return settings.Parameters(ctx, ssm.NewFromConfig(aws), path)
	}
}
