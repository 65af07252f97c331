package network_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/network"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

const (
	bucket  = "arn:aws:s3:::some-bucket"
	gateway = "arn:aws:iam::111122223333:role/gateway"
	vpcID   = "vpc-0123456789abcdef0"
)

// synth synthesizes the network, which must not have made CDK warn of
// anything, nor bring functions, nor allow by wildcard, nor look up anything.
func synth(t *testing.T, flags synthtest.Flags, region string, props network.Props, more ...func(awscdk.Stack, network.StorageAccess)) synthtest.Template {
	t.Helper()
	stack := synthtest.Stack(flags, region)
	props.BucketARN, props.GatewayRole = bucket, gateway
	access := network.NewStorageAccess(stack, jsii.String("Network"), &props)
	for _, use := range more {
		use(stack, access)
	}
	template := synthtest.Synth(stack)
	synthtest.Equal(t, "what CDK warns of", template.Warnings, "")
	synthtest.Equal(t, "what names more than one action", template.Wildcards(), []string(nil))
	synthtest.Equal(t, "functions that come with it", len(template.Of("AWS::Lambda::Function")), 0)
	return template
}

func existing(props network.Props) network.Props {
	props.VPCID, props.SubnetIDs, props.RouteTableIDs = vpcID, []string{"subnet-a", "subnet-b"}, []string{"rtb-a", "rtb-b"}
	return props
}

func byGateway() map[string][]string {
	return map[string][]string{"ArnEquals aws:PrincipalArn": {gateway}}
}

func TestTheWayToS3LeadsToOneBucketForOneRole(t *testing.T) {
	want := map[string]synthtest.Statement{
		"GatewayWrites": synthtest.Allow("*", []string{
			"s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:DeleteObject",
		}, []string{bucket + "/*"}, byGateway()),
		"GatewayLists": synthtest.Allow("*", []string{"s3:ListBucket"}, []string{bucket}, byGateway()),
	}
	inspects := synthtest.Allow("*", []string{"s3:GetObject", "s3:GetObjectVersion"}, []string{bucket + "/quarantine/*"}, byGateway())
	images := synthtest.Allow("*", []string{"s3:GetObject"}, []string{"arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*"}, nil)
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, "", existing(network.Props{}))
		endpoint := template.Only(t, "AWS::EC2::VPCEndpoint", "NetworkS3")
		synthtest.Equal(t, "the policy", synthtest.Statements(t, endpoint.Get("PolicyDocument")), want)
		delete(endpoint.Properties, "PolicyDocument")
		synthtest.Equal(t, "the endpoint", endpoint.Properties, map[string]any{
			"ServiceName": "com.amazonaws.${AWS::Region}.s3", "VpcEndpointType": "Gateway", "VpcId": vpcID, "RouteTableIds": []any{"rtb-a", "rtb-b"},
		})
		synthtest.Equal(t, "other endpoints", len(template.Of("AWS::EC2::VPCEndpoint")), 1)
	}
	want["GatewayInspects"], want["ContainerImages"] = inspects, images
	all := synth(t, synthtest.HouseFlags, "", existing(network.Props{QuarantinePrefix: "quarantine/", ContainerImages: true}))
	synthtest.Equal(t, "the policy", synthtest.Statements(t, all.Only(t, "AWS::EC2::VPCEndpoint", "NetworkS3").Get("PolicyDocument")), want)
}

func TestAnExistingVPCGetsNothingButEndpointsAndSecurityGroups(t *testing.T) {
	template := synth(t, synthtest.NoFlags, "", existing(network.Props{}))
	for _, resource := range template.Resources {
		if resource.Type != "AWS::EC2::VPCEndpoint" && resource.Type != "AWS::EC2::SecurityGroup" {
			t.Errorf("%s is made", resource.Type)
		}
	}
	oneTable := existing(network.Props{})
	oneTable.RouteTableIDs = []string{"rtb-a"}
	var tables []string
	template = synth(t, synthtest.NoFlags, "", oneTable, func(_ awscdk.Stack, access network.StorageAccess) {
		synthtest.Equal(t, "the VPC", *access.VPC().VpcId(), vpcID)
		for _, subnet := range *access.Subnets().Subnets {
			tables = append(tables, *subnet.SubnetId()+" "+*subnet.RouteTable().RouteTableId())
		}
	})
	synthtest.Equal(t, "the subnets", tables, []string{"subnet-a rtb-a", "subnet-b rtb-a"})
	synthtest.Equal(t, "the routes", template.Only(t, "AWS::EC2::VPCEndpoint", "NetworkS3").Get("RouteTableIds"), any([]any{"rtb-a"}))
}

