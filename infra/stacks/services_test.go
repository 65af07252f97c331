package stacks_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/policytest"
)

// grant is a request that is allowed for as long as each of its hinges has
// its value.
type grant struct {
	name    string
	request policytest.Request
	hinges  map[string]string // another value by condition key
}

// check yields what is wrong about templates.
type check func(all []policytest.Template) iter.Seq[string]

// inquiry is questions about what production's templates allow.
type inquiry struct {
	questions func(*world) []question
	change    func([]policytest.Template) []policytest.Template // before anybody asks; nil: nothing
	objects   bool                                              // of objects, what encrypts them is asked too
}

// of puts the questions together once, about templates as they are, and
// returns the check that asks them of what has become of the templates.
func (q inquiry) of(all []policytest.Template) check {
	broken := func(err error) iter.Seq[string] { return slices.Values([]string{err.Error()}) }
	world := func(all []policytest.Template) (*world, error) {
		if q.change != nil {
			all = q.change(all)
		}
		return newWorld(all)
	}
	w, err := world(all)
	if err != nil {
		return func([]policytest.Template) iter.Seq[string] { return broken(err) }
	}
	asked := q.questions(w)
	// What was answered wrongly is asked first the next time: the same mistake is
	// often made again.
	var first atomic.Int64
	return func(all []policytest.Template) iter.Seq[string] {
		w, err := world(all)
		if err != nil {
			return broken(err)
		}
		return func(yield func(string) bool) {
			from := int(first.Load())
			for n := range asked {
				n = (n + from) % len(asked)
				if wrong := w.answer(asked[n], q.objects); wrong != "" {
					first.Store(int64(n))
					if !yield(wrong) {
						return
					}
				}
			}
		}
	}
}

// wrong is what the templates allow otherwise than expected.
func (q inquiry) wrong(all []policytest.Template) iter.Seq[string] { return q.of(all)(all) }

// services is what AWS's services, and those who govern, may do to everything
// that production has.
func (w *world) services() []question {
	asked := slices.Concat(w.governs(), w.aside(), w.refuses())
	for _, granted := range slices.Concat(w.delivers(), w.encrypts(), w.assumes(), w.tells()) {
		asked = append(asked, granted.questions()...)
	}
	return asked
}

// ask yields the questions that are answered otherwise than expected.
func (w *world) ask(asked []question) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, question := range asked {
			if wrong := w.answer(question, false); wrong != "" && !yield(wrong) {
				return
			}
		}
	}
}

// answer says what is answered otherwise than expected, if anything. Objects
// are asked about together with their keys where that is wanted.
func (w *world) answer(asked question, objects bool) string {
	evaluate := w.policies.Evaluate
	if objects && strings.Contains(asked.request.Resource, "/") && strings.HasPrefix(asked.request.Action, "s3:") {
		evaluate = w.policies.EvaluateObject
	}
	answer, err := evaluate(asked.request)
	switch {
	case err != nil:
		return fmt.Sprintf("%s: %v", asked.name, err)
	case answer.Allowed != asked.allowed:
		return asked.name + " is " + answer.String()
	}
	return ""
}

// named is the one ARN that holds a part of a logical id.
func named[V any](all map[string]V, part string) string {
	for _, arn := range slices.Sorted(maps.Keys(all)) {
		if strings.Contains(strings.ToLower(arn), strings.ToLower(part)) {
			return arn
		}
	}
	return "arn:aws:s3:::no-" + strings.ToLower(part)
}

// keyOf is the ARN of the key with that logical id.
func (w *world) keyOf(part string) string {
	for arn, key := range w.policies.Keys {
		if strings.Contains(key.Policy.Name, part) {
			return arn
		}
	}
	return "arn:aws:kms:" + prodRegion + ":" + prodAccount + ":key/no-" + part
}

// does is what a service does for one of its resources in the account.
func does(service, action, resource, source string) policytest.Request {
	return policytest.NewRequest(policytest.Service(service), action, resource).OnBehalfOf(source, prodAccount)
}

const trailARN = "arn:aws:cloudtrail:" + prodRegion + ":" + prodAccount + ":trail/signgateprod-Trail-78385D03"

