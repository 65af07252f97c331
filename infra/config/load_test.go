package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/signgate/signgate/infra/config"
	"github.com/signgate/signgate/pkg/settings"
)

func TestTheShippedEnvironmentsAreValid(t *testing.T) {
	t.Parallel()
	folder := os.DirFS("../environments")
	names, err := config.Names(folder)
	if err != nil || strings.Join(names, " ") != "dev prod staging" {
		t.Fatalf("environments %v: %v", names, err)
	}
	for _, name := range names {
		if environment, err := config.Load(folder, name); err != nil || environment.Name != name {
			t.Errorf("%q: %v", environment.Name, err)
		}
	}
}

// publicKey makes a key of the curve, as PEM.
func publicKey(t *testing.T, curve elliptic.Curve) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// folder holds one environment, e, and a few keys.
func folder(t *testing.T, text string) fs.FS {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	good := publicKey(t, elliptic.P256())
	return fstest.MapFS{
		"e.json":             {Data: []byte(text)},
		"keys/good.pem":      {Data: []byte(good)},
		"keys/same.pem":      {Data: []byte(good)},
		"keys/other.pem":     {Data: []byte(publicKey(t, elliptic.P256()))},
		"keys/p384.pem":      {Data: []byte(publicKey(t, elliptic.P384()))},
		"keys/text.pem":      {Data: []byte("not a key")},
		"rules/p.cedar":      {Data: []byte("permit (principal, action, resource);")},
		"rules/rules.json":   {Data: []byte(`[{"prefix": "in/", "verify": true}]`)},
		"rules/issuers.json": {Data: []byte(`[{"issuer": "https://partner.example.com", "audience": "photos", "algorithms": ["ES256"], "prefix": "partner:"}]`)},
		"broken/p.cedar":     {Data: []byte("permit")},
		"keys/private.pem":   {Data: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})},
	}
}

const keys = `"signingKeys": {"source": "own", "slots": [{"id": "a", "publicKey": "keys/good.pem"}], "active": "a"}`

