// Package audit records who was given access to what, and who was refused, so
// that nobody can change it later without that being seen.
//
// The rule is mint, audit, respond: a signed request that could not be
// recorded must not leave. Record therefore returns only when the operating
// system has taken the lines, and its error has to stop the answer. Since the
// lines are with the operating system, killing the process loses none.
//
// # The trail
//
// A record is one line of JSON. It never holds a token, a signed URL or its
// signature: the issue id joins it to the CDN's access log instead. Every line
// ends in its place:
//
//	"chain"      the run of the process that wrote it, a random id
//	"seq"        its number in that run, from 1
//	"prev"       Base64 of the SHA-256 of the run's line before, without its newline
//
// Lines that are no records are signed. They have a "kind": start, checkpoint
// (on a schedule, where something was written since) and end, the "keyId" that
// signed, and "signature", Base64, over "signgate audit checkpoint v1\n" and
// all of the line that stands before the signature: SHA-256 under ECDSA on
// P-256 (ASN.1) or RSA (PKCS #1 v1.5). A start's prev is the digest of the
// last line of the run before in the same file, so a run that is taken out
// shows, and what a killed run had not signed any more is covered by the next.
//
// # Half a line
//
// A crash or a full disk can leave half a line. The chain goes on from the
// last line that is whole, and the next line that is written, on a line of its
// own, vouches for what was torn off: "tornBytes" says how many bytes stand
// between the two, but for the last newline, and "torn" is their SHA-256.
// Records of a batch that got in whole before the disk was full stay: they say
// more than what left, never less.
//
// # Sinks
//
// Where there is no file that lasts, a Sink keeps the lines: firehose and
// dynamo beside this package. What concurrent calls record is written together, and
// each call returns when the sink has acknowledged its lines, or couldn't in
// time. Lines follow one another: none is sent before those before it are
// acknowledged, so a crash cuts off an end and leaves no hole. Lines whose fate
// isn't known are sent again, the same, before any other. Every run is a chain of its own
// there and links to none before it: that a whole run was removed shows only
// in what else is kept, such as the object store's own versions. Gather brings
// the lines back into the order of their chains.
//
// # What Verify can't see
//
// Whoever may write to the file can cut off its end; that looks as if the run
// had been killed there, and Verify names every run without an end. Keep the
// digest of the last line elsewhere, or the trail itself where it can't be
// overwritten. Whoever has the signing key can write any trail. The order of
// lines of different runs isn't held, but for where each begins. Two processes
// may append to one file, but half a line of the one then spoils a line of the
// other: give each its own.
package audit
