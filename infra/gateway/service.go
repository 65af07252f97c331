package gateway

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/bundle"
)

const (
	container = "gateway"
	port      = 8080
	// stopWithin is seconds from SIGTERM to the end: the gateway waits for
	// requests, signs the end of its trail and sends what it has measured. It
	// gets the signal when the load balancer is through with it.
	stopWithin = 60
	// graceful is seconds in which the load balancer's first looks at a task
	// don't count.
	graceful = 60
	// Seconds between two changes of how many tasks there are.
	scaleOutCooldown = 60
	scaleInCooldown  = 300
)

// Service is the gateway on ECS Fargate, behind a load balancer.
type Service interface {
	constructs.Construct
	// URL is where callers reach the gateway, its setting public-url: without a
	// slash at its end.
	URL() *string
	// Target is what the domain's name is to be pointed at (CNAME), a token;
	// nil: its zone has been told.
	Target() *string
	// LogGroup is the name of the tasks' logs, a token: the gateway's log, its
	// audit trail unless a table or a stream keeps that, and its metrics.
	LogGroup() *string
	// ClusterName and ServiceName, tokens, are by what CloudWatch knows the
	// metrics of the tasks (AWS/ECS).
	ClusterName() *string
	ServiceName() *string
	// LoadBalancerARN and the full names, tokens, are by what CloudWatch knows
	// the metrics of the load balancer (AWS/ApplicationELB).
	LoadBalancerARN() *string
	LoadBalancerFullName() *string
	TargetGroupFullName() *string
	// StartAfter has tasks start once these are there, such as the parameters
	// of settings. Settings are read at a task's start only: when the digest,
	// of what they say, is another, tasks are replaced one after the other.
	// They take the settings of these names and no others, for what a deployment
	// deletes is there until it ends.
	StartAfter(digest string, names []string, there ...constructs.IDependable)
}

type service struct {
	constructs.Construct
	props     *ServiceProps
	logs      awslogs.CfnLogGroup
	cluster   awsecs.CfnCluster
	task      awsecs.CfnTaskDefinition
	variables int // how many its container has
	service   awsecs.CfnService
	balancer  awselasticloadbalancingv2.CfnLoadBalancer
	targets   awselasticloadbalancingv2.CfnTargetGroup
	execution awsiam.IRole
	target    *string
}

func (s *service) URL() *string                  { return jsii.String("https://" + s.props.Domain.Name) }
func (s *service) Target() *string               { return s.target }
func (s *service) LogGroup() *string             { return s.logs.Ref() }
func (s *service) ClusterName() *string          { return s.cluster.Ref() }
func (s *service) ServiceName() *string          { return s.service.AttrName() }
func (s *service) LoadBalancerARN() *string      { return s.balancer.Ref() }
func (s *service) LoadBalancerFullName() *string { return s.balancer.AttrLoadBalancerFullName() }
func (s *service) TargetGroupFullName() *string  { return s.targets.AttrTargetGroupFullName() }

func (s *service) StartAfter(digest string, names []string, there ...constructs.IDependable) {
	s.task.AddPropertyOverride(jsii.String("ContainerDefinitions.0.DockerLabels"), map[string]string{"signgate.settings": digest})
	s.task.AddPropertyOverride(jsii.String("ContainerDefinitions.0.Environment."+strconv.Itoa(s.variables)), map[string]string{
		"Name": parametersOnly, "Value": strings.Join(names, ","),
	})
	s.service.Node().AddDependency(there...)
}

// NewService makes the tasks, and the load balancer in front of them. It panics
// with the error of Validate, as CDK does.
func NewService(scope constructs.Construct, id *string, props *ServiceProps) Service {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &service{props: props}
	constructs.NewConstruct_Override(this, scope, id)
	this.logs, _ = props.newLogs(this)
	if this.execution = props.ExecutionRole; this.execution == nil {
		this.execution = NewExecutionRole(this, jsii.String("ExecutionRole"))
	}
	this.cluster = awsecs.NewCfnCluster(this, jsii.String("Cluster"), &awsecs.CfnClusterProps{
		ClusterSettings: []any{&awsecs.CfnCluster_ClusterSettingsProperty{Name: jsii.String("containerInsights"), Value: jsii.String("enabled")}},
	})
	image, pulled := this.image()
	this.task = this.newTask(image)
	reached := this.newLoadBalancer()
	this.service = this.newService()
	this.service.Node().AddDependency(this.allow(), this.executes(pulled), reached)
	this.scale()
	if record := this.record(); record != nil {
		record.Node().AddDependency(this.service) // whose making ends when tasks answer
	} else {
		this.target = this.balancer.AttrDnsName()
	}
	return this
}

