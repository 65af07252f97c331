package stacks

import (
	"maps"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/config"
	"github.com/signgate/signgate/infra/gateway"
	"github.com/signgate/signgate/infra/network"
	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/signingkeys"
	"github.com/signgate/signgate/infra/stores"
	"github.com/signgate/signgate/pkg/settings"
)

// keys are the signing keys of an environment: what is trusted, and where the
// private halves are.
type keys struct {
	trust  signingkeys.Trust
	secret gateway.SigningSecret // no ARN: somebody else's matter
}

// makeKeys takes the public keys that are given, or has keys made.
func (e *Environment) makeKeys() {
	given := e.config.SigningKeys
	if given.Source == config.Own {
		e.keys = keys{
			trust:  newTrust(e.Content, "SigningKeys", given.Slots, given.Active),
			secret: gateway.SigningSecret{ARN: given.SecretARN, KeyARN: given.SecretKeyARN},
		}
		for _, slot := range given.Slots {
			if slot.KMSKey != "" {
				e.keys.secret.SignWith = append(e.keys.secret.SignWith, slot.KMSKey)
			}
		}
		return
	}
	props := &signingkeys.ManagedProps{
		Gateway: e.gateway, KeepFor: time.Duration(e.config.Limits.MaxReadLife) + signingGrace(),
		LogDays: e.config.Observability.LogsExpire, Retain: e.config.Retain, Guard: e.guard, InKMS: map[string]string{},
	}
	for _, slot := range given.Slots {
		props.Slots = append(props.Slots, slot.ID)
		if given.Of(slot) == config.InKMS {
			props.InKMS[slot.ID] = slot.KMSKey
		}
	}
	made := signingkeys.NewManaged(e.Content, jsii.String("SigningKeys"), props)
	e.keys = keys{trust: made.Trust(), secret: gateway.SigningSecret{ARN: *made.SecretARN(), KeyARN: *made.KeyARN(), SignWith: made.SignWith()}}
}

// signingGrace is how long a gateway may go on signing with a retired key.
func signingGrace() time.Duration {
	defaults, err := settings.Defaults()
	if err != nil {
		panic(err) // of this program's own making
	}
	return defaults.SigningGrace
}

// makeTables makes what the gateway keeps things in.
func (e *Environment) makeTables() {
	g := e.config.Gateway
	if g == nil || !g.Sharing && !g.APIKeys && !g.AuditTable {
		return
	}
	e.tables = stores.NewTables(e.Content, jsii.String("Tables"), &stores.Props{
		Gateway: e.gateway, Grants: g.Sharing, APIKeys: g.APIKeys, Audit: g.AuditTable, Retain: e.config.Retain, Guard: e.guard,
	})
}

// makeAuditStream makes what the gateway's audit trail is delivered by.
func (e *Environment) makeAuditStream() {
	if e.config.Gateway == nil || !e.config.Gateway.AuditStream {
		return
	}
	e.auditStream = observability.NewAuditStream(e.Content, jsii.String("AuditRecords"), &observability.AuditStreamProps{
		Gateway: e.gateway, ExpireDays: e.config.Observability.LogsExpire, LogBucket: e.logs, LogPrefix: "s3/Audit/",
		Retain: e.config.Retain, Guard: observability.Guard{Guard: e.guard},
	})
	e.acceptLogs(e.auditStream.Bucket(), "s3/Audit/")
}

// makeGateway makes the gateway itself. Whichever it runs on, it has the same
// id: what both have, such as its log and its name, stays when that changes.
func (e *Environment) makeGateway() {
	g := e.config.Gateway
	if g == nil { // it runs elsewhere, under the same role
		policy.Attach(e.Content, "GatewayReads", e.gateway, gateway.Reads(e.Content, e.settingsPath(), e.keys.secret)...)
		return
	}
	common := gateway.Common{
		Role: e.gateway, Policies: g.PolicyFiles, UploadRules: g.Rules, Issuers: g.IssuersFile, SettingsPath: e.settingsPath(), SigningSecret: e.keys.secret, Domain: e.apiDomain(),
		AuditStream: g.AuditStream, LogDays: e.config.Observability.LogsExpire, Retain: e.config.Retain, Guard: e.guard,
	}
	if e.tables != nil {
		common.Grants, common.APIKeys, common.Audit = table(e.tables.Grants()), table(e.tables.APIKeys()), table(e.tables.Audit())
	}
	if hook := g.DecisionHook; hook != nil {
		common.HookSecret = &gateway.HookSecret{ARN: hook.SecretARN, KeyARN: hook.SecretKeyARN}
	}
	if g.RunsOnFargate() {
		e.service = gateway.NewService(e.Content, jsii.String("Gateway"), e.serviceProps(common))
		return
	}
	props := &gateway.Props{
		Common: common, Memory: g.Memory, Timeout: time.Duration(g.Timeout), Concurrency: g.Concurrency, Tracing: g.Tracing,
		Throttling: gateway.Throttling{Rate: g.Rate, Burst: g.Burst},
	}
	if e.network != nil {
		props.Network = &gateway.Network{VPC: e.network.VPC(), Subnets: e.network.Subnets(), SecurityGroup: e.network.SecurityGroup()}
	}
	e.function = gateway.NewFunction(e.Content, jsii.String("Gateway"), props)
}

