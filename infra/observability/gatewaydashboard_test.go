package observability_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/synthtest"
)

// shownOf is what a dashboard shows of a gateway.
func shownOf(t *testing.T, gateway observability.GatewayMetrics) (graphs map[string][]string, texts string) {
	t.Helper()
	template := synth(t, synthtest.HouseFlags, "", func(stack awscdk.Stack) {
		dashboard := observability.NewDashboard(stack, jsii.String("Dashboard"), &observability.DashboardProps{BucketName: "some-bucket", DistributionID: "E123"})
		dashboard.ShowGateway(&gateway)
	})
	return widgets(t, template)
}

func searched(by, metric, statistic string) []string {
	return []string{`in ${AWS::Region}: expression=SEARCH('{"signgate/test",service` + by + `} MetricName="` + metric + `" service="signgate"', '` + statistic + `', 300)`}
}

func here(metrics ...string) []string {
	for n := range metrics {
		metrics[n] = "in ${AWS::Region}: " + metrics[n]
	}
	return metrics
}

func TestADashboardShowsWhatAGatewayGivesOutAndRefuses(t *testing.T) {
	graphs, texts := shownOf(t, asFunction())
	for title, want := range map[string][]string{
		"Issued and denied, by action":       searched(`,"action","outcome"`, "signgate.issuances", "Sum"),
		"Denied, by reason":                  searched(`,"reason"`, "signgate.denials", "Sum"),
		"Answers that are problems, by code": searched(`,"code"`, "signgate.problems", "Sum"),
		"Slowest answers by route, s (p99)":  searched(`,"http.route"`, "http.server.request.duration", "p99"),
		"Slowest signatures, s (p99)":        searched(`,"kind"`, "signgate.signing.duration", "p99"),
		"Checks (1 is well)":                 searched(`,"check"`, "signgate.check.up", "Minimum"),
		"Age of the signing key, days":       here("expression=seconds / 86400", "signgate/test signgate.signing.key.age service signgate stat=Maximum"),
		"Records that couldn't be written":   here("signgate/test signgate.audit.failures service signgate stat=Sum"),
		"Answers, s (p50, p99)":              here("signgate/test http.server.request.duration service signgate stat=p50", "signgate/test http.server.request.duration service signgate stat=p99"),
		"Held back by DynamoDB": here("AWS/DynamoDB ReadThrottleEvents TableName grants stat=Sum",
			"AWS/DynamoDB ReadThrottleEvents GlobalSecondaryIndexName grantee TableName grants stat=Sum",
			"AWS/DynamoDB WriteThrottleEvents TableName grants stat=Sum", "AWS/DynamoDB WriteThrottleEvents GlobalSecondaryIndexName grantee TableName grants stat=Sum",
			"AWS/DynamoDB ReadThrottleEvents TableName audit stat=Sum", "AWS/DynamoDB WriteThrottleEvents TableName audit stat=Sum"),
		"Requests of the API, refused and failed":         here("AWS/ApiGateway Count ApiId a1b2c3 stat=Sum", "AWS/ApiGateway 4xx ApiId a1b2c3 stat=Sum", "AWS/ApiGateway 5xx ApiId a1b2c3 stat=Sum"),
		"Answers as callers wait for them, ms (p50, p99)": here("AWS/ApiGateway Latency ApiId a1b2c3 stat=p50", "AWS/ApiGateway Latency ApiId a1b2c3 stat=p99"),
		"At once in the function":                         here("AWS/Lambda ConcurrentExecutions FunctionName gateway stat=Maximum"),
		"Errors and throttles of the function":            here("AWS/Lambda Errors FunctionName gateway stat=Sum", "AWS/Lambda Throttles FunctionName gateway stat=Sum"),
		"Cold starts, and the slowest, ms": {
			`SOURCE 'function-logs' | filter @type = "REPORT" and ispresent(@initDuration) | stats count(*) as coldStarts, max(@initDuration) as slowest by bin(1h)`,
		},
	} {
		synthtest.Equal(t, title, graphs[title], want)
	}
	if !strings.Contains(texts, "### Gateway") || len(graphs["Tasks that are ready, and that aren't"]) > 0 {
		t.Errorf("it says %q and shows %v", texts, graphs)
	}
}

func TestADashboardShowsTheLoadBalancerOfAService(t *testing.T) {
	graphs, _ := shownOf(t, asService())
	const balancer, targets = " LoadBalancer app/gateway/50dc6c495c0c9188", " LoadBalancer app/gateway/50dc6c495c0c9188 TargetGroup targetgroup/gateway/73e2d6bc24d8a067"
	for title, want := range map[string][]string{
		"Requests of the load balancer, refused and failed": here("AWS/ApplicationELB RequestCount"+balancer+" stat=Sum", "AWS/ApplicationELB HTTPCode_Target_4XX_Count"+targets+" stat=Sum",
			"AWS/ApplicationELB HTTPCode_Target_5XX_Count"+targets+" stat=Sum", "AWS/ApplicationELB HTTPCode_ELB_5XX_Count"+balancer+" stat=Sum"),
		"Answers as the load balancer waits for them, s (p50, p99)": here("AWS/ApplicationELB TargetResponseTime"+targets+" stat=p50", "AWS/ApplicationELB TargetResponseTime"+targets+" stat=p99"),
		"Tasks that are ready, and that aren't":                     here("AWS/ApplicationELB HealthyHostCount"+targets+" stat=Minimum", "AWS/ApplicationELB UnHealthyHostCount"+targets+" stat=Maximum"),
		"Processors and memory, percent":                            here("AWS/ECS CPUUtilization ClusterName c ServiceName s", "AWS/ECS MemoryUtilization ClusterName c ServiceName s"),
	} {
		synthtest.Equal(t, title, graphs[title], want)
	}
	if _, there := graphs["Held back by DynamoDB"]; there || slices.Contains(graphs["Requests of the API, refused and failed"], "") {
		t.Error("it shows tables or an API that aren't there")
	}
}

func TestADashboardRefusesAGatewayThatCannotBeFound(t *testing.T) {
	assertPanics(t, func(stack awscdk.Stack) {
		observability.NewDashboard(stack, jsii.String("Dashboard"), &observability.DashboardProps{BucketName: "b", DistributionID: "E"}).ShowGateway(&observability.GatewayMetrics{})
	})
}
