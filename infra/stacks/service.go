package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/gateway"
	"github.com/signgate/signgate/infra/network"
	"github.com/signgate/signgate/infra/policy"
)

// connectionLogs is where in the bucket of access logs a load balancer writes
// who connected.
const connectionLogs = "gateway"

// runsGateway is who becomes the gateway's role.
func (e *Environment) runsGateway() awsiam.IPrincipal {
	if e.config.Gateway.RunsOnFargate() {
		return gateway.RunsTasks(e.Content)
	}
	return awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil)
}

// serviceProps are what tasks have beside what a function has too.
func (e *Environment) serviceProps(common gateway.Common) *gateway.ServiceProps {
	g := e.config.Gateway
	props := &gateway.ServiceProps{
		Common: common, ExecutionRole: e.execution, Image: g.Fargate.ImageURI, Tasks: g.Fargate.Tasks(),
		Internal: g.Fargate.Internal, AllowRanges: g.Fargate.AllowRanges, WebACL: g.WebACLARN,
		Network: &gateway.ServiceNetwork{
			Network:      gateway.Network{VPC: e.network.VPC(), Subnets: e.network.Subnets(), SecurityGroup: e.network.SecurityGroup()},
			LoadBalancer: e.network.PublicSubnetIDs(), LoadBalancerRanges: e.network.PublicRanges(), Ways: e.network.Ways(),
		},
	}
	if g.Fargate.Internal {
		props.Network.LoadBalancer, props.Network.LoadBalancerRanges = e.network.SubnetIDs(), e.network.Ranges()
	}
	if known := e.config.Network.LoadBalancerRanges; len(known) > 0 {
		props.Network.LoadBalancerRanges = known
	}
	if g.Fargate.ConnectionLogs {
		props.ConnectionLogs = &gateway.ConnectionLogs{Bucket: e.logs, Prefix: connectionLogs}
		if e.accessLogs != nil {
			e.accessLogs.Accept(gateway.ConnectionLogsStatement(e.Content, *e.logs.BucketArn(), connectionLogs))
			props.ConnectionLogs.Accepted = e.accessLogs.Policy()
		}
	}
	return props
}

// startingTasks is what who starts tasks does, without a way to the internet:
// images lie in Amazon ECR, whose layers come from S3 (network.Props,
// ContainerImages), and the log goes to CloudWatch. Which image and which log
// exactly is said by the role.
func (e *Environment) startingTasks() []network.Endpoint {
	stack, role := e.Content, []string{*e.execution.RoleArn()}
	images := policy.ARN(stack, "ecr", *stack.Region(), "repository/*")
	if given := e.config.Gateway.Fargate.ImageURI; given != "" {
		images = gateway.ImageRepository(stack, given)
	}
	logs := policy.ARN(stack, "logs", *stack.Region(), "log-group:"+*awscdk.Aws_STACK_NAME()+"-*")
	return []network.Endpoint{
		{Service: network.ECRAPI, Actions: []string{"ecr:GetAuthorizationToken"}, Resources: []string{"*"}, Roles: role},
		{Service: network.ECRAPI, Actions: gateway.PullsImages(), Resources: []string{images}, Roles: role},
		{Service: network.ECRDocker, Actions: gateway.PullsImages(), Resources: []string{images}, Roles: role},
		{Service: network.Logs, Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resources: []string{logs}, Roles: role},
	}
}
