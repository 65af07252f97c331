package lambda_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/signgate/signgate/api/lambda"
)

// documented is the event that the Developer Guide of API Gateway shows for
// payload format 2.0, with a change.
func documented(t testing.TB, change func(*events.APIGatewayV2HTTPRequest)) events.APIGatewayV2HTTPRequest {
	t.Helper()
	text, err := os.ReadFile("testdata/http-api.json")
	if err != nil {
		t.Fatal(err)
	}
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&event)
	}
	return event
}

func newRequest(t testing.TB, change func(*events.APIGatewayV2HTTPRequest)) *http.Request {
	t.Helper()
	request, err := lambda.NewRequest(t.Context(), documented(t, change))
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestAHandlerSeesTheDocumentedEventAsARequest(t *testing.T) {
	got := newRequest(t, nil)
	body, err := io.ReadAll(got.Body)
	if err != nil || string(body) != "Hello from client!" || got.ContentLength != 18 {
		t.Errorf("body %q of %d bytes, %v", body, got.ContentLength, err)
	}
	if got.Method != http.MethodPost || got.Host != "id.execute-api.us-east-1.amazonaws.com" || got.Proto != "HTTP/1.1" ||
		got.RequestURI != "/my/path?parameter1=value1&parameter1=value2&parameter2=a%2Fb%20c" || got.URL.RequestURI() != got.RequestURI {
		t.Errorf("%+v", got)
	}
	want := http.Header{
		"Header1": {"value1"}, "Header2": {"value1,value2"}, "Cookie": {"cookie1=one; cookie2=two"}, "X-Forwarded-For": {"198.51.100.7, 192.0.2.1"},
		"X-Request-Id": {"JKJaXmPLvHcESHA="},
	}
	if !reflect.DeepEqual(got.Header, want) {
		t.Errorf("headers %v", got.Header)
	}
	if cookies := got.Cookies(); len(cookies) != 2 || cookies[1].Value != "two" {
		t.Errorf("cookies %v", cookies)
	}
}

func TestARequestKeepsTheNameThatItsClientGaveIt(t *testing.T) {
	if got := newRequest(t, func(e *events.APIGatewayV2HTTPRequest) { e.Headers["x-request-id"] = "mine" }).Header.Values("X-Request-ID"); !reflect.DeepEqual(got, []string{"mine"}) {
		t.Errorf("%q", got)
	}
}

// The address is the one that API Gateway saw, whatever a header says.
func TestTheAddressIsNotAHeadersToSay(t *testing.T) {
	for source, want := range map[string]string{"192.0.2.1": "192.0.2.1:0", "2001:db8::1": "[2001:db8::1]:0", "": "", "somewhere": ""} {
		if got := newRequest(t, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.SourceIP = source }); got.RemoteAddr != want {
			t.Errorf("%q: %q", source, got.RemoteAddr)
		}
	}
}

// What an HTTP API makes of a path before it calls (captured in July 2026),
// and what a handler can see of it. A question mark and what follows are lost
// before the event is made; nothing here can bring them back.
func TestAPathIsWhatTheHTTPAPILeavesOfIt(t *testing.T) {
	for raw, want := range map[string]string{ // sent as …
		"/read/plain":         "/read/plain",
		"/read/space value":   "/read/space%20value",   // space%20value
		"/read/hash#value":    "/read/hash%23value",    // hash%23value
		"/read/literal?value": "/read/literal%3Fvalue", // literal%253Fvalue, unescaped twice
		"/read/literal%value": "/read/literal%25value", // literal%2525value
		"/read/literal%41":    "/read/literal%2541",    // never unescaped a third time
		"/read/λ-世界":          "/read/%CE%BB-%E4%B8%96%E7%95%8C",
		"/read/a+b&c=d;e":     "/read/a+b&c=d;e",
		"/read/../x":          "/read/../x", // for the handler to refuse
		"//evil.example/x":    "//evil.example/x",
		"":                    "/",
	} {
		got := newRequest(t, func(e *events.APIGatewayV2HTTPRequest) {
			e.RawPath, e.RequestContext.HTTP.Path, e.RawQueryString = raw, raw, ""
		})
		if got.RequestURI != want || got.URL.EscapedPath() != want || got.URL.Host != "" {
			t.Errorf("%q: %q, %q", raw, got.RequestURI, got.URL)
		}
	}
}

