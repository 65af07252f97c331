package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// ErrEvent is wrapped where an event can't be one of an HTTP API's in payload
// format 2.0.
var ErrEvent = errors.New("not an event of an HTTP API in payload format 2.0")

// formatVersion is the only payload format that is understood. In 1.0 a path
// and headers stand elsewhere, so it would look like an empty request.
const formatVersion = "2.0"

// defaultStage is served at the root; any other stage's name begins the path.
const defaultStage = "$default"

// NewRequest makes the request that an event tells of. Errors wrap ErrEvent.
func NewRequest(ctx context.Context, event events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	if event.Version != formatVersion || event.RequestContext.HTTP.Method == "" {
		return nil, fmt.Errorf("%w: version %q, method %q", ErrEvent, event.Version, event.RequestContext.HTTP.Method)
	}
	body, err := bodyOf(event)
	if err != nil {
		return nil, err
	}
	u, err := urlOf(event)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, event.RequestContext.HTTP.Method, "/", body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	request.URL, request.RequestURI = u, u.RequestURI()
	request.Header = headersOf(event)
	request.Host = hostOf(event, request.Header)
	request.RemoteAddr = addressOf(event)
	if major, minor, ok := http.ParseHTTPVersion(event.RequestContext.HTTP.Protocol); ok {
		request.Proto, request.ProtoMajor, request.ProtoMinor = event.RequestContext.HTTP.Protocol, major, minor
	}
	return request, nil
}

// bodyOf returns the body, and http.NoBody where there is none.
func bodyOf(event events.APIGatewayV2HTTPRequest) (io.Reader, error) {
	switch {
	case event.Body == "":
		return http.NoBody, nil
	case !event.IsBase64Encoded:
		return strings.NewReader(event.Body), nil
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(event.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: the body isn't Base64", ErrEvent)
	}
	return strings.NewReader(string(decoded)), nil
}

// urlOf finds the path and the query. Path holds what an HTTP API has
// unescaped; escaping it is url.URL's matter.
func urlOf(event events.APIGatewayV2HTTPRequest) (*url.URL, error) {
	u := &url.URL{Path: event.RawPath, RawQuery: event.RawQueryString}
	if isEscaped(event) {
		var err error
		if u.Path, err = url.PathUnescape(event.RawPath); err != nil {
			return nil, fmt.Errorf("%w: the path is badly escaped", ErrEvent)
		}
		u.RawPath = event.RawPath
	}
	if stage := event.RequestContext.Stage; stage != "" && stage != defaultStage {
		u.Path, u.RawPath = withoutStage(u.Path, stage), withoutStage(u.RawPath, stage)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if !strings.HasPrefix(u.Path, "/") || strings.ContainsAny(u.RawQuery, " \t\r\n#") {
		return nil, fmt.Errorf("%w: the path or the query can't be one of a request", ErrEvent)
	}
	return u, nil
}

// isEscaped tells a function URL's path from an HTTP API's: both tell the
// unescaped one as well, and for an HTTP API the two are the same.
func isEscaped(event events.APIGatewayV2HTTPRequest) bool {
	unescaped := event.RequestContext.HTTP.Path
	if event.RawPath == unescaped || !strings.Contains(event.RawPath, "%") {
		return false
	}
	path, err := url.PathUnescape(event.RawPath)
	return err == nil && path == unescaped
}

func withoutStage(path, stage string) string {
	if rest, ok := strings.CutPrefix(path, "/"+stage); ok && (rest == "" || rest[0] == '/') {
		return rest
	}
	return path
}

// requestID is the header that names a request.
const requestID = "X-Request-ID"

// headersOf returns the headers. The cookies stand beside them; a function URL
// gives them twice. A request that its client hasn't named has API Gateway's id,
// which stands in its access log.
func headersOf(event events.APIGatewayV2HTTPRequest) http.Header {
	headers := make(http.Header, len(event.Headers)+1)
	for name, value := range event.Headers {
		headers.Set(name, value)
	}
	if id := event.RequestContext.RequestID; id != "" && headers.Get(requestID) == "" {
		headers.Set(requestID, id)
	}
	if len(event.Cookies) > 0 {
		headers.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	return headers
}

// hostOf returns the name that the client called, which net/http keeps out of
// the headers.
func hostOf(event events.APIGatewayV2HTTPRequest, headers http.Header) string {
	host := headers.Get("Host")
	headers.Del("Host")
	if host == "" {
		return event.RequestContext.DomainName
	}
	return host
}

// addressOf returns the client's address as net/http has it, with a port that
// nobody knows; nothing where there is none.
func addressOf(event events.APIGatewayV2HTTPRequest) string {
	address, err := netip.ParseAddr(event.RequestContext.HTTP.SourceIP)
	if err != nil {
		return ""
	}
	return net.JoinHostPort(address.String(), "0")
}
