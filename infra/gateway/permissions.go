package gateway

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// permissions is what the gateway may do beside its bucket, however it runs.
func (c *Common) permissions(scope constructs.Construct) []awsiam.PolicyStatement {
	statements := Reads(scope, c.SettingsPath, c.SigningSecret)
	if hook := c.HookSecret; hook != nil {
		statements = append(statements, policy.Permit("ReadsTheSecretOfQuestions", []string{hook.ARN}, "secretsmanager:GetSecretValue"))
		if hook.KeyARN != "" {
			statements = append(statements, policy.Allow("DecryptsTheSecretOfQuestions", nil, []string{hook.KeyARN}, []string{"kms:Decrypt"}, policy.ThroughSecrets(scope, hook.ARN)))
		}
	}
	actions := map[string][]string{"Grants": policy.GatewayShares(), "Audit": policy.GatewayRecords(), "APIKeys": policy.GatewayKnowsMachines()}
	tables := c.tables()
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		resources := append(make([]string, 0, 1+len(tables[name].Indexes)), tables[name].ARN)
		for _, index := range tables[name].Indexes {
			resources = append(resources, tables[name].ARN+"/index/"+index)
		}
		statements = append(statements, policy.Permit("Uses"+name, resources, actions[name]...))
	}
	return statements
}

// permissions is what the function may do beside its bucket.
func (f *function) permissions() []awsiam.PolicyStatement {
	statements := append([]awsiam.PolicyStatement{writesLog(f.logs)}, f.props.permissions(f)...)
	if f.props.Tracing {
		// X-Ray knows no resources of these (Service Authorization Reference).
		statements = append(statements, policy.Permit("Traces", []string{"*"}, "xray:PutTraceSegments", "xray:PutTelemetryRecords"))
	}
	if f.props.Network != nil {
		statements = append(statements, interfaces()...)
	}
	return statements
}

// writesLog lets somebody write to a log group, whose ARN, as CloudFormation
// gives it, ends in :* for its streams.
func writesLog(logs awslogs.CfnLogGroup) awsiam.PolicyStatement {
	return policy.Permit("WritesItsLog", []string{*logs.AttrArn()}, "logs:CreateLogStream", "logs:PutLogEvents")
}

// Reads is what a gateway has to read before it can do anything, wherever it
// runs: its settings, and its keys where the secret is named.
func Reads(scope constructs.Construct, settingsPath string, secret SigningSecret) []awsiam.PolicyStatement {
	statements := []awsiam.PolicyStatement{
		// Parameter Store looks at the path that is asked for, not at what is below
		// it (AWS Systems Manager User Guide, "How Parameter Store authorizes
		// parameter retrieval").
		policy.Permit("ReadsItsSettings", []string{policy.ARN(scope, "ssm", *awscdk.Stack_Of(scope).Region(), "parameter"+settingsPath)}, "ssm:GetParametersByPath"),
	}
	if secret.ARN != "" {
		statements = append(statements, policy.Permit("ReadsItsKeys", []string{secret.ARN}, "secretsmanager:GetSecretValue"))
	}
	if key := secret.KeyARN; key != "" {
		statements = append(statements, policy.Allow("DecryptsItsKeys", nil, []string{key}, []string{"kms:Decrypt"}, policy.ThroughSecrets(scope, secret.ARN)))
	}
	if keys := secret.SignWith; len(keys) > 0 {
		statements = append(statements,
			policy.Allow("Signs", nil, keys, []string{"kms:Sign"}, policy.Conditions{"StringEquals": {"kms:MessageType": "DIGEST"}}),
			policy.Permit("KnowsThePublicHalf", keys, "kms:GetPublicKey"))
	}
	return statements
}

// interfaces lets Lambda connect a function to a VPC in the role's name, and
// refuses the same to the function's own code (AWS Lambda Developer Guide,
// "Giving Lambda functions access to resources in an Amazon VPC").
func interfaces() []awsiam.PolicyStatement {
	actions := []string{
		"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
		"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
	}
	code := awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("ButNotItsCode"), Effect: awsiam.Effect_DENY, Actions: jsii.Strings(actions...), Resources: jsii.Strings("*"),
		Conditions: &map[string]any{"Null": map[string]any{"lambda:SourceFunctionArn": "false"}},
	})
	return []awsiam.PolicyStatement{policy.Permit("LambdaConnectsIt", []string{"*"}, actions...), code}
}