func TestAnEmptyEnvironmentHasSafeDefaults(t *testing.T) {
	t.Parallel()
	e, err := config.Load(folder(t, "{"+keys+"}"), "e")
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case e.Content.Encryption != config.KMS, e.Content.DecryptFor != config.DistributionOnly:
		t.Errorf("encryption %q for %q", e.Content.Encryption, e.Content.DecryptFor)
	case e.Content.Lifecycle.AbortUploads == 0, e.Content.Lifecycle.QuarantineExpire == 0:
		t.Errorf("nothing is tidied up: %+v", e.Content.Lifecycle)
	case !e.Delivery.AccessLogs, e.Delivery.LogQueries, len(e.Content.UploadOrigins) != 0:
		t.Errorf("logs %v, with queries %v, uploads from %v", e.Delivery.AccessLogs, e.Delivery.LogQueries, e.Content.UploadOrigins)
	case time.Duration(e.Limits.MaxUploadLife) != time.Hour:
		t.Errorf("uploads live %s", time.Duration(e.Limits.MaxUploadLife))
	case !strings.HasPrefix(e.SigningKeys.Slots[0].PEM, "-----BEGIN PUBLIC KEY-----"):
		t.Error("the key wasn't read")
	}
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"syntax":         {`{"account": }`, []string{"invalid character"}},
		"unknown member": {`{"content": {"bucket": "x"}}`, []string{"content.bucket is no member"}},
		"wrong type":     {`{"retain": "yes"}`, []string{"retain isn't of the right type"}},
		"bad duration":   {`{"limits": {"maxReadLife": "soon"}}`, []string{`limits.maxReadLife "soon" is no duration`}},
		"nothing given":  {`{}`, []string{"signingKeys.slots holds 1 to 5 keys"}},
		"identity": {`{"account": "12", "tags": {"aws:x": "y"}, "access": {"requireMfa": true, "deployers": ["me"], "boundary": "arn:aws:x"}, ` + keys + `}`, []string{
			"account is 12 digits", "go together", `"aws:x" can't be a tag`, "requireMfa", "access.deployers", "access.boundary",
		}},
		"content": {`{"content": {"bucketName": "A.b", "encryption": "none", "keyArn": "x", "decryptFor": "all", "uploadOrigins": ["*"],
			"lifecycle": {"abortUploads": 0, "quarantineExpire": 0, "oldVersionsGlacier": 40, "oldVersionsExpire": 30}, "backup": {"glacier": 5, "expire": 5}}, ` + keys + `}`, []string{
			"content.bucketName", "content.encryption is one of kms, s3", "content.keyArn is the ARN", "takes content.encryption kms", "content.decryptFor",
			"content.uploadOrigins", "abortUploads", "quarantineExpire", "oldVersionsExpire must come after", "content.backup.expire",
		}},
		"delivery": {`{"delivery": {"priceClass": "300", "origins": ["app"], "cache": {"min": "2h", "default": "1h"},
			"domain": {"name": "cdn.example.com", "zoneId": "Z1", "zoneName": "example.org"}, "geo": {"allow": ["DE"], "block": ["xx"]},
			"firewall": {"aclArn": "arn:aws:wafv2:eu-west-1:111122223333:global/webacl/x", "allowRanges": ["0.0.0.0/0"], "ratePer5Mins": 5}, "writes": {"pathPrefix": "/"}}, ` + keys + `}`, []string{
			"delivery.priceClass", "delivery.origins", "delivery.cache", "doesn't lie in the zone", "delivery.geo takes allow or block", `not "xx"`,
			"delivery.firewall.aclArn", "takes aclArn, or", "allowRanges", "ratePer5Mins must be at least 10", "delivery.writes.pathPrefix", "delivery.writes.signingKeys holds 1 to 5",
		}},
		"domain": {`{"delivery": {"domain": {"name": "CDN", "certificateArn": "arn:aws:acm:eu-west-1:111122223333:certificate/x", "zoneId": "x"}}, ` + keys + `}`, []string{
			"delivery.domain.name", "of acm in us-east-1", "go together", "delivery.domain.zoneId",
		}},
		"no proof": {`{"delivery": {"domain": {"name": "cdn.example.com"}}, ` + keys + `}`, []string{"needs certificateArn, or zoneId"}},
		"observability": {`{"observability": {"logBucketArn": "logs", "logsExpire": 0, "alarms": {"topicArn": "arn:aws:sns:eu-west-1:111122223333:x", "email": "a@b", "errorRate": 0, "refusals": 101}}, ` + keys + `}`, []string{
			"observability.logBucketArn", "logsExpire", "of sns in us-east-1", "alarms.email is for a topic that is made", "alarms.errorRate", "alarms.refusals",
		}},
		"network":                   {`{"network": {"vpcId": "vpc-x", "cidr": "10.0.0.1/8"}, ` + keys + `}`, []string{"vpcId or cidr", "network.vpcId", "needs subnetIds and routeTableIds", "network.cidr"}},
		"a network of neither kind": {`{"network": {"cidr": "10.20.0.0/20", "natGateways": 3, "subnetIds": ["subnet-0123456789abcdef0"]}, ` + keys + `}`, []string{"network.subnetIds and routeTableIds are of", "natGateways one for each zone"}},
		"a network of both kinds": {`{"network": {"vpcId": "vpc-0123456789abcdef0", "natGateways": 1, "subnetIds": ["subnet-0123456789abcdef0"], "publicSubnetIds": ["subnet-0123456789abcdef1"],
			"routeTableIds": ["rtb-0123456789abcdef0", "rtb-0123456789abcdef1"]}, ` + keys + `}`, []string{"network.zones and natGateways are of", "network.routeTableIds has one for all", "network.publicSubnetIds has one"}},
		"limits": {`{"limits": {"maxUploadLife": "200h", "maxReadLife": "0s"}, ` + keys + `}`, []string{"limits.maxUploadLife", "limits.maxReadLife"}},
		"keys": {`{"signingKeys": {"source": "own", "active": "z", "slots": [{"id": "A", "publicKey": "keys/p384.pem"}, {"id": "b", "publicKey": "keys/text.pem"}, {"id": "b", "publicKey": "../x.pem"},
			{"id": "c", "publicKey": "keys/good.pem"}, {"id": "d", "publicKey": "keys/same.pem"}, {"id": "e", "publicKey": "keys/private.pem"}]}}`, []string{
			"holds 1 to 5 keys", "slots[0].id", "slots[0].publicKey must be an ECDSA key", "slots[1].publicKey isn't one block of PEM", `another slot "b"`,
			`"../x.pem" can't be read`, "slots[4].publicKey is the key of signingKeys.slots[3]", "slots[5].publicKey is a PRIVATE key", `"z" is none of the slots`,
		}},
		"managed keys that are somebody's": {`{"signingKeys": {"slots": [{"id": "a", "publicKey": "keys/good.pem"}], "active": "a", "secretArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x", "secretKeyArn": "x"}}`, []string{
			"slots[0].publicKey goes with source own", "signingKeys.active goes with source own", "secretArn goes with source own", "secretKeyArn is the ARN",
		}},
		"keys in KMS": {`{"signingKeys": {"source": "kms", "active": "a", "slots": [{"id": "a", "publicKey": "keys/good.pem"}, {"id": "b", "kmsKey": "arn:aws:kms:eu-central-1:111122223333:alias/x"},
			{"id": "c", "source": "own"}, {"id": "d", "source": "managed", "kmsKey": "arn:aws:kms:eu-central-1:111122223333:key/x"}, {"id": "e", "kmsKey": "arn:aws:kms:eu-central-1:111122223333:key/x"}]}}`, []string{
			"slots[0].publicKey goes with source own", "signingKeys.active goes with source own", "slots[1].kmsKey is the ARN of a key of KMS, and not of an alias",
			"slots[2].source is managed or kms", "slots[3].kmsKey goes with source kms", "slots[4].kmsKey is that of signingKeys.slots[3] too",
		}},
		"own keys of a source": {`{"delivery": {"writes": {"pathPrefix": "/up/", "signingKeys": [{"id": "w", "publicKey": "keys/other.pem", "source": "kms"}]}},
			"signingKeys": {"source": "own", "slots": [{"id": "a", "publicKey": "keys/good.pem", "source": "kms"}], "active": "a"}}`, []string{
			"signingKeys.slots[0].source is managed or kms", "delivery.writes.signingKeys[0] takes id and publicKey only",
		}},
		"no source":                         {`{"signingKeys": {"source": "kept", "secretArn": "x", "slots": [{"id": "a"}]}}`, []string{"source is one of managed, kms, own", "secretArn is the ARN of something of secretsmanager"}},
		"a secret by less than its ARN":     {`{"signingKeys": {"source": "own", "secretArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:signgate"}}`, []string{"signingKeys.secretArn ends in a hyphen and the six"}},
		"a key without secret":              {`{"signingKeys": {"source": "own", "secretKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/x"}}`, []string{"is of the secret of secretArn"}},
		"a gateway that signs with nothing": {`{"gateway": {"policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a"}, ` + keys + `}`, []string{"secretArn is missing"}},
		"a gateway of nothing":              {`{"gateway": {}, ` + keys + `}`, []string{"policies, a folder, or policySet, one of photos", "gateway.issuer", "gateway.audience"}},
		"gateway": {`{"account": "111122223333", "region": "eu-central-1", "gateway": {"policies": "nowhere", "uploadRules": "../rules.json", "issuer": "http://issuer.example.com", "audience": "a", "memory": 64, "timeout": "90m", "concurrency": -1, "rate": 5, "auditTable": true, "auditStream": true,
			"domain": {"name": "API", "certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/x", "zoneId": "x"}}, ` + keys + `}`, []string{
			`gateway.policies: "nowhere"`, `gateway.uploadRules: "../rules.json"`, "gateway.issuer", "gateway.memory", "gateway.timeout", "gateway.concurrency", "rate and burst", "auditTable or auditStream",
			"gateway.domain.name", "of acm in eu-central-1", "gateway.domain.zoneId and zoneName go together", "gateway.domain.zoneId is",
		}},
		"a broken policy": {`{"gateway": {"policies": "broken", "uploadRules": "keys/text.pem", "issuer": "https://issuer.example.com", "audience": "a", "domain": {"name": "api.example.com"}}, ` + keys + `}`, []string{
			"p.cedar", "invalid upload rules", "gateway.domain needs certificateArn",
		}},
		"an unknown set of policies": {`{"gateway": {"policySet": "all", "issuer": "https://issuer.example.com", "audience": "a", "domain": {"name": "api.example.com", "zoneId": "Z0123456789ABC", "zoneName": "example.org"}}, ` + keys + `}`, []string{
			`policySet is one of photos`, "doesn't lie in the zone example.org",
		}},
		"settings that the stacks decide": {`{"gateway": {"policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a", "settings": {"bucket": "other", "s3Reads": true, "tenantClaim": ""}}, ` + keys + `}`, []string{
			"bucket isn't for this file to say", "s3-reads isn't for this file to say", "tenant-claim is empty",
		}},
		"settings that there aren't": {`{"gateway": {"policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a", "settings": {"tenantclaim": "org"}}, ` + keys + `}`, []string{
			"gateway.settings: ", "no setting tenantclaim",
		}},
		"settings that a gateway refuses": {`{"limits": {"maxReadLife": "1h"}, "gateway": {"policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a", "sharing": true,
			"decisionHook": {"url": "http://app.example.com"}, "settings": {"readLife": "2h", "decisionHookMode": "instead"}}, ` + keys + `}`, []string{
			"decisionHook.secretArn is missing", "decision-hook must begin with https", "decision-hook-mode instead can't go with", "read-life is 2h0m0s",
		}},
		"issuers that there aren't": {`{"gateway": {"policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a", "settings": {"issuers": "keys/text.pem"}}, ` + keys + `}`, []string{
			`gateway.settings.issuers: "keys/text.pem"`,
		}},
		"keys that both read and write": {`{"delivery": {"writes": {"pathPrefix": "/up/", "signingKeys": [{"id": "w", "publicKey": "keys/same.pem"}]}}, ` + keys + `}`, []string{
			"delivery.writes.signingKeys[0].publicKey is the key of signingKeys.slots[0]",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(folder(t, c.text), "e")
			if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "e.json") {
				t.Fatalf("%v", err)
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%v\ndoesn't say: %s", err, text)
				}
			}
		})
	}
}

