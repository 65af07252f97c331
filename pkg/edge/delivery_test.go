package edge_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"github.com/signgate/signgate/pkg/edge"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
	"github.com/signgate/signgate/pkg/signedurl"
)

// serveText answers like S3 with an object of this content.
func serveText(content, contentType, cacheControl string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Server", "AmazonS3")
		header.Set("ETag", fmt.Sprintf(`"%x"`, content[:min(4, len(content))]))
		header.Set("Content-Type", contentType)
		if cacheControl != "" {
			header.Set("Cache-Control", cacheControl)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	}
}

func TestTheCacheAnswersAsLongAsItMay(t *testing.T) {
	l := newLocal(t, nil)
	l.answer = serveText("first words", "text/plain", "max-age=60")
	url := l.sign(t, "a.txt", time.Hour)
	expect := func(step, cache, age, body string, reached int) {
		t.Helper()
		response, got := l.do(t, http.MethodGet, url, nil)
		if response.StatusCode != http.StatusOK || response.Header.Get("X-Cache") != cache+" from cloudfront" || response.Header.Get("Age") != age || got != body || len(l.reached) != reached {
			t.Errorf("%s: %d, X-Cache %q, Age %q, %q, %d requests reached the origin", step, response.StatusCode, response.Header.Get("X-Cache"), response.Header.Get("Age"), got, len(l.reached))
		}
	}
	expect("at first", "Miss", "", "first words", 1)
	l.now = start.Add(59 * time.Second)
	expect("a minute less one second later", "Hit", "59", "first words", 1)
	l.now = start.Add(60 * time.Second)
	expect("a minute later, unchanged", "RefreshHit", "60", "first words", 2)
	l.now = start.Add(61 * time.Second)
	expect("refreshed", "Hit", "1", "first words", 2)
	l.now = start.Add(5 * time.Minute)
	l.answer = serveText("other words", "text/plain", "max-age=60")
	expect("changed in the meantime", "Miss", "", "other words", 4)

	url = l.sign(t, "a.txt", 2*time.Hour) // another signature, another issue: the same answer
	expect("by another URL", "Hit", "0", "other words", 4)
}

func TestAKeptAnswerServesPiecesHeadersAndConditions(t *testing.T) {
	l := newLocal(t, nil)
	l.answer = serveText("0123456789", "text/plain", "max-age=60")
	url := l.sign(t, "a.txt", time.Hour)
	first, _ := l.do(t, http.MethodGet, url, nil)
	for name, test := range map[string]struct {
		method string
		header http.Header
		status int
		body   string
	}{
		"a piece":     {http.MethodGet, http.Header{"Range": {"bytes=2-4"}}, http.StatusPartialContent, "234"},
		"the headers": {http.MethodHead, nil, http.StatusOK, ""},
		"unchanged":   {http.MethodGet, http.Header{"If-None-Match": {first.Header.Get("ETag")}}, http.StatusNotModified, ""},
		"changed":     {http.MethodGet, http.Header{"If-None-Match": {`"other"`}}, http.StatusOK, "0123456789"},
	} {
		response, body := l.do(t, test.method, url, test.header)
		if response.StatusCode != test.status || body != test.body || response.Header.Get("X-Cache") != "Hit from cloudfront" {
			t.Errorf("%s: %d %q %s", name, response.StatusCode, body, response.Header.Get("X-Cache"))
		}
	}
	if len(l.reached) != 1 {
		t.Errorf("%d requests reached the origin", len(l.reached))
	}
}

func TestWhatMayNotBeKeptIsNot(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"no-store":   serveText("words", "text/plain", "no-store"),
		"private":    serveText("words", "text/plain", "private, max-age=60"),
		"no-cache":   serveText("words", "text/plain", "no-cache"),
		"nonsense":   serveText("words", "text/plain", "max-age=soon"),
		"said to be": serveText("words", "text/plain", "max-age=0"),
		"by default": serveText("words", "text/plain", ""),
		"an error":   func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
		"of no known": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
		},
	} {
		l := newLocal(t, nil)
		l.answer = answer
		url := l.sign(t, "a.txt", time.Hour)
		l.do(t, http.MethodGet, url, nil)
		if response, _ := l.do(t, http.MethodGet, url, nil); len(l.reached) != 2 || strings.HasPrefix(response.Header.Get("X-Cache"), "Hit") {
			t.Errorf("%s: %d requests, %s", name, len(l.reached), response.Header.Get("X-Cache"))
		}
	}
}

