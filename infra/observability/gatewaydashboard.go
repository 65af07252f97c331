package observability

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/pkg/metrics"
)

const gatewayNote = `### Gateway
What it gives out and refuses, in records of its audit trail: a request for a hundred URLs is a hundred. While nobody calls a function, it measures nothing. Methods and statuses aren't metrics; Logs Insights finds them in the gateway's log.`

// ShowGateway adds the rows of a gateway of the dashboard's region. It panics
// where GatewayAlarmsProps.Validate would complain of the gateway.
func (d *dashboard) ShowGateway(gateway *GatewayMetrics) {
	var found complaints.List
	gateway.check(&found)
	if err := found.Err(ErrInvalid); err != nil {
		panic(err)
	}
	here := *awscdk.Stack_Of(d).Region()
	d.AddWidgets(text(gatewayNote))
	d.AddWidgets(graph("Issued and denied, by action", here, gateway.each(metrics.Issuances, "Sum", metrics.Action, metrics.Outcome)),
		graph("Denied, by reason", here, gateway.each(metrics.Denials, "Sum", metrics.Reason)))
	d.AddWidgets(graph("Answers that are problems, by code", here, gateway.each(metrics.Problems, "Sum", metrics.Code)),
		graph("Slowest answers by route, s (p99)", here, gateway.each(metrics.RequestDuration, "p99", metrics.Route)))
	d.AddWidgets(graph("Answers, s (p50, p99)", here, gateway.own(metrics.RequestDuration, "p50", nil), gateway.own(metrics.RequestDuration, "p99", nil)),
		graph("Slowest signatures, s (p99)", here, gateway.each(metrics.SigningDuration, "p99", metrics.Kind)))
	d.AddWidgets(graph("Age of the signing key, days", here, days(gateway.own(metrics.KeyAge, "Maximum", nil))),
		graph("Checks (1 is well)", here, gateway.each(metrics.CheckUp, "Minimum", metrics.Check)))
	d.AddWidgets(graph("Records that couldn't be written", here, gateway.own(metrics.AuditFailures, "Sum", nil)))
	if throttled := gateway.throttled(); len(throttled) > 0 {
		d.AddWidgets(graph("Held back by DynamoDB", here, throttled...))
	}
	if gateway.Function != nil {
		d.showFunction(here, gateway.Function)
	}
	if gateway.Service != nil {
		d.showService(here, gateway.Service)
	}
}

func (d *dashboard) showFunction(here string, f *FunctionMetrics) {
	d.AddWidgets(graph("Requests of the API, refused and failed", here, f.api("Count", "Sum"), f.api("4xx", "Sum"), f.api("5xx", "Sum")),
		graph("Answers as callers wait for them, ms (p50, p99)", here, f.api("Latency", "p50"), f.api("Latency", "p99")))
	atOnce := graph("At once in the function", here, f.lambda("ConcurrentExecutions", "Maximum"))
	failed := graph("Errors and throttles of the function", here, f.lambda("Errors", "Sum"), f.lambda("Throttles", "Sum"))
	d.AddWidgets(failed, atOnce)
	if f.Logs == "" {
		return
	}
	// Lambda has no metric of cold starts, but lines in the log.
	d.AddWidgets(awscloudwatch.NewLogQueryWidget(&awscloudwatch.LogQueryWidgetProps{
		Title: jsii.String("Cold starts, and the slowest, ms"), LogGroupNames: jsii.Strings(f.Logs), Region: jsii.String(here),
		QueryLines: jsii.Strings(`filter @type = "REPORT" and ispresent(@initDuration)`, `stats count(*) as coldStarts, max(@initDuration) as slowest by bin(1h)`),
		View:       awscloudwatch.LogQueryVisualizationType_TABLE, Width: jsii.Number(width), Height: jsii.Number(6),
	}))
}

func (d *dashboard) showService(here string, s *ServiceMetrics) {
	d.AddWidgets(graph("Requests of the load balancer, refused and failed", here, s.balancer("RequestCount"), s.targets("HTTPCode_Target_4XX_Count", "Sum"),
		s.targets("HTTPCode_Target_5XX_Count", "Sum"), s.balancer("HTTPCode_ELB_5XX_Count")),
		graph("Answers as the load balancer waits for them, s (p50, p99)", here, s.targets("TargetResponseTime", "p50"), s.targets("TargetResponseTime", "p99")))
	d.AddWidgets(graph("Tasks that are ready, and that aren't", here, s.targets("HealthyHostCount", "Minimum"), s.targets("UnHealthyHostCount", "Maximum")),
		graph("Processors and memory, percent", here, s.service("CPUUtilization", "Average"), s.service("MemoryUtilization", "Average")))
}

// each is a metric of the gateway's own by all values of these attributes.
func (g *GatewayMetrics) each(name, statistic string, by ...string) awscloudwatch.IMetric {
	mustCount(name, by)
	schema := append(make([]string, 0, 2+len(by)), `"`+g.Namespace+`"`, metrics.ServiceDimension)
	for _, attribute := range by {
		schema = append(schema, `"`+attribute+`"`)
	}
	return awscloudwatch.NewSearchExpression(&awscloudwatch.SearchExpressionProps{
		Expression: jsii.String(`SEARCH('{` + strings.Join(schema, ",") + `} MetricName="` + name + `" ` + metrics.ServiceDimension + `="` + metrics.Service + `"', '` + statistic + `', 300)`),
		Period:     awscdk.Duration_Minutes(jsii.Number(alarmMinutes)),
	})
}

func (g *GatewayMetrics) throttled() []awscloudwatch.IMetric {
	var all []awscloudwatch.IMetric
	for _, table := range g.Tables {
		for _, throttled := range table.throttled() {
			all = append(all, throttled.metric)
		}
	}
	return all
}

func days(seconds awscloudwatch.Metric) awscloudwatch.IMetric {
	return expression("seconds / 86400", map[string]awscloudwatch.Metric{"seconds": seconds})
}
