package stacks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/policytest"
)

// world is who and what requests are about, in the account that the
// environment of production is for.
type world struct {
	policies *policytest.Policies
	content  policytest.Template // that isn't only for CloudFront

	bucket, backup, logs, key                string // ARNs
	gateway, administrator, deployer, keeper policytest.Principal
	copier, stranger, anonymous, cloudFront  policytest.Principal
	distribution, other                      string // ARNs of distributions
}

const (
	prodAccount    = "444455556666"
	strangeAccount = "999900001111"
	prodRegion     = "eu-central-1"
	endpointID     = "vpce-0a1b2c3d4e5f60718"
	foreignKey     = "arn:aws:kms:" + prodRegion + ":" + prodAccount + ":key/0f0f0f0f-12ab-34cd-56ef-1234567890ab"
)

// everything is the policy of somebody whom IAM lets do everything.
func everything() policytest.Policy {
	policy, err := policytest.ParsePolicy("AdministratorAccess", policytest.Identity, []byte(`{"Version": "2012-10-17", "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]}`))
	if err != nil {
		panic(err)
	}
	return policy
}

// newWorld resolves the templates of production.
func newWorld(all []policytest.Template) (*world, error) {
	values := map[string]string{}
	for _, template := range all {
		for id := range of(template, "AWS::CloudFront::Distribution") {
			values[template.Stack+"/"+id], values[template.Stack+"/"+id+".Id"] = "EDFDVBD6EXAMPLE", "EDFDVBD6EXAMPLE"
		}
		for id := range of(template, "AWS::EC2::VPCEndpoint") {
			values[template.Stack+"/"+id], values[template.Stack+"/"+id+".Id"] = endpointID, endpointID
		}
	}
	policies, err := policytest.Resolve(policytest.Context{
		Account: prodAccount, Values: values,
		Ignore: []string{"AWS::SNS::TopicPolicy", "AWS::Logs::ResourcePolicy", "AWS::WAFv2::WebACL", "AWS::Lambda::Permission"}, // are about neither objects nor keys
		// AWS Managed Policy Reference Guide; CDK's own functions have it.
		Managed: map[string][]byte{"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": []byte(`{"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}]}`)},
	}, all...)
	if err != nil {
		return nil, err
	}
	person := func(name string) policytest.Principal {
		return policytest.Role("arn:aws:iam::"+prodAccount+":role/"+name, "session").WithPolicies(everything())
	}
	policies.Keys[foreignKey] = &policytest.Key{Account: prodAccount, Policy: anyKeyPolicy()}
	w := &world{
		policies: policies, administrator: person("admin"), keeper: person("signgate-keeper"),
		deployer:  person("cdk-hnb659fds-cfn-exec-role-" + prodAccount + "-" + prodRegion),
		stranger:  policytest.Role("arn:aws:iam::"+strangeAccount+":role/admin", "session").WithPolicies(everything()),
		anonymous: policytest.Anonymous(), cloudFront: policytest.Service("cloudfront.amazonaws.com"),
		distribution: "arn:aws:cloudfront::" + prodAccount + ":distribution/EDFDVBD6EXAMPLE",
		other:        "arn:aws:cloudfront::" + prodAccount + ":distribution/E2QWRUHEXAMPLE",
	}
	for arn := range policies.Buckets {
		for part, name := range map[string]*string{"-contentbucket": &w.bucket, "-contentbackup": &w.backup, "-logsbucket": &w.logs} {
			if strings.Contains(strings.ToLower(arn), part) {
				*name = arn
			}
		}
	}
	for arn := range policies.Roles {
		for part, who := range map[string]*policytest.Principal{"-GatewayRole": &w.gateway, "-ContentCopier": &w.copier} {
			if strings.Contains(arn, part) {
				*who = policytest.Role(arn, "session")
			}
		}
	}
	w.key = policies.Aliases[policies.Buckets[w.bucket].Key]
	for _, template := range all {
		if template.Stack == "signgate-prod" {
			w.content = template
		}
	}
	return w, w.attachTexts(all)
}

// deployerOf is the role that CloudFormation acts as in the region of an ARN.
func (w *world) deployerOf(arn string) policytest.Principal {
	region := strings.Split(arn, ":")[3]
	return policytest.Role("arn:aws:iam::"+prodAccount+":role/cdk-hnb659fds-cfn-exec-role-"+prodAccount+"-"+region, "session").WithPolicies(everything())
}

