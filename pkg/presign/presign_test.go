package presign_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// fixed are credentials that never change; they open nothing anywhere. Without
// an end theirs is a year away.
func fixed(expires time.Time) aws.CredentialsProvider {
	if expires.IsZero() {
		expires = start.AddDate(1, 0, 0)
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: "test", SecretAccessKey: "test", SessionToken: "token",
			CanExpire: true, Expires: expires,
		}, nil
	})
}

func newPresigner(t testing.TB, change func(*presign.Config)) *presign.Presigner {
	t.Helper()
	config := presign.Config{
		Bucket: "media", Region: "eu-central-1", Credentials: fixed(time.Time{}),
		MinLife: 30 * time.Second, UnknownRest: presign.MaxLife, Now: func() time.Time { return start },
	}
	if change != nil {
		change(&config)
	}
	presigner, err := presign.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return presigner
}

func parseKey(t testing.TB, name string) objectkey.Key {
	t.Helper()
	key, err := objectkey.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func upload(t testing.TB) presign.Upload {
	t.Helper()
	sum := sha256.Sum256([]byte("hello"))
	return presign.Upload{
		Key: parseKey(t, "users/alice/a b+c.txt"), Length: 5, ContentType: "text/plain",
		ChecksumSHA256: sum[:], Metadata: map[string]string{"album": "7"},
	}
}

func signedHeaders(t *testing.T, raw string) []string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(u.Query().Get("X-Amz-SignedHeaders"), ";")
}

