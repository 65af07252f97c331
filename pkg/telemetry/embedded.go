package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// maxValues is how many values of a metric a line may hold (CloudWatch User
// Guide, "Specification: Embedded metric format").
const maxValues = 100

// embedded writes metrics as lines of JSON in CloudWatch's embedded metric
// format: one for each metric and combination of attributes, which CloudWatch
// counts by each of the metric's sets of dimensions. An attribute that is in no
// set is a member of the line all the same.
type embedded struct {
	namespace, service string
	dimensions         map[string][][]string // by metric, without the service
	out                io.Writer
	now                func() time.Time
}

// Temporality wants what happened since the last line: CloudWatch sums up.
func (*embedded) Temporality(sdkmetric.InstrumentKind) metricdata.Temporality {
	return metricdata.DeltaTemporality
}

// Aggregation is OpenTelemetry's usual one.
func (*embedded) Aggregation(kind sdkmetric.InstrumentKind) sdkmetric.Aggregation {
	return sdkmetric.DefaultAggregationSelector(kind)
}

// ForceFlush has nothing to do: lines are written at once.
func (*embedded) ForceFlush(context.Context) error { return nil }

// Shutdown has nothing to do.
func (*embedded) Shutdown(context.Context) error { return nil }

// Export writes the lines.
func (e *embedded) Export(_ context.Context, all *metricdata.ResourceMetrics) error {
	for _, scope := range all.ScopeMetrics {
		for _, metric := range scope.Metrics {
			if err := e.write(metric); err != nil {
				return fmt.Errorf("embedded metrics: %w", err)
			}
		}
	}
	return nil
}

func (e *embedded) write(metric metricdata.Metrics) error {
	switch data := metric.Data.(type) {
	case metricdata.Sum[int64]:
		return eachPoint(data.DataPoints, func(p metricdata.DataPoint[int64]) error { return e.line(metric, p.Attributes, p.Value) })
	case metricdata.Gauge[int64]:
		return eachPoint(data.DataPoints, func(p metricdata.DataPoint[int64]) error { return e.line(metric, p.Attributes, p.Value) })
	case metricdata.Gauge[float64]:
		return eachPoint(data.DataPoints, func(p metricdata.DataPoint[float64]) error { return e.line(metric, p.Attributes, p.Value) })
	case metricdata.Histogram[float64]:
		return eachPoint(data.DataPoints, func(p metricdata.HistogramDataPoint[float64]) error {
			for values := range slices.Chunk(valuesOf(p), maxValues) {
				if err := e.line(metric, p.Attributes, values); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return nil
}

func eachPoint[P any](points []P, do func(P) error) error {
	for _, point := range points {
		if err := do(point); err != nil {
			return err
		}
	}
	return nil
}

// valuesOf returns a value for each measurement: the middle of its bucket,
// within what was measured. A single one is exact.
func valuesOf(p metricdata.HistogramDataPoint[float64]) []float64 {
	least, _ := p.Min.Value()
	most, _ := p.Max.Value()
	if p.Count == 1 {
		return []float64{p.Sum}
	}
	values := make([]float64, 0, p.Count)
	for n, count := range p.BucketCounts {
		low, high := least, most
		if n > 0 {
			low = max(low, p.Bounds[n-1])
		}
		if n < len(p.Bounds) {
			high = min(high, p.Bounds[n])
		}
		for range count {
			values = append(values, (low+high)/2)
		}
	}
	return values
}

// unitOf is CloudWatch's name of a unit (UCUM, as OpenTelemetry has it).
func unitOf(unit string) string {
	switch unit {
	case "s":
		return "Seconds"
	case "By":
		return "Bytes"
	case "":
		return "None"
	}
	return "Count"
}

// service is the dimension that every metric has.
const service = "service"

// sets are the sets of dimensions of a line. One that names an attribute which
// isn't there is left out: CloudWatch would refuse the line.
func (e *embedded) sets(metric string, attributes attribute.Set) [][]string {
	var sets [][]string
	for _, wanted := range e.dimensions[metric] {
		missing := slices.ContainsFunc(wanted, func(name string) bool { return !attributes.HasValue(attribute.Key(name)) })
		if !missing {
			sets = append(sets, append([]string{service}, wanted...))
		}
	}
	if sets != nil {
		return sets
	}
	all := append(make([]string, 0, 1+attributes.Len()), service)
	for _, a := range attributes.ToSlice() {
		all = append(all, string(a.Key))
	}
	return [][]string{all}
}

type named struct{ Name, Unit string }

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []named
}

func (e *embedded) line(metric metricdata.Metrics, attributes attribute.Set, value any) error {
	members := map[string]any{service: e.service, metric.Name: value}
	for _, a := range attributes.ToSlice() {
		members[string(a.Key)] = a.Value.String() // a dimension's value is text
	}
	members["_aws"] = map[string]any{
		"Timestamp":         e.now().UnixMilli(),
		"CloudWatchMetrics": []directive{{e.namespace, e.sets(metric.Name, attributes), []named{{metric.Name, unitOf(metric.Unit)}}}},
	}
	text, err := json.Marshal(members)
	if err != nil {
		return err
	}
	_, err = e.out.Write(append(text, '\n'))
	return err
}
