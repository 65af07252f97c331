package behaviors_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/infra/behaviors"
	"github.com/signgate/signgate/pkg/edge"
)

// synthesized is a template of package delivery, with everything that a
// behaviour can have. Its tests compare what is read with what was given.
func synthesized(t testing.TB) map[string]any {
	t.Helper()
	text, err := os.ReadFile("testdata/template.json")
	if err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	return template
}

func TestBehaviourThatReadsIsReadBackWhole(t *testing.T) {
	got, err := behaviors.Of(synthesized(t))
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %+v", err, got)
	}
	b := got[0]
	if b.PathPattern != "*" || !slices.Equal(b.KeyGroup, []string{"ReadKey"}) || b.Unsigned || b.Lifetime.Default != time.Hour || !b.CORS.AllowCredentials || len(b.Headers) != 6 {
		t.Errorf("%+v", b)
	}
	if !slices.Contains(b.Headers, edge.Header{Name: "Strict-Transport-Security", Value: "max-age=31536000; includeSubDomains; preload"}) {
		t.Errorf("the headers are %v", b.Headers)
	}
}

// A behaviour before the default is tried before it.
func TestBehavioursComeInCloudFrontsOrder(t *testing.T) {
	template := synthesized(t)
	config := within(t, template, "Resources/Distribution/Properties/DistributionConfig").(map[string]any)
	thumbnails := maps.Clone(config["DefaultCacheBehavior"].(map[string]any))
	thumbnails["PathPattern"] = "/thumbs/*"
	open := maps.Clone(thumbnails)
	open["PathPattern"] = "/open/*"
	delete(open, "TrustedKeyGroups")
	config["CacheBehaviors"] = append([]any{thumbnails}, append(config["CacheBehaviors"].([]any), open)...)
	got, err := behaviors.Of(template)
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for _, b := range got {
		patterns = append(patterns, b.PathPattern)
		if b.Unsigned != (b.PathPattern == "/open/*") {
			t.Errorf("%s is unsigned: %t", b.PathPattern, b.Unsigned)
		}
	}
	if !slices.Equal(patterns, []string{"/thumbs/*", "/open/*", "*"}) {
		t.Errorf("the order is %v", patterns)
	}
}

// within follows names and numbers to a value.
func within(t testing.TB, value any, path string) any {
	t.Helper()
	for name := range strings.SplitSeq(path, "/") {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[name]
		case []any:
			place, err := strconv.Atoi(name)
			if err != nil || place >= len(inner) {
				t.Fatalf("%s: no %s", path, name)
			}
			value = inner[place]
		default:
			t.Fatalf("%s: no %s", path, name)
		}
	}
	return value
}

