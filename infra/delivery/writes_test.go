package delivery_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/objectkey"
)

func TestWritesHaveABehaviourAndKeysOfTheirOwn(t *testing.T) {
	made := of(t, "Full")
	found := made.behaviors(t)
	if len(found) != 2 {
		t.Fatalf("the behaviours are %v", found)
	}
	writes := maps.Clone(found[0])
	groups, _ := writes["TrustedKeyGroups"].([]any)
	items, _ := at(made.referred(t, groups[0]), "KeyGroupConfig", "Items").([]any)
	if len(items) != 1 || !strings.HasPrefix(at(items[0], "Ref").(string), "WriteKeys") {
		t.Errorf("writes trust %v", items)
	}
	associations, _ := writes["FunctionAssociations"].([]any)
	if len(associations) != 1 || at(associations[0], "EventType") != "viewer-request" {
		t.Fatalf("the functions are %v", associations)
	}
	function := made.referred(t, at(associations[0], "FunctionARN"))
	is(t, "the runtime", at(function, "FunctionConfig", "Runtime"), `"cloudfront-js-2.0"`)
	is(t, "published", function["AutoPublish"], `true`)
	policy := made.referred(t, writes["OriginRequestPolicyId"])
	is(t, "what S3 sees", at(policy, "OriginRequestPolicyConfig", "HeadersConfig"), `{"HeaderBehavior":"whitelist","Headers":["Content-Type"]}`)
	is(t, "what S3 sees", at(policy, "OriginRequestPolicyConfig", "CookiesConfig"), `{"CookieBehavior":"none"}`)
	is(t, "what S3 sees", at(policy, "OriginRequestPolicyConfig", "QueryStringsConfig"), `{"QueryStringBehavior":"none"}`)
	for _, seen := range []string{"TrustedKeyGroups", "FunctionAssociations", "OriginRequestPolicyId", "TargetOriginId"} {
		delete(writes, seen)
	}
	// AWS's managed policy CachingDisabled.
	is(t, "the rest", writes, `{
		"PathPattern": "/upload/*", "ViewerProtocolPolicy": "https-only", "Compress": false,
		"AllowedMethods": ["GET","HEAD","OPTIONS","PUT","PATCH","POST","DELETE"], "CachedMethods": ["GET","HEAD"],
		"CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}`)
	for _, name := range []string{"Plain", "Bound", "Pointed", "Imported"} {
		if functions := of(t, name).resources("AWS::CloudFront::Function"); len(functions) > 0 {
			t.Errorf("%s has the functions %v", name, functions)
		}
	}
}

// code is the function as it is deployed.
func code(t *testing.T) string {
	t.Helper()
	text, _ := of(t, "Full").one(t, "AWS::CloudFront::Function", "FunctionCode").(string)
	return text
}

// CloudFront's runtime is ECMAScript 5.1 with a choice of later features
// (Developer Guide, "JavaScript runtime 2.0 features for CloudFront Functions").
func TestFunctionIsWhatCloudFrontTakes(t *testing.T) {
	text := code(t)
	if len(text) == 0 || len(text) > 10*1024 {
		t.Errorf("it has %d bytes", len(text))
	}
	if !strings.Contains(text, "const PREFIX = '/upload/';") || strings.Contains(text, "@PREFIX@") {
		t.Error("it doesn't have the prefix")
	}
	if regexp.MustCompile(`for \([^;]*\) \{`).MatchString(text) {
		t.Error("it has a for loop over a collection")
	}
	for _, absent := range []string{"class ", "?.", "??", "...", "eval(", "new Function", "import ", "require(", "console.", "catch {"} {
		if strings.Contains(withoutComments(text), absent) {
			t.Errorf("it says %q", absent)
		}
	}
}

func withoutComments(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "//") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

type members map[string]any

// event is a viewer request in the form of the Developer Guide, "CloudFront
// Functions event structure".
func event(method, uri string, query, headers, cookies members) members {
	return members{
		"version": "1.0",
		"context": members{"distributionDomainName": "d111111abcdef8.cloudfront.net", "distributionId": "EDFDVBD6EXAMPLE", "eventType": "viewer-request", "requestId": "EXAMPLE4qoC01BTZNCXAMPLE=="},
		"viewer":  members{"ip": "198.51.100.11"},
		"request": members{"method": method, "uri": uri, "querystring": query, "headers": headers, "cookies": cookies},
	}
}

