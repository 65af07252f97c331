package presign_test

import (
	"crypto/md5"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/signgate/signgate/pkg/presign"
)

// fullUpload has everything that an upload may describe.
func fullUpload(t testing.TB) presign.Upload {
	t.Helper()
	sum := md5.Sum([]byte("hello"))
	full := upload(t)
	full.ChecksumSHA256, full.ChecksumCRC64NVME, full.ContentMD5 = nil, []byte("12345678"), sum[:]
	full.ContentDisposition, full.CacheControl = `attachment; filename="a b.txt"`, "private, max-age=60"
	full.Tags = map[string]string{"team": "media", "a/b": "Größe 1+1=2 @x", "empty": ""}
	return full
}

// awsClient is AWS's own presigner at the tests' moment.
func awsClient() *s3.PresignClient {
	return s3.NewPresignClient(s3.New(s3.Options{
		Region: "eu-central-1", Credentials: fixed(time.Time{}), RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	}), s3.WithPresignExpires(time.Minute), func(o *s3.PresignOptions) { o.Presigner = plainSigner{} })
}

// mustBeSigned fails where the holder is told a header that isn't signed, or
// isn't told one that is.
func mustBeSigned(t testing.TB, request presign.Request) {
	t.Helper()
	u, err := url.Parse(request.URL)
	if err != nil {
		t.Fatal(err)
	}
	told := []string{"host"}
	for name := range request.Headers {
		told = append(told, strings.ToLower(name))
	}
	slices.Sort(told)
	if signed := strings.Split(u.Query().Get("X-Amz-SignedHeaders"), ";"); !slices.Equal(signed, told) {
		t.Errorf("signed %v, told %v", signed, told)
	}
	for name := range u.Query() {
		switch name {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders", "partNumber", "uploadId":
		default:
			t.Errorf("%s was moved into the query, where S3 doesn't enforce it", name)
		}
	}
}

