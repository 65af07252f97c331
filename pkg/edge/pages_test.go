package edge_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/edge"
)

// A browser gives a page an answer to a request with cookies only where the
// page's origin is named and credentials are allowed: never for "*".
func TestPagesOfTheGivenOriginsReadWithTheirCookies(t *testing.T) {
	l := newLocal(t, func(c *edge.Config) {
		c.Behaviors = []edge.Behavior{edge.ReadBehavior([]string{keyID}, edge.Lifetime{Max: time.Hour}, "http://localhost:3000", "https://app.example.com")}
	})
	l.answer = serveText("words", "text/plain", "max-age=60")
	url := l.sign(t, "a.txt", time.Hour)
	for _, outcome := range []string{"Miss", "Hit"} {
		for origin, allowed := range map[string]string{"http://localhost:3000": "true", "https://app.example.com": "true", "https://evil.example.com": "", "null": "", "": ""} {
			header := http.Header{}
			if origin != "" {
				header.Set("Origin", origin)
			}
			response, _ := l.do(t, http.MethodGet, url, header)
			got, want := response.Header, ""
			if allowed != "" {
				want = origin
			}
			if got.Get("Access-Control-Allow-Origin") != want || got.Get("Access-Control-Allow-Credentials") != allowed || got.Get("Vary") != "Origin" {
				t.Errorf("%s, %q: %v", outcome, origin, got)
			}
		}
	}
}

func TestWithoutOriginsEveryPageReadsByURLAndNoneByCookies(t *testing.T) {
	l := newLocal(t, nil)
	l.answer = serveText("words", "text/plain", "max-age=60")
	url := l.sign(t, "a.txt", time.Hour)
	for _, outcome := range []string{"Miss", "Hit"} {
		response, _ := l.do(t, http.MethodGet, url, http.Header{"Origin": {"https://any.example.com"}})
		got := response.Header
		if got.Get("X-Cache") != outcome+" from cloudfront" || got.Get("Access-Control-Allow-Origin") != "*" || got.Get("Access-Control-Allow-Credentials") != "" || got.Get("Vary") != "" || got.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", outcome, got)
		}
	}
}

// An answer that is kept was asked for by one page; the next may be another's.
func TestAKeptAnswerIsMarkedForThePageThatAsksNow(t *testing.T) {
	l := newLocal(t, func(c *edge.Config) {
		c.Behaviors = []edge.Behavior{edge.ReadBehavior([]string{keyID}, edge.Lifetime{Max: time.Hour}, "https://a.example.com", "https://b.example.com")}
	})
	l.answer = serveText("words", "text/plain", "max-age=60")
	url := l.sign(t, "a.txt", time.Hour)
	for _, origin := range []string{"https://a.example.com", "https://b.example.com", ""} {
		response, _ := l.do(t, http.MethodGet, url, http.Header{"Origin": {origin}})
		if got := response.Header; got.Get("Access-Control-Allow-Origin") != origin || len(got.Values("Vary")) != 1 || got.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q: %v", origin, got)
		}
	}
	if len(l.reached) != 1 {
		t.Errorf("%d requests reached the origin", len(l.reached))
	}
}
