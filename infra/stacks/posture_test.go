package stacks_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/infra/policytest"
)

// requirement is what a property of every resource of a type has to be. A
// step of its path that is * stands for each element of a list, of which there
// is at least one.
type requirement struct {
	kind, path string
	ok         func(value any) bool
}

func is(want ...any) func(any) bool {
	return func(value any) bool {
		return slices.ContainsFunc(want, func(w any) bool { return reflect.DeepEqual(w, value) })
	}
}

// given is any value but an empty one.
func given(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case string:
		return value != ""
	case []any:
		return len(value) > 0
	case map[string]any:
		return len(value) > 0
	}
	return true
}

func atLeast(least float64) func(any) bool {
	return func(value any) bool { number, _ := value.(float64); return number >= least }
}

// exactly is a list of texts, in any order.
func exactly(want ...string) func(any) bool {
	slices.Sort(want)
	return func(value any) bool {
		list, _ := value.([]any)
		var found []string
		for _, element := range list {
			found = append(found, fmt.Sprint(element))
		}
		slices.Sort(found)
		return slices.Equal(found, want)
	}
}

// without is a list that isn't empty and names none of these.
func without(never ...string) func(any) bool {
	return func(value any) bool {
		list, _ := value.([]any)
		return len(list) > 0 && !slices.ContainsFunc(list, func(element any) bool { return slices.Contains(never, fmt.Sprint(element)) })
	}
}

// requirements hold for every resource of its type in every environment that
// is shipped.
func requirements() []requirement {
	return slices.Concat(storage(), edges(), watchers(), networks(), gateways())
}

func storage() []requirement {
	const bucket, key = "AWS::S3::Bucket", "AWS::KMS::Key"
	return []requirement{
		{bucket, "PublicAccessBlockConfiguration/BlockPublicAcls", is(true)},
		{bucket, "PublicAccessBlockConfiguration/BlockPublicPolicy", is(true)},
		{bucket, "PublicAccessBlockConfiguration/IgnorePublicAcls", is(true)},
		{bucket, "PublicAccessBlockConfiguration/RestrictPublicBuckets", is(true)},
		{bucket, "VersioningConfiguration/Status", is("Enabled")},
		{bucket, "OwnershipControls/Rules/*/ObjectOwnership", is("BucketOwnerEnforced")},
		{bucket, "BucketEncryption/ServerSideEncryptionConfiguration/*/ServerSideEncryptionByDefault/SSEAlgorithm", is("aws:kms", "AES256")},
		{bucket, "LifecycleConfiguration/Rules/*/Status", is("Enabled")},
		{key, "", func(value any) bool { // KMS rotates what encrypts, and can't rotate what signs
			if usage := at(value, "KeyUsage"); usage != nil {
				return usage == "SIGN_VERIFY" && at(value, "KeySpec") == "ECC_NIST_P256" && at(value, "EnableKeyRotation") == nil
			}
			return at(value, "EnableKeyRotation") == true
		}},
		{key, "PendingWindowInDays", is(30.0)},
		{"AWS::KMS::Alias", "TargetKeyId", given},
		{"AWS::S3::BucketPolicy", "Bucket", given},
	}
}

