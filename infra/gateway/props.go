package gateway

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/uploads"
)

// ErrInvalid is wrapped by the error of Validate.
var ErrInvalid = errors.New("invalid gateway")

// What Lambda and API Gateway allow (AWS Lambda Developer Guide, "Lambda
// quotas"; API Gateway Developer Guide, "Quotas for configuring and running an
// HTTP API").
const (
	leastMemory = 128 // MiB
	mostMemory  = 10240
	// longestWait is how long an HTTP API waits for an answer.
	longestWait = 30 * time.Second
	// longestRun is how long a function may take, such as for the end of an
	// upload whose caller was told already that it failed.
	longestRun = 15 * time.Minute
)

// Defaults of what is left out.
const (
	DefaultMemory  = 512              // MiB
	DefaultTimeout = 29 * time.Second // an answer is there before the API stops waiting
)

// Props is what a gateway is made of. Role, Policies, SettingsPath,
// SigningSecret and LogDays have to be given.
type Props struct {
	// Role is who the gateway is on AWS, trusted by lambda.amazonaws.com. What
	// it may do in the bucket is said by package content.
	Role awsiam.IRole
	// Code of the function; nil: the program is built. Policies and
	// UploadRules have to be in it then, as files policies/NAME and
	// upload-rules.json.
	Code awslambda.Code
	// Policies is the folder of the Cedar policies that decide (*.cedar).
	Policies fs.FS
	// UploadRules is what the setting upload-rules names; nil: none.
	UploadRules []byte

	SettingsPath  string        // of parameters of SSM, such as /signgate/prod
	SigningSecret SigningSecret // where the signing keys are

	// The tables of settings grants-table, audit-table and api-keys-table; nil:
	// the gateway may use none.
	Grants, Audit, APIKeys *Table

	Memory      int           // MiB; 0: DefaultMemory. Lambda gives processors by memory
	Timeout     time.Duration // of an invocation; 0: DefaultTimeout
	Concurrency int           // reserved for this function, and its most; 0: what the account has left
	Tracing     bool          // by X-Ray, which AWS bills
	Network     *Network      // nil: outside any VPC

	Throttling Throttling
	Domain     *Domain // nil: the API's own name, which is turned off where there is a domain

	LogDays int // how long logs are kept, the audit trail among them unless Audit is given
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

// Table is a table of DynamoDB.
type Table struct {
	ARN     string
	Indexes []string // names of its global secondary indexes
}

// Network is where in a VPC the function is. It has to reach Parameter Store,
// Secrets Manager, its issuer and its tables from there.
type Network struct {
	VPC           awsec2.IVpc
	Subnets       *awsec2.SubnetSelection
	SecurityGroup awsec2.ISecurityGroup
}

// Throttling is what the API lets through to the function, all callers
// together; the rest gets 429. The zero value: as much as the account's quota.
type Throttling struct {
	Rate  float64 // requests a second
	Burst int     // at once
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

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
// NewFunction panics with it, as CDK does.
func (p *Props) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: there are no props", ErrInvalid)
	}
	var found complaints.List
	found.When(p.Role == nil, "Role is missing: who is the gateway?")
	found.When(!regexp.MustCompile(pathPattern).MatchString(p.SettingsPath) || strings.HasPrefix(p.SettingsPath, "/aws"), "SettingsPath: %q is such as /signgate/prod", p.SettingsPath)
	p.checkFiles(&found)
	p.SigningSecret.check(&found)
	for name, table := range p.tables() {
		checkARN(&found, name+".ARN", table.ARN, "dynamodb")
	}
	found.When(p.memory() < leastMemory || p.memory() > mostMemory, "Memory is %d to %d MiB, not %d", leastMemory, mostMemory, p.Memory)
	found.When(p.timeout() < time.Second || p.timeout() > longestRun || p.timeout()%time.Second != 0, "Timeout is whole seconds, up to %s, not %s", longestRun, p.Timeout)
	found.When(p.Concurrency < 0, "Concurrency counts from 0")
	found.When(p.Network != nil && (p.Network.VPC == nil || p.Network.Subnets == nil || p.Network.SecurityGroup == nil), "Network names VPC, Subnets and SecurityGroup")
	p.Throttling.check(&found)
	if p.Domain != nil {
		found.When(!regexp.MustCompile(domainPattern).MatchString(p.Domain.Name), "Domain.Name: %q is no name such as api.example.com", p.Domain.Name)
		found.When(p.Domain.Certificate == nil, "Domain.Certificate is missing")
	}
	found.When(p.LogDays < 1, "LogDays is at least 1: how long are logs kept?")
	p.Guard.Check(&found)
	return found.Err(ErrInvalid)
}

// checkFiles finds now what the gateway would refuse to start with.
func (p *Props) checkFiles(found *complaints.List) {
	if p.Policies == nil {
		found.When(true, "Policies is missing: who may do what?")
	} else if _, err := access.Load(p.Policies); err != nil {
		found.When(true, "Policies: %v", err)
	}
	if p.UploadRules == nil {
		return
	}
	if _, err := uploads.ParseRules(p.UploadRules); err != nil {
		found.When(true, "UploadRules: %v", err)
	}
}

func (s SigningSecret) check(found *complaints.List) {
	checkARN(found, "SigningSecret.ARN", s.ARN, "secretsmanager")
	if s.KeyARN != "" {
		checkARN(found, "SigningSecret.KeyARN", s.KeyARN, "kms")
	}
	for _, key := range s.SignWith {
		checkARN(found, "SigningSecret.SignWith", key, "kms")
	}
}

func (t Throttling) check(found *complaints.List) {
	found.When(t.Rate < 0 || t.Burst < 0 || (t.Rate == 0) != (t.Burst == 0), "Throttling takes both Rate and Burst, or neither")
}

// checkARN wants exactly one thing: a pattern would widen a permission.
func checkARN(found *complaints.List, member, arn, service string) {
	known := !*awscdk.Token_IsUnresolved(arn)
	found.When(known && !regexp.MustCompile(`^arn:[a-z-]+:`+service+`:[^*?]+$`).MatchString(arn), "%s: %q is no ARN of %s", member, arn, service)
}

// tables are those that are given, by their member's name.
func (p *Props) tables() map[string]*Table {
	given := map[string]*Table{}
	for name, table := range map[string]*Table{"Grants": p.Grants, "Audit": p.Audit, "APIKeys": p.APIKeys} {
		if table != nil {
			given[name] = table
		}
	}
	return given
}

func (p *Props) memory() int {
	if p.Memory == 0 {
		return DefaultMemory
	}
	return p.Memory
}

func (p *Props) timeout() time.Duration {
	if p.Timeout == 0 {
		return DefaultTimeout
	}
	return p.Timeout
}

// wait is how long the API waits.
func (p *Props) wait() time.Duration { return min(p.timeout()+time.Second, longestWait) }
