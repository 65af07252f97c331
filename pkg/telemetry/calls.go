package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Calls carries out calls of others with a span around each, in the trace of
// the request's context. A span names AWS's service and operation, or method
// and host where somebody else is called, how it ended, and AWS's id of the
// request. It never holds a path, a query, a header that was sent, a body, or
// the text of an error: keys of objects and signatures stand in those. Each
// retry is a span of its own; a span ends with the answer's header. Nothing is
// added to what is sent.
type Calls struct {
	tracer trace.Tracer
	do     func(*http.Request) (*http.Response, error)
}

// Calls puts spans around what do does; nil where nobody looks at traces.
func (t *Telemetry) Calls(name string, do func(*http.Request) (*http.Response, error)) *Calls {
	tracer := t.Tracer(name)
	if tracer == nil {
		return nil
	}
	return &Calls{tracer, do}
}

// RoundTrip is Do, for an http.Client.
func (c *Calls) RoundTrip(request *http.Request) (*http.Response, error) { return c.Do(request) }

// Do carries out a call.
func (c *Calls) Do(request *http.Request) (*http.Response, error) {
	name, about := describe(request)
	_, span := c.tracer.Start(request.Context(), name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(about...))
	defer func() { span.End() }() // not deferred itself: it would make an event of a panic and its text
	response, err := c.do(request)
	if err != nil {
		fail(span, kindOf(request.Context(), err))
		return response, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", response.StatusCode))
	if id := requestID(response.Header); id != "" {
		span.SetAttributes(attribute.String("aws.request_id", id))
	}
	if response.StatusCode >= http.StatusBadRequest {
		fail(span, errorCode(response))
	}
	return response, nil
}

// describe names a call by OpenTelemetry's semantic conventions for AWS's SDKs
// and for HTTP.
func describe(request *http.Request) (string, []attribute.KeyValue) {
	service, operation := middleware.GetServiceID(request.Context()), middleware.GetOperationName(request.Context())
	if service == "" || operation == "" {
		return request.Method, []attribute.KeyValue{
			attribute.String("http.request.method", request.Method), attribute.String("server.address", request.URL.Hostname()),
		}
	}
	return service + "/" + operation, []attribute.KeyValue{
		attribute.String("rpc.system", "aws-api"), attribute.String("rpc.service", service), attribute.String("rpc.method", operation),
	}
}

func fail(span trace.Span, kind string) {
	span.SetAttributes(attribute.String("error.type", kind))
	span.SetStatus(codes.Error, "")
}

// kindOf says why there was no answer, without the error's text.
func kindOf(ctx context.Context, err error) string {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "no_answer"
}

// requestID is what AWS's support asks for.
func requestID(header http.Header) string {
	for _, name := range []string{"X-Amzn-Requestid", "X-Amz-Request-Id"} {
		if id := header.Get(name); isWord(id) {
			return id
		}
	}
	return ""
}

// errorBytes is as much of an answer as is looked at for the error's code.
const errorBytes = 4 << 10

// errorCode returns AWS's code of an error (AWS JSON 1.0 and 1.1 protocols,
// "Operation error serialization"; Amazon S3 API Reference, "REST error
// responses"), or else the status. The body is there again for whoever reads it.
func errorCode(response *http.Response) string {
	begin, err := io.ReadAll(io.LimitReader(response.Body, errorBytes))
	rest := io.Reader(response.Body)
	if err != nil {
		rest = failing{err}
	}
	response.Body = body{io.MultiReader(bytes.NewReader(begin), rest), response.Body}
	var said struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(begin, &said) // or it is XML, or nothing that is known
	_, inXML, _ := strings.Cut(string(begin), "<Code>")
	inXML, _, _ = strings.Cut(inXML, "</Code>")
	for _, code := range []string{response.Header.Get("X-Amzn-Errortype"), said.Type, inXML} {
		code = code[strings.LastIndexByte(code, '#')+1:]
		if code, _, _ = strings.Cut(code, ":"); isWord(code) {
			return code
		}
	}
	return strconv.Itoa(response.StatusCode)
}

// isWord keeps anything but a name or an id from becoming an attribute.
func isWord(text string) bool {
	const longest = 100
	return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

// body is a body of which a part was read already.
type body struct {
	io.Reader
	io.Closer
}

// failing goes on as the body that broke off did.
type failing struct{ err error }

// Read fails.
func (f failing) Read([]byte) (int, error) { return 0, f.err }
