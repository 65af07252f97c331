package policytest

import (
	"maps"
	"strconv"
	"strings"
	"time"
)

// A Request is what AWS decides about: who wants to do what to which resource,
// under which circumstances. Its methods return changed copies.
type Request struct {
	Principal Principal
	Action    string // such as s3:GetObject
	Resource  string // ARN
	endpoint  string // id of the VPC endpoint it comes through
	multipart bool
	keys      contextKeys
}

// contextKeys by their lower-case names: "key names are not case-sensitive".
type contextKeys map[string][]string

func (k contextKeys) get(name string) []string { return k[strings.ToLower(name)] }

// NewRequest is signed with SigV4 in a header, over TLS 1.3 and outside any VPC.
func NewRequest(principal Principal, action, resource string) Request {
	r := Request{Principal: principal, Action: action, Resource: resource}
	for name, value := range principal.keys() {
		r = r.With(name, value)
	}
	r = r.With("aws:SecureTransport", "true")
	if strings.HasPrefix(action, "s3:") {
		r = r.With("s3:TlsVersion", "1.3")
		if !principal.isAnonymous() {
			r = r.With("s3:authType", "REST-HEADER").With("s3:signatureversion", "AWS4-HMAC-SHA256")
		}
	}
	return r
}

// With sets a condition key; one with several values is a multivalued key.
func (r Request) With(key string, values ...string) Request {
	r.keys = maps.Clone(r.keys)
	if r.keys == nil {
		r.keys = contextKeys{}
	}
	r.keys[strings.ToLower(key)] = values
	return r
}

// Without makes a condition key absent.
func (r Request) Without(key string) Request {
	r.keys = maps.Clone(r.keys)
	delete(r.keys, strings.ToLower(key))
	return r
}

// OverHTTP sends it without TLS.
func (r Request) OverHTTP() Request {
	return r.With("aws:SecureTransport", "false").Without("s3:TlsVersion")
}

// Presigned puts the signature into the URL; age is how long ago it was made.
func (r Request) Presigned(age time.Duration) Request {
	return r.With("s3:authType", "REST-QUERY-STRING").With("s3:signatureAge", strconv.FormatInt(age.Milliseconds(), 10))
}

// Through sends it through a VPC endpoint, whose policy then limits it.
func (r Request) Through(endpoint, vpc string) Request {
	r.endpoint = endpoint
	return r.With("aws:SourceVpce", endpoint).With("aws:SourceVpc", vpc).Without("aws:SourceIp")
}

// OnBehalfOf says for which resource a service acts, such as a distribution.
func (r Request) OnBehalfOf(arn, account string) Request {
	return r.With("aws:SourceArn", arn).With("aws:SourceAccount", account)
}

// EncryptedWith asks for SSE-KMS with this key, by the headers of a write.
func (r Request) EncryptedWith(key string) Request {
	return r.With("s3:x-amz-server-side-encryption", "aws:kms").With("s3:x-amz-server-side-encryption-aws-kms-key-id", key)
}

// InParts makes a write one of a multipart upload, for which S3 also decrypts
// ("Uploading and copying objects using multipart upload": kms:Decrypt).
func (r Request) InParts() Request {
	r.multipart = true
	return r
}
