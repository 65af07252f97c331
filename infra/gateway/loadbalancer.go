package gateway

import (
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

const (
	https = 443
	// securityPolicy is TLS 1.3, and 1.2 with forward secrecy and AEAD only
	// (Elastic Load Balancing User Guide, "Security policies for your
	// Application Load Balancer").
	securityPolicy = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
	// idle is how long the load balancer waits for an answer: the gateway may
	// take ten minutes for the end of an upload in parts.
	idle = 11 * time.Minute
	// keptAlive is how long the gateway keeps a connection open on which
	// nothing is asked. Were it shorter than idle, the load balancer would
	// sometimes ask on a connection that is just being closed, and answer 502.
	keptAlive = idle + time.Minute
	// drained is how long running requests of a task get once there are others
	// for new ones. ECS waits for all of it, with each task that is replaced.
	drained = 2 * time.Minute
)

// newLoadBalancer is the only way in to the tasks. What it returns is there
// when requests reach them.
func (s *service) newLoadBalancer() constructs.IDependable {
	network := s.props.Network
	callers, admitted := s.newSecurityGroup()
	scheme := "internet-facing"
	if s.props.Internal {
		scheme = "internal"
	}
	s.balancer = awselasticloadbalancingv2.NewCfnLoadBalancer(s, jsii.String("LoadBalancer"), &awselasticloadbalancingv2.CfnLoadBalancerProps{
		Type: jsii.String("application"), Scheme: jsii.String(scheme), IpAddressType: jsii.String("ipv4"),
		SecurityGroups: &[]any{callers.AttrGroupId()}, Subnets: anys(network.LoadBalancer),
		LoadBalancerAttributes: s.balancerAttributes(),
	})
	if network.Ways != nil {
		s.balancer.Node().AddDependency(network.Ways)
	}
	if logs := s.props.ConnectionLogs; logs != nil && logs.Accepted != nil {
		s.balancer.Node().AddDependency(logs.Accepted)
	}
	s.targets = s.newTargets()
	reached := constructs.NewDependencyGroup(s.listen(), admitted)
	if s.props.WebACL != "" { // nobody is served past it, not even at first
		reached.Add(awswafv2.NewCfnWebACLAssociation(s, jsii.String("WebACL"), &awswafv2.CfnWebACLAssociationProps{
			ResourceArn: s.balancer.Ref(), WebAclArn: jsii.String(s.props.WebACL),
		}))
	}
	return reached
}

// newSecurityGroup lets callers in, and on to the tasks alone, where they are
// admitted.
func (s *service) newSecurityGroup() (callers awsec2.CfnSecurityGroup, admitted awsec2.CfnSecurityGroupIngress) {
	network := s.props.Network
	ranges := s.props.AllowRanges
	if len(ranges) == 0 {
		ranges = []string{"0.0.0.0/0"}
	}
	in := make([]any, len(ranges))
	for i, from := range ranges {
		in[i] = &awsec2.CfnSecurityGroup_IngressProperty{
			Description: jsii.String("Callers"), CidrIp: jsii.String(from), IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(https), ToPort: jsii.Number(https),
		}
	}
	callers = awsec2.NewCfnSecurityGroup(s, jsii.String("Callers"), &awsec2.CfnSecurityGroupProps{
		GroupDescription: jsii.String("Load balancer of the gateway"), VpcId: network.VPC.VpcId(), SecurityGroupIngress: in,
		SecurityGroupEgress: []any{&awsec2.CfnSecurityGroup_EgressProperty{
			Description: jsii.String("The gateway"), DestinationSecurityGroupId: network.SecurityGroup.SecurityGroupId(),
			IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(port), ToPort: jsii.Number(port),
		}},
	})
	admitted = awsec2.NewCfnSecurityGroupIngress(s, jsii.String("ToTasks"), &awsec2.CfnSecurityGroupIngressProps{
		Description: jsii.String("The load balancer"), GroupId: network.SecurityGroup.SecurityGroupId(), SourceSecurityGroupId: callers.AttrGroupId(),
		IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(port), ToPort: jsii.Number(port),
	})
	return callers, admitted
}

// balancerAttributes turn off access logs: they are whole addresses with their
// queries, which hold keys of objects and what lets its bearer upload, and
// nothing can be left out of them. Connection logs know of no request. What
// was asked stands in the gateway's own log, by its route.
func (s *service) balancerAttributes() []any {
	attributes := [][2]string{
		{"access_logs.s3.enabled", "false"},
		{"deletion_protection.enabled", strconv.FormatBool(s.props.Retain)},
		{"idle_timeout.timeout_seconds", seconds(idle)},
		// What is ambiguous is refused. The mode strictest would also refuse a GET
		// that says Content-Length: 0, as some clients do (Elastic Load Balancing
		// User Guide for Application Load Balancers, "Desync mitigation mode").
		{"routing.http.desync_mitigation_mode", "defensive"},
		{"routing.http.drop_invalid_header_fields.enabled", "true"},
		{"routing.http.preserve_host_header.enabled", "true"}, // callers' signatures and cookies are about it
		// The load balancer adds the caller's address to whatever the caller
		// says, and the gateway believes what the load balancer added.
		{"routing.http.xff_header_processing.mode", "append"},
		{"routing.http.xff_client_port.enabled", "false"},
		{"waf.fail_open.enabled", "false"},
	}
	if logs := s.props.ConnectionLogs; logs != nil {
		attributes = append(attributes,
			[2]string{"connection_logs.s3.enabled", "true"},
			[2]string{"connection_logs.s3.bucket", *logs.Bucket.BucketName()},
			[2]string{"connection_logs.s3.prefix", logs.Prefix})
	}
	list := make([]any, len(attributes))
	for i, attribute := range attributes {
		list[i] = &awselasticloadbalancingv2.CfnLoadBalancer_LoadBalancerAttributeProperty{Key: jsii.String(attribute[0]), Value: jsii.String(attribute[1])}
	}
	return list
}

// newTargets asks tasks whether they live, not whether they are ready: a task
// that isn't is replaced, and where an issuer, a table or the keys can't be
// reached, each new one would be no readier, while the old still serve what
// needs none of them. A task that can't start ends, which the deployment
// notices. Whether the gateway is ready is a metric (signgate.check.up).
func (s *service) newTargets() awselasticloadbalancingv2.CfnTargetGroup {
	return awselasticloadbalancingv2.NewCfnTargetGroup(s, jsii.String("Targets"), &awselasticloadbalancingv2.CfnTargetGroupProps{
		VpcId: s.props.Network.VPC.VpcId(), TargetType: jsii.String("ip"), IpAddressType: jsii.String("ipv4"),
		Protocol: jsii.String("HTTP"), ProtocolVersion: jsii.String("HTTP1"), Port: jsii.Number(port),
		HealthCheckEnabled: jsii.Bool(true), HealthCheckProtocol: jsii.String("HTTP"), HealthCheckPort: jsii.String("traffic-port"), HealthCheckPath: jsii.String("/livez"),
		HealthCheckIntervalSeconds: jsii.Number(10), HealthCheckTimeoutSeconds: jsii.Number(5), HealthyThresholdCount: jsii.Number(2), UnhealthyThresholdCount: jsii.Number(3),
		Matcher: &awselasticloadbalancingv2.CfnTargetGroup_MatcherProperty{HttpCode: jsii.String("200")},
		TargetGroupAttributes: []any{
			targetAttribute("deregistration_delay.timeout_seconds", seconds(drained)),
			targetAttribute("load_balancing.algorithm.type", "least_outstanding_requests"), // the end of an upload takes minutes, a URL none
			targetAttribute("stickiness.enabled", "false"),
		},
	})
}

func targetAttribute(key, value string) *awselasticloadbalancingv2.CfnTargetGroup_TargetGroupAttributeProperty {
	return &awselasticloadbalancingv2.CfnTargetGroup_TargetGroupAttributeProperty{Key: jsii.String(key), Value: jsii.String(value)}
}

// listen takes HTTPS for the gateway's name. Whoever asks for another name, or
// for the load balancer's address, gets nothing of the gateway.
func (s *service) listen() constructs.IDependable {
	domain := s.props.Domain
	listener := awselasticloadbalancingv2.NewCfnListener(s, jsii.String("Listener"), &awselasticloadbalancingv2.CfnListenerProps{
		LoadBalancerArn: s.balancer.Ref(), Port: jsii.Number(https), Protocol: jsii.String("HTTPS"), SslPolicy: jsii.String(securityPolicy),
		Certificates: []any{&awselasticloadbalancingv2.CfnListener_CertificateProperty{CertificateArn: domain.Certificate.CertificateArn()}},
		DefaultActions: []any{&awselasticloadbalancingv2.CfnListener_ActionProperty{
			Type: jsii.String("fixed-response"), FixedResponseConfig: &awselasticloadbalancingv2.CfnListener_FixedResponseConfigProperty{StatusCode: jsii.String("404")},
		}},
	})
	return awselasticloadbalancingv2.NewCfnListenerRule(s, jsii.String("ByName"), &awselasticloadbalancingv2.CfnListenerRuleProps{
		ListenerArn: listener.Ref(), Priority: jsii.Number(1),
		Conditions: []any{&awselasticloadbalancingv2.CfnListenerRule_RuleConditionProperty{
			Field: jsii.String("host-header"), HostHeaderConfig: &awselasticloadbalancingv2.CfnListenerRule_HostHeaderConfigProperty{Values: jsii.Strings(domain.Name)},
		}},
		Actions: []any{&awselasticloadbalancingv2.CfnListenerRule_ActionProperty{Type: jsii.String("forward"), TargetGroupArn: s.targets.Ref()}},
	})
}

func (s *service) record() awsroute53.ARecord {
	view := awselasticloadbalancingv2.ApplicationLoadBalancer_FromApplicationLoadBalancerAttributes(s, jsii.String("View"), &awselasticloadbalancingv2.ApplicationLoadBalancerAttributes{
		LoadBalancerArn: s.balancer.Ref(), LoadBalancerDnsName: s.balancer.AttrDnsName(), LoadBalancerCanonicalHostedZoneId: s.balancer.AttrCanonicalHostedZoneId(),
		SecurityGroupId: jsii.String("sg-0"), // nobody asks
	})
	return s.props.newRecord(s, awsroute53targets.NewLoadBalancerTarget(view, nil))
}

// ConnectionLogsStatement lets load balancers of the scope's account write
// connection logs below the prefix of a bucket. Whose they are is in the path,
// which Elastic Load Balancing makes up; it documents no condition (User Guide,
// "Enable connection logs for your Application Load Balancer").
func ConnectionLogsStatement(scope constructs.Construct, bucketARN, prefix string) awsiam.PolicyStatement {
	return policy.Allow("ConnectionLogs", awsiam.NewServicePrincipal(jsii.String("logdelivery.elasticloadbalancing.amazonaws.com"), nil),
		[]string{bucketARN + "/" + prefix + "/AWSLogs/" + *awscdk.Stack_Of(scope).Account() + "/*"}, []string{"s3:PutObject"}, nil)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

func anys(texts []string) *[]any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return &list
}
