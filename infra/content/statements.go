package content

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// conditions are the Condition block of a statement: operator, key, value.
type conditions map[string]map[string]any

// deny refuses the actions to everybody for whom the conditions hold.
func deny(sid string, resources []*string, actions []string, when conditions) awsiam.PolicyStatement {
	return statement(awsiam.Effect_DENY, sid, awsiam.NewStarPrincipal(), resources, actions, when)
}

// allow lets one principal do the actions.
func allow(sid string, to awsiam.IPrincipal, resources []*string, actions []string, when conditions) awsiam.PolicyStatement {
	return statement(awsiam.Effect_ALLOW, sid, to, resources, actions, when)
}

// permit is a statement of a role's own policy.
func permit(sid string, resources []*string, actions ...string) awsiam.PolicyStatement {
	return statement(awsiam.Effect_ALLOW, sid, nil, resources, actions, nil)
}

func statement(effect awsiam.Effect, sid string, principal awsiam.IPrincipal, resources []*string, actions []string, when conditions) awsiam.PolicyStatement {
	block := map[string]any{}
	for operator, keys := range when {
		block[operator] = keys
	}
	props := &awsiam.PolicyStatementProps{
		Sid: jsii.String(sid), Effect: effect, Actions: jsii.Strings(actions...), Resources: &resources, Conditions: &block,
	}
	if principal != nil {
		props.Principals = &[]awsiam.IPrincipal{principal}
	}
	return awsiam.NewPolicyStatement(props)
}

// The actions of S3 that the bucket's policy speaks of, by what they do
// (Service Authorization Reference, "Actions, resources, and condition keys
// for Amazon S3").

// reading is everything that shows what is in an object.
func reading() []string {
	return []string{
		"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes",
		"s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:GetObjectVersionForReplication", "s3:GetObjectTorrent",
	}
}

// listing is everything that shows the names of objects.
func listing() []string {
	return []string{"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"}
}

// writing is everything that makes, changes or hides an object.
func writing() []string {
	return []string{
		"s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload",
		"s3:RestoreObject", "s3:ReplicateObject", "s3:ReplicateTags", "s3:ReplicateDelete",
	}
}

// erasing is everything that makes a version go for good, or lets it.
func erasing() []string {
	return []string{
		"s3:DeleteObjectVersion", "s3:DeleteObjectVersionTagging", "s3:PutObjectVersionTagging",
		"s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold",
	}
}

// sharingByACL is everything that opens an object by a list of its own.
func sharingByACL() []string {
	return []string{"s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutBucketAcl"}
}

// governing is everything that changes what the bucket promises.
func governing() []string {
	return []string{
		"s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteBucketWebsite", "s3:PutAccelerateConfiguration",
		"s3:PutBucketCORS", "s3:PutBucketLogging", "s3:PutBucketNotification", "s3:PutBucketObjectLockConfiguration",
		"s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketRequestPayment",
		"s3:PutBucketVersioning", "s3:PutBucketWebsite", "s3:PutEncryptionConfiguration", "s3:PutIntelligentTieringConfiguration",
		"s3:PutInventoryConfiguration", "s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration",
	}
}
