package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/signgate/signgate/pkg/client"
)

func uploadedReadsBack(t *testing.T, g *gateway) {
	t.Helper()
	const key = "users/alice/e2e/ä b+c.bin"
	content := make([]byte, 1<<20)
	_, _ = rand.Read(content)
	g.upload(t, "alice", key, "application/octet-stream", content)

	read := g.readURL(t, "alice", client.ReadItem{Key: key}).URL
	whole := get(t, read)
	if whole.status != http.StatusOK || !bytes.Equal(whole.body, content) || whole.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("GET: %d, %d bytes, %v", whole.status, len(whole.body), whole.header)
	}
	for _, test := range []struct {
		spec, contentRange string
		want               []byte
	}{
		{"bytes=0-0", "bytes 0-0/1048576", content[:1]},
		{"bytes=1000-1999", "bytes 1000-1999/1048576", content[1000:2000]},
		{"bytes=-10", "bytes 1048566-1048575/1048576", content[len(content)-10:]},
	} {
		piece := send(t, http.MethodGet, read, map[string]string{"Range": test.spec}, nil)
		if piece.status != http.StatusPartialContent || !bytes.Equal(piece.body, test.want) || piece.header.Get("Content-Range") != test.contentRange {
			t.Errorf("%s: %d, %d bytes, %s", test.spec, piece.status, len(piece.body), piece.header.Get("Content-Range"))
		}
	}
	if beyond := send(t, http.MethodGet, read, map[string]string{"Range": "bytes=2000000-"}, nil); beyond.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("a range beyond the end: %d", beyond.status)
	}
	if head := send(t, http.MethodHead, read, nil, nil); head.status != http.StatusOK || head.header.Get("Content-Length") != "1048576" || len(head.body) != 0 {
		t.Errorf("HEAD: %d %v", head.status, head.header)
	}
	for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch} {
		if got := send(t, method, read, nil, nil); got.status != http.StatusForbidden {
			t.Errorf("%s through a URL for reading: %d", method, got.status)
		}
	}
}

func redirectLeadsToTheObject(t *testing.T, g *gateway) {
	t.Helper()
	for _, path := range []string{"/v1/read/users/alice/pictures/sunrise.png", "/v1/read/users%2Falice%2Fpictures%2Fsunrise.png"} {
		got := send(t, http.MethodGet, g.url+path, map[string]string{"Authorization": "Bearer " + g.token(t, "alice")}, nil)
		if got.status != http.StatusFound || len(got.body) != 0 {
			t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
		picture := get(t, got.header.Get("Location"))
		if picture.status != http.StatusOK || !bytes.HasPrefix(picture.body, []byte("\x89PNG")) {
			t.Errorf("%s: %d, %d bytes", path, picture.status, len(picture.body))
		}
	}
}

// The SDK's own client carries out a request that the gateway signed: it
// builds the request as ever, unsigned, and sends it to the given address.
func TestTheSDKsS3ClientCarriesOutASignedUpload(t *testing.T) {
	s := startStack(t)
	g := s.startGateway(t)
	content := []byte("from the SDK's client")
	sum := sha256.Sum256(content)
	const key = "users/bob/sdk.txt"
	request := g.requestUpload(t, "bob", client.UploadRequest{
		Key: key, ContentType: "text/plain", ContentLength: new(int64(len(content))),
		ChecksumSHA256: base64.StdEncoding.EncodeToString(sum[:]), Metadata: map[string]string{"origin": "sdk"},
	})
	visitor := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + s.s3), UsePathStyle: true, Credentials: aws.AnonymousCredentials{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired, APIOptions: []func(*middleware.Stack) error{sendTo(t, request.URL)},
	})
	put := &s3.PutObjectInput{
		Bucket: aws.String("media"), Key: aws.String(key), Body: bytes.NewReader(content), ContentType: aws.String("text/plain"),
		ContentLength: aws.Int64(int64(len(content))), ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
		Metadata: map[string]string{"origin": "sdk"}, IfNoneMatch: aws.String("*"),
	}
	if _, err := visitor.PutObject(t.Context(), put); err != nil {
		t.Fatal(err)
	}

	kept := get(t, g.readURL(t, "bob", client.ReadItem{Key: key}).URL)
	if !bytes.Equal(kept.body, content) || kept.header.Get("Content-Type") != "text/plain" || kept.header.Get("X-Amz-Meta-Origin") != "sdk" {
		t.Errorf("%d %v %s", kept.status, kept.header, kept.body)
	}
}

