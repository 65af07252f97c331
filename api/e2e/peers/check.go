package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// errUnusable says that nobody could use what a side answers, so that it
// doesn't matter how fast it does.
var errUnusable = errors.New("an answer is of no use")

// amzDate is how S3 writes times.
const amzDate = "20060102T150405Z"

// presignedPut is what both sides answer with.
type presignedPut struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
}

// checkRead looks for as many signed URLs as were asked for.
func checkRead(answer []byte, items int) error {
	var read struct {
		Items []struct {
			URL string `json:"url"`
		} `json:"items"`
	}
	if err := json.Unmarshal(answer, &read); err != nil {
		return err
	}
	if len(read.Items) != items {
		return fmt.Errorf("%w: %d URLs for %d objects", errUnusable, len(read.Items), items)
	}
	for _, item := range read.Items {
		if !strings.HasPrefix(item.URL, cdnURL+"/users/alice/") || !strings.Contains(item.URL, "Signature=") || !strings.Contains(item.URL, "Key-Pair-Id=") {
			return fmt.Errorf("%w: %q", errUnusable, item.URL)
		}
	}
	return nil
}

// checkPut holds a presigned PUT to what both sides are to sign, and its
// signature to the one that AWS's signer for Go comes to.
func checkPut(answer []byte) error {
	var put presignedPut
	if err := json.Unmarshal(answer, &put); err != nil {
		return err
	}
	target, err := url.Parse(put.URL)
	if err != nil {
		return err
	}
	const names = "content-length;content-type;host;if-none-match"
	query := target.Query()
	if put.Method != http.MethodPut || query.Get("X-Amz-SignedHeaders") != names {
		return fmt.Errorf("%w: %s with %q signed", errUnusable, put.Method, query.Get("X-Amz-SignedHeaders"))
	}
	signature := query.Get("X-Amz-Signature")
	query.Del("X-Amz-Signature")
	target.RawQuery = query.Encode()
	right, err := put.sign(target, query.Get("X-Amz-Date"))
	if err != nil {
		return err
	}
	if signature != right {
		return fmt.Errorf("%w: the signature of %s is wrong", errUnusable, put.URL)
	}
	return nil
}

// sign is the signature that AWS's signer for Go comes to at a time.
func (p presignedPut) sign(target *url.URL, date string) (string, error) {
	when, err := time.Parse(amzDate, date)
	if err != nil {
		return "", err
	}
	request := &http.Request{Method: p.Method, URL: target, Host: target.Host, Header: http.Header{}, ContentLength: putBytes}
	for name, value := range p.Headers {
		request.Header.Set(name, value)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	signed, _, err := signer.PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: awsKey, SecretAccessKey: awsKey},
		request, "UNSIGNED-PAYLOAD", "s3", region, when)
	if err != nil {
		return "", err
	}
	target, err = url.Parse(signed)
	if err != nil {
		return "", err
	}
	return target.Query().Get("X-Amz-Signature"), nil
}

// checkForm holds a form to a key, a policy that S3 can read, and the right
// signature of it.
func checkForm(answer []byte) error {
	var form struct {
		Method string            `json:"method"`
		URL    string            `json:"url"`
		Fields map[string]string `json:"fields"`
	}
	if err := json.Unmarshal(answer, &form); err != nil {
		return err
	}
	fields := map[string]string{} // S3 doesn't mind the case of their names, and the sides differ in it
	for name, value := range form.Fields {
		fields[strings.ToLower(name)] = value
	}
	if form.Method != http.MethodPost || !strings.HasPrefix(form.URL, "https://"+bucket+".s3.") || fields["key"] == "" {
		return fmt.Errorf("%w: %s %q for the key %q", errUnusable, form.Method, form.URL, fields["key"])
	}
	document, err := base64.StdEncoding.DecodeString(fields["policy"])
	if err != nil {
		return err
	}
	var policy struct {
		Expiration time.Time         `json:"expiration"`
		Conditions []json.RawMessage `json:"conditions"`
	}
	if err := json.Unmarshal(document, &policy); err != nil {
		return err
	}
	credential := strings.Split(fields["x-amz-credential"], "/")
	if len(policy.Conditions) == 0 || policy.Expiration.IsZero() || len(credential) != 5 {
		return fmt.Errorf("%w: the policy %s of %q", errUnusable, document, credential)
	}
	if signPolicy(credential[1:], fields["policy"]) != fields["x-amz-signature"] {
		return fmt.Errorf("%w: the signature of %s is wrong", errUnusable, document)
	}
	return nil
}

// signPolicy is Signature Version 4 over a policy in Base64, below a scope.
func signPolicy(scope []string, policy string) string {
	key := []byte("AWS4" + awsKey)
	for _, text := range append(slices.Clone(scope), policy) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}
