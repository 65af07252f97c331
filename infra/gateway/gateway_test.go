package gateway_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"
	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/infra/gateway"
	"github.com/signgate/signgate/infra/network"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

const (
	secretARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:signing-AbCdEf"
	hookARN   = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:hook-GhIjKl"
	keyARN    = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	signerARN = "arn:aws:kms:eu-central-1:111122223333:key/5678abcd-12ab-34cd-56ef-1234567890ab"
	tableARN  = "arn:aws:dynamodb:eu-central-1:111122223333:table/"
	zoneID    = "Z0123456789ABCDEFGHIJ"
)

func policies() fs.FS {
	return fstest.MapFS{
		"photos.cedar": {Data: []byte(`permit (principal, action == Action::"read", resource);`)},
		"notes.txt":    {Data: []byte("not a policy")},
	}
}

// synth synthesizes a gateway in the stack that a change may add to.
func synth(t *testing.T, flags synthtest.Flags, change func(awscdk.Stack, *gateway.Props)) synthtest.Template {
	t.Helper()
	stack := synthtest.Stack(flags, "eu-central-1")
	props := minimal(stack)
	if change != nil {
		change(stack, props)
	}
	made := gateway.NewFunction(stack, jsii.String("Gateway"), props)
	for name, value := range map[string]*string{"URL": made.URL(), "LogGroup": made.LogGroup(), "AccessLogs": made.AccessLogs(), "API": made.APIID(), "Function": made.Lambda().FunctionName()} {
		awscdk.NewCfnOutput(stack, jsii.String(name), &awscdk.CfnOutputProps{Value: value})
	}
	template := synthtest.Synth(stack)
	synthtest.Equal(t, "what CDK warns of", template.Warnings, "")
	synthtest.Equal(t, "what names more than one action", template.Wildcards(), []string(nil))
	return template
}

func minimal(stack awscdk.Stack) *gateway.Props {
	return &gateway.Props{Common: common(stack, awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil))}
}

// common is what every gateway has, whoever becomes its role.
func common(stack awscdk.Stack, runs awsiam.IPrincipal) gateway.Common {
	return gateway.Common{
		Role:     awsiam.NewRole(stack, jsii.String("Role"), &awsiam.RoleProps{AssumedBy: runs}),
		Policies: policies(), SettingsPath: "/signgate/test", SigningSecret: gateway.SigningSecret{ARN: secretARN}, LogDays: 30,
	}
}

// permissions are the statements of the function's own policy.
func permissions(t *testing.T, template synthtest.Template) map[string]synthtest.Statement {
	t.Helper()
	attached := template.Only(t, "AWS::IAM::ManagedPolicy", "Gateway")
	synthtest.Equal(t, "whose they are", attached.Get("Roles"), any([]any{"${" + template.Only(t, "AWS::IAM::Role", "Role").ID + "}"}))
	return synthtest.Statements(t, attached.Get("PolicyDocument"))
}

// always are the permissions that every gateway has.
func always(t *testing.T, template synthtest.Template) map[string]synthtest.Statement {
	t.Helper()
	return map[string]synthtest.Statement{
		"WritesItsLog":     permit([]string{"${" + template.Only(t, "AWS::Logs::LogGroup", "GatewayLogs").ID + ".Arn}"}, "logs:CreateLogStream", "logs:PutLogEvents"),
		"ReadsItsSettings": permit([]string{"arn:${AWS::Partition}:ssm:eu-central-1:111122223333:parameter/signgate/test"}, "ssm:GetParametersByPath"),
		"ReadsItsKeys":     permit([]string{secretARN}, "secretsmanager:GetSecretValue"),
	}
}

func permit(resources []string, actions ...string) synthtest.Statement {
	slices.Sort(actions)
	return synthtest.Statement{Effect: "Allow", Action: actions, Resource: resources}
}

