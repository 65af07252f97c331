package config

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/signgate/signgate/infra/complaints"
)

// What AWS asks of names. The patterns are compiled where they are used, for
// an environment is read once.
const (
	namePattern       = `^[a-z][a-z0-9-]{0,19}$` // leaves room in names of at most 63 characters
	accountPattern    = `^[0-9]{12}$`
	regionPattern     = `^[a-z]{2}(-[a-z]+)+-[0-9]$`
	bucketPattern     = `^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$` // no dots: they break TLS and Transfer Acceleration
	domainPattern     = `^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`
	countryPattern    = `^[A-Z]{2}$`
	slotPattern       = `^[a-z0-9]{1,16}$`
	policyNamePattern = `^[\w+=,.@-]{1,128}$`
	rolePattern       = `^arn:[a-z*-]+:iam::[0-9*]+:role/.+$`
	vpcPattern        = `^vpc-[0-9a-f]{8,17}$`
	routesPattern     = `^rtb-[0-9a-f]{8,17}$`
	subnetPattern     = `^subnet-[0-9a-f]{8,17}$`
	prefixListPattern = `^pl-[0-9a-f]{8,17}$`
	zonePattern       = `^Z[A-Z0-9]{1,31}$`
	sixCharacters     = `-[A-Za-z0-9]{6}$`
	kmsKeyPattern     = `^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,256}$`
	emailPattern      = `^[^@\s]+@[^@\s]+$`
	writesPattern     = `^/[A-Za-z0-9_-]{1,32}/$`
)

// maxSlots is CloudFront's quota of keys in a key group (CloudFront Developer
// Guide, "Quotas on key groups").
const maxSlots = 5

// maxPresigned is how long SigV4 lets a presigned request live.
const maxPresigned = 7 * 24 * time.Hour

// complaints collects everything that is wrong with an environment.
func (e *Environment) complaints() complaints.List {
	var found list
	found.match("the name of the file", e.Name, namePattern, "begins with a letter and holds at most 20 lower-case letters, digits and hyphens", false)
	found.match("account", e.Account, accountPattern, "is 12 digits", true)
	found.match("region", e.Region, regionPattern, "is such as eu-central-1", true)
	found.When((e.Account == "") != (e.Region == ""), "account and region go together: either both or neither")
	for tag, value := range e.Tags {
		found.When(tag == "" || strings.HasPrefix(strings.ToLower(tag), "aws:") || len(tag) > 128 || len(value) > 256, "tags: %q can't be a tag: at most 128 characters, not beginning with aws:, with a value of at most 256", tag)
	}
	e.Access.check(&found)
	e.Content.check(&found)
	e.Delivery.check(&found)
	e.checkKeys(&found)
	if e.Gateway != nil {
		e.Gateway.check(&found, e.Region)
	}
	found.When(e.asked && e.Gateway == nil, "gateway is missing, and it is asked for what it shall run on")
	if e.Gateway.RunsOnFargate() {
		e.checkFargate(&found)
	}
	e.Observability.check(&found)
	e.checkAlarms(&found)
	if e.Network != nil {
		e.Network.check(&found)
		e.checkWays(&found)
	}
	e.checkLimits(&found)
	return found.List
}

// list gathers complaints about members.
type list struct{ complaints.List }

func (l *list) match(member, value, pattern, rule string, mayBeEmpty bool) {
	if value == "" && mayBeEmpty {
		return
	}
	l.When(!regexp.MustCompile(pattern).MatchString(value), "%s %s, not %q", member, rule, value)
}

// arn asks for an ARN of a service, in a region where one is given.
func (l *list) arn(member, value, service, region string) {
	if value == "" {
		return
	}
	parts := strings.SplitN(value, ":", 6)
	fits := len(parts) == 6 && parts[0] == "arn" && parts[2] == service && parts[5] != "" && (region == "" || parts[3] == region)
	where := ""
	if region != "" {
		where = " in " + region
	}
	l.When(!fits, "%s is the ARN of something of %s%s, not %q", member, service, where, value)
}

