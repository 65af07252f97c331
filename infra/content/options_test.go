package content_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/content"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestTheFallbackDecryptsForTheAccountsDistributionsButForThisBucketOnly(t *testing.T) {
	exact, _ := synth(t, synthtest.NoFlags, ordinary)
	fallback, _ := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *content.Props) { p.DecryptFor = content.AnyDistribution })
	bucket := fallback.Only(t, "AWS::S3::Bucket", "Content")
	viewers := synthtest.Statements(t, fallback.Only(t, "AWS::KMS::Key", "Content").Get("KeyPolicy"))["DecryptsForViewers"]
	synthtest.Equal(t, "for whom it decrypts", viewers.Condition, map[string][]string{
		"ArnLike aws:SourceArn":                    {"arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/*"},
		"ArnLike kms:EncryptionContext:aws:s3:arn": {"${" + bucket.ID + ".Arn}", "${" + bucket.ID + ".Arn}/*"},
	})
	// Changing over replaces nothing: only the key's policy differs.
	fallback.Resources[viewersKey(t, fallback)].Properties["KeyPolicy"] = exact.Resources[viewersKey(t, exact)].Properties["KeyPolicy"]
	synthtest.Equal(t, "everything but the key's policy", fallback.Resources, exact.Resources)
}

func viewersKey(t *testing.T, template synthtest.Template) string {
	t.Helper()
	return template.Only(t, "AWS::KMS::Key", "Content").ID
}

func TestWithoutKMSThereIsNoKeyAndOthersAreRefused(t *testing.T) {
	template, made := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *content.Props) { p.Encryption = content.S3Managed })
	if keys := len(template.Of("AWS::KMS::Key")) + len(template.Of("AWS::KMS::Alias")); keys != 0 || made.Key() != nil {
		t.Errorf("there are %d keys and aliases", keys)
	}
	encryption := template.Only(t, "AWS::S3::Bucket", "Content").Get("BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault")
	synthtest.Equal(t, "the encryption", encryption, any(map[string]any{"SSEAlgorithm": "AES256"}))
	statements := bucketPolicy(t, template, "Content")
	synthtest.Equal(t, "what is refused", statements["NoOtherEncryption"].Condition, map[string][]string{
		"Null s3:x-amz-server-side-encryption": {"false"}, "StringNotEquals s3:x-amz-server-side-encryption": {"AES256"},
	})
	if _, there := statements["NoOtherKey"]; there {
		t.Error("a key is asked for that there isn't")
	}
}