func TestPutBindsEverythingAsSignedHeaders(t *testing.T) {
	request, err := newPresigner(t, nil).Put(t.Context(), upload(t), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"content-length", "content-type", "host", "if-none-match", "x-amz-checksum-sha256", "x-amz-meta-album"}
	if got := signedHeaders(t, request.URL); !slices.Equal(got, want) {
		t.Errorf("signed headers %v, want %v", got, want)
	}
	sum := sha256.Sum256([]byte("hello"))
	wantHeaders := map[string]string{
		"Content-Length": "5", "Content-Type": "text/plain", "If-None-Match": "*",
		"X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(sum[:]), "X-Amz-Meta-Album": "7",
	}
	if !maps.Equal(request.Headers, wantHeaders) {
		t.Errorf("headers %v, want %v", request.Headers, wantHeaders)
	}
	if request.Method != http.MethodPut || !request.Expires.Equal(start.Add(time.Minute)) {
		t.Errorf("%s until %s", request.Method, request.Expires)
	}
	u, err := url.Parse(request.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Scheme + "://" + u.Host + u.EscapedPath(); got != "https://media.s3.eu-central-1.amazonaws.com/users/alice/a%20b%2Bc.txt" {
		t.Errorf("address %s", got)
	}
	for name := range u.Query() {
		if lower := strings.ToLower(name); strings.Contains(lower, "checksum") || strings.Contains(lower, "meta") {
			t.Errorf("%s was moved into the query, where S3 doesn't enforce it", name)
		}
	}
}

func TestPutLeavesOutOnlyWhatWasLeftOpen(t *testing.T) {
	open := upload(t)
	open.ChecksumSHA256, open.Metadata, open.Overwrite = nil, nil, true
	request, err := newPresigner(t, nil).Put(t.Context(), open, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := signedHeaders(t, request.URL), []string{"content-length", "content-type", "host"}; !slices.Equal(got, want) {
		t.Errorf("signed headers %v, want %v", got, want)
	}
}

func TestAnEmptyUploadIsBoundByItsChecksum(t *testing.T) {
	empty := upload(t)
	empty.Length, empty.ChecksumSHA256 = 0, nil
	request, err := newPresigner(t, nil).Put(t.Context(), empty, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	if got := request.Headers["X-Amz-Checksum-Sha256"]; got != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("checksum %q", got)
	}
	if !slices.Contains(signedHeaders(t, request.URL), "x-amz-checksum-sha256") {
		t.Error("the checksum is not signed")
	}
}

func TestDeleteNamesNoVersion(t *testing.T) {
	request, err := newPresigner(t, nil).Delete(t.Context(), parseKey(t, "users/alice/a.png"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if request.Method != http.MethodDelete || strings.Contains(request.URL, "versionId") || len(request.Headers) != 0 {
		t.Errorf("%+v", request)
	}
}

// TestSignaturesEqualThoseOfAWSsPresignClient has the SDK's own presigner
// make the same requests with the same clock, key and credentials: every
// parameter must be the same, the signature included.
func TestSignaturesEqualThoseOfAWSsPresignClient(t *testing.T) {
	description := upload(t)
	description.Key = parseKey(t, "users/alice/ключ *?.png")
	client := s3.NewPresignClient(s3.New(s3.Options{Region: "eu-central-1", Credentials: fixed(time.Time{})}),
		s3.WithPresignExpires(time.Minute), func(o *s3.PresignOptions) { o.Presigner = plainSigner{} })

	ours, err := newPresigner(t, nil).Delete(t.Context(), description.Key, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := client.PresignDeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("media"), Key: aws.String(description.Key.String())})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, ours.URL, theirs.URL)

	ours, err = newPresigner(t, nil).Put(t.Context(), description, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err = client.PresignPutObject(t.Context(), putInput(description))
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, ours.URL, theirs.URL)
}

func mustEqual(t *testing.T, ours, theirs string) {
	t.Helper()
	got, err := url.Parse(ours)
	if err != nil {
		t.Fatal(err)
	}
	want, err := url.Parse(theirs)
	if err != nil {
		t.Fatal(err)
	}
	if got.Host+got.EscapedPath() != want.Host+want.EscapedPath() {
		t.Errorf("address %s, AWS's %s", got.Host+got.EscapedPath(), want.Host+want.EscapedPath())
	}
	if got.Query().Encode() != want.Query().Encode() {
		t.Errorf("parameters\n%v, AWS's\n%v", got.Query(), want.Query())
	}
}

// putInput describes the same upload to the SDK.
func putInput(u presign.Upload) *s3.PutObjectInput {
	return &s3.PutObjectInput{
		Bucket: aws.String("media"), Key: aws.String(u.Key.String()), ContentLength: aws.Int64(u.Length),
		ContentType: aws.String(u.ContentType), IfNoneMatch: aws.String("*"), Metadata: u.Metadata,
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(u.ChecksumSHA256)),
	}
}

// plainSigner is AWS's signer with its clock held still and without "x-id",
// a parameter by which SDKs tell S3's access log which operation they meant.
type plainSigner struct{}

func (plainSigner) PresignHTTP(ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash, service, region string, _ time.Time, options ...func(*v4.SignerOptions)) (string, http.Header, error) {
	query := r.URL.Query()
	query.Del("x-id")
	r.URL.RawQuery = query.Encode()
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return signer.PresignHTTP(ctx, credentials, r, payloadHash, service, region, start, options...)
}

func TestALifeNeverExceedsThatOfTheCredentials(t *testing.T) {
	for name, test := range map[string]struct {
		rest, life, want time.Duration
		err              error
	}{
		"credentials outlive":         {time.Hour, 5 * time.Minute, 5 * time.Minute, nil},
		"credentials die first":       {2 * time.Minute, 5 * time.Minute, 2 * time.Minute, nil},
		"exactly enough":              {5 * time.Minute, 5 * time.Minute, 5 * time.Minute, nil},
		"short life, short rest":      {10 * time.Second, 10 * time.Second, 10 * time.Second, nil},
		"rest too short":              {29 * time.Second, 5 * time.Minute, 0, presign.ErrCredentials},
		"already dead":                {-time.Second, 5 * time.Minute, 0, presign.ErrCredentials},
		"a fraction of a second left": {500 * time.Millisecond, time.Second, 0, presign.ErrCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			presigner := newPresigner(t, func(c *presign.Config) { c.Credentials = fixed(start.Add(test.rest)) })
			request, err := presigner.Delete(t.Context(), parseKey(t, "a"), test.life)
			if !errors.Is(err, test.err) {
				t.Fatalf("Delete = %v, want %v", err, test.err)
			}
			if test.err != nil {
				return
			}
			if got := request.Expires.Sub(start); got != test.want {
				t.Errorf("it lives %s, want %s", got, test.want)
			}
			seconds := fmt.Sprintf("X-Amz-Expires=%d&", test.want/time.Second)
			if !strings.Contains(request.URL, seconds) {
				t.Errorf("the URL doesn't say %s", seconds)
			}
		})
	}
}

func TestNoCredentialsIsAnErrorOfItsOwn(t *testing.T) {
	broken := errors.New("no role")
	presigner := newPresigner(t, func(c *presign.Config) {
		c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, broken })
	})
	_, err := presigner.Delete(t.Context(), parseKey(t, "a"), time.Minute)
	if !errors.Is(err, presign.ErrCredentials) || !errors.Is(err, broken) {
		t.Errorf("Delete = %v", err)
	}
	if err := presigner.Ready(t.Context()); !errors.Is(err, presign.ErrCredentials) {
		t.Errorf("Ready = %v", err)
	}
	if err := newPresigner(t, nil).Ready(t.Context()); err != nil {
		t.Errorf("Ready = %v", err)
	}
}

