package observability_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

const (
	gatewayRole  = "arn:aws:iam::111122223333:role/gateway"
	adminRole    = "arn:aws:iam::111122223333:role/admin-*"
	deployerRole = "arn:aws:iam::111122223333:role/deployer"

	anyDeployer = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-cfn-exec-role-${AWS::AccountId}-${AWS::Region}"
)

func TestALogBucketIsPrivateEncryptedVersionedAndExpires(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, "", func(stack awscdk.Stack) {
			observability.NewLogBucket(stack, jsii.String("Logs"), &observability.LogBucketProps{ExpireDays: 90})
		})
		bucket := template.Only(t, "AWS::S3::Bucket", "Logs")
		synthtest.Equal(t, "the bucket with "+string(flags), bucket.Properties, map[string]any{
			"BucketEncryption": map[string]any{"ServerSideEncryptionConfiguration": []any{
				map[string]any{"ServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}},
			}},
			"LifecycleConfiguration": map[string]any{"Rules": []any{
				map[string]any{
					"Id": "Expire", "Status": "Enabled", "ExpirationInDays": 90.0,
					"NoncurrentVersionExpiration":    map[string]any{"NoncurrentDays": 30.0},
					"AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 1.0},
				},
				map[string]any{"Id": "DropDeleteMarkers", "Status": "Enabled", "ExpiredObjectDeleteMarker": true},
			}},
			"OwnershipControls": map[string]any{"Rules": []any{map[string]any{"ObjectOwnership": "BucketOwnerEnforced"}}},
			"PublicAccessBlockConfiguration": map[string]any{
				"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
			},
			"VersioningConfiguration": map[string]any{"Status": "Enabled"},
		})
	}
}

func TestRetainKeepsABucketAndWhatGuardsIt(t *testing.T) {
	for retain, want := range map[bool]string{true: "Retain", false: "Delete"} {
		template := synth(t, synthtest.NoFlags, "", func(stack awscdk.Stack) {
			observability.NewLogBucket(stack, jsii.String("Logs"), &observability.LogBucketProps{ExpireDays: 90, BucketName: "some-logs", Retain: retain})
		})
		for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy"} {
			resource := template.Only(t, kind, "Logs")
			synthtest.Equal(t, kind, []string{resource.DeletionPolicy, resource.UpdateReplacePolicy}, []string{want, want})
		}
		synthtest.Equal(t, "the name", template.Only(t, "AWS::S3::Bucket", "Logs").Get("BucketName"), "some-logs")
	}
}

// guarded are the statements of a bucket that every bucket of logs has.
func guarded(bucket string) map[string]synthtest.Statement {
	itself, objects := "${"+bucket+".Arn}", "${"+bucket+".Arn}/*"
	return map[string]synthtest.Statement{
		"OnlyTLS":      synthtest.Deny([]string{"s3:*"}, []string{itself, objects}, map[string][]string{"Bool aws:SecureTransport": {"false"}}),
		"OnlyTLS12":    synthtest.Deny([]string{"s3:*"}, []string{itself, objects}, map[string][]string{"NumericLessThan s3:TlsVersion": {"1.2"}}),
		"NotAnonymous": synthtest.Deny([]string{"s3:*"}, []string{itself, objects}, map[string][]string{"StringEquals aws:PrincipalType": {"Anonymous"}}),
		"NoOtherAccount": synthtest.Deny([]string{"s3:*"}, []string{itself, objects}, map[string][]string{
			"StringNotEquals aws:PrincipalAccount": {"${AWS::AccountId}"}, "Bool aws:PrincipalIsAWSService": {"false"},
		}),
		"OnlyServicesWrite": synthtest.Deny([]string{
			"s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObjectTagging", "s3:UpdateObjectEncryption", "s3:ReplicateObject", "s3:ReplicateTags",
			"s3:ReplicateDelete", "s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutBucketAcl",
		}, []string{itself, objects}, map[string][]string{"BoolIfExists aws:PrincipalIsAWSService": {"false"}}),
		"NobodyErases": synthtest.Deny([]string{
			"s3:DeleteObject", "s3:AbortMultipartUpload", "s3:DeleteObjectVersion", "s3:DeleteObjectVersionTagging", "s3:PutObjectVersionTagging",
			"s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold",
		}, []string{objects}, nil),
		"OnlyDeployersGovern": synthtest.Deny(policy.Governing(), []string{itself}, map[string][]string{"ArnNotLike aws:PrincipalArn": {anyDeployer}}),
	}
}

func TestNobodyButServicesWritesALogAndNobodyDeletesOne(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, "", func(stack awscdk.Stack) {
			observability.NewLogBucket(stack, jsii.String("Logs"), &observability.LogBucketProps{ExpireDays: 90})
		})
		bucket := template.Only(t, "AWS::S3::Bucket", "Logs").ID
		bucketPolicy := template.Only(t, "AWS::S3::BucketPolicy", "Logs")
		synthtest.Equal(t, "the policy's bucket", bucketPolicy.Get("Bucket"), "${"+bucket+"}")
		synthtest.Equal(t, "the policy with "+string(flags), synthtest.Statements(t, bucketPolicy.Get("PolicyDocument")), guarded(bucket))
	}
}

