package observability

import (
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/pkg/metrics"
	"github.com/signgate/signgate/pkg/problem"
)

// Defaults of what thresholds leave out.
const (
	DefaultServerErrors = 1.0             // percent
	DefaultLatency      = 2 * time.Second // a cold start is far below
	DefaultDenials      = 50.0            // percent
	// DefaultKeyAge is a quarter of a year, and five days for the two
	// deployments of a rotation: whoever rotates every quarter isn't told.
	DefaultKeyAge = 97 * 24 * time.Hour
)

// leastRefusals is how many callers have to be refused in five minutes before
// their share is looked at: at night, two of three are nobody's alarm.
const leastRefusals = 20

// Thresholds are what alarms of a gateway tell from.
type Thresholds struct {
	ServerErrors float64       // percent of requests that the gateway fails (5xx); 0: DefaultServerErrors
	Latency      time.Duration // of the slowest of a hundred; 0: DefaultLatency
	Denials      float64       // percent of decisions that are no, or of requests whose caller isn't known; 0: DefaultDenials
	KeyAge       time.Duration // of the key that signs; 0: DefaultKeyAge
}

// GatewayAlarmsProps is what the alarms of a gateway are made of. Gateway and
// Topic have to be given.
type GatewayAlarmsProps struct {
	Gateway    GatewayMetrics
	Topic      awssns.ITopic // of the gateway's region
	Thresholds Thresholds
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewGatewayAlarms panics with it, as CDK does.
func (p *GatewayAlarmsProps) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "the alarms of a gateway take props")
		return found.Err(ErrInvalid)
	}
	p.Gateway.check(&found)
	found.When(p.Topic == nil, "Topic is missing: who is told?")
	t := p.Thresholds.filled()
	found.When(t.ServerErrors < 0 || t.ServerErrors >= 100, "Thresholds.ServerErrors is percent, between 0 and 100, not %v", t.ServerErrors)
	found.When(t.Denials < 0 || t.Denials > 100, "Thresholds.Denials is percent, up to 100, not %v", t.Denials)
	found.When(t.Latency < time.Millisecond, "Thresholds.Latency is at least a millisecond, not %s", t.Latency)
	found.When(t.KeyAge < time.Hour, "Thresholds.KeyAge is at least an hour, not %s", t.KeyAge)
	return found.Err(ErrInvalid)
}

func (t Thresholds) filled() Thresholds {
	for value, otherwise := range map[*float64]float64{&t.ServerErrors: DefaultServerErrors, &t.Denials: DefaultDenials} {
		if *value == 0 {
			*value = otherwise
		}
	}
	for value, otherwise := range map[*time.Duration]time.Duration{&t.Latency: DefaultLatency, &t.KeyAge: DefaultKeyAge} {
		if *value == 0 {
			*value = otherwise
		}
	}
	return t
}

// GatewayAlarms are the alarms of a gateway.
type GatewayAlarms interface {
	constructs.Construct
	// Alarms are all of them, by their ids.
	Alarms() map[string]awscloudwatch.Alarm
}

type gatewayAlarms struct {
	constructs.Construct
	alarms map[string]awscloudwatch.Alarm
}

// NewGatewayAlarms makes the alarms of a gateway, in its region: what it
// measures itself, and what AWS measures of its function or its service, of its
// tables and of its stream of audit records.
func NewGatewayAlarms(scope constructs.Construct, id *string, props *GatewayAlarmsProps) GatewayAlarms {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &gatewayAlarms{alarms: map[string]awscloudwatch.Alarm{}}
	constructs.NewConstruct_Override(this, scope, id)
	gateway, thresholds := &props.Gateway, props.Thresholds.filled()
	all := append(gateway.troubles(thresholds), gateway.refusals(thresholds)...)
	all = append(all, gateway.keys(thresholds), gateway.records())
	all = append(all, gateway.checks()...)
	all = append(all, gateway.tables()...)
	all = append(all, gateway.deliveries()...)
	if gateway.Function != nil {
		all = append(all, gateway.Function.watched(thresholds)...)
		if gateway.Function.AccessLogs != "" {
			all = append(all, this.heldBack(gateway.Function))
		}
	}
	if gateway.Service != nil {
		all = append(all, gateway.Service.watched(thresholds)...)
	}
	for _, watched := range all {
		this.alarms[watched.id] = watched.alarm(this, props.Topic)
	}
	return this
}

