package e2e_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc64"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/problem"
)

const partBytes = 5 << 20 // the smallest part that S3 takes

func random(size int) []byte {
	content := make([]byte, size)
	_, _ = rand.Read(content)
	return content
}

// mustRead wants an object with this content.
func (g *gateway) mustRead(t testing.TB, person, key string, content []byte) {
	t.Helper()
	got := get(t, g.readURL(t, person, client.ReadItem{Key: key}).URL)
	if got.status != http.StatusOK || !bytes.Equal(got.body, content) {
		t.Errorf("%s: %d, %d bytes, want %d", key, got.status, len(got.body), len(content))
	}
}

// mustRefuse wants a problem of this status.
func mustRefuse(t testing.TB, what string, err error, status int) {
	t.Helper()
	if document, ok := errors.AsType[*problem.Document](err); !ok || document.Status != status {
		t.Errorf("%s: %v, want %d", what, err, status)
	}
}

// begin starts an upload in parts.
func (g *gateway) begin(t testing.TB, person string, request client.UploadRequest) client.Upload {
	t.Helper()
	request.Method = "multipart"
	if request.ContentType == "" {
		request.ContentType = "application/octet-stream"
	}
	return g.requestUpload(t, person, request)
}

// sendPart signs one part and sends it.
func (g *gateway) sendPart(t testing.TB, person string, upload client.Upload, item client.PartItem, content []byte) answer {
	t.Helper()
	signed, _, err := g.as(t, person).SignParts(t.Context(), upload.UploadID, item)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, signed[0].Method, signed[0].URL, signed[0].Headers, content)
}

func TestPartsBecomeOneObject(t *testing.T) {
	g := startStack(t).startGateway(t)
	content := random(2*partBytes + 17)
	const key = "users/alice/e2e/parts ü+*.bin"
	upload := g.begin(t, "alice", client.UploadRequest{
		Key: key, ContentLength: new(int64(len(content))), PartSize: partBytes, ContentType: "video/mp4",
		Metadata: map[string]string{"album": "7"}, CacheControl: "private, max-age=60", Tags: map[string]string{"kind": "film"},
	})
	if upload.PartCount != 3 || upload.PartSize != partBytes {
		t.Fatalf("%d parts of %d bytes", upload.PartCount, upload.PartSize)
	}
	caller := g.as(t, "alice")
	for _, n := range []int{3, 1, 2} { // in any order
		part := content[(n-1)*partBytes : min(n*partBytes, len(content))]
		if got := g.sendPart(t, "alice", upload, client.PartItem{PartNumber: n}, part); got.status != http.StatusOK || got.header.Get("ETag") == "" {
			t.Fatalf("part %d: %d %s", n, got.status, got.body)
		}
	}
	parts, err := caller.ListParts(t.Context(), upload.UploadID)
	if err != nil || len(parts) != 3 || parts[2].Size != 17 || parts[0].PartNumber != 1 {
		t.Fatalf("%+v, %v", parts, err)
	}
	object, err := caller.CompleteUpload(t.Context(), upload.UploadID, parts...)
	if err != nil || object.Size != int64(len(content)) || object.Key != key || object.ETag == "" || object.VersionID == "" {
		t.Fatalf("%+v, %v", object, err)
	}
	g.mustRead(t, "alice", key, content)
	kept := get(t, g.readURL(t, "alice", client.ReadItem{Key: key}).URL).header
	if kept.Get("Content-Type") != "video/mp4" || kept.Get("X-Amz-Meta-Album") != "7" || kept.Get("Cache-Control") != "private, max-age=60" {
		t.Errorf("%v", kept)
	}
	_, err = caller.CompleteUpload(t.Context(), upload.UploadID)
	mustRefuse(t, "completing it twice", err, http.StatusNotFound)
}

