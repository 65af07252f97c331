// Package problem holds the error documents of the HTTP interface: RFC 9457,
// application/problem+json, with a stable type for each kind.
//
// It knows the kinds and their form, not their causes: which error of which
// package becomes which kind is decided in one table of the server.
package problem
