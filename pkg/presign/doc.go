// Package presign makes S3 requests that somebody without credentials may
// send: a PUT that uploads exactly one described object, a form that uploads
// one object within limits, the parts of a multipart upload, and a DELETE of
// one key.
//
// Everything S3 can hold a request to is signed as a header: length, content
// type, checksums, metadata, tags, encryption and If-None-Match. A checksum is
// never moved into the query, where S3 does not enforce it (aws-sdk-go-v2
// issue 2610). The signature is AWS's own Signature Version 4 implementation
// (aws/signer/v4); this package decides what goes under it. That of a form,
// which the implementation doesn't cover, is a chain of HMACs in policy.go.
//
// A form is looser than a PUT: S3's conditional writes know PutObject and
// CompleteMultipartUpload but not forms, so a form may overwrite, and may be
// sent again until it expires. In return it bounds the length from both sides.
//
// A presigned request dies with the credentials that signed it, so its life
// is cut to theirs, and Request.Expires is the truth. Where credentials of a
// session don't say when it ends, it is cut to an assumption: Config.UnknownRest.
//
// The package doesn't ask who the caller is and never talks to S3.
package presign
