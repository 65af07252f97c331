package content

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// contextARN is what S3 tells KMS about what it encrypts.
const contextARN = "kms:EncryptionContext:aws:s3:arn"

// alias is the name that a bucket calls its key by before it is made: see the
// package's comment.
func (b *bucket) alias(suffix string) string {
	options := &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(200), Separator: jsii.String("-")}
	return "alias/" + *awscdk.Names_UniqueResourceName(b, options) + suffix
}

// newKey makes a key and the alias of that name.
func (b *bucket) newKey(id, description, alias string) awskms.Key {
	key := b.props.Guard.NewKey(b, id, description+" of "+*awscdk.Stack_Of(b).StackName(), removal(b.props.Retain))
	named := awskms.NewCfnAlias(b, jsii.String(id+"Alias"), &awskms.CfnAliasProps{AliasName: jsii.String(alias), TargetKeyId: key.KeyArn()})
	named.ApplyRemovalPolicy(removal(b.props.Retain), nil) // a bucket that is kept goes on naming it
	return key
}

// useKey lets the gateway encrypt, and decrypt what S3 asks to assemble
// uploads in parts, both only through S3 and only for this bucket.
func (b *bucket) useKey() {
	through := b.throughS3(*b.bucket.BucketArn())
	b.allowKey(policy.Allow("UsedByGateway", awsiam.NewArnPrincipal(b.props.Gateway.RoleArn()), policy.Itself(), []string{"kms:GenerateDataKey", "kms:Decrypt"}, through))
	if b.copies != nil {
		b.allowKey(policy.Allow("DecryptsForBackup", awsiam.NewArnPrincipal(b.copies.role.RoleArn()), policy.Itself(), []string{"kms:Decrypt"}, through))
	}
}

// openKey lets the key decrypt for the distribution.
func (b *bucket) openKey(distribution string) {
	when := viewersOf(distribution)
	if b.props.DecryptFor == AnyDistribution {
		when = policy.Conditions{
			"ArnLike": {
				policy.SourceARN: policy.ARN(b, "cloudfront", "", "distribution/*"),
				contextARN:       []string{*b.bucket.BucketArn(), *b.bucket.BucketArn() + "/*"},
			},
		}
	}
	b.allowKey(policy.Allow("DecryptsForViewers", policy.CloudFront(), policy.Itself(), []string{"kms:Decrypt"}, when))
}

// allowKey adds to the key's policy, or says what its owner has to add.
func (b *bucket) allowKey(statement awsiam.PolicyStatement) {
	if b.key == nil || *b.key.AddToResourcePolicy(statement, jsii.Bool(true)).StatementAdded {
		return
	}
	var actions []string
	for _, action := range *statement.Actions() {
		actions = append(actions, *action)
	}
	awscdk.Annotations_Of(b).AddWarningV2(jsii.String("signgate:key-policy-"+*statement.Sid()),
		jsii.Sprintf("The key belongs to another app: its owner has to add the statement %s (%s) to its policy, as package content writes it for a key of its own", *statement.Sid(), strings.Join(actions, ", ")))
}

// removal keeps what can't be made again.
func removal(retain bool) awscdk.RemovalPolicy {
	if retain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}