// sendTo gives every request of an S3 client the address of a signed request,
// and takes off the x-amz- headers that the signature doesn't know: S3 refuses
// those.
func sendTo(t testing.TB, address string) func(*middleware.Stack) error {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(target.Query().Get("X-Amz-SignedHeaders"), ";")
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("SignedElsewhere",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				if request, ok := in.Request.(*smithyhttp.Request); ok {
					request.URL = target
					maps.DeleteFunc(request.Header, func(name string, _ []string) bool {
						name = strings.ToLower(name)
						return strings.HasPrefix(name, "x-amz-") && !slices.Contains(known, name)
					})
				}
				return next.HandleFinalize(ctx, in)
			}), middleware.After)
	}
}

func TestANewKeyOfTheIssuerIsTakenWithoutARestart(t *testing.T) {
	s := startStack(t)
	g := s.startGateway(t)
	before := g.token(t, "alice")
	if got := send(t, http.MethodPost, "http://"+s.issuer+"/rotate", nil, nil); got.status != http.StatusOK {
		t.Fatalf("rotate: %d", got.status)
	}
	for when, token := range map[string]string{"before": before, "after": g.token(t, "alice")} {
		got := send(t, http.MethodGet, g.url+"/v1/read/users/alice/pictures/sunrise.png", map[string]string{"Authorization": "Bearer " + token}, nil)
		if got.status != http.StatusFound {
			t.Errorf("a token from %s the rotation: %d %s", when, got.status, got.body)
		}
	}
}