func TestAFunctionURLsPathIsTheOneThatWasSent(t *testing.T) {
	for raw, unescaped := range map[string]string{
		"/read/space%20value": "/read/space value", "/read/a%3Fb": "/read/a?b", "/read/slash%2Fvalue": "/read/slash/value",
		"/read/100%25": "/read/100%", "/read/%252e": "/read/%2e",
	} {
		got := newRequest(t, func(e *events.APIGatewayV2HTTPRequest) {
			e.RawPath, e.RequestContext.HTTP.Path, e.RawQueryString = raw, unescaped, ""
			e.Headers["cookie"] = "cookie1=one; cookie2=two" // it has both
		})
		if got.URL.EscapedPath() != raw || got.URL.Path != unescaped || len(got.Cookies()) != 2 {
			t.Errorf("%q: %q, %q, %v", raw, got.URL.EscapedPath(), got.URL.Path, got.Cookies())
		}
	}
}

func TestANamedStageIsNoPartOfThePath(t *testing.T) {
	for raw, want := range map[string]string{"/prod/v1/x": "/v1/x", "/prod": "/", "/production/x": "/production/x", "/v1/x": "/v1/x"} {
		got := newRequest(t, func(e *events.APIGatewayV2HTTPRequest) {
			e.RawPath, e.RequestContext.HTTP.Path, e.RequestContext.Stage = raw, raw, "prod"
		})
		if got.URL.Path != want {
			t.Errorf("%q: %q", raw, got.URL.Path)
		}
	}
}

func TestBodiesComeAsTheyWereSent(t *testing.T) {
	binary := []byte{0, 0xff, 0xfe, '\n', 'x'}
	for name, test := range map[string]struct {
		body   string
		base64 bool
		want   string
	}{
		"text":              {"{\"a\":\"λ\"}", false, "{\"a\":\"λ\"}"},
		"binary":            {base64.StdEncoding.EncodeToString(binary), true, string(binary)},
		"empty":             {"", false, ""},
		"empty in Base64":   {"", true, ""},
		"text like Base64":  {"AAAA", false, "AAAA"},
		"Base64 of no byte": {"", true, ""},
	} {
		got := newRequest(t, func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = test.body, test.base64 })
		body, err := io.ReadAll(got.Body)
		if err != nil || string(body) != test.want || got.ContentLength != int64(len(test.want)) {
			t.Errorf("%s: %q of %d bytes, %v", name, body, got.ContentLength, err)
		}
	}
}

func TestWhatIsNoEventOfAnHTTPAPIIsRefused(t *testing.T) {
	for name, change := range map[string]func(*events.APIGatewayV2HTTPRequest){
		"format 1.0":       func(e *events.APIGatewayV2HTTPRequest) { e.Version = "1.0" },
		"another event":    func(e *events.APIGatewayV2HTTPRequest) { *e = events.APIGatewayV2HTTPRequest{} },
		"no method":        func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "" },
		"an odd method":    func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "GET /" },
		"a path to nobody": func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "my/path" },
		"a broken query":   func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "a b" },
		"broken Base64":    func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "%", true },
	} {
		event := documented(t, change)
		if _, err := lambda.NewRequest(t.Context(), event); !errors.Is(err, lambda.ErrEvent) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := function(http.NotFoundHandler(), nil).Handle(t.Context(), event); !errors.Is(err, lambda.ErrEvent) {
			t.Errorf("%s is answered: %v", name, err)
		}
	}
}

func function(handler http.Handler, change func(*lambda.Config)) *lambda.Function {
	config := lambda.Config{Handler: handler, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&config)
	}
	return lambda.New(config)
}

