package content

import (
	"net/http"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/pkg/presign"
)

// newBucket makes a bucket as private as S3 can, whose key is named by the
// alias.
func (b *bucket) newBucket(id, alias string, props *awss3.BucketProps) awss3.Bucket {
	props.Versioned = jsii.Bool(true)
	props.BlockPublicAccess = awss3.BlockPublicAccess_BLOCK_ALL()
	props.ObjectOwnership = awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED
	props.Encryption = awss3.BucketEncryption_S3_MANAGED
	props.RemovalPolicy = removal(b.props.Retain)
	made := awss3.NewBucket(b, jsii.String(id), props)
	resource := made.Node().DefaultChild().(awss3.CfnBucket)
	if b.props.Encryption != S3Managed {
		key := awscdk.Stack_Of(b).FormatArn(&awscdk.ArnComponents{Service: jsii.String("kms"), Resource: jsii.String(alias), ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME})
		if b.props.Key != nil && id == bucketID {
			key = b.props.Key.KeyArn()
		}
		resource.SetBucketEncryption(encryption(key))
	}
	// CDK would put an ACL on the log bucket unless the app sets a feature flag.
	resource.SetLoggingConfiguration(&awss3.CfnBucket_LoggingConfigurationProperty{
		DestinationBucketName: b.props.LogBucket.BucketName(), LogFilePrefix: jsii.String(b.props.LogPrefix + id + "/"),
	})
	return made
}

// content are the settings of the private bucket itself.
func (b *bucket) content() *awss3.BucketProps {
	props := &awss3.BucketProps{
		LifecycleRules: b.lifecycle(), Cors: b.cors(),
		TransferAcceleration: jsii.Bool(b.props.TransferAcceleration),
	}
	if b.props.BucketName != "" {
		props.BucketName = jsii.String(b.props.BucketName)
	}
	return props
}

// encryption is SSE-KMS with a bucket key, which asks KMS once for many objects.
func encryption(key *string) *awss3.CfnBucket_BucketEncryptionProperty {
	return &awss3.CfnBucket_BucketEncryptionProperty{ServerSideEncryptionConfiguration: []any{
		&awss3.CfnBucket_ServerSideEncryptionRuleProperty{
			BucketKeyEnabled:              jsii.Bool(true),
			ServerSideEncryptionByDefault: &awss3.CfnBucket_ServerSideEncryptionByDefaultProperty{SseAlgorithm: jsii.String("aws:kms"), KmsMasterKeyId: key},
		},
	}}
}

// cors lets pages upload, with the methods, headers and answers that upload
// clients need, and read: preflights come through the distribution to S3.
func (b *bucket) cors() *[]*awss3.CorsRule {
	var rules []*awss3.CorsRule
	uploads := presign.BrowserUploads()
	if origins := b.props.UploadOrigins; len(origins) > 0 {
		rules = append(rules, corsRule("uploads", origins, uploads))
	}
	if origins := b.props.ReadOrigins; len(origins) > 0 {
		uploads.Methods = []string{http.MethodGet, http.MethodHead}
		rules = append(rules, corsRule("reads", origins, uploads))
	}
	if len(rules) == 0 {
		return nil
	}
	return &rules
}

func corsRule(id string, origins []string, cors presign.CORS) *awss3.CorsRule {
	methods := make([]awss3.HttpMethods, len(cors.Methods))
	for i, method := range cors.Methods {
		methods[i] = awss3.HttpMethods(method)
	}
	return &awss3.CorsRule{
		Id: jsii.String(id), AllowedOrigins: jsii.Strings(origins...), AllowedMethods: &methods,
		AllowedHeaders: jsii.Strings(cors.Headers...), ExposedHeaders: jsii.Strings(cors.Expose...), MaxAge: jsii.Number(cors.MaxAge.Seconds()),
	}
}

// lifecycle is what S3 tidies up by itself.
func (b *bucket) lifecycle() *[]*awss3.LifecycleRule {
	life := b.props.Lifecycle
	var rules []*awss3.LifecycleRule
	if life.AbortUploads > 0 {
		rules = append(rules, abortUploads(life.AbortUploads))
	}
	return new(append(append(rules, b.quarantineRule()...), oldVersions(life.OldVersionsGlacier, life.OldVersionsExpire)...))
}

func abortUploads(after int) *awss3.LifecycleRule {
	return &awss3.LifecycleRule{Id: jsii.String("abort-uploads"), AbortIncompleteMultipartUploadAfter: days(after)}
}

// quarantineRule removes what was never taken over.
func (b *bucket) quarantineRule() []*awss3.LifecycleRule {
	if b.props.Lifecycle.QuarantineExpire == 0 {
		return nil
	}
	return []*awss3.LifecycleRule{{
		Id: jsii.String("expire-quarantine"), Prefix: jsii.String(b.props.QuarantinePrefix),
		Expiration: days(b.props.Lifecycle.QuarantineExpire), NoncurrentVersionExpiration: days(1),
	}}
}

// oldVersions moves versions that were replaced to Glacier, and removes them.
func oldVersions(glacier, expire int) []*awss3.LifecycleRule {
	if glacier == 0 && expire == 0 {
		return nil
	}
	rule := &awss3.LifecycleRule{Id: jsii.String("old-versions")}
	if glacier > 0 {
		rule.NoncurrentVersionTransitions = &[]*awss3.NoncurrentVersionTransition{{StorageClass: awss3.StorageClass_GLACIER(), TransitionAfter: days(glacier)}}
	}
	if expire > 0 {
		rule.NoncurrentVersionExpiration = days(expire)
		rule.ExpiredObjectDeleteMarker = jsii.Bool(true) // a marker without versions
	}
	return []*awss3.LifecycleRule{rule}
}

func days(count int) awscdk.Duration { return awscdk.Duration_Days(jsii.Number(count)) }
