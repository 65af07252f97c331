package gateway_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/gateway"
	"github.com/signgate/signgate/infra/gateway/fargate"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

const (
	vpcID     = "vpc-0123456789abcdef0"
	taskGroup = "sg-0123456789abcdef0"
	subnetA   = "subnet-0a123456789abcdef"
	subnetB   = "subnet-0b123456789abcdef"
	subnetC   = "subnet-0c123456789abcdef"
	subnetD   = "subnet-0d123456789abcdef"
	webACL    = "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/acl/1234abcd-12ab-34cd-56ef-1234567890ab"
	digest    = "@sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
	ourImage  = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/team/signgate" + digest
)

// serve synthesizes a service in the stack that a change may add to.
func serve(t *testing.T, flags synthtest.Flags, change func(awscdk.Stack, *gateway.ServiceProps), more ...func(awscdk.Stack, gateway.Service)) synthtest.Template {
	t.Helper()
	stack := synthtest.Stack(flags, "eu-central-1")
	props := &gateway.ServiceProps{Common: common(stack, gateway.RunsTasks(stack)), Network: serviceNetwork(stack)}
	props.Domain = &gateway.Domain{
		Name: "api.example.com", Certificate: awscertificatemanager.Certificate_FromCertificateArn(stack, jsii.String("Certificate"), jsii.String("arn:aws:acm:eu-central-1:111122223333:certificate/x")),
	}
	if change != nil {
		change(stack, props)
	}
	made := gateway.NewService(stack, jsii.String("Gateway"), props)
	for name, value := range map[string]*string{
		"URL": made.URL(), "LogGroup": made.LogGroup(), "Cluster": made.ClusterName(), "Service": made.ServiceName(),
		"Balancer": made.LoadBalancerARN(), "BalancerName": made.LoadBalancerFullName(), "TargetsName": made.TargetGroupFullName(),
	} {
		awscdk.NewCfnOutput(stack, jsii.String(name), &awscdk.CfnOutputProps{Value: value})
	}
	for _, use := range more {
		use(stack, made)
	}
	template := synthtest.Synth(stack)
	synthtest.Equal(t, "what CDK warns of", template.Warnings, "")
	synthtest.Equal(t, "what names more than one action", template.Wildcards(), []string(nil))
	synthtest.Equal(t, "functions that come with it", len(template.Of("AWS::Lambda::Function")), 0)
	return template
}

func serviceNetwork(stack awscdk.Stack) *gateway.ServiceNetwork {
	vpc := awsec2.Vpc_FromVpcAttributes(stack, jsii.String("VPC"), &awsec2.VpcAttributes{
		VpcId: jsii.String(vpcID), AvailabilityZones: jsii.Strings("eu-central-1a", "eu-central-1b"),
		IsolatedSubnetIds: jsii.Strings(subnetA, subnetB), IsolatedSubnetRouteTableIds: jsii.Strings("rtb-a", "rtb-b"),
	})
	return &gateway.ServiceNetwork{
		Network: gateway.Network{
			VPC: vpc, Subnets: &awsec2.SubnetSelection{Subnets: vpc.IsolatedSubnets()},
			SecurityGroup: awsec2.SecurityGroup_FromSecurityGroupId(stack, jsii.String("TaskGroup"), jsii.String(taskGroup), &awsec2.SecurityGroupImportOptions{AllowAllOutbound: jsii.Bool(false)}),
		},
		LoadBalancer: []string{subnetC, subnetD}, LoadBalancerRanges: []string{"10.20.8.0/23", "10.20.10.0/23"},
	}
}

// id is how a template refers to the one resource of a type.
func id(t *testing.T, template synthtest.Template, kind, prefix string) string {
	t.Helper()
	return template.Only(t, kind, prefix).ID
}

// pairs are lists of members Key, or Name, and Value.
func pairs(list any, name string) map[string]string {
	found := map[string]string{}
	elements, _ := list.([]any)
	for _, element := range elements {
		pair, _ := element.(map[string]any)
		found[fmt.Sprint(pair[name])] = fmt.Sprint(pair["Value"])
	}
	return found
}

