package stacks_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/policytest"
)

// surrounds is what others may do to what the gateway has: its secret, its
// signing keys, its tables, its trail, its logs.
func (w *world) surrounds() []question {
	asked := slices.Concat(w.secret(), w.signingKeys(), w.trailFiles(), w.overHTTP(), w.governs())
	for _, granted := range slices.Concat(w.ownKeys(), w.becomes(), w.alarms()) {
		asked = append(asked, granted.questions()...)
	}
	return asked
}

// questions are that it is allowed, and isn't any more when a hinge is another
// or missing.
func (g grant) questions() []question {
	asked := []question{{g.name, g.request, true}}
	for key, other := range g.hinges {
		asked = append(asked,
			question{g.name + " with another " + key, g.request.With(key, other), false},
			question{g.name + " without " + key, g.request.Without(key), false})
	}
	return asked
}

// role is one of the templates' roles, with what they give it.
func (w *world) role(part string) policytest.Principal {
	return policytest.Role(named(w.policies.Roles, part), "session")
}

// people are those whom IAM lets do everything.
func (w *world) people() map[string]policytest.Principal {
	return map[string]policytest.Principal{
		"an administrator of the account": w.administrator, "another account": w.stranger, "the copier, were it given everything": w.copier.WithPolicies(everything()),
		"Firehose's role, were it given everything": w.role("-AuditRecordsDeliverer").WithPolicies(everything()),
	}
}

// secret is who may have the private halves, and who may change or lose them.
func (w *world) secret() (asked []question) {
	secret := named(w.policies.Attached, ":secretsmanager:")
	ask := func(who string, principal policytest.Principal, allowed bool, actions string) {
		for action := range strings.FieldsSeq(actions) {
			asked = append(asked, question{who + ": secretsmanager:" + action, policytest.NewRequest(principal, "secretsmanager:"+action, secret), allowed})
		}
	}
	const (
		read   = "GetSecretValue"
		write  = "PutSecretValue UpdateSecretVersionStage"
		govern = "DeleteSecret UpdateSecret PutResourcePolicy DeleteResourcePolicy ReplicateSecretToRegions RotateSecret"
	)
	keygen, gateway := w.role("-SigningKeysKeygenRole"), w.gateway.WithPolicies(everything())
	ask("the gateway", w.gateway, true, read)
	ask("the gateway, were it given everything", gateway, true, read)
	ask("the gateway, were it given everything", gateway, false, write+" "+govern)
	ask("what makes keys", keygen, true, read+" "+write)
	ask("what makes keys, were it given everything", keygen.WithPolicies(everything()), false, govern)
	for name, who := range w.people() {
		ask(name, who, false, read+" "+write+" "+govern)
	}
	// Who rotates keys reads and writes them: those who govern.
	for name, who := range map[string]policytest.Principal{"the deployer": w.deployer, "the keeper": w.keeper} {
		ask(name, who, true, read+" "+write+" "+govern)
	}
	return asked
}

