package stacks_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/policytest"
	"github.com/signgate/signgate/infra/synthtest"
)

const imageOfOurs = "111122223333.dkr.ecr.us-east-1.amazonaws.com/signgate@sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"

// container is the one of an environment's tasks.
func container(t *testing.T, environment string) map[string]any {
	t.Helper()
	containers, _ := properties(t, content(t, environment), "AWS::ECS::TaskDefinition", "Gateway")["ContainerDefinitions"].([]any)
	if len(containers) != 1 {
		t.Fatalf("%s: %d containers", environment, len(containers))
	}
	return containers[0].(map[string]any)
}

// variablesOfTasks are those of their environment.
func variablesOfTasks(t *testing.T, environment string) map[string]any {
	t.Helper()
	found := map[string]any{}
	list, _ := container(t, environment)["Environment"].([]any)
	for _, variable := range list {
		found[fmt.Sprint(at(variable, "Name"))] = at(variable, "Value")
	}
	return found
}

func TestTasksStartWithTheSettingsThatTheirStackLeaves(t *testing.T) {
	for name, environment := range map[string]string{"service": "prod", "tasks": "dev", "inside": "dev"} {
		gateway := started(t, name, environment)
		if err := gateway.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if gateway.SigningSecret == "" || gateway.ActiveKeyID != "" || gateway.Policies != "/policies" || gateway.GrantsTable == "" || gateway.Listen != ":8080" {
			t.Errorf("%s: %+v", name, gateway.Signing)
		}
	}
	prod := started(t, "service", "prod")
	synthtest.Equal(t, "prod", []string{prod.PublicURL, prod.Issuer, prod.Audience, prod.UploadRules, prod.APIKeysTable, prod.AuditTable},
		[]string{"https://api.example.com", "https://issuer.example.com", "signgate", "/upload-rules.json", "keys", "audit"})
}

// Whoever else writes X-Forwarded-For isn't believed.
func TestOnlyTheLoadBalancersSubnetsAreBelieved(t *testing.T) {
	for name, want := range map[string][]string{
		"service": {"10.20.8.0/23", "10.20.10.0/23"}, "tasks": {"10.20.8.0/23", "10.20.10.0/23"},
		"hidden": {"10.20.0.0/23", "10.20.2.0/23"}, "inside": {"10.0.0.0/24", "10.0.1.0/24"},
	} {
		template := content(t, name)
		environment := map[string]string{"service": "prod"}[name]
		synthtest.Equal(t, name, started(t, name, cmp.Or(environment, "dev")).TrustedProxies, want)
		if name == "inside" {
			continue
		}
		subnets := of(template, "AWS::EC2::Subnet")
		balancer := properties(t, template, "AWS::ElasticLoadBalancingV2::LoadBalancer", "Gateway")
		var ranges []string
		for _, subnet := range balancer["Subnets"].([]any) {
			ranges = append(ranges, fmt.Sprint(at(subnets[at(subnet, "Ref").(string)], "Properties", "CidrBlock")))
		}
		synthtest.Equal(t, name+": where the load balancer is", ranges, want)
	}
}

func TestAnEnvironmentSaysWhereItsTasksAre(t *testing.T) {
	for _, name := range []string{"service", "tasks"} {
		outputs, _ := content(t, name).Body["Outputs"].(map[string]any)
		synthtest.Equal(t, name, at(outputs, "PublicUrl", "Value"), any("https://api.example.com"))
	}
}

