package policy

import (
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Conditions are the Condition block of a statement: operator, key, value.
type Conditions map[string]map[string]any

// Allow lets one principal do the actions. Without a principal, the statement
// is for a policy of a role.
func Allow(sid string, to awsiam.IPrincipal, resources, actions []string, when Conditions) awsiam.PolicyStatement {
	return statement(awsiam.Effect_ALLOW, sid, to, resources, actions, when)
}

// Deny refuses the actions to everybody for whom the conditions hold, the
// account's owner and AWS's services included.
func Deny(sid string, resources, actions []string, when Conditions) awsiam.PolicyStatement {
	return statement(awsiam.Effect_DENY, sid, awsiam.NewStarPrincipal(), resources, actions, when)
}

// DenyTo refuses the actions to one principal.
func DenyTo(sid string, to awsiam.IPrincipal, resources, actions []string) awsiam.PolicyStatement {
	return statement(awsiam.Effect_DENY, sid, to, resources, actions, nil)
}

// DenyOutside refuses the actions everywhere but at the resources, to
// everybody for whom the conditions hold.
func DenyOutside(sid string, resources, actions []string, when Conditions) awsiam.PolicyStatement {
	made := statement(awsiam.Effect_DENY, sid, awsiam.NewStarPrincipal(), nil, actions, when)
	made.AddNotResources(*jsii.Strings(resources...)...)
	return made
}

func statement(effect awsiam.Effect, sid string, principal awsiam.IPrincipal, resources, actions []string, when Conditions) awsiam.PolicyStatement {
	block := map[string]any{}
	for operator, keys := range when {
		block[operator] = keys
	}
	props := &awsiam.PolicyStatementProps{
		Sid: jsii.String(sid), Effect: effect, Actions: jsii.Strings(actions...), Resources: jsii.Strings(resources...), Conditions: &block,
	}
	if principal != nil {
		props.Principals = &[]awsiam.IPrincipal{principal}
	}
	return awsiam.NewPolicyStatement(props)
}

// Permit is a statement of a role's own policy.
func Permit(sid string, resources []string, actions ...string) awsiam.PolicyStatement {
	return Allow(sid, nil, resources, actions, nil)
}

// Attach gives a role a policy of its own name, so that it can be read, and
// taken away, by itself.
func Attach(scope constructs.Construct, id string, role awsiam.IRole, statements ...awsiam.PolicyStatement) awsiam.ManagedPolicy {
	return awsiam.NewManagedPolicy(scope, jsii.String(id), &awsiam.ManagedPolicyProps{Roles: &[]awsiam.IRole{role}, Statements: &statements})
}

// CloudFront is the service that viewers' requests come through.
func CloudFront() awsiam.IPrincipal {
	return awsiam.NewServicePrincipal(jsii.String("cloudfront.amazonaws.com"), nil)
}

// With returns the conditions and one more.
func (c Conditions) With(operator, key string, value any) Conditions {
	more := maps.Clone(c)
	more[operator] = maps.Clone(more[operator])
	if more[operator] == nil {
		more[operator] = map[string]any{}
	}
	more[operator][key] = value
	return more
}

// ARN is the ARN of something in the account and partition that the scope is
// deployed to. Region is empty for what belongs to no region.
func ARN(scope constructs.Construct, service, region, resource string) string {
	stack := awscdk.Stack_Of(scope)
	return "arn:" + *stack.Partition() + ":" + service + ":" + region + ":" + *stack.Account() + ":" + resource
}

// BootstrapRole is the role that CloudFormation acts as where CDK's bootstrap
// made it, in the account and region of the scope. By its exact name, which is
// taken: a pattern would be met by any role that somebody makes.
func BootstrapRole(scope constructs.Construct) string {
	qualifier, ok := scope.Node().TryGetContext(jsii.String("@aws-cdk/core:bootstrapQualifier")).(string)
	if !ok || qualifier == "" {
		qualifier = "hnb659fds" // CDK's own
	}
	stack := awscdk.Stack_Of(scope)
	return ARN(scope, "iam", "", "role/cdk-"+qualifier+"-cfn-exec-role-"+*stack.Account()+"-"+*stack.Region())
}
