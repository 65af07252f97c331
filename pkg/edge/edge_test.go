package edge_test

import (
	"bytes"
	"context"
	"crypto"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/pkg/edge"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

const keyID = "K2JCJMDEHXQW5F"

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// local is an edge in front of an origin that records what reaches it. The
// real S3 stands in the end-to-end tests; here what matters is what the edge
// sends and what it lets through.
type local struct {
	edge    *httptest.Server
	signer  *signedurl.Signer
	log     *bytes.Buffer
	reached []*http.Request
	now     time.Time
	answer  http.HandlerFunc
}

func newLocal(t testing.TB, change func(*edge.Config)) *local {
	t.Helper()
	l := &local{log: &bytes.Buffer{}, now: start}
	l.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "AmazonS3")
		_, _ = io.WriteString(w, "private bytes")
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.reached = append(l.reached, r)
		l.answer(w, r)
	}))
	t.Cleanup(origin.Close)
	private, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	config := edge.Config{
		Origin:    edge.Origin{BucketURL: origin.URL + "/media", Region: "us-east-1", Credentials: credentials()},
		Behaviors: []edge.Behavior{edge.ReadBehavior([]string{keyID}, edge.Lifetime{Max: 24 * time.Hour})},
		Keys:      map[string]crypto.PublicKey{keyID: private.Public()},
		Log:       slog.New(slog.NewTextHandler(l.log, nil)), Now: func() time.Time { return l.now },
	}
	if change != nil {
		change(&config)
	}
	handler, err := edge.New(config)
	if err != nil {
		t.Fatal(err)
	}
	l.edge = httptest.NewServer(handler)
	t.Cleanup(l.edge.Close)
	l.signer, err = signedurl.NewSigner(l.edge.URL, keyID, private, signedurl.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func credentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "edge", SecretAccessKey: "test"}, nil
	})
}

func (l *local) sign(t testing.TB, name string, life time.Duration) string {
	t.Helper()
	key, err := objectkey.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	url, err := l.signer.Sign(signedurl.Request{Key: key, IssueID: "ISSUE7", Conditions: signedurl.Conditions{Expires: start.Add(life)}})
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func (l *local) do(t testing.TB, method, url string, header http.Header) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, header)
	response, err := l.edge.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// The bodies and lengths are those captured from CloudFront.
func TestRefusalsAreCloudFrontsByteForByte(t *testing.T) {
	l := newLocal(t, nil)
	url := l.sign(t, "a.txt", time.Minute)
	const head = `<?xml version="1.0" encoding="UTF-8"?>`
	for name, test := range map[string]struct {
		url, body string
		length    int64
	}{
		"unsigned":            {l.edge.URL + "/a.txt", head + `<Error><Code>MissingKey</Code><Message>Missing Key-Pair-Id query parameter or cookie value</Message></Error>`, 146},
		"unknown key":         {strings.Replace(url, keyID, "KOTHER001", 1), head + `<Error><Code>InvalidKey</Code><Message>Unknown Key</Message></Error>`, 106},
		"expired":             {l.sign(t, "a.txt", -time.Second), head + `<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>`, 110},
		"another object":      {strings.Replace(url, "a.txt", "b.txt", 1), head + `<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>`, 110},
		"malformed policy":    {strings.Replace(url, "Expires=", "Expires=x", 1), head + `<Error><Code>MalformedPolicy</Code><Message>Malformed Policy</Message></Error>`, 116},
		"malformed signature": {strings.Replace(url, "Signature=", "Signature=!", 1), head + `<Error><Code>MalformedSignature</Code><Message>Could not unencode Signature</Message></Error>`, 131},
	} {
		t.Run(name, func(t *testing.T) {
			response, body := l.do(t, http.MethodGet, test.url, nil)
			if response.StatusCode != http.StatusForbidden || body != test.body || response.ContentLength != test.length {
				t.Errorf("%d, %d bytes: %s", response.StatusCode, response.ContentLength, body)
			}
			for header, pattern := range map[string]string{
				"Server": `^CloudFront$`, "Content-Type": `^text/xml$`, "X-Cache": `^Error from cloudfront$`,
				"Via": `^1\.1 [0-9a-f]{32}\.cloudfront\.net \(CloudFront\)$`, "X-Amz-Cf-Id": `^[A-Za-z0-9_-]{54}==$`,
			} {
				if got := response.Header.Get(header); !regexp.MustCompile(pattern).MatchString(got) {
					t.Errorf("%s: %q", header, got)
				}
			}
		})
	}
	if len(l.reached) != 0 {
		t.Errorf("%d refused requests reached the origin", len(l.reached))
	}
}

