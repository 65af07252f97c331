package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
)

// firewallLogs begins the name of everything that AWS WAF logs to (AWS WAF
// Developer Guide, "Logging AWS WAF protection pack (web ACL) traffic").
const firewallLogs = "aws-waf-logs-"

// FirewallLogProps is what the log of a firewall is made of. ExpireDays has to
// be given.
type FirewallLogProps struct {
	ExpireDays int // days until a record expires
	Retain     bool
	Guard      policy.Guard // of its key
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewFirewallLog panics with it, as CDK does.
func (p *FirewallLogProps) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "the log of a firewall takes props")
		return found.Err(ErrInvalid)
	}
	found.When(p.ExpireDays < 1, "ExpireDays is at least 1: how long are records kept?")
	p.Guard.Check(&found)
	return found.Err(ErrInvalid)
}

// FirewallLog is a log group for a firewall.
type FirewallLog interface {
	constructs.Construct
	// ARN is what delivery.FirewallProps takes as LogDestination.
	ARN() string
}

type firewallLog struct {
	constructs.Construct
	name string
}

// NewFirewallLog makes a log group that AWS WAF may log to, encrypted with a
// key of its own. For a distribution it has to be in us-east-1.
func NewFirewallLog(scope constructs.Construct, id *string, props *FirewallLogProps) FirewallLog {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &firewallLog{}
	constructs.NewConstruct_Override(this, scope, id)
	this.name = firewallLogs + *awscdk.Names_UniqueResourceName(this, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(128), Separator: jsii.String("-")})
	key := props.Guard.NewKey(this, "Key", "signgate: what the firewall let through and what not", removal(props.Retain), logGroupEncrypts(this, "TheFirewallsLog", this.name))
	group := NewLogGroup(this, jsii.String("LogGroup"), key, props.ExpireDays, props.Retain)
	group.SetLogGroupName(jsii.String(this.name))
	awslogs.NewCfnResourcePolicy(this, jsii.String("Policy"), &awslogs.CfnResourcePolicyProps{
		PolicyName: jsii.String(this.name), PolicyDocument: jsii.String(this.policy()),
	})
	return this
}

// ARN has no wildcard at its end, as WAF wants it.
func (l *firewallLog) ARN() string {
	return policy.ARN(l, "logs", *awscdk.Stack_Of(l).Region(), "log-group:"+l.name)
}

// policy lets WAF deliver (Amazon CloudWatch Logs User Guide, "Logs sent to
// CloudWatch Logs").
func (l *firewallLog) policy() string {
	stack := awscdk.Stack_Of(l)
	document := awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
		policy.Allow("FirewallLogs", awsiam.NewServicePrincipal(jsii.String("delivery.logs.amazonaws.com"), nil),
			[]string{l.ARN() + ":log-stream:*"}, []string{"logs:CreateLogStream", "logs:PutLogEvents"}, policy.Conditions{
				"StringEquals": {"aws:SourceAccount": *stack.Account()},
				"ArnLike":      {policy.SourceARN: policy.ARN(l, "logs", *stack.Region(), "*")},
			}),
	}})
	return *stack.ToJsonString(document, nil)
}
