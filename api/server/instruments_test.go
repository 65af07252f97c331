package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/decisionhook"
	"github.com/signgate/signgate/pkg/metrics"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/telemetry"
)

// watched is a gateway whose metrics and traces go everywhere at once.
type watched struct {
	*gateway
	measured *telemetry.Telemetry
	lines    bytes.Buffer // in embedded metric format

	mu   sync.Mutex
	sent map[string]string // by OTLP, by path
}

func newWatched(t testing.TB, change func(*server.Parts)) *watched {
	t.Helper()
	w := &watched{sent: map[string]string{}}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sent[r.URL.Path] += string(body)
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	var err error
	w.measured, err = telemetry.New(t.Context(), telemetry.Config{
		Service: "signgate", Prometheus: true, Namespace: "test", Dimensions: metrics.Dimensions(), Out: &w.lines, Now: time.Now, Lookup: os.LookupEnv,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.measured.Close(context.WithoutCancel(t.Context())) })
	w.gateway = newGateway(t, func(p *server.Parts) {
		p.Telemetry = server.Telemetry{
			Meter: w.measured.Meter("test"), Tracer: w.measured.Tracer("test"), KeySince: func() time.Time { return start.Add(-90 * time.Second) },
		}
		if change != nil {
			change(p)
		}
	})
	return w
}

// page returns what Prometheus would see.
func (w *watched) page(t testing.TB) string {
	t.Helper()
	recorder := newRecorder()
	w.measured.Page().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return recorder.Body.String()
}

// everything returns all that left by any way.
func (w *watched) everything(t testing.TB) string {
	t.Helper()
	page := w.page(t)
	if err := w.measured.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent["/v1/metrics"] == "" || w.sent["/v1/traces"] == "" || w.lines.Len() == 0 {
		t.Fatal("something was not exported")
	}
	return page + w.lines.String() + w.sent["/v1/metrics"] + w.sent["/v1/traces"]
}

func mustSay(t testing.TB, page string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
}

func TestMetricsAnswerWhatAnOperatorAsks(t *testing.T) {
	w := newWatched(t, func(p *server.Parts) {
		p.Checks = []server.Check{
			{Name: "keys", Run: func(context.Context) error { return nil }}, {Name: "issuer", Run: func(context.Context) error { return errors.New("gone") }},
		}
	})
	w.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a.png"},{"key":"users/alice/b.png"},{"key":"users/bob/c.png"}]}`)
	w.do(t, "bob", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5}`)
	w.do(t, "", http.MethodGet, "/v1/read/users/alice/a.png", "")
	w.do(t, "", http.MethodGet, "/readyz", "")
	w.do(t, "", http.MethodGet, "/nowhere/at/all", "")
	w.do(t, "", "BREW", "/livez", "")
	mustSay(t, w.page(t),
		`signgate_issuances_total{action="read",outcome="issued"} 2`,
		`signgate_issuances_total{action="read",outcome="denied"} 1`,
		`signgate_denials_total{action="write",reason="not-allowed"} 1`,
		`signgate_problems_total{code="unauthenticated"} 1`, `signgate_problems_total{code="denied"} 1`,
		`signgate_signing_duration_seconds_count{kind="url"} 2`,
		`signgate_signing_key_age_seconds 90`,
		`signgate_check_up{check="keys"} 1`, `signgate_check_up{check="issuer"} 0`,
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",http_route="/v1/read-urls"} 1`,
		`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404",http_route="none"} 1`,
		`http_request_method="_OTHER"`,
	)
}

func TestARecordThatCannotBeWrittenIsCounted(t *testing.T) {
	w := newWatched(t, func(p *server.Parts) { p.Audit = fullDisk{} })
	w.do(t, "alice", http.MethodGet, "/v1/read/users/alice/a.png", "")
	page := w.page(t)
	mustSay(t, page, "signgate_audit_failures_total 1", `signgate_problems_total{code="unavailable"} 1`)
	if strings.Contains(page, `outcome="issued"`) {
		t.Errorf("it counts as issued:\n%s", page)
	}
}

