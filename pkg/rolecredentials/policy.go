package rolecredentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/signgate/signgate/pkg/objectkey"
)

// maxPolicyChars is the limit of STS on the text of a session policy (AWS STS
// API Reference, "AssumeRole").
const maxPolicyChars = 2048

// ErrPrefix is wrapped by a PrefixError.
var ErrPrefix = errors.New("no credentials can be held to this prefix")

// PrefixError says why. It never holds the prefix itself.
type PrefixError struct {
	Reason string // for example "is too long for a session policy"
}

// Error describes the reason.
func (e *PrefixError) Error() string { return "prefix " + e.Reason }

// Unwrap returns ErrPrefix.
func (e *PrefixError) Unwrap() error { return ErrPrefix }

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect   string
	Action   []string
	Resource string
}

// sessionPolicy allows uploading below the prefix. In a resource "*" and "?"
// are wildcards and "$" begins a variable (IAM User Guide, "IAM JSON policy
// elements: Resource" and "IAM policy elements: Variables and tags"), so that
// a prefix with one of them would open its neighbours. IAM knows spellings for
// the characters themselves, ${*}, ${?} and ${$}; but what they do can't be
// tried without AWS, and such prefixes are rare, so they are refused.
func sessionPolicy(partition, bucket string, prefix objectkey.Prefix) (string, error) {
	if prefix.IsZero() {
		return "", &PrefixError{Reason: "is missing"}
	}
	if strings.ContainsAny(prefix.String(), "*?$") {
		return "", &PrefixError{Reason: `has a "*", "?" or "$", which mean something else in a policy`}
	}
	text, err := json.Marshal(policy{Version: "2012-10-17", Statement: []statement{{
		Effect:   "Allow",
		Action:   []string{"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"},
		Resource: fmt.Sprintf("arn:%s:s3:::%s/%s*", partition, bucket, prefix),
	}}})
	if err != nil {
		return "", fmt.Errorf("session policy: %w", err)
	}
	written := toASCII(text)
	if len(written) > maxPolicyChars {
		return "", errTooLong()
	}
	return written, nil
}

func errTooLong() error { return &PrefixError{Reason: "is too long for a session policy"} }

// toASCII escapes what JSON doesn't need to have escaped, but STS does: it
// takes no character above U+00FF (AWS STS API Reference, "AssumeRole").
func toASCII(text []byte) string {
	var ascii strings.Builder
	for _, r := range string(text) {
		if r < utf8.RuneSelf {
			ascii.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&ascii, `\u%04x`, unit)
		}
	}
	return ascii.String()
}
