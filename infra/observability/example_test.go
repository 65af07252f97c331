package observability_test

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/synthtest"
)

func ExampleNewLogBucket() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Media"), nil)
	logs := observability.NewLogBucket(stack, "Logs", &observability.LogBucketProps{
		ExpireDays: 365,
		Guard:      observability.Guard{DenyRoles: []string{"arn:aws:iam::111122223333:role/gateway"}},
	})
	logs.AcceptAccessLogs("arn:aws:s3:::some-bucket", "s3/")
	logs.AcceptCloudFrontLogs()

	for _, resource := range synthtest.Synth(stack).Of("AWS::S3::Bucket") {
		fmt.Println(resource.Get("LifecycleConfiguration", "Rules", 0, "ExpirationInDays"))
	}
	// Output: 365
}

func ExampleNewTrail() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Media"), nil)
	observability.NewTrail(stack, "Trail", &observability.TrailProps{
		Buckets:    []string{"arn:aws:s3:::some-bucket"},
		ExpireDays: 365,
	})

	for _, resource := range synthtest.Synth(stack).Of("AWS::CloudTrail::Trail") {
		fmt.Println(resource.Get("AdvancedEventSelectors", 0, "FieldSelectors", 2, "StartsWith", 0))
	}
	// Output: arn:aws:s3:::some-bucket/
}
