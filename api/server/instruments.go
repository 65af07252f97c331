package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/metrics"
	"github.com/signgate/signgate/pkg/signedurl"
)

// Telemetry is what the server measures and traces with. It never gives a
// key, a caller, an address or anything of a URL but its route: neither
// secrets nor endlessly many values.
type Telemetry struct {
	Meter    metric.Meter     // nil: nothing is measured
	Tracer   trace.Tracer     // nil: nothing is traced
	KeySince func() time.Time // since when the active signing key is; nil, or zero: unknown
}

// instruments are the server's measurements; a nil one measures nothing.
type instruments struct {
	now       func() time.Time
	requests  metric.Float64Histogram
	issuances metric.Int64Counter
	denials   metric.Int64Counter
	problems  metric.Int64Counter
	signing   metric.Float64Histogram
	audit     metric.Int64Counter
	checks    metric.Int64Gauge
	fresh     atomic.Bool // something was measured since take
}

func newInstruments(t Telemetry, now func() time.Time) (*instruments, error) {
	if t.Meter == nil {
		return nil, nil //nolint:nilnil // nothing is measured
	}
	m := &instruments{now: now}
	var failures [8]error
	m.requests, failures[0] = t.Meter.Float64Histogram(metrics.RequestDuration, metric.WithUnit("s"), metric.WithDescription("How long requests took."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	m.issuances, failures[1] = t.Meter.Int64Counter(metrics.Issuances, metric.WithUnit("{record}"), metric.WithDescription("Records in the audit trail, by action and outcome."))
	m.denials, failures[2] = t.Meter.Int64Counter(metrics.Denials, metric.WithUnit("{record}"), metric.WithDescription("Decisions that were no, by action and reason."))
	m.problems, failures[3] = t.Meter.Int64Counter(metrics.Problems, metric.WithUnit("{answer}"), metric.WithDescription("Answers that were problems, by code."))
	m.signing, failures[4] = t.Meter.Float64Histogram(metrics.SigningDuration, metric.WithUnit("s"), metric.WithDescription("How long the making of one signature for the CDN took."),
		metric.WithExplicitBucketBoundaries(.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1))
	m.audit, failures[5] = t.Meter.Int64Counter(metrics.AuditFailures, metric.WithUnit("{failure}"), metric.WithDescription("Records that could not be written, so that nothing was issued."))
	m.checks, failures[6] = t.Meter.Int64Gauge(metrics.CheckUp, metric.WithUnit("{check}"), metric.WithDescription("1 where what the gateway needs was there when it was last looked for, else 0."))
	if t.KeySince != nil {
		_, failures[7] = t.Meter.Float64ObservableGauge(metrics.KeyAge, metric.WithUnit("s"), metric.WithDescription("Age of the active signing key."),
			metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
				if since := t.KeySince(); !since.IsZero() {
					o.Observe(now().Sub(since).Seconds())
				}
				return nil
			}))
	}
	return m, errors.Join(failures[:]...)
}

// measure makes the instruments and puts them around the parts.
func (s *Server) measure() error {
	var err error
	if s.instruments, err = newInstruments(s.parts.Telemetry, s.parts.Now); err != nil {
		return err
	}
	if s.instruments != nil {
		signer := s.parts.Signer
		s.parts.Signer = func(ctx context.Context) Signer { return measuredSigner{signer(ctx), s.instruments} }
	}
	if tracer := s.parts.Telemetry.Tracer; tracer != nil && s.parts.DecisionHook != nil {
		s.parts.DecisionHook = tracedHook{s.parts.DecisionHook, tracer}
	}
	if s.instruments != nil || s.parts.Telemetry.Tracer != nil {
		s.parts.Audit = measuredTrail{s.parts.Audit, s.instruments, s.parts.Telemetry.Tracer}
	}
	return nil
}

// take says whether something was measured since it was last called.
func (m *instruments) take() bool { return m != nil && m.fresh.Swap(false) }

func (m *instruments) problem(ctx context.Context, code string) {
	if m != nil {
		m.problems.Add(ctx, 1, metric.WithAttributes(attribute.String(metrics.Code, code)))
	}
}

func (m *instruments) check(ctx context.Context, name string, err error) {
	if m == nil {
		return
	}
	up := int64(1)
	if err != nil {
		up = 0
	}
	m.checks.Record(ctx, up, metric.WithAttributes(attribute.String(metrics.Check, name)))
}

// knownMethod keeps a client from inventing values.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return method
	}
	return "_OTHER" // OpenTelemetry's semantic conventions for HTTP
}

// routeOf returns the route of a request, as it is written in the code.
func (s *Server) routeOf(c echo.Context) string {
	if slices.Contains(s.paths, c.Path()) {
		return c.Path()
	}
	return "none"
}

