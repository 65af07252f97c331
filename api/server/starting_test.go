package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/cmd/devstack/demoissuer"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/settings"
)

// A function's first request waits for its start: what is asked of others is
// asked side by side, here of Secrets Manager, for two secrets, and two issuers,
// none of whom answers before all were asked.
func TestAStartAsksEverybodySideBySide(t *testing.T) {
	meet := together(4)
	holding := func(next http.Handler) http.Handler {
		first := make(chan struct{}, 1)
		first <- struct{}{}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // or the server doesn't notice when the other end gives up
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			select {
			case <-first:
				if !meet(r.Context(), 0) {
					return
				}
			default:
			}
			next.ServeHTTP(w, r)
		})
	}
	issuer := func() string {
		mux := http.NewServeMux()
		web := httptest.NewServer(holding(mux))
		t.Cleanup(web.Close)
		made, err := demoissuer.New(t.Context(), demoissuer.Config{URL: web.URL, Audience: "signgate", People: []string{"alice"}, Now: func() time.Time { return start }})
		if err != nil {
			t.Fatal(err)
		}
		mux.Handle("/", made.Handler())
		return web.URL
	}
	key := generateKey(t, keyring.P256)
	text, err := keyring.MarshalPrivatePEM(key)
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(map[string]any{"version": 1, "active": "a", "slots": map[string]any{"a": map[string]any{"keyId": "KSLOTA001", "privateKey": string(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	secret := func(text string) http.Handler {
		return holding(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			_ = json.NewEncoder(w).Encode(map[string]any{"SecretString": text, "VersionId": "1"})
		}))
	}
	keys, hook := secret(string(document)), secret(hookSecret)
	secrets := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("secret:hook")) {
			hook.ServeHTTP(w, r)
			return
		}
		keys.ServeHTTP(w, r)
	}))
	t.Cleanup(secrets.Close)
	another := issuer()
	file := t.TempDir() + "/issuers.json"
	if err := os.WriteFile(file, fmt.Appendf(nil, `[{"issuer":%q,"audience":"signgate","algorithms":["ES256"],"prefix":"other:"}]`, another), 0o600); err != nil {
		t.Fatal(err)
	}
	first := issuer()
	g := fromSettings(t, key, func(s *settings.Gateway) {
		s.SigningKeys, s.ActiveKeyID, s.SigningSecret, s.SecretsEndpoint = "", "", "signgate", secrets.URL
		s.Issuer, s.Issuers = first, file
		s.DecisionHook, s.DecisionHookSecret = "http://127.0.0.1:1/decisions", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:hook-AbCdEf"
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	recorder := httptest.NewRecorder()
	g.handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil))
	if recorder.Code != http.StatusOK {
		t.Errorf("%d %s", recorder.Code, recorder.Body)
	}
}
