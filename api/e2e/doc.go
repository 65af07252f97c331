// Package e2e drives the built binaries from outside: the local stack and
// beside it a gateway of its own, by clients that know nothing of their
// insides. It is for what only shows when everything runs together; what one
// package does alone is tested there.
//
// The tests need Go, OpenSSL, curl and, set up by `make judges`, AWS's own
// signers, the upload clients of browsers and a Chromium to run them in. A
// tool that is missing is a failure that says so.
package e2e
