package gateway

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// RunsTasks is who becomes the roles of a service: ECS, for a task in the
// scope's account and region and for nobody else's. ECS names no cluster there
// (Amazon ECS Developer Guide, "Amazon ECS task IAM role").
func RunsTasks(scope constructs.Construct) awsiam.IPrincipal {
	stack := awscdk.Stack_Of(scope)
	return awsiam.NewPrincipalWithConditions(awsiam.NewServicePrincipal(jsii.String("ecs-tasks.amazonaws.com"), nil), &map[string]any{
		"StringEquals": map[string]any{"aws:SourceAccount": *stack.Account()},
		"ArnLike":      map[string]any{policy.SourceARN: policy.ARN(scope, "ecs", *stack.Region(), "*")},
	})
}

// NewExecutionRole is the role of those who start the gateway's tasks, which
// may nothing yet.
func NewExecutionRole(scope constructs.Construct, id *string) awsiam.Role {
	return awsiam.NewRole(scope, id, &awsiam.RoleProps{AssumedBy: RunsTasks(scope), Description: jsii.String("Fetches the gateway's image and writes its log")})
}

// allow gives the gateway's role what it needs. It doesn't write the log: tasks
// write to standard output, and who started them passes that on. The policy
// isn't the function's under the same id: where tasks take over, the function
// goes on until they answer, and needs its own for its log, the audit trail
// with it, and to leave its VPC.
func (s *service) allow() constructs.IDependable {
	return policy.Attach(s, "TaskPermissions", s.props.Role, s.props.permissions(s)...)
}

// executes lets tasks be started: exactly this image, exactly this log.
func (s *service) executes(repository string) constructs.IDependable {
	return policy.Attach(s, "Execution", s.execution,
		// Knows no resources (Service Authorization Reference).
		policy.Permit("EntersTheRegistry", []string{"*"}, "ecr:GetAuthorizationToken"),
		policy.Permit("FetchesTheImage", []string{repository}, PullsImages()...),
		writesLog(s.logs))
}

// PullsImages is what who starts a task does with the repository of its image
// (Amazon ECS Developer Guide, "Amazon ECS task execution IAM role").
func PullsImages() []string {
	return []string{"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
}