// once fails the first time.
type once struct {
	server.Recorder
	failed bool
}

func (o *once) Record(ctx context.Context, records ...audit.Record) error {
	if !o.failed {
		o.failed = true
		return errors.New("disk full")
	}
	return o.Recorder.Record(ctx, records...)
}

// Alarms and dashboards name metrics and dimensions by package metrics: what it
// promises is what leaves the gateway, and all of it.
func TestCloudWatchGetsTheMetricsAndDimensionsThatArePromised(t *testing.T) {
	w := newWatched(t, func(p *server.Parts) {
		p.Audit = &once{Recorder: p.Audit}
		p.Checks = []server.Check{{Name: metrics.CheckKeys, Run: func(context.Context) error { return nil }}}
	})
	for range 2 { // the first can't be recorded
		w.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a.png"},{"key":"users/bob/c.png"}]}`)
	}
	w.do(t, "", http.MethodGet, "/readyz", "")
	if err := w.measured.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := map[string][][]string{}
	for text := range strings.SplitSeq(strings.TrimSpace(w.lines.String()), "\n") {
		for _, counted := range embedded(t, text) {
			sets := make([][]string, len(counted.Dimensions))
			for n, set := range counted.Dimensions {
				if set[0] != metrics.ServiceDimension {
					t.Errorf("%s: the service isn't the first dimension", text)
				}
				sets[n] = set[1:]
			}
			got[counted.Metrics[0].Name] = sets
		}
	}
	if want := metrics.Dimensions(); !reflect.DeepEqual(got, want) {
		t.Errorf("CloudWatch counts\n%v, not\n%v", got, want)
	}
}

// AWS bills each combination of values that a metric is counted by.
func TestThereAreNoMoreMetricsInCloudWatchThanTheREADMESays(t *testing.T) {
	routes := newGateway(t, nil).handler.(*server.Server).Routes()
	values := map[string]int{
		metrics.Route: len(routes), metrics.Action: len(access.Actions()), metrics.Outcome: 2, metrics.Reason: 2,
		metrics.Code: len(problem.Kinds()), metrics.Kind: 3, metrics.Check: len(metrics.Checks()),
	}
	all := 0
	for metric, sets := range metrics.Dimensions() {
		for _, set := range sets {
			combinations := 1
			for _, attribute := range set {
				combinations *= values[attribute]
			}
			if all += combinations; combinations == 0 {
				t.Errorf("%s: nobody counted the values of %v", metric, set)
			}
		}
	}
	text, err := os.ReadFile("../../README.md")
	if want := fmt.Sprintf("at most %d metrics", all); err != nil || !strings.Contains(string(text), want) {
		t.Errorf("README.md doesn't say %q (%d routes): %v", want, len(routes), err)
	}
}

// directive is what a line in embedded metric format asks of CloudWatch.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct{ Name string }
}

// embedded reads such a line, whose dimensions have to be members of it.
func embedded(t testing.TB, line string) []directive {
	t.Helper()
	var members map[string]any
	var about struct {
		AWS struct{ CloudWatchMetrics []directive } `json:"_aws"`
	}
	if err := errors.Join(json.Unmarshal([]byte(line), &members), json.Unmarshal([]byte(line), &about)); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	for _, counted := range about.AWS.CloudWatchMetrics {
		for _, name := range slices.Concat(counted.Dimensions...) {
			if value, _ := members[name].(string); value == "" {
				t.Errorf("%s has no %s", line, name)
			}
		}
	}
	return about.AWS.CloudWatchMetrics
}

// hangUp is a caller who goes while their record is written.
type hangUp struct{ gone context.CancelFunc }

func (h hangUp) Record(ctx context.Context, _ ...audit.Record) error {
	h.gone()
	return fmt.Errorf("%w: %w", audit.ErrNotRecorded, ctx.Err())
}

