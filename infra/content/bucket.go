package content

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// Bucket is a private bucket with its key and its policy.
type Bucket interface {
	constructs.Construct
	// Bucket is the bucket itself.
	Bucket() awss3.IBucket
	// Key is the key that it encrypts with; nil under SSE-S3.
	Key() awskms.IKey
	// Backup is the bucket that everything is copied to; nil without.
	Backup() awss3.IBucket
	// DeliverThrough lets the distribution of that ARN read, and no other. It
	// must be called once; until then nobody can read.
	DeliverThrough(distributionARN string)
	// AllowWritesThrough lets that distribution write and delete objects too,
	// for a behaviour that authorizes each request at the edge.
	AllowWritesThrough(distributionARN string)
	// ReachThrough refuses the gateway's own requests unless they come through
	// that VPC endpoint. Presigned ones come from browsers.
	ReachThrough(endpointID string)
}

type bucket struct {
	constructs.Construct
	props  Props
	bucket awss3.IBucket
	policy awss3.BucketPolicy // of an existing bucket
	key    awskms.IKey
	copies *copies // nil without a backup
	fence  fence
}

// NewBucket makes a private bucket, or makes an existing one private. It
// panics with the error of Validate.
func NewBucket(scope constructs.Construct, id *string, props *Props) Bucket {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	b := &bucket{props: *props, key: props.Key}
	constructs.NewConstruct_Override(b, scope, id)
	if props.Backup != nil {
		b.copies = b.newCopies()
	}
	if props.Existing != nil {
		b.bucket = props.Existing
		b.policy = awss3.NewBucketPolicy(b, jsii.String("Policy"), &awss3.BucketPolicyProps{Bucket: props.Existing, RemovalPolicy: removal(props.Retain)})
	} else {
		b.make()
	}
	b.fenceIn()
	b.useKey()
	b.permitGateway()
	b.permitCopier()
	for _, made := range []awss3.IBucket{b.bucket, b.Backup()} {
		if made, ours := made.(awss3.Bucket); ours {
			made.Policy().ApplyRemovalPolicy(removal(props.Retain))
		}
	}
	return b
}

// bucketID is the private bucket's id within the construct.
const bucketID = "Bucket"

// make makes the bucket, and its key unless one was given.
func (b *bucket) make() {
	alias := b.alias("")
	made := b.newBucket(bucketID, alias, b.content())
	if b.copies != nil {
		made.Node().DefaultChild().(awss3.CfnBucket).SetReplicationConfiguration(b.copies.replication())
	}
	b.bucket = made
	if b.key == nil && b.props.Encryption != S3Managed {
		b.key = b.newKey("Key", "Encrypts the private objects", alias)
	}
}

func (b *bucket) Bucket() awss3.IBucket { return b.bucket }
func (b *bucket) Key() awskms.IKey      { return b.key }

func (b *bucket) Backup() awss3.IBucket {
	if b.copies == nil {
		return nil
	}
	return b.copies.bucket
}

// DeliverThrough adds what the distribution may do. Until it is called, the
// denies shut it out together with everybody else.
func (b *bucket) DeliverThrough(distributionARN string) {
	letPast(b.fence.reading, distributionARN)
	b.add(policy.Allow("ReadByViewers", policy.CloudFront(), b.objects("*"), []string{"s3:GetObject", "s3:GetObjectVersion"}, viewersOf(distributionARN)))
	b.openKey(distributionARN)
}

// AllowWritesThrough adds what a behaviour for writing needs.
func (b *bucket) AllowWritesThrough(distributionARN string) {
	letPast(b.fence.writing, distributionARN)
	b.add(policy.Allow("WrittenByUploaders", policy.CloudFront(), b.objects("*"), []string{"s3:PutObject", "s3:DeleteObject"}, viewersOf(distributionARN)))
	b.allowKey(policy.Allow("EncryptsForUploaders", policy.CloudFront(), policy.Itself(), []string{"kms:GenerateDataKey"}, viewersOf(distributionARN)))
}

// ReachThrough adds a deny.
func (b *bucket) ReachThrough(endpointID string) {
	b.add(policy.Deny("GatewayOnlyThroughEndpoint", b.everywhere(), []string{"s3:*"}, policy.Conditions{
		"ArnEquals":       {policy.PrincipalARN: *b.props.Gateway.RoleArn()},
		"StringEquals":    {"s3:authType": "REST-HEADER"},
		"StringNotEquals": {"aws:SourceVpce": endpointID},
	}))
}

// add puts a statement into the bucket's policy.
func (b *bucket) add(statement awsiam.PolicyStatement) {
	if b.policy != nil {
		b.policy.Document().AddStatements(statement)
		return
	}
	b.bucket.AddToResourcePolicy(statement)
}

// objects are those of the bucket that match the pattern.
func (b *bucket) objects(pattern string) []string {
	return []string{*b.bucket.ArnForObjects(jsii.String(pattern))}
}

// everywhere is the bucket and its objects.
func (b *bucket) everywhere() []string { return append(b.objects("*"), *b.bucket.BucketArn()) }

// permitGateway gives the gateway's role what it signs for, and what it looks
// at itself: how far an upload is, and what has landed in quarantine.
func (b *bucket) permitGateway() {
	read := b.objects(b.props.QuarantinePrefix + "*")
	if b.props.DirectReads {
		read = b.objects("*")
	}
	statements := []awsiam.PolicyStatement{
		policy.Permit("Write", b.objects("*"), policy.GatewayWrites()...),
		policy.Permit("List", []string{*b.bucket.BucketArn()}, policy.GatewayLists()...),
		policy.Permit("Inspect", read, policy.GatewayInspects()...),
	}
	if b.props.Key != nil { // whose policy may leave this to IAM
		statements = append(statements, policy.Allow("Encrypt", nil, []string{*b.key.KeyArn()}, []string{"kms:GenerateDataKey", "kms:Decrypt"}, b.throughS3(*b.bucket.BucketArn())))
	}
	policy.Attach(b, "GatewayPolicy", b.props.Gateway, statements...)
}
