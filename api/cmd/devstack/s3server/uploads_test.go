package s3server_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/api/cmd/devstack/s3server"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/uploads"
)

// What package uploads does to a bucket, done to a real one.

const quarantine = "quarantine/"

func newStore(t *testing.T, copyPartBytes int64) (*uploads.Store, *s3server.Server) {
	t.Helper()
	server := start(t, t.TempDir())
	bucket := s3server.Bucket{Name: "media", Writer: writer.Access, Reader: reader.Access, Origins: []string{"http://localhost:3000"}, Quarantine: quarantine}
	if err := server.Prepare(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	return uploads.NewStore(uploads.Config{
		Bucket: "media", Region: "us-east-1", Endpoint: server.URL(), PathStyle: true, CopyPartBytes: copyPartBytes,
		Credentials: credentials.NewStaticCredentialsProvider(writer.Access, writer.Secret, ""),
	}), server
}

func parseKey(t *testing.T, name string) objectkey.Key {
	t.Helper()
	key, err := objectkey.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// land puts an object into quarantine and looks at it.
func land(t *testing.T, store *uploads.Store, server *s3server.Server, name, content string) uploads.Object {
	t.Helper()
	_, err := server.Client(writer).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("media"), Key: aws.String(name), Body: strings.NewReader(content), ContentType: aws.String("text/plain"),
		Metadata: map[string]string{"album": "7"}, CacheControl: aws.String("private"), ContentDisposition: aws.String("inline"),
	})
	if err != nil {
		t.Fatal(err)
	}
	object, err := store.Inspect(t.Context(), parseKey(t, name))
	if err != nil || object.Size != int64(len(content)) || object.ContentType != "text/plain" {
		t.Fatalf("%+v, %v", object, err)
	}
	return object
}

func TestPromotionKeepsContentAndDescriptionWhateverTheSize(t *testing.T) {
	const part = 5 << 20
	store, server := newStore(t, part)
	large := make([]byte, 2*part+3)
	_, _ = rand.Read(large)
	for name, content := range map[string]string{"empty": "", "small": "hello", "in several parts": string(large)} {
		object := land(t, store, server, quarantine+"x "+name, content)
		key := parseKey(t, "final/ä+"+name)
		moved, err := store.Promote(t.Context(), object, key, map[string]string{"kind": "a b"}, false)
		if err != nil || moved.Key != key.String() || moved.Size != int64(len(content)) || moved.ETag == "" {
			t.Fatalf("%s: %+v, %v", name, moved, err)
		}
		got, err := server.Client(root).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("media"), Key: aws.String(key.String())})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(got.Body)
		_ = got.Body.Close()
		if body.String() != content || aws.ToString(got.ContentType) != "text/plain" || got.Metadata["album"] != "7" ||
			aws.ToString(got.CacheControl) != "private" || aws.ToString(got.ContentDisposition) != "inline" {
			t.Errorf("%s: %d bytes, %+v", name, body.Len(), got)
		}
		tags, err := server.Client(root).GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String("media"), Key: aws.String(key.String())})
		if err != nil || len(tags.TagSet) != 1 || aws.ToString(tags.TagSet[0].Value) != "a b" {
			t.Errorf("%s: tags %+v, %v", name, tags, err)
		}
		if _, err := store.Inspect(t.Context(), parseKey(t, object.Key)); !errors.Is(err, uploads.ErrGone) {
			t.Errorf("%s: still in quarantine: %v", name, err)
		}
	}
}

func TestPromotionReplacesNothingUnlessItMay(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "not empty": "new"} {
		store, server := newStore(t, 0)
		if err := put(t, server.Client(writer), "final", "old"); err != nil {
			t.Fatal(err)
		}
		object := land(t, store, server, quarantine+"x", content)
		if _, err := store.Promote(t.Context(), object, parseKey(t, "final"), nil, false); !errors.Is(err, uploads.ErrExists) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := get(t, server.Client(root), &s3.GetObjectInput{Key: aws.String("final")}); err != nil || got != "old" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		open, err := server.Client(root).ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("media")})
		if err != nil || len(open.Uploads) != 0 {
			t.Errorf("%s: %d uploads are left open, %v", name, len(open.Uploads), err)
		}
		if _, err := store.Promote(t.Context(), object, parseKey(t, "final"), nil, true); err != nil {
			t.Errorf("%s, where it may: %v", name, err)
		}
	}
}

