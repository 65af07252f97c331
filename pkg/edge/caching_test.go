package edge_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/edge"
)

// withLifetime is an edge whose answers live as long as a cache policy says.
func withLifetime(t *testing.T, lifetime edge.Lifetime) *local {
	t.Helper()
	return newLocal(t, func(c *edge.Config) { c.Behaviors = only(func(b *edge.Behavior) { b.Lifetime = lifetime }) })
}

func TestEveryObjectHasItsOwnKeptAnswer(t *testing.T) {
	l := newLocal(t, nil)
	l.answer = func(w http.ResponseWriter, r *http.Request) {
		serveText("of "+r.URL.Path, "text/plain", "max-age=60")(w, r)
	}
	for range 2 {
		for _, name := range []string{"a.txt", "b.txt", "users/alice/a.txt"} {
			if _, body := l.do(t, http.MethodGet, l.sign(t, name, time.Hour), nil); body != "of /media/"+name {
				t.Errorf("%s: %s", name, body)
			}
		}
	}
	if len(l.reached) != 3 {
		t.Errorf("%d requests reached the origin", len(l.reached))
	}
}

func TestAnAnswerIsKeptWholeOrNotAtAll(t *testing.T) {
	const content = "0123456789"
	for name, first := range map[string]struct {
		method string
		header http.Header
	}{
		"a piece first": {http.MethodGet, http.Header{"Range": {"bytes=2-4"}}}, "the headers first": {http.MethodHead, nil},
		"not modified first": {http.MethodGet, http.Header{"If-None-Match": {`"30313233"`}}},
	} {
		l := newLocal(t, nil)
		l.answer = serveText(content, "text/plain", "max-age=60")
		url := l.sign(t, "a.txt", time.Hour)
		l.do(t, first.method, url, first.header)
		if response, body := l.do(t, http.MethodGet, url, nil); response.StatusCode != http.StatusOK || body != content || len(l.reached) != 2 {
			t.Errorf("%s: then %d %q, %d requests", name, response.StatusCode, body, len(l.reached))
		}
	}
}

func TestAnAnswerThatBreaksOffIsNotKept(t *testing.T) {
	l := newLocal(t, nil)
	var whole atomic.Bool
	l.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "01234")
		_ = http.NewResponseController(w).Flush()
		if !whole.Load() {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "56789")
	}
	url := l.sign(t, "a.txt", time.Hour)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := l.edge.Client().Do(request); err == nil { // or it breaks off before the headers
		_, err = io.ReadAll(response.Body)
		if _ = response.Body.Close(); err == nil {
			t.Error("a broken answer arrived whole")
		}
	}
	whole.Store(true)
	for range 2 {
		if _, body := l.do(t, http.MethodGet, url, nil); body != "0123456789" {
			t.Errorf("then %q", body)
		}
	}
	if len(l.reached) != 2 {
		t.Errorf("%d requests reached the origin", len(l.reached))
	}
}

// The edge keeps what CloudFront would keep under the same cache policy, and
// as long.
func TestAnswersLiveAsTheCachePolicyAndTheObjectSay(t *testing.T) {
	usual := edge.Lifetime{Default: time.Hour, Max: 24 * time.Hour}
	for name, test := range map[string]struct {
		lifetime edge.Lifetime
		header   http.Header
		want     time.Duration
	}{
		"by default":              {usual, nil, time.Hour},
		"no-store":                {usual, http.Header{"Cache-Control": {"no-store"}}, 0},
		"no-cache":                {usual, http.Header{"Cache-Control": {"no-cache"}}, 0},
		"private":                 {usual, http.Header{"Cache-Control": {"private"}}, 0},
		"max-age":                 {usual, http.Header{"Cache-Control": {"max-age=10"}}, 10 * time.Second},
		"max-age of zero":         {usual, http.Header{"Cache-Control": {"max-age=0"}}, 0},
		"s-maxage":                {usual, http.Header{"Cache-Control": {"max-age=3000, s-maxage=20"}}, 20 * time.Second},
		"s-maxage of zero":        {usual, http.Header{"Cache-Control": {"max-age=3000, s-maxage=0"}}, 0},
		"longer than the longest": {usual, http.Header{"Cache-Control": {"max-age=31536000"}}, 24 * time.Hour},
		"an expiry":               {usual, http.Header{"Expires": {start.Add(30 * time.Second).Format(http.TimeFormat)}}, 30 * time.Second},
		"max-age and an expiry":   {usual, http.Header{"Cache-Control": {"max-age=10"}, "Expires": {start.Add(time.Hour).Format(http.TimeFormat)}}, 10 * time.Second},
		"the least":               {edge.Lifetime{Min: time.Minute, Max: time.Hour}, http.Header{"Cache-Control": {"max-age=1"}}, time.Minute},
		"the least of no-store":   {edge.Lifetime{Min: time.Minute, Max: time.Hour}, http.Header{"Cache-Control": {"no-store"}}, time.Minute},
		"a default past the most": {edge.Lifetime{Default: time.Hour, Max: time.Minute}, nil, time.Minute},
	} {
		l := withLifetime(t, test.lifetime)
		l.answer = func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), test.header)
			_, _ = io.WriteString(w, "words")
		}
		url := l.sign(t, "a.txt", 48*time.Hour)
		l.do(t, http.MethodGet, url, nil)
		for _, moment := range []struct {
			after time.Duration
			want  bool
		}{{test.want - time.Second, test.want > 0}, {test.want, false}} {
			l.now = start.Add(max(moment.after, 0))
			before := len(l.reached)
			response, _ := l.do(t, http.MethodHead, url, nil) // which is not kept itself
			if kept := len(l.reached) == before; kept != moment.want || kept != (response.Header.Get("X-Cache") == "Hit from cloudfront") {
				t.Errorf("%s, after %s: kept %t", name, moment.after, kept)
			}
		}
	}
}