func TestTheEndpointIsNamedForTheBucketsPolicy(t *testing.T) {
	template := synth(t, synthtest.NoFlags, "", existing(network.Props{}), func(stack awscdk.Stack, access network.StorageAccess) {
		id := access.EndpointID()
		awscdk.NewCfnOutput(stack, new("Endpoint"), &awscdk.CfnOutputProps{Value: &id})
	})
	synthtest.Equal(t, "the output", template.Outputs["Endpoint"], "${"+template.Only(t, "AWS::EC2::VPCEndpoint", "NetworkS3").ID+"}")
}

func TestAVPCOfItsOwnHasNoWayToTheInternetUnlessAsked(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		for _, region := range []string{"", "eu-central-1"} {
			template := synth(t, flags, region, network.Props{CIDR: "10.20.0.0/20"})
			vpc := template.Only(t, "AWS::EC2::VPC", "Network")
			delete(vpc.Properties, "Tags")
			synthtest.Equal(t, "the VPC", vpc.Properties, map[string]any{
				"CidrBlock": "10.20.0.0/20", "EnableDnsHostnames": true, "EnableDnsSupport": true,
			})
			assertSubnets(t, template, "Private", []string{"10.20.0.0/23 zone 0", "10.20.2.0/23 zone 1"})
			for _, kind := range []string{"Route", "InternetGateway", "NatGateway", "EIP", "VPCGatewayAttachment"} {
				synthtest.Equal(t, "resources of type "+kind, len(template.Of("AWS::EC2::"+kind)), 0)
			}
			synthtest.Equal(t, "the routes of S3's endpoint", template.Only(t, "AWS::EC2::VPCEndpoint", "NetworkS3").Get("RouteTableIds"), any([]any{
				"${" + template.Only(t, "AWS::EC2::RouteTable", "NetworkPrivateRoutes1").ID + "}",
				"${" + template.Only(t, "AWS::EC2::RouteTable", "NetworkPrivateRoutes2").ID + "}",
			}))
		}
	}
}

// assertSubnets compares ranges and zones; each subnet has a table of its own
// and gives out no public addresses.
func assertSubnets(t *testing.T, template synthtest.Template, kind string, want []string) {
	t.Helper()
	var got []string
	for _, subnet := range template.Of("AWS::EC2::Subnet") {
		number, is := strings.CutPrefix(subnet.ID, "Network"+kind+"Subnet")
		if !is {
			continue
		}
		zone, _ := subnet.Get("AvailabilityZone").(string)
		cidr, _ := subnet.Get("CidrBlock").(string)
		got = append(got, cidr+" "+zone)
		synthtest.Equal(t, "public addresses", subnet.Get("MapPublicIpOnLaunch"), any(false))
		table := template.Only(t, "AWS::EC2::RouteTable", "Network"+kind+"Routes"+number[:1])
		synthtest.Equal(t, "the table", template.Only(t, "AWS::EC2::SubnetRouteTableAssociation", "Network"+kind+"Association"+number[:1]).Properties,
			map[string]any{"SubnetId": "${" + subnet.ID + "}", "RouteTableId": "${" + table.ID + "}"})
	}
	synthtest.Equal(t, kind+" subnets", got, want)
}