func TestATaskIsTheProgramAndNobody(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := serve(t, flags, nil)
		task := template.Only(t, "AWS::ECS::TaskDefinition", "Gateway")
		synthtest.Equal(t, "how it runs", []any{
			task.Get("Cpu"), task.Get("Memory"), task.Get("NetworkMode"), task.Get("RequiresCompatibilities"), task.Get("RuntimePlatform"),
			task.Get("TaskRoleArn"), task.Get("ExecutionRoleArn"), task.Get("Volumes"), task.Get("PidMode"), task.Get("EnableFaultInjection"),
		}, []any{
			"512", "1024", "awsvpc", []any{"FARGATE"}, map[string]any{"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
			"${" + id(t, template, "AWS::IAM::Role", "Role") + ".Arn}", "${" + id(t, template, "AWS::IAM::Role", "GatewayExecutionRole") + ".Arn}", nil, nil, nil,
		})
		containers, _ := task.Get("ContainerDefinitions").([]any)
		if len(containers) != 1 {
			t.Fatalf("there are %d containers", len(containers))
		}
		container, _ := containers[0].(map[string]any)
		delete(container, "Environment")
		delete(container, "LogConfiguration")
		image, _ := container["Image"].(map[string]any)["Fn::Sub"].(string)
		if !strings.HasPrefix(image, "111122223333.dkr.ecr.eu-central-1.${AWS::URLSuffix}/cdk-hnb659fds-container-assets-111122223333-eu-central-1:") || strings.HasSuffix(image, "latest") {
			t.Errorf("the image is %v", container["Image"])
		}
		delete(container, "Image")
		synthtest.Equal(t, "its container", container, map[string]any{
			"Name": "gateway", "Essential": true, "Command": []any{"serve"}, "User": "65532:65532", "ReadonlyRootFilesystem": true,
			"LinuxParameters": map[string]any{"Capabilities": map[string]any{"Drop": []any{"ALL"}}}, "StopTimeout": 60.0, "VersionConsistency": "enabled",
			"PortMappings": []any{map[string]any{"ContainerPort": 8080.0, "Protocol": "tcp"}},
		})
	}
}

func TestATaskKnowsNamesOnlyAndWhomToBelieve(t *testing.T) {
	template := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) {
		p.UploadRules = []byte(`[{"prefix": "in/", "verify": true}]`)
	})
	variables := pairs(template.Only(t, "AWS::ECS::TaskDefinition", "").Get("ContainerDefinitions", 0, "Environment"), "Name")
	synthtest.Equal(t, "its environment", variables, map[string]string{
		"SIGNGATE_PARAMETERS": "/signgate/test", "SIGNGATE_POLICIES": "/policies", "SIGNGATE_UPLOAD_RULES": "/upload-rules.json", "AWS_REGION": "eu-central-1",
		"SIGNGATE_LISTEN": ":8080", "SIGNGATE_KEEP_ALIVE": "12m0s", "SIGNGATE_TRUSTED_PROXIES": "10.20.8.0/23,10.20.10.0/23",
	})
	without := pairs(serve(t, synthtest.NoFlags, nil).Only(t, "AWS::ECS::TaskDefinition", "").Get("ContainerDefinitions", 0, "Environment"), "Name")
	if _, there := without["SIGNGATE_UPLOAD_RULES"]; there {
		t.Error("it looks for rules that it hasn't")
	}
}

