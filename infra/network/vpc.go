package network

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
)

// placement is a VPC, and the part of it that the gateway is in.
type placement struct {
	vpc     string
	subnets []string
	tables  []string // every one once
	tableOf []string // of each subnet
	public  []string // subnets

	ranges, publicRanges []string                 // of addresses; of an existing VPC, unknown
	ways                 []constructs.IDependable // out of the subnets
}

func existingVPC(props *Props) placement {
	where := placement{vpc: props.VPCID, subnets: props.SubnetIDs, public: props.PublicSubnetIDs}
	for i := range props.SubnetIDs {
		table := props.RouteTableIDs[min(i, len(props.RouteTableIDs)-1)]
		where.tableOf = append(where.tableOf, table)
		if !slices.Contains(where.tables, table) {
			where.tables = append(where.tables, table)
		}
	}
	return where
}

// view is the VPC as other constructs want it.
func (w placement) view(scope constructs.Construct) awsec2.IVpc {
	return awsec2.Vpc_FromVpcAttributes(scope, jsii.String("VPC"), &awsec2.VpcAttributes{
		VpcId: jsii.String(w.vpc),
		// Which zone a subnet is in isn't known, and nothing here asks.
		AvailabilityZones:           zones(len(w.subnets)),
		IsolatedSubnetIds:           jsii.Strings(w.subnets...),
		IsolatedSubnetRouteTableIds: jsii.Strings(w.tableOf...),
	})
}

// zones are the first n of the region, as CloudFormation counts them.
func zones(n int) *[]*string {
	names := make([]*string, n)
	for i := range names {
		names[i] = awscdk.Fn_Select(jsii.Number(i), awscdk.Fn_GetAzs(nil))
	}
	return &names
}

// newVPC makes a VPC with a subnet in each zone. It is written resource by
// resource because CDK's Vpc looks up the zones of a stack whose account is
// known, which needs credentials.
func newVPC(scope constructs.Construct, props *Props) placement {
	vpc := awsec2.NewCfnVPC(scope, jsii.String("Network"), &awsec2.CfnVPCProps{
		CidrBlock: jsii.String(props.CIDR), EnableDnsHostnames: jsii.Bool(true), EnableDnsSupport: jsii.Bool(true),
	})
	name(vpc, "Gateway")
	where := placement{vpc: *vpc.Ref()}
	ranges := split(props.CIDR)
	public, routes, ready := publicSubnets(scope, where.vpc, ranges[maxZones+1:], props.publicSubnets())
	if props.Public {
		where.publicRanges, where.ways = ranges[maxZones+1:][:len(public)], ready
		for _, subnet := range public {
			where.public = append(where.public, *subnet.Ref())
		}
	}
	ways := natGateways(scope, public, routes, props.NATGateways)
	for i, zone := range *zones(props.zones()) {
		subnet, table, associated := newSubnet(scope, "Private", i, where.vpc, ranges[i], zone)
		where.subnets, where.tables = append(where.subnets, *subnet.Ref()), append(where.tables, *table.Ref())
		where.ranges, where.ways = append(where.ranges, ranges[i]), append(where.ways, associated)
		if len(ways) > 0 {
			where.ways = append(where.ways, awsec2.NewCfnRoute(scope, numbered("PrivateRoute", i), &awsec2.CfnRouteProps{
				RouteTableId: table.Ref(), DestinationCidrBlock: jsii.String("0.0.0.0/0"), NatGatewayId: ways[i%len(ways)].Ref(),
			}))
		}
	}
	where.tableOf = where.tables
	logFlows(scope, where.vpc, props)
	return where
}

// split cuts a range into eight of the same size.
func split(cidr string) []string {
	whole := netip.MustParsePrefix(cidr)
	bits := whole.Bits() + 3
	const pieces = 8
	ranges := make([]string, pieces)
	address := whole.Addr().As4()
	first := binary.BigEndian.Uint32(address[:])
	for i := range uint32(pieces) {
		binary.BigEndian.PutUint32(address[:], first+i<<(32-bits))
		ranges[i] = netip.PrefixFrom(netip.AddrFrom4(address), bits).String()
	}
	return ranges
}

func newSubnet(scope constructs.Construct, kind string, i int, vpc, cidr string, zone *string) (awsec2.CfnSubnet, awsec2.CfnRouteTable, awsec2.CfnSubnetRouteTableAssociation) {
	subnet := awsec2.NewCfnSubnet(scope, numbered(kind+"Subnet", i), &awsec2.CfnSubnetProps{
		VpcId: jsii.String(vpc), CidrBlock: jsii.String(cidr), AvailabilityZone: zone, MapPublicIpOnLaunch: jsii.Bool(false),
	})
	table := awsec2.NewCfnRouteTable(scope, numbered(kind+"Routes", i), &awsec2.CfnRouteTableProps{VpcId: jsii.String(vpc)})
	associated := awsec2.NewCfnSubnetRouteTableAssociation(scope, numbered(kind+"Association", i), &awsec2.CfnSubnetRouteTableAssociationProps{
		SubnetId: subnet.Ref(), RouteTableId: table.Ref(),
	})
	name(subnet, *numbered(kind, i))
	name(table, *numbered(kind, i))
	return subnet, table, associated
}

