package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/signedurl"
)

func policies(text string) fs.FS { return fstest.MapFS{"test.cedar": {Data: []byte(text)}} }

func TestBadInputIsAProblemThatNamesTheField(t *testing.T) {
	g := newGateway(t, nil)
	upload := func(member string) string {
		return `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5` + member + `}`
	}
	long := strings.Repeat("k", objectkey.MaxBytes+1)
	for name, test := range map[string]struct {
		path, body string
		kind       problem.Kind
		pointer    string
	}{
		"empty body":               {"/v1/read-urls", "", problem.MalformedRequest, ""},
		"not JSON":                 {"/v1/read-urls", "items", problem.MalformedRequest, ""},
		"half a document":          {"/v1/read-urls", `{"items":[`, problem.MalformedRequest, ""},
		"two documents":            {"/v1/read-urls", `{"items":[{"key":"a"}]}{}`, problem.MalformedRequest, ""},
		"invalid UTF-8":            {"/v1/read-urls", "{\"items\":[{\"key\":\"users/alice/\xff\"}]}", problem.MalformedRequest, ""},
		"a lone surrogate":         {"/v1/read-urls", `{"items":[{"key":"users/alice/\ud800"}]}`, problem.MalformedRequest, ""},
		"a member twice":           {"/v1/read-urls", `{"items":[{"key":"users/bob/a","key":"users/alice/a"}]}`, problem.MalformedRequest, ""},
		"endless nesting":          {"/v1/read-urls", strings.Repeat(`{"items":`, 2000) + strings.Repeat("[", 12000), problem.MalformedRequest, ""},
		"an array":                 {"/v1/read-urls", `[]`, problem.InvalidRequest, ""},
		"null":                     {"/v1/read-urls", `null`, problem.InvalidRequest, ""},
		"no items":                 {"/v1/read-urls", `{}`, problem.InvalidRequest, "/items"},
		"items null":               {"/v1/read-urls", `{"items":null}`, problem.InvalidRequest, "/items"},
		"no item":                  {"/v1/read-urls", `{"items":[]}`, problem.InvalidRequest, "/items"},
		"too many items":           {"/v1/read-urls", `{"items":[` + strings.Repeat(`{"key":"a"},`, 1000) + `{"key":"a"}]}`, problem.InvalidRequest, "/items"},
		"unknown member":           {"/v1/read-urls", `{"items":[{"key":"a"}],"admin":true}`, problem.InvalidRequest, "/admin"},
		"unknown member of item":   {"/v1/read-urls", `{"items":[{"key":"a","resource":"*"}]}`, problem.InvalidRequest, "/items/0/resource"},
		"member in another case":   {"/v1/read-urls", `{"items":[{"Key":"a"}]}`, problem.InvalidRequest, "/items/0/Key"},
		"key no text":              {"/v1/read-urls", `{"items":[{"key":7}]}`, problem.InvalidRequest, "/items/0/key"},
		"expiry no number":         {"/v1/read-urls", `{"items":[{"key":"a","expiresIn":"5m"}]}`, problem.InvalidRequest, "/items/0/expiresIn"},
		"expiry a fraction":        {"/v1/read-urls", `{"items":[{"key":"a","expiresIn":1.5}]}`, problem.InvalidRequest, "/items/0/expiresIn"},
		"key empty":                {"/v1/uploads", strings.Replace(upload(""), "users/alice/a.png", "", 1), problem.InvalidRequest, "/key"},
		"key with dots":            {"/v1/uploads", strings.Replace(upload(""), "alice/", "alice/../", 1), problem.InvalidRequest, "/key"},
		"key with two slashes":     {"/v1/uploads", strings.Replace(upload(""), "alice/", "alice//", 1), problem.InvalidRequest, "/key"},
		"key with leading slash":   {"/v1/uploads", strings.Replace(upload(""), "users", "/users", 1), problem.InvalidRequest, "/key"},
		"key with trailing slash":  {"/v1/uploads", strings.Replace(upload(""), "a.png", "", 1), problem.InvalidRequest, "/key"},
		"key with a control":       {"/v1/uploads", strings.Replace(upload(""), "a.png", `\u0000`, 1), problem.InvalidRequest, "/key"},
		"key too long":             {"/v1/uploads", strings.Replace(upload(""), "a.png", long, 1), problem.InvalidRequest, "/key"},
		"no type":                  {"/v1/uploads", `{"key":"users/alice/a.png","contentLength":5}`, problem.InvalidRequest, "/contentType"},
		"type of no known form":    {"/v1/uploads", strings.Replace(upload(""), "image/png", "picture", 1), problem.InvalidRequest, "/contentType"},
		"type with a header in it": {"/v1/uploads", strings.Replace(upload(""), "image/png", `image/png\r\nx: y`, 1), problem.InvalidRequest, "/contentType"},
		"no length":                {"/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png"}`, problem.InvalidRequest, "/contentLength"},
		"negative length":          {"/v1/uploads", strings.Replace(upload(""), ":5", ":-5", 1), problem.InvalidRequest, "/contentLength"},
		"length over the limit":    {"/v1/uploads", strings.Replace(upload(""), ":5", ":1048577", 1), problem.InvalidRequest, "/contentLength"},
		"length beyond int64":      {"/v1/uploads", strings.Replace(upload(""), ":5", ":1e30", 1), problem.InvalidRequest, "/contentLength"},
		"expiry beyond int64":      {"/v1/read-urls", `{"items":[{"key":"a","expiresIn":9223372036854775808}]}`, problem.InvalidRequest, "/items/0/expiresIn"},
		"a URL for a key":          {"/v1/uploads", strings.Replace(upload(""), "a.png", "a.png?sg-id=x&Signature=abc", 1), problem.InvalidRequest, "/key"},
		"checksum empty":           {"/v1/uploads", upload(`,"checksumSha256":""`), problem.InvalidRequest, "/checksumSha256"},
		"too much metadata":        {"/v1/uploads", upload(`,"metadata":{` + manyNames(65) + `}`), problem.InvalidRequest, "/metadata"},
		"checksum no Base64":       {"/v1/uploads", upload(`,"checksumSha256":"%"`), problem.InvalidRequest, "/checksumSha256"},
		"checksum too short":       {"/v1/uploads", upload(`,"checksumSha256":"AAAA"`), problem.InvalidRequest, "/checksumSha256"},
		"metadata no map":          {"/v1/uploads", upload(`,"metadata":"x"`), problem.InvalidRequest, "/metadata"},
		"metadata with a line":     {"/v1/uploads", upload(`,"metadata":{"a":"b\nx-amz-acl: public-read"}`), problem.InvalidRequest, "/metadata"},
		"expiry zero":              {"/v1/uploads", upload(`,"expiresIn":0`), problem.InvalidRequest, "/expiresIn"},
		"expiry negative":          {"/v1/uploads", upload(`,"expiresIn":-1`), problem.InvalidRequest, "/expiresIn"},
		"expiry over the limit":    {"/v1/uploads", upload(`,"expiresIn":3601`), problem.InvalidRequest, "/expiresIn"},
		"body over the limit":      {"/v1/uploads", upload(`,"metadata":{"a":"` + strings.Repeat("x", 64<<10) + `"}`), problem.TooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			document := mustProblem(t, g.do(t, "alice", http.MethodPost, test.path, test.body), test.kind)
			named := slices.ContainsFunc(document.Errors, func(f problem.Field) bool { return f.Pointer == test.pointer })
			if test.pointer != "" && !named {
				t.Errorf("it names %+v, want %s", document.Errors, test.pointer)
			}
		})
	}
	if g.trail.Len() != 0 {
		t.Errorf("something was issued: %s", g.trail)
	}
}

// manyNames are the members of a JSON object.
func manyNames(count int) string {
	members := make([]string, count)
	for i := range members {
		members[i] = fmt.Sprintf(`"name%d":"x"`, i)
	}
	return strings.Join(members, ",")
}

// A client that breaks off, or whose encoding is broken, has made a mistake;
// the gateway has not.
func TestABodyThatBreaksOffIsTheClientsMistake(t *testing.T) {
	g := newGateway(t, nil)
	web := httptest.NewServer(g.handler)
	defer web.Close()
	for name, rest := range map[string]string{
		"cut off":         "Content-Length: 100\r\n\r\n{\"items\":[]}",
		"a broken length": "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		connection, err := net.Dial("tcp", web.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(connection, "POST /v1/read-urls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\n%s", rest)
		if half, ok := connection.(*net.TCPConn); err != nil || !ok || half.CloseWrite() != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusBadRequest || response.Header.Get("Content-Type") != problem.ContentType {
			t.Errorf("%s: %d %s", name, response.StatusCode, response.Header.Get("Content-Type"))
		}
		_ = connection.Close()
	}
}

func TestABodyThatIsTooLargeIsToldTheLimit(t *testing.T) {
	g := newGateway(t, nil)
	document := mustProblem(t, g.do(t, "alice", http.MethodPost, "/v1/read-urls", strings.Repeat(" ", 64<<10+1)), problem.TooLarge)
	if !strings.Contains(document.Detail, "65536 bytes") {
		t.Errorf("it says %s", document.Detail)
	}
}

func TestABodyOfExactlyTheLimitIsTaken(t *testing.T) {
	g := newGateway(t, nil)
	body := `{"items":[{"key":"users/alice/a.png"}]}`
	body += strings.Repeat(" ", 64<<10-len(body))
	if recorder := g.do(t, "alice", http.MethodPost, "/v1/read-urls", body); recorder.Code != http.StatusOK {
		t.Errorf("%d %s", recorder.Code, recorder.Body)
	}
	mustProblem(t, g.do(t, "alice", http.MethodPost, "/v1/read-urls", body+" "), problem.TooLarge)
}

func TestRequestsOfTheWrongShapeAreProblems(t *testing.T) {
	g := newGateway(t, nil)
	const body = `{"items":[{"key":"users/alice/a.png"}]}`
	mustProblem(t, g.do(t, "alice", http.MethodPost, "/v1/read-urls", body, "Content-Type", "text/plain"), problem.UnsupportedMedia)
	mustProblem(t, g.do(t, "alice", http.MethodPost, "/v1/read-urls?admin=1", body), problem.InvalidRequest)
	mustProblem(t, g.do(t, "alice", http.MethodGet, "/nowhere", ""), problem.NotFound)
	mustProblem(t, g.do(t, "", http.MethodGet, "/docs/nowhere.js", ""), problem.NotFound)
	recorder := g.do(t, "alice", http.MethodDelete, "/v1/uploads", "")
	mustProblem(t, recorder, problem.MethodNotAllowed)
	if !strings.Contains(recorder.Header().Get("Allow"), http.MethodPost) {
		t.Errorf("Allow: %q", recorder.Header().Get("Allow"))
	}
}

func TestEveryOperationBelowV1DemandsAToken(t *testing.T) {
	g := newGateway(t, nil)
	for _, target := range []string{"POST /v1/read-urls", "GET /v1/read/users/alice/a.png", "POST /v1/read-prefixes", "POST /v1/read-cookies", "POST /v1/explain", "POST /v1/uploads", "POST /v1/upload-credentials", "POST /v1/delete-urls"} {
		method, path, _ := strings.Cut(target, " ")
		for name, authorization := range map[string]string{
			"none": "", "empty": "Bearer ", "another scheme": "Basic YWxpY2U6", "only a scheme": "Bearer", "unknown": "Bearer mallory", "two": "Bearer alice bob",
		} {
			recorder := g.do(t, "", method, path, `{}`, "Authorization", authorization)
			mustProblem(t, recorder, problem.Unauthenticated)
			if !strings.HasPrefix(recorder.Header().Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s, %s: WWW-Authenticate %q", target, name, recorder.Header().Get("WWW-Authenticate"))
			}
		}
	}
}

// fullDisk refuses every record.
type fullDisk struct{}

func (fullDisk) Record(context.Context, ...audit.Record) error { return audit.ErrNotRecorded }

func TestNothingLeavesThatCouldNotBeRecorded(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Audit = fullDisk{} })
	for _, recorder := range []*httptest.ResponseRecorder{
		g.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a.png"}]}`),
		g.do(t, "alice", http.MethodGet, "/v1/read/users/alice/a.png", ""),
		g.do(t, "alice", http.MethodPost, "/v1/delete-urls", `{"items":[{"key":"users/alice/a.png"}]}`),
		g.do(t, "alice", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5}`),
	} {
		mustProblem(t, recorder, problem.Unavailable)
		if strings.Contains(recorder.Body.String(), "Signature") || recorder.Header().Get("Location") != "" {
			t.Errorf("a URL left: %s %s", recorder.Body, recorder.Header().Get("Location"))
		}
	}
}

type brokenSigner struct {
	server.Signer
	err error
}

func (b brokenSigner) Sign(signedurl.Request) (string, error) { return "", b.err }
func (brokenSigner) KeyID() string                            { return "KTESTKEY1" }
func (brokenSigner) Parallel() int                            { return 1 }

type panicking struct {
	server.Signer
	parallel int
}

func (panicking) Sign(signedurl.Request) (string, error) { panic("secret: hunter2") }
func (panicking) KeyID() string                          { return "KTESTKEY1" }
func (p panicking) Parallel() int                        { return p.parallel }

func TestFaultsOfOurOwnTellNothing(t *testing.T) {
	const body = `{"items":[{"key":"users/alice/a.png"}]}`
	for name, signer := range map[string]server.Signer{
		"an error":             brokenSigner{err: errors.New("secret: hunter2")},
		"a panic":              panicking{parallel: 1},
		"a panic side by side": panicking{parallel: 8},
	} {
		g := newGateway(t, func(p *server.Parts) { p.Signer = func(context.Context) server.Signer { return signer } })
		recorder := g.do(t, "alice", http.MethodPost, "/v1/read-urls", body)
		mustProblem(t, recorder, problem.Internal)
		if strings.Contains(recorder.Body.String(), "hunter2") {
			t.Errorf("%s: the cause left: %s", name, recorder.Body)
		}
		if !strings.Contains(g.log.String(), "hunter2") {
			t.Errorf("%s: the log has no cause: %s", name, g.log)
		}
		if g.trail.Len() != 0 {
			t.Errorf("%s: recorded as issued: %s", name, g.trail)
		}
	}
}

func TestAKeyOutOfReachIsAProblemOfThisHour(t *testing.T) {
	away := brokenSigner{err: fmt.Errorf("%w: hunter2", keyring.ErrUnavailable)}
	g := newGateway(t, func(p *server.Parts) { p.Signer = func(context.Context) server.Signer { return away } })
	recorder := g.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a.png"}]}`)
	mustProblem(t, recorder, problem.Unavailable)
	if strings.Contains(recorder.Body.String(), "hunter2") || g.trail.Len() != 0 {
		t.Errorf("%s, on record %s", recorder.Body, g.trail)
	}
}

