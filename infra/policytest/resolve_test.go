package policytest_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/infra/policytest"
)

func template(t *testing.T, stack, text string) policytest.Template {
	t.Helper()
	template := policytest.Template{Stack: stack, Region: "eu-west-1"}
	if err := json.Unmarshal([]byte(text), &template.Body); err != nil {
		t.Fatal(err)
	}
	return template
}

// roleWith is a template with a role and one statement in a policy of its own.
func roleWith(statement, rest string) string {
	return `{"Resources":{
		"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"gateway","AssumeRolePolicyDocument":{"Statement":{"Sid":"Tasks","Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}}}},
		"Policy":{"Type":"AWS::IAM::Policy","Properties":{"PolicyName":"p","Roles":[{"Ref":"Role"}],"PolicyDocument":{"Version":"2012-10-17","Statement":[` + statement + `]}}}
		` + rest + `}`
}

// TestFunctions has each of CloudFormation's functions spell out a queue's ARN.
func TestFunctions(t *testing.T) {
	const rest = `},
		"Parameters":{"Name":{"Type":"String","Default":"jobs"},"Count":{"Type":"Number","Default":1},"Stage":{"Type":"String"}},
		"Mappings":{"Names":{"eu-west-1":{"queue":"jobs"}}},
		"Conditions":{
			"Yes":{"Fn::Equals":[{"Ref":"Name"},"jobs"]},"No":{"Fn::Not":[{"Condition":"Yes"}]},
			"Both":{"Fn::And":[{"Condition":"Yes"},{"Condition":"No"}]},"Either":{"Fn::Or":[{"Condition":"Both"},{"Condition":"Yes"}]},"Neither":{"Fn::Or":[{"Condition":"Both"},{"Condition":"No"}]}},
		"Outputs":{"Another":{"Value":"another","Export":{"Name":"another"}},"Queue":{"Value":{"Fn::Sub":"arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:jobs"},"Export":{"Name":{"Fn::Sub":"${AWS::StackName}-queue"}}}}`
	for name, resource := range map[string]string{
		"nothing":          `"arn:aws:sqs:eu-west-1:111122223333:jobs"`,
		"Fn::Join":         `{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":sqs:",{"Ref":"AWS::Region"},":",{"Ref":"AWS::AccountId"},":",{"Ref":"Name"}]]}`,
		"Fn::Sub":          `{"Fn::Sub":"arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Name}"}`,
		"Fn::Sub with own": `{"Fn::Sub":["arn:aws:sqs:${R}:${AWS::AccountId}:${Name}",{"R":{"Ref":"AWS::Region"}}]}`,
		"Fn::Select":       `{"Fn::Select":[{"Ref":"Count"},["a","arn:aws:sqs:eu-west-1:111122223333:jobs"]]}`,
		"Fn::Split":        `{"Fn::Join":[":",{"Fn::Split":["|","arn|aws|sqs|eu-west-1|111122223333|jobs"]}]}`,
		"Fn::FindInMap":    `{"Fn::Join":[":",["arn:aws:sqs:eu-west-1:111122223333",{"Fn::FindInMap":["Names",{"Ref":"AWS::Region"},"queue"]}]]}`,
		"Fn::If":           `{"Fn::If":["Either","arn:aws:sqs:eu-west-1:111122223333:jobs","no"]}`,
		"Fn::If not":       `{"Fn::If":["Both","no","arn:aws:sqs:eu-west-1:111122223333:jobs"]}`,
		"Fn::If neither":   `{"Fn::If":["Neither","no","arn:aws:sqs:eu-west-1:111122223333:jobs"]}`,
		"AWS::NoValue":     `["arn:aws:sqs:eu-west-1:111122223333:jobs",{"Ref":"AWS::NoValue"}]`,
		"Fn::ImportValue":  `{"Fn::ImportValue":"Other-queue"}`,
		"a given value":    `{"Fn::GetAtt":["Elsewhere","Arn"]}`,
		"a given Ref":      `{"Fn::Sub":"arn:aws:sqs:${Stage}:111122223333:jobs"}`,
	} {
		t.Run(name, func(t *testing.T) {
			context := policytest.Context{Account: home, Values: map[string]string{"Main/Elsewhere.Arn": "arn:aws:sqs:eu-west-1:111122223333:jobs", "Main/Stage": "eu-west-1"}}
			policies, err := policytest.Resolve(context,
				template(t, "Main", roleWith(`{"Sid":"Send","Effect":"Allow","Action":"sqs:SendMessage","Resource":`+resource+`}`, rest)),
				template(t, "Other", `{"Resources":{}`+strings.TrimPrefix(rest, "}")+`}`))
			if err != nil {
				t.Fatal(err)
			}
			gateway := policytest.Role("arn:aws:iam::"+home+":role/gateway", "task")
			expect(t, policies, policytest.NewRequest(gateway, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:jobs"), true, "Main/Policy/Send")
			expect(t, policies, policytest.NewRequest(gateway, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:other"), false, "")
		})
	}
}

// What Fn::Sub leaves as a policy variable is one.
func TestPolicyVariablesSurviveSub(t *testing.T) {
	policies, err := policytest.Resolve(policytest.Context{Account: home}, template(t, "Main",
		roleWith(`{"Sid":"Own","Effect":"Allow","Action":"sqs:*","Resource":{"Fn::Sub":"arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${!aws:PrincipalTag/team}"}}`, "}")))
	if err != nil {
		t.Fatal(err)
	}
	request := policytest.NewRequest(policytest.Role("arn:aws:iam::"+home+":role/gateway", "task"), "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:jobs")
	expect(t, policies, request.With("aws:PrincipalTag/team", "jobs"), true, "Main/Policy/Own")
	expect(t, policies, request.With("aws:PrincipalTag/team", "ops"), false, "")
}

const contentTemplate = `{"Resources":{
	"Bucket":{"Type":"AWS::S3::Bucket","Properties":{
		"PublicAccessBlockConfiguration":{"RestrictPublicBuckets":true},
		"BucketEncryption":{"ServerSideEncryptionConfiguration":[{"BucketKeyEnabled":true,"ServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":{"Fn::Sub":"arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:alias/content"}}}]}}},
	"BucketPolicy":{"Type":"AWS::S3::BucketPolicy","Properties":{"Bucket":{"Ref":"Bucket"},"PolicyDocument":{"Version":"2012-10-17","Statement":[
		{"Sid":"Read","Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},"Action":"s3:GetObject","Resource":{"Fn::Join":["",[{"Fn::GetAtt":["Bucket","Arn"]},"/*"]]},
			"Condition":{"StringEquals":{"AWS:SourceArn":{"Fn::Sub":"arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"}}}}]}}},
	"Distribution":{"Type":"AWS::CloudFront::Distribution","Properties":{}},
	"Key":{"Type":"AWS::KMS::Key","Properties":{"KeyPolicy":{"Version":"2012-10-17","Statement":[
		{"Sid":"Decrypt","Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*",
			"Condition":{"StringEquals":{"AWS:SourceArn":{"Fn::Sub":"arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"}}}},
		{"Sid":"Account","Effect":"Allow","Principal":{"AWS":{"Fn::Sub":"arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},"Action":"kms:*","Resource":"*"}]}}},
	"Alias":{"Type":"AWS::KMS::Alias","Properties":{"AliasName":"alias/content","TargetKeyId":{"Fn::GetAtt":["Key","Arn"]}}},
	"Role":{"Type":"AWS::IAM::Role","Properties":{"Path":"/apps/","AssumeRolePolicyDocument":{"Statement":{"Sid":"Tasks","Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}},
		"PermissionsBoundary":{"Ref":"Boundary"},"ManagedPolicyArns":["arn:aws:iam::aws:policy/ReadOnly",{"Ref":"Write"}],
		"Policies":[{"PolicyName":"List","PolicyDocument":{"Statement":{"Sid":"List","Effect":"Allow","Action":"s3:ListBucket","Resource":{"Fn::GetAtt":"Bucket.Arn"}}}}]}},
	"Boundary":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":{"Statement":{"Sid":"Limit","Effect":"Allow","Action":["s3:*","kms:*"],"Resource":"*"}}}},
	"Write":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":{"Statement":[{"Sid":"Put","Effect":"Allow","Action":"s3:PutObject","Resource":{"Fn::Sub":"${Bucket.Arn}/*"}},
		{"Sid":"Use","Effect":"Allow","Action":["kms:GenerateDataKey"],"Resource":{"Fn::GetAtt":["Key","Arn"]},"Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:EncryptionContext:aws:s3:arn":{"Fn::GetAtt":["Bucket","Arn"]}}}},
		{"Sid":"Parts","Effect":"Allow","Action":"kms:Decrypt","Resource":{"Fn::GetAtt":["Key","Arn"]},"Condition":{"StringEquals":{"aws:PrincipalTag/parts":"yes"}}}]}}},
	"Attached":{"Type":"AWS::IAM::RolePolicy","Properties":{"PolicyName":"d","RoleName":{"Ref":"Role"},"PolicyDocument":{"Statement":{"Sid":"Sweep","Effect":"Deny","Action":"s3:DeleteObjectVersion","Resource":"*"}}}},
	"Endpoint":{"Type":"AWS::EC2::VPCEndpoint","Properties":{"PolicyDocument":{"Statement":{"Sid":"Ours","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":{"Fn::Sub":"${Bucket.Arn}/*"}}}}},
	"Open":{"Type":"AWS::EC2::VPCEndpoint","Properties":{}},
	"Secret":{"Type":"AWS::SecretsManager::Secret","Properties":{}},
	"SecretPolicy":{"Type":"AWS::SecretsManager::ResourcePolicy","Properties":{"SecretId":{"Ref":"Secret"},"ResourcePolicy":{"Statement":{"Sid":"Nobody","Effect":"Deny","Principal":"*","Action":"secretsmanager:*","Resource":"*"}}}},
	"Default":{"Type":"AWS::KMS::Key","Properties":{}},
	"Never":{"Condition":"Off","Type":"AWS::IAM::User","Properties":{}}
	},"Conditions":{"Off":{"Fn::Equals":["a","b"]}}}`

func content(t *testing.T) (policies *policytest.Policies, bucket, key, role string) {
	t.Helper()
	managed := map[string][]byte{"arn:aws:iam::aws:policy/ReadOnly": []byte(`{"Statement":{"Sid":"Get","Effect":"Allow","Action":"s3:Get*","Resource":"*"}}`)}
	policies, err := policytest.Resolve(policytest.Context{Account: home, Managed: managed, Values: map[string]string{"Main/Distribution": "EDFDVBD6EXAMPLE"}}, template(t, "Main", contentTemplate))
	if err != nil {
		t.Fatal(err)
	}
	bucket, key = slices.Collect(maps.Keys(policies.Buckets))[0], policies.Aliases["arn:aws:kms:eu-west-1:"+home+":alias/content"]
	return policies, bucket, key, "arn:aws:iam::" + home + ":role/apps/Main-Role"
}

func TestATemplateIsJudgedAsAWhole(t *testing.T) {
	policies, bucket, key, role := content(t)
	gateway, object := policytest.Role(role, "task"), bucket+"/photo.jpg"
	put := policytest.NewRequest(gateway, "s3:PutObject", object)
	other := policytest.User("arn:aws:iam::" + home + ":user/admin").WithPolicies(identity(t, `{"Sid":"Admin","Effect":"Allow","Action":"*","Resource":"*"}`))
	endpoint := endpointWith(t, policies, "Main/Endpoint")
	for name, test := range map[string]struct {
		request policytest.Request
		allowed bool
		decided string
	}{
		"read by the distribution":      {policytest.NewRequest(edge, "s3:GetObject", object).OnBehalfOf(ours, home), true, "Main/BucketPolicy/Read Main/Key/Decrypt"},
		"read by another distribution":  {policytest.NewRequest(edge, "s3:GetObject", object).OnBehalfOf(theirs, home), false, ""},
		"listed by the gateway":         {policytest.NewRequest(gateway, "s3:ListBucket", bucket), true, "Main/Role/List/List Main/Boundary/Limit"},
		"read by the gateway":           {policytest.NewRequest(gateway, "s3:GetObject", object), false, ""}, // S3 would allow it, the key doesn't
		"written":                       {put, true, "Main/Write/Put Main/Boundary/Limit Main/Write/Use Main/Key/Account Main/Boundary/Limit"},
		"written in parts":              {put.InParts(), false, ""},
		"written with parts allowed":    {put.InParts().With("aws:PrincipalTag/parts", "yes"), true, "Main/Write/Put Main/Boundary/Limit Main/Write/Use Main/Key/Account Main/Boundary/Limit Main/Write/Parts Main/Key/Account Main/Boundary/Limit"},
		"written with SSE-S3":           {put.With("s3:x-amz-server-side-encryption", "AES256"), true, "Main/Write/Put Main/Boundary/Limit"},
		"written by the key's alias":    {put.EncryptedWith("arn:aws:kms:eu-west-1:" + home + ":alias/content"), true, "Main/Write/Put Main/Boundary/Limit Main/Write/Use Main/Key/Account Main/Boundary/Limit"},
		"written through the endpoint":  {put.Through(endpoint, "vpc-1"), true, "Main/Write/Put Main/Endpoint/Ours Main/Boundary/Limit Main/Write/Use Main/Key/Account Main/Boundary/Limit"},
		"listed through the endpoint":   {policytest.NewRequest(gateway, "s3:ListBucket", bucket).Through(endpoint, "vpc-1"), false, ""},
		"listed through the open one":   {policytest.NewRequest(gateway, "s3:ListBucket", bucket).Through(endpointWith(t, policies, "Main/Open"), "vpc-1"), true, "Main/Role/List/List Main/Open/default Main/Boundary/Limit"},
		"a version deleted":             {policytest.NewRequest(gateway, "s3:DeleteObjectVersion", object), false, "Main/Attached/Sweep"},
		"beyond the boundary":           {policytest.NewRequest(gateway, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:"+home+":jobs"), false, ""},
		"read by an administrator":      {policytest.NewRequest(other, "s3:GetObject", object), true, "identity/Admin identity/Admin Main/Key/Account"},
		"read by nobody":                {policytest.NewRequest(policytest.Anonymous(), "s3:GetObject", object), false, ""},
		"a version read":                {policytest.NewRequest(other, "s3:GetObjectVersion", object), true, "identity/Admin identity/Admin Main/Key/Account"},
		"deleted, which needs no key":   {policytest.NewRequest(other, "s3:DeleteObject", object), true, "identity/Admin"},
		"the key itself, but not by S3": {policytest.NewRequest(gateway, "kms:GenerateDataKey", key).With("x:y", "z"), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			evaluate := policies.EvaluateObject
			if !strings.HasPrefix(test.request.Resource, bucket) {
				evaluate = policies.Evaluate
			}
			answer, err := evaluate(test.request)
			if err != nil || answer.Allowed != test.allowed || strings.Join(answer.Statements, " ") != test.decided {
				t.Errorf("%v, %v; want allowed %v by %q", answer, err, test.allowed, test.decided)
			}
		})
	}
	if _, err := policies.EvaluateObject(put.EncryptedWith("arn:aws:kms:eu-west-1:" + home + ":key/other")); err == nil {
		t.Error("a key that nobody knows was judged")
	}
	tasks := policytest.NewRequest(policytest.Service("ecs-tasks.amazonaws.com"), "sts:AssumeRole", role)
	expect(t, policies, tasks, true, "Main/Role/Tasks")
	for secret := range policies.Attached {
		expect(t, policies, policytest.NewRequest(other, "secretsmanager:GetSecretValue", secret), false, "Main/SecretPolicy/Nobody")
	}
	if made := policies.Buckets[bucket]; !made.RestrictPublicBuckets || !made.BucketKey || made.Region != "eu-west-1" {
		t.Errorf("%+v", made)
	}
	if len(policies.Attached) != 1 || len(policies.Keys) != 2 || len(policies.Buckets) != 1 {
		t.Errorf("%d attached, %d keys, %d buckets", len(policies.Attached), len(policies.Keys), len(policies.Buckets))
	}
}

// What is asked of a key in a caller's name says who the caller is, and that S3
// asks, but not from where the caller came.
func TestWhatKMSIsTold(t *testing.T) {
	caller := policytest.User("arn:aws:iam::" + away + ":user/Bob").WithPolicies(identity(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`))
	for told, want := range map[string]bool{
		`"aws:PrincipalArn":"arn:aws:iam::` + away + `:user/Bob"`: true,
		`"aws:username":"Bob"`:                                true,
		`"aws:ResourceAccount":"` + home + `"`:                true,
		`"aws:RequestedRegion":"us-west-2"`:                   true,
		`"aws:SecureTransport":"true"`:                        true,
		`"aws:ViaAWSService":"true"`:                          true,
		`"kms:CallerAccount":"` + away + `"`:                  true,
		`"kms:CallerAccount":"` + home + `"`:                  false,
		`"kms:ViaService":"s3.us-west-2.amazonaws.com"`:       true,
		`"kms:EncryptionContext:aws:s3:arn":"` + photo + `"`:  true,
		`"kms:EncryptionContext:aws:s3:arn":"` + bucket + `"`: false,
		`"aws:SourceVpce":"vpce-1"`:                           false,
		`"aws:SourceIp":"10.0.0.1"`:                           false,
		`"s3:authType":"REST-QUERY-STRING"`:                   false,
	} {
		t.Run(told, func(t *testing.T) {
			policies := world(t, readTo(`{"AWS":"`+away+`"}`), `{"Effect":"Allow","Principal":{"AWS":"`+away+`"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{`+told+`}}}`)
			policies.Buckets[bucket].Key = key
			policies.Endpoints = map[string]policytest.Policy{"vpce-1": parse(t, "endpoint", policytest.Resource, readTo(`"*"`))}
			request := get(caller).Through("vpce-1", "vpc-1").With("aws:SourceIp", "10.0.0.1").Presigned(time.Minute)
			if answer, err := policies.EvaluateObject(request); err != nil || answer.Allowed != want {
				t.Errorf("%v, %v", answer, err)
			}
		})
	}
}

// Requests are values: what is made of one leaves it as it was.
func TestRequestsAreCopied(t *testing.T) {
	policies := world(t, readTo(`"*"`)+","+secure+`,{"Sid":"Old","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"`+bucket+`/*","Condition":{"NumericGreaterThan":{"s3:signatureAge":"600000"}}},
		{"Sid":"TLS","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"`+bucket+`/*","Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}}`, "")
	request := get(user)
	expect(t, policies, request.OverHTTP(), false, "bucket/HTTPSOnly")
	expect(t, policies, request.Presigned(time.Hour), false, "bucket/Old")
	expect(t, policies, request.Presigned(10*time.Minute), true, "bucket/Read")
	expect(t, policies, request.With("s3:TlsVersion", "1.1"), false, "bucket/TLS")
	expect(t, policies, request.With("s3:TlsVersion", "1.1").OverHTTP(), false, "bucket/HTTPSOnly")
	expect(t, policies, request, true, "bucket/Read")
}

func endpointWith(t *testing.T, policies *policytest.Policies, name string) string {
	t.Helper()
	for id, policy := range policies.Endpoints {
		if policy.Name == name {
			return id
		}
	}
	t.Fatalf("no endpoint has the policy %s", name)
	return ""
}

// CDK carries values between regions by custom resources.
func TestValuesFromAnotherRegion(t *testing.T) {
	writer := template(t, "Global", `{"Resources":{"Writer":{"Type":"Custom::CrossRegionExportWriter","Properties":{"WriterProps":{"exports":{"/cdk/exports/Main/Acl":{"Fn::Sub":"arn:aws:wafv2:${AWS::Region}:${AWS::AccountId}:global/webacl/a/b"}}}}}}}`)
	writer.Region = "us-east-1"
	reader := template(t, "Main", roleWith(`{"Sid":"Acl","Effect":"Allow","Action":"wafv2:GetWebACL","Resource":{"Fn::GetAtt":["Reader","/cdk/exports/Main/Acl"]}}`, `,"Reader":{"Type":"Custom::CrossRegionExportReader","Properties":{}}}`))
	policies, err := policytest.Resolve(policytest.Context{Account: home}, writer, reader)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, policies, policytest.NewRequest(policytest.Role("arn:aws:iam::"+home+":role/gateway", "t"), "wafv2:GetWebACL", "arn:aws:wafv2:us-east-1:"+home+":global/webacl/a/b"), true, "Main/Policy/Acl")
}

func TestNothingUnresolvedIsDropped(t *testing.T) {
	statement := func(resource string) string {
		return roleWith(`{"Effect":"Allow","Action":"*","Resource":`+resource+`}`, "}")
	}
	resource := func(kind, properties string) string {
		return `{"Resources":{"A":{"Type":"` + kind + `","Properties":` + properties + `}}}`
	}
	const document = `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`
	for name, text := range map[string]string{
		"an unknown function":           statement(`{"Fn::Base64":"a"}`),
		"a missing resource":            statement(`{"Ref":"Missing"}`),
		"a resource made up by nobody":  statement(`{"Fn::GetAtt":["Policy","Arn"]}`),
		"an unknown attribute":          statement(`{"Fn::GetAtt":["Role","Name"]}`),
		"a strange GetAtt":              statement(`{"Fn::GetAtt":["Role"]}`),
		"a parameter without a default": strings.TrimSuffix(statement(`{"Ref":"P"}`), "}") + `,"Parameters":{"P":{"Type":"String"}}}`,
		"a parameter from elsewhere":    strings.TrimSuffix(statement(`{"Ref":"P"}`), "}") + `,"Parameters":{"P":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"arn:aws:sqs:eu-west-1:111122223333:a"}}}`,
		"an export of nobody":           statement(`{"Fn::ImportValue":"a"}`),
		"an unknown mapping":            statement(`{"Fn::FindInMap":["A","B","C"]}`),
		"a selection out of range":      statement(`{"Fn::Select":[2,["a","b"]]}`),
		"a missing condition":           statement(`{"Fn::If":["A","b","c"]}`),
		"a missing name in Fn::Sub":     statement(`{"Fn::Sub":"${Missing}"}`),
		"a condition of itself":         strings.TrimSuffix(statement(`{"Fn::If":["A","b","c"]}`), "}") + `,"Conditions":{"A":{"Fn::Not":[{"Condition":"A"}]}}}`,
		"a dynamic reference":           statement(`"arn:aws:sqs:eu-west-1:111122223333:{{resolve:ssm:/a}}"`),
		"a join of objects":             statement(`{"Fn::Join":["",[{"a":"b"}]]}`),
		"a split of nothing":            statement(`{"Fn::Split":["","a"]}`),
		"a managed policy":              resource("AWS::IAM::Role", `{"ManagedPolicyArns":["arn:aws:iam::aws:policy/AdministratorAccess"]}`),
		"a boundary":                    resource("AWS::IAM::Role", `{"PermissionsBoundary":"arn:aws:iam::aws:policy/AdministratorAccess"}`),
		"a managed policy of nothing":   resource("AWS::IAM::ManagedPolicy", `{}`),
		"a policy of nobody":            resource("AWS::IAM::Policy", `{"PolicyDocument":{"Statement":[]}}`),
		"a policy of users":             resource("AWS::IAM::Policy", `{"Users":["a"],"PolicyDocument":{"Statement":[]}}`),
		"a policy of groups":            resource("AWS::IAM::Policy", `{"Groups":["a"],"Roles":["b"],"PolicyDocument":{"Statement":[]}}`),
		"a user":                        resource("AWS::IAM::User", `{}`),
		"a Lambda permission":           resource("AWS::Lambda::Permission", `{}`),
		"an access point":               resource("AWS::S3::AccessPoint", `{}`),
		"a policy somewhere else":       resource("AWS::Backup::BackupVault", `{"AccessPolicy":`+document+`}`),
		"a policy in a list":            resource("AWS::Some::Thing", `{"Things":[{"Policy":`+document+`}]}`),
		"a policy within a function":    resource("AWS::Some::Thing", `{"Policy":{"Statement":{"Fn::If":["A",[{"Effect":"Allow","NotAction":"a:b"}],[]]}}}`),
		"a secret's policy":             resource("AWS::SecretsManager::ResourcePolicy", `{"SecretId":"a"}`),
		"two policies of a bucket":      `{"Resources":{"A":{"Type":"AWS::S3::BucketPolicy","Properties":{"Bucket":"a","PolicyDocument":` + document + `}},"B":{"Type":"AWS::S3::BucketPolicy","Properties":{"Bucket":"a","PolicyDocument":` + document + `}}}}`,
		"two policies of a topic":       `{"Resources":{"A":{"Type":"AWS::SNS::TopicPolicy","Properties":{"Topics":["a"],"PolicyDocument":` + document + `}},"B":{"Type":"AWS::SNS::TopicPolicy","Properties":{"Topics":["a"],"PolicyDocument":` + document + `}}}}`,
		"a key of AWS's":                resource("AWS::S3::Bucket", `{"BucketEncryption":{"ServerSideEncryptionConfiguration":[{"ServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"}}]}}`),
		"an unknown encryption":         resource("AWS::S3::Bucket", `{"BucketEncryption":{"ServerSideEncryptionConfiguration":[{"ServerSideEncryptionByDefault":{"SSEAlgorithm":"rot13"}}]}}`),
		"a public ACL":                  resource("AWS::S3::Bucket", `{"AccessControl":"PublicRead"}`),
		"policies that are no list":     resource("AWS::IAM::Role", `{"Policies":{"Ref":"AWS::Region"}}`),
		"managed policies of no list":   resource("AWS::IAM::Role", `{"ManagedPolicyArns":"arn"}`),
		"a bucket policy of nothing":    resource("AWS::S3::BucketPolicy", `{"Bucket":"a"}`),
		"a policy of no bucket":         resource("AWS::S3::BucketPolicy", `{"PolicyDocument":`+document+`}`),
		"an alias of nothing":           resource("AWS::KMS::Alias", `{"AliasName":"alias/a"}`),
		"no rule of encryption":         resource("AWS::S3::Bucket", `{"BucketEncryption":{}}`),
		"a wrong policy":                resource("AWS::KMS::Key", `{"KeyPolicy":{"Statement":{"Effect":"Allow"}}}`),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := policytest.Resolve(policytest.Context{Account: home}, template(t, "Main", text)); !errors.Is(err, policytest.ErrUnresolved) {
				t.Errorf("%v", err)
			} else if !strings.Contains(err.Error(), "Main/") {
				t.Errorf("%v doesn't say where", err)
			}
		})
	}
	if _, err := policytest.Resolve(policytest.Context{Account: home}, template(t, "Main",
		resource("AWS::WAFv2::WebACL", `{"Rules":[{"Action":{"Block":{}},"Statement":{"RateBasedStatement":{"Limit":100}}}]}`))); err != nil {
		t.Error(err)
	}
	ignored := policytest.Context{Account: home, Ignore: []string{"AWS::Lambda::Permission"}}
	if _, err := policytest.Resolve(ignored, template(t, "Main", resource("AWS::Lambda::Permission", `{}`))); err != nil {
		t.Error(err)
	}
}
