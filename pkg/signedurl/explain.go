package signedurl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/signgate/signgate/pkg/objectkey"
)

// Explanation is every check of one request, for the person who has to mend
// it. It never holds the signature.
type Explanation struct {
	Accepted bool          `json:"accepted" doc:"Whether the distribution would accept it"`
	Answer   string        `json:"answer,omitempty" doc:"CloudFront's error code where it is refused"`
	Source   string        `json:"source" doc:"Where the signature is: url, cookies or none" enum:"url,cookies,none"`
	Resource string        `json:"resource" doc:"The URL without CloudFront's parameters, as it is compared"`
	Policy   string        `json:"policy,omitempty" doc:"The policy that was signed, indented"`
	Checks   []CheckResult `json:"checks" nullable:"false" doc:"In the order in which they decide"`
}

// CheckResult is one check.
type CheckResult struct {
	Name   string `json:"name" doc:"Which check"`
	Result string `json:"result" enum:"passed,failed,skipped" doc:"How it went"`
	Found  string `json:"found" doc:"What was found, or why it failed"`
	Advice string `json:"advice,omitempty" doc:"What to do about it"`
}

// Explain runs every check that can run, even after one has failed.
func (v *Verifier) Explain(viewer Viewer) Explanation {
	e := evaluation{verifier: v, viewer: viewer, parts: split(viewer)}
	explanation := Explanation{Accepted: true, Source: e.source(), Resource: Redact(e.parts.resource)}
	for _, check := range checks() {
		found := check.run(&e)
		result := CheckResult{Name: check.name, Result: "passed", Found: found.text}
		switch {
		case found.skipped:
			result.Result = "skipped"
		case !found.ok:
			result.Result, result.Advice = "failed", e.advice(check.name)
		}
		if !found.ok && explanation.Accepted {
			explanation.Accepted, explanation.Answer = false, AnswerCode(check.kind)
		}
		explanation.Checks = append(explanation.Checks, result)
	}
	if e.policyText != nil {
		explanation.Policy = indented(e.policyText)
	}
	return explanation
}

// indented writes a policy for a person: indented, every text in it redacted.
// What isn't JSON isn't shown.
func indented(policy []byte) string {
	decoder := jsontext.NewDecoder(bytes.NewReader(policy))
	var text bytes.Buffer
	encoder := jsontext.NewEncoder(&text, jsontext.WithIndent("  "))
	for {
		token, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			return strings.TrimSpace(text.String())
		}
		if err == nil && token.Kind() == '"' {
			token = jsontext.String(Redact(token.String()))
		}
		if err != nil || encoder.WriteToken(token) != nil {
			return ""
		}
	}
}

// AnswerCode returns the error code that CloudFront gives for a refusal; what
// it doesn't know is denied.
func AnswerCode(refusal error) string {
	switch {
	case errors.Is(refusal, ErrMissingKey):
		return "MissingKey"
	case errors.Is(refusal, ErrUnknownKey):
		return "InvalidKey"
	case errors.Is(refusal, ErrMalformedPolicy):
		return "MalformedPolicy"
	case errors.Is(refusal, ErrMalformedSignature):
		return "MalformedSignature"
	}
	return "AccessDenied"
}

func (e *evaluation) source() string {
	switch {
	case len(e.parts.values) == 0:
		return "none"
	case e.parts.inCookies:
		return "cookies"
	}
	return "url"
}