// secret asks for the whole ARN of a secret, by which IAM knows it.
func (l *list) secret(member, value string) {
	l.arn(member, value, "secretsmanager", "")
	l.When(value != "" && !regexp.MustCompile(sixCharacters).MatchString(value), "%s ends in a hyphen and the six characters that Secrets Manager has put there, unlike %q: IAM doesn't know it by less", member, value)
}

func (l *list) atLeast(member string, value, least int) {
	l.When(value < least, "%s must be at least %d, not %d", member, least, value)
}

func (l *list) oneOf(member, value string, choices ...string) {
	l.When(!slices.Contains(choices, value), "%s is one of %s, not %q", member, strings.Join(choices, ", "), value)
}

func (l *list) origin(member, value string) {
	u, err := url.Parse(value)
	l.When(err != nil || u.Host == "" || value != u.Scheme+"://"+u.Host || strings.Contains(value, "*"), "%s holds %q; an origin is scheme and host, such as https://app.example.com", member, value)
}

func (a *Access) check(found *list) {
	for _, role := range a.Deployers {
		found.match("access.deployers", role, rolePattern, "holds patterns of the ARNs of the roles that CloudFormation acts as, such as arn:aws:iam::111122223333:role/cdk-mine-cfn-exec-role-*", false)
	}
	for _, role := range a.Administrators {
		found.match("access.administrators", role, rolePattern, "holds patterns of roles' ARNs such as arn:aws:iam::111122223333:role/keeper", false)
	}
	found.When(a.RequireMFA && len(a.Administrators) == 0, "access.requireMfa asks a second factor of administrators, and there are none")
	found.match("access.boundary", a.Boundary, policyNamePattern, "is the name of a policy of IAM, not its ARN", true)
}

func (c *Content) check(found *list) {
	found.match("content.bucketName", c.BucketName, bucketPattern, "is 3 to 63 lower-case letters, digits and hyphens", true)
	found.oneOf("content.encryption", c.Encryption, KMS, S3)
	found.arn("content.keyArn", c.KeyARN, "kms", "")
	found.When(c.KeyARN != "" && c.Encryption != KMS, "content.keyArn takes content.encryption kms")
	found.oneOf("content.decryptFor", c.DecryptFor, DistributionOnly, AnyDistribution)
	for _, origin := range c.UploadOrigins {
		found.origin("content.uploadOrigins", origin)
	}
	life := c.Lifecycle
	found.atLeast("content.lifecycle.abortUploads", life.AbortUploads, 1)
	found.atLeast("content.lifecycle.quarantineExpire", life.QuarantineExpire, 1)
	found.atLeast("content.lifecycle.oldVersionsGlacier", life.OldVersionsGlacier, 0)
	found.atLeast("content.lifecycle.oldVersionsExpire", life.OldVersionsExpire, 0)
	found.When(life.OldVersionsGlacier > 0 && life.OldVersionsExpire > 0 && life.OldVersionsExpire <= life.OldVersionsGlacier,
		"content.lifecycle.oldVersionsExpire must come after oldVersionsGlacier")
	if c.Backup != nil {
		found.atLeast("content.backup.glacier", c.Backup.Glacier, 0)
		found.atLeast("content.backup.expire", c.Backup.Expire, 1)
		found.When(c.Backup.Glacier > 0 && c.Backup.Expire <= c.Backup.Glacier, "content.backup.expire must come after glacier")
	}
}

func (d *Delivery) check(found *list) {
	found.oneOf("delivery.priceClass", d.PriceClass, "100", "200", "all")
	for _, origin := range d.Origins {
		found.origin("delivery.origins", origin)
	}
	cache := d.Cache
	found.When(cache.Min < 0 || cache.Default < cache.Min || cache.Max < cache.Default, "delivery.cache must be min, default and max in ascending order")
	if d.Domain != nil {
		d.Domain.check(found)
	}
	if d.Geo != nil {
		found.When((len(d.Geo.Allow) > 0) == (len(d.Geo.Block) > 0), "delivery.geo takes allow or block, and not both")
		for _, country := range slices.Concat(d.Geo.Allow, d.Geo.Block) {
			found.match("delivery.geo", country, countryPattern, "holds countries of two capital letters, such as DE", false)
		}
	}
	if d.Firewall != nil {
		d.Firewall.check(found)
	}
	if d.Writes != nil {
		found.match("delivery.writes.pathPrefix", d.Writes.PathPrefix, writesPattern, "is one folder such as /upload/", false)
	}
}

