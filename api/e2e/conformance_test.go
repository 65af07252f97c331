package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/problem"
)

// ask sends a request as a person, with a JSON body where there is one.
func (g *gateway) ask(t testing.TB, person, method, path, body string, headers ...string) answer {
	t.Helper()
	all := map[string]string{}
	if person != "" {
		all["Authorization"] = "Bearer " + g.token(t, person)
	}
	if body != "" {
		all["Content-Type"] = "application/json"
	}
	for i := 0; i < len(headers); i += 2 {
		all[headers[i]] = headers[i+1]
	}
	return send(t, method, g.url+path, all, []byte(body))
}

func mustBeProblem(t testing.TB, what string, got answer, kind problem.Kind) {
	t.Helper()
	var document problem.Document
	if err := json.Unmarshal(got.body, &document); err != nil || got.status != kind.Status || document.Code != kind.Code || got.header.Get("Content-Type") != problem.ContentType ||
		document.RequestID == "" || document.RequestID != got.header.Get("X-Request-ID") {
		t.Errorf("%s: %d %v %s, want %s", what, got.status, got.header, got.body, kind.Code)
	}
}

func cookiesArriveOneByOne(t *testing.T, g *gateway) {
	t.Helper()
	got := g.ask(t, "alice", http.MethodPost, "/v1/read-cookies", `{"prefix":"users/alice/pictures/"}`)
	names := map[string]bool{}
	for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
		names[cookie.Name] = cookie.Value != "" && cookie.Quoted == false && cookie.HttpOnly
	}
	if got.status != http.StatusCreated || len(names) != 4 || !names["CloudFront-Policy"] || !names["CloudFront-Signature"] || !names["CloudFront-Key-Pair-Id"] {
		t.Errorf("%d %v %s", got.status, names, got.body)
	}
}

func thousandKeys(t *testing.T, g *gateway) {
	t.Helper()
	items := make([]client.ReadItem, 1000)
	for n := range items {
		items[n].Key = fmt.Sprintf("users/alice/many/%d.png", n)
	}
	urls, err := g.as(t, "alice").ReadURLs(t.Context(), items...)
	if err != nil || len(urls) != len(items) || !strings.Contains(urls[999].URL, "/users/alice/many/999.png?") {
		t.Errorf("%d URLs, %v", len(urls), err)
	}
}

func keysAreTakenByteForByte(t *testing.T, g *gateway) {
	t.Helper()
	for n, name := range []string{"what?.txt", "100%.txt", "a%20b.txt", "a%252Fb+c.txt", "ä#1;&=,.txt", "*", "'quoted'\".txt"} {
		key := fmt.Sprintf("users/alice/odd/%d/%s", n, name)
		g.upload(t, "alice", key, "text/plain", []byte(key))
		if got := get(t, g.readURL(t, "alice", client.ReadItem{Key: key}).URL); string(got.body) != key {
			t.Errorf("%s: %d %s", key, got.status, got.body)
		}
		page, err := g.as(t, "alice").List(t.Context(), client.ListRequest{Prefix: key[:strings.LastIndexByte(key, '/')+1]})
		if err != nil || len(page.Items) != 1 || page.Items[0].Key != key {
			t.Errorf("%s: %+v, %v", key, page, err)
		}
		access := g.ask(t, "alice", http.MethodGet, "/v1/access?key="+url.QueryEscape(key), "")
		if access.status == http.StatusNotFound || access.status == http.StatusBadRequest {
			t.Errorf("%s: %d %s", key, access.status, access.body)
		}
	}
}

func routerRefusesWithProblems(t *testing.T, g *gateway) {
	t.Helper()
	mustBeProblem(t, "no such path", g.ask(t, "alice", http.MethodGet, "/v1/nothing", ""), problem.NotFound)
	mustBeProblem(t, "no such method", g.ask(t, "alice", http.MethodPut, "/v1/read-urls", ""), problem.MethodNotAllowed)
	mustBeProblem(t, "no token", g.ask(t, "", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"a"}]}`), problem.Unauthenticated)
	if got := g.ask(t, "", http.MethodHead, "/v1/nothing", ""); got.status != http.StatusNotFound || len(got.body) != 0 {
		t.Errorf("HEAD: %d %q", got.status, got.body)
	}
	mustBeProblem(t, "a path with dots", g.ask(t, "alice", http.MethodGet, "/v1/read/users/alice/%2e%2e/bob/a.png", ""), problem.InvalidRequest)
}

func oddBodiesAreRefused(t *testing.T, g *gateway) {
	t.Helper()
	for name, test := range map[string]struct {
		body, kind string
		want       problem.Kind
	}{
		"nothing":                  {"", "application/json", problem.MalformedRequest},
		"bytes that are no text":   {"{\"items\":[{\"key\":\"users/alice/\xff\"}]}", "application/octet-stream", problem.UnsupportedMedia},
		"bytes in a body of JSON":  {"{\"items\":[{\"key\":\"a\"}]}\x00", "application/json", problem.MalformedRequest},
		"a member twice":           {`{"items":[{"key":"users/bob/a","key":"users/alice/a"}]}`, "application/json", problem.MalformedRequest},
		"more than may be sent":    {`{"items":[` + strings.Repeat(" ", 1<<20) + `]}`, "application/json", problem.TooLarge},
		"another charset's letter": {`{"items":[{"key":"users/alice/ä.png"}]}`, "text/plain", problem.UnsupportedMedia},
	} {
		mustBeProblem(t, name, g.ask(t, "alice", http.MethodPost, "/v1/read-urls", test.body, "Content-Type", test.kind), test.want)
	}
}

func otherOriginsAreToldNothing(t *testing.T, g *gateway) {
	t.Helper()
	got := g.ask(t, "", http.MethodOptions, "/v1/read-urls", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	if got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func requestIDComesBack(t *testing.T, g *gateway) {
	t.Helper()
	if got := g.ask(t, "", http.MethodGet, "/livez", "", "X-Request-ID", "my-id.7"); got.header.Get("X-Request-ID") != "my-id.7" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", got.header)
	}
	if got := g.ask(t, "", http.MethodGet, "/livez", "", "X-Request-ID", "<script>"); len(got.header.Get("X-Request-ID")) < 20 {
		t.Errorf("%v", got.header)
	}
}

// addressIsTheClients: what a client writes into X-Forwarded-For counts for
// nothing, wherever it is caught.
func addressIsTheClients(t *testing.T, g *gateway) {
	t.Helper()
	got := g.ask(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/pictures/sunrise.png","address":"caller"}]}`, "X-Forwarded-For", "203.0.113.66")
	g.waitFor(t, g.stderr, `"address":"127.0.0.1"`)
	if got.status != http.StatusOK || bytes.Contains(got.body, []byte(`"problem"`)) || strings.Contains(g.stderr.String()+g.stdout.String(), "203.0.113.66") {
		t.Errorf("%d %s\n%s", got.status, got.body, g.stderr)
	}
}
