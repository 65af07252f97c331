package network

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// StorageAccess is where the gateway is put, so that it reaches its bucket and
// no other.
type StorageAccess interface {
	constructs.Construct
	VPC() awsec2.IVpc
	Subnets() *awsec2.SubnetSelection
	// SubnetIDs are those of Subnets, PublicSubnetIDs where a load balancer may
	// be that the internet reaches; none of these: Props ask for none.
	SubnetIDs() []string
	PublicSubnetIDs() []string
	// Ranges and PublicRanges are the addresses of these subnets. None: those
	// of an existing VPC aren't known.
	Ranges() []string
	PublicRanges() []string
	// Ways are there when the gateway reaches what it shall, and is reached.
	Ways() constructs.IDependable
	SecurityGroup() awsec2.ISecurityGroup // of the gateway; lets nobody in until a rule is added
	EndpointID() string                   // of S3's endpoint, for the bucket's policy (aws:SourceVpce)
}

// https is the port of everything that the gateway connects to.
const https = 443

type storageAccess struct {
	constructs.Construct
	where    placement
	vpc      awsec2.IVpc
	gateway  awsec2.ISecurityGroup
	endpoint string
	ways     constructs.DependencyGroup
}

// NewStorageAccess makes the VPC, or takes the existing one, and the endpoints
// in it.
func NewStorageAccess(scope constructs.Construct, id *string, props *Props) StorageAccess {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &storageAccess{}
	constructs.NewConstruct_Override(this, scope, id)
	where := existingVPC(props)
	if props.CIDR != "" {
		where = newVPC(this, props)
	}
	this.where, this.vpc, this.ways = where, where.view(this), constructs.NewDependencyGroup(where.ways...)
	this.gateway = this.group("Gateway", "The gateway", where, gatewayConnects(props)...)
	this.endpoint = *this.viaRoutes("S3", "s3", where, storageStatements(this, props)).Ref()
	this.addEndpoints(where, props)
	return this
}

func (a *storageAccess) VPC() awsec2.IVpc                     { return a.vpc }
func (a *storageAccess) SecurityGroup() awsec2.ISecurityGroup { return a.gateway }
func (a *storageAccess) EndpointID() string                   { return a.endpoint }

func (a *storageAccess) Subnets() *awsec2.SubnetSelection {
	return &awsec2.SubnetSelection{Subnets: a.vpc.IsolatedSubnets()}
}

func (a *storageAccess) SubnetIDs() []string          { return a.where.subnets }
func (a *storageAccess) PublicSubnetIDs() []string    { return a.where.public }
func (a *storageAccess) Ranges() []string             { return a.where.ranges }
func (a *storageAccess) PublicRanges() []string       { return a.where.publicRanges }
func (a *storageAccess) Ways() constructs.IDependable { return a.ways }

// gatewayConnects is where the gateway may connect to, but for endpoints in the
// subnets. What routes lead to DynamoDB takes a rule of its own (AWS PrivateLink
// Guide, "Gateway endpoints for Amazon DynamoDB").
func gatewayConnects(props *Props) []*awsec2.CfnSecurityGroup_EgressProperty {
	if !props.onlyPrefixLists() {
		return []*awsec2.CfnSecurityGroup_EgressProperty{{
			Description: jsii.String("Where the routes lead"), CidrIp: jsii.String("0.0.0.0/0"),
			IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(https), ToPort: jsii.Number(https),
		}}
	}
	connects := []*awsec2.CfnSecurityGroup_EgressProperty{toPrefixList("S3", props.S3PrefixList)}
	if props.reaches(DynamoDB) {
		connects = append(connects, toPrefixList("DynamoDB", props.DynamoDBPrefixList))
	}
	return connects
}

func toPrefixList(description, id string) *awsec2.CfnSecurityGroup_EgressProperty {
	return &awsec2.CfnSecurityGroup_EgressProperty{
		Description: jsii.String(description), DestinationPrefixListId: jsii.String(id),
		IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(https), ToPort: jsii.Number(https),
	}
}

// group is a security group that lets nobody in and connects to these places.
// Without a rule of its own for that, it could connect to everywhere: that is
// what EC2 gives a group which names none, and what CDK's SecurityGroup makes
// where its only rule is about a prefix list.
func (a *storageAccess) group(id, description string, where placement, connects ...*awsec2.CfnSecurityGroup_EgressProperty) awsec2.ISecurityGroup {
	made := awsec2.NewCfnSecurityGroup(a, jsii.String(id), &awsec2.CfnSecurityGroupProps{
		GroupDescription:    jsii.String(description),
		SecurityGroupEgress: connects,
		VpcId:               jsii.String(where.vpc),
	})
	name(made, id)
	return awsec2.SecurityGroup_FromSecurityGroupId(a, jsii.String(id+"View"), made.AttrGroupId(), &awsec2.SecurityGroupImportOptions{
		AllowAllOutbound: jsii.Bool(false),
	})
}

