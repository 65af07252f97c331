package uploads

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
)

var (
	// ErrGone says that there is no such upload, or none any more: completed,
	// aborted, or never begun.
	ErrGone = errors.New("no such upload")
	// ErrExists says that there is an object under the key already.
	ErrExists = errors.New("the object exists")
	// ErrConflict says that another request to the key came between; the
	// upload must begin anew (Amazon S3 User Guide, "How to prevent object
	// overwrites with conditional writes").
	ErrConflict = errors.New("another write came between")
	// ErrRefused is wrapped where S3 finds fault with what it was asked for,
	// such as a part that isn't there or a checksum that differs.
	ErrRefused = errors.New("refused by S3")
	// ErrUnavailable is wrapped where S3 doesn't do it for any other reason.
	ErrUnavailable = errors.New("S3 doesn't answer as it should")
)

// Config says where the bucket is and who asks.
type Config struct {
	Bucket        string
	Region        string
	Endpoint      string // empty for AWS itself
	PathStyle     bool
	DualStack     bool
	KMSKeyID      string // names the key that objects are encrypted with; empty leaves it to the bucket
	Credentials   aws.CredentialsProvider
	CopyPartBytes int64          // most that is moved from quarantine in one step; 0 for a fitting size
	HTTP          aws.HTTPClient // nil for the SDK's own
}

// Store is a bucket as far as uploads are concerned. It is safe for
// concurrent use.
type Store struct {
	client *s3.Client
	config Config
}

// Object is what S3 says of an object.
type Object struct {
	Key         string
	Size        int64  // bytes
	ContentType string // as it was stored
	ETag        string // with its quotes
	VersionID   string // empty where the bucket keeps no versions
	SHA256      string // Base64, of the whole object; empty if S3 has none
	CRC64NVME   string // likewise

	head *s3.HeadObjectOutput
}

// Part is a part that has been uploaded.
type Part struct {
	Number    int
	ETag      string // with its quotes
	Size      int64  // bytes; known of listed parts
	SHA256    string // Base64; empty if none
	CRC64NVME string // likewise
}

// NewStore makes a store.
func NewStore(config Config) *Store {
	if config.CopyPartBytes == 0 {
		config.CopyPartBytes = defaultCopyBytes
	}
	return &Store{config: config, client: s3.New(s3.Options{}, func(o *s3.Options) {
		o.Region, o.Credentials, o.UsePathStyle = config.Region, config.Credentials, config.PathStyle
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if config.Endpoint != "" {
			o.BaseEndpoint = aws.String(config.Endpoint)
		}
		if config.DualStack {
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
		}
		if config.HTTP != nil {
			o.HTTPClient = config.HTTP
		}
	})}
}

// Create starts a multipart upload to the key of the description, whose
// length doesn't matter here, and returns S3's id of it. Where an algorithm is
// given, every part must bring its checksum; CRC64NVME covers the whole object.
func (s *Store) Create(ctx context.Context, object presign.Upload, algorithm Algorithm) (string, error) {
	input := &s3.CreateMultipartUploadInput{
		Bucket: aws.String(s.config.Bucket), Key: aws.String(object.Key.String()),
		ContentType: aws.String(object.ContentType), Metadata: object.Metadata,
		ContentDisposition: optional(object.ContentDisposition), CacheControl: optional(object.CacheControl),
		Tagging: optional(object.Tagging()),
	}
	switch algorithm {
	case AnyChecksum:
	case SHA256:
		input.ChecksumAlgorithm, input.ChecksumType = types.ChecksumAlgorithmSha256, types.ChecksumTypeComposite
	case CRC64NVME:
		input.ChecksumAlgorithm, input.ChecksumType = types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeFullObject
	}
	if s.config.KMSKeyID != "" {
		input.ServerSideEncryption, input.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String(s.config.KMSKeyID)
	}
	created, err := s.client.CreateMultipartUpload(ctx, input)
	if err != nil {
		return "", failure("start the upload", err)
	}
	return aws.ToString(created.UploadId), nil
}

// Algorithm is a checksum that S3 keeps of a multipart upload.
type Algorithm string

// The algorithms: none named, one digest a part, one checksum of the whole.
const (
	AnyChecksum Algorithm = ""
	SHA256      Algorithm = "sha256"
	CRC64NVME   Algorithm = "crc64nvme"
)

