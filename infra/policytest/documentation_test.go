package policytest_test

import (
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/policytest"
)

// Where the expectations come from.
const (
	evaluationLogic = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
	crossAccount    = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html"
	boundaries      = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html"
	principalPage   = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
	notPrincipal    = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html"
	variablesPage   = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"
	operatorsPage   = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"
	setsPage        = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html"
	setExamples     = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_examples-multi-valued-context-keys.html"
	bucketExamples  = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html"
	publicAccess    = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
	defaultKey      = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"
	kmsCrossAccount = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html"
	originAccess    = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html"
	endpointPage    = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"
	trustPage       = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_compare-resource-policies.html"
)

const (
	home   = "111122223333"
	away   = "444455556666"
	bucket = "arn:aws:s3:::amzn-s3-demo-bucket"
	photo  = bucket + "/taxdocuments/photo.jpg"
	key    = "arn:aws:kms:us-west-2:" + home + ":key/1234abcd-12ab-34cd-56ef-1234567890ab"
	ours   = "arn:aws:cloudfront::" + home + ":distribution/EDFDVBD6EXAMPLE"
	theirs = "arn:aws:cloudfront::" + home + ":distribution/E2EXAMPLE"
)

func parse(t *testing.T, name string, kind policytest.Kind, statements string) policytest.Policy {
	t.Helper()
	policy, err := policytest.ParsePolicy(name, kind, []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func identity(t *testing.T, statements string) policytest.Policy {
	t.Helper()
	return parse(t, "identity", policytest.Identity, statements)
}

// world is a bucket and a key of the home account with these policies.
func world(t *testing.T, bucketPolicy, keyPolicy string) *policytest.Policies {
	t.Helper()
	policies := &policytest.Policies{
		Buckets: map[string]*policytest.Bucket{bucket: {Account: home, Region: "us-west-2"}},
		Keys:    map[string]*policytest.Key{},
	}
	if bucketPolicy != "" {
		policies.Buckets[bucket].Policy = new(parse(t, "bucket", policytest.Resource, bucketPolicy))
	}
	if keyPolicy != "" {
		policies.Keys[key] = &policytest.Key{Account: home, Policy: parse(t, "key", policytest.Resource, keyPolicy)}
	}
	return policies
}

// expect evaluates and compares the verdict and the statements that decided.
func expect(t *testing.T, policies *policytest.Policies, request policytest.Request, allowed bool, decided string) {
	t.Helper()
	answer, err := policies.Evaluate(request)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(answer.Statements, " "); answer.Allowed != allowed || got != decided {
		t.Errorf("%v; want allowed %v by %q", answer, allowed, decided)
	}
}

var (
	user      = policytest.User("arn:aws:iam::" + home + ":user/carlossalazar")
	session   = policytest.Role("arn:aws:iam::"+home+":role/examplerole", "examplerolesessionname")
	stranger  = policytest.User("arn:aws:iam::" + away + ":user/Bob")
	edge      = policytest.Service("cloudfront.amazonaws.com")
	allowRead = `{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":"` + bucket + `/*"}`
	readTo    = func(principal string) string {
		return `{"Sid":"Read","Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"` + bucket + `/*"}`
	}
)

func get(principal policytest.Principal) policytest.Request {
	return policytest.NewRequest(principal, "s3:GetObject", photo)
}

func TestCarlosIsDeniedTheLogs(t *testing.T) { // evaluationLogic, "Example identity-based and resource-based policy evaluation"
	carlos := policytest.User("arn:aws:iam::123456789012:user/carlossalazar").WithPolicies(identity(t, `
		{"Sid":"AllowS3ListRead","Effect":"Allow","Action":["s3:GetBucketLocation","s3:GetAccountPublicAccessBlock","s3:ListAccessPoints","s3:ListAllMyBuckets"],"Resource":"arn:aws:s3:::*"},
		{"Sid":"AllowS3Self","Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::carlossalazar/*","arn:aws:s3:::carlossalazar"]},
		{"Sid":"DenyS3Logs","Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::*log*"}`))
	policies := &policytest.Policies{Buckets: map[string]*policytest.Bucket{
		"arn:aws:s3:::carlossalazar-logs": {Account: "123456789012"},
		"arn:aws:s3:::carlossalazar": {Account: "123456789012", Policy: new(parse(t, "bucket", policytest.Resource, `
			{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/carlossalazar"},"Action":"s3:*","Resource":["arn:aws:s3:::carlossalazar/*","arn:aws:s3:::carlossalazar"]}`))},
	}}
	expect(t, policies, policytest.NewRequest(carlos, "s3:PutObject", "arn:aws:s3:::carlossalazar-logs/file"), false, "identity/DenyS3Logs")
	expect(t, policies, policytest.NewRequest(carlos, "s3:PutObject", "arn:aws:s3:::carlossalazar/file"), true, "bucket/#1")
	expect(t, policies, policytest.NewRequest(carlos, "s3:GetBucketLocation", "arn:aws:s3:::carlossalazar-logs"), false, "identity/DenyS3Logs")
}

func TestExplicitAndImplicitDeniesDiffer(t *testing.T) { // evaluationLogic, "The difference between explicit and implicit denies"
	reader := user.WithPolicies(identity(t, `
		{"Sid":"AllowGetList","Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"},
		{"Sid":"DenyReports","Effect":"Deny","Action":"iam:*Report","Resource":"*"}`))
	policies := &policytest.Policies{}
	expect(t, policies, policytest.NewRequest(reader, "iam:GetUser", "*"), true, "identity/AllowGetList")
	expect(t, policies, policytest.NewRequest(reader, "iam:CreatePolicy", "*"), false, "")
	expect(t, policies, policytest.NewRequest(reader, "iam:GetOrganizationsAccessReport", "*"), false, "identity/DenyReports")
}

// How what a resource's policy allows meets what other policies don't.
func TestWhoIsNamedDecidesWhatLimits(t *testing.T) {
	roleARN, sessionARN := `{"AWS":"arn:aws:iam::`+home+`:role/examplerole"}`, `{"AWS":"arn:aws:sts::`+home+`:assumed-role/examplerole/examplerolesessionname"}`
	otherSession := `{"AWS":"arn:aws:sts::` + home + `:assumed-role/examplerole/another"}`
	account, userARN := `{"AWS":"`+home+`"}`, `{"AWS":"arn:aws:iam::`+home+`:user/carlossalazar"}`
	nothing := identity(t, `{"Sid":"Elsewhere","Effect":"Allow","Action":"sqs:*","Resource":"*"}`)
	read := identity(t, allowRead)
	for name, test := range map[string]struct {
		source    string
		policy    string
		principal policytest.Principal
		allowed   bool
		decided   string
	}{
		"nothing allows":                           {evaluationLogic, "", user, false, ""},
		"the identity's policy is enough":          {evaluationLogic, "", user.WithPolicies(read), true, "identity/Read"},
		"the resource's policy is enough":          {evaluationLogic, readTo(userARN), user, true, "bucket/Read"},
		"a role's ARN is enough":                   {evaluationLogic, readTo(roleARN), session, true, "bucket/Read"},
		"a boundary limits a role's ARN":           {evaluationLogic, readTo(roleARN), session.WithBoundary(nothing), false, ""},
		"a session policy limits a role's ARN":     {evaluationLogic, readTo(roleARN), session.WithSessionPolicies(nothing), false, ""},
		"within both limits":                       {evaluationLogic, readTo(roleARN), session.WithBoundary(read).WithSessionPolicies(read), true, "bucket/Read identity/Read identity/Read"},
		"a boundary doesn't limit a session's ARN": {evaluationLogic, readTo(sessionARN), session.WithBoundary(nothing).WithSessionPolicies(nothing), true, "bucket/Read"},
		"another session's ARN":                    {principalPage, readTo(otherSession), session, false, ""},
		"a boundary doesn't limit a user's ARN":    {evaluationLogic, readTo(userARN), user.WithBoundary(nothing), true, "bucket/Read"},
		"nor everyone with the role's ARN as key": {principalPage,
			`{"Sid":"Read","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"` + bucket + `/*","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::` + home + `:role/examplerole"}}}`,
			session.WithBoundary(nothing), true, "bucket/Read"},
		"an explicit deny of a boundary": {evaluationLogic, readTo(sessionARN),
			session.WithBoundary(identity(t, `{"Sid":"No","Effect":"Deny","Action":"*","Resource":"*"}`)), false, "identity/No"},
		"an account only delegates":                 {principalPage, readTo(account), user, false, ""},
		"an account delegates to identity policy":   {principalPage, readTo(account), user.WithPolicies(read), true, "identity/Read bucket/Read"},
		"a boundary limits the identity's":          {boundaries, "", user.WithPolicies(read).WithBoundary(nothing), false, ""},
		"a session policy limits the identity's":    {evaluationLogic, "", session.WithPolicies(read).WithSessionPolicies(nothing), false, ""},
		"a boundary allows nothing by itself":       {boundaries, "", user.WithBoundary(read), false, ""},
		"the root user has full access":             {evaluationLogic, "", policytest.Root(home), true, "the root user's own right"},
		"the root user under an explicit deny":      {evaluationLogic, `{"Sid":"No","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"` + bucket + `/*"}`, policytest.Root(home), false, "bucket/No"},
		"another account, its identity's alone":     {crossAccount, "", stranger.WithPolicies(read), false, ""},
		"another account, the resource's alone":     {crossAccount, readTo(`{"AWS":"arn:aws:iam::` + away + `:user/Bob"}`), stranger, false, ""},
		"another account, everyone's alone":         {crossAccount, readTo(`"*"`), stranger, false, ""},
		"another account, both":                     {crossAccount, readTo(`{"AWS":"` + away + `"}`), stranger.WithPolicies(read), true, "identity/Read bucket/Read"},
		"another account, both but a boundary":      {crossAccount, readTo(`{"AWS":"arn:aws:iam::` + away + `:user/Bob"}`), stranger.WithPolicies(read).WithBoundary(nothing), false, ""},
		"another account than the one that's named": {crossAccount, readTo(`{"AWS":"777788889999"}`), stranger.WithPolicies(read), false, ""},
		"another account's root":                    {crossAccount, "", policytest.Root(away), false, ""},
		"anonymous, everyone":                       {bucketExamples, readTo(`"*"`), policytest.Anonymous(), true, "bucket/Read"},
		"anonymous, the AWS form of everyone":       {principalPage, readTo(`{"AWS":"*"}`), policytest.Anonymous(), true, "bucket/Read"},
		"anonymous, nobody named":                   {evaluationLogic, readTo(account), policytest.Anonymous(), false, ""},
		"a service that is named":                   {principalPage, readTo(`{"Service":["logging.s3.amazonaws.com","cloudfront.amazonaws.com"]}`), edge, true, "bucket/Read"},
		"a service that isn't":                      {principalPage, readTo(`{"Service":"logging.s3.amazonaws.com"}`), edge, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Log(test.source)
			expect(t, world(t, test.policy, ""), get(test.principal), test.allowed, test.decided)
		})
	}
}

func TestKeysAllowOnlyWhatTheirPolicyAllows(t *testing.T) {
	enableIAM := `{"Sid":"Enable IAM policies","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + home + `:root"},"Action":"kms:*","Resource":"*"}`
	keyUsers := `{"Sid":"Allow use of the key","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + home + `:role/examplerole"]},"Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}`
	external := `{"Sid":"Allow an external account to use this KMS key","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + away + `:root"]},"Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}`
	decrypt := identity(t, `{"Sid":"Decrypt","Effect":"Allow","Action":"kms:Decrypt","Resource":"`+key+`"}`)
	for name, test := range map[string]struct {
		source    string
		policy    string
		principal policytest.Principal
		allowed   bool
		decided   string
	}{
		"the default policy delegates":                   {defaultKey, enableIAM, user.WithPolicies(decrypt), true, "identity/Decrypt key/Enable IAM policies"},
		"the default policy gives no user a right":       {defaultKey, enableIAM, user, false, ""},
		"the default policy gives it to the root user":   {defaultKey, enableIAM, policytest.Root(home), true, "key/Enable IAM policies"},
		"IAM policies are ineffective without it":        {defaultKey, keyUsers, user.WithPolicies(decrypt), false, ""},
		"even the root user's right is":                  {defaultKey, keyUsers, policytest.Root(home), false, ""},
		"IAM policies that deny are still effective":     {defaultKey, keyUsers, session.WithPolicies(identity(t, `{"Sid":"No","Effect":"Deny","Action":"kms:*","Resource":"*"}`)), false, "identity/No"},
		"key users need no IAM policy":                   {defaultKey, keyUsers, session, true, "key/Allow use of the key"},
		"an external account has to delegate, too":       {kmsCrossAccount, external, stranger, false, ""},
		"an external account, both":                      {kmsCrossAccount, external, stranger.WithPolicies(decrypt), true, "identity/Decrypt key/Allow an external account to use this KMS key"},
		"an external account, its IAM policy alone":      {kmsCrossAccount, enableIAM, stranger.WithPolicies(decrypt), false, ""},
		"nobody is anonymous to KMS, not even everybody": {defaultKey, `{"Sid":"All","Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}`, policytest.Anonymous(), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Log(test.source)
			expect(t, world(t, "", test.policy), policytest.NewRequest(test.principal, "kms:Decrypt", key), test.allowed, test.decided)
		})
	}
}