func (d *Domain) check(found *list) {
	found.match("delivery.domain.name", d.Name, domainPattern, "is a domain name in lower case, such as cdn.example.com", false)
	found.arn("delivery.domain.certificateArn", d.CertificateARN, "acm", "us-east-1")
	found.When((d.ZoneID == "") != (d.ZoneName == ""), "delivery.domain.zoneId and zoneName go together")
	found.match("delivery.domain.zoneId", d.ZoneID, zonePattern, "is a hosted zone's id, such as Z0123456789ABC", true)
	found.When(d.ZoneName != "" && d.Name != d.ZoneName && !strings.HasSuffix(d.Name, "."+d.ZoneName), "delivery.domain.name doesn't lie in the zone %s", d.ZoneName)
	found.When(d.CertificateARN == "" && d.ZoneID == "", "delivery.domain needs certificateArn, or zoneId and zoneName to request one")
}

func (w *WAF) check(found *list) {
	found.arn("delivery.firewall.aclArn", w.ACLARN, "wafv2", "us-east-1")
	own := len(w.AllowRanges) > 0 || w.RatePer5Mins != 0
	found.When((w.ACLARN == "") != own, "delivery.firewall takes aclArn, or allowRanges and ratePer5Mins")
	for _, text := range w.AllowRanges {
		prefix, err := netip.ParsePrefix(text)
		found.When(err != nil || prefix.Masked() != prefix || prefix.Bits() == 0, "delivery.firewall.allowRanges holds %q; a range is such as 192.0.2.0/24", text)
	}
	// AWS WAF Developer Guide, "Rate-based rule high-level settings": from 10.
	found.When(w.RatePer5Mins != 0 && w.RatePer5Mins < 10, "delivery.firewall.ratePer5Mins must be at least 10")
}

func (e *Environment) checkKeys(found *list) {
	seen := map[string]string{}
	for _, slots := range e.slots() {
		ids := map[string]bool{}
		found.When(len(slots.slots) == 0 || len(slots.slots) > maxSlots, "%s holds 1 to %d keys", slots.member, maxSlots)
		for i, slot := range slots.slots {
			where := fmt.Sprintf("%s[%d]", slots.member, i)
			found.match(where+".id", slot.ID, slotPattern, "is 1 to 16 lower-case letters and digits", false)
			found.When(ids[slot.ID], "%s.id: there is another slot %q", where, slot.ID)
			ids[slot.ID] = true
			if slot.PEM == "" {
				continue // said already
			}
			if err := CheckPublicKey(slot.PEM); err != nil {
				found.When(true, "%s.publicKey %s", where, err)
				continue
			}
			found.When(seen[slot.PEM] != "", "%s.publicKey is the key of %s too", where, seen[slot.PEM])
			seen[slot.PEM] = where
		}
	}
	e.SigningKeys.checkSource(found, e.Gateway != nil)
	if e.Delivery.Writes == nil {
		return
	}
	for i, slot := range e.Delivery.Writes.SigningKeys {
		found.When(slot.Source != "" || slot.KMSKey != "", "delivery.writes.signingKeys[%d] takes id and publicKey only", i)
	}
}