// tasks is an environment whose gateway runs on Fargate, with more members of
// the gateway and of its network.
func tasks(gateway, network string) string {
	return `{"account": "111122223333", "region": "eu-central-1", "signingKeys": {"slots": [{"id": "a"}]}, "network": {` + network + `}, "gateway": {"compute": "fargate", "policySet": "photos",
		"issuer": "https://issuer.example.com", "audience": "photos", "domain": {"name": "api.example.com", "certificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/x"}` + gateway + `}}`
}

const (
	existingVPC = `"vpcId": "vpc-0123456789abcdef0", "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"], "routeTableIds": ["rtb-0123456789abcdef0"]`
	balancer    = `, "publicSubnetIds": ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"], "loadBalancerRanges": ["10.0.8.0/24", "10.0.9.0/24"]`
)

func TestTasksAreTakenWhereTheyCanBe(t *testing.T) {
	t.Parallel()
	const image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/signgate@sha256:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
	for name, text := range map[string]string{
		"a network of its own": tasks("", `"cidr": "10.20.0.0/20", "natGateways": 2`),
		"without NAT":          tasks("", `"cidr": "10.20.0.0/20"`),
		"an existing network":  tasks("", existingVPC+balancer),
		"with a hook": tasks(`, "decisionHook": {"url": "https://app.example.com:443/decisions", "secretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:hook-AbCdEf"}`,
			`"cidr": "10.20.0.0/20", "natGateways": 1`),
		"internal": tasks(`, "fargate": {"internal": true, "allowRanges": ["10.0.0.0/8"]}`, existingVPC+`, "loadBalancerRanges": ["10.0.0.0/24"]`),
		"with all that there is": tasks(`, "webAclArn": "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/acl/1", "fargate": {"cpu": 1024, "memory": 4096, "leastTasks": 3, "mostTasks": 12,
			"cpuTarget": 60, "imageUri": "`+image+`", "allowRanges": ["192.0.2.0/24"], "connectionLogs": true}`, `"cidr": "10.20.0.0/20", "zones": 3`),
	} {
		if e, err := config.Load(folder(t, text), "e"); err != nil || !e.Gateway.RunsOnFargate() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatTasksCannotHaveIsSaid(t *testing.T) {
	t.Parallel()
	own := `"cidr": "10.20.0.0/20"`
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"what is of a function": {tasks(`, "memory": 512, "timeout": "10s", "concurrency": 5, "tracing": true, "rate": 5, "burst": 10`, own), []string{
			"gateway.memory is of a function", "gateway.timeout is", "gateway.concurrency is", "gateway.tracing is", "gateway.rate is", "gateway.burst is",
		}},
		"no network and no name": {`{"signingKeys": {"slots": [{"id": "a"}]}, "gateway": {"compute": "fargate", "policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a"}}`,
			[]string{"network is missing", "gateway.domain is missing"}},
		"no such computer": {`{"signingKeys": {"slots": [{"id": "a"}]}, "gateway": {"compute": "ec2", "policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a"}}`,
			[]string{"gateway.compute is one of lambda, fargate"}},
		"sizes": {tasks(`, "fargate": {"cpu": 300, "leastTasks": 5, "mostTasks": 4, "cpuTarget": 5, "imageUri": "signgate:latest", "internal": true}`, own), []string{
			"gateway.fargate.cpu is", "gateway.fargate.leastTasks", "gateway.fargate.cpuTarget", "gateway.fargate.imageUri", "gateway.fargate.allowRanges is missing",
		}},
		"memory":                       {tasks(`, "fargate": {"memory": 100}`, own), []string{"gateway.fargate.memory with 512 units"}},
		"one zone":                     {tasks("", own+`, "zones": 1`), []string{"network.zones is at least 2"}},
		"nowhere to put a balancer":    {tasks("", existingVPC), []string{"network.publicSubnetIds has two", "network.loadBalancerRanges is missing"}},
		"subnets of a network to come": {tasks("", own+balancer), []string{"are of an existing VPC"}},
		"one subnet within":            {tasks(`, "fargate": {"internal": true, "allowRanges": ["10.0.0.0/8"]}`, `"vpcId": "vpc-0123456789abcdef0", "subnetIds": ["subnet-0123456789abcdef0"], "routeTableIds": ["rtb-0123456789abcdef0"], "loadBalancerRanges": ["10.0.0.0/24"]`), []string{"network.subnetIds has two"}},
		"ports and regions": {tasks(`, "decisionHook": {"url": "https://app.example.com:8443/decisions", "secretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:hook-AbCdEf"}`, own), []string{
			`gateway.decisionHook.url "https://app.example.com:8443/decisions" isn't reached`, "gateway.decisionHook.secretArn is of another region",
		}},
		"a key of another region": {strings.Replace(tasks("", own), `{"id": "a"}`, `{"id": "a", "source": "kms", "kmsKey": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}`, 1),
			[]string{"signingKeys.slots[0].kmsKey is of another region"}},
		"a way to S3 alone":            {tasks("", own+`, "s3PrefixList": "pl-6ea54007"`), []string{"network.s3PrefixList keeps the gateway from its issuer"}},
		"a way to S3 alone, elsewhere": {tasks("", existingVPC+balancer+`, "s3PrefixList": "pl-6ea54007"`), []string{"network.s3PrefixList keeps the gateway from its issuer"}},
		"ranges that are none":         {tasks(`, "fargate": {"allowRanges": ["0.0.0.0/0", "10.0.0.1/8"]}`, existingVPC+`, "publicSubnetIds": ["x", "y"], "loadBalancerRanges": ["here"]`), []string{`"0.0.0.0/0"`, `"10.0.0.1/8"`, `"here"`, "network.publicSubnetIds holds"}},
		"a web ACL of CloudFront":      {tasks(`, "webAclArn": "arn:aws:wafv2:eu-central-1:111122223333:global/webacl/acl/1"`, own), []string{"gateway.webAclArn is the ARN of a web ACL for regional"}},
		"a web ACL of another region":  {tasks(`, "webAclArn": "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/acl/1"`, own), []string{"of wafv2 in eu-central-1"}},
		"a web ACL before a function":  {strings.Replace(tasks(`, "webAclArn": "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/acl/1"`, own), "fargate", "lambda", 1), []string{"AWS WAF can't be put in front of an HTTP API"}},
	} {
		_, err := config.Load(folder(t, c.text), "e")
		if !errors.Is(err, config.ErrInvalid) {
			t.Fatalf("%s: %v", name, err)
		}
		for _, text := range c.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v\ndoesn't say: %s", name, err, text)
			}
		}
	}
}