func value(text string) members { return members{"value": text} }

func twice(first, second string) members {
	return members{"value": first, "multiValue": []members{value(first), value(second)}}
}

func put(change func(query, headers, cookies members)) members {
	query := members{
		"sg-id": value("01J0000000000000000000000"), "sg-method": value("PUT"), "sg-length": value("11"), "sg-type": value("image%2Fsvg%2Bxml"),
		"Expires": value("1795262400"), "Signature": value("abc~"), "Key-Pair-Id": value("K2JCJMDEHXQW5F"), "Hash-Algorithm": value("SHA256"),
	}
	headers := members{"host": value("cdn.example.com"), "content-length": value("11"), "content-type": value("image/svg+xml")}
	cookies := members{"theme": value("dark")}
	change(query, headers, cookies)
	return event("PUT", "/upload/users/alice/a%20b.svg", query, headers, cookies)
}

func remove(change func(query, headers members)) members {
	query := members{"sg-id": value("01J0000000000000000000000"), "sg-method": value("DELETE"), "Expires": value("1795262400"), "Signature": value("abc~"), "Key-Pair-Id": value("K2JCJMDEHXQW5F")}
	headers := members{"host": value("cdn.example.com")}
	change(query, headers)
	return event("DELETE", "/upload/users/alice/a.svg", query, headers, members{})
}

func with(e members, method, uri string) members {
	request := e["request"].(members)
	request["method"], request["uri"] = method, uri
	return e
}

// outcome is a request that goes on or an answer.
type outcome struct {
	StatusCode  int            `json:"statusCode"`
	URI         string         `json:"uri"`
	Method      string         `json:"method"`
	Querystring map[string]any `json:"querystring"`
	Body        string         `json:"body"`
	Headers     map[string]struct{ Value string }
}

// run runs the function as it is deployed for each event, in an engine
// without anything of Node.js.
func run(t *testing.T, events []members) []outcome {
	t.Helper()
	const driver = `
const vm = require('vm');
let text = '';
process.stdin.on('data', (chunk) => { text += chunk; }).on('end', () => {
  const { code, events } = JSON.parse(text);
  const outcomes = events.map((event) => {
    const context = vm.createContext({ given: JSON.stringify(event) });
    vm.runInContext(code, context);
    return JSON.parse(vm.runInContext('JSON.stringify(handler(JSON.parse(given)))', context));
  });
  process.stdout.write(JSON.stringify(outcomes));
});`
	node, err := filepath.Abs("../node_modules/.bin/node")
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]any{"code": code(t), "events": events})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), node, "-e", driver)
	command.Stdin = bytes.NewReader(input)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v; the pinned Node.js is installed by npm ci in infra\n%s", err, complaint.String())
	}
	var outcomes []outcome
	if err := json.Unmarshal(output, &outcomes); err != nil || len(outcomes) != len(events) {
		t.Fatalf("%v: %s", err, output)
	}
	return outcomes
}

func TestWriteGoesThroughAsItWasSignedFor(t *testing.T) {
	none := func(_, _, _ members) {}
	cases := map[string]struct {
		event members
		uri   string
	}{
		"upload":            {put(none), "/users/alice/a%20b.svg"},
		"upload of nothing": {put(func(q, h, _ members) { q["sg-length"], h["content-length"] = value("0"), value("0") }), "/users/alice/a%20b.svg"},
		"type with a parameter": {put(func(q, h, _ members) {
			q["sg-type"], h["content-type"] = value("text%2Fplain%3B%20charset%3Dutf-8"), value("text/plain; charset=utf-8")
		}), "/users/alice/a%20b.svg"},
		"CloudFront's parameters hidden": {put(func(q, _, _ members) {
			for _, name := range []string{"Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm"} {
				delete(q, name)
			}
		}), "/users/alice/a%20b.svg"},
		"delete":                  {remove(func(_, _ members) {}), "/users/alice/a.svg"},
		"delete with empty body":  {remove(func(_, h members) { h["content-length"] = value("0") }), "/users/alice/a.svg"},
		"key below the same name": {with(put(none), "PUT", "/upload/upload/a"), "/upload/a"},
		"key of one character":    {with(put(none), "PUT", "/upload/a"), "/a"},
		"key of other scripts":    {with(put(none), "PUT", "/upload/%C3%A4/%F0%9F%8F%94"), "/%C3%A4/%F0%9F%8F%94"},
		"key with a wildcard":     {with(put(none), "PUT", "/upload/a%2A%3F%27%28%29%21"), "/a%2A%3F%27%28%29%21"},
		"longest key":             {with(put(none), "PUT", "/upload/"+strings.Repeat("%C3%A4", 512)), "/" + strings.Repeat("%C3%A4", 512)},
	}
	var names []string
	var events []members
	for name, c := range cases {
		names, events = append(names, name), append(events, c.event)
	}
	for i, got := range run(t, events) {
		if c := cases[names[i]]; got.StatusCode != 0 || got.URI != c.uri || len(got.Querystring) != 0 {
			t.Errorf("%s: %+v", names[i], got)
		}
	}
}

