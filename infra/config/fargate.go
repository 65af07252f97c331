package config

import (
	"net/netip"
	"slices"

	"github.com/signgate/signgate/infra/gateway/fargate"
)

// checkFargate complains of what tasks behind a load balancer need.
func (e *Environment) checkFargate(found *list) {
	g := e.Gateway
	if !e.asked {
		for _, member := range g.ofFunction() {
			found.When(true, "gateway.%s is of a function, and says nothing of tasks: see gateway.fargate", member)
		}
	}
	found.When(g.WebACLARN != "" && !fargate.IsWebACL(g.WebACLARN), "gateway.webAclArn is the ARN of a web ACL for regional resources, not %q", g.WebACLARN)
	found.When(g.Domain == nil, "gateway.domain is missing: compute fargate takes a name of one's own, which its load balancer has a certificate for")
	g.Fargate.check(found)
	if e.Network == nil {
		found.When(true, "network is missing: compute fargate takes a VPC")
		return
	}
	e.Network.checkBalancer(found, g.Fargate.Internal)
}

// ofFunction are the members that are given and that only a function has.
func (g *Gateway) ofFunction() (given []string) {
	for member, is := range map[string]bool{
		"memory": g.Memory != 0, "timeout": g.Timeout != 0, "concurrency": g.Concurrency != 0, "tracing": g.Tracing, "rate": g.Rate != 0, "burst": g.Burst != 0,
	} {
		if is {
			given = append(given, member)
		}
	}
	slices.Sort(given)
	return given
}

// Tasks is how large tasks are, and how many.
func (f *Fargate) Tasks() fargate.Tasks {
	return fargate.Tasks{CPU: f.CPU, Memory: f.Memory, Least: f.LeastTasks, Most: f.MostTasks, CPUTarget: f.CPUTarget}
}

func (f *Fargate) check(found *list) {
	for _, complaint := range f.Tasks().Complaints() {
		found.When(true, "gateway.fargate.%s", complaint)
	}
	found.When(f.ImageURI != "" && !fargate.IsImage(f.ImageURI), "gateway.fargate.imageUri is an image in Amazon ECR by its digest, ...@sha256:..., not %q: a tag may mean another tomorrow", f.ImageURI)
	found.When(f.Internal && len(f.AllowRanges) == 0, "gateway.fargate.allowRanges is missing: who may connect to a load balancer that is internal?")
	found.ranges("gateway.fargate.allowRanges", f.AllowRanges)
}

// checkBalancer complains of where a load balancer can't be.
func (n *Network) checkBalancer(found *list, internal bool) {
	if n.VPCID == "" {
		found.When(n.Zones == 1, "network.zones is at least 2 for compute fargate: a load balancer is in two")
		return
	}
	found.When(!internal && len(n.PublicSubnetIDs) < 2, "network.publicSubnetIds has two at least, in two zones: where is the load balancer?")
	found.When(internal && len(n.SubnetIDs) < 2, "network.subnetIds has two at least, in two zones, where an internal load balancer is")
	found.When(len(n.LoadBalancerRanges) == 0, "network.loadBalancerRanges is missing: the ranges of the load balancer's subnets, without which the gateway would take it for every caller")
}

// ranges asks for ranges of IPv4 that aren't everybody's.
func (l *list) ranges(member string, ranges []string) {
	for _, text := range ranges {
		prefix, err := netip.ParsePrefix(text)
		l.When(err != nil || !prefix.Addr().Is4() || prefix.Masked() != prefix || prefix.Bits() == 0, "%s holds %q; a range is such as 10.20.0.0/20", member, text)
	}
}
