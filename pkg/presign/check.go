package presign

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
)

const (
	crc64Bytes = 8
	md5Bytes   = 16

	// maxMetadataBytes is S3's limit on user-defined metadata, names and values
	// together (Amazon S3 User Guide, "Working with object metadata").
	maxMetadataBytes = 2 << 10
	// maxMetadataNames keeps the headers of an upload, each name with its
	// prefix, within what S3 servers read.
	maxMetadataNames = 64
	// maxDispositionBytes has room for both forms of a name of 255 bytes
	// (overrides.Disposition).
	maxDispositionBytes  = 1280
	maxCacheControlBytes = 256
)

func checkKey(key objectkey.Key) error {
	if key.IsZero() {
		return &UploadError{"Key", "is missing"}
	}
	return nil
}

func checkLength(length int64) error {
	switch {
	case length < 0:
		return &UploadError{"Length", "is negative"}
	case length > MaxPutBytes:
		return &UploadError{"Length", fmt.Sprintf("is more than %d bytes, the most that one request may upload", int64(MaxPutBytes))}
	}
	return nil
}

// checkChecksums lets S3's "Expecting a single x-amz-checksum- header" never
// happen; Content-MD5 doesn't count there (Amazon S3 User Guide, "Checking
// object integrity for data uploads").
func checkChecksums(sha, crc, md5 []byte) error {
	for _, sum := range []struct {
		field string
		bytes []byte
		size  int
	}{{"ChecksumSHA256", sha, sha256.Size}, {"ChecksumCRC64NVME", crc, crc64Bytes}, {"ContentMD5", md5, md5Bytes}} {
		if sum.bytes != nil && len(sum.bytes) != sum.size {
			return &UploadError{sum.field, fmt.Sprintf("must have %d bytes", sum.size)}
		}
	}
	if sha != nil && crc != nil {
		return &UploadError{"ChecksumCRC64NVME", "can't go with ChecksumSHA256: S3 takes one checksum"}
	}
	return nil
}

func setChecksums(headers http.Header, sha, crc, md5 []byte) {
	if sha != nil {
		headers.Set("X-Amz-Checksum-Sha256", encodeChecksum(sha))
	}
	if crc != nil {
		headers.Set("X-Amz-Checksum-Crc64nvme", encodeChecksum(crc))
	}
	if md5 != nil {
		headers.Set("Content-MD5", encodeChecksum(md5))
	}
}

// encodeChecksum is the form in which S3 takes checksums.
func encodeChecksum(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }

// checkStored checks what S3 keeps beside the object.
func checkStored(contentType, disposition, cacheControl string, metadata, tags map[string]string) error {
	if !overrides.IsContentType(contentType) {
		return &UploadError{"ContentType", `must be a media type such as "image/png"`}
	}
	if err := checkHeaderValue("ContentDisposition", disposition, maxDispositionBytes); err != nil {
		return err
	}
	if err := checkHeaderValue("CacheControl", cacheControl, maxCacheControlBytes); err != nil {
		return err
	}
	if err := checkMetadata(metadata); err != nil {
		return err
	}
	return checkTags(tags)
}

func checkHeaderValue(field, value string, limit int) error {
	if len(value) > limit || !overrides.IsHeaderValue(value) {
		return &UploadError{field, fmt.Sprintf("must be visible ASCII with single spaces between, at most %d bytes", limit)}
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