func TestAnExistingKeyIsNamedAsItIsAndItsOwnerIsToldWhatToAllow(t *testing.T) {
	const arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	template, _ := synth(t, synthtest.NoFlags, func(stack awscdk.Stack, p *content.Props) {
		p.Key = awskms.Key_FromKeyArn(stack, jsii.String("Theirs"), jsii.String(arn))
	})
	encryption := template.Only(t, "AWS::S3::Bucket", "Content").Get("BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault")
	synthtest.Equal(t, "the encryption", encryption, any(map[string]any{"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}))
	synthtest.Equal(t, "the only key", bucketPolicy(t, template, "Content")["NoOtherKey"].Condition["StringNotEquals s3:x-amz-server-side-encryption-aws-kms-key-id"], []string{arn})
	role := synthtest.Statements(t, template.Only(t, "AWS::IAM::ManagedPolicy", "ContentGateway").Get("PolicyDocument"))
	bucket := "${" + template.Only(t, "AWS::S3::Bucket", "Content").ID + ".Arn}"
	encrypt := permit(arn, "kms:GenerateDataKey", "kms:Decrypt")
	encrypt.Condition = map[string][]string{
		"StringEquals kms:ViaService": {"s3.${AWS::Region}.${AWS::URLSuffix}"}, "ArnLike kms:EncryptionContext:aws:s3:arn": {bucket, bucket + "/*"},
	}
	synthtest.Equal(t, "what the gateway may", role["Encrypt"], encrypt)
	warnings := template.Warnings
	for _, sid := range []string{"UsedByGateway", "DecryptsForViewers"} {
		if !strings.Contains(warnings, sid) {
			t.Errorf("nobody is told of %s: %s", sid, warnings)
		}
	}
	if len(template.Of("AWS::KMS::Key")) != 0 {
		t.Error("there is another key")
	}
}

func TestAnExistingBucketGetsThePolicyAndNothingElse(t *testing.T) {
	template, made := synth(t, synthtest.NoFlags, func(stack awscdk.Stack, p *content.Props) {
		p.Existing = awss3.Bucket_FromBucketName(stack, jsii.String("Theirs"), jsii.String("theirs"))
		p.Encryption, p.LogBucket = content.S3Managed, nil
	})
	if len(template.Of("AWS::S3::Bucket")) != 0 || *made.Bucket().BucketName() != "theirs" {
		t.Error("there is another bucket")
	}
	synthtest.Equal(t, "whose policy it is", template.Only(t, "AWS::S3::BucketPolicy", "Content").Get("Bucket"), any("theirs"))
	statements := bucketPolicy(t, template, "Content")
	for sid := range denies("", "") {
		if _, there := statements[sid]; !there && sid != "NoOtherKey" {
			t.Errorf("%s is missing", sid)
		}
	}
	synthtest.Equal(t, "what is guarded", statements["OnlyTLS"].Resource, []string{"arn:${AWS::Partition}:s3:::theirs", "arn:${AWS::Partition}:s3:::theirs/*"})
}

func TestOptionsOfTheBucket(t *testing.T) {
	template, _ := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *content.Props) {
		p.BucketName, p.TransferAcceleration, p.Retain = "objects-of-example", true, true
		p.UploadOrigins, p.ReadOrigins = []string{"https://app.example.com"}, []string{"*"}
		p.Lifecycle = content.Lifecycle{}
		p.LogPrefix = "s3/"
	})
	bucket := template.Only(t, "AWS::S3::Bucket", "Content")
	synthtest.Equal(t, "name", bucket.Get("BucketName"), any("objects-of-example"))
	synthtest.Equal(t, "acceleration", bucket.Get("AccelerateConfiguration"), any(map[string]any{"AccelerationStatus": "Enabled"}))
	synthtest.Equal(t, "log prefix", bucket.Get("LoggingConfiguration", "LogFilePrefix"), any("s3/Bucket/"))
	synthtest.Equal(t, "lifecycle", bucket.Get("LifecycleConfiguration"), any(nil))
	synthtest.Equal(t, "CORS", bucket.Get("CorsConfiguration", "CorsRules", 0), any(map[string]any{
		"Id": "uploads", "AllowedOrigins": []any{"https://app.example.com"}, "AllowedHeaders": []any{"*"}, "MaxAge": 3600.0,
		"AllowedMethods": []any{"GET", "HEAD", "PUT", "POST", "DELETE"}, "ExposedHeaders": []any{"ETag", "Location", "x-amz-version-id"},
	}))
	synthtest.Equal(t, "CORS of reads", bucket.Get("CorsConfiguration", "CorsRules", 1), any(map[string]any{
		"Id": "reads", "AllowedOrigins": []any{"*"}, "AllowedHeaders": []any{"*"}, "MaxAge": 3600.0,
		"AllowedMethods": []any{"GET", "HEAD"}, "ExposedHeaders": []any{"ETag", "Location", "x-amz-version-id"},
	}))
	for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key"} {
		kept := template.Only(t, kind, "Content")
		synthtest.Equal(t, "what becomes of "+kind, []string{kept.DeletionPolicy, kept.UpdateReplacePolicy}, []string{"Retain", "Retain"})
	}
}

func TestWhatIsntKeptGoesWithItsStack(t *testing.T) {
	template, _ := synth(t, synthtest.NoFlags, ordinary)
	for _, kind := range []string{"AWS::S3::Bucket", "AWS::KMS::Key"} {
		synthtest.Equal(t, "what becomes of "+kind, template.Only(t, kind, "Content").DeletionPolicy, "Delete")
	}
}

func TestDirectReadsLetTheGatewayReadEverything(t *testing.T) {
	template, _ := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *content.Props) { p.DirectReads = true })
	if _, there := bucketPolicy(t, template, "Content")["GatewayReadsQuarantineOnly"]; there {
		t.Error("the gateway is held to the quarantine")
	}
	role := synthtest.Statements(t, template.Only(t, "AWS::IAM::ManagedPolicy", "ContentGateway").Get("PolicyDocument"))
	synthtest.Equal(t, "what it reads", role["Inspect"].Resource, []string{"${" + template.Only(t, "AWS::S3::Bucket", "Content").ID + ".Arn}/*"})
}

func TestTheGatewaysOwnRequestsComeThroughItsEndpoint(t *testing.T) {
	stack := synthtest.Stack(synthtest.NoFlags, "")
	content.NewBucket(stack, jsii.String("Content"), props(stack)).ReachThrough("vpce-1a2b3c4d")
	denied := bucketPolicy(t, synthtest.Synth(stack), "Content")["GatewayOnlyThroughEndpoint"]
	synthtest.Equal(t, "what is refused", []any{denied.Effect, denied.Action, len(denied.Resource)}, []any{"Deny", []string{"s3:*"}, 2})
	synthtest.Equal(t, "the condition", denied.Condition, map[string][]string{
		"ArnEquals aws:PrincipalArn": {"${Gateway43CB3636.Arn}"}, "StringEquals s3:authType": {"REST-HEADER"}, "StringNotEquals aws:SourceVpce": {"vpce-1a2b3c4d"},
	})
}

