package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
)

// cloudFrontRegion is where CloudFront's metrics are, whatever the region of
// everything else (Amazon CloudFront Developer Guide, "Monitor CloudFront
// metrics with Amazon CloudWatch").
const cloudFrontRegion = "us-east-1"

// Alarms look at five minutes at a time, and tell when three of the last four
// were bad: one bad moment wakes nobody, and a quarter of an hour isn't
// missed.
const (
	alarmMinutes   = 5
	alarmPeriods   = 4
	alarmDatapoint = 3
)

// AlarmsProps is what the alarms of a distribution are made of. All but
// Refusals have to be given.
type AlarmsProps struct {
	DistributionID string
	Topic          awssns.ITopic // of us-east-1, such as NewTopic's or an existing one
	ErrorRate      float64       // percent of requests that failed (5xx)
	Refusals       float64       // percent of requests that were refused (4xx); 0: no alarm
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewAlarms panics with it, as CDK does.
func (p *AlarmsProps) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "alarms take props")
		return found.Err(ErrInvalid)
	}
	found.When(p.DistributionID == "", "DistributionID is missing: whose errors?")
	found.When(p.Topic == nil, "Topic is missing: who is told?")
	found.When(!(p.ErrorRate > 0 && p.ErrorRate < 100), "ErrorRate is percent, between 0 and 100, not %v", p.ErrorRate)
	found.When(!(p.Refusals >= 0 && p.Refusals < 100), "Refusals is percent, between 0 and 100, not %v", p.Refusals)
	return found.Err(ErrInvalid)
}

// Alarms are the alarms of a distribution.
type Alarms interface {
	constructs.Construct
	ErrorRate() awscloudwatch.Alarm
	Refusals() awscloudwatch.Alarm // nil without
}

type alarms struct {
	constructs.Construct
	errors, refusals awscloudwatch.Alarm
}

// NewAlarms makes the alarms of a distribution. CloudFront's metrics are in
// us-east-1 and alarms can't look into another region, so the scope has to be
// in a stack of us-east-1; where the region is known and another, NewAlarms
// panics.
func NewAlarms(scope constructs.Construct, id *string, props *AlarmsProps) Alarms {
	err := props.Validate()
	if region := *awscdk.Stack_Of(scope).Region(); err == nil && !isToken(region) {
		var found complaints.List
		found.When(region != cloudFrontRegion, "the metrics of CloudFront are in %s, and the stack of its alarms is in %s", cloudFrontRegion, region)
		err = found.Err(ErrInvalid)
	}
	if err != nil {
		panic(err)
	}
	this := &alarms{}
	constructs.NewConstruct_Override(this, scope, id)
	this.errors = this.alarm("ErrorRate", props, cloudFrontMetric(props.DistributionID, "5xxErrorRate", "Average"), props.ErrorRate,
		"Requests fail: the origin, its key or its policy. OPERATIONS.md, Requests fail.")
	if props.Refusals > 0 {
		this.refusals = this.alarm("Refusals", props, cloudFrontMetric(props.DistributionID, "4xxErrorRate", "Average"), props.Refusals,
			"Requests are refused: expired or forged URLs, or a key that isn't trusted. OPERATIONS.md, Requests are refused.")
	}
	return this
}

func (a *alarms) ErrorRate() awscloudwatch.Alarm { return a.errors }
func (a *alarms) Refusals() awscloudwatch.Alarm  { return a.refusals }

func (a *alarms) alarm(id string, props *AlarmsProps, metric awscloudwatch.Metric, threshold float64, description string) awscloudwatch.Alarm {
	alarm := awscloudwatch.NewAlarm(a, jsii.String(id), &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String(description),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		DatapointsToAlarm:  jsii.Number(alarmDatapoint),
		EvaluationPeriods:  jsii.Number(alarmPeriods),
		Metric:             metric.With(&awscloudwatch.MetricOptions{Period: awscdk.Duration_Minutes(jsii.Number(alarmMinutes))}),
		Threshold:          jsii.Number(threshold),
		// Nobody reading anything is no error.
		TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
	action := awscloudwatchactions.NewSnsAction(props.Topic)
	alarm.AddAlarmAction(action)
	alarm.AddOkAction(action)
	return alarm
}

// cloudFrontMetric is a metric of a distribution, of the region of whoever
// looks at it.
func cloudFrontMetric(distribution, name, statistic string) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String("AWS/CloudFront"),
		MetricName:    jsii.String(name),
		DimensionsMap: &map[string]*string{"DistributionId": jsii.String(distribution), "Region": jsii.String("Global")},
		Statistic:     jsii.String(statistic),
	})
}