func TestWriteThatWasNotSignedForIsRefused(t *testing.T) {
	none := func(_, _, _ members) {}
	cases := map[string]members{}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE", "put", ""} {
		cases["method "+method] = with(put(none), method, "/upload/a")
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PATCH", "PUT"} {
		cases["delete as "+method] = with(remove(func(_, _ members) {}), method, "/upload/a")
		// Signed for what the behaviour allows, and yet not to be had.
		cases["signed for "+method+" as it is"] = with(remove(func(q, _ members) { q["sg-method"] = value(method) }), method, "/upload/a")
	}
	delete(cases, "signed for PUT as it is")
	for _, name := range []string{"sg-id", "sg-method", "sg-length", "sg-type"} {
		cases["no "+name] = put(func(q, _, _ members) { delete(q, name) })
		cases[name+" empty"] = put(func(q, _, _ members) { q[name] = value("") })
		cases[name+" twice"] = put(func(q, _, _ members) {
			same := q[name].(members)["value"].(string)
			q[name] = twice(same, same)
		})
	}
	for _, name := range []string{"Policy", "versionId", "uploadId", "partNumber", "acl", "tagging", "x-amz-acl", "X-Amz-Signature", "SG-ID", "constructor", "__proto__", ""} {
		cases["parameter "+name] = put(func(q, _, _ members) { q[name] = value("x") })
	}
	for _, name := range []string{"CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id", "CloudFront-Expires", "CloudFront-Hash-Algorithm"} {
		cases["cookie "+name] = put(func(_, _, c members) { c[name] = value("x") })
	}
	cases["Signature twice"] = put(func(q, _, _ members) { q["Signature"] = twice("a", "b") })
	cases["id that is none"] = put(func(q, _, _ members) { q["sg-id"] = value("a%20b") })
	for _, length := range []string{"12", "011", "+11", "-11", "1e1", "11.0", "0xb", " 11", "%31%31", "99999999999999999"} {
		cases["signed length "+length] = put(func(q, _, _ members) { q["sg-length"] = value(length) })
		cases["length "+length] = put(func(_, h, _ members) { h["content-length"] = value(length) })
		cases["both lengths "+length] = put(func(q, h, _ members) { q["sg-length"], h["content-length"] = value(length), value(length) })
	}
	delete(cases, "both lengths 12") // that is what it was signed for
	cases["no length"] = put(func(_, h, _ members) { delete(h, "content-length") })
	cases["two lengths"] = put(func(_, h, _ members) { h["content-length"] = twice("11", "11") })
	cases["in chunks"] = put(func(_, h, _ members) { h["transfer-encoding"] = value("chunked") })
	cases["in chunks without length"] = put(func(_, h, _ members) {
		delete(h, "content-length")
		h["transfer-encoding"] = value("chunked")
	})
	cases["no type"] = put(func(_, h, _ members) { delete(h, "content-type") })
	cases["two types"] = put(func(_, h, _ members) { h["content-type"] = twice("image/svg+xml", "image/svg+xml") })
	cases["another type"] = put(func(_, h, _ members) { h["content-type"] = value("text/html") })
	cases["type in capitals"] = put(func(_, h, _ members) { h["content-type"] = value("Image/svg+xml") })
	cases["type with more"] = put(func(_, h, _ members) { h["content-type"] = value("image/svg+xml; charset=utf-8") })
	cases["type that can't be decoded"] = put(func(q, h, _ members) { q["sg-type"], h["content-type"] = value("%zz"), value("%zz") })
	cases["type of two lines"] = put(func(q, h, _ members) {
		q["sg-type"], h["content-type"] = value("text%2Fplain%0A"), value("text/plain\n")
	})
	cases["type of a space"] = put(func(q, h, _ members) { q["sg-type"], h["content-type"] = value("%20"), value(" ") })
	cases["encoded content"] = put(func(_, h, _ members) { h["content-encoding"] = value("gzip") })
	cases["delete with length"] = remove(func(q, _ members) { q["sg-length"] = value("0") })
	cases["delete with type"] = remove(func(q, _ members) { q["sg-type"] = value("text%2Fplain") })
	cases["delete with a body"] = remove(func(_, h members) { h["content-length"] = value("1") })
	cases["delete in chunks"] = remove(func(_, h members) { h["transfer-encoding"] = value("chunked") })
	cases["delete with two lengths"] = remove(func(_, h members) { h["content-length"] = twice("0", "0") })
	for _, uri := range []string{
		"", "/", "/upload", "/upload/", "/Upload/a", "/%75pload/a", "/upload%2Fa", "//upload/a", "/other/a", "upload/a", "/x/upload/a",
		"/upload//a", "/upload/a/", "/upload/a//b", "/upload/.", "/upload/..", "/upload/a/../b", "/upload/../a", "/upload/%2E%2E/a", "/upload/%2e/a",
		"/upload/a%2Fb", "/upload/a%2fb", "/upload/a b", "/upload/a+b", "/upload/%61", "/upload/a%7Eb", "/upload/a*", "/upload/a'", "/upload/%c3%a4",
		"/upload/%C3", "/upload/%ED%A0%80", "/upload/%", "/upload/%zz", "/upload/%00", "/upload/a%0Ab", "/upload/%7F", "/upload/%C2%85", "/upload/ä",
		"/upload/a\\b", "/upload/a?b", "/upload/a#b", "/upload/" + strings.Repeat("a", 1025), "/upload/" + strings.Repeat("%C3%A4", 512) + "a",
	} {
		cases["path "+uri] = with(put(none), "PUT", uri)
	}
	for _, member := range []string{"uri", "querystring", "headers"} {
		e := put(none)
		delete(e["request"].(members), member)
		cases["event without "+member] = e
	}
	cases["event without anything"] = members{}
	var names []string
	var events []members
	for name, e := range cases {
		names, events = append(names, name), append(events, e)
	}
	for i, got := range run(t, events) {
		if got.StatusCode != http.StatusForbidden || got.Body == "" || got.Headers["cache-control"].Value != "no-store" || got.URI != "" {
			t.Errorf("%s: %+v", names[i], got)
		}
	}
}

