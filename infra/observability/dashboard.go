package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
)

// DashboardProps is what a dashboard is made of. BucketName and
// DistributionID have to be given.
type DashboardProps struct {
	BucketName     string
	DistributionID string
	// RequestMetrics is the id of the bucket's metrics configuration, if it has
	// one. S3 charges for them.
	RequestMetrics string
	// AdditionalMetrics are on for the distribution. CloudFront charges for
	// them.
	AdditionalMetrics bool
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewDashboard panics with it, as CDK does.
func (p *DashboardProps) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "a dashboard takes props")
		return found.Err(ErrInvalid)
	}
	found.When(p.BucketName == "", "BucketName is missing: what is stored where?")
	found.When(p.DistributionID == "", "DistributionID is missing: who reads from where?")
	return found.Err(ErrInvalid)
}

// Dashboard shows what is stored and what is read, and what a gateway does.
type Dashboard interface {
	constructs.Construct
	// ShowGateway adds the rows of a gateway.
	ShowGateway(gateway *GatewayMetrics)
	// AddWidgets adds rows below.
	AddWidgets(widgets ...awscloudwatch.IWidget)
}

type dashboard struct {
	constructs.Construct
	dashboard awscloudwatch.Dashboard
}

// width of a dashboard, in columns.
const width = 24

const storageNote = `### Storage
S3 reports sizes and counts **once a day**, for the day before, and they may come a day or two late. An upload or a deletion of today isn't in them yet. Old versions and unfinished uploads count.`

const deliveryNote = `### Delivery
CloudFront reports within minutes. Reads that are refused for a bad or expired signature count as 4xx errors.`

const hitRateNote = ` How much the cache serves is told by CloudFront's additional metrics, which cost extra and are off here; the access logs tell it too (x-edge-result-type).`

// NewDashboard makes a dashboard of CloudWatch.
func NewDashboard(scope constructs.Construct, id *string, props *DashboardProps) Dashboard {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &dashboard{}
	constructs.NewConstruct_Override(this, scope, id)
	this.dashboard = awscloudwatch.NewDashboard(this, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DefaultInterval: awscdk.Duration_Days(jsii.Number(14)),
	})
	this.showDelivery(props)
	this.showStorage(props)
	if props.RequestMetrics != "" {
		this.showRequests(props)
	}
	return this
}

func (d *dashboard) AddWidgets(widgets ...awscloudwatch.IWidget) { d.dashboard.AddWidgets(widgets...) }

func (d *dashboard) showDelivery(props *DashboardProps) {
	// The dashboard may be of another region than CloudFront's metrics.
	distribution := source{region: cloudFrontRegion, metric: func(name, statistic string) awscloudwatch.Metric {
		return cloudFrontMetric(props.DistributionID, name, statistic)
	}}
	note := deliveryNote
	if !props.AdditionalMetrics {
		note += hitRateNote
	}
	d.AddWidgets(text(note))
	d.AddWidgets(distribution.graph("Requests", "Sum", "Requests"), distribution.graph("Bytes", "Sum", "BytesDownloaded", "BytesUploaded"))
	d.AddWidgets(distribution.graph("Refused (4xx), percent", "Average", "4xxErrorRate"), distribution.graph("Failed (5xx), percent", "Average", "5xxErrorRate"))
	if props.AdditionalMetrics {
		d.AddWidgets(distribution.graph("Served from the cache, percent", "Average", "CacheHitRate"),
			distribution.graph("Slowest answers of the origin, ms (p99)", "p99", "OriginLatency"))
	}
}

func (d *dashboard) showStorage(props *DashboardProps) {
	daily := awscdk.Duration_Days(jsii.Number(1))
	size := awscloudwatch.NewSearchExpression(&awscloudwatch.SearchExpressionProps{
		Expression: jsii.String(`SEARCH('{AWS/S3,BucketName,StorageType} MetricName="BucketSizeBytes" BucketName="` + props.BucketName + `"', 'Average', 86400)`),
		Period:     daily,
	})
	count := awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/S3"), MetricName: jsii.String("NumberOfObjects"), Statistic: jsii.String("Average"), Period: daily,
		DimensionsMap: &map[string]*string{"BucketName": jsii.String(props.BucketName), "StorageType": jsii.String("AllStorageTypes")},
	})
	here := *awscdk.Stack_Of(d).Region()
	d.AddWidgets(text(storageNote))
	d.AddWidgets(graph("Bytes by storage type", here, size), graph("Objects", here, count))
}

func (d *dashboard) showRequests(props *DashboardProps) {
	bucket := source{region: *awscdk.Stack_Of(d).Region(), metric: func(name, statistic string) awscloudwatch.Metric {
		return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: jsii.String("AWS/S3"), MetricName: jsii.String(name), Statistic: jsii.String(statistic),
			DimensionsMap: &map[string]*string{"BucketName": jsii.String(props.BucketName), "FilterId": jsii.String(props.RequestMetrics)},
		})
	}}
	d.AddWidgets(bucket.graph("Requests to the bucket", "Sum", "GetRequests", "PutRequests", "PostRequests", "DeleteRequests"),
		bucket.graph("Refused and failed by the bucket", "Sum", "4xxErrors", "5xxErrors"))
	d.AddWidgets(bucket.graph("Bytes of the bucket", "Sum", "BytesDownloaded", "BytesUploaded"),
		bucket.graph("Slowest answers of the bucket, ms (p99)", "p99", "FirstByteLatency", "TotalRequestLatency"))
}

// source is where metrics come from.
type source struct {
	region string
	metric func(name, statistic string) awscloudwatch.Metric
}

// graph shows metrics of the source, for every five minutes.
func (s source) graph(title, statistic string, names ...string) awscloudwatch.IWidget {
	metrics := make([]awscloudwatch.IMetric, len(names))
	for i, name := range names {
		metrics[i] = s.metric(name, statistic).With(&awscloudwatch.MetricOptions{
			Region: jsii.String(s.region), Period: awscdk.Duration_Minutes(jsii.Number(alarmMinutes)),
		})
	}
	return graph(title, s.region, metrics...)
}

// graph takes half the width.
func graph(title, region string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: jsii.String(title), Region: jsii.String(region), Left: &metrics, Width: jsii.Number(width / 2), Height: jsii.Number(6),
		LeftYAxis: &awscloudwatch.YAxisProps{Min: jsii.Number(0)},
	})
}

// text takes the whole width.
func text(markdown string) awscloudwatch.IWidget {
	return awscloudwatch.NewTextWidget(&awscloudwatch.TextWidgetProps{Markdown: jsii.String(markdown), Width: jsii.Number(width), Height: jsii.Number(3)})
}
