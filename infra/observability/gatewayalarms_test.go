package observability_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/synthtest"
	"github.com/signgate/signgate/pkg/metrics"
)

func asFunction() observability.GatewayMetrics {
	return observability.GatewayMetrics{
		Namespace: "signgate/test", Checks: []string{metrics.CheckKeys, metrics.CheckAPIKeys},
		Function:    &observability.FunctionMetrics{APIID: "a1b2c3", FunctionName: "gateway", AccessLogs: "api-logs", Logs: "function-logs", Concurrency: 100},
		Tables:      []observability.TableMetrics{{ID: "Grants", Name: "grants", Indexes: []string{"grantee"}}, {ID: "Audit", Name: "audit"}},
		AuditStream: "records",
	}
}

func asService() observability.GatewayMetrics {
	return observability.GatewayMetrics{
		Namespace: "signgate/test", Checks: []string{metrics.CheckKeys},
		Service: &observability.ServiceMetrics{LoadBalancer: "app/gateway/50dc6c495c0c9188", TargetGroup: "targetgroup/gateway/73e2d6bc24d8a067", Cluster: "c", Service: "s"},
	}
}

func newGatewayAlarms(gateway observability.GatewayMetrics, thresholds observability.Thresholds) func(awscdk.Stack) {
	return func(stack awscdk.Stack) {
		observability.NewGatewayAlarms(stack, jsii.String("Alarms"), &observability.GatewayAlarmsProps{
			Gateway: gateway, Topic: awssns.Topic_FromTopicArn(stack, jsii.String("Existing"), jsii.String(existingTopic)), Thresholds: thresholds,
		})
	}
}

// alarmsOf are all alarms of a template, each in one line: what it looks at,
// when it tells, and what silence means to it.
func alarmsOf(t *testing.T, template synthtest.Template) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, alarm := range template.Of("AWS::CloudWatch::Alarm") {
		assertRunbook(t, alarm)
		for _, actions := range []string{"AlarmActions", "OKActions"} {
			synthtest.Equal(t, actions, alarm.Get(actions), any([]any{existingTopic}))
		}
		looksAt := metricText(alarm.Properties)
		if list, ok := alarm.Get("Metrics").([]any); ok {
			parts := []string{}
			for _, entry := range list {
				entry := entry.(map[string]any)
				if text, isExpression := entry["Expression"]; isExpression {
					parts = slices.Insert(parts, 0, fmt.Sprint(text))
					continue
				}
				stat := entry["MetricStat"].(map[string]any)
				metric := maps.Clone(stat["Metric"].(map[string]any))
				metric["Statistic"], metric["Period"] = stat["Stat"], stat["Period"]
				parts = append(parts, fmt.Sprint(entry["Id"], ": ", metricText(metric)))
			}
			slices.Sort(parts[1:])
			looksAt = strings.Join(parts, "; ")
		}
		id := strings.TrimPrefix(alarm.ID, "Alarms")
		found[id[:len(id)-8]] = fmt.Sprint(looksAt, " | ", alarm.Get("ComparisonOperator"), " ", alarm.Get("Threshold"),
			" | ", alarm.Get("DatapointsToAlarm"), " of ", alarm.Get("EvaluationPeriods"), " | ", alarm.Get("TreatMissingData"))
	}
	return found
}

func metricText(of map[string]any) string {
	statistic := of["Statistic"]
	if statistic == nil {
		statistic = of["ExtendedStatistic"]
	}
	words := []string{fmt.Sprint(of["Namespace"]), fmt.Sprint(of["MetricName"]), fmt.Sprint(statistic), fmt.Sprintf("%vs", of["Period"])}
	list, _ := of["Dimensions"].([]any)
	for _, dimension := range list {
		pair := dimension.(map[string]any)
		words = append(words, fmt.Sprint(pair["Name"], "=", pair["Value"]))
	}
	return strings.Join(words, " ")
}

const (
	above     = " | GreaterThanThreshold "
	below     = " | LessThanThreshold "
	sustained = " | 3 of 4"
	atOnce    = " | 1 of 1"
	quiet     = " | notBreaching"
)

