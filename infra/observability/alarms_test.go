package observability_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/synthtest"
)

const existingTopic = "arn:aws:sns:us-east-1:111122223333:ops"

func topicOf(stack awscdk.Stack) awssns.ITopic {
	return awssns.Topic_FromTopicArn(stack, jsii.String("Existing"), jsii.String(existingTopic))
}

func newAlarms(errorRate, refusals float64) func(awscdk.Stack) {
	return func(stack awscdk.Stack) {
		observability.NewAlarms(stack, jsii.String("Alarms"), &observability.AlarmsProps{
			DistributionID: "E123", Topic: topicOf(stack), ErrorRate: errorRate, Refusals: refusals,
		})
	}
}

func TestAlarmsWatchWhatFailsAndWhatIsRefused(t *testing.T) {
	want := func(metric string, threshold float64) map[string]any {
		return map[string]any{
			"Namespace": "AWS/CloudFront", "MetricName": metric, "Statistic": "Average", "Period": 300.0,
			"Dimensions": []any{
				map[string]any{"Name": "DistributionId", "Value": "E123"}, map[string]any{"Name": "Region", "Value": "Global"},
			},
			"ComparisonOperator": "GreaterThanThreshold", "Threshold": threshold, "EvaluationPeriods": 4.0, "DatapointsToAlarm": 3.0,
			"TreatMissingData": "notBreaching", "AlarmActions": []any{existingTopic}, "OKActions": []any{existingTopic},
		}
	}
	for _, flags := range synthtest.BothFlags() {
		for _, region := range []string{"", "us-east-1"} {
			template := synth(t, flags, region, newAlarms(1, 20))
			for id, expected := range map[string]map[string]any{"AlarmsErrorRate": want("5xxErrorRate", 1), "AlarmsRefusals": want("4xxErrorRate", 20)} {
				alarm := template.Only(t, "AWS::CloudWatch::Alarm", id)
				assertRunbook(t, alarm)
				delete(alarm.Properties, "AlarmDescription")
				synthtest.Equal(t, id, alarm.Properties, expected)
			}
		}
	}
	without := synth(t, synthtest.NoFlags, "", newAlarms(1, 0))
	synthtest.Equal(t, "alarms without Refusals", len(without.Of("AWS::CloudWatch::Alarm")), 1)
}

// assertRunbook looks up the section of OPERATIONS.md that an alarm's
// description ends with.
func assertRunbook(t *testing.T, alarm synthtest.Resource) {
	t.Helper()
	description, _ := alarm.Get("AlarmDescription").(string)
	_, section, found := strings.Cut(description, "OPERATIONS.md, ")
	text, err := os.ReadFile("../../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !found || !strings.Contains(string(text), "\n## "+strings.TrimSuffix(section, ".")+"\n") {
		t.Errorf("%q names no section of OPERATIONS.md", description)
	}
}

func TestAlarmsAreOfTheRegionOfTheirMetrics(t *testing.T) {
	defer func() {
		err, _ := recover().(error)
		assertComplaints(t, err, "us-east-1", "eu-central-1")
	}()
	newAlarms(1, 20)(synthtest.Stack(synthtest.NoFlags, "eu-central-1"))
}

func TestAlarmsSayEverythingThatIsWrongAtOnce(t *testing.T) {
	var none *observability.AlarmsProps
	assertComplaints(t, none.Validate(), "props")
	assertComplaints(t, (&observability.AlarmsProps{Refusals: 100}).Validate(), "DistributionID", "Topic", "ErrorRate", "Refusals")
	assertComplaints(t, (&observability.AlarmsProps{ErrorRate: 100, Refusals: -1}).Validate(), "ErrorRate", "Refusals")
	assertPanics(t, newAlarms(0, 0))
}

func newKeyAlarm(props observability.KeyAlarmProps) func(awscdk.Stack) {
	return func(stack awscdk.Stack) {
		trail := observability.NewTrail(stack, jsii.String("Trail"), &observability.TrailProps{Buckets: []string{watched}, ManagementEvents: true, ExpireDays: 30})
		props.Topic, props.Trail = topicOf(stack), trail.LogGroup()
		observability.NewKeyAlarm(stack, jsii.String("KeyAlarm"), &props)
	}
}

func TestTheAlarmOfAKeyTellsWhenItIsDisabledOrToBeDeleted(t *testing.T) {
	const key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, "", newKeyAlarm(observability.KeyAlarmProps{KeyARN: key}))
		filter, alarm := template.Only(t, "AWS::Logs::MetricFilter", "KeyAlarm"), template.Only(t, "AWS::CloudWatch::Alarm", "KeyAlarm")
		synthtest.Equal(t, "what is looked for", filter.Get("FilterPattern"), any(
			`{ ($.eventSource = "kms.amazonaws.com") && (($.eventName = "DisableKey") || ($.eventName = "ScheduleKeyDeletion")) && ($.resources[0].ARN = "`+key+`") }`))
		synthtest.Equal(t, "where", filter.Get("LogGroupName"), any("${"+template.Only(t, "AWS::Logs::LogGroup", "Trail").ID+"}"))
		metric := alarm.Get("MetricName")
		synthtest.Equal(t, "what is counted", filter.Get("MetricTransformations"), any([]any{
			map[string]any{"MetricNamespace": "signgate", "MetricName": metric, "MetricValue": "1"},
		}))
		assertRunbook(t, alarm)
		delete(alarm.Properties, "AlarmDescription")
		synthtest.Equal(t, "the alarm", alarm.Properties, map[string]any{
			"Namespace": "signgate", "MetricName": metric, "Statistic": "Sum", "Period": 300.0,
			"ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 1.0, "EvaluationPeriods": 1.0,
			"TreatMissingData": "notBreaching", "AlarmActions": []any{existingTopic},
		})
	}
	var none *observability.KeyAlarmProps
	assertComplaints(t, none.Validate(), "props")
	assertComplaints(t, (&observability.KeyAlarmProps{}).Validate(), "KeyARN", "Trail", "Topic")
	assertPanics(t, newKeyAlarm(observability.KeyAlarmProps{}))
}
