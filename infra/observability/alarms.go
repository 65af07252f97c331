package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/signgate/signgate/infra/complaints"
)

// cloudFrontRegion is where CloudFront's metrics are, whatever the region of
// everything else (Amazon CloudFront Developer Guide, "Monitor CloudFront
// metrics with Amazon CloudWatch").
const cloudFrontRegion = "us-east-1"

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
	this.errors = watch{
		id: "ErrorRate", says: "Requests fail: the origin, its key or its policy", section: "Requests fail",
		metric: cloudFrontMetric(props.DistributionID, "5xxErrorRate", "Average"), over: props.ErrorRate,
	}.alarm(this, props.Topic)
	if props.Refusals > 0 {
		this.refusals = watch{
			id: "Refusals", says: "Requests are refused: expired or forged URLs, or a key that isn't trusted", section: "Requests are refused",
			metric: cloudFrontMetric(props.DistributionID, "4xxErrorRate", "Average"), over: props.Refusals,
		}.alarm(this, props.Topic)
	}
	return this
}

func (a *alarms) ErrorRate() awscloudwatch.Alarm { return a.errors }
func (a *alarms) Refusals() awscloudwatch.Alarm  { return a.refusals }

// cloudFrontMetric is a metric of a distribution, of the region of whoever
// looks at it.
func cloudFrontMetric(distribution, name, statistic string) awscloudwatch.Metric {
	return metricOf("AWS/CloudFront", name, statistic, dimensions{"DistributionId": distribution, "Region": "Global"})
}