func TestNATGatewaysAreTheOnlyWayToTheInternetAndNoneLeadsIn(t *testing.T) {
	for gateways, byZone := range map[int][]int{1: {1, 1, 1}, 2: {1, 2, 1}, 3: {1, 2, 3}} {
		template := synth(t, synthtest.NoFlags, "", network.Props{CIDR: "10.20.0.0/16", Zones: 3, NATGateways: gateways})
		assertSubnets(t, template, "Private", []string{"10.20.0.0/19 zone 0", "10.20.32.0/19 zone 1", "10.20.64.0/19 zone 2"})
		assertSubnets(t, template, "Public", []string{"10.20.128.0/19 zone 0", "10.20.160.0/19 zone 1", "10.20.192.0/19 zone 2"}[:gateways])
		name := func(kind, prefix string, number int) string {
			return template.Only(t, "AWS::EC2::"+kind, "Network"+prefix+string(rune('0'+number))).ID
		}
		for zone, nat := range byZone {
			synthtest.Equal(t, "the way out of a private subnet", template.Only(t, "AWS::EC2::Route", "NetworkPrivateRoute"+string(rune('1'+zone))).Properties, map[string]any{
				"DestinationCidrBlock": "0.0.0.0/0", "RouteTableId": "${" + name("RouteTable", "PrivateRoutes", zone+1) + "}",
				"NatGatewayId": "${" + name("NatGateway", "NAT", nat) + "}",
			})
		}
		attached, internet := template.Only(t, "AWS::EC2::VPCGatewayAttachment", "Network"), template.Only(t, "AWS::EC2::InternetGateway", "Network")
		synthtest.Equal(t, "the internet's gateway", attached.Properties, map[string]any{
			"VpcId": "${" + template.Only(t, "AWS::EC2::VPC", "Network").ID + "}", "InternetGatewayId": "${" + internet.ID + "}",
		})
		for nat := 1; nat <= gateways; nat++ {
			address := template.Resources[name("EIP", "Address", nat)]
			synthtest.Equal(t, "an address", address.Properties, map[string]any{"Domain": "vpc"})
			synthtest.Equal(t, "what an address waits for", address.DependsOn, []string{attached.ID})
			synthtest.Equal(t, "what a NAT gateway waits for", template.Resources[name("NatGateway", "NAT", nat)].DependsOn, []string{name("Route", "PublicRoute", nat)})
			synthtest.Equal(t, "a NAT gateway", template.Resources[name("NatGateway", "NAT", nat)].Properties, map[string]any{
				"SubnetId": "${" + name("Subnet", "PublicSubnet", nat) + "}", "AllocationId": "${" + name("EIP", "Address", nat) + ".AllocationId}",
			})
			route := template.Resources[name("Route", "PublicRoute", nat)]
			synthtest.Equal(t, "the way out of a public subnet", route.Properties, map[string]any{
				"DestinationCidrBlock": "0.0.0.0/0", "RouteTableId": "${" + name("RouteTable", "PublicRoutes", nat) + "}",
				"GatewayId": "${" + internet.ID + "}",
			})
			synthtest.Equal(t, "what it waits for", route.DependsOn, []string{attached.ID})
		}
		synthtest.Equal(t, "NAT gateways", len(template.Of("AWS::EC2::NatGateway")), gateways)
	}
}