func edges() []requirement {
	const (
		distribution = "AWS::CloudFront::Distribution"
		behavior     = "DistributionConfig/DefaultCacheBehavior/"
		oac          = "AWS::CloudFront::OriginAccessControl"
		cache        = "AWS::CloudFront::CachePolicy"
		inKey        = "CachePolicyConfig/ParametersInCacheKeyAndForwardedToOrigin/"
		forwarded    = "AWS::CloudFront::OriginRequestPolicy"
		headers      = "AWS::CloudFront::ResponseHeadersPolicy"
	)
	return []requirement{
		{oac, "OriginAccessControlConfig/SigningBehavior", is("always")},
		{oac, "OriginAccessControlConfig/SigningProtocol", is("sigv4")},
		{oac, "OriginAccessControlConfig/OriginAccessControlOriginType", is("s3")},
		{"AWS::CloudFront::KeyGroup", "KeyGroupConfig/Items", given},
		{"AWS::CloudFront::PublicKey", "PublicKeyConfig/EncodedKey", given},
		{distribution, "DistributionConfig/Origins/*/OriginAccessControlId", given},
		{distribution, "DistributionConfig/Origins/*/DomainName", given},
		{distribution, "DistributionConfig/Origins/*/S3OriginConfig/OriginAccessIdentity", is("")},
		{distribution, behavior + "TrustedKeyGroups", given},
		{distribution, behavior + "ViewerProtocolPolicy", is("https-only")},
		{distribution, behavior + "AllowedMethods", exactly("GET", "HEAD", "OPTIONS")},
		{distribution, behavior + "CachedMethods", exactly("GET", "HEAD")},
		{distribution, behavior + "CachePolicyId", given},
		{distribution, behavior + "OriginRequestPolicyId", given},
		{distribution, behavior + "ResponseHeadersPolicyId", given},
		{distribution, "DistributionConfig/CustomErrorResponses/*/ErrorCachingMinTTL", is(0.0)},
		{cache, inKey + "CookiesConfig/CookieBehavior", is("none")},
		{cache, inKey + "HeadersConfig/HeaderBehavior", is("none")},
		{cache, inKey + "QueryStringsConfig/QueryStringBehavior", is("whitelist")},
		{cache, inKey + "QueryStringsConfig/QueryStrings", exactly("response-cache-control", "response-content-disposition", "response-content-type", "versionId")},
		{forwarded, "OriginRequestPolicyConfig/CookiesConfig/CookieBehavior", is("none")},
		{forwarded, "OriginRequestPolicyConfig/QueryStringsConfig/QueryStringBehavior", is("none")},
		{forwarded, "OriginRequestPolicyConfig/HeadersConfig/HeaderBehavior", is("whitelist")},
		{forwarded, "OriginRequestPolicyConfig/HeadersConfig/Headers", exactly("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")},
		{headers, "ResponseHeadersPolicyConfig/SecurityHeadersConfig/ContentTypeOptions/Override", is(true)},
		{"AWS::WAFv2::WebACL", "Scope", is("CLOUDFRONT")},
		{"AWS::WAFv2::WebACL", "DefaultAction/Allow", is(map[string]any{})},
		{"AWS::WAFv2::WebACL", "Rules/*/Action/Block", is(map[string]any{})},
		{"AWS::WAFv2::WebACL", "Rules/*/Statement/RateBasedStatement/Limit", given},
		{"AWS::WAFv2::WebACL", "Rules/*/Statement/RateBasedStatement/AggregateKeyType", is("IP")},
		{"AWS::WAFv2::WebACL", "Rules/*/Statement/RateBasedStatement/EvaluationWindowSec", is(300.0)},
		{"AWS::WAFv2::WebACL", "Rules/*/VisibilityConfig/SampledRequestsEnabled", is(false)},
		{"AWS::WAFv2::WebACL", "VisibilityConfig/SampledRequestsEnabled", is(false)},
		{"AWS::WAFv2::WebACL", "DataProtectionConfig/DataProtections/*/Action", is("SUBSTITUTION")},
		{"AWS::WAFv2::WebACL", "DataProtectionConfig/DataProtections", is([]any{
			map[string]any{"Action": "SUBSTITUTION", "Field": map[string]any{"FieldType": "QUERY_STRING"}},
			map[string]any{"Action": "SUBSTITUTION", "Field": map[string]any{"FieldType": "SINGLE_HEADER", "FieldKeys": []any{"cookie"}}},
			map[string]any{"Action": "SUBSTITUTION", "Field": map[string]any{"FieldType": "SINGLE_HEADER", "FieldKeys": []any{"referer"}}},
		})},
		{"AWS::WAFv2::LoggingConfiguration", "ResourceArn", given},
		{"AWS::WAFv2::LoggingConfiguration", "LogDestinationConfigs", given},
		{"AWS::WAFv2::LoggingConfiguration", "RedactedFields", is([]any{
			map[string]any{"QueryString": map[string]any{}},
			map[string]any{"SingleHeader": map[string]any{"Name": "cookie"}},
			map[string]any{"SingleHeader": map[string]any{"Name": "referer"}},
		})},
		{"AWS::CertificateManager::Certificate", "ValidationMethod", is("DNS")},
	}
}