// Nothing is given out that isn't recorded; where a table or a stream records
// it, a log that stalls doesn't stop the gateway.
func TestALogThatHoldsTheTrailIsWaitedFor(t *testing.T) {
	for elsewhere, change := range map[string]func(*gateway.ServiceProps){
		"": func(*gateway.ServiceProps) {}, "table": func(p *gateway.ServiceProps) { p.Audit = &gateway.Table{ARN: tableARN + "audit"} },
		"stream": func(p *gateway.ServiceProps) { p.AuditStream = true },
	} {
		template := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) { change(p) })
		want := map[string]any{
			"awslogs-group": "${" + id(t, template, "AWS::Logs::LogGroup", "GatewayLogs") + "}", "awslogs-region": "eu-central-1", "awslogs-stream-prefix": "task", "mode": "blocking",
		}
		if elsewhere != "" {
			want["mode"], want["max-buffer-size"] = "non-blocking", "25m"
		}
		synthtest.Equal(t, "the log", template.Only(t, "AWS::ECS::TaskDefinition", "").Get("ContainerDefinitions", 0, "LogConfiguration"), any(map[string]any{"LogDriver": "awslogs", "Options": want}))
		synthtest.Equal(t, "groups", len(template.Of("AWS::Logs::LogGroup")), 1)
	}
}

func TestTheTasksRoleMayDoWhatTheFunctionsMayButForTheLog(t *testing.T) {
	everything := func(c *gateway.Common) {
		c.SigningSecret.KeyARN, c.SigningSecret.SignWith = keyARN, []string{signerARN}
		c.Grants = &gateway.Table{ARN: tableARN + "grants", Indexes: []string{"by-grantee"}}
		c.Audit, c.APIKeys = &gateway.Table{ARN: tableARN + "audit"}, &gateway.Table{ARN: tableARN + "keys"}
	}
	function := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.Props) { everything(&p.Common) })
	want := synthtest.Statements(t, function.Only(t, "AWS::IAM::ManagedPolicy", "GatewayPermissions").Get("PolicyDocument"))
	delete(want, "WritesItsLog")
	service := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) { everything(&p.Common) })
	permissions := service.Only(t, "AWS::IAM::ManagedPolicy", "GatewayTaskPermissions")
	synthtest.Equal(t, "permissions", synthtest.Statements(t, permissions.Get("PolicyDocument")), want)
	synthtest.Equal(t, "whose they are", permissions.Get("Roles"), any([]any{"${" + id(t, service, "AWS::IAM::Role", "Role") + "}"}))
	for _, sid := range []string{"ReadsItsSettings", "ReadsItsKeys", "DecryptsItsKeys", "Signs", "KnowsThePublicHalf", "UsesGrants", "UsesAudit", "UsesAPIKeys"} {
		if _, there := want[sid]; !there {
			t.Errorf("%s isn't among them", sid)
		}
	}
}

func TestWhoStartsTasksFetchesThisImageAndWritesThisLog(t *testing.T) {
	for image, repository := range map[string]string{
		"": "arn:${AWS::Partition}:ecr:eu-central-1:111122223333:repository/cdk-hnb659fds-container-assets-111122223333-eu-central-1",
		"444455556666.dkr.ecr.us-west-2.amazonaws.com/team/signgate" + digest: "arn:${AWS::Partition}:ecr:us-west-2:444455556666:repository/team/signgate",
	} {
		template := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) { p.Image = image })
		execution := template.Only(t, "AWS::IAM::ManagedPolicy", "GatewayExecution")
		synthtest.Equal(t, "permissions", synthtest.Statements(t, execution.Get("PolicyDocument")), map[string]synthtest.Statement{
			"EntersTheRegistry": permit([]string{"*"}, "ecr:GetAuthorizationToken"),
			"FetchesTheImage":   permit([]string{repository}, "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
			"WritesItsLog":      permit([]string{"${" + id(t, template, "AWS::Logs::LogGroup", "GatewayLogs") + ".Arn}"}, "logs:CreateLogStream", "logs:PutLogEvents"),
		})
		synthtest.Equal(t, "whose they are", execution.Get("Roles"), any([]any{"${" + id(t, template, "AWS::IAM::Role", "GatewayExecutionRole") + "}"}))
		synthtest.Equal(t, "other policies", []any{len(template.Of("AWS::IAM::ManagedPolicy")), len(template.Of("AWS::IAM::Policy"))}, []any{2, 0})
	}
	given := serve(t, synthtest.NoFlags, func(stack awscdk.Stack, p *gateway.ServiceProps) {
		p.ExecutionRole = gateway.NewExecutionRole(stack, jsii.String("Starter"))
	})
	synthtest.Equal(t, "one that is given", given.Only(t, "AWS::ECS::TaskDefinition", "").Get("ExecutionRoleArn"), any("${"+id(t, given, "AWS::IAM::Role", "Starter")+".Arn}"))
	synthtest.Equal(t, "roles", len(given.Of("AWS::IAM::Role")), 2)
}

