package content

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// copies is the bucket of copies, and who makes them.
type copies struct {
	bucket awss3.IBucket
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
	alias := b.alias("-backup")
	c.bucket = b.newBucket("Backup", alias, &awss3.BucketProps{LifecycleRules: b.copiesLifecycle()})
	if b.props.Encryption != S3Managed {
		c.key = b.newKey("BackupKey", "Encrypts the backup", alias)
	}
	b.guardCopies(c)
	return c
}

func (b *bucket) copiesLifecycle() *[]*awss3.LifecycleRule {
	rules := []*awss3.LifecycleRule{abortUploads(1)}
	if glacier := b.props.Backup.Glacier; glacier > 0 {
		rules = append(rules, &awss3.LifecycleRule{Id: jsii.String("glacier"), Transitions: &[]*awss3.Transition{
			{StorageClass: awss3.StorageClass_GLACIER(), TransitionAfter: days(glacier)},
		}})
	}
	return new(append(append(rules, b.quarantineRule()...), oldVersions(0, b.props.Backup.Expire)...))
}

// guardCopies lets S3 copy, administrators read, and nobody anything else.
func (b *bucket) guardCopies(c *copies) {
	guard, arn := b.props.Guard, *c.bucket.BucketArn()
	itself, objects := []string{arn}, []string{arn + "/*"}
	for _, statement := range append(guard.Bucket(b, arn, policy.Erasing()),
		policy.Deny("OnlyAdministratorsRead", objects, policy.Reading(), guard.UnlessAdministrator()),
		policy.Deny("OnlyAdministratorsRestore", objects, policy.Restoring(), guard.UnlessAdministrator()),
		policy.Deny("OnlyAdministratorsList", itself, policy.Listing(), guard.UnlessAdministrator()),
		policy.Deny("OnlyTheCopierWrites", objects, policy.Writing(), policy.Unless([]string{*c.role.RoleArn()})),
		policy.Deny("NoACLs", []string{arn, arn + "/*"}, policy.SharingByACL(), nil),
		policy.Deny("NobodyDeletes", objects, []string{"s3:DeleteObject", "s3:ReplicateDelete"}, nil),
	) {
		c.bucket.AddToResourcePolicy(statement)
	}
	if c.key == nil {
		return
	}
	through := b.throughS3(arn)
	c.key.AddToResourcePolicy(policy.Allow("EncryptsCopies", awsiam.NewArnPrincipal(c.role.RoleArn()), policy.Itself(), []string{"kms:GenerateDataKey", "kms:Encrypt"}, through), nil)
	if len(guard.Administrators) > 0 {
		c.key.AddToResourcePolicy(policy.Allow("DecryptsForAdministrators", awsiam.NewAccountRootPrincipal(), policy.Itself(), []string{"kms:Decrypt"},
			through.With("ArnLike", policy.PrincipalARN, guard.Administrators)), nil)
	}
}

// replication copies every new version, encrypted by the backup's own key,
// and no delete.
func (c *copies) replication() *awss3.CfnBucket_ReplicationConfigurationProperty {
	destination := &awss3.CfnBucket_ReplicationDestinationProperty{Bucket: c.bucket.BucketArn()}
	rule := &awss3.CfnBucket_ReplicationRuleProperty{
		Id: jsii.String("backup"), Priority: jsii.Number(1), Status: jsii.String("Enabled"),
		Filter:                  &awss3.CfnBucket_ReplicationRuleFilterProperty{Prefix: jsii.String("")},
		DeleteMarkerReplication: &awss3.CfnBucket_DeleteMarkerReplicationProperty{Status: jsii.String("Disabled")},
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

// permitCopier lets the copier read what it copies, and write copies.
func (b *bucket) permitCopier() {
	if b.copies == nil {
		return
	}
	statements := []awsiam.PolicyStatement{
		policy.Permit("FollowChanges", []string{*b.bucket.BucketArn()}, "s3:GetReplicationConfiguration", "s3:ListBucket"),
		policy.Permit("ReadVersions", b.objects("*"), "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging", "s3:GetObjectVersionAcl"),
		policy.Permit("Copy", []string{*b.copies.bucket.ArnForObjects(jsii.String("*"))}, "s3:ReplicateObject", "s3:ReplicateTags"),
	}
	if b.props.Key != nil { // whose policy may leave this to IAM
		statements = append(statements, policy.Allow("Decrypt", nil, []string{*b.key.KeyArn()}, []string{"kms:Decrypt"}, b.throughS3(*b.bucket.BucketArn())))
	}
	policy.Attach(b, "CopierPolicy", b.copies.role, statements...)
}