func (a *gatewayAlarms) Alarms() map[string]awscloudwatch.Alarm { return a.alarms }

// troubles are answers that say that the gateway couldn't. What it lacks is a
// share of the requests: to a caller who hangs up meanwhile it seems so too.
func (g *GatewayMetrics) troubles(t Thresholds) []watch {
	problems := func(kind problem.Kind) awscloudwatch.Metric {
		return g.own(metrics.Problems, "Sum", dimensions{metrics.Code: kind.Code})
	}
	return []watch{
		{
			id: "Faults", says: "The gateway has a fault", section: "The gateway has a fault",
			metric: problems(problem.Internal), atOnce: true,
		},
		{
			id: "Unavailable", says: "Something that the gateway needs doesn't answer", section: "The gateway lacks something",
			metric: share(problems(problem.Unavailable), g.own(metrics.RequestDuration, "SampleCount", nil), 1), over: t.ServerErrors,
		},
	}
}

// refusals are shares of callers who are refused. One who is refused is no
// alarm, and neither is that more are where there are more callers.
func (g *GatewayMetrics) refusals(t Thresholds) []watch {
	denied := share(g.own(metrics.Denials, "Sum", nil), g.own(metrics.Issuances, "Sum", nil), leastRefusals)
	unknown := share(g.own(metrics.Problems, "Sum", dimensions{metrics.Code: problem.Unauthenticated.Code}),
		g.own(metrics.RequestDuration, "SampleCount", nil), leastRefusals)
	return []watch{
		{id: "Denials", says: "Much of what is asked for is denied", section: "Much is denied", metric: denied, over: t.Denials},
		{id: "Unknown", says: "Many callers aren't known", section: "Many callers aren't known", metric: unknown, over: t.Denials},
	}
}

// keys is about the age of the signing key, which is told whenever somebody
// calls: that nobody does makes no key younger.
func (g *GatewayMetrics) keys(t Thresholds) watch {
	hourly := g.own(metrics.KeyAge, "Maximum", nil).With(&awscloudwatch.MetricOptions{Period: awscdk.Duration_Hours(jsii.Number(1))})
	return watch{
		id: "KeyAge", says: "The signing key is older than it should be", section: "The signing key is old",
		metric: hourly, over: t.KeyAge.Seconds(), atOnce: true, silence: awscloudwatch.TreatMissingData_IGNORE,
	}
}

func (g *GatewayMetrics) records() watch {
	return watch{
		id: "AuditFailures", says: "What is given out can't be recorded, so nothing is", section: "Nothing can be recorded",
		metric: g.own(metrics.AuditFailures, "Sum", nil), atOnce: true,
	}
}

// checks are looked at every 30 seconds by a service, so that one that is
// silent has failed; by a function only while somebody calls it.
func (g *GatewayMetrics) checks() []watch {
	silence := awscloudwatch.TreatMissingData_NOT_BREACHING
	if g.Service != nil {
		silence = awscloudwatch.TreatMissingData_BREACHING
	}
	all := make([]watch, len(g.Checks))
	for n, name := range g.Checks {
		all[n] = watch{
			id: "Check" + name, says: "The gateway's check " + name + " fails", section: "A check fails",
			metric: g.own(metrics.CheckUp, "Minimum", dimensions{metrics.Check: name}), under: 1, silence: silence,
		}
	}
	return all
}

func (g *GatewayMetrics) tables() []watch {
	var all []watch
	for _, table := range g.Tables {
		for _, throttled := range table.throttled() {
			all = append(all, watch{
				id: "Throttled" + throttled.id, says: "DynamoDB holds requests to the table " + table.ID + " back", section: "A table is throttled", metric: throttled.metric,
			})
		}
	}
	return all
}

// share is percent of a whole, and 0 as long as the part is small. Without a
// part there is no data, and so no alarm.
func share(part, whole awscloudwatch.Metric, least int) awscloudwatch.MathExpression {
	return expression("IF(part >= "+strconv.Itoa(least)+", 100 * part / whole, 0)", map[string]awscloudwatch.Metric{"part": part, "whole": whole})
}

func expression(text string, of map[string]awscloudwatch.Metric) awscloudwatch.MathExpression {
	using := map[string]awscloudwatch.IMetric{}
	for name, metric := range of {
		using[name] = metric
	}
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String(text), UsingMetrics: &using, Period: awscdk.Duration_Minutes(jsii.Number(alarmMinutes)),
	})
}
