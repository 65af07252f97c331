package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Alarms look at five minutes at a time, and tell when three of the last four
// were bad: one bad moment wakes nobody, and a quarter of an hour isn't
// missed.
const (
	alarmMinutes   = 5
	alarmPeriods   = 4
	alarmDatapoint = 3
)

// watch is what an alarm looks at.
type watch struct {
	id      string
	says    string // what is the matter
	section string // of OPERATIONS.md, which says what to do

	metric awscloudwatch.IMetric
	over   float64 // from where on it is bad, or
	under  float64 // below what, where that isn't 0

	atOnce bool // one bad stretch is enough
	// silence is what it means that there is no data: by default that nothing
	// happened, and so nothing bad.
	silence awscloudwatch.TreatMissingData
}

// alarm tells the topic when it is bad, and when that is over.
func (w watch) alarm(scope constructs.Construct, topic awssns.ITopic) awscloudwatch.Alarm {
	props := &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(w.says + ". OPERATIONS.md, " + w.section + "."),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD, Threshold: jsii.Number(w.over),
		DatapointsToAlarm: jsii.Number(alarmDatapoint), EvaluationPeriods: jsii.Number(alarmPeriods),
		Metric: w.metric, TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING,
	}
	if w.under != 0 {
		props.ComparisonOperator, props.Threshold = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD, jsii.Number(w.under)
	}
	if w.atOnce {
		props.DatapointsToAlarm, props.EvaluationPeriods = jsii.Number(1), jsii.Number(1)
	}
	if w.silence != "" {
		props.TreatMissingData = w.silence
	}
	alarm := awscloudwatch.NewAlarm(scope, jsii.String(w.id), props)
	action := awscloudwatchactions.NewSnsAction(topic)
	alarm.AddAlarmAction(action)
	alarm.AddOkAction(action)
	return alarm
}
