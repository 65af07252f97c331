package observability

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
)

// AuditStreamProps is what a stream of audit records is made of. Gateway and
// ExpireDays have to be given.
type AuditStreamProps struct {
	Gateway    awsiam.IRole // who puts records in, and can't have them back
	ExpireDays int          // days until a file expires; it can be had back for 30 more
	// LogBucket gets the server access logs of the files' bucket; none: it
	// keeps none. Its policy has to let S3 deliver them: see
	// LogBucket.AcceptAccessLogs.
	LogBucket awss3.IBucket
	LogPrefix string // such as audit/
	Retain    bool   // keep files, errors and their key when the stack is deleted
	Guard     Guard
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewAuditStream panics with it, as CDK does.
func (p *AuditStreamProps) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "a stream of audit records takes props")
		return found.Err(ErrInvalid)
	}
	found.When(p.Gateway == nil, "Gateway is missing: who puts records in?")
	found.When(p.ExpireDays < 1, "ExpireDays is at least 1: how long are records kept?")
	found.When(p.LogBucket == nil && p.LogPrefix != "", "LogPrefix takes a LogBucket")
	p.Guard.check(&found)
	return found.Err(ErrInvalid)
}

// AuditStream takes the audit records of the gateway and delivers them, in
// files that signgate audit verify --unordered reads as they are.
type AuditStream interface {
	constructs.Construct
	Name() *string         // what the setting audit-stream says, a token
	ARN() *string          // a token
	Bucket() awss3.IBucket // holds the files, below audit/ and by day; what couldn't be delivered below failed/
}

const (
	// deliveries is the log stream of what Firehose couldn't deliver.
	deliveries = "S3Delivery"

	delivered, failed = "audit/", "failed/"

	// A file is delivered when it has grown so large or so old, whatever comes
	// first.
	fileMiB     = 64
	fileSeconds = 60
)

type auditStream struct {
	constructs.Construct
	props            *AuditStreamProps
	streamKey, keyed awskms.Key // of what waits in the stream; of files and errors
	bucket           awss3.Bucket
	deliverer        awsiam.Role
	errors           awslogs.CfnLogGroup
	stream           awskinesisfirehose.CfnDeliveryStream
}

func (a *auditStream) Name() *string         { return a.stream.Ref() }
func (a *auditStream) ARN() *string          { return a.stream.AttrArn() }
func (a *auditStream) Bucket() awss3.IBucket { return a.bucket }

// NewAuditStream makes a stream of Amazon Data Firehose, encrypted with a key
// of its own, and the bucket that it delivers to. That isn't the bucket of
// access logs: S3's own logs want SSE-S3, and only services write there, while
// Firehose writes under a role. Nobody but this role writes to it, the gateway
// neither reads nor changes what is there, and nobody but administrators takes
// anything away.
func NewAuditStream(scope constructs.Construct, id *string, props *AuditStreamProps) AuditStream {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &auditStream{props: props}
	constructs.NewConstruct_Override(this, scope, id)
	// Firehose shows the account for which it takes a role (Amazon Data Firehose
	// Developer Guide, "Allow Firehose to assume an IAM role").
	this.deliverer = awsiam.NewRole(this, jsii.String("Deliverer"), &awsiam.RoleProps{
		Description: jsii.String("Data Firehose writes audit records to their bucket"),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("firehose.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"sts:ExternalId": *awscdk.Stack_Of(this).Account()}},
		}),
	})
	this.streamKey = props.Guard.NewKey(this, "StreamKey", "signgate: audit records that are to be delivered", removal(props.Retain), this.streamStatements()...)
	this.keyed = props.Guard.NewKey(this, "Key", "signgate: audit records", removal(props.Retain), this.fileStatements()...)
	this.newFiles()
	this.errors = NewLogGroup(this, jsii.String("Errors"), this.keyed, props.ExpireDays, props.Retain)
	this.newStream()
	policy.Attach(this, "Write", props.Gateway, policy.Permit("PutsAuditRecords", []string{*this.stream.AttrArn()}, "firehose:PutRecord"))
	return this
}

// streamStatements are of the key of what waits to be delivered. Whoever puts
// records into a stream that a key of the account encrypts needs that key
// (AWS's notice for streams made since 20 April 2026). Firehose gets a grant in
// the name of who makes the stream (Amazon Data Firehose API Reference,
// DeliveryStreamEncryptionConfigurationInput).
func (a *auditStream) streamStatements() []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{
		policy.Allow("GatewayEncrypts", awsiam.NewArnPrincipal(a.props.Gateway.RoleArn()), policy.Itself(), []string{"kms:GenerateDataKey", "kms:Decrypt"}, nil),
		policy.Allow("DeployersMakeTheStream", awsiam.NewAccountRootPrincipal(), policy.Itself(), []string{"kms:CreateGrant"}, policy.Conditions{
			"Bool": {"kms:GrantIsForAWSResource": "true"}, "ArnLike": {policy.PrincipalARN: a.props.Guard.Keepers(a)},
		}),
	}
}

