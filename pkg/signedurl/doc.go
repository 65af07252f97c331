// Package signedurl makes CloudFront signed URLs and checks them again.
//
// The Signer turns a key of an object into a URL of one distribution, signed
// under a canned policy: one URL, until one time. Callers give keys and never
// hosts or query strings, so nothing that a caller sends can become part of a
// policy. The Verifier is its inverse, after CloudFront's documented rules:
// it works on the raw bytes of the URL as received, because CloudFront
// compares them byte for byte.
//
// Sources: Amazon CloudFront Developer Guide, "Create a signed URL using a
// canned policy" (the exact bytes that are signed, the Base64 alphabet, the
// reserved parameters) and its API's field Hash-Algorithm.
//
// A signed URL names no HTTP method: the distribution's behaviour has to
// limit methods. The package decides nothing about who may have a URL.
package signedurl
