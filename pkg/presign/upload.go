package presign

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"

	"github.com/signgate/signgate/pkg/objectkey"
)

// ErrUpload is wrapped by every error about the description of an upload, a
// form or a part.
var ErrUpload = errors.New("invalid upload")

// UploadError says which field of an upload, form or part breaks which rule.
type UploadError struct {
	Field  string // as in Upload, Form or Part; or UploadID, Parts (too many) or Form (too large as a whole)
	Reason string
}

// Error describes the broken rule.
func (e *UploadError) Error() string { return e.Field + " " + e.Reason }

// Unwrap returns ErrUpload.
func (e *UploadError) Unwrap() error { return ErrUpload }

// maxHeaderBytes is S3's limit on the headers of a PUT (Amazon S3 User Guide,
// "Working with object metadata"). Of what an upload may describe, only tags
// can reach it.
const maxHeaderBytes = 8 << 10

// Upload describes the one object that a presigned PUT may create.
type Upload struct {
	Key                objectkey.Key
	Length             int64             // bytes, 0 to MaxPutBytes, exact
	ContentType        string            // a media type as in RFC 9110, section 8.3.1
	ChecksumSHA256     []byte            // the 32 bytes of the body's digest; nil leaves the content open
	ChecksumCRC64NVME  []byte            // its 8 bytes, big-endian; not beside SHA-256, since S3 takes one checksum
	ContentMD5         []byte            // its 16 bytes, beside either or alone
	ContentDisposition string            // kept with the object, as are the next three
	CacheControl       string            //
	Metadata           map[string]string // user-defined, names in lower case without "x-amz-meta-"
	Tags               map[string]string // for lifecycle rules and policies; at most 10
	Overwrite          bool              // false refuses (412) where the key exists
}

// Check says whether S3 could hold a client to this description. The error
// is an *UploadError.
func (u Upload) Check() error {
	if err := checkKey(u.Key); err != nil {
		return err
	}
	if err := checkLength(u.Length); err != nil {
		return err
	}
	if err := checkChecksums(u.ChecksumSHA256, u.ChecksumCRC64NVME, u.ContentMD5); err != nil {
		return err
	}
	if err := checkStored(u.ContentType, u.ContentDisposition, u.CacheControl, u.Metadata, u.Tags); err != nil {
		return err
	}
	if len(u.Tags) > 0 {
		if size := headerBytes(u.headers()); size > maxHeaderBytes {
			return &UploadError{"Tags", fmt.Sprintf("make the headers of the request %d bytes, and S3 reads %d", size, maxHeaderBytes)}
		}
	}
	return nil
}

// headers are what the client must send. An empty body can't be bound by its
// length (Signature Version 4 here leaves out a length of zero), so its
// checksum is bound instead.
func (u Upload) headers() http.Header {
	headers := http.Header{"Content-Type": {u.ContentType}}
	sha, crc := u.ChecksumSHA256, u.ChecksumCRC64NVME
	if u.Length == 0 {
		empty := sha256.Sum256(nil)
		sha, crc = empty[:], nil
	}
	setChecksums(headers, sha, crc, u.ContentMD5)
	if u.ContentDisposition != "" {
		headers.Set("Content-Disposition", u.ContentDisposition)
	}
	if u.CacheControl != "" {
		headers.Set("Cache-Control", u.CacheControl)
	}
	if len(u.Tags) > 0 {
		headers.Set("X-Amz-Tagging", tagHeader(u.Tags))
	}
	if !u.Overwrite {
		headers.Set("If-None-Match", "*")
	}
	for name, value := range u.Metadata {
		headers.Set("X-Amz-Meta-"+name, value)
	}
	return headers
}

// headerBytes is the length of headers on the wire.
func headerBytes(headers http.Header) int {
	size := 0
	for name, values := range headers {
		for _, value := range values {
			size += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	return size
}