// observe measures and traces a request. Names follow OpenTelemetry's semantic
// conventions for HTTP; their url.path and client.address stay out, since a
// path may hold a key or a capability.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		begin, ctx := s.parts.Now(), c.Request().Context()
		if s.parts.Telemetry.Tracer != nil {
			// Without its tracestate, which may say anything.
			parent := propagation.MapCarrier{"traceparent": c.Request().Header.Get("Traceparent")}
			ctx = propagation.TraceContext{}.Extract(ctx, parent)
			var span trace.Span
			ctx, span = s.parts.Telemetry.Tracer.Start(ctx, knownMethod(c.Request().Method), trace.WithSpanKind(trace.SpanKindServer))
			c.SetRequest(c.Request().WithContext(ctx))
			defer func() { s.endSpan(c, span) }()
		}
		err := next(c)
		if m := s.instruments; m != nil {
			m.requests.Record(ctx, s.parts.Now().Sub(begin).Seconds(), metric.WithAttributeSet(attribute.NewSet(
				attribute.String(metrics.Method, knownMethod(c.Request().Method)),
				attribute.String(metrics.Route, s.routeOf(c)),
				attribute.Int(metrics.Status, c.Response().Status))))
			m.fresh.Store(true)
		}
		return err
	}
}

func (s *Server) endSpan(c echo.Context, span trace.Span) {
	route, status := s.routeOf(c), c.Response().Status
	span.SetName(knownMethod(c.Request().Method) + " " + route)
	span.SetAttributes(attribute.String(metrics.Method, knownMethod(c.Request().Method)), attribute.String(metrics.Route, route),
		attribute.Int(metrics.Status, status), attribute.String("signgate.request_id", requestIDOf(c.Request().Context())))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// traceIDOf returns the id of a request's trace, or nothing.
func traceIDOf(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		return span.TraceID().String()
	}
	return ""
}

// measuredTrail counts what is recorded.
type measuredTrail struct {
	Recorder
	instruments *instruments
	tracer      trace.Tracer
}

// Record is the trail's, counted.
func (t measuredTrail) Record(ctx context.Context, records ...audit.Record) error {
	if t.tracer != nil {
		var span trace.Span
		ctx, span = t.tracer.Start(ctx, "audit.record", trace.WithAttributes(attribute.Int("records", len(records))))
		defer func() { span.End() }() // not deferred itself: it would make an event of a panic and its text
	}
	err := t.Recorder.Record(ctx, records...)
	if m := t.instruments; m != nil {
		m.recorded(ctx, records, err)
	}
	return err
}

func (m *instruments) recorded(ctx context.Context, records []audit.Record, err error) {
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) { // the caller has hung up; whether the trail fails is then unknown
			m.audit.Add(ctx, 1)
		}
		return
	}
	type kind struct{ action, outcome, reason string }
	counts := map[kind]int64{}
	for _, record := range records {
		counts[kind{record.Action, string(record.Outcome), reasonOf(record)}]++
	}
	for k, count := range counts {
		m.issuances.Add(ctx, count, metric.WithAttributes(attribute.String(metrics.Action, k.action), attribute.String(metrics.Outcome, k.outcome)))
		if k.outcome == string(audit.Denied) {
			m.denials.Add(ctx, count, metric.WithAttributes(attribute.String(metrics.Action, k.action), attribute.String(metrics.Reason, k.reason)))
		}
	}
}

// reasonOf says why a decision was no: a policy forbids it, or none allows it.
func reasonOf(record audit.Record) string {
	switch {
	case record.Outcome != audit.Denied:
		return ""
	case len(record.Policies) > 0:
		return "forbidden"
	}
	return "not-allowed"
}

// measuredSigner measures each signature.
type measuredSigner struct {
	Signer
	instruments *instruments
}

func (s measuredSigner) took(begin time.Time, kind string) {
	m := s.instruments
	m.signing.Record(context.Background(), m.now().Sub(begin).Seconds(), metric.WithAttributes(attribute.String(metrics.Kind, kind)))
}

// Sign is the signer's, measured.
func (s measuredSigner) Sign(request signedurl.Request) (string, error) {
	defer s.took(s.instruments.now(), "url")
	return s.Signer.Sign(request)
}

// SignPrefix is the signer's, measured.
func (s measuredSigner) SignPrefix(request signedurl.PrefixRequest) (signedurl.PrefixGrant, error) {
	defer s.took(s.instruments.now(), "prefix")
	return s.Signer.SignPrefix(request)
}

// SignCookies is the signer's, measured.
func (s measuredSigner) SignCookies(request signedurl.CookieRequest) ([]*http.Cookie, error) {
	defer s.took(s.instruments.now(), "cookies")
	return s.Signer.SignCookies(request)
}
