package stacks_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/policytest"
)

// gateways are what the gateway's own resources have to be.
func gateways() []requirement {
	const (
		function, permission = "AWS::Lambda::Function", "AWS::Lambda::Permission"
		api, stage           = "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"
		domain               = "AWS::ApiGatewayV2::DomainName"
		table                = "AWS::DynamoDB::Table"
		secret, fence        = "AWS::SecretsManager::Secret", "AWS::SecretsManager::ResourcePolicy"
		stream               = "AWS::KinesisFirehose::DeliveryStream"
		files                = "ExtendedS3DestinationConfiguration/"
		pair, ids            = "Custom::SigningKey", "Custom::SigningKeyIDs"
	)
	begins := func(prefix string) func(any) bool {
		return func(value any) bool { text, _ := value.(string); return strings.HasPrefix(text, prefix) }
	}
	return []requirement{
		{function, "Role", given},
		{function, "Code", given},
		{function, "Code/S3Bucket", given},
		{function, "Code/S3Key", given},
		{function, "Runtime", is("provided.al2023", "nodejs24.x", "nodejs22.x")}, // CDK's own run on Node.js
		{"AWS::Lambda::EventInvokeConfig", "FunctionName", given},
		{"AWS::Lambda::EventInvokeConfig", "Qualifier", is("$LATEST")},
		{"AWS::Lambda::EventInvokeConfig", "MaximumEventAgeInSeconds", is(240.0)}, // CloudFormation waits 300
		{permission, "Action", is("lambda:InvokeFunction")},
		{permission, "Principal", is("apigateway.amazonaws.com")},
		{permission, "FunctionName", given},
		{permission, "SourceArn", given},
		{api, "ProtocolType", is("HTTP")},
		{api, "CorsConfiguration", is(nil)}, // the gateway answers for itself
		{"AWS::ApiGatewayV2::Integration", "IntegrationUri", given},
		{"AWS::ApiGatewayV2::Integration", "PayloadFormatVersion", is("2.0")}, // the adapter knows no other
		{"AWS::ApiGatewayV2::Route", "AuthorizationType", is("NONE")},         // the gateway asks itself
		{"AWS::ApiGatewayV2::Route", "Target", given},
		{stage, "AutoDeploy", is(true)}, // else what is deployed isn't what is served
		{stage, "AccessLogSettings/DestinationArn", given},
		{stage, "AccessLogSettings/Format", func(value any) bool {
			format, _ := value.(string)
			return strings.Contains(format, "$context.requestId") && strings.Contains(format, "sourceIp") && strings.Contains(format, "$context.status")
		}},
		{stage, "DefaultRouteSettings/ThrottlingRateLimit", atLeast(1)},
		{stage, "DefaultRouteSettings/ThrottlingBurstLimit", atLeast(1)},
		{domain, "DomainNameConfigurations/*/SecurityPolicy", is("TLS_1_2")},
		{domain, "DomainNameConfigurations/*/CertificateArn", given},
		{domain, "DomainNameConfigurations/*/EndpointType", is("REGIONAL")},
		{table, "SSESpecification/SSEEnabled", is(true)},
		{table, "SSESpecification/SSEType", is("KMS")},
		{table, "SSESpecification/KMSMasterKeyId", given},
		{table, "PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled", is(true)},
		{table, "PointInTimeRecoverySpecification/RecoveryPeriodInDays", is(35.0)},
		{secret, "KmsKeyId", given},
		{secret, "GenerateSecretString", is(nil)},
		{secret, "SecretString", is(nil)},
		{fence, "SecretId", given},
		{fence, "BlockPublicPolicy", is(true)},
		{stream, "DeliveryStreamType", is("DirectPut")},
		{stream, "DeliveryStreamEncryptionConfigurationInput/KeyType", is("CUSTOMER_MANAGED_CMK")},
		{stream, "DeliveryStreamEncryptionConfigurationInput/KeyARN", given},
		{stream, files + "BucketARN", given},
		{stream, files + "RoleARN", given},
		{stream, files + "Prefix", begins("audit/")},
		{stream, files + "ErrorOutputPrefix", begins("failed/")},
		{stream, files + "EncryptionConfiguration/KMSEncryptionConfig/AWSKMSKeyARN", given},
		{stream, files + "CloudWatchLoggingOptions/Enabled", is(true)},
		{stream, files + "CloudWatchLoggingOptions/LogGroupName", given},
		{stream, files + "CloudWatchLoggingOptions/LogStreamName", given},
		{stream, files + "ProcessingConfiguration", is(nil)}, // a line that was changed on its way is changed
		{pair, "ServiceToken", given},
		{pair, "Secret", given},
		{pair, "Slot", given},
		{ids, "ServiceToken", given},
		{ids, "Secret", given},
		{ids, "KeyIDs", given},
		{ids, "KeepFor", given},
	}
}

