package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/metrics"
	"github.com/signgate/signgate/pkg/settings"
	"github.com/signgate/signgate/pkg/telemetry"
)

// newTelemetry makes what the settings and OpenTelemetry's variables ask for.
// Lines of metrics go where the log goes: standard output may hold the audit
// trail, which nothing else may stand in.
func newTelemetry(ctx context.Context, gateway settings.Gateway, build server.Build, now func() time.Time, log *slog.Logger, stderr io.Writer) (*telemetry.Telemetry, error) {
	if gateway.MetricsListen != "" && onLambda() {
		return nil, errors.New("metrics-listen: nobody reaches a port of a Lambda function; set metrics-namespace instead")
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.WarnContext(ctx, "measurements could not be sent", "error", err)
	}))
	return telemetry.New(ctx, telemetry.Config{
		Service: metrics.Service, Version: build.Version, Prometheus: gateway.MetricsListen != "",
		Namespace: gateway.MetricsNamespace, Dimensions: metrics.Dimensions(), Out: stderr, Lookup: os.LookupEnv, Now: now,
	})
}

// traceStart begins the trace of a start. The reading of settings, which came
// before anybody knew where traces go, is part of it.
func traceStart(ctx context.Context, measured *telemetry.Telemetry, read reading) (context.Context, func()) {
	tracer := measured.Tracer("github.com/signgate/signgate")
	if tracer == nil {
		return ctx, func() {}
	}
	var begun []trace.SpanStartOption
	if !read.from.IsZero() {
		begun = append(begun, trace.WithTimestamp(read.from))
	}
	ctx, start := tracer.Start(ctx, "start", begun...)
	if !read.from.IsZero() {
		_, span := tracer.Start(ctx, "SSM/GetParametersByPath", trace.WithTimestamp(read.from), trace.WithSpanKind(trace.SpanKindClient))
		span.End(trace.WithTimestamp(read.until))
	}
	return ctx, func() { start.End() }
}

// metricsOnly serves the page at /metrics and nothing elsewhere.
func metricsOnly(page http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", page)
	return mux
}

// closeWithin sends the last measurements. That they can't be sent is no
// failure of the gateway's.
func closeWithin(ctx context.Context, grace time.Duration, measured *telemetry.Telemetry, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if err := measured.Close(ctx); err != nil {
		log.WarnContext(ctx, "the last measurements could not be sent", "error", err)
	}
}