func TestMissingCredentialsAreAProblemOfThisHour(t *testing.T) {
	presigner, err := presign.New(t.Context(), presign.Config{
		Bucket: "media", Region: "eu-central-1", Credentials: credentials(errors.New("secret: hunter2")), Now: func() time.Time { return start },
	})
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, func(p *server.Parts) { p.Presigner = presigner })
	recorder := g.do(t, "alice", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5}`)
	mustProblem(t, recorder, problem.Unavailable)
	if strings.Contains(recorder.Body.String(), "hunter2") {
		t.Errorf("the cause left: %s", recorder.Body)
	}
}

func TestReadinessAsksEveryPartAndNamesTheOneThatFails(t *testing.T) {
	asked := 0
	checks := func(failing error) []server.Check {
		return []server.Check{
			{Name: "keys", Run: func(context.Context) error { asked++; return nil }},
			{Name: "credentials", Run: func(context.Context) error { asked++; return failing }},
		}
	}
	g := newGateway(t, func(p *server.Parts) { p.Checks = checks(nil) })
	if recorder := g.do(t, "", http.MethodGet, "/readyz", ""); recorder.Code != http.StatusOK || asked != 2 {
		t.Errorf("%d %s after %d checks", recorder.Code, recorder.Body, asked)
	}
	g = newGateway(t, func(p *server.Parts) { p.Checks = checks(errors.New("secret: hunter2")) })
	document := mustProblem(t, g.do(t, "", http.MethodGet, "/readyz", ""), problem.Unavailable)
	if len(document.Errors) != 1 || document.Errors[0].Pointer != "credentials" || strings.Contains(document.Errors[0].Detail, "hunter2") {
		t.Errorf("%+v", document)
	}
	if recorder := g.do(t, "", http.MethodGet, "/livez", ""); recorder.Code != http.StatusOK {
		t.Errorf("livez: %d", recorder.Code)
	}
}

func TestNoSecretReachesTheLogOrTheTrail(t *testing.T) {
	g := newGateway(t, nil)
	read := decode[readURLs](t, g.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a.png"}]}`)).Items[0]
	g.do(t, "alice", http.MethodGet, "/v1/read/users/alice/a.png?token=hunter2", "")
	g.do(t, "bob", http.MethodGet, "/v1/read/users/alice/a.png", "")
	upload := decode[server.NewUpload](t, g.do(t, "alice", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5}`))
	written := g.log.String() + g.trail.String()
	for _, secret := range []string{read.URL, upload.URL, "Signature", "hunter2", "Bearer"} {
		if strings.Contains(written, secret) {
			t.Errorf("%q was written: %s", secret, written)
		}
	}
	if !strings.Contains(g.log.String(), "principal=alice") || !strings.Contains(g.log.String(), "route=/v1/read/:key") {
		t.Errorf("the log doesn't say who asked for what: %s", g.log)
	}
}

func TestRequestIDsAreTakenOverWhereHarmless(t *testing.T) {
	g := newGateway(t, nil)
	for _, id := range []string{"trace-1.A_b", "JKJaXmPLvHcESHA="} { // the second as API Gateway makes them
		if got := g.do(t, "", http.MethodGet, "/livez", "", "X-Request-ID", id).Header().Get("X-Request-ID"); got != id {
			t.Errorf("a harmless id became %q", got)
		}
	}
	for _, id := range []string{"", "a b", "a\"b", "<script>", strings.Repeat("a", 65)} {
		if got := g.do(t, "", http.MethodGet, "/livez", "", "X-Request-ID", id).Header().Get("X-Request-ID"); got == id || len(got) < 20 {
			t.Errorf("%q became %q", id, got)
		}
	}
}

func TestTheAddressInTheTrailIsNotTheCallersToWrite(t *testing.T) {
	g := newGateway(t, nil)
	for _, address := range []string{"192.0.2.1", "127.0.0.1", "10.0.0.1"} { // from anywhere, from a proxy's usual place too
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/read/users/alice/a.png", nil)
		request.RemoteAddr = address + ":1234"
		for name, value := range map[string]string{"Authorization": "Bearer alice", "X-Forwarded-For": "203.0.113.9", "X-Real-Ip": "203.0.113.9"} {
			request.Header.Set(name, value)
		}
		g.handler.ServeHTTP(httptest.NewRecorder(), request)
		if records := g.records(t); len(records) == 0 || records[len(records)-1].Address != address {
			t.Errorf("%s: %+v", address, records)
		}
	}
}

func TestOnlyPagesOfConfiguredOriginsMayCall(t *testing.T) {
	preflight := func(g *gateway, origin string) http.Header {
		return g.do(t, "", http.MethodOptions, "/v1/uploads", "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization").Header()
	}
	g := newGateway(t, func(p *server.Parts) { p.Origins = []string{"https://app.example.com"} })
	if header := preflight(g, "https://app.example.com"); header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("the configured origin: %v", header)
	}
	if header := preflight(g, "https://evil.example.com"); header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin: %v", header)
	}
	if header := preflight(newGateway(t, nil), "https://app.example.com"); header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("no origin configured: %v", header)
	}
}

func TestTheDocumentDescribesEveryRouteAndItsProblems(t *testing.T) {
	g := newGateway(t, nil)
	document := decode[struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Responses   map[string]struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
				} `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}](t, g.do(t, "", http.MethodGet, "/openapi.json", ""))
	if !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s", document.OpenAPI)
	}
	want := map[string]int{
		"/v1/read-urls": 1, "/v1/read/{key}": 1, "/v1/read-prefixes": 1, "/v1/read-cookies": 1, "/v1/explain": 1,
		"/v1/uploads": 1, "/v1/uploads/{uploadId}": 1, "/v1/uploads/{uploadId}/parts": 2, "/v1/uploads/{uploadId}/complete": 1,
		"/v1/uploads/sign": 1, "/v1/upload-sessions": 1, "/v1/upload-credentials": 1, "/v1/delete-urls": 1, "/livez": 1,
		"/v1/grants": 1, "/v1/grants/{id}": 2, "/v1/shared-with-me": 1, "/v1/access": 1, "/v1/objects": 1, "/v1/decisions": 1,
		"/readyz": 1, "/version": 1,
	}
	for path, methods := range document.Paths {
		if len(methods) != want[path] {
			t.Errorf("%s is described %d times, not %d", path, len(methods), want[path])
		}
		for method, operation := range methods {
			if ref := operation.Responses["default"].Content[problem.ContentType].Schema.Ref; ref != "#/components/schemas/Problem" {
				t.Errorf("%s %s: its problems are %q", method, path, ref)
			}
		}
	}
	if len(document.Paths) != len(want) {
		t.Errorf("%d paths are described", len(document.Paths))
	}
	if _, ok := document.Components.Schemas["ErrorModel"]; ok {
		t.Error("it describes errors that never come")
	}
}

