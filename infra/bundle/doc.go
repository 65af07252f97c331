// Package bundle builds Go programs as the code of Lambda functions, or as
// images of containers: on the machine that synthesizes, without Docker, and
// the same bytes wherever that is, so that they are only deployed again when
// the program or its files have changed. It makes no functions and no tasks.
//
// A program is built when the stack that it belongs to is: cdk ls, and an app
// whose context says bundling-stacks without it, build nothing.
package bundle