// signingKeys is who may sign with a key in KMS, and what.
func (w *world) signingKeys() (asked []question) {
	key := w.keyOf("SigningKeysSigningKeyb")
	digest := func(r policytest.Request) policytest.Request {
		return r.With("kms:MessageType", "DIGEST").With("kms:SigningAlgorithm", "ECDSA_SHA_256").With("aws:MultiFactorAuthPresent", "true")
	}
	ask := func(who string, principal policytest.Principal, actions ...string) {
		for _, action := range actions {
			asked = append(asked, question{who + " with the signing key: " + action, digest(policytest.NewRequest(principal, action, key)), false})
		}
	}
	use := []string{"kms:Sign", "kms:GetPublicKey", "kms:Verify", "kms:CreateGrant", "kms:DeriveSharedSecret", "kms:ReplicateKey"}
	for name, who := range w.people() {
		ask(name, who, use...)
	}
	ask("the deployer", w.deployer, use...)
	ask("the keeper", w.keeper, use...)
	ask("what makes keys", w.role("-SigningKeysKeygenRole"), "kms:Sign", "kms:CreateGrant")
	ask("the gateway, were it given everything", w.gateway.WithPolicies(everything()), "kms:Verify", "kms:CreateGrant", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey")
	for name, who := range map[string]policytest.Principal{"the gateway": w.gateway, "the gateway, were it given everything": w.gateway.WithPolicies(everything())} {
		granted := grant{name + " signs", digest(policytest.NewRequest(who, "kms:Sign", key)), map[string]string{"kms:MessageType": "RAW", "kms:SigningAlgorithm": "ECDSA_SHA_384"}}
		asked = append(asked, granted.questions()...)
	}
	for name, who := range map[string]policytest.Principal{"the gateway": w.gateway, "what makes keys": w.role("-SigningKeysKeygenRole")} {
		asked = append(asked, question{name + " reads the public half", policytest.NewRequest(who, "kms:GetPublicKey", key), true})
	}
	return asked
}

// trailFiles is who may do what to the files of the audit trail.
func (w *world) trailFiles() (asked []question) {
	bucket := named(w.policies.Buckets, "-auditrecordsbucket")
	gateway, deliverer := w.gateway.WithPolicies(everything()), w.role("-AuditRecordsDeliverer")
	given := slices.DeleteFunc(policy.Writing(), func(action string) bool { return action == "s3:DeleteObject" || action == "s3:AbortMultipartUpload" })
	asked = slices.Concat(
		every("the gateway, were it given everything", gateway, bucket, false, slices.Concat(policy.Reading(), policy.Listing(), policy.Writing(), policy.SharingByACL(), policy.Governing(), policy.Erasing())...),
		every("an auditor", w.administrator, bucket, true, slices.Concat(policy.Reading(), policy.Listing())...),
		every("an administrator of the account", w.administrator, bucket, false, slices.Concat(policy.Writing(), policy.SharingByACL())...),
		every("the keeper", w.keeper, bucket, false, slices.Concat(given, policy.SharingByACL())...),
		every("the keeper", w.keeper, bucket, true, "s3:DeleteObject", "s3:AbortMultipartUpload"),
		every("Firehose's role, were it given everything", deliverer.WithPolicies(everything()), bucket, false, slices.Concat([]string{"s3:DeleteObject", "s3:AbortMultipartUpload"}, policy.Erasing(), policy.Governing())...),
	)
	by := func(action, resource string) policytest.Request {
		return policytest.NewRequest(deliverer, action, resource)
	}
	logs := "no log group: "
	for id := range of(w.content, "AWS::Logs::LogGroup") {
		if strings.HasPrefix(id, "AuditRecords") {
			logs = "arn:aws:logs:" + prodRegion + ":" + prodAccount + ":log-group:signgate-prod-" + id + ":log-stream:"
		}
	}
	for _, action := range []string{"s3:DeleteObject", "s3:AbortMultipartUpload"} {
		asked = append(asked, question{bucket + ": the keeper, without a second factor, " + action, policytest.NewRequest(w.keeper, action, bucket+"/x"), false})
	}
	return append(asked,
		question{"the gateway, were it given everything, decrypts the audit trail",
			policytest.NewRequest(gateway, "kms:Decrypt", w.keyOf("AuditRecordsKey")).With("kms:ViaService", "s3."+prodRegion+".amazonaws.com"), false},
		question{"Firehose delivers", by("s3:PutObject", bucket+"/audit/2026/11/21/x.gz"), true},
		question{"Firehose tells what failed", by("s3:PutObject", bucket+"/failed/processing/x"), true},
		question{"Firehose writes elsewhere", by("s3:PutObject", bucket+"/x"), false},
		question{"Firehose writes to another bucket", by("s3:PutObject", w.bucket+"/audit/x"), false},
		question{"Firehose finds the bucket", by("s3:GetBucketLocation", bucket), true},
		question{"Firehose lists", by("s3:ListBucket", bucket), true},
		question{"Firehose lists what is being uploaded", by("s3:ListBucketMultipartUploads", bucket), true},
		question{"Firehose reads", by("s3:GetObject", bucket+"/audit/x"), false},
		question{"Firehose writes errors", by("logs:PutLogEvents", logs+"S3Delivery"), true},
		question{"Firehose writes another log", by("logs:PutLogEvents", logs+"x"), false},
	)
}

// ownKeys is what encrypts what the gateway has.
func (w *world) ownKeys() []grant {
	through := func(who policytest.Principal, action, part, service string) policytest.Request {
		return policytest.NewRequest(who, action, w.keyOf(part)).With("kms:ViaService", service+"."+prodRegion+".amazonaws.com").With("aws:MultiFactorAuthPresent", "true")
	}
	via := func(keys map[string]string) map[string]string {
		all := map[string]string{"kms:ViaService": "sqs." + prodRegion + ".amazonaws.com"}
		maps.Copy(all, keys)
		return all
	}
	anybody := "arn:aws:iam::" + prodAccount + ":role/admin"
	secret := named(w.policies.Attached, ":secretsmanager:")
	keygen, deliverer := w.role("-SigningKeysKeygenRole"), w.role("-AuditRecordsDeliverer")
	granted := []grant{
		{"the gateway has its secret decrypted", through(w.gateway, "kms:Decrypt", "SigningKeysKey", "secretsmanager").With("kms:EncryptionContext:SecretARN", secret),
			via(map[string]string{"kms:EncryptionContext:SecretARN": secret + "2", "aws:PrincipalArn": anybody})},
		{"what makes keys has them encrypted", through(keygen, "kms:GenerateDataKey", "SigningKeysKey", "secretsmanager"), via(nil)},
		{"what makes keys has them decrypted", through(keygen, "kms:Decrypt", "SigningKeysKey", "secretsmanager"), via(nil)},
		{"who rotates has keys decrypted", through(w.keeper, "kms:Decrypt", "SigningKeysKey", "secretsmanager"), via(map[string]string{"aws:PrincipalArn": anybody})},
		{"who rotates has keys encrypted", through(w.deployer, "kms:GenerateDataKey", "SigningKeysKey", "secretsmanager"), via(map[string]string{"aws:PrincipalArn": anybody})},
		{"the deployer makes tables", through(w.deployer, "kms:CreateGrant", "TablesKey", "dynamodb"), via(map[string]string{"aws:PrincipalArn": anybody})},
		{"the gateway uses tables", through(w.gateway, "kms:Decrypt", "TablesKey", "dynamodb"), via(nil)},
		{"the deployer makes the stream", policytest.NewRequest(w.deployer, "kms:CreateGrant", w.keyOf("AuditRecordsStreamKey")).With("kms:GrantIsForAWSResource", "true"),
			map[string]string{"kms:GrantIsForAWSResource": "false", "aws:PrincipalArn": anybody}},
		{"Firehose encrypts files", through(deliverer, "kms:GenerateDataKey", "AuditRecordsKey", "s3"), via(nil)},
		{"Firehose decrypts for the bucket key", through(deliverer, "kms:Decrypt", "AuditRecordsKey", "s3"), via(nil)},
		{"an auditor decrypts the audit trail", through(w.administrator, "kms:Decrypt", "AuditRecordsKey", "s3"), via(nil)},
	}
	for _, part := range []string{"AuditRecordsKey", "GatewayLogKey", "SigningKeysLogKey"} {
		arn := "arn:aws:logs:" + prodRegion + ":" + prodAccount + ":log-group:"
		granted = append(granted, grant{"a log group is encrypted with " + part,
			policytest.NewRequest(policytest.Service("logs."+prodRegion+".amazonaws.com"), "kms:GenerateDataKey", w.keyOf(part)).With("kms:EncryptionContext:aws:logs:arn", arn+"signgate-prod-x"),
			map[string]string{"kms:EncryptionContext:aws:logs:arn": arn + "another"}})
	}
	return granted
}

// topic is the one that the gateway's alarms tell, in its own region.
func (w *world) topic() string { return named(w.policies.Attached, ":sns:"+prodRegion+":") }

// alarms is how the gateway's alarms tell.
func (w *world) alarms() []grant {
	alarm := "arn:aws:cloudwatch:" + prodRegion + ":" + prodAccount + ":alarm:a"
	return []grant{
		{"the gateway's alarm tells", does("cloudwatch.amazonaws.com", "sns:Publish", w.topic(), alarm),
			map[string]string{"aws:SourceArn": "arn:aws:events:" + prodRegion + ":" + prodAccount + ":rule/a", "aws:SourceAccount": strangeAccount}},
		{"the gateway's alarm encrypts", does("cloudwatch.amazonaws.com", "kms:GenerateDataKey", w.keyOf("signgate-prod/TopicKey"), alarm), map[string]string{"aws:SourceAccount": strangeAccount}},
	}
}

// overHTTP is what nobody does with this topic without TLS.
func (w *world) overHTTP() (asked []question) {
	for action := range strings.FieldsSeq("AddPermission DeleteTopic GetTopicAttributes ListSubscriptionsByTopic Publish RemovePermission SetTopicAttributes Subscribe") {
		request := policytest.NewRequest(w.administrator, "sns:"+action, w.topic())
		asked = append(asked,
			question{"the gateway's topic, over HTTP sns:" + action, request.OverHTTP(), false},
			question{"the gateway's topic, sns:" + action, request, true})
	}
	return asked
}

// becomes is who takes which role, and what the smaller ones may.
func (w *world) becomes() []grant {
	firehose := policytest.NewRequest(policytest.Service("firehose.amazonaws.com"), "sts:AssumeRole", named(w.policies.Roles, "-AuditRecordsDeliverer")).With("sts:ExternalId", prodAccount)
	granted := []grant{
		{"Lambda becomes the gateway", does("lambda.amazonaws.com", "sts:AssumeRole", named(w.policies.Roles, "-GatewayRole"), ""), nil},
		{"Lambda becomes what makes keys", does("lambda.amazonaws.com", "sts:AssumeRole", named(w.policies.Roles, "-SigningKeysKeygenRole"), ""), nil},
		{"Firehose becomes its role", firehose, map[string]string{"sts:ExternalId": strangeAccount}},
	}
	for id := range of(w.content, "AWS::Logs::LogGroup") {
		if strings.HasPrefix(id, "SigningKeys") {
			log := "arn:aws:logs:" + prodRegion + ":" + prodAccount + ":log-group:signgate-prod-" + id + ":log-stream:x"
			granted = append(granted,
				grant{"what makes keys has a log", policytest.NewRequest(w.role("-SigningKeysKeygenRole"), "logs:CreateLogStream", log), nil},
				grant{"what makes keys writes its log", policytest.NewRequest(w.role("-SigningKeysKeygenRole"), "logs:PutLogEvents", log), nil})
		}
	}
	return granted
}

func TestWhatTheGatewayHasIsForThoseWhomItIsFor(t *testing.T) {
	for wrong := range (inquiry{questions: (*world).surrounds}).wrong(templates(t, "whole")) {
		t.Error(wrong)
	}
}
