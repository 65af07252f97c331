package stacks_test

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/infra/policytest"
)

// mutant is a template with one thing less.
type mutant struct {
	kind string // of the resource
	name string
	make func() (undo func())
}

// indifferent is what may go from a resource of a type without making it less
// safe, as the beginnings of paths in its properties; * is any element. What
// is tested elsewhere all the same says where.
func indifferent(kind string) []string {
	if skipped, ok := map[string][]string{
		// What serves those who have access, tested in package content.
		"AWS::S3::Bucket": {
			"AccelerateConfiguration", "CorsConfiguration", "LifecycleConfiguration/Rules/*/Id",
			"LifecycleConfiguration/Rules/*/Transitions", "LifecycleConfiguration/Rules/*/NoncurrentVersionTransitions",
			"ReplicationConfiguration/Rules/*/Id", "ReplicationConfiguration/Rules/*/Priority",
		},
		// What costs, and how fast; package delivery and package behaviors.
		"AWS::CloudFront::Distribution": {
			"DistributionConfig/Comment", "DistributionConfig/Enabled", "DistributionConfig/HttpVersion", "DistributionConfig/PriceClass",
			"DistributionConfig/DefaultCacheBehavior/Compress", "DistributionConfig/DefaultCacheBehavior/TargetOriginId",
			"DistributionConfig/Origins/*/Id", "DistributionConfig/Origins/*/OriginShield",
		},
		"AWS::CloudFront::CachePolicy": {
			"CachePolicyConfig/Comment", "CachePolicyConfig/Name", "CachePolicyConfig/DefaultTTL", "CachePolicyConfig/MaxTTL", "CachePolicyConfig/MinTTL",
			"CachePolicyConfig/ParametersInCacheKeyAndForwardedToOrigin/EnableAcceptEncodingBrotli",
			"CachePolicyConfig/ParametersInCacheKeyAndForwardedToOrigin/EnableAcceptEncodingGzip",
		},
		// Fewer headers let pages read less; package delivery.
		"AWS::CloudFront::ResponseHeadersPolicy": {
			"ResponseHeadersPolicyConfig/Comment", "ResponseHeadersPolicyConfig/Name", "ResponseHeadersPolicyConfig/CorsConfig",
		},
		"AWS::CloudFront::OriginRequestPolicy": {"OriginRequestPolicyConfig/Comment", "OriginRequestPolicyConfig/Name"},
		"AWS::CloudFront::OriginAccessControl": {"OriginAccessControlConfig/Description", "OriginAccessControlConfig/Name"},
		"AWS::CloudFront::KeyGroup":            {"KeyGroupConfig/Comment", "KeyGroupConfig/Name"},
		"AWS::CloudFront::PublicKey":           {"PublicKeyConfig/CallerReference", "PublicKeyConfig/Comment", "PublicKeyConfig/Name"},
		// What CloudFormation refuses without, or names and counts.
		"AWS::CertificateManager::Certificate": {"DomainName", "DomainValidationOptions"},
		"AWS::Logs::LogGroup":                  {"LogGroupName"},
		"AWS::Logs::ResourcePolicy":            {"PolicyName"},
		"AWS::WAFv2::WebACL": {
			"Rules/*/Name", "Rules/*/Priority", "Rules/*/VisibilityConfig/CloudWatchMetricsEnabled", "Rules/*/VisibilityConfig/MetricName",
			"VisibilityConfig/CloudWatchMetricsEnabled", "VisibilityConfig/MetricName",
		},
		"AWS::IAM::ManagedPolicy": {"Path"},
		// How much it may use, and what it is told; package gateway. What runs it
		// is what CloudFormation refuses without.
		"AWS::Lambda::Function": {
			"Architectures", "Environment", "Handler", "MemorySize", "ReservedConcurrentExecutions", "Timeout", "VpcConfig/*/*",
		},
		// The ways of the API, which CloudFormation wants all, and how fast; package gateway.
		"AWS::ApiGatewayV2::Api":         {"Name"},
		"AWS::ApiGatewayV2::ApiMapping":  {"*"},
		"AWS::ApiGatewayV2::DomainName":  {"DomainName"},
		"AWS::ApiGatewayV2::Integration": {"ApiId", "IntegrationType", "TimeoutInMillis"},
		"AWS::ApiGatewayV2::Route":       {"ApiId", "RouteKey"},
		"AWS::ApiGatewayV2::Stage":       {"ApiId", "DefaultRouteSettings/DetailedMetricsEnabled", "StageName"},
		// What the stores ask of them; package stores.
		"AWS::DynamoDB::Table": {"AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "TimeToLiveSpecification"},
		// How soon, and how small; package observability.
		"AWS::KinesisFirehose::DeliveryStream": {"ExtendedS3DestinationConfiguration/BufferingHints", "ExtendedS3DestinationConfiguration/CompressionFormat"},
		"AWS::Logs::LogStream":                 {"*"},
		"Custom::SigningKey":                   {"ServiceTimeout"},
		"Custom::SigningKeyIDs":                {"ServiceTimeout"},
		"AWS::EC2::VPCEndpoint":                {"VpcId"},
		"AWS::EC2::SecurityGroup":              {"GroupDescription", "VpcId", "SecurityGroupEgress/*/CidrIp", "SecurityGroupEgress/*/Description"},
		"AWS::EC2::FlowLog":                    {"LogDestinationType"},
		"AWS::EC2::Subnet":                     {"AvailabilityZone", "CidrBlock", "VpcId"},
		"AWS::Logs::Delivery":                  {"RecordFields/*", "S3SuffixPath"}, // fewer fields tell less
		"AWS::Logs::DeliveryDestination":       {"DeliveryDestinationType", "Name", "OutputFormat"},
		"AWS::Logs::DeliverySource":            {"Name"},
		// Recording more is no less safe.
		"AWS::CloudTrail::Trail": {"AdvancedEventSelectors/*/Name", "IncludeGlobalServiceEvents", "IsMultiRegionTrail", "TrailName"},
		// How soon it tells; package observability.
		"AWS::CloudWatch::Alarm": {"AlarmDescription", "DatapointsToAlarm", "EvaluationPeriods", "Period", "Statistic", "TreatMissingData"},
	}[kind]; ok {
		return append(skipped, "Tags", "Description")
	}
	if slices.Contains([]string{
		// The ways of the network, whose properties CloudFormation wants all; package network.
		"AWS::EC2::VPC", "AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment", "AWS::EC2::RouteTable", "AWS::EC2::SubnetRouteTableAssociation",
		"AWS::EC2::Route", "AWS::EC2::EIP", "AWS::EC2::NatGateway",
		// What people and the gateway look at.
		"AWS::Route53::RecordSet", "AWS::CloudWatch::Dashboard", "AWS::SSM::Parameter",
	}, kind) {
		return []string{"*"}
	}
	return []string{"Tags", "Description"}
}

// unmissed is what nobody can miss, by the end of its name, and why.
func unmissed() map[string]string {
	return map[string]string{
		"/ContentBackupE6075FC2/LifecycleConfiguration/Rules/1": "copies cost less in Glacier, and are as safe outside",
		"(OnlyTheCopierWrites)/s3:DeleteObject":                 "NobodyDeletes refuses it to everybody",
		"(OnlyTheCopierWrites)/s3:ReplicateDelete":              "NobodyDeletes refuses it to everybody",
		"(ReadersDecrypt)/StringEquals/kms:CallerAccount":       "the principal is the account already; AWS's own example has both",
		// A key's own policy and that of who uses it say the same. Where a key is
		// somebody else's, its policy may leave it to the other.
		"/GatewayPermissions451B76ED/PolicyDocument/Statement/4":                                      "Signs: the signing key's policy lets the gateway sign",
		"/GatewayPermissions451B76ED/PolicyDocument/Statement/4 (Signs)/StringEquals/kms:MessageType": "the signing key's policy says so too",
		"/GatewayPermissions451B76ED/PolicyDocument/Statement/5":                                      "KnowsThePublicHalf: the signing key's policy lets the gateway",
		"/SigningKeysPermissions1398F4AF/PolicyDocument/Statement/2":                                  "ReadsPublicHalves: the signing key's policy lets what makes keys",
		"(DecryptsItsKeys)/StringEquals/kms:ViaService":                                               "the key of the secret says so too",
		"(GatewayReads)/StringEquals/kms:ViaService":                                                  "the gateway's own policy says so too",
	}
}

// mutants are all that a template's resources lose: every statement of every
// policy, every action that is denied, every key of every condition, every member and element of every
// property, and every policy of deletion. A flag is turned too, and what a
// statement allows is allowed to everybody, or to everything.
func mutants(template policytest.Template, among func(stack, id string) bool) []mutant {
	var all []mutant
	named := 0
	resources := template.Body["Resources"].(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		resource := resources[id].(map[string]any)
		kind := resource["Type"].(string)
		if !among(template.Stack, id) || kind == "AWS::CDK::Metadata" || strings.HasPrefix(kind, "Custom::CrossRegionExport") || strings.HasPrefix(id, "CustomCrossRegionExport") {
			continue // CDK's own, which the templates of constructs don't decide
		}
		for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if resource[policy] == "Retain" {
				all = append(all, removal(id+"/"+policy, resource, policy))
			}
		}
		properties, _ := resource["Properties"].(map[string]any)
		skip := indifferent(kind)
		if text, ok := properties["PolicyDocument"].(string); ok {
			all = append(all, written(id+"/PolicyDocument", properties, text)...)
			skip = append(skip, "PolicyDocument")
		}
		for _, m := range within("", properties) {
			if !slices.ContainsFunc(skip, func(path string) bool { return begins(m.name, path) }) {
				m.name = id + m.name
				all = append(all, m)
			}
		}
		for ; named < len(all); named++ {
			all[named].kind = kind
		}
	}
	return all
}

