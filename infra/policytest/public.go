package policytest

import (
	"net/netip"
	"slices"
	"strings"
)

// closedToPublic: with RestrictPublicBuckets a bucket whose policy is public is
// open only to its own account and to AWS's services ("Blocking public access
// to your Amazon S3 storage").
func (t target) closedToPublic(caller Principal) bool {
	if t.bucket == nil || !t.bucket.RestrictPublicBuckets || t.bucket.Policy == nil {
		return false
	}
	return caller.service == "" && caller.account != t.account && t.bucket.Policy.isPublic()
}

// isPublic: one statement is enough that allows everyone, or everyone a
// provider knows, and isn't bound to fixed values (The meaning of "public").
func (p Policy) isPublic() bool {
	return slices.ContainsFunc(p.statements, func(s statement) bool {
		return !s.deny && (s.principals.everyone || len(s.principals.federated) > 0) &&
			!slices.ContainsFunc(s.conditions, condition.isFixed)
	})
}

func (c condition) isFixed() bool {
	if c.operator.negated || c.operator.ifExists || c.operator.set == forAllValues {
		return false
	}
	switch strings.ToLower(c.key) {
	case "aws:sourceip":
		return c.operator.compare == "IpAddress" && !slices.ContainsFunc(c.values, isBroad)
	case "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner",
		"aws:sourcevpc", "aws:sourcevpce", "aws:userid", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
		"s3:x-amz-server-side-encryption-aws-kms-key-id":
		return c.operator.takesVariables() && !slices.ContainsFunc(c.values, func(value string) bool {
			return strings.ContainsAny(value, "*?") || strings.Contains(value, "${")
		})
	}
	return false
}

// isBroad: ranges wider than /8 of IPv4 and /32 of IPv6 count as public.
func isBroad(value string) bool {
	network, err := netip.ParsePrefix(value)
	if err != nil {
		return false // one address
	}
	if network.Addr().Is4() {
		return network.Bits() < 8
	}
	return network.Bits() < 32
}