func TestOnlyTheDistributionReads(t *testing.T) { // originAccess
	const condition = `"Condition":{"StringEquals":{"AWS:SourceArn":"` + ours + `"}}`
	policies := world(t,
		`{"Sid":"AllowCloudFrontServicePrincipalReadOnly","Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},"Action":"s3:GetObject","Resource":"`+bucket+`/*",`+condition+`}`,
		`{"Sid":"AllowCloudFrontServicePrincipalSSE-KMS","Effect":"Allow","Principal":{"Service":["cloudfront.amazonaws.com"]},"Action":["kms:Decrypt","kms:Encrypt","kms:GenerateDataKey*"],"Resource":"*",`+condition+`}`)
	policies.Buckets[bucket].Key = key
	both := "bucket/AllowCloudFrontServicePrincipalReadOnly key/AllowCloudFrontServicePrincipalSSE-KMS"
	for name, test := range map[string]struct {
		request policytest.Request
		allowed bool
		decided string
	}{
		"ours":                       {get(edge).OnBehalfOf(ours, home), true, both},
		"another":                    {get(edge).OnBehalfOf(theirs, home), false, ""},
		"none":                       {get(edge), false, ""},
		"ours, to write":             {policytest.NewRequest(edge, "s3:PutObject", photo).OnBehalfOf(ours, home), false, ""},
		"ours, to list":              {policytest.NewRequest(edge, "s3:ListBucket", bucket).OnBehalfOf(ours, home), false, ""},
		"a caller who sends its ARN": {get(user).OnBehalfOf(ours, home), false, ""},
		"anonymous":                  {get(policytest.Anonymous()).OnBehalfOf(ours, home), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := policies.EvaluateObject(test.request)
			if err != nil || answer.Allowed != test.allowed || strings.Join(answer.Statements, " ") != test.decided {
				t.Errorf("%v, %v; want allowed %v by %q", answer, err, test.allowed, test.decided)
			}
		})
	}
}

