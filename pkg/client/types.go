package client

import (
	"net/http"
	"time"

	"github.com/signgate/signgate/pkg/problem"
)

// Conditions are what may be asked of a URL or of cookies for reading.
type Conditions struct {
	ExpiresIn *int64     `json:"expiresIn,omitempty"` // life in seconds; nil for the gateway's default
	NotBefore *time.Time `json:"notBefore,omitempty"` // when it begins; nil for at once
	Address   string     `json:"address,omitempty"`   // IPv4 address or range, or "caller"
}

// Seconds is a life for Conditions and others.
func Seconds(life time.Duration) *int64 {
	seconds := int64(life / time.Second)
	return &seconds
}

// ReadItem names one object to read, and how.
type ReadItem struct {
	Key string `json:"key"`
	Conditions
	Stable       bool   `json:"stable,omitempty"`       // the same URL within the gateway's window
	Filename     string `json:"filename,omitempty"`     // to save under
	ContentType  string `json:"contentType,omitempty"`  // to answer with
	CacheControl string `json:"cacheControl,omitempty"` // to answer with
	VersionID    string `json:"versionId,omitempty"`
	From         string `json:"from,omitempty"` // "cdn" (default) or "s3"
}

// ReadURL is a URL for one object, or the problem that keeps it.
type ReadURL struct {
	Key       string            `json:"key"`
	ID        string            `json:"id,omitempty"`
	URL       string            `json:"url,omitempty"`
	ExpiresAt *time.Time        `json:"expiresAt,omitempty"`
	Problem   *problem.Document `json:"problem,omitempty"`
}

// PrefixRequest names a prefix to read below, and how.
type PrefixRequest struct {
	Prefix string `json:"prefix"`
	Conditions
}

// PrefixGrant opens every object below a prefix: ObjectURL makes their URLs.
// Of cookies it has no Query.
type PrefixGrant struct {
	ID        string    `json:"id"`
	Prefix    string    `json:"prefix"`
	URL       string    `json:"url"`
	Query     string    `json:"query,omitempty"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// CookieGrant is a grant and the cookies that it consists of.
type CookieGrant struct {
	PrefixGrant
	Cookies []*http.Cookie `json:"-"`
}

// ExplainRequest is a signed URL that doesn't do what it should.
type ExplainRequest struct {
	URL     string `json:"url"`
	Address string `json:"address,omitempty"` // where it was requested from
	Answer  string `json:"answer,omitempty"`  // the error that came back
}

// Explanation is every check of a URL in the order in which it decides.
type Explanation struct {
	Accepted   bool          `json:"accepted"`
	Answer     string        `json:"answer,omitempty"` // CloudFront's error code
	Source     string        `json:"source"`           // url, cookies or none
	Resource   string        `json:"resource"`
	Policy     string        `json:"policy,omitempty"`
	Checks     []CheckResult `json:"checks"`
	AnsweredBy *Answerer     `json:"answeredBy,omitempty"`
}

// CheckResult is one check.
type CheckResult struct {
	Name   string `json:"name"`
	Result string `json:"result"` // passed, failed or skipped
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

// Answerer says who gave an error answer.
type Answerer struct {
	Who    string `json:"who"` // cloudfront, s3 or unknown
	Advice string `json:"advice"`
}

// UploadRequest describes one object to upload.
type UploadRequest struct {
	Key            string            `json:"key"`
	ContentType    string            `json:"contentType"`
	ContentLength  int64             `json:"contentLength"`            // exact
	ChecksumSHA256 string            `json:"checksumSha256,omitempty"` // Base64
	Metadata       map[string]string `json:"metadata,omitempty"`
	Overwrite      bool              `json:"overwrite,omitempty"`
	ExpiresIn      *int64            `json:"expiresIn,omitempty"` // seconds
}

// SignedRequest is a request to S3 that Send carries out.
type SignedRequest struct {
	ID        string            `json:"id"`
	Key       string            `json:"key"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	ExpiresAt time.Time         `json:"expiresAt"`
}

// Item names one object in a batch.
type Item struct {
	Key       string `json:"key"`
	ExpiresIn *int64 `json:"expiresIn,omitempty"` // seconds
}

// DeleteURL is a request that deletes one object, or the problem that keeps it.
type DeleteURL struct {
	Key       string            `json:"key"`
	ID        string            `json:"id,omitempty"`
	Method    string            `json:"method,omitempty"`
	URL       string            `json:"url,omitempty"`
	ExpiresAt *time.Time        `json:"expiresAt,omitempty"`
	Problem   *problem.Document `json:"problem,omitempty"`
}

// Build says which gateway answers.
type Build struct {
	Version   string `json:"version"`
	Commit    string `json:"commit,omitempty"`
	GoVersion string `json:"goVersion"`
}

// Status is what a probe says.
type Status struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks,omitempty"`
}
