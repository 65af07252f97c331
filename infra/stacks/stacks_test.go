package stacks_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/signgate/signgate/infra/compliance"
	"github.com/signgate/signgate/infra/config"
	"github.com/signgate/signgate/infra/policytest"
	"github.com/signgate/signgate/infra/stacks"
	"github.com/signgate/signgate/infra/synthtest"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/settings"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

// variants are the shipped environments, and dev changed as their name says, beginning
// with plain.
func variants() map[string]func(*config.Environment) {
	return map[string]func(*config.Environment){
		"dev": nil, "staging": nil, "prod": nil,
		"plain":         func(*config.Environment) {},
		"storage":       func(*config.Environment) {}, // prod without its gateway
		"whole":         whole,
		"whole service": whole, // the same on Fargate
		"bare": func(e *config.Environment) {
			e.Content.Encryption, e.Content.UploadOrigins, e.Content.Lifecycle = config.S3, nil, config.Lifecycle{AbortUploads: 1, QuarantineExpire: 1}
			e.Observability.Dashboard = false
		},
		"fallback": func(e *config.Environment) { e.Content.DecryptFor = config.AnyDistribution },
		"rotating": func(e *config.Environment) {
			e.SigningKeys.Slots = append(slices.Clone(e.SigningKeys.Slots), config.Slot{ID: "b", PEM: otherKey("staging")})
		},
		"switched": func(e *config.Environment) {
			e.SigningKeys = config.SigningKeys{Source: config.Own, Active: "b", Slots: append(slices.Clone(e.SigningKeys.Slots), config.Slot{ID: "b", PEM: otherKey("staging")})}
		},
		"rotated": func(e *config.Environment) {
			e.SigningKeys = config.SigningKeys{Source: config.Own, Active: "b", Slots: []config.Slot{{ID: "b", PEM: otherKey("staging")}}}
		},
		// A key beside another, and the other taken out, of each source.
		"managed a":  keysOf(config.Managed, config.Slot{ID: "a"}),
		"managed ab": keysOf(config.Managed, config.Slot{ID: "a"}, config.Slot{ID: "b"}),
		"managed b":  keysOf(config.Managed, config.Slot{ID: "b"}),
		"kms a":      keysOf(config.InKMS, config.Slot{ID: "a"}),
		"kms ab":     keysOf(config.InKMS, config.Slot{ID: "a"}, config.Slot{ID: "b"}),
		"kms b":      keysOf(config.InKMS, config.Slot{ID: "b"}),
		"into kms":   keysOf(config.InKMS, config.Slot{ID: "a", Source: config.Managed}, config.Slot{ID: "b"}),
		"full": func(e *config.Environment) {
			e.Content.TransferAcceleration, e.Content.Backup = true, &config.Backup{Glacier: 1, Expire: 365}
			e.Delivery.AccessLogs, e.Delivery.LogQueries, e.Delivery.BindAddresses = true, true, true
			e.Delivery.Geo = &config.Geo{Allow: []string{"CH", "DE"}}
			e.Delivery.Firewall = &config.WAF{AllowRanges: []string{"192.0.2.0/24"}}
			e.Delivery.Writes = &config.Writes{PathPrefix: "/upload/", SigningKeys: []config.Slot{{ID: "w", PEM: otherKey("prod")}}}
			e.Observability.Trail, e.Observability.Alarms = true, &config.Alarms{ErrorRate: 5, Refusals: 50}
			e.Network = &config.Network{CIDR: "10.20.0.0/20"}
			e.Access = config.Access{Deployers: []string{"arn:aws:iam::111122223333:role/deploy"}, Administrators: []string{"arn:aws:iam::111122223333:role/keeper"}}
		},
		"existing": func(e *config.Environment) {
			e.Content.KeyARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
			e.Observability.LogBucketARN = "arn:aws:s3:::logs-of-example"
			e.Observability.Alarms = &config.Alarms{TopicARN: "arn:aws:sns:us-east-1:111122223333:alarms", ErrorRate: 5, Refusals: 50}
			e.Delivery.Domain = &config.Domain{Name: "cdn.example.com", CertificateARN: "arn:aws:acm:us-east-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"}
			e.Delivery.Firewall = &config.WAF{ACLARN: "arn:aws:wafv2:us-east-1:111122223333:global/webacl/acl/1234abcd-12ab-34cd-56ef-1234567890ab"}
			e.Network = &config.Network{VPCID: "vpc-0123456789abcdef0", SubnetIDs: []string{"subnet-0123456789abcdef0"}, RouteTableIDs: []string{"rtb-0123456789abcdef0"}}
		},
		"apart": apart,
		"shorter": func(e *config.Environment) {
			apart(e)
			e.Limits.MaxReadLife /= 2
		},
		"unwatched": func(e *config.Environment) { // a gateway that nobody looks at
			e.Gateway = &config.Gateway{PolicyFiles: access.Builtin(), Issuer: "https://issuer.example.com", Audience: "photos"}
			e.SigningKeys = config.SigningKeys{Source: config.Managed, Slots: []config.Slot{{ID: "a"}}}
			e.Observability.Dashboard, e.Observability.Alarms = false, nil
		},
		"told": func(e *config.Environment) { // a gateway whose alarms tell topics that are there
			e.Account, e.Region = "111122223333", "eu-central-1"
			e.Gateway = &config.Gateway{PolicyFiles: access.Builtin(), Issuer: "https://issuer.example.com", Audience: "photos"}
			e.SigningKeys = config.SigningKeys{Source: config.Managed, Slots: []config.Slot{{ID: "a"}}}
			e.Observability.Alarms = &config.Alarms{
				TopicARN: "arn:aws:sns:us-east-1:111122223333:edge", GatewayTopicARN: "arn:aws:sns:eu-central-1:111122223333:alarms", ErrorRate: 5, Refusals: 50,
			}
		},
		"service":   nil, // prod, whose gateway is asked to run on Fargate
		"tasks":     tasks,
		"delivered": func(e *config.Environment) { tasks(e); e.Gateway.AuditStream = true },
		"longer":    func(e *config.Environment) { tasks(e); e.Limits.MaxUploadLife = config.Duration(2 * time.Hour) },
		"hidden": func(e *config.Environment) { // tasks that the internet doesn't reach, of an image that is built
			tasks(e)
			e.Gateway.Fargate = config.Fargate{Internal: true, AllowRanges: []string{"10.0.0.0/8"}}
		},
		"inside": func(e *config.Environment) { // tasks of an existing network, which the internet doesn't reach
			tasks(e)
			e.Gateway.Fargate.Internal, e.Gateway.Fargate.AllowRanges = true, []string{"10.0.0.0/8"}
			e.Network = &config.Network{
				VPCID: "vpc-0123456789abcdef0", SubnetIDs: []string{"subnet-0123456789abcdef0", "subnet-0123456789abcdef1"}, RouteTableIDs: []string{"rtb-0123456789abcdef0"},
				LoadBalancerRanges: []string{"10.0.0.0/24", "10.0.1.0/24"},
			}
		},
		"bounded": func(e *config.Environment) {
			e.Access.Boundary, e.Tags = "bounds", map[string]string{"team": "photos"}
		},
	}
}