func TestOnlyECSForThisAccountBecomesEitherRole(t *testing.T) {
	template := serve(t, synthtest.NoFlags, nil)
	roles := template.Of("AWS::IAM::Role")
	for _, role := range roles {
		synthtest.Equal(t, role.ID, role.Get("AssumeRolePolicyDocument", "Statement"), any([]any{map[string]any{
			"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": map[string]any{"Service": "ecs-tasks.amazonaws.com"},
			"Condition": map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": "111122223333"},
				"ArnLike":      map[string]any{"aws:SourceArn": "arn:${AWS::Partition}:ecs:eu-central-1:111122223333:*"},
			},
		}}))
	}
	if len(roles) != 2 {
		t.Errorf("there are %d roles", len(roles))
	}
}

func TestAnImageOfOnesOwnIsRunByItsDigest(t *testing.T) {
	template := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) { p.Image = ourImage })
	synthtest.Equal(t, "the image", template.Only(t, "AWS::ECS::TaskDefinition", "").Get("ContainerDefinitions", 0, "Image"), any(ourImage))
}

func TestADeploymentThatFailsGoesBack(t *testing.T) {
	template := serve(t, synthtest.NoFlags, nil)
	service := template.Only(t, "AWS::ECS::Service", "")
	synthtest.Equal(t, "the service", service.Properties, map[string]any{
		"Cluster": "${" + id(t, template, "AWS::ECS::Cluster", "") + ".Arn}", "TaskDefinition": "${" + id(t, template, "AWS::ECS::TaskDefinition", "") + "}",
		"LaunchType": "FARGATE", "PlatformVersion": "LATEST", "AvailabilityZoneRebalancing": "ENABLED", "HealthCheckGracePeriodSeconds": 60.0,
		"EnableExecuteCommand": false, "EnableECSManagedTags": true, "PropagateTags": "SERVICE",
		"DeploymentConfiguration": map[string]any{
			"MinimumHealthyPercent": 100.0, "MaximumPercent": 200.0, "DeploymentCircuitBreaker": map[string]any{"Enable": true, "Rollback": true},
		},
		"NetworkConfiguration": map[string]any{"AwsvpcConfiguration": map[string]any{
			"AssignPublicIp": "DISABLED", "Subnets": []any{subnetA, subnetB}, "SecurityGroups": []any{taskGroup},
		}},
		"LoadBalancers": []any{map[string]any{
			"ContainerName": "gateway", "ContainerPort": 8080.0, "TargetGroupArn": "${" + id(t, template, "AWS::ElasticLoadBalancingV2::TargetGroup", "") + "}",
		}},
	})
	var waits []string
	for _, on := range service.DependsOn {
		waits = append(waits, template.Resources[on].Type)
	}
	slices.Sort(waits)
	synthtest.Equal(t, "what it waits for", waits, []string{"AWS::EC2::SecurityGroupIngress", "AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::IAM::ManagedPolicy", "AWS::IAM::ManagedPolicy"})
}