func table(made *stores.Table) *gateway.Table {
	if made == nil {
		return nil
	}
	return &gateway.Table{ARN: *made.ARN, Indexes: made.Indexes}
}

// apiDomain is the gateway's own name, with a certificate of its region.
func (e *Environment) apiDomain() *gateway.Domain {
	given := e.config.Gateway.Domain
	if given == nil {
		return nil
	}
	domain := &gateway.Domain{Name: given.Name}
	if given.ZoneID != "" {
		domain.Zone = awsroute53.HostedZone_FromHostedZoneAttributes(e.Content, jsii.String("GatewayZone"), &awsroute53.HostedZoneAttributes{
			HostedZoneId: jsii.String(given.ZoneID), ZoneName: jsii.String(given.ZoneName),
		})
	}
	if given.CertificateARN != "" {
		domain.Certificate = awscertificatemanager.Certificate_FromCertificateArn(e.Content, jsii.String("GatewayCertificate"), jsii.String(given.CertificateARN))
		return domain
	}
	domain.Certificate = awscertificatemanager.NewCertificate(e.Content, jsii.String("GatewayCertificate"), &awscertificatemanager.CertificateProps{
		DomainName: jsii.String(given.Name), Validation: awscertificatemanager.CertificateValidation_FromDns(domain.Zone),
	})
	return domain
}

// endpoints are the ways to AWS of a gateway in a VPC without one to the
// internet. What an existing VPC has is its owner's matter.
func (e *Environment) endpoints() []network.Endpoint {
	if n := e.config.Network; e.config.Gateway == nil || n.CIDR == "" || n.NATGateways > 0 {
		return nil
	}
	secrets := []string{e.keys.secret.ARN}
	if hook := e.config.Gateway.DecisionHook; hook != nil {
		secrets = append(secrets, hook.SecretARN)
	}
	endpoints := []network.Endpoint{
		{Service: network.ParameterStore, Actions: []string{"ssm:GetParametersByPath"}, Resources: []string{
			policy.ARN(e.Content, "ssm", *e.Content.Region(), "parameter"+e.settingsPath()),
		}},
		{Service: network.SecretsManager, Actions: []string{"secretsmanager:GetSecretValue"}, Resources: secrets},
	}
	if signWith := e.keys.secret.SignWith; len(signWith) > 0 {
		endpoints = append(endpoints, network.Endpoint{Service: network.KMS, Actions: []string{"kms:Sign", "kms:GetPublicKey"}, Resources: signWith})
	}
	if e.config.Gateway.RunsOnFargate() {
		endpoints = append(endpoints, e.startingTasks()...)
	}
	if e.auditStream != nil {
		endpoints = append(endpoints, network.Endpoint{Service: network.Firehose, Actions: []string{"firehose:PutRecord"}, Resources: []string{*e.auditStream.ARN()}})
	}
	if e.tables == nil {
		return endpoints
	}
	tables := network.Endpoint{Service: network.DynamoDB, Actions: policy.GatewayShares()}
	for _, made := range []*stores.Table{e.tables.Grants(), e.tables.APIKeys(), e.tables.Audit()} {
		if made == nil {
			continue
		}
		tables.Resources = append(tables.Resources, *made.ARN)
		for _, index := range made.Indexes {
			tables.Resources = append(tables.Resources, *made.ARN+"/index/"+index)
		}
	}
	return append(endpoints, tables)
}

// gatewayAnswers adds the settings that a gateway of the stacks' own has, and
// those that say where the signing keys are.
func (e *Environment) gatewayAnswers(values map[string]string) {
	if e.keys.secret.ARN != "" {
		values["signing-secret"] = e.keys.secret.ARN
	} else {
		values["active-key-id"] = *e.keys.trust.ActiveKeyID()
	}
	running := e.running()
	if running == nil {
		return
	}
	values["public-url"] = *running.URL()
	values["issuer"], values["audience"] = e.config.Gateway.Issuer, e.config.Gateway.Audience
	maps.Copy(values, e.config.Gateway.Handed)
	if hook := e.config.Gateway.DecisionHook; hook != nil {
		values["decision-hook"], values["decision-hook-secret"] = hook.URL, hook.SecretARN
	}
	if e.auditStream != nil {
		values["audit-stream"] = *e.auditStream.Name()
	}
	if namespace := e.metricsNamespace(); namespace != "" {
		values["metrics-namespace"] = namespace
	}
	if e.tables == nil {
		return
	}
	for setting, made := range map[string]*stores.Table{"grants-table": e.tables.Grants(), "api-keys-table": e.tables.APIKeys(), "audit-table": e.tables.Audit()} {
		if made != nil {
			values[setting] = *made.Name
		}
	}
}

// running is the gateway, whatever runs it; nil: it runs elsewhere.
func (e *Environment) running() interface {
	URL() *string
	Target() *string
	StartAfter(digest string, names []string, there ...constructs.IDependable)
} {
	switch {
	case e.function != nil:
		return e.function
	case e.service != nil:
		return e.service
	}
	return nil
}

// settingsPath is the path of the parameters of settings.
func (e *Environment) settingsPath() string { return "/signgate/" + e.config.Name }
