package story

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// ErrDifference is wrapped where something came that wasn't expected.
var ErrDifference = errors.New("the story went another way")

// Stack is what the story needs of the local stack.
type Stack interface {
	GatewayURL() string
	EdgeURL() string
	S3URL() string
	IssuerURL() string
	Versions(ctx context.Context, key string) (versions, markers int, err error)
}

// teller tells steps and remembers the tokens of the people in them.
type teller struct {
	ctx    context.Context //nolint:containedctx // lives as long as one telling
	stack  Stack
	now    func() time.Time
	out    io.Writer
	client *http.Client
	tokens map[string]string
	steps  int
}

func newTeller(ctx context.Context, stack Stack, now func() time.Time, out io.Writer) *teller {
	return &teller{
		ctx: ctx, stack: stack, now: now, out: out, tokens: map[string]string{},
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

func (t *teller) chapter(title string) { _, _ = fmt.Fprintf(t.out, "\n%s\n", title) }

// step tells one thing: what happens, what is expected, what came.
func (t *teller) step(what, want string, do func() (string, error)) error {
	t.steps++
	begin := t.now()
	got, err := do()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDifference, what, err)
	}
	mark := "ok  "
	if got != want {
		mark = "DIFF"
	}
	_, _ = fmt.Fprintf(t.out, "  %s  %-64s expected %s, came %s (%d ms)\n", mark, what, want, got, t.now().Sub(begin).Milliseconds())
	if got != want {
		return fmt.Errorf("%w: %s: expected %s, came %s", ErrDifference, what, want, got)
	}
	return nil
}

// answer is what came back over HTTP.
type answer struct {
	status int
	body   []byte
	header http.Header
}

// errorCode finds the code of an S3 or CloudFront error.
var errorCode = regexp.MustCompile(`<Code>([A-Za-z]+)</Code>`)

// String is the status, with the error's code where there is one.
func (a answer) String() string {
	if found := errorCode.FindSubmatch(a.body); found != nil {
		return fmt.Sprintf("%d %s", a.status, found[1])
	}
	var document struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(a.body, &document) == nil && document.Code != "" {
		return fmt.Sprintf("%d %s", a.status, document.Code)
	}
	return strconv.Itoa(a.status)
}

func (t *teller) send(method, url string, headers map[string]string, body []byte) (answer, error) {
	request, err := http.NewRequestWithContext(t.ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for name, value := range headers {
		if name != "Content-Length" { // net/http sets it from the body
			request.Header.Set(name, value)
		}
	}
	response, err := t.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, data, response.Header}, err
}

// ask calls the gateway as a person and reads its answer into out.
func (t *teller) ask(person, path string, body, out any) (answer, error) {
	token, err := t.token(person)
	if err != nil {
		return answer{}, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return answer{}, err
	}
	got, err := t.send(http.MethodPost, t.stack.GatewayURL()+path,
		map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"}, text)
	if err != nil || got.status >= http.StatusBadRequest {
		return got, err
	}
	return got, json.Unmarshal(got.body, out)
}

func (t *teller) token(person string) (string, error) {
	if token, ok := t.tokens[person]; ok {
		return token, nil
	}
	got, err := t.send(http.MethodGet, t.stack.IssuerURL()+"/token/"+person, nil, nil)
	if err != nil {
		return "", err
	}
	if got.status != http.StatusOK {
		return "", fmt.Errorf("no token for %s: %s", person, got)
	}
	t.tokens[person] = string(got.body)
	return t.tokens[person], nil
}

// signed is a request or URL as the gateway gives it.
type signed struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Problem *struct {
		Status int    `json:"status"`
		Code   string `json:"code"`
	} `json:"problem"`
}

// forKey asks for one key in a batch ("/v1/read-urls", "/v1/delete-urls") and
// returns the URL or, as text, the problem.
func (t *teller) forKey(person, path, key string, expiresIn int) (signed, string, error) {
	item := map[string]any{"key": key}
	if expiresIn > 0 {
		item["expiresIn"] = expiresIn
	}
	var out struct{ Items []signed }
	got, err := t.ask(person, path, map[string]any{"items": []any{item}}, &out)
	if err != nil || len(out.Items) != 1 {
		return signed{}, got.String(), err
	}
	if problem := out.Items[0].Problem; problem != nil {
		return signed{}, fmt.Sprintf("%d %s", problem.Status, problem.Code), nil
	}
	return out.Items[0], "a URL", nil
}

// upload asks for a request that uploads exactly this content.
func (t *teller) upload(person, key, contentType string, content []byte) (signed, answer, error) {
	sum := sha256.Sum256(content)
	var out signed
	got, err := t.ask(person, "/v1/uploads", map[string]any{
		"key": key, "contentType": contentType, "contentLength": len(content),
		"checksumSha256": base64.StdEncoding.EncodeToString(sum[:]),
	}, &out)
	return out, got, err
}