// Whoever changes a setting has it in every task, one after the other.
func TestTasksStartAnewWhenTheirSettingsChange(t *testing.T) {
	with := func(digest string) synthtest.Template {
		return serve(t, synthtest.NoFlags, nil, func(stack awscdk.Stack, made gateway.Service) {
			made.StartAfter(digest, []string{"bucket", "region"}, awscdk.NewCfnWaitConditionHandle(stack, jsii.String("Setting"), nil))
		})
	}
	one, other := with("a"), with("b")
	labels := []any{"ContainerDefinitions", 0, "DockerLabels"}
	synthtest.Equal(t, "labels", []any{one.Only(t, "AWS::ECS::TaskDefinition", "").Get(labels...), other.Only(t, "AWS::ECS::TaskDefinition", "").Get(labels...)},
		[]any{map[string]any{"signgate.settings": "a"}, map[string]any{"signgate.settings": "b"}})
	container := one.Only(t, "AWS::ECS::TaskDefinition", "").Get("ContainerDefinitions", 0).(map[string]any)
	synthtest.Equal(t, "settings", pairs(container["Environment"], "Name")["SIGNGATE_PARAMETERS_ONLY"], any("bucket,region"))
	if !slices.Contains(one.Only(t, "AWS::ECS::Service", "").DependsOn, "Setting") {
		t.Error("tasks may start before their settings are there")
	}
}

func TestThereAreAsManyTasksAsTheirProcessorsAsk(t *testing.T) {
	for want, tasks := range map[[5]any]fargate.Tasks{
		{2.0, 10.0, 50.0, "512", "1024"}: {}, {3.0, 30.0, 70.0, "2048", "8192"}: {Least: 3, Most: 30, CPUTarget: 70, CPU: 2048, Memory: 8192},
	} {
		template := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) { p.Tasks = tasks })
		target, task := template.Only(t, "AWS::ApplicationAutoScaling::ScalableTarget", ""), template.Only(t, "AWS::ECS::TaskDefinition", "")
		scaling := template.Only(t, "AWS::ApplicationAutoScaling::ScalingPolicy", "")
		synthtest.Equal(t, "how many, and how large", [5]any{
			target.Get("MinCapacity"), target.Get("MaxCapacity"), scaling.Get("TargetTrackingScalingPolicyConfiguration", "TargetValue"), task.Get("Cpu"), task.Get("Memory"),
		}, want)
		synthtest.Equal(t, "of what", target.Get("ResourceId"), any("service/${"+id(t, template, "AWS::ECS::Cluster", "")+"}/${"+id(t, template, "AWS::ECS::Service", "")+".Name}"))
		synthtest.Equal(t, "by what", scaling.Get("TargetTrackingScalingPolicyConfiguration", "PredefinedMetricSpecification", "PredefinedMetricType"), any("ECSServiceAverageCPUUtilization"))
		synthtest.Equal(t, "a number that each deployment would set", template.Only(t, "AWS::ECS::Service", "").Get("DesiredCount"), nil)
	}
}

func TestTheLoadBalancerTakesHTTPSForTheNameAlone(t *testing.T) {
	template := serve(t, synthtest.NoFlags, nil)
	balancer, targets := "${"+id(t, template, "AWS::ElasticLoadBalancingV2::LoadBalancer", "")+"}", "${"+id(t, template, "AWS::ElasticLoadBalancingV2::TargetGroup", "")+"}"
	listener := template.Only(t, "AWS::ElasticLoadBalancingV2::Listener", "")
	synthtest.Equal(t, "the only listener", listener.Properties, map[string]any{
		"LoadBalancerArn": balancer, "Port": 443.0, "Protocol": "HTTPS", "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
		"Certificates":   []any{map[string]any{"CertificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/x"}},
		"DefaultActions": []any{map[string]any{"Type": "fixed-response", "FixedResponseConfig": map[string]any{"StatusCode": "404"}}},
	})
	synthtest.Equal(t, "the only rule", template.Only(t, "AWS::ElasticLoadBalancingV2::ListenerRule", "").Properties, map[string]any{
		"ListenerArn": "${" + listener.ID + "}", "Priority": 1.0,
		"Conditions": []any{map[string]any{"Field": "host-header", "HostHeaderConfig": map[string]any{"Values": []any{"api.example.com"}}}},
		"Actions":    []any{map[string]any{"Type": "forward", "TargetGroupArn": targets}},
	})
	synthtest.Equal(t, "outputs", template.Outputs, map[string]string{
		"URL": "https://api.example.com", "LogGroup": "${" + id(t, template, "AWS::Logs::LogGroup", "GatewayLogs") + "}",
		"Cluster": "${" + id(t, template, "AWS::ECS::Cluster", "") + "}", "Service": "${" + id(t, template, "AWS::ECS::Service", "") + ".Name}",
		"Balancer": balancer, "BalancerName": balancer[:len(balancer)-1] + ".LoadBalancerFullName}", "TargetsName": targets[:len(targets)-1] + ".TargetGroupFullName}",
	})
}

