package edge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/signgate/signgate/pkg/objectkey"
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

type keyContext struct{}

func withKey(ctx context.Context, key objectkey.Key) context.Context {
	return context.WithValue(ctx, keyContext{}, key)
}

// toOrigin makes the request for the object: the key's own encoding, no
// query, the few headers that the origin may see.
func toOrigin(r *httputil.ProxyRequest, bucket *url.URL) {
	key, _ := r.In.Context().Value(keyContext{}).(objectkey.Key)
	address := *bucket
	address.Path = bucket.Path + "/" + key.String()
	address.RawPath = bucket.EscapedPath() + key.Path()
	address.RawQuery = ""
	r.Out.URL = &address
	r.Out.Host = bucket.Host
	r.Out.Body, r.Out.ContentLength, r.Out.TransferEncoding = http.NoBody, 0, nil
	r.Out.Header = http.Header{}
	for _, name := range forwarded() {
		if values := r.In.Header.Values(name); len(values) > 0 {
			r.Out.Header[name] = values
		}
	}
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

// fromOrigin turns S3's answer into CloudFront's. The local S3 tells a missing
// object from a forbidden one, which S3 behind Origin Access Control doesn't.
func fromOrigin(response *http.Response) error {
	if response.StatusCode == http.StatusNotFound {
		_ = response.Body.Close()
		body := missingObject.body
		response.StatusCode, response.Status = missingObject.status, ""
		response.Header = http.Header{"Content-Type": {missingObject.contentType}, "Server": {"AmazonS3"}}
		response.ContentLength = int64(len(body))
		response.Header.Set("Content-Length", strconv.Itoa(len(body)))
		response.Body = io.NopCloser(bytes.NewReader([]byte(body)))
	}
	stamp(response.Header, response.StatusCode)
	return nil
}
