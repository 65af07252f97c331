package observability

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// NewLogGroup is a log group of CloudWatch Logs, encrypted with the key, which
// needs LogGroupsEncrypt in its policy. It keeps logs for the given days, or
// for the next shorter time that CloudWatch Logs offers.
func NewLogGroup(scope constructs.Construct, id *string, key awskms.IKey, days int, retain bool) awslogs.CfnLogGroup {
	group := awslogs.NewCfnLogGroup(scope, id, &awslogs.CfnLogGroupProps{
		KmsKeyId:        key.KeyArn(),
		RetentionInDays: jsii.Number(retention(days)),
	})
	group.ApplyRemovalPolicy(removal(retain), nil)
	return group
}

// LogGroupsEncrypt lets CloudWatch Logs use a key for the log groups of the
// scope's stack: those whose name CloudFormation makes up begin with the
// stack's (Amazon CloudWatch Logs User Guide, "Encrypt log data in CloudWatch
// Logs using AWS Key Management Service").
func LogGroupsEncrypt(scope constructs.Construct) awsiam.PolicyStatement {
	return logGroupEncrypts(scope, "LogGroupsOfThisStack", *awscdk.Aws_STACK_NAME()+"-*")
}

// logGroupEncrypts lets CloudWatch Logs use a key for log groups by name.
func logGroupEncrypts(scope constructs.Construct, sid, name string) awsiam.PolicyStatement {
	region := *awscdk.Stack_Of(scope).Region()
	return policy.Allow(sid,
		awsiam.NewServicePrincipal(jsii.String("logs."+region+".amazonaws.com"), nil), []string{"*"},
		[]string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"},
		policy.Conditions{"ArnLike": {
			"kms:EncryptionContext:aws:logs:arn": policy.ARN(scope, "logs", region, "log-group:"+name),
		}})
}

// retention is the longest that CloudWatch Logs keeps what is to be kept for
// so many days at most (Amazon CloudWatch Logs API Reference,
// PutRetentionPolicy).
func retention(days int) int {
	offered := []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
	at, exact := slices.BinarySearch(offered, days)
	if exact {
		return days
	}
	return offered[max(at-1, 0)]
}
