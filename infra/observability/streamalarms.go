package observability

import "github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"

// lateSeconds is the age of a record that should have been delivered long ago:
// AuditStream delivers every minute, and Firehose buffers a quarter of an hour
// at most (Amazon Data Firehose Developer Guide, "Implement best practices with
// CloudWatch Alarms"). It gives records up after 24 hours.
const lateSeconds = 15 * 60

// deliveries is about the stream of audit records, of which callers hear
// nothing: Firehose has acknowledged every record before it delivers any. A
// stream that delivers nothing at all may say nothing at all any more (same
// guide, "Data freshness metric increasing or not emitted"): that ends no alarm.
func (g *GatewayMetrics) deliveries() []watch {
	if g.AuditStream == "" {
		return nil
	}
	const says, section = "Audit records aren't delivered", "Records aren't delivered"
	delivery := func(name, statistic string) awscloudwatch.Metric {
		return metricOf("AWS/Firehose", "DeliveryToS3."+name, statistic, dimensions{"DeliveryStreamName": g.AuditStream})
	}
	return []watch{
		{id: "StreamLate", says: says + " in time", section: section, metric: delivery("DataFreshness", "Maximum"), over: lateSeconds, atOnce: true, silence: awscloudwatch.TreatMissingData_IGNORE},
		{id: "StreamFails", says: says + " at the first try", section: section, metric: delivery("Success", "Average"), under: 1, silence: awscloudwatch.TreatMissingData_IGNORE},
	}
}