// image is what is run, and the ARN of the repository that it lies in.
func (s *service) image() (uri *string, repository string) {
	if given := s.props.Image; given != "" {
		return jsii.String(given), ImageRepository(s, given)
	}
	built := s.props.program().Image(s, jsii.String("Image"))
	return built.ImageUri(), *built.Repository().RepositoryArn()
}

// ImageRepository is the ARN of the repository that an image lies in, named as
// ServiceProps.Image is.
func ImageRepository(scope constructs.Construct, image string) string {
	registry, path, _ := strings.Cut(image, "/")
	host, name := strings.Split(registry, "."), strings.Split(path, "@")[0]
	return "arn:" + *awscdk.Stack_Of(scope).Partition() + ":ecr:" + host[3] + ":" + host[0] + ":repository/" + name
}

// newTask is the program alone: it reads its own file system, has no right of
// the kernel's that it was given for being root, and is nobody.
func (s *service) newTask(image *string) awsecs.CfnTaskDefinition {
	tasks, yes, variables := s.props.Tasks.OrDefaults(), jsii.Bool(true), s.environment()
	s.variables = len(variables)
	return awsecs.NewCfnTaskDefinition(s, jsii.String("Task"), &awsecs.CfnTaskDefinitionProps{
		Family: awscdk.Names_UniqueResourceName(s, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(100), Separator: jsii.String("-")}),
		Cpu:    jsii.String(strconv.Itoa(tasks.CPU)), Memory: jsii.String(strconv.Itoa(tasks.Memory)),
		NetworkMode: jsii.String("awsvpc"), RequiresCompatibilities: jsii.Strings("FARGATE"),
		RuntimePlatform: &awsecs.CfnTaskDefinition_RuntimePlatformProperty{CpuArchitecture: jsii.String("ARM64"), OperatingSystemFamily: jsii.String("LINUX")},
		TaskRoleArn:     s.props.Role.RoleArn(), ExecutionRoleArn: s.execution.RoleArn(),
		ContainerDefinitions: []any{&awsecs.CfnTaskDefinition_ContainerDefinitionProperty{
			Name: jsii.String(container), Image: image, Essential: yes, Command: jsii.Strings("serve"), Environment: variables,
			PortMappings: []any{&awsecs.CfnTaskDefinition_PortMappingProperty{ContainerPort: jsii.Number(port), Protocol: jsii.String("tcp")}},
			User:         jsii.String(bundle.ImageUser), ReadonlyRootFilesystem: yes, StopTimeout: jsii.Number(stopWithin),
			// A tag that is moved later doesn't make tasks of one deployment differ.
			VersionConsistency: jsii.String("enabled"),
			LinuxParameters: &awsecs.CfnTaskDefinition_LinuxParametersProperty{
				Capabilities: &awsecs.CfnTaskDefinition_KernelCapabilitiesProperty{Drop: jsii.Strings("ALL")},
			},
			LogConfiguration: &awsecs.CfnTaskDefinition_LogConfigurationProperty{LogDriver: jsii.String("awslogs"), Options: s.logging()},
		}},
	})
}

// environment is names, and what this construct alone knows. Everything else
// comes from Parameter Store.
func (s *service) environment() []any {
	values := s.props.environment("/")
	values["AWS_REGION"] = awscdk.Stack_Of(s).Region()
	values["SIGNGATE_LISTEN"] = jsii.String(":" + strconv.Itoa(port))
	values["SIGNGATE_KEEP_ALIVE"] = jsii.String(keptAlive.String())
	values["SIGNGATE_TRUSTED_PROXIES"] = jsii.String(strings.Join(s.props.Network.LoadBalancerRanges, ","))
	listed := make([]any, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		listed = append(listed, &awsecs.CfnTaskDefinition_KeyValuePairProperty{Name: jsii.String(name), Value: values[name]})
	}
	return listed
}

