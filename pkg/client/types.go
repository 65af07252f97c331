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
	Key                string            `json:"key"`
	ContentType        string            `json:"contentType"`
	Method             string            `json:"method,omitempty"`            // "put" (default), "form" or "multipart"
	ContentLength      *int64            `json:"contentLength,omitempty"`     // exact
	MinLength          int64             `json:"minLength,omitempty"`         // of a form
	MaxLength          *int64            `json:"maxLength,omitempty"`         // of a form
	PartSize           int64             `json:"partSize,omitempty"`          // of parts; 0 for the gateway's choice
	ChecksumAlgorithm  string            `json:"checksumAlgorithm,omitempty"` // of parts: "sha256" or "crc64nvme"
	ChecksumSHA256     string            `json:"checksumSha256,omitempty"`    // Base64, of a PUT or a form
	ChecksumCRC64NVME  string            `json:"checksumCrc64nvme,omitempty"` // Base64, of a PUT or all parts together
	ContentDisposition string            `json:"contentDisposition,omitempty"`
	CacheControl       string            `json:"cacheControl,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
	Tags               map[string]string `json:"tags,omitempty"`
	Overwrite          bool              `json:"overwrite,omitempty"`
	ExpiresIn          *int64            `json:"expiresIn,omitempty"` // seconds
}

// SignedRequest is a request to S3 that Send carries out.
type SignedRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// Upload is an upload that has begun. Send carries out one by PUT, SendForm one
// by a form, SendParts one in parts.
type Upload struct {
	SignedRequest
	ID        string            `json:"id"`
	UploadID  string            `json:"uploadId"` // for the steps that follow
	Key       string            `json:"key"`
	Fields    map[string]string `json:"fields,omitempty"`
	PartSize  int64             `json:"partSize,omitempty"`
	PartCount int               `json:"partCount,omitempty"`
	Verified  bool              `json:"verified,omitempty"` // comes to its key by CompleteUpload only
	ExpiresAt time.Time         `json:"expiresAt"`
}

// PartItem asks for the request that carries one part.
type PartItem struct {
	PartNumber        int    `json:"partNumber"`
	ContentLength     int64  `json:"contentLength,omitempty"`
	ChecksumSHA256    string `json:"checksumSha256,omitempty"`
	ChecksumCRC64NVME string `json:"checksumCrc64nvme,omitempty"`
}

// SignedPart is the request that carries one part.
type SignedPart struct {
	SignedRequest
	PartNumber int `json:"partNumber"`
}

// UploadedPart is a part that S3 has.
type UploadedPart struct {
	PartNumber int    `json:"partNumber"`
	ETag       string `json:"etag"`
	Size       int64  `json:"size,omitempty"`
}

// UploadedObject is an object that has come to its key.
type UploadedObject struct {
	Key       string `json:"key"`
	ETag      string `json:"etag"`
	Size      int64  `json:"size"`
	VersionID string `json:"versionId,omitempty"`
}

// SessionRequest asks for an address that upload widgets can use.
type SessionRequest struct {
	Prefix       string   `json:"prefix"`
	MaxBytes     int64    `json:"maxBytes,omitempty"`
	ContentTypes []string `json:"contentTypes,omitempty"` // such as "image/*"
	ExpiresIn    *int64   `json:"expiresIn,omitempty"`    // seconds
	WithToken    bool     `json:"withToken,omitempty"`    // works only together with the person's token
}

// Session is an address below which upload widgets find what they need.
type Session struct {
	ID           string    `json:"id"`
	URL          string    `json:"url"`
	Prefix       string    `json:"prefix"`
	MaxBytes     int64     `json:"maxBytes"`
	ContentTypes []string  `json:"contentTypes,omitempty"`
	ExpiresAt    time.Time `json:"expiresAt"`
}

// CredentialsRequest asks for AWS credentials that upload below a prefix.
type CredentialsRequest struct {
	Prefix    string `json:"prefix"`
	ExpiresIn *int64 `json:"expiresIn,omitempty"` // seconds, from 900, the default, to 3600
}

// UploadCredentials are AWS credentials for an SDK. They upload below the
// prefix and do nothing else.
type UploadCredentials struct {
	ID              string    `json:"id"`
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	ExpiresAt       time.Time `json:"expiresAt"`
	Bucket          string    `json:"bucket"`
	Region          string    `json:"region"`
	Prefix          string    `json:"prefix"`
}

// SignRequest is the argument of Uppy's signRequest.
type SignRequest struct {
	Method      string `json:"method"`
	Key         string `json:"key"`
	UploadID    string `json:"uploadId,omitempty"`
	PartNumber  int    `json:"partNumber,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	ExpiresIn   *int64 `json:"expiresIn,omitempty"` // seconds
}

