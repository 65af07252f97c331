package observability_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

const (
	watched = "arn:aws:s3:::some-bucket"

	accountRoot = "AWS arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
	cloudTrail  = "Service cloudtrail.amazonaws.com"
)

// synthTrail is a trail of one bucket; its name is asserted to be known up front.
func synthTrail(t *testing.T, flags synthtest.Flags, props observability.TrailProps) (template synthtest.Template, arn string) {
	t.Helper()
	template = synth(t, flags, "", func(stack awscdk.Stack) {
		props.Buckets, props.ExpireDays = []string{watched}, 200
		observability.NewTrail(stack, jsii.String("Trail"), &props)
	})
	name, _ := template.Only(t, "AWS::CloudTrail::Trail", "Trail").Get("TrailName").(string)
	if !strings.HasPrefix(name, "Test-Trail") {
		t.Fatalf("the trail is named %q", name)
	}
	return template, "arn:${AWS::Partition}:cloudtrail:${AWS::Region}:${AWS::AccountId}:trail/" + name
}

func selector(name string, fields ...map[string]any) map[string]any {
	list := make([]any, len(fields))
	for i, field := range fields {
		list[i] = field
	}
	return map[string]any{"Name": name, "FieldSelectors": list}
}

func equals(field, value string) map[string]any {
	return map[string]any{"Field": field, "Equals": []any{value}}
}

func TestATrailRecordsTheObjectsOfTheBucketsAndNothingElse(t *testing.T) {
	objects := selector("Objects", equals("eventCategory", "Data"), equals("resources.type", "AWS::S3::Object"),
		map[string]any{"Field": "resources.ARN", "StartsWith": []any{watched + "/"}})
	management := selector("Management", equals("eventCategory", "Management"))
	for _, flags := range synthtest.BothFlags() {
		for withManagement, want := range map[bool][]any{false: {objects}, true: {objects, management}} {
			template, _ := synthTrail(t, flags, observability.TrailProps{ManagementEvents: withManagement})
			trail := template.Only(t, "AWS::CloudTrail::Trail", "Trail")
			properties := maps.Clone(trail.Properties)
			delete(properties, "TrailName")
			synthtest.Equal(t, "the trail with "+string(flags), properties, map[string]any{
				"AdvancedEventSelectors":    want,
				"CloudWatchLogsLogGroupArn": "${" + template.Only(t, "AWS::Logs::LogGroup", "Trail").ID + ".Arn}",
				"CloudWatchLogsRoleArn":     "${" + template.Only(t, "AWS::IAM::Role", "Trail").ID + ".Arn}",
				"EnableLogFileValidation":   true, "IsLogging": true,
				"IncludeGlobalServiceEvents": withManagement, "IsMultiRegionTrail": withManagement,
				"KMSKeyId":     "${" + template.Only(t, "AWS::KMS::Key", "Trail").ID + ".Arn}",
				"S3BucketName": "${" + template.Only(t, "AWS::S3::Bucket", "Trail").ID + "}",
			})
			synthtest.Equal(t, "what it waits for", trail.DependsOn, []string{template.Only(t, "AWS::S3::BucketPolicy", "Trail").ID})
		}
	}
}

func TestATrailsBucketIsGuardedAndTakesRecordsOfThisTrailOnly(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template, arn := synthTrail(t, flags, observability.TrailProps{})
		bucket := template.Only(t, "AWS::S3::Bucket", "Trail").ID
		want := guarded(bucket)
		want["TrailLooks"] = synthtest.Allow(cloudTrail, []string{"s3:GetBucketAcl"}, []string{"${" + bucket + ".Arn}"},
			map[string][]string{"StringEquals aws:SourceArn": {arn}})
		want["TrailWrites"] = synthtest.Allow(cloudTrail, []string{"s3:PutObject"}, []string{"${" + bucket + ".Arn}/AWSLogs/${AWS::AccountId}/*"},
			map[string][]string{"StringEquals aws:SourceArn": {arn}, "StringEquals s3:x-amz-acl": {"bucket-owner-full-control"}})
		got := synthtest.Statements(t, template.Only(t, "AWS::S3::BucketPolicy", "Trail").Get("PolicyDocument"))
		synthtest.Equal(t, "the policy with "+string(flags), got, want)
	}
}

