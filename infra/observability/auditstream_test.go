package observability_test

import (
	"fmt"
	"maps"
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

// auditStream synthesizes a stream for the gateway's role in the same stack.
func auditStream(t *testing.T, flags synthtest.Flags, change func(awscdk.Stack, *observability.AuditStreamProps)) synthtest.Template {
	t.Helper()
	return synth(t, flags, "", func(stack awscdk.Stack) {
		props := &observability.AuditStreamProps{ExpireDays: 200, Gateway: awsiam.NewRole(stack, jsii.String("Gateway"), &awsiam.RoleProps{
			AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		})}
		if change != nil {
			change(stack, props)
		}
		made := observability.NewAuditStream(stack, jsii.String("Audit"), props)
		for id, value := range map[string]*string{"Name": made.Name(), "Arn": made.ARN(), "Files": made.Bucket().BucketName()} {
			awscdk.NewCfnOutput(stack, jsii.String(id), &awscdk.CfnOutputProps{Value: value})
		}
	})
}

func ids(t *testing.T, template synthtest.Template) (gateway, deliverer, bucket string) {
	t.Helper()
	return template.Only(t, "AWS::IAM::Role", "Gateway").ID, template.Only(t, "AWS::IAM::Role", "AuditDeliverer").ID, template.Only(t, "AWS::S3::Bucket", "Audit").ID
}

// What comes out is what was put in, which audit verify --unordered reads.
func TestRecordsAreDeliveredUnchangedEncryptedAndSoon(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := auditStream(t, flags, nil)
		_, deliverer, bucket := ids(t, template)
		stream := template.Only(t, "AWS::KinesisFirehose::DeliveryStream", "")
		logs := template.Only(t, "AWS::Logs::LogGroup", "Audit")
		synthtest.Equal(t, "the stream", stream.Properties, map[string]any{
			"DeliveryStreamType": "DirectPut",
			"DeliveryStreamEncryptionConfigurationInput": map[string]any{
				"KeyType": "CUSTOMER_MANAGED_CMK", "KeyARN": "${" + template.Only(t, "AWS::KMS::Key", "AuditStreamKey").ID + ".Arn}",
			},
			"ExtendedS3DestinationConfiguration": map[string]any{
				"BucketARN": "${" + bucket + ".Arn}", "RoleARN": "${" + deliverer + ".Arn}",
				"Prefix": "audit/!{timestamp:yyyy/MM/dd}/", "ErrorOutputPrefix": "failed/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/",
				"BufferingHints": map[string]any{"IntervalInSeconds": 60.0, "SizeInMBs": 64.0}, "CompressionFormat": "GZIP",
				"EncryptionConfiguration": map[string]any{"KMSEncryptionConfig": map[string]any{"AWSKMSKeyARN": "${" + template.Only(t, "AWS::KMS::Key", "AuditKey").ID + ".Arn}"}},
				"CloudWatchLoggingOptions": map[string]any{
					"Enabled": true, "LogGroupName": "${" + logs.ID + "}", "LogStreamName": "${" + template.Only(t, "AWS::Logs::LogStream", "").ID + "}",
				},
			},
		})
		for _, needed := range []string{template.Only(t, "AWS::IAM::ManagedPolicy", "AuditDeliver").ID, template.Only(t, "AWS::S3::BucketPolicy", "").ID} {
			if !slices.Contains(stream.DependsOn, needed) {
				t.Errorf("it delivers before there is %s", needed)
			}
		}
		synthtest.Equal(t, "its output", template.Outputs["Name"], "${"+stream.ID+"}")
	}
}

func TestTheGatewayPutsRecordsInAndCannotHaveThemBack(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := auditStream(t, flags, nil)
		gateway, deliverer, bucket := ids(t, template)
		stream := template.Only(t, "AWS::KinesisFirehose::DeliveryStream", "")
		attached := template.Only(t, "AWS::IAM::ManagedPolicy", "AuditWrite")
		synthtest.Equal(t, "whose", attached.Get("Roles"), any([]any{"${" + gateway + "}"}))
		synthtest.Equal(t, "what it may", synthtest.Statements(t, attached.Get("PolicyDocument")), map[string]synthtest.Statement{
			"PutsAuditRecords": {Effect: "Allow", Action: []string{"firehose:PutRecord"}, Resource: []string{"${" + stream.ID + ".Arn}"}},
		})
		rules := synthtest.Statements(t, template.Only(t, "AWS::S3::BucketPolicy", "Audit").Get("PolicyDocument"))
		everywhere := []string{"${" + bucket + ".Arn}", "${" + bucket + ".Arn}/*"}
		synthtest.Equal(t, "and not", rules["NotForTheseRoles"], synthtest.Deny(slices.Concat(policy.Reading(), policy.Listing()), everywhere,
			map[string][]string{"ArnLike aws:PrincipalArn": {"${" + gateway + ".Arn}"}}))
		synthtest.Equal(t, "who writes", rules["OnlyTheseRolesWrite"].Condition, map[string][]string{"ArnNotLike aws:PrincipalArn": {"${" + deliverer + ".Arn}"}})
	}
}

