package rotation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

const (
	// probed is the object that is asked for; it needn't be there.
	probed = "signgate-probe"
	// strangerID is of no key of anybody's.
	strangerID = "K0000000000000"

	probeLife  = time.Minute
	maxSkew    = 5 * time.Minute // of our clock, by which lives are waited out
	maxAnswer  = 64 << 10
	unknownKey = "<Code>InvalidKey</Code>"
)

// Distribution is probed with signed requests for an object that needn't be
// there. It is a Prober.
type Distribution struct {
	URL  string // as signedurl.CheckBaseURL wants it
	Hash signedurl.Hash
	HTTP *http.Client // nil for one of its own; redirects aren't followed either way
	Now  func() time.Time
}

// Trusts says whether the distribution takes what the key signs: S3 answers
// then, whatever it says, and not CloudFront. First it wants to see that the
// distribution refuses a key that it can't know, because one that hides its
// errors behind a page can't be asked, and that it goes by the same clock:
// where ours is ahead, keys would be given up that URLs need. Errors wrap
// ErrProbe and never hold a signature.
func (d Distribution) Trusts(ctx context.Context, key keyring.Key) (bool, error) {
	if broken, err := d.control(ctx); err != nil || broken {
		return false, err // or another time
	}
	answer, err := d.ask(ctx, key)
	switch {
	case err != nil:
		return false, err
	case answer.isUnknownKey(), answer.status >= http.StatusInternalServerError:
		return false, nil
	case answer.isRefusal():
		return false, fmt.Errorf("%w to %s is that it knows the id and refuses the signature: it has another public key under this id, or the clocks differ", ErrProbe, key.ID)
	case answer.status < http.StatusMultipleChoices, signedurl.WhoAnswered(answer.body).Who == "s3":
		return true, nil
	}
	return false, fmt.Errorf("%w is %d, neither CloudFront's key group's nor S3's: look at what stands between", ErrProbe, answer.status)
}

// Knows says whether the distribution knows a key of this id, by what it says
// to a signature of another key: that it doesn't know the id, or that the
// signature is wrong. Errors are those of Trusts, also where it can't say just
// now.
func (d Distribution) Knows(ctx context.Context, id string) (bool, error) {
	broken, err := d.control(ctx)
	if err != nil {
		return false, err
	}
	answer, err := d.askAsStranger(ctx, id)
	switch {
	case err != nil:
		return false, err
	case broken || answer.status >= http.StatusInternalServerError:
		return false, fmt.Errorf("%w is an error of its own; ask again later", ErrProbe)
	case answer.isUnknownKey():
		return false, nil
	case answer.isRefusal():
		return true, nil
	}
	return false, fmt.Errorf("%w to a wrong signature of %s is %d, and no refusal: look at what stands between", ErrProbe, id, answer.status)
}

// control wants the distribution to refuse a key that it can't know; broken is
// a distribution that can't answer just now.
func (d Distribution) control(ctx context.Context) (broken bool, err error) {
	answer, err := d.askAsStranger(ctx, strangerID)
	switch {
	case err != nil:
		return false, err
	case answer.status >= http.StatusInternalServerError:
		return true, nil
	case !answer.isUnknownKey():
		return false, fmt.Errorf("%w to a key that it can't know is %d and not 403 InvalidKey: it isn't held to a key group, or its errors are rewritten", ErrProbe, answer.status)
	case answer.skew.Abs() > maxSkew:
		return false, fmt.Errorf("%w is of a time that is %s off the clock here; set the clock", ErrProbe, answer.skew.Round(time.Second))
	}
	return false, nil
}

// askAsStranger asks with the signature of a key that nobody has.
func (d Distribution) askAsStranger(ctx context.Context, id string) (answer, error) {
	stranger, err := keyring.Generate(keyring.P256)
	if err != nil {
		return answer{}, err
	}
	return d.ask(ctx, keyring.Key{ID: id, Signer: stranger})
}

type answer struct {
	status int
	body   string
	skew   time.Duration // by how much its date is after our clock; 0 without one
}

func (a answer) isUnknownKey() bool {
	return a.status == http.StatusForbidden && strings.Contains(a.body, unknownKey)
}

func (a answer) isRefusal() bool {
	return a.status == http.StatusForbidden && signedurl.WhoAnswered(a.body).Who == "cloudfront"
}

func (d Distribution) ask(ctx context.Context, key keyring.Key) (answer, error) {
	signer, err := signedurl.NewSigner(d.URL, key.ID, key.Signer, d.Hash)
	if err != nil {
		return answer{}, err
	}
	object, err := objectkey.Parse(probed)
	if err != nil {
		return answer{}, err
	}
	signed, err := signer.Sign(signedurl.Request{Key: object, IssueID: "probe", Conditions: signedurl.Conditions{Expires: d.Now().Add(probeLife)}})
	if err != nil {
		return answer{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, signed, nil)
	if err != nil {
		return answer{}, fmt.Errorf("%w can't be asked for", ErrProbe) // the cause holds the URL
	}
	request.Header.Set("Range", "bytes=0-0")
	response, err := d.client().Do(request)
	if err != nil {
		if cause, ok := errors.AsType[*url.Error](err); ok {
			err = cause.Err // without the URL
		}
		return answer{}, fmt.Errorf("%w: %w", ErrProbe, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("%w breaks off: %w", ErrProbe, err)
	}
	said := answer{status: response.StatusCode, body: string(body)}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		said.skew = date.Sub(d.Now())
	}
	return said, nil
}

func (d Distribution) client() *http.Client {
	const patience = 10 * time.Second
	client := http.Client{Timeout: patience}
	if d.HTTP != nil {
		client = *d.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}
