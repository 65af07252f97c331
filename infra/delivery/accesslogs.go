package delivery

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
)

// AccessLogsProps say whose requests are logged, and where to.
type AccessLogsProps struct {
	DistributionID *string
	// BucketARN is the bucket's that gets the logs; its policy needs
	// LogDeliveryStatement. Encrypt it with SSE-S3, or with a key of KMS whose
	// policy lets delivery.logs.amazonaws.com use it.
	BucketARN *string

	// Queries logs the query of each request: the issue id, by which
	// `signgate audit join` finds the record of the URL, and with it the rest
	// of a signed URL. CloudFront logs the query whole or not at all. A log is
	// delivered within minutes to an hour, and whoever reads it before a URL
	// expires can use the URL from wherever its policy allows. So it is off;
	// with it on, give the log bucket's readers no more than what they may
	// read anyhow, and URLs a shorter life than an hour.
	Queries bool
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
func (p *AccessLogsProps) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: no props", ErrInvalid)
	}
	var found complaints.List
	found.When(p.DistributionID == nil || *p.DistributionID == "", "DistributionID is missing")
	found.When(p.BucketARN == nil || *p.BucketARN == "", "BucketARN is missing")
	return found.Err(ErrInvalid)
}

// AccessLogs is CloudFront's standard logging, version 2: JSON lines in a
// bucket, below AWSLogs/ACCOUNT/CloudFront/DISTRIBUTION/YEAR/MONTH/DAY.
type AccessLogs interface {
	constructs.Construct
	// Fields are what a line holds.
	Fields() []string
}

type accessLogs struct {
	constructs.Construct
	fields []string
}

func (a *accessLogs) Fields() []string { return slices.Clone(a.fields) }

// logFields are those that tell who asked for what, when, and what came of it
// (CloudFront Developer Guide, "Standard logging reference"). cs(Cookie) would
// store signed cookies, and cs(Referer) the signed URL of the page before.
func logFields(queries bool) []string {
	fields := []string{
		"date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status", "cs(User-Agent)",
		"x-edge-result-type", "x-edge-request-id", "x-host-header", "cs-protocol", "cs-bytes", "time-taken", "ssl-protocol", "ssl-cipher",
		"x-edge-response-result-type", "cs-protocol-version", "time-to-first-byte", "x-edge-detailed-result-type", "sc-content-type", "sc-content-len",
		"sc-range-start", "sc-range-end",
	}
	if queries {
		fields = append(fields, "cs-uri-query")
	}
	return fields
}

// NewAccessLogs has the distribution's requests logged. Its scope has to be a
// stack of us-east-1, or one that doesn't know its region; the bucket may be
// anywhere. It panics with the error of Validate, as CDK does.
func NewAccessLogs(scope constructs.Construct, id *string, props *AccessLogsProps) AccessLogs {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	checkRegion(scope, "logging of CloudFront")
	this := &accessLogs{fields: logFields(props.Queries)}
	constructs.NewConstruct_Override(this, scope, id)
	name := sourceName(props.DistributionID)
	source := awslogs.NewCfnDeliverySource(this, jsii.String("Source"), &awslogs.CfnDeliverySourceProps{
		Name: name, LogType: jsii.String("ACCESS_LOGS"),
		ResourceArn: arn(this, "cloudfront", "", "distribution", *props.DistributionID, awscdk.ArnFormat_SLASH_RESOURCE_NAME),
	})
	destination := awslogs.NewCfnDeliveryDestination(this, jsii.String("Destination"), &awslogs.CfnDeliveryDestinationProps{
		Name: name, DeliveryDestinationType: jsii.String("S3"), DestinationResourceArn: props.BucketARN, OutputFormat: jsii.String("json"),
	})
	delivery := awslogs.NewCfnDelivery(this, jsii.String("Delivery"), &awslogs.CfnDeliveryProps{
		DeliverySourceName: name, DeliveryDestinationArn: destination.AttrArn(),
		RecordFields: new(pointers(this.fields)), S3SuffixPath: jsii.String("{DistributionId}/{yyyy}/{MM}/{dd}"),
	})
	delivery.Node().AddDependency(source) // by its name only, which CloudFormation doesn't see as one
	return this
}

// LogDeliveryStatement lets the logs of this one distribution into the bucket,
// and nothing else (CloudWatch Logs User Guide, "Logging that requires
// additional permissions [V2]"). Account and partition are the scope's.
func LogDeliveryStatement(scope constructs.Construct, bucketARN, distributionID *string) awsiam.PolicyStatement {
	account := awscdk.Stack_Of(scope).Account()
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("AccessLogsOfTheDistribution"), Effect: awsiam.Effect_ALLOW,
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("delivery.logs.amazonaws.com"), nil)},
		Actions:    &[]*string{jsii.String("s3:PutObject")},
		Resources:  &[]*string{jsii.String(*bucketARN + "/AWSLogs/" + *account + "/*")},
		Conditions: &map[string]any{"StringEquals": map[string]any{
			"s3:x-amz-acl":      "bucket-owner-full-control",
			"aws:SourceAccount": account,
			"aws:SourceArn":     arn(scope, "logs", edgeRegion, "delivery-source", *sourceName(distributionID), awscdk.ArnFormat_COLON_RESOURCE_NAME),
		}},
	})
}

// sourceName is unique in the account, as a distribution's id is.
func sourceName(distributionID *string) *string { return jsii.String("cloudfront-" + *distributionID) }

func arn(scope constructs.Construct, service, region, resource, name string, format awscdk.ArnFormat) *string {
	return awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{
		Service: &service, Region: &region, Resource: &resource, ResourceName: &name, ArnFormat: format,
	})
}