func TestWhatTheGatewayRunsOnCanBeAskedFor(t *testing.T) {
	t.Parallel()
	prod := os.DirFS("../environments")
	for on, want := range map[string]bool{config.OnFargate: true, config.Lambda: false} {
		if e, err := config.Load(prod, "prod", config.Compute(on)); err != nil || e.Gateway.RunsOnFargate() != want { // it has a rate, which only a function takes
			t.Errorf("%s: %v", on, err)
		}
	}
	for name, c := range map[string]struct{ text, on, says string }{
		"without what it takes":       {`{"signingKeys": {"slots": [{"id": "a"}]}, "gateway": {"policySet": "photos", "issuer": "https://issuer.example.com", "audience": "a"}}`, config.OnFargate, "network is missing"},
		"of nothing":                  {"{" + keys + "}", config.OnFargate, "gateway is missing"},
		"something else":              {tasks("", `"cidr": "10.20.0.0/20"`), "ec2", "one of lambda, fargate"},
		"a function behind a web ACL": {tasks(`, "webAclArn": "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/acl/1"`, `"cidr": "10.20.0.0/20"`), config.Lambda, "AWS WAF can't"},
	} {
		if _, err := config.Load(folder(t, c.text), "e", config.Compute(c.on)); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v doesn't say %s", name, err, c.says)
		}
	}
}

