package gateway

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/gateway/fargate"
)

// ServiceProps is what a gateway on ECS Fargate is made of. Beside what Common
// wants, Domain and Network have to be given.
type ServiceProps struct {
	Common

	// ExecutionRole fetches the image and writes the log, trusted by RunsTasks;
	// nil: one is made (NewExecutionRole).
	ExecutionRole awsiam.IRole

	// Image of the container, by its digest: an image for arm64 in a private
	// registry of Amazon ECR, such as
	// 111122223333.dkr.ecr.eu-central-1.amazonaws.com/signgate@sha256:....
	// Policies and UploadRules have to be in it then, as files /policies/NAME
	// and /upload-rules.json, and its entry point has to be the program. Empty:
	// it is built.
	Image string

	Tasks fargate.Tasks // how large, and how many

	Network *ServiceNetwork

	// Internal keeps the load balancer out of the internet. AllowRanges is who
	// may connect to it, such as 10.0.0.0/8; none: everybody, unless it is
	// Internal, which has to name somebody.
	Internal    bool
	AllowRanges []string

	// WebACL is the ARN of a web ACL of AWS WAF in the same region, which looks
	// at requests before they reach the gateway. Its logs, where it keeps any,
	// hold paths with what lets their bearer upload, unless its owner redacts
	// them.
	WebACL string

	// ConnectionLogs is where the load balancer writes who connected, and how;
	// nil: nowhere.
	ConnectionLogs *ConnectionLogs
}

// ServiceNetwork is where in a VPC tasks and load balancer are. Image, log,
// settings and keys have to be in reach from the tasks' subnets.
type ServiceNetwork struct {
	Network

	// LoadBalancer is the ids of two subnets at least, in two zones: public
	// ones, unless it is Internal.
	LoadBalancer []string
	// LoadBalancerRanges are the ranges of addresses of these subnets. What
	// comes from there may say in X-Forwarded-For for whom.
	LoadBalancerRanges []string
	// Ways are what has to be there before anything is started: routes and
	// endpoints. nil: everything is.
	Ways constructs.IDependable
}

// ConnectionLogs is a bucket, and where in it. The bucket has to take what
// ConnectionLogsStatement lets through, and to be encrypted with S3's keys.
type ConnectionLogs struct {
	Bucket awss3.IBucket
	Prefix string // such as gateway, without slashes at its ends
	// Accepted is what lets the load balancer write, which tries it when it is
	// made; nil: it is there.
	Accepted constructs.IDependable
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewService panics with it, as CDK does.
func (p *ServiceProps) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: there are no props", ErrInvalid)
	}
	var found complaints.List
	p.check(&found)
	found.When(p.Domain == nil, "Domain is missing: a load balancer has no certificate for a name that isn't one's own")
	found.When(p.Image != "" && !fargate.IsImage(p.Image), "Image: %q is no image in Amazon ECR by its digest, ...@sha256:...; a tag may mean another tomorrow", p.Image)
	found.When(p.WebACL != "" && !*awscdk.Token_IsUnresolved(p.WebACL) && !fargate.IsWebACL(p.WebACL), "WebACL: %q is no ARN of a web ACL for regional resources", p.WebACL)
	for _, complaint := range p.Tasks.Complaints() {
		found.When(true, "Tasks: %s", complaint)
	}
	p.checkNetwork(&found)
	if logs := p.ConnectionLogs; logs != nil {
		found.When(logs.Bucket == nil || logs.Prefix == "" || strings.Trim(logs.Prefix, "/") != logs.Prefix, "ConnectionLogs names Bucket and Prefix, such as gateway")
	}
	return found.Err(ErrInvalid)
}

func (p *ServiceProps) checkNetwork(found *complaints.List) {
	found.When(p.Internal && len(p.AllowRanges) == 0, "AllowRanges is empty: who may connect to a load balancer that is Internal?")
	checkRanges(found, "AllowRanges", p.AllowRanges)
	if p.Network == nil {
		found.When(true, "Network is missing: where are the tasks?")
		return
	}
	p.Network.check(found)
	found.When(len(p.Network.LoadBalancer) < 2, "Network.LoadBalancer is two subnets at least, in two zones, not %d", len(p.Network.LoadBalancer))
	found.When(len(p.Network.LoadBalancerRanges) == 0, "Network.LoadBalancerRanges is empty: the gateway would take the load balancer for every caller")
	checkRanges(found, "Network.LoadBalancerRanges", p.Network.LoadBalancerRanges)
}

func checkRanges(found *complaints.List, member string, ranges []string) {
	for _, text := range ranges {
		prefix, err := netip.ParsePrefix(text)
		found.When(!*awscdk.Token_IsUnresolved(text) && (err != nil || !prefix.Addr().Is4() || prefix.Masked() != prefix || prefix.Bits() == 0), "%s: %q is no range of IPv4 such as 10.20.0.0/20", member, text)
	}
}