func TestAdministratorsEraseAndGovernWithASecondFactor(t *testing.T) {
	template, _ := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *content.Props) {
		p.Guard.Administrators, p.Guard.RequireMFA = []string{keeper}, true
	})
	statements := bucketPolicy(t, template, "Content")
	unless := map[string][]string{"ArnNotLike aws:PrincipalArn": {keeper}}
	synthtest.Equal(t, "who erases", statements["NobodyErases"].Condition, unless)
	synthtest.Equal(t, "who governs", statements["OnlyDeployersGovern"].Condition, map[string][]string{"ArnNotLike aws:PrincipalArn": {deployer, keeper}})
	synthtest.Equal(t, "who restores", statements["OnlyAdministratorsRestore"].Condition, unless)
	key := synthtest.Statements(t, template.Only(t, "AWS::KMS::Key", "Content").Get("KeyPolicy"))["AdministratorsTakeMFA"]
	synthtest.Equal(t, "the key without a second factor", key, synthtest.Deny(policy.GoverningKeys(), []string{"*"}, map[string][]string{
		"ArnLike aws:PrincipalArn": {keeper}, "BoolIfExists aws:MultiFactorAuthPresent": {"false"},
	}))
	mfa := statements["AdministratorsTakeMFA"]
	synthtest.Equal(t, "without a second factor", mfa.Condition, map[string][]string{"ArnLike aws:PrincipalArn": {keeper}, "BoolIfExists aws:MultiFactorAuthPresent": {"false"}})
	synthtest.Equal(t, "what takes it", mfa.Action, sorted(append(policy.Governing(), policy.Erasing()...)))
}

func TestADistributionWritesOnlyWhereItIsLet(t *testing.T) {
	stack := synthtest.Stack(synthtest.NoFlags, "")
	made := content.NewBucket(stack, jsii.String("Content"), props(stack))
	made.DeliverThrough(distribution)
	made.AllowWritesThrough(distribution)
	template := synthtest.Synth(stack)
	statements := bucketPolicy(t, template, "Content")
	synthtest.Equal(t, "who isn't refused", statements["OnlyTheGatewayWrites"].Condition["StringNotEquals aws:SourceArn"], []string{distribution})
	synthtest.Equal(t, "what it may", statements["WrittenByUploaders"], synthtest.Allow("Service cloudfront.amazonaws.com",
		[]string{"s3:PutObject", "s3:DeleteObject"}, statements["ReadByViewers"].Resource, map[string][]string{"StringEquals aws:SourceArn": {distribution}}))
	key := synthtest.Statements(t, template.Only(t, "AWS::KMS::Key", "Content").Get("KeyPolicy"))["EncryptsForUploaders"]
	synthtest.Equal(t, "what the key does for it", []any{key.Action, key.Condition}, []any{[]string{"kms:GenerateDataKey"}, map[string][]string{"StringEquals aws:SourceArn": {distribution}}})
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	var none *content.Props
	wrong := &content.Props{
		Existing: awss3.Bucket_FromBucketName(synthtest.Stack(synthtest.NoFlags, ""), jsii.String("B"), jsii.String("theirs")), BucketName: "b",
		Encryption: "ROT13", DecryptFor: "ALL", MaxPresignAge: 8 * 24 * time.Hour, QuarantinePrefix: "/x", UploadOrigins: []string{"*"},
		Lifecycle: content.Lifecycle{OldVersionsGlacier: 30, OldVersionsExpire: 30, AbortUploads: -1}, Backup: &content.Backup{Expire: -1},
		Guard: policy.Guard{RequireMFA: true, Deployers: []string{"me"}},
	}
	for given, expected := range map[*content.Props][]string{
		none:  {"there are no props"},
		{}:    {"Gateway is missing", "LogBucket is missing", "MaxPresignAge", "QuarantinePrefix"},
		wrong: {"Existing and BucketName", "Backup can't be given", "Encryption is", "Existing takes the Key", "DecryptFor", "MaxPresignAge", "QuarantinePrefix", "UploadOrigins", "days from 0", "must come after", "Backup counts", "RequireMFA", `"me"`},
	} {
		err := given.Validate()
		if !errors.Is(err, content.ErrInvalid) {
			t.Fatalf("%v is no ErrInvalid", err)
		}
		for _, text := range expected {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%v doesn't complain of %s", err, text)
			}
		}
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("the constructor panics with %v", err)
		}
	}()
	content.NewBucket(synthtest.Stack(synthtest.NoFlags, ""), jsii.String("Content"), nil)
}