func TestPartsAreHeldToTheirSizeAndChecksum(t *testing.T) {
	g := startStack(t).startGateway(t)
	content := random(partBytes + 5)
	sum := func(part []byte) string {
		digest := sha256.Sum256(part)
		return base64.StdEncoding.EncodeToString(digest[:])
	}
	upload := g.begin(t, "alice", client.UploadRequest{
		Key: "users/alice/sums.bin", ContentLength: new(int64(len(content))), PartSize: partBytes, ChecksumAlgorithm: "sha256",
	})
	first, last := content[:partBytes], content[partBytes:]
	item := client.PartItem{PartNumber: 2, ChecksumSHA256: sum(last)}
	plain := g.begin(t, "alice", client.UploadRequest{Key: "users/alice/sizes.bin", ContentLength: new(int64(len(content))), PartSize: partBytes})
	open := g.begin(t, "alice", client.UploadRequest{Key: "users/alice/open.bin"})
	for name, wrong := range map[string][]byte{"longer": append([]byte("x"), last...), "shorter": last[1:]} {
		if got := g.sendPart(t, "alice", plain, client.PartItem{PartNumber: 2}, wrong); got.status != http.StatusForbidden {
			t.Errorf("%s than the size that follows from the whole: %d %s", name, got.status, got.body)
		}
		if got := g.sendPart(t, "alice", open, client.PartItem{PartNumber: 2, ContentLength: int64(len(last))}, wrong); got.status != http.StatusForbidden {
			t.Errorf("%s than the size that was named: %d %s", name, got.status, got.body)
		}
	}
	for name, wrong := range map[string][]byte{"a longer part": append([]byte("x"), last...), "a shorter part": last[1:], "another part": []byte("other")} {
		if got := g.sendPart(t, "alice", upload, item, wrong); got.status < 400 {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if got := g.sendPart(t, "alice", upload, item, last); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := g.sendPart(t, "alice", upload, client.PartItem{PartNumber: 1, ChecksumSHA256: sum(first)}, first); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	caller := g.as(t, "alice")
	_, _, err := caller.SignParts(t.Context(), upload.UploadID, client.PartItem{PartNumber: 3})
	mustRefuse(t, "a part beyond the last", err, http.StatusUnprocessableEntity)
	_, _, err = caller.SignParts(t.Context(), upload.UploadID, client.PartItem{PartNumber: 1, ContentLength: partBytes - 1})
	mustRefuse(t, "another size for a part", err, http.StatusUnprocessableEntity)
	if _, err := caller.CompleteUpload(t.Context(), upload.UploadID); err != nil {
		t.Fatal(err)
	}
	g.mustRead(t, "alice", "users/alice/sums.bin", content)
}

func TestTheWholeIsHeldToItsChecksum(t *testing.T) {
	g := startStack(t).startGateway(t)
	content := random(partBytes + 5)
	sum := crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) // CRC-64/NVME, reflected
	_, _ = sum.Write(content)
	whole := base64.StdEncoding.EncodeToString(sum.Sum(nil))
	for name, test := range map[string]struct {
		announced string
		ok        bool
	}{"the right one": {whole, true}, "another": {"AAAAAAAAAAA=", false}} {
		key := "users/alice/whole-" + strings.ReplaceAll(name, " ", "-")
		upload := g.begin(t, "alice", client.UploadRequest{Key: key, ContentLength: new(int64(len(content))), PartSize: partBytes, ChecksumCRC64NVME: test.announced})
		for n, part := range [][]byte{content[:partBytes], content[partBytes:]} {
			if got := g.sendPart(t, "alice", upload, client.PartItem{PartNumber: n + 1}, part); got.status != http.StatusOK {
				t.Fatalf("%s: part %d: %d %s", name, n+1, got.status, got.body)
			}
		}
		_, err := g.as(t, "alice").CompleteUpload(t.Context(), upload.UploadID)
		if test.ok && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !test.ok {
			mustRefuse(t, name, err, http.StatusUnprocessableEntity)
		}
	}
}

func TestAPartURLIsForItsPartUploadAndKeyOnly(t *testing.T) {
	g := startStack(t).startGateway(t)
	content := random(10)
	one := g.begin(t, "alice", client.UploadRequest{Key: "users/alice/one", ContentLength: new(int64(10))})
	other := g.begin(t, "alice", client.UploadRequest{Key: "users/alice/other", ContentLength: new(int64(10))})
	sign := func(upload client.Upload) string {
		signed, _, err := g.as(t, "alice").SignParts(t.Context(), upload.UploadID, client.PartItem{PartNumber: 1})
		if err != nil {
			t.Fatal(err)
		}
		return signed[0].URL
	}
	first, second := sign(one), sign(other)
	foreign := queryOf(t, second).Get("uploadId")
	for name, address := range map[string]string{
		"another part":           withQuery(t, first, "partNumber", "2"),
		"another upload":         withQuery(t, first, "uploadId", foreign),
		"another key":            strings.Replace(first, "/one?", "/other?", 1),
		"another key and upload": withQuery(t, strings.Replace(first, "/one?", "/other?", 1), "uploadId", foreign),
		"no part":                strings.Replace(first, "partNumber=1&", "", 1),
		"a longer life":          withQuery(t, first, "X-Amz-Expires", "86400"),
	} {
		if got := send(t, http.MethodPut, address, nil, content); got.status/100 != 4 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := send(t, http.MethodPost, first, nil, nil); got.status != http.StatusForbidden {
		t.Errorf("another method: %d", got.status)
	}
	if got := send(t, http.MethodPut, first, nil, content); got.status != http.StatusOK {
		t.Errorf("the part itself: %d %s", got.status, got.body)
	}
}

func TestAnUploadBelongsToThePersonWhoBeganIt(t *testing.T) {
	g := startStack(t).startGateway(t)
	upload := g.begin(t, "alice", client.UploadRequest{Key: "users/alice/mine", ContentLength: new(int64(10))})
	ctx, bob := t.Context(), g.as(t, "bob")
	changed := upload.UploadID[:len(upload.UploadID)-1] + map[bool]string{true: "A", false: "Q"}[strings.HasSuffix(upload.UploadID, "Q")]
	for name, caller := range map[string]struct {
		client *client.Client
		id     string
	}{"another person": {bob, upload.UploadID}, "a changed id": {g.as(t, "alice"), changed}} {
		_, _, err := caller.client.SignParts(ctx, caller.id, client.PartItem{PartNumber: 1})
		mustRefuse(t, name+" signs", err, http.StatusNotFound)
		_, err = caller.client.ListParts(ctx, caller.id)
		mustRefuse(t, name+" lists", err, http.StatusNotFound)
		_, err = caller.client.CompleteUpload(ctx, caller.id)
		mustRefuse(t, name+" completes", err, http.StatusNotFound)
		mustRefuse(t, name+" aborts", caller.client.AbortUpload(ctx, caller.id), http.StatusNotFound)
		for _, method := range []string{http.MethodPut, http.MethodGet, http.MethodPost, http.MethodDelete} {
			_, err = caller.client.Sign(ctx, client.SignRequest{Method: method, Key: "users/alice/mine", UploadID: caller.id, PartNumber: 1})
			mustRefuse(t, name+" has "+method+" signed", err, http.StatusNotFound)
		}
	}
	_, err := g.as(t, "alice").Sign(ctx, client.SignRequest{Method: http.MethodPut, Key: "users/alice/other", UploadID: upload.UploadID, PartNumber: 1})
	mustRefuse(t, "another key", err, http.StatusNotFound)
	if got := g.sendPart(t, "alice", upload, client.PartItem{PartNumber: 1}, random(10)); got.status != http.StatusOK {
		t.Errorf("the person herself: %d", got.status)
	}
}

func TestOfTwoWhoCreateAnObjectExactlyOneWins(t *testing.T) {
	g := startStack(t).startGateway(t)
	const racers = 4
	contents := make([][]byte, racers)
	failures := make([]error, racers)
	caller := g.as(t, "alice")
	var racing sync.WaitGroup
	for n := range racers {
		contents[n] = random(20)
		upload := g.begin(t, "alice", client.UploadRequest{Key: "users/alice/race", ContentLength: new(int64(20))})
		if got := g.sendPart(t, "alice", upload, client.PartItem{PartNumber: 1}, contents[n]); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		racing.Go(func() { _, failures[n] = caller.CompleteUpload(t.Context(), upload.UploadID) })
	}
	racing.Wait()
	winner := -1
	for n, err := range failures {
		switch {
		case err != nil:
			mustRefuse(t, "a loser", err, http.StatusConflict)
		case winner >= 0:
			t.Error("two have won")
		default:
			winner = n
		}
	}
	if winner < 0 {
		t.Fatal("nobody has won")
	}
	g.mustRead(t, "alice", "users/alice/race", contents[winner])
}

func TestAFormTakesOnlyWhatItWasSignedFor(t *testing.T) {
	g := startStack(t).startGateway(t)
	caller := g.as(t, "alice")
	const key = "users/alice/form.txt"
	upload := g.requestUpload(t, "alice", client.UploadRequest{
		Key: key, ContentType: "text/plain", Method: "form", MinLength: 3, MaxLength: new(int64(10)), Overwrite: true, Metadata: map[string]string{"album": "7"},
	})
	with := func(changes ...string) client.Upload {
		changed := upload
		changed.Fields = maps.Clone(upload.Fields)
		for i := 0; i < len(changes); i += 2 {
			changed.Fields[changes[i]] = changes[i+1]
		}
		return changed
	}
	without := func(field string) client.Upload {
		changed := with()
		delete(changed.Fields, field)
		return changed
	}
	for name, test := range map[string]struct {
		upload  client.Upload
		content string
		status  int
	}{
		"too small":          {upload, "ab", http.StatusBadRequest},
		"too large":          {upload, "12345678901", http.StatusBadRequest},
		"another type":       {with("Content-Type", "text/html"), "hello", http.StatusForbidden},
		"another key":        {with("key", "users/alice/other.txt"), "hello", http.StatusForbidden},
		"a name of its own":  {with("key", "users/alice/${filename}"), "hello", http.StatusForbidden},
		"other metadata":     {with("x-amz-meta-album", "8"), "hello", http.StatusForbidden},
		"more metadata":      {with("x-amz-meta-owner", "bob"), "hello", http.StatusForbidden},
		"an ACL":             {with("acl", "public-read"), "hello", http.StatusForbidden},
		"a redirect":         {with("success_action_redirect", "https://example.com"), "hello", http.StatusForbidden},
		"without a field":    {without("x-amz-meta-album"), "hello", http.StatusForbidden},
		"without the policy": {without("policy"), "hello", http.StatusForbidden},
	} {
		_, err := caller.SendForm(t.Context(), test.upload, strings.NewReader(test.content), int64(len(test.content)))
		if refused, ok := errors.AsType[*client.RefusedError](err); !ok || refused.Status/100 != 4 {
			t.Errorf("%s: %v, want %d", name, err, test.status)
		}
	}
	if sent, err := caller.SendForm(t.Context(), upload, strings.NewReader("hello"), 5); err != nil || sent.ETag == "" {
		t.Fatalf("the form itself: %+v, %v", sent, err)
	}
	g.mustRead(t, "alice", key, []byte("hello"))
	_, err := caller.CreateUpload(t.Context(), client.UploadRequest{Key: key, ContentType: "text/plain", Method: "form", MaxLength: new(int64(10))})
	mustRefuse(t, "a form that must not overwrite", err, http.StatusUnprocessableEntity)
}

func TestAThousandUploadsOfOnePersonDoNotLetAnothersThrough(t *testing.T) {
	g := startStack(t).startGateway(t)
	alice, bob := g.as(t, "alice"), g.as(t, "bob")
	var together sync.WaitGroup
	slots := make(chan struct{}, 64)
	for n := range 1000 {
		slots <- struct{}{}
		together.Go(func() {
			defer func() { <-slots }()
			key := fmt.Sprintf("users/alice/many/%d", n)
			mine, err := alice.CreateUpload(t.Context(), client.UploadRequest{Key: key, ContentType: "text/plain", ContentLength: new(int64(1))})
			if err != nil || !strings.Contains(mine.URL, fmt.Sprintf("/users/alice/many/%d?", n)) {
				t.Errorf("%s: %v", key, err)
			}
			if n%10 == 0 {
				_, err := bob.CreateUpload(t.Context(), client.UploadRequest{Key: key, ContentType: "text/plain", ContentLength: new(int64(1))})
				mustRefuse(t, "bob at "+key, err, http.StatusForbidden)
			}
		})
	}
	together.Wait()
}

// rulesFile writes rules for uploads.
func rulesFile(t testing.TB, rules string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.json")
	writeFile(t, path, []byte(rules))
	return path
}
