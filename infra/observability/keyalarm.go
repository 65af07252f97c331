package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
)

// KeyAlarmProps is what the alarm of a key is made of. All of it has to be
// given.
type KeyAlarmProps struct {
	KeyARN string
	// Trail is the log group of a trail that records management events: see
	// Trail.LogGroup and TrailProps.ManagementEvents.
	Trail interfacesawslogs.ILogGroupRef
	Topic awssns.ITopic // of the trail's region
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewKeyAlarm panics with it, as CDK does.
func (p *KeyAlarmProps) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "the alarm of a key takes props")
		return found.Err(ErrInvalid)
	}
	found.When(p.KeyARN == "", "KeyARN is missing: whose alarm?")
	found.When(p.Trail == nil, "Trail is missing: where is it written what is done to keys?")
	found.When(p.Topic == nil, "Topic is missing: who is told?")
	return found.Err(ErrInvalid)
}

// KeyAlarm is the alarm of a key.
type KeyAlarm interface {
	constructs.Construct
	Alarm() awscloudwatch.Alarm
}

type keyAlarm struct {
	constructs.Construct
	alarm awscloudwatch.Alarm
}

// NewKeyAlarm tells at once when a key is disabled or is to be deleted, while
// that can still be undone: KMS itself announces only that a key is gone.
func NewKeyAlarm(scope constructs.Construct, id *string, props *KeyAlarmProps) KeyAlarm {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &keyAlarm{}
	constructs.NewConstruct_Override(this, scope, id)
	namespace, name := jsii.String("signgate"), awscdk.Names_UniqueResourceName(this, &awscdk.UniqueResourceNameOptions{Separator: jsii.String("-")})
	// AWS KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail":
	// whatever a caller names a key by, the record has its ARN.
	pattern := `{ ($.eventSource = "kms.amazonaws.com") && (($.eventName = "DisableKey") || ($.eventName = "ScheduleKeyDeletion")) && ($.resources[0].ARN = "` + props.KeyARN + `") }`
	awslogs.NewCfnMetricFilter(this, jsii.String("Filter"), &awslogs.CfnMetricFilterProps{
		FilterPattern: jsii.String(pattern),
		LogGroupName:  props.Trail.LogGroupRef().LogGroupName,
		MetricTransformations: []*awslogs.CfnMetricFilter_MetricTransformationProperty{
			{MetricNamespace: namespace, MetricName: name, MetricValue: jsii.String("1")},
		},
	})
	this.alarm = awscloudwatch.NewAlarm(this, jsii.String("Alarm"), &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String("The key is disabled or will be deleted. OPERATIONS.md, The key is going."),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		EvaluationPeriods:  jsii.Number(1),
		Metric: awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: namespace, MetricName: name, Period: awscdk.Duration_Minutes(jsii.Number(alarmMinutes)), Statistic: jsii.String("Sum"),
		}),
		Threshold:        jsii.Number(1),
		TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING, // as long as nobody does it
	})
	// That it ends says nothing: the key may be as gone as before.
	this.alarm.AddAlarmAction(awscloudwatchactions.NewSnsAction(props.Topic))
	return this
}

func (a *keyAlarm) Alarm() awscloudwatch.Alarm { return a.alarm }
