package content

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// Conditions that more than one statement asks.
const (
	principalARN = "aws:PrincipalArn" // of a session: the role's
	sourceARN    = "aws:SourceArn"    // of the distribution that CloudFront acts for
)

// fence is the explicit denies of a bucket, whatever its policy allows. Those
// that a distribution is let past later are kept.
type fence struct{ reading, writing awsiam.PolicyStatement }

// build adds the denies to a bucket's policy.
func (f *fence) build(b *bucket) {
	walls := b.walls(b.bucket)
	for _, statement := range slices.Concat(walls.transport(), b.requests(), b.encrypted(), walls.kept(), b.within()) {
		b.add(statement)
	}
	readers := []*string{b.props.Gateway.RoleArn()}
	if b.copies != nil {
		readers = append(readers, b.copies.role.RoleArn())
	}
	f.reading = deny("DenyReadingByOthers", walls.objects(), reading(), conditions{"ArnNotLike": {principalARN: readers}})
	f.writing = deny("DenyWritingByOthers", walls.objects(), writing(), conditions{"ArnNotLike": {principalARN: []*string{b.props.Gateway.RoleArn()}}})
	b.add(f.reading)
	b.add(f.writing)
	b.add(deny("DenyListingByOthers", walls.itself(), listing(), conditions{"ArnNotLike": {principalARN: slices.Concat(readers, walls.administrators)}}))
}

// requests refuses presigned requests that are too old, and the gateway's own
// that take another way than its VPC's.
func (b *bucket) requests() []awsiam.PolicyStatement {
	all, any := b.walls(b.bucket).everywhere(), []string{"s3:*"}
	statements := []awsiam.PolicyStatement{deny("DenyOldPresignedRequests", all, any, conditions{
		"StringEquals":       {"s3:authType": "REST-QUERY-STRING"},
		"NumericGreaterThan": {"s3:signatureAge": b.props.MaxPresignAge.Milliseconds()},
	})}
	if b.props.Endpoint != nil {
		statements = append(statements, deny("DenyGatewayElsewhere", all, any, conditions{
			"ArnEquals":       {principalARN: b.props.Gateway.RoleArn()},
			"StringEquals":    {"s3:authType": "REST-HEADER"},
			"StringNotEquals": {"aws:SourceVpce": b.props.Endpoint},
		}))
	}
	return statements
}

// encrypted refuses objects under another key than the bucket's. A request
// that names none gets the bucket's.
func (b *bucket) encrypted() []awsiam.PolicyStatement {
	const algorithm, keyID, customer = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:x-amz-server-side-encryption-customer-algorithm"
	objects, put := b.walls(b.bucket).objects(), []string{"s3:PutObject"}
	expected := "AES256"
	if b.key != nil {
		expected = "aws:kms"
	}
	statements := []awsiam.PolicyStatement{
		deny("DenyOtherEncryption", objects, put, conditions{"Null": {algorithm: "false"}, "StringNotEquals": {algorithm: expected}}),
		deny("DenyKeysOfCallers", objects, put, conditions{"Null": {customer: "false"}}),
	}
	if b.key != nil {
		statements = append(statements, deny("DenyOtherKeys", objects, put, conditions{"Null": {keyID: "false"}, "StringNotEquals": {keyID: b.key.KeyArn()}}))
	}
	return statements
}

// within keeps the quarantine from viewers, and everything else from the
// gateway, which only has to look at what has landed there.
func (b *bucket) within() []awsiam.PolicyStatement {
	quarantine := []*string{b.objects(b.props.QuarantinePrefix + "*")}
	statements := []awsiam.PolicyStatement{
		statement(awsiam.Effect_DENY, "DenyQuarantineToViewers", cloudFront(), quarantine, reading(), nil),
	}
	if !b.props.DirectReads {
		statements = append(statements, awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid: jsii.String("DenyGatewayReading"), Effect: awsiam.Effect_DENY, Actions: jsii.Strings(reading()...),
			Principals: &[]awsiam.IPrincipal{awsiam.NewStarPrincipal()}, NotResources: &quarantine,
			Conditions: &map[string]any{"ArnEquals": map[string]any{principalARN: b.props.Gateway.RoleArn()}},
		}))
	}
	return statements
}

// except lets one more source past a deny: its conditions hold together, so
// what fails one of them isn't denied.
func except(statement awsiam.PolicyStatement, distribution *string) {
	statement.AddCondition(jsii.String("StringNotEquals"), map[string]any{sourceARN: distribution})
}

// viewers are the conditions under which CloudFront acts for one distribution.
func viewers(distribution *string) conditions {
	return conditions{"StringEquals": {sourceARN: distribution}}
}

// with returns the conditions and one operator more.
func (c conditions) with(operator string, keys map[string]any) conditions {
	more := maps.Clone(c)
	more[operator] = keys
	return more
}