func TestTheFunctionIsSmallOnARMAndKnowsNamesOnly(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, nil)
		function := template.Only(t, "AWS::Lambda::Function", "")
		synthtest.Equal(t, "how it runs", []any{
			function.Get("Architectures"), function.Get("Runtime"), function.Get("Handler"), function.Get("MemorySize"), function.Get("Timeout"),
			function.Get("ReservedConcurrentExecutions"), function.Get("TracingConfig"), function.Get("VpcConfig"), function.Get("LoggingConfig"),
		}, []any{
			[]any{"arm64"}, "provided.al2023", "bootstrap", 512.0, 29.0, nil, nil, nil,
			map[string]any{"LogGroup": "${" + template.Only(t, "AWS::Logs::LogGroup", "GatewayLogs").ID + "}"},
		})
		synthtest.Equal(t, "its environment", function.Get("Environment", "Variables"), any(map[string]any{
			"SIGNGATE_PARAMETERS": "/signgate/test", "SIGNGATE_POLICIES": "/var/task/policies",
		}))
		synthtest.Equal(t, "who it is", function.Get("Role"), any("${"+template.Only(t, "AWS::IAM::Role", "Role").ID+".Arn}"))
		if !slices.Contains(function.DependsOn, template.Only(t, "AWS::IAM::ManagedPolicy", "Gateway").ID) {
			t.Error("it may be made before its role may do anything")
		}
	}
}

func TestTheRoleMayDoWhatTheFunctionNeedsAndNothingElse(t *testing.T) {
	template := synth(t, synthtest.NoFlags, nil)
	synthtest.Equal(t, "permissions", permissions(t, template), always(t, template))
	role := template.Only(t, "AWS::IAM::Role", "")
	synthtest.Equal(t, "managed and inline policies", []any{role.Get("ManagedPolicyArns"), role.Get("Policies"), len(template.Of("AWS::IAM::Policy"))}, []any{nil, nil, 0})
}

func TestEachPermissionComesWithWhatNeedsIt(t *testing.T) {
	template := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.Props) {
		p.SigningSecret.KeyARN, p.SigningSecret.SignWith, p.Tracing = keyARN, []string{signerARN}, true
		p.HookSecret = &gateway.HookSecret{ARN: hookARN, KeyARN: keyARN}
		p.Grants = &gateway.Table{ARN: tableARN + "grants", Indexes: []string{"by-grantee"}}
		p.Audit, p.APIKeys = &gateway.Table{ARN: tableARN + "audit"}, &gateway.Table{ARN: tableARN + "keys"}
	})
	want := always(t, template)
	decrypts := func(secret string) synthtest.Statement {
		statement := permit([]string{keyARN}, "kms:Decrypt")
		statement.Condition = map[string][]string{
			"StringEquals kms:ViaService": {"secretsmanager.eu-central-1.${AWS::URLSuffix}"}, "StringEquals kms:EncryptionContext:SecretARN": {secret},
		}
		return statement
	}
	signs := permit([]string{signerARN}, "kms:Sign")
	signs.Condition = map[string][]string{"StringEquals kms:MessageType": {"DIGEST"}}
	want["DecryptsItsKeys"], want["Signs"], want["KnowsThePublicHalf"] = decrypts(secretARN), signs, permit([]string{signerARN}, "kms:GetPublicKey")
	want["ReadsTheSecretOfQuestions"], want["DecryptsTheSecretOfQuestions"] = permit([]string{hookARN}, "secretsmanager:GetSecretValue"), decrypts(hookARN)
	want["UsesGrants"] = permit([]string{tableARN + "grants", tableARN + "grants/index/by-grantee"},
		"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")
	want["UsesAudit"] = permit([]string{tableARN + "audit"}, "dynamodb:PutItem", "dynamodb:Query")
	want["UsesAPIKeys"] = permit([]string{tableARN + "keys"}, "dynamodb:GetItem", "dynamodb:UpdateItem")
	want["Traces"] = permit([]string{"*"}, "xray:PutTelemetryRecords", "xray:PutTraceSegments")
	synthtest.Equal(t, "permissions", permissions(t, template), want)
	synthtest.Equal(t, "tracing", template.Only(t, "AWS::Lambda::Function", "").Get("TracingConfig"), any(map[string]any{"Mode": "Active"}))
	if len(template.Of("AWS::IAM::Policy")) != 0 {
		t.Error("CDK has widened the role by itself")
	}
}

