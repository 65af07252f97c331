package observability_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestAFirewallLogsToAnEncryptedGroupWhoseNameWAFAccepts(t *testing.T) {
	var arn string
	template := synth(t, synthtest.NoFlags, "us-east-1", func(stack awscdk.Stack) {
		arn = observability.NewFirewallLog(stack, jsii.String("FirewallLog"), &observability.FirewallLogProps{ExpireDays: 90, Retain: true}).ARN()
	})
	group, key := template.Only(t, "AWS::Logs::LogGroup", "FirewallLog"), template.Only(t, "AWS::KMS::Key", "FirewallLog")
	name := "aws-waf-logs-Test-FirewallLog-"
	got, _ := group.Get("LogGroupName").(string)
	if len(got) <= len(name) || got[:len(name)] != name {
		t.Errorf("the group is called %q", got)
	}
	synthtest.Equal(t, "key, days and what is kept", []any{group.Get("KmsKeyId"), group.Get("RetentionInDays"), group.DeletionPolicy}, []any{"${" + key.ID + ".Arn}", 90.0, "Retain"})
	uses := synthtest.Statements(t, key.Get("KeyPolicy"))["TheFirewallsLog"]
	synthtest.Equal(t, "for what the key is used", []any{uses.Principal, uses.Condition}, []any{
		[]string{"Service logs.us-east-1.amazonaws.com"},
		map[string][]string{"ArnLike kms:EncryptionContext:aws:logs:arn": {"arn:${AWS::Partition}:logs:us-east-1:111122223333:log-group:" + got}},
	})
	if arn == "" {
		t.Error("a firewall can't be told of it")
	}
	text, _ := template.Only(t, "AWS::Logs::ResourcePolicy", "FirewallLog").Get("PolicyDocument").(string)
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	synthtest.Equal(t, "who writes", synthtest.Statements(t, document), map[string]synthtest.Statement{
		"FirewallLogs": synthtest.Allow("Service delivery.logs.amazonaws.com", []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			[]string{"arn:${AWS::Partition}:logs:us-east-1:111122223333:log-group:" + got + ":log-stream:*"}, map[string][]string{
				"StringEquals aws:SourceAccount": {"111122223333"}, "ArnLike aws:SourceArn": {"arn:${AWS::Partition}:logs:us-east-1:111122223333:*"},
			}),
	})
}

func TestTheLogOfAFirewallSaysWhatIsWrong(t *testing.T) {
	for _, props := range []*observability.FirewallLogProps{nil, {}, {ExpireDays: 1, Guard: policy.Guard{RequireMFA: true}}} {
		if err := props.Validate(); !errors.Is(err, observability.ErrInvalid) {
			t.Errorf("%+v: %v", props, err)
		}
	}
}