func TestTheOriginSeesItsOwnSignatureAndNothingOfTheViewers(t *testing.T) {
	l := newLocal(t, nil)
	response, body := l.do(t, http.MethodGet, l.sign(t, "users/alice/a b*.txt", time.Minute), http.Header{
		"Authorization": {"Bearer viewer"}, "Cookie": {"session=viewer"}, "X-Amz-Acl": {"public-read"},
		"X-Forwarded-For": {"10.0.0.1"}, "Range": {"bytes=0-3"}, "If-None-Match": {`"etag"`},
	})
	if response.StatusCode != http.StatusOK || body != "private bytes" || response.Header.Get("X-Cache") != "Miss from cloudfront" {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
	got := l.reached[0]
	if got.RequestURI != "/media/users/alice/a%20b%2A.txt" {
		t.Errorf("the origin was asked for %s", got.RequestURI)
	}
	if authorization := got.Header.Get("Authorization"); !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential=edge/20261121/us-east-1/s3/") {
		t.Errorf("Authorization: %s", authorization)
	}
	for _, name := range []string{"Cookie", "X-Amz-Acl", "X-Forwarded-For"} {
		if value := got.Header.Get(name); value != "" {
			t.Errorf("%s: %s reached the origin", name, value)
		}
	}
	if got.Header.Get("Range") != "bytes=0-3" || got.Header.Get("If-None-Match") != `"etag"` {
		t.Errorf("Range %q, If-None-Match %q", got.Header.Get("Range"), got.Header.Get("If-None-Match"))
	}
}

func TestOnlyReadingMethodsPass(t *testing.T) {
	l := newLocal(t, nil)
	url := l.sign(t, "a.txt", time.Minute)
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch, "PROPFIND"} {
		response, _ := l.do(t, method, url, nil)
		if response.StatusCode != http.StatusForbidden || response.Header.Get("Server") != "CloudFront" {
			t.Errorf("%s: %d", method, response.StatusCode)
		}
	}
	if len(l.reached) != 0 {
		t.Errorf("%d requests reached the origin", len(l.reached))
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
		if response, _ := l.do(t, method, url, nil); response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", method, response.StatusCode)
		}
	}
}

func TestAMissingObjectLooksForbidden(t *testing.T) {
	l := newLocal(t, nil)
	l.answer = func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<Error><Code>NoSuchKey</Code><Key>a.txt</Key></Error>", http.StatusNotFound)
	}
	response, body := l.do(t, http.MethodGet, l.sign(t, "a.txt", time.Minute), nil)
	if response.StatusCode != http.StatusForbidden || !strings.Contains(body, "<Message>Access Denied</Message>") || strings.Contains(body, "NoSuchKey") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if response.Header.Get("X-Cache") != "Error from cloudfront" {
		t.Errorf("X-Cache: %s", response.Header.Get("X-Cache"))
	}
}

func TestAnOriginThatDoesNotAnswerIsABadGateway(t *testing.T) {
	l := newLocal(t, nil)
	l.answer = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	response, body := l.do(t, http.MethodGet, l.sign(t, "a.txt", time.Minute), nil)
	if response.StatusCode != http.StatusBadGateway || response.Header.Get("Server") != "CloudFront" || strings.Contains(body, "127.0.0.1") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}