func TestTheGuardNamesWhoGovernsWhoDeletesAndWhoMayNotRead(t *testing.T) {
	template := synth(t, synthtest.HouseFlags, "", func(stack awscdk.Stack) {
		observability.NewLogBucket(stack, jsii.String("Logs"), &observability.LogBucketProps{ExpireDays: 90, Guard: observability.Guard{
			Guard:     policy.Guard{Deployers: []string{deployerRole}, Administrators: []string{adminRole}, RequireMFA: true},
			DenyRoles: []string{gatewayRole},
		}})
	})
	bucket := template.Only(t, "AWS::S3::Bucket", "Logs").ID
	want := guarded(bucket)
	governs, erases := want["OnlyDeployersGovern"], want["NobodyErases"]
	governs.Condition = map[string][]string{"ArnNotLike aws:PrincipalArn": {deployerRole, adminRole}}
	withMFA := synthtest.Deny(slices.Concat(governs.Action, erases.Action), []string{"${" + bucket + ".Arn}", "${" + bucket + ".Arn}/*"}, map[string][]string{
		"ArnLike aws:PrincipalArn": {adminRole}, "BoolIfExists aws:MultiFactorAuthPresent": {"false"},
	})
	erases.Condition = map[string][]string{"ArnNotLike aws:PrincipalArn": {adminRole}}
	want["OnlyDeployersGovern"], want["NobodyErases"], want["AdministratorsTakeMFA"] = governs, erases, withMFA
	want["NotForTheseRoles"] = synthtest.Deny(slices.Concat(policy.Reading(), policy.Listing()),
		[]string{"${" + bucket + ".Arn}", "${" + bucket + ".Arn}/*"}, map[string][]string{"ArnLike aws:PrincipalArn": {gatewayRole}})
	got := synthtest.Statements(t, template.Only(t, "AWS::S3::BucketPolicy", "Logs").Get("PolicyDocument"))
	synthtest.Equal(t, "the policy", got, want)
}

func TestLogsAreAcceptedOnlyFromWhomTheyWereAskedFor(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, "", func(stack awscdk.Stack) {
			logs := observability.NewLogBucket(stack, jsii.String("Logs"), &observability.LogBucketProps{ExpireDays: 90})
			source := awss3.NewBucket(stack, jsii.String("Source"), nil)
			source.Node().DefaultChild().(awss3.CfnBucket).SetLoggingConfiguration(&awss3.CfnBucket_LoggingConfigurationProperty{
				DestinationBucketName: logs.Bucket().BucketName(), LogFilePrefix: jsii.String("s3/"),
			})
			logs.AcceptAccessLogs(*source.BucketArn(), "s3/")
			logs.AcceptAccessLogs("", "others/")
			logs.Accept(policy.Allow("CloudFrontLogs", awsiam.NewServicePrincipal(jsii.String("delivery.logs.amazonaws.com"), nil),
				[]string{*logs.Bucket().ArnForObjects(jsii.String("AWSLogs/*"))}, []string{"s3:PutObject"}, nil))
		})
		bucket := template.Only(t, "AWS::S3::Bucket", "Logs").ID
		source := template.Only(t, "AWS::S3::Bucket", "Source")
		synthtest.Equal(t, "where the source logs to", source.Get("LoggingConfiguration", "DestinationBucketName"), "${"+bucket+"}")
		want := guarded(bucket)
		accept := func(service, below string, when map[string][]string) synthtest.Statement {
			return synthtest.Allow("Service "+service, []string{"s3:PutObject"}, []string{"${" + bucket + ".Arn}/" + below}, when)
		}
		account := []string{"${AWS::AccountId}"}
		want["AccessLogs1"] = accept("logging.s3.amazonaws.com", "s3/*", map[string][]string{
			"StringEquals aws:SourceAccount": account, "ArnEquals aws:SourceArn": {"${" + source.ID + ".Arn}"},
		})
		want["AccessLogs2"] = accept("logging.s3.amazonaws.com", "others/*", map[string][]string{"StringEquals aws:SourceAccount": account})
		want["CloudFrontLogs"] = accept("delivery.logs.amazonaws.com", "AWSLogs/*", nil)
		got := synthtest.Statements(t, template.Only(t, "AWS::S3::BucketPolicy", "Logs").Get("PolicyDocument"))
		synthtest.Equal(t, "the policy with "+string(flags), got, want)
	}
}

func TestALogBucketSaysEverythingThatIsWrongAtOnce(t *testing.T) {
	var none *observability.LogBucketProps
	if err := none.Validate(); !errors.Is(err, observability.ErrInvalid) {
		t.Errorf("without props: %v", err)
	}
	wrong := &observability.LogBucketProps{Guard: observability.Guard{Guard: policy.Guard{RequireMFA: true}, DenyRoles: []string{"gateway"}}}
	assertComplaints(t, wrong.Validate(), "ExpireDays", "RequireMFA", `"gateway"`)
	assertPanics(t, func(stack awscdk.Stack) { observability.NewLogBucket(stack, jsii.String("Logs"), wrong) })
}
