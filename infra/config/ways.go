package config

import (
	"fmt"
	"net/url"
	"strings"
)

// checkWays complains of what a gateway in a VPC wouldn't reach.
func (e *Environment) checkWays(found *list) {
	g, n := e.Gateway, e.Network
	if g == nil {
		return
	}
	found.When(n.S3PrefixList != "" && n.NATGateways == 0,
		"network.s3PrefixList keeps the gateway from its issuer, and in an existing VPC from its settings and keys too: leave it out, or give it natGateways")
	asks, named := map[string]string{"gateway.issuer": g.Issuer}, map[string]string{"signingKeys.secretArn": e.SigningKeys.SecretARN}
	if hook := g.DecisionHook; hook != nil {
		asks["gateway.decisionHook.url"], named["gateway.decisionHook.secretArn"] = hook.URL, hook.SecretARN
	}
	for member, address := range asks {
		asked, err := url.Parse(address)
		found.When(err == nil && asked.Port() != "" && asked.Port() != "443", "%s %q isn't reached from the network, which lets the gateway connect to port 443 only", member, address)
	}
	if n.CIDR == "" || n.NATGateways > 0 || e.Region == "" {
		return
	}
	for i, slot := range e.SigningKeys.Slots {
		named[fmt.Sprintf("signingKeys.slots[%d].kmsKey", i)] = slot.KMSKey
	}
	for member, arn := range named {
		const region = 3
		parts := strings.Split(arn, ":")
		found.When(len(parts) > region && parts[region] != e.Region, "%s is of another region, and without natGateways the network leads to AWS in %s only", member, e.Region)
	}
}
