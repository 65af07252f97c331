// Package audit records who was given access to what, and who was refused.
//
// The rule is mint, audit, respond: a signed request that could not be
// recorded must not leave. Record therefore returns only when the operating
// system has taken the lines, and its error has to stop the answer. Since the
// lines are with the operating system, killing the process loses none.
//
// A record is one line of JSON. It never holds a signature, a token or a
// signed URL: the issue id joins it to the CDN's access log instead.
package audit
