package delivery

import (
	_ "embed"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudfront"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

//go:embed writes.js
var writesSource string

// writesFunction is the edge function for a prefix that Validate lets through,
// which is no JavaScript.
func writesFunction(prefix string) string {
	return strings.Replace(writesSource, "@PREFIX@", prefix, 1)
}

// newWrites allows every method, since CloudFront has no set with PUT and
// DELETE but this one; the function lets two of them through. Nothing is
// cached, and of the viewer's headers S3 sees the type only: no ACL, no
// metadata, no storage class.
func newWrites(scope constructs.Construct, writes *WriteBehavior, origin awscloudfront.IOrigin) *awscloudfront.BehaviorOptions {
	function := awscloudfront.NewFunction(scope, jsii.String("WriteFunction"), &awscloudfront.FunctionProps{
		Code:        awscloudfront.FunctionCode_FromInline(jsii.String(writesFunction(writes.PathPrefix))),
		Runtime:     awscloudfront.FunctionRuntime_JS_2_0(),
		Comment:     jsii.String("Holds a write to what its URL was signed for"),
		AutoPublish: jsii.Bool(true),
	})
	policy := awscloudfront.NewOriginRequestPolicy(scope, jsii.String("WritePolicy"), &awscloudfront.OriginRequestPolicyProps{
		Comment:             jsii.String("Of a write S3 sees its type only"),
		HeaderBehavior:      awscloudfront.OriginRequestHeaderBehavior_AllowList(jsii.String("Content-Type")),
		QueryStringBehavior: awscloudfront.OriginRequestQueryStringBehavior_None(),
		CookieBehavior:      awscloudfront.OriginRequestCookieBehavior_None(),
	})
	return &awscloudfront.BehaviorOptions{
		Origin:               origin,
		ViewerProtocolPolicy: awscloudfront.ViewerProtocolPolicy_HTTPS_ONLY,
		AllowedMethods:       awscloudfront.AllowedMethods_ALLOW_ALL(),
		CachedMethods:        awscloudfront.CachedMethods_CACHE_GET_HEAD(),
		TrustedKeyGroups:     &[]interfacesawscloudfront.IKeyGroupRef{writes.Keys},
		CachePolicy:          awscloudfront.CachePolicy_CACHING_DISABLED(),
		OriginRequestPolicy:  policy,
		Compress:             jsii.Bool(false),
		FunctionAssociations: &[]*awscloudfront.FunctionAssociation{{
			Function: function, EventType: awscloudfront.FunctionEventType_VIEWER_REQUEST,
		}},
	}
}