// advice says what to do about a check that failed.
func (e *evaluation) advice(name string) string {
	switch name {
	case "key-id":
		return e.whyUnsigned() + "Use the URL exactly as it was given, with its whole query; or send the cookies along."
	case "key":
		return "Key-Pair-Id must be the id of a CloudFront public key in the behaviour's key group (K…), neither an IAM access key nor a PEM. A key that was just added takes until the distribution is deployed. The group here has " + strings.Join(slices.Sorted(maps.Keys(e.verifier.keys)), ", ") + "."
	case "policy":
		return "Expires is seconds since 1970; a custom policy is JSON with one statement and DateLessThan, in CloudFront's Base64."
	case "signature-form":
		return "The signature must be Base64 with + = / replaced by - _ ~, and not be cut or wrapped on its way."
	case "parameters":
		return "Something appended parameters to a URL that was signed already; sign the final URL."
	case "hash":
		return "Leave Hash-Algorithm out for SHA-1, or say SHA256."
	case "signature":
		return e.whySignature()
	case "resource":
		return "The policy is for other objects. Compare host, path and query byte for byte: percent-encoding counts."
	case "not-before":
		return "Wait, or ask for a URL that begins earlier. If it should have begun, compare the clocks."
	case "expiry":
		return "Ask for a new URL; if it should still live, compare the clocks."
	case "address":
		return "The URL is for another address: it was asked for elsewhere, or a proxy, a VPN or IPv6 stands between. CloudFront's policies know IPv4 only."
	}
	return ""
}

// whyUnsigned says what became of the parameters where that can be told.
func (e *evaluation) whyUnsigned() string {
	switch received := strings.ToLower(e.viewer.URL); {
	case holds(received, "x-amz-signature"):
		return "This is a presigned request of S3's own (X-Amz-Signature): it belongs to S3, as it is; CloudFront knows nothing of it. "
	case strings.Contains(received, "&amp;"):
		return "The URL was escaped for HTML: each &amp; in it has to be & again. "
	case HoldsSignature(received) && !strings.Contains(received, "?"):
		return "The ? before the query is missing or was percent-encoded (%3F). "
	}
	return ""
}

// whySignature tries the usual mistakes and says which one it was.
func (e *evaluation) whySignature() string {
	hash := Hash(e.parts.values[paramHash])
	other := SHA256
	if hash == SHA256 {
		other = SHA1
	}
	if verify(e.key, other, e.policyText, e.signature) {
		return fmt.Sprintf("It was signed with %s, which the URL doesn't say: %s must name it (nothing means SHA1).", other, paramHash)
	}
	for _, id := range slices.Sorted(maps.Keys(e.verifier.keys)) {
		if verify(e.verifier.keys[id], hash, e.policyText, e.signature) {
			return fmt.Sprintf("It was signed with the key %s: %s must name that one.", id, paramKeyID)
		}
	}
	if !e.parts.custom() {
		for _, drifted := range drifts(e.parts.resource) {
			if verify(e.key, hash, cannedPolicy(drifted, e.policy.expires), e.signature) {
				return "It was signed for " + Redact(drifted) + ": something rewrote the URL on its way. Sign the URL in the form in which it is requested."
			}
		}
	}
	return "Something changed after signing (URL, expiry or policy), or another private key signed: compare the public key in the key group with the signer's."
}

// drifts are other ways to write a URL that rewriting it brings about.
func drifts(resource string) []string {
	address, query, hasQuery := strings.Cut(resource, "?")
	protocol, rest, _ := strings.Cut(address, "://")
	host, path, _ := strings.Cut(rest, "/")
	withQuery := func(address string) string {
		if hasQuery {
			return address + "?" + query
		}
		return address
	}
	var others []string
	for _, sent := range []string{path, strings.ReplaceAll(path, "+", "%20")} {
		name, err := url.PathUnescape("/" + sent)
		if err != nil {
			continue
		}
		canonical := strings.ReplaceAll(objectkey.Escape(name), "%2F", "/")
		written := (&url.URL{Path: name}).EscapedPath()
		for _, path := range []string{canonical, written, name, strings.ReplaceAll(canonical, "%20", "+"), strings.ReplaceAll(canonical, "%27", "'")} {
			others = append(others, withQuery(protocol+"://"+host+path))
		}
	}
	if bare, _, hasPort := strings.Cut(host, ":"); hasPort {
		others = append(others, withQuery(protocol+"://"+bare+"/"+path))
	}
	scheme := map[string]string{"http": "https", "https": "http"}[protocol]
	others = append(others, withQuery(scheme+"://"+rest), withQuery(protocol+"://"+strings.ToLower(host)+"/"+path), address)
	return slices.DeleteFunc(others, func(other string) bool { return other == resource })
}