// whole is prod with its gateway, keys of both kinds, and everything that it
// can keep.
func whole(e *config.Environment) {
	e.SigningKeys = config.SigningKeys{Source: config.Managed, Slots: []config.Slot{{ID: "a"}, {ID: "b", Source: config.InKMS}}}
	e.Gateway.AuditTable, e.Gateway.AuditStream = false, true
}

// hookSecretARN is what signs apart's questions to an application.
const hookSecretARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:hook-AbCdEf"

// apart is a gateway that reaches nothing but AWS.
func apart(e *config.Environment) {
	e.Gateway = &config.Gateway{
		PolicyFiles: access.Builtin(), Issuer: "https://issuer.example.com", Audience: "photos", Tracing: true, Sharing: true, APIKeys: true, AuditStream: true,
		Domain: &config.APIDomain{Name: "api.example.com", CertificateARN: "arn:aws:acm:us-east-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"},
	}
	e.Gateway.Handed = settings.Values{"groups-claim": "roles"}
	e.Gateway.DecisionHook = &config.DecisionHook{URL: "https://app.example.com/decisions", SecretARN: hookSecretARN}
	e.SigningKeys = config.SigningKeys{Source: config.Managed, Slots: []config.Slot{{ID: "a"}, {ID: "b", Source: config.InKMS}}}
	e.Network = &config.Network{CIDR: "10.20.0.0/20"}
	e.Delivery.Origins = []string{"https://photos.example.com"}
}