// publicSubnets are those that have a route to the internet, and from it, once
// they are ready.
func publicSubnets(scope constructs.Construct, vpc string, ranges []string, n int) (subnets []awsec2.CfnSubnet, routes []awsec2.CfnRoute, ready []constructs.IDependable) {
	if n == 0 {
		return nil, nil, nil
	}
	internet := awsec2.NewCfnInternetGateway(scope, jsii.String("Internet"), nil)
	attached := awsec2.NewCfnVPCGatewayAttachment(scope, jsii.String("InternetAttachment"), &awsec2.CfnVPCGatewayAttachmentProps{
		VpcId: jsii.String(vpc), InternetGatewayId: internet.Ref(),
	})
	subnets, routes = make([]awsec2.CfnSubnet, n), make([]awsec2.CfnRoute, n)
	for i, zone := range *zones(n) {
		subnet, table, associated := newSubnet(scope, "Public", i, vpc, ranges[i], zone)
		subnets[i], routes[i] = subnet, awsec2.NewCfnRoute(scope, numbered("PublicRoute", i), &awsec2.CfnRouteProps{
			RouteTableId: table.Ref(), DestinationCidrBlock: jsii.String("0.0.0.0/0"), GatewayId: internet.Ref(),
		})
		routes[i].Node().AddDependency(attached)
		ready = append(ready, associated, routes[i])
	}
	return subnets, routes, ready
}

// natGateways are ways to the internet and no way in, each in a public subnet
// of its own zone.
func natGateways(scope constructs.Construct, subnets []awsec2.CfnSubnet, routes []awsec2.CfnRoute, n int) []awsec2.CfnNatGateway {
	ways := make([]awsec2.CfnNatGateway, n)
	for i := range ways {
		address := awsec2.NewCfnEIP(scope, numbered("Address", i), &awsec2.CfnEIPProps{Domain: jsii.String("vpc")})
		address.Node().AddDependency(scope.Node().FindChild(jsii.String("InternetAttachment")))
		ways[i] = awsec2.NewCfnNatGateway(scope, numbered("NAT", i), &awsec2.CfnNatGatewayProps{SubnetId: subnets[i].Ref(), AllocationId: address.AttrAllocationId()})
		ways[i].Node().AddDependency(routes[i])
	}
	return ways
}

// logFlows keeps who talked to whom, and who was refused.
func logFlows(scope constructs.Construct, vpc string, props *Props) {
	removal := awscdk.RemovalPolicy_DESTROY
	if props.Retain {
		removal = awscdk.RemovalPolicy_RETAIN
	}
	key := props.Guard.NewKey(scope, "FlowKey", "signgate: who talked to whom in the gateway's network", removal, observability.LogGroupsEncrypt(scope))
	group := observability.NewLogGroup(scope, jsii.String("FlowLogs"), key, props.flowLogDays(), props.Retain)
	here := policy.ARN(scope, "logs", *awscdk.Stack_Of(scope).Region(), "log-group:"+*group.Ref())
	writes := []awsiam.PolicyStatement{
		policy.Allow("WriteFlows", nil, []string{here, here + ":log-stream:*"}, []string{"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"}, nil),
	}
	// Amazon VPC User Guide, "IAM role for publishing flow logs to CloudWatch
	// Logs".
	flowLogs := awsiam.NewPrincipalWithConditions(awsiam.NewServicePrincipal(jsii.String("vpc-flow-logs.amazonaws.com"), nil), &map[string]any{
		"StringEquals": map[string]any{"aws:SourceAccount": *awscdk.Stack_Of(scope).Account()},
		"ArnLike":      map[string]any{"aws:SourceArn": policy.ARN(scope, "ec2", *awscdk.Stack_Of(scope).Region(), "vpc-flow-log/*")},
	})
	role := awsiam.NewRole(scope, jsii.String("FlowLogger"), &awsiam.RoleProps{
		AssumedBy: flowLogs, Description: jsii.String("Flow logs are written to a log group"),
		ManagedPolicies: &[]awsiam.IManagedPolicy{
			awsiam.NewManagedPolicy(scope, jsii.String("LogFlows"), &awsiam.ManagedPolicyProps{Statements: &writes}),
		},
	})
	awsec2.NewCfnFlowLog(scope, jsii.String("Flows"), &awsec2.CfnFlowLogProps{
		ResourceId: vpc, ResourceType: jsii.String("VPC"), TrafficType: jsii.String("ALL"),
		LogDestinationType: jsii.String("cloud-watch-logs"), LogGroupName: group.Ref(), DeliverLogsPermissionArn: role.RoleArn(),
	})
}

// name is what the console shows.
func name(resource awscdk.CfnResource, as string) {
	awscdk.Tags_Of(resource).Add(jsii.String("Name"), jsii.String(*awscdk.Aws_STACK_NAME()+"/"+as), nil)
}