func TestATrailsBucketIsEncryptedWithTheTrailsKeyAndExpires(t *testing.T) {
	template, _ := synthTrail(t, synthtest.NoFlags, observability.TrailProps{})
	bucket := template.Only(t, "AWS::S3::Bucket", "Trail")
	synthtest.Equal(t, "the encryption", bucket.Get("BucketEncryption", "ServerSideEncryptionConfiguration"), any([]any{map[string]any{
		"BucketKeyEnabled": true,
		"ServerSideEncryptionByDefault": map[string]any{
			"KMSMasterKeyID": "${" + template.Only(t, "AWS::KMS::Key", "Trail").ID + ".Arn}", "SSEAlgorithm": "aws:kms",
		},
	}}))
	synthtest.Equal(t, "days until records expire", bucket.Get("LifecycleConfiguration", "Rules", 0, "ExpirationInDays"), any(200.0))
	synthtest.Equal(t, "versioning", bucket.Get("VersioningConfiguration", "Status"), any("Enabled"))
	synthtest.Equal(t, "access logs", bucket.Get("LoggingConfiguration"), nil)
	for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		synthtest.Equal(t, block, bucket.Get("PublicAccessBlockConfiguration", block), any(true))
	}
}

func TestATrailsKeyEncryptsForThisTrailAndDecryptsForReadersOfItsBucket(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template, arn := synthTrail(t, flags, observability.TrailProps{})
		key := template.Only(t, "AWS::KMS::Key", "Trail")
		synthtest.Equal(t, "rotation", key.Get("EnableKeyRotation"), any(true))
		everything := []string{"*"}
		synthtest.Equal(t, "the key's policy", synthtest.Statements(t, key.Get("KeyPolicy")), map[string]synthtest.Statement{
			"AccountGoverns":      synthtest.Allow(accountRoot, policy.KeyAdministration(), everything, nil),
			"OnlyDeployersGovern": synthtest.Deny(policy.GoverningKeys(), everything, map[string][]string{"ArnNotLike aws:PrincipalArn": {anyDeployer}}),
			"TrailEncrypts": synthtest.Allow(cloudTrail, []string{"kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"}, everything,
				map[string][]string{"StringEquals aws:SourceArn": {arn}}),
			"ReadersDecrypt": synthtest.Allow(accountRoot, []string{"kms:Decrypt"}, everything, map[string][]string{
				"StringEquals kms:ViaService":    {"s3.${AWS::Region}.amazonaws.com"},
				"StringEquals kms:CallerAccount": {"${AWS::AccountId}"},
			}),
			"LogGroupsOfThisStack": logGroupsOfTheStack(),
		})
	}
}

func logGroupsOfTheStack() synthtest.Statement {
	return synthtest.Allow("Service logs.${AWS::Region}.amazonaws.com", []string{
		"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey",
	}, []string{"*"}, map[string][]string{
		"ArnLike kms:EncryptionContext:aws:logs:arn": {"arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${AWS::StackName}-*"},
	})
}

