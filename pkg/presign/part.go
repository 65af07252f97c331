package presign

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/signgate/signgate/pkg/objectkey"
)

// MaxParts is the highest number of a part (Amazon S3 User Guide, "Amazon S3
// multipart upload limits").
const MaxParts = 10_000

// maxUploadIDBytes is beyond what S3 gives out as the id of an upload.
const maxUploadIDBytes = 1024

// Part describes one part of a multipart upload that S3 knows already.
type Part struct {
	Number            int    // 1 to MaxParts
	Length            int64  // bytes, to MaxPutBytes, exact; 0 leaves it open
	ChecksumSHA256    []byte // the 32 bytes of the part's digest; nil leaves the content open
	ChecksumCRC64NVME []byte // its 8 bytes, big-endian; not beside SHA-256
	ContentMD5        []byte // its 16 bytes, beside either or alone
}

// Check says whether S3 could hold a client to this description. The error
// is an *UploadError.
func (p Part) Check() error {
	if p.Number < 1 || p.Number > MaxParts {
		return &UploadError{"Number", fmt.Sprintf("is not between 1 and %d", MaxParts)}
	}
	if err := checkLength(p.Length); err != nil {
		return err
	}
	return checkChecksums(p.ChecksumSHA256, p.ChecksumCRC64NVME, p.ContentMD5)
}

// Part presigns the upload of one part. S3 takes the checksum only of the
// algorithm that CreateMultipartUpload named. Errors wrap ErrUpload, ErrLife
// or ErrCredentials.
func (p *Presigner) Part(ctx context.Context, key objectkey.Key, s3UploadID string, part Part, life time.Duration) (Request, error) {
	if err := checkParts(key, s3UploadID, part); err != nil {
		return Request{}, err
	}
	return p.presign(ctx, key, life, part.draft("", objectkey.Escape(s3UploadID)))
}

// Parts presigns many parts of one upload, with the same credentials and until
// the same moment, in the order in which they are given and on all CPUs.
// Errors are those of Part, or the context's.
func (p *Presigner) Parts(ctx context.Context, key objectkey.Key, s3UploadID string, parts []Part, life time.Duration) ([]Request, error) {
	if err := checkParts(key, s3UploadID, parts...); err != nil {
		return nil, err
	}
	granted, err := p.grant(ctx, life)
	if err != nil {
		return nil, err
	}
	path, id := key.Path(), objectkey.Escape(s3UploadID)
	requests := make([]Request, len(parts))
	workers := min(runtime.GOMAXPROCS(0), len(parts))
	failed := make([]error, workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < len(parts) && failed[worker] == nil; i += workers {
				if failed[worker] = context.Cause(ctx); failed[worker] == nil {
					requests[i], failed[worker] = p.sign(ctx, granted, parts[i].draft(path, id))
				}
			}
		})
	}
	group.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, fmt.Errorf("presign parts: %w", err)
		}
	}
	return requests, nil
}

func checkParts(key objectkey.Key, s3UploadID string, parts ...Part) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if s3UploadID == "" || len(s3UploadID) > maxUploadIDBytes || strings.ContainsFunc(s3UploadID, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return &UploadError{"UploadID", fmt.Sprintf("must be visible ASCII without spaces, at most %d bytes", maxUploadIDBytes)}
	}
	if len(parts) > MaxParts {
		return &UploadError{"Parts", fmt.Sprintf("are more than %d", MaxParts)}
	}
	for i, part := range parts {
		if err := part.Check(); err != nil {
			return fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
		}
	}
	return nil
}

func (p Part) draft(path, escapedUploadID string) draft {
	headers := http.Header{}
	setChecksums(headers, p.ChecksumSHA256, p.ChecksumCRC64NVME, p.ContentMD5)
	return draft{
		method: http.MethodPut, path: path, length: p.Length, headers: headers,
		query: "partNumber=" + strconv.Itoa(p.Number) + "&uploadId=" + escapedUploadID,
	}
}
