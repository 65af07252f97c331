package observability_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/synthtest"
)

// shown is what a dashboard shows: the metrics of each graph by its title, and
// its texts.
func shown(t *testing.T, flags synthtest.Flags, props observability.DashboardProps, more ...func() awscloudwatch.IWidget) (graphs map[string][]string, texts string) {
	t.Helper()
	template := synth(t, flags, "", func(stack awscdk.Stack) {
		props.BucketName, props.DistributionID = "some-bucket", "E123"
		dashboard := observability.NewDashboard(stack, jsii.String("Dashboard"), &props)
		for _, widget := range more {
			dashboard.AddWidgets(widget())
		}
	})
	return widgets(t, template)
}

// widgets are those of the one dashboard of a template.
func widgets(t *testing.T, template synthtest.Template) (graphs map[string][]string, texts string) {
	t.Helper()
	var body struct {
		Widgets []struct {
			Type       string `json:"type"`
			Properties struct {
				Markdown, Title, Region, Query string
				Metrics                        [][]any
			} `json:"properties"`
		} `json:"widgets"`
	}
	text, _ := template.Only(t, "AWS::CloudWatch::Dashboard", "Dashboard").Get("DashboardBody").(string)
	if err := json.Unmarshal([]byte(text), &body, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	graphs = map[string][]string{}
	var said strings.Builder
	for _, widget := range body.Widgets {
		said.WriteString(widget.Properties.Markdown)
		if query := widget.Properties.Query; query != "" {
			graphs[widget.Properties.Title] = []string{strings.ReplaceAll(query, "\n", " ")}
		}
		for _, metric := range widget.Properties.Metrics {
			graphs[widget.Properties.Title] = append(graphs[widget.Properties.Title], written(widget.Properties.Region, metric))
		}
	}
	return graphs, said.String()
}

func written(region string, metric []any) string {
	words := []string{"in " + region + ":"}
	for _, part := range metric {
		if options, ok := part.(map[string]any); ok {
			for _, option := range []string{"expression", "stat", "period"} {
				if value, ok := options[option]; ok {
					words = append(words, fmt.Sprint(option, "=", value))
				}
			}
			continue
		}
		words = append(words, fmt.Sprint(part))
	}
	return strings.Join(words, " ")
}

func ofCloudFront(metric, options string) string {
	return strings.TrimSpace("in us-east-1: AWS/CloudFront " + metric + " DistributionId E123 Region Global " + options)
}

func ofRequests(metric, statistic string) string {
	return "in ${AWS::Region}: AWS/S3 " + metric + " BucketName some-bucket FilterId All stat=" + statistic
}

func always() map[string][]string {
	return map[string][]string{
		"Requests":               {ofCloudFront("Requests", "stat=Sum")},
		"Bytes":                  {ofCloudFront("BytesDownloaded", "stat=Sum"), ofCloudFront("BytesUploaded", "stat=Sum")},
		"Refused (4xx), percent": {ofCloudFront("4xxErrorRate", "")},
		"Failed (5xx), percent":  {ofCloudFront("5xxErrorRate", "")},
		"Bytes by storage type": {
			`in ${AWS::Region}: expression=SEARCH('{AWS/S3,BucketName,StorageType} MetricName="BucketSizeBytes" BucketName="some-bucket"', 'Average', 86400) period=86400`,
		},
		"Objects": {"in ${AWS::Region}: AWS/S3 NumberOfObjects BucketName some-bucket StorageType AllStorageTypes period=86400"},
	}
}

func TestADashboardShowsStorageAndDeliveryAndSaysWhatIsLate(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		graphs, texts := shown(t, flags, observability.DashboardProps{})
		synthtest.Equal(t, "the graphs", graphs, always())
		for _, said := range []string{"once a day", "late", "additional metrics, which cost extra"} {
			if !strings.Contains(texts, said) {
				t.Errorf("nothing says %q", said)
			}
		}
	}
}

func TestADashboardShowsWhatCostsExtraWhereItIsOn(t *testing.T) {
	graphs, texts := shown(t, synthtest.NoFlags, observability.DashboardProps{AdditionalMetrics: true, RequestMetrics: "All"})
	want := always()
	want["Served from the cache, percent"] = []string{ofCloudFront("CacheHitRate", "")}
	want["Slowest answers of the origin, ms (p99)"] = []string{ofCloudFront("OriginLatency", "stat=p99")}
	want["Requests to the bucket"] = []string{
		ofRequests("GetRequests", "Sum"), ofRequests("PutRequests", "Sum"), ofRequests("PostRequests", "Sum"), ofRequests("DeleteRequests", "Sum"),
	}
	want["Refused and failed by the bucket"] = []string{ofRequests("4xxErrors", "Sum"), ofRequests("5xxErrors", "Sum")}
	want["Bytes of the bucket"] = []string{ofRequests("BytesDownloaded", "Sum"), ofRequests("BytesUploaded", "Sum")}
	want["Slowest answers of the bucket, ms (p99)"] = []string{ofRequests("FirstByteLatency", "p99"), ofRequests("TotalRequestLatency", "p99")}
	synthtest.Equal(t, "the graphs", graphs, want)
	if strings.Contains(texts, "cost extra") {
		t.Error("the dashboard says that metrics are off which are on")
	}
}

func TestADashboardTakesWidgetsOfOthers(t *testing.T) {
	_, texts := shown(t, synthtest.NoFlags, observability.DashboardProps{}, func() awscloudwatch.IWidget {
		return awscloudwatch.NewTextWidget(&awscloudwatch.TextWidgetProps{Markdown: jsii.String("the gateway's")})
	})
	if !strings.HasSuffix(texts, "the gateway's") {
		t.Errorf("the dashboard says %q", texts)
	}
}

func TestADashboardSaysEverythingThatIsWrongAtOnce(t *testing.T) {
	var none *observability.DashboardProps
	assertComplaints(t, none.Validate(), "props")
	assertComplaints(t, (&observability.DashboardProps{}).Validate(), "BucketName", "DistributionID")
	assertPanics(t, func(stack awscdk.Stack) {
		observability.NewDashboard(stack, jsii.String("Dashboard"), &observability.DashboardProps{})
	})
}