// fileStatements are of the key of files and errors. Readers need a permission
// of their own too.
func (a *auditStream) fileStatements() []awsiam.PolicyStatement {
	throughS3 := policy.Conditions{"StringEquals": {"kms:ViaService": "s3." + *awscdk.Stack_Of(a).Region() + "." + *awscdk.Aws_URL_SUFFIX()}}
	return []awsiam.PolicyStatement{
		policy.Allow("DelivererEncrypts", awsiam.NewArnPrincipal(a.deliverer.RoleArn()), policy.Itself(), []string{"kms:GenerateDataKey", "kms:Decrypt"}, throughS3),
		policy.Allow("ReadersDecrypt", awsiam.NewAccountRootPrincipal(), policy.Itself(), []string{"kms:Decrypt"},
			throughS3.With("ArnNotLike", policy.PrincipalARN, append([]string{*a.props.Gateway.RoleArn()}, a.props.Guard.DenyRoles...))),
		LogGroupsEncrypt(a),
	}
}

// newFiles makes the bucket.
func (a *auditStream) newFiles() {
	guard := a.props.Guard
	guard.DenyRoles = append([]string{*a.props.Gateway.RoleArn()}, guard.DenyRoles...)
	guard.WriteRoles = append([]string{*a.deliverer.RoleArn()}, guard.WriteRoles...)
	a.bucket = newBucket(a, "Bucket", bucketOf{expire: a.props.ExpireDays, key: a.keyed, retain: a.props.Retain, guard: &guard})
	if a.props.LogBucket != nil {
		// Not by CDK's own way, which changes the log bucket as feature flags say.
		a.bucket.Node().DefaultChild().(awss3.CfnBucket).SetLoggingConfiguration(&awss3.CfnBucket_LoggingConfigurationProperty{
			DestinationBucketName: a.props.LogBucket.BucketName(), LogFilePrefix: jsii.String(a.props.LogPrefix),
		})
	}
}

// newStream makes the stream. Lines end in a newline when they come and are
// changed nowhere, so files are the trail's lines, compressed.
func (a *auditStream) newStream() {
	errors := awslogs.NewCfnLogStream(a, jsii.String("ErrorStream"), &awslogs.CfnLogStreamProps{LogGroupName: a.errors.Ref(), LogStreamName: jsii.String(deliveries)})
	allowed := policy.Attach(a, "Deliver", a.deliverer, a.delivers()...)
	const byDay = "!{timestamp:yyyy/MM/dd}/"
	a.stream = awskinesisfirehose.NewCfnDeliveryStream(a, jsii.String("Stream"), &awskinesisfirehose.CfnDeliveryStreamProps{
		DeliveryStreamType: jsii.String("DirectPut"),
		DeliveryStreamEncryptionConfigurationInput: &awskinesisfirehose.CfnDeliveryStream_DeliveryStreamEncryptionConfigurationInputProperty{
			KeyType: jsii.String("CUSTOMER_MANAGED_CMK"), KeyArn: a.streamKey.KeyArn(),
		},
		ExtendedS3DestinationConfiguration: &awskinesisfirehose.CfnDeliveryStream_ExtendedS3DestinationConfigurationProperty{
			BucketArn: a.bucket.BucketArn(), RoleArn: a.deliverer.RoleArn(),
			Prefix: jsii.String(delivered + byDay), ErrorOutputPrefix: jsii.String(failed + "!{firehose:error-output-type}/" + byDay),
			BufferingHints:    &awskinesisfirehose.CfnDeliveryStream_BufferingHintsProperty{IntervalInSeconds: jsii.Number(fileSeconds), SizeInMBs: jsii.Number(fileMiB)},
			CompressionFormat: jsii.String("GZIP"),
			EncryptionConfiguration: &awskinesisfirehose.CfnDeliveryStream_EncryptionConfigurationProperty{
				KmsEncryptionConfig: &awskinesisfirehose.CfnDeliveryStream_KMSEncryptionConfigProperty{AwskmsKeyArn: a.keyed.KeyArn()},
			},
			CloudWatchLoggingOptions: &awskinesisfirehose.CfnDeliveryStream_CloudWatchLoggingOptionsProperty{
				Enabled: jsii.Bool(true), LogGroupName: a.errors.Ref(), LogStreamName: errors.Ref(),
			},
		},
	})
	a.stream.Node().AddDependency(allowed, a.bucket.Policy())
}

// delivers is what Firehose needs (Amazon Data Firehose Developer Guide, "Grant
// Firehose access to an Amazon S3 destination"), but for reading files and
// breaking off uploads: it takes nothing back, and S3 tidies up. The key's
// policy lets it encrypt.
func (a *auditStream) delivers() []awsiam.PolicyStatement {
	below := func(folder string) string { return *a.bucket.ArnForObjects(jsii.String(folder + "*")) }
	stream := policy.ARN(a, "logs", *awscdk.Stack_Of(a).Region(), fmt.Sprintf("log-group:%s:log-stream:%s", *a.errors.Ref(), deliveries))
	return []awsiam.PolicyStatement{
		policy.Permit("WritesFiles", []string{below(delivered), below(failed)}, "s3:PutObject"),
		policy.Permit("FindsTheBucket", []string{*a.bucket.BucketArn()}, "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
		policy.Permit("TellsErrors", []string{stream}, "logs:PutLogEvents"),
	}
}