func TestALoadBalancerHasAPublicSubnetInEachZone(t *testing.T) {
	for gateways, subnets := range map[int][]string{
		0: {"10.20.8.0/23 zone 0", "10.20.10.0/23 zone 1"}, 1: {"10.20.8.0/23 zone 0", "10.20.10.0/23 zone 1"}, 2: {"10.20.8.0/23 zone 0", "10.20.10.0/23 zone 1"},
	} {
		var ids []string
		template := synth(t, synthtest.NoFlags, "", network.Props{CIDR: "10.20.0.0/20", Public: true, NATGateways: gateways}, func(stack awscdk.Stack, access network.StorageAccess) {
			synthtest.Equal(t, "public ranges", access.PublicRanges(), []string{"10.20.8.0/23", "10.20.10.0/23"})
			synthtest.Equal(t, "private ranges", access.Ranges(), []string{"10.20.0.0/23", "10.20.2.0/23"})
			ids = access.PublicSubnetIDs()
			for i, id := range ids {
				awscdk.NewCfnOutput(stack, jsii.Sprintf("Subnet%d", i), &awscdk.CfnOutputProps{Value: &id})
			}
		})
		assertSubnets(t, template, "Public", subnets)
		synthtest.Equal(t, "where a load balancer is", []any{len(ids), template.Outputs["Subnet0"], template.Outputs["Subnet1"]}, []any{
			2, "${" + template.Only(t, "AWS::EC2::Subnet", "NetworkPublicSubnet1").ID + "}", "${" + template.Only(t, "AWS::EC2::Subnet", "NetworkPublicSubnet2").ID + "}",
		})
		synthtest.Equal(t, "NAT gateways", len(template.Of("AWS::EC2::NatGateway")), gateways)
	}
	synth(t, synthtest.NoFlags, "", network.Props{CIDR: "10.20.0.0/20", NATGateways: 2}, func(_ awscdk.Stack, access network.StorageAccess) {
		synthtest.Equal(t, "public subnets that nobody asked for", []any{len(access.PublicSubnetIDs()), len(access.PublicRanges())}, []any{0, 0})
	})
}

func TestALoadBalancerIsInTheSubnetsThatAreNamed(t *testing.T) {
	props := existing(network.Props{PublicSubnetIDs: []string{"subnet-c", "subnet-d", "subnet-e"}})
	synth(t, synthtest.NoFlags, "", props, func(_ awscdk.Stack, access network.StorageAccess) {
		synthtest.Equal(t, "where it is", [][]string{access.PublicSubnetIDs(), access.SubnetIDs()}, [][]string{props.PublicSubnetIDs, props.SubnetIDs})
		if access.Ranges() != nil || access.PublicRanges() != nil {
			t.Error("it knows the addresses of subnets that it hasn't made")
		}
	})
}

// What depends on them starts once it reaches AWS, and is reached.
func TestWaysAreAllThatLeadsInAndOut(t *testing.T) {
	props := network.Props{CIDR: "10.20.0.0/20", Public: true, NATGateways: 1, Endpoints: []network.Endpoint{
		{Service: network.STS, Actions: []string{"sts:AssumeRole"}, Resources: []string{"arn:aws:iam::111122223333:role/uploads"}},
	}}
	template := synth(t, synthtest.NoFlags, "", props, func(stack awscdk.Stack, access network.StorageAccess) {
		waits := awscdk.NewCfnWaitConditionHandle(stack, jsii.String("Waits"), nil)
		waits.Node().AddDependency(access.Ways())
	})
	var kinds []string
	for _, id := range template.Only(t, "AWS::CloudFormation::WaitConditionHandle", "Waits").DependsOn {
		kinds = append(kinds, template.Resources[id].Type)
	}
	slices.Sort(kinds)
	synthtest.Equal(t, "what has to be there", kinds, []string{
		"AWS::EC2::Route", "AWS::EC2::Route", "AWS::EC2::Route", "AWS::EC2::Route", "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress",
		"AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::SubnetRouteTableAssociation",
		"AWS::EC2::VPCEndpoint", "AWS::EC2::VPCEndpoint",
	})
}

func TestWhatSeveralDoThroughOneEndpointStandsInOnePolicy(t *testing.T) {
	const runner, repository = "arn:aws:iam::111122223333:role/runner", "arn:aws:ecr:eu-central-1:111122223333:repository/images"
	template := synth(t, synthtest.NoFlags, "", existing(network.Props{Endpoints: []network.Endpoint{
		{Service: network.ECRAPI, Actions: []string{"ecr:GetAuthorizationToken"}, Resources: []string{"*"}, Roles: []string{runner}},
		{Service: network.ECRAPI, Actions: []string{"ecr:BatchGetImage"}, Resources: []string{repository}, Roles: []string{runner}},
	}}))
	byRunner := map[string][]string{"ArnEquals aws:PrincipalArn": {runner}}
	synthtest.Equal(t, "its policy", synthtest.Statements(t, template.Only(t, "AWS::EC2::VPCEndpoint", "NetworkEndpointecrapi").Get("PolicyDocument")), map[string]synthtest.Statement{
		"Gateway":  synthtest.Allow("*", []string{"ecr:GetAuthorizationToken"}, []string{"*"}, byRunner),
		"Gateway2": synthtest.Allow("*", []string{"ecr:BatchGetImage"}, []string{repository}, byRunner),
	})
}

