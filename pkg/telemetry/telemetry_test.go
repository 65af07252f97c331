package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/signgate/signgate/pkg/telemetry"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// variables are an environment; the OTLP exporters read the real one besides.
type variables map[string]string

func (v variables) lookup(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

func made(t *testing.T, config telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	config.Service, config.Version, config.Now = "signgate", "test", func() time.Time { return start }
	if config.Lookup == nil {
		config.Lookup = variables{}.lookup
	}
	measured, err := telemetry.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = measured.Close(t.Context()) })
	return measured
}

// measure counts to two, and measures three times.
func measure(t *testing.T, m metric.Meter) {
	t.Helper()
	counter, err := m.Int64Counter("example.issued")
	if err != nil {
		t.Fatal(err)
	}
	histogram, err := m.Float64Histogram("example.duration", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(1, 2, 4))
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 2, metric.WithAttributes(attribute.String("action", "read")))
	for _, value := range []float64{1.5, 1.5, 3} {
		histogram.Record(t.Context(), value)
	}
}

func TestWhereNobodyLooksNothingIsMeasured(t *testing.T) {
	for name, environment := range map[string]variables{
		"nothing said":   {},
		"said not to":    {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none"},
		"all turned off": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
	} {
		measured := made(t, telemetry.Config{Lookup: environment.lookup})
		if measured.Meter("x") != nil || measured.Tracer("x") != nil || measured.Page() != nil || measured.Flush(t.Context()) != nil {
			t.Errorf("%s: something is measured", name)
		}
	}
}

func TestThePageHasWhatWasMeasured(t *testing.T) {
	measured := made(t, telemetry.Config{Prometheus: true})
	measure(t, measured.Meter("x"))
	recorder := httptest.NewRecorder()
	measured.Page().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{`example_issued_total{action="read"} 2`, `example_duration_seconds_bucket{le="2"} 2`, "go_goroutines", `service_version="test"`} {
		if !strings.Contains(recorder.Body.String(), want) {
			t.Errorf("the page lacks %s:\n%s", want, recorder.Body)
		}
	}
}

func TestLinesAreInTheEmbeddedMetricFormat(t *testing.T) {
	var out bytes.Buffer
	measured := made(t, telemetry.Config{Namespace: "signgate/test", Out: &out})
	measure(t, measured.Meter("x"))
	if err := measured.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	type line struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
		Service  string    `json:"service"`
		Action   string    `json:"action"`
		Issued   int64     `json:"example.issued"`
		Duration []float64 `json:"example.duration"`
	}
	var lines []line
	for text := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil || len(l.AWS.CloudWatchMetrics) != 1 || l.AWS.CloudWatchMetrics[0].Namespace != "signgate/test" || l.AWS.Timestamp != start.UnixMilli() {
			t.Fatalf("%s: %v", text, err)
		}
		if strings.Contains(text, `"chain"`) {
			t.Errorf("it looks like a line of an audit trail: %s", text)
		}
		lines = append(lines, l)
	}
	if len(lines) != 2 || lines[0].Issued != 2 || lines[0].Action != "read" || lines[0].Service != "signgate" ||
		strings.Join(lines[0].AWS.CloudWatchMetrics[0].Dimensions[0], " ") != "service action" || lines[0].AWS.CloudWatchMetrics[0].Metrics[0].Unit != "None" {
		t.Errorf("%+v", lines)
	}
	if len(lines[1].Duration) != 3 || lines[1].Duration[0] != 1.75 || lines[1].Duration[2] != 2.5 || lines[1].AWS.CloudWatchMetrics[0].Metrics[0].Unit != "Seconds" {
		t.Errorf("%+v", lines[1])
	}
	out.Reset()
	if err := measured.Flush(t.Context()); err != nil || out.Len() != 0 {
		t.Errorf("the same again: %s, %v", out.String(), err)
	}
}

// dimensionsOf returns what CloudWatch counts by, of each line.
func dimensionsOf(t *testing.T, lines string) (found [][][]string) {
	t.Helper()
	for text := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		var line struct {
			AWS struct {
				CloudWatchMetrics []struct{ Dimensions [][]string }
			} `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || len(line.AWS.CloudWatchMetrics) != 1 {
			t.Fatalf("%s: %v", text, err)
		}
		found = append(found, line.AWS.CloudWatchMetrics[0].Dimensions)
	}
	return found
}

func TestCloudWatchCountsByTheSetsThatAreWanted(t *testing.T) {
	var out bytes.Buffer
	measured := made(t, telemetry.Config{Namespace: "n", Out: &out, Dimensions: map[string][][]string{
		"example.issued":   {{}, {"action"}, {"action", "missing"}},
		"example.together": {{}},
		"example.foreign":  {{"missing"}},
	}})
	for _, name := range []string{"example.issued", "example.together", "example.foreign", "example.unsaid"} {
		counter, err := measured.Meter("x").Int64Counter(name)
		if err != nil {
			t.Fatal(err)
		}
		counter.Add(t.Context(), 1, metric.WithAttributes(attribute.String("action", "read"), attribute.String("reason", "none")))
	}
	if err := measured.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, everything := dimensionsOf(t, out.String()), []string{"service", "action", "reason"}
	want := [][][]string{{{"service"}, {"service", "action"}}, {{"service"}}, {everything}, {everything}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("CloudWatch counts by %v, not %v", got, want)
	}
	if strings.Count(out.String(), `"reason":"none"`) != 4 {
		t.Errorf("an attribute is lost where nothing is counted by it: %s", out.String())
	}
}

// CloudWatch refuses a line with more than a hundred values.
func TestManyMeasurementsTakeSeveralLines(t *testing.T) {
	var out bytes.Buffer
	measured := made(t, telemetry.Config{Namespace: "n", Out: &out})
	histogram, err := measured.Meter("x").Float64Histogram("example.duration")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 250 {
		histogram.Record(t.Context(), float64(n))
	}
	if err := measured.Flush(t.Context()); err != nil || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("%d lines, %v", strings.Count(out.String(), "\n"), err)
	}
}

func TestAFullDiskIsAnError(t *testing.T) {
	measured := made(t, telemetry.Config{Namespace: "n", Out: brokenWriter{}})
	measure(t, measured.Meter("x"))
	if err := measured.Flush(t.Context()); err == nil {
		t.Error("no error")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestMetricsAndTracesGoOutByOTLP(t *testing.T) {
	var mu sync.Mutex
	got := map[string]string{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got[r.URL.Path] += string(body)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	measured := made(t, telemetry.Config{Lookup: variables{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}.lookup})
	measure(t, measured.Meter("x"))
	_, span := measured.Tracer("x").Start(t.Context(), "a span")
	span.End()
	if err := measured.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(got["/v1/metrics"], "example.duration") || !strings.Contains(got["/v1/traces"], "a span") || !strings.Contains(got["/v1/traces"], "signgate") {
		t.Errorf("the collector got %q", got)
	}
}

func TestWhatCannotBeSpokenIsRefused(t *testing.T) {
	for name, environment := range map[string]variables{
		"gRPC":             {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
		"gRPC of traces":   {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"},
		"another exporter": {"OTEL_METRICS_EXPORTER": "prometheus"},
	} {
		if _, err := telemetry.New(t.Context(), telemetry.Config{Lookup: environment.lookup}); !errors.Is(err, telemetry.ErrConfig) || !strings.Contains(err.Error(), "OTEL_") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
