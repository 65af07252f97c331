// Package presign makes S3 requests that somebody without credentials may
// send: a PUT that uploads exactly one described object and a DELETE of one
// key.
//
// Everything S3 can hold a request to is signed as a header: length, content
// type, SHA-256 checksum, metadata and If-None-Match. A checksum is never
// moved into the query, where S3 does not enforce it (aws-sdk-go-v2 issue
// 2610). The signature is AWS's own Signature Version 4 implementation
// (aws/signer/v4); this package decides what goes under it.
//
// A presigned request dies with the credentials that signed it, so its life
// is cut to theirs, and Request.Expires is the truth.
//
// The package doesn't ask who the caller is and never talks to S3.
package presign
