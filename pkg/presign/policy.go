package presign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	scopeDay   = "20060102"
	scopeEnd   = "aws4_request"
	amzDate    = "20060102T150405Z"
	expiration = "2006-01-02T15:04:05.000Z"
)

// fields are those that say who signed a form, and when.
func (g grant) fields(region string) map[string]string {
	fields := map[string]string{
		"x-amz-algorithm":  algorithm,
		"x-amz-credential": strings.Join([]string{g.credentials.AccessKeyID, g.now.Format(scopeDay), region, service, scopeEnd}, "/"),
		"x-amz-date":       g.now.Format(amzDate),
	}
	if g.credentials.SessionToken != "" {
		fields["x-amz-security-token"] = g.credentials.SessionToken
	}
	return fields
}

// policy holds every field to its value and the file to a range of lengths
// (Amazon S3 developer guide, "POST Policy"). The bucket is a condition only;
// it isn't a field.
func policy(fields map[string]string, bucket string, minLength, maxLength int64, expires time.Time) ([]byte, error) {
	conditions := append(make([][]any, 0, len(fields)+2),
		[]any{"eq", "$bucket", bucket},
		[]any{"content-length-range", minLength, maxLength})
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		conditions = append(conditions, []any{"eq", "$" + name, fields[name]})
	}
	return json.Marshal(struct {
		Expiration string  `json:"expiration"`
		Conditions [][]any `json:"conditions"`
	}{expires.Format(expiration), conditions})
}

// signPolicy is Signature Version 4 over a policy in Base64 (Amazon S3
// developer guide, "Authenticating Requests in Browser-Based Uploads Using
// POST (AWS Signature Version 4)"). aws/signer/v4 signs requests only and
// keeps its derived key to itself, and the SDK's PresignPostObject can't be
// given a clock.
func signPolicy(encoded, secret, region string, now time.Time) string {
	key := []byte("AWS4" + secret)
	for _, text := range []string{now.Format(scopeDay), region, service, scopeEnd, encoded} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}
