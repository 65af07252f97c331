// Package awskeys reaches signing keys on AWS: a Secret of Secrets Manager,
// which holds a document of keys, and keys in KMS, whose private halves never
// leave it.
//
// Every call is bounded in time. To KMS there are only so many at once, and
// what was signed once isn't signed again: KMS is slow beside a key in memory,
// has a quota for each account and costs by the call (AWS KMS Developer Guide,
// "Request quotas"). Nothing here is logged, and errors hold neither keys nor
// signatures.
package awskeys
