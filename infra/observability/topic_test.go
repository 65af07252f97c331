package observability_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

func newTopic(props observability.TopicProps) func(awscdk.Stack) {
	return func(stack awscdk.Stack) { observability.NewTopic(stack, jsii.String("Topic"), &props) }
}

func TestATopicIsEncryptedAndOnlyAlarmsOfTheAccountPublish(t *testing.T) {
	const cloudWatch = "Service cloudwatch.amazonaws.com"
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, "", newTopic(observability.TopicProps{}))
		topic, key := template.Only(t, "AWS::SNS::Topic", "Topic"), template.Only(t, "AWS::KMS::Key", "Topic")
		synthtest.Equal(t, "the topic", topic.Properties, map[string]any{"KmsMasterKeyId": "${" + key.ID + ".Arn}"})
		synthtest.Equal(t, "the key's rotation", key.Get("EnableKeyRotation"), any(true))
		synthtest.Equal(t, "the key's policy", synthtest.Statements(t, key.Get("KeyPolicy")), map[string]synthtest.Statement{
			"AccountGoverns":      synthtest.Allow(accountRoot, policy.KeyAdministration(), []string{"*"}, nil),
			"OnlyDeployersGovern": synthtest.Deny(policy.GoverningKeys(), []string{"*"}, map[string][]string{"ArnNotLike aws:PrincipalArn": {anyDeployer}}),
			"AlarmsEncrypt": synthtest.Allow(cloudWatch, []string{"kms:Decrypt", "kms:GenerateDataKey"}, []string{"*"},
				map[string][]string{"StringEquals aws:SourceAccount": {"${AWS::AccountId}"}}),
		})
		topicPolicy, here := template.Only(t, "AWS::SNS::TopicPolicy", "Topic"), []string{"${" + topic.ID + "}"}
		synthtest.Equal(t, "the policy's topic", topicPolicy.Get("Topics"), any([]any{here[0]}))
		synthtest.Equal(t, "the topic's policy", synthtest.Statements(t, topicPolicy.Get("PolicyDocument")), map[string]synthtest.Statement{
			"AlarmsPublish": synthtest.Allow(cloudWatch, []string{"sns:Publish"}, here, map[string][]string{
				"StringEquals aws:SourceAccount": {"${AWS::AccountId}"},
				"ArnLike aws:SourceArn":          {"arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"},
			}),
			"OnlyTLS": synthtest.Deny([]string{
				"sns:AddPermission", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:Publish",
				"sns:RemovePermission", "sns:SetTopicAttributes", "sns:Subscribe",
			}, here, map[string][]string{"Bool aws:SecureTransport": {"false"}}),
		})
		synthtest.Equal(t, "who is subscribed", len(template.Of("AWS::SNS::Subscription")), 0)
	}
}

func TestATopicTellsAnAddressAndKeepsItsKey(t *testing.T) {
	for retain, want := range map[bool]string{true: "Retain", false: "Delete"} {
		template := synth(t, synthtest.NoFlags, "", newTopic(observability.TopicProps{Email: "ops@example.com", Retain: retain}))
		synthtest.Equal(t, "the subscription", template.Only(t, "AWS::SNS::Subscription", "Topic").Properties, map[string]any{
			"Protocol": "email", "Endpoint": "ops@example.com", "TopicArn": "${" + template.Only(t, "AWS::SNS::Topic", "Topic").ID + "}",
		})
		synthtest.Equal(t, "the key", template.Only(t, "AWS::KMS::Key", "Topic").DeletionPolicy, want)
	}
}

func TestATopicRefusesWhatIsNoAddress(t *testing.T) {
	var none *observability.TopicProps
	assertComplaints(t, none.Validate(), "props")
	for _, address := range []string{"ops", "@example.com", "ops@", "ops @example.com"} {
		assertComplaints(t, (&observability.TopicProps{Email: address}).Validate(), address)
	}
	assertPanics(t, newTopic(observability.TopicProps{Email: "ops"}))
}