func TestAGatewayComesWithItsPoliciesAndRules(t *testing.T) {
	t.Parallel()
	const text = `{"signingKeys": {"slots": [{"id": "a"}]}, "gateway": {"policies": "rules", "uploadRules": "rules/rules.json", "issuer": "https://issuer.example.com", "audience": "photos"}}`
	e, err := config.Load(folder(t, text), "e")
	if err != nil {
		t.Fatal(err)
	}
	if policy, err := fs.ReadFile(e.Gateway.PolicyFiles, "p.cedar"); err != nil || len(policy) == 0 || len(e.Gateway.Rules) == 0 {
		t.Errorf("policy %q, %v; rules %q", policy, err, e.Gateway.Rules)
	}
	if e.SigningKeys.Source != config.Managed {
		t.Errorf("keys are %s where nothing is said", e.SigningKeys.Source)
	}
}

func TestSettingsOfTheGatewayAreHandedOn(t *testing.T) {
	t.Parallel()
	const text = `{"signingKeys": {"slots": [{"id": "a"}]}, "gateway": {"policies": "rules", "issuer": "https://issuer.example.com", "audience": "photos",
		"decisionHook": {"url": "https://app.example.com/decisions", "secretArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:hook-AbCdEf"},
		"settings": {"groupsClaim": "roles", "tokenAlgorithms": ["RS256", "ES256"], "maxUploadBytes": 1099511627776, "issuers": "rules/issuers.json"}}}`
	e, err := config.Load(folder(t, text), "e")
	if err != nil {
		t.Fatal(err)
	}
	want := settings.Values{"groups-claim": "roles", "token-algorithms": "RS256,ES256", "max-upload-bytes": "1099511627776"}
	if !maps.Equal(e.Gateway.Handed, want) || !strings.Contains(string(e.Gateway.IssuersFile), "partner") {
		t.Errorf("%v; issuers %s", e.Gateway.Handed, e.Gateway.IssuersFile)
	}
}

func TestAnUnknownEnvironmentIsToldWhichThereAre(t *testing.T) {
	t.Parallel()
	_, err := config.Load(folder(t, "{}"), "production")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "there are e") {
		t.Error(err)
	}
}

func TestANameThatStacksCantHaveIsRefused(t *testing.T) {
	t.Parallel()
	held := fstest.MapFS{"Prod_1.json": {Data: []byte("{}")}}
	if _, err := config.Load(held, "Prod_1"); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "name of the file") {
		t.Error(err)
	}
}
