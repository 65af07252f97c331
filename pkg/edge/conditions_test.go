package edge_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

// An error of S3's is an error, whether the object is kept or not: nothing of
// the object's headers is true of it.
func TestAConditionThatFailsAtAKeptAnswerIsAWholeErrorOfS3(t *testing.T) {
	l := newLocal(t, nil)
	content := strings.Repeat("words and words. ", 200)
	l.answer = serveText(content, "text/plain", "max-age=60")
	url := l.sign(t, "a.txt", time.Hour)
	l.do(t, http.MethodGet, url, nil)
	for name, test := range map[string]struct {
		method string
		header http.Header
		status int
		code   string
	}{
		"another version":           {http.MethodGet, http.Header{"If-Match": {`"other"`}}, http.StatusPreconditionFailed, "PreconditionFailed"},
		"another, compressed":       {http.MethodGet, http.Header{"If-Match": {`"other"`}, "Accept-Encoding": {"br"}}, http.StatusPreconditionFailed, "PreconditionFailed"},
		"a piece of another":        {http.MethodGet, http.Header{"If-Match": {`"other"`}, "Range": {"bytes=0-1"}}, http.StatusPreconditionFailed, "PreconditionFailed"},
		"the headers of another":    {http.MethodHead, http.Header{"If-Match": {`"other"`}}, http.StatusPreconditionFailed, ""},
		"beyond the end":            {http.MethodGet, http.Header{"Range": {"bytes=9999-"}}, http.StatusRequestedRangeNotSatisfiable, "InvalidRange"},
		"beyond the end, for pages": {http.MethodGet, http.Header{"Range": {"bytes=9999-"}, "Origin": {"https://app.example.com"}}, http.StatusRequestedRangeNotSatisfiable, "InvalidRange"},
	} {
		response, body := l.do(t, test.method, url, test.header)
		got := response.Header
		if response.StatusCode != test.status || (test.code != "" && !strings.Contains(body, "<Code>"+test.code+"</Code>")) || (test.code == "" && body != "") {
			t.Errorf("%s: %d %q", name, response.StatusCode, body)
		}
		if test.method == http.MethodGet && got.Get("Content-Length") != strconv.Itoa(len(body)) {
			t.Errorf("%s: Content-Length %s of %d", name, got.Get("Content-Length"), len(body))
		}
		if got.Get("Content-Type") != "application/xml" || got.Get("X-Cache") != "Error from cloudfront" || got.Get("X-Content-Type-Options") != "nosniff" ||
			got.Get("ETag")+got.Get("Cache-Control")+got.Get("Content-Encoding")+got.Get("Accept-Ranges") != "" {
			t.Errorf("%s: %v", name, got)
		}
		if (got.Get("Content-Range") == "bytes */3400") != (test.status == http.StatusRequestedRangeNotSatisfiable) || (got.Get("Access-Control-Allow-Origin") == "*") != (test.header.Get("Origin") != "") {
			t.Errorf("%s: %v", name, got)
		}
	}
	if len(l.reached) != 1 {
		t.Errorf("%d requests reached the origin", len(l.reached))
	}
}

// A browser asks with the weak tag that it was given with a compressed answer;
// S3 has to recognize its own.
func TestACompressedAnswerIsRecognizedByItsWeakTag(t *testing.T) {
	content := strings.Repeat("words and words. ", 200)
	for _, cached := range []string{"", "max-age=60"} {
		l := newLocal(t, nil)
		l.answer = serveText(content, "text/plain", cached)
		url := l.sign(t, "a.txt", time.Hour)
		first, _ := l.do(t, http.MethodGet, url, http.Header{"Accept-Encoding": {"gzip"}})
		tag := first.Header.Get("ETag")
		if !strings.HasPrefix(tag, `W/"`) {
			t.Fatalf("ETag %s", tag)
		}
		for _, tags := range []string{tag, `"other", ` + tag, `W/"other",` + tag, `"odd-W/",` + tag} {
			response, body := l.do(t, http.MethodGet, url, http.Header{"If-None-Match": {tags}, "Accept-Encoding": {"gzip"}})
			if response.StatusCode != http.StatusNotModified || body != "" {
				t.Errorf("%s: %d", tags, response.StatusCode)
			}
			if asked := l.reached[len(l.reached)-1].Header.Get("If-None-Match"); cached == "" && asked != strings.ReplaceAll(strings.ReplaceAll(tags, `W/"7`, `"7`), `W/"o`, `"o`) {
				t.Errorf("%s: S3 was asked for %s", tags, asked)
			}
		}
	}
}

func TestACodingOfWeightZeroIsNotUsed(t *testing.T) {
	content := strings.Repeat("words and words. ", 200)
	l := newLocal(t, nil)
	l.answer = serveText(content, "text/plain", "")
	url := l.sign(t, "a.txt", time.Hour)
	for accept, want := range map[string]string{
		"br;q=0.0": "", "br;q=0.000, gzip;q=0.0": "", "br;q=0.000, gzip": "gzip", "BR; Q=0.5": "br", "br ; q = 0": "", "gzip;q=0.001": "gzip", "br;q=much": "", "br;level=5": "", "xbr, gzipped": "", "\tbr": "br",
	} {
		response, body := l.do(t, http.MethodGet, url, http.Header{"Accept-Encoding": {accept}})
		if got := response.Header.Get("Content-Encoding"); got != want || decompress(t, want, body) != content {
			t.Errorf("%q: %q", accept, got)
		}
	}
}

// With cookies the query is anybody's to write, so an issue id in it proves
// nothing.
func TestTheLogNamesAnIssueOnlyWhereItWasSigned(t *testing.T) {
	l := newLocal(t, nil)
	prefix, err := objectkey.ParsePrefix("users/alice/")
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
	response, _ := l.do(t, http.MethodGet, l.edge.URL+"/users/alice/a.png?sg-id=SOMEBODYELSES", http.Header{"Cookie": {strings.Join(values, "; ")}})
	if response.StatusCode != http.StatusOK || strings.Contains(l.log.String(), "SOMEBODYELSES") {
		t.Errorf("%d %s", response.StatusCode, l.log)
	}
	if l.do(t, http.MethodGet, l.sign(t, "a.txt", time.Hour), nil); !strings.Contains(l.log.String(), "issue=ISSUE7") {
		t.Errorf("no issue of a signed URL: %s", l.log)
	}
}