// tasks is a gateway on Fargate that reaches nothing but AWS, with every option.
func tasks(e *config.Environment) {
	e.Gateway = &config.Gateway{
		Compute: config.OnFargate, PolicyFiles: access.Builtin(), Issuer: "https://issuer.example.com", Audience: "photos", Sharing: true,
		Domain:    &config.APIDomain{Name: "api.example.com", CertificateARN: "arn:aws:acm:us-east-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"},
		WebACLARN: "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/acl/1234abcd-12ab-34cd-56ef-1234567890ab",
		Fargate:   config.Fargate{ImageURI: imageOfOurs, AllowRanges: []string{"192.0.2.0/24"}, ConnectionLogs: true},
	}
	e.SigningKeys = config.SigningKeys{Source: config.Managed, Slots: []config.Slot{{ID: "a"}, {ID: "b"}}}
	e.Network = &config.Network{CIDR: "10.20.0.0/20"}
	e.Delivery.Domain = &config.Domain{Name: "cdn.example.com", CertificateARN: "arn:aws:acm:us-east-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"}
}

// keysOf are the keys of an environment without a gateway of its own.
func keysOf(source string, slots ...config.Slot) func(*config.Environment) {
	return func(e *config.Environment) { e.SigningKeys = config.SigningKeys{Source: source, Slots: slots} }
}

// plain makes of dev what it is without a gateway of its own, and with a key
// that somebody has made.
func plain(e *config.Environment) {
	e.Gateway = nil
	e.SigningKeys = config.SigningKeys{Source: config.Own, Active: "a", Slots: []config.Slot{{ID: "a", PEM: otherKey("dev")}}}
}

// otherKey is the public key of another environment.
func otherKey(of string) string {
	text, err := os.ReadFile("../environments/keys/" + of + "-a.pem")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// synthesis is what an environment synthesizes to.
type synthesis struct {
	folder    string
	protected []bool // whether each of its stacks is
	templates []policytest.Template
}

// made is what was synthesized already: CDK takes its time.
var made = map[string]synthesis{}

// synthesize makes an environment in an app of its own, once. cdk-nag looks at
// those that are shipped.
func synthesize(t *testing.T, name string) synthesis {
	t.Helper()
	if found, there := made[name]; there {
		return found
	}
	change, there := variants()[name]
	if !there {
		t.Fatalf("there is no environment %s", name)
	}
	file, overrides := "dev", []config.Override(nil)
	switch {
	case name == "service":
		file, overrides = "prod", []config.Override{config.Compute(config.OnFargate)}
	case change == nil:
		file = name
	case name == "whole service":
		file, overrides = "prod", []config.Override{config.Compute(config.OnFargate)}
	case name == "storage", name == "whole":
		file = "prod"
	}
	environment, err := config.Load(os.DirFS("../environments"), file, overrides...)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		if !strings.HasPrefix(name, "whole") {
			plain(&environment)
		}
		change(&environment)
	}
	app := synthtest.App(synthtest.HouseFlags)
	e := stacks.New(app, environment)
	if change == nil {
		compliance.Check(app, compliance.Exceptions())
	}
	app.Synth(nil)
	made[name] = read(t, *app.Outdir(), e)
	return made[name]
}

// read reads what was synthesized from its files.
func read(t *testing.T, folder string, e *stacks.Environment) synthesis {
	t.Helper()
	found := synthesis{folder: folder}
	for _, stack := range slices.Compact([]awscdk.Stack{e.Before, e.Content, e.After}) {
		body, err := stacks.ReadTemplate(filepath.Join(folder, *stack.TemplateFile()))
		if err != nil {
			t.Fatal(err)
		}
		region := *stack.Region()
		if *awscdk.Token_IsUnresolved(region) {
			region = "us-east-1"
		}
		found.templates = append(found.templates, policytest.Template{Stack: *stack.StackName(), Region: region, Body: body})
		found.protected = append(found.protected, *stack.TerminationProtection())
	}
	return found
}