func TestLogsAreEncryptedAndExpire(t *testing.T) {
	template := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.Props) { p.Retain = true })
	key := template.Only(t, "AWS::KMS::Key", "GatewayLogKey")
	groups := template.Of("AWS::Logs::LogGroup")
	for _, group := range groups {
		synthtest.Equal(t, group.ID, []any{group.Get("KmsKeyId"), group.Get("RetentionInDays"), group.DeletionPolicy}, []any{"${" + key.ID + ".Arn}", 30.0, "Retain"})
	}
	if uses := synthtest.Statements(t, key.Get("KeyPolicy"))["LogGroupsOfThisStack"]; len(groups) != 2 || uses.Effect != "Allow" || key.DeletionPolicy != "Retain" {
		t.Errorf("%d groups; the key's statement %+v", len(groups), uses)
	}
	if synth(t, synthtest.NoFlags, nil).Only(t, "AWS::Logs::LogGroup", "GatewayLogs").DeletionPolicy != "Delete" {
		t.Error("what isn't to be kept is kept")
	}
}

func TestEveryRequestGoesToTheFunctionAndOnlyFromThisAPI(t *testing.T) {
	template := synth(t, synthtest.NoFlags, nil)
	api, function := "${"+template.Only(t, "AWS::ApiGatewayV2::Api", "").ID+"}", "${"+template.Only(t, "AWS::Lambda::Function", "").ID+".Arn}"
	integration := template.Only(t, "AWS::ApiGatewayV2::Integration", "")
	synthtest.Equal(t, "integration", integration.Properties, map[string]any{
		"ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": function, "PayloadFormatVersion": "2.0", "TimeoutInMillis": 30000.0,
	})
	synthtest.Equal(t, "route", template.Only(t, "AWS::ApiGatewayV2::Route", "").Properties, map[string]any{
		"ApiId": api, "RouteKey": "$default", "Target": "integrations/${" + integration.ID + "}", "AuthorizationType": "NONE",
	})
	synthtest.Equal(t, "who may invoke", template.Only(t, "AWS::Lambda::Permission", "").Properties, map[string]any{
		"Action": "lambda:InvokeFunction", "FunctionName": function, "Principal": "apigateway.amazonaws.com",
		"SourceArn": "arn:${AWS::Partition}:execute-api:eu-central-1:111122223333:" + api + "/*/*",
	})
	synthtest.Equal(t, "outputs", []string{template.Outputs["URL"], template.Outputs["API"], template.Outputs["LogGroup"]}, []string{
		"${" + template.Only(t, "AWS::ApiGatewayV2::Api", "").ID + ".ApiEndpoint}", api, "${" + template.Only(t, "AWS::Logs::LogGroup", "GatewayLogs").ID + "}",
	})
	synthtest.Equal(t, "the API's own name is off", template.Only(t, "AWS::ApiGatewayV2::Api", "").Get("DisableExecuteApiEndpoint"), any(false))
}

func TestAccessLogsHoldNothingThatLetsSomebodyIn(t *testing.T) {
	stage := synth(t, synthtest.NoFlags, nil).Only(t, "AWS::ApiGatewayV2::Stage", "")
	format, _ := stage.Get("AccessLogSettings", "Format").(string)
	var line map[string]string
	if err := json.Unmarshal([]byte(format), &line); err != nil || len(line) == 0 {
		t.Fatalf("%q: %v", format, err)
	}
	for _, variable := range line {
		for _, secret := range []string{"path", "query", "header", "authorizer", "$request", "integrationErrorMessage"} {
			if strings.Contains(strings.ToLower(variable), secret) {
				t.Errorf("%s is logged", variable)
			}
		}
	}
	if line["requestId"] != "$context.requestId" || line["status"] != "$context.status" {
		t.Errorf("%v", line)
	}
}

