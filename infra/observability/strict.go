package observability

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
)

// oldVersionsDays is how long a log can still be had back after it expired or
// an administrator deleted it.
const oldVersionsDays = 30

// Guard is who may do what to a bucket of logs: Administrators may delete logs
// before they expire.
type Guard struct {
	policy.Guard
	// DenyRoles may neither read nor list logs, whatever else they are given:
	// ARNs or patterns of them.
	DenyRoles []string
	// WriteRoles write instead of services: ARNs of roles that a service takes.
	WriteRoles []string
}

func (g *Guard) check(found *complaints.List) {
	g.Check(found)
	policy.CheckRoles(found, slices.Concat(g.DenyRoles, g.WriteRoles))
}

// statements are the denies that hold whatever is given elsewhere.
func (g *Guard) statements(bucket awss3.Bucket) []awsiam.PolicyStatement {
	everywhere := []string{*bucket.BucketArn(), *bucket.ArnForObjects(jsii.String("*"))}
	writes := policy.Deny("OnlyServicesWrite", everywhere, adding(), policy.Conditions{"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}})
	if len(g.WriteRoles) > 0 {
		writes = policy.Deny("OnlyTheseRolesWrite", everywhere, adding(), policy.Unless(g.WriteRoles))
	}
	statements := append(g.Bucket(bucket, *bucket.BucketArn(), removing()), writes)
	if len(g.DenyRoles) > 0 {
		statements = append(statements, policy.Deny("NotForTheseRoles", everywhere, slices.Concat(policy.Reading(), policy.Listing()),
			policy.Conditions{"ArnLike": {policy.PrincipalARN: g.DenyRoles}}))
	}
	return statements
}

// removing is everything that takes a log away or opens the way to it.
func removing() []string {
	return slices.Concat([]string{"s3:DeleteObject", "s3:AbortMultipartUpload"}, policy.Erasing())
}

// adding is everything else that makes or changes a log.
func adding() []string {
	return slices.DeleteFunc(slices.Concat(policy.Writing(), policy.SharingByACL()), func(action string) bool {
		return slices.Contains(removing(), action)
	})
}

// bucketOf are what tells one bucket of logs from another.
type bucketOf struct {
	name   string      // none: CloudFormation makes one up
	expire int         // days
	key    awskms.IKey // none: SSE-S3
	retain bool
	guard  *Guard
}

// newBucket is a bucket that only AWS's services write to.
func newBucket(scope constructs.Construct, id string, props bucketOf) awss3.Bucket {
	given := &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		LifecycleRules:    expiry(props.expire),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		RemovalPolicy:     removal(props.retain),
		Versioned:         jsii.Bool(true),
	}
	if props.name != "" {
		given.BucketName = jsii.String(props.name)
	}
	if props.key != nil {
		given.Encryption, given.EncryptionKey, given.BucketKeyEnabled = awss3.BucketEncryption_KMS, props.key, jsii.Bool(true)
	}
	bucket := awss3.NewBucket(scope, jsii.String(id), given)
	for _, statement := range props.guard.statements(bucket) {
		bucket.AddToResourcePolicy(statement)
	}
	bucket.Policy().ApplyRemovalPolicy(removal(props.retain))
	return bucket
}

func expiry(days int) *[]*awss3.LifecycleRule {
	return &[]*awss3.LifecycleRule{
		{
			Id:                                  jsii.String("Expire"),
			Expiration:                          awscdk.Duration_Days(jsii.Number(days)),
			NoncurrentVersionExpiration:         awscdk.Duration_Days(jsii.Number(oldVersionsDays)),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		},
		// S3 doesn't take this together with Expiration in one rule.
		{Id: jsii.String("DropDeleteMarkers"), ExpiredObjectDeleteMarker: jsii.Bool(true)},
	}
}

func removal(retain bool) awscdk.RemovalPolicy {
	if retain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}

// isToken tells what CDK fills in later from text that can be looked at.
func isToken(text string) bool { return *awscdk.Token_IsUnresolved(text) }
