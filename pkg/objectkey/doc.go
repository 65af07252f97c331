// Package objectkey says what the key of an object may be and holds the one
// encoder from a key to the path of a URL.
//
// The rules are narrower than S3's on purpose: a key that two parties could
// read differently (a dot segment, an empty segment, a control character)
// is refused before anything is signed for it, and everything outside the
// unreserved characters of RFC 3986 is percent-encoded, "*" and "?" included,
// so that the name of an object can never become a wildcard in a CloudFront
// policy.
//
// The package knows nothing about buckets, permissions or signatures.
package objectkey