// Parts lists the parts that have arrived, in order.
func (s *Store) Parts(ctx context.Context, key objectkey.Key, s3ID string) ([]Part, error) {
	pages := s3.NewListPartsPaginator(s.client, &s3.ListPartsInput{
		Bucket: aws.String(s.config.Bucket), Key: aws.String(key.String()), UploadId: aws.String(s3ID),
	})
	parts := []Part{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failure("list the parts", err)
		}
		for _, part := range page.Parts {
			parts = append(parts, Part{
				Number: int(aws.ToInt32(part.PartNumber)), ETag: aws.ToString(part.ETag), Size: aws.ToInt64(part.Size),
				SHA256: aws.ToString(part.ChecksumSHA256), CRC64NVME: aws.ToString(part.ChecksumCRC64NVME),
			})
		}
	}
	return parts, nil
}

// Complete puts the parts together. S3 refuses where they aren't the ones that
// arrived, don't have the size together, don't have the upload's CRC-64, or,
// unless it may overwrite, where the key exists.
func (s *Store) Complete(ctx context.Context, upload Upload, parts []Part, size int64) (Object, error) {
	key, err := upload.LandingKey()
	if err != nil {
		return Object{}, err
	}
	return s.complete(ctx, key, upload.S3ID, parts, completion{
		size: size, crc64: upload.CRC64NVME, overwrite: upload.Overwrite && !upload.Verified(),
	})
}

type completion struct {
	size      int64
	crc64     []byte
	overwrite bool
}

func (s *Store) complete(ctx context.Context, key objectkey.Key, s3ID string, parts []Part, how completion) (Object, error) {
	input := &s3.CompleteMultipartUploadInput{
		Bucket: aws.String(s.config.Bucket), Key: aws.String(key.String()), UploadId: aws.String(s3ID),
		MpuObjectSize: aws.Int64(how.size), MultipartUpload: &types.CompletedMultipartUpload{},
	}
	for _, part := range parts {
		input.MultipartUpload.Parts = append(input.MultipartUpload.Parts, types.CompletedPart{
			PartNumber: aws.Int32(int32(part.Number)), //nolint:gosec // at most presign.MaxParts
			ETag:       aws.String(part.ETag), ChecksumSHA256: optional(part.SHA256), ChecksumCRC64NVME: optional(part.CRC64NVME),
		})
	}
	if len(how.crc64) > 0 {
		input.ChecksumCRC64NVME, input.ChecksumType = aws.String(encodeChecksum(how.crc64)), types.ChecksumTypeFullObject
	}
	if !how.overwrite {
		input.IfNoneMatch = aws.String("*")
	}
	done, err := s.client.CompleteMultipartUpload(ctx, input)
	if err != nil {
		return Object{}, failure("complete the upload", err)
	}
	return Object{Key: key.String(), Size: how.size, ETag: aws.ToString(done.ETag), VersionID: aws.ToString(done.VersionId)}, nil
}

// Abort ends a multipart upload and frees what its parts take up. A part that
// is still on its way may stay; the bucket's lifecycle rule sweeps it.
func (s *Store) Abort(ctx context.Context, key objectkey.Key, s3ID string) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: aws.String(s.config.Bucket), Key: aws.String(key.String()), UploadId: aws.String(s3ID),
	})
	return failure("abort the upload", err)
}

// failure sorts S3's errors into ours; its words go on only where they say
// what the client did wrong.
func failure(what string, err error) error {
	if err == nil {
		return nil
	}
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, what, err)
	}
	switch code := answer.ErrorCode(); code {
	case "NoSuchUpload", "NoSuchKey", "NotFound":
		return fmt.Errorf("%w: %s: %s", ErrGone, what, code)
	case "PreconditionFailed":
		return fmt.Errorf("%w: %s", ErrExists, what)
	case "ConditionalRequestConflict":
		return fmt.Errorf("%w: %s", ErrConflict, what)
	case "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "EntityTooLarge", "BadDigest", "InvalidRequest", "InvalidArgument", "XAmzContentChecksumMismatch":
		return fmt.Errorf("%w: %s: %s", ErrRefused, what, strings.TrimSpace(code+" "+answer.ErrorMessage()))
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, what, err)
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// encodeChecksum is the form in which S3 takes checksums.
func encodeChecksum(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }
