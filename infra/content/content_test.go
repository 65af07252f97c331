package content_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/content"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

const (
	distribution = "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"
	keeper       = "arn:aws:iam::111122223333:role/keeper"
	deployer     = "arn:aws:iam::111122223333:role/deployer"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

// props are those of an ordinary bucket, whose role and log bucket are of the
// stack.
func props(stack awscdk.Stack) *content.Props {
	return &content.Props{
		Gateway: awsiam.NewRole(stack, jsii.String("Gateway"), &awsiam.RoleProps{
			AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		}),
		LogBucket:        awss3.Bucket_FromBucketName(stack, jsii.String("Logs"), jsii.String("logs")),
		QuarantinePrefix: "quarantine/", MaxPresignAge: time.Hour,
		Lifecycle: content.Lifecycle{AbortUploads: 7, QuarantineExpire: 8, OldVersionsGlacier: 30, OldVersionsExpire: 365},
		Guard:     policy.Guard{Deployers: []string{deployer}},
	}
}

// synth synthesizes a bucket whose props were changed, delivered by the
// distribution.
func synth(t *testing.T, flags synthtest.Flags, change func(awscdk.Stack, *content.Props)) (synthtest.Template, content.Bucket) {
	t.Helper()
	stack := synthtest.Stack(flags, "")
	given := props(stack)
	change(stack, given)
	made := content.NewBucket(stack, jsii.String("Content"), given)
	made.DeliverThrough(distribution)
	return synthtest.Synth(stack), made
}

func ordinary(awscdk.Stack, *content.Props) {}

func TestTheBucketIsPrivateVersionedEncryptedLoggedAndTidy(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template, _ := synth(t, flags, ordinary)
		bucket := template.Only(t, "AWS::S3::Bucket", "Content")
		synthtest.Equal(t, "the bucket with "+string(flags), bucket.Properties, map[string]any{
			"BucketEncryption": map[string]any{"ServerSideEncryptionConfiguration": []any{map[string]any{
				"BucketKeyEnabled": true,
				"ServerSideEncryptionByDefault": map[string]any{
					"SSEAlgorithm":   "aws:kms",
					"KMSMasterKeyID": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:" + aliasName(t, template),
				},
			}}},
			"LifecycleConfiguration": map[string]any{"Rules": []any{
				map[string]any{"Id": "abort-uploads", "Status": "Enabled", "AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 7.0}},
				map[string]any{
					"Id": "expire-quarantine", "Status": "Enabled", "Prefix": "quarantine/", "ExpirationInDays": 8.0,
					"NoncurrentVersionExpiration": map[string]any{"NoncurrentDays": 1.0},
				},
				map[string]any{
					"Id": "old-versions", "Status": "Enabled", "ExpiredObjectDeleteMarker": true,
					"NoncurrentVersionExpiration":  map[string]any{"NoncurrentDays": 365.0},
					"NoncurrentVersionTransitions": []any{map[string]any{"StorageClass": "GLACIER", "TransitionInDays": 30.0}},
				},
			}},
			"LoggingConfiguration": map[string]any{"DestinationBucketName": "logs", "LogFilePrefix": "Bucket/"},
			"OwnershipControls":    map[string]any{"Rules": []any{map[string]any{"ObjectOwnership": "BucketOwnerEnforced"}}},
			"PublicAccessBlockConfiguration": map[string]any{
				"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
			},
			"VersioningConfiguration": map[string]any{"Status": "Enabled"},
		})
	}
}

// aliasName is the name of the alias that the key is made with.
func aliasName(t *testing.T, template synthtest.Template) string {
	t.Helper()
	alias := template.Only(t, "AWS::KMS::Alias", "ContentKeyAlias")
	synthtest.Equal(t, "what the alias names", alias.Get("TargetKeyId"), "${"+template.Only(t, "AWS::KMS::Key", "ContentKey").ID+".Arn}")
	name, _ := alias.Get("AliasName").(string)
	return name
}

// denies are the statements that every ordinary bucket has.
func denies(bucket, key string) map[string]synthtest.Statement {
	self, objects, gateway := "${"+bucket+".Arn}", "${"+bucket+".Arn}/*", "${Gateway43CB3636.Arn}"
	deny := synthtest.Deny
	all, both := []string{"s3:*"}, []string{self, objects}
	quarantine := synthtest.Statement{
		Effect: "Deny", Principal: []string{"Service cloudfront.amazonaws.com"}, Action: sorted(policy.Reading()), Resource: []string{"${" + bucket + ".Arn}/quarantine/*"},
	}
	return map[string]synthtest.Statement{
		"OnlyTLS":                deny(all, both, map[string][]string{"Bool aws:SecureTransport": {"false"}}),
		"OnlyTLS12":              deny(all, both, map[string][]string{"NumericLessThan s3:TlsVersion": {"1.2"}}),
		"NotAnonymous":           deny(all, both, map[string][]string{"StringEquals aws:PrincipalType": {"Anonymous"}}),
		"NoOtherAccount":         deny(all, both, map[string][]string{"StringNotEquals aws:PrincipalAccount": {"${AWS::AccountId}"}, "Bool aws:PrincipalIsAWSService": {"false"}}),
		"NoACLs":                 deny([]string{"s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutBucketAcl"}, both, nil),
		"OnlyDeployersGovern":    deny(policy.Governing(), []string{self}, map[string][]string{"ArnNotLike aws:PrincipalArn": {deployer}}),
		"NobodyErases":           deny(policy.Erasing(), []string{objects}, nil),
		"NoOldPresignedRequests": deny(all, both, map[string][]string{"StringEquals s3:authType": {"REST-QUERY-STRING"}, "NumericGreaterThan s3:signatureAge": {"3.6e+06"}}),
		"NoOtherEncryption":      deny([]string{"s3:PutObject"}, []string{objects}, map[string][]string{"Null s3:x-amz-server-side-encryption": {"false"}, "StringNotEquals s3:x-amz-server-side-encryption": {"aws:kms"}}),
		"NoKeysOfCallers":        deny([]string{"s3:PutObject"}, []string{objects}, map[string][]string{"Null s3:x-amz-server-side-encryption-customer-algorithm": {"false"}}),
		"NoOtherKey": deny([]string{"s3:PutObject"}, []string{objects}, map[string][]string{
			"Null s3:x-amz-server-side-encryption-aws-kms-key-id": {"false"}, "StringNotEquals s3:x-amz-server-side-encryption-aws-kms-key-id": {"${" + key + ".Arn}"},
		}),
		"NoViewersInQuarantine":      quarantine,
		"GatewayReadsQuarantineOnly": deny(policy.Reading(), nil, map[string][]string{"ArnEquals aws:PrincipalArn": {gateway}}),
		"OnlyViewersRead":            deny(policy.Reading(), []string{objects}, map[string][]string{"ArnNotLike aws:PrincipalArn": {gateway}, "StringNotEquals aws:SourceArn": {distribution}}),
		"OnlyTheGatewayWrites":       deny(policy.Writing(), []string{objects}, map[string][]string{"ArnNotLike aws:PrincipalArn": {gateway}}),
		"OnlyAdministratorsRestore":  deny([]string{"s3:RestoreObject"}, []string{objects}, nil),
		"OnlyTheGatewayLists":        deny(policy.Listing(), []string{self}, map[string][]string{"ArnNotLike aws:PrincipalArn": {gateway}}),
		"ReadByViewers":              synthtest.Allow("Service cloudfront.amazonaws.com", []string{"s3:GetObject", "s3:GetObjectVersion"}, []string{objects}, map[string][]string{"StringEquals aws:SourceArn": {distribution}}),
	}
}

func bucketPolicy(t *testing.T, template synthtest.Template, prefix string) map[string]synthtest.Statement {
	t.Helper()
	return synthtest.Statements(t, template.Only(t, "AWS::S3::BucketPolicy", prefix).Get("PolicyDocument"))
}

func TestOneDistributionReadsOneRoleWritesAndNobodyErases(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template, _ := synth(t, flags, ordinary)
		bucket, key := template.Only(t, "AWS::S3::Bucket", "Content").ID, template.Only(t, "AWS::KMS::Key", "Content").ID
		synthtest.Equal(t, "the policy with "+string(flags), bucketPolicy(t, template, "Content"), denies(bucket, key))
		raw, _ := template.Only(t, "AWS::S3::BucketPolicy", "Content").Get("PolicyDocument", "Statement").([]any)
		outside := slices.IndexFunc(raw, func(s any) bool { return s.(map[string]any)["Sid"] == "GatewayReadsQuarantineOnly" })
		synthtest.Equal(t, "what the gateway reads", raw[outside].(map[string]any)["NotResource"], any("${"+bucket+".Arn}/quarantine/*"))
	}
}

func TestUntilADistributionIsNamedNobodyReads(t *testing.T) {
	stack := synthtest.Stack(synthtest.NoFlags, "")
	content.NewBucket(stack, jsii.String("Content"), props(stack))
	statements := bucketPolicy(t, synthtest.Synth(stack), "Content")
	synthtest.Equal(t, "who may read", statements["OnlyViewersRead"].Condition, map[string][]string{"ArnNotLike aws:PrincipalArn": {"${Gateway43CB3636.Arn}"}})
	for sid, statement := range statements {
		if statement.Effect != "Deny" {
			t.Errorf("%s allows something", sid)
		}
	}
}

// permit is an expected statement of a role's own policy.
func permit(resource string, actions ...string) synthtest.Statement {
	return synthtest.Statement{Effect: "Allow", Action: sorted(actions), Resource: []string{resource}}
}

func sorted(texts []string) []string { return slices.Sorted(slices.Values(texts)) }

func TestTheGatewaysRoleGetsExactlyWhatItUses(t *testing.T) {
	template, _ := synth(t, synthtest.NoFlags, ordinary)
	bucket := "${" + template.Only(t, "AWS::S3::Bucket", "Content").ID + ".Arn}"
	got := synthtest.Statements(t, template.Only(t, "AWS::IAM::ManagedPolicy", "ContentGateway").Get("PolicyDocument"))
	synthtest.Equal(t, "the role's policy", got, map[string]synthtest.Statement{
		"Write":   permit(bucket+"/*", "s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:DeleteObject"),
		"List":    permit(bucket, "s3:ListBucket"),
		"Inspect": permit(bucket+"/quarantine/*", "s3:GetObject", "s3:GetObjectVersion"),
	})
}

func TestTheKeyIsUsedByThisDistributionAndTheGatewayOnly(t *testing.T) {
	template, _ := synth(t, synthtest.NoFlags, ordinary)
	key, bucket := template.Only(t, "AWS::KMS::Key", "Content"), "${"+template.Only(t, "AWS::S3::Bucket", "Content").ID+".Arn}"
	got := synthtest.Statements(t, key.Get("KeyPolicy"))
	for _, action := range got["AccountGoverns"].Action {
		if slices.Contains([]string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:CreateGrant"}, action) || strings.Contains(action, "*") {
			t.Errorf("the account's permissions may give %s", action)
		}
	}
	governs := got["OnlyDeployersGovern"]
	synthtest.Equal(t, "who governs the key", governs.Condition, map[string][]string{"ArnNotLike aws:PrincipalArn": {deployer}})
	for _, action := range []string{"kms:UpdateAlias", "kms:DeleteAlias", "kms:PutKeyPolicy", "kms:DisableKey", "kms:DisableKeyRotation", "kms:ScheduleKeyDeletion"} {
		if !slices.Contains(governs.Action, action) || governs.Effect != "Deny" {
			t.Errorf("anybody may %s", action)
		}
	}
	delete(got, "AccountGoverns")
	delete(got, "OnlyDeployersGovern")
	synthtest.Equal(t, "who uses the key", got, map[string]synthtest.Statement{
		"UsedByGateway": synthtest.Allow("AWS ${Gateway43CB3636.Arn}", []string{"kms:GenerateDataKey", "kms:Decrypt"}, []string{"*"}, map[string][]string{
			"StringEquals kms:ViaService": {"s3.${AWS::Region}.${AWS::URLSuffix}"}, "ArnLike kms:EncryptionContext:aws:s3:arn": {bucket, bucket + "/*"},
		}),
		"DecryptsForViewers": synthtest.Allow("Service cloudfront.amazonaws.com", []string{"kms:Decrypt"}, []string{"*"}, map[string][]string{"StringEquals aws:SourceArn": {distribution}}),
	})
	synthtest.Equal(t, "rotation and pending days", []any{key.Get("EnableKeyRotation"), key.Get("PendingWindowInDays")}, []any{true, 30.0})
}
