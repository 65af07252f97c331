package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/signgate/signgate/pkg/problem"
)

var (
	// ErrConfig is wrapped where a client can't be made.
	ErrConfig = errors.New("can't make a client")
	// ErrAnswer is wrapped where an answer isn't the gateway's.
	ErrAnswer = errors.New("not an answer of the gateway")
)

const (
	maxAnswerBytes = 16 << 20
	// maxTries bounds how often a request is sent in all.
	maxTries = 4
)

// Token gives the access token for a request; it should keep one as long as
// that lives.
type Token func(ctx context.Context) (string, error)

// Config says which gateway is called, and as whom.
type Config struct {
	URL   string        // of the gateway, such as https://gateway.example.com
	Token Token         // nil calls without a token, which is enough for probes
	Link  string        // secret of a link to what others share; none if empty
	HTTP  *http.Client  // nil for one of the client's own, with a time limit
	Pause time.Duration // before the first repetition; zero for 200 ms
}

// Client calls one gateway. It is safe for concurrent use.
type Client struct {
	config  Config
	base    string
	content *http.Client // for bytes to S3, which may take any time
}

// New makes a client. The error wraps ErrConfig.
func New(config Config) (*Client, error) {
	u, err := url.Parse(config.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: the gateway's address must be such as https://gateway.example.com", ErrConfig)
	}
	if config.HTTP == nil {
		config.HTTP = &http.Client{Timeout: 30 * time.Second}
	}
	if config.Pause == 0 {
		config.Pause = 200 * time.Millisecond
	}
	// A redirect is an answer: to follow it would be to send the token along.
	own := *config.HTTP
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	config.HTTP = &own
	unlimited := own
	unlimited.Timeout = 0
	return &Client{config: config, content: &unlimited, base: strings.TrimSuffix(config.URL, "/")}, nil
}

// call is one request to the gateway.
type call struct {
	method, path string
	body         any // nil for none
	// idempotent says that it does no harm to send it again where nobody
	// knows what became of it.
	idempotent bool
	patient    bool // the answer may take any time
}

// answer is what came back, whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request, repeats it where that is safe, and reads the answer
// into out. The error is a *problem.Document, wraps ErrAnswer, or is that of
// ctx, the token or the connection.
func (c *Client) do(ctx context.Context, call call, out any) (answer, error) {
	var body []byte
	if call.body != nil {
		var err error
		if body, err = json.Marshal(call.body); err != nil {
			return answer{}, fmt.Errorf("%s %s: %w", call.method, call.path, err)
		}
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = c.config.Pause
	got, err := backoff.Retry(ctx, func() (answer, error) {
		got, err := c.send(ctx, call, body)
		return got, c.worthRepeating(call, got, err)
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(maxTries))
	if err != nil {
		return got, fmt.Errorf("%s %s: %w", call.method, call.path, err)
	}
	if out == nil {
		return got, nil
	}
	if err := json.Unmarshal(got.body, out); err != nil {
		return got, fmt.Errorf("%s %s: %w: %w", call.method, call.path, ErrAnswer, err)
	}
	return got, nil
}

// worthRepeating turns a failure into one that is final, or not.
func (c *Client) worthRepeating(call call, got answer, err error) error {
	if err == nil && got.status < http.StatusBadRequest {
		return nil
	}
	if err != nil {
		if call.idempotent {
			return err
		}
		return backoff.Permanent(err)
	}
	failure := readProblem(got)
	if got.status != http.StatusTooManyRequests && got.status != http.StatusServiceUnavailable {
		return backoff.Permanent(failure)
	}
	if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); err == nil && seconds > 0 {
		return errors.Join(failure, backoff.RetryAfter(seconds))
	}
	return failure
}

func (c *Client) send(ctx context.Context, call call, body []byte) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, call.method, c.base+call.path, bytes.NewReader(body))
	if err != nil {
		return answer{}, backoff.Permanent(err)
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.config.Link != "" {
		request.Header.Set("X-Signgate-Link", c.config.Link)
	}
	if c.config.Token != nil {
		token, err := c.config.Token(ctx)
		if err != nil {
			return answer{}, backoff.Permanent(fmt.Errorf("access token: %w", err))
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	web := c.config.HTTP
	if call.patient {
		web = c.content
	}
	response, err := web.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	return answer{response.StatusCode, response.Header, content}, err
}

// readProblem reads the gateway's problem; an error of something in between
// becomes one of ErrAnswer, with its status and none of its words.
func readProblem(got answer) error {
	kind, _, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	document := &problem.Document{}
	if err == nil && kind == problem.ContentType && json.Unmarshal(got.body, document) == nil && document.Code != "" {
		return document
	}
	return fmt.Errorf("%w: status %d", ErrAnswer, got.status)
}
