package policytest_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/versity/versitygw/auth"

	"github.com/signgate/signgate/infra/policytest"
)

// TestVersitygwJudgesTheSame asks two evaluators that share no code about
// generated bucket policies and anonymous requests: actions, resources,
// principals, all operators with their variants, missing keys and variables.
//
// Left out is where they differ on purpose: ARNs in which a wildcard would
// have to reach over a colon, ForAnyValue with a negated operator and a
// missing key, empty strings in sets, variables without a value, and what is
// an error here.
func TestVersitygwJudgesTheSame(t *testing.T) {
	const rounds = 20_000
	random := rand.New(rand.NewPCG(6, 2026))
	verdicts := map[string]int{}
	for range rounds {
		generated := generator{random}
		statements, keys := generated.statements(), generated.keys()
		document, err := json.Marshal(map[string]any{"Version": pick(random, "2012-10-17", "2012-10-17", "2008-10-17"), "Statement": statements})
		if err != nil {
			t.Fatal(err)
		}
		action := pick(random, "s3:GetObject", "s3:PutObject", "s3:DeleteObjectVersion", "s3:GetObjectVersion")
		object := pick(random, "a", "a/b", "photos/2026/a.jpg", "a:b")

		policy, err := policytest.ParsePolicy("p", policytest.Resource, document)
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		request := policytest.NewRequest(policytest.Anonymous(), action, "arn:aws:s3:::bucket/"+object)
		for name, values := range keys {
			request = request.With(name, values...)
		}
		ours, err := (&policytest.Policies{Buckets: map[string]*policytest.Bucket{"arn:aws:s3:::bucket": {Account: home, Policy: &policy}}}).Evaluate(request)
		if err != nil {
			t.Fatalf("%s with %v: %v", document, keys, err)
		}
		theirs := auth.VerifyPublicBucketPolicy(document, "bucket", object, keys, nil, auth.Action(action))
		verdicts[strings.TrimSpace(ours.Reason)]++
		if ours.Allowed != (theirs == nil) {
			t.Fatalf("%s\n%s on %s with %v\nours: %v\ntheirs: %v", document, action, object, keys, ours, theirs)
		}
	}
	for _, verdict := range []string{"the resource's policy", "the resource's policy doesn't allow it", "an explicit deny"} {
		if verdicts[verdict] < rounds/20 {
			t.Errorf("too few of %q to tell: %v", verdict, verdicts)
		}
	}
}

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

type generator struct{ *rand.Rand }

// some is one to three of them, or a single one not in a list.
func (g generator) some(from ...string) any {
	if g.IntN(2) == 0 {
		return pick(g.Rand, from...)
	}
	var list []string
	for range 1 + g.IntN(3) {
		list = append(list, pick(g.Rand, from...))
	}
	return list
}

func (g generator) statements() []map[string]any {
	var statements []map[string]any
	for range 1 + g.IntN(3) {
		s := map[string]any{
			"Effect":    pick(g.Rand, "Allow", "Allow", "Deny"),
			"Principal": pick[any](g.Rand, "*", "*", map[string]any{"AWS": "*"}, map[string]any{"AWS": "arn:aws:iam::111122223333:user/a"}),
			"Action":    g.some("s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "s3:*Object*", "s3:DeleteObjectVersion"),
			"Resource":  g.some("arn:aws:s3:::bucket/*", "arn:aws:s3:::*", "arn:aws:s3:::bucket/a*", "arn:aws:s3:::bucket/?", "arn:aws:s3:::bucket/*/*.jpg", "arn:aws:s3:::bucket/a:b", "arn:aws:s3:::bucket"),
		}
		if g.IntN(3) > 0 {
			s["Condition"] = g.conditions()
		}
		statements = append(statements, s)
	}
	return statements
}

// values that keys of each kind have in policies; requests take those without
// wildcards and ranges.
func (g generator) values(kind string) []string {
	switch kind {
	case "String":
		return []string{"a", "b", "A", "ab", "abc"}
	case "Numeric":
		return []string{"-1", "0", "1", "1.5", "10"}
	case "Date":
		return []string{"2020-01-01T00:00:00Z", "2020-01-01T00:00:01Z", "1577836800", "2021-06-01T12:00:00+02:00"}
	case "Bool":
		return []string{"true", "false"}
	case "IpAddress":
		return []string{"10.0.0.1", "10.0.0.2", "10.1.0.1", "2001:db8::1", "192.0.2.1"}
	case "Arn":
		return []string{"arn:aws:sns:eu-west-1:111122223333:a", "arn:aws:sns:eu-west-1:444455556666:ab", "arn:aws:sns:us-east-1:111122223333:abc"}
	default:
		return []string{"YQ==", "Yg=="}
	}
}

func (g generator) conditions() map[string]any {
	conditions := map[string]any{}
	for range 1 + g.IntN(2) {
		kind := pick(g.Rand, "String", "String", "Numeric", "Date", "Bool", "IpAddress", "Arn", "Binary", "Null")
		if kind == "Null" {
			conditions["Null"] = map[string]any{"x:String": pick(g.Rand, "true", "false")}
			continue
		}
		values := g.values(kind)
		var operator string
		switch kind {
		case "String":
			operator = pick(g.Rand, "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike")
			values = append(values, "a*", "?", "*b*", "${x:always}", "x${X:Always}")
		case "Numeric", "Date":
			operator = kind + pick(g.Rand, "Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
		case "IpAddress":
			operator = pick(g.Rand, "IpAddress", "NotIpAddress")
			values = append(values, "10.0.0.0/8", "10.0.0.0/31", "2001:db8::/32")
		case "Arn":
			operator = pick(g.Rand, "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike")
			values = append(values, "arn:aws:sns:*:111122223333:a*", "arn:aws:sns:eu-west-?:*:a?")
		case "Binary":
			operator = "BinaryEquals"
		default:
			operator = kind
		}
		key := "x:" + kind
		if g.IntN(3) == 0 {
			key = "X:many" + kind
			sets := []string{"ForAllValues:"}
			if !strings.Contains(operator, "Not") {
				sets = append(sets, "ForAnyValue:")
			}
			operator = pick(g.Rand, sets...) + operator
		}
		if g.IntN(4) == 0 {
			operator += "IfExists"
		}
		conditions[operator] = map[string]any{key: g.some(values...)}
	}
	return conditions
}

// keys of the request: two thirds of them are there.
func (g generator) keys() map[string][]string {
	keys := map[string][]string{"x:always": {"a"}}
	for _, kind := range []string{"String", "Numeric", "Date", "Bool", "IpAddress", "Arn", "Binary"} {
		values := g.values(kind)
		if g.IntN(3) > 0 {
			keys["x:"+kind] = []string{pick(g.Rand, values...)}
		}
		if g.IntN(3) > 0 {
			many := map[string]bool{}
			for range 1 + g.IntN(3) {
				many[pick(g.Rand, values...)] = true
			}
			keys["x:many"+kind] = slices.Sorted(maps.Keys(many))
		}
	}
	return keys
}