// beyond is what production's gateway has beyond what every gateway has: its
// logs, its place in the VPC, its one name, tables that aren't deleted, and
// keys that the group trusts and the secret knows.
func beyond(template policytest.Template) (complaints []string) {
	want := func(kind, prefix, path string, ok func(any) bool) {
		for id, resource := range of(template, kind) {
			if strings.HasPrefix(id, prefix) && !met(resource["Properties"], strings.Split(path, "/"), ok) {
				complaints = append(complaints, id+": "+path)
			}
		}
	}
	for _, ours := range []string{"Gateway", "SigningKeys"} {
		want("AWS::Lambda::Function", ours, "LoggingConfig/LogGroup", given)
	}
	want("AWS::Lambda::Function", "Gateway", "VpcConfig/SecurityGroupIds", given)
	want("AWS::Lambda::Function", "Gateway", "VpcConfig/SubnetIds", given)
	want("AWS::ApiGatewayV2::Api", "", "DisableExecuteApiEndpoint", is(true))
	want("AWS::DynamoDB::Table", "", "DeletionProtectionEnabled", is(true))
	want("Custom::SigningKey", "SigningKeysPairb", "KMSKey", given)
	keys := map[string]bool{}
	for id := range of(template, "AWS::CloudFront::PublicKey") {
		keys[id] = true
	}
	if len(keys) == 0 { // another stack
		return complaints
	}
	names := func(value any) map[string]bool {
		found := map[string]bool{}
		for _, reference := range references(value) {
			found[reference] = true
		}
		return found
	}
	for id, group := range of(template, "AWS::CloudFront::KeyGroup") {
		if !reflect.DeepEqual(names(at(group, "Properties", "KeyGroupConfig", "Items")), keys) {
			complaints = append(complaints, id+" doesn't trust every key")
		}
	}
	for id, known := range of(template, "Custom::SigningKeyIDs") {
		if !reflect.DeepEqual(names(at(known, "Properties", "KeyIDs")), keys) {
			complaints = append(complaints, id+" doesn't know every key")
		}
	}
	return complaints
}

// references are the logical ids that a value refers to.
func references(value any) (found []string) {
	switch value := value.(type) {
	case map[string]any:
		if id, ok := value["Ref"].(string); ok {
			return []string{id}
		}
		for _, element := range value {
			found = append(found, references(element)...)
		}
	case []any:
		for _, element := range value {
			found = append(found, references(element)...)
		}
	}
	return found
}

// TestWhateverIsTakenFromTheGatewayIsMissed removes each statement, condition
// and flag in turn of what production has more with its gateway: function,
// API, tables, secret, signing keys, the stream of the trail, logs and roles.
func TestWhateverIsTakenFromTheGatewayIsMissed(t *testing.T) {
	storage := map[string]bool{}
	for _, template := range templates(t, "storage") {
		for id := range template.Body["Resources"].(map[string]any) {
			storage[template.Stack+"/"+id] = true
		}
	}
	// What the policy of such a resource is about; what isn't here has none.
	actions := map[string]string{
		"": "", "AWS::IAM::ManagedPolicy": "", "AWS::IAM::Role": "", "AWS::KMS::Key": "kms:", "AWS::S3::BucketPolicy": "s3:", "AWS::SecretsManager::ResourcePolicy": "secretsmanager:", "AWS::SNS::TopicPolicy": "sns:",
	}
	all := templates(t, "whole")
	asks := map[string]check{}
	for _, prefix := range actions {
		if asks[prefix] == nil {
			asks[prefix] = exceed(prefix, all).of(all)
		}
	}
	surrounds, resists := inquiry{questions: (*world).surrounds}.of(all), inquiry{questions: (*world).resists, change: opened}.of(all)
	trial{
		environment: "whole", least: 500,
		// What the gateway's alarms look at is held against the metrics that there
		// are; package observability, and alarms_test.go.
		among: func(stack, id string) bool { return !storage[stack+"/"+id] && !strings.HasPrefix(id, "GatewayAlarms") },
		checks: func(kind string) []check {
			prefix, told := actions[kind]
			if !told {
				return nil
			}
			checks := []check{surrounds, asks[prefix]}
			if kind == "" || kind == "AWS::S3::BucketPolicy" {
				checks = append(checks, resists)
			}
			return checks
		},
	}.run(t)
}
