package edge

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
	"github.com/signgate/signgate/pkg/signedurl"
)

// Behavior is one cache behaviour of a distribution. It is a plain value, so
// that it can come from wherever the distribution is described.
type Behavior struct {
	PathPattern string   `json:"pathPattern"`        // "*" and "?" as in CloudFront, compared with the path, case counts
	KeyGroup    []string `json:"keyGroup,omitempty"` // ids of the trusted keys
	Unsigned    bool     `json:"unsigned,omitempty"` // true: anybody may read. Without it, KeyGroup may not be empty
	Methods     []string `json:"methods"`            // of GET, HEAD, OPTIONS
	CacheKey    []string `json:"cacheKey,omitempty"` // query parameters that tell answers apart and reach the origin; no other does
	Compress    bool     `json:"compress,omitempty"` // gzip and Brotli for text
	Lifetime    Lifetime `json:"lifetime"`           // of cached answers
	CORS        *CORS    `json:"cors,omitempty"`     // nil leaves the origin's own
	Headers     []Header `json:"headers,omitempty"`  // set on every answer of the origin
}

// Lifetime is how long answers are cached, as in a CloudFront cache policy.
type Lifetime struct {
	Min     time.Duration `json:"min"`     // even where the origin says no-store
	Default time.Duration `json:"default"` // where the origin says nothing
	Max     time.Duration `json:"max"`
}

// CORS is the part of a response headers policy that lets pages read.
type CORS struct {
	AllowOrigins     []string      `json:"allowOrigins"` // "*" for any
	AllowHeaders     []string      `json:"allowHeaders,omitempty"`
	ExposeHeaders    []string      `json:"exposeHeaders,omitempty"`
	AllowCredentials bool          `json:"allowCredentials,omitempty"` // not with "*"
	MaxAge           time.Duration `json:"maxAge,omitempty"`
}

// Header is one response header.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ReadBehavior is the behaviour that signgate's distributions read by: signed
// by one of the keys, told apart by the overrides, nothing sniffed. Pages of
// the given origins may read with their cookies; without any, every page may
// read by URL. Browsers don't let both be had at once.
func ReadBehavior(keyIDs []string, lifetime Lifetime, origins ...string) Behavior {
	credentials := len(origins) > 0
	if !credentials {
		origins = []string{"*"}
	}
	return Behavior{
		PathPattern: "*", KeyGroup: keyIDs, Methods: []string{http.MethodGet, http.MethodHead, http.MethodOptions},
		CacheKey: overrides.Names(), Compress: true, Lifetime: lifetime,
		CORS: &CORS{
			AllowOrigins: origins, AllowCredentials: credentials, AllowHeaders: []string{"Range"}, MaxAge: 10 * time.Minute,
			ExposeHeaders: []string{"ETag", "Content-Disposition", "Content-Length", "Content-Range"},
		},
		Headers: []Header{{"X-Content-Type-Options", "nosniff"}},
	}
}

// Validate says what a behaviour can't mean. One that is neither signed nor said
// to be unsigned is a mistake that would open a bucket.
func (b Behavior) Validate() error {
	switch {
	case b.PathPattern == "":
		return errors.New("a behaviour has no path pattern")
	case b.Unsigned == (len(b.KeyGroup) > 0):
		return fmt.Errorf("the behaviour %s must either have a key group or be unsigned", b.PathPattern)
	case len(b.Methods) == 0:
		return fmt.Errorf("the behaviour %s allows no method", b.PathPattern)
	case b.CORS != nil && b.CORS.AllowCredentials && slices.Contains(b.CORS.AllowOrigins, "*"):
		return fmt.Errorf("the behaviour %s lets any page send credentials", b.PathPattern)
	case b.Lifetime.Min < 0 || b.Lifetime.Max < b.Lifetime.Min || b.Lifetime.Default < 0:
		return fmt.Errorf("the lifetimes of the behaviour %s make no sense", b.PathPattern)
	}
	for _, method := range b.Methods {
		// A signed URL names no method, so none may change anything.
		if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, method) {
			return fmt.Errorf("the behaviour %s allows %s", b.PathPattern, method)
		}
	}
	return nil
}

// errAmbiguous is for a path whose encoding decides which behaviour it meets.
var errAmbiguous = errors.New("the path meets another behaviour when it is decoded")

// choose finds the first behaviour whose pattern matches the path. AWS says
// that paths are normalized before, and not how; so a path that would meet
// another behaviour once decoded meets none.
func choose[B interface{ pattern() string }](behaviors []B, path string) (B, error) {
	raw := first(behaviors, path)
	key, err := objectkey.FromPath(path)
	if err == nil && first(behaviors, "/"+key.String()) != raw {
		var none B
		return none, errAmbiguous
	}
	return behaviors[raw], nil
}

// first returns the place of the first match; the last behaviour matches all.
func first[B interface{ pattern() string }](behaviors []B, path string) int {
	for i, behavior := range behaviors {
		if matchPath(behavior.pattern(), path) {
			return i
		}
	}
	return len(behaviors) - 1
}

// matchPath matches as CloudFront does: "*" is any number of characters, "?"
// is one, and a leading slash may be left out.
func matchPath(pattern, path string) bool {
	if pattern == "*" {
		return true
	}
	return signedurl.Wildcards("/"+strings.TrimPrefix(pattern, "/"), path)
}
