package config

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/uploads"
)

// Of is where the private half of a slot comes from.
func (k *SigningKeys) Of(slot Slot) string {
	if slot.Source != "" {
		return slot.Source
	}
	return k.Source
}

// checkSource complains of what one source of keys has and another hasn't.
func (k *SigningKeys) checkSource(found *list, signs bool) {
	found.oneOf("signingKeys.source", k.Source, Managed, InKMS, Own)
	found.secret("signingKeys.secretArn", k.SecretARN)
	found.arn("signingKeys.secretKeyArn", k.SecretKeyARN, "kms", "")
	found.When(k.SecretKeyARN != "" && k.SecretARN == "", "signingKeys.secretKeyArn is of the secret of secretArn")
	k.checkSlots(found)
	if k.Source == Managed || k.Source == InKMS {
		found.When(k.Active != "", "signingKeys.active goes with source own: which of the other keys signs is said by their secret, and changed by signgate keys rotate")
		found.When(k.SecretARN != "", "signingKeys.secretArn goes with source own: other keys have a secret of their own")
		return
	}
	active := slices.ContainsFunc(k.Slots, func(slot Slot) bool { return slot.ID == k.Active })
	found.When(!active, "signingKeys.active %q is none of the slots", k.Active)
	found.When(signs && k.SecretARN == "", "signingKeys.secretArn is missing: where does the gateway find the private halves?")
}

func (k *SigningKeys) checkSlots(found *list) {
	keys := map[string]int{}
	for i, slot := range k.Slots {
		where := fmt.Sprintf("signingKeys.slots[%d]", i)
		found.When(slot.Source != "" && (k.Source == Own || slot.Source != Managed && slot.Source != InKMS), "%s.source is managed or kms, of slots whose keys aren't one's own", where)
		found.When(k.Source != Own && slot.PublicKey != "", "%s.publicKey goes with source own: another key is known when it is deployed", where)
		found.match(where+".kmsKey", slot.KMSKey, kmsKeyPattern, "is the ARN of a key of KMS, and not of an alias, which could be pointed elsewhere", true)
		found.When(slot.KMSKey != "" && k.Of(slot) == Managed, "%s.kmsKey goes with source kms or own", where)
		other, twice := keys[slot.KMSKey]
		found.When(twice && slot.KMSKey != "", "%s.kmsKey is that of signingKeys.slots[%d] too", where, other)
		keys[slot.KMSKey] = i
	}
}

// readFiles fills in the policies and rules.
func (g *Gateway) readFiles(folder fs.FS) (found complaints.List) {
	if g == nil {
		return nil
	}
	var err error
	switch {
	case (g.Policies == "") == (g.PolicySet == ""):
		found.When(true, "gateway takes policies, a folder, or policySet, one of %s", strings.Join(access.Sets(), ", "))
	case g.Policies != "":
		if g.PolicyFiles, err = fs.Sub(folder, path.Clean(g.Policies)); err == nil {
			_, err = access.Load(g.PolicyFiles)
		}
		found.When(err != nil, "gateway.policies: %q, below the folder of the environments: %v", g.Policies, err)
	default:
		g.PolicyFiles, err = access.Set(g.PolicySet)
		found.When(err != nil, "gateway.policySet is one of %s, not %q", strings.Join(access.Sets(), ", "), g.PolicySet)
	}
	if g.UploadRules == "" {
		return found
	}
	if g.Rules, err = fs.ReadFile(folder, path.Clean(g.UploadRules)); err == nil {
		_, err = uploads.ParseRules(g.Rules)
	}
	found.When(err != nil, "gateway.uploadRules: %q, below the folder of the environments: %v", g.UploadRules, err)
	return found
}

// What Lambda allows (AWS Lambda Developer Guide, "Lambda quotas").
const (
	leastMemory = 128
	mostMemory  = 10240
	longestRun  = 15 * time.Minute
)

func (g *Gateway) check(found *list, region string) {
	issuer, err := url.Parse(g.Issuer)
	found.When(err != nil || issuer.Scheme != "https" || issuer.Host == "" || issuer.RawQuery != "" || issuer.User != nil, "gateway.issuer is the address of an OIDC issuer, such as https://issuer.example.com, not %q", g.Issuer)
	found.When(g.Audience == "", "gateway.audience is missing: for whom are access tokens?")
	found.When(g.Memory != 0 && (g.Memory < leastMemory || g.Memory > mostMemory), "gateway.memory is %d to %d MiB, not %d", leastMemory, mostMemory, g.Memory)
	timeout := time.Duration(g.Timeout)
	found.When(timeout < 0 || timeout > longestRun || timeout%time.Second != 0, "gateway.timeout is whole seconds, up to %s, not %s", longestRun, timeout)
	found.When(g.AuditTable && g.AuditStream, "gateway takes auditTable or auditStream: the trail has one place")
	found.atLeast("gateway.concurrency", g.Concurrency, 0)
	found.When(g.Rate < 0 || g.Burst < 0 || (g.Rate == 0) != (g.Burst == 0), "gateway takes both rate and burst, or neither")
	found.oneOf("gateway.compute", cmp.Or(g.Compute, Lambda), Lambda, OnFargate)
	found.When(g.WebACLARN != "" && !g.RunsOnFargate(), "gateway.webAclArn goes with compute fargate: AWS WAF can't be put in front of an HTTP API")
	found.arn("gateway.webAclArn", g.WebACLARN, "wafv2", region)
	if g.Domain != nil {
		g.Domain.check(found, region)
	}
	if hook := g.DecisionHook; hook != nil {
		found.When(hook.SecretARN == "", "gateway.decisionHook.secretArn is missing: how would the application tell the gateway from others?")
		found.secret("gateway.decisionHook.secretArn", hook.SecretARN)
		found.arn("gateway.decisionHook.secretKeyArn", hook.SecretKeyARN, "kms", "")
	}
}

func (d *APIDomain) check(found *list, region string) {
	found.match("gateway.domain.name", d.Name, domainPattern, "is a domain name in lower case, such as api.example.com", false)
	found.arn("gateway.domain.certificateArn", d.CertificateARN, "acm", region)
	found.When((d.ZoneID == "") != (d.ZoneName == ""), "gateway.domain.zoneId and zoneName go together")
	found.match("gateway.domain.zoneId", d.ZoneID, zonePattern, "is a hosted zone's id, such as Z0123456789ABC", true)
	found.When(d.ZoneName != "" && d.Name != d.ZoneName && !strings.HasSuffix(d.Name, "."+d.ZoneName), "gateway.domain.name doesn't lie in the zone %s", d.ZoneName)
	found.When(d.CertificateARN == "" && d.ZoneID == "", "gateway.domain needs certificateArn, or zoneId and zoneName to request one")
}
