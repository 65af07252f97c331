package content

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
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
	DeliverThrough(distribution *string)
	// AllowWritesThrough lets that distribution write and delete objects too,
	// for a behaviour that authorizes each request at the edge.
	AllowWritesThrough(distribution *string)
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
	b := &bucket{props: *props}
	constructs.NewConstruct_Override(b, scope, id)
	if props.Backup != nil {
		b.copies = b.newCopies()
	}
	b.key = props.Key
	switch {
	case props.Existing != nil:
		b.bucket = props.Existing
		b.policy = awss3.NewBucketPolicy(b, jsii.String("Policy"), &awss3.BucketPolicyProps{Bucket: props.Existing, RemovalPolicy: removal(props.Retain)})
	default:
		alias := jsii.String("alias/" + *awscdk.Names_UniqueResourceName(b, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(200), Separator: jsii.String("-")}))
		b.bucket = b.newBucket(alias)
		if b.key == nil && props.Encryption != S3Managed {
			b.key = b.newKey(alias)
		}
	}
	b.fence.build(b)
	b.useKey()
	b.permitGateway()
	b.permitCopier()
	return b
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
func (b *bucket) DeliverThrough(distribution *string) {
	except(b.fence.reading, distribution)
	b.add(allow("AllowViewers", cloudFront(), []*string{b.objects("*")}, []string{"s3:GetObject", "s3:GetObjectVersion"}, viewers(distribution)))
	b.openKey(distribution)
}

// AllowWritesThrough adds what a behaviour for writing needs.
func (b *bucket) AllowWritesThrough(distribution *string) {
	except(b.fence.writing, distribution)
	b.add(allow("AllowUploaders", cloudFront(), []*string{b.objects("*")}, []string{"s3:PutObject", "s3:DeleteObject"}, viewers(distribution)))
	b.allowKey(allow("EncryptForUploaders", cloudFront(), itself(), []string{"kms:GenerateDataKey"}, viewers(distribution)))
}

// add puts a statement into the bucket's policy.
func (b *bucket) add(statement awsiam.PolicyStatement) {
	if b.policy != nil {
		b.policy.Document().AddStatements(statement)
		return
	}
	b.bucket.AddToResourcePolicy(statement)
}

// objects is the ARN of the objects that match.
func (b *bucket) objects(pattern string) *string { return b.bucket.ArnForObjects(jsii.String(pattern)) }

// permitGateway gives the gateway's role what it signs for, and what it looks
// at itself: how far an upload is, and what has landed in quarantine.
func (b *bucket) permitGateway() {
	role, objects := b.props.Gateway, []*string{b.objects("*")}
	read := []*string{b.objects(b.props.QuarantinePrefix + "*")}
	if b.props.DirectReads {
		read = objects
	}
	role.AddToPrincipalPolicy(permit("Write", objects, "s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:DeleteObject"))
	role.AddToPrincipalPolicy(permit("List", []*string{b.bucket.BucketArn()}, "s3:ListBucket"))
	role.AddToPrincipalPolicy(permit("Inspect", read, "s3:GetObject", "s3:GetObjectVersion"))
	if b.props.Key != nil { // whose policy may leave this to IAM
		role.AddToPrincipalPolicy(permit("Encrypt", []*string{b.key.KeyArn()}, "kms:GenerateDataKey", "kms:Decrypt"))
	}
}
