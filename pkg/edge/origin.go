package edge

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Origin is the private bucket behind the edge.
type Origin struct {
	BucketURL   string // the bucket's address, such as http://127.0.0.1:8602/media
	Region      string
	Credentials aws.CredentialsProvider // the edge's own; may read objects and nothing else
}

// forwarded are the headers of a viewer that the origin gets to see. Nothing
// else does: no Authorization, no Cookie.
func forwarded() []string {
	return []string{
		"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
		"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers",
	}
}

// toOrigin makes the request for the object: the key's own encoding, of the
// query what the behaviour names, the few headers that the origin may see.
func toOrigin(r *httputil.ProxyRequest, bucket *url.URL, asked asked) {
	r.Out.URL = asked.address(bucket)
	r.Out.Host = bucket.Host
	r.Out.Body, r.Out.ContentLength, r.Out.TransferEncoding = http.NoBody, 0, nil
	r.Out.Header = http.Header{}
	for _, name := range forwarded() {
		if values := r.In.Header.Values(name); len(values) > 0 {
			r.Out.Header[name] = values
		}
	}
	if tags := r.Out.Header["If-None-Match"]; len(tags) > 0 {
		r.Out.Header["If-None-Match"] = []string{strong(strings.Join(tags, ", "))}
	}
}

// strong makes entity tags strong. A weak one is of an answer that the edge
// has compressed; S3 knows the content by the strong one, and If-None-Match
// asks for the content only (RFC 9110, section 13.1.2).
func strong(tags string) string {
	var result strings.Builder
	quoted := false
	for i := range len(tags) {
		if tags[i] == '"' {
			quoted = !quoted
		}
		if rest := tags[i:]; !quoted && (strings.HasPrefix(rest, `W/"`) || (i > 0 && strings.HasPrefix(tags[i-1:], `W/"`))) {
			continue // the W or its slash
		}
		result.WriteByte(tags[i])
	}
	return result.String()
}

func (a asked) address(bucket *url.URL) *url.URL {
	address := *bucket
	address.Path = bucket.Path + "/" + a.key.String()
	address.RawPath = bucket.EscapedPath() + a.key.Path()
	address.RawQuery = strings.Join(a.parameters, "&")
	return &address
}

// transport signs what goes to the origin as Origin Access Control does:
// Signature Version 4 in the Authorization header, always.
type transport struct {
	bucket      *url.URL
	region      string
	credentials aws.CredentialsProvider
	signer      *v4.Signer
	now         func() time.Time
	next        http.RoundTripper
}

func newTransport(origin Origin, now func() time.Time) (*transport, error) {
	bucket, err := url.Parse(origin.BucketURL)
	if err != nil || bucket.Host == "" || origin.Region == "" || origin.Credentials == nil {
		return nil, errors.New("edge: the origin needs the bucket's address, its region and credentials")
	}
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, fmt.Errorf("edge: unexpected default transport %T", http.DefaultTransport)
	}
	next := base.Clone()
	next.Proxy = nil
	next.DisableCompression = true // bytes pass as they are
	return &transport{
		bucket: bucket, region: origin.Region, credentials: origin.Credentials, now: now, next: next,
		signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }),
	}, nil
}