func TestOnlyNamedParametersReachTheOriginAndTellAnswersApart(t *testing.T) {
	l := newLocal(t, nil)
	l.answer = serveText("words", "text/plain", "max-age=60")
	key, err := objectkey.Parse("a.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, set := range []overrides.Set{{}, {Filename: "ä b+c.txt", VersionID: "v1"}, {Filename: "ä b+c.txt", VersionID: "v1"}} {
		url, err := l.signer.Sign(signedurl.Request{Key: key, IssueID: fmt.Sprintf("ISSUE%d", i), Conditions: signedurl.Conditions{Expires: start.Add(time.Hour)}, Overrides: set})
		if err != nil {
			t.Fatal(err)
		}
		if response, body := l.do(t, http.MethodGet, url, nil); response.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", response.StatusCode, body)
		}
	}
	if len(l.reached) != 2 {
		t.Fatalf("%d requests reached the origin, want one for each answer", len(l.reached))
	}
	if plain := l.reached[0].URL.RawQuery; plain != "" {
		t.Errorf("without overrides the origin got %s", plain)
	}
	if query := l.reached[1].URL.Query(); len(query) != 2 || query.Get("versionId") != "v1" || query.Get("response-content-disposition") != overrides.Disposition("ä b+c.txt") {
		t.Errorf("with them it got %v", query)
	}
}

func TestTextIsCompressedForThoseWhoTakeIt(t *testing.T) {
	content := strings.Repeat("words and words. ", 200)
	for name, test := range map[string]struct {
		accept, contentType, content, method, want string
		header                                     http.Header
	}{
		"brotli":       {"gzip, deflate, br", "text/plain", content, http.MethodGet, "br", nil},
		"gzip":         {"gzip", "text/html; charset=utf-8", content, http.MethodGet, "gzip", nil},
		"gzip, not br": {"br;q=0, gzip;q=0.5", "application/json", content, http.MethodGet, "gzip", nil},
		"nothing":      {"identity", "text/plain", content, http.MethodGet, "", nil},
		"a picture":    {"gzip, br", "image/png", content, http.MethodGet, "", nil},
		"too small":    {"gzip, br", "text/plain", "words", http.MethodGet, "", nil},
		"a piece":      {"gzip, br", "text/plain", content, http.MethodGet, "", http.Header{"Range": {"bytes=0-1999"}}},
		"headers only": {"gzip, br", "text/plain", content, http.MethodHead, "", nil},
	} {
		for _, cached := range []string{"", "max-age=60"} {
			l := newLocal(t, nil)
			l.answer = serveText(test.content, test.contentType, cached)
			url := l.sign(t, "a", time.Hour)
			header := http.Header{"Accept-Encoding": {test.accept}}
			maps.Copy(header, test.header)
			for range 2 { // from the origin, then perhaps from the cache
				response, body := l.do(t, test.method, url, header)
				if got := response.Header.Get("Content-Encoding"); got != test.want {
					t.Errorf("%s: Content-Encoding %q", name, got)
					continue
				}
				want := test.content
				if test.method == http.MethodHead {
					want = ""
				} else if test.header != nil {
					want = want[:2000]
				}
				if plain := decompress(t, test.want, body); plain != want {
					t.Errorf("%s: %d bytes became %d", name, len(want), len(plain))
				}
				if weak := strings.HasPrefix(response.Header.Get("ETag"), "W/"); weak != (test.want != "") {
					t.Errorf("%s: ETag %s", name, response.Header.Get("ETag"))
				}
			}
		}
	}
}