func TestTheLoadBalancerRefusesWhatIsAmbiguousAndLogsNoAddress(t *testing.T) {
	for _, retain := range []bool{false, true} {
		template := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) { p.Retain = retain })
		balancer := template.Only(t, "AWS::ElasticLoadBalancingV2::LoadBalancer", "")
		synthtest.Equal(t, "attributes", pairs(balancer.Get("LoadBalancerAttributes"), "Key"), map[string]string{
			"access_logs.s3.enabled": "false", "deletion_protection.enabled": strconv.FormatBool(retain), "idle_timeout.timeout_seconds": "660",
			"routing.http.desync_mitigation_mode": "defensive", "routing.http.drop_invalid_header_fields.enabled": "true", "routing.http.preserve_host_header.enabled": "true",
			"routing.http.xff_header_processing.mode": "append", "routing.http.xff_client_port.enabled": "false", "waf.fail_open.enabled": "false",
		})
		synthtest.Equal(t, "where it is", []any{balancer.Get("Scheme"), balancer.Get("Type"), balancer.Get("Subnets"), balancer.Get("SecurityGroups")},
			[]any{"internet-facing", "application", []any{subnetC, subnetD}, []any{"${" + id(t, template, "AWS::EC2::SecurityGroup", "") + ".GroupId}"}})
	}
}

func TestTasksAreAskedWhetherTheyLiveAndGetTimeToFinish(t *testing.T) {
	targets := serve(t, synthtest.NoFlags, nil).Only(t, "AWS::ElasticLoadBalancingV2::TargetGroup", "")
	synthtest.Equal(t, "targets", []any{
		targets.Get("TargetType"), targets.Get("Protocol"), targets.Get("Port"), targets.Get("VpcId"),
		targets.Get("HealthCheckEnabled"), targets.Get("HealthCheckPath"), targets.Get("HealthCheckProtocol"), targets.Get("Matcher", "HttpCode"),
		targets.Get("HealthCheckIntervalSeconds"), targets.Get("HealthCheckTimeoutSeconds"), targets.Get("HealthyThresholdCount"), targets.Get("UnhealthyThresholdCount"),
	}, []any{"ip", "HTTP", 8080.0, vpcID, true, "/livez", "HTTP", "200", 10.0, 5.0, 2.0, 3.0})
	synthtest.Equal(t, "attributes", pairs(targets.Get("TargetGroupAttributes"), "Key"), map[string]string{
		"deregistration_delay.timeout_seconds": "120", "load_balancing.algorithm.type": "least_outstanding_requests", "stickiness.enabled": "false",
	})
}

func TestOnlyCallersReachTheLoadBalancerAndOnlyItReachesTasks(t *testing.T) {
	rule := func(more map[string]any, port float64) map[string]any {
		more["IpProtocol"], more["FromPort"], more["ToPort"] = "tcp", port, port
		return more
	}
	for _, c := range []struct {
		internal bool
		ranges   []string
		scheme   string
		want     []string
	}{
		{false, nil, "internet-facing", []string{"0.0.0.0/0"}}, {false, []string{"192.0.2.0/24"}, "internet-facing", []string{"192.0.2.0/24"}},
		{true, []string{"10.0.0.0/8", "172.16.0.0/12"}, "internal", []string{"10.0.0.0/8", "172.16.0.0/12"}},
	} {
		template := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) { p.Internal, p.AllowRanges = c.internal, c.ranges })
		group := template.Only(t, "AWS::EC2::SecurityGroup", "")
		var in []any
		for _, from := range c.want {
			in = append(in, rule(map[string]any{"CidrIp": from, "Description": "Callers"}, 443))
		}
		synthtest.Equal(t, "the load balancer's rules", []any{group.Get("SecurityGroupIngress"), group.Get("SecurityGroupEgress"), group.Get("VpcId")}, []any{
			in, []any{rule(map[string]any{"DestinationSecurityGroupId": taskGroup, "Description": "The gateway"}, 8080)}, vpcID,
		})
		synthtest.Equal(t, "the tasks' only rule", template.Only(t, "AWS::EC2::SecurityGroupIngress", "").Properties,
			rule(map[string]any{"GroupId": taskGroup, "SourceSecurityGroupId": "${" + group.ID + ".GroupId}", "Description": "The load balancer"}, 8080))
		synthtest.Equal(t, "ways out that it adds", len(template.Of("AWS::EC2::SecurityGroupEgress")), 0)
		synthtest.Equal(t, "scheme", template.Only(t, "AWS::ElasticLoadBalancingV2::LoadBalancer", "").Get("Scheme"), any(c.scheme))
	}
}

