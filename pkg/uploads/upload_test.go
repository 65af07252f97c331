package uploads_test

import (
	"errors"
	"testing"

	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/uploads"
)

func TestPartsOfAKnownSizeAddUpToIt(t *testing.T) {
	const mib = 1 << 20
	for _, length := range []int64{1, 5*mib - 1, 5 * mib, 5*mib + 1, 100 * mib, 5<<40 - 1, presign.MaxParts * presign.MaxPutBytes} {
		size, err := uploads.PartSize(0, length)
		if err != nil {
			t.Fatalf("%d: %v", length, err)
		}
		upload := uploads.Upload{MinLength: length, MaxLength: length, PartSize: size}
		if count := upload.PartCount(); count < 1 || count > presign.MaxParts {
			t.Fatalf("%d bytes in %d parts", length, count)
		}
		sum := int64(0)
		for n := 1; n <= upload.PartCount(); n++ {
			part, err := upload.PartLength(n)
			if err != nil || part < 1 || part > presign.MaxPutBytes || n < upload.PartCount() && part < uploads.MinPartBytes {
				t.Fatalf("%d bytes: part %d has %d, %v", length, n, part, err)
			}
			sum += part
		}
		if sum != length {
			t.Errorf("the parts of %d bytes have %d", length, sum)
		}
		for _, beyond := range []int{0, -1, upload.PartCount() + 1, presign.MaxParts + 1} {
			if _, err := upload.PartLength(beyond); !errors.Is(err, uploads.ErrParts) {
				t.Errorf("%d bytes have a part %d", length, beyond)
			}
		}
	}
}

func TestPartsOfAnUnknownSizeAreOpen(t *testing.T) {
	upload := uploads.Upload{MaxLength: 100}
	if part, err := upload.PartLength(presign.MaxParts); part != 0 || err != nil || upload.PartCount() != 0 {
		t.Errorf("%d of %d, %v", part, upload.PartCount(), err)
	}
	for _, asked := range []int64{1, uploads.MinPartBytes - 1, presign.MaxPutBytes + 1} {
		if _, err := uploads.PartSize(asked, 0); !errors.Is(err, uploads.ErrParts) {
			t.Errorf("parts of %d: %v", asked, err)
		}
	}
	if _, err := uploads.PartSize(uploads.MinPartBytes, 5<<40); !errors.Is(err, uploads.ErrParts) {
		t.Errorf("more parts than S3 takes: %v", err)
	}
}

func TestWhatLandedMustBeWhatWasAnnounced(t *testing.T) {
	announced := uploads.Upload{MinLength: 5, MaxLength: 10, ContentType: "text/plain", SHA256: []byte("sum")}
	right := uploads.Object{Size: 7, ContentType: "Text/Plain", SHA256: "c3Vt"}
	if err := announced.Fits(right); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*uploads.Object){
		"too small":        func(o *uploads.Object) { o.Size = 4 },
		"too large":        func(o *uploads.Object) { o.Size = 11 },
		"another type":     func(o *uploads.Object) { o.ContentType = "text/html" },
		"another checksum": func(o *uploads.Object) { o.SHA256 = "b3RoZXI=" },
		"no checksum":      func(o *uploads.Object) { o.SHA256 = "" },
	} {
		object := right
		change(&object)
		if err := announced.Fits(object); !errors.Is(err, uploads.ErrMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	announced = uploads.Upload{MaxLength: 10, ContentType: "text/plain", CRC64NVME: []byte("sum")}
	if err := announced.Fits(uploads.Object{ContentType: "text/plain"}); !errors.Is(err, uploads.ErrMismatch) {
		t.Errorf("no CRC: %v", err)
	}
}