func (w *world) delivers() []grant {
	logging := func(of, prefix string) grant {
		return grant{
			"access logs of " + prefix, does("logging.s3.amazonaws.com", "s3:PutObject", w.logs+"/s3/"+prefix+"/x", of),
			map[string]string{"aws:SourceArn": "arn:aws:s3:::another", "aws:SourceAccount": strangeAccount},
		}
	}
	trail := named(w.policies.Buckets, "-trailbucket")
	owned := func(r policytest.Request) policytest.Request {
		return r.With("s3:x-amz-acl", "bucket-owner-full-control")
	}
	return []grant{
		logging(w.bucket, "Bucket"), logging(w.backup, "Backup"), logging(trail, "Trail"),
		{"access logs of the distribution", owned(does("delivery.logs.amazonaws.com", "s3:PutObject", w.logs+"/AWSLogs/"+prodAccount+"/x",
			"arn:aws:logs:us-east-1:"+prodAccount+":delivery-source:cloudfront-EDFDVBD6EXAMPLE")), map[string]string{
			"aws:SourceArn":     "arn:aws:logs:us-east-1:" + prodAccount + ":delivery-source:cloudfront-E2QWRUHEXAMPLE",
			"aws:SourceAccount": strangeAccount, "s3:x-amz-acl": "public-read",
		}},
		{"the trail looks at its bucket", does("cloudtrail.amazonaws.com", "s3:GetBucketAcl", trail, trailARN), map[string]string{"aws:SourceArn": trailARN + "2"}},
		{"the trail writes", owned(does("cloudtrail.amazonaws.com", "s3:PutObject", trail+"/AWSLogs/"+prodAccount+"/x", trailARN)),
			map[string]string{"aws:SourceArn": trailARN + "2", "s3:x-amz-acl": "public-read"}},
		{"an alarm tells", does("cloudwatch.amazonaws.com", "sns:Publish", named(w.policies.Attached, ":sns:"), "arn:aws:cloudwatch:us-east-1:"+prodAccount+":alarm:a"),
			map[string]string{"aws:SourceArn": "arn:aws:events:us-east-1:" + prodAccount + ":rule/a", "aws:SourceAccount": strangeAccount}},
	}
}

func (w *world) encrypts() []grant {
	key := w.keyOf
	logs := func(region, part, group string) grant {
		arn := "arn:aws:logs:" + region + ":" + prodAccount + ":log-group:"
		return grant{
			"a log group is encrypted with " + part,
			policytest.NewRequest(policytest.Service("logs."+region+".amazonaws.com"), "kms:GenerateDataKey", key(part)).With("kms:EncryptionContext:aws:logs:arn", arn+group),
			map[string]string{"kms:EncryptionContext:aws:logs:arn": arn + "another"},
		}
	}
	through := func(who policytest.Principal, action, part, bucket string) policytest.Request {
		return policytest.NewRequest(who, action, key(part)).With("kms:ViaService", "s3."+prodRegion+".amazonaws.com").With("kms:EncryptionContext:aws:s3:arn", bucket)
	}
	s3 := map[string]string{"kms:ViaService": "sqs." + prodRegion + ".amazonaws.com", "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::another"}
	reads := maps.Clone(s3)
	reads["aws:PrincipalArn"] = "arn:aws:iam::" + prodAccount + ":role/admin"
	return []grant{
		logs("us-east-1", "FirewallLogKey", "aws-waf-logs-signgateprodbefore-FirewallLog-C70FACC7"),
		logs(prodRegion, "NetworkFlowKey", "signgate-prod-flows"), logs(prodRegion, "TrailKey", "signgate-prod-trail"),
		{"the trail encrypts", does("cloudtrail.amazonaws.com", "kms:GenerateDataKey", key("TrailKey"), trailARN), map[string]string{"aws:SourceArn": trailARN + "2"}},
		{"an auditor decrypts what the trail wrote", through(w.administrator, "kms:Decrypt", "TrailKey", named(w.policies.Buckets, "-trailbucket")),
			map[string]string{"kms:ViaService": s3["kms:ViaService"]}},
		{"an alarm encrypts", does("cloudwatch.amazonaws.com", "kms:GenerateDataKey", key("TopicKey"), "arn:aws:cloudwatch:us-east-1:"+prodAccount+":alarm:a"),
			map[string]string{"aws:SourceAccount": strangeAccount}},
		{"the copier encrypts copies", through(w.copier, "kms:Encrypt", "ContentBackupKey", w.backup), s3},
		{"the copier decrypts originals", through(w.copier, "kms:Decrypt", "ContentKey", w.bucket), s3},
		{"the keeper decrypts copies", through(w.keeper, "kms:Decrypt", "ContentBackupKey", w.backup), reads},
	}
}

