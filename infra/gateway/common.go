package gateway

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/bundle"
	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/uploads"
)

// Program is the gateway's import path.
const Program = "github.com/signgate/signgate/api"

// parametersOnly is the variable of which settings are taken from Parameter
// Store.
const parametersOnly = "SIGNGATE_PARAMETERS_ONLY"

// Files of the gateway, beside its program.
const (
	policies    = "policies"
	uploadRules = "upload-rules.json"
	issuers     = "issuers.json"
)

// Common is what a gateway has however it runs. Role, Policies, SettingsPath,
// SigningSecret and LogDays have to be given.
type Common struct {
	// Role is who the gateway is on AWS: of a function, trusted by
	// lambda.amazonaws.com; of a service, by RunsTasks. What it may do in the
	// bucket is said by package content.
	Role awsiam.IRole
	// Policies is the folder of the Cedar policies that decide (*.cedar).
	Policies fs.FS
	// UploadRules is what the setting upload-rules names; nil: none.
	UploadRules []byte
	// Issuers is what the setting issuers names; nil: there is one issuer.
	Issuers []byte

	SettingsPath  string        // of parameters of SSM, such as /signgate/prod
	SigningSecret SigningSecret // where the signing keys are
	HookSecret    *HookSecret   // what the setting decision-hook-secret names; nil: no application is asked

	// The tables of settings grants-table, audit-table and api-keys-table; nil:
	// the gateway may use none.
	Grants, Audit, APIKeys *Table
	// AuditStream says that the setting audit-stream names a stream.
	AuditStream bool

	Domain *Domain // nil: a function's API has a name of its own, which is turned off where there is a domain

	LogDays int // how long logs are kept, the audit trail among them unless Audit or AuditStream is given
	Retain  bool
	Guard   policy.Guard // of the key of the logs
}

// SigningSecret is the secret of Secrets Manager that holds the document of
// signing keys (package keyring).
type SigningSecret struct {
	ARN string // with its six random characters
	// KeyARN is the key of KMS that encrypts it. Empty: Secrets Manager's own,
	// which takes no permission.
	KeyARN string
	// SignWith are the keys of KMS that sign, where the document names any.
	SignWith []string
}

// HookSecret is the secret of Secrets Manager that signs the questions to an
// application.
type HookSecret struct {
	ARN    string // with its six random characters
	KeyARN string // as SigningSecret's
}

// Table is a table of DynamoDB.
type Table struct {
	ARN     string
	Indexes []string // names of its global secondary indexes
}

// Network is where in a VPC the gateway is. It has to reach Parameter Store,
// Secrets Manager, its issuer and its tables from there.
type Network struct {
	VPC           awsec2.IVpc
	Subnets       *awsec2.SubnetSelection
	SecurityGroup awsec2.ISecurityGroup
}

// Domain is a name of one's own.
type Domain struct {
	Name        string                             // such as api.example.com
	Certificate awscertificatemanager.ICertificate // of the same region
	Zone        awsroute53.IHostedZone             // gets the name; nil: it is pointed by hand
}

const (
	pathPattern   = `^(/[A-Za-z0-9_.-]+)+$`
	domainPattern = `^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`
)

func (c *Common) check(found *complaints.List) {
	found.When(c.Role == nil, "Role is missing: who is the gateway?")
	found.When(!regexp.MustCompile(pathPattern).MatchString(c.SettingsPath) || strings.HasPrefix(c.SettingsPath, "/aws"), "SettingsPath: %q is such as /signgate/prod", c.SettingsPath)
	c.checkFiles(found)
	c.SigningSecret.check(found)
	if c.HookSecret != nil {
		checkARN(found, "HookSecret.ARN", c.HookSecret.ARN, "secretsmanager")
		checkKey(found, "HookSecret.KeyARN", c.HookSecret.KeyARN)
	}
	for name, table := range c.tables() {
		checkARN(found, name+".ARN", table.ARN, "dynamodb")
	}
	if c.Domain != nil {
		found.When(!regexp.MustCompile(domainPattern).MatchString(c.Domain.Name), "Domain.Name: %q is no name such as api.example.com", c.Domain.Name)
		found.When(c.Domain.Certificate == nil, "Domain.Certificate is missing")
	}
	found.When(c.LogDays < 1, "LogDays is at least 1: how long are logs kept?")
	c.Guard.Check(found)
}

func (n *Network) check(found *complaints.List) {
	found.When(n != nil && (n.VPC == nil || n.Subnets == nil || n.SecurityGroup == nil), "Network names VPC, Subnets and SecurityGroup")
}