func watchers() []requirement {
	const trail, alarm = "AWS::CloudTrail::Trail", "AWS::CloudWatch::Alarm"
	return []requirement{
		{trail, "IsLogging", is(true)},
		{trail, "EnableLogFileValidation", is(true)},
		{trail, "KMSKeyId", given},
		{trail, "S3BucketName", given},
		{trail, "CloudWatchLogsLogGroupArn", given},
		{trail, "CloudWatchLogsRoleArn", given},
		{trail, "AdvancedEventSelectors/*/FieldSelectors", func(value any) bool {
			watched, _ := value.([]any)
			fields := map[any]map[string]any{}
			for _, element := range watched {
				selector, _ := element.(map[string]any)
				fields[selector["Field"]] = selector
			}
			return len(fields) == 3 && exactly("Data")(fields["eventCategory"]["Equals"]) &&
				exactly("AWS::S3::Object")(fields["resources.type"]["Equals"]) && given(fields["resources.ARN"]["StartsWith"])
		}},
		{"AWS::Logs::LogGroup", "KmsKeyId", given},
		{"AWS::Logs::LogGroup", "RetentionInDays", atLeast(30)},
		{"AWS::Logs::Delivery", "RecordFields", without("cs-uri-query", "cs(Cookie)", "cs(Referer)")},
		{"AWS::Logs::Delivery", "DeliverySourceName", given},
		{"AWS::Logs::Delivery", "DeliveryDestinationArn", given},
		{"AWS::Logs::DeliverySource", "LogType", is("ACCESS_LOGS")},
		{"AWS::Logs::DeliverySource", "ResourceArn", given},
		{"AWS::Logs::DeliveryDestination", "DestinationResourceArn", given},
		{"AWS::SNS::Topic", "KmsMasterKeyId", given},
		{"AWS::SNS::TopicPolicy", "Topics", given},
		{alarm, "AlarmActions", given},
		{alarm, "OKActions", given},
		{alarm, "Threshold", given},
	}
}

// ofDistribution are requirements of the distribution's alarms; those of the
// gateway have tests of their own.
func ofDistribution() []requirement {
	const alarm = "AWS::CloudWatch::Alarm"
	return []requirement{
		{alarm, "Namespace", is("AWS/CloudFront")},
		{alarm, "MetricName", is("5xxErrorRate", "4xxErrorRate")},
		{alarm, "ComparisonOperator", is("GreaterThanThreshold")},
		{alarm, "Dimensions/*/Value", given},
		{alarm, "Dimensions", func(value any) bool { list, _ := value.([]any); return len(list) == 2 }}, // CloudFront's metrics have two
		{alarm, "Dimensions/*/Name", is("DistributionId", "Region")},
	}
}

func networks() []requirement {
	const endpoint, group = "AWS::EC2::VPCEndpoint", "AWS::EC2::SecurityGroup"
	return []requirement{
		{"AWS::EC2::Subnet", "MapPublicIpOnLaunch", is(false)},
		{group, "SecurityGroupIngress", is(nil)},
		{group, "SecurityGroupEgress/*/IpProtocol", is("tcp")},
		{group, "SecurityGroupEgress/*/FromPort", is(443.0)},
		{group, "SecurityGroupEgress/*/ToPort", is(443.0)},
		{endpoint, "PolicyDocument", given},
		{endpoint, "RouteTableIds", given},
		{endpoint, "VpcEndpointType", is("Gateway")},
		{endpoint, "ServiceName", func(value any) bool { name, _ := value.(string); return strings.HasSuffix(name, ".s3") }},
		{"AWS::EC2::FlowLog", "TrafficType", is("ALL")},
		{"AWS::EC2::FlowLog", "ResourceType", is("VPC")},
		{"AWS::EC2::FlowLog", "ResourceId", given},
		{"AWS::EC2::FlowLog", "LogGroupName", given},
		{"AWS::EC2::FlowLog", "DeliverLogsPermissionArn", given},
	}
}

// neglect is what the properties of resources lack of the requirements, and
// of what depends on the environment.
func neglect(environment string, all []policytest.Template) (complaints []string) {
	distribution := ofDistribution()
	required := slices.Concat(distribution, requirements())
	for _, template := range all {
		resources := map[string]map[string]map[string]any{} // by kind and id
		for n, required := range required {
			if resources[required.kind] == nil {
				resources[required.kind] = of(template, required.kind)
			}
			for id, resource := range resources[required.kind] {
				if n < len(distribution) && strings.HasPrefix(id, ofGateway) {
					continue
				}
				if !met(resource["Properties"], strings.Split(required.path, "/"), required.ok) {
					complaints = append(complaints, id+": "+required.path)
				}
			}
		}
		complaints = append(complaints, outdated(template.Stack, template.Body["Resources"])...)
		complaints = append(complaints, boundless(template)...)
		complaints = append(complaints, buckets(template)...)
		complaints = append(complaints, fronts(environment, template)...)
		if environment == "storage" || environment == "whole" {
			complaints = append(complaints, unkept(template)...)
		}
		if environment == "whole" {
			complaints = append(complaints, beyond(template)...)
		}
	}
	if environment == "storage" {
		complaints = append(complaints, missing(all)...)
	}
	return complaints
}