func TestThrottlingAndConcurrencyHoldCallersTogether(t *testing.T) {
	template := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.Props) {
		p.Throttling, p.Concurrency, p.Memory, p.Timeout = gateway.Throttling{Rate: 50, Burst: 100}, 20, 1024, 10*time.Second
	})
	synthtest.Equal(t, "throttling", template.Only(t, "AWS::ApiGatewayV2::Stage", "").Get("DefaultRouteSettings"), any(map[string]any{
		"DetailedMetricsEnabled": false, "ThrottlingRateLimit": 50.0, "ThrottlingBurstLimit": 100.0,
	}))
	function := template.Only(t, "AWS::Lambda::Function", "")
	synthtest.Equal(t, "concurrency, memory, time", []any{function.Get("ReservedConcurrentExecutions"), function.Get("MemorySize"), function.Get("Timeout")}, []any{20.0, 1024.0, 10.0})
	synthtest.Equal(t, "how long the API waits", template.Only(t, "AWS::ApiGatewayV2::Integration", "").Get("TimeoutInMillis"), any(11000.0))
	settings := synth(t, synthtest.NoFlags, nil).Only(t, "AWS::ApiGatewayV2::Stage", "").Get("DefaultRouteSettings")
	synthtest.Equal(t, "without throttling", settings, any(map[string]any{"DetailedMetricsEnabled": false}))
}

func TestBehindADomainThereIsNoOtherWayIn(t *testing.T) {
	domain := func(stack awscdk.Stack, p *gateway.Props, zone awsroute53.IHostedZone) {
		p.Domain = &gateway.Domain{Name: "api.example.com", Zone: zone, Certificate: awscertificatemanager.Certificate_FromCertificateArn(
			stack, jsii.String("Certificate"), jsii.String("arn:aws:acm:eu-central-1:111122223333:certificate/1"))}
	}
	template := synth(t, synthtest.HouseFlags, func(stack awscdk.Stack, p *gateway.Props) {
		domain(stack, p, awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{
			HostedZoneId: jsii.String(zoneID), ZoneName: jsii.String("example.com"),
		}))
	})
	api, name := template.Only(t, "AWS::ApiGatewayV2::Api", ""), template.Only(t, "AWS::ApiGatewayV2::DomainName", "")
	synthtest.Equal(t, "the API's own name is off", api.Get("DisableExecuteApiEndpoint"), any(true))
	synthtest.Equal(t, "domain", name.Properties, map[string]any{"DomainName": "api.example.com", "DomainNameConfigurations": []any{map[string]any{
		"CertificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/1", "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2",
	}}})
	synthtest.Equal(t, "mapping", template.Only(t, "AWS::ApiGatewayV2::ApiMapping", "").Properties, map[string]any{
		"ApiId": "${" + api.ID + "}", "DomainName": "${" + name.ID + "}", "Stage": "${" + template.Only(t, "AWS::ApiGatewayV2::Stage", "").ID + "}",
	})
	synthtest.Equal(t, "record", template.Only(t, "AWS::Route53::RecordSet", "").Properties, map[string]any{
		"Name": "api.example.com.", "Type": "A", "HostedZoneId": zoneID,
		"AliasTarget": map[string]any{"DNSName": "${" + name.ID + ".RegionalDomainName}", "HostedZoneId": "${" + name.ID + ".RegionalHostedZoneId}"},
	})
	synthtest.Equal(t, "URL", template.Outputs["URL"], "https://api.example.com")
	without := synth(t, synthtest.NoFlags, func(stack awscdk.Stack, p *gateway.Props) { domain(stack, p, nil) })
	if len(without.Of("AWS::Route53::RecordSet")) != 0 || len(without.Of("AWS::ApiGatewayV2::DomainName")) != 1 {
		t.Error("without a zone there is a record, or no domain")
	}
}

func TestInAVPCLambdaMayConnectItAndItsCodeMayNot(t *testing.T) {
	template := synth(t, synthtest.HouseFlags, func(stack awscdk.Stack, p *gateway.Props) {
		access := network.NewStorageAccess(stack, jsii.String("Network"), &network.Props{BucketARN: "arn:aws:s3:::some-bucket", GatewayRole: *p.Role.RoleArn(), CIDR: "10.20.0.0/20"})
		p.Network = &gateway.Network{VPC: access.VPC(), Subnets: access.Subnets(), SecurityGroup: access.SecurityGroup()}
	})
	actions := []string{
		"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
		"ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
	}
	found := permissions(t, template)
	synthtest.Equal(t, "Lambda", found["LambdaConnectsIt"], permit([]string{"*"}, actions...))
	refused := permit([]string{"*"}, actions...)
	refused.Effect, refused.Condition = "Deny", map[string][]string{"Null lambda:SourceFunctionArn": {"false"}}
	synthtest.Equal(t, "its code", found["ButNotItsCode"], refused)
	config, _ := template.Only(t, "AWS::Lambda::Function", "").Get("VpcConfig").(map[string]any)
	subnets, _ := config["SubnetIds"].([]any)
	groups, _ := config["SecurityGroupIds"].([]any)
	if len(subnets) != 2 || len(groups) != 1 || !strings.HasPrefix(groups[0].(string), "${NetworkGateway") {
		t.Errorf("it is at %v", config)
	}
}