func (w *world) assumes() []grant {
	role := func(service, part, source string) policytest.Request {
		return does(service, "sts:AssumeRole", named(w.policies.Roles, part), source)
	}
	flow := "arn:aws:ec2:" + prodRegion + ":" + prodAccount + ":vpc-flow-log/fl-1"
	own := func(part, action, resource string) policytest.Request {
		return policytest.NewRequest(policytest.Role(named(w.policies.Roles, part), "session"), action, resource)
	}
	logs := "arn:aws:logs:" + prodRegion + ":" + prodAccount + ":log-group:signgate-prod-"
	return []grant{
		{"Lambda becomes the gateway", role("lambda.amazonaws.com", "-GatewayRole", ""), nil},
		{"S3 becomes the copier", role("s3.amazonaws.com", "-ContentCopier", ""), nil},
		{"CloudTrail becomes its deliverer", role("cloudtrail.amazonaws.com", "-TrailDeliverer", ""), nil},
		{"VPC flow logs become their logger", role("vpc-flow-logs.amazonaws.com", "-NetworkFlowLogger", flow),
			map[string]string{"aws:SourceArn": "arn:aws:ec2:" + prodRegion + ":" + strangeAccount + ":vpc-flow-log/fl-1", "aws:SourceAccount": strangeAccount}},
		{"the copier follows changes", own("-ContentCopier", "s3:GetReplicationConfiguration", w.bucket), nil},
		{"CloudTrail writes records", own("-TrailDeliverer", "logs:PutLogEvents",
			logs+"TrailLogGroup7D672DC9:log-stream:"+prodAccount+"_CloudTrail_"+prodRegion+"_3"), nil},
		{"a gateway elsewhere reads its settings", own("-GatewayRole", "ssm:GetParametersByPath", ssmARN("signgate/prod")), nil},
		{"flows are written", own("-NetworkFlowLogger", "logs:PutLogEvents", logs+"NetworkFlowLogsAA56CF75:log-stream:eni-1"), nil},
	}
}

// firewallLog is a stream of the log of production's firewall.
const firewallLog = "arn:aws:logs:us-east-1:" + prodAccount + ":log-group:aws-waf-logs-signgateprodbefore-FirewallLog-C70FACC7:log-stream:x"

// tells is who writes to log groups whose policy is a text.
func (w *world) tells() []grant {
	return []grant{{
		"the firewall's log is written", does("delivery.logs.amazonaws.com", "logs:PutLogEvents", firewallLog, "arn:aws:logs:us-east-1:"+prodAccount+":*"),
		map[string]string{"aws:SourceArn": "arn:aws:logs:us-east-1:" + strangeAccount + ":*", "aws:SourceAccount": strangeAccount},
	}}
}

// attachTexts are the policies of log groups, which are texts.
func (w *world) attachTexts(all []policytest.Template) error {
	for _, template := range all {
		for id, resource := range of(template, "AWS::Logs::ResourcePolicy") {
			text, _ := resource["Properties"].(map[string]any)["PolicyDocument"].(string)
			parsed, err := policytest.ParsePolicy(id, policytest.Resource, []byte(text))
			if err != nil {
				return err
			}
			w.policies.Attached[firewallLog] = parsed
		}
	}
	return nil
}

// every asks each of the actions of somebody on a bucket, or its objects.
func every(name string, who policytest.Principal, bucket string, allowed bool, actions ...string) (asked []question) {
	for _, action := range actions {
		resource := bucket + "/" + photo
		if slices.Contains(policy.Listing(), action) || slices.Contains(policy.Governing(), action) || action == "s3:PutBucketAcl" {
			resource = bucket
		}
		request := policytest.NewRequest(who, action, resource).With("aws:MultiFactorAuthPresent", "true")
		asked = append(asked, question{bucket + ": " + name + " " + action, request, allowed})
	}
	return asked
}