func TestFlowsAreLoggedEncryptedAndKeptAsAsked(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, "", network.Props{CIDR: "10.20.0.0/24"})
		key, group := template.Only(t, "AWS::KMS::Key", "Network"), template.Only(t, "AWS::Logs::LogGroup", "Network")
		role, permissions := template.Only(t, "AWS::IAM::Role", "Network"), template.Only(t, "AWS::IAM::ManagedPolicy", "Network")
		synthtest.Equal(t, "the flow log", template.Only(t, "AWS::EC2::FlowLog", "Network").Properties, map[string]any{
			"ResourceId": "${" + template.Only(t, "AWS::EC2::VPC", "Network").ID + "}", "ResourceType": "VPC", "TrafficType": "ALL",
			"LogDestinationType": "cloud-watch-logs", "LogGroupName": "${" + group.ID + "}", "DeliverLogsPermissionArn": "${" + role.ID + ".Arn}",
		})
		synthtest.Equal(t, "the log group", group.Properties, map[string]any{"KmsKeyId": "${" + key.ID + ".Arn}", "RetentionInDays": 90.0})
		synthtest.Equal(t, "the key's rotation", key.Get("EnableKeyRotation"), any(true))
		const logs = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
		synthtest.Equal(t, "the key's policy", synthtest.Statements(t, key.Get("KeyPolicy")), map[string]synthtest.Statement{
			"AccountGoverns": synthtest.Allow("AWS arn:${AWS::Partition}:iam::${AWS::AccountId}:root", policy.KeyAdministration(), []string{"*"}, nil),
			"OnlyDeployersGovern": synthtest.Deny(policy.GoverningKeys(), []string{"*"}, map[string][]string{
				"ArnNotLike aws:PrincipalArn": {"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-hnb659fds-cfn-exec-role-${AWS::AccountId}-${AWS::Region}"},
			}),
			"LogGroupsOfThisStack": synthtest.Allow("Service logs.${AWS::Region}.amazonaws.com", []string{
				"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey",
			}, []string{"*"}, map[string][]string{"ArnLike kms:EncryptionContext:aws:logs:arn": {logs + "${AWS::StackName}-*"}}),
		})
		synthtest.Equal(t, "who may log", role.Get("AssumeRolePolicyDocument", "Statement"), any([]any{map[string]any{
			"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": map[string]any{"Service": "vpc-flow-logs.amazonaws.com"},
			"Condition": map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": "${AWS::AccountId}"},
				"ArnLike":      map[string]any{"aws:SourceArn": "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*"},
			},
		}}))
		synthtest.Equal(t, "the role's policies", role.Get("ManagedPolicyArns"), any([]any{"${" + permissions.ID + "}"}))
		writes := synthtest.Allow("", []string{"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"},
			[]string{logs + "${" + group.ID + "}", logs + "${" + group.ID + "}:log-stream:*"}, nil)
		writes.Principal = nil
		synthtest.Equal(t, "what it may do", synthtest.Statements(t, permissions.Get("PolicyDocument")), map[string]synthtest.Statement{"WriteFlows": writes})
	}
	for retain, want := range map[bool]string{true: "Retain", false: "Delete"} {
		template := synth(t, synthtest.NoFlags, "", network.Props{CIDR: "10.20.0.0/24", FlowLogDays: 400, Retain: retain})
		group := template.Only(t, "AWS::Logs::LogGroup", "Network")
		synthtest.Equal(t, "the days", group.Get("RetentionInDays"), any(400.0))
		synthtest.Equal(t, "the log group and its key", []string{group.DeletionPolicy, template.Only(t, "AWS::KMS::Key", "Network").DeletionPolicy}, []string{want, want})
	}
}

