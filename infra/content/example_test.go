package content_test

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/content"
)

// A private bucket in an app of one's own, delivered by one's own distribution.
func ExampleNewBucket() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Photos"), nil)
	made := content.NewBucket(stack, jsii.String("Content"), &content.Props{
		Gateway: awsiam.NewRole(stack, jsii.String("Gateway"), &awsiam.RoleProps{
			AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		}),
		LogBucket:        awss3.Bucket_FromBucketName(stack, jsii.String("Logs"), jsii.String("logs-of-example")),
		QuarantinePrefix: "quarantine/",
		MaxPresignAge:    time.Hour,
		Lifecycle:        content.Lifecycle{AbortUploads: 7, QuarantineExpire: 8, OldVersionsExpire: 90},
	})
	oac := awscloudfront.NewS3OriginAccessControl(stack, jsii.String("Access"), nil)
	distribution := awscloudfront.NewDistribution(stack, jsii.String("Distribution"), &awscloudfront.DistributionProps{
		DefaultBehavior: &awscloudfront.BehaviorOptions{
			Origin: awscloudfrontorigins.S3BucketOrigin_WithBucketDefaults(made.Bucket(), &awscloudfront.OriginProps{OriginAccessControlId: oac.OriginAccessControlId()}),
		},
	})
	made.DeliverThrough(*distribution.DistributionArn())

	template := assertions.Template_FromStack(stack, nil) // panics where resources depend on each other in a circle
	template.ResourceCountIs(jsii.String("AWS::KMS::Key"), jsii.Number(1))
	fmt.Println("one bucket, one key, one distribution")
	// Output: one bucket, one key, one distribution
}