// checkFiles finds now what the gateway would refuse to start with.
func (c *Common) checkFiles(found *complaints.List) {
	if c.Policies == nil {
		found.When(true, "Policies is missing: who may do what?")
	} else if _, err := access.Load(c.Policies); err != nil {
		found.When(true, "Policies: %v", err)
	}
	if c.UploadRules != nil {
		_, err := uploads.ParseRules(c.UploadRules)
		found.When(err != nil, "UploadRules: %v", err)
	}
	if c.Issuers != nil {
		_, err := callers.ParseIssuers(c.Issuers)
		found.When(err != nil, "Issuers: %v", err)
	}
}

func (s SigningSecret) check(found *complaints.List) {
	checkARN(found, "SigningSecret.ARN", s.ARN, "secretsmanager")
	checkKey(found, "SigningSecret.KeyARN", s.KeyARN)
	for _, key := range s.SignWith {
		checkARN(found, "SigningSecret.SignWith", key, "kms")
	}
}

// checkKey takes none for a key of Secrets Manager's own.
func checkKey(found *complaints.List, member, arn string) {
	if arn != "" {
		checkARN(found, member, arn, "kms")
	}
}

// checkARN wants exactly one thing: a pattern would widen a permission.
func checkARN(found *complaints.List, member, arn, service string) {
	known := !*awscdk.Token_IsUnresolved(arn)
	found.When(known && !regexp.MustCompile(`^arn:[a-z-]+:`+service+`:[^*?]+$`).MatchString(arn), "%s: %q is no ARN of %s", member, arn, service)
}

// tables are those that are given, by their member's name.
func (c *Common) tables() map[string]*Table {
	given := map[string]*Table{}
	for name, table := range map[string]*Table{"Grants": c.Grants, "Audit": c.Audit, "APIKeys": c.APIKeys} {
		if table != nil {
			given[name] = table
		}
	}
	return given
}

// program is the gateway with its files.
func (c *Common) program() bundle.Program {
	files := map[string][]byte{}
	names, err := fs.Glob(c.Policies, "*.cedar")
	if err != nil {
		panic(fmt.Errorf("%w: Policies: %w", ErrInvalid, err))
	}
	for _, name := range names {
		text, err := fs.ReadFile(c.Policies, name)
		if err != nil {
			panic(fmt.Errorf("%w: Policies: %w", ErrInvalid, err))
		}
		files[policies+"/"+name] = text
	}
	if c.UploadRules != nil {
		files[uploadRules] = c.UploadRules
	}
	if c.Issuers != nil {
		files[issuers] = c.Issuers
	}
	return bundle.Program{Package: Program, Files: files}
}

// environment is where the gateway finds the rest, its files in the folder.
// Names only: whoever may look at the function, or the task, sees it.
func (c *Common) environment(folder string) map[string]*string {
	values := map[string]*string{
		"SIGNGATE_PARAMETERS": jsii.String(c.SettingsPath),
		"SIGNGATE_POLICIES":   jsii.String(folder + policies),
	}
	if c.UploadRules != nil {
		values["SIGNGATE_UPLOAD_RULES"] = jsii.String(folder + uploadRules)
	}
	if c.Issuers != nil {
		values["SIGNGATE_ISSUERS"] = jsii.String(folder + issuers)
	}
	return values
}

// newLogs makes the group of the gateway's log, and the key of all its logs.
func (c *Common) newLogs(scope constructs.Construct) (awslogs.CfnLogGroup, awskms.Key) {
	key := c.Guard.NewKey(scope, "LogKey", "signgate: the gateway's logs", removal(c.Retain), observability.LogGroupsEncrypt(scope))
	return observability.NewLogGroup(scope, jsii.String("Logs"), key, c.LogDays, c.Retain), key
}

// newRecord points the domain's name at the gateway, if there is a zone for
// it. However the gateway runs, its id is the same, and so the name moves from
// the one to the other in one step.
func (c *Common) newRecord(scope constructs.Construct, at awsroute53.IAliasRecordTarget) awsroute53.ARecord {
	if c.Domain == nil || c.Domain.Zone == nil {
		return nil
	}
	return awsroute53.NewARecord(scope, jsii.String("Record"), &awsroute53.ARecordProps{
		Zone: c.Domain.Zone, RecordName: jsii.String(c.Domain.Name + "."), Target: awsroute53.RecordTarget_FromAlias(at),
	})
}

func removal(retain bool) awscdk.RemovalPolicy {
	if retain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}