// ofItself are the alarms on what a gateway measures itself.
func ofItself() map[string]string {
	return map[string]string{
		"Faults": "signgate/test signgate.problems Sum 300s code=internal service=signgate" + above + "0" + atOnce + quiet,
		"Unavailable": "IF(part >= 1, 100 * part / whole, 0); part: signgate/test signgate.problems Sum 300s code=unavailable service=signgate" +
			"; whole: signgate/test http.server.request.duration SampleCount 300s service=signgate" + above + "1" + sustained + quiet,
		"AuditFailures": "signgate/test signgate.audit.failures Sum 300s service=signgate" + above + "0" + atOnce + quiet,
		// A key that nobody uses isn't young.
		"KeyAge": "signgate/test signgate.signing.key.age Maximum 3600s service=signgate" + above + "8.3808e+06" + atOnce + " | ignore",
		"Denials": "IF(part >= 20, 100 * part / whole, 0); part: signgate/test signgate.denials Sum 300s service=signgate" +
			"; whole: signgate/test signgate.issuances Sum 300s service=signgate" + above + "50" + sustained + quiet,
		"Unknown": "IF(part >= 20, 100 * part / whole, 0); part: signgate/test signgate.problems Sum 300s code=unauthenticated service=signgate" +
			"; whole: signgate/test http.server.request.duration SampleCount 300s service=signgate" + above + "50" + sustained + quiet,
	}
}

func TestAFunctionsAlarmsLookAtItsAPIItselfAndItsTables(t *testing.T) {
	const table = "AWS/DynamoDB "
	want := ofItself()
	maps.Copy(want, map[string]string{
		"Checkkeys":    "signgate/test signgate.check.up Minimum 300s check=keys service=signgate" + below + "1" + sustained + quiet,
		"Checkapikeys": "signgate/test signgate.check.up Minimum 300s check=api-keys service=signgate" + below + "1" + sustained + quiet,
		"ServerErrors": "100 * failed / requests; failed: AWS/ApiGateway 5xx Sum 300s ApiId=a1b2c3; requests: AWS/ApiGateway Count Sum 300s ApiId=a1b2c3" +
			above + "1" + sustained + quiet,
		"Latency":                    "AWS/ApiGateway Latency p99 300s ApiId=a1b2c3" + above + "2000" + sustained + quiet,
		"FunctionErrors":             "AWS/Lambda Errors Sum 300s FunctionName=gateway" + above + "0" + sustained + quiet,
		"Throttles":                  "AWS/Lambda Throttles Sum 300s FunctionName=gateway" + above + "0" + sustained + quiet,
		"Concurrency":                "AWS/Lambda ConcurrentExecutions Maximum 300s FunctionName=gateway" + above + "80" + sustained + quiet,
		"HeldBack":                   "signgate Test-Alarms-D5DB998B-HeldBack Sum 300s" + above + "0" + sustained + quiet,
		"ThrottledGrantsRead":        table + "ReadThrottleEvents Sum 300s TableName=grants" + above + "0" + sustained + quiet,
		"ThrottledGrantsReadgrantee": table + "ReadThrottleEvents Sum 300s GlobalSecondaryIndexName=grantee TableName=grants" + above + "0" + sustained + quiet,
		"ThrottledGrantsWrite":       table + "WriteThrottleEvents Sum 300s TableName=grants" + above + "0" + sustained + quiet,
		"ThrottledGrantsWritegrantee": table + "WriteThrottleEvents Sum 300s GlobalSecondaryIndexName=grantee TableName=grants" +
			above + "0" + sustained + quiet,
		// A stream that is blocked says nothing any more, which is no all-clear.
		"StreamLate":          "AWS/Firehose DeliveryToS3.DataFreshness Maximum 300s DeliveryStreamName=records" + above + "900" + atOnce + " | ignore",
		"StreamFails":         "AWS/Firehose DeliveryToS3.Success Average 300s DeliveryStreamName=records" + below + "1" + sustained + " | ignore",
		"ThrottledAuditRead":  table + "ReadThrottleEvents Sum 300s TableName=audit" + above + "0" + sustained + quiet,
		"ThrottledAuditWrite": table + "WriteThrottleEvents Sum 300s TableName=audit" + above + "0" + sustained + quiet,
	})
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, "eu-central-1", newGatewayAlarms(asFunction(), observability.Thresholds{}))
		synthtest.Equal(t, "the alarms with "+string(flags), alarmsOf(t, template), want)
		filter := template.Only(t, "AWS::Logs::MetricFilter", "Alarms")
		synthtest.Equal(t, "what the API's logs are searched for", []any{filter.Get("LogGroupName"), filter.Get("FilterPattern")}, []any{"api-logs", `{ $.status = "429" }`})
		alarm := template.Only(t, "AWS::CloudWatch::Alarm", "AlarmsHeldBack")
		synthtest.Equal(t, "what is counted", filter.Get("MetricTransformations"), any([]any{
			map[string]any{"MetricNamespace": alarm.Get("Namespace"), "MetricName": alarm.Get("MetricName"), "MetricValue": "1"},
		}))
	}
}

