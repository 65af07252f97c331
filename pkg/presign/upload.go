package presign

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
)

// ErrUpload is wrapped by every error about the description of an upload.
var ErrUpload = errors.New("invalid upload")

// UploadError says which field of an upload breaks which rule.
type UploadError struct {
	Field  string // Key, Length, ContentType, ChecksumSHA256 or Metadata
	Reason string
}

// Error describes the broken rule.
func (e *UploadError) Error() string { return e.Field + " " + e.Reason }

// Unwrap returns ErrUpload.
func (e *UploadError) Unwrap() error { return ErrUpload }

// maxMetadataBytes is S3's limit on user-defined metadata, names and values
// together (Amazon S3 User Guide, "Working with object metadata").
const maxMetadataBytes = 2 << 10

// maxMetadataNames keeps the headers of an upload, each name with its prefix,
// within what S3 servers read.
const maxMetadataNames = 64

// Upload describes the one object that a presigned PUT may create.
type Upload struct {
	Key            objectkey.Key
	Length         int64             // bytes, 0 to MaxPutBytes, exact
	ContentType    string            // a media type as in RFC 9110, section 8.3.1
	ChecksumSHA256 []byte            // the 32 bytes of the body's digest; nil leaves the content open
	Metadata       map[string]string // user-defined, names in lower case without "x-amz-meta-"
	Overwrite      bool              // false refuses (412) where the key exists
}

// Check says whether S3 could hold a client to this description. The error
// is an *UploadError.
func (u Upload) Check() error {
	switch {
	case u.Key.IsZero():
		return &UploadError{"Key", "is missing"}
	case u.Length < 0:
		return &UploadError{"Length", "is negative"}
	case u.Length > MaxPutBytes:
		return &UploadError{"Length", fmt.Sprintf("is more than %d bytes, the most that one PUT may upload", int64(MaxPutBytes))}
	case u.ChecksumSHA256 != nil && len(u.ChecksumSHA256) != sha256.Size:
		return &UploadError{"ChecksumSHA256", fmt.Sprintf("must have %d bytes", sha256.Size)}
	}
	if err := checkContentType(u.ContentType); err != nil {
		return err
	}
	return checkMetadata(u.Metadata)
}

func checkContentType(value string) error {
	if !overrides.IsContentType(value) {
		return &UploadError{"ContentType", `must be a media type such as "image/png"`}
	}
	return nil
}

// checkMetadata lets through what arrives at S3 as it was signed: names that
// are tokens in lower case, values of visible ASCII and single spaces, because
// Signature Version 4 folds runs of spaces.
func checkMetadata(metadata map[string]string) error {
	if len(metadata) > maxMetadataNames {
		return &UploadError{"Metadata", fmt.Sprintf("has more than %d names", maxMetadataNames)}
	}
	total := 0
	for name, value := range metadata {
		total += len(name) + len(value)
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }) {
			return &UploadError{"Metadata", "names may hold lower-case letters, digits and hyphens only"}
		}
		if value == "" || !overrides.IsHeaderValue(value) {
			return &UploadError{"Metadata", "values must be visible ASCII with single spaces between"}
		}
	}
	if total > maxMetadataBytes {
		return &UploadError{"Metadata", fmt.Sprintf("is more than %d bytes", maxMetadataBytes)}
	}
	return nil
}

// headers are what the client must send. An empty body can't be bound by its
// length (Signature Version 4 here leaves out a length of zero), so its
// checksum is bound instead.
func (u Upload) headers() http.Header {
	headers := http.Header{"Content-Type": {u.ContentType}}
	checksum := u.ChecksumSHA256
	if u.Length == 0 {
		empty := sha256.Sum256(nil)
		checksum = empty[:]
	}
	if checksum != nil {
		headers.Set("X-Amz-Checksum-Sha256", encodeChecksum(checksum))
	}
	if !u.Overwrite {
		headers.Set("If-None-Match", "*")
	}
	for name, value := range u.Metadata {
		headers.Set("X-Amz-Meta-"+name, value)
	}
	return headers
}