// refuses is what is refused, action by action, to those whom IAM lets do
// everything.
func (w *world) refuses() (asked []question) {
	mighty, copier := w.gateway.WithPolicies(everything()), w.copier.WithPolicies(everything())
	reading, listing, writing, sharing := policy.Reading(), policy.Listing(), policy.Writing(), policy.SharingByACL()
	taking := []string{"s3:DeleteObject", "s3:AbortMultipartUpload"}
	for _, logs := range []string{w.logs, named(w.policies.Buckets, "-trailbucket")} {
		given := slices.DeleteFunc(slices.Clone(writing), func(action string) bool { return slices.Contains(taking, action) })
		asked = slices.Concat(asked,
			every("the gateway", mighty, logs, false, slices.Concat(reading, listing)...),
			every("an auditor", w.administrator, logs, true, slices.Concat(reading, listing)...),
			every("an auditor", w.administrator, logs, false, slices.Concat(writing, sharing)...),
			every("the keeper", w.keeper, logs, false, slices.Concat(given, sharing)...),
			every("the keeper", w.keeper, logs, true, taking...))
		for _, action := range taking {
			asked = append(asked, question{logs + ": the keeper, without a second factor, " + action, policytest.NewRequest(w.keeper, action, logs+"/x"), false})
		}
	}
	asked = slices.Concat(asked,
		every("an administrator of the account", w.administrator, w.backup, false, slices.Concat(reading, listing, writing, sharing)...),
		every("the keeper", w.keeper, w.backup, true, slices.Concat(reading, listing)...),
		every("the keeper", w.keeper, w.backup, false, slices.Concat(writing, sharing)...),
		every("the copier", copier, w.backup, false, slices.Concat(reading, listing, []string{"s3:DeleteObject", "s3:ReplicateDelete"}, sharing)...),
		every("an administrator of the account", w.administrator, w.bucket, false, slices.Concat(reading, listing, writing, sharing)...),
		every("the keeper", w.keeper, w.bucket, false, slices.Concat(reading, writing, sharing)...),
		every("the keeper", w.keeper, w.bucket, true, listing...))
	for _, asks := range every("the gateway", mighty, w.bucket, false, slices.Concat(reading, sharing)...) {
		asks.request = asks.request.Presigned(time.Minute) // else it would be refused for not coming through the endpoint
		asked = append(asked, asks)
	}
	topic := named(w.policies.Attached, ":sns:")
	for _, action := range []string{"AddPermission", "DeleteTopic", "GetTopicAttributes", "ListSubscriptionsByTopic", "Publish", "RemovePermission", "SetTopicAttributes", "Subscribe"} {
		asked = append(asked, question{"over HTTP sns:" + action, policytest.NewRequest(w.administrator, "sns:"+action, topic).OverHTTP(), false})
	}
	return asked
}

// aside asks the buckets' policies alone, without what their keys would say.
func (w *world) aside() []question {
	mighty := w.gateway.WithPolicies(everything())
	own := func(action, key string) policytest.Request {
		return policytest.NewRequest(mighty, action, w.object(key)).Through(endpointID, "vpc-0a1b2c3d4e5f60718")
	}
	mfa := func(who policytest.Principal, action, resource string) policytest.Request {
		return policytest.NewRequest(who, action, resource).With("aws:MultiFactorAuthPresent", "true")
	}
	return []question{
		{"the gateway writes", policytest.NewRequest(mighty, "s3:PutObject", w.object(photo)).Presigned(time.Minute), true},
		{"the gateway writes with a key it has elsewhere", policytest.NewRequest(mighty, "s3:PutObject", w.object(photo)).Presigned(time.Minute).EncryptedWith(foreignKey), false},
		{"the gateway reads, were it given everything", policytest.NewRequest(mighty, "s3:GetObject", w.object(photo)).Presigned(time.Minute), false},
		{"the gateway's own request, of an age that S3 judges itself", own("s3:PutObject", photo).With("s3:signatureAge", "3600001"), true},
		{"an administrator of the account reads a copy", mfa(w.administrator, "s3:GetObject", w.backup+"/x"), false},
		{"the keeper reads a copy", mfa(w.keeper, "s3:GetObject", w.backup+"/x"), true},
		{"an administrator of the account lists copies", mfa(w.administrator, "s3:ListBucket", w.backup), false},
		{"the keeper lists copies", mfa(w.keeper, "s3:ListBucket", w.backup), true},
		{"an administrator of the account writes a copy", mfa(w.administrator, "s3:PutObject", w.backup+"/x"), false},
		{"the copier writes a copy", mfa(w.copier, "s3:ReplicateObject", w.backup+"/x"), true},
	}
}

