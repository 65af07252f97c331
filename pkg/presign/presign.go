package presign

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
)

const (
	// MaxLife is the longest life of a presigned request: seven days
	// (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters").
	MaxLife = 7 * 24 * time.Hour
	// MaxPutBytes is the largest object that one PUT or form, and the largest
	// part that one request, may upload: 5 GiB (Amazon S3 User Guide,
	// "Uploading objects" and "Amazon S3 multipart upload limits").
	MaxPutBytes = 5 << 30

	// unsignedPayload stands for the body, whose hash is bound by the
	// checksum header instead.
	unsignedPayload = "UNSIGNED-PAYLOAD"

	// service is S3's name in the scope of a signature.
	service = "s3"
)

// ErrLife is wrapped where a life is not between a second and MaxLife.
var ErrLife = errors.New("invalid life of a presigned request")

// Presigner signs requests for one bucket. It is safe for concurrent use.
type Presigner struct {
	config  Config
	address url.URL // the bucket's, its path without a closing slash
	signer  *v4.Signer
}

// Request is what the holder has to send: exactly this method, URL and
// headers, before Expires.
type Request struct {
	Method  string
	URL     string
	Headers map[string]string // to be sent as they are; Host goes without saying
	Expires time.Time         // UTC, whole seconds
}

// New makes a presigner. The bucket's address is AWS's own for the region
// unless an endpoint is given. Errors wrap ErrConfig.
func New(ctx context.Context, config Config) (*Presigner, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	address, err := config.address(ctx)
	if err != nil {
		return nil, err
	}
	return &Presigner{
		config:  config,
		address: address,
		signer: v4.NewSigner(func(o *v4.SignerOptions) {
			o.DisableURIPathEscaping = true // S3 paths are encoded once
		}),
	}, nil
}

// Delete presigns the deletion of a key. In a versioned bucket it adds a
// delete marker; a version is never named. Errors wrap ErrUpload (no key),
// ErrLife or ErrCredentials.
func (p *Presigner) Delete(ctx context.Context, key objectkey.Key, life time.Duration) (Request, error) {
	return p.presign(ctx, key, life, draft{method: http.MethodDelete})
}

// Get presigns a read, past the CDN. Errors wrap overrides.ErrInvalid,
// ErrUpload (no key), ErrLife or ErrCredentials.
func (p *Presigner) Get(ctx context.Context, key objectkey.Key, set overrides.Set, life time.Duration) (Request, error) {
	if err := set.Check(); err != nil {
		return Request{}, err
	}
	return p.presign(ctx, key, life, draft{method: http.MethodGet, query: strings.Join(set.Parameters(), "&")})
}

// Put presigns an upload. Errors wrap ErrUpload, ErrLife or ErrCredentials.
func (p *Presigner) Put(ctx context.Context, upload Upload, life time.Duration) (Request, error) {
	if err := upload.Check(); err != nil {
		return Request{}, err
	}
	headers := upload.headers()
	for name, value := range p.config.encryption() {
		headers.Set(name, value)
	}
	return p.presign(ctx, upload.Key, life, draft{method: http.MethodPut, length: upload.Length, headers: headers})
}

// Ready says whether credentials are to be had that live long enough to
// presign with. The error wraps ErrCredentials.
func (p *Presigner) Ready(ctx context.Context) error {
	_, _, err := p.credentials(ctx, p.config.Now(), p.config.MinLife)
	return err
}

// draft is a request before it is signed.
type draft struct {
	method  string
	path    string // of the object, encoded
	query   string // encoded
	length  int64  // signed where it isn't zero
	headers http.Header
}

func (p *Presigner) presign(ctx context.Context, key objectkey.Key, life time.Duration, draft draft) (Request, error) {
	if err := checkKey(key); err != nil {
		return Request{}, err
	}
	granted, err := p.grant(ctx, life)
	if err != nil {
		return Request{}, err
	}
	draft.path = key.Path()
	return p.sign(ctx, granted, draft)
}

func (p *Presigner) sign(ctx context.Context, granted grant, draft draft) (Request, error) {
	query := "X-Amz-Expires=" + strconv.FormatInt(int64(granted.life/time.Second), 10)
	if draft.query != "" {
		query = draft.query + "&" + query
	}
	request := &http.Request{
		Method: draft.method,
		Host:   p.address.Host,
		// Opaque, which aws/signer/v4 recommends, is a path that nobody decodes
		// and encodes again.
		URL:           &url.URL{Scheme: p.address.Scheme, Opaque: "//" + p.address.Host + p.address.Path + draft.path, RawQuery: query},
		Header:        draft.headers,
		ContentLength: draft.length,
	}
	signed, headers, err := p.signer.PresignHTTP(ctx, granted.credentials, request, unsignedPayload, service, p.config.Region, granted.now)
	if err != nil {
		return Request{}, fmt.Errorf("presign %s: %w", draft.method, err)
	}
	return Request{Method: draft.method, URL: signed, Headers: flatten(headers), Expires: granted.now.Add(granted.life)}, nil
}

// flatten keeps the one value that each signed header has and leaves out
// Host, which a client derives from the URL.
func flatten(headers http.Header) map[string]string {
	flat := make(map[string]string, len(headers))
	for name, values := range headers {
		if name != "Host" {
			flat[name] = strings.Join(values, ",")
		}
	}
	return flat
}
