// Package observability is what tells afterwards what happened, and at once
// when something goes wrong: a bucket for logs, a trail of what was done to
// objects, a stream that delivers audit records, a dashboard, alarms. Each is a
// construct for any Go CDK app.
//
// What an audit record says, who was given a URL and why, is the gateway's
// matter (signgate audit); together with the access logs that says who used it.
//
// # Two regions
//
// CloudFront's metrics are in us-east-1, those of a gateway in its own region,
// and an alarm looks at metrics and tells a topic of its own region only
// (Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms"). NewAlarms
// is of the distribution, NewGatewayAlarms of the gateway, each with a topic of
// its region. Which metrics a gateway has is said by package metrics.
//
// # Three buckets
//
// S3 delivers server access logs only to a bucket whose default encryption is
// SSE-S3 (Amazon S3 User Guide, "Enabling Amazon S3 server access logging").
// NewLogBucket therefore is encrypted with S3's keys; NewTrail keeps a bucket
// of its own, with a key of its own, and so does NewAuditStream, whose files
// Data Firehose writes under a role.
//
// # Whose logs
//
// Nobody but AWS's services writes a log, and nobody deletes or replaces one
// before it expires, save the administrators that the props name. Lifecycle
// rules aren't held up by a bucket's policy (Amazon S3 User Guide, "Setting
// an S3 Lifecycle configuration"). Who reads logs is said by permissions in
// the account, but for the roles that the props refuse, such as the
// gateway's: whoever takes it over doesn't see the trace of it.
package observability