func TestACallerWhoHangsUpIsNoFailureOfTheTrail(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := newWatched(t, func(p *server.Parts) { p.Audit = hangUp{cancel} })
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/read/users/alice/a.png", nil)
	request.Header.Set("Authorization", "Bearer alice")
	w.handler.ServeHTTP(newRecorder(), request)
	if page := w.page(t); strings.Contains(page, "signgate_audit_failures_total") {
		t.Errorf("somebody is woken for it:\n%s", page)
	}
}

// attentive is a trail that writes nothing for whoever doesn't wait, as those
// in AWS do.
type attentive struct{ server.Recorder }

func (a attentive) Record(ctx context.Context, records ...audit.Record) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", audit.ErrNotRecorded, ctx.Err())
	}
	return a.Recorder.Record(ctx, records...)
}

// What was denied before a request's time was over is on record, and that time
// is no failure of the trail.
func TestWhatWasDeniedIsOnRecordWhereTheRequestEndsEarly(t *testing.T) {
	for name, end := range map[string]func(p *server.Parts, hangUp context.CancelFunc){
		"its time is over":   func(p *server.Parts, _ context.CancelFunc) { p.RequestTime = 50 * time.Millisecond },
		"the caller is gone": func(_ *server.Parts, hangUp context.CancelFunc) { hangUp() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, hangUp := context.WithCancel(t.Context())
			defer hangUp()
			w := newWatched(t, func(p *server.Parts) {
				p.Audit, p.Limits.S3Reads = attentive{p.Audit}, true
				hanging := aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
					<-ctx.Done()
					return aws.Credentials{}, ctx.Err()
				})
				var err error
				p.Presigner, err = presign.New(t.Context(), presign.Config{Bucket: "media", Region: "eu-central-1", Credentials: hanging, Now: p.Now})
				if err != nil {
					t.Fatal(err)
				}
				end(p, hangUp)
			})
			request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/read-urls", strings.NewReader(`{"items":[{"key":"users/bob/a.png"},{"key":"users/alice/a.png","from":"s3"}]}`))
			request.Header.Set("Authorization", "Bearer alice")
			request.Header.Set("Content-Type", "application/json")
			w.handler.ServeHTTP(newRecorder(), request)
			if records := w.records(t); len(records) != 1 || records[0].Outcome != audit.Denied || records[0].Key != "users/bob/a.png" {
				t.Errorf("on record: %+v", records)
			}
			if page := w.page(t); strings.Contains(page, "signgate_audit_failures_total") {
				t.Errorf("somebody is woken for it:\n%s", page)
			}
		})
	}
}

