package content

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// walls are the denies that the private bucket and its backup have in common.
type walls struct {
	bucket                    awss3.IBucket
	account                   *string
	deployers, administrators []*string // patterns of ARNs
	mfa                       bool
}

func (b *bucket) walls(around awss3.IBucket) walls {
	return walls{
		bucket: around, account: awscdk.Stack_Of(b).Account(),
		deployers: b.deployers(), administrators: *jsii.Strings(b.props.Administrators...), mfa: b.props.RequireMFA,
	}
}

// deployers are the roles that may change a bucket and its key: the execution
// role of CDK's bootstrap unless others are named.
func (b *bucket) deployers() []*string {
	if len(b.props.Deployers) > 0 {
		return *jsii.Strings(b.props.Deployers...)
	}
	stack := awscdk.Stack_Of(b)
	return []*string{jsii.Sprintf("arn:%s:iam::%s:role/cdk-*-cfn-exec-role-%s-%s", *stack.Partition(), *stack.Account(), *stack.Account(), *stack.Region())}
}

func (w walls) itself() []*string     { return []*string{w.bucket.BucketArn()} }
func (w walls) objects() []*string    { return []*string{w.bucket.ArnForObjects(jsii.String("*"))} }
func (w walls) everywhere() []*string { return slices.Concat(w.itself(), w.objects()) }

// transport refuses requests by how they come and from whom. Its actions are
// a wildcard, so that it also means what S3 learns to do one day.
func (w walls) transport() []awsiam.PolicyStatement {
	all, any := w.everywhere(), []string{"s3:*"}
	return []awsiam.PolicyStatement{
		deny("DenyInsecureTransport", all, any, conditions{"Bool": {"aws:SecureTransport": "false"}}),
		deny("DenyOldTLS", all, any, conditions{"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
		deny("DenyAnonymous", all, any, conditions{"StringEquals": {"aws:PrincipalType": "Anonymous"}}),
		deny("DenyOtherAccounts", all, any, conditions{
			"StringNotEquals": {"aws:PrincipalAccount": w.account},
			"Bool":            {"aws:PrincipalIsAWSService": "false"},
		}),
	}
}

// kept refuses what would undo the bucket's promises.
func (w walls) kept() []awsiam.PolicyStatement {
	statements := []awsiam.PolicyStatement{
		deny("DenyACLs", w.everywhere(), sharingByACL(), nil),
		deny("DenyGoverning", w.itself(), governing(), conditions{"ArnNotLike": {principalARN: slices.Concat(w.deployers, w.administrators)}}),
		deny("DenyErasing", w.objects(), erasing(), w.unlessAdministrator()),
	}
	if w.mfa {
		statements = append(statements, deny("DenyWithoutMFA", w.everywhere(), slices.Concat(governing(), erasing()), conditions{
			"ArnLike":      {principalARN: w.administrators},
			"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"},
		}))
	}
	return statements
}

// unlessAdministrator are the conditions of what only administrators may do;
// without any, nobody may.
func (w walls) unlessAdministrator() conditions {
	if len(w.administrators) == 0 {
		return nil
	}
	return conditions{"ArnNotLike": {principalARN: w.administrators}}
}
