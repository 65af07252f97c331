package delivery_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/delivery"
	"github.com/signgate/signgate/infra/signingkeys"
	"github.com/signgate/signgate/infra/synthtest"
	"github.com/signgate/signgate/pkg/edge"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

const (
	certificateARN = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d-0000-0000-0000-000000000000"
	webACL         = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/mine/0a1b2c3d-0000-0000-0000-000000000000"
)

// template is a synthesized one.
type template map[string]any

// lifetime is that of the tests' behaviours.
func lifetime() edge.Lifetime {
	return edge.Lifetime{Min: time.Second, Default: time.Hour, Max: 24 * time.Hour}
}

// newTrust takes the key of a file of the environments.
func newTrust(stack awscdk.Stack, id, file string) signingkeys.Trust {
	pem, err := os.ReadFile("../environments/keys/" + file + ".pem")
	if err != nil {
		panic(err)
	}
	return signingkeys.NewTrust(stack, &id, &signingkeys.Props{Slots: []signingkeys.Slot{{ID: "a", PEM: string(pem)}}, Active: "a"})
}

// required are the props that can't be left out.
func required(stack awscdk.Stack, origins ...string) *delivery.Props {
	trust := newTrust(stack, "SigningKeys", "dev-a")
	var ids []string
	for _, id := range *trust.KeyIDs() {
		ids = append(ids, *id)
	}
	return &delivery.Props{
		Bucket: awss3.NewBucket(stack, jsii.String("Bucket"), nil), Keys: trust.KeyGroup(),
		Behavior: edge.ReadBehavior(ids, lifetime(), origins...),
	}
}

func zone(stack awscdk.Stack) awsroute53.IHostedZone {
	return awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{HostedZoneId: jsii.String("Z0123456789ABC"), ZoneName: jsii.String("example.com")})
}

func certificate(stack awscdk.Stack) awscertificatemanager.ICertificate {
	return awscertificatemanager.Certificate_FromCertificateArn(stack, jsii.String("Certificate"), jsii.String(certificateARN))
}

// headers are one of each kind that a behaviour can set.
func headers() []edge.Header {
	return []edge.Header{
		{Name: "X-Content-Type-Options", Value: "nosniff"},
		{Name: "X-Frame-Options", Value: "DENY"},
		{Name: "Referrer-Policy", Value: "no-referrer"},
		{Name: "Content-Security-Policy", Value: "sandbox"},
		{Name: "Strict-Transport-Security", Value: "max-age=31536000; includeSubDomains; preload"},
		{Name: "X-Robots-Tag", Value: "noindex"},
	}
}

// bare is a behaviour that does as little as possible.
func bare(b edge.Behavior) edge.Behavior {
	b.Methods, b.CacheKey, b.Compress, b.CORS, b.Headers = []string{http.MethodGet, http.MethodHead}, nil, false, nil, nil
	return b
}

// stacks builds one stack for each way of using the constructs.
func builders() map[string]func(stack awscdk.Stack) {
	distribution := func(change func(awscdk.Stack, *delivery.Props)) func(awscdk.Stack) {
		return func(stack awscdk.Stack) {
			props := required(stack)
			change(stack, props)
			delivery.NewDistribution(stack, jsii.String("Delivery"), props)
		}
	}
	return map[string]func(awscdk.Stack){
		"Plain": distribution(func(awscdk.Stack, *delivery.Props) {}),
		"Full": distribution(func(stack awscdk.Stack, p *delivery.Props) {
			p.Comment, p.PriceClass, p.WebACL = "Pictures", awscloudfront.PriceClass_PRICE_CLASS_ALL, jsii.String(webACL)
			p.Geo = &delivery.Geo{Allow: []string{"DE", "FR"}}
			p.Domain = &delivery.Domain{Name: "cdn.example.com", Certificate: certificate(stack), Zone: zone(stack)}
			p.Writes = &delivery.WriteBehavior{PathPrefix: "/upload/", Keys: newTrust(stack, "WriteKeys", "prod-a").KeyGroup()}
			p.Behavior = edge.ReadBehavior(p.Behavior.KeyGroup, lifetime(), "https://app.example.com", "https://www.example.com")
			p.Behavior.Headers = headers()
		}),
		"Bound": distribution(func(stack awscdk.Stack, p *delivery.Props) {
			p.IPv4Only, p.PriceClass = true, awscloudfront.PriceClass_PRICE_CLASS_200
			p.Geo = &delivery.Geo{Block: []string{"AQ"}}
			p.Domain = &delivery.Domain{Name: "cdn.example.com", Certificate: certificate(stack), Zone: zone(stack)}
		}),
		"Pointed": distribution(func(stack awscdk.Stack, p *delivery.Props) {
			p.Domain = &delivery.Domain{Name: "cdn.example.com", Certificate: certificate(stack)}
			p.Behavior = bare(p.Behavior)
		}),
		"Imported": func(stack awscdk.Stack) {
			delivery.NewDistribution(stack, jsii.String("Delivery"), &delivery.Props{
				Bucket:   awss3.Bucket_FromBucketAttributes(stack, jsii.String("Bucket"), &awss3.BucketAttributes{BucketName: jsii.String("media-archive"), Region: jsii.String("eu-central-1")}),
				Keys:     awscloudfront.KeyGroup_FromKeyGroupId(stack, jsii.String("Keys"), jsii.String("0a1b2c3d-0000-0000-0000-000000000000")),
				Behavior: edge.ReadBehavior([]string{"K2JCJMDEHXQW5F"}, lifetime()),
			})
		},
		"FirewallOfRanges": func(stack awscdk.Stack) {
			delivery.NewFirewall(stack, jsii.String("Firewall"), &delivery.FirewallProps{
				AllowRanges: []string{"192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"}, RatePer5Mins: 2000,
				LogDestination: jsii.String("arn:aws:s3:::aws-waf-logs-mine"),
			})
		},
		"FirewallOfOneVersion": func(stack awscdk.Stack) {
			delivery.NewFirewall(stack, jsii.String("Firewall"), &delivery.FirewallProps{AllowRanges: []string{"192.0.2.0/24"}})
		},
		"FirewallOfRates": func(stack awscdk.Stack) {
			delivery.NewFirewall(stack, jsii.String("Firewall"), &delivery.FirewallProps{RatePer5Mins: 100})
		},
		"Logs": func(stack awscdk.Stack) {
			delivery.NewAccessLogs(stack, jsii.String("Logs"), &delivery.AccessLogsProps{DistributionID: jsii.String("E1EXAMPLE"), BucketARN: jsii.String("arn:aws:s3:::logs")})
			bucket := awss3.NewBucket(stack, jsii.String("Bucket"), nil)
			bucket.AddToResourcePolicy(delivery.LogDeliveryStatement(stack, bucket.BucketArn(), jsii.String("E1EXAMPLE")))
		},
		"LogsOfQueries": func(stack awscdk.Stack) {
			delivery.NewAccessLogs(stack, jsii.String("Logs"), &delivery.AccessLogsProps{DistributionID: jsii.String("E1EXAMPLE"), BucketARN: jsii.String("arn:aws:s3:::logs"), Queries: true})
		},
	}
}

