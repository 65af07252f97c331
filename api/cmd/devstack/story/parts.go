package story

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/signgate/signgate/pkg/client"
)

const (
	filmKey     = "users/alice/story/film.mp4"
	filmBytes   = 300 << 20
	filmPart    = 16 << 20
	brokenOffAt = 9 // parts that were sent before
	refusedPart = brokenOffAt
)

// repeating is long content with the memory for a little: a block again and
// again.
type repeating struct{ block []byte }

// ReadAt fills p with what stands at the offset.
func (r repeating) ReadAt(p []byte, offset int64) (int, error) {
	for filled := 0; filled < len(p); {
		filled += copy(p[filled:], r.block[(offset+int64(filled))%int64(len(r.block)):])
	}
	return len(p), nil
}

func (t *teller) uploadsInParts() error {
	t.chapter("alice uploads 300 MiB in parts; one is refused, the connection breaks off, and she goes on")
	alice, err := t.as("alice")
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20-7) // so that no two parts are alike
	_, _ = rand.Read(block)
	content := repeating{block}
	begun, err := alice.CreateUpload(t.ctx, client.UploadRequest{
		Key: filmKey, ContentType: "video/mp4", Method: "multipart", ContentLength: new(int64(filmBytes)), PartSize: filmPart, ChecksumAlgorithm: "sha256",
	})
	if err != nil {
		return err
	}
	part := make([]byte, filmPart)
	send := func(number int, announced, sent []byte) (string, error) {
		return t.sendPart(alice, begun, number, announced, sent)
	}
	if err := t.step("parts 1 to 8 go to S3", "200", func() (words string, err error) {
		for number := 1; number < brokenOffAt && err == nil; number++ {
			_, _ = content.ReadAt(part, int64(number-1)*filmPart)
			words, err = send(number, part, part)
		}
		return words, err
	}); err != nil {
		return err
	}
	for _, try := range []struct {
		what, want string
		do         func() (string, error)
	}{
		{"a part with one byte changed on its way", "400 BadDigest", func() (string, error) {
			_, _ = content.ReadAt(part, (refusedPart-1)*filmPart)
			changed := bytes.Clone(part)
			changed[0] ^= 1
			return send(refusedPart, part, changed)
		}},
		{"bob, who has seen the id, asks for her parts", "404 not-found", func() (string, error) {
			bob, err := t.as("bob")
			if err != nil {
				return "", err
			}
			_, err = bob.ListParts(t.ctx, begun.UploadID)
			return told(err)
		}},
		{"what S3 has of it", "8 parts", func() (string, error) {
			parts, err := alice.ListParts(t.ctx, begun.UploadID)
			return fmt.Sprintf("%d parts", len(parts)), err
		}},
		{"the rest is sent, and the whole completed", fmt.Sprintf("%d bytes", filmBytes), func() (string, error) {
			return t.sendRest(alice, begun, content)
		}},
		{"she reads it back through the edge, SHA-256", "200 " + hashOf(content, filmBytes), func() (string, error) { return t.readHash("alice", filmKey) }},
	} {
		if err := t.step(try.what, try.want, try.do); err != nil {
			return err
		}
	}
	return nil
}

// sendPart signs a part for its checksum and sends something.
func (t *teller) sendPart(caller *client.Client, upload client.Upload, number int, announced, sent []byte) (string, error) {
	signed, _, err := caller.SignParts(t.ctx, upload.UploadID, client.PartItem{PartNumber: number, ChecksumSHA256: sumOf(announced)})
	if err != nil {
		return told(err)
	}
	got, err := t.send(signed[0].Method, signed[0].URL, signed[0].Headers, sent)
	return got.String(), err
}

func (t *teller) sendRest(caller *client.Client, upload client.Upload, content repeating) (string, error) {
	for number := brokenOffAt; number <= upload.PartCount; number++ {
		part := make([]byte, min(filmPart, filmBytes-(number-1)*filmPart))
		_, _ = content.ReadAt(part, int64(number-1)*filmPart)
		if words, err := t.sendPart(caller, upload, number, part, part); err != nil || words != "200" {
			return words, err
		}
	}
	object, err := caller.CompleteUpload(t.ctx, upload.UploadID)
	if err != nil {
		return told(err)
	}
	return fmt.Sprintf("%d bytes", object.Size), nil
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// hashOf is the beginning of the digest of long content.
func hashOf(content repeating, length int64) string {
	digest := sha256.New()
	block := make([]byte, 1<<20)
	for offset := int64(0); offset < length; offset += int64(len(block)) {
		_, _ = content.ReadAt(block, offset)
		_, _ = digest.Write(block)
	}
	return hex.EncodeToString(digest.Sum(nil)[:4])
}