// anyKeyPolicy leaves a key to IAM.
func anyKeyPolicy() policytest.Policy {
	policy, err := policytest.ParsePolicy("another key", policytest.Resource, []byte(`{"Version": "2012-10-17", "Statement": [{"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::`+prodAccount+`:root"}, "Action": "kms:*", "Resource": "*"}]}`))
	if err != nil {
		panic(err)
	}
	return policy
}

// question is a request, and what AWS shall answer.
type question struct {
	name    string
	request policytest.Request
	allowed bool
}

func (w *world) questions() []question {
	return slices.Concat(w.reads(), w.writes(), w.encryption(), w.channels(), w.governing(), w.backups(), w.keys(), w.network())
}

func (w *world) object(key string) string { return w.bucket + "/" + key }

// viewer reads through a distribution.
func (w *world) viewer(action, key, distribution, account string) policytest.Request {
	return policytest.NewRequest(w.cloudFront, action, w.object(key)).OnBehalfOf(distribution, account)
}

// own is one of the gateway's own requests, which come through its endpoint.
func (w *world) own(action, resource string) policytest.Request {
	return policytest.NewRequest(w.gateway, action, resource).Through(endpointID, "vpc-0a1b2c3d4e5f60718")
}

// presigned is a request that the gateway signed, sent by a browser.
func (w *world) presigned(action, key string, age time.Duration) policytest.Request {
	return policytest.NewRequest(w.gateway, action, w.object(key)).Presigned(age)
}

const photo = "users/alice/cat.jpg"

func (w *world) reads() []question {
	get, version := "s3:GetObject", "s3:GetObjectVersion"
	strange := "arn:aws:cloudfront::" + strangeAccount + ":distribution/EDFDVBD6EXAMPLE"
	by := func(who policytest.Principal, action string) policytest.Request {
		return policytest.NewRequest(who, action, w.object(photo))
	}
	return []question{
		{"this distribution reads", w.viewer(get, photo, w.distribution, prodAccount), true},
		{"this distribution reads a version", w.viewer(version, photo, w.distribution, prodAccount), true},
		{"this distribution reads the quarantine", w.viewer(get, "quarantine/1", w.distribution, prodAccount), false},
		{"this distribution reads a version in the quarantine", w.viewer(version, "quarantine/1", w.distribution, prodAccount), false},
		{"this distribution reads tags", w.viewer("s3:GetObjectTagging", photo, w.distribution, prodAccount), false},
		{"this distribution lists", policytest.NewRequest(w.cloudFront, "s3:ListBucket", w.bucket).OnBehalfOf(w.distribution, prodAccount), false},
		{"this distribution writes", w.viewer("s3:PutObject", photo, w.distribution, prodAccount), false},
		{"this distribution deletes", w.viewer("s3:DeleteObject", photo, w.distribution, prodAccount), false},
		{"this distribution reads over HTTP", w.viewer(get, photo, w.distribution, prodAccount).OverHTTP(), false},
		{"another distribution reads", w.viewer(get, photo, w.other, prodAccount), false},
		{"another account's distribution reads", w.viewer(get, photo, strange, strangeAccount), false},
		{"CloudFront reads for nobody", policytest.NewRequest(w.cloudFront, get, w.object(photo)), false},
		{"another service reads for this distribution", policytest.NewRequest(policytest.Service("lambda.amazonaws.com"), get, w.object(photo)).OnBehalfOf(w.distribution, prodAccount), false},
		{"anybody reads", by(w.anonymous, get), false},
		{"anybody reads, pretending to be this distribution", by(w.anonymous, get).OnBehalfOf(w.distribution, prodAccount), false},
		{"another account reads", by(w.stranger, get), false},
		{"an administrator of the account reads", by(w.administrator, get), false},
		{"an administrator of the account reads a version", by(w.administrator, version), false},
		{"an administrator of the account reads tags", by(w.administrator, "s3:GetObjectTagging"), false},
		{"an administrator of the account reads attributes", by(w.administrator, "s3:GetObjectAttributes"), false},
		{"the keeper reads", by(w.keeper, get), false},
		{"the deployer reads", by(w.deployer, get), false},
		{"the gateway reads", w.own(get, w.object(photo)), false},
		{"the gateway presigns a read", w.presigned(get, photo, time.Minute), false},
		{"the gateway reads the quarantine", w.own(get, w.object("quarantine/1")), true},
		{"the gateway reads a version in the quarantine", w.own(version, w.object("quarantine/1")), true},
		{"the gateway reads what begins like the quarantine", w.own(get, w.object("quarantined.jpg")), false},
		{"the gateway lists", w.own("s3:ListBucket", w.bucket), true},
		{"the gateway lists versions", w.own("s3:ListBucketVersions", w.bucket), false},
		{"an administrator of the account lists", policytest.NewRequest(w.administrator, "s3:ListBucket", w.bucket), false},
		{"the keeper lists versions", policytest.NewRequest(w.keeper, "s3:ListBucketVersions", w.bucket), true},
		{"anybody lists", policytest.NewRequest(w.anonymous, "s3:ListBucket", w.bucket), false},
	}
}

