package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// ErrConfig is wrapped where what is asked for can't be done.
var ErrConfig = errors.New("telemetry")

// Config says where metrics and traces go.
type Config struct {
	Service, Version string
	Prometheus       bool                             // make a page
	Namespace        string                           // of CloudWatch, for lines in embedded metric format; none if empty
	Dimensions       map[string][][]string            // of those lines, by metric: sets of attributes that CloudWatch counts by; of others, all attributes together
	Out              io.Writer                        // takes those lines, each in one Write
	Every            time.Duration                    // how often metrics are pushed; zero for a minute
	Lookup           func(name string) (string, bool) // reads OpenTelemetry's variables
	Now              func() time.Time
}

// Telemetry is what a program measures with.
type Telemetry struct {
	meters *sdkmetric.MeterProvider
	lines  *sdkmetric.PeriodicReader // in embedded metric format; nil: none are written
	traces *sdktrace.TracerProvider
	page   http.Handler
}

// New makes it. Nothing is connected yet. Errors wrap ErrConfig.
func New(ctx context.Context, config Config) (*Telemetry, error) {
	if config.Every == 0 {
		config.Every = time.Minute
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", config.Service), attribute.String("service.version", config.Version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("%w: OTEL_RESOURCE_ATTRIBUTES: %w", ErrConfig, err)
	}
	t := &Telemetry{}
	if err := t.makeMeters(ctx, config, about); err != nil {
		return nil, err
	}
	if err := t.makeTraces(ctx, config, about); err != nil {
		return nil, errors.Join(err, t.Close(ctx))
	}
	return t, nil
}

func (t *Telemetry) makeMeters(ctx context.Context, config Config, about *resource.Resource) error {
	options := []sdkmetric.Option{}
	if config.Prometheus {
		registry := prometheus.NewRegistry()
		reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo())
		if err != nil {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		options = append(options, sdkmetric.WithReader(reader))
		t.page = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	}
	if config.Namespace != "" {
		lines := &embedded{namespace: config.Namespace, service: config.Service, dimensions: config.Dimensions, out: config.Out, now: config.Now}
		t.lines = sdkmetric.NewPeriodicReader(lines, sdkmetric.WithInterval(config.Every))
		options = append(options, sdkmetric.WithReader(t.lines))
	}
	switch wanted, err := config.otlp("METRICS"); {
	case err != nil:
		return err
	case wanted:
		sender, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return fmt.Errorf("%w: OTLP: %w", ErrConfig, err)
		}
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(sender, sdkmetric.WithInterval(config.Every))))
	}
	if len(options) > 0 {
		t.meters = sdkmetric.NewMeterProvider(append(options, sdkmetric.WithResource(about))...)
	}
	return nil
}

func (t *Telemetry) makeTraces(ctx context.Context, config Config, about *resource.Resource) error {
	wanted, err := config.otlp("TRACES")
	if err != nil || !wanted {
		return err
	}
	sender, err := otlptracehttp.New(ctx)
	if err != nil {
		return fmt.Errorf("%w: OTLP: %w", ErrConfig, err)
	}
	t.traces = sdktrace.NewTracerProvider(sdktrace.WithBatcher(sender), sdktrace.WithResource(about))
	return nil
}

// otlp says whether a signal, METRICS or TRACES, goes out by OTLP.
func (c Config) otlp(signal string) (bool, error) {
	get := func(name string) string {
		value, _ := c.Lookup(name)
		return strings.TrimSpace(value)
	}
	if strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	switch chosen := get("OTEL_" + signal + "_EXPORTER"); chosen {
	case "otlp":
	case "none":
		return false, nil
	case "":
		if get("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && get("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") == "" {
			return false, nil
		}
	default:
		return false, fmt.Errorf("%w: OTEL_%s_EXPORTER is %q; use otlp or none", ErrConfig, signal, chosen)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol := get(name); protocol != "" && protocol != "http/protobuf" {
			return false, fmt.Errorf("%w: %s is %q; only http/protobuf is spoken here", ErrConfig, name, protocol)
		}
	}
	return true, nil
}

// Meter returns what to measure with; nil where nobody looks at metrics.
func (t *Telemetry) Meter(name string) metric.Meter {
	if t.meters == nil {
		return nil
	}
	return t.meters.Meter(name)
}

// Tracer returns what to trace with; nil where nobody looks at traces.
func (t *Telemetry) Tracer(name string) trace.Tracer {
	if t.traces == nil {
		return nil
	}
	return t.traces.Tracer(name)
}

// Page is the page for Prometheus; nil where none was asked for.
func (t *Telemetry) Page() http.Handler { return t.page }

// Flush sends everything that was measured so far.
func (t *Telemetry) Flush(ctx context.Context) error {
	var metrics, traces error
	if t.meters != nil {
		metrics = t.meters.ForceFlush(ctx)
	}
	if t.traces != nil {
		traces = t.traces.ForceFlush(ctx)
	}
	return errors.Join(metrics, traces)
}

// Write writes what was measured so far as lines in embedded metric format, and
// sends nothing to anybody.
func (t *Telemetry) Write(ctx context.Context) error {
	if t.lines == nil {
		return nil
	}
	return t.lines.ForceFlush(ctx)
}

// Close flushes, and ends what runs in the background.
func (t *Telemetry) Close(ctx context.Context) error {
	var metrics, traces error
	if t.meters != nil {
		metrics = t.meters.Shutdown(ctx)
	}
	if t.traces != nil {
		traces = t.traces.Shutdown(ctx)
	}
	return errors.Join(metrics, traces)
}
