package observability

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
)

// ErrInvalid is wrapped by the errors of every Validate.
var ErrInvalid = errors.New("invalid observability")

// LogBucketProps is what a bucket for access logs is made of. ExpireDays has
// to be given.
type LogBucketProps struct {
	BucketName string // none: CloudFormation makes one up
	ExpireDays int    // days until a log expires; it can be had back for 30 more
	// Retain keeps the bucket when the stack is deleted. Without it the stack
	// can only be deleted once administrators have emptied the bucket.
	Retain bool
	Guard  Guard
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewLogBucket panics with it, as CDK does.
func (p *LogBucketProps) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "a log bucket takes props")
		return found.Err(ErrInvalid)
	}
	found.When(p.ExpireDays < 1, "ExpireDays is at least 1: how long are logs kept?")
	p.Guard.check(&found)
	return found.Err(ErrInvalid)
}

// LogBucket is the bucket that access logs are delivered to.
type LogBucket interface {
	constructs.Construct
	// Bucket is the bucket as others see it, so that CDK adds nothing of its
	// own to its policy, or, without a feature flag, an ACL.
	Bucket() awss3.IBucket
	// AcceptAccessLogs lets S3 deliver the server access logs of the bucket
	// with that ARN below the prefix, such as s3/. Without an ARN it may do so
	// for any bucket of the account.
	AcceptAccessLogs(bucketARN, prefix string)
	// Accept adds what lets another service deliver, such as
	// delivery.LogDeliveryStatement.
	Accept(statement awsiam.PolicyStatement)
	// Policy is what deliveries in the same stack have to wait for: where a
	// bucket has none, AWS may write one.
	Policy() awss3.BucketPolicy
}

type logBucket struct {
	constructs.Construct
	bucket awss3.Bucket
	view   awss3.IBucket
	given  int // to buckets
}

// NewLogBucket makes the bucket. Nobody may write to it yet: see
// AcceptAccessLogs and Accept.
func NewLogBucket(scope constructs.Construct, id *string, props *LogBucketProps) LogBucket {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &logBucket{}
	constructs.NewConstruct_Override(this, scope, id)
	this.bucket = newBucket(this, "Bucket", bucketOf{
		name: props.BucketName, expire: props.ExpireDays, retain: props.Retain, guard: &props.Guard,
	})
	this.view = awss3.Bucket_FromBucketAttributes(this, jsii.String("View"), &awss3.BucketAttributes{
		BucketArn: this.bucket.BucketArn(), BucketName: this.bucket.BucketName(),
	})
	return this
}

func (b *logBucket) Bucket() awss3.IBucket { return b.view }

func (b *logBucket) AcceptAccessLogs(bucketARN, prefix string) {
	account := *awscdk.Stack_Of(b).Account()
	when := policy.Conditions{"StringEquals": {"aws:SourceAccount": account}}
	if bucketARN != "" {
		when["ArnEquals"] = map[string]any{"aws:SourceArn": bucketARN}
	}
	b.given++
	b.bucket.AddToResourcePolicy(policy.Allow(fmt.Sprintf("AccessLogs%d", b.given),
		awsiam.NewServicePrincipal(jsii.String("logging.s3.amazonaws.com"), nil),
		[]string{*b.bucket.ArnForObjects(jsii.String(strings.TrimPrefix(prefix, "/") + "*"))}, []string{"s3:PutObject"}, when))
}

func (b *logBucket) Policy() awss3.BucketPolicy { return b.bucket.Policy() }

func (b *logBucket) Accept(statement awsiam.PolicyStatement) {
	b.bucket.AddToResourcePolicy(statement)
}
