package server

import (
	"context"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/signgate/signgate/pkg/decisionhook"
)

// traceAWS has calls of AWS traced where somebody looks at traces. They are
// carried out by the SDK's own client all the same, in one for all services.
func (e *Environment) traceAWS() {
	if e.Telemetry == nil {
		return
	}
	if traced := e.Telemetry.Calls(instrumentation, awshttp.NewBuildableClient().Do); traced != nil {
		e.aws = traced
	}
}

// issuers is what issuers are asked with.
func (e *Environment) issuers() *http.Client {
	if e.Telemetry == nil {
		return http.DefaultClient
	}
	if traced := e.Telemetry.Calls(instrumentation, http.DefaultTransport.RoundTrip); traced != nil {
		return &http.Client{Transport: traced}
	}
	return http.DefaultClient
}

// tracedHook has a span around each question to the application.
type tracedHook struct {
	DecisionHook
	tracer trace.Tracer
}

// Ask is the hook's, traced; the wait for its turn is part of it.
func (h tracedHook) Ask(ctx context.Context, question decisionhook.Question) (decisionhook.Answer, error) {
	ctx, span := h.tracer.Start(ctx, "decision-hook", trace.WithSpanKind(trace.SpanKindClient))
	defer func() { span.End() }() // not deferred itself: it would make an event of a panic and its text
	answer, err := h.DecisionHook.Ask(ctx, question)
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return answer, err
}
