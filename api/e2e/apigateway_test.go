package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// apiGateway stands in for API Gateway and Lambda: it makes an event of each
// request as an HTTP API does, and hands it to a function over Lambda's
// runtime API, one after the other. Between invocations it freezes the
// function's process, as Lambda does.
type apiGateway struct {
	web, runtime *httptest.Server
	queue        chan *invocation
	running      chan *invocation // of one place: the one that runs
	function     *process
	mu           sync.Mutex
	over         bool                                                           // the function isn't frozen any more
	registered   bool                                                           // an extension: only then Lambda says that it ends
	identity     *events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription // whom it has verified; nil: nobody
}

type invocation struct {
	id     string
	event  events.APIGatewayV2HTTPRequest
	answer chan events.APIGatewayV2HTTPResponse // closed where the function failed
}

func newAPIGateway(t testing.TB) *apiGateway {
	t.Helper()
	a := &apiGateway{queue: make(chan *invocation), running: make(chan *invocation, 1)}
	a.web = httptest.NewServer(http.HandlerFunc(a.serve))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.failure)
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.registered = true
		w.Header().Set("Lambda-Extension-Identifier", r.Header.Get("Lambda-Extension-Name"))
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	a.runtime = httptest.NewServer(mux)
	t.Cleanup(func() {
		a.runtime.CloseClientConnections()
		a.runtime.Close()
		a.web.Close()
	})
	return a
}

// run starts the gateway's binary as Lambda does: without arguments.
func (a *apiGateway) run(t testing.TB, environment []string) *process {
	t.Helper()
	a.mu.Lock() // the function asks for work before it is known here
	defer a.mu.Unlock()
	a.function = start(t, append(environment, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(a.runtime.URL, "http://")), "signgate")
	t.Cleanup(a.leave) // before it is interrupted
	return a.function
}

func (a *apiGateway) freeze() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.over {
		_ = a.function.command.Process.Signal(syscall.SIGSTOP)
	}
}

func (a *apiGateway) thaw() { _ = a.function.command.Process.Signal(syscall.SIGCONT) }

// leave lets the function run from now on: a frozen process hears no signal.
func (a *apiGateway) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.thaw()
}

// end does what Lambda does with an environment that it needs no longer.
func (a *apiGateway) end(t testing.TB) {
	t.Helper()
	a.leave()
	ending := syscall.SIGKILL
	if a.registered {
		ending = syscall.SIGTERM
	}
	if err := a.function.command.Process.Signal(ending); err != nil {
		t.Fatal(err)
	}
	if code := a.function.exitCode(t); code != 0 {
		t.Errorf("the function ended with %d:\n%s", code, a.function.stderr)
	}
}

// next is what a function asks when it has nothing more to do.
func (a *apiGateway) next(w http.ResponseWriter, r *http.Request) {
	a.freeze()
	select {
	case in := <-a.queue:
		a.running <- in
		a.thaw()
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", in.id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(patience).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:signgate")
		w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-6a5145a9-1bae89e2512ec92d5d9438a0;Sampled=0")
		_ = json.NewEncoder(w).Encode(in.event)
	case <-r.Context().Done():
	}
}

func (a *apiGateway) response(w http.ResponseWriter, r *http.Request) {
	in := <-a.running
	const most = 6 << 20 // Lambda's quota
	text, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil || len(text) > most {
		close(in.answer)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	var answer events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(text, &answer); err != nil || r.PathValue("id") != in.id {
		close(in.answer)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	in.answer <- answer
}

func (a *apiGateway) failure(w http.ResponseWriter, _ *http.Request) {
	in := <-a.running
	close(in.answer)
	w.WriteHeader(http.StatusAccepted)
}

// serve answers a client of the API.
func (a *apiGateway) serve(w http.ResponseWriter, r *http.Request) {
	in := &invocation{id: fmt.Sprintf("%p", r), answer: make(chan events.APIGatewayV2HTTPResponse, 1)}
	var ok bool
	if in.event, ok = a.eventOf(r); !ok {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	select {
	case a.queue <- in:
	case <-r.Context().Done():
		return
	}
	answer, ok := <-in.answer
	if !ok {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	body := []byte(answer.Body)
	if answer.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(answer.Body); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
	}
	for name, value := range answer.Headers {
		w.Header().Set(name, value)
	}
	for _, cookie := range answer.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(body)
}

// eventOf makes the event of a request, in payload format 2.0.
func (a *apiGateway) eventOf(r *http.Request) (events.APIGatewayV2HTTPRequest, bool) {
	path, ok := unescapedTwice(r.URL.EscapedPath())
	body, err := io.ReadAll(r.Body)
	if !ok || err != nil {
		return events.APIGatewayV2HTTPRequest{}, false
	}
	source, _, _ := net.SplitHostPort(r.RemoteAddr)
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{"host": r.Host},
	}
	for name, values := range r.Header {
		event.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if cookie := r.Header.Get("Cookie"); cookie != "" {
		event.Cookies = strings.Split(cookie, "; ")
		delete(event.Headers, "cookie")
	}
	event.Headers["x-forwarded-for"] = strings.TrimPrefix(event.Headers["x-forwarded-for"]+", "+source, ", ")
	event.Body = string(body)
	if kind := r.Header.Get("Content-Type"); kind != "application/json" && !strings.HasPrefix(kind, "text/") && len(body) > 0 {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	event.RequestContext = events.APIGatewayV2HTTPRequestContext{
		AccountID: "123456789012", APIID: "api-id", DomainName: r.Host, RouteKey: "$default", Stage: "$default",
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent()},
	}
	if a.identity != nil {
		event.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{IAM: a.identity}
	}
	return event, true
}

// unescapedTwice is what an HTTP API does to a path; see api/lambda.
func unescapedTwice(path string) (string, bool) {
	once, err := url.PathUnescape(path)
	if err != nil {
		return "", false
	}
	once, _, _ = strings.Cut(once, "?")
	twice, err := url.PathUnescape(once)
	return twice, err == nil
}

// without takes variables out of an environment.
func without(environment []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return slices.Contains(names, name)
	})
}

// settingsOf returns the settings of an environment by their names, and what
// is left of it.
func settingsOf(environment []string) (named map[string]string, rest []string) {
	named = map[string]string{}
	for _, line := range environment {
		name, value, _ := strings.Cut(line, "=")
		if setting, ok := strings.CutPrefix(name, "SIGNGATE_"); ok {
			named[strings.ToLower(strings.ReplaceAll(setting, "_", "-"))] = value
			continue
		}
		rest = append(rest, line)
	}
	return named, rest
}