func synthesize(flags synthtest.Flags) map[string]template {
	app := synthtest.App(flags)
	stacks := map[string]awscdk.Stack{}
	for name, build := range builders() {
		stacks[name] = awscdk.NewStack(app, jsii.String(name), nil)
		build(stacks[name])
	}
	templates := map[string]template{}
	for name, stack := range stacks {
		text, err := json.Marshal(assertions.Template_FromStack(stack, nil).ToJSON())
		if err != nil {
			panic(err)
		}
		made := template{}
		if err := json.Unmarshal(text, &made); err != nil {
			panic(err)
		}
		templates[name] = made
	}
	return templates
}

// both are the templates without feature flags and with the app's.
var both = sync.OnceValue(func() [2]map[string]template {
	return [2]map[string]template{synthesize(synthtest.NoFlags), synthesize(synthtest.HouseFlags)}
})

func of(t *testing.T, name string) template {
	t.Helper()
	made, ok := both()[0][name]
	if !ok {
		t.Fatalf("there is no stack %s", name)
	}
	return made
}

// resources are the properties of a type's resources, by logical id.
func (m template) resources(kind string) map[string]map[string]any {
	found := map[string]map[string]any{}
	all, _ := m["Resources"].(map[string]any)
	for id, value := range all {
		if resource, _ := value.(map[string]any); resource["Type"] == kind {
			found[id], _ = resource["Properties"].(map[string]any)
		}
	}
	return found
}

// one returns the only resource of a type, and what lies at a path within.
func (m template) one(t *testing.T, kind string, path ...string) any {
	t.Helper()
	found := m.resources(kind)
	if len(found) != 1 {
		t.Fatalf("there are %d of %s", len(found), kind)
	}
	for _, properties := range found {
		return at(properties, path...)
	}
	return nil
}

func at(value any, path ...string) any {
	for _, name := range path {
		inner, _ := value.(map[string]any)
		value = inner[name]
	}
	return value
}

const distributionType = "AWS::CloudFront::Distribution"

func (m template) distribution(t *testing.T, path ...string) any {
	t.Helper()
	return m.one(t, distributionType, append([]string{"DistributionConfig"}, path...)...)
}

// referred follows a Ref, or an Id by Fn::GetAtt, to the properties of what
// it leads to.
func (m template) referred(t *testing.T, reference any) map[string]any {
	t.Helper()
	id, _ := at(reference, "Ref").(string)
	if attribute, ok := at(reference, "Fn::GetAtt").([]any); ok && len(attribute) == 2 {
		id, _ = attribute[0].(string)
	}
	properties, ok := at(map[string]any(m), "Resources", id, "Properties").(map[string]any)
	if !ok {
		t.Fatalf("%v leads nowhere", reference)
	}
	return properties
}

// is compares with JSON text.
func is(t *testing.T, what string, got any, want string) {
	t.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	a, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(wanted)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("%s is\n%s, not\n%s", what, a, b)
	}
}

// behaviors are all of the distribution's, the default last.
func (m template) behaviors(t *testing.T) []map[string]any {
	t.Helper()
	others, _ := m.distribution(t, "CacheBehaviors").([]any)
	var found []map[string]any
	for _, behavior := range slices.Concat(others, []any{m.distribution(t, "DefaultCacheBehavior")}) {
		properties, ok := behavior.(map[string]any)
		if !ok {
			t.Fatalf("%v is no behaviour", behavior)
		}
		found = append(found, properties)
	}
	return found
}

// distributions are the names of the stacks that have one.
func distributions() []string { return []string{"Plain", "Full", "Bound", "Pointed", "Imported"} }
