// Package story tells in the terminal what signgate does, on a running local
// stack: each step says what was expected and what came, and the first
// difference ends it with an error. It is what `make demo` runs.
//
// It talks to the stack over HTTP like any client and knows no secrets of it.
package story
