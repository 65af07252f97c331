// Package delivery holds the CDK constructs that hand private objects out: a
// distribution that reads one bucket by signed URL, and what belongs around
// it: a firewall, access logs, and a behaviour that writes.
//
// A distribution is described by the edge.Behavior that the local edge runs
// too, so that what was tried on a laptop is what is deployed. Package
// behaviors reads it back from the synthesized template.
//
// Firewall and AccessLogs take ids and ARNs, for AWS wants them in us-east-1
// wherever the distribution's stack is.
//
// What may read the bucket is said by the bucket's policy and by that of its
// key; this package writes neither. It makes no certificates, and no log
// bucket.
package delivery