// begins says whether a mutant's name begins with a path.
func begins(name, path string) bool {
	steps := strings.Split(strings.TrimPrefix(strings.TrimSuffix(name, turned), "/"), "/")
	for i, step := range strings.Split(path, "/") {
		if i >= len(steps) || step != "*" && step != steps[i] {
			return false
		}
	}
	return true
}

// turned ends the name of a mutant whose flag is the opposite.
const turned = " turned"

// within are the mutants of a value that is an object or a list.
func within(path string, value any) (all []mutant) {
	switch value := value.(type) {
	case map[string]any:
		if isFunction(value) {
			return nil
		}
		if _, statement := value["Effect"]; statement {
			return conditions(path, value)
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			all = append(all, removal(path+"/"+name, value, name))
			if flag, ok := value[name].(bool); ok {
				all = append(all, mutant{name: path + "/" + name + turned, make: func() func() {
					value[name] = !flag
					return func() { value[name] = flag }
				}})
			}
			all = append(all, within(path+"/"+name, value[name])...)
			if list, ok := value[name].([]any); ok {
				for i := range list {
					all = append(all, mutant{name: fmt.Sprintf("%s/%s/%d", path, name, i), make: func() func() {
						value[name] = slices.Delete(slices.Clone(list), i, i+1)
						return func() { value[name] = list }
					}})
				}
			}
		}
	case []any:
		for i, element := range value {
			all = append(all, within(fmt.Sprintf("%s/%d", path, i), element)...)
		}
	}
	return all
}

