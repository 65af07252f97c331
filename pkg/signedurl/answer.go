package signedurl

import "strings"

// Answerer says who gave an error answer, and what that means.
type Answerer struct {
	Who    string `json:"who" enum:"cloudfront,s3,unknown" doc:"Who answered"`
	Advice string `json:"advice" doc:"What that means"`
}

// WhoAnswered tells CloudFront's refusals from S3's by their bodies:
// CloudFront writes "Access denied" and no request id, S3 "Access Denied"
// with RequestId and HostId. Where S3 answers, the signature has passed.
func WhoAnswered(body string) Answerer {
	has := func(text string) bool { return strings.Contains(body, text) }
	switch {
	case !has("<Error>"):
		return Answerer{"unknown", "This is no error of CloudFront's key group nor of S3's; look at what stands between."}
	case has("<RequestId>") || has("<HostId>") || has("<Message>Access Denied</Message>"):
		return Answerer{"s3", "The signature passed: S3 refuses the distribution. The object or version isn't there, or the bucket policy, the KMS key's policy or Origin Access Control is at fault."}
	case has("<Message>Access denied</Message>"), has("<Code>MissingKey</Code>"), has("<Code>InvalidKey</Code>"),
		has("<Code>MalformedPolicy</Code>"), has("<Code>MalformedSignature</Code>"):
		return Answerer{"cloudfront", "CloudFront's key group refuses; the checks say why."}
	}
	return Answerer{"s3", "The signature passed: this is an error of S3's."}
}
