package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"
)

const (
	nearConcurrency = 0.8 // of what is reserved for a function
	busyProcessors  = 85  // percent, above what a service scales at
)

// What alarms of every front say.
const (
	failing        = "The gateway fails"
	failingSection = "The gateway fails"
	slow           = "The slowest answers take too long"
	slowSection    = "The gateway is slow"
)

// watched is what AWS measures of a function and its API.
func (f *FunctionMetrics) watched(t Thresholds) []watch {
	// Without errors there is no data, or 0.
	failed := expression("100 * failed / requests", map[string]awscloudwatch.Metric{"failed": f.api("5xx", "Sum"), "requests": f.api("Count", "Sum")})
	all := []watch{
		{id: "ServerErrors", says: failing, section: failingSection, metric: failed, over: t.ServerErrors},
		{id: "Latency", says: slow, section: slowSection, metric: f.api("Latency", "p99"), over: float64(t.Latency.Milliseconds())},
		{id: "FunctionErrors", says: "The function crashes, or runs out of time", section: "The function crashes", metric: f.lambda("Errors", "Sum")},
		{id: "Throttles", says: "Lambda holds calls of the function back", section: "The function is throttled", metric: f.lambda("Throttles", "Sum")},
	}
	if f.Concurrency > 0 {
		all = append(all, watch{
			id: "Concurrency", says: "The function is near its reserved concurrency", section: "The function is throttled",
			metric: f.lambda("ConcurrentExecutions", "Maximum"), over: nearConcurrency * float64(f.Concurrency),
		})
	}
	return all
}

// heldBack are the callers whom the API answers with 429 before the function
// hears of them. An HTTP API has no metric of its own for them, but a line in
// its access logs (API Gateway Developer Guide, "Monitor CloudWatch metrics for
// HTTP APIs").
func (a *gatewayAlarms) heldBack(f *FunctionMetrics) watch {
	namespace := jsii.String("signgate")
	name := jsii.String(*awscdk.Names_UniqueResourceName(a, &awscdk.UniqueResourceNameOptions{Separator: jsii.String("-")}) + "-HeldBack")
	awslogs.NewCfnMetricFilter(a, jsii.String("HeldBackFilter"), &awslogs.CfnMetricFilterProps{
		FilterPattern: jsii.String(`{ $.status = "429" }`), LogGroupName: jsii.String(f.AccessLogs),
		MetricTransformations: []*awslogs.CfnMetricFilter_MetricTransformationProperty{
			{MetricNamespace: namespace, MetricName: name, MetricValue: jsii.String("1")},
		},
	})
	return watch{
		id: "HeldBack", says: "The API holds callers back", section: "Callers are held back", metric: metricOf(*namespace, *name, "Sum", nil),
	}
}

// watched is what AWS measures of a service and its load balancer. Those that
// count faults are there only while there are any (Elastic Load Balancing User
// Guide, "CloudWatch metrics for your Application Load Balancer").
func (s *ServiceMetrics) watched(t Thresholds) []watch {
	failed := expression("100 * failed / requests", map[string]awscloudwatch.Metric{
		"failed": s.targets("HTTPCode_Target_5XX_Count", "Sum"), "requests": s.targets("RequestCount", "Sum"),
	})
	return []watch{
		{id: "ServerErrors", says: failing, section: failingSection, metric: failed, over: t.ServerErrors},
		{id: "Latency", says: slow, section: slowSection, metric: s.targets("TargetResponseTime", "p99"), over: t.Latency.Seconds()},
		{
			id: "BalancerErrors", says: "The load balancer gets no answer for callers", section: "The load balancer fails",
			metric: s.balancer("HTTPCode_ELB_5XX_Count"),
		},
		{
			id: "RejectedConnections", says: "The load balancer has no room for callers", section: "The load balancer fails",
			metric: s.balancer("RejectedConnectionCount"), atOnce: true,
		},
		{id: "Unhealthy", says: "A task of the gateway isn't ready", section: "No task is ready", metric: s.targets("UnHealthyHostCount", "Maximum")},
		{
			id: "NoneHealthy", says: "No task of the gateway is ready", section: "No task is ready",
			metric: s.targets("HealthyHostCount", "Minimum"), under: 1, atOnce: true, silence: awscloudwatch.TreatMissingData_BREACHING,
		},
		{id: "Processors", says: "The gateway's tasks are busy", section: "The tasks are busy", metric: s.service("CPUUtilization", "Average"), over: busyProcessors},
	}
}