// templates are those of an environment.
func templates(t *testing.T, environment string) []policytest.Template {
	t.Helper()
	return synthesize(t, environment).templates
}

// content is the template with the bucket and the distribution.
func content(t *testing.T, environment string) policytest.Template {
	t.Helper()
	all := templates(t, environment)
	return all[slices.IndexFunc(all, func(template policytest.Template) bool {
		return !strings.HasSuffix(template.Stack, "-before") && !strings.HasSuffix(template.Stack, "-after")
	})]
}

// of are the resources of a type, by logical id.
func of(template policytest.Template, kind string) map[string]map[string]any {
	found := map[string]map[string]any{}
	resources, _ := template.Body["Resources"].(map[string]any)
	for id, value := range resources {
		if resource, _ := value.(map[string]any); resource["Type"] == kind {
			found[id] = resource
		}
	}
	return found
}

func TestWhatBelongsToCloudFrontsRegionIsInStacksOfItsOwn(t *testing.T) {
	names := func(environment string) (found []string) {
		for _, template := range templates(t, environment) {
			found = append(found, template.Stack+" "+template.Region)
		}
		return found
	}
	synthtest.Equal(t, "prod", names("prod"), []string{"signgate-prod-before us-east-1", "signgate-prod eu-central-1", "signgate-prod-after us-east-1"})
	synthtest.Equal(t, "staging", names("staging"), []string{"signgate-staging us-east-1"})
	for _, kind := range []string{"AWS::WAFv2::WebACL", "AWS::CertificateManager::Certificate", "AWS::Logs::DeliverySource", "AWS::CloudWatch::Alarm"} {
		for id := range of(content(t, "prod"), kind) {
			// API Gateway wants its certificate where it is, and the gateway's metrics are there too.
			if !strings.HasPrefix(id, "GatewayCertificate") && !strings.HasPrefix(id, ofGateway) {
				t.Errorf("%s is in eu-central-1", id)
			}
		}
		if found := of(content(t, "staging"), kind); len(found) == 0 {
			t.Errorf("%s isn't there", kind)
		}
	}
}

func TestAnEnvironmentWithoutARegionRefusesOtherRegionsOnlyIfItHasTo(t *testing.T) {
	if _, there := content(t, "dev").Body["Rules"].(map[string]any)["InUsEast1"]; there {
		t.Error("dev has nothing of us-east-1 and is held to it")
	}
	if _, there := content(t, "full").Body["Rules"].(map[string]any)["InUsEast1"]; !there {
		t.Error("full may be deployed where its certificate and alarms can't be")
	}
}

func TestWhatIsKeptStaysWhenItsStackGoes(t *testing.T) {
	for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key", "AWS::Logs::LogGroup"} {
		for _, template := range templates(t, "prod") {
			for id, resource := range of(template, kind) {
				if resource["DeletionPolicy"] != "Retain" || resource["UpdateReplacePolicy"] != "Retain" {
					t.Errorf("%s/%s would be deleted", template.Stack, id)
				}
			}
		}
	}
	synthtest.Equal(t, "prod is protected", synthesize(t, "prod").protected, []bool{true, true, true})
	synthtest.Equal(t, "dev is protected", synthesize(t, "dev").protected, []bool{false})
}

func TestTagsAndABoundaryAreOnEverythingThatTakesThem(t *testing.T) {
	for id, role := range of(content(t, "bounded"), "AWS::IAM::Role") {
		properties := role["Properties"].(map[string]any)
		boundary, _ := properties["PermissionsBoundary"].(map[string]any)
		if parts, _ := boundary["Fn::Join"].([]any); len(parts) != 2 || !strings.HasSuffix(parts[1].([]any)[4].(string), ":policy/bounds") {
			t.Errorf("%s has the boundary %v", id, properties["PermissionsBoundary"])
		}
		synthtest.Equal(t, "tags of "+id, properties["Tags"], any([]any{map[string]any{"Key": "team", "Value": "photos"}}))
	}
}

func TestNoPolicyOfOursAllowsByWildcard(t *testing.T) {
	for environment := range variants() {
		for _, template := range templates(t, environment) {
			for _, found := range synthtest.Wildcards(template.Stack, template.Body["Resources"]) {
				t.Error(found)
			}
		}
	}
}
