// Package metrics names what the gateway measures, so that whoever looks at it
// names the same: metrics, their attributes, those values that somebody waits
// for, and by which attributes CloudWatch counts. It measures nothing (package
// telemetry takes measurements where they are looked at) and knows neither
// OpenTelemetry nor AWS.
package metrics
