package gateway

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// permissions is what the gateway may do beside its bucket.
func (f *function) permissions() []awsiam.PolicyStatement {
	p := f.props
	statements := []awsiam.PolicyStatement{
		// The ARN of a log group, as CloudFormation gives it, ends in :* for its streams.
		policy.Permit("WritesItsLog", []string{*f.logs.AttrArn()}, "logs:CreateLogStream", "logs:PutLogEvents"),
		policy.Permit("ReadsItsSettings", []string{policy.ARN(f, "ssm", *awscdk.Stack_Of(f).Region(), "parameter"+p.SettingsPath)}, "ssm:GetParametersByPath"),
		policy.Permit("ReadsItsKeys", []string{p.SigningSecret.ARN}, "secretsmanager:GetSecretValue"),
	}
	if key := p.SigningSecret.KeyARN; key != "" {
		statements = append(statements, policy.Allow("DecryptsItsKeys", nil, []string{key}, []string{"kms:Decrypt"}, policy.ThroughSecrets(f, p.SigningSecret.ARN)))
	}
	if keys := p.SigningSecret.SignWith; len(keys) > 0 {
		statements = append(statements,
			policy.Allow("Signs", nil, keys, []string{"kms:Sign"}, policy.Conditions{"StringEquals": {"kms:MessageType": "DIGEST"}}),
			policy.Permit("KnowsThePublicHalf", keys, "kms:GetPublicKey"))
	}
	actions := map[string][]string{"Grants": policy.GatewayShares(), "Audit": policy.GatewayRecords(), "APIKeys": policy.GatewayKnowsMachines()}
	tables := p.tables()
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		resources := []string{tables[name].ARN}
		for _, index := range tables[name].Indexes {
			resources = append(resources, tables[name].ARN+"/index/"+index)
		}
		statements = append(statements, policy.Permit("Uses"+name, resources, actions[name]...))
	}
	if p.Tracing {
		// X-Ray knows no resources of these (Service Authorization Reference).
		statements = append(statements, policy.Permit("Traces", []string{"*"}, "xray:PutTraceSegments", "xray:PutTelemetryRecords"))
	}
	if p.Network != nil {
		statements = append(statements, interfaces()...)
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
