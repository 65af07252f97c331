package delivery_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/delivery"
	"github.com/signgate/signgate/pkg/edge"
)

func TestFeatureFlagsOfTheAppDoNotMatter(t *testing.T) {
	none, own := both()[0], both()[1]
	for name := range none {
		if !reflect.DeepEqual(none[name]["Resources"], own[name]["Resources"]) {
			t.Errorf("%s differs:\n%v\n%v", name, none[name]["Resources"], own[name]["Resources"])
		}
	}
}

// What reaches the bucket carries a signature that was checked, and comes by
// HTTPS, in every behaviour of every distribution.
func TestEveryBehaviourWantsASignatureAndHTTPS(t *testing.T) {
	for _, name := range distributions() {
		for _, behavior := range of(t, name).behaviors(t) {
			groups, _ := behavior["TrustedKeyGroups"].([]any)
			if len(groups) != 1 || groups[0] == nil || behavior["TrustedSigners"] != nil {
				t.Errorf("%s: %v trusts %v", name, behavior["PathPattern"], groups)
			}
			if behavior["ViewerProtocolPolicy"] != "https-only" {
				t.Errorf("%s: %v is served by %v", name, behavior["PathPattern"], behavior["ViewerProtocolPolicy"])
			}
		}
	}
}

func TestReadsTrustTheirOwnKeysOnly(t *testing.T) {
	for _, name := range []string{"Plain", "Full"} {
		made := of(t, name)
		groups, _ := made.distribution(t, "DefaultCacheBehavior", "TrustedKeyGroups").([]any)
		items, _ := at(made.referred(t, groups[0]), "KeyGroupConfig", "Items").([]any)
		for _, item := range items {
			if id, _ := at(item, "Ref").(string); !strings.HasPrefix(id, "SigningKeys") {
				t.Errorf("%s: reads trust %v", name, item)
			}
		}
		if len(items) != 1 {
			t.Errorf("%s: reads trust %v", name, items)
		}
	}
	is(t, "an existing group", of(t, "Imported").distribution(t, "DefaultCacheBehavior", "TrustedKeyGroups"), `["0a1b2c3d-0000-0000-0000-000000000000"]`)
}

func TestReadsAllowNoOtherMethodThanSaid(t *testing.T) {
	is(t, "Plain", of(t, "Plain").distribution(t, "DefaultCacheBehavior", "AllowedMethods"), `["GET","HEAD","OPTIONS"]`)
	is(t, "without OPTIONS", of(t, "Pointed").distribution(t, "DefaultCacheBehavior", "AllowedMethods"), `["GET","HEAD"]`)
	for _, name := range distributions() {
		is(t, name+" caches", of(t, name).distribution(t, "DefaultCacheBehavior", "CachedMethods"), `["GET","HEAD"]`)
		if name != "Full" && of(t, name).distribution(t, "CacheBehaviors") != nil {
			t.Errorf("%s has another behaviour", name)
		}
	}
}

func TestOriginIsSignedForAlwaysAndByNothingElse(t *testing.T) {
	for _, name := range distributions() {
		made := of(t, name)
		is(t, name, made.one(t, "AWS::CloudFront::OriginAccessControl", "OriginAccessControlConfig", "SigningBehavior"), `"always"`)
		is(t, name, made.one(t, "AWS::CloudFront::OriginAccessControl", "OriginAccessControlConfig", "SigningProtocol"), `"sigv4"`)
		is(t, name, made.one(t, "AWS::CloudFront::OriginAccessControl", "OriginAccessControlConfig", "OriginAccessControlOriginType"), `"s3"`)
		origins, _ := made.distribution(t, "Origins").([]any)
		if len(origins) != 1 {
			t.Fatalf("%s has the origins %v", name, origins)
		}
		made.referred(t, at(origins[0], "OriginAccessControlId"))
		is(t, name, at(origins[0], "S3OriginConfig"), `{"OriginAccessIdentity":""}`)
		if at(origins[0], "OriginShield") != nil && at(origins[0], "OriginShield", "Enabled") != false {
			t.Errorf("%s has an origin shield", name)
		}
		for _, behavior := range made.behaviors(t) {
			if behavior["TargetOriginId"] != at(origins[0], "Id") {
				t.Errorf("%s: %v goes to %v", name, behavior["PathPattern"], behavior["TargetOriginId"])
			}
		}
	}
	is(t, "the bucket", at(of(t, "Plain").distribution(t, "Origins").([]any)[0], "DomainName"), `{"Fn::GetAtt":["Bucket83908E77","RegionalDomainName"]}`)
}