func TestAFirewallStandsInFrontWhereThereIsOne(t *testing.T) {
	template := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) { p.WebACL = webACL })
	synthtest.Equal(t, "the web ACL", template.Only(t, "AWS::WAFv2::WebACLAssociation", "").Properties, map[string]any{
		"ResourceArn": "${" + id(t, template, "AWS::ElasticLoadBalancingV2::LoadBalancer", "") + "}", "WebACLArn": webACL,
	})
	if found := serve(t, synthtest.NoFlags, nil).Of("AWS::WAFv2::WebACLAssociation"); len(found) != 0 {
		t.Error("there is one without")
	}
}

func TestConnectionsAreLoggedOnceTheBucketTakesThem(t *testing.T) {
	template := serve(t, synthtest.NoFlags, func(stack awscdk.Stack, p *gateway.ServiceProps) {
		bucket := awss3.NewBucket(stack, jsii.String("Logs"), nil)
		bucket.AddToResourcePolicy(gateway.ConnectionLogsStatement(stack, *bucket.BucketArn(), "gateway"))
		p.ConnectionLogs = &gateway.ConnectionLogs{Bucket: bucket, Prefix: "gateway", Accepted: bucket.Policy()}
	})
	bucket := id(t, template, "AWS::S3::Bucket", "Logs")
	balancer := template.Only(t, "AWS::ElasticLoadBalancingV2::LoadBalancer", "")
	attributes := pairs(balancer.Get("LoadBalancerAttributes"), "Key")
	synthtest.Equal(t, "where", []string{attributes["connection_logs.s3.enabled"], attributes["connection_logs.s3.bucket"], attributes["connection_logs.s3.prefix"], attributes["access_logs.s3.enabled"]},
		[]string{"true", "${" + bucket + "}", "gateway", "false"})
	accepts := template.Only(t, "AWS::S3::BucketPolicy", "Logs")
	synthtest.Equal(t, "who writes", synthtest.Statements(t, accepts.Get("PolicyDocument"))["ConnectionLogs"],
		synthtest.Allow("Service logdelivery.elasticloadbalancing.amazonaws.com", []string{"s3:PutObject"}, []string{"${" + bucket + ".Arn}/gateway/AWSLogs/111122223333/*"}, nil))
	synthtest.Equal(t, "what it waits for", balancer.DependsOn, []string{accepts.ID})
}

func TestTheNameLeadsToTheLoadBalancerOnceTasksAnswer(t *testing.T) {
	template := serve(t, synthtest.NoFlags, func(stack awscdk.Stack, p *gateway.ServiceProps) {
		p.Domain.Zone = awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{HostedZoneId: jsii.String(zoneID), ZoneName: jsii.String("example.com")})
	})
	balancer := id(t, template, "AWS::ElasticLoadBalancingV2::LoadBalancer", "")
	record := template.Only(t, "AWS::Route53::RecordSet", "")
	synthtest.Equal(t, "the record", record.Properties, map[string]any{
		"Name": "api.example.com.", "Type": "A", "HostedZoneId": zoneID,
		"AliasTarget": map[string]any{"DNSName": "dualstack.${" + balancer + ".DNSName}", "HostedZoneId": "${" + balancer + ".CanonicalHostedZoneID}"},
	})
	synthtest.Equal(t, "what it waits for", record.DependsOn, []string{id(t, template, "AWS::ECS::Service", "")})
	if found := serve(t, synthtest.NoFlags, nil).Of("AWS::Route53::RecordSet"); len(found) != 0 {
		t.Error("there is a record without a zone")
	}
}

