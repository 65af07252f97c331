// Package uploads carries an object from the first byte to its key: it starts,
// lists, completes and aborts multipart uploads on S3, checks what has landed,
// moves what passed from quarantine to its key, and knows the rules that hold
// below a prefix.
//
// What an upload is lives in no database but in its id: an Upload, sealed by
// package capability, which says who started it, for which key, under which id
// of S3's and within which bounds. The key of that seal is derived from the
// signing key, so every process with that key knows every upload, and nobody
// else can make or change one. What a sealed id protects against: another
// person's use of it (Subject), another key or S3 upload (both inside), bounds
// that grow (inside too), and use after its time. What it doesn't: the person
// who started an upload may carry it on until then, so permission is asked for
// again at each step by whoever holds the policies.
//
// Nothing here touches the bytes of an object: S3 copies within itself. The
// presigned requests that carry bytes are made by package presign.
package uploads
