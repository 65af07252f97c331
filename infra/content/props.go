package content

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/pkg/objectkey"
)

// ErrInvalid is wrapped by the error of Validate.
var ErrInvalid = errors.New("invalid content")

// Encryption is how objects are encrypted at rest.
type Encryption string

// What Encryption is one of.
const (
	KMS       Encryption = "KMS" // SSE-KMS with a key of KMS and a bucket key; the default
	S3Managed Encryption = "S3"  // SSE-S3
)

// DecryptFor is for whom the key decrypts.
type DecryptFor string

// What DecryptFor is one of.
const (
	ThisDistribution DecryptFor = "THIS" // the one of DeliverThrough; the default
	AnyDistribution  DecryptFor = "ANY"  // any of the account, for this bucket only
)

// Props is what a private bucket is made of. Gateway and LogBucket have to be
// given.
type Props struct {
	Gateway awsiam.IRole // the role that presigns uploads and deletes: the only one that writes
	// Existing is a bucket that is there already. It gets the policy, which
	// replaces its own, and nothing else: encryption, versioning and lifecycle
	// rules are its owner's matter then.
	Existing awss3.IBucket

	BucketName string        // none: CloudFormation makes one up
	LogBucket  awss3.IBucket // gets the server access logs; its policy has to let logging.s3.amazonaws.com write
	LogPrefix  string        // such as s3/

	Encryption Encryption
	Key        awskms.IKey // an existing key; where it is of another app, its policy is its owner's matter
	DecryptFor DecryptFor

	TransferAcceleration bool
	UploadOrigins        []string // origins of pages that upload; none: no browser may
	ReadOrigins          []string // origins of pages that read through the distribution, or * for any; none: no page may
	QuarantinePrefix     string   // where uploads land that are to be verified, such as quarantine/
	Lifecycle            Lifecycle
	Backup               *Backup
	Retain               bool // keep bucket and key when the stack is deleted

	// MaxPresignAge is the longest life of a presigned request, from its
	// signature on. The bucket refuses older ones; forms end by their
	// own policy, which S3 checks.
	MaxPresignAge time.Duration
	// DirectReads lets the gateway presign reads from S3 itself.
	DirectReads bool
	// Guard is who may change what the bucket and its key promise.
	Guard policy.Guard
}

// Lifecycle is what S3 tidies up by itself, in days; 0 is never.
type Lifecycle struct {
	AbortUploads       int // uploads in parts that nobody finished
	QuarantineExpire   int // what stays in quarantine
	OldVersionsGlacier int // replaced and deleted versions move to Glacier Flexible Retrieval
	OldVersionsExpire  int // and are gone
}

// Backup is a second bucket that S3 copies every new version to. Deletes
// aren't copied.
type Backup struct {
	Glacier int // days until copies move to Glacier Flexible Retrieval; 0: never
	Expire  int // days until copies that were replaced are gone; 0: never
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewBucket panics with it, as CDK does.
func (p *Props) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: there are no props", ErrInvalid)
	}
	var found complaints.List
	when := found.When
	when(p.Gateway == nil, "Gateway is missing: the role that may write")
	when(p.Existing == nil && p.LogBucket == nil, "LogBucket is missing: a private bucket keeps access logs")
	when(p.Existing != nil && p.BucketName != "", "Existing and BucketName can't both be given")
	when(p.Existing != nil && p.Backup != nil, "Backup can't be given to an Existing bucket: its replication is its owner's matter")
	when(p.Encryption != "" && p.Encryption != KMS && p.Encryption != S3Managed, "Encryption is KMS or S3Managed")
	when(p.Key != nil && p.Encryption == S3Managed, "Key takes Encryption KMS")
	when(p.Existing != nil && p.Encryption != S3Managed && p.Key == nil, "Existing takes the Key that it is encrypted with, or Encryption S3Managed")
	when(p.DecryptFor != "" && p.DecryptFor != ThisDistribution && p.DecryptFor != AnyDistribution, "DecryptFor is ThisDistribution or AnyDistribution")
	when(p.MaxPresignAge < time.Second || p.MaxPresignAge > 7*24*time.Hour, "MaxPresignAge lies between a second and 7 days")
	p.Guard.Check(&found)
	_, err := objectkey.ParsePrefix(p.QuarantinePrefix)
	when(err != nil, "QuarantinePrefix: %v", err)
	for _, origin := range p.UploadOrigins {
		when(origin == "*", "UploadOrigins names origins; * would let every page try")
	}
	life := p.Lifecycle
	when(min(life.AbortUploads, life.QuarantineExpire, life.OldVersionsGlacier, life.OldVersionsExpire) < 0, "Lifecycle counts days from 0")
	when(life.OldVersionsGlacier > 0 && life.OldVersionsExpire > 0 && life.OldVersionsExpire <= life.OldVersionsGlacier, "Lifecycle.OldVersionsExpire must come after OldVersionsGlacier")
	when(p.Backup != nil && min(p.Backup.Glacier, p.Backup.Expire) < 0, "Backup counts days from 0")
	return found.Err(ErrInvalid)
}