func TestBucketPolicyExamples(t *testing.T) { // bucketExamples
	for name, test := range map[string]struct {
		policy  string
		request policytest.Request
		allowed bool
		decided string
	}{
		"PublicRead":                  {`{"Sid":"PublicRead","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":["` + bucket + `/*"]}`, get(policytest.Anonymous()), true, "bucket/PublicRead"},
		"PublicRead isn't PublicList": {`{"Sid":"PublicRead","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":["` + bucket + `/*"]}`, policytest.NewRequest(policytest.Anonymous(), "s3:ListBucket", bucket), false, ""},
		"IPAllow within":              {ipAllow, get(user.WithPolicies(identity(t, allowRead))).With("aws:SourceIp", "54.240.143.17"), true, "identity/Read"},
		"IPAllow outside":             {ipAllow, get(user.WithPolicies(identity(t, allowRead))).With("aws:SourceIp", "54.240.144.17"), false, "bucket/IPAllow"},
		"IPAllow without an address":  {ipAllow, get(user.WithPolicies(identity(t, allowRead))), false, "bucket/IPAllow"},
		"AllowIPmix, IPv4":            {ipMix, get(policytest.Anonymous()).With("aws:SourceIp", "54.240.143.1"), true, "bucket/AllowIPmix"},
		"AllowIPmix, IPv6":            {ipMix, get(policytest.Anonymous()).With("aws:SourceIp", "2001:DB8:1234:5678::1"), true, "bucket/AllowIPmix"},
		"AllowIPmix, excepted IPv4":   {ipMix, get(policytest.Anonymous()).With("aws:SourceIp", "54.240.143.129"), false, ""},
		"AllowIPmix, excepted IPv6":   {ipMix, get(policytest.Anonymous()).With("aws:SourceIp", "2001:DB8:1234:5678:ABCD::1"), false, ""},
		"referer":                     {referer, get(policytest.Anonymous()).With("aws:Referer", "http://example.com/page"), true, "bucket/#1"},
		"another referer":             {referer, get(policytest.Anonymous()).With("aws:Referer", "http://example.org/page"), false, ""},
		"no referer":                  {referer, get(policytest.Anonymous()), false, ""},
		"without MFA":                 {mfa, get(user.WithPolicies(identity(t, allowRead))), false, "bucket/#1"},
		"with MFA":                    {mfa, get(user.WithPolicies(identity(t, allowRead))).With("aws:MultiFactorAuthAge", "300"), true, "identity/Read"},
		"MFA too long ago":            {mfa, get(user.WithPolicies(identity(t, allowRead))).With("aws:MultiFactorAuthAge", "3601"), false, "bucket/#2"},
		"over HTTP":                   {secure, get(user.WithPolicies(identity(t, allowRead))).OverHTTP(), false, "bucket/HTTPSOnly"},
		"over HTTPS":                  {secure, get(user.WithPolicies(identity(t, allowRead))), true, "identity/Read"},
		"CloudFront over HTTP":        {secure, get(edge).OverHTTP(), false, "bucket/HTTPSOnly"},
		"another account's public-read ACL": {cannedACL, policytest.NewRequest(stranger.WithPolicies(identity(t, `{"Sid":"Put","Effect":"Allow","Action":"s3:*","Resource":"*"}`)), "s3:PutObject", photo).
			With("s3:x-amz-acl", "public-read"), true, "identity/Put bucket/AddCannedAcl"},
		"another account without an ACL": {cannedACL, policytest.NewRequest(stranger.WithPolicies(identity(t, `{"Sid":"Put","Effect":"Allow","Action":"s3:*","Resource":"*"}`)), "s3:PutObject", photo), false, ""},
	} {
		t.Run(name, func(t *testing.T) { expect(t, world(t, test.policy, ""), test.request, test.allowed, test.decided) })
	}
}