func TestRulesForUploadsComeWithTheProgram(t *testing.T) {
	function := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.Props) { p.UploadRules = []byte(`[{"prefix": "in/", "verify": true}]`) }).
		Only(t, "AWS::Lambda::Function", "")
	synthtest.Equal(t, "where they are", function.Get("Environment", "Variables", "SIGNGATE_UPLOAD_RULES"), any("/var/task/upload-rules.json"))
}

func TestFurtherIssuersComeWithTheProgram(t *testing.T) {
	function := synth(t, synthtest.NoFlags, func(_ awscdk.Stack, p *gateway.Props) {
		p.Issuers = []byte(`[{"issuer": "https://partner.example.com", "audience": "photos", "algorithms": ["ES256"], "prefix": "partner:"}]`)
	}).Only(t, "AWS::Lambda::Function", "")
	synthtest.Equal(t, "where they are", function.Get("Environment", "Variables", "SIGNGATE_ISSUERS"), any("/var/task/issuers.json"))
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		props *gateway.Props
		want  []string
	}{
		"no props":      {nil, []string{"no props"}},
		"nothing given": {&gateway.Props{}, []string{"Role is missing", `SettingsPath: ""`, "Policies is missing", "SigningSecret.ARN", "LogDays"}},
		"everything": {&gateway.Props{
			Common: gateway.Common{Policies: fstest.MapFS{"a.cedar": {Data: []byte("permit")}}, UploadRules: []byte("{}"), Issuers: []byte("[]"), HookSecret: &gateway.HookSecret{KeyARN: "x"}, SettingsPath: "/signgate/prod/",
				SigningSecret: gateway.SigningSecret{ARN: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:*", KeyARN: "alias/x", SignWith: []string{"x"}},
				Grants:        &gateway.Table{ARN: "grants"}, Audit: &gateway.Table{}, APIKeys: &gateway.Table{ARN: tableARN + "*"},
				Domain: &gateway.Domain{Name: "API"}, Guard: policy.Guard{RequireMFA: true}},
			Memory: 64, Timeout: 90 * time.Minute, Concurrency: -1, Network: &gateway.Network{}, Throttling: gateway.Throttling{Rate: 1},
		}, []string{
			"a.cedar", "UploadRules", "Issuers", "HookSecret.ARN", "HookSecret.KeyARN", "SettingsPath", "SigningSecret.ARN", "SigningSecret.KeyARN", "SigningSecret.SignWith", "Grants.ARN", "Audit.ARN", "APIKeys.ARN",
			"Memory", "Timeout", "Concurrency", "Network names", "Throttling", "Domain.Name", "Domain.Certificate", "RequireMFA",
		}},
		"no policies":    {&gateway.Props{Common: gateway.Common{Policies: fstest.MapFS{}}}, []string{"has no policy"}},
		"half a second":  {&gateway.Props{Timeout: 1500 * time.Millisecond}, []string{"whole seconds"}},
		"AWS's own path": {&gateway.Props{Common: gateway.Common{SettingsPath: "/aws/service"}}, []string{"SettingsPath"}},
	} {
		saysAll(t, name, c.props.Validate(), c.want)
	}
	panicsWith(t, func() {
		gateway.NewFunction(synthtest.Stack(synthtest.NoFlags, ""), jsii.String("Gateway"), &gateway.Props{})
	})
}

// saysAll wants an error that says each of these.
func saysAll(t *testing.T, name string, err error, want []string) {
	t.Helper()
	if !errors.Is(err, gateway.ErrInvalid) {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v doesn't say %s", name, err, text)
		}
	}
}

// panicsWith wants a constructor to refuse what isn't valid, as CDK does.
func panicsWith(t *testing.T, construct func()) {
	t.Helper()
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, gateway.ErrInvalid) {
			t.Errorf("the constructor panics with %v", err)
		}
	}()
	construct()
}
