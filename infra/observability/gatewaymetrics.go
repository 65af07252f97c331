package observability

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/pkg/metrics"
)

// GatewayMetrics says by which names CloudWatch knows a gateway. Namespace and
// either Function or Service have to be given.
type GatewayMetrics struct {
	// Namespace of what the gateway itself measures: its setting
	// metrics-namespace, such as signgate/prod.
	Namespace string
	// Checks are those that this gateway makes, of package metrics.
	Checks []string

	Function *FunctionMetrics // it is a function behind an HTTP API
	Service  *ServiceMetrics  // it is a service of ECS behind a load balancer

	Tables []TableMetrics // of DynamoDB, that it keeps things in

	// AuditStream is the name of the stream of Firehose that delivers its audit
	// records. Empty: there is none.
	AuditStream string
}

// FunctionMetrics is a function of Lambda behind an HTTP API.
type FunctionMetrics struct {
	APIID        string
	FunctionName string
	// AccessLogs is the name of the log group with the API's access logs, whose
	// lines are JSON with a member status that is text. Empty: nobody is told
	// that the API holds callers back.
	AccessLogs string
	// Logs is the name of the log group of the function itself. Empty: the
	// dashboard shows no cold starts.
	Logs        string
	Concurrency int // that is reserved for the function; 0: none
}

// ServiceMetrics is a service of ECS behind an Application Load Balancer.
type ServiceMetrics struct {
	LoadBalancer string // its full name, such as app/gateway/50dc6c495c0c9188
	TargetGroup  string // its full name, such as targetgroup/gateway/73e2d6bc24d8a067
	Cluster      string // its name
	Service      string // its name
}

// TableMetrics is a table of DynamoDB.
type TableMetrics struct {
	ID      string // letters and digits, which make the alarms' ids
	Name    string
	Indexes []string // names of its global secondary indexes
}

func (g *GatewayMetrics) check(found *complaints.List) {
	found.When(g.Namespace == "", "Namespace is missing: where are the gateway's own metrics?")
	found.When((g.Function == nil) == (g.Service == nil), "a gateway is either a Function or a Service")
	for _, name := range g.Checks {
		found.When(!slices.Contains(metrics.Checks(), name), "Checks: %q is none of the gateway's", name)
	}
	if f := g.Function; f != nil {
		found.When(f.APIID == "" || f.FunctionName == "", "Function takes APIID and FunctionName")
		found.When(f.Concurrency < 0, "Function.Concurrency counts from 0")
	}
	if s := g.Service; s != nil {
		found.When(s.LoadBalancer == "" || s.TargetGroup == "" || s.Cluster == "" || s.Service == "", "Service takes LoadBalancer, TargetGroup, Cluster and Service")
	}
	seen := map[string]bool{}
	for _, table := range g.Tables {
		found.When(table.ID == "" || table.Name == "", "Tables take ID and Name")
		found.When(seen[table.ID], "Tables: there is another with the ID %q", table.ID)
		seen[table.ID] = true
	}
}

// dimensions are pairs of names and values.
type dimensions map[string]string

// metricOf is a metric of every five minutes.
func metricOf(namespace, name, statistic string, by dimensions) awscloudwatch.Metric {
	pairs := map[string]*string{}
	for dimension, value := range by {
		pairs[dimension] = jsii.String(value)
	}
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String(namespace), MetricName: jsii.String(name), Statistic: jsii.String(statistic), DimensionsMap: &pairs,
		Period: awscdk.Duration_Minutes(jsii.Number(alarmMinutes)),
	})
}

// own is what the gateway itself measures. It panics where CloudWatch doesn't
// count by these dimensions, which is a mistake of whoever calls it.
func (g *GatewayMetrics) own(name, statistic string, by dimensions) awscloudwatch.Metric {
	all, attributes := dimensions{metrics.ServiceDimension: metrics.Service}, make([]string, 0, len(by))
	for attribute, value := range by {
		all[attribute] = value
		attributes = append(attributes, attribute)
	}
	mustCount(name, attributes)
	return metricOf(g.Namespace, name, statistic, all)
}

func mustCount(name string, attributes []string) {
	if !metrics.CountedBy(name, attributes...) {
		panic("CloudWatch doesn't count " + name + " by what is asked for")
	}
}

func (f *FunctionMetrics) api(name, statistic string) awscloudwatch.Metric {
	return metricOf("AWS/ApiGateway", name, statistic, dimensions{"ApiId": f.APIID})
}

func (f *FunctionMetrics) lambda(name, statistic string) awscloudwatch.Metric {
	return metricOf("AWS/Lambda", name, statistic, dimensions{"FunctionName": f.FunctionName})
}

// balancer is a count of the load balancer's.
func (s *ServiceMetrics) balancer(name string) awscloudwatch.Metric {
	return metricOf("AWS/ApplicationELB", name, "Sum", dimensions{"LoadBalancer": s.LoadBalancer})
}

func (s *ServiceMetrics) targets(name, statistic string) awscloudwatch.Metric {
	return metricOf("AWS/ApplicationELB", name, statistic, dimensions{"LoadBalancer": s.LoadBalancer, "TargetGroup": s.TargetGroup})
}

func (s *ServiceMetrics) service(name, statistic string) awscloudwatch.Metric {
	return metricOf("AWS/ECS", name, statistic, dimensions{"ClusterName": s.Cluster, "ServiceName": s.Service})
}

// named is a metric with an id.
type named struct {
	id     string
	metric awscloudwatch.Metric
}

// throttled are the requests that DynamoDB refused for coming too fast, for the
// table and each of its indexes: the table's don't count those of its indexes
// (Amazon DynamoDB Developer Guide, "CloudWatch throttling metrics").
func (t *TableMetrics) throttled() []named {
	found := make([]named, 0, 2*(1+len(t.Indexes)))
	for _, kind := range []string{"Read", "Write"} {
		name := kind + "ThrottleEvents"
		found = append(found, named{t.ID + kind, metricOf("AWS/DynamoDB", name, "Sum", dimensions{"TableName": t.Name})})
		for _, index := range t.Indexes {
			by := dimensions{"TableName": t.Name, "GlobalSecondaryIndexName": index}
			found = append(found, named{t.ID + kind + index, metricOf("AWS/DynamoDB", name, "Sum", by)})
		}
	}
	return found
}
