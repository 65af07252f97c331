package problem

import (
	"net/http"
	"strings"
)

// ContentType is the media type of a document (RFC 9457, section 6.1).
const ContentType = "application/problem+json"

// typeBase is where each kind is described, under the heading of its code.
const typeBase = "https://github.com/signgate/signgate/blob/main/PROBLEMS.md#"

// Kind is a kind of problem. Its code never changes its meaning.
type Kind struct {
	Code   string
	Status int
	Title  string
}

// The kinds.
//
//nolint:gochecknoglobals // values that never change, as sentinel errors are
var (
	InvalidRequest   = Kind{"invalid-request", http.StatusUnprocessableEntity, "The request breaks a rule"}
	MalformedRequest = Kind{"malformed-request", http.StatusBadRequest, "The request can't be read"}
	Unauthenticated  = Kind{"unauthenticated", http.StatusUnauthorized, "A valid access token is needed"}
	Denied           = Kind{"denied", http.StatusForbidden, "Not allowed"}
	NotFound         = Kind{"not-found", http.StatusNotFound, "Nothing here, or nothing that you may see"}
	MethodNotAllowed = Kind{"method-not-allowed", http.StatusMethodNotAllowed, "The method is not allowed here"}
	Conflict         = Kind{"conflict", http.StatusConflict, "Something else is there already"}
	TooLarge         = Kind{"too-large", http.StatusRequestEntityTooLarge, "The request is too large"}
	UnsupportedMedia = Kind{"unsupported-media-type", http.StatusUnsupportedMediaType, "The body must be application/json"}
	NotAcceptable    = Kind{"not-acceptable", http.StatusNotAcceptable, "No acceptable form of the answer"}
	Timeout          = Kind{"timeout", http.StatusRequestTimeout, "The request took too long"}
	Internal         = Kind{"internal", http.StatusInternalServerError, "Something went wrong here"}
	Unavailable      = Kind{"unavailable", http.StatusServiceUnavailable, "Not able to answer now"}
)

// Kinds returns every kind, for documentation and for looking one up.
func Kinds() []Kind {
	return []Kind{
		InvalidRequest, MalformedRequest, Unauthenticated, Denied, NotFound, MethodNotAllowed,
		Conflict, TooLarge, UnsupportedMedia, NotAcceptable, Timeout, Internal, Unavailable,
	}
}

// ForStatus returns the kind that stands for an HTTP status: the exact one,
// else InvalidRequest for a client's error and Internal for anything else.
func ForStatus(status int) Kind {
	for _, kind := range Kinds() {
		if kind.Status == status {
			return kind
		}
	}
	if status >= 400 && status < 500 {
		return Kind{Code: InvalidRequest.Code, Status: status, Title: InvalidRequest.Title}
	}
	return Internal
}

// Field points at a part of the request that breaks a rule.
type Field struct {
	Pointer string `json:"pointer" doc:"JSON pointer into the body (RFC 6901), or the name of a parameter or header" example:"/items/0/key"`
	Detail  string `json:"detail" doc:"The rule" example:"object key has a dot segment"`
}

// Document is a problem as it is sent. It is an error, so that handlers can
// return it.
type Document struct { //nolint:errname // a document that travels as an error
	Type      string  `json:"type" format:"uri" doc:"Stable name of the kind of problem, and where it is described"`
	Title     string  `json:"title" doc:"The kind in a few words"`
	Status    int     `json:"status" doc:"HTTP status code"`
	Code      string  `json:"code" doc:"The kind as a short word, the last part of type" example:"invalid-request"`
	Detail    string  `json:"detail,omitempty" doc:"What was wrong this time and what to do about it"`
	RequestID string  `json:"requestId,omitempty" doc:"Give this id when asking for help"`
	Errors    []Field `json:"errors,omitempty" nullable:"false" doc:"The parts of the request that break a rule"`
}

// New makes a document of a kind. detail is shown to the caller.
func New(kind Kind, detail string, fields ...Field) *Document {
	return &Document{
		Type:   typeBase + kind.Code,
		Title:  kind.Title,
		Status: kind.Status,
		Code:   kind.Code,
		Detail: detail,
		Errors: fields,
	}
}

// Error describes the problem in one line.
func (d *Document) Error() string {
	parts := []string{d.Code}
	if d.Detail != "" {
		parts = append(parts, d.Detail)
	}
	for _, field := range d.Errors {
		parts = append(parts, field.Pointer+" "+field.Detail)
	}
	return strings.Join(parts, ": ")
}

// GetStatus returns the HTTP status.
func (d *Document) GetStatus() int { return d.Status }

// ContentType returns the media type of a problem in place of that of plain
// JSON.
func (d *Document) ContentType(string) string { return ContentType }
