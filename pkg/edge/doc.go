// Package edge is a CloudFront of one's own for local work and tests: an
// http.Handler that lets through only what carries a valid signature, and
// fetches it from a private S3 bucket with credentials of its own, as a
// distribution with Origin Access Control does. It has cache behaviours in
// order, key groups, a cache, compression and a response headers policy.
//
// Refusals have CloudFront's status, body and headers, byte for byte where
// they are known. Where CloudFront's behaviour is not known the edge refuses.
// The reason goes to the log and to ReasonHeader, never with a signature.
//
// It is not a CDN: it runs on one machine, its cache is a few megabytes of
// memory, and it makes no promise of speed. Nothing in production goes
// through it.
package edge
