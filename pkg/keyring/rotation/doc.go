// Package rotation changes signing keys without a URL failing: a new key is
// added, taken by the distribution, made active, and the old one removed when
// the last URL that it signed has expired. This is the order that the
// CloudFront Developer Guide gives ("Rotating key pairs").
//
// Where a rotation stands is written where the keys are, in their document,
// and nowhere else: what was begun by one process is gone on with by another.
// It changes no gateway: gateways follow the document by themselves.
package rotation