// SignedCall is the answer to it.
type SignedCall struct {
	URL     string            `json:"url"`
	Key     string            `json:"key,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Fields  map[string]string `json:"fields,omitempty"`
}

// Grantee is whom something is shared with.
type Grantee struct {
	Kind string `json:"kind"`           // "person", "group", "everyone" or "link"
	Name string `json:"name,omitempty"` // of a person or a group
}

// GrantRequest shares an object, or everything below a prefix.
type GrantRequest struct {
	Resource  string   `json:"resource"` // a key, or a prefix with its closing slash
	Grantee   Grantee  `json:"grantee"`
	Actions   []string `json:"actions"`             // "read", "write" or both
	ExpiresIn *int64   `json:"expiresIn,omitempty"` // seconds; nil for never
	MaxUses   int      `json:"maxUses,omitempty"`   // of reading; 0 for any number
}

// Grant is something shared.
type Grant struct {
	ID        string     `json:"id"`
	Resource  string     `json:"resource"`
	Grantee   Grantee    `json:"grantee"`
	Actions   []string   `json:"actions"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	MaxUses   int        `json:"maxUses,omitempty"`
	Uses      int        `json:"uses,omitempty"`
	CreatedBy string     `json:"createdBy"`
	CreatedAt time.Time  `json:"createdAt"`
	Link      string     `json:"link,omitempty"` // secret of a link, in the answer to CreateGrant only
}

// GrantPage is part of a list of shares.
type GrantPage struct {
	Items      []Grant `json:"items"`
	NextCursor string  `json:"nextCursor,omitempty"` // empty at the end
}

// DecisionRequest asks what the caller may do.
type DecisionRequest struct {
	Action string `json:"action"`
	Key    string `json:"key"`
}

// Decision says what the caller may do, and why.
type Decision struct {
	Allowed  bool     `json:"allowed"`
	Policies []string `json:"policies,omitempty"`
	Grant    string   `json:"grant,omitempty"`
	Hook     string   `json:"hook,omitempty"`    // id of the question that the application answered
	Message  string   `json:"message,omitempty"` // what the application says to people
	Detail   string   `json:"detail"`
}

// ListRequest says what to list.
type ListRequest struct {
	Prefix    string        // with its closing slash
	Folders   bool          // one level only
	URLs      bool          // a signed URL with each object
	Limit     int           // most items on a page; 0 for the gateway's choice
	ExpiresIn time.Duration // life of the URLs; 0 for the gateway's default
	Cursor    string        // NextCursor of the page before
}

// ListedObject is an object that the caller may see.
type ListedObject struct {
	Key        string            `json:"key"`
	Size       int64             `json:"size"`
	ETag       string            `json:"etag"`
	ModifiedAt time.Time         `json:"modifiedAt"`
	ID         string            `json:"id,omitempty"`
	URL        string            `json:"url,omitempty"`
	ExpiresAt  *time.Time        `json:"expiresAt,omitempty"`
	Problem    *problem.Document `json:"problem,omitempty"`
}

// ObjectPage is part of a list.
type ObjectPage struct {
	Items      []ListedObject `json:"items"`
	Folders    []string       `json:"folders,omitempty"`
	NextCursor string         `json:"nextCursor,omitempty"` // empty at the end
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