// outdated are policies in another language than that of 2012, in which
// variables mean nothing.
func outdated(where string, value any) (complaints []string) {
	switch value := value.(type) {
	case map[string]any:
		statements, _ := value["Statement"].([]any)
		if len(statements) > 0 && at(statements[0], "Effect") != nil && value["Version"] != "2012-10-17" {
			complaints = append(complaints, fmt.Sprintf("%s: Version %v", where, value["Version"]))
		}
		if text, ok := value["PolicyDocument"].(string); ok && !strings.Contains(text, `"Version":"2012-10-17"`) {
			complaints = append(complaints, where+": no Version")
		}
		for name, element := range value {
			complaints = append(complaints, outdated(where+"/"+name, element)...)
		}
	case []any:
		for _, element := range value {
			complaints = append(complaints, outdated(where, element)...)
		}
	}
	return complaints
}

// boundless are statements that let everybody do something, or let it be done
// to everything. Whether what they say instead is right is asked by requests.
func boundless(template policytest.Template) (complaints []string) {
	// Actions that know no resources (Service Authorization Reference).
	everything := []string{
		"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
		"ecr:GetAuthorizationToken", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
	}
	resources, _ := template.Body["Resources"].(map[string]any)
	for id, value := range resources {
		kind := at(value, "Type")
		properties, _ := at(value, "Properties").(map[string]any)
		for _, statement := range statementsIn(properties) {
			if statement["Effect"] != "Allow" {
				continue
			}
			sid, principal, actions := fmt.Sprint(statement["Sid"]), statement["Principal"], texts(statement["Action"])
			named, _ := principal.(map[string]any)
			// An endpoint by routes takes principals by condition only.
			if (principal == "*" || holdsStar(named["AWS"])) && kind != "AWS::EC2::VPCEndpoint" {
				complaints = append(complaints, id+": "+sid+" is for everybody")
			}
			if holdsStar(statement["Resource"]) && kind != "AWS::KMS::Key" && slices.ContainsFunc(actions, func(action string) bool { return !slices.Contains(everything, action) }) {
				complaints = append(complaints, id+": "+sid+" is about everything")
			}
		}
	}
	return complaints
}

// holdsStar says whether a value is the star, or a list with it.
func holdsStar(value any) bool {
	list, _ := value.([]any)
	return value == "*" || slices.Contains(list, any("*"))
}

// statementsIn are the statements of all policies in a value, those in texts
// too.
func statementsIn(value any) (found []map[string]any) {
	switch value := value.(type) {
	case map[string]any:
		if value["Effect"] != nil && value["Action"] != nil {
			return []map[string]any{value}
		}
		for name, member := range value {
			if text, ok := member.(string); ok && name == "PolicyDocument" {
				var document any
				if err := json.Unmarshal([]byte(text), &document); err != nil {
					panic(err)
				}
				member = document
			}
			found = append(found, statementsIn(member)...)
		}
	case []any:
		for _, element := range value {
			found = append(found, statementsIn(element)...)
		}
	}
	return found
}

// met follows a path.
func met(value any, path []string, ok func(any) bool) bool {
	if len(path) == 0 || path[0] == "" {
		return ok(value)
	}
	if path[0] == "*" {
		list, _ := value.([]any)
		return len(list) > 0 && !slices.ContainsFunc(list, func(element any) bool { return !met(element, path[1:], ok) })
	}
	object, _ := value.(map[string]any)
	return met(object[path[0]], path[1:], ok)
}

