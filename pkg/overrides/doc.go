// Package overrides is what one read may change about S3's answer: the name
// under which a browser saves the object, its content type, how long it may
// be cached, and which version is read. S3 takes these as query parameters
// of a signed request (Amazon S3 API Reference, "GetObject").
//
// There is one encoder, so that what is signed, sent and compared is the same
// text: names as RFC 6266 and RFC 8187 want them, everything percent-encoded
// once, parameters sorted. The package signs nothing.
package overrides
