package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A gateway without its settings doesn't start, says so in a line, and doesn't
// wait long for a Parameter Store that says nothing.
func TestSettingsThatParameterStoreDoesNotGiveStartNothing(t *testing.T) {
	type trouble struct {
		answer http.HandlerFunc
		says   string
	}
	running := map[string]*process{}
	troubles := map[string]trouble{
		"throttled":           {refuse(http.StatusBadRequest, "ThrottlingException"), "ThrottlingException"},
		"expired credentials": {refuse(http.StatusBadRequest, "ExpiredTokenException"), "ExpiredTokenException"},
		"denied":              {refuse(http.StatusBadRequest, "AccessDeniedException"), "AccessDeniedException"},
		"not AWS":             {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "SSM"},
		"hanging":             {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline"},
	}
	for name, test := range troubles {
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // or the server doesn't notice when the other end gives up
			test.answer(w, r)
		}))
		t.Cleanup(store.Close)
		running[name] = start(t, []string{
			"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIDHIDDEN", "AWS_SECRET_ACCESS_KEY=hidden-secret", "AWS_SESSION_TOKEN=hidden-token",
			"AWS_ENDPOINT_URL_SSM=" + store.URL, "SIGNGATE_PARAMETERS=/signgate/test",
		}, "signgate", "serve")
	}
	for name, p := range running { // side by side: the SDK waits before it tries again
		code, said := p.exitCode(t), p.stderr.String()
		if code == 0 || !strings.Contains(said, "parameters: ") || !strings.Contains(said, troubles[name].says) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: %d %s", name, code, said)
		}
		mustNotSay(t, p, "hidden", "AKIDHIDDEN", "Signature=")
	}
}
