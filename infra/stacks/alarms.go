package stacks

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/stores"
	"github.com/signgate/signgate/pkg/metrics"
)

// makeAlarms makes the alarms of the distribution where its metrics are, and
// those of the gateway in its own region.
func (e *Environment) makeAlarms(distributionID string, gateway *observability.GatewayMetrics) {
	a := e.config.Observability.Alarms
	topic := e.topic(e.After, a.TopicARN)
	observability.NewAlarms(e.After, jsii.String("Alarms"), &observability.AlarmsProps{
		DistributionID: distributionID, Topic: topic, ErrorRate: a.ErrorRate, Refusals: a.Refusals,
	})
	if gateway == nil {
		return
	}
	if e.config.AlarmsApart() {
		topic = e.topic(e.Content, a.GatewayTopicARN)
	}
	observability.NewGatewayAlarms(e.Content, jsii.String("GatewayAlarms"), &observability.GatewayAlarmsProps{
		Gateway: *gateway, Topic: topic, Thresholds: observability.Thresholds{
			ServerErrors: a.ServerErrors, Latency: time.Duration(a.Latency), Denials: a.Denials, KeyAge: time.Duration(a.KeyAge) * 24 * time.Hour,
		},
	})
}

// topic is who alarms of a stack tell.
func (e *Environment) topic(stack awscdk.Stack, existing string) awssns.ITopic {
	if existing != "" {
		return awssns.Topic_FromTopicArn(stack, jsii.String("Topic"), jsii.String(existing))
	}
	return observability.NewTopic(stack, jsii.String("Topic"), &observability.TopicProps{
		Email: e.config.Observability.Alarms.Email, Retain: e.config.Retain, Guard: e.guard,
	}).Topic()
}

// metricsNamespace is where CloudWatch has what the gateway measures; empty:
// nobody looks at it.
func (e *Environment) metricsNamespace() string {
	if o := e.config.Observability; e.running() == nil || !o.Dashboard && o.Alarms == nil {
		return ""
	}
	return "signgate/" + e.config.Name
}

// gatewayMetrics is how CloudWatch knows the gateway; nil where it runs
// elsewhere, or nobody looks.
func (e *Environment) gatewayMetrics() *observability.GatewayMetrics {
	namespace := e.metricsNamespace()
	if namespace == "" {
		return nil
	}
	found := &observability.GatewayMetrics{
		Namespace: namespace,
		Checks:    []string{metrics.CheckKeys, metrics.CheckPolicies, metrics.CheckGrants, metrics.CheckCredentials, metrics.CheckAudit, metrics.CheckIssuer},
	}
	if e.function != nil {
		found.Function = &observability.FunctionMetrics{
			APIID: *e.function.APIID(), FunctionName: *e.function.Lambda().FunctionName(), AccessLogs: *e.function.AccessLogs(), Logs: *e.function.LogGroup(),
			Concurrency: e.config.Gateway.Concurrency,
		}
	} else {
		found.Service = &observability.ServiceMetrics{
			LoadBalancer: *e.service.LoadBalancerFullName(), TargetGroup: *e.service.TargetGroupFullName(),
			Cluster: *e.service.ClusterName(), Service: *e.service.ServiceName(),
		}
	}
	if e.config.Gateway.APIKeys {
		found.Checks = append(found.Checks, metrics.CheckAPIKeys)
	}
	if e.auditStream != nil {
		found.AuditStream = *e.auditStream.Name()
	}
	if e.tables == nil {
		return found
	}
	for _, table := range []struct {
		id   string
		made *stores.Table
	}{{"Grants", e.tables.Grants()}, {"APIKeys", e.tables.APIKeys()}, {"Audit", e.tables.Audit()}} {
		if table.made != nil {
			found.Tables = append(found.Tables, observability.TableMetrics{ID: table.id, Name: *table.made.Name, Indexes: table.made.Indexes})
		}
	}
	return found
}
