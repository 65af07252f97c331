package policytest_test

import (
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/policytest"
)

// holds says whether a condition lets an Allow apply.
func holds(t *testing.T, condition string, keys map[string][]string) (bool, error) {
	t.Helper()
	request := policytest.NewRequest(user.WithPolicies(identity(t, `{"Sid":"If","Effect":"Allow","Action":"*","Resource":"*","Condition":`+condition+`}`)), "sqs:SendMessage", "*")
	for name, values := range keys {
		request = request.With(name, values...)
	}
	answer, err := (&policytest.Policies{}).Evaluate(request)
	return answer.Allowed, err
}

func TestConditionOperators(t *testing.T) {
	one := func(value string) map[string][]string { return map[string][]string{"x:key": {value}} }
	many := func(values ...string) map[string][]string { return map[string][]string{"x:key": values} }
	const queue = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"
	for _, test := range []struct {
		source    string
		condition string
		keys      map[string][]string
		want      bool
	}{
		{operatorsPage, `{"StringEquals":{"x:key":"Value"}}`, one("Value"), true},
		{operatorsPage, `{"StringEquals":{"x:key":"Value"}}`, one("value"), false},
		{operatorsPage, `{"StringEquals":{"x:key":"Val*"}}`, one("Value"), false},
		{operatorsPage, `{"StringEquals":{"x:key":["other","Value"]}}`, one("Value"), true},
		{operatorsPage, `{"StringEquals":{"X:KEY":"Value"}}`, one("Value"), true}, // names of keys have no case
		{operatorsPage, `{"StringNotEquals":{"x:key":"Value"}}`, one("Value"), false},
		{operatorsPage, `{"StringNotEquals":{"x:key":["other","Value"]}}`, one("Value"), false}, // none of them
		{operatorsPage, `{"StringNotEquals":{"x:key":"Value"}}`, one("value"), true},
		{operatorsPage, `{"StringEqualsIgnoreCase":{"x:key":"Value"}}`, one("vALUE"), true},
		{operatorsPage, `{"StringEqualsIgnoreCase":{"x:key":"Value"}}`, one("values"), false},
		{operatorsPage, `{"StringNotEqualsIgnoreCase":{"x:key":"Value"}}`, one("vALUE"), false},
		{operatorsPage, `{"StringLike":{"x:key":"V?l*"}}`, one("Value"), true},
		{operatorsPage, `{"StringLike":{"x:key":"v?l*"}}`, one("Value"), false},
		{operatorsPage, `{"StringLike":{"x:key":"V?alue"}}`, one("Value"), false}, // ? is exactly one
		{operatorsPage, `{"StringNotLike":{"x:key":"V*"}}`, one("Value"), false},
		{operatorsPage, `{"NumericEquals":{"x:key":"10"}}`, one("10.0"), true},
		{operatorsPage, `{"NumericNotEquals":{"x:key":10}}`, one("10"), false},
		{operatorsPage, `{"NumericLessThan":{"x:key":"10"}}`, one("9"), true},
		{operatorsPage, `{"NumericLessThan":{"x:key":"10"}}`, one("10"), false},
		{operatorsPage, `{"NumericLessThanEquals":{"x:key":"10"}}`, one("10"), true},
		{operatorsPage, `{"NumericLessThanEquals":{"x:key":"10"}}`, one("10.1"), false},
		{operatorsPage, `{"NumericGreaterThan":{"x:key":"10"}}`, one("10"), false},
		{operatorsPage, `{"NumericGreaterThan":{"x:key":"10"}}`, one("11"), true},
		{operatorsPage, `{"NumericGreaterThanEquals":{"x:key":"10"}}`, one("10"), true},
		{operatorsPage, `{"NumericGreaterThanEquals":{"x:key":"10"}}`, one("9"), false},
		{operatorsPage, `{"DateGreaterThan":{"x:key":"2020-01-01T00:00:01Z"}}`, one("2020-01-01T00:00:02Z"), true},
		{operatorsPage, `{"DateGreaterThan":{"x:key":"2020-01-01T00:00:01Z"}}`, one("2020-01-01T00:00:01Z"), false},
		{operatorsPage, `{"DateGreaterThanEquals":{"x:key":"2020-01-01T00:00:01Z"}}`, one("2020-01-01T01:00:01+01:00"), true},
		{operatorsPage, `{"DateLessThan":{"x:key":"2020-01-01"}}`, one("1577836799"), true},
		{operatorsPage, `{"DateLessThan":{"x:key":"2020-01-01"}}`, one("1577836800"), false},
		{operatorsPage, `{"DateLessThanEquals":{"x:key":"2020"}}`, one("1577836800"), true},
		{operatorsPage, `{"DateEquals":{"x:key":"2020-01"}}`, one("2020-01-01T00:00Z"), true},
		{operatorsPage, `{"DateNotEquals":{"x:key":"2020-01-01"}}`, one("1577836800"), false},
		{operatorsPage, `{"Bool":{"x:key":"false"}}`, one("false"), true},
		{operatorsPage, `{"Bool":{"x:key":true}}`, one("True"), true},
		{operatorsPage, `{"Bool":{"x:key":"false"}}`, one("true"), false},
		{operatorsPage, `{"BinaryEquals":{"x:key":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, one("QmluYXJ5VmFsdWVJbkJhc2U2NA=="), true},
		{operatorsPage, `{"BinaryEquals":{"x:key":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, one("QmluYXJ5"), false},
		{operatorsPage, `{"IpAddress":{"x:key":"203.0.113.0/24"}}`, one("203.0.113.255"), true},
		{operatorsPage, `{"IpAddress":{"x:key":"203.0.113.0/24"}}`, one("203.0.114.0"), false},
		{operatorsPage, `{"IpAddress":{"x:key":"203.0.113.7"}}`, one("203.0.113.7"), true}, // /32
		{operatorsPage, `{"IpAddress":{"x:key":"203.0.113.7"}}`, one("203.0.113.8"), false},
		{operatorsPage, `{"IpAddress":{"x:key":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}}`, one("2001:db8:1234:5678::1"), true},
		{operatorsPage, `{"NotIpAddress":{"x:key":"203.0.113.0/24"}}`, one("203.0.113.255"), false},
		{operatorsPage, `{"StringLike":{"x:key":"arn:aws:someservice:*:111122223333:finance/*"}}`, one(queue), true},
		{operatorsPage, `{"ArnLike":{"x:key":"arn:aws:someservice:*:111122223333:finance/*"}}`, one(queue), false}, // field by field
		{operatorsPage, `{"ArnEquals":{"x:key":"arn:aws:someservice:*:9*:store/?bc:*"}}`, one(queue), true},        // behaves as ArnLike
		{operatorsPage, `{"ArnNotEquals":{"x:key":"arn:aws:someservice:*:9*:store/?bc:*"}}`, one(queue), false},
		{operatorsPage, `{"ArnNotLike":{"x:key":"arn:aws:someservice:*:111122223333:finance/*"}}`, one(queue), true},
		{operatorsPage, `{"ArnLike":{"x:key":"arn:aws:s3:::Bucket"}}`, one("arn:aws:s3:::bucket"), false},

		// Several keys and operators all have to hold.
		{operatorsPage, `{"StringEquals":{"x:key":"a","x:other":"b"}}`, map[string][]string{"x:key": {"a"}, "x:other": {"b"}}, true},
		{operatorsPage, `{"StringEquals":{"x:key":"a","x:other":"b"}}`, map[string][]string{"x:key": {"a"}, "x:other": {"c"}}, false},
		{operatorsPage, `{"StringEquals":{"x:key":"a"},"StringLike":{"x:other":"b*"}}`, map[string][]string{"x:key": {"a"}, "x:other": {"c"}}, false},

		// A key that the request doesn't have.
		{operatorsPage, `{"StringEquals":{"x:key":"a"}}`, nil, false},
		{operatorsPage, `{"StringNotLike":{"x:key":"a"}}`, nil, true},
		{operatorsPage, `{"ArnNotLike":{"x:key":"arn:aws:s3:::a"}}`, nil, true},
		{operatorsPage, `{"NotIpAddress":{"x:key":"203.0.113.0/24"}}`, nil, true},
		{operatorsPage, `{"Bool":{"x:key":"false"}}`, nil, false},
		{operatorsPage, `{"NumericLessThan":{"x:key":"1"}}`, nil, false},
		{operatorsPage, `{"DateLessThan":{"x:key":"2020"}}`, nil, false},
		{operatorsPage, `{"StringLikeIfExists":{"x:key":["t1.*","t2.*","m3.*"]}}`, nil, true},
		{operatorsPage, `{"StringLikeIfExists":{"x:key":["t1.*","t2.*","m3.*"]}}`, one("m3.large"), true},
		{operatorsPage, `{"StringLikeIfExists":{"x:key":["t1.*","t2.*","m3.*"]}}`, one("m4.large"), false},
		{operatorsPage, `{"StringNotEqualsIfExists":{"x:key":"a"}}`, nil, true},
		{operatorsPage, `{"StringNotEqualsIfExists":{"x:key":"a"}}`, one("a"), false},
		{operatorsPage, `{"Null":{"x:key":"true"}}`, nil, true},
		{operatorsPage, `{"Null":{"x:key":"true"}}`, one("a"), false},
		{operatorsPage, `{"Null":{"x:key":"false"}}`, nil, false},
		{operatorsPage, `{"Null":{"x:key":false}}`, one("a"), true},

		// Keys with several values.
		{setsPage, `{"ForAllValues:StringEquals":{"x:key":["a","b","c"]}}`, many("a", "c"), true},
		{setsPage, `{"ForAllValues:StringEquals":{"x:key":["a","b","c"]}}`, many("a", "d"), false},
		{setsPage, `{"ForAnyValue:StringEquals":{"x:key":["a","b"]}}`, many("d", "b"), true},
		{setsPage, `{"ForAnyValue:StringEquals":{"x:key":["a","b"]}}`, many("d"), false},
		{setsPage, `{"ForAllValues:StringNotEquals":{"x:key":["a","b"]}}`, many("c", "d"), true},
		{setsPage, `{"ForAllValues:StringNotEquals":{"x:key":["a","b"]}}`, many("c", "b"), false},
		{setsPage, `{"ForAnyValue:StringNotEquals":{"x:key":["a","b"]}}`, many("a", "c"), true},
		{setsPage, `{"ForAnyValue:StringNotEquals":{"x:key":["a","b"]}}`, many("a", "b"), false},
		{setExamples, `{"ForAllValues:StringLike":{"x:key":["key1*","key2*"]}}`, many("key1a", "key2"), true},
		{setExamples, `{"ForAllValues:StringLike":{"x:key":["key1*"]}}`, nil, true},
		{setExamples, `{"ForAllValues:StringLike":{"x:key":["key1*"]}}`, many(""), true},
		{setExamples, `{"ForAllValues:StringLike":{"x:key":["key1*"]},"Null":{"x:key":"false"}}`, nil, false},
		{setExamples, `{"ForAnyValue:StringLike":{"x:key":["key1*"]}}`, nil, false},
		{setExamples, `{"ForAnyValue:StringLike":{"x:key":["*"]}}`, many(""), false},
		{setExamples, `{"ForAnyValue:StringNotLike":{"x:key":["key1*"]}}`, nil, false},
		{setExamples, `{"ForAnyValue:StringLikeIfExists":{"x:key":["key1*"]}}`, nil, true},

		// Variables.
		{variablesPage, `{"StringEquals":{"x:key":"home/${aws:username}/"}}`, one("home/carlossalazar/"), true},
		{variablesPage, `{"StringEquals":{"x:key":"home/${AWS:UserName}/"}}`, one("home/carlossalazar/"), true},
		{variablesPage, `{"StringLike":{"x:key":"home/${aws:username}/*"}}`, one("home/other/file"), false},
		{variablesPage, `{"StringLike":{"x:key":"${x:other}"}}`, map[string][]string{"x:key": {"anything"}, "x:other": {"*"}}, false}, // a value is no wildcard
		{variablesPage, `{"StringLike":{"x:key":"a${*}b"}}`, one("a*b"), true},
		{variablesPage, `{"StringLike":{"x:key":"a${*}b"}}`, one("axb"), false},
		{variablesPage, `{"StringLike":{"x:key":"a${?}${$}"}}`, one("a?$"), true},
		{variablesPage, `{"StringEquals":{"x:key":"${x:other, 'nobody'}"}}`, one("nobody"), true},
		{variablesPage, `{"StringEquals":{"x:key":"${aws:username, 'nobody'}"}}`, one("nobody"), false},
		{variablesPage, `{"StringNotEquals":{"x:key":"${x:other}"}}`, one("a"), false}, // "causes the statement to be invalid"
		{variablesPage, `{"StringEqualsIfExists":{"x:key":"${x:other}"}}`, nil, true},
		{variablesPage, `{"ArnLike":{"x:key":"arn:aws:iam::*:user/${aws:username}"}}`, one("arn:aws:iam::1:user/carlossalazar"), true},
	} {
		t.Run(test.condition, func(t *testing.T) {
			got, err := holds(t, test.condition, test.keys)
			if err != nil || got != test.want {
				t.Errorf("with %v: %v, %v; want %v after %s", test.keys, got, err, test.want, test.source)
			}
		})
	}
}

func TestVariablesInResources(t *testing.T) { // variablesPage
	own := user.WithPolicies(identity(t, `{"Sid":"Own","Effect":"Allow","Action":"s3:*","Resource":"`+bucket+`/${aws:username}/*"}`))
	policies := world(t, "", "")
	expect(t, policies, policytest.NewRequest(own, "s3:GetObject", bucket+"/carlossalazar/a"), true, "identity/Own")
	expect(t, policies, policytest.NewRequest(own, "s3:GetObject", bucket+"/Bob/a"), false, "")
	expect(t, policies, policytest.NewRequest(own, "s3:GetObject", bucket+"/Bob/a").Without("aws:username"), false, "")
	literal, err := policytest.ParsePolicy("old", policytest.Identity, []byte(`{"Statement":{"Sid":"Own","Effect":"Allow","Action":"s3:*","Resource":"`+bucket+`/${aws:username}/*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, policies, policytest.NewRequest(user.WithPolicies(literal), "s3:GetObject", bucket+"/carlossalazar/a"), false, "")
	expect(t, policies, policytest.NewRequest(user.WithPolicies(literal), "s3:GetObject", bucket+"/${aws:username}/a"), true, "old/Own")
}

func TestActionsAndResources(t *testing.T) {
	for name, test := range map[string]struct {
		statement, action, resource string
		allowed                     bool
	}{
		"actions have no case":            {`"Action":"S3:getobject","Resource":"*"`, "s3:GetObject", photo, true},
		"actions take wildcards":          {`"Action":"s3:Get?bject*","Resource":"*"`, "s3:GetObjectVersion", photo, true},
		"another service":                 {`"Action":"s3:*","Resource":"*"`, "s3-outposts:GetObject", photo, false},
		"deleting isn't deleting version": {`"Action":"s3:DeleteObject","Resource":"*"`, "s3:DeleteObjectVersion", photo, false},
		"all but":                         {`"NotAction":"s3:Delete*","Resource":"*"`, "s3:GetObject", photo, true},
		"all but this":                    {`"NotAction":["s3:Delete*","s3:Get*"],"Resource":"*"`, "s3:GetObject", photo, false},
		"resources have case":             {`"Action":"s3:*","Resource":"` + bucket + `/TAX*"`, "s3:GetObject", photo, false},
		"the bucket isn't its objects":    {`"Action":"s3:*","Resource":"` + bucket + `"`, "s3:GetObject", photo, false},
		"objects aren't their bucket":     {`"Action":"s3:*","Resource":"` + bucket + `/*"`, "s3:ListBucket", bucket, false},
		"a longer name":                   {`"Action":"s3:*","Resource":"arn:aws:s3:::amzn-s3-demo"`, "s3:ListBucket", bucket, false},
		"a key with colons":               {`"Action":"s3:*","Resource":"` + bucket + `/a:*:d"`, "s3:GetObject", bucket + "/a:b:c:d", true},
		"all resources but":               {`"Action":"s3:*","NotResource":"` + bucket + `/public/*"`, "s3:GetObject", photo, true},
		"all resources but this":          {`"Action":"s3:*","NotResource":"` + bucket + `/tax*"`, "s3:GetObject", photo, false},
		"another partition":               {`"Action":"s3:*","Resource":"arn:aws-cn:s3:::*"`, "s3:GetObject", photo, false},
	} {
		t.Run(name, func(t *testing.T) {
			caller := user.WithPolicies(identity(t, `{"Effect":"Allow",`+test.statement+`}`))
			policies := world(t, "", "")
			if answer, err := policies.Evaluate(policytest.NewRequest(caller, test.action, test.resource)); err != nil || answer.Allowed != test.allowed {
				t.Errorf("%v, %v", answer, err)
			}
		})
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for name, test := range map[string]struct {
		kind policytest.Kind
		text string
	}{
		"not JSON":                    {policytest.Identity, `{`},
		"a duplicate member":          {policytest.Identity, `{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}`},
		"no statement":                {policytest.Identity, `{"Version":"2012-10-17"}`},
		"an unknown member":           {policytest.Identity, `{"Statements":[],"Statement":[]}`},
		"an unknown version":          {policytest.Identity, `{"Version":"2012-10-18","Statement":[]}`},
		"a version that's no string":  {policytest.Identity, `{"Version":2012,"Statement":[]}`},
		"an unknown element":          {policytest.Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}}}`},
		"no effect":                   {policytest.Identity, `{"Statement":{"Action":"*","Resource":"*"}}`},
		"an unknown effect":           {policytest.Identity, `{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`},
		"no action":                   {policytest.Identity, `{"Statement":{"Effect":"Allow","Resource":"*"}}`},
		"both actions":                {policytest.Identity, `{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}`},
		"no actions":                  {policytest.Identity, `{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}`},
		"an action without a service": {policytest.Identity, `{"Statement":{"Effect":"Allow","Action":"GetObject","Resource":"*"}}`},
		"an action that's a number":   {policytest.Identity, `{"Statement":{"Effect":"Allow","Action":1,"Resource":"*"}}`},
		"no resource":                 {policytest.Identity, `{"Statement":{"Effect":"Allow","Action":"*"}}`},
		"a resource that's no ARN":    {policytest.Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"bucket/*"}}`},
		"an incomplete ARN":           {policytest.Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3"}}`},
		"a variable as account":       {policytest.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:eu-west-1:${aws:userid}:a"}}`},
		"a resource's unresolved Ref": {policytest.Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":{"Ref":"Bucket"}}}`},
		"a Sid that's no string":      {policytest.Identity, `{"Statement":{"Sid":1,"Effect":"Allow","Action":"*","Resource":"*"}}`},
		"one Sid twice":               {policytest.Identity, `{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"}]}`},
		"a principal of an identity":  {policytest.Identity, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`},
		"a resource of a trust":       {policytest.Trust, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`},
		"no principal":                {policytest.Resource, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
		"both principals":             {policytest.Resource, `{"Statement":{"Effect":"Deny","Principal":"*","NotPrincipal":"*","Action":"*","Resource":"*"}}`},
		"allow all principals but":    {policytest.Resource, `{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}}`},
		"nobody":                      {policytest.Resource, `{"Statement":{"Effect":"Allow","Principal":{},"Action":"*","Resource":"*"}}`},
		"an unknown principal":        {policytest.Resource, `{"Statement":{"Effect":"Allow","Principal":{"User":"a"},"Action":"*","Resource":"*"}}`},
		"a canonical user":            {policytest.Resource, `{"Statement":{"Effect":"Allow","Principal":{"CanonicalUser":"a"},"Action":"*","Resource":"*"}}`},
		"a deleted principal":         {policytest.Resource, `{"Statement":{"Effect":"Allow","Principal":{"AWS":"AROAEXAMPLE"},"Action":"*","Resource":"*"}}`},
		"all roles of an account":     {policytest.Resource, `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"},"Action":"*","Resource":"*"}}`},
		"all services":                {policytest.Resource, `{"Statement":{"Effect":"Allow","Principal":{"Service":"*"},"Action":"*","Resource":"*"}}`},
		"a name as principal":         {policytest.Resource, `{"Statement":{"Effect":"Allow","Principal":"alice","Action":"*","Resource":"*"}}`},
		"an unknown operator":         {policytest.Identity, condition(`{"StringMatches":{"x:key":"a"}}`)},
		"an operator in another case": {policytest.Identity, condition(`{"stringequals":{"x:key":"a"}}`)},
		"an unknown set operator":     {policytest.Identity, condition(`{"ForNoValue:StringEquals":{"x:key":"a"}}`)},
		"Null with IfExists":          {policytest.Identity, condition(`{"NullIfExists":{"x:key":"true"}}`)},
		"a key without a prefix":      {policytest.Identity, condition(`{"StringEquals":{"key":"a"}}`)},
		"one key twice":               {policytest.Identity, condition(`{"StringEquals":{"x:key":"a","X:Key":"b"}}`)},
		"no value":                    {policytest.Identity, condition(`{"StringEquals":{"x:key":[]}}`)},
		"a value that's an object":    {policytest.Identity, condition(`{"StringEquals":{"x:key":{"Ref":"A"}}}`)},
		"a condition that's a list":   {policytest.Identity, condition(`[]`)},
		"an operator that's a string": {policytest.Identity, condition(`{"StringEquals":"a"}`)},
		"no number":                   {policytest.Identity, condition(`{"NumericEquals":{"x:key":"ten"}}`)},
		"not a number":                {policytest.Identity, condition(`{"NumericEquals":{"x:key":"NaN"}}`)},
		"no end":                      {policytest.Identity, condition(`{"NumericLessThan":{"x:key":"Inf"}}`)},
		"a number's variable":         {policytest.Identity, condition(`{"NumericEquals":{"x:key":"${s3:max-keys}"}}`)},
		"no date":                     {policytest.Identity, condition(`{"DateEquals":{"x:key":"tomorrow"}}`)},
		"no boolean":                  {policytest.Identity, condition(`{"Bool":{"x:key":"no"}}`)},
		"no base64":                   {policytest.Identity, condition(`{"BinaryEquals":{"x:key":"?"}}`)},
		"no range":                    {policytest.Identity, condition(`{"IpAddress":{"x:key":"10.0.0.0/33"}}`)},
		"no ARN":                      {policytest.Identity, condition(`{"ArnLike":{"x:key":"*"}}`)},
		"neither null nor not":        {policytest.Identity, condition(`{"Null":{"x:key":"a"}}`)},
		"null and not":                {policytest.Identity, condition(`{"Null":{"x:key":["true","false"]}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := policytest.ParsePolicy("policy", test.kind, []byte(test.text)); err == nil || !strings.HasPrefix(err.Error(), "policy: ") {
				t.Errorf("%v", err)
			}
		})
	}
}

func condition(text string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + text + `}}`
}

func TestWhatCannotBeJudgedIsAnError(t *testing.T) {
	for name, test := range map[string]struct {
		condition string
		values    []string
	}{
		"several values without a set operator": {`{"StringEquals":{"x:key":"a"}}`, []string{"a", "b"}},
		"a request's number":                    {`{"NumericEquals":{"x:key":"1"}}`, []string{"one"}},
		"a request's date":                      {`{"DateEquals":{"x:key":"2020"}}`, []string{"then"}},
		"a request's address":                   {`{"IpAddress":{"x:key":"10.0.0.0/8"}}`, []string{"localhost"}},
		"a request's binary":                    {`{"BinaryEquals":{"x:key":"YQ=="}}`, []string{"?"}},
		"a request's almost ARN":                {`{"ArnLike":{"x:key":"arn:aws:s3:::*"}}`, []string{"urn:aws:s3:::bucket"}},
		"a request's ARN":                       {`{"ArnLike":{"x:key":"arn:aws:s3:::*"}}`, []string{"bucket"}},
		"an open variable":                      {`{"StringEquals":{"x:key":"${aws:username"}}`, []string{"a"}},
		"no variable":                           {`{"StringEquals":{"x:key":"${Bucket}"}}`, []string{"a"}},
		"a default without quotes":              {`{"StringEquals":{"x:key":"${x:other, a}"}}`, []string{"a"}},
		"a variable of several values":          {`{"ForAnyValue:StringEquals":{"x:key":"${x:key}"}}`, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := holds(t, test.condition, map[string][]string{"x:key": test.values}); err == nil {
				t.Errorf("answered %v", got)
			}
		})
	}
	invalid := user.WithPolicies(identity(t, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"${x:absent}"}}}`))
	policies := world(t, "", "")
	for name, request := range map[string]policytest.Request{
		"a Deny with an unresolved variable": policytest.NewRequest(invalid, "s3:GetObject", photo),
		"an action of no service":            policytest.NewRequest(user, "GetObject", photo),
		"a pattern for an action":            policytest.NewRequest(user, "s3:Get*", photo),
		"a resource that's no ARN":           policytest.NewRequest(user, "s3:GetObject", "photo.jpg"),
		"an unknown bucket":                  policytest.NewRequest(user, "s3:GetObject", "arn:aws:s3:::another/a"),
		"an unknown key":                     policytest.NewRequest(user, "kms:Decrypt", key),
		"a key by its alias":                 policytest.NewRequest(user, "kms:Decrypt", "arn:aws:kms:us-west-2:"+home+":alias/a"),
		"an unknown role":                    policytest.NewRequest(user, "sts:AssumeRole", "arn:aws:iam::"+home+":role/a"),
		"a role's ARN as a user":             get(policytest.User("arn:aws:iam::" + home + ":role/a")),
		"a user's ARN as a role":             get(policytest.Role("arn:aws:iam::"+home+":user/a", "s")),
		"no account":                         get(policytest.Root("home")),
	} {
		t.Run(name, func(t *testing.T) {
			if answer, err := policies.Evaluate(request); err == nil {
				t.Errorf("answered %v", answer)
			}
		})
	}
}
