package uploads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
)

const (
	// abortTime is how long S3 may take to forget what couldn't be moved.
	abortTime = 5 * time.Second
	// defaultCopyBytes is copied in one step: small enough that several steps
	// share the work of all but small objects.
	defaultCopyBytes = 256 << 20
	// copiesAtOnce is how many steps go on together.
	copiesAtOnce = 8
)

// Inspect says what has landed under a key. It needs s3:GetObject there.
func (s *Store) Inspect(ctx context.Context, key objectkey.Key) (Object, error) {
	head, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: aws.String(s.config.Bucket), Key: aws.String(key.String()), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return Object{}, failure("look at the upload", err)
	}
	object := Object{
		Key: key.String(), Size: aws.ToInt64(head.ContentLength), ContentType: aws.ToString(head.ContentType),
		ETag: aws.ToString(head.ETag), VersionID: aws.ToString(head.VersionId), head: head,
	}
	// A composite checksum is one of the parts' checksums, not of the content.
	if head.ChecksumType != types.ChecksumTypeComposite {
		object.SHA256, object.CRC64NVME = aws.ToString(head.ChecksumSHA256), aws.ToString(head.ChecksumCRC64NVME)
	}
	return object, nil
}

// Promote moves an inspected object to its key within S3: exactly what was
// inspected, and only if nothing is there unless it may overwrite. It is one
// copy in parts, whatever the size, because S3's conditional completion is
// what keeps two from winning. What stays in quarantine is removed; that this
// failed is no reason for the caller to begin anew.
func (s *Store) Promote(ctx context.Context, from Object, to objectkey.Key, tags map[string]string, overwrite bool) (Object, error) {
	landed, err := objectkey.Parse(from.Key)
	if err != nil {
		return Object{}, err
	}
	moved, err := s.copy(ctx, from, landed, to, tags, overwrite)
	if err != nil {
		return Object{}, err
	}
	moved.ContentType = from.ContentType
	if err := s.Remove(ctx, landed); err != nil {
		return moved, &LeftBehindError{Key: from.Key, Cause: err}
	}
	return moved, nil
}

// LeftBehindError says that an object came to its key, and its copy in quarantine
// is still there. The bucket's lifecycle rule sweeps it.
type LeftBehindError struct {
	Key   string
	Cause error
}

// Error describes what is left.
func (l *LeftBehindError) Error() string {
	return fmt.Sprintf("%s is left in quarantine: %v", l.Key, l.Cause)
}

// Unwrap returns the cause.
func (l *LeftBehindError) Unwrap() error { return l.Cause }

func (s *Store) copy(ctx context.Context, from Object, landed, to objectkey.Key, tags map[string]string, overwrite bool) (Object, error) {
	if from.Size == 0 {
		return s.putEmpty(ctx, from, to, tags, overwrite)
	}
	s3ID, err := s.Create(ctx, presign.Upload{
		Key: to, ContentType: from.ContentType, Metadata: from.head.Metadata, Tags: tags,
		ContentDisposition: aws.ToString(from.head.ContentDisposition), CacheControl: aws.ToString(from.head.CacheControl),
	}, AnyChecksum)
	if err != nil {
		return Object{}, err
	}
	parts, err := s.copyParts(ctx, from, landed, to, s3ID)
	var moved Object
	if err == nil {
		moved, err = s.complete(ctx, to, s3ID, parts, completion{size: from.Size, overwrite: overwrite})
	}
	if err != nil {
		// Even where the caller has gone away: nobody else knows this upload.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
		defer cancel()
		return Object{}, errors.Join(err, s.Abort(ctx, to, s3ID))
	}
	return moved, nil
}

// copyParts copies an object within S3, several parts at a time.
func (s *Store) copyParts(ctx context.Context, from Object, landed, to objectkey.Key, s3ID string) ([]Part, error) {
	source := objectkey.Escape(s.config.Bucket) + landed.Path()
	if from.VersionID != "" {
		source += "?versionId=" + objectkey.Escape(from.VersionID)
	}
	size := max(s.config.CopyPartBytes, (from.Size+presign.MaxParts-1)/presign.MaxParts)
	parts := make([]Part, (from.Size+size-1)/size)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copiesAtOnce)
	for n := range parts {
		begin := int64(n) * size
		input := &s3.UploadPartCopyInput{
			Bucket: aws.String(s.config.Bucket), Key: aws.String(to.String()), UploadId: aws.String(s3ID),
			PartNumber: aws.Int32(int32(n + 1)),
			CopySource: aws.String(source), CopySourceIfMatch: aws.String(from.ETag),
			CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", begin, min(begin+size, from.Size)-1)),
		}
		group.Go(func() error {
			copied, err := s.client.UploadPartCopy(ctx, input)
			if err != nil {
				return failure("copy to the key", err)
			}
			if copied.CopyPartResult == nil {
				return fmt.Errorf("%w: copy to the key: no result", ErrUnavailable)
			}
			parts[n] = Part{Number: n + 1, ETag: aws.ToString(copied.CopyPartResult.ETag)}
			return nil
		})
	}
	return parts, group.Wait()
}

// putEmpty stands in for a copy: nothing can't be copied in parts.
func (s *Store) putEmpty(ctx context.Context, from Object, to objectkey.Key, tags map[string]string, overwrite bool) (Object, error) {
	input := &s3.PutObjectInput{
		Bucket: aws.String(s.config.Bucket), Key: aws.String(to.String()), Body: bytes.NewReader(nil), ContentLength: aws.Int64(0),
		ContentType: aws.String(from.ContentType), Metadata: from.head.Metadata, Tagging: optional(presign.Upload{Tags: tags}.Tagging()),
		ContentDisposition: from.head.ContentDisposition, CacheControl: from.head.CacheControl,
	}
	if s.config.KMSKeyID != "" {
		input.ServerSideEncryption, input.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String(s.config.KMSKeyID)
	}
	if !overwrite {
		input.IfNoneMatch = aws.String("*")
	}
	put, err := s.client.PutObject(ctx, input)
	if err != nil {
		return Object{}, failure("put at the key", err)
	}
	return Object{Key: to.String(), ETag: aws.ToString(put.ETag), VersionID: aws.ToString(put.VersionId)}, nil
}

// Remove hides an object behind a delete marker; versions stay.
func (s *Store) Remove(ctx context.Context, key objectkey.Key) error {
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(s.config.Bucket), Key: aws.String(key.String())})
	return failure("remove from quarantine", err)
}
