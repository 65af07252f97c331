// Package behaviors reads a distribution back from a synthesized template, as
// the behaviours that the local edge runs. So the edge on a laptop does what
// CloudFront will do, and not what somebody thought that it would.
//
// Whatever it doesn't understand is an error: an edge that leaves out what it
// doesn't know would be of no use here. It knows neither CDK nor AWS.
package behaviors