func TestWhatTheEdgeCannotDoIsAnError(t *testing.T) {
	const (
		config   = "Resources/Distribution/Properties/DistributionConfig"
		reads    = config + "/DefaultCacheBehavior"
		writes   = config + "/CacheBehaviors/0"
		cache    = "Resources/CachePolicy/Properties/CachePolicyConfig"
		key      = cache + "/ParametersInCacheKeyAndForwardedToOrigin"
		headers  = "Resources/HeadersPolicy/Properties/ResponseHeadersPolicyConfig"
		origin   = "Resources/PreflightPolicy/Properties/OriginRequestPolicyConfig"
		keyGroup = "Resources/ReadKeys/Properties/KeyGroupConfig"
	)
	others := within(t, synthesized(t), config+"/CacheBehaviors/0").(map[string]any)
	delete(others, "PathPattern")
	text, err := json.Marshal(others)
	if err != nil {
		t.Fatal(err)
	}
	writing := string(text) // as the default behaviour, where nothing may be left out
	for _, c := range []struct {
		where, member, value, want string
	}{
		{"Resources", "Other", `{"Type":"AWS::CloudFront::Distribution"}`, "2 distributions"},
		{"Resources", "Distribution", `null`, "0 distributions"},
		{config, "DefaultRootObject", `"index.html"`, "DefaultRootObject"},
		{config, "CustomErrorResponses", `[{"ErrorCode":403,"ResponsePagePath":"/403.html"}]`, "ResponsePagePath"},
		{config, "DefaultCacheBehavior", writing, "it has a function"},
		{config, "OriginGroups", `{}`, "OriginGroups"},
		{config, "Origins", `[]`, "0 origins"},
		{config, "Origins", `[{"Id":"TestOrigin","OriginAccessControlId":"E1"},{"Id":"another","OriginAccessControlId":"E1"}]`, "2 origins"},
		{config + "/Origins/0", "OriginPath", `"/a"`, "OriginPath"},
		{config + "/Origins/0", "CustomOriginConfig", `{}`, "CustomOriginConfig"},
		{reads, "TargetOriginId", `"another"`, "another origin"},
		{reads, "ViewerProtocolPolicy", `"allow-all"`, "allow-all"},
		{reads, "AllowedMethods", `["GET","HEAD","OPTIONS","PUT","PATCH","POST","DELETE"]`, "PUT"},
		{reads, "AllowedMethods", `["GET","HEAD"]`, "pages may"},
		{reads, "CachedMethods", `["GET","HEAD","OPTIONS"]`, "caches"},
		{reads, "FunctionAssociations", `[{"EventType":"viewer-request","FunctionARN":{"Ref":"WriteFunction"}}]`, "function"},
		{reads, "LambdaFunctionAssociations", `[]`, "LambdaFunctionAssociations"},
		{reads, "TrustedSigners", `["self"]`, "TrustedSigners"},
		{reads, "TrustedKeyGroups", `["0a1b2c3d"]`, "existing key group"},
		{reads, "TrustedKeyGroups", `[{"Ref":"Missing"}]`, "no KeyGroup"},
		{reads, "TrustedKeyGroups", `[{"Fn::ImportValue":"x"}]`, "Fn::ImportValue"},
		{reads, "TrustedKeyGroups", `[{"Ref":""}]`, "leads nowhere"},
		{reads, "CachePolicyId", `"658327ea-f89d-4fab-a63d-7e88639e58f6"`, "no CachePolicy"},
		{reads, "CachePolicyId", `{"Ref":"HeadersPolicy"}`, "no CachePolicy"},
		{reads, "OriginRequestPolicyId", `null`, "preflights"},
		{reads, "OriginRequestPolicyId", `"88a5eaf4-2fd4-4709-b370-b4c650ea3fcf"`, "no OriginRequestPolicy"},
		{reads, "Compress", `false`, "compression"},
		{key, "EnableAcceptEncodingBrotli", `false`, "Brotli"},
		{key, "CookiesConfig", `{"CookieBehavior":"all"}`, "cookies"},
		{key, "HeadersConfig", `{"HeaderBehavior":"whitelist","Headers":["Origin"]}`, "headers"},
		{key, "QueryStringsConfig", `{"QueryStringBehavior":"all"}`, "all parameters"},
		{key, "QueryStringsConfig", `{"QueryStringBehavior":"allExcept","QueryStrings":["sg-id"]}`, "allExcept"},
		{cache, "MinTTL", `99999999`, "lifetimes"},
		{cache, "MinTTL", `{"Ref":"Parameter"}`, "MinTTL"},
		{origin, "HeadersConfig", `{"HeaderBehavior":"whitelist","Headers":["Origin"]}`, "something else"},
		{origin, "HeadersConfig", `{"HeaderBehavior":"allViewer"}`, "something else"},
		{origin, "HeadersConfig", `{"HeaderBehavior":"allExcept","Headers":["Origin","Access-Control-Request-Method","Access-Control-Request-Headers"]}`, "something else"},
		{origin, "CookiesConfig", `{"CookieBehavior":"all"}`, "something else"},
		{origin, "QueryStringsConfig", `{"QueryStringBehavior":"all"}`, "something else"},
		{headers, "RemoveHeadersConfig", `{"Items":[{"Header":"ETag"}]}`, "RemoveHeadersConfig"},
		{headers, "ServerTimingHeadersConfig", `{"Enabled":true}`, "ServerTimingHeadersConfig"},
		{headers + "/CorsConfig", "OriginOverride", `false`, "gives way"},
		{headers + "/SecurityHeadersConfig", "XSSProtection", `{"Override":true,"Protection":true}`, "XSSProtection"},
		{headers + "/SecurityHeadersConfig/ContentTypeOptions", "Override", `false`, "gives way"},
		{headers + "/CustomHeadersConfig/Items/0", "Override", `false`, "gives way"},
		{keyGroup, "Items", `["K2JCJMDEHXQW5F"]`, "of elsewhere"},
		{keyGroup, "Items", `[{"Ref":"Bucket"}]`, "of elsewhere"},
		// What isn't quite what writes is not left out.
		{writes, "TrustedKeyGroups", `[]`, "/upload/*"},
		{writes, "FunctionAssociations", `[]`, "/upload/*"},
		{writes, "ViewerProtocolPolicy", `"allow-all"`, "/upload/*"},
		{writes, "AllowedMethods", `["GET","HEAD"]`, "/upload/*"},
		{writes, "TargetOriginId", `"another"`, "another origin"},
	} {
		template := synthesized(t)
		var value any
		if err := json.Unmarshal([]byte(c.value), &value); err != nil {
			t.Fatal(err)
		}
		within(t, template, c.where).(map[string]any)[c.member] = value
		got, err := behaviors.Of(template)
		if !errors.Is(err, behaviors.ErrNotUnderstood) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s/%s = %s: %v, %+v", c.where, c.member, c.value, err, got)
		}
		var file bytes.Buffer
		if err := behaviors.Write(&file, template); !errors.Is(err, behaviors.ErrNotUnderstood) || file.Len() > 0 {
			t.Errorf("%s/%s = %s is written: %v\n%s", c.where, c.member, c.value, err, file.String())
		}
	}
	if _, err := behaviors.Of(nil); !errors.Is(err, behaviors.ErrNotUnderstood) {
		t.Errorf("nothing: %v", err)
	}
}
