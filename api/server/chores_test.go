package server_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/metrics"
	"github.com/signgate/signgate/pkg/settings"
	"github.com/signgate/signgate/pkg/telemetry"
)

// In a process that stands still between requests nothing is left to a
// background: the trail is signed, and policies are looked at, when it is said
// that now is the time, and no more often than the settings want.
func TestAFrozenGatewayCatchesUpWhenItIsAskedTo(t *testing.T) {
	g := inEnvironment(t, generateKey(t, keyring.P256), nil, frozen)
	signed := func() int { return strings.Count(g.trail.String(), `"signature"`) }
	read := func() { g.do(t, g.token, http.MethodGet, "/v1/read/users/alice/a.png", "") }

	read()
	if signed() != 1 { // the beginning
		t.Fatalf("%d signed lines:\n%s", signed(), g.trail)
	}
	g.server.CatchUp(t.Context())
	if signed() != 1 {
		t.Errorf("signed before the interval is over:\n%s", g.trail)
	}
	g.now = g.now.Add(time.Minute)
	g.server.CatchUp(t.Context())
	if signed() != 2 || !strings.Contains(g.trail.String(), `"checkpoint"`) {
		t.Errorf("not signed after the interval:\n%s", g.trail)
	}
	g.now = g.now.Add(time.Minute)
	g.server.CatchUp(t.Context())
	if signed() != 2 {
		t.Errorf("signed where nothing was written:\n%s", g.trail)
	}

	g.writePolicies(t, `forbid (principal, action, resource);`)
	for range 2 { // seen, then taken
		g.now = g.now.Add(time.Minute)
		g.server.CatchUp(t.Context())
	}
	if recorder := g.do(t, g.token, http.MethodGet, "/v1/read/users/alice/a.png", ""); recorder.Code != http.StatusNotFound {
		t.Errorf("the policies from before decide: %d", recorder.Code)
	}
}

// Something that hangs, here the stream of the trail, leaves a request the
// most of its time.
func TestCatchingUpLeavesTimeForTheRequest(t *testing.T) {
	var hangs atomic.Bool
	release := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if hangs.Load() {
			<-release
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = w.Write([]byte(`{"RecordId":"1"}`))
	}))
	t.Cleanup(web.Close)
	g := inEnvironment(t, generateKey(t, keyring.P256), func(s *settings.Gateway) {
		s.AuditFile, s.AuditStream, s.AuditEndpoint = "-", "trail", web.URL
	}, frozen)
	t.Cleanup(func() { close(release) })
	if got := g.do(t, g.token, http.MethodGet, "/v1/read/users/alice/a.png", ""); got.Code >= http.StatusBadRequest {
		t.Fatalf("%d %s", got.Code, got.Body)
	}

	hangs.Store(true)
	g.now = g.now.Add(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	g.server.CatchUp(ctx)
	if ctx.Err() != nil {
		t.Error("nothing is left of the time")
	}
	if !strings.Contains(g.log.String(), "no checkpoint") {
		t.Errorf("nobody hears of it:\n%s", g.log)
	}
	hangs.Store(false)
}

// A collector that hangs is waited for once, and not by every request.
func TestACollectorThatHangsKeepsOneRequestWaitingAndThenNone(t *testing.T) {
	release := make(chan struct{})
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(collector.Close)
	t.Cleanup(func() { close(release) })
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", collector.URL)
	measured, err := telemetry.New(t.Context(), telemetry.Config{Service: "signgate", Lookup: os.LookupEnv, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	g := inEnvironment(t, generateKey(t, keyring.P256), nil, func(env *server.Environment) { env.Frozen, env.Telemetry = true, measured })
	waited := func() int { return strings.Count(g.log.String(), "measurements could not be sent") }
	for range 3 {
		g.do(t, g.token, http.MethodGet, "/v1/read/users/alice/a.png", "")
		g.server.CatchUp(t.Context())
	}
	if waited() != 1 {
		t.Errorf("%d requests waited:\n%s", waited(), g.log)
	}
	g.now = g.now.Add(30 * time.Second)
	g.server.CatchUp(t.Context())
	if waited() != 2 {
		t.Errorf("what was measured meanwhile isn't sent:\n%s", g.log)
	}
}

// Alarms go by lines for CloudWatch, which need no collector.
func TestACollectorThatFailsKeepsNoLineFromCloudWatch(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", collector.URL)
	var lines bytes.Buffer
	measured, err := telemetry.New(t.Context(), telemetry.Config{Service: "signgate", Namespace: "test", Out: &lines, Lookup: os.LookupEnv, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	g := inEnvironment(t, generateKey(t, keyring.P256), nil, func(env *server.Environment) { env.Frozen, env.Telemetry = true, measured })
	for n := range 3 {
		lines.Reset()
		g.do(t, g.token, http.MethodGet, "/v1/read/users/alice/a.png", "")
		g.server.CatchUp(t.Context())
		if !strings.Contains(lines.String(), metrics.Issuances) {
			t.Errorf("nobody hears of the issuance %d: %s", n, &lines)
		}
	}
	lines.Reset()
	g.server.CatchUp(t.Context())
	if lines.Len() > 0 {
		t.Errorf("where nothing was measured: %s", &lines)
	}
}

// A key that an issuer took back doesn't stay trusted for as long as Lambda
// keeps the process.
func TestAFrozenGatewayForgetsAKeyThatTheIssuerTookBack(t *testing.T) {
	var gone atomic.Bool
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + web.URL + `","jwks_uri":"` + web.URL + `/jwks"}`))
	})
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		if gone.Load() {
			_, _ = w.Write([]byte(`{"keys":[]}`))
			return
		}
		// The key of RFC 7517, appendix A.1.
		_, _ = w.Write([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig","kid":"1"}]}`))
	})
	g := inEnvironment(t, generateKey(t, keyring.P256), func(s *settings.Gateway) { s.Issuer = web.URL }, frozen)
	ready := func() int { return g.do(t, "", http.MethodGet, "/readyz", "").Code }
	if code := ready(); code != http.StatusOK {
		t.Fatalf("ready: %d", code)
	}
	gone.Store(true)
	g.now = g.now.Add(time.Hour)
	g.server.CatchUp(t.Context())
	if code := ready(); code != http.StatusServiceUnavailable {
		t.Errorf("%d: the key is known still", code)
	}
}
