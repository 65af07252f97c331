package presign

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
)

const (
	// MaxLife is the longest life of a presigned request: seven days
	// (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters").
	MaxLife = 7 * 24 * time.Hour
	// MaxPutBytes is the largest object that one PUT may upload: 5 GiB
	// (Amazon S3 API Reference, "PutObject").
	MaxPutBytes = 5 << 30

	// unsignedPayload stands for the body, whose hash is bound by the
	// checksum header instead.
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

var (
	// ErrConfig is wrapped where a Presigner can't be made.
	ErrConfig = errors.New("can't presign")
	// ErrCredentials is wrapped where no credentials are to be had, or their
	// rest is too short to be worth handing out.
	ErrCredentials = errors.New("no usable AWS credentials")
	// ErrLife is wrapped where a life is not between a second and MaxLife.
	ErrLife = errors.New("invalid life of a presigned request")
)

// Config says where requests go and who signs them.
type Config struct {
	Bucket      string
	Region      string
	Endpoint    string                  // empty for AWS itself, else an S3 server such as http://127.0.0.1:8602
	PathStyle   bool                    // the bucket in the path, for servers without virtual hosts
	Credentials aws.CredentialsProvider // should cache and refresh, as aws.CredentialsCache does
	MinLife     time.Duration           // a shorter rest of the credentials' life is refused
	Now         func() time.Time
}

// Presigner signs requests for one bucket. It is safe for concurrent use.
type Presigner struct {
	config Config
	base   string // the bucket's address, without a closing slash
	signer *v4.Signer
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
	if config.Credentials == nil || config.Now == nil {
		return nil, fmt.Errorf("%w: credentials and a clock are needed", ErrConfig)
	}
	parameters := s3.EndpointParameters{
		Bucket:         aws.String(config.Bucket),
		Region:         aws.String(config.Region),
		ForcePathStyle: aws.Bool(config.PathStyle),
	}
	if config.Endpoint != "" {
		parameters.Endpoint = aws.String(config.Endpoint)
	}
	if config.Bucket == "" || config.Region == "" {
		return nil, fmt.Errorf("%w: bucket and region are needed", ErrConfig)
	}
	endpoint, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, parameters)
	if err != nil {
		return nil, fmt.Errorf("%w: bucket %q in region %q: %w", ErrConfig, config.Bucket, config.Region, err)
	}
	return &Presigner{
		config: config,
		base:   strings.TrimSuffix(endpoint.URI.String(), "/"),
		signer: v4.NewSigner(func(o *v4.SignerOptions) {
			o.DisableURIPathEscaping = true // S3 paths are encoded once
		}),
	}, nil
}

// Delete presigns the deletion of a key. In a versioned bucket it adds a
// delete marker; a version is never named. Errors wrap ErrLife or
// ErrCredentials.
func (p *Presigner) Delete(ctx context.Context, key objectkey.Key, life time.Duration) (Request, error) {
	return p.presign(ctx, http.MethodDelete, key, life, nil, 0, nil)
}

// Get presigns a read, past the CDN. Errors wrap overrides.ErrInvalid, ErrLife
// or ErrCredentials.
func (p *Presigner) Get(ctx context.Context, key objectkey.Key, set overrides.Set, life time.Duration) (Request, error) {
	if err := set.Check(); err != nil {
		return Request{}, err
	}
	return p.presign(ctx, http.MethodGet, key, life, set.Parameters(), 0, nil)
}

// Put presigns an upload. Errors wrap ErrUpload, ErrLife or ErrCredentials.
func (p *Presigner) Put(ctx context.Context, upload Upload, life time.Duration) (Request, error) {
	if err := upload.Check(); err != nil {
		return Request{}, err
	}
	return p.presign(ctx, http.MethodPut, upload.Key, life, nil, upload.Length, upload.headers())
}

// Ready says whether credentials are to be had that live long enough to
// presign with. The error wraps ErrCredentials.
func (p *Presigner) Ready(ctx context.Context) error {
	_, _, err := p.credentials(ctx, p.config.Now(), p.config.MinLife)
	return err
}

func (p *Presigner) presign(ctx context.Context, method string, key objectkey.Key, life time.Duration, parameters []string, length int64, headers http.Header) (Request, error) {
	if key.IsZero() {
		return Request{}, fmt.Errorf("%w: no object key", ErrUpload)
	}
	if life < time.Second || life > MaxLife {
		return Request{}, fmt.Errorf("%w: %s is not between a second and %s", ErrLife, life, MaxLife)
	}
	now := p.config.Now().UTC().Truncate(time.Second)
	credentials, life, err := p.credentials(ctx, now, life)
	if err != nil {
		return Request{}, err
	}
	query := strings.Join(append(parameters, "X-Amz-Expires="+strconv.FormatInt(int64(life/time.Second), 10)), "&")
	request, err := http.NewRequestWithContext(ctx, method, p.base+key.Path()+"?"+query, nil)
	if err != nil {
		return Request{}, fmt.Errorf("presign %s: %w", method, err)
	}
	request.ContentLength = length
	request.Header = headers
	if headers == nil {
		request.Header = http.Header{}
	}
	signed, signedHeaders, err := p.signer.PresignHTTP(ctx, credentials, request, unsignedPayload, "s3", p.config.Region, now)
	if err != nil {
		return Request{}, fmt.Errorf("presign %s: %w", method, err)
	}
	return Request{Method: method, URL: signed, Headers: flatten(signedHeaders), Expires: now.Add(life)}, nil
}

// credentials returns credentials and the part of life that they live.
func (p *Presigner) credentials(ctx context.Context, now time.Time, life time.Duration) (aws.Credentials, time.Duration, error) {
	credentials, err := p.config.Credentials.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, 0, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	if !credentials.CanExpire {
		return credentials, life, nil
	}
	rest := credentials.Expires.Sub(now).Truncate(time.Second)
	if rest < min(life, max(p.config.MinLife, time.Second)) {
		return aws.Credentials{}, 0, fmt.Errorf("%w: they live for %s more", ErrCredentials, max(rest, 0))
	}
	return credentials, min(life, rest), nil
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

// encodeChecksum is the form in which S3 takes checksums.
func encodeChecksum(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }
