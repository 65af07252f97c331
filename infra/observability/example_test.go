package observability_test

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/synthtest"
)

func ExampleNewLogBucket() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Media"), nil)
	logs := observability.NewLogBucket(stack, jsii.String("Logs"), &observability.LogBucketProps{
		ExpireDays: 365,
		Guard:      observability.Guard{DenyRoles: []string{"arn:aws:iam::111122223333:role/gateway"}},
	})
	logs.AcceptAccessLogs("arn:aws:s3:::some-bucket", "s3/")

	for _, resource := range synthtest.Synth(stack).Of("AWS::S3::Bucket") {
		fmt.Println(resource.Get("LifecycleConfiguration", "Rules", 0, "ExpirationInDays"))
	}
	// Output: 365
}

func ExampleNewTrail() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Media"), nil)
	observability.NewTrail(stack, jsii.String("Trail"), &observability.TrailProps{
		Buckets:    []string{"arn:aws:s3:::some-bucket"},
		ExpireDays: 365,
	})

	for _, resource := range synthtest.Synth(stack).Of("AWS::CloudTrail::Trail") {
		fmt.Println(resource.Get("AdvancedEventSelectors", 0, "FieldSelectors", 2, "StartsWith", 0))
	}
	// Output: arn:aws:s3:::some-bucket/
}

func ExampleNewAlarms() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Alarms"), &awscdk.StackProps{
		Env: &awscdk.Environment{Account: jsii.String("111122223333"), Region: jsii.String("us-east-1")},
	})
	topic := observability.NewTopic(stack, jsii.String("Topic"), &observability.TopicProps{Email: "ops@example.com"})
	observability.NewAlarms(stack, jsii.String("Alarms"), &observability.AlarmsProps{
		DistributionID: "E2QWRUHAPOMQZL", Topic: topic.Topic(), ErrorRate: 1, Refusals: 20,
	})

	for _, resource := range synthtest.Synth(stack).Of("AWS::CloudWatch::Alarm") {
		fmt.Println(resource.Get("MetricName"), resource.Get("Threshold"))
	}
	// Output:
	// 5xxErrorRate 1
	// 4xxErrorRate 20
}

func ExampleNewGatewayAlarms() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Photos"), nil)
	topic := observability.NewTopic(stack, jsii.String("Topic"), &observability.TopicProps{Email: "ops@example.com"})
	observability.NewGatewayAlarms(stack, jsii.String("Alarms"), &observability.GatewayAlarmsProps{
		Gateway: observability.GatewayMetrics{
			Namespace: "signgate/photos", // the gateway's setting metrics-namespace
			Function:  &observability.FunctionMetrics{APIID: "a1b2c3d4e5", FunctionName: "gateway"},
		},
		Topic: topic.Topic(), Thresholds: observability.Thresholds{ServerErrors: 0.5},
	})

	for _, alarm := range synthtest.Synth(stack).Of("AWS::CloudWatch::Alarm") {
		if strings.HasPrefix(alarm.ID, "AlarmsServerErrors") {
			fmt.Println(alarm.Get("Threshold"))
		}
	}
	// Output: 0.5
}

func ExampleNewDashboard() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Media"), nil)
	dashboard := observability.NewDashboard(stack, jsii.String("Dashboard"), &observability.DashboardProps{
		BucketName: "some-bucket", DistributionID: "E2QWRUHAPOMQZL",
	})
	dashboard.AddWidgets(awscloudwatch.NewTextWidget(&awscloudwatch.TextWidgetProps{Markdown: jsii.String("### Gateway")}))

	fmt.Println(len(synthtest.Synth(stack).Of("AWS::CloudWatch::Dashboard")))
	// Output: 1
}