// Whatever the gateway runs on, data, keys, tables and delivery are the same.
func TestWhatTheGatewayRunsOnChangesNothingElse(t *testing.T) {
	before, after := content(t, "prod"), content(t, "service")
	gone, changed, come := changes(before, after)
	for _, id := range slices.Concat(gone, changed, come) {
		if !strings.HasPrefix(id, "Gateway") && !strings.HasPrefix(id, "NetworkS3") && !strings.HasPrefix(id, "Dashboard") { // which shows what runs
			t.Errorf("%s is otherwise", id)
		}
	}
	for kind, resources := range map[string]map[string]map[string]any{
		"logs": of(before, "AWS::Logs::LogGroup"), "the key of logs": of(before, "AWS::KMS::Key"), "certificates": of(before, "AWS::CertificateManager::Certificate"),
	} {
		for id := range resources {
			if slices.Contains(gone, id) && !strings.HasPrefix(id, "GatewayAccessLogs") { // of the API alone
				t.Errorf("%s: %s goes", kind, id)
			}
		}
	}
	synthtest.Equal(t, "other stacks", len(templates(t, "prod")), len(templates(t, "service")))
	for i, template := range templates(t, "prod") {
		if template.Stack == "signgate-prod" {
			continue
		}
		if gone, changed, come := changes(template, templates(t, "service")[i]); len(gone)+len(changed)+len(come) > 0 {
			t.Errorf("%s: %v %v %v", template.Stack, gone, changed, come)
		}
	}
	// A second record of that name would be refused.
	if !slices.ContainsFunc(changed, func(id string) bool { return strings.HasPrefix(id, "GatewayRecord") }) {
		t.Error("the name doesn't move in one step")
	}
	if len(of(after, "AWS::Lambda::Function")) != len(of(before, "AWS::Lambda::Function"))-1 || len(of(after, "AWS::ApiGatewayV2::Api")) != 0 {
		t.Error("the function stays")
	}
}

func TestEveryRequestToStorageIsAnsweredForTasksAsForTheFunction(t *testing.T) {
	for wrong := range (inquiry{questions: (*world).questions, objects: true}).wrong(templates(t, "service")) {
		t.Error(wrong)
	}
}

// asksOfTasks is who may become whom, and what then.
func (w *world) asksOfTasks(starter policytest.Principal, image, log string) []question {
	const settings = "arn:aws:ssm:" + prodRegion + ":" + prodAccount + ":parameter/signgate/prod"
	const secret = "arn:aws:secretsmanager:" + prodRegion + ":" + prodAccount + ":secret:signgate-prod-AbCdEf"
	task := "arn:aws:ecs:" + prodRegion + ":" + prodAccount + ":task/cluster/1"
	gateway, starts := named(w.policies.Roles, "-GatewayRole"), named(w.policies.Roles, "-GatewayExecutionRole")
	by := policytest.NewRequest
	asked := []question{
		{"a task enters the registry", by(w.gateway, "ecr:GetAuthorizationToken", "*"), false},
		{"a task fetches the image", by(w.gateway, "ecr:BatchGetImage", image), false},
		{"a task writes the log past those who started it", by(w.gateway, "logs:PutLogEvents", log), false},
		{"a task reads settings", by(w.gateway, "ssm:GetParametersByPath", settings), true},
		{"a task reads others' settings", by(w.gateway, "ssm:GetParametersByPath", settings+"2"), false},
		{"a task changes settings", by(w.gateway, "ssm:PutParameter", settings), false},
		{"a task reads its keys", by(w.gateway, "secretsmanager:GetSecretValue", secret), true},
		{"a task changes its keys", by(w.gateway, "secretsmanager:PutSecretValue", secret), false},
		{"a task connects to the VPC in somebody's name", by(w.gateway, "ec2:CreateNetworkInterface", "*"), false},
		{"a task runs another", by(w.gateway, "ecs:RunTask", "*"), false},
		{"who starts tasks enters the registry", by(starter, "ecr:GetAuthorizationToken", "*"), true},
		{"who starts tasks fetches another image", by(starter, "ecr:BatchGetImage", image+"2"), false},
		{"who starts tasks puts another image there", by(starter, "ecr:PutImage", image), false},
		{"who starts tasks writes another log", by(starter, "logs:PutLogEvents", strings.Replace(log, ":log-stream", "2:log-stream", 1)), false},
		{"who starts tasks reads settings", by(starter, "ssm:GetParametersByPath", settings), false},
		{"who starts tasks reads keys", by(starter, "secretsmanager:GetSecretValue", secret), false},
		{"who starts tasks reads objects", by(starter, "s3:GetObject", w.object("quarantine/1")), false},
		{"who starts tasks writes objects", by(starter, "s3:PutObject", w.object(photo)), false},
	}
	for _, action := range []string{"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"} {
		asked = append(asked, question{"who starts tasks: " + action, by(starter, action, image), true})
	}
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		asked = append(asked, question{"who starts tasks: " + action, by(starter, action, log), true})
	}
	for _, role := range []string{gateway, starts} {
		assume := func(service, source, account string) policytest.Request {
			return by(policytest.Service(service), "sts:AssumeRole", role).OnBehalfOf(source, account)
		}
		asked = append(asked,
			question{role + ": a task", assume("ecs-tasks.amazonaws.com", task, prodAccount), true},
			question{role + ": another account's task", assume("ecs-tasks.amazonaws.com", "arn:aws:ecs:"+prodRegion+":"+strangeAccount+":task/cluster/1", strangeAccount), false},
			question{role + ": a task, another account", assume("ecs-tasks.amazonaws.com", task, strangeAccount), false},
			question{role + ": a task of another region", assume("ecs-tasks.amazonaws.com", "arn:aws:ecs:us-east-1:"+prodAccount+":task/cluster/1", prodAccount), false},
			question{role + ": for nobody", by(policytest.Service("ecs-tasks.amazonaws.com"), "sts:AssumeRole", role), false},
			question{role + ": Lambda", assume("lambda.amazonaws.com", task, prodAccount), false},
			question{role + ": an administrator of the account", by(w.administrator, "sts:AssumeRole", role), false})
	}
	return asked
}

