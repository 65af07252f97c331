package stacks_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/policytest"
	"github.com/signgate/signgate/infra/synthtest"
	"github.com/signgate/signgate/pkg/metrics"
	"github.com/signgate/signgate/pkg/problem"
)

// ofGateway is what ids of the gateway's alarms begin with; those of the
// distribution's begin otherwise.
const ofGateway = "GatewayAlarms"

// looked is a metric that somebody looks at, with the values of its dimensions;
// a search has names only.
type looked struct {
	where, namespace, name string
	dimensions             map[string]string
}

// lookedAt are all metrics of a template's alarms and dashboards that aren't
// AWS's own.
func lookedAt(t *testing.T, template policytest.Template) (found []looked) {
	t.Helper()
	for id, alarm := range of(template, "AWS::CloudWatch::Alarm") {
		properties := alarm["Properties"].(map[string]any)
		measured := []any{properties}
		if list, ok := properties["Metrics"].([]any); ok {
			measured = list
		}
		for _, metric := range measured {
			if stat := at(metric, "MetricStat", "Metric"); stat != nil {
				metric = stat
			}
			if name, _ := at(metric, "MetricName").(string); name != "" {
				found = append(found, metricIn(id, metric.(map[string]any)))
			}
		}
	}
	for id, dashboard := range of(template, "AWS::CloudWatch::Dashboard") {
		found = append(found, shownBy(id, strings.Join(texts(at(dashboard, "Properties", "DashboardBody")), ""))...)
	}
	return found
}

func metricIn(where string, metric map[string]any) looked {
	found := looked{where: where, namespace: fmt.Sprint(metric["Namespace"]), name: fmt.Sprint(metric["MetricName"]), dimensions: map[string]string{}}
	list, _ := metric["Dimensions"].([]any)
	for _, dimension := range list {
		found.dimensions[fmt.Sprint(at(dimension, "Name"))] = fmt.Sprint(at(dimension, "Value"))
	}
	return found
}

// shownBy reads a dashboard's body, of which what CloudFormation fills in is
// left out: metrics are lists of texts, and searches say names in braces.
func shownBy(where, body string) (found []looked) {
	for _, match := range regexp.MustCompile(`\["(signgate/[^"]+)","([^"]+)"((?:,"[^"]+","[^"]*")*)`).FindAllStringSubmatch(body, -1) {
		metric := looked{where: where, namespace: match[1], name: match[2], dimensions: map[string]string{}}
		for _, pair := range regexp.MustCompile(`,"([^"]+)","([^"]*)"`).FindAllStringSubmatch(match[3], -1) {
			metric.dimensions[pair[1]] = pair[2]
		}
		found = append(found, metric)
	}
	for _, match := range regexp.MustCompile(`SEARCH\('\{([^}]*)\} MetricName=\\"([^"]*)\\" (\w+)=\\"(\w+)\\"`).FindAllStringSubmatch(body, -1) {
		names := strings.Split(strings.ReplaceAll(match[1], `\"`, ""), ",")
		metric := looked{where: where, namespace: names[0], name: match[2], dimensions: map[string]string{match[3]: match[4]}}
		for _, name := range names[1:] {
			if name != match[3] {
				metric.dimensions[name] = ""
			}
		}
		found = append(found, metric)
	}
	return found
}

// Package server's tests say that what package metrics names is what leaves the
// gateway.
func TestAlarmsAndDashboardsLookAtWhatTheGatewayMeasures(t *testing.T) {
	values := map[string][]string{metrics.Check: metrics.Checks(), metrics.ServiceDimension: {metrics.Service}}
	for _, kind := range problem.Kinds() {
		values[metrics.Code] = append(values[metrics.Code], kind.Code)
	}
	for environment, least := range map[string]int{"dev": 10, "staging": 20, "prod": 20, "apart": 10, "told": 15, "service": 20, "tasks": 10} {
		file := strings.NewReplacer("apart", "dev", "told", "dev", "tasks", "dev", "service", "prod").Replace(environment)
		measured, looks := started(t, environment, file).MetricsNamespace, 0
		for _, metric := range lookedAt(t, content(t, environment)) {
			if !strings.HasPrefix(metric.namespace, "signgate/") {
				continue // AWS's, or what a log is searched for
			}
			looks++
			var by []string
			for dimension, value := range metric.dimensions {
				if dimension != metrics.ServiceDimension {
					by = append(by, dimension)
				}
				if known := values[dimension]; value != "" && !strings.Contains(" "+strings.Join(known, " ")+" ", " "+value+" ") {
					t.Errorf("%s: %s looks at %s %s", environment, metric.where, dimension, value)
				}
			}
			if metric.namespace != measured || metric.dimensions[metrics.ServiceDimension] == "" || !metrics.CountedBy(metric.name, by...) {
				t.Errorf("%s: %+v is looked at, and nobody measures it in %s", environment, metric, measured)
			}
		}
		if looks < least || measured != "signgate/"+file { // environments of one account stay apart
			t.Errorf("%s looks at %d metrics in %s", environment, looks, measured)
		}
	}
}

func TestAGatewayThatNobodyLooksAtMeasuresNothing(t *testing.T) {
	if namespace := started(t, "unwatched", "dev").MetricsNamespace; namespace != "" {
		t.Errorf("it measures into %s, which costs", namespace)
	}
}