func TestPutRefusesWhatS3CouldNotEnforce(t *testing.T) {
	for name, test := range map[string]struct {
		field  string
		change func(*presign.Upload)
	}{
		"no key":               {"Key", func(u *presign.Upload) { u.Key = objectkey.Key{} }},
		"negative length":      {"Length", func(u *presign.Upload) { u.Length = -1 }},
		"over 5 GiB":           {"Length", func(u *presign.Upload) { u.Length = presign.MaxPutBytes + 1 }},
		"no type":              {"ContentType", func(u *presign.Upload) { u.ContentType = "" }},
		"half a type":          {"ContentType", func(u *presign.Upload) { u.ContentType = "image" }},
		"type with line feed":  {"ContentType", func(u *presign.Upload) { u.ContentType = "image/png;\r\n a=b" }},
		"type with two spaces": {"ContentType", func(u *presign.Upload) { u.ContentType = "text/plain;  charset=utf-8" }},
		"type not ASCII":       {"ContentType", func(u *presign.Upload) { u.ContentType = `text/plain; name="é"` }},
		"endless type":         {"ContentType", func(u *presign.Upload) { u.ContentType = "a/" + strings.Repeat("b", 400) }},
		"short checksum":       {"ChecksumSHA256", func(u *presign.Upload) { u.ChecksumSHA256 = []byte("short") }},
		"empty checksum":       {"ChecksumSHA256", func(u *presign.Upload) { u.ChecksumSHA256 = []byte{} }},
		"metadata upper case":  {"Metadata", func(u *presign.Upload) { u.Metadata = map[string]string{"Album": "7"} }},
		"metadata no name":     {"Metadata", func(u *presign.Upload) { u.Metadata = map[string]string{"": "7"} }},
		"metadata line feed":   {"Metadata", func(u *presign.Upload) { u.Metadata = map[string]string{"a": "7\nx-amz-acl: public-read"} }},
		"metadata two spaces":  {"Metadata", func(u *presign.Upload) { u.Metadata = map[string]string{"a": "7  8"} }},
		"metadata not ASCII":   {"Metadata", func(u *presign.Upload) { u.Metadata = map[string]string{"a": "é"} }},
		"metadata too large":   {"Metadata", func(u *presign.Upload) { u.Metadata = map[string]string{"a": strings.Repeat("x", 2048)} }},
	} {
		t.Run(name, func(t *testing.T) {
			bad := upload(t)
			test.change(&bad)
			_, err := newPresigner(t, nil).Put(t.Context(), bad, time.Minute)
			var typed *presign.UploadError
			if !errors.Is(err, presign.ErrUpload) || !errors.As(err, &typed) || typed.Field != test.field {
				t.Errorf("Put = %v, want an UploadError about %s", err, test.field)
			}
		})
	}
	for _, life := range []time.Duration{0, -time.Second, presign.MaxLife + time.Second} {
		if _, err := newPresigner(t, nil).Put(t.Context(), upload(t), life); !errors.Is(err, presign.ErrLife) {
			t.Errorf("a life of %s: %v, want ErrLife", life, err)
		}
	}
}

func TestNewRefusesAnAddressItCannotBuild(t *testing.T) {
	for name, change := range map[string]func(*presign.Config){
		"no bucket":      func(c *presign.Config) { c.Bucket = "" },
		"no region":      func(c *presign.Config) { c.Region = "" },
		"no credentials": func(c *presign.Config) { c.Credentials = nil },
		"no clock":       func(c *presign.Config) { c.Now = nil },
		"bad region":     func(c *presign.Config) { c.Region = "not a region" },
		"bad endpoint":   func(c *presign.Config) { c.Endpoint = "://" },
	} {
		config := presign.Config{Bucket: "media", Region: "eu-central-1", Credentials: fixed(time.Time{}), Now: time.Now}
		change(&config)
		if _, err := presign.New(t.Context(), config); !errors.Is(err, presign.ErrConfig) {
			t.Errorf("%s: New = %v, want ErrConfig", name, err)
		}
	}
}

func TestALocalServerIsAddressedInThePath(t *testing.T) {
	presigner := newPresigner(t, func(c *presign.Config) { c.Endpoint, c.PathStyle = "http://127.0.0.1:8602", true })
	request, err := presigner.Delete(t.Context(), parseKey(t, "a/b"), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(request.URL, "http://127.0.0.1:8602/media/a/b?") {
		t.Errorf("address %.40s", request.URL)
	}
}

func TestMetadataCannotSmuggleAHeader(t *testing.T) {
	bad := upload(t)
	bad.Metadata = map[string]string{"a\r\nx-amz-acl": "public-read"}
	if _, err := newPresigner(t, nil).Put(t.Context(), bad, time.Minute); !errors.Is(err, presign.ErrUpload) {
		t.Errorf("Put = %v, want ErrUpload", err)
	}
	if !bytes.Equal(bad.ChecksumSHA256, upload(t).ChecksumSHA256) {
		t.Error("Put changed its argument")
	}
}
