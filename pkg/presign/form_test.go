package presign_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
)

func form(t testing.TB) presign.Form {
	t.Helper()
	sum := sha256.Sum256([]byte("hello"))
	return presign.Form{
		Key: parseKey(t, "users/alice/a b+c.txt"), MinLength: 1, MaxLength: 1 << 20, ContentType: "text/plain",
		ChecksumSHA256: sum[:], Metadata: map[string]string{"album": "7"}, Tags: map[string]string{"team": "media"},
		ContentDisposition: `attachment; filename="a.txt"`, CacheControl: "no-store",
	}
}

// document is a policy with each condition in the form of an array.
type document struct {
	expires    time.Time
	conditions []string // JSON, sorted
}

func readPolicy(t testing.TB, encoded string) document {
	t.Helper()
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Expiration time.Time
		Conditions []any
	}
	if err := json.Unmarshal(raw, &policy); err != nil {
		t.Fatal(err)
	}
	result := document{expires: policy.Expiration}
	for _, condition := range policy.Conditions {
		if object, ok := condition.(map[string]any); ok {
			for name, value := range object {
				condition = []any{"eq", "$" + name, value}
			}
		}
		text, err := json.Marshal(condition)
		if err != nil {
			t.Fatal(err)
		}
		result.conditions = append(result.conditions, string(text))
	}
	slices.Sort(result.conditions)
	return result
}

