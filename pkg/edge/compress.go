package edge

import (
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
)

// CloudFront compresses between these sizes only (Developer Guide, "Serve
// compressed files").
const (
	minCompressed = 1_000
	maxCompressed = 10_000_000
)

// compressedTypes are the content types that it compresses, those that
// matter here.
func compressedTypes() []string {
	return []string{
		"application/javascript", "application/json", "application/wasm", "application/xml", "application/x-javascript",
		"application/vnd.ms-fontobject", "application/x-font-ttf", "application/vnd.apple.mpegurl", "application/x-mpegurl",
		"font/eot", "font/opentype", "font/otf", "font/ttf", "image/svg+xml", "text/css", "text/csv", "text/html", "text/javascript",
		"text/js", "text/plain", "text/richtext", "text/tab-separated-values", "text/xml", "text/x-component",
	}
}

// compressor is a ResponseWriter that compresses what is worth it.
type compressor struct {
	http.ResponseWriter
	encoding string         // that the viewer takes, "" for none
	writer   io.WriteCloser // set once the answer is being compressed
	decided  bool
}

// newCompressor prefers Brotli, as CloudFront does. Pieces of an object are
// never compressed.
func newCompressor(w http.ResponseWriter, r *http.Request) *compressor {
	c := &compressor{ResponseWriter: w}
	if r.Method != http.MethodGet || r.Header.Get("Range") != "" {
		return c
	}
	accepted := acceptable(r.Header.Values("Accept-Encoding"))
	for _, encoding := range []string{"br", "gzip"} {
		if slices.Contains(accepted, encoding) {
			c.encoding = encoding
			break
		}
	}
	return c
}

// acceptable lists the codings whose weight isn't zero, however many zeros
// that is written with, nor nonsense (RFC 9110, section 12.4.2).
func acceptable(headers []string) []string {
	var found []string
	for element := range strings.SplitSeq(strings.ToLower(strings.Join(headers, ",")), ",") {
		coding, parameter, weighted := strings.Cut(element, ";")
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if !weighted || (strings.TrimSpace(name) == "q" && err == nil && weight > 0) {
			found = append(found, strings.TrimSpace(coding))
		}
	}
	return found
}

// WriteHeader decides by the answer's headers.
func (c *compressor) WriteHeader(status int) {
	if !c.decided {
		c.decided = true
		c.begin(status)
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *compressor) begin(status int) {
	header := c.Header()
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	length, lengthErr := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if status != http.StatusOK || err != nil || lengthErr != nil || header.Get("Content-Encoding") != "" ||
		length < minCompressed || length > maxCompressed || !slices.Contains(compressedTypes(), kind) {
		return
	}
	header.Add("Vary", "Accept-Encoding")
	switch c.encoding {
	case "br":
		c.writer = brotli.NewWriter(c.ResponseWriter)
	case "gzip":
		c.writer = gzip.NewWriter(c.ResponseWriter)
	default:
		return
	}
	header.Set("Content-Encoding", c.encoding)
	header.Del("Content-Length")
	header.Del("Accept-Ranges")
	if etag := header.Get("ETag"); strings.HasPrefix(etag, `"`) {
		header.Set("ETag", "W/"+etag) // other bytes, same content
	}
}

// Write compresses if it was decided so.
func (c *compressor) Write(p []byte) (int, error) {
	if !c.decided {
		c.WriteHeader(http.StatusOK)
	}
	if c.writer != nil {
		return c.writer.Write(p)
	}
	return c.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Close writes what is still held.
func (c *compressor) Close() error {
	if c.writer == nil {
		return nil
	}
	return c.writer.Close()
}
