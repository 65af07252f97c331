package presign_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
)

const uploadID = "2~abc/+=._-DEF"

func part(number int) presign.Part {
	sum := sha256.Sum256([]byte(strconv.Itoa(number)))
	return presign.Part{Number: number, Length: 5 << 20, ChecksumSHA256: sum[:]}
}

func TestAPartIsHeldToItsPlaceLengthAndChecksums(t *testing.T) {
	md5sum := md5.Sum([]byte("x"))
	crc := presign.Part{Number: 10_000, Length: 5, ChecksumCRC64NVME: []byte("12345678"), ContentMD5: md5sum[:]}
	// Encryption is S3's from CreateMultipartUpload on; a part must not repeat it.
	presigner := newPresigner(t, func(c *presign.Config) { c.KMSKeyID = "alias/media" })
	for _, test := range []struct {
		part    presign.Part
		headers []string
	}{
		{part(1), []string{"content-length", "host", "x-amz-checksum-sha256"}},
		{crc, []string{"content-length", "content-md5", "host", "x-amz-checksum-crc64nvme"}},
		{presign.Part{Number: 7}, []string{"host"}},
	} {
		request, err := presigner.Part(t.Context(), parseKey(t, "a b"), uploadID, test.part, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if got := signedHeaders(t, request.URL); !slices.Equal(got, test.headers) {
			t.Errorf("signed headers %v, want %v", got, test.headers)
		}
		mustBeSigned(t, request)
		u, err := url.Parse(request.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Query(); got.Get("partNumber") != strconv.Itoa(test.part.Number) || got.Get("uploadId") != uploadID || u.EscapedPath() != "/a%20b" {
			t.Errorf("address %s", request.URL)
		}
		if request.Method != http.MethodPut || !request.Expires.Equal(start.Add(time.Minute)) {
			t.Errorf("%s until %s", request.Method, request.Expires)
		}
	}
}

func TestPartsEqualThoseOfAWSsPresignClient(t *testing.T) {
	md5sum := md5.Sum([]byte("x"))
	key := parseKey(t, "users/alice/ключ *?.png")
	parts := []presign.Part{part(1), {Number: 2, Length: 9, ChecksumCRC64NVME: []byte("12345678"), ContentMD5: md5sum[:]}, {Number: 10_000}}
	ours, err := newPresigner(t, nil).Parts(t.Context(), key, uploadID, parts, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	client := awsClient()
	for i, part := range parts {
		theirs, err := client.PresignUploadPart(t.Context(), partInput(key, part))
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, ours[i].URL, theirs.URL)
		alone, err := newPresigner(t, nil).Part(t.Context(), key, uploadID, part, time.Minute)
		if err != nil || alone.URL != ours[i].URL {
			t.Errorf("alone the part is\n%s\nnot\n%s, %v", alone.URL, ours[i].URL, err)
		}
	}
}

func partInput(key objectkey.Key, part presign.Part) *s3.UploadPartInput {
	input := &s3.UploadPartInput{
		Bucket: aws.String("media"), Key: aws.String(key.String()), UploadId: aws.String(uploadID),
		PartNumber: aws.Int32(int32(part.Number)), ContentLength: aws.Int64(part.Length),
	}
	for sum, field := range map[*[]byte]**string{
		&part.ChecksumSHA256: &input.ChecksumSHA256, &part.ChecksumCRC64NVME: &input.ChecksumCRC64NVME, &part.ContentMD5: &input.ContentMD5,
	} {
		if *sum != nil {
			*field = aws.String(base64.StdEncoding.EncodeToString(*sum))
		}
	}
	return input
}

// A holder of one part's URL has no other's: whichever of key, upload, number,
// length, checksum, bucket and region differs, the signature does.
func TestNoTwoPartsShareASignature(t *testing.T) {
	type place struct{ bucket, region, key, upload string }
	seen := map[string]string{}
	for _, at := range []place{
		{"media", "eu-central-1", "a", "u"}, {"media2", "eu-central-1", "a", "u"}, {"media", "eu-west-1", "a", "u"},
		{"media", "eu-central-1", "b", "u"}, {"media", "eu-central-1", "a", "v"}, {"media", "eu-central-1", "a/b", "u"},
	} {
		presigner := newPresigner(t, func(c *presign.Config) { c.Bucket, c.Region = at.bucket, at.region })
		var parts []presign.Part
		for number := 1; number <= 300; number++ {
			parts = append(parts, presign.Part{Number: number}, presign.Part{Number: number, Length: 1}, part(number))
		}
		requests, err := presigner.Parts(t.Context(), parseKey(t, at.key), at.upload, parts, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for i, request := range requests {
			u, err := url.Parse(request.URL)
			if err != nil {
				t.Fatal(err)
			}
			signature, what := u.Query().Get("X-Amz-Signature"), fmt.Sprint(at, parts[i])
			if other, taken := seen[signature]; taken || len(signature) != 64 {
				t.Fatalf("%s has the signature %q of %s", what, signature, other)
			}
			seen[signature] = what
		}
	}
}

func TestPartsAreInTheOrderAskedForAndOfOneMoment(t *testing.T) {
	var retrieved, ticks atomic.Int64
	presigner := newPresigner(t, func(c *presign.Config) {
		c.Now = func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * time.Second) }
		c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			retrieved.Add(1)
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		})
	})
	var parts []presign.Part
	for number := presign.MaxParts; number >= 1; number-- {
		parts = append(parts, presign.Part{Number: number})
	}
	requests, err := presigner.Parts(t.Context(), parseKey(t, "a"), uploadID, parts, time.Minute)
	if err != nil || len(requests) != len(parts) {
		t.Fatalf("%d requests, %v", len(requests), err)
	}
	for i, request := range requests {
		if !strings.Contains(request.URL, fmt.Sprintf("&partNumber=%d&", parts[i].Number)) || !request.Expires.Equal(requests[0].Expires) {
			t.Fatalf("in place of part %d: %s until %s", parts[i].Number, request.URL, request.Expires)
		}
	}
	if retrieved.Load() != 1 {
		t.Errorf("credentials were retrieved %d times", retrieved.Load())
	}
	if requests, err := presigner.Parts(t.Context(), parseKey(t, "a"), uploadID, nil, time.Minute); err != nil || len(requests) != 0 {
		t.Errorf("no parts: %v, %v", requests, err)
	}
}