// isFunction says whether CloudFormation fills a value in.
func isFunction(value map[string]any) bool {
	for name := range value {
		return len(value) == 1 && (name == "Ref" || strings.HasPrefix(name, "Fn::"))
	}
	return false
}

// conditions are the mutants of a policy's statement: it loses a key of its
// condition, or an action that it denies.
func conditions(path string, statement map[string]any) (all []mutant) {
	if sid, ok := statement["Sid"].(string); ok {
		path += " (" + sid + ")"
	}
	if actions, ok := statement["Action"].([]any); ok && statement["Effect"] == "Deny" {
		for i, action := range actions {
			all = append(all, mutant{name: fmt.Sprintf("%s/%v", path, action), make: func() func() {
				statement["Action"] = slices.Delete(slices.Clone(actions), i, i+1)
				return func() { statement["Action"] = actions }
			}})
		}
	}
	all = append(all, wider(path, statement)...)
	condition, _ := statement["Condition"].(map[string]any)
	for _, operator := range slices.Sorted(maps.Keys(condition)) {
		keys := condition[operator].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			all = append(all, mutant{name: path + "/" + operator + "/" + key, make: func() func() {
				fewer := maps.Clone(condition)
				fewer[operator] = maps.Clone(keys)
				delete(fewer[operator].(map[string]any), key)
				if len(keys) == 1 {
					delete(fewer, operator)
				}
				statement["Condition"] = fewer
				if len(fewer) == 0 {
					delete(statement, "Condition")
				}
				return func() { statement["Condition"] = condition }
			}})
		}
	}
	return all
}