func TestAlarmsOfAGatewayTellATopicOfItsRegion(t *testing.T) {
	for environment, want := range map[string]struct{ gateway, distribution string }{
		"prod":    {"the stack's own", "the stack's own"},
		"staging": {"the stack's own", "the stack's own"},
		"told":    {"arn:aws:sns:eu-central-1:111122223333:alarms", "arn:aws:sns:us-east-1:111122223333:edge"},
	} {
		seen := map[bool]bool{}
		for _, template := range templates(t, environment) {
			topics := of(template, "AWS::SNS::Topic")
			for id, alarm := range of(template, "AWS::CloudWatch::Alarm") {
				told, _ := at(alarm, "Properties", "AlarmActions").([]any)
				topic := fmt.Sprint(told...)
				if reference, _ := at(told[0], "Ref").(string); topics[reference] != nil {
					topic = "the stack's own"
				}
				expected := want.distribution
				if strings.HasPrefix(id, ofGateway) {
					expected = want.gateway
				}
				synthtest.Equal(t, environment+": who "+id+" tells", topic, expected)
				seen[strings.HasPrefix(id, ofGateway)] = true
			}
		}
		if !seen[true] || !seen[false] {
			t.Errorf("%s lacks alarms", environment)
		}
	}
	synthtest.Equal(t, "topics of staging, which is where CloudFront's metrics are", len(of(content(t, "staging"), "AWS::SNS::Topic")), 1)
	if _, there := content(t, "dev").Body["Outputs"].(map[string]any)["MetricsNamespace"]; !there || len(of(content(t, "dev"), "AWS::CloudWatch::Alarm")) > 0 {
		t.Error("dev has a dashboard and no alarms")
	}
}

// The API's access log is what tells of callers who were held back.
func TestAccessLogsSayTheStatusAsItIsSearchedFor(t *testing.T) {
	stage := properties(t, content(t, "prod"), "AWS::ApiGatewayV2::Stage", "Gateway")
	filter := properties(t, content(t, "prod"), "AWS::Logs::MetricFilter", ofGateway)
	synthtest.Equal(t, "the search", filter["FilterPattern"], any(`{ $.status = "429" }`))
	if format, _ := at(stage, "AccessLogSettings", "Format").(string); !strings.Contains(format, `"status":"$context.status"`) {
		t.Errorf("the status isn't text: %s", format)
	}
	arn, _ := at(stage, "AccessLogSettings", "DestinationArn", "Fn::GetAtt").([]any)
	synthtest.Equal(t, "the log group", at(filter, "LogGroupName", "Ref"), arn[0])
}

// Firehose has acknowledged a record long before it delivers it, so the gateway
// hears nothing of what goes wrong there.
func TestSomebodyIsToldWhenAuditRecordsAreNotDelivered(t *testing.T) {
	template := content(t, "staging")
	for name := range of(template, "AWS::KinesisFirehose::DeliveryStream") {
		for _, id := range []string{"StreamLate", "StreamFails"} {
			alarm := properties(t, template, "AWS::CloudWatch::Alarm", ofGateway+id)
			synthtest.Equal(t, id, fmt.Sprint(alarm["Dimensions"]), "[map[Name:DeliveryStreamName Value:map[Ref:"+name+"]]]")
		}
	}
	if len(of(template, "AWS::KinesisFirehose::DeliveryStream")) != 1 {
		t.Error("staging has no stream")
	}
}

func TestThresholdsAreThoseOfTheFile(t *testing.T) {
	for id, want := range map[string]float64{"ServerErrors": 1, "Latency": 1000, "Denials": 30, "Unknown": 30, "KeyAge": 97 * 24 * 60 * 60, "Concurrency": 80} {
		synthtest.Equal(t, id, properties(t, content(t, "prod"), "AWS::CloudWatch::Alarm", ofGateway+id)["Threshold"], any(want))
	}
}

// AWS bills each metric that an alarm looks at.
func TestTheREADMESaysHowManyAlarmsProductionHas(t *testing.T) {
	alarms, metrics := 0, 0
	for _, template := range templates(t, "prod") {
		for _, alarm := range of(template, "AWS::CloudWatch::Alarm") {
			alarms++
			if at(alarm, "Properties", "MetricName") != nil {
				metrics++
			}
			list, _ := at(alarm, "Properties", "Metrics").([]any)
			for _, metric := range list {
				if at(metric, "MetricStat") != nil {
					metrics++
				}
			}
		}
	}
	text, err := os.ReadFile("../../README.md")
	if want := fmt.Sprintf("`prod` has %d alarms on %d metrics: $%.2f a month", alarms, metrics, float64(metrics)/10); err != nil || !strings.Contains(string(text), want) {
		t.Errorf("README.md doesn't say %q: %v", want, err)
	}
}

func TestEveryAlarmNamesWhatToDo(t *testing.T) {
	text, err := os.ReadFile("../../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	for environment := range variants() {
		for _, template := range templates(t, environment) {
			for id, alarm := range of(template, "AWS::CloudWatch::Alarm") {
				said, _ := at(alarm, "Properties", "AlarmDescription").(string)
				_, section, found := strings.Cut(said, "OPERATIONS.md, ")
				if !found || !strings.Contains(string(text), "\n## "+strings.TrimSuffix(section, ".")+"\n") {
					t.Errorf("%s: %s says %q", environment, id, said)
				}
			}
		}
	}
}