// governs is what holds for every bucket and every key of our own.
func (w *world) governs() (asked []question) {
	mfa := func(r policytest.Request) policytest.Request { return r.With("aws:MultiFactorAuthPresent", "true") }
	for _, arn := range slices.Sorted(maps.Keys(w.policies.Buckets)) {
		by := func(who policytest.Principal, action string) policytest.Request {
			resource := arn
			if slices.Contains(policy.Erasing(), action) {
				resource += "/x"
			}
			return policytest.NewRequest(who, action, resource)
		}
		for _, action := range policy.Governing() {
			asked = append(asked,
				question{arn + ": the keeper " + action, mfa(by(w.keeper, action)), true},
				question{arn + ": the keeper, without a second factor, " + action, by(w.keeper, action), false},
				question{arn + ": the deployer " + action, by(w.deployer, action), true},
				question{arn + ": an administrator of the account " + action, by(w.administrator, action), false})
		}
		for _, action := range policy.Erasing() {
			asked = append(asked,
				question{arn + ": the keeper " + action, mfa(by(w.keeper, action)), true},
				question{arn + ": the keeper, without a second factor, " + action, by(w.keeper, action), false},
				question{arn + ": the deployer " + action, by(w.deployer, action), false},
				question{arn + ": an administrator of the account " + action, by(w.administrator, action), false})
		}
		govern := mfa(by(w.keeper, "s3:PutBucketPolicy"))
		asked = append(asked,
			question{arn + ": the keeper over HTTP", govern.OverHTTP(), false},
			question{arn + ": the keeper over TLS 1.1", govern.With("s3:TlsVersion", "1.1"), false},
			question{arn + ": the keeper over TLS 1.2", govern.With("s3:TlsVersion", "1.2"), true})
		if strings.Contains(arn, "-logsbucket") || strings.Contains(arn, "-trailbucket") {
			mighty := w.gateway.WithPolicies(everything())
			asked = append(asked,
				question{arn + ": an auditor reads", policytest.NewRequest(w.administrator, "s3:GetObject", arn+"/x"), true},
				question{arn + ": the gateway reads", policytest.NewRequest(mighty, "s3:GetObject", arn+"/x"), false},
				question{arn + ": an administrator of the account writes", policytest.NewRequest(w.administrator, "s3:PutObject", arn+"/x"), false},
				question{arn + ": an administrator of the account deletes", policytest.NewRequest(w.administrator, "s3:DeleteObject", arn+"/x"), false},
				question{arn + ": the keeper deletes", mfa(policytest.NewRequest(w.keeper, "s3:DeleteObject", arn+"/x")), true},
				question{arn + ": the keeper writes", mfa(policytest.NewRequest(w.keeper, "s3:PutObject", arn+"/x")), false})
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(w.policies.Keys)) {
		if arn == foreignKey {
			continue
		}
		by := func(who policytest.Principal, action string) policytest.Request {
			return policytest.NewRequest(who, action, arn)
		}
		asked = append(asked,
			question{arn + ": an administrator of the account looks", by(w.administrator, "kms:DescribeKey"), true},
			question{arn + ": an administrator of the account decrypts", by(w.administrator, "kms:Decrypt"), false})
		for _, action := range []string{
			"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion", "kms:DisableKey", "kms:DisableKeyRotation", "kms:UpdateAlias", "kms:DeleteAlias",
		} {
			asked = append(asked,
				question{arn + ": an administrator of the account " + action, by(w.administrator, action), false},
				question{arn + ": the deployer " + action, by(w.deployerOf(arn), action), true},
				question{arn + ": the keeper " + action, mfa(by(w.keeper, action)), true},
				question{arn + ": the keeper, without a second factor, " + action, by(w.keeper, action), false})
		}
	}
	topic := named(w.policies.Attached, ":sns:")
	asked = append(asked,
		question{"an administrator of the account tells", policytest.NewRequest(w.administrator, "sns:Publish", topic), true},
		question{"an administrator of the account tells over HTTP", policytest.NewRequest(w.administrator, "sns:Publish", topic).OverHTTP(), false})
	return asked
}

// resists is what is still refused once somebody has opened every bucket:
// public access is no longer blocked, and a statement lets anybody do
// anything.
func (w *world) resists() (asked []question) {
	for _, arn := range slices.Sorted(maps.Keys(w.policies.Buckets)) {
		for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:PutBucketPolicy", "s3:GetBucketTagging"} {
			resource := arn
			if strings.HasSuffix(action, "Object") {
				resource += "/x"
			}
			asked = append(asked,
				question{arn + ", opened: anybody " + action, policytest.NewRequest(w.anonymous, action, resource), false},
				question{arn + ", opened: another account " + action, policytest.NewRequest(w.stranger, action, resource), false})
		}
		for _, action := range policy.Reading() {
			asked = append(asked, question{"opened: this distribution in quarantine " + action, w.viewer(action, "quarantine/1", w.distribution, prodAccount), false})
		}
		asked = append(asked, question{arn + ", opened: a service is no other account", policytest.NewRequest(w.cloudFront, "s3:GetBucketTagging", arn), true})
	}
	return asked
}