// logging waits where CloudWatch Logs can't be written to if the audit trail
// is among the lines, for nothing is given out that isn't recorded. Where a
// table or a stream keeps the trail, what can't be written is kept in memory, and then
// lost, so that a log that stalls doesn't stop the gateway. ECS does the latter
// unless it is told otherwise (Amazon ECS Developer Guide, "Example Amazon ECS
// task definition: route logs to CloudWatch").
func (s *service) logging() map[string]*string {
	options := map[string]*string{
		"awslogs-group": s.logs.Ref(), "awslogs-region": awscdk.Stack_Of(s).Region(), "awslogs-stream-prefix": jsii.String("task"), "mode": jsii.String("blocking"),
	}
	if s.props.Audit != nil || s.props.AuditStream {
		options["mode"], options["max-buffer-size"] = jsii.String("non-blocking"), jsii.String("25m")
	}
	return options
}

// newService keeps tasks running. A deployment starts new ones beside the old,
// and goes back by itself where they don't stay up.
func (s *service) newService() awsecs.CfnService {
	network := s.props.Network
	return awsecs.NewCfnService(s, jsii.String("Service"), &awsecs.CfnServiceProps{
		Cluster: s.cluster.AttrArn(), TaskDefinition: s.task.Ref(), LaunchType: jsii.String("FARGATE"), PlatformVersion: jsii.String("LATEST"),
		DeploymentConfiguration: &awsecs.CfnService_DeploymentConfigurationProperty{
			MinimumHealthyPercent: jsii.Number(100), MaximumPercent: jsii.Number(200),
			DeploymentCircuitBreaker: &awsecs.CfnService_DeploymentCircuitBreakerProperty{Enable: jsii.Bool(true), Rollback: jsii.Bool(true)},
		},
		AvailabilityZoneRebalancing: jsii.String("ENABLED"), HealthCheckGracePeriodSeconds: jsii.Number(graceful),
		EnableExecuteCommand: jsii.Bool(false), EnableEcsManagedTags: jsii.Bool(true), PropagateTags: jsii.String("SERVICE"),
		NetworkConfiguration: &awsecs.CfnService_NetworkConfigurationProperty{AwsvpcConfiguration: &awsecs.CfnService_AwsVpcConfigurationProperty{
			AssignPublicIp: jsii.String("DISABLED"), Subnets: network.VPC.SelectSubnets(network.Subnets).SubnetIds, SecurityGroups: &[]*string{network.SecurityGroup.SecurityGroupId()},
		}},
		LoadBalancers: []any{&awsecs.CfnService_LoadBalancerProperty{
			ContainerName: jsii.String(container), ContainerPort: jsii.Number(port), TargetGroupArn: s.targets.Ref(),
		}},
	})
}

// scale keeps as many tasks as keep their processors at the target. How many
// that is isn't in the template, or each deployment would begin anew. The role
// that does it is Application Auto Scaling's own, linked to the service.
func (s *service) scale() {
	tasks := s.props.Tasks.OrDefaults()
	target := awsapplicationautoscaling.NewCfnScalableTarget(s, jsii.String("Tasks"), &awsapplicationautoscaling.CfnScalableTargetProps{
		MinCapacity: jsii.Number(tasks.Least), MaxCapacity: jsii.Number(tasks.Most),
		ResourceId:        jsii.String("service/" + *s.cluster.Ref() + "/" + *s.service.AttrName()),
		ScalableDimension: jsii.String("ecs:service:DesiredCount"), ServiceNamespace: jsii.String("ecs"),
	})
	awsapplicationautoscaling.NewCfnScalingPolicy(s, jsii.String("ByCPU"), &awsapplicationautoscaling.CfnScalingPolicyProps{
		PolicyName: jsii.String("ByCPU"), PolicyType: jsii.String("TargetTrackingScaling"), ScalingTargetId: target.Ref(),
		TargetTrackingScalingPolicyConfiguration: &awsapplicationautoscaling.CfnScalingPolicy_TargetTrackingScalingPolicyConfigurationProperty{
			TargetValue: jsii.Number(tasks.CPUTarget), ScaleOutCooldown: jsii.Number(scaleOutCooldown), ScaleInCooldown: jsii.Number(scaleInCooldown),
			PredefinedMetricSpecification: &awsapplicationautoscaling.CfnScalingPolicy_PredefinedMetricSpecificationProperty{
				PredefinedMetricType: jsii.String("ECSServiceAverageCPUUtilization"),
			},
		},
	})
}