func TestAServicesAlarmsLookAtItsLoadBalancerAndItself(t *testing.T) {
	const balancer = " LoadBalancer=app/gateway/50dc6c495c0c9188"
	const targets = balancer + " TargetGroup=targetgroup/gateway/73e2d6bc24d8a067"
	want := ofItself()
	maps.Copy(want, map[string]string{
		// A service looks all the time: one that is silent isn't there.
		"Checkkeys": "signgate/test signgate.check.up Minimum 300s check=keys service=signgate" + below + "1" + sustained + " | breaching",
		"ServerErrors": "100 * failed / requests; failed: AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum 300s" + targets +
			"; requests: AWS/ApplicationELB RequestCount Sum 300s" + targets + above + "1" + sustained + quiet,
		"Latency":             "AWS/ApplicationELB TargetResponseTime p99 300s" + targets + above + "2" + sustained + quiet,
		"BalancerErrors":      "AWS/ApplicationELB HTTPCode_ELB_5XX_Count Sum 300s" + balancer + above + "0" + sustained + quiet,
		"RejectedConnections": "AWS/ApplicationELB RejectedConnectionCount Sum 300s" + balancer + above + "0" + atOnce + quiet,
		"Unhealthy":           "AWS/ApplicationELB UnHealthyHostCount Maximum 300s" + targets + above + "0" + sustained + quiet,
		"NoneHealthy":         "AWS/ApplicationELB HealthyHostCount Minimum 300s" + targets + below + "1" + atOnce + " | breaching",
		"Processors":          "AWS/ECS CPUUtilization Average 300s ClusterName=c ServiceName=s" + above + "85" + sustained + quiet,
	})
	template := synth(t, synthtest.HouseFlags, "eu-central-1", newGatewayAlarms(asService(), observability.Thresholds{}))
	synthtest.Equal(t, "the alarms", alarmsOf(t, template), want)
}

func TestAlarmsOfAGatewayTellFromTheThresholdsThatAreGiven(t *testing.T) {
	given := observability.Thresholds{ServerErrors: 5, Latency: 1500 * time.Millisecond, Denials: 80, KeyAge: 24 * time.Hour}
	lambda, service := asFunction(), asService()
	lambda.Function.AccessLogs, lambda.Function.Concurrency, lambda.Tables, lambda.AuditStream = "", 0, nil, ""
	for name, gateway := range map[string]observability.GatewayMetrics{"1500": lambda, "1.5": service} {
		got := alarmsOf(t, synth(t, synthtest.NoFlags, "", newGatewayAlarms(gateway, given)))
		for id, threshold := range map[string]string{"ServerErrors": "5", "Unavailable": "5", "Latency": name, "Denials": "80", "Unknown": "80", "KeyAge": "86400"} {
			if !strings.Contains(got[id], above+threshold+" ") {
				t.Errorf("%s: %s", id, got[id])
			}
		}
		for _, id := range []string{"HeldBack", "Concurrency", "ThrottledGrantsRead", "StreamLate", "StreamFails"} {
			if _, there := got[id]; there {
				t.Errorf("there is an alarm %s of what isn't there", id)
			}
		}
	}
}

func TestAlarmsOfAGatewaySayEverythingThatIsWrongAtOnce(t *testing.T) {
	var none *observability.GatewayAlarmsProps
	assertComplaints(t, none.Validate(), "props")
	assertComplaints(t, (&observability.GatewayAlarmsProps{}).Validate(), "Namespace", "either a Function or a Service", "Topic")
	wrong := &observability.GatewayAlarmsProps{
		Gateway: observability.GatewayMetrics{
			Namespace: "n", Checks: []string{"weather"}, Function: &observability.FunctionMetrics{Concurrency: -1}, Service: &observability.ServiceMetrics{},
			Tables: []observability.TableMetrics{{}, {}},
		},
		Thresholds: observability.Thresholds{ServerErrors: 100, Latency: 1, Denials: 101, KeyAge: time.Minute},
	}
	assertComplaints(t, wrong.Validate(), `"weather"`, "either a Function or a Service", "APIID", "Concurrency", "LoadBalancer", "ID and Name", "another with the ID",
		"ServerErrors", "Latency", "Denials", "KeyAge")
	assertPanics(t, newGatewayAlarms(observability.GatewayMetrics{}, observability.Thresholds{}))
}