func TestPoliciesOfTheBucketAreLeftAlone(t *testing.T) {
	for _, name := range distributions() {
		if found := of(t, name).resources("AWS::S3::BucketPolicy"); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// A parameter that isn't named here neither splits the cache nor reaches S3:
// not sg-id, not a signature.
func TestCacheIsSplitByTheOverridesAndNothingElse(t *testing.T) {
	made := of(t, "Plain")
	policy := made.referred(t, made.distribution(t, "DefaultCacheBehavior", "CachePolicyId"))
	is(t, "the cache key", at(policy, "CachePolicyConfig", "ParametersInCacheKeyAndForwardedToOrigin"), `{
		"CookiesConfig": {"CookieBehavior": "none"},
		"HeadersConfig": {"HeaderBehavior": "none"},
		"QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": ["response-cache-control", "response-content-disposition", "response-content-type", "versionId"]},
		"EnableAcceptEncodingBrotli": true, "EnableAcceptEncodingGzip": true}`)
	for member, want := range map[string]string{"MinTTL": "1", "DefaultTTL": "3600", "MaxTTL": "86400"} {
		is(t, member, at(policy, "CachePolicyConfig", member), want)
	}
	is(t, "Compress", made.distribution(t, "DefaultCacheBehavior", "Compress"), `true`)

	made = of(t, "Pointed")
	policy = made.referred(t, made.distribution(t, "DefaultCacheBehavior", "CachePolicyId"))
	is(t, "the bare cache key", at(policy, "CachePolicyConfig", "ParametersInCacheKeyAndForwardedToOrigin"), `{
		"CookiesConfig": {"CookieBehavior": "none"}, "HeadersConfig": {"HeaderBehavior": "none"}, "QueryStringsConfig": {"QueryStringBehavior": "none"},
		"EnableAcceptEncodingBrotli": false, "EnableAcceptEncodingGzip": false}`)
	is(t, "the bare Compress", made.distribution(t, "DefaultCacheBehavior", "Compress"), `false`)
}

func TestOriginSeesOfAReadWhatAPreflightAsksAndNothingElse(t *testing.T) {
	made := of(t, "Plain")
	policy := made.referred(t, made.distribution(t, "DefaultCacheBehavior", "OriginRequestPolicyId"))
	is(t, "headers", at(policy, "OriginRequestPolicyConfig", "HeadersConfig"), `{"HeaderBehavior":"whitelist","Headers":["Origin","Access-Control-Request-Method","Access-Control-Request-Headers"]}`)
	is(t, "cookies", at(policy, "OriginRequestPolicyConfig", "CookiesConfig"), `{"CookieBehavior":"none"}`)
	is(t, "query", at(policy, "OriginRequestPolicyConfig", "QueryStringsConfig"), `{"QueryStringBehavior":"none"}`)
	is(t, "without preflights", of(t, "Pointed").distribution(t, "DefaultCacheBehavior", "OriginRequestPolicyId"), `null`)
}

func TestPagesMayReadAsTheBehaviourSays(t *testing.T) {
	policy := func(name string) any {
		made := of(t, name)
		return at(made.referred(t, made.distribution(t, "DefaultCacheBehavior", "ResponseHeadersPolicyId")), "ResponseHeadersPolicyConfig")
	}
	is(t, "for any page", at(policy("Plain"), "CorsConfig"), `{
		"AccessControlAllowCredentials": false,
		"AccessControlAllowHeaders": {"Items": ["Range"]},
		"AccessControlAllowMethods": {"Items": ["GET", "HEAD", "OPTIONS"]},
		"AccessControlAllowOrigins": {"Items": ["*"]},
		"AccessControlExposeHeaders": {"Items": ["ETag", "Content-Disposition", "Content-Length", "Content-Range"]},
		"AccessControlMaxAgeSec": 600, "OriginOverride": true}`)
	is(t, "for named pages", at(policy("Full"), "CorsConfig", "AccessControlAllowOrigins"), `{"Items":["https://app.example.com","https://www.example.com"]}`)
	is(t, "for named pages", at(policy("Full"), "CorsConfig", "AccessControlAllowCredentials"), `true`)
	is(t, "plain", at(policy("Plain"), "SecurityHeadersConfig"), `{"ContentTypeOptions":{"Override":true}}`)
	is(t, "plain", at(policy("Plain"), "CustomHeadersConfig"), `null`)
	is(t, "full", at(policy("Full"), "SecurityHeadersConfig"), `{
		"ContentSecurityPolicy": {"ContentSecurityPolicy": "sandbox", "Override": true},
		"ContentTypeOptions": {"Override": true},
		"FrameOptions": {"FrameOption": "DENY", "Override": true},
		"ReferrerPolicy": {"ReferrerPolicy": "no-referrer", "Override": true},
		"StrictTransportSecurity": {"AccessControlMaxAgeSec": 31536000, "IncludeSubdomains": true, "Preload": true, "Override": true}}`)
	is(t, "full", at(policy("Full"), "CustomHeadersConfig"), `{"Items":[{"Header":"X-Robots-Tag","Value":"noindex","Override":true}]}`)
	is(t, "bare", of(t, "Pointed").distribution(t, "DefaultCacheBehavior", "ResponseHeadersPolicyId"), `null`)
}

func TestRefusalsStayVisibleAndAreNotKept(t *testing.T) {
	for _, name := range distributions() {
		responses, _ := of(t, name).distribution(t, "CustomErrorResponses").([]any)
		kept := map[float64]bool{400: true, 403: true, 404: true, 405: true, 414: true, 416: true, 500: true, 501: true, 502: true, 503: true, 504: true}
		for _, response := range responses {
			code, _ := at(response, "ErrorCode").(float64)
			delete(kept, code)
			if at(response, "ErrorCachingMinTTL") != 0.0 || at(response, "ResponsePagePath") != nil || at(response, "ResponseCode") != nil {
				t.Errorf("%s: %v", name, response)
			}
		}
		if len(kept) > 0 {
			t.Errorf("%s keeps %v", name, kept)
		}
		if root := of(t, name).distribution(t, "DefaultRootObject"); root != nil {
			t.Errorf("%s has the root object %v", name, root)
		}
	}
}

func TestIPv6IsOffWhereAddressesAreBoundOnly(t *testing.T) {
	for _, name := range distributions() {
		made := of(t, name)
		if on := made.distribution(t, "IPV6Enabled"); on != (name != "Bound") {
			t.Errorf("%s: IPv6 is %v", name, on)
		}
		kinds := map[any]int{}
		for _, record := range made.resources("AWS::Route53::RecordSet") {
			kinds[record["Type"]]++
			if record["Name"] != "cdn.example.com." || record["HostedZoneId"] != "Z0123456789ABC" || at(record["AliasTarget"], "DNSName", "Fn::GetAtt") == nil {
				t.Errorf("%s: %v", name, record)
			}
		}
		want := map[string]map[any]int{"Full": {"A": 1, "AAAA": 1}, "Bound": {"A": 1}}[name]
		if len(kinds)+len(want) > 0 && !reflect.DeepEqual(kinds, want) {
			t.Errorf("%s has the records %v", name, kinds)
		}
	}
}

func TestANameOfOnesOwnComesWithItsCertificateAndTLS12(t *testing.T) {
	for name, want := range map[string]string{"Plain": "null", "Imported": "null", "Full": "", "Bound": "", "Pointed": ""} {
		aliases := `["cdn.example.com"]`
		if want == "" {
			want = `{"AcmCertificateArn":"` + certificateARN + `","MinimumProtocolVersion":"TLSv1.2_2021","SslSupportMethod":"sni-only"}`
		} else {
			aliases = "null"
		}
		is(t, name, of(t, name).distribution(t, "ViewerCertificate"), want)
		is(t, name, of(t, name).distribution(t, "Aliases"), aliases)
	}
}

func TestTheRestIsAsSaid(t *testing.T) {
	for member, want := range map[string]map[string]string{
		"HttpVersion":  {"Plain": `"http2and3"`, "Full": `"http2and3"`},
		"PriceClass":   {"Plain": `"PriceClass_100"`, "Bound": `"PriceClass_200"`, "Full": `"PriceClass_All"`},
		"Comment":      {"Plain": `"Private objects by signed URL"`, "Full": `"Pictures"`},
		"WebACLId":     {"Plain": `null`, "Full": `"` + webACL + `"`},
		"Enabled":      {"Plain": `true`, "Full": `true`},
		"Logging":      {"Plain": `null`, "Full": `null`},
		"Restrictions": {"Plain": `null`, "Full": `{"GeoRestriction":{"Locations":["DE","FR"],"RestrictionType":"whitelist"}}`, "Bound": `{"GeoRestriction":{"Locations":["AQ"],"RestrictionType":"blacklist"}}`},
	} {
		for name, text := range want {
			is(t, name+"'s "+member, of(t, name).distribution(t, member), text)
		}
	}
}

func TestPropsThatMakeNoSenseAreRefusedAllAtOnce(t *testing.T) {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Refused"), nil)
	props := func(change func(*delivery.Props)) *delivery.Props {
		changed := *valid(stack)
		change(&changed)
		return &changed
	}
	behavior := func(change func(*edge.Behavior)) *delivery.Props {
		return props(func(p *delivery.Props) {
			cors := *p.Behavior.CORS
			p.Behavior.CORS = &cors
			change(&p.Behavior)
		})
	}
	for want, p := range map[string]*delivery.Props{
		"no props":                  nil,
		"Bucket is missing":         {},
		"Keys is missing":           {},
		"Behavior: ":                {},
		"at most 128":               props(func(p *delivery.Props) { p.Comment = strings.Repeat("x", 129) }),
		"PriceClass is none":        props(func(p *delivery.Props) { p.PriceClass = "PriceClass_1" }),
		"WebACL is empty":           props(func(p *delivery.Props) { p.WebACL = jsii.String("") }),
		"Geo takes Allow or Block":  props(func(p *delivery.Props) { p.Geo = &delivery.Geo{} }),
		"and not both":              props(func(p *delivery.Props) { p.Geo = &delivery.Geo{Allow: []string{"DE"}, Block: []string{"FR"}} }),
		`"de" is no country`:        props(func(p *delivery.Props) { p.Geo = &delivery.Geo{Allow: []string{"de"}} }),
		"is no domain name":         props(func(p *delivery.Props) { p.Domain = &delivery.Domain{Name: "CDN"} }),
		"Certificate is missing":    props(func(p *delivery.Props) { p.Domain = &delivery.Domain{Name: "cdn.example.com"} }),
		"is no single folder":       props(func(p *delivery.Props) { p.Writes = &delivery.WriteBehavior{PathPrefix: "/a/b/"} }),
		"is no single folder such":  props(func(p *delivery.Props) { p.Writes = &delivery.WriteBehavior{PathPrefix: "/'+x+'/"} }),
		"anybody could write":       props(func(p *delivery.Props) { p.Writes = &delivery.WriteBehavior{PathPrefix: "/upload/"} }),
		"is the group of reads":     props(func(p *delivery.Props) { p.Writes = &delivery.WriteBehavior{PathPrefix: "/upload/", Keys: p.Keys} }),
		"Behavior.PathPattern is *": behavior(func(b *edge.Behavior) { b.PathPattern = "/x/*" }),
		"Behavior.Unsigned":         behavior(func(b *edge.Behavior) { b.Unsigned, b.KeyGroup = true, nil }),
		"Behavior.Methods are":      behavior(func(b *edge.Behavior) { b.Methods = []string{"GET"} }),
		"allows PUT":                behavior(func(b *edge.Behavior) { b.Methods = []string{"GET", "HEAD", "PUT"} }),
		"at most 10":                behavior(func(b *edge.Behavior) { b.CacheKey = strings.Split("a,b,c,d,e,f,g,h,i,j,k", ",") }),
		"isn't whole seconds":       behavior(func(b *edge.Behavior) { b.Lifetime.Max += time.Millisecond }),
		"takes no cache key":        behavior(func(b *edge.Behavior) { b.Lifetime = edge.Lifetime{} }),
		"lies between Min and Max":  behavior(func(b *edge.Behavior) { b.Lifetime.Default = 48 * time.Hour }),
		"Default lies between":      behavior(func(b *edge.Behavior) { b.Lifetime.Default = 0 }),
		"AllowOrigins is empty":     behavior(func(b *edge.Behavior) { b.CORS.AllowOrigins = nil }),
		"AllowHeaders is empty":     behavior(func(b *edge.Behavior) { b.CORS.AllowHeaders = nil }),
		"MaxAge isn't whole":        behavior(func(b *edge.Behavior) { b.CORS.MaxAge = time.Millisecond }),
		"is nosniff":                behavior(func(b *edge.Behavior) { b.Headers = []edge.Header{{Name: "x-content-type-options", Value: "sniff"}} }),
		"DENY or SAMEORIGIN":        behavior(func(b *edge.Behavior) { b.Headers = []edge.Header{{Name: "X-Frame-Options", Value: "ALLOW"}} }),
		"is such as max-age": behavior(func(b *edge.Behavior) {
			b.Headers = []edge.Header{{Name: "Strict-Transport-Security", Value: "forever"}}
		}),
		"no place here":  behavior(func(b *edge.Behavior) { b.Headers = []edge.Header{{Name: "X-XSS-Protection", Value: "0"}} }),
		"is there twice": behavior(func(b *edge.Behavior) { b.Headers = []edge.Header{{Name: "X-A"}, {Name: "x-a"}} }),
	} {
		if err := p.Validate(); !errors.Is(err, delivery.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := valid(stack).Validate(); err != nil {
		t.Error(err)
	}
}

func valid(stack awscdk.Stack) *delivery.Props {
	if trusted := stack.Node().TryFindChild(jsii.String("SigningKeys")); trusted != nil {
		stack = awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Again"), nil)
	}
	return required(stack)
}

func TestConstructorsPanicWithTheComplaints(t *testing.T) {
	elsewhere := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Elsewhere"), &awscdk.StackProps{Env: &awscdk.Environment{Account: jsii.String("111122223333"), Region: jsii.String("eu-central-1")}})
	for name, construct := range map[string]func(){
		"distribution":       func() { delivery.NewDistribution(elsewhere, jsii.String("A"), &delivery.Props{}) },
		"firewall":           func() { delivery.NewFirewall(elsewhere, jsii.String("B"), &delivery.FirewallProps{}) },
		"logs":               func() { delivery.NewAccessLogs(elsewhere, jsii.String("C"), &delivery.AccessLogsProps{}) },
		"firewall elsewhere": func() { delivery.NewFirewall(elsewhere, jsii.String("D"), &delivery.FirewallProps{RatePer5Mins: 10}) },
		"logs elsewhere": func() {
			delivery.NewAccessLogs(elsewhere, jsii.String("E"), &delivery.AccessLogsProps{DistributionID: jsii.String("E1"), BucketARN: jsii.String("arn:aws:s3:::logs")})
		},
	} {
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, delivery.ErrInvalid) {
					t.Errorf("%s: recovered %v", name, err)
				}
			}()
			construct()
		}()
	}
}

func TestViewersFindItUnderItsName(t *testing.T) {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Found"), nil)
	own := delivery.NewDistribution(stack, jsii.String("Own"), required(stack))
	is(t, "CloudFront's own name", stack.Resolve(own.DomainName()), `{"Fn::GetAtt":["OwnDistribution20A4A593","DomainName"]}`)
	is(t, "the id", stack.Resolve(own.DistributionID()), `{"Ref":"OwnDistribution20A4A593"}`)
	is(t, "the ARN", stack.Resolve(own.DistributionARN()), `{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":cloudfront::",{"Ref":"AWS::AccountId"},":distribution/",{"Ref":"OwnDistribution20A4A593"}]]}`)
	is(t, "CDK's", stack.Resolve(own.Distribution().DistributionId()), `{"Ref":"OwnDistribution20A4A593"}`)
	other := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Named"), nil)
	props := required(other)
	props.Domain = &delivery.Domain{Name: "cdn.example.com", Certificate: certificate(other)}
	if named := delivery.NewDistribution(other, jsii.String("Own"), props); *named.DomainName() != "cdn.example.com" {
		t.Errorf("it is found under %s", *named.DomainName())
	}
}