func TestTheDocumentationNeedsNoOtherServer(t *testing.T) {
	g := newGateway(t, nil)
	page := g.do(t, "", http.MethodGet, "/docs", "").Body.String()
	for _, script := range []string{"/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"} {
		if !strings.Contains(page, script) {
			t.Errorf("the page doesn't load %s", script)
		}
		if recorder := g.do(t, "", http.MethodGet, script, ""); recorder.Code != http.StatusOK || recorder.Body.Len() < 1000 {
			t.Errorf("%s: %d, %d bytes", script, recorder.Code, recorder.Body.Len())
		}
	}
	if strings.Contains(page, `src="http`) || strings.Contains(page, `href="http`) {
		t.Errorf("the page loads from elsewhere: %s", page)
	}
}

func TestAServerWithAPartMissingIsNotMade(t *testing.T) {
	for name, change := range map[string]func(*server.Parts){
		"callers":    func(p *server.Parts) { p.Callers = nil },
		"access":     func(p *server.Parts) { p.Access = nil },
		"signer":     func(p *server.Parts) { p.Signer = nil },
		"verifier":   func(p *server.Parts) { p.Verifier = nil },
		"stable":     func(p *server.Parts) { p.StableKey = nil },
		"presigner":  func(p *server.Parts) { p.Presigner = nil },
		"uploads":    func(p *server.Parts) { p.Uploads = nil },
		"listing":    func(p *server.Parts) { p.Listing = nil },
		"sealer":     func(p *server.Parts) { p.Sealer = nil },
		"quarantine": func(p *server.Parts) { p.Quarantine = objectkey.Prefix{} },
		"address":    func(p *server.Parts) { p.PublicURL = "" },
		"audit":      func(p *server.Parts) { p.Audit = nil },
		"limits":     func(p *server.Parts) { p.Limits = server.Limits{} },
	} {
		newGateway(t, func(parts *server.Parts) {
			if _, err := server.New(*parts); err != nil {
				t.Fatalf("with every part: %v", err)
			}
			without := *parts
			change(&without)
			if _, err := server.New(without); err == nil {
				t.Errorf("made without %s", name)
			}
		})
	}
}

var _ server.Authorizer = (*access.Authorizer)(nil)