func TestTheLogGivesTheReasonAndNeverTheSignature(t *testing.T) {
	l := newLocal(t, nil)
	url := l.sign(t, "a.txt", -time.Second)
	l.do(t, http.MethodGet, url, nil)
	l.do(t, http.MethodGet, l.sign(t, "a.txt", time.Minute), nil)
	log := l.log.String()
	if !strings.Contains(log, "expired 1s ago") {
		t.Errorf("no reason in the log: %s", log)
	}
	if strings.Contains(log, "Signature") || strings.Contains(log, "Expires=") {
		t.Errorf("a signature in the log: %s", log)
	}
}

func TestLargeBodiesStream(t *testing.T) {
	l := newLocal(t, nil)
	const size = 64 << 20
	l.answer = func(w http.ResponseWriter, _ *http.Request) {
		chunk := bytes.Repeat([]byte("x"), 1<<20)
		for range size >> 20 {
			_, _ = w.Write(chunk)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.sign(t, "a.bin", time.Minute), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := l.edge.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n != size {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestAnEdgeThatCouldNotVerifyIsNotMade(t *testing.T) {
	private, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	good := edge.Config{
		Origin:    edge.Origin{BucketURL: "http://127.0.0.1:1/media", Region: "us-east-1", Credentials: credentials()},
		Behaviors: []edge.Behavior{edge.ReadBehavior([]string{keyID}, edge.Lifetime{})},
		Keys:      map[string]crypto.PublicKey{keyID: private.Public()}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
	for name, change := range map[string]func(*edge.Config){
		"no behaviours": func(c *edge.Config) { c.Behaviors = nil },
		"no keys":       func(c *edge.Config) { c.Keys = nil },
		"no default":    func(c *edge.Config) { c.Behaviors = only(func(b *edge.Behavior) { b.PathPattern = "users/*" }) },
		"no pattern": func(c *edge.Config) {
			c.Behaviors = append(only(func(b *edge.Behavior) { b.PathPattern = "" }), c.Behaviors...)
		},
		"neither signed nor unsigned": func(c *edge.Config) { c.Behaviors = only(func(b *edge.Behavior) { b.KeyGroup = nil }) },
		"both signed and unsigned":    func(c *edge.Config) { c.Behaviors = only(func(b *edge.Behavior) { b.Unsigned = true }) },
		"a key that isn't there": func(c *edge.Config) {
			c.Behaviors = only(func(b *edge.Behavior) { b.KeyGroup = []string{"KOTHER001"} })
		},
		"no methods": func(c *edge.Config) { c.Behaviors = only(func(b *edge.Behavior) { b.Methods = nil }) },
		"a method that writes": func(c *edge.Config) {
			c.Behaviors = only(func(b *edge.Behavior) { b.Methods = []string{"GET", "PUT"} })
		},
		"any page with credentials": func(c *edge.Config) { c.Behaviors = only(func(b *edge.Behavior) { b.CORS.AllowCredentials = true }) },
		"lifetimes upside down":     func(c *edge.Config) { c.Behaviors = only(func(b *edge.Behavior) { b.Lifetime.Min = time.Hour }) },
		"no credentials":            func(c *edge.Config) { c.Origin.Credentials = nil },
		"no bucket":                 func(c *edge.Config) { c.Origin.BucketURL = "" },
		"no region":                 func(c *edge.Config) { c.Origin.Region = "" },
		"no log":                    func(c *edge.Config) { c.Log = nil },
		"no clock":                  func(c *edge.Config) { c.Now = nil },
	} {
		config := good
		change(&config)
		if _, err := edge.New(config); err == nil {
			t.Errorf("%s: an edge was made", name)
		}
	}
	if _, err := edge.New(good); err != nil {
		t.Error(err)
	}
}

// only is the usual behaviour, changed.
func only(change func(*edge.Behavior)) []edge.Behavior {
	behavior := edge.ReadBehavior([]string{keyID}, edge.Lifetime{})
	change(&behavior)
	return []edge.Behavior{behavior}
}
