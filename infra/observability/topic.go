package observability

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
)

// TopicProps is what a topic for alarms is made of.
type TopicProps struct {
	Email  string       // who is told; has to confirm by the link that AWS sends. None: subscribe by hand
	Retain bool         // keep the topic's key when the stack is deleted
	Guard  policy.Guard // of the topic's key
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewTopic panics with it, as CDK does.
func (p *TopicProps) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "a topic takes props")
		return found.Err(ErrInvalid)
	}
	p.Guard.Check(&found)
	name, domain, _ := strings.Cut(p.Email, "@")
	found.When(p.Email != "" && (name == "" || domain == "" || strings.ContainsAny(p.Email, " \t\r\n")), "Email: %q is no address", p.Email)
	return found.Err(ErrInvalid)
}

// Topic tells people about alarms of its account and region.
type Topic interface {
	constructs.Construct
	Topic() awssns.ITopic
	Key() awskms.IKey
}

type topic struct {
	constructs.Construct
	topic awssns.Topic
	key   awskms.Key
}

// NewTopic makes a topic of SNS, encrypted with a key of its own, that alarms
// of the account publish to, and nobody else is let by it.
func NewTopic(scope constructs.Construct, id *string, props *TopicProps) Topic {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &topic{}
	constructs.NewConstruct_Override(this, scope, id)
	account := *awscdk.Stack_Of(this).Account()
	alarms := awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)
	// Amazon SNS Developer Guide, "Enable compatibility between event sources
	// from AWS services and encrypted topics". What it says of EventBridge, that
	// it supports no such condition, is why nothing here rests on EventBridge.
	this.key = props.Guard.NewKey(this, "Key", "signgate: alarms on their way to people", removal(props.Retain),
		policy.Allow("AlarmsEncrypt", alarms, []string{"*"}, []string{"kms:Decrypt", "kms:GenerateDataKey"},
			policy.Conditions{"StringEquals": {"aws:SourceAccount": account}}))
	this.topic = awssns.NewTopic(this, jsii.String("Topic"), &awssns.TopicProps{MasterKey: this.key})
	here := []string{*this.topic.TopicArn()}
	this.topic.AddToResourcePolicy(policy.Allow("AlarmsPublish", alarms, here, []string{"sns:Publish"}, policy.Conditions{
		"StringEquals": {"aws:SourceAccount": account},
		"ArnLike":      {"aws:SourceArn": policy.ARN(this, "cloudwatch", *awscdk.Stack_Of(this).Region(), "alarm:*")},
	}))
	this.topic.AddToResourcePolicy(policy.Deny("OnlyTLS", here, topicActions(), policy.Conditions{"Bool": {"aws:SecureTransport": "false"}}))
	if props.Email != "" {
		this.topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(jsii.String(props.Email), nil))
	}
	return this
}

func (t *topic) Topic() awssns.ITopic { return t.topic }
func (t *topic) Key() awskms.IKey     { return t.key }

// topicActions are all that a topic's policy may speak of (Amazon SNS
// Developer Guide, "Amazon SNS policy keys").
func topicActions() []string {
	return []string{
		"sns:AddPermission", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:Publish",
		"sns:RemovePermission", "sns:SetTopicAttributes", "sns:Subscribe",
	}
}
