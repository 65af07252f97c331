package edge

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/signgate/signgate/pkg/signedurl"
)

// refusal is an answer that CloudFront makes itself.
type refusal struct {
	status      int
	code        string // for the log
	contentType string
	body        string
}

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8"?>`
	htmlEnd = "</BODY></HTML>\n"

	// What S3 answers to conditions that fail.
	preconditionFailed = xmlHead + "\n<Error><Code>PreconditionFailed</Code><Message>At least one of the pre-conditions you specified did not hold</Message></Error>"
	invalidRange       = xmlHead + "\n<Error><Code>InvalidRange</Code><Message>The requested range is not satisfiable</Message></Error>"

	html = "<!DOCTYPE HTML><HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY><H1>"
)

// The answers to requests that the key group refuses, as captured from
// CloudFront; and, with bodies of our own, those for which it has a page.
//
//nolint:gochecknoglobals // values that never change
var (
	missingKey         = xmlRefusal("MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
	unknownKey         = xmlRefusal("InvalidKey", "Unknown Key")
	malformedPolicy    = xmlRefusal("MalformedPolicy", "Malformed Policy")
	malformedSignature = xmlRefusal("MalformedSignature", "Could not unencode Signature")
	accessDenied       = xmlRefusal("AccessDenied", "Access denied")

	methodNotAllowed = refusal{http.StatusForbidden, "MethodNotAllowed", "text/html", html + "403 ERROR</H1>The behavior does not allow this method." + htmlEnd}
	// tooLarge is a 413, and the connection ends (Developer Guide, "Request and
	// response behavior for Amazon S3 origins", maximum length of a URL).
	tooLarge          = refusal{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "text/html", html + "413 ERROR</H1>The URL is too long." + htmlEnd}
	originUnreachable = refusal{http.StatusBadGateway, "OriginUnreachable", "text/html", html + "502 ERROR</H1>The origin does not answer." + htmlEnd}

	// missingObject is what S3 answers behind Origin Access Control for an
	// object that isn't there: without s3:ListBucket it doesn't say which.
	// S3 writes "Access Denied" where CloudFront writes "Access denied".
	missingObject = refusal{http.StatusForbidden, "AccessDenied", "application/xml", xmlHead + "\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"}
)

func xmlRefusal(code, message string) refusal {
	return refusal{http.StatusForbidden, code, "text/xml", xmlHead + "<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>"}
}

// bodyFor finds the answer to a refusal of the verifier. Whatever it doesn't
// know is access denied.
func bodyFor(err error) refusal {
	for _, known := range []refusal{missingKey, unknownKey, malformedPolicy, malformedSignature} {
		if known.code == signedurl.AnswerCode(err) {
			return known
		}
	}
	return accessDenied
}

func (r refusal) write(w http.ResponseWriter) {
	header := w.Header()
	stamp(header, r.status)
	header.Set("Server", "CloudFront")
	header.Set("Content-Type", r.contentType)
	header.Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.status)
	_, _ = w.Write([]byte(r.body)) // a viewer that went away gets nothing
}

// stamp adds the headers that CloudFront puts on every answer.
func stamp(header http.Header, status int) {
	outcome := "Miss from cloudfront"
	if status >= http.StatusBadRequest {
		outcome = "Error from cloudfront"
	}
	var id [40]byte // 40 bytes are 56 characters of Base64 ending in "==", as CloudFront has them
	_, _ = rand.Read(id[:])
	header.Set("X-Cache", outcome)
	header.Set("Via", "1.1 "+hex.EncodeToString(id[:16])+".cloudfront.net (CloudFront)")
	header.Set("X-Amz-Cf-Pop", "LOCAL1-P1")
	header.Set("X-Amz-Cf-Id", base64.URLEncoding.EncodeToString(id[:]))
}
