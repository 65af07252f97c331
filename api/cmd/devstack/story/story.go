package story

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

const (
	pngKey   = "users/alice/story/drawing.png"
	largeKey = "users/alice/story/large.bin"
	onceKey  = "users/alice/story/once.txt"

	largeSize = 64 << 20

	fromCloudFront = "403 AccessDenied"
)

// Tell tells the whole story. The error wraps ErrDifference at the first step
// that doesn't go as expected.
func Tell(ctx context.Context, stack Stack, now func() time.Time, out io.Writer) error {
	t := newTeller(ctx, stack, now, out)
	begin := now()
	for _, chapter := range []func() error{t.uploadsAndReads, t.othersAreRefused, t.forgeriesAreRefused, t.readingInOtherWays, t.uploadsAreHeldToTheirWord, t.uploadsInParts, t.sharing, t.deleting, t.rotating, t.theTrail} {
		if err := chapter(); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(out, "\n%d steps, all as expected, in %s.\n", t.steps, now().Sub(begin).Round(10*time.Millisecond))
	return nil
}

func (t *teller) uploadsAndReads() error {
	t.chapter("alice uploads and reads back, and no byte passes through the gateway")
	var drawing bytes.Buffer
	if err := png.Encode(&drawing, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		return err
	}
	large := make([]byte, largeSize)
	_, _ = rand.Read(large)
	for _, file := range []struct {
		name, key, contentType string
		content                []byte
	}{{"a PNG", pngKey, "image/png", drawing.Bytes()}, {"64 MiB", largeKey, "application/octet-stream", large}} {
		if err := t.step("alice uploads "+file.name, "200", func() (string, error) {
			return t.put("alice", file.key, file.contentType, file.content)
		}); err != nil {
			return err
		}
		sum := sha256.Sum256(file.content)
		if err := t.step("alice reads it back through the edge, SHA-256", fmt.Sprintf("200 %x", sum[:4]), func() (string, error) {
			return t.readHash("alice", file.key)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (t *teller) put(person, key, contentType string, content []byte) (string, error) {
	request, words, err := t.upload(person, key, contentType, content)
	if err != nil || request.URL == "" {
		return words, err
	}
	got, err := t.send(request.Method, request.URL, request.Headers, content)
	return got.String(), err
}

func (t *teller) readHash(person, key string) (string, error) {
	url, words, err := t.read(person, client.ReadItem{Key: key})
	if err != nil || url == "" {
		return words, err
	}
	got, err := t.send(http.MethodGet, url, nil, nil)
	sum := sha256.Sum256(got.body)
	return fmt.Sprintf("%d %x", got.status, sum[:4]), err
}

func (t *teller) othersAreRefused() error {
	t.chapter("bob can't read, write or delete what is alice's")
	for _, try := range []struct {
		what, want string
		do         func() (string, error)
	}{
		{"bob asks to read alice's drawing", "404 not-found", func() (string, error) {
			_, words, err := t.read("bob", client.ReadItem{Key: pngKey})
			return words, err
		}},
		{"bob asks to write into alice's folder", "403 denied", func() (string, error) {
			_, words, err := t.upload("bob", "users/alice/story/bob.txt", "text/plain", []byte("bob was here"))
			return words, err
		}},
		{"bob asks to delete alice's drawing", "404 not-found", func() (string, error) {
			_, words, err := t.remove("bob", pngKey)
			return words, err
		}},
		{"bob asks through a path that climbs into alice's folder", "422 invalid-request", func() (string, error) {
			_, words, err := t.read("bob", client.ReadItem{Key: "users/bob/../alice/story/drawing.png"})
			return words, err
		}},
		{"somebody without a token asks", "404 not-found", func() (string, error) {
			got, err := t.send(http.MethodGet, t.stack.GatewayURL()+"/v1/read/"+pngKey, nil, nil)
			return got.String(), err
		}},
	} {
		if err := t.step(try.what, try.want, try.do); err != nil {
			return err
		}
	}
	return nil
}

func (t *teller) forgeriesAreRefused() error {
	t.chapter("the edge refuses as CloudFront does, and S3 refuses everybody else")
	url, words, err := t.read("alice", client.ReadItem{Key: pngKey})
	if err != nil || url == "" {
		return fmt.Errorf("%w: alice's URL: %s %w", ErrDifference, words, err)
	}
	forged, err := t.forge()
	if err != nil {
		return err
	}
	path := "/" + pngKey
	for _, try := range []struct{ what, want, url string }{
		{"unsigned", "403 MissingKey", t.stack.EdgeURL() + path},
		{"a key that isn't in the key group", "403 InvalidKey", strings.Replace(url, "Key-Pair-Id=K", "Key-Pair-Id=KX", 1)},
		{"signed by a stranger under our key's id", fromCloudFront, forged},
		{"another object under alice's signature", fromCloudFront, strings.Replace(url, "drawing.png", "large.bin", 1)},
		{"a later expiry under alice's signature", fromCloudFront, t.later(url)},
		{"S3 asked directly, without a signature", "403 AccessDenied", t.stack.S3URL() + "/media" + path},
		{"the URL itself, untouched", "200", url},
	} {
		if err := t.step(try.what, try.want, func() (string, error) {
			got, err := t.send(http.MethodGet, try.url, nil, nil)
			return got.String(), err
		}); err != nil {
			return err
		}
	}
	return t.step("a URL that lives for one second, after it", fromCloudFront, t.waitForExpiry)
}

// later puts a later expiry into a signed URL.
func (t *teller) later(signedURL string) string {
	return regexp.MustCompile(`Expires=\d+`).ReplaceAllString(signedURL, fmt.Sprintf("Expires=%d", t.now().Add(24*time.Hour).Unix()))
}

// forge signs a URL as the gateway would, under the same key id, with a key
// that nobody trusts.
func (t *teller) forge() (string, error) {
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	signer, err := signedurl.NewSigner(t.stack.EdgeURL(), "KLOCALP256ACTIVE", stranger, signedurl.SHA256)
	if err != nil {
		return "", err
	}
	key, err := objectkey.Parse(pngKey)
	if err != nil {
		return "", err
	}
	return signer.Sign(signedurl.Request{Key: key, IssueID: "FORGED", Conditions: signedurl.Conditions{Expires: t.now().Add(time.Hour)}})
}

// waitForExpiry asks again and again until the URL is refused.
func (t *teller) waitForExpiry() (string, error) {
	url, words, err := t.read("alice", client.ReadItem{Key: pngKey, Conditions: client.Conditions{ExpiresIn: client.Seconds(time.Second)}})
	if err != nil || url == "" {
		return words, err
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for deadline := t.now().Add(5 * time.Second); ; <-again.C {
		got, err := t.send(http.MethodGet, url, nil, nil)
		if err != nil || got.status != http.StatusOK || t.now().After(deadline) {
			return got.String(), err
		}
	}
}

func (t *teller) uploadsAreHeldToTheirWord() error {
	t.chapter("S3 takes exactly what was signed")
	content := []byte("exactly these words")
	request, words, err := t.upload("alice", onceKey, "text/plain", content)
	if err != nil || request.URL == "" {
		return fmt.Errorf("%w: alice's upload: %s %w", ErrDifference, words, err)
	}
	otherType := maps.Clone(request.Headers)
	otherType["Content-Type"] = "text/html"
	for _, try := range []struct {
		what, want, url string
		headers         map[string]string
		content         []byte
	}{
		{"other words of the same length", "400 BadDigest", request.URL, request.Headers, []byte("EXACTLY these words")},
		{"more words", "403 SignatureDoesNotMatch", request.URL, request.Headers, append(bytes.Clone(content), " and more"...)},
		{"the words under another type", "403 SignatureDoesNotMatch", request.URL, otherType, content},
		{"the words under another key", "403 SignatureDoesNotMatch", strings.Replace(request.URL, "once.txt", "twice.txt", 1), request.Headers, content},
		{"exactly these words", "200", request.URL, request.Headers, content},
		{"the same request again, where the object now exists", "412 PreconditionFailed", request.URL, request.Headers, content},
	} {
		if err := t.step(try.what, try.want, func() (string, error) {
			got, err := t.send(http.MethodPut, try.url, try.headers, try.content)
			return got.String(), err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (t *teller) deleting() error {
	t.chapter("deleting hides an object and destroys nothing")
	versions := func() (string, error) {
		kept, markers, err := t.stack.Versions(t.ctx, onceKey)
		return fmt.Sprintf("%d version, %d marker", kept, markers), err
	}
	for _, step := range []struct {
		what, want string
		do         func() (string, error)
	}{
		{"S3 keeps", "1 version, 0 marker", versions},
		{"alice deletes her file", "204", func() (string, error) {
			request, words, err := t.remove("alice", onceKey)
			if err != nil || request.URL == "" {
				return words, err
			}
			got, err := t.send(request.Method, request.URL, nil, nil)
			return got.String(), err
		}},
		{"reading it looks as if it had never been", fromCloudFront, func() (string, error) {
			url, words, err := t.read("alice", client.ReadItem{Key: onceKey})
			if err != nil || url == "" {
				return words, err
			}
			got, err := t.send(http.MethodGet, url, nil, nil)
			return got.String(), err
		}},
		{"S3 still keeps", "1 version, 1 marker", versions},
	} {
		if err := t.step(step.what, step.want, step.do); err != nil {
			return err
		}
	}
	return nil
}
