package delivery_test

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/delivery"
	"github.com/signgate/signgate/pkg/edge"
)

// A distribution in front of a bucket, and a firewall for it, both in a stack
// of us-east-1. The key group is an existing one.
func Example() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Media"), &awscdk.StackProps{
		Env: &awscdk.Environment{Account: jsii.String("111122223333"), Region: jsii.String("us-east-1")},
	})
	firewall := delivery.NewFirewall(stack, jsii.String("Firewall"), &delivery.FirewallProps{RatePer5Mins: 2000})
	lifetime := edge.Lifetime{Default: 24 * time.Hour, Max: 365 * 24 * time.Hour}
	distribution := delivery.NewDistribution(stack, jsii.String("Delivery"), &delivery.Props{
		Bucket:   awss3.NewBucket(stack, jsii.String("Pictures"), nil),
		Keys:     awscloudfront.KeyGroup_FromKeyGroupId(stack, jsii.String("Keys"), jsii.String("0a1b2c3d-0000-0000-0000-000000000000")),
		Behavior: edge.ReadBehavior([]string{"K2JCJMDEHXQW5F"}, lifetime, "https://app.example.com"),
		WebACL:   firewall.ARN(),
	})
	awscdk.NewCfnOutput(stack, jsii.String("CDN"), &awscdk.CfnOutputProps{Value: distribution.DomainName()})

	template := assertions.Template_FromStack(stack, nil)
	template.ResourceCountIs(jsii.String("AWS::CloudFront::Distribution"), jsii.Number(1))
	template.ResourceCountIs(jsii.String("AWS::S3::BucketPolicy"), jsii.Number(0))
	fmt.Println("a distribution that reads by signature, behind a firewall")
	// Output: a distribution that reads by signature, behind a firewall
}
