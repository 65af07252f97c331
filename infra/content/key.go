package content

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"
)

// keyPendingDays is the longest that KMS lets one think about deleting a key.
const keyPendingDays = 30

// contextARN is what S3 tells KMS: with a bucket key the bucket's ARN, without
// the object's (Amazon S3 User Guide, "Using server-side encryption with AWS
// KMS keys").
const contextARN = "kms:EncryptionContext:aws:s3:arn"

// newKey makes the bucket's key and its alias, by whose name the bucket calls
// it. The account's own principals may look after the key, and none of them
// may use it but those named here.
func (b *bucket) newKey(alias *string) awskms.IKey {
	key := awskms.NewKey(b, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.Sprintf("Encrypts the private objects of %s", *awscdk.Stack_Of(b).StackName()),
		EnableKeyRotation: jsii.Bool(true),
		PendingWindow:     awscdk.Duration_Days(jsii.Number(keyPendingDays)),
		RemovalPolicy:     removal(b.props.Retain),
		Policy:            b.keyPolicy(),
	})
	awskms.NewCfnAlias(b, jsii.String("Alias"), &awskms.CfnAliasProps{AliasName: alias, TargetKeyId: key.KeyArn()})
	return key
}

// keyPolicy is what every key begins with.
func (b *bucket) keyPolicy() awsiam.PolicyDocument {
	keepers := slices.Concat(b.deployers(), *jsii.Strings(b.props.Administrators...))
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
		allow("AdministerByAccount", awsiam.NewAccountRootPrincipal(), itself(), lookingAfterKeys(), nil),
		deny("DenyGoverning", itself(), governingKeys(), conditions{"ArnNotLike": {principalARN: keepers}}),
	}})
}

// throughS3 are the conditions under which S3 uses a key for one bucket, on
// behalf of who asks it.
func (b *bucket) throughS3(of walls) conditions {
	return conditions{
		"StringEquals": {"kms:ViaService": jsii.Sprintf("s3.%s.%s", *awscdk.Stack_Of(b).Region(), *awscdk.Aws_URL_SUFFIX())},
		"StringLike":   {contextARN: of.everywhere()},
	}
}

// itself is what the statements of a key's policy are about.
func itself() []*string { return *jsii.Strings("*") }

// useKey lets the gateway encrypt, and decrypt what S3 asks to assemble
// uploads in parts, both only through S3 and only for this bucket.
func (b *bucket) useKey() {
	through := b.throughS3(b.walls(b.bucket))
	b.allowKey(allow("UseByGateway", awsiam.NewArnPrincipal(b.props.Gateway.RoleArn()), itself(), []string{"kms:GenerateDataKey", "kms:Decrypt"}, through))
	if b.copies != nil {
		b.allowKey(allow("DecryptForBackup", awsiam.NewArnPrincipal(b.copies.role.RoleArn()), itself(), []string{"kms:Decrypt"}, through))
	}
}

// openKey lets the key decrypt for the distribution.
func (b *bucket) openKey(distribution *string) {
	when := viewers(distribution)
	if b.props.DecryptFor == AnyDistribution {
		stack := awscdk.Stack_Of(b)
		when = conditions{
			"ArnLike":      {sourceARN: jsii.Sprintf("arn:%s:cloudfront::%s:distribution/*", *stack.Partition(), *stack.Account())},
			"StringEquals": {contextARN: b.bucket.BucketArn()},
		}
	}
	b.allowKey(allow("DecryptForViewers", cloudFront(), itself(), []string{"kms:Decrypt"}, when))
}

// allowKey adds to the key's policy, or says what its owner has to add.
func (b *bucket) allowKey(statement awsiam.PolicyStatement) {
	if b.key == nil {
		return
	}
	if *b.key.AddToResourcePolicy(statement, jsii.Bool(true)).StatementAdded {
		return
	}
	awscdk.Annotations_Of(b).AddWarningV2(jsii.String("signgate:keyPolicy:"+*statement.Sid()),
		jsii.Sprintf("The key is of another app; its policy has to let %s %v", *statement.Sid(), *statement.ToJSON().(map[string]any)["Action"].(*string)))
}

// lookingAfterKeys is what the account's own permissions may allow: nothing
// that encrypts, decrypts, or hands that on.
func lookingAfterKeys() []string {
	return slices.Concat(governingKeys(), []string{
		"kms:CreateAlias", "kms:DescribeKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus",
		"kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListResourceTags",
		"kms:RevokeGrant", "kms:TagResource", "kms:UntagResource", "kms:UpdateKeyDescription",
	})
}

// governingKeys is what would lose the objects, open them, or have new ones
// encrypted by another key, which moving the alias would.
func governingKeys() []string {
	return []string{
		"kms:CancelKeyDeletion", "kms:DeleteAlias", "kms:DisableKey", "kms:DisableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:UpdateAlias",
	}
}

// cloudFront is the service that viewers' requests come through.
func cloudFront() awsiam.IPrincipal {
	return awsiam.NewServicePrincipal(jsii.String("cloudfront.amazonaws.com"), nil)
}

// removal keeps what can't be made again.
func removal(retain bool) awscdk.RemovalPolicy {
	if retain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}
