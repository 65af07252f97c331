package e2e_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/client"
)

// verifying is a stack whose documents are verified.
func verifying(t testing.TB) (*stack, *gateway) {
	t.Helper()
	rules := rulesFile(t, `[
		{"prefix":"users/alice/documents/","maxBytes":12000000,"contentTypes":["text/*"],"verify":true},
		{"prefix":"users/alice/fixed/","overwrite":false}
	]`)
	s := startStack(t, "--upload-rules="+rules)
	return s, s.startGateway(t, "--upload-rules="+rules)
}

func TestAVerifiedUploadComesToItsKeyByCompletionOnly(t *testing.T) {
	_, g := verifying(t)
	caller := g.as(t, "alice")
	content := []byte("a document")
	sum := sha256.Sum256(content)
	const key = "users/alice/documents/ä b+c.txt"
	upload := g.requestUpload(t, "alice", client.UploadRequest{
		Key: key, ContentType: "text/plain", ContentLength: new(int64(len(content))),
		ChecksumSHA256: base64.StdEncoding.EncodeToString(sum[:]), Metadata: map[string]string{"album": "7"}, CacheControl: "private",
	})
	if !upload.Verified || upload.Key != key || strings.Contains(upload.URL, "documents") {
		t.Fatalf("%+v", upload)
	}
	_, err := caller.CompleteUpload(t.Context(), upload.UploadID)
	mustRefuse(t, "before anything has arrived", err, http.StatusNotFound)
	if _, err := caller.Send(t.Context(), upload.SignedRequest, strings.NewReader(string(content)), int64(len(content))); err != nil {
		t.Fatal(err)
	}
	address := g.readURL(t, "alice", client.ReadItem{Key: key}).URL
	if got := get(t, address); got.status != http.StatusForbidden {
		t.Errorf("before completion: %d %s", got.status, got.body)
	}
	mustBeNobodys(t, g, upload)

	object, err := caller.CompleteUpload(t.Context(), upload.UploadID)
	if err != nil || object.Size != int64(len(content)) || object.Key != key {
		t.Fatalf("%+v, %v", object, err)
	}
	got := get(t, address)
	if got.status != http.StatusOK || string(got.body) != string(content) || got.header.Get("Content-Type") != "text/plain" ||
		got.header.Get("X-Amz-Meta-Album") != "7" || got.header.Get("Cache-Control") != "private" {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	_, err = caller.CompleteUpload(t.Context(), upload.UploadID)
	mustRefuse(t, "completing it twice", err, http.StatusNotFound)
}

// mustBeNobodys tries what somebody might who knows where the bytes are.
func mustBeNobodys(t *testing.T, g *gateway, upload client.Upload) {
	t.Helper()
	landing := strings.TrimPrefix(strings.SplitN(upload.URL, "?", 2)[0], "http://")
	landing = landing[strings.Index(landing, "/media/")+len("/media/"):]
	if !strings.HasPrefix(landing, "quarantine/") {
		t.Fatalf("the bytes land at %s", landing)
	}
	for _, person := range []string{"alice", "bob"} {
		caller := g.as(t, person)
		_, err := caller.ReadURL(t.Context(), client.ReadItem{Key: landing})
		mustRefuse(t, person+" reads", err, http.StatusNotFound)
		_, err = caller.ReadPrefix(t.Context(), client.PrefixRequest{Prefix: "quarantine/"})
		mustRefuse(t, person+" reads the quarantine", err, http.StatusNotFound)
		_, err = caller.CreateUpload(t.Context(), client.UploadRequest{Key: landing, ContentType: "text/plain", ContentLength: new(int64(1)), Overwrite: true})
		mustRefuse(t, person+" writes", err, http.StatusForbidden)
		_, err = caller.CreateSession(t.Context(), client.SessionRequest{Prefix: "quarantine/"})
		mustRefuse(t, person+" has a session", err, http.StatusForbidden)
		deletions, err := caller.DeleteURLs(t.Context(), client.Item{Key: landing})
		if err != nil || deletions[0].Problem == nil {
			t.Errorf("%s deletes: %v", person, err)
		}
	}
	for _, address := range []string{upload.URL, strings.SplitN(upload.URL, "?", 2)[0]} {
		if got := get(t, address); got.status/100 != 4 {
			t.Errorf("a read with the upload's own URL: %d", got.status)
		}
	}
	if got := send(t, http.MethodPut, upload.URL, upload.Headers, []byte("a document")); got.status != http.StatusPreconditionFailed {
		t.Errorf("the same again: %d %s", got.status, got.body)
	}
}

func TestWhatIsNotAsAnnouncedNeverComesToItsKey(t *testing.T) {
	_, g := verifying(t)
	caller := g.as(t, "alice")
	const key = "users/alice/documents/wrong.txt"
	form := g.requestUpload(t, "alice", client.UploadRequest{Key: key, ContentType: "text/plain", Method: "form", MaxLength: new(int64(100))})
	if _, err := caller.SendForm(t.Context(), form, strings.NewReader("hello"), 5); err != nil {
		t.Fatal(err)
	}
	if object, err := caller.CompleteUpload(t.Context(), form.UploadID); err != nil || object.Size != 5 {
		t.Errorf("a form: %+v, %v", object, err)
	}
	second := g.requestUpload(t, "alice", client.UploadRequest{Key: key, ContentType: "text/plain", ContentLength: new(int64(5))})
	if _, err := caller.Send(t.Context(), second.SignedRequest, strings.NewReader("again"), 5); err != nil {
		t.Fatal(err)
	}
	_, err := caller.CompleteUpload(t.Context(), second.UploadID)
	mustRefuse(t, "where there is one already", err, http.StatusConflict)
	g.mustRead(t, "alice", key, []byte("hello"))
	if err := caller.AbortUpload(t.Context(), second.UploadID); err != nil {
		t.Error(err)
	}
	_, err = caller.CompleteUpload(t.Context(), second.UploadID)
	mustRefuse(t, "after it was given up", err, http.StatusNotFound)

	third := g.requestUpload(t, "alice", client.UploadRequest{Key: key, ContentType: "text/plain", ContentLength: new(int64(5)), Overwrite: true})
	if _, err := caller.Send(t.Context(), third.SignedRequest, strings.NewReader("newer"), 5); err != nil {
		t.Fatal(err)
	}
	if _, err := caller.CompleteUpload(t.Context(), third.UploadID); err != nil {
		t.Error(err)
	}
	g.mustRead(t, "alice", key, []byte("newer"))
}

func TestAVerifiedUploadInPartsComesToItsKey(t *testing.T) {
	_, g := verifying(t)
	content := random(partBytes + 100)
	const key = "users/alice/documents/large.txt"
	upload := g.begin(t, "alice", client.UploadRequest{Key: key, ContentType: "text/plain", ContentLength: new(int64(len(content))), PartSize: partBytes})
	for n, part := range [][]byte{content[:partBytes], content[partBytes:]} {
		if got := g.sendPart(t, "alice", upload, client.PartItem{PartNumber: n + 1}, part); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	if _, err := g.as(t, "alice").CompleteUpload(t.Context(), upload.UploadID); err != nil {
		t.Fatal(err)
	}
	g.mustRead(t, "alice", key, content)
}

func TestTheRulesOfAPrefixHold(t *testing.T) {
	_, g := verifying(t)
	caller := g.as(t, "alice")
	for name, request := range map[string]client.UploadRequest{
		"too large":              {Key: "users/alice/documents/a", ContentType: "text/plain", ContentLength: new(int64(12000001))},
		"too large for its form": {Key: "users/alice/documents/a", ContentType: "text/plain", Method: "form", MaxLength: new(int64(12000001))},
		"too large in parts":     {Key: "users/alice/documents/a", ContentType: "text/plain", Method: "multipart", ContentLength: new(int64(12000001))},
		"another type":           {Key: "users/alice/documents/a", ContentType: "image/png", ContentLength: new(int64(1))},
		"overwriting":            {Key: "users/alice/fixed/a", ContentType: "text/plain", ContentLength: new(int64(1)), Overwrite: true},
	} {
		_, err := caller.CreateUpload(t.Context(), request)
		mustRefuse(t, name, err, http.StatusUnprocessableEntity)
	}
	_, err := caller.Sign(t.Context(), client.SignRequest{Method: http.MethodPut, Key: "users/alice/documents/a.txt", ContentType: "text/plain"})
	mustRefuse(t, "a file in one piece that nobody would complete", err, http.StatusUnprocessableEntity)
	open := g.begin(t, "alice", client.UploadRequest{Key: "users/alice/documents/open.txt", ContentType: "text/plain"})
	for n := range 3 { // 15 MiB, where 12 MB are allowed, and nobody knew
		if got := g.sendPart(t, "alice", open, client.PartItem{PartNumber: n + 1}, random(partBytes)); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	_, err = caller.CompleteUpload(t.Context(), open.UploadID)
	mustRefuse(t, "more than the rule allows", err, http.StatusUnprocessableEntity)
	_, err = caller.ListParts(t.Context(), open.UploadID)
	mustRefuse(t, "its parts, which are gone", err, http.StatusNotFound)
}