func TestATaskDoesWhatTheGatewayNeedsAndWhoStartsItDoesNot(t *testing.T) {
	w, err := newWorld(templates(t, "service"))
	if err != nil {
		t.Fatal(err)
	}
	starter := policytest.Role(named(w.policies.Roles, "-GatewayExecutionRole"), "session")
	image := "arn:aws:ecr:" + prodRegion + ":" + prodAccount + ":repository/cdk-hnb659fds-container-assets-" + prodAccount + "-" + prodRegion
	log := ""
	for id := range of(content(t, "service"), "AWS::Logs::LogGroup") {
		if strings.HasPrefix(id, "GatewayLogs") {
			log = "arn:aws:logs:" + prodRegion + ":" + prodAccount + ":log-group:signgate-prod-" + id + ":log-stream:task/gateway/1"
		}
	}
	for wrong := range w.ask(w.asksOfTasks(starter, image, log)) {
		t.Error(wrong)
	}
}

// What can't be fetched, logged or read lets no task start.
func TestTasksWithoutTheInternetReachWhatTheyNeedOfAWS(t *testing.T) {
	for name, want := range map[string][]string{
		"tasks": {"dynamodb", "ecr.api", "ecr.dkr", "logs", "s3", "secretsmanager", "ssm"}, "service": {"s3"},
	} {
		var services []string
		for id, endpoint := range of(content(t, name), "AWS::EC2::VPCEndpoint") {
			whole := strings.ReplaceAll(strings.Join(texts(at(endpoint, "Properties", "ServiceName")), ""), "AWS::Region", prodRegion)
			services = append(services, strings.TrimPrefix(whole, "com.amazonaws."+prodRegion+"."))
			statements, _ := at(endpoint, "Properties", "PolicyDocument", "Statement").([]any)
			for _, statement := range statements {
				if at(statement, "Sid") != "ContainerImages" && !given(at(statement, "Condition", "ArnEquals", "aws:PrincipalArn")) {
					t.Errorf("%s: %s is for everybody: %v", name, id, statement)
				}
			}
		}
		slices.Sort(services)
		synthtest.Equal(t, name, services, want)
	}
}

func TestOnlyWhoStartsTasksFetchesImagesAndWritesLogsThroughEndpoints(t *testing.T) {
	for name, repository := range map[string]string{"tasks": ":111122223333:repository/signgate", "hidden": "repository/*"} {
		template := content(t, name)
		for id, want := range map[string]map[string]string{
			"NetworkEndpointecrapi": {"ecr:GetAuthorizationToken": "*", "ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer": repository},
			"NetworkEndpointecrdkr": {"ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer": repository},
			"NetworkEndpointlogs":   {"logs:CreateLogStream logs:PutLogEvents": "-*"},
		} {
			statements, _ := at(properties(t, template, "AWS::EC2::VPCEndpoint", id)["PolicyDocument"], "Statement").([]any)
			for _, statement := range statements {
				actions, resource := strings.Join(texts(at(statement, "Action")), " "), strings.Join(texts(at(statement, "Resource")), "")
				who := strings.Join(texts(at(statement, "Condition", "ArnEquals", "aws:PrincipalArn")), "")
				if end, there := want[actions]; !there || !strings.HasSuffix(resource, end) || !strings.HasPrefix(who, "GatewayExecutionRole") {
					t.Errorf("%s: %s at %s by %s", id, actions, resource, who)
				}
			}
			if len(statements) != len(want) {
				t.Errorf("%s: %s has %d statements", name, id, len(statements))
			}
		}
	}
}

