// Package bundle builds the code of Lambda functions from Go programs: on the
// machine that synthesizes, without Docker, and the same bytes wherever that
// is, so that a function is only deployed again when its program or its files
// have changed. It makes no functions.
//
// A program is built when the stack that it belongs to is: cdk ls, and an app
// whose context says bundling-stacks without it, build nothing.
package bundle