func (w *world) writes() []question {
	put := "s3:PutObject"
	by := func(who policytest.Principal, action string) policytest.Request {
		return policytest.NewRequest(who, action, w.object(photo))
	}
	return []question{
		{"an upload that the gateway signed", w.presigned(put, photo, time.Minute), true},
		{"an upload in parts", w.presigned(put, photo, time.Minute).InParts(), true},
		{"a form that the gateway signed", policytest.NewRequest(w.gateway, put, w.object(photo)).With("s3:authType", "POST"), true},
		{"an upload with tags", w.presigned("s3:PutObjectTagging", photo, time.Minute), true},
		{"a delete that the gateway signed", w.presigned("s3:DeleteObject", photo, time.Minute), true},
		{"the gateway aborts an upload", w.own("s3:AbortMultipartUpload", w.object(photo)), true},
		{"the gateway lists parts", w.own("s3:ListMultipartUploadParts", w.object(photo)), true},
		{"anybody writes", by(w.anonymous, put), false},
		{"another account writes", by(w.stranger, put), false},
		{"an administrator of the account writes", by(w.administrator, put), false},
		{"an administrator of the account deletes", by(w.administrator, "s3:DeleteObject"), false},
		{"an administrator of the account tags", by(w.administrator, "s3:PutObjectTagging"), false},
		{"an administrator of the account aborts an upload", by(w.administrator, "s3:AbortMultipartUpload"), false},
		{"an administrator of the account restores from Glacier", by(w.administrator, "s3:RestoreObject"), false},
		{"the deployer writes", by(w.deployer, put), false},
		{"the keeper writes", by(w.keeper, put), false},
		{"the copier writes", by(w.copier.WithPolicies(everything()), put), false},
	}
}

func (w *world) encryption() []question {
	upload := w.presigned("s3:PutObject", photo, time.Minute)
	return []question{
		{"an upload with the bucket's key", upload.EncryptedWith(w.key), true},
		{"an upload with another key", upload.EncryptedWith(foreignKey), false},
		{"an upload with S3's keys", upload.With("s3:x-amz-server-side-encryption", "AES256"), false},
		{"an upload with a key of the caller", upload.With("s3:x-amz-server-side-encryption-customer-algorithm", "AES256"), false},
		{"an upload under two keys", upload.With("s3:x-amz-server-side-encryption", "aws:kms:dsse"), false},
	}
}

func (w *world) channels() []question {
	upload := w.presigned("s3:PutObject", photo, time.Minute)
	return []question{
		{"an upload over HTTP", upload.OverHTTP(), false},
		{"an upload over TLS 1.1", upload.With("s3:TlsVersion", "1.1"), false},
		{"an upload over TLS 1.2", upload.With("s3:TlsVersion", "1.2"), true},
		{"an upload at the last moment", w.presigned("s3:PutObject", photo, time.Hour), true},
		{"an upload that was signed too long ago", w.presigned("s3:PutObject", photo, time.Hour+time.Second), false},
		{"a delete that was signed too long ago", w.presigned("s3:DeleteObject", photo, 2*time.Hour), false},
		{"the gateway itself, past its endpoint", policytest.NewRequest(w.gateway, "s3:ListBucket", w.bucket), false},
		{"the gateway itself, through another endpoint", policytest.NewRequest(w.gateway, "s3:ListBucket", w.bucket).With("aws:SourceVpce", "vpce-00000000000000000"), false},
	}
}

