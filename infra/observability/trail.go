package observability

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudtrail"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
)

// TrailProps is what a trail is made of. Buckets and ExpireDays have to be
// given.
type TrailProps struct {
	// Buckets are the ARNs of those whose objects are watched: every read and
	// write of an object in them is recorded, and of no other.
	Buckets []string
	// ManagementEvents also records what is done to anything else in the
	// account, in every region. The first copy in an account is free.
	ManagementEvents bool
	ExpireDays       int // days until a record expires; it can be had back for 30 more
	// LogBucket gets the server access logs of the trail's own bucket; none:
	// it keeps none. Its policy has to let S3 deliver them: see
	// LogBucket.AcceptAccessLogs.
	LogBucket awss3.IBucket
	LogPrefix string // such as trail/
	Retain    bool   // keep records and their key when the stack is deleted
	Guard     Guard
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewTrail panics with it, as CDK does.
func (p *TrailProps) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "a trail takes props")
		return found.Err(ErrInvalid)
	}
	found.When(len(p.Buckets) == 0, "Buckets is empty: whose objects are watched?")
	for _, bucket := range p.Buckets {
		wrong := !strings.HasPrefix(bucket, "arn:") || strings.ContainsAny(bucket, "/*")
		found.When(!isToken(bucket) && wrong, "Buckets: %q is no ARN of a bucket", bucket)
	}
	found.When(p.ExpireDays < 1, "ExpireDays is at least 1: how long are records kept?")
	found.When(p.LogBucket == nil && p.LogPrefix != "", "LogPrefix takes a LogBucket")
	p.Guard.check(&found)
	return found.Err(ErrInvalid)
}

// Trail records what is done to objects.
type Trail interface {
	constructs.Construct
	Bucket() awss3.IBucket                    // holds the records, below AWSLogs/ACCOUNT/CloudTrail/
	Key() awskms.IKey                         // encrypts them
	LogGroup() interfacesawslogs.ILogGroupRef // gets them too, within minutes
	ARN() string                              // of the trail
}

type trail struct {
	constructs.Construct
	name   string
	bucket awss3.Bucket
	key    awskms.Key
	logs   awslogs.CfnLogGroup
}

// NewTrail makes a trail of CloudTrail whose files can be validated (aws
// cloudtrail validate-logs), in a bucket and under a key of its own.
func NewTrail(scope constructs.Construct, id *string, props *TrailProps) Trail {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &trail{}
	constructs.NewConstruct_Override(this, scope, id)
	// The name is made up here and not by CloudFormation because the policies
	// that the trail needs before it is there say exactly which one they are for.
	this.name = *awscdk.Names_UniqueResourceName(this, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(128), Separator: jsii.String("-")})
	this.key = props.Guard.NewKey(this, "Key", "signgate: records of what was done to objects", removal(props.Retain), this.keyStatements()...)
	this.bucket = newBucket(this, "Bucket", bucketOf{expire: props.ExpireDays, key: this.key, retain: props.Retain, guard: &props.Guard})
	for _, statement := range this.bucketStatements() {
		this.bucket.AddToResourcePolicy(statement)
	}
	if props.LogBucket != nil {
		// Not by CDK's own way, which changes the log bucket as feature flags say.
		this.bucket.Node().DefaultChild().(awss3.CfnBucket).SetLoggingConfiguration(&awss3.CfnBucket_LoggingConfigurationProperty{
			DestinationBucketName: props.LogBucket.BucketName(), LogFilePrefix: jsii.String(props.LogPrefix),
		})
	}
	this.logs = NewLogGroup(this, jsii.String("LogGroup"), this.key, props.ExpireDays, props.Retain)
	made := awscloudtrail.NewCfnTrail(this, jsii.String("Trail"), &awscloudtrail.CfnTrailProps{
		AdvancedEventSelectors:     selectors(props),
		CloudWatchLogsLogGroupArn:  this.logs.AttrArn(),
		CloudWatchLogsRoleArn:      this.deliverer().RoleArn(),
		EnableLogFileValidation:    jsii.Bool(true),
		IncludeGlobalServiceEvents: jsii.Bool(props.ManagementEvents),
		IsLogging:                  jsii.Bool(true),
		IsMultiRegionTrail:         jsii.Bool(props.ManagementEvents),
		KmsKeyId:                   this.key.KeyArn(),
		S3BucketName:               this.bucket.BucketName(),
		TrailName:                  jsii.String(this.name),
	})
	made.Node().AddDependency(this.bucket.Policy())
	return this
}

func (t *trail) Bucket() awss3.IBucket                    { return t.bucket }
func (t *trail) Key() awskms.IKey                         { return t.key }
func (t *trail) LogGroup() interfacesawslogs.ILogGroupRef { return t.logs }

func (t *trail) ARN() string {
	return policy.ARN(t, "cloudtrail", *awscdk.Stack_Of(t).Region(), "trail/"+t.name)
}

