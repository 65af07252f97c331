package stacks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/policytest"
)

// broad are the actions that the roles of the gateway are asked about: all that
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
		"ecr":            "GetAuthorizationToken BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer PutImage InitiateLayerUpload BatchDeleteImage DescribeImages SetRepositoryPolicy DeleteRepository",
		"ecs":            "RunTask StartTask StopTask ExecuteCommand UpdateService RegisterTaskDefinition DescribeTasks",
		"ssmmessages":    "CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel",
		"sts":            "AssumeRole",
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
	parts["images"] = "arn:aws:ecr:" + prodRegion + ":" + prodAccount + ":repository/cdk-hnb659fds-container-assets-" + prodAccount + "-" + prodRegion
	parts["other images"] = parts["images"] + "2"
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

// asks are all requests of a role: each action on each part that is of its
// service, in each of its circumstances. Those that shall be allowed come first.
func (w *world) asks(all []policytest.Template, role policytest.Principal, shall []string) (asked []question) {
	expected, parts := set(shall), w.parts(all)
	for _, action := range broad() {
		service, _, _ := strings.Cut(action, ":")
		for name, arn := range parts {
			if fields := strings.Split(arn, ":"); arn != "*" && fields[2] != service {
				continue // no resource of this action
			}
			for when, change := range w.circumstances(service) {
				what := action + " " + name + when
				asked = append(asked, question{what, change(policytest.NewRequest(role, action, arn)), expected[what]})
				delete(expected, what)
			}
		}
	}
	for what := range expected {
		asked = append(asked, question{what + ", which nobody asks about", policytest.NewRequest(role, "sts:GetCallerIdentity", "*"), true})
	}
	slices.SortStableFunc(asked, func(a, b question) int {
		switch {
		case a.allowed == b.allowed:
			return strings.Compare(a.name, b.name)
		case a.allowed:
			return -1
		}
		return 1
	})
	return asked
}

// allowed are requests, as the action, the part and the circumstances.
type allowed []string

func (a *allowed) let(service, actions, parts string, circumstances ...string) {
	for action := range strings.FieldsSeq(actions) {
		for part := range strings.SplitSeq(parts, ", ") {
			for _, when := range circumstances {
				*a = append(*a, service+":"+action+" "+part+when)
			}
		}
	}
}

// everywhere is what the gateway's role shall be allowed, whatever it runs on.
func everywhere() (all allowed) {
	let := all.let
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
	return all
}

// ofFunction is everywhere, and what a function's role has beside.
func ofFunction() allowed {
	all := everywhere()
	all.let("logs", "CreateLogStream PutLogEvents", "GatewayLogs", "")
	// Lambda does these in the role's name, before there is any code.
	all.let("ec2", "CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DescribeSubnets AssignPrivateIpAddresses UnassignPrivateIpAddresses", "anything", "")
	return all
}

// ofStarter is what the role shall be allowed that starts tasks.
func ofStarter() (all allowed) {
	all.let("ecr", "GetAuthorizationToken", "anything, images, other images", "") // knows no resources
	all.let("ecr", "BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer", "images", "")
	all.let("logs", "CreateLogStream PutLogEvents", "GatewayLogs", "")
	return all
}

// exceed asks the requests of actions that begin so: what the gateway's role
// may and shall not, and the other way round.
func exceed(actions string, all []policytest.Template) inquiry {
	return inquiry{questions: func(w *world) []question {
		return slices.DeleteFunc(w.asks(all, w.gateway, ofFunction()), func(q question) bool { return !strings.HasPrefix(q.name, actions) })
	}}
}

func set(texts []string) map[string]bool {
	found := make(map[string]bool, len(texts))
	for _, text := range texts {
		found[text] = true
	}
	return found
}

func TestTheGatewayMayDoExactlyWhatItsListSays(t *testing.T) {
	for environment, roles := range map[string]map[string]allowed{
		"whole": {"-GatewayRole": ofFunction()}, "whole service": {"-GatewayRole": everywhere(), "-GatewayExecutionRole": ofStarter()},
	} {
		all := templates(t, environment)
		w, err := newWorld(all)
		if err != nil {
			t.Fatal(err)
		}
		for role, shall := range roles {
			asked := w.asks(all, w.role(role), shall)
			for wrong := range w.ask(asked) {
				t.Errorf("%s: %s: %s", environment, role, wrong)
			}
			if actions := len(broad()); actions < 240 || len(asked) < 10*actions {
				t.Errorf("%s was asked about %d actions only, %d times", role, actions, len(asked))
			}
		}
	}
}