func TestFirehoseDeliversUnderARoleThatMayDoNothingElse(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := auditStream(t, flags, nil)
		_, deliverer, bucket := ids(t, template)
		role := template.Only(t, "AWS::IAM::Role", "AuditDeliverer")
		synthtest.Equal(t, "who takes it", fmt.Sprint(role.Get("AssumeRolePolicyDocument", "Statement")),
			"[map[Action:sts:AssumeRole Condition:map[StringEquals:map[sts:ExternalId:${AWS::AccountId}]] Effect:Allow Principal:map[Service:firehose.amazonaws.com]]]")
		attached := template.Only(t, "AWS::IAM::ManagedPolicy", "AuditDeliver")
		synthtest.Equal(t, "whose", []any{attached.Get("Roles"), role.Get("Policies"), role.Get("ManagedPolicyArns")}, []any{[]any{"${" + deliverer + "}"}, nil, nil})
		permissions := synthtest.Statements(t, attached.Get("PolicyDocument"))
		synthtest.Equal(t, "where", permissions["WritesFiles"].Resource, []string{"${" + bucket + ".Arn}/audit/*", "${" + bucket + ".Arn}/failed/*"})
		var actions []string
		for _, statement := range permissions {
			actions = append(actions, statement.Action...)
		}
		slices.Sort(actions)
		synthtest.Equal(t, "what", actions, []string{
			"logs:PutLogEvents", "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:PutObject",
		})
	}
}

func TestTheKeysOfTheTrailAreUsedByWhomTheyAreFor(t *testing.T) {
	template := auditStream(t, synthtest.NoFlags, nil)
	gateway, deliverer, _ := ids(t, template)
	all, use := []string{"*"}, []string{"kms:GenerateDataKey", "kms:Decrypt"}
	rules := func(prefix string) map[string]synthtest.Statement {
		found := synthtest.Statements(t, template.Only(t, "AWS::KMS::Key", prefix).Get("KeyPolicy"))
		maps.DeleteFunc(found, func(sid string, _ synthtest.Statement) bool {
			return sid == "AccountGoverns" || sid == "OnlyDeployersGovern"
		})
		return found
	}
	synthtest.Equal(t, "of the stream", rules("AuditStreamKey"), map[string]synthtest.Statement{
		"GatewayEncrypts": synthtest.Allow("AWS ${"+gateway+".Arn}", use, all, nil),
		"DeployersMakeTheStream": synthtest.Allow(accountRoot, []string{"kms:CreateGrant"}, all, map[string][]string{
			"Bool kms:GrantIsForAWSResource": {"true"}, "ArnLike aws:PrincipalArn": {anyDeployer},
		}),
	})
	through := map[string][]string{"StringEquals kms:ViaService": {"s3.${AWS::Region}.${AWS::URLSuffix}"}}
	readers := maps.Clone(through)
	readers["ArnNotLike aws:PrincipalArn"] = []string{"${" + gateway + ".Arn}"}
	synthtest.Equal(t, "of files", rules("AuditKey"), map[string]synthtest.Statement{
		"DelivererEncrypts":    synthtest.Allow("AWS ${"+deliverer+".Arn}", use, all, through),
		"ReadersDecrypt":       synthtest.Allow(accountRoot, []string{"kms:Decrypt"}, all, readers),
		"LogGroupsOfThisStack": logGroupsOfTheStack(),
	})
}

func TestTheTrailIsKeptAndItsAccessLoggedWhereAsked(t *testing.T) {
	for retain, want := range map[bool]string{true: "Retain", false: "Delete"} {
		template := auditStream(t, synthtest.NoFlags, func(stack awscdk.Stack, p *observability.AuditStreamProps) {
			p.Retain, p.LogBucket, p.LogPrefix = retain, awss3.Bucket_FromBucketName(stack, jsii.String("Logs"), jsii.String("logs")), "s3/Audit/"
		})
		for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key", "AWS::Logs::LogGroup"} {
			for _, resource := range template.Of(kind) {
				if resource.DeletionPolicy != want {
					t.Errorf("%s: %s", resource.ID, resource.DeletionPolicy)
				}
			}
		}
		bucket := template.Only(t, "AWS::S3::Bucket", "Audit")
		synthtest.Equal(t, "the bucket", []any{bucket.Get("LoggingConfiguration"), bucket.Get("LifecycleConfiguration", "Rules", 0, "ExpirationInDays"), bucket.Get("VersioningConfiguration", "Status")},
			[]any{map[string]any{"DestinationBucketName": "logs", "LogFilePrefix": "s3/Audit/"}, 200.0, "Enabled"})
	}
}

func TestAStreamOfAuditRecordsSaysWhatIsWrong(t *testing.T) {
	var none *observability.AuditStreamProps
	assertComplaints(t, none.Validate(), "takes props")
	assertComplaints(t, (&observability.AuditStreamProps{LogPrefix: "x/", Guard: observability.Guard{DenyRoles: []string{"me"}, WriteRoles: []string{"you"}}}).Validate(),
		"Gateway", "ExpireDays", "LogBucket", `"me"`, `"you"`)
	assertPanics(t, func(stack awscdk.Stack) { observability.NewAuditStream(stack, jsii.String("Audit"), nil) })
}
