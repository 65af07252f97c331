package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/edge"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

// open is an edge with an unsigned behaviour before the usual one.
func open(t *testing.T) *local {
	t.Helper()
	return newLocal(t, func(c *edge.Config) {
		unsigned := edge.ReadBehavior(nil, edge.Lifetime{})
		unsigned.PathPattern, unsigned.Unsigned = "public/*", true
		c.Behaviors = append([]edge.Behavior{unsigned}, c.Behaviors...)
	})
}

func TestAnAddressIsThatOfTheConnection(t *testing.T) {
	l := newLocal(t, nil)
	key, err := objectkey.Parse("a.txt")
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]int{"127.0.0.0/8": http.StatusOK, "203.0.113.0/24": http.StatusForbidden} {
		url, err := l.signer.Sign(signedurl.Request{Key: key, IssueID: "ISSUE7", Conditions: signedurl.Conditions{Expires: start.Add(time.Hour), Address: netip.MustParsePrefix(from)}})
		if err != nil {
			t.Fatal(err)
		}
		if response, _ := l.do(t, http.MethodGet, url, http.Header{"X-Forwarded-For": {"203.0.113.9"}}); response.StatusCode != want {
			t.Errorf("from %s: %d %s", from, response.StatusCode, response.Header.Get(edge.ReasonHeader))
		}
	}
}

// CloudFront compares what was sent, byte for byte; to encode it anew would
// take URLs that fail in production.
func TestAURLIsComparedAsItWasSent(t *testing.T) {
	l := newLocal(t, nil)
	signed := strings.TrimPrefix(l.sign(t, "a^b.txt", time.Hour), l.edge.URL)
	for target, want := range map[string]int{
		signed: http.StatusOK, strings.Replace(signed, "%5E", "^", 1): http.StatusForbidden, strings.Replace(signed, "%5E", "%5e", 1): http.StatusForbidden, strings.Replace(signed, "/a", "/%61", 1): http.StatusForbidden,
	} {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.edge.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target, l.edge.Listener.Addr()); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _ = response.Body.Close(), connection.Close(); response.StatusCode != want {
			t.Errorf("%s: %d", target, response.StatusCode)
		}
	}
}

func TestAnEdgeBehindTLSTakesURLsOfHTTPS(t *testing.T) {
	private, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	l := newLocal(t, func(c *edge.Config) { c.Keys[keyID] = private.Public() })
	handler := l.edge.Config.Handler
	l.edge = httptest.NewTLSServer(handler)
	defer l.edge.Close()
	for address, want := range map[string]int{l.edge.URL: http.StatusOK, strings.Replace(l.edge.URL, "https:", "http:", 1): http.StatusForbidden} {
		if l.signer, err = signedurl.NewSigner(address, keyID, private, signedurl.SHA256); err != nil {
			t.Fatal(err)
		}
		if response, _ := l.do(t, http.MethodGet, strings.Replace(l.sign(t, "a.txt", time.Hour), "http:", "https:", 1), nil); response.StatusCode != want {
			t.Errorf("signed for %s: %d", address, response.StatusCode)
		}
	}
}

// Whatever a viewer sends, S3 hears of a fixed few headers and no body.
func TestOnlyTheFewNamedHeadersReachTheOrigin(t *testing.T) {
	l := newLocal(t, nil)
	var body []byte
	l.answer = func(_ http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.sign(t, "a.txt", time.Hour), strings.NewReader("of the viewer"))
	if err != nil {
		t.Fatal(err)
	}
	passed := []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"}
	for _, name := range append([]string{
		"Authorization", "Cookie", "Proxy-Authorization", "Referer", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "X-Request-Id", "Accept", "Accept-Language", "Content-Type", "Expect",
		"X-Amz-Expected-Bucket-Owner", "X-Amz-Request-Payer", "X-Amz-Security-Token", "X-Amz-Server-Side-Encryption-Customer-Key", "X-Amz-Acl", "X-Amz-Date", "X-Http-Method-Override",
	}, passed...) {
		if name != "Expect" {
			request.Header.Set(name, "viewer")
		}
	}
	response, err := l.edge.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	got := l.reached[0]
	if len(body) != 0 || got.ContentLength > 0 || len(got.TransferEncoding) != 0 {
		t.Errorf("a body of %d reached the origin: %q", got.ContentLength, body)
	}
	own := []string{"Accept-Encoding", "Authorization", "User-Agent", "X-Amz-Content-Sha256", "X-Amz-Date"}
	for name, values := range got.Header {
		switch {
		case slices.Contains(passed, name) && slices.Equal(values, []string{"viewer"}):
		case slices.Contains(own, name) && !slices.Contains(values, "viewer"):
		default:
			t.Errorf("%s: %v reached the origin", name, values)
		}
	}
	for _, name := range passed {
		if got.Header.Get(name) != "viewer" {
			t.Errorf("%s didn't reach the origin: %v", name, slices.Sorted(maps.Keys(got.Header)))
		}
	}
}

// A pattern begins at the root: what is open there is open nowhere else.
func TestWhatIsOpenAtTheRootIsOpenNowhereElse(t *testing.T) {
	l := open(t)
	for path, want := range map[string]int{
		"/public/a.png": http.StatusOK, "/users/public/a.png": http.StatusForbidden, "/users/alice/public/a.png": http.StatusForbidden, "/xpublic/a.png": http.StatusForbidden, "/public": http.StatusForbidden,
	} {
		if response, _ := l.do(t, http.MethodGet, l.edge.URL+path, nil); response.StatusCode != want {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
}

// Parameters are told apart by case, as CloudFront does.
func TestAParameterInAnotherCaseDoesNotReachTheOrigin(t *testing.T) {
	l := open(t)
	l.do(t, http.MethodGet, l.edge.URL+"/public/a.png?VERSIONID=1&Response-Content-Type=text%2Fhtml&x=1&versionId=2", nil)
	if query := l.reached[0].URL.RawQuery; query != "versionId=2" {
		t.Errorf("the origin got %s", query)
	}
}

func TestTheOriginIsAskedForTheKeyInItsOneEncoding(t *testing.T) {
	l := newLocal(t, nil)
	for name, want := range map[string]string{
		"a+b&c=d@e:f,g;h$.txt": "/media/a%2Bb%26c%3Dd%40e%3Af%2Cg%3Bh%24.txt", "it's (1)!*.txt": "/media/it%27s%20%281%29%21%2A.txt", "ü/~_-.txt": "/media/%C3%BC/~_-.txt",
	} {
		l.do(t, http.MethodGet, l.sign(t, name, time.Hour), nil)
		if got := l.reached[len(l.reached)-1].RequestURI; got != want {
			t.Errorf("%s: the origin was asked for %s", name, got)
		}
	}
}

// A group that names a key by a wrong id would quietly trust fewer keys than
// it says.
func TestAKeyGroupWithAnUnknownKeyStopsTheEdge(t *testing.T) {
	var config edge.Config
	newLocal(t, func(c *edge.Config) { config = *c })
	config.Behaviors = only(func(b *edge.Behavior) { b.KeyGroup = []string{keyID, "KOTHER001"} })
	if _, err := edge.New(config); err == nil || !strings.Contains(err.Error(), "KOTHER001") {
		t.Errorf("New = %v", err)
	}
}