const (
	ipAllow   = `{"Sid":"IPAllow","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["` + bucket + `","` + bucket + `/*"],"Condition":{"NotIpAddress":{"aws:SourceIp":"54.240.143.0/24"}}}`
	ipMix     = `{"Sid":"AllowIPmix","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["` + bucket + `","` + bucket + `/*"],"Condition":{"IpAddress":{"aws:SourceIp":["54.240.143.0/24","2001:DB8:1234:5678::/64"]},"NotIpAddress":{"aws:SourceIp":["54.240.143.128/30","2001:DB8:1234:5678:ABCD::/80"]}}}`
	referer   = `{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"` + bucket + `/*","Condition":{"StringLike":{"aws:Referer":["http://www.example.com/*","http://example.com/*"]}}}`
	mfa       = `{"Sid":"","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"` + bucket + `/taxdocuments/*","Condition":{"Null":{"aws:MultiFactorAuthAge":true}}},{"Sid":"","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"` + bucket + `/taxdocuments/*","Condition":{"NumericGreaterThan":{"aws:MultiFactorAuthAge":3600}}}`
	secure    = `{"Sid":"HTTPSOnly","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["` + bucket + `","` + bucket + `/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	cannedACL = `{"Sid":"AddCannedAcl","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::` + home + `:root","arn:aws:iam::` + away + `:root"]},"Action":["s3:PutObject","s3:PutObjectAcl"],"Resource":"` + bucket + `/*","Condition":{"StringEquals":{"s3:x-amz-acl":["public-read"]}}}`
)

func TestNotPrincipalSparesOnlyWhoIsNamedThroughout(t *testing.T) { // notPrincipal
	deny := func(named ...string) string {
		return `{"Sid":"Others","Effect":"Deny","NotPrincipal":{"AWS":["` + strings.Join(named, `","`) + `"]},"Action":"s3:*","Resource":"` + bucket + `/*"},` + readTo(`"*"`)
	}
	role, sessionARN, root := "arn:aws:iam::"+home+":role/examplerole", "arn:aws:sts::"+home+":assumed-role/examplerole/examplerolesessionname", "arn:aws:iam::"+home+":root"
	expect(t, world(t, deny("arn:aws:iam::"+home+":user/carlossalazar", root), ""), get(user), true, "bucket/Read")
	expect(t, world(t, deny("arn:aws:iam::"+home+":user/carlossalazar"), ""), get(user), false, "bucket/Others")
	expect(t, world(t, deny(sessionARN, role, home), ""), get(session), true, "bucket/Read")
	expect(t, world(t, deny(sessionARN, root), ""), get(session), false, "bucket/Others")
	expect(t, world(t, deny(role, root), ""), get(session), false, "bucket/Others")
	expect(t, world(t, deny(root), ""), get(policytest.Root(home)), true, "bucket/Read")
	expect(t, world(t, deny(root), ""), get(policytest.Anonymous()), false, "bucket/Others")
	expect(t, world(t, deny(root), ""), get(edge), false, "bucket/Others")
}

func TestBlockPublicAccess(t *testing.T) { // publicAccess
	read := identity(t, allowRead)
	toVPC := func(condition string) string {
		return `{"Sid":"Read","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"` + bucket + `/*","Condition":` + condition + `}`
	}
	delegated := `{"Sid":"Account-2","Effect":"Allow","Principal":{"AWS":"` + away + `"},"Action":"s3:GetObject","Resource":"` + bucket + `/*"}`
	for name, test := range map[string]struct {
		policy  string
		request policytest.Request
		allowed bool
	}{
		"public":                              {readTo(`"*"`), get(policytest.Anonymous()), false},
		"public, of the account":              {readTo(`"*"`), get(user), true},
		"public, a service":                   {readTo(`"*"`), get(edge), true},
		"another account, not public":         {delegated, get(stranger.WithPolicies(read)), true},
		"another account beside a public one": {delegated + "," + strings.Replace(readTo(`"*"`), "Read", "Public", 1), get(stranger.WithPolicies(read)), false},
		"any VPC is public":                   {toVPC(`{"StringLike":{"aws:SourceVpc":"vpc-*"}}`), get(policytest.Anonymous()).With("aws:SourceVpc", "vpc-91237329"), false},
		"one VPC isn't":                       {toVPC(`{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}`), get(policytest.Anonymous()).With("aws:SourceVpc", "vpc-91237329"), true},
		"half of all addresses are public":    {toVPC(`{"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}}`), get(policytest.Anonymous()).With("aws:SourceIp", "1.1.1.1"), false},
		"a network isn't":                     {toVPC(`{"IpAddress":{"aws:SourceIp":"1.1.0.0/16"}}`), get(policytest.Anonymous()).With("aws:SourceIp", "1.1.1.1"), true},
		"one IPv6 address isn't":              {toVPC(`{"IpAddress":{"aws:SourceIp":"2001:db8::1"}}`), get(policytest.Anonymous()).With("aws:SourceIp", "2001:db8::1"), true},
		"a wide IPv6 range is":                {toVPC(`{"IpAddress":{"aws:SourceIp":"2001::/16"}}`), get(policytest.Anonymous()).With("aws:SourceIp", "2001:db8::1"), false},
		"a missing key makes it public":       {toVPC(`{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-91237329"}}`), get(policytest.Anonymous()), false},
		"any VPC but one is public":           {toVPC(`{"StringNotEquals":{"aws:SourceVpc":"vpc-91237329"}}`), get(policytest.Anonymous()), false},
		"all values of a set, or none, are":   {toVPC(`{"ForAllValues:StringEquals":{"aws:SourceVpc":"vpc-91237329"}}`), get(policytest.Anonymous()), false},
		"a variable makes it public":          {toVPC(`{"StringEquals":{"aws:SourceVpc":"${aws:SourceVpc}"}}`), get(policytest.Anonymous()).With("aws:SourceVpc", "vpc-91237329"), false},
		"everyone a provider knows is public": {delegated + "," + strings.Replace(readTo(`{"Federated":"graph.facebook.com"}`), "Read", "Public", 1), get(stranger.WithPolicies(read)), false},
		"other keys don't count":              {toVPC(`{"StringEquals":{"aws:Referer":"http://example.com/"}}`), get(policytest.Anonymous()).With("aws:Referer", "http://example.com/"), false},
	} {
		t.Run(name, func(t *testing.T) {
			policies := world(t, test.policy, "")
			policies.Buckets[bucket].RestrictPublicBuckets = true
			if answer, err := policies.Evaluate(test.request); err != nil || answer.Allowed != test.allowed {
				t.Errorf("%v, %v", answer, err)
			}
		})
	}
}

func TestAnEndpointLimitsWhatComesThrough(t *testing.T) { // endpointPage
	policies := world(t, readTo(`"*"`), "")
	policies.Endpoints = map[string]policytest.Policy{
		"vpce-1": parse(t, "endpoint", policytest.Resource, readTo(`"*"`)),
		"vpce-2": parse(t, "endpoint", policytest.Resource, `{"Sid":"Other","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other/*"}`),
		"vpce-3": parse(t, "endpoint", policytest.Resource, `{"Sid":"No","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`),
	}
	expect(t, policies, get(user).Through("vpce-1", "vpc-1"), true, "bucket/Read endpoint/Read")
	expect(t, policies, get(user).Through("vpce-2", "vpc-1"), false, "")
	expect(t, policies, get(user).Through("vpce-3", "vpc-1"), false, "endpoint/No")
	network := world(t, readTo(`"*"`)+","+ipAllow, "")
	network.Endpoints = policies.Endpoints
	here := get(user).With("aws:SourceIp", "54.240.143.17")
	expect(t, network, here, true, "bucket/Read")
	expect(t, network, here.Through("vpce-1", "vpc-1"), false, "bucket/IPAllow") // operatorsPage: no address comes through an endpoint
	if _, err := policies.Evaluate(get(user).Through("vpce-4", "vpc-1")); err == nil {
		t.Error("an unknown endpoint was judged")
	}
}

func TestTrustPolicies(t *testing.T) { // trustPage, and its example of web identity federation
	const role = "arn:aws:iam::" + home + ":role/examplerole"
	trusting := func(statements string) *policytest.Policies {
		return &policytest.Policies{Roles: map[string]*policytest.IAMRole{role: {Trust: new(parse(t, "trust", policytest.Trust, statements))}}}
	}
	assume := policytest.NewRequest(user, "sts:AssumeRole", role)
	byService := trusting(`{"Sid":"Tasks","Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}`)
	expect(t, byService, policytest.NewRequest(policytest.Service("ecs-tasks.amazonaws.com"), "sts:AssumeRole", role), true, "trust/Tasks")
	expect(t, byService, policytest.NewRequest(user.WithPolicies(identity(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)), "sts:AssumeRole", role), false, "")
	expect(t, trusting(`{"Sid":"Account","Effect":"Allow","Principal":{"AWS":"`+home+`"},"Action":"sts:AssumeRole"}`), assume, false, "")
	expect(t, trusting(`{"Sid":"User","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+home+`:user/carlossalazar"},"Action":"sts:AssumeRole"}`), assume, true, "trust/User")
	web := trusting(`{"Sid":"Web","Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"accounts.google.com:aud":"client"}}}`)
	token := policytest.NewRequest(policytest.FederatedBy("accounts.google.com"), "sts:AssumeRoleWithWebIdentity", role)
	expect(t, web, token.With("accounts.google.com:aud", "client"), true, "trust/Web")
	expect(t, web, token.With("accounts.google.com:aud", "another"), false, "")
}
