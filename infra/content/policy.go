package content

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// fence is the denies that a distribution is let past later.
type fence struct{ reading, writing awsiam.PolicyStatement }

// fenceIn adds the explicit denies to the bucket's policy, which hold
// whatever is allowed elsewhere.
func (b *bucket) fenceIn() {
	arn := *b.bucket.BucketArn()
	for _, statements := range [][]awsiam.PolicyStatement{b.props.Guard.Bucket(b, arn, policy.Erasing()), b.requests(), b.encrypted(), b.within()} {
		for _, statement := range statements {
			b.add(statement)
		}
	}
	readers := []string{*b.props.Gateway.RoleArn()}
	if b.copies != nil {
		readers = append(readers, *b.copies.role.RoleArn())
	}
	b.add(policy.Deny("OnlyAdministratorsRestore", b.objects("*"), policy.Restoring(), b.props.Guard.UnlessAdministrator()))
	b.add(policy.Deny("NoACLs", b.everywhere(), policy.SharingByACL(), nil))
	b.fence.reading = policy.Deny("OnlyViewersRead", b.objects("*"), policy.Reading(), policy.Unless(readers))
	b.fence.writing = policy.Deny("OnlyTheGatewayWrites", b.objects("*"), policy.Writing(), policy.Unless(readers[:1]))
	b.add(b.fence.reading)
	b.add(b.fence.writing)
	b.add(policy.Deny("OnlyTheGatewayLists", []string{arn}, policy.Listing(), policy.Unless(append(readers, b.props.Guard.Administrators...))))
}

// requests refuses presigned requests that are too old.
func (b *bucket) requests() []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{policy.Deny("NoOldPresignedRequests", b.everywhere(), []string{"s3:*"}, policy.Conditions{
		"StringEquals":       {"s3:authType": "REST-QUERY-STRING"},
		"NumericGreaterThan": {"s3:signatureAge": b.props.MaxPresignAge.Milliseconds()},
	})}
}

// encrypted refuses objects under another key than the bucket's. A request
// that names none gets the bucket's.
func (b *bucket) encrypted() []awsiam.PolicyStatement {
	const algorithm, customer, keyID = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-customer-algorithm", "s3:x-amz-server-side-encryption-aws-kms-key-id"
	objects, put := b.objects("*"), []string{"s3:PutObject"}
	expected := "AES256"
	if b.key != nil {
		expected = "aws:kms"
	}
	given := func(key string) policy.Conditions { return policy.Conditions{"Null": {key: "false"}} }
	statements := []awsiam.PolicyStatement{
		policy.Deny("NoOtherEncryption", objects, put, given(algorithm).With("StringNotEquals", algorithm, expected)),
		policy.Deny("NoKeysOfCallers", objects, put, given(customer)),
	}
	if b.key != nil {
		statements = append(statements, policy.Deny("NoOtherKey", objects, put, given(keyID).With("StringNotEquals", keyID, *b.key.KeyArn())))
	}
	return statements
}

// within keeps the quarantine from viewers, and everything else from the
// gateway, which only has to look at what has landed there.
func (b *bucket) within() []awsiam.PolicyStatement {
	quarantine := b.objects(b.props.QuarantinePrefix + "*")
	statements := []awsiam.PolicyStatement{policy.DenyTo("NoViewersInQuarantine", policy.CloudFront(), quarantine, policy.Reading())}
	if !b.props.DirectReads {
		statements = append(statements, policy.DenyOutside("GatewayReadsQuarantineOnly", quarantine, policy.Reading(),
			policy.Conditions{"ArnEquals": {policy.PrincipalARN: *b.props.Gateway.RoleArn()}}))
	}
	return statements
}

// letPast excepts a distribution from a deny: its conditions hold together, so
// who fails one of them isn't denied.
func letPast(statement awsiam.PolicyStatement, distribution string) {
	statement.AddCondition(jsii.String("StringNotEquals"), map[string]any{policy.SourceARN: distribution})
}

// viewersOf are the conditions under which CloudFront acts for a distribution.
func viewersOf(distribution string) policy.Conditions {
	return policy.Conditions{"StringEquals": {policy.SourceARN: distribution}}
}

// throughS3 are the conditions under which S3 uses a key for a bucket, on
// behalf of who asks it. S3 tells KMS the bucket's ARN where the bucket has a
// bucket key, else the object's (Amazon S3 User Guide, "Using server-side
// encryption with AWS KMS keys").
func (b *bucket) throughS3(bucketARN string) policy.Conditions {
	return policy.Conditions{
		"StringEquals": {"kms:ViaService": "s3." + *awscdk.Stack_Of(b).Region() + "." + *awscdk.Aws_URL_SUFFIX()},
		"ArnLike":      {contextARN: []string{bucketARN, bucketARN + "/*"}},
	}
}