// wider are the mutants of a statement that reaches further: what it allows is
// allowed to everybody, or everywhere, or one more is left out of what it denies.
func wider(path string, statement map[string]any) (all []mutant) {
	instead := func(member string, value any) mutant {
		was := statement[member]
		return mutant{name: path + "/" + member + " wider", make: func() func() {
			statement[member] = value
			return func() { statement[member] = was }
		}}
	}
	if statement["Effect"] == "Allow" {
		if principal, there := statement["Principal"]; there && principal != "*" {
			all = append(all, instead("Principal", map[string]any{"AWS": "*"}))
		}
		if statement["Resource"] != nil && statement["Resource"] != "*" {
			all = append(all, instead("Resource", "*"))
		}
		return all
	}
	condition, _ := statement["Condition"].(map[string]any)
	for _, operator := range []string{"ArnNotLike", "ArnNotEquals"} {
		keys, _ := condition[operator].(map[string]any)
		for key, values := range keys {
			list, ok := values.([]any)
			if !ok {
				list = []any{values}
			}
			more := maps.Clone(condition)
			more[operator] = maps.Clone(keys)
			more[operator].(map[string]any)[key] = append(slices.Clone(list), "arn:aws:iam::"+prodAccount+":role/admin")
			m := instead("Condition", more)
			m.name = path + "/" + operator + "/" + key + " wider"
			all = append(all, m)
		}
	}
	return all
}

// written are the mutants of a policy that is a text.
func written(path string, properties map[string]any, text string) (all []mutant) {
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		panic(err)
	}
	for _, m := range within(path, document) {
		all = append(all, mutant{name: m.name, make: func() func() {
			undo := m.make()
			changed, err := json.Marshal(document)
			if err != nil {
				panic(err)
			}
			properties["PolicyDocument"] = string(changed)
			return func() { undo(); properties["PolicyDocument"] = text }
		}})
	}
	return all
}

func removal(name string, from map[string]any, member string) mutant {
	return mutant{name: name, make: func() func() {
		was := from[member]
		delete(from, member)
		return func() { from[member] = was }
	}}
}

// trial is what is taken away, and what has to miss it.
type trial struct {
	environment string
	among       func(stack, id string) bool // resources that lose something
	checks      func(kind string) []check   // beside neglect
	least       int64                       // mutants
}

// caught says whether any check finds something, after a resource of a kind
// has lost something.
func (r trial) caught(kind string, all []policytest.Template) bool {
	if len(neglect(r.environment, all)) > 0 {
		return true
	}
	for _, check := range r.checks(kind) {
		for range check(all) {
			return true
		}
	}
	return false
}

// TestWhateverIsTakenAwayIsMissed removes each statement, condition and flag
// of production's storage and delivery in turn.
func TestWhateverIsTakenAwayIsMissed(t *testing.T) {
	all := templates(t, "storage")
	checks := []check{
		inquiry{questions: (*world).services}.of(all), inquiry{questions: (*world).resists, change: opened}.of(all),
		inquiry{questions: (*world).suffices, change: undefended}.of(all), inquiry{questions: (*world).questions, objects: true}.of(all),
	}
	trial{
		environment: "storage", least: 900,
		among:  func(string, string) bool { return true },
		checks: func(string) []check { return checks },
	}.run(t)
}

// run takes everything away, in as many workers as there are processors.
func (r trial) run(t *testing.T) {
	t.Helper()
	all := templates(t, r.environment)
	workers := runtime.GOMAXPROCS(0)
	var made atomic.Int64
	var group sync.WaitGroup
	for worker := range workers {
		mine := changed(all, func(policytest.Template) {})
		group.Go(func() { made.Add(r.takeAway(t, mine, worker, workers)) })
	}
	group.Wait()
	t.Logf("%d things were taken away", made.Load())
	if made.Load() < r.least {
		t.Errorf("only %d things were taken away", made.Load())
	}
}

// takeAway is the share of one of several workers in the mutants.
func (r trial) takeAway(t *testing.T, all []policytest.Template, worker, workers int) (made int64) {
	t.Helper()
	if r.caught("", all) {
		t.Error("something is found before anything is taken away")
		return 0
	}
	n := 0
	for _, template := range all {
		for _, m := range mutants(template, r.among) {
			n++
			if n%workers != worker {
				continue
			}
			made++
			undo := m.make()
			if missed := r.caught(m.kind, all); missed == expected(template.Stack+"/"+m.name) {
				t.Errorf("%s/%s: missed is %t", template.Stack, m.name, missed)
			}
			undo()
		}
	}
	if r.caught("", all) {
		t.Error("something wasn't put back")
	}
	return made
}

// expected says whether nobody can miss it.
func expected(name string) bool {
	for end := range unmissed() {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
