package network

import (
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
)

// ErrInvalid is wrapped by the error of Validate.
var ErrInvalid = errors.New("invalid network")

// Service is one of AWS that a VPC can have an endpoint for.
type Service string

// The services that a gateway may need. S3 always has an endpoint.
const (
	DynamoDB       Service = "dynamodb"         // shares
	ECRAPI         Service = "ecr.api"          // images of containers, together with...
	ECRDocker      Service = "ecr.dkr"          // ...this one and ContainerImages
	Firehose       Service = "kinesis-firehose" // the audit trail
	KMS            Service = "kms"              // a signing key that doesn't leave KMS
	Logs           Service = "logs"
	Monitoring     Service = "monitoring"
	ParameterStore Service = "ssm"
	SecretsManager Service = "secretsmanager" // the signing key
	STS            Service = "sts"            // credentials that are given away
)

// Endpoint is a way to a service of AWS, and who may do what through it. A
// service has one, of which several of these may each say something.
type Endpoint struct {
	Service   Service
	Actions   []string // such as kms:Sign; no wildcards
	Resources []string // ARNs
	Roles     []string // ARNs; none: the gateway's
}

// Props is what the gateway's way to its bucket is made of. BucketARN and
// GatewayRole have to be given, and either CIDR or VPCID.
type Props struct {
	BucketARN        string
	GatewayRole      string // ARN
	QuarantinePrefix string // below which the gateway may read, such as quarantine/; none: nowhere

	// A VPC of its own.
	CIDR        string       // IPv4, from /16 to /24, such as 10.20.0.0/20
	Zones       int          // availability zones with a subnet each, 1 to 3; 0: 2
	NATGateways int          // ways to the internet, at most one for each zone; 0: none
	Public      bool         // a public subnet in each zone, two at least, for a load balancer
	FlowLogDays int          // how long it is kept who talked to whom; 0: 90
	Retain      bool         // keep these logs when the stack is deleted
	Guard       policy.Guard // of their key

	// An existing VPC. Its own security and flow logs are its owner's matter.
	VPCID         string
	SubnetIDs     []string // where the gateway and interface endpoints are
	RouteTableIDs []string // of these subnets: one for each in their order, or one for all

	// PublicSubnetIDs are where a load balancer is, which callers reach from
	// the internet; none: nowhere.
	PublicSubnetIDs []string

	// S3PrefixList is the id of the region's com.amazonaws.REGION.s3, which
	// CloudFormation can't look up (aws ec2 describe-managed-prefix-lists).
	// With it, and without NATGateways, the gateway connects to S3 and the
	// endpoints and nowhere else, an issuer included. None: it may connect to
	// port 443 wherever the routes lead.
	S3PrefixList string
	// DynamoDBPrefixList is the same of com.amazonaws.REGION.dynamodb. It goes
	// with S3PrefixList where there is an endpoint of DynamoDB, which isn't an
	// address in the subnets.
	DynamoDBPrefixList string

	// ContainerImages lets through what Amazon ECR keeps in S3: the layers of
	// images.
	ContainerImages bool
	Endpoints       []Endpoint
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewStorageAccess panics with it, as CDK does.
func (p *Props) Validate() error {
	var found complaints.List
	if p == nil {
		found.When(true, "there are no props")
		return found.Err(ErrInvalid)
	}
	wrongARN := func(arn, service string) bool {
		return !isToken(arn) && !regexp.MustCompile(`^arn:[a-z-]+:`+service+`:[^*?]+$`).MatchString(arn)
	}
	found.When(wrongARN(p.BucketARN, "s3"), "BucketARN: %q is no ARN of a bucket", p.BucketARN)
	found.When(wrongARN(p.GatewayRole, "iam"), "GatewayRole: %q is no ARN of a role", p.GatewayRole)
	found.When(p.QuarantinePrefix != "" && (!strings.HasSuffix(p.QuarantinePrefix, "/") || strings.ContainsAny(p.QuarantinePrefix, "*?$")),
		"QuarantinePrefix: %q ends with / and has no wildcard", p.QuarantinePrefix)
	found.When(p.S3PrefixList != "" && !strings.HasPrefix(p.S3PrefixList, "pl-"), "S3PrefixList: %q is such as pl-6ea54007", p.S3PrefixList)
	found.When(p.DynamoDBPrefixList != "" && !strings.HasPrefix(p.DynamoDBPrefixList, "pl-"), "DynamoDBPrefixList: %q is such as pl-6ea54007", p.DynamoDBPrefixList)
	found.When(p.onlyPrefixLists() && p.reaches(DynamoDB) && p.DynamoDBPrefixList == "", "DynamoDBPrefixList is missing: S3PrefixList alone keeps the gateway from DynamoDB's endpoint")
	found.When((p.CIDR == "") == (p.VPCID == ""), "either CIDR is given, for a VPC of its own, or VPCID, for an existing one")
	p.checkOwn(&found)
	p.checkExisting(&found)
	p.checkEndpoints(&found)
	return found.Err(ErrInvalid)
}

func (p *Props) checkOwn(found *complaints.List) {
	if p.CIDR == "" {
		found.When(p.Zones != 0 || p.NATGateways != 0 || p.FlowLogDays != 0 || p.Public, "Zones, NATGateways, Public and FlowLogDays are of a VPC of its own, with CIDR")
		return
	}
	prefix, err := netip.ParsePrefix(p.CIDR)
	found.When(err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() || prefix.Bits() < 16 || prefix.Bits() > 24,
		"CIDR: %q is no range of IPv4 from /16 to /24", p.CIDR)
	found.When(p.Zones < 0 || p.Zones > maxZones, "Zones is 1 to %d, not %d", maxZones, p.Zones)
	found.When(p.NATGateways < 0 || p.NATGateways > p.zones(), "NATGateways is at most one for each of %d zones, not %d", p.zones(), p.NATGateways)
	found.When(p.Public && p.zones() < 2, "Public takes two Zones at least: a load balancer is in two")
	found.When(p.FlowLogDays < 0, "FlowLogDays counts from 0")
}

func (p *Props) checkExisting(found *complaints.List) {
	if p.VPCID == "" {
		found.When(len(p.SubnetIDs)+len(p.RouteTableIDs)+len(p.PublicSubnetIDs) > 0, "SubnetIDs, PublicSubnetIDs and RouteTableIDs are of an existing VPC, with VPCID")
		return
	}
	found.When(len(p.SubnetIDs) == 0, "SubnetIDs is empty: where is the gateway?")
	found.When(len(p.PublicSubnetIDs) == 1, "PublicSubnetIDs has one: a load balancer is in two zones at least")
	found.When(len(p.RouteTableIDs) != 1 && len(p.RouteTableIDs) != len(p.SubnetIDs), "RouteTableIDs has one for all of SubnetIDs or one for each")
	for id, kind := range p.existing() {
		found.When(!isToken(id) && !strings.HasPrefix(id, kind), "%q is no id that begins with %s", id, kind)
	}
}

// existing are the ids of an existing VPC, each with what ids of its kind
// begin with.
func (p *Props) existing() map[string]string {
	ids := map[string]string{p.VPCID: "vpc-"}
	for _, id := range slices.Concat(p.SubnetIDs, p.PublicSubnetIDs) {
		ids[id] = "subnet-"
	}
	for _, id := range p.RouteTableIDs {
		ids[id] = "rtb-"
	}
	return ids
}

func (p *Props) checkEndpoints(found *complaints.List) {
	known := []Service{DynamoDB, ECRAPI, ECRDocker, Firehose, KMS, Logs, Monitoring, ParameterStore, SecretsManager, STS}
	for _, endpoint := range p.Endpoints {
		found.When(!slices.Contains(known, endpoint.Service), "Endpoints: %q is none of %v", endpoint.Service, known)
		found.When(len(endpoint.Actions) == 0 || len(endpoint.Resources) == 0, "Endpoints: %s names no Actions or no Resources", endpoint.Service)
		for _, action := range endpoint.Actions {
			found.When(strings.Contains(action, "*") || !strings.Contains(action, ":"), "Endpoints: %q is no action such as kms:Sign", action)
		}
	}
}

// maxZones leaves half of a VPC's range to public subnets and to what comes.
const maxZones = 3

func (p *Props) zones() int {
	if p.Zones == 0 {
		return 2
	}
	return p.Zones
}

// publicSubnets is how many a VPC of its own has: one for each NAT gateway, or
// for each zone.
func (p *Props) publicSubnets() int {
	if p.Public {
		return p.zones()
	}
	return p.NATGateways
}

// onlyPrefixLists says whether the gateway may connect to nothing but what is
// named.
func (p *Props) onlyPrefixLists() bool { return p.S3PrefixList != "" && p.NATGateways == 0 }

// reaches says whether there is an endpoint of the service.
func (p *Props) reaches(service Service) bool {
	return slices.ContainsFunc(p.Endpoints, func(endpoint Endpoint) bool { return endpoint.Service == service })
}

func (p *Props) flowLogDays() int {
	if p.FlowLogDays == 0 {
		return 90
	}
	return p.FlowLogDays
}

// isToken tells what CDK fills in later from text that can be looked at.
func isToken(text string) bool { return *awscdk.Token_IsUnresolved(text) }
