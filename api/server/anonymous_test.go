package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/signgate/signgate/api/server"
)

func TestAnybodyMayReadAtMostAndOnlyWhereItIsTurnedOn(t *testing.T) {
	g := withPolicies(t, `permit (principal, action, resource);`)
	if got := g.do(t, "", http.MethodGet, "/v1/read/a", ""); got.Code != http.StatusUnauthorized {
		t.Errorf("turned off: %d", got.Code)
	}
	g = newGateway(t, func(p *server.Parts) { p.Anonymous, p.Access = true, everything{} })
	if got := g.do(t, "", http.MethodGet, "/v1/read/a", ""); got.Code != http.StatusFound || !strings.Contains(g.trail.String(), `"principal":"","authenticated":"anonymous"`) {
		t.Errorf("turned on: %d, %s", got.Code, g.trail)
	}
	for target, body := range map[string]string{
		"/v1/uploads":         `{"key":"a","contentType":"text/plain","contentLength":1}`,
		"/v1/upload-sessions": `{"prefix":"a/"}`,
		"/v1/uploads/sign":    `{"method":"POST","key":"a"}`,
		"/v1/delete-urls":     `{"items":[{"key":"x/a"},{"key":"x/b"},{"key":"x/c"}]}`,
	} {
		if got := g.do(t, "", http.MethodPost, target, body); strings.Contains(got.Body.String(), `"url"`) || got.Code == http.StatusCreated {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
	if got := g.do(t, "mallory", http.MethodGet, "/v1/read/a", ""); got.Code != http.StatusUnauthorized {
		t.Errorf("a bad token is not no token: %d", got.Code)
	}
}