// The cache is a few megabytes of memory, however much is read through it.
func TestTheCacheForgetsWhatWasReadLongestAgo(t *testing.T) {
	const most, size = 64 << 20, 8 << 20
	l := newLocal(t, nil)
	l.answer = func(w http.ResponseWriter, r *http.Request) {
		length := size
		if strings.HasSuffix(r.URL.Path, "large") {
			length++
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Length", strconv.Itoa(length))
		chunk := strings.Repeat("x", 1<<20)
		for ; r.Method == http.MethodGet && length > 0; length -= min(length, len(chunk)) {
			_, _ = io.WriteString(w, chunk[:min(length, len(chunk))])
		}
	}
	read := func(name string) {
		if response, body := l.do(t, http.MethodGet, l.sign(t, name, time.Hour), nil); response.StatusCode != http.StatusOK || len(body) < size {
			t.Fatalf("%s: %d, %d bytes", name, response.StatusCode, len(body))
		}
	}
	kept := func(name string) bool {
		before := len(l.reached)
		l.do(t, http.MethodHead, l.sign(t, name, time.Hour), nil) // which is not kept itself
		return len(l.reached) == before
	}
	if read("large"); kept("large") {
		t.Error("an object above the limit was kept")
	}
	for n := range most / size {
		read(strconv.Itoa(n))
	}
	if !kept("0") { // so that 1 is what was read longest ago
		t.Error("as much as has room wasn't kept")
	}
	read("one more")
	if kept("1") || !kept("0") || !kept("2") || !kept("one more") {
		t.Error("not what was read longest ago was forgotten")
	}
}

func TestAPreflightIsNeverAnsweredFromTheCache(t *testing.T) {
	l := newLocal(t, nil)
	l.answer = serveText("words", "text/plain", "max-age=60")
	url := l.sign(t, "a.txt", time.Hour)
	l.do(t, http.MethodGet, url, nil)
	if response, _ := l.do(t, http.MethodOptions, url, nil); len(l.reached) != 2 || l.reached[1].Method != http.MethodOptions || strings.HasPrefix(response.Header.Get("X-Cache"), "Hit") {
		t.Errorf("%d requests, %s", len(l.reached), response.Header.Get("X-Cache"))
	}
}

// What has become private is forgotten, and not asked for again and again.
func TestWhatTheOriginDoesNotGiveAnyMoreIsForgotten(t *testing.T) {
	l := newLocal(t, nil)
	l.answer = serveText("first words", "text/plain", "max-age=60")
	url := l.sign(t, "a.txt", time.Hour)
	l.do(t, http.MethodGet, url, nil)
	l.now, l.answer = start.Add(time.Minute), serveText("other words", "text/plain", "no-store")
	for step, want := range []int{3, 4} { // asked whether it changed, then for what it is; then for what it is
		if _, body := l.do(t, http.MethodGet, url, nil); body != "other words" || len(l.reached) != want {
			t.Errorf("step %d: %s, %d requests", step, body, len(l.reached))
		}
	}
}

// A proxy of the environment would get the edge's own signatures.
func TestTheOriginIsReachedWithoutAProxy(t *testing.T) {
	asked := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	l := newLocal(t, func(c *edge.Config) { c.Origin.BucketURL = "http://s3.invalid/media" })
	if response, _ := l.do(t, http.MethodGet, l.sign(t, "a.txt", time.Hour), nil); response.StatusCode != http.StatusBadGateway || asked != 0 {
		t.Errorf("%d, the proxy was asked %d times", response.StatusCode, asked)
	}
}