func TestOnlyWhatWasInspectedIsPromoted(t *testing.T) {
	store, server := newStore(t, 0)
	object := land(t, store, server, quarantine+"x", "checked")
	object.VersionID = "" // as in a bucket without versions
	if _, err := server.Client(writer).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("media"), Key: aws.String(quarantine + "x"), Body: strings.NewReader("swapped"),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Promote(t.Context(), object, parseKey(t, "final"), nil, true); err == nil {
		t.Error("what nobody has looked at is promoted")
	}
}

func TestAnUploadThatIsOverIsGone(t *testing.T) {
	store, _ := newStore(t, 0)
	key := parseKey(t, "a/b")
	s3ID, err := store.Create(t.Context(), presign.Upload{Key: key, ContentType: "text/plain"}, uploads.AnyChecksum)
	if err != nil {
		t.Fatal(err)
	}
	if parts, err := store.Parts(t.Context(), key, s3ID); err != nil || len(parts) != 0 {
		t.Errorf("%v, %v", parts, err)
	}
	if err := store.Abort(t.Context(), key, s3ID); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Parts(t.Context(), key, s3ID); !errors.Is(err, uploads.ErrGone) {
		t.Errorf("list: %v", err)
	}
	upload := uploads.Upload{Key: key.String(), S3ID: s3ID}
	if _, err := store.Complete(t.Context(), upload, []uploads.Part{{Number: 1, ETag: `"d41d8cd98f00b204e9800998ecf8427e"`}}, 1); !errors.Is(err, uploads.ErrGone) {
		t.Errorf("complete: %v", err)
	}
	if err := store.Abort(t.Context(), key, s3ID); !errors.Is(err, uploads.ErrGone) {
		t.Errorf("abort: %v", err)
	}
}

func TestPartsThatDoNotFitAreRefused(t *testing.T) {
	store, server := newStore(t, 0)
	key := parseKey(t, "a/b")
	s3ID, err := store.Create(t.Context(), presign.Upload{Key: key, ContentType: "text/plain"}, uploads.AnyChecksum)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := server.Client(writer).UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String("media"), Key: aws.String("a/b"), UploadId: aws.String(s3ID), PartNumber: aws.Int32(1), Body: strings.NewReader("hello"),
	})
	if err != nil {
		t.Fatal(err)
	}
	upload := uploads.Upload{Key: key.String(), S3ID: s3ID}
	for name, test := range map[string]struct {
		part uploads.Part
		size int64
	}{
		"another part's tag": {uploads.Part{Number: 1, ETag: `"d41d8cd98f00b204e9800998ecf8427e"`}, 5},
		"a part not there":   {uploads.Part{Number: 2, ETag: aws.ToString(sent.ETag)}, 5},
		"another size":       {uploads.Part{Number: 1, ETag: aws.ToString(sent.ETag)}, 6},
	} {
		if _, err := store.Complete(t.Context(), upload, []uploads.Part{test.part}, test.size); !errors.Is(err, uploads.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := store.Complete(t.Context(), upload, []uploads.Part{{Number: 1, ETag: aws.ToString(sent.ETag)}}, 5); err != nil {
		t.Error(err)
	}
}

func TestTheKeyThatEncryptsIsNamedWhereverAnObjectIsMade(t *testing.T) {
	var named []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") == "the-key" {
			named = append(named, r.Method+" "+r.URL.Path)
		}
		switch r.Method {
		case http.MethodHead:
			w.Header().Set("Content-Type", "text/plain")
		case http.MethodPost:
			_, _ = w.Write([]byte(`<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>`))
		}
	}))
	defer web.Close()
	store := uploads.NewStore(uploads.Config{
		Bucket: "media", Region: "us-east-1", Endpoint: web.URL, PathStyle: true, KMSKeyID: "the-key",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	if _, err := store.Create(t.Context(), presign.Upload{Key: parseKey(t, "a"), ContentType: "text/plain"}, uploads.AnyChecksum); err != nil {
		t.Fatal(err)
	}
	object, err := store.Inspect(t.Context(), parseKey(t, "quarantine/x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Promote(t.Context(), object, parseKey(t, "b"), nil, true); err != nil {
		t.Fatal(err)
	}
	if want := []string{"POST /media/a", "PUT /media/b"}; !slices.Equal(named, want) {
		t.Errorf("named in %v, want %v", named, want)
	}
}

func TestAServerThatIsDownIsUnavailable(t *testing.T) {
	store, server := newStore(t, 0)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Parts(t.Context(), parseKey(t, "a"), "x"); !errors.Is(err, uploads.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