func TestWithoutCallersFromTheInternetNothingIsPublic(t *testing.T) {
	template := content(t, "hidden")
	if public := len(of(template, "AWS::EC2::InternetGateway")); public != 0 || len(of(template, "AWS::EC2::Subnet")) != 2 {
		t.Error("there are public subnets")
	}
	synthtest.Equal(t, "scheme", properties(t, template, "AWS::ElasticLoadBalancingV2::LoadBalancer", "Gateway")["Scheme"], any("internal"))
	synthtest.Equal(t, "callers", at(properties(t, template, "AWS::EC2::SecurityGroup", "GatewayCallers")["SecurityGroupIngress"].([]any)[0], "CidrIp"), any("10.0.0.0/8"))
}

// The endpoint of S3 is where layers of images pass, NAT gateway or not.
func TestLayersOfImagesPassForTasksOnly(t *testing.T) {
	for name, want := range map[string]bool{"service": true, "tasks": true, "inside": true, "prod": false, "apart": false} {
		document := properties(t, content(t, name), "AWS::EC2::VPCEndpoint", "NetworkS3")["PolicyDocument"]
		statements, _ := at(document, "Statement").([]any)
		passes := slices.ContainsFunc(statements, func(s any) bool { return at(s, "Sid") == "ContainerImages" })
		if passes != want {
			t.Errorf("%s: layers pass: %v", name, passes)
		}
	}
}

func TestTasksOfAnExistingNetworkAreInItAndNotReachedFromTheInternet(t *testing.T) {
	template := content(t, "inside")
	balancer := properties(t, template, "AWS::ElasticLoadBalancingV2::LoadBalancer", "Gateway")
	subnets := []any{"subnet-0123456789abcdef0", "subnet-0123456789abcdef1"}
	synthtest.Equal(t, "the load balancer", []any{balancer["Scheme"], balancer["Subnets"]}, []any{"internal", subnets})
	service := properties(t, template, "AWS::ECS::Service", "Gateway")
	synthtest.Equal(t, "tasks", at(service, "NetworkConfiguration", "AwsvpcConfiguration", "Subnets"), any(subnets))
	if made := len(of(template, "AWS::EC2::Subnet")) + len(of(template, "AWS::EC2::InternetGateway")); made != 0 {
		t.Errorf("%d of a network are made", made)
	}
}

func TestOptionsOfTasksAreThoseOfTheFile(t *testing.T) {
	template := content(t, "tasks")
	synthtest.Equal(t, "image", container(t, "tasks")["Image"], any(imageOfOurs))
	synthtest.Equal(t, "web ACL", at(properties(t, template, "AWS::WAFv2::WebACLAssociation", "Gateway"), "WebACLArn"),
		any("arn:aws:wafv2:us-east-1:111122223333:regional/webacl/acl/1234abcd-12ab-34cd-56ef-1234567890ab"))
	synthtest.Equal(t, "callers", at(properties(t, template, "AWS::EC2::SecurityGroup", "GatewayCallers")["SecurityGroupIngress"].([]any)[0], "CidrIp"), any("192.0.2.0/24"))
	accepted := fmt.Sprint(properties(t, template, "AWS::S3::BucketPolicy", "Logs")["PolicyDocument"])
	logged := fmt.Sprint(properties(t, template, "AWS::ElasticLoadBalancingV2::LoadBalancer", "Gateway")["LoadBalancerAttributes"])
	if !strings.Contains(accepted, "logdelivery.elasticloadbalancing.amazonaws.com") || !strings.Contains(logged, "connection_logs.s3.bucket") {
		t.Error("connections aren't logged")
	}
	if strings.Contains(fmt.Sprint(properties(t, content(t, "service"), "AWS::S3::BucketPolicy", "Logs")), "logdelivery.elasticloadbalancing") {
		t.Error("somebody may write connection logs where there are none")
	}
}

