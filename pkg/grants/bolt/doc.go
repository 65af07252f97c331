// Package bolt keeps grants in one file, for one process on one machine. A
// change is on disk when it returns, whole or not at all, whenever the process
// or the machine dies; readers never wait for writers.
//
// The file has three buckets. "grants" holds each grant as JSON under its
// resource and its grantee's mark, so that what a decision asks about lies
// close together: the grants on an object and those on the folders above it
// are mostly on one page of the file. "grantees" names the resource by grantee
// and by id, "expiries" the grants by when they may be swept.
package bolt
