package content

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// copies is the bucket of copies, and who makes them.
type copies struct {
	bucket awss3.Bucket
	key    awskms.Key // nil under SSE-S3
	role   awsiam.Role
}

// newCopies makes the bucket that S3 copies to. Nobody reads, changes or
// deletes there but administrators, the gateway least of all: it is what is
// left when everything else is lost.
func (b *bucket) newCopies() *copies {
	c := &copies{role: awsiam.NewRole(b, jsii.String("Copier"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("s3.amazonaws.com"), nil),
		Description: jsii.String("Copies new versions of private objects to their backup"),
	})}
	props := &awss3.BucketProps{
		Versioned: jsii.Bool(true), BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership: awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Encryption:      awss3.BucketEncryption_S3_MANAGED, RemovalPolicy: removal(b.props.Retain),
		LifecycleRules: b.copiesLifecycle(),
	}
	if b.props.Encryption != S3Managed {
		c.key = awskms.NewKey(b, jsii.String("BackupKey"), &awskms.KeyProps{
			Description: jsii.Sprintf("Encrypts the backup of %s", *awscdk.Stack_Of(b).StackName()), EnableKeyRotation: jsii.Bool(true),
			PendingWindow: awscdk.Duration_Days(jsii.Number(keyPendingDays)), RemovalPolicy: removal(b.props.Retain),
			Policy: b.keyPolicy(),
		})
		props.Encryption, props.EncryptionKey, props.BucketKeyEnabled = awss3.BucketEncryption_KMS, c.key, jsii.Bool(true)
	}
	c.bucket = awss3.NewBucket(b, jsii.String("Backup"), props)
	c.bucket.Node().DefaultChild().(awss3.CfnBucket).SetLoggingConfiguration(&awss3.CfnBucket_LoggingConfigurationProperty{
		DestinationBucketName: b.props.LogBucket.BucketName(), LogFilePrefix: jsii.String(b.props.LogPrefix + "backup/"),
	})
	b.guardCopies(c)
	return c
}

func (b *bucket) copiesLifecycle() *[]*awss3.LifecycleRule {
	rules := []*awss3.LifecycleRule{{Id: jsii.String("abort-uploads"), AbortIncompleteMultipartUploadAfter: days(1)}}
	if glacier := b.props.Backup.Glacier; glacier > 0 {
		rules = append(rules, &awss3.LifecycleRule{Id: jsii.String("glacier"), Transitions: &[]*awss3.Transition{{StorageClass: awss3.StorageClass_GLACIER(), TransitionAfter: days(glacier)}}})
	}
	if expire := b.props.Lifecycle.QuarantineExpire; expire > 0 { // what was never taken over needs no copy
		rules = append(rules, &awss3.LifecycleRule{
			Id: jsii.String("expire-quarantine"), Prefix: jsii.String(b.props.QuarantinePrefix), Expiration: days(expire), NoncurrentVersionExpiration: days(1),
		})
	}
	return new(append(rules, oldVersions(0, b.props.Backup.Expire)...))
}

// guardCopies lets S3 copy, administrators read, and nobody anything else.
func (b *bucket) guardCopies(c *copies) {
	walls := b.walls(c.bucket)
	copier := []*string{c.role.RoleArn()}
	for _, statement := range slices.Concat(walls.transport(), walls.kept(), []awsiam.PolicyStatement{
		deny("DenyReadingByOthers", walls.objects(), reading(), walls.unlessAdministrator()),
		deny("DenyListingByOthers", walls.itself(), listing(), walls.unlessAdministrator()),
		deny("DenyWritingByOthers", walls.objects(), writing(), conditions{"ArnNotLike": {principalARN: copier}}),
		deny("DenyDeletes", walls.objects(), []string{"s3:DeleteObject", "s3:ReplicateDelete"}, nil),
	}) {
		c.bucket.AddToResourcePolicy(statement)
	}
	c.role.AddToPrincipalPolicy(permit("Copy", walls.objects(), "s3:ReplicateObject", "s3:ReplicateTags"))
	if c.key == nil {
		return
	}
	c.key.AddToResourcePolicy(allow("EncryptCopies", awsiam.NewArnPrincipal(c.role.RoleArn()), itself(), []string{"kms:GenerateDataKey", "kms:Encrypt"}, b.throughS3(walls)), nil)
	if len(walls.administrators) > 0 {
		c.key.AddToResourcePolicy(allow("DecryptForAdministrators", awsiam.NewAccountRootPrincipal(), itself(), []string{"kms:Decrypt"},
			b.throughS3(walls).with("ArnLike", map[string]any{principalARN: walls.administrators})), nil)
	}
}

// replication copies every new version, encrypted by the backup's own key,
// and no delete.
func (c *copies) replication() *awss3.CfnBucket_ReplicationConfigurationProperty {
	off := jsii.String("Disabled")
	destination := &awss3.CfnBucket_ReplicationDestinationProperty{Bucket: c.bucket.BucketArn()}
	rule := &awss3.CfnBucket_ReplicationRuleProperty{
		Id: jsii.String("backup"), Priority: jsii.Number(1), Status: jsii.String("Enabled"),
		Filter:                  &awss3.CfnBucket_ReplicationRuleFilterProperty{Prefix: jsii.String("")},
		DeleteMarkerReplication: &awss3.CfnBucket_DeleteMarkerReplicationProperty{Status: off},
		Destination:             destination,
	}
	if c.key != nil {
		destination.EncryptionConfiguration = &awss3.CfnBucket_EncryptionConfigurationProperty{ReplicaKmsKeyId: c.key.KeyArn()}
		rule.SourceSelectionCriteria = &awss3.CfnBucket_SourceSelectionCriteriaProperty{
			SseKmsEncryptedObjects: &awss3.CfnBucket_SseKmsEncryptedObjectsProperty{Status: jsii.String("Enabled")},
		}
	}
	return &awss3.CfnBucket_ReplicationConfigurationProperty{Role: c.role.RoleArn(), Rules: []any{rule}}
}

// permitCopier lets the copier read what it copies.
func (b *bucket) permitCopier() {
	if b.copies == nil {
		return
	}
	b.copies.role.AddToPrincipalPolicy(permit("FollowChanges", []*string{b.bucket.BucketArn()}, "s3:GetReplicationConfiguration", "s3:ListBucket"))
	b.copies.role.AddToPrincipalPolicy(permit("ReadVersions", []*string{b.objects("*")}, "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging", "s3:GetObjectVersionAcl"))
}