// The policy and signature that AWS publishes in "Example: Browser-Based
// Upload using HTTP POST (Using AWS Signature Version 4)".
func TestAPolicyIsSignedAsInAWSsPublishedExample(t *testing.T) {
	policy := strings.ReplaceAll(`{ "expiration": "2015-12-30T12:00:00.000Z",
  "conditions": [
    {"bucket": "sigv4examplebucket"},
    ["starts-with", "$key", "user/user1/"],
    {"acl": "public-read"},
    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},
    ["starts-with", "$Content-Type", "image/"],
    {"x-amz-meta-uuid": "14365123651274"},
    {"x-amz-server-side-encryption": "AES256"},
    ["starts-with", "$x-amz-meta-tag", ""],

    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},
    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
    {"x-amz-date": "20151229T000000Z" }
  ]
}`, "\n", "\r\n")
	got := presign.SignPolicy(base64.StdEncoding.EncodeToString([]byte(policy)), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", time.Date(2015, 12, 29, 0, 0, 0, 0, time.UTC))
	if want := "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"; got != want {
		t.Errorf("signature %s, AWS's %s", got, want)
	}
}

// vector is one form in testdata/forms.json, which botocore presigned
// (testdata/forms.py says how).
type vector struct {
	Name, Key, ContentType, Disposition, CacheControl string
	KMS, Token, Endpoint                              string
	Min, Max, Life                                    int64
	SHA256                                            []byte
	Metadata, Tags                                    map[string]string
	Botocore                                          struct {
		URL    string
		Fields map[string]string
	}
	Policy, Signature string
}

func (v vector) presign(t *testing.T) presign.FormRequest {
	t.Helper()
	presigner := newPresigner(t, func(c *presign.Config) {
		c.KMSKeyID, c.Endpoint, c.PathStyle = v.KMS, v.Endpoint, v.Endpoint != ""
		c.Credentials = static(aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test", SessionToken: v.Token, CanExpire: true, Expires: start.AddDate(1, 0, 0)})
	})
	request, err := presigner.Form(t.Context(), presign.Form{
		Key: parseKey(t, v.Key), MinLength: v.Min, MaxLength: v.Max, ContentType: v.ContentType, ChecksumSHA256: v.SHA256,
		Metadata: v.Metadata, Tags: v.Tags, ContentDisposition: v.Disposition, CacheControl: v.CacheControl,
	}, time.Duration(v.Life)*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestFormsEqualThoseOfBotocore(t *testing.T) {
	text, err := os.ReadFile("testdata/forms.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			ours := v.presign(t)
			if ours.URL != v.Botocore.URL {
				t.Errorf("sent to %s, botocore's to %s", ours.URL, v.Botocore.URL)
			}
			got, want := readPolicy(t, ours.Fields["policy"]), readPolicy(t, v.Botocore.Fields["policy"])
			if !slices.Equal(got.conditions, want.conditions) || !got.expires.Equal(want.expires) || !got.expires.Equal(ours.Expires) {
				t.Errorf("policy\n%v, botocore's\n%v", got, want)
			}
			// botocore's policy says the same in another order, so the fields
			// are compared with its signature of the policy in our order.
			fields := v.Botocore.Fields
			fields["policy"], fields["x-amz-signature"] = v.Policy, v.Signature
			if !maps.Equal(ours.Fields, fields) {
				t.Errorf("fields\n%v, botocore's\n%v", ours.Fields, fields)
			}
		})
	}
}

// The SDK's own form has fewer conditions; the rest and its signature, by the
// clock that it doesn't let go of, must be ours.
func TestFormsSayWhatThoseOfAWSsPresignClientSay(t *testing.T) {
	description := presign.Form{Key: parseKey(t, "users/alice/ü $1.txt"), MaxLength: 9, ContentType: "text/plain"}
	client := s3.NewPresignClient(s3.New(s3.Options{Region: "eu-central-1", Credentials: fixed(time.Time{})}))
	theirs, err := client.PresignPostObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("media"), Key: aws.String(description.Key.String())},
		func(o *s3.PresignPostOptions) {
			o.Expires = time.Minute
			o.Conditions = []any{[]any{"content-length-range", 0, 9}, map[string]string{"Content-Type": "text/plain"}, map[string]string{"success_action_status": "201"}}
		})
	if err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse("20060102T150405Z", theirs.Values["X-Amz-Date"])
	if err != nil {
		t.Fatal(err)
	}
	ours, err := newPresigner(t, func(c *presign.Config) { c.Now = func() time.Time { return now } }).Form(t.Context(), description, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	got, want := lowered(readPolicy(t, ours.Fields["policy"])), lowered(readPolicy(t, theirs.Values["policy"]))
	if !slices.Equal(got, want) {
		t.Errorf("conditions\n%v, the SDK's\n%v", got, want)
	}
	if signature := presign.SignPolicy(theirs.Values["policy"], "test", "eu-central-1", now); signature != theirs.Values["X-Amz-Signature"] {
		t.Errorf("signature %s, the SDK's %s", signature, theirs.Values["X-Amz-Signature"])
	}
	if strings.TrimSuffix(ours.URL, "/") != strings.TrimSuffix(theirs.URL, "/") {
		t.Errorf("sent to %s, the SDK's to %s", ours.URL, theirs.URL)
	}
}

// lowered are conditions as S3 compares their names, without regard to case:
// the SDK writes X-Amz-Date where botocore writes x-amz-date.
func lowered(d document) []string {
	var conditions []string
	for _, condition := range d.conditions {
		conditions = append(conditions, strings.ToLower(condition))
	}
	slices.Sort(conditions)
	return conditions
}

// mustBeCovered fails unless each field is held to its value by exactly one
// condition, and nothing else is allowed or demanded but bucket and length.
func mustBeCovered(t *testing.T, request presign.FormRequest, low, high int64) {
	t.Helper()
	want := []string{`["eq","$bucket","media"]`, fmt.Sprintf(`["content-length-range",%d,%d]`, low, high)}
	for name, value := range request.Fields {
		if name == "policy" || name == "x-amz-signature" {
			continue // these two can't be, and need not (S3's "POST Policy")
		}
		condition, err := json.Marshal([]string{"eq", "$" + name, value})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, string(condition))
	}
	slices.Sort(want)
	if got := readPolicy(t, request.Fields["policy"]).conditions; !slices.Equal(got, want) {
		t.Errorf("conditions\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEveryFieldOfAFormIsHeldToItsValue(t *testing.T) {
	for name, change := range map[string]func(*presign.Form){
		"everything":    func(*presign.Form) {},
		"only the type": func(f *presign.Form) { *f = presign.Form{Key: f.Key, MaxLength: 1, ContentType: "a/b"} },
		"much metadata": func(f *presign.Form) { f.Metadata = map[string]string{"a": "1", "b": `"quoted" <&>`, "c-d": "$key"} },
		"many tags": func(f *presign.Form) {
			f.Tags = map[string]string{"a": "", "b/c": "d=e", "Größe": "1 @ 2"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			description := form(t)
			change(&description)
			presigner := newPresigner(t, func(c *presign.Config) { c.KMSKeyID = "alias/media" })
			request, err := presigner.Form(t.Context(), description, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			mustBeCovered(t, request, description.MinLength, description.MaxLength)
			if request.Fields["x-amz-server-side-encryption-aws-kms-key-id"] != "alias/media" || request.Fields["x-amz-server-side-encryption"] != "aws:kms" {
				t.Errorf("no encryption in %v", request.Fields)
			}
			if request.Fields["success_action_status"] != "201" || !request.Expires.Equal(start.Add(time.Minute)) {
				t.Errorf("%+v", request)
			}
		})
	}
}

func TestTagsOfAFormAreInTheFieldThatS3Reads(t *testing.T) {
	description := form(t)
	description.Tags = map[string]string{"b": "2", "a": "1 / é"}
	request, err := newPresigner(t, nil).Form(t.Context(), description, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	want := "<Tagging><TagSet><Tag><Key>a</Key><Value>1 / é</Value></Tag><Tag><Key>b</Key><Value>2</Value></Tag></TagSet></Tagging>"
	if request.Fields["tagging"] != want || request.Fields["x-amz-tagging"] != "" {
		t.Errorf("tagging %q, x-amz-tagging %q", request.Fields["tagging"], request.Fields["x-amz-tagging"])
	}
}

func TestFormRefusesWhatS3CouldNotEnforce(t *testing.T) {
	for name, test := range map[string]struct {
		field  string
		change func(*presign.Form)
	}{
		"no key":               {"Key", func(f *presign.Form) { f.Key = objectkey.Key{} }},
		"key of the browser's": {"Key", func(f *presign.Form) { f.Key = parseKey(t, "users/alice/${filename}") }},
		"key around it":        {"Key", func(f *presign.Form) { f.Key = parseKey(t, "a/x${filename}y/b") }},
		"type with filename":   {"ContentType", func(f *presign.Form) { f.ContentType = `text/plain; name="${filename}"` }},
		"name with filename":   {"ContentDisposition", func(f *presign.Form) { f.ContentDisposition = `attachment; filename="${filename}"` }},
		"cache with filename":  {"CacheControl", func(f *presign.Form) { f.CacheControl = "x=${filename}" }},
		"metadata filename":    {"Metadata", func(f *presign.Form) { f.Metadata = map[string]string{"a": "${filename}"} }},
		"tag with filename":    {"Tags", func(f *presign.Form) { f.Tags = map[string]string{"a": "${filename}"} }},
		"negative length":      {"MinLength", func(f *presign.Form) { f.MinLength = -1 }},
		"no length":            {"MaxLength", func(f *presign.Form) { f.MinLength, f.MaxLength = 0, 0 }},
		"over 5 GiB":           {"MaxLength", func(f *presign.Form) { f.MaxLength = presign.MaxPutBytes + 1 }},
		"crossed lengths":      {"MinLength", func(f *presign.Form) { f.MinLength, f.MaxLength = 2, 1 }},
		"no type":              {"ContentType", func(f *presign.Form) { f.ContentType = "" }},
		"short checksum":       {"ChecksumSHA256", func(f *presign.Form) { f.ChecksumSHA256 = []byte("short") }},
		"line feed":            {"CacheControl", func(f *presign.Form) { f.CacheControl = "no-store\r\nX: y" }},
		"metadata upper case":  {"Metadata", func(f *presign.Form) { f.Metadata = map[string]string{"Album": "7"} }},
		"over 20 KB": {"Form", func(f *presign.Form) {
			for i := range 10 {
				f.Tags[strconv.Itoa(i)] = strings.Repeat("é", 256)
			}
			delete(f.Tags, "team")
			f.Metadata = map[string]string{"a": strings.Repeat("x", 2000)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bad := form(t)
			test.change(&bad)
			request, err := newPresigner(t, nil).Form(t.Context(), bad, time.Minute)
			var typed *presign.UploadError
			if !errors.Is(err, presign.ErrUpload) || !errors.As(err, &typed) || typed.Field != test.field || len(request.Fields) != 0 {
				t.Errorf("Form = %v, want an UploadError about %s", err, test.field)
			}
		})
	}
	for _, life := range []time.Duration{0, presign.MaxLife + time.Second} {
		if _, err := newPresigner(t, nil).Form(t.Context(), form(t), life); !errors.Is(err, presign.ErrLife) {
			t.Errorf("a life of %s: %v, want ErrLife", life, err)
		}
	}
}

func TestAFormDiesWithItsCredentials(t *testing.T) {
	presigner := newPresigner(t, func(c *presign.Config) { c.Credentials = fixed(start.Add(2 * time.Minute)) })
	request, err := presigner.Form(t.Context(), form(t), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got := readPolicy(t, request.Fields["policy"]).expires; !got.Equal(start.Add(2*time.Minute)) || !got.Equal(request.Expires) {
		t.Errorf("the policy says %s, the answer %s", got, request.Expires)
	}
}
