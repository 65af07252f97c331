package stacks

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/config"
	"github.com/signgate/signgate/infra/delivery"
	"github.com/signgate/signgate/infra/network"
	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/signingkeys"
)

// importedKey is a key of another app, whose policy is its owner's matter.
func importedKey(stack awscdk.Stack, arn string) awskms.IKey {
	return awskms.Key_FromKeyArn(stack, jsii.String("Key"), jsii.String(arn))
}

// newTrust makes the public keys of slots trusted.
func newTrust(stack awscdk.Stack, id string, slots []config.Slot, active string) signingkeys.Trust {
	props := &signingkeys.Props{Active: active}
	for _, slot := range slots {
		props.Slots = append(props.Slots, signingkeys.Slot{ID: slot.ID, PEM: slot.PEM})
	}
	return signingkeys.NewTrust(stack, jsii.String(id), props)
}

func priceClass(name string) awscloudfront.PriceClass {
	return map[string]awscloudfront.PriceClass{
		"100": awscloudfront.PriceClass_PRICE_CLASS_100, "200": awscloudfront.PriceClass_PRICE_CLASS_200, "all": awscloudfront.PriceClass_PRICE_CLASS_ALL,
	}[name]
}

// webACL is the ARN of the firewall in front of the distribution.
func (e *Environment) webACL() *string {
	firewall := e.config.Delivery.Firewall
	switch {
	case firewall == nil:
		return nil
	case firewall.ACLARN != "":
		return jsii.String(firewall.ACLARN)
	}
	log := observability.NewFirewallLog(e.Before, jsii.String("FirewallLog"), &observability.FirewallLogProps{
		ExpireDays: e.config.Observability.LogsExpire, Retain: e.config.Retain, Guard: e.guard,
	})
	made := delivery.NewFirewall(e.Before, jsii.String("Firewall"), &delivery.FirewallProps{
		AllowRanges: firewall.AllowRanges, RatePer5Mins: firewall.RatePer5Mins, LogDestination: jsii.String(log.ARN()),
	})
	made.Node().AddDependency(log)
	return made.ARN()
}

// domain is the distribution's own name, with a certificate that is there or
// one that is requested, and proven by records in the zone.
func (e *Environment) domain() *delivery.Domain {
	given := e.config.Delivery.Domain
	if given == nil {
		return nil
	}
	zone := func(stack awscdk.Stack) awsroute53.IHostedZone {
		if given.ZoneID == "" {
			return nil
		}
		return awsroute53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &awsroute53.HostedZoneAttributes{
			HostedZoneId: jsii.String(given.ZoneID), ZoneName: jsii.String(given.ZoneName),
		})
	}
	domain := &delivery.Domain{Name: given.Name, Zone: zone(e.Content)}
	if given.CertificateARN != "" {
		domain.Certificate = awscertificatemanager.Certificate_FromCertificateArn(e.Content, jsii.String("Certificate"), jsii.String(given.CertificateARN))
		return domain
	}
	proof := domain.Zone
	if e.Before != e.Content {
		proof = zone(e.Before)
	}
	domain.Certificate = awscertificatemanager.NewCertificate(e.Before, jsii.String("Certificate"), &awscertificatemanager.CertificateProps{
		DomainName: jsii.String(given.Name), Validation: awscertificatemanager.CertificateValidation_FromDns(proof),
	})
	return domain
}

// connect puts the gateway into a VPC, through which it reaches this bucket only.
func (e *Environment) connect() {
	n := e.config.Network
	if n == nil {
		return
	}
	tasks := e.config.Gateway.RunsOnFargate()
	e.network = network.NewStorageAccess(e.Content, jsii.String("Network"), &network.Props{
		BucketARN: *e.bucket.Bucket().BucketArn(), GatewayRole: *e.gateway.RoleArn(), QuarantinePrefix: quarantine,
		CIDR: n.CIDR, Zones: n.Zones, NATGateways: n.NATGateways, FlowLogDays: flowLogDays(n, e.config.Observability.LogsExpire),
		VPCID: n.VPCID, SubnetIDs: n.SubnetIDs, RouteTableIDs: n.RouteTableIDs, S3PrefixList: n.S3PrefixList,
		Public: tasks && n.CIDR != "" && !e.config.Gateway.Fargate.Internal, PublicSubnetIDs: n.PublicSubnetIDs, ContainerImages: tasks,
		Endpoints: e.endpoints(), Retain: e.config.Retain, Guard: e.guard,
	})
	e.bucket.ReachThrough(e.network.EndpointID())
}

// flowLogDays is only for a VPC of its own.
func flowLogDays(n *config.Network, days int) int {
	if n.CIDR == "" {
		return 0
	}
	return days
}

// observe makes what tells what happens: access logs, the trail, the
// dashboard, alarms.
func (e *Environment) observe() {
	o := e.config.Observability
	distributionID, bucket := *e.distribution.DistributionID(), e.bucket.Bucket()
	if e.config.Delivery.AccessLogs {
		if e.accessLogs != nil {
			e.accessLogs.Accept(delivery.LogDeliveryStatement(e.Content, e.logs.BucketArn(), jsii.String(distributionID)))
		}
		made := delivery.NewAccessLogs(e.After, jsii.String("AccessLogs"), &delivery.AccessLogsProps{
			DistributionID: jsii.String(distributionID), BucketARN: e.logs.BucketArn(), Queries: e.config.Delivery.LogQueries,
		})
		if e.accessLogs != nil && e.After == e.Content { // else AWS may write a policy of its own first
			made.Node().AddDependency(e.accessLogs.Policy())
		}
	}
	if o.Trail {
		trail := observability.NewTrail(e.Content, jsii.String("Trail"), &observability.TrailProps{
			Buckets: []string{*bucket.BucketArn()}, ExpireDays: o.LogsExpire, LogBucket: e.logs, LogPrefix: "s3/Trail/", Retain: e.config.Retain, Guard: e.logsGuard(),
		})
		e.acceptLogs(trail.Bucket(), "s3/Trail/")
	}
	gateway := e.gatewayMetrics()
	if o.Dashboard {
		dashboard := observability.NewDashboard(e.Content, jsii.String("Dashboard"), &observability.DashboardProps{BucketName: *bucket.BucketName(), DistributionID: distributionID})
		if gateway != nil {
			dashboard.ShowGateway(gateway)
		}
	}
	if o.Alarms != nil {
		e.makeAlarms(distributionID, gateway)
	}
}

// logsGuard keeps the gateway from what is written about it.
func (e *Environment) logsGuard() observability.Guard {
	return observability.Guard{Guard: e.guard, DenyRoles: []string{*e.gateway.RoleArn()}}
}

// Name is what SSM calls the parameter of a setting.
func (e *Environment) parameterName(setting string) string {
	return e.settingsPath() + "/" + setting
}