func (w *world) governing() []question {
	var asked []question
	ask := func(who string, principal policytest.Principal, mfa, allowed bool, resource string, actions ...string) {
		for _, action := range actions {
			request := policytest.NewRequest(principal, action, resource)
			if mfa {
				request = request.With("aws:MultiFactorAuthPresent", "true")
			}
			asked = append(asked, question{who + " " + action, request, allowed})
		}
	}
	mighty := w.gateway.WithPolicies(everything())
	ask("anybody:", w.anonymous, false, false, w.object(photo), "s3:DeleteObjectVersion")
	ask("another account:", w.stranger, false, false, w.bucket, "s3:PutBucketPolicy", "s3:DeleteBucket")
	for name, who := range map[string]policytest.Principal{"the gateway, were it given everything:": mighty, "an administrator of the account:": w.administrator} {
		ask(name, who, false, false, w.object(photo), policy.Erasing()...)
		ask(name, who, true, false, w.object(photo), "s3:DeleteObjectVersion")
		ask(name, who, false, false, w.bucket, policy.Governing()...)
	}
	for name, who := range map[string]policytest.Principal{"the deployer:": w.deployer, "the keeper:": w.keeper, "the gateway, were it given everything:": mighty} {
		ask(name, who, true, false, w.object(photo), "s3:PutObjectAcl", "s3:PutObjectVersionAcl")
		ask(name, who, true, false, w.bucket, "s3:PutBucketAcl")
	}
	ask("the deployer:", w.deployer, false, true, w.bucket, policy.Governing()...)
	ask("the deployer:", w.deployer, false, false, w.object(photo), policy.Erasing()...)
	ask("the keeper without a second factor:", w.keeper, false, false, w.object(photo), policy.Erasing()...)
	ask("the keeper without a second factor:", w.keeper, false, false, w.bucket, policy.Governing()...)
	ask("the keeper with a second factor:", w.keeper, true, true, w.object(photo), policy.Erasing()...)
	ask("the keeper with a second factor:", w.keeper, true, true, w.bucket, policy.Governing()...)
	return asked
}

func (w *world) backups() []question {
	copied := w.backup + "/" + photo
	by := func(who policytest.Principal, action, resource string) policytest.Request {
		return policytest.NewRequest(who, action, resource).With("aws:MultiFactorAuthPresent", "true")
	}
	return []question{
		{"the copier reads a version", by(w.copier, "s3:GetObjectVersionForReplication", w.object(photo)), true},
		{"the copier reads an object", by(w.copier, "s3:GetObject", w.object(photo)), false},
		{"the copier copies", by(w.copier, "s3:ReplicateObject", copied), true},
		{"the copier copies a delete", by(w.copier.WithPolicies(everything()), "s3:ReplicateDelete", copied), false},
		{"the copier deletes a copy", by(w.copier.WithPolicies(everything()), "s3:DeleteObject", copied), false},
		{"the copier reads a copy", by(w.copier.WithPolicies(everything()), "s3:GetObject", copied), false},
		{"the gateway reads a copy", by(w.gateway.WithPolicies(everything()), "s3:GetObject", copied), false},
		{"the gateway writes a copy", by(w.gateway.WithPolicies(everything()), "s3:PutObject", copied), false},
		{"the gateway deletes a copy", by(w.gateway.WithPolicies(everything()), "s3:DeleteObject", copied), false},
		{"the gateway lists copies", by(w.gateway.WithPolicies(everything()), "s3:ListBucket", w.backup), false},
		{"an administrator of the account reads a copy", by(w.administrator, "s3:GetObject", copied), false},
		{"an administrator of the account erases a copy", by(w.administrator, "s3:DeleteObjectVersion", copied), false},
		{"the keeper reads a copy", by(w.keeper, "s3:GetObject", copied), true},
		{"the keeper has a copy restored from Glacier", by(w.keeper, "s3:RestoreObject", copied), true},
		{"the keeper has an old version restored from Glacier", by(w.keeper, "s3:RestoreObject", w.object(photo)), true},
		{"the gateway has a copy restored from Glacier", by(w.gateway.WithPolicies(everything()), "s3:RestoreObject", copied), false},
		{"the copier has a copy restored from Glacier", by(w.copier.WithPolicies(everything()), "s3:RestoreObject", copied), false},
		{"an administrator of the account has a copy restored from Glacier", by(w.administrator, "s3:RestoreObject", copied), false},
		{"the keeper deletes a copy", by(w.keeper, "s3:DeleteObject", copied), false},
		{"the keeper opens a copy by an ACL", by(w.keeper, "s3:PutObjectAcl", copied), false},
		{"the keeper reads a copy over HTTP", by(w.keeper, "s3:GetObject", copied).OverHTTP(), false},
		{"the keeper reads a copy over TLS 1.1", by(w.keeper, "s3:GetObject", copied).With("s3:TlsVersion", "1.1"), false},
		{"another account reads a copy", by(w.stranger, "s3:GetObject", copied), false},
		{"anybody reads a copy", by(w.anonymous, "s3:GetObject", copied), false},
		{"this distribution reads a copy", policytest.NewRequest(w.cloudFront, "s3:GetObject", copied).OnBehalfOf(w.distribution, prodAccount), false},
	}
}

