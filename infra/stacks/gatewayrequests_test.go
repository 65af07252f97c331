package stacks_test

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/policytest"
)

// broad are the actions that the gateway's role is asked about: all that
// change, read or govern what the stacks make, and those of services that it
// has no business with.
func broad() []string {
	actions := slices.Concat(policy.Reading(), policy.Listing(), policy.Writing(), policy.Restoring(), policy.Erasing(), policy.SharingByACL(), policy.Governing(), policy.KeyAdministration())
	for service, names := range map[string]string{
		"s3":             "ListMultipartUploadParts GetBucketLocation GetBucketPolicy GetBucketAcl GetBucketVersioning GetEncryptionConfiguration GetObjectAcl GetReplicationConfiguration",
		"kms":            "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateMac CreateGrant Sign Verify GetPublicKey DeriveSharedSecret ImportKeyMaterial ReplicateKey",
		"secretsmanager": "GetSecretValue BatchGetSecretValue DescribeSecret ListSecretVersionIds GetResourcePolicy PutSecretValue UpdateSecret UpdateSecretVersionStage DeleteSecret RestoreSecret PutResourcePolicy DeleteResourcePolicy RotateSecret CancelRotateSecret ReplicateSecretToRegions RemoveRegionsFromReplication StopReplicationToReplica TagResource UntagResource ListSecrets GetRandomPassword CreateSecret",
		"dynamodb":       "GetItem BatchGetItem Query Scan PutItem UpdateItem DeleteItem BatchWriteItem ConditionCheckItem PartiQLSelect PartiQLInsert PartiQLUpdate PartiQLDelete DescribeTable UpdateTable DeleteTable CreateTable CreateBackup RestoreTableToPointInTime UpdateContinuousBackups UpdateTimeToLive ExportTableToPointInTime GetRecords GetShardIterator PutResourcePolicy DeleteResourcePolicy TagResource",
		"firehose":       "PutRecord PutRecordBatch DescribeDeliveryStream UpdateDestination DeleteDeliveryStream CreateDeliveryStream StartDeliveryStreamEncryption StopDeliveryStreamEncryption TagDeliveryStream",
		"ssm":            "GetParameter GetParameters GetParametersByPath GetParameterHistory PutParameter DeleteParameter DeleteParameters LabelParameterVersion DescribeParameters",
		"logs":           "CreateLogGroup CreateLogStream PutLogEvents GetLogEvents FilterLogEvents DescribeLogStreams StartQuery DeleteLogGroup DeleteLogStream PutRetentionPolicy DeleteRetentionPolicy DisassociateKmsKey PutSubscriptionFilter PutResourcePolicy",
		"lambda":         "InvokeFunction UpdateFunctionCode UpdateFunctionConfiguration GetFunction AddPermission DeleteFunction CreateFunction",
		"iam":            "PassRole PutRolePolicy AttachRolePolicy UpdateAssumeRolePolicy CreateRole DeleteRole CreatePolicyVersion CreateAccessKey DeleteRolePermissionsBoundary",
		"ec2":            "CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DescribeSubnets AssignPrivateIpAddresses UnassignPrivateIpAddresses ModifyVpcEndpoint AuthorizeSecurityGroupEgress RunInstances",
		"cloudfront":     "CreatePublicKey UpdateKeyGroup UpdateDistribution CreateInvalidation GetDistributionConfig",
		"sns":            "Publish Subscribe SetTopicAttributes",
		"cloudtrail":     "StopLogging UpdateTrail DeleteTrail",
		"cloudwatch":     "PutMetricData PutMetricAlarm DeleteAlarms",
		"xray":           "PutTraceSegments PutTelemetryRecords",
		"cloudformation": "UpdateStack DeleteStack CreateChangeSet",
	} {
		for name := range strings.FieldsSeq(names) {
			actions = append(actions, service+":"+name)
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// bare is a logical id without the hash that CDK ends it with.
func bare(id string) string { return id[:len(id)-len("0A0569CA")] }

// parts are what the templates make, and something beside each of them, as
// ARNs by names.
func (w *world) parts(all []policytest.Template) map[string]string {
	parts := map[string]string{"anything": "*", "settings": ssmARN("signgate/prod"), "a setting": ssmARN("signgate/prod/bucket"), "other settings": ssmARN("signgate/dev")}
	for arn := range w.policies.Buckets {
		name := arn[strings.LastIndex(arn, "-")+1 : len(arn)-len("0a0569ca")]
		parts[name], parts[name+"/object"], parts[name+"/quarantine"] = arn, arn+"/"+photo, arn+"/quarantine/1"
	}
	for arn, key := range w.policies.Keys {
		if arn != foreignKey {
			parts[bare(key.Policy.Name[strings.Index(key.Policy.Name, "/")+1:])] = arn
		}
	}
	for arn := range w.policies.Roles {
		parts[arn[strings.LastIndex(arn, "/")+1:]] = arn
	}
	for _, template := range all {
		within := func(service string) string {
			return "arn:aws:" + service + ":" + template.Region + ":" + prodAccount + ":"
		}
		for id := range of(template, "AWS::DynamoDB::Table") {
			table := within("dynamodb") + "table/" + template.Stack + "-" + id
			parts[bare(id)], parts[bare(id)+"/index"], parts[bare(id)+" of another"] = table, table+"/index/link", table+"2"
			for _, index := range indexes(of(template, "AWS::DynamoDB::Table")[id]) {
				parts[bare(id)+"/index"] = table + "/index/" + index
			}
		}
		for id := range of(template, "AWS::KinesisFirehose::DeliveryStream") {
			stream := within("firehose") + "deliverystream/" + template.Stack + "-" + id
			parts[bare(id)], parts[bare(id)+" of another"] = stream, stream+"2"
		}
		for id := range of(template, "AWS::Logs::LogGroup") {
			parts[bare(id)] = within("logs") + "log-group:" + template.Stack + "-" + id + ":log-stream:x"
		}
		for id := range of(template, "AWS::Lambda::Function") {
			parts[id] = within("lambda") + "function:" + template.Stack + "-" + id
		}
	}
	secret := named(w.policies.Attached, ":secretsmanager:")
	parts["secret"], parts["another secret"] = secret, secret+"2"
	return parts
}

func ssmARN(path string) string {
	return "arn:aws:ssm:" + prodRegion + ":" + prodAccount + ":parameter/" + path
}

// indexes are the names of a table's global secondary indexes.
func indexes(table map[string]any) (names []string) {
	list, _ := at(table, "Properties", "GlobalSecondaryIndexes").([]any)
	for _, index := range list {
		names = append(names, at(index, "IndexName").(string))
	}
	return names
}

// circumstances are in which an action of a service is asked for.
func (w *world) circumstances(service string) map[string]func(policytest.Request) policytest.Request {
	found := map[string]func(policytest.Request) policytest.Request{"": func(r policytest.Request) policytest.Request { return r }}
	through := func(service, key, value string) func(policytest.Request) policytest.Request {
		return func(r policytest.Request) policytest.Request {
			return r.With("kms:ViaService", service+"."+prodRegion+".amazonaws.com").With(key, value)
		}
	}
	switch service {
	case "s3":
		found[" through its endpoint"] = func(r policytest.Request) policytest.Request { return r.Through(endpointID, "vpc-0a1b2c3d4e5f60718") }
		found[" presigned"] = func(r policytest.Request) policytest.Request { return r.Presigned(time.Minute) }
	case "kms":
		found[" for S3"] = through("s3", "kms:EncryptionContext:aws:s3:arn", w.bucket)
		found[" for the secret"] = through("secretsmanager", "kms:EncryptionContext:SecretARN", named(w.policies.Attached, ":secretsmanager:"))
		found[" for another secret"] = through("secretsmanager", "kms:EncryptionContext:SecretARN", named(w.policies.Attached, ":secretsmanager:")+"2")
		found[" for DynamoDB"] = through("dynamodb", "kms:EncryptionContext:aws:dynamodb:tableName", "x")
		found[" of a digest"] = func(r policytest.Request) policytest.Request {
			return r.With("kms:MessageType", "DIGEST").With("kms:SigningAlgorithm", "ECDSA_SHA_256")
		}
		found[" of a message"] = func(r policytest.Request) policytest.Request {
			return r.With("kms:MessageType", "RAW").With("kms:SigningAlgorithm", "ECDSA_SHA_256")
		}
	case "ec2":
		found[" by its own code"] = func(r policytest.Request) policytest.Request {
			return r.With("lambda:SourceFunctionArn", "arn:aws:lambda:"+prodRegion+":"+prodAccount+":function:x")
		}
	}
	return found
}

// may is everything that the gateway's role may do to what the stacks make, as
// the action, the part and the circumstances.
func (w *world) may(all []policytest.Template) ([]string, error) {
	var allowed []string
	parts := w.parts(all)
	for _, action := range broad() {
		service, _, _ := strings.Cut(action, ":")
		circumstances := w.circumstances(service)
		for name, arn := range parts {
			if fields := strings.Split(arn, ":"); arn != "*" && fields[2] != service {
				continue // no resource of this action
			}
			for when, change := range circumstances {
				answer, err := w.policies.Evaluate(change(policytest.NewRequest(w.gateway, action, arn)))
				if err != nil {
					return nil, err
				}
				if answer.Allowed {
					allowed = append(allowed, action+" "+name+when)
				}
			}
		}
	}
	slices.Sort(allowed)
	return allowed, nil
}

// shall is what may is expected to be.
func shall() (allowed []string) {
	let := func(service, actions, parts string, circumstances ...string) {
		for action := range strings.FieldsSeq(actions) {
			for part := range strings.SplitSeq(parts, ", ") {
				for _, when := range circumstances {
					allowed = append(allowed, service+":"+action+" "+part+when)
				}
			}
		}
	}
	const writes = "PutObject PutObjectTagging AbortMultipartUpload ListMultipartUploadParts DeleteObject"
	let("s3", writes, "contentbucket/object, contentbucket/quarantine", " through its endpoint", " presigned")
	let("s3", "GetObject GetObjectVersion", "contentbucket/quarantine", " through its endpoint", " presigned")
	let("s3", "ListBucket", "contentbucket", " through its endpoint", " presigned")
	let("kms", "Decrypt GenerateDataKey", "ContentKey", " for S3")
	let("kms", "Decrypt", "SigningKeysKey", " for the secret")
	let("kms", "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext DescribeKey", "TablesKey", " for DynamoDB")
	anyhow := []string{"", " for S3", " for the secret", " for another secret", " for DynamoDB", " of a digest", " of a message"}
	let("kms", "Decrypt GenerateDataKey", "AuditRecordsStreamKey", anyhow...) // of records that it has put in itself
	let("kms", "Sign", "SigningKeysSigningKeyb", " of a digest")
	let("kms", "GetPublicKey", "SigningKeysSigningKeyb", anyhow...)
	let("secretsmanager", "GetSecretValue", "secret", "")
	let("dynamodb", "GetItem PutItem UpdateItem DeleteItem Query", "TablesGrants, TablesGrants/index", "")
	let("dynamodb", "GetItem UpdateItem", "TablesAPIKeys", "")
	let("firehose", "PutRecord", "AuditRecordsStream", "")
	let("ssm", "GetParametersByPath", "settings", "")
	let("logs", "CreateLogStream PutLogEvents", "GatewayLogs", "")
	// Lambda does these in the role's name, before there is any code.
	let("ec2", "CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DescribeSubnets AssignPrivateIpAddresses UnassignPrivateIpAddresses", "anything", "")
	slices.Sort(allowed)
	return allowed
}

// exceed is what the gateway's role may and shall not, and the other way round.
func exceed(all []policytest.Template) iter.Seq[string] {
	return func(yield func(string) bool) {
		w, err := newWorld(all)
		if err != nil {
			yield(err.Error())
			return
		}
		may, err := w.may(all)
		if err != nil {
			yield(err.Error())
			return
		}
		allowed, expected := set(may), set(shall())
		for _, what := range slices.Sorted(maps.Keys(allowed)) {
			if !expected[what] && !yield("the gateway may "+what) {
				return
			}
		}
		for _, what := range slices.Sorted(maps.Keys(expected)) {
			if !allowed[what] && !yield("the gateway may not "+what) {
				return
			}
		}
	}
}

func set(texts []string) map[string]bool {
	found := make(map[string]bool, len(texts))
	for _, text := range texts {
		found[text] = true
	}
	return found
}

func TestTheGatewayMayDoExactlyWhatItsListSays(t *testing.T) {
	for wrong := range exceed(templates(t, "whole")) {
		t.Error(wrong)
	}
	if asked := len(broad()); asked < 220 {
		t.Errorf("it was asked about %d actions only", asked)
	}
}