// storageStatements are the policy of S3's endpoint. A gateway endpoint takes
// principals by condition only (AWS PrivateLink Guide, "Principals for gateway
// endpoints").
func storageStatements(scope constructs.Construct, props *Props) []awsiam.PolicyStatement {
	gateway, anybody := onlyRoles(props.GatewayRole), awsiam.NewStarPrincipal()
	statements := []awsiam.PolicyStatement{
		policy.Allow("GatewayWrites", anybody, []string{props.BucketARN + "/*"}, policy.GatewayWrites(), gateway),
		policy.Allow("GatewayLists", anybody, []string{props.BucketARN}, policy.GatewayLists(), gateway),
	}
	if props.QuarantinePrefix != "" {
		statements = append(statements,
			policy.Allow("GatewayInspects", anybody, []string{props.BucketARN + "/" + props.QuarantinePrefix + "*"}, policy.GatewayInspects(), gateway))
	}
	if props.ContainerImages {
		// Amazon ECR User Guide, "Minimum Amazon S3 bucket permissions for Amazon
		// ECR". It fetches layers by presigned URLs of its own.
		stack := awscdk.Stack_Of(scope)
		layers := "arn:" + *stack.Partition() + ":s3:::prod-" + *stack.Region() + "-starport-layer-bucket/*"
		statements = append(statements, policy.Allow("ContainerImages", anybody, []string{layers}, []string{"s3:GetObject"}, nil))
	}
	return statements
}

func onlyRoles(roles ...string) policy.Conditions {
	return policy.Conditions{"ArnEquals": {"aws:PrincipalArn": roles}}
}

// addEndpoints makes those of other services. DynamoDB has one by routes, as
// S3; the others are addresses in the subnets, where only the gateway gets in.
func (a *storageAccess) addEndpoints(where placement, props *Props) {
	var doors awsec2.ISecurityGroup
	statements, services := byService(props)
	for _, service := range services {
		if service == DynamoDB {
			a.viaRoutes("DynamoDB", string(DynamoDB), where, statements[service])
			continue
		}
		if doors == nil {
			doors = a.doors(where)
		}
		a.ways.Add(awsec2.NewCfnVPCEndpoint(a, jsii.String("Endpoint-"+string(service)), &awsec2.CfnVPCEndpointProps{
			PolicyDocument:    document(statements[service]),
			PrivateDnsEnabled: jsii.Bool(true),
			SecurityGroupIds:  &[]any{doors.SecurityGroupId()},
			ServiceName:       serviceName(a, string(service)),
			SubnetIds:         list(where.subnets),
			VpcEndpointType:   jsii.String("Interface"),
			VpcId:             jsii.String(where.vpc),
		}))
	}
}

// byService are the policies of endpoints, and the services in their order.
func byService(props *Props) (statements map[Service][]awsiam.PolicyStatement, services []Service) {
	statements = map[Service][]awsiam.PolicyStatement{}
	for _, endpoint := range props.Endpoints {
		roles, sid := endpoint.Roles, "Gateway"
		if len(roles) == 0 {
			roles = []string{props.GatewayRole}
		}
		if n := len(statements[endpoint.Service]); n > 0 {
			sid = *numbered(sid, n)
		} else {
			services = append(services, endpoint.Service)
		}
		statements[endpoint.Service] = append(statements[endpoint.Service],
			policy.Allow(sid, awsiam.NewStarPrincipal(), endpoint.Resources, endpoint.Actions, onlyRoles(roles...)))
	}
	return statements, services
}

// doors is the security group of addresses in the subnets, which connect to
// nothing.
func (a *storageAccess) doors(where placement) awsec2.ISecurityGroup {
	doors := a.group("Endpoints", "Endpoints of services of AWS", where, &awsec2.CfnSecurityGroup_EgressProperty{
		Description: jsii.String("Nowhere"), CidrIp: jsii.String("127.0.0.1/32"), IpProtocol: jsii.String("-1"),
	})
	in := awsec2.NewCfnSecurityGroupIngress(a, jsii.String("GatewayIn"), &awsec2.CfnSecurityGroupIngressProps{
		Description: jsii.String("The gateway"), GroupId: doors.SecurityGroupId(), SourceSecurityGroupId: a.gateway.SecurityGroupId(),
		IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(https), ToPort: jsii.Number(https),
	})
	out := awsec2.NewCfnSecurityGroupEgress(a, jsii.String("GatewayOut"), &awsec2.CfnSecurityGroupEgressProps{
		Description: jsii.String("Endpoints of services of AWS"), GroupId: a.gateway.SecurityGroupId(), DestinationSecurityGroupId: doors.SecurityGroupId(),
		IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(https), ToPort: jsii.Number(https),
	})
	a.ways.Add(in, out)
	return doors
}

func (a *storageAccess) viaRoutes(id, service string, where placement, statements []awsiam.PolicyStatement) awsec2.CfnVPCEndpoint {
	made := awsec2.NewCfnVPCEndpoint(a, jsii.String(id), &awsec2.CfnVPCEndpointProps{
		PolicyDocument:  document(statements),
		RouteTableIds:   list(where.tables),
		ServiceName:     serviceName(a, service),
		VpcEndpointType: jsii.String("Gateway"),
		VpcId:           jsii.String(where.vpc),
	})
	a.ways.Add(made)
	return made
}

func serviceName(scope constructs.Construct, service string) *string {
	return jsii.String("com.amazonaws." + *awscdk.Stack_Of(scope).Region() + "." + service)
}

func document(statements []awsiam.PolicyStatement) awsiam.PolicyDocument {
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements})
}

func list(ids []string) *[]any {
	all := make([]any, len(ids))
	for i, id := range ids {
		all[i] = id
	}
	return &all
}

func numbered(name string, i int) *string { return jsii.String(name + strconv.Itoa(i+1)) }