func TestPutBindsWhatIsKeptBesideTheObject(t *testing.T) {
	request, err := newPresigner(t, func(c *presign.Config) { c.KMSKeyID = "alias/media" }).Put(t.Context(), fullUpload(t), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	mustBeSigned(t, request)
	want := map[string]string{
		"Content-Length": "5", "Content-Type": "text/plain", "If-None-Match": "*", "X-Amz-Meta-Album": "7",
		"X-Amz-Checksum-Crc64nvme": "MTIzNDU2Nzg=", "Content-Md5": "XUFAKrxLKna5cZ2REBfFkg==",
		"Content-Disposition": `attachment; filename="a b.txt"`, "Cache-Control": "private, max-age=60",
		"X-Amz-Tagging":                               "a%2Fb=Gr%C3%B6%C3%9Fe%201%2B1%3D2%20%40x&empty=&team=media",
		"X-Amz-Server-Side-Encryption":                "aws:kms",
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "alias/media",
	}
	if !maps.Equal(request.Headers, want) {
		t.Errorf("headers\n%v, want\n%v", request.Headers, want)
	}
}

func TestAFullPutEqualsThatOfAWSsPresignClient(t *testing.T) {
	full := fullUpload(t)
	ours, err := newPresigner(t, func(c *presign.Config) { c.KMSKeyID = "alias/media" }).Put(t.Context(), full, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	input := putInput(full)
	input.ChecksumSHA256, input.ChecksumCRC64NVME, input.ContentMD5 = nil, aws.String("MTIzNDU2Nzg="), aws.String("XUFAKrxLKna5cZ2REBfFkg==")
	input.ContentDisposition, input.CacheControl = aws.String(full.ContentDisposition), aws.String(full.CacheControl)
	input.Tagging = aws.String("a%2Fb=Gr%C3%B6%C3%9Fe%201%2B1%3D2%20%40x&empty=&team=media")
	input.ServerSideEncryption, input.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String("alias/media")
	theirs, err := awsClient().PresignPutObject(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, ours.URL, theirs.URL)
}

func TestAnEmptyUploadHasOneChecksum(t *testing.T) {
	empty := fullUpload(t)
	empty.Length = 0
	request, err := newPresigner(t, nil).Put(t.Context(), empty, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, both := request.Headers["X-Amz-Checksum-Crc64nvme"]; both || request.Headers["X-Amz-Checksum-Sha256"] == "" {
		t.Errorf("headers %v", request.Headers)
	}
}

func TestPutRefusesDetailsThatS3CouldNotEnforce(t *testing.T) {
	tag := func(name, value string) func(*presign.Upload) {
		return func(u *presign.Upload) { u.Tags = map[string]string{name: value} }
	}
	for name, test := range map[string]struct {
		field  string
		change func(*presign.Upload)
	}{
		"short CRC":              {"ChecksumCRC64NVME", func(u *presign.Upload) { u.ChecksumCRC64NVME = []byte("short") }},
		"empty CRC":              {"ChecksumCRC64NVME", func(u *presign.Upload) { u.ChecksumCRC64NVME = []byte{} }},
		"short MD5":              {"ContentMD5", func(u *presign.Upload) { u.ContentMD5 = []byte("short") }},
		"two checksums":          {"ChecksumCRC64NVME", func(u *presign.Upload) { u.ChecksumSHA256 = make([]byte, 32) }},
		"disposition line feed":  {"ContentDisposition", func(u *presign.Upload) { u.ContentDisposition = "inline\r\nX: y" }},
		"disposition two spaces": {"ContentDisposition", func(u *presign.Upload) { u.ContentDisposition = `attachment; filename="a  b"` }},
		"endless disposition":    {"ContentDisposition", func(u *presign.Upload) { u.ContentDisposition = strings.Repeat("a", 1281) }},
		"cache not ASCII":        {"CacheControl", func(u *presign.Upload) { u.CacheControl = "é" }},
		"cache outer space":      {"CacheControl", func(u *presign.Upload) { u.CacheControl = "no-store " }},
		"endless cache":          {"CacheControl", func(u *presign.Upload) { u.CacheControl = strings.Repeat("a", 257) }},
		"eleven tags": {"Tags", func(u *presign.Upload) {
			u.Tags = map[string]string{}
			for i := range 11 {
				u.Tags[strconv.Itoa(i)] = ""
			}
		}},
		"tag without name":   {"Tags", tag("", "x")},
		"endless tag name":   {"Tags", tag(strings.Repeat("a", 129), "x")},
		"tag name in UTF-16": {"Tags", tag(strings.Repeat("𐐀", 65), "x")},
		"endless tag value":  {"Tags", tag("a", strings.Repeat("é", 257))},
		"tag with ampersand": {"Tags", tag("a", "b&c")},
		"tag with markup":    {"Tags", tag("a<", "b")},
		"tag with line feed": {"Tags", tag("a", "b\n")},
		"tag not UTF-8":      {"Tags", tag("a", "\xff")},
		"tag of AWS's":       {"Tags", tag("AWS:x", "b")},
		"tags over 8 KB": {"Tags", func(u *presign.Upload) {
			u.Tags = map[string]string{}
			for i := range 10 {
				u.Tags[strconv.Itoa(i)] = strings.Repeat("é", 200)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bad := fullUpload(t)
			test.change(&bad)
			_, err := newPresigner(t, nil).Put(t.Context(), bad, time.Minute)
			var typed *presign.UploadError
			if !errors.Is(err, presign.ErrUpload) || !errors.As(err, &typed) || typed.Field != test.field {
				t.Errorf("Put = %v, want an UploadError about %s", err, test.field)
			}
		})
	}
	longest := fullUpload(t)
	longest.Tags = map[string]string{strings.Repeat("é", 128): strings.Repeat("a", 256), strings.Repeat("𐐀", 64): " "}
	if err := longest.Check(); err != nil {
		t.Errorf("the longest tags: %v", err)
	}
}
