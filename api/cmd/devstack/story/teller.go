package story

import (
	"bytes"
	"context"
	"crypto"
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

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/settings"
)

// ErrDifference is wrapped where something came that wasn't expected.
var ErrDifference = errors.New("the story went another way")

// Stack is what the story needs of the local stack.
type Stack interface {
	GatewayURL() string
	EdgeURL() string
	S3URL() string
	IssuerURL() string
	AuditFile() string
	PublicKeys() (map[string]crypto.PublicKey, error)
	Keys() string     // folder of the signing keys
	KeyGroup() string // folder of the public keys that the edge trusts
	Beside(ctx context.Context, change func(*settings.Gateway)) (address string, err error)
	Versions(ctx context.Context, key string) (versions, markers int, err error)
}

// teller tells steps and remembers the tokens of the people in them.
type teller struct {
	ctx    context.Context //nolint:containedctx // lives as long as one telling
	stack  Stack
	now    func() time.Time
	out    io.Writer
	client *http.Client
	people map[string]*client.Client
	steps  int
}

func newTeller(ctx context.Context, stack Stack, now func() time.Time, out io.Writer) *teller {
	return &teller{
		ctx: ctx, stack: stack, now: now, out: out, people: map[string]*client.Client{},
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

// as returns a client that calls as a person.
func (t *teller) as(person string) (*client.Client, error) {
	if known, ok := t.people[person]; ok {
		return known, nil
	}
	got, err := t.send(http.MethodGet, t.stack.IssuerURL()+"/token/"+person, nil, nil)
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, fmt.Errorf("no token for %s: %s", person, got)
	}
	caller, err := client.New(client.Config{
		URL: t.stack.GatewayURL(), Token: func(context.Context) (string, error) { return string(got.body), nil },
	})
	if err != nil {
		return nil, err
	}
	t.people[person] = caller
	return caller, nil
}

// told turns a problem into words; any other error stays one.
func told(err error) (string, error) {
	if document, ok := errors.AsType[*problem.Document](err); ok {
		return fmt.Sprintf("%d %s", document.Status, document.Code), nil
	}
	return "", err
}

// read asks for a URL and returns it or, as words, the problem.
func (t *teller) read(person string, item client.ReadItem) (url, words string, err error) {
	caller, err := t.as(person)
	if err != nil {
		return "", "", err
	}
	read, err := caller.ReadURL(t.ctx, item)
	if err != nil {
		words, err = told(err)
		return "", words, err
	}
	return read.URL, "a URL", nil
}

// remove asks for a request that deletes and returns it or the problem.
func (t *teller) remove(person, key string) (request client.DeleteURL, words string, err error) {
	caller, err := t.as(person)
	if err != nil {
		return request, "", err
	}
	items, err := caller.DeleteURLs(t.ctx, client.Item{Key: key})
	if err != nil {
		words, err = told(err)
		return request, words, err
	}
	if items[0].Problem != nil {
		words, err = told(items[0].Problem)
		return request, words, err
	}
	return items[0], "a request", nil
}

// upload asks for a request that uploads exactly this content and returns it
// or the problem.
func (t *teller) upload(person, key, contentType string, content []byte) (request client.Upload, words string, err error) {
	caller, err := t.as(person)
	if err != nil {
		return request, "", err
	}
	sum := sha256.Sum256(content)
	request, err = caller.CreateUpload(t.ctx, client.UploadRequest{
		Key: key, ContentType: contentType, ContentLength: new(int64(len(content))), ChecksumSHA256: base64.StdEncoding.EncodeToString(sum[:]),
	})
	if err != nil {
		words, err = told(err)
		return request, words, err
	}
	return request, "a request", nil
}
