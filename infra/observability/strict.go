package observability

import (
	"slices"
	"strings"

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

// Guard is who may do what to a bucket of logs. Roles are named by their
// ARNs, or by patterns of them in which * stands for anything.
type Guard struct {
	// Deployers may change the bucket's policy and settings, and delete it
	// when it is empty. None: the execution role of CDK's bootstrap.
	Deployers []string
	// Administrators may delete logs before they expire. None: nobody may.
	Administrators []string
	// RequireMFA asks a second factor of Administrators.
	RequireMFA bool
	// DenyRoles may neither read nor list logs, whatever else they are given.
	DenyRoles []string
}

func (g *Guard) check(found *complaints.List) {
	found.When(g.RequireMFA && len(g.Administrators) == 0, "RequireMFA asks a second factor of Administrators, and there are none")
	for _, role := range slices.Concat(g.Deployers, g.Administrators, g.DenyRoles) {
		found.When(!isToken(role) && !strings.HasPrefix(role, "arn:"), "%q is neither the ARN of a role nor a pattern of one", role)
	}
}

// statements are the denies that hold whatever is given elsewhere.
func (g *Guard) statements(bucket awss3.Bucket) []awsiam.PolicyStatement {
	itself, objects := []string{*bucket.BucketArn()}, []string{*bucket.ArnForObjects(jsii.String("*"))}
	everywhere := slices.Concat(itself, objects)
	deployers := g.Deployers
	if len(deployers) == 0 {
		deployers = []string{policy.BootstrapRole(bucket)}
	}
	statements := []awsiam.PolicyStatement{
		policy.Deny("OnlyTLS", everywhere, policy.Everything(), policy.Conditions{"Bool": {"aws:SecureTransport": "false"}}),
		policy.Deny("OnlyTLS12", everywhere, policy.Everything(), policy.Conditions{"NumericLessThan": {"s3:TlsVersion": 1.2}}),
		policy.Deny("OnlyServicesWrite", everywhere, adding(), policy.Conditions{"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
		policy.Deny("NobodyErases", objects, removing(), unless("aws:PrincipalArn", g.Administrators)),
		policy.Deny("OnlyDeployersGovern", itself, policy.Governing(), unless("aws:PrincipalArn", deployers)),
	}
	if g.RequireMFA {
		statements = append(statements, policy.Deny("ErasingTakesMFA", objects, removing(),
			policy.Conditions{"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}))
	}
	if len(g.DenyRoles) > 0 {
		statements = append(statements, policy.Deny("NotForTheseRoles", everywhere, slices.Concat(policy.Reading(), policy.Listing()),
			policy.Conditions{"ArnLike": {"aws:PrincipalArn": g.DenyRoles}}))
	}
	return statements
}

// unless holds for everybody but the roles; without roles, for everybody.
func unless(key string, roles []string) policy.Conditions {
	if len(roles) == 0 {
		return nil
	}
	return policy.Conditions{"ArnNotLike": {key: roles}}
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