// A stream keeps the trail of "delivered", and nothing that of "tasks" but the
// log.
func TestTasksWaitForTheirLogOnlyWhereItIsTheTrail(t *testing.T) {
	for name, mode := range map[string]string{"tasks": "blocking", "delivered": "non-blocking", "service": "non-blocking"} {
		synthtest.Equal(t, name, at(container(t, name)["LogConfiguration"], "Options", "mode"), any(mode))
	}
}

// Tasks read settings at their start: another setting is another task.
func TestAnotherSettingStartsTasksAnew(t *testing.T) {
	gone, changed, come := changes(content(t, "tasks"), content(t, "longer"))
	tasks := slices.DeleteFunc(slices.Clone(changed), func(id string) bool { return !strings.HasPrefix(id, "GatewayTask") })
	if len(gone)+len(come) != 0 || len(tasks) != 1 {
		t.Errorf("gone %v, changed %v, come %v", gone, changed, come)
	}
	template := content(t, "tasks")
	var waits []string
	for _, service := range of(template, "AWS::ECS::Service") {
		for _, id := range service["DependsOn"].([]any) {
			waits = append(waits, id.(string))
		}
	}
	for id := range of(template, "AWS::SSM::Parameter") {
		if !slices.Contains(waits, id) {
			t.Errorf("tasks may start before there is %s", id)
		}
	}
}

// Where one takes over from the other, who served goes on serving until then:
// a function whose permissions were taken meanwhile would lose its log, and the
// audit trail in it.
func TestWhoServedGoesOnServingUntilTheNameMoves(t *testing.T) {
	function, service := content(t, "prod"), content(t, "service")
	for _, way := range []struct{ from, to policytest.Template }{{function, service}, {service, function}} {
		_, changed, _ := changes(way.from, way.to)
		for _, id := range changed {
			if of(way.from, "AWS::IAM::ManagedPolicy")[id] != nil {
				t.Errorf("%s is changed while who has it still serves", id)
			}
		}
		for id := range of(way.to, "AWS::Route53::RecordSet") {
			if !strings.HasPrefix(id, "GatewayRecord") {
				continue
			}
			first, kinds := before(way.to, id), []string{"AWS::ECS::Service", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::ApiMapping", "AWS::Lambda::Permission", "AWS::SSM::Parameter"}
			for _, kind := range kinds {
				for needed := range of(way.to, kind) {
					if !first[needed] {
						t.Errorf("the name moves before there is %s", needed)
					}
				}
			}
		}
	}
}

// before is everything that CloudFormation makes before it makes this.
func before(template policytest.Template, id string) map[string]bool {
	resources, _ := template.Body["Resources"].(map[string]any)
	found := map[string]bool{}
	var look func(value any)
	look = func(value any) {
		switch value := value.(type) {
		case string:
			if resource, there := resources[value]; there && !found[value] {
				found[value] = true
				look(at(resource, "Properties"))
				look(at(resource, "DependsOn"))
			}
		case []any:
			for _, member := range value {
				look(member)
			}
		case map[string]any:
			for _, member := range value {
				look(member)
			}
		}
	}
	look(id)
	return found
}

// A task that finds no key ends, and a few of those roll a first deployment
// back. One that has keys serves at once, to whoever gets past the web ACL.
func TestTasksStartOnceThereAreKeysAndWhatStandsInFrontOfThem(t *testing.T) {
	template := content(t, "tasks")
	for id := range of(template, "AWS::ECS::Service") {
		first := before(template, id)
		for _, kind := range []string{"Custom::SigningKey", "Custom::SigningKeyIDs", "AWS::WAFv2::WebACLAssociation"} {
			resources := of(template, kind)
			for needed := range resources {
				if !first[needed] {
					t.Errorf("tasks may start before there is %s", needed)
				}
			}
			if len(resources) == 0 {
				t.Errorf("there is no %s", kind)
			}
		}
	}
}