// buckets are encrypted with keys and log their access, but for the one that
// gets the logs.
func buckets(template policytest.Template) (complaints []string) {
	all := of(template, "AWS::S3::Bucket")
	logs := map[string]bool{}
	for _, bucket := range all {
		destination, _ := at(bucket, "Properties", "LoggingConfiguration", "DestinationBucketName").(map[string]any)
		if id, _ := destination["Ref"].(string); id != "" {
			logs[id] = true
		}
	}
	for id, bucket := range all {
		rules, _ := at(bucket, "Properties", "LifecycleConfiguration", "Rules").([]any)
		held := map[string]bool{}
		for _, rule := range rules {
			rule := rule.(map[string]any)
			whole := rule["Prefix"] == nil && rule["Filter"] == nil
			held["aborts uploads"] = held["aborts uploads"] || whole && given(at(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"))
			held["expires old versions"] = held["expires old versions"] || whole && given(at(rule, "NoncurrentVersionExpiration", "NoncurrentDays"))
			held["drops delete markers"] = held["drops delete markers"] || whole && rule["ExpiredObjectDeleteMarker"] == true
			held["expires everything"] = held["expires everything"] || whole && given(rule["ExpirationInDays"])
			held["expires the quarantine"] = held["expires the quarantine"] || rule["Prefix"] == quarantinePrefix &&
				given(rule["ExpirationInDays"]) && given(at(rule, "NoncurrentVersionExpiration", "NoncurrentDays"))
		}
		what := []string{"aborts uploads", "expires old versions", "drops delete markers", "expires everything"}
		if strings.HasPrefix(id, "Content") {
			what[3] = "expires the quarantine"
		}
		for _, what := range what {
			if !held[what] {
				complaints = append(complaints, id+": no rule "+what)
			}
		}
		encryption := at(bucket, "Properties", "BucketEncryption", "ServerSideEncryptionConfiguration")
		kms := met(encryption, []string{"*", "ServerSideEncryptionByDefault", "SSEAlgorithm"}, is("aws:kms")) &&
			met(encryption, []string{"*", "ServerSideEncryptionByDefault", "KMSMasterKeyID"}, given) && met(encryption, []string{"*", "BucketKeyEnabled"}, is(true))
		if !logs[id] && (!kms || !given(at(bucket, "Properties", "LoggingConfiguration", "DestinationBucketName")) ||
			!given(at(bucket, "Properties", "LoggingConfiguration", "LogFilePrefix"))) {
			complaints = append(complaints, id+": no KMS key with bucket key, or no access logs")
		}
		guarded := false
		for _, guard := range of(template, "AWS::S3::BucketPolicy") {
			guarded = guarded || reflect.DeepEqual(at(guard, "Properties", "Bucket"), map[string]any{"Ref": id})
		}
		if !guarded {
			complaints = append(complaints, id+": no policy")
		}
	}
	return complaints
}

// quarantinePrefix is where uploads wait to be verified.
const quarantinePrefix = "quarantine/"

// fronts are distributions: every error is asked for again, a domain of their
// own has TLS 1.2, and a firewall and an IP version are as the file asks.
func fronts(environment string, template policytest.Template) (complaints []string) {
	for id, distribution := range of(template, "AWS::CloudFront::Distribution") {
		config, _ := at(distribution, "Properties", "DistributionConfig").(map[string]any)
		errors, _ := config["CustomErrorResponses"].([]any)
		var codes []any
		for _, response := range errors {
			codes = append(codes, at(response, "ErrorCode"))
			if len(response.(map[string]any)) != 2 {
				complaints = append(complaints, id+": an error is answered otherwise than it was")
			}
		}
		if !reflect.DeepEqual(codes, []any{400.0, 403.0, 404.0, 405.0, 414.0, 416.0, 500.0, 501.0, 502.0, 503.0, 504.0}) {
			complaints = append(complaints, fmt.Sprintf("%s: errors %v", id, codes))
		}
		certificate, _ := config["ViewerCertificate"].(map[string]any)
		if environment != "dev" && (!given(config["Aliases"]) || !given(certificate["AcmCertificateArn"]) ||
			certificate["MinimumProtocolVersion"] != "TLSv1.2_2021" || certificate["SslSupportMethod"] != "sni-only") {
			complaints = append(complaints, id+": no domain with TLS 1.2")
		}
		if environment != "dev" && !given(config["WebACLId"]) {
			complaints = append(complaints, id+": no firewall")
		}
		if environment == "storage" && config["IPV6Enabled"] != false {
			complaints = append(complaints, id+": addresses are bound, and IPv6 is on")
		}
	}
	for id, headers := range of(template, "AWS::CloudFront::ResponseHeadersPolicy") {
		cors, _ := at(headers, "Properties", "ResponseHeadersPolicyConfig", "CorsConfig").(map[string]any)
		if cors["AccessControlAllowCredentials"] == true && !met(cors, []string{"AccessControlAllowOrigins", "Items"}, without("*")) {
			complaints = append(complaints, id+": any page reads with cookies")
		}
	}
	return complaints
}

// unkept is what production would lose with its stack.
func unkept(template policytest.Template) (complaints []string) {
	for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key", "AWS::KMS::Alias", "AWS::Logs::LogGroup", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::SecretsManager::ResourcePolicy"} {
		for id, resource := range of(template, kind) {
			if resource["DeletionPolicy"] != "Retain" || resource["UpdateReplacePolicy"] != "Retain" {
				complaints = append(complaints, id+" would be deleted")
			}
		}
	}
	return complaints
}

// missing is what production shall have and hasn't.
func missing(all []policytest.Template) (complaints []string) {
	for kind, want := range map[string]int{
		"AWS::S3::Bucket": 4, "AWS::S3::BucketPolicy": 4, "AWS::KMS::Key": 6, "AWS::CloudFront::Distribution": 1, "AWS::CloudFront::KeyGroup": 1,
		"AWS::CloudTrail::Trail": 1, "AWS::WAFv2::WebACL": 1, "AWS::WAFv2::LoggingConfiguration": 1, "AWS::Logs::ResourcePolicy": 1, "AWS::Logs::Delivery": 1,
		"AWS::Logs::DeliverySource": 1, "AWS::Logs::DeliveryDestination": 1, "AWS::Logs::LogGroup": 3, "AWS::EC2::FlowLog": 1, "AWS::EC2::VPCEndpoint": 1,
		"AWS::EC2::SecurityGroup": 1, "AWS::CloudWatch::Alarm": 2, "AWS::SNS::Topic": 1, "AWS::SNS::TopicPolicy": 1, "AWS::CloudFront::OriginAccessControl": 1,
		"AWS::CloudFront::CachePolicy": 1, "AWS::CloudFront::OriginRequestPolicy": 1, "AWS::CloudFront::ResponseHeadersPolicy": 1,
		"AWS::CertificateManager::Certificate": 1, "AWS::CloudFront::PublicKey": 1,
	} {
		found := 0
		for _, template := range all {
			found += len(of(template, kind))
		}
		if found != want {
			complaints = append(complaints, fmt.Sprintf("%d of %s, not %d", found, kind, want))
		}
	}
	return append(append(complaints, uncopied(all)...), around(all)...)
}

// around are ways from production's private subnets to S3 that don't lead
// through the gateway's endpoint.
func around(all []policytest.Template) (complaints []string) {
	for _, template := range all {
		for id, endpoint := range of(template, "AWS::EC2::VPCEndpoint") {
			tables, _ := at(endpoint, "Properties", "RouteTableIds").([]any)
			for table := range of(template, "AWS::EC2::RouteTable") {
				leads := slices.ContainsFunc(tables, func(t any) bool { return at(t, "Ref") == table })
				if leads != strings.HasPrefix(table, "NetworkPrivate") {
					complaints = append(complaints, id+": "+table)
				}
			}
		}
	}
	return complaints
}

// uncopied is what of production's objects has no write-only copy.
func uncopied(all []policytest.Template) (complaints []string) {
	for _, template := range all {
		for id, bucket := range of(template, "AWS::S3::Bucket") {
			if !strings.HasPrefix(id, "ContentBucket") {
				continue
			}
			replication := at(bucket, "Properties", "ReplicationConfiguration")
			for path, ok := range map[string]func(any) bool{
				"Role": given, "Rules/*/Status": is("Enabled"), "Rules/*/DeleteMarkerReplication/Status": is("Disabled"),
				"Rules/*/Destination/Bucket": given, "Rules/*/Destination/EncryptionConfiguration/ReplicaKmsKeyID": given,
				"Rules/*/SourceSelectionCriteria/SseKmsEncryptedObjects/Status": is("Enabled"), "Rules/*/Filter/Prefix": is(""),
			} {
				if !met(replication, strings.Split(path, "/"), ok) {
					complaints = append(complaints, id+": ReplicationConfiguration/"+path)
				}
			}
		}
	}
	return complaints
}

// at follows member names.
func at(value any, path ...string) any {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func TestNothingOfThePostureIsNeglected(t *testing.T) {
	for _, environment := range shipped() {
		for _, complaint := range slices.Sorted(slices.Values(neglect(environment, templates(t, environment)))) {
			t.Errorf("%s: %s", environment, complaint)
		}
	}
}
