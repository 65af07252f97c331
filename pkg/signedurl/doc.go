// Package signedurl makes CloudFront signed URLs and checks them again.
//
// The Signer turns a key of an object into a URL of one distribution, or a
// prefix into cookies or a query for everything below it. Callers give keys
// and never hosts or query strings, so nothing that a caller sends can become
// part of a policy. The Verifier is its inverse, after CloudFront's documented
// rules: it works on the raw bytes of the URL as received, because CloudFront
// compares them byte for byte. Explain says of every check how it went.
//
// Sources: Amazon CloudFront Developer Guide, "Create a signed URL using a
// canned policy", "… using a custom policy" and "Set signed cookies using a
// custom policy" (the exact bytes that are signed, how resources match, the
// Base64 alphabet, the reserved parameters) and its API's field
// Hash-Algorithm. Where these don't settle a question, the verifier refuses.
//
// A signed URL names no HTTP method: the distribution's behaviour has to
// limit methods. The package decides nothing about who may have a URL.
package signedurl
