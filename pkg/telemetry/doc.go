// Package telemetry takes metrics and traces to where an operator looks at
// them: one OpenTelemetry meter and tracer, and behind them a Prometheus page,
// OTLP over HTTP, and lines in CloudWatch's embedded metric format. It decides
// where things go, not what is measured.
//
// OTLP is configured by OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_…,
// OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER (otlp or none),
// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER,
// OTEL_SDK_DISABLED (OpenTelemetry, "Environment Variable Specification").
// Without an endpoint or an exporter nothing is sent anywhere.
package telemetry
