package policytest_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/signgate/signgate/infra/policytest"
)

// FuzzWildcards compares with Go's regular expressions.
func FuzzWildcards(f *testing.F) {
	for _, seed := range [][2]string{{"*", ""}, {"?", ""}, {"a*b?c", "axxbbc"}, {"**a", "ba"}, {"*ab", "aab"}, {"${*}", "${}"}, {"é?", "éé"}, {"a*", "b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, wanted, value string) {
		if !utf8.ValidString(wanted) || !utf8.ValidString(value) {
			return
		}
		quoted, err := json.Marshal(wanted)
		if err != nil {
			t.Fatal(err)
		}
		policy, err := policytest.ParsePolicy("p", policytest.Identity, []byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"x:key":`+string(quoted)+`}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := (&policytest.Policies{}).Evaluate(policytest.NewRequest(user.WithPolicies(policy), "sqs:SendMessage", "*").With("x:key", value))
		if err != nil {
			t.Fatal(err)
		}
		expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(wanted))
		if want := regexp.MustCompile(`(?s)^` + expression + `$`).MatchString(value); answer.Allowed != want {
			t.Errorf("%q matches %q: %v", wanted, value, answer.Allowed)
		}
	})
}

// FuzzPolicy: whatever is read can be judged without a panic and the same way
// twice, an Allow more takes nothing away, and a Deny of all leaves nothing.
func FuzzPolicy(f *testing.F) {
	f.Add(ipMix, "s3:GetObject", "54.240.143.1")
	f.Add(mfa, "s3:GetObject", "")
	f.Add(cannedACL, "s3:PutObject", "public-read")
	f.Add(`{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"NotAction":"s3:*","NotResource":"arn:aws:s3:::${aws:userid, 'a'}","Condition":{"ForAllValues:DateLessThanIfExists":{"x:key":"2020"}}}`, "s3:GetObject", "2020")
	f.Fuzz(func(t *testing.T, statements, action, value string) {
		read := func(more string) (policytest.Policy, error) {
			return policytest.ParsePolicy("p", policytest.Resource, []byte(`{"Version":"2012-10-17","Statement":[`+statements+more+`]}`))
		}
		policy, err := read("")
		if err != nil {
			return
		}
		request := policytest.NewRequest(user, action, photo).With("x:key", value).With("aws:SourceIp", value).With("aws:Referer", value)
		judge := func(policy policytest.Policy) (policytest.Answer, error) {
			return (&policytest.Policies{Buckets: map[string]*policytest.Bucket{bucket: {Account: home, Policy: &policy}}}).Evaluate(request)
		}
		answer, err := judge(policy)
		again, err2 := judge(policy)
		if (err == nil) != (err2 == nil) || answer.String() != again.String() {
			t.Fatalf("%v, %v, and then %v, %v", answer, err, again, err2)
		}
		if err != nil {
			return
		}
		if deny, err := read(`,{"Sid":"fuzz","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`); err == nil {
			if answer, err := judge(deny); err == nil && answer.Allowed {
				t.Errorf("a Deny of all left %v", answer)
			}
		}
		allow, err := read(`,{"Sid":"fuzz","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`)
		if err != nil {
			return // the Sid is taken
		}
		more, err := judge(allow)
		if err != nil {
			t.Fatal(err)
		}
		explicit := answer.Reason == "an explicit deny"
		if more.Allowed == explicit {
			t.Errorf("%v, and with an Allow of all %v", answer, more)
		}
	})
}

// FuzzResolve: a template is resolved or refused.
func FuzzResolve(f *testing.F) {
	f.Add(contentTemplate)
	f.Add(roleWith(`{"Sid":"Send","Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::If":["A",{"Fn::Select":[0,{"Fn::Split":["|","a|b"]}]},{"Fn::Sub":["${a}",{"a":"b"}]}]}}`, `},"Conditions":{"A":{"Fn::And":[{"Condition":"A"}]}}`))
	f.Fuzz(func(t *testing.T, text string) {
		read := policytest.Template{Stack: "Main", Region: "eu-west-1"}
		if err := json.Unmarshal([]byte(text), &read.Body); err != nil {
			return
		}
		policies, err := policytest.Resolve(policytest.Context{Account: home}, read)
		if err != nil && !errors.Is(err, policytest.ErrUnresolved) {
			t.Errorf("%v", err)
		}
		if (err == nil) != (policies != nil) {
			t.Errorf("%v, %v", policies, err)
		}
	})
}