func TestNothingIsReachedBeforeTheWaysAreThere(t *testing.T) {
	template := serve(t, synthtest.NoFlags, func(stack awscdk.Stack, p *gateway.ServiceProps) {
		p.Network.Ways = constructs.NewDependencyGroup(awscdk.NewCfnWaitConditionHandle(stack, jsii.String("Route"), nil))
	})
	synthtest.Equal(t, "what it waits for", template.Only(t, "AWS::ElasticLoadBalancingV2::LoadBalancer", "").DependsOn, []string{"Route"})
}

func TestAServicesLogIsEncryptedAndExpires(t *testing.T) {
	for retain, want := range map[bool]string{true: "Retain", false: "Delete"} {
		template := serve(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.ServiceProps) { p.Retain = retain })
		key, group := template.Only(t, "AWS::KMS::Key", "GatewayLogKey"), template.Only(t, "AWS::Logs::LogGroup", "GatewayLogs")
		synthtest.Equal(t, "the log", []any{group.Get("KmsKeyId"), group.Get("RetentionInDays"), group.DeletionPolicy, key.DeletionPolicy}, []any{"${" + key.ID + ".Arn}", 30.0, want, want})
	}
}

func TestAllThatIsWrongWithAServiceIsSaidAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		props *gateway.ServiceProps
		want  []string
	}{
		"no props": {nil, []string{"no props"}},
		"nothing given": {&gateway.ServiceProps{}, []string{
			"Role is missing", `SettingsPath: ""`, "Policies is missing", "SigningSecret.ARN", "LogDays", "Domain is missing", "Network is missing",
		}},
		"everything": {&gateway.ServiceProps{
			Common: gateway.Common{Policies: fstest.MapFS{"a.cedar": {Data: []byte("permit")}}, Domain: &gateway.Domain{Name: "API"}, Guard: policy.Guard{RequireMFA: true}},
			Image:  "signgate:latest", Tasks: fargate.Tasks{CPU: 100, Least: 5, Most: 4, CPUTarget: 99}, Internal: true,
			Network:        &gateway.ServiceNetwork{LoadBalancer: []string{subnetA}, LoadBalancerRanges: []string{"0.0.0.0/0"}},
			WebACL:         "arn:aws:wafv2:us-east-1:111122223333:global/webacl/acl/x",
			ConnectionLogs: &gateway.ConnectionLogs{Prefix: "/logs/"},
		}, []string{
			"a.cedar", "Domain.Name", "Domain.Certificate", "RequireMFA", "Image: ", "Tasks: cpu", "Tasks: leastTasks", "Tasks: cpuTarget", "AllowRanges is empty",
			"Network names VPC", "two subnets at least", `Network.LoadBalancerRanges: "0.0.0.0/0"`, "WebACL", "ConnectionLogs names",
		}},
		"whom to believe":    {&gateway.ServiceProps{Network: &gateway.ServiceNetwork{}}, []string{"Network.LoadBalancerRanges is empty", "not 0"}},
		"ranges of anything": {&gateway.ServiceProps{AllowRanges: []string{"10.0.0.1/8", "2001:db8::/32", "home"}}, []string{`"10.0.0.1/8"`, `"2001:db8::/32"`, `"home"`}},
	} {
		saysAll(t, name, c.props.Validate(), c.want)
	}
	panicsWith(t, func() {
		gateway.NewService(synthtest.Stack(synthtest.NoFlags, ""), jsii.String("Gateway"), &gateway.ServiceProps{})
	})
}
