package delivery

import (
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/pkg/edge"
)

// newCachePolicy tells answers apart by exactly the behaviour's parameters.
// They alone reach S3: no sg-id, no cookie, no header.
func newCachePolicy(scope constructs.Construct, b edge.Behavior) awscloudfront.CachePolicy {
	query := awscloudfront.CacheQueryStringBehavior_None()
	if len(b.CacheKey) > 0 {
		query = awscloudfront.CacheQueryStringBehavior_AllowList(pointers(b.CacheKey)...)
	}
	return awscloudfront.NewCachePolicy(scope, jsii.String("CachePolicy"), &awscloudfront.CachePolicyProps{
		Comment: jsii.String("Tells answers apart by response overrides and version"),
		MinTtl:  seconds(b.Lifetime.Min), DefaultTtl: seconds(b.Lifetime.Default), MaxTtl: seconds(b.Lifetime.Max),
		QueryStringBehavior:      query,
		HeaderBehavior:           awscloudfront.CacheHeaderBehavior_None(),
		CookieBehavior:           awscloudfront.CacheCookieBehavior_None(),
		EnableAcceptEncodingGzip: &b.Compress, EnableAcceptEncodingBrotli: &b.Compress,
	})
}

// newPreflightPolicy lets S3 see what a preflight asks, for without these
// headers it answers one with 400. Nil where there are no preflights.
func newPreflightPolicy(scope constructs.Construct, b edge.Behavior) awscloudfront.OriginRequestPolicy {
	if b.CORS == nil || !slices.Contains(b.Methods, http.MethodOptions) {
		return nil
	}
	return awscloudfront.NewOriginRequestPolicy(scope, jsii.String("PreflightPolicy"), &awscloudfront.OriginRequestPolicyProps{
		Comment:             jsii.String("Lets S3 answer preflights"),
		HeaderBehavior:      awscloudfront.OriginRequestHeaderBehavior_AllowList(pointers([]string{"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"})...),
		QueryStringBehavior: awscloudfront.OriginRequestQueryStringBehavior_None(),
		CookieBehavior:      awscloudfront.OriginRequestCookieBehavior_None(),
	})
}

// newHeadersPolicy sets the behaviour's headers in place of S3's. Nil where
// the behaviour sets none.
func newHeadersPolicy(scope constructs.Construct, b edge.Behavior) (awscloudfront.IResponseHeadersPolicy, error) {
	security, custom, err := splitHeaders(b.Headers)
	if err != nil || (b.CORS == nil && len(b.Headers) == 0) {
		return nil, err
	}
	config := &awscloudfront.CfnResponseHeadersPolicy_ResponseHeadersPolicyConfigProperty{
		Name:    uniqueName(scope, "headers"),
		Comment: jsii.String("CORS and security headers of reads"),
	}
	if security != nil {
		config.SecurityHeadersConfig = security
	}
	if len(custom) > 0 {
		config.CustomHeadersConfig = &awscloudfront.CfnResponseHeadersPolicy_CustomHeadersConfigProperty{Items: &custom}
	}
	if b.CORS != nil {
		config.CorsConfig = corsConfig(*b.CORS, b.Methods)
	}
	policy := awscloudfront.NewCfnResponseHeadersPolicy(scope, jsii.String("HeadersPolicy"), &awscloudfront.CfnResponseHeadersPolicyProps{ResponseHeadersPolicyConfig: config})
	return awscloudfront.ResponseHeadersPolicy_FromResponseHeadersPolicyId(scope, jsii.String("HeadersPolicyId"), policy.AttrId()), nil
}

func corsConfig(cors edge.CORS, methods []string) *awscloudfront.CfnResponseHeadersPolicy_CorsConfigProperty {
	config := &awscloudfront.CfnResponseHeadersPolicy_CorsConfigProperty{
		AccessControlAllowCredentials: &cors.AllowCredentials,
		AccessControlAllowHeaders:     &awscloudfront.CfnResponseHeadersPolicy_AccessControlAllowHeadersProperty{Items: new(pointers(cors.AllowHeaders))},
		AccessControlAllowMethods:     &awscloudfront.CfnResponseHeadersPolicy_AccessControlAllowMethodsProperty{Items: new(pointers(methods))},
		AccessControlAllowOrigins:     &awscloudfront.CfnResponseHeadersPolicy_AccessControlAllowOriginsProperty{Items: new(pointers(cors.AllowOrigins))},
		AccessControlMaxAgeSec:        jsii.Number(cors.MaxAge.Seconds()),
		OriginOverride:                jsii.Bool(true),
	}
	if len(cors.ExposeHeaders) > 0 {
		config.AccessControlExposeHeaders = &awscloudfront.CfnResponseHeadersPolicy_AccessControlExposeHeadersProperty{Items: new(pointers(cors.ExposeHeaders))}
	}
	return config
}

// uniqueName is unique in the account, whose names of policies CloudFront
// shares between regions.
func uniqueName(scope constructs.Construct, purpose string) *string {
	name := awscdk.Names_UniqueResourceName(scope, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(64), Separator: jsii.String("-")})
	return jsii.String(*name + "-" + purpose + "-" + *awscdk.Stack_Of(scope).Region())
}

func seconds(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}

// pointers are what jsii takes for strings.
func pointers(values []string) []*string {
	result := make([]*string, len(values))
	for i := range values {
		result[i] = &values[i]
	}
	return result
}