// CheckPublicKey says whether CloudFront takes the PEM text for signed URLs:
// ECDSA on P-256 or RSA with 2,048 bits (CloudFront Developer Guide, "Create
// key pairs for your signers"). It refuses private keys.
func CheckPublicKey(text string) error {
	block, rest := pem.Decode([]byte(text))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return errors.New("isn't one block of PEM")
	}
	if strings.Contains(block.Type, "PRIVATE") {
		return errors.New("is a PRIVATE key; it must not lie here, and is to be replaced")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if block.Type != "PUBLIC KEY" || err != nil {
		return errors.New("isn't a public key (-----BEGIN PUBLIC KEY-----)")
	}
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return nil
		}
	case *rsa.PublicKey:
		if key.N.BitLen() == 2048 {
			return nil
		}
	}
	return errors.New("must be an ECDSA key on P-256 or an RSA key of 2048 bits; CloudFront takes no other")
}

func (o *Observability) check(found *list) {
	found.arn("observability.logBucketArn", o.LogBucketARN, "s3", "")
	found.atLeast("observability.logsExpire", o.LogsExpire, 1)
}

func (n *Network) check(found *list) {
	found.When((n.VPCID == "") == (n.CIDR == ""), "network takes vpcId or cidr")
	found.match("network.vpcId", n.VPCID, vpcPattern, "is such as vpc-0123456789abcdef0", true)
	found.match("network.s3PrefixList", n.S3PrefixList, prefixListPattern, "is such as pl-6ea54007", true)
	found.When(n.VPCID != "" && (len(n.SubnetIDs) == 0 || len(n.RouteTableIDs) == 0), "network.vpcId needs subnetIds and routeTableIds")
	for _, subnet := range n.SubnetIDs {
		found.match("network.subnetIds", subnet, subnetPattern, "holds ids such as subnet-0123456789abcdef0", false)
	}
	for _, table := range n.RouteTableIDs {
		found.match("network.routeTableIds", table, routesPattern, "holds ids such as rtb-0123456789abcdef0", false)
	}
	for _, subnet := range n.PublicSubnetIDs {
		found.match("network.publicSubnetIds", subnet, subnetPattern, "holds ids such as subnet-0123456789abcdef0", false)
	}
	found.ranges("network.loadBalancerRanges", n.LoadBalancerRanges)
	found.When(n.VPCID == "" && len(n.PublicSubnetIDs)+len(n.LoadBalancerRanges) > 0, "network.publicSubnetIds and loadBalancerRanges are of an existing VPC, with vpcId")
	found.When(n.VPCID == "" && len(n.SubnetIDs)+len(n.RouteTableIDs) > 0, "network.subnetIds and routeTableIds are of an existing VPC, with vpcId")
	found.When(n.VPCID != "" && (n.Zones != 0 || n.NATGateways != 0), "network.zones and natGateways are of a VPC of its own, with cidr")
	found.When(n.VPCID != "" && len(n.RouteTableIDs) > 1 && len(n.RouteTableIDs) != len(n.SubnetIDs), "network.routeTableIds has one for all of subnetIds or one for each")
	found.When(len(n.PublicSubnetIDs) == 1, "network.publicSubnetIds has one: a load balancer is in two zones at least")
	found.When(n.Zones < 0 || n.Zones > 3 || n.NATGateways < 0 || n.NATGateways > cmp.Or(n.Zones, 2), "network.zones is at most 3, and natGateways one for each zone, of which there are two unless it is said")
	if n.CIDR != "" {
		prefix, err := netip.ParsePrefix(n.CIDR)
		found.When(err != nil || !prefix.Addr().Is4() || prefix.Masked() != prefix || prefix.Bits() < 16 || prefix.Bits() > 24, "network.cidr is a range of IPv4 from /16 to /24, such as 10.20.0.0/20, not %q", n.CIDR)
	}
}

func (e *Environment) checkLimits(found *list) {
	upload, read := time.Duration(e.Limits.MaxUploadLife), time.Duration(e.Limits.MaxReadLife)
	found.When(upload < time.Second || upload > maxPresigned, "limits.maxUploadLife must lie between a second and %s, not %s", maxPresigned, upload)
	found.When(read < time.Second || read > 365*24*time.Hour, "limits.maxReadLife must lie between a second and a year, not %s", read)
}
