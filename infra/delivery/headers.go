package delivery

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/pkg/edge"
)

type (
	securityHeaders = awscloudfront.CfnResponseHeadersPolicy_SecurityHeadersConfigProperty
	customHeader    = awscloudfront.CfnResponseHeadersPolicy_CustomHeaderProperty
)

// splitHeaders tells the headers for which CloudFront has settings of their
// own, and which it takes no other way, from the rest. Without any of a kind
// that kind is nil.
func splitHeaders(headers []edge.Header) (*securityHeaders, []any, error) {
	var security securityHeaders
	var custom []any
	seen := map[string]bool{}
	for _, header := range headers {
		name := strings.ToLower(header.Name)
		if seen[name] {
			return nil, nil, fmt.Errorf("%s is there twice", header.Name)
		}
		seen[name] = true
		own, err := setSecurityHeader(&security, name, header.Value)
		if err != nil {
			return nil, nil, err
		}
		if !own {
			custom = append(custom, &customHeader{Header: jsii.String(header.Name), Value: jsii.String(header.Value), Override: jsii.Bool(true)})
		}
	}
	if security == (securityHeaders{}) {
		return nil, custom, nil
	}
	return &security, custom, nil
}

// setSecurityHeader returns false for a header that isn't one of those.
func setSecurityHeader(security *securityHeaders, name, value string) (bool, error) {
	on := jsii.Bool(true)
	switch name {
	case "x-content-type-options":
		if value != "nosniff" {
			return true, fmt.Errorf("X-Content-Type-Options is nosniff, not %q", value)
		}
		security.ContentTypeOptions = &awscloudfront.CfnResponseHeadersPolicy_ContentTypeOptionsProperty{Override: on}
	case "x-frame-options":
		if !slices.Contains([]string{"DENY", "SAMEORIGIN"}, value) {
			return true, fmt.Errorf("X-Frame-Options is DENY or SAMEORIGIN, not %q", value)
		}
		security.FrameOptions = &awscloudfront.CfnResponseHeadersPolicy_FrameOptionsProperty{FrameOption: &value, Override: on}
	case "referrer-policy":
		security.ReferrerPolicy = &awscloudfront.CfnResponseHeadersPolicy_ReferrerPolicyProperty{ReferrerPolicy: &value, Override: on}
	case "content-security-policy":
		security.ContentSecurityPolicy = &awscloudfront.CfnResponseHeadersPolicy_ContentSecurityPolicyProperty{ContentSecurityPolicy: &value, Override: on}
	case "strict-transport-security":
		transport, err := strictTransport(value)
		security.StrictTransportSecurity = transport
		return true, err
	case "x-xss-protection":
		return true, errors.New("X-XSS-Protection has no place here: browsers have dropped it")
	default:
		return false, nil
	}
	return true, nil
}

// strictTransport reads a value in the one form that CloudFront writes.
func strictTransport(value string) (*awscloudfront.CfnResponseHeadersPolicy_StrictTransportSecurityProperty, error) {
	rest, preload := strings.CutSuffix(value, "; preload")
	rest, subdomains := strings.CutSuffix(rest, "; includeSubDomains")
	text, ok := strings.CutPrefix(rest, "max-age=")
	seconds, err := strconv.ParseUint(text, 10, 31)
	if !ok || err != nil {
		return nil, fmt.Errorf("Strict-Transport-Security is such as max-age=31536000; includeSubDomains; preload, not %q", value)
	}
	return &awscloudfront.CfnResponseHeadersPolicy_StrictTransportSecurityProperty{
		AccessControlMaxAgeSec: jsii.Number(float64(seconds)), IncludeSubdomains: &subdomains, Preload: &preload, Override: jsii.Bool(true),
	}, nil
}