// What a key may be, and how it is written, is pkg/objectkey's to say. Paths
// are made of what keys and mistakes are made of.
func TestFunctionAndGatewayAgreeWhatAKeyIs(t *testing.T) {
	parts := []string{"a", "Z", "9", "-", ".", "_", "~", "/", "//", "..", "%20", "%2F", "%2f", "%C3%A4", "%C3", "%A4", "%2A", "*", "'", "%27", "+", "%2B", "%7E", "%61", "%00", "%7F", "%C2%85", "%EF%BF%BD", "%F0%9F%8F%94", "ä", "%", " "}
	random := rand.New(rand.NewPCG(1, 2))
	var paths []string
	var events []members
	for range 4000 {
		var path strings.Builder
		for range 1 + random.IntN(4) {
			path.WriteString(parts[random.IntN(len(parts))])
		}
		paths = append(paths, path.String())
		events = append(events, with(put(func(_, _, _ members) {}), "PUT", "/upload/"+path.String()))
	}
	agreed := 0
	for i, got := range run(t, events) {
		want := false
		if name, err := url.PathUnescape(paths[i]); err == nil {
			key, err := objectkey.Parse(name)
			want = err == nil && key.Path() == "/"+paths[i]
		}
		if through := got.StatusCode == 0; through != want || (through && got.URI != "/"+paths[i]) {
			t.Errorf("%q: %+v, want through: %t", paths[i], got, want)
		}
		if want {
			agreed++
		}
	}
	if agreed < 100 {
		t.Errorf("only %d of the paths are keys", agreed)
	}
}
