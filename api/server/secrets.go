package server

import "github.com/signgate/signgate/pkg/signedurl"

// holdsSignature says whether a key or a prefix that a caller sent is a signed
// URL, or part of one, however it was escaped: it would put a signature into
// the audit trail.
func holdsSignature(text string) bool { return signedurl.HoldsSignature(text) }
