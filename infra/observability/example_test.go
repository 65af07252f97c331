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