// suffices is what is refused without any statement that denies: what is
// allowed is exact by itself.
func (w *world) suffices() []question {
	past := func(action, resource string) policytest.Request {
		return policytest.NewRequest(w.administrator, action, resource)
	}
	var asked []question
	for action, resource := range map[string]string{"s3:PutObject": w.object(photo), "s3:ListBucket": w.bucket, "s3:GetObject": w.object("quarantine/1")} {
		asked = append(asked,
			question{"undefended: an administrator of the account " + action, past(action, resource), true},
			question{"undefended: an administrator of the account through the gateway's endpoint " + action, past(action, resource).Through(endpointID, "vpc-0a1b2c3d4e5f60718"), false})
	}
	return append(asked,
		question{"undefended: this distribution reads", w.viewer("s3:GetObject", photo, w.distribution, prodAccount), true},
		question{"undefended: another distribution reads", w.viewer("s3:GetObject", photo, w.other, prodAccount), false},
		question{"undefended: anybody reads", policytest.NewRequest(w.anonymous, "s3:GetObject", w.object(photo)), false})
}

// undefended are the templates with no statement that denies in a bucket's policy.
func undefended(all []policytest.Template) []policytest.Template {
	return changed(all, func(template policytest.Template) {
		for _, guard := range of(template, "AWS::S3::BucketPolicy") {
			document, _ := at(guard, "Properties", "PolicyDocument").(map[string]any)
			statements, _ := document["Statement"].([]any)
			document["Statement"] = slices.DeleteFunc(statements, func(statement any) bool { return at(statement, "Effect") == "Deny" })
		}
	})
}

// changed are templates that are changed without changing the originals.
func changed(all []policytest.Template, change func(policytest.Template)) []policytest.Template {
	again := slices.Clone(all)
	for i := range again {
		again[i].Body = copied(all[i].Body)
		change(again[i])
	}
	return again
}

// opened are the templates with every bucket opened.
func opened(all []policytest.Template) []policytest.Template {
	return changed(all, func(template policytest.Template) {
		for _, bucket := range of(template, "AWS::S3::Bucket") {
			delete(bucket["Properties"].(map[string]any), "PublicAccessBlockConfiguration")
		}
		for _, guard := range of(template, "AWS::S3::BucketPolicy") {
			document, _ := at(guard, "Properties", "PolicyDocument").(map[string]any)
			statements, _ := document["Statement"].([]any)
			document["Statement"] = append(statements, map[string]any{"Sid": "Mistake", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"})
		}
	})
}

// copied is a template that can be changed without changing the original.
func copied(body map[string]any) map[string]any {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	var again map[string]any
	if err := json.Unmarshal(text, &again); err != nil {
		panic(err)
	}
	return again
}

func TestServicesAndThoseWhoGovernMayDoWhatTheyShall(t *testing.T) {
	for wrong := range (inquiry{questions: (*world).services}).wrong(templates(t, "storage")) {
		t.Error(wrong)
	}
}

func TestWhatIsAllowedIsExactByItself(t *testing.T) {
	for wrong := range (inquiry{questions: (*world).suffices, change: undefended}).wrong(templates(t, "storage")) {
		t.Error(wrong)
	}
}

func TestABucketThatSomebodyOpenedStaysShutToStrangers(t *testing.T) {
	for wrong := range (inquiry{questions: (*world).resists, change: opened}).wrong(templates(t, "storage")) {
		t.Error(wrong)
	}
}
