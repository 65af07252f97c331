// Package client calls a gateway: one method for each of its operations, and
// two that carry out what the gateway has signed.
//
// Errors of the gateway are *problem.Document; in a batch each item has its
// own. What is worth repeating is repeated, with growing pauses: an answer
// that says that nothing was done (429, 503), and a broken connection where
// the request only reads. The package knows nothing of how the gateway works;
// a test holds it to the gateway's OpenAPI document.
package client