func forgedTokensAreRefused(t *testing.T, g *gateway) {
	t.Helper()
	good := g.token(t, "alice")
	parts := strings.Split(good, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"none":            encode(`{"alg":"none","typ":"at+jwt"}`) + "." + parts[1] + ".",
		"hmac":            encode(`{"alg":"HS256","typ":"at+jwt"}`) + "." + parts[1] + "." + encode("any"),
		"another subject": parts[0] + "." + encode(strings.Replace(string(claims), `"alice"`, `"bobby"`, 1)) + "." + parts[2],
		"cut":             good[:len(good)-8],
		"not a token":     "alice",
	} {
		got := send(t, http.MethodGet, g.url+"/v1/read/users/alice/pictures/sunrise.png", map[string]string{"Authorization": "Bearer " + token}, nil)
		if got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

func TestNothingLeavesThatCouldNotBeRecorded(t *testing.T) {
	s := startStack(t)
	g := s.startGateway(t, "--audit-file=/dev/full")
	got := send(t, http.MethodGet, g.url+"/v1/read/users/alice/pictures/sunrise.png", map[string]string{"Authorization": "Bearer " + g.token(t, "alice")}, nil)
	if got.status != http.StatusServiceUnavailable || got.header.Get("Location") != "" || bytes.Contains(got.body, []byte("Signature")) {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	if ready := get(t, g.url+"/readyz"); ready.status != http.StatusServiceUnavailable || !bytes.Contains(ready.body, []byte(`"audit"`)) {
		t.Errorf("/readyz: %d %s", ready.status, ready.body)
	}
}

func TestEveryURLIsInTheTrailAndNoSecretIsInAnyOutput(t *testing.T) {
	s := startStack(t, "--verbose")
	g := s.startGateway(t, "--log-level=debug")
	read := g.readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/sunrise.png"})
	uploaded := g.upload(t, "alice", "users/alice/trail.txt", "text/plain", []byte("recorded"))
	deletions, err := g.as(t, "alice").DeleteURLs(t.Context(), client.Item{Key: "users/alice/trail.txt"})
	if err != nil || deletions[0].Problem != nil {
		t.Fatal(deletions, err)
	}
	deleted := deletions[0]
	token := g.token(t, "alice")
	_ = get(t, read.URL)
	_ = get(t, withQuery(t, read.URL, "Expires", "2114380801"))
	_ = send(t, deleted.Method, deleted.URL, nil, nil)
	_ = get(t, g.url+"/v1/read/users/alice/a.png?token="+token) // where it doesn't belong
	_ = get(t, g.url+"/nowhere?Signature=abc")
	g.interrupt(t)
	s.interrupt(t)

	issued := map[string]bool{}
	for decoder := json.NewDecoder(strings.NewReader(g.stdout.String())); ; {
		var record struct{ ID, Outcome string }
		if err := decoder.Decode(&record); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		issued[record.ID] = true
	}
	for _, id := range []string{read.ID, uploaded.ID, deleted.ID} {
		if id == "" || !issued[id] {
			t.Errorf("the trail lacks %q:\n%s", id, g.stdout)
		}
	}
	secrets := []string{"X-Amz-Signature", "Signature=", "Policy=", token, strings.Split(token, ".")[2]}
	for _, line := range s.environment(t) {
		if value, ok := strings.CutPrefix(line, "AWS_SECRET_ACCESS_KEY="); ok {
			secrets = append(secrets, value)
		}
	}
	for name, text := range map[string]fmt.Stringer{"the gateway's log": g.stderr, "its trail": g.stdout, "the stack's log": s.stderr, "the stack's welcome": s.stdout} {
		for _, secret := range secrets {
			if strings.Contains(text.String(), secret) {
				t.Errorf("%s holds %q", name, secret[:min(len(secret), 12)])
			}
		}
	}
	if !strings.Contains(s.stderr.String(), "part=edge") || !strings.Contains(g.stderr.String(), `"request"`) {
		t.Errorf("nothing was logged, so nothing was shown:\n%s%s", s.stderr, g.stderr)
	}
}

func probesAreThere(t *testing.T, g *gateway) {
	t.Helper()
	for path, want := range map[string]string{
		"/livez": "ok", "/readyz": `"credentials"`, "/version": "goVersion", "/openapi.json": `"openapi": "3.1`, "/docs": "<html",
	} {
		if got := get(t, g.url+path); got.status != http.StatusOK || !bytes.Contains(got.body, []byte(want)) {
			t.Errorf("%s: %d %.300s", path, got.status, got.body)
		}
	}
}

func oldVersionReadsBack(t *testing.T, g *gateway) {
	t.Helper()
	const key = "users/alice/versions.txt"
	put := func(content string) string {
		t.Helper()
		request := g.requestUpload(t, "alice", client.UploadRequest{Key: key, ContentType: "text/plain", ContentLength: new(int64(len(content))), Overwrite: true})
		got := send(t, request.Method, request.URL, request.Headers, []byte(content))
		if got.status != http.StatusOK || got.header.Get("X-Amz-Version-Id") == "" {
			t.Fatalf("%d %v", got.status, got.header)
		}
		return got.header.Get("X-Amz-Version-Id")
	}
	first, _ := put("first"), put("second")
	for version, want := range map[string]string{"": "second", first: "first"} {
		got := get(t, g.readURL(t, "alice", client.ReadItem{Key: key, VersionID: version, CacheControl: "no-store", ContentType: "text/markdown"}).URL)
		if string(got.body) != want || got.header.Get("Content-Type") != "text/markdown" || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("version %q: %d %v %s", version, got.status, got.header, got.body)
		}
	}
}