func answer(t testing.TB, method string, handler http.HandlerFunc) events.APIGatewayV2HTTPResponse {
	t.Helper()
	response, err := function(handler, nil).Handle(t.Context(), documented(t, func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = method }))
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestAnAnswerIsWhatTheHandlerWrote(t *testing.T) {
	got := answer(t, http.MethodGet, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Vary", "Accept")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "9")
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusCreated)
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "too late")
		_, _ = io.WriteString(w, `{"a":"λ"`)
		_, _ = io.WriteString(w, `}`)
	})
	want := events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusCreated, Body: `{"a":"λ"}`,
		Headers: map[string]string{"Vary": "Origin, Accept", "Content-Type": "application/json"},
		Cookies: []string{"a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestBytesThatAreNoTextGoAsBase64(t *testing.T) {
	binary := []byte{0x1f, 0x8b, 0x08, 0xff}
	got := answer(t, http.MethodGet, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(binary) })
	if !got.IsBase64Encoded || got.Body != base64.StdEncoding.EncodeToString(binary) || got.StatusCode != http.StatusOK || got.Headers["Content-Type"] != "application/x-gzip" {
		t.Errorf("%+v", got)
	}
}

func TestNoBodyWhereThereIsNone(t *testing.T) {
	for name, test := range map[string]struct {
		method string
		status int
	}{
		"HEAD": {http.MethodHead, http.StatusOK}, "204": {http.MethodGet, http.StatusNoContent}, "304": {http.MethodGet, http.StatusNotModified},
	} {
		got := answer(t, test.method, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, "a body")
		})
		if got.Body != "" || got.StatusCode != test.status {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := answer(t, http.MethodGet, func(http.ResponseWriter, *http.Request) {}); got.StatusCode != http.StatusOK || got.Body != "" {
		t.Errorf("a handler that says nothing: %+v", got)
	}
}

// Lambda refuses more than 6 MiB of JSON, and AWS's client then ends the process.
func TestAnAnswerThatLambdaWouldNotTakeIsReplaced(t *testing.T) {
	const most = 6 << 20
	for body, fits := range map[string]bool{
		strings.Repeat("a", most-400): true, strings.Repeat("a", most): false,
		strings.Repeat(`"`, most/2-400): true, strings.Repeat(`"`, most/2): false, // escaped
		strings.Repeat("<", most-400):        true, // not escaped
		strings.Repeat("\xff", most*3/4-400): true, strings.Repeat("\xff", most*3/4): false,
		strings.Repeat("\x00", most/6): false,
	} {
		f := function(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Request-ID", "one")
			w.Header().Set("Set-Cookie", "secret=1")
			_, _ = io.WriteString(w, body)
		}), func(c *lambda.Config) {
			c.TooLarge = func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				_, _ = io.WriteString(w, "too large")
			}
		})
		got, err := f.Handle(t.Context(), documented(t, nil))
		if err != nil {
			t.Fatal(err)
		}
		sent, err := json.Marshal(got)
		if err != nil || got.Headers["X-Request-Id"] != "one" || (len(sent) > most && !strings.HasPrefix(body, "<")) {
			t.Errorf("%q…: %d bytes, %v", body[:1], len(sent), err)
		}
		if replaced := got.StatusCode == http.StatusRequestEntityTooLarge && got.Body == "too large" && got.Cookies == nil; replaced == fits {
			t.Errorf("%q…: %d, %d bytes, %v", body[:1], got.StatusCode, len(sent), got.Cookies)
		}
	}
	got := answer(t, http.MethodGet, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("a", most)) })
	if got.StatusCode != http.StatusInternalServerError || got.Body != "" {
		t.Errorf("without TooLarge: %d, %d bytes", got.StatusCode, len(got.Body))
	}
}

// A handler that panics must not take the process with it, nor leave half an
// answer.
func TestAPanicIsAnError(t *testing.T) {
	for _, what := range []any{"oh", errors.New("oh"), http.ErrAbortHandler} {
		var log bytes.Buffer
		f := function(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half an answ")
			panic(what)
		}), func(c *lambda.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		got, err := f.Handle(t.Context(), documented(t, nil))
		if err != nil || got.StatusCode != http.StatusInternalServerError || got.Body != "" {
			t.Errorf("%v: %+v, %v", what, got, err)
		}
		if told := strings.Contains(log.String(), "panic"); told != (what != http.ErrAbortHandler) { //nolint:errorlint // what was thrown
			t.Errorf("%v: the log says %q", what, log.String())
		}
	}
}