// Whoever reads metrics and traces learns neither a secret, nor a key, nor who
// asked; and no client makes their number grow.
func TestNothingOfAURLAKeyOrACallerIsExported(t *testing.T) {
	w := newWatched(t, func(p *server.Parts) { p.Grants = newShares(t, start) })
	const key = "users/alice/sehr-geheim.png"
	var secrets []string
	answer := func(recorder *httptest.ResponseRecorder) string {
		if recorder.Code >= http.StatusBadRequest {
			t.Fatalf("%d %s", recorder.Code, recorder.Body)
		}
		return recorder.Body.String()
	}
	var read readURLs
	if err := json.Unmarshal([]byte(answer(w.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"`+key+`"}]}`))), &read); err != nil {
		t.Fatal(err)
	}
	_, signature, _ := strings.Cut(read.Items[0].URL, "Signature=")
	signature, _, _ = strings.Cut(signature, "&")
	secrets = append(secrets, signature[:20], read.Items[0].ID)
	var session struct{ URL string }
	if err := json.Unmarshal([]byte(answer(w.do(t, "alice", http.MethodPost, "/v1/upload-sessions", `{"prefix":"users/alice/inbox/"}`))), &session); err != nil {
		t.Fatal(err)
	}
	capability := session.URL[strings.LastIndexByte(session.URL, '/')+1:]
	secrets = append(secrets, capability[:20])
	path := strings.TrimPrefix(session.URL, "https://api.example.com")
	answer(w.do(t, "", http.MethodGet, path+"/s3/params?filename=geheimdatei.png&type=image/png", ""))
	w.do(t, "", http.MethodGet, path+"/nowhere-geheim", "")
	w.do(t, "alice", http.MethodGet, "/v1/read/"+key+"?Signature="+signature, "")
	w.do(t, "alice", http.MethodGet, "/geheim?token=geheim", "", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate", "geheim=geheim", "Baggage", "geheim=geheim")
	w.do(t, "alice", "GEHEIM", "/livez", "", "User-Agent", "geheim", "X-Forwarded-For", "203.0.113.66")
	all := w.everything(t)
	for _, secret := range append(secrets, "geheim", "Geheim", "GEHEIM", "alice", "192.0.2.1", "203.0.113.66", "Signature", "sg-id") {
		if strings.Contains(all, secret) {
			at := strings.Index(all, secret)
			t.Errorf("%q was exported: %q", secret, all[max(0, at-60):min(len(all), at+60)])
		}
	}
	if !strings.Contains(all, "audit.record") || !strings.Contains(all, "POST /v1/read-urls") {
		t.Error("no traces were exported, so nothing was shown")
	}
}

// A log line and a trace find each other, and a caller's own trace goes on.
func TestTheLogNamesTheTrace(t *testing.T) {
	const id = "0af7651916cd43dd8448eb211c80319c"
	w := newWatched(t, nil)
	w.do(t, "alice", http.MethodGet, "/livez", "", "Traceparent", "00-"+id+"-b7ad6b7169203331-01")
	if !strings.Contains(w.log.String(), "traceId="+id) {
		t.Errorf("the log says %s", w.log)
	}
	g := newGateway(t, nil)
	g.do(t, "alice", http.MethodGet, "/livez", "", "Traceparent", "00-"+id+"-b7ad6b7169203331-01")
	if strings.Contains(g.log.String(), "traceId") {
		t.Errorf("nobody traces, and the log says %s", g.log)
	}
}

// BenchmarkReadURLMeasured is BenchmarkReadURL with metrics for Prometheus.
func BenchmarkReadURLMeasured(b *testing.B) {
	measured, err := telemetry.New(b.Context(), telemetry.Config{
		Service: "signgate", Prometheus: true, Now: time.Now, Lookup: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		b.Fatal(err)
	}
	benchmarkPostOn(b, func(p *server.Parts) { p.Telemetry.Meter = measured.Meter("bench") }, "/v1/read-urls", `{"items":[{"key":"users/alice/pictures/0.png"}]}`, http.StatusOK)
}

// A question to the application is part of its request's trace, and tells
// nothing of what it is about.
func TestAQuestionToTheApplicationIsASpan(t *testing.T) {
	away := &silent{parallel: 4}
	w := newWatched(t, func(p *server.Parts) { p.DecisionHook = away; p.RequestTime = 50 * time.Millisecond })
	w.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/hidden.png"}]}`)
	if sent := w.everything(t); !strings.Contains(sent, "decision-hook") || strings.Contains(sent, "hidden") || strings.Contains(sent, "alice") {
		t.Errorf("%q", sent)
	}
}

// tattling stands in for what has a defect, and says in which object it showed.
type tattling struct{ server.DecisionHook }

func (tattling) Record(context.Context, ...audit.Record) error { panic("users/alice/hidden.png") }

func (tattling) Ask(context.Context, decisionhook.Question) (decisionhook.Answer, error) {
	panic("users/alice/hidden.png")
}

// OpenTelemetry would make an event of a panic, with its text.
func TestAPanicTellsTracesNothing(t *testing.T) {
	for name, change := range map[string]func(*server.Parts){
		"the trail":       func(p *server.Parts) { p.Audit = tattling{} },
		"the application": func(p *server.Parts) { p.DecisionHook = tattling{} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, change)
			mustProblem(t, w.do(t, "alice", http.MethodPost, "/v1/read-prefixes", `{"prefix":"users/alice/"}`), problem.Internal)
			if sent := w.everything(t); strings.Contains(sent, "hidden") || strings.Contains(sent, "exception") {
				t.Errorf("%q", sent)
			}
		})
	}
}
