package e2e_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/metrics"
)

// collector takes OTLP and keeps its bytes.
type collector struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string]string // by path
}

func newCollector(t testing.TB) *collector {
	t.Helper()
	c := &collector{got: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got[r.URL.Path] += string(body)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) text(path string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got[path]
}

func TestPrometheusHasAPortOfItsOwn(t *testing.T) {
	s := startStack(t)
	g := s.startGateway(t, "--metrics-listen=127.0.0.1:0")
	var line struct{ MetricsAddress string }
	for text := range strings.SplitSeq(g.stderr.String(), "\n") {
		if strings.Contains(text, "metricsAddress") {
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := g.readURL(t, "alice", client.ReadItem{Key: sunrise})
	page := get(t, "http://"+line.MetricsAddress+"/metrics")
	if page.status != http.StatusOK || !strings.Contains(string(page.body), `signgate_issuances_total{action="read",outcome="issued"} 1`) ||
		!strings.Contains(string(page.body), "signgate_signing_key_age_seconds") || strings.Contains(string(page.body), read.ID) {
		t.Errorf("%d %s", page.status, page.body)
	}
	if got := get(t, g.url+"/metrics"); got.status != http.StatusNotFound {
		t.Errorf("callers see metrics: %d", got.status)
	}
	if got := get(t, "http://"+line.MetricsAddress+"/v1/read/"+sunrise); got.status != http.StatusNotFound {
		t.Errorf("the port of metrics answers callers: %d", got.status)
	}
}

// On Lambda, metrics and traces leave before the process is frozen; the lines
// of metrics stand in the log, and the trail stays a trail.
func TestMetricsOnLambdaLeaveBeforeTheFreeze(t *testing.T) {
	s, c := startStack(t), newCollector(t)
	g, api := s.startFunction(t, "SIGNGATE_METRICS_NAMESPACE=signgate/test", "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
	read := g.readURL(t, "alice", client.ReadItem{Key: sunrise})
	if !strings.Contains(c.text("/v1/traces"), "POST /v1/read-urls") || !strings.Contains(c.text("/v1/metrics"), "signgate.issuances") {
		t.Errorf("they haven't left with the answer: %q", c.text("/v1/traces"))
	}
	g.waitFor(t, g.stderr, `"signgate.issuances":1`)
	api.end(t)
	mustVerifyText(t, s, g.stdout.String(), "--strict")
	if strings.Contains(g.stdout.String(), "_aws") || strings.Contains(g.stderr.String(), `"chain":`) {
		t.Errorf("trail and metrics are mixed up:\n%s", g.stdout)
	}
	// CloudWatch keeps both in one stream; what has a chain is the trail.
	var trail strings.Builder
	for line := range strings.SplitAfterSeq(g.stdout.String()+g.stderr.String(), "\n") {
		var members map[string]any
		if json.Unmarshal([]byte(line), &members) == nil && members["chain"] != nil {
			trail.WriteString(line)
		}
	}
	mustVerifyText(t, s, trail.String(), "--strict")
	_, signature, _ := strings.Cut(read.URL, "Signature=")
	for where, text := range map[string]string{"log": g.stderr.String(), "traces": c.text("/v1/traces"), "metrics": c.text("/v1/metrics")} {
		if strings.Contains(text, signature[:20]) || (where != "log" && (strings.Contains(text, "alice") || strings.Contains(text, "sunrise"))) {
			t.Errorf("the %s tell too much", where)
		}
	}
}

// What alarms and dashboards look at leaves a running function, with the values
// that they name. That no record can be written is package server's to show.
func TestAFunctionTellsCloudWatchWhatAlarmsLookAt(t *testing.T) {
	s := startStack(t)
	g, api := s.startFunction(t, "SIGNGATE_METRICS_NAMESPACE=signgate/test", "SIGNGATE_API_KEYS_FILE="+filepath.Join(t.TempDir(), "keys.db"))
	_ = g.readURL(t, "alice", client.ReadItem{Key: sunrise})
	_ = g.ask(t, "bob", http.MethodGet, "/v1/read/"+sunrise, "")
	_ = g.ask(t, "", http.MethodGet, "/v1/read/"+sunrise, "")
	if got := g.ask(t, "", http.MethodGet, "/readyz", ""); got.status != http.StatusOK {
		t.Fatalf("not ready: %s", got.body)
	}
	api.end(t)
	told := map[string]bool{}
	for line := range strings.SplitSeq(g.stderr.String(), "\n") {
		for _, counted := range countedIn(line) {
			told[counted] = true
		}
	}
	prefix := "signgate/test service=" + metrics.Service + " "
	for _, want := range []string{
		prefix + metrics.RequestDuration, prefix + "http.route=/v1/read-urls " + metrics.RequestDuration,
		prefix + metrics.Issuances, prefix + "action=read outcome=issued " + metrics.Issuances, prefix + "action=read outcome=denied " + metrics.Issuances,
		prefix + metrics.Denials, prefix + "reason=not-allowed " + metrics.Denials,
		prefix + "code=unauthenticated " + metrics.Problems, prefix + "kind=url " + metrics.SigningDuration, prefix + metrics.KeyAge,
		prefix + "check=" + metrics.CheckKeys + " " + metrics.CheckUp, prefix + "check=" + metrics.CheckPolicies + " " + metrics.CheckUp,
		prefix + "check=" + metrics.CheckGrants + " " + metrics.CheckUp, prefix + "check=" + metrics.CheckCredentials + " " + metrics.CheckUp,
		prefix + "check=" + metrics.CheckAudit + " " + metrics.CheckUp, prefix + "check=" + metrics.CheckIssuer + " " + metrics.CheckUp,
		prefix + "check=" + metrics.CheckAPIKeys + " " + metrics.CheckUp,
	} {
		if !told[want] {
			t.Errorf("CloudWatch isn't told %s", want)
		}
	}
}

// A request's trace goes on into what AWS is asked for it, and says no more of
// it than its name.
func TestATraceGoesOnIntoTheCallsOfAWS(t *testing.T) {
	s, m, c := startStack(t), startKMS(t), newCollector(t)
	environment := append(inSecret(t, s, m), "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
	arn, public := m.inKMS(t, types.KeySpecEccNistP256)
	s.keys(t, environment, "add", "a", "--key-id=KSLOTA001", "--kms-key="+arn, "--public-key="+public)
	m.newStream(t, "trail")
	g := s.startGatewayIn(t, environment, "--audit-stream=trail", "--audit-endpoint="+m.url)
	const trace = "0af7651916cd43dd8448eb211c80319c"
	token := g.token(t, "alice")
	ask := func(method, path, body string) answer {
		return send(t, method, g.url+path, map[string]string{
			"Authorization": "Bearer " + token, "Content-Type": "application/json", "Traceparent": "00-" + trace + "-b7ad6b7169203331-01",
		}, []byte(body))
	}
	read := ask(http.MethodPost, "/v1/read-urls", `{"items":[{"key":"`+sunrise+`"}]}`)
	if read.status != http.StatusOK {
		t.Fatalf("%d %s", read.status, read.body)
	}
	g.interrupt(t)
	id, err := hex.DecodeString(trace)
	if err != nil {
		t.Fatal(err)
	}
	// The request, the record, the signature, and what the stream took.
	if spans := strings.Count(c.text("/v1/traces"), string(id)); spans != 4 {
		t.Errorf("%d spans in the request's trace: %q", spans, c.text("/v1/traces"))
	}
	g = s.startGatewayIn(t, environment)
	if listed := ask(http.MethodGet, "/v1/objects?prefix=users/alice/&urls=true", ""); listed.status != http.StatusOK || !strings.Contains(string(listed.body), "sunrise") {
		t.Errorf("%d %s", listed.status, listed.body)
	}
	if begun := ask(http.MethodPost, "/v1/uploads", `{"key":"users/alice/film.mp4","contentType":"video/mp4","method":"multipart"}`); begun.status != http.StatusCreated {
		t.Errorf("%d %s", begun.status, begun.body)
	}
	g.interrupt(t)
	spans := c.text("/v1/traces")
	for _, want := range []string{"KMS/Sign", "KMS/GetPublicKey", "Secrets Manager/GetSecretValue", "Firehose/PutRecord", "S3/ListObjectsV2", "S3/CreateMultipartUpload", "server.address"} {
		if !strings.Contains(spans, want) {
			t.Errorf("no span of %s", want)
		}
	}
	_, signature, _ := strings.Cut(string(read.body), "Signature=")
	secrets := []string{signature[:20], token, "Bearer", "sunrise", "film.mp4", "alice", "X-Amz", "PRIVATE", "tokenSecrets"}
	for _, variable := range environment {
		if name, value, _ := strings.Cut(variable, "="); strings.Contains(name, "SECRET_ACCESS_KEY") || strings.Contains(name, "ACCESS_KEY_ID") {
			secrets = append(secrets, value)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(spans, secret) {
			t.Errorf("the spans tell %s: %q", secret, spans)
		}
	}
}

// countedIn is what CloudWatch counts of a line of a log: namespace, dimensions
// and metric, if it is in embedded metric format.
func countedIn(line string) (counted []string) {
	var members map[string]any
	var about struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	if json.Unmarshal([]byte(line), &members) != nil || json.Unmarshal([]byte(line), &about) != nil {
		return nil
	}
	for _, directive := range about.AWS.CloudWatchMetrics {
		for _, set := range directive.Dimensions {
			words := []string{directive.Namespace}
			for _, name := range set {
				words = append(words, fmt.Sprintf("%s=%v", name, members[name]))
			}
			for _, metric := range directive.Metrics {
				counted = append(counted, strings.Join(append(words, metric.Name), " "))
			}
		}
	}
	return counted
}

// A start shows what it waited for, settings among it.
func TestAStartIsATraceOfItsOwn(t *testing.T) {
	s, c := startStack(t), newCollector(t)
	parameters, rest := settingsOf(without(s.environment(t), "SIGNGATE_LISTEN"))
	store := httptest.NewServer(parameterStore(parameters))
	t.Cleanup(store.Close)
	g := s.startGatewayIn(t, append(rest, "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL_SSM="+store.URL, "SIGNGATE_PARAMETERS=/signgate/bench", "SIGNGATE_LISTEN=127.0.0.1:0", "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL))
	g.interrupt(t)
	spans := c.text("/v1/traces")
	for _, want := range []string{"\x05start", "SSM/GetParametersByPath", "server.address"} {
		if !strings.Contains(spans, want) {
			t.Errorf("no %q: %q", want, spans)
		}
	}
	_, id, _ := strings.Cut(spans, "\x0a\x10") // the first span's trace id: field 1, 16 bytes
	if len(id) < 16 || strings.Count(spans, id[:16]) != 4 {
		t.Errorf("the settings, the issuer's two documents and the start are not one trace: %q", spans)
	}
}

func TestAnUnreachableCollectorStopsNobody(t *testing.T) {
	s := startStack(t)
	closed := freeAddresses(t, 1)[0]
	g, api := s.startFunction(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+closed)
	_ = g.readURL(t, "alice", client.ReadItem{Key: sunrise})
	g.waitFor(t, g.stderr, "measurements could not be sent")
	api.end(t)
}

func TestTelemetryThatCannotWorkStopsTheGateway(t *testing.T) {
	s := startStack(t)
	for name, test := range map[string]struct {
		environment []string
		says        string
	}{
		"gRPC":                    {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"a port on Lambda":        {[]string{"SIGNGATE_METRICS_LISTEN=:9090", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1"}, "metrics-namespace"},
		"a port that is in use":   {[]string{"SIGNGATE_METRICS_LISTEN=" + s.gateway}, "metrics-listen"},
		"a namespace of AWS's":    {[]string{"SIGNGATE_METRICS_NAMESPACE=AWS/Lambda"}, "metrics-namespace"},
		"an exporter not at hand": {[]string{"OTEL_TRACES_EXPORTER=zipkin"}, "OTEL_TRACES_EXPORTER"},
	} {
		p := start(t, append(s.environment(t), test.environment...), "signgate", "serve")
		if code := p.exitCode(t); code == 0 || !strings.Contains(p.stderr.String(), test.says) {
			t.Errorf("%s: %d %s", name, code, p.stderr)
		}
	}
}