func TestOnlyWhomAPIGatewayHasVerifiedIsIdentified(t *testing.T) {
	iam := &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{
		AccountID: "123456789012", UserARN: "arn:aws:sts::123456789012:assumed-role/ci/run", UserID: "AROA:run", PrincipalOrgID: "o-1",
	}}
	pool := &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{
		AccountID: "123456789012", UserARN: "arn:aws:sts::123456789012:assumed-role/people/x",
		CognitoIdentity: events.APIGatewayV2HTTPRequestContextAuthorizerCognitoIdentity{AMR: []string{"authenticated"}, IdentityID: "us-east-1:1", IdentityPoolID: "us-east-1:2"},
	}}
	empty := &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{}}
	type key struct{}
	for name, test := range map[string]struct {
		authorizer *events.APIGatewayV2HTTPRequestContextAuthorizerDescription
		want       any
	}{
		"AWS_IAM": {iam, lambda.Identity{ARN: "arn:aws:sts::123456789012:assumed-role/ci/run", Account: "123456789012"}},
		"people":  {pool, lambda.Identity{ARN: "arn:aws:sts::123456789012:assumed-role/people/x", Account: "123456789012", Cognito: true}},
		"nobody":  {nil, nil},
		"empty":   {empty, nil},
	} {
		var got any
		f := function(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Context().Value(key{}) }), func(c *lambda.Config) {
			c.Identify = func(ctx context.Context, identity lambda.Identity) context.Context {
				return context.WithValue(ctx, key{}, identity)
			}
		})
		if _, err := f.Handle(t.Context(), documented(t, func(e *events.APIGatewayV2HTTPRequest) {
			e.RequestContext.Authorizer = test.authorizer
			e.Headers["x-amzn-iam-user-arn"] = "arn:aws:iam::123456789012:root"
		})); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// What is due is done before a request and before its answer leaves.
func TestWhatIsDueIsDoneOnBothSidesOfARequest(t *testing.T) {
	var order []string
	f := function(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { order = append(order, "request") }), func(c *lambda.Config) {
		c.Settle = func(context.Context) { order = append(order, "settle") }
	})
	if _, err := f.Handle(t.Context(), documented(t, nil)); err != nil || strings.Join(order, " ") != "settle request settle" {
		t.Errorf("%v, %v", order, err)
	}
}

func TestAHandlerAndWhatIsDueHaveLessTimeThanTheFunction(t *testing.T) {
	end := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	seen := 0
	look := func(ctx context.Context) {
		seen++
		if deadline, ok := ctx.Deadline(); !ok || !deadline.Before(end) {
			t.Errorf("it may go on until %v, the function until %v", deadline, end)
		}
	}
	f := function(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { look(r.Context()) }), func(c *lambda.Config) { c.Settle = look })
	if _, err := f.Handle(ctx, documented(t, nil)); err != nil || seen != 3 {
		t.Errorf("%d looks, %v", seen, err)
	}
}

func FuzzNewRequest(f *testing.F) {
	text, err := os.ReadFile("testdata/http-api.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":"2.0","rawPath":"/%","requestContext":{"http":{"method":"GET","path":"/"}}}`))
	f.Add([]byte(`{"version":"2.0","rawPath":"/%25","requestContext":{"http":{"method":"GET","path":"/%"},"stage":"prod"},"isBase64Encoded":true,"body":"AA=="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var event events.APIGatewayV2HTTPRequest
		if json.Unmarshal(text, &event) != nil {
			return
		}
		request, err := lambda.NewRequest(t.Context(), event)
		if err != nil {
			if !errors.Is(err, lambda.ErrEvent) {
				t.Error(err)
			}
			return
		}
		if !strings.HasPrefix(request.RequestURI, "/") || request.URL.Host != "" || request.URL.Scheme != "" {
			t.Errorf("the request goes to %q", request.URL)
		}
	})
}