// RoundTrip signs the request and sends it.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	credentials, err := t.credentials.Retrieve(r.Context())
	if err != nil {
		return nil, fmt.Errorf("credentials of the edge: %w", err)
	}
	empty := sha256.Sum256(nil)
	hash := hex.EncodeToString(empty[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if err := t.signer.SignHTTP(r.Context(), credentials, r, hash, "s3", t.region, t.now()); err != nil {
		return nil, fmt.Errorf("sign for the origin: %w", err)
	}
	return t.next.RoundTrip(r)
}

// fromOrigin turns S3's answer into CloudFront's and keeps it where it may be
// kept. The local S3 tells a missing object from a forbidden one, which S3
// behind Origin Access Control doesn't.
func (e *Edge) fromOrigin(response *http.Response, viewer *http.Request, asked asked) error {
	if response.StatusCode == http.StatusNotFound {
		_ = response.Body.Close()
		body := missingObject.body
		response.StatusCode, response.Status = missingObject.status, ""
		response.Header = http.Header{"Content-Type": {missingObject.contentType}, "Server": {"AmazonS3"}}
		response.ContentLength = int64(len(body))
		response.Header.Set("Content-Length", strconv.Itoa(len(body)))
		response.Body = io.NopCloser(strings.NewReader(body))
	}
	now := e.now()
	life := asked.behavior.Lifetime.lifeOf(response.Header, now)
	if viewer.Method == http.MethodGet && response.StatusCode == http.StatusOK && life > 0 &&
		response.ContentLength >= 0 && response.ContentLength <= maxCachedObject {
		header := response.Header.Clone()
		response.Body = &keeper{ReadCloser: response.Body, want: response.ContentLength, store: func(body []byte) {
			e.cache.put(&entry{key: asked.cacheKey, header: header, body: body, stored: now, life: life})
		}}
	}
	asked.behavior.apply(response.Header, viewer)
	stamp(response.Header, response.StatusCode)
	return nil
}

// fromCache answers with a kept answer, whole, in part or not modified.
func (e *Edge) fromCache(w http.ResponseWriter, r *http.Request, asked asked, known *entry, outcome string) {
	header := w.Header()
	for name, values := range known.header {
		header[name] = slices.Clone(values)
	}
	header.Set("Age", strconv.FormatInt(int64(e.now().Sub(known.stored)/time.Second), 10))
	asked.behavior.apply(header, r)
	stamp(header, http.StatusOK)
	header.Set("X-Cache", outcome)
	modified, _ := http.ParseTime(known.header.Get("Last-Modified"))
	if r.Method == http.MethodGet && r.Header.Get("Range") == "" {
		header.Set("Content-Length", strconv.Itoa(len(known.body))) // so that the compressor knows it
	}
	http.ServeContent(&conditional{ResponseWriter: w, request: r, behavior: asked.behavior}, r, "", modified, bytes.NewReader(known.body))
}

// conditional replaces http.ServeContent's answers to conditions that a kept
// answer doesn't meet by those that S3 would have given.
type conditional struct {
	http.ResponseWriter
	request  *http.Request
	behavior *behavior
	failed   bool
}

// WriteHeader writes the whole answer where a condition failed: nothing of
// the object's own headers is true of it.
func (c *conditional) WriteHeader(status int) {
	var body string
	switch status {
	case http.StatusPreconditionFailed:
		body = preconditionFailed
	case http.StatusRequestedRangeNotSatisfiable:
		body = invalidRange
	default:
		c.ResponseWriter.WriteHeader(status)
		return
	}
	c.failed = true
	header := c.Header()
	for name := range header {
		if name != "Content-Range" && name != http.CanonicalHeaderKey(ReasonHeader) {
			header.Del(name)
		}
	}
	header.Set("Server", "AmazonS3")
	header.Set("Content-Type", missingObject.contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	c.behavior.apply(header, c.request)
	stamp(header, status)
	c.ResponseWriter.WriteHeader(status)
	if c.request.Method != http.MethodHead {
		_, _ = io.WriteString(c.ResponseWriter, body) // a viewer that went away gets nothing
	}
}

// Write writes the object, and drops what http.ServeContent says of a failure.
func (c *conditional) Write(p []byte) (int, error) {
	if c.failed {
		return len(p), nil
	}
	return c.ResponseWriter.Write(p)
}

// refresh asks the origin whether a kept answer still holds.
func (e *Edge) refresh(r *http.Request, asked asked, known *entry) bool {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, asked.address(e.transport.bucket).String(), nil)
	if err != nil {
		return false
	}
	request.Header.Set("If-None-Match", known.header.Get("ETag"))
	response, err := e.transport.RoundTrip(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNotModified {
		return false
	}
	now := e.now()
	e.cache.put(&entry{key: known.key, header: known.header, body: known.body, stored: now, life: asked.behavior.Lifetime.lifeOf(known.header, now)})
	return true
}
