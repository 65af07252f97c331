package edge_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// CloudFront compresses between 1,000 and 10,000,000 bytes, and nothing twice.
func TestOnlyWhatIsWorthItIsCompressed(t *testing.T) {
	for name, test := range map[string]struct {
		length   int
		encoding string // of the object itself
		want     string
	}{
		"too small": {999, "", ""}, "the smallest": {1000, "", "gzip"}, "the largest": {10_000_000, "", "gzip"}, "too large": {10_000_001, "", ""},
		"compressed already": {3000, "br", "br"}, "said to be as it is": {3000, "identity", "identity"},
	} {
		l := newLocal(t, nil)
		content := strings.Repeat("w", test.length)
		l.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			if test.encoding != "" {
				w.Header().Set("Content-Encoding", test.encoding)
			}
			_, _ = w.Write([]byte(content))
		}
		response, body := l.do(t, http.MethodGet, l.sign(t, "a.txt", time.Hour), http.Header{"Accept-Encoding": {"gzip"}})
		if got := response.Header.Values("Content-Encoding"); strings.Join(got, ",") != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if plain := test.want == test.encoding; plain && body != content || !plain && decompress(t, test.want, body) != content {
			t.Errorf("%s: other bytes arrived", name)
		}
	}
}

// Caches behind the edge have to know that the answer differs, whoever asks.
func TestAnAnswerThatMayBeCompressedSaysThatItVaries(t *testing.T) {
	content := strings.Repeat("words and words. ", 200)
	l := newLocal(t, nil)
	for contentType, want := range map[string]bool{"text/plain": true, "image/png": false} {
		l.answer = serveText(content, contentType, "")
		for _, accept := range []string{"br", "identity"} {
			response, _ := l.do(t, http.MethodGet, l.sign(t, "a", time.Hour), http.Header{"Accept-Encoding": {accept}})
			if got := slices.Contains(response.Header.Values("Vary"), "Accept-Encoding"); got != want {
				t.Errorf("%s, %s: Vary %v", contentType, accept, response.Header.Values("Vary"))
			}
		}
	}
}