func selectors(props *TrailProps) []*awscloudtrail.CfnTrail_AdvancedEventSelectorProperty {
	field := func(name string) *awscloudtrail.CfnTrail_AdvancedFieldSelectorProperty {
		return &awscloudtrail.CfnTrail_AdvancedFieldSelectorProperty{Field: jsii.String(name)}
	}
	equal := func(name, value string) *awscloudtrail.CfnTrail_AdvancedFieldSelectorProperty {
		selector := field(name)
		selector.EqualTo = jsii.Strings(value)
		return selector
	}
	within := field("resources.ARN")
	below := make([]string, len(props.Buckets))
	for i, bucket := range props.Buckets {
		below[i] = bucket + "/" // else a bucket whose name begins like it is watched too
	}
	within.StartsWith = jsii.Strings(below...)
	watched := []*awscloudtrail.CfnTrail_AdvancedEventSelectorProperty{{
		Name: jsii.String("Objects"),
		FieldSelectors: []*awscloudtrail.CfnTrail_AdvancedFieldSelectorProperty{
			equal("eventCategory", "Data"), equal("resources.type", "AWS::S3::Object"), within,
		},
	}}
	if props.ManagementEvents {
		watched = append(watched, &awscloudtrail.CfnTrail_AdvancedEventSelectorProperty{
			Name:           jsii.String("Management"),
			FieldSelectors: []*awscloudtrail.CfnTrail_AdvancedFieldSelectorProperty{equal("eventCategory", "Management")},
		})
	}
	return watched
}

func cloudTrail() awsiam.IPrincipal {
	return awsiam.NewServicePrincipal(jsii.String("cloudtrail.amazonaws.com"), nil)
}

// bucketStatements are those of AWS CloudTrail User Guide, "Amazon S3 bucket
// policy for CloudTrail".
func (t *trail) bucketStatements() []awsiam.PolicyStatement {
	account := *awscdk.Stack_Of(t).Account()
	thisTrail := map[string]any{"aws:SourceArn": t.ARN()}
	writes := map[string]any{"aws:SourceArn": t.ARN(), "s3:x-amz-acl": "bucket-owner-full-control"}
	return []awsiam.PolicyStatement{
		policy.Allow("TrailLooks", cloudTrail(), []string{*t.bucket.BucketArn()}, []string{"s3:GetBucketAcl"}, policy.Conditions{"StringEquals": thisTrail}),
		policy.Allow("TrailWrites", cloudTrail(), []string{*t.bucket.ArnForObjects(jsii.String("AWSLogs/" + account + "/*"))},
			[]string{"s3:PutObject"}, policy.Conditions{"StringEquals": writes}),
	}
}

// keyStatements are those of AWS CloudTrail User Guide, "Configure AWS KMS key
// policies for CloudTrail". Decrypting is for the bucket key. Readers need a
// permission of their own too.
func (t *trail) keyStatements() []awsiam.PolicyStatement {
	everything := []string{"*"}
	thisTrail := policy.Conditions{"StringEquals": {"aws:SourceArn": t.ARN()}}
	stack := awscdk.Stack_Of(t)
	return []awsiam.PolicyStatement{
		policy.Allow("TrailEncrypts", cloudTrail(), everything, []string{"kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"}, thisTrail),
		policy.Allow("ReadersDecrypt", awsiam.NewAccountRootPrincipal(), everything, []string{"kms:Decrypt"}, policy.Conditions{
			"StringEquals": {"kms:ViaService": "s3." + *stack.Region() + ".amazonaws.com", "kms:CallerAccount": *stack.Account()},
		}),
		LogGroupsEncrypt(t),
	}
}

// deliverer is the role that writes to the log group, to the stream that
// CloudTrail names after account and region (AWS CloudTrail User Guide, "Role
// policy document for CloudTrail to use CloudWatch Logs for monitoring").
// AWS documents no condition for its trust; only a trail of this account can
// be given it.
func (t *trail) deliverer() awsiam.Role {
	stack := awscdk.Stack_Of(t)
	stream := policy.ARN(t, "logs", *stack.Region(), "log-group:"+*t.logs.Ref()+":log-stream:"+*stack.Account()+"_CloudTrail_"+*stack.Region()+"*")
	writes := []awsiam.PolicyStatement{policy.Allow("WriteRecords", nil, []string{stream}, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, nil)}
	return awsiam.NewRole(t, jsii.String("Deliverer"), &awsiam.RoleProps{
		AssumedBy:   cloudTrail(),
		Description: jsii.String("CloudTrail writes records to a log group"),
		ManagedPolicies: &[]awsiam.IManagedPolicy{
			awsiam.NewManagedPolicy(t, jsii.String("Deliver"), &awsiam.ManagedPolicyProps{Statements: &writes}),
		},
	})
}