func TestATrailWritesToItsOwnLogStreamOnly(t *testing.T) {
	template, _ := synthTrail(t, synthtest.HouseFlags, observability.TrailProps{})
	group := template.Only(t, "AWS::Logs::LogGroup", "Trail")
	synthtest.Equal(t, "the log group", group.Properties, map[string]any{
		"KmsKeyId": "${" + template.Only(t, "AWS::KMS::Key", "Trail").ID + ".Arn}", "RetentionInDays": 180.0,
	})
	role := template.Only(t, "AWS::IAM::Role", "Trail")
	trust := role.Get("AssumeRolePolicyDocument", "Statement")
	synthtest.Equal(t, "who is trusted", trust, any([]any{
		map[string]any{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": map[string]any{"Service": "cloudtrail.amazonaws.com"}},
	}))
	permissions := template.Only(t, "AWS::IAM::ManagedPolicy", "Trail")
	synthtest.Equal(t, "the role's policies", role.Get("ManagedPolicyArns"), any([]any{"${" + permissions.ID + "}"}))
	want := synthtest.Allow("", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, []string{
		"arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${" + group.ID + "}:log-stream:${AWS::AccountId}_CloudTrail_${AWS::Region}*",
	}, nil)
	want.Principal = nil
	synthtest.Equal(t, "the permissions", synthtest.Statements(t, permissions.Get("PolicyDocument")), map[string]synthtest.Statement{"WriteRecords": want})
}

func TestATrailsOptionsKeepItLogItAndNameWhoMayNotRead(t *testing.T) {
	for retain, want := range map[bool]string{true: "Retain", false: "Delete"} {
		template := synth(t, synthtest.NoFlags, "", func(stack awscdk.Stack) {
			logs := observability.NewLogBucket(stack, jsii.String("Logs"), &observability.LogBucketProps{ExpireDays: 90})
			trail := observability.NewTrail(stack, jsii.String("Trail"), &observability.TrailProps{
				Buckets: []string{watched}, ExpireDays: 200, Retain: retain, LogBucket: logs.Bucket(), LogPrefix: "trail/",
				Guard: observability.Guard{DenyRoles: []string{gatewayRole}},
			})
			logs.AcceptAccessLogs(*trail.Bucket().BucketArn(), "trail/")
		})
		for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key", "AWS::Logs::LogGroup"} {
			resource := template.Only(t, kind, "Trail")
			synthtest.Equal(t, kind, []string{resource.DeletionPolicy, resource.UpdateReplacePolicy}, []string{want, want})
		}
		synthtest.Equal(t, "access logs", template.Only(t, "AWS::S3::Bucket", "Trail").Get("LoggingConfiguration"), any(map[string]any{
			"DestinationBucketName": "${" + template.Only(t, "AWS::S3::Bucket", "Logs").ID + "}", "LogFilePrefix": "trail/",
		}))
		statements := synthtest.Statements(t, template.Only(t, "AWS::S3::BucketPolicy", "Trail").Get("PolicyDocument"))
		synthtest.Equal(t, "who may not read", statements["NotForTheseRoles"].Condition, map[string][]string{"ArnLike aws:PrincipalArn": {gatewayRole}})
	}
}

func TestLogGroupsKeepLogsNoLongerThanAsked(t *testing.T) {
	for days, want := range map[int]float64{1: 1, 2: 1, 30: 30, 31: 30, 364: 180, 365: 365, 5000: 3653} {
		template := synth(t, synthtest.NoFlags, "", func(stack awscdk.Stack) {
			observability.NewTrail(stack, jsii.String("Trail"), &observability.TrailProps{Buckets: []string{watched}, ExpireDays: days})
		})
		synthtest.Equal(t, "the retention", template.Only(t, "AWS::Logs::LogGroup", "Trail").Get("RetentionInDays"), any(want))
	}
}

func TestATrailSaysEverythingThatIsWrongAtOnce(t *testing.T) {
	var none *observability.TrailProps
	if err := none.Validate(); !errors.Is(err, observability.ErrInvalid) {
		t.Errorf("without props: %v", err)
	}
	wrong := &observability.TrailProps{LogPrefix: "trail/", Guard: observability.Guard{Guard: policy.Guard{Deployers: []string{"me"}}}}
	assertComplaints(t, wrong.Validate(), "Buckets is empty", "ExpireDays", "LogPrefix", `"me"`)
	assertComplaints(t, (&observability.TrailProps{Buckets: []string{"some-bucket", watched + "/*"}, ExpireDays: 1}).Validate(),
		`"some-bucket"`, `some-bucket/*`)
	assertPanics(t, func(stack awscdk.Stack) { observability.NewTrail(stack, jsii.String("Trail"), wrong) })
}
