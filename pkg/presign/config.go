package presign

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ErrConfig is wrapped where a Presigner can't be made.
var ErrConfig = errors.New("can't presign")

// Config says where requests go and who signs them.
type Config struct {
	Bucket      string
	Region      string
	Endpoint    string                  // empty for AWS itself, else an S3 server such as http://127.0.0.1:8602
	PathStyle   bool                    // the bucket in the path, for servers without virtual hosts
	Accelerate  bool                    // through S3 Transfer Acceleration, which the bucket must have enabled
	DualStack   bool                    // an address that answers over IPv6 too
	KMSKeyID    string                  // id, ARN or alias of the key that Put and Form demand; empty leaves it to the bucket
	Credentials aws.CredentialsProvider // should cache and refresh, as aws.CredentialsCache does
	MinLife     time.Duration           // a shorter rest of the credentials' life is refreshed or refused
	UnknownRest time.Duration           // that credentials of a session have whose end nobody says; 0: DefaultUnknownRest
	Now         func() time.Time
}

// DefaultUnknownRest is how long credentials of a session are taken to live on
// at least where they don't say it themselves, as those in the environment of a
// Lambda function. AWS doesn't say either: a presigned request dies with the
// session's token (AWS re:Post Knowledge Center, "Why does the presigned URL for
// my Amazon S3 bucket expire before the time that I specified?"), Lambda "doesn't
// necessarily comply with the role's session duration" (likewise), and ends an
// execution environment after some hours (AWS Lambda Developer Guide, "Understanding
// the Lambda execution environment lifecycle"). Sessions of twelve hours have been
// seen (boto3 issue 2392).
const DefaultUnknownRest = time.Hour

// maxKMSKeyIDBytes is the limit of AWS KMS on the id of a key (AWS KMS API
// Reference, "Encrypt").
const maxKMSKeyIDBytes = 2048

// check finds what the SDK's resolver lets through or explains badly.
func (c Config) check() error {
	switch {
	case c.Credentials == nil || c.Now == nil:
		return fmt.Errorf("%w: credentials and a clock are needed", ErrConfig)
	case c.Bucket == "" || c.Region == "":
		return fmt.Errorf("%w: bucket and region are needed", ErrConfig)
	case c.Accelerate && c.Endpoint != "":
		return fmt.Errorf("%w: acceleration has an address of its own, so it can't go with an endpoint", ErrConfig)
	case c.Accelerate && c.PathStyle:
		return fmt.Errorf("%w: acceleration needs the bucket in the host, so it can't go with path style", ErrConfig)
	case c.Accelerate && strings.Contains(c.Bucket, "."):
		// Amazon S3 User Guide, "Configuring fast, secure file transfers
		// using Amazon S3 Transfer Acceleration".
		return fmt.Errorf("%w: bucket %q has a dot in its name, which acceleration doesn't allow", ErrConfig, c.Bucket)
	case c.DualStack && c.Endpoint != "":
		return fmt.Errorf("%w: dual stack is an address of AWS's, so it can't go with an endpoint", ErrConfig)
	case c.UnknownRest < 0:
		return fmt.Errorf("%w: credentials can't have a rest of %s", ErrConfig, c.UnknownRest)
	case !isKMSKeyID(c.KMSKeyID):
		return fmt.Errorf("%w: %q is not the id, ARN or alias of a KMS key", ErrConfig, c.KMSKeyID)
	}
	return nil
}

func isKMSKeyID(id string) bool {
	return len(id) <= maxKMSKeyIDBytes && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_:/", r)
	})
}

// address resolves where the bucket answers: scheme, host and path, which is
// encoded and has no closing slash.
func (c Config) address(ctx context.Context) (url.URL, error) {
	parameters := s3.EndpointParameters{
		Bucket:         aws.String(c.Bucket),
		Region:         aws.String(c.Region),
		ForcePathStyle: aws.Bool(c.PathStyle),
		Accelerate:     aws.Bool(c.Accelerate),
		UseDualStack:   aws.Bool(c.DualStack),
	}
	if c.Endpoint != "" {
		parameters.Endpoint = aws.String(c.Endpoint)
	}
	endpoint, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, parameters)
	if err != nil {
		return url.URL{}, fmt.Errorf("%w: bucket %q in region %q: %w", ErrConfig, c.Bucket, c.Region, err)
	}
	endpoint.URI.Path = strings.TrimSuffix(endpoint.URI.EscapedPath(), "/")
	return endpoint.URI, nil
}

// encryption are the headers, or fields of a form, that demand the key. Parts
// don't carry them: S3 takes them from CreateMultipartUpload (Amazon S3 API
// Reference, "UploadPart").
func (c Config) encryption() map[string]string {
	if c.KMSKeyID == "" {
		return nil
	}
	return map[string]string{
		"x-amz-server-side-encryption":                "aws:kms",
		"x-amz-server-side-encryption-aws-kms-key-id": c.KMSKeyID,
	}
}