func decompress(t testing.TB, encoding, body string) string {
	t.Helper()
	var reader io.Reader = strings.NewReader(body)
	switch encoding {
	case "br":
		reader = brotli.NewReader(reader)
	case "gzip":
		var err error
		if reader, err = gzip.NewReader(reader); err != nil {
			t.Fatal(err)
		}
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestPagesMayReadWhatTheBehaviourSays(t *testing.T) {
	l := newLocal(t, func(c *edge.Config) {
		c.Behaviors = only(func(b *edge.Behavior) {
			b.CORS = &edge.CORS{AllowOrigins: []string{"https://app.example.com"}, AllowCredentials: true, ExposeHeaders: []string{"ETag"}, AllowHeaders: []string{"Range"}, MaxAge: time.Minute}
		})
	})
	l.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://set.by.s3")
		w.Header().Set("Access-Control-Max-Age", "9")
	}
	url := l.sign(t, "a.txt", time.Hour)
	get, _ := l.do(t, http.MethodGet, url, http.Header{"Origin": {"https://app.example.com"}})
	if h := get.Header; h.Get("Access-Control-Allow-Origin") != "https://app.example.com" || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Access-Control-Expose-Headers") != "ETag" || h.Get("Vary") != "Origin" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", h)
	}
	preflight, _ := l.do(t, http.MethodOptions, url, http.Header{"Origin": {"https://app.example.com"}, "Access-Control-Request-Method": {"GET"}})
	if h := preflight.Header; h.Get("Access-Control-Allow-Methods") != "GET,HEAD,OPTIONS" || h.Get("Access-Control-Allow-Headers") != "Range" || h.Get("Access-Control-Max-Age") != "60" {
		t.Errorf("preflight: %v", h)
	}
	other, _ := l.do(t, http.MethodGet, url, http.Header{"Origin": {"https://evil.example.com"}})
	if h := other.Header; h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Max-Age") != "" {
		t.Errorf("another page: %v", h)
	}
	refused, _ := l.do(t, http.MethodGet, l.edge.URL+"/a.txt", http.Header{"Origin": {"https://app.example.com"}})
	if refused.StatusCode != http.StatusForbidden || refused.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a refusal: %d %v", refused.StatusCode, refused.Header)
	}
}

// The first pattern that matches decides, so its order is a matter of
// security.
func TestBehavioursApplyInOrderWithKeyGroupsOfTheirOwn(t *testing.T) {
	other, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	lifetime := edge.Lifetime{}
	l := newLocal(t, func(c *edge.Config) {
		c.Keys["KOTHERGROUP"] = other.Public()
		open, thumbs := edge.ReadBehavior(nil, lifetime), edge.ReadBehavior([]string{"KOTHERGROUP"}, lifetime)
		open.PathPattern, open.Unsigned = "/public/*", true
		thumbs.PathPattern = "users/*/thumb?.png"
		c.Behaviors = []edge.Behavior{open, thumbs, edge.ReadBehavior([]string{keyID}, lifetime)}
	})
	foreign, err := signedurl.NewSigner(l.edge.URL, "KOTHERGROUP", other, signedurl.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	byOther := func(name string) string {
		key, err := objectkey.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		url, err := foreign.Sign(signedurl.Request{Key: key, IssueID: "ISSUE7", Conditions: signedurl.Conditions{Expires: start.Add(time.Hour)}})
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	for name, test := range map[string]struct {
		url, code, reason string
	}{
		"open":                             {l.edge.URL + "/public/a.png", "", "unsigned behaviour /public/*"},
		"open, case counts":                {l.edge.URL + "/Public/a.png", "MissingKey", ""},
		"not quite open":                   {l.edge.URL + "/publicity/a.png", "MissingKey", ""},
		"open only once decoded":           {l.edge.URL + "/public%2Fa.png", "AccessDenied", "when it is decoded"},
		"climbing out of the open":         {l.edge.URL + "/public/../users/alice/a.png", "AccessDenied", "dot segment"},
		"climbing out, encoded":            {l.edge.URL + "/public/%2e%2e/users/alice/a.png", "AccessDenied", "dot segment"},
		"the default's key":                {l.sign(t, "users/alice/a.png", time.Hour), "", ""},
		"the default's key at the thumb":   {l.sign(t, "users/alice/thumb1.png", time.Hour), "InvalidKey", "not in the key group"},
		"the thumb's key":                  {byOther("users/alice/thumb1.png"), "", ""},
		"the thumb's key at the default":   {byOther("users/alice/thumb10.png"), "InvalidKey", "not in the key group"},
		"the thumb's key, deeper":          {byOther("users/alice/deep/thumb1.png"), "", ""},
		"the thumb's key, further encoded": {strings.Replace(byOther("users/alice/thumb1.png"), "thumb", "%74humb", 1), "AccessDenied", "when it is decoded"},
	} {
		response, body := l.do(t, http.MethodGet, test.url, nil)
		if (response.StatusCode == http.StatusOK) != (test.code == "") || !strings.Contains(body, test.code) || !strings.Contains(response.Header.Get(edge.ReasonHeader), test.reason) {
			t.Errorf("%s: %d %s %q", name, response.StatusCode, body, response.Header.Get(edge.ReasonHeader))
		}
	}
}

func TestCookiesOpenTheirPrefixAtTheEdge(t *testing.T) {
	l := newLocal(t, nil)
	prefix, err := objectkey.ParsePrefix("users/alice/albums/7/")
	if err != nil {
		t.Fatal(err)
	}
	cookies, err := l.signer.SignCookies(signedurl.CookieRequest{Prefix: prefix, Conditions: signedurl.Conditions{Expires: start.Add(time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	values := make([]string, len(cookies))
	for i, cookie := range cookies {
		values[i] = cookie.Name + "=" + cookie.Value
	}
	header := http.Header{"Cookie": {strings.Join(values, "; ")}}
	if response, body := l.do(t, http.MethodGet, l.edge.URL+"/users/alice/albums/7/a.png", header); response.StatusCode != http.StatusOK {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if len(l.reached) != 1 || l.reached[0].Header.Get("Cookie") != "" {
		t.Error("the cookies reached the origin")
	}
	if response, _ := l.do(t, http.MethodGet, l.edge.URL+"/users/alice/albums/8/a.png", header); response.StatusCode != http.StatusForbidden {
		t.Errorf("another album: %d", response.StatusCode)
	}
}

func TestAReasonCannotBecomeAHeaderOfItsOwn(t *testing.T) {
	l := newLocal(t, nil)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	request.RequestURI = "/a?Key-Pair-Id=x%0d%0aSet-Cookie:%20a=b%C3%A4"
	recorder := httptest.NewRecorder()
	l.edge.Config.Handler.ServeHTTP(recorder, request)
	if reason := recorder.Header().Get(edge.ReasonHeader); recorder.Code != http.StatusForbidden || strings.ContainsAny(reason, "\r\n") || bytes.ContainsFunc([]byte(reason), func(r rune) bool { return r > '~' }) {
		t.Errorf("%d %q", recorder.Code, reason)
	}
}

// Badly joined URLs carry a signature where nobody looks for one.
func TestASignatureInTheWrongPlaceIsNotLoggedEither(t *testing.T) {
	l := newLocal(t, nil)
	url := l.sign(t, "a.txt", time.Hour)
	signature := url[strings.Index(url, "Signature=")+len("Signature="):]
	signature, _, _ = strings.Cut(signature, "&")
	for _, misplaced := range []string{
		strings.Replace(url, "?", "%3F", 1), strings.Replace(url, "?", "&", 1), strings.Replace(url, "?", "/", 1),
		l.edge.URL + "/a?Key-Pair-Id=" + signature, l.edge.URL + "/a?Key-Pair-Id=" + keyID + "&Expires=1795262460&Signature=AAAA&Hash-Algorithm=" + signature,
	} {
		response, body := l.do(t, http.MethodGet, misplaced, nil)
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%d %s", response.StatusCode, body)
		}
		if strings.Contains(l.log.String()+response.Header.Get(edge.ReasonHeader), signature) {
			t.Fatal("the signature was repeated")
		}
	}
}