func TestOtherServicesHaveEndpointsForTheirActionsOnly(t *testing.T) {
	const signingKey, table, runner = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd", "arn:aws:dynamodb:eu-central-1:111122223333:table/shares", "arn:aws:iam::111122223333:role/runner"
	props := existing(network.Props{Endpoints: []network.Endpoint{
		{Service: network.KMS, Actions: []string{"kms:Sign", "kms:GetPublicKey"}, Resources: []string{signingKey}},
		{Service: network.DynamoDB, Actions: []string{"dynamodb:Query"}, Resources: []string{table}},
		{Service: network.ECRAPI, Actions: []string{"ecr:GetAuthorizationToken"}, Resources: []string{"*"}, Roles: []string{runner}},
	}})
	for _, flags := range synthtest.BothFlags() {
		template := synth(t, flags, "", props)
		doors := template.Only(t, "AWS::EC2::SecurityGroup", "NetworkEndpoints")
		for id, service := range map[string]string{"NetworkEndpointkms": "kms", "NetworkEndpointecrapi": "ecr.api"} {
			endpoint := template.Only(t, "AWS::EC2::VPCEndpoint", id)
			policyOf := synthtest.Statements(t, endpoint.Get("PolicyDocument"))
			delete(endpoint.Properties, "PolicyDocument")
			synthtest.Equal(t, "the endpoint", endpoint.Properties, map[string]any{
				"ServiceName": "com.amazonaws.${AWS::Region}." + service, "VpcEndpointType": "Interface", "VpcId": vpcID, "PrivateDnsEnabled": true,
				"SubnetIds": []any{"subnet-a", "subnet-b"}, "SecurityGroupIds": []any{"${" + doors.ID + ".GroupId}"},
			})
			want := synthtest.Allow("*", []string{"kms:Sign", "kms:GetPublicKey"}, []string{signingKey}, byGateway())
			if service == "ecr.api" {
				want = synthtest.Allow("*", []string{"ecr:GetAuthorizationToken"}, []string{"*"}, map[string][]string{"ArnEquals aws:PrincipalArn": {runner}})
			}
			synthtest.Equal(t, "its policy", policyOf, map[string]synthtest.Statement{"Gateway": want})
		}
		dynamo := template.Only(t, "AWS::EC2::VPCEndpoint", "NetworkDynamoDB")
		synthtest.Equal(t, "its policy", synthtest.Statements(t, dynamo.Get("PolicyDocument")), map[string]synthtest.Statement{
			"Gateway": synthtest.Allow("*", []string{"dynamodb:Query"}, []string{table}, byGateway()),
		})
		delete(dynamo.Properties, "PolicyDocument")
		synthtest.Equal(t, "DynamoDB's endpoint", dynamo.Properties, map[string]any{
			"ServiceName": "com.amazonaws.${AWS::Region}.dynamodb", "VpcEndpointType": "Gateway", "VpcId": vpcID, "RouteTableIds": []any{"rtb-a", "rtb-b"},
		})
	}
}

// CloudFormation refuses a list that names one twice.
func TestSubnetsThatShareATableOfRoutesNameItOnce(t *testing.T) {
	props := existing(network.Props{})
	props.SubnetIDs, props.RouteTableIDs = []string{"subnet-a", "subnet-b", "subnet-c"}, []string{"rtb-a", "rtb-b", "rtb-a"}
	endpoint := synth(t, synthtest.NoFlags, "", props).Only(t, "AWS::EC2::VPCEndpoint", "NetworkS3")
	synthtest.Equal(t, "routes", endpoint.Get("RouteTableIds"), any([]any{"rtb-a", "rtb-b"}))
}

