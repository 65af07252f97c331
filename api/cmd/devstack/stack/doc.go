// Package stack puts the local stack together: a real S3, the edge in front
// of it, a demo issuer and the gateway, on this machine and nowhere else.
//
// The gateway is the one that production runs, made from settings by the same
// code. Whatever stands in for AWS has credentials of its own: the gateway's
// may write and delete, the edge's may read, and neither more.
package stack
