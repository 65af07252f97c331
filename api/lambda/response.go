package lambda

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// recorder keeps what a handler answers, as net/http would send it.
type recorder struct {
	head   bool // the request asks for no body
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
}

func newRecorder(method string) *recorder {
	return &recorder{head: method == http.MethodHead, header: http.Header{}}
}

// Header returns the headers that are going to be sent.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader takes the first status that ends the waiting: what announces
// another one (1xx) has no place in an event, and a second one changes nothing.
func (r *recorder) WriteHeader(status int) {
	if r.status != 0 || status < http.StatusOK {
		return
	}
	r.status, r.sent = status, r.header.Clone()
}

// Write adds to the body.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		if r.header.Get("Content-Type") == "" {
			r.header.Set("Content-Type", http.DetectContentType(p))
		}
		r.WriteHeader(http.StatusOK)
	}
	if !r.mayHaveBody() {
		return 0, http.ErrBodyNotAllowed
	}
	if r.head {
		return len(p), nil
	}
	return r.body.Write(p)
}

func (r *recorder) mayHaveBody() bool {
	return r.status != http.StatusNoContent && r.status != http.StatusNotModified
}

// notForEvents says which headers are the connection's, which is API Gateway's
// own; it counts the body's bytes itself.
func notForEvents(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Keep-Alive", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// response returns what API Gateway is to answer.
func (r *recorder) response() events.APIGatewayV2HTTPResponse {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	response := events.APIGatewayV2HTTPResponse{StatusCode: r.status, Headers: map[string]string{}, Body: r.body.String()}
	for name, values := range r.sent {
		switch {
		case name == "Set-Cookie": // can't be joined
			response.Cookies = values
		case !notForEvents(name):
			response.Headers[name] = strings.Join(values, ", ")
		}
	}
	if !utf8.Valid(r.body.Bytes()) { // JSON couldn't hold it
		response.Body, response.IsBase64Encoded = base64.StdEncoding.EncodeToString(r.body.Bytes()), true
	}
	return response
}

// largest is how many bytes of JSON Lambda takes for an answer (AWS Lambda
// Developer Guide, "Lambda quotas": 6 MB, which are 6 MiB). To a larger one the
// runtime API says 413, whereupon AWS's client ends the process.
const largest = 6 << 20

// fits says whether Lambda takes the answer.
func fits(response events.APIGatewayV2HTTPResponse) bool {
	const longestEscape = 6 // \u0000
	if len(response.Body) < largest/(longestEscape+1) {
		return true
	}
	var size counter
	encoder := json.NewEncoder(&size)
	encoder.SetEscapeHTML(false) // as AWS's client does
	return encoder.Encode(response) == nil && size <= largest
}

type counter int

// Write counts.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