func (w *world) keys() []question {
	use := func(who policytest.Principal, action string) policytest.Request {
		return policytest.NewRequest(who, action, w.key)
	}
	through := func(request policytest.Request, arn string) policytest.Request {
		return request.With("kms:ViaService", "s3."+prodRegion+".amazonaws.com").With("kms:EncryptionContext:aws:s3:arn", arn)
	}
	return []question{
		{"the key decrypts for this distribution", use(w.cloudFront, "kms:Decrypt").OnBehalfOf(w.distribution, prodAccount), true},
		{"the key encrypts for this distribution", use(w.cloudFront, "kms:GenerateDataKey").OnBehalfOf(w.distribution, prodAccount), false},
		{"the key decrypts for another distribution", use(w.cloudFront, "kms:Decrypt").OnBehalfOf(w.other, prodAccount), false},
		{"the key decrypts for the gateway through S3", through(use(w.gateway, "kms:Decrypt"), w.bucket), true},
		{"the key decrypts for the gateway past S3", use(w.gateway, "kms:Decrypt"), false},
		{"the key decrypts for the gateway for another bucket", through(use(w.gateway, "kms:Decrypt"), "arn:aws:s3:::another"), false},
		{"the key decrypts for the gateway through another service", through(use(w.gateway, "kms:Decrypt"), w.bucket).With("kms:ViaService", "sqs."+prodRegion+".amazonaws.com"), false},
		{"the key decrypts for an administrator of the account", use(w.administrator, "kms:Decrypt"), false},
		{"the key decrypts for the keeper", use(w.keeper, "kms:Decrypt"), false},
		{"an administrator of the account hands the key on", use(w.administrator, "kms:CreateGrant"), false},
		{"an administrator of the account looks at the key", use(w.administrator, "kms:DescribeKey"), true},
		{"an administrator of the account moves the alias", use(w.administrator, "kms:UpdateAlias"), false},
		{"an administrator of the account rewrites the key's policy", use(w.administrator, "kms:PutKeyPolicy"), false},
		{"an administrator of the account deletes the key", use(w.administrator, "kms:ScheduleKeyDeletion"), false},
		{"the deployer rewrites the key's policy", use(w.deployer, "kms:PutKeyPolicy"), true},
		{"the keeper rewrites the key's policy without a second factor", use(w.keeper, "kms:PutKeyPolicy"), false},
		{"the keeper deletes the key without a second factor", use(w.keeper, "kms:ScheduleKeyDeletion"), false},
		{"the keeper rewrites the key's policy with one", use(w.keeper, "kms:PutKeyPolicy").With("aws:MultiFactorAuthPresent", "true"), true},
		{"another account uses the key", use(w.stranger, "kms:Decrypt"), false},
	}
}

func (w *world) network() []question {
	return []question{
		{"through the endpoint to another bucket", w.own("s3:PutObject", "arn:aws:s3:::signgate-prod-logsbucket5c52c3d2/x"), false},
		{"somebody else through the endpoint", policytest.NewRequest(w.administrator, "s3:ListBucket", w.bucket).Through(endpointID, "vpc-0a1b2c3d4e5f60718"), false},
		{"the gateway reads its access logs", policytest.NewRequest(w.gateway.WithPolicies(everything()), "s3:GetObject", w.logs+"/s3/Bucket/x"), false},
		{"an auditor reads access logs", policytest.NewRequest(w.administrator, "s3:GetObject", w.logs+"/s3/Bucket/x"), true},
		{"an administrator of the account deletes access logs", policytest.NewRequest(w.administrator, "s3:DeleteObject", w.logs+"/s3/Bucket/x"), false},
		{"an administrator of the account writes access logs", policytest.NewRequest(w.administrator, "s3:PutObject", w.logs+"/s3/Bucket/x"), false},
		{"S3 delivers access logs", policytest.NewRequest(policytest.Service("logging.s3.amazonaws.com"), "s3:PutObject", w.logs+"/s3/Bucket/x").OnBehalfOf(w.bucket, prodAccount), true},
		{"S3 delivers another account's access logs", policytest.NewRequest(policytest.Service("logging.s3.amazonaws.com"), "s3:PutObject", w.logs+"/s3/Bucket/x").OnBehalfOf("arn:aws:s3:::theirs", strangeAccount), false},
	}
}

func TestEveryRequestIsAnsweredAsItShallBe(t *testing.T) {
	all := templates(t, "prod")
	for wrong := range (inquiry{questions: (*world).questions, objects: true}).wrong(all) {
		t.Error(wrong)
	}
	w, err := newWorld(all)
	if err != nil {
		t.Fatal(err)
	}
	if asked := len(w.questions()); asked < 60 {
		t.Errorf("only %d requests were judged", asked)
	}
}
