package uploads

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
)

// Upload is what is sealed into the id of an upload. Names are short because
// the id travels in addresses.
type Upload struct {
	ID          string            `json:"i"`            // issue id of its start, in the audit trail
	Subject     string            `json:"s"`            // the person who started it
	Key         string            `json:"k"`            // where the object is to be
	Landing     string            `json:"l,omitempty"`  // where its bytes land; empty: at Key
	S3ID        string            `json:"u,omitempty"`  // S3's id of a multipart upload; empty: one request
	ContentType string            `json:"t"`            // as signed
	MinLength   int64             `json:"n,omitempty"`  // bytes, inclusive
	MaxLength   int64             `json:"m"`            // bytes, inclusive
	PartSize    int64             `json:"p,omitempty"`  // bytes of every part but the last; 0: as the client likes
	SHA256      []byte            `json:"h,omitempty"`  // of the whole object, if it was named
	CRC64NVME   []byte            `json:"c,omitempty"`  // of the whole object, if it was named
	Tags        map[string]string `json:"g,omitempty"`  // of the object
	Overwrite   bool              `json:"o,omitempty"`  // may replace an object
	Prefix      string            `json:"px,omitempty"` // of the upload session it belongs to, if any
}

const (
	// MinPartBytes is the smallest part, but for the last (Amazon S3 User
	// Guide, "Amazon S3 multipart upload limits").
	MinPartBytes = 5 << 20
	// defaultPartBytes is small enough to send again without regret.
	defaultPartBytes = 8 << 20
)

// ErrParts is wrapped where parts don't fit the upload.
var ErrParts = errors.New("invalid parts")

// LandingKey is the key that bytes are sent to.
func (u Upload) LandingKey() (objectkey.Key, error) {
	if u.Landing != "" {
		return objectkey.Parse(u.Landing)
	}
	return objectkey.Parse(u.Key)
}

// Verified says that the object is checked before it comes to its key.
func (u Upload) Verified() bool { return u.Landing != "" }

// Exact says that the size is known beforehand.
func (u Upload) Exact() bool { return u.MinLength == u.MaxLength }

// PartCount is the number of parts of an upload of known size, else 0.
func (u Upload) PartCount() int {
	if !u.Exact() || u.PartSize == 0 {
		return 0
	}
	return int(max(1, (u.MaxLength+u.PartSize-1)/u.PartSize))
}

// PartLength is the exact size of a part where the upload's size is known,
// else 0. The error wraps ErrParts where the upload has no such part.
func (u Upload) PartLength(number int) (int64, error) {
	if number < 1 || number > presign.MaxParts {
		return 0, fmt.Errorf("%w: part numbers run from 1 to %d", ErrParts, presign.MaxParts)
	}
	count := u.PartCount()
	switch {
	case count == 0:
		return 0, nil
	case number > count:
		return 0, fmt.Errorf("%w: the upload has %d parts of %d bytes", ErrParts, count, u.PartSize)
	case number == count:
		return u.MaxLength - int64(count-1)*u.PartSize, nil
	}
	return u.PartSize, nil
}

// PartSize chooses the size of parts for an object of a size, 0 if unknown:
// the one asked for, or a fitting one if none is. The error wraps ErrParts.
func PartSize(asked, length int64) (int64, error) {
	least := max(int64(MinPartBytes), (length+presign.MaxParts-1)/presign.MaxParts)
	switch {
	case asked == 0:
		const step = 1 << 20
		return max(defaultPartBytes, (least+step-1)/step*step), nil
	case asked < least || asked > presign.MaxPutBytes:
		return 0, fmt.Errorf("%w: parts must have between %d and %d bytes each", ErrParts, least, int64(presign.MaxPutBytes))
	}
	return asked, nil
}

// Fits says of an object that has landed whether it is what was announced. The
// error is an *MismatchError.
func (u Upload) Fits(object Object) error {
	switch {
	case object.Size < u.MinLength || object.Size > u.MaxLength:
		return &MismatchError{"size", fmt.Sprintf("%d bytes, not %s", object.Size, u.bounds())}
	case !strings.EqualFold(object.ContentType, u.ContentType):
		return &MismatchError{"content type", fmt.Sprintf("%q, not %q", object.ContentType, u.ContentType)}
	case !sameChecksum(u.SHA256, object.SHA256):
		return &MismatchError{"SHA-256", "another than announced, or none that S3 has checked"}
	case !sameChecksum(u.CRC64NVME, object.CRC64NVME):
		return &MismatchError{"CRC-64/NVME", "another than announced, or none that S3 has checked"}
	}
	return nil
}

func (u Upload) bounds() string {
	if u.Exact() {
		return strconv.FormatInt(u.MaxLength, 10)
	}
	return fmt.Sprintf("between %d and %d", u.MinLength, u.MaxLength)
}

// sameChecksum says whether S3 found what was announced, if anything was.
func sameChecksum(announced []byte, found string) bool {
	return len(announced) == 0 || encodeChecksum(announced) == found
}

// ErrMismatch is wrapped by every MismatchError.
var ErrMismatch = errors.New("not what was announced")

// MismatchError says in what an object differs from what was announced.
type MismatchError struct{ What, Found string }

// Error describes the difference.
func (m *MismatchError) Error() string { return "the " + m.What + " is " + m.Found }

// Unwrap returns ErrMismatch.
func (m *MismatchError) Unwrap() error { return ErrMismatch }