func TestPartsStopWhenNobodyWaits(t *testing.T) {
	gone := errors.New("caller is gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	presigner := newPresigner(t, nil)
	cancel(gone)
	requests, err := presigner.Parts(ctx, parseKey(t, "a"), uploadID, []presign.Part{part(1), part(2), part(3)}, time.Minute)
	if !errors.Is(err, gone) || requests != nil {
		t.Errorf("Parts = %v, %v", requests, err)
	}
}

func TestPartRefusesWhatS3CouldNotEnforce(t *testing.T) {
	for name, test := range map[string]struct {
		field, upload string
		change        func(*presign.Part)
	}{
		"no number":         {"Number", uploadID, func(p *presign.Part) { p.Number = 0 }},
		"over 10,000":       {"Number", uploadID, func(p *presign.Part) { p.Number = 10_001 }},
		"negative length":   {"Length", uploadID, func(p *presign.Part) { p.Length = -1 }},
		"over 5 GiB":        {"Length", uploadID, func(p *presign.Part) { p.Length = presign.MaxPutBytes + 1 }},
		"short SHA-256":     {"ChecksumSHA256", uploadID, func(p *presign.Part) { p.ChecksumSHA256 = []byte("short") }},
		"short CRC":         {"ChecksumCRC64NVME", uploadID, func(p *presign.Part) { p.ChecksumSHA256, p.ChecksumCRC64NVME = nil, []byte("1234567") }},
		"short MD5":         {"ContentMD5", uploadID, func(p *presign.Part) { p.ContentMD5 = []byte("short") }},
		"two checksums":     {"ChecksumCRC64NVME", uploadID, func(p *presign.Part) { p.ChecksumCRC64NVME = []byte("12345678") }},
		"no upload":         {"UploadID", "", func(*presign.Part) {}},
		"upload with space": {"UploadID", "a b", func(*presign.Part) {}},
		"endless upload":    {"UploadID", strings.Repeat("a", 1025), func(*presign.Part) {}},
	} {
		t.Run(name, func(t *testing.T) {
			bad := part(1)
			test.change(&bad)
			_, one := newPresigner(t, nil).Part(t.Context(), parseKey(t, "a"), test.upload, bad, time.Minute)
			_, many := newPresigner(t, nil).Parts(t.Context(), parseKey(t, "a"), test.upload, []presign.Part{part(1), bad}, time.Minute)
			for _, err := range []error{one, many} {
				var typed *presign.UploadError
				if !errors.Is(err, presign.ErrUpload) || !errors.As(err, &typed) || typed.Field != test.field {
					t.Errorf("%v, want an UploadError about %s", err, test.field)
				}
			}
		})
	}
	presigner := newPresigner(t, nil)
	if _, err := presigner.Part(t.Context(), objectkey.Key{}, uploadID, part(1), time.Minute); !errors.Is(err, presign.ErrUpload) {
		t.Errorf("no key: %v", err)
	}
	if _, err := presigner.Parts(t.Context(), parseKey(t, "a"), uploadID, make([]presign.Part, presign.MaxParts+1), time.Minute); !errors.Is(err, presign.ErrUpload) || !strings.Contains(err.Error(), "Parts") {
		t.Errorf("too many: %v", err)
	}
	if _, err := presigner.Parts(t.Context(), parseKey(t, "a"), uploadID, []presign.Part{part(1)}, 0); !errors.Is(err, presign.ErrLife) {
		t.Errorf("no life: %v", err)
	}
}