func TestTheGatewayConnectsByHTTPSAndNobodyConnectsToIt(t *testing.T) {
	anywhere := map[string]any{"CidrIp": "0.0.0.0/0", "Description": "Where the routes lead", "FromPort": 443.0, "ToPort": 443.0, "IpProtocol": "tcp"}
	s3 := map[string]any{"DestinationPrefixListId": "pl-6ea54007", "Description": "S3", "FromPort": 443.0, "ToPort": 443.0, "IpProtocol": "tcp"}
	endpoints := []network.Endpoint{{Service: network.STS, Actions: []string{"sts:AssumeRole"}, Resources: []string{"arn:aws:iam::111122223333:role/uploads"}}}
	tables := []network.Endpoint{{Service: network.DynamoDB, Actions: []string{"dynamodb:GetItem"}, Resources: []string{"arn:aws:dynamodb:eu-central-1:111122223333:table/shares"}}}
	dynamo := map[string]any{"DestinationPrefixListId": "pl-66a5400f", "Description": "DynamoDB", "FromPort": 443.0, "ToPort": 443.0, "IpProtocol": "tcp"}
	for _, c := range []struct {
		props network.Props
		want  []any
	}{
		{network.Props{CIDR: "10.20.0.0/20"}, []any{anywhere}},
		{network.Props{CIDR: "10.20.0.0/20", S3PrefixList: "pl-6ea54007"}, []any{s3}},
		{network.Props{CIDR: "10.20.0.0/20", S3PrefixList: "pl-6ea54007", DynamoDBPrefixList: "pl-66a5400f", NATGateways: 1}, []any{anywhere}},
		{network.Props{CIDR: "10.20.0.0/20", S3PrefixList: "pl-6ea54007", DynamoDBPrefixList: "pl-66a5400f", Endpoints: endpoints}, []any{s3}},
		{network.Props{CIDR: "10.20.0.0/20", S3PrefixList: "pl-6ea54007", DynamoDBPrefixList: "pl-66a5400f", Endpoints: append(tables, endpoints...)}, []any{s3, dynamo}},
	} {
		for _, flags := range synthtest.BothFlags() {
			template := synth(t, flags, "", c.props)
			group := template.Only(t, "AWS::EC2::SecurityGroup", "NetworkGateway")
			synthtest.Equal(t, "where it connects to", group.Get("SecurityGroupEgress"), any(c.want))
			synthtest.Equal(t, "who connects to it", group.Get("SecurityGroupIngress"), nil)
			synthtest.Equal(t, "its VPC", group.Get("VpcId"), any("${"+template.Only(t, "AWS::EC2::VPC", "Network").ID+"}"))
			if len(c.props.Endpoints) == 0 {
				synthtest.Equal(t, "other groups", len(template.Of("AWS::EC2::SecurityGroup")), 1)
				continue
			}
			doors := template.Only(t, "AWS::EC2::SecurityGroup", "NetworkEndpoints")
			synthtest.Equal(t, "who else connects to endpoints", doors.Get("SecurityGroupIngress"), nil)
			synthtest.Equal(t, "where endpoints connect to", doors.Get("SecurityGroupEgress"), any([]any{
				map[string]any{"CidrIp": "127.0.0.1/32", "Description": "Nowhere", "IpProtocol": "-1"},
			}))
			in, out := template.Only(t, "AWS::EC2::SecurityGroupIngress", "Network"), template.Only(t, "AWS::EC2::SecurityGroupEgress", "Network")
			from, to := "${"+group.ID+".GroupId}", "${"+doors.ID+".GroupId}"
			synthtest.Equal(t, "the way in", in.Properties, map[string]any{
				"Description": "The gateway", "FromPort": 443.0, "ToPort": 443.0, "IpProtocol": "tcp", "GroupId": to, "SourceSecurityGroupId": from,
			})
			synthtest.Equal(t, "the way out", out.Properties, map[string]any{
				"Description": "Endpoints of services of AWS", "FromPort": 443.0, "ToPort": 443.0, "IpProtocol": "tcp", "GroupId": from, "DestinationSecurityGroupId": to,
			})
		}
	}
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	var none *network.Props
	for _, c := range []struct {
		props *network.Props
		want  []string
	}{
		{none, []string{"no props"}},
		{&network.Props{}, []string{"BucketARN", "GatewayRole", "either CIDR"}},
		{&network.Props{BucketARN: "arn:aws:s3:::*", GatewayRole: "arn:aws:iam::1:role/*", CIDR: "10.0.0.0/16", VPCID: vpcID}, []string{"BucketARN", "GatewayRole", "either CIDR"}},
		{&network.Props{CIDR: "10.20.0.1/20", Zones: 4, NATGateways: 5, FlowLogDays: -1, SubnetIDs: []string{"subnet-a"}}, []string{"10.20.0.1/20", "Zones", "NATGateways", "FlowLogDays", "SubnetIDs"}},
		{&network.Props{CIDR: "10.20.0.0/20", Zones: 1, Public: true, PublicSubnetIDs: []string{"subnet-a"}}, []string{"Public takes two", "PublicSubnetIDs"}},
		{&network.Props{VPCID: vpcID, Public: true, PublicSubnetIDs: []string{"c"}}, []string{"Public and FlowLogDays", "PublicSubnetIDs has one", `"c"`}},
		{&network.Props{CIDR: "10.20.0.0/25", Zones: -1, NATGateways: -1}, []string{"10.20.0.0/25", "Zones", "NATGateways"}},
		{&network.Props{CIDR: "2001:db8::/20"}, []string{"2001:db8::/20"}},
		{&network.Props{CIDR: "10.20.0.0/8"}, []string{"10.20.0.0/8"}},
		{&network.Props{VPCID: "my-vpc", Zones: 2, RouteTableIDs: []string{"table", "rtb-b"}}, []string{"my-vpc", "Zones", "SubnetIDs is empty", "RouteTableIDs", `"table"`}},
		{&network.Props{VPCID: vpcID, SubnetIDs: []string{"a"}, RouteTableIDs: []string{"rtb-a"}}, []string{`"a"`}},
		{&network.Props{QuarantinePrefix: "quarantine", S3PrefixList: "s3"}, []string{`"quarantine"`, `"s3"`}},
		{&network.Props{QuarantinePrefix: "*/"}, []string{`"*/"`}},
		{&network.Props{CIDR: "10.20.0.0/20", S3PrefixList: "pl-6ea54007", Endpoints: []network.Endpoint{{Service: network.DynamoDB}}}, []string{"DynamoDBPrefixList is missing"}},
		{&network.Props{CIDR: "10.20.0.0/20", DynamoDBPrefixList: "dynamodb"}, []string{`"dynamodb"`}},
		{&network.Props{Endpoints: []network.Endpoint{{Service: "ec2"}, {Service: "ec2", Actions: []string{"ec2:*", "Sign"}, Resources: []string{"*"}}}},
			[]string{`"ec2" is none`, "no Actions", `"ec2:*"`, `"Sign"`}},
	} {
		err := c.props.Validate()
		if !errors.Is(err, network.ErrInvalid) {
			t.Fatalf("got %v", err)
		}
		for _, complaint := range c.want {
			if !strings.Contains(err.Error(), complaint) {
				t.Errorf("%v doesn't complain of %s", err, complaint)
			}
		}
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, network.ErrInvalid) {
			t.Errorf("the constructor panics with %v", err)
		}
	}()
	network.NewStorageAccess(synthtest.Stack(synthtest.NoFlags, ""), jsii.String("Network"), nil)
}

func TestRulesOfOthersAreAddedToTheGatewaysGroup(t *testing.T) {
	template := synth(t, synthtest.NoFlags, "", existing(network.Props{}), func(_ awscdk.Stack, access network.StorageAccess) {
		rule, port := awsec2.Peer_Ipv4(jsii.String("10.0.0.0/8")), awsec2.Port_Tcp(jsii.Number(8443))
		access.SecurityGroup().AddEgressRule(rule, port, jsii.String("the issuer"), nil)
		access.SecurityGroup().AddIngressRule(rule, port, jsii.String("the load balancer"), nil)
	})
	group := "${" + template.Only(t, "AWS::EC2::SecurityGroup", "NetworkGateway").ID + ".GroupId}"
	for _, kind := range []string{"AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"} {
		rule := template.Only(t, kind, "Network")
		synthtest.Equal(t, kind, []any{rule.Get("GroupId"), rule.Get("CidrIp"), rule.Get("FromPort")}, []any{group, "10.0.0.0/8", 8443.0})
	}
}
