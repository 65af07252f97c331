package config

import (
	"io/fs"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/signgate/signgate/pkg/settings"
)

// Environment is one deployment of signgate: its stacks, roles, keys and
// limits are its own. A member that a file leaves out has the default of
// Defaults; what is nil by default is off.
type Environment struct {
	Name string `json:"-"` // the name of its file, and part of the names of its stacks

	Account string            `json:"account"` // 12 digits; without it and Region the stacks go wherever they are deployed
	Region  string            `json:"region"`  // of the bucket and the gateway, such as eu-central-1
	Tags    map[string]string `json:"tags"`    // on everything that takes tags

	// Retain keeps bucket, keys and logs when their stack is deleted, and
	// protects the stacks from being deleted.
	Retain bool `json:"retain"`

	Access        Access        `json:"access"`
	Content       Content       `json:"content"`
	Delivery      Delivery      `json:"delivery"`
	SigningKeys   SigningKeys   `json:"signingKeys"`
	Gateway       *Gateway      `json:"gateway"` // none: it runs elsewhere, under the role that the stack makes
	Observability Observability `json:"observability"`
	Network       *Network      `json:"network"` // the gateway in a VPC, whose way to S3 leads to this bucket only
	Limits        Limits        `json:"limits"`

	asked bool // what the gateway runs on isn't said by the file
}

// Access is who may change what everything rests on. Roles are named by
// patterns of their ARNs, in which * stands for anything.
type Access struct {
	Deployers      []string `json:"deployers"`      // may change the bucket's policy and settings; none: the execution role of CDK's bootstrap
	Administrators []string `json:"administrators"` // may also delete versions for good; none: nobody may
	RequireMFA     bool     `json:"requireMfa"`     // of administrators, for all of that
	Boundary       string   `json:"boundary"`       // name of the policy that bounds every role of the stacks
}

// Content is about the private bucket.
type Content struct {
	BucketName           string    `json:"bucketName"`           // none: CloudFormation makes one up
	Encryption           string    `json:"encryption"`           // KMS or S3
	KeyARN               string    `json:"keyArn"`               // an existing key of KMS; its policy is its owner's matter
	DecryptFor           string    `json:"decryptFor"`           // DistributionOnly or AnyDistribution
	TransferAcceleration bool      `json:"transferAcceleration"` // uploads by S3 Transfer Acceleration
	UploadOrigins        []string  `json:"uploadOrigins"`        // of pages that upload; none: no browser may
	Lifecycle            Lifecycle `json:"lifecycle"`
	Backup               *Backup   `json:"backup"` // a copy that the gateway can neither read nor delete
}

// How objects are encrypted at rest.
const (
	KMS = "kms" // with a key of the environment's own
	S3  = "s3"  // with S3's keys
)

// For whom the key decrypts.
const (
	DistributionOnly = "distribution" // this distribution and no other
	AnyDistribution  = "account"      // any of the account, for this bucket, which lets only this one read
)

// Lifecycle is what S3 tidies up by itself, in days. 0 is never.
type Lifecycle struct {
	AbortUploads       int `json:"abortUploads"`       // uploads in parts that nobody finished
	QuarantineExpire   int `json:"quarantineExpire"`   // uploads that were never taken over
	OldVersionsGlacier int `json:"oldVersionsGlacier"` // versions that were replaced or deleted move to Glacier
	OldVersionsExpire  int `json:"oldVersionsExpire"`  // and are gone
}

// Backup is a second bucket that every object is copied to.
type Backup struct {
	Glacier int `json:"glacier"` // days until copies move to Glacier
	Expire  int `json:"expire"`  // days until copies that were replaced are gone
}

// Delivery is about the distribution.
type Delivery struct {
	PriceClass    string   `json:"priceClass"`    // 100, 200 or all: which of CloudFront's locations serve
	Domain        *Domain  `json:"domain"`        // none: CloudFront's own name
	BindAddresses bool     `json:"bindAddresses"` // URLs may be bound to an IPv4 address, so IPv6 is off
	Origins       []string `json:"origins"`       // of pages that read with their cookies; none: any page may read by URL
	Cache         Cache    `json:"cache"`
	Geo           *Geo     `json:"geo"`
	Firewall      *WAF     `json:"firewall"`
	Writes        *Writes  `json:"writes"` // a behaviour of its own, with its own keys, that uploads and deletes
	AccessLogs    bool     `json:"accessLogs"`
	LogQueries    bool     `json:"logQueries"` // with the issue id, and the signature: see delivery.AccessLogsProps
}

// Domain is a name of one's own for the distribution.
type Domain struct {
	Name           string `json:"name"`           // such as cdn.example.com
	CertificateARN string `json:"certificateArn"` // of us-east-1; none: one is requested, proven by the zone
	ZoneID         string `json:"zoneId"`         // hosted zone of Route 53 that gets the name; none: the name is pointed by hand
	ZoneName       string `json:"zoneName"`       // such as example.com
}

// Cache is how long CloudFront keeps objects.
type Cache struct {
	Min     Duration `json:"min"`
	Default Duration `json:"default"` // where the object says nothing
	Max     Duration `json:"max"`
}

// Geo says where viewers are: Allow or Block, not both.
type Geo struct {
	Allow []string `json:"allow"` // ISO 3166-1 alpha-2
	Block []string `json:"block"`
}

// WAF is AWS WAF in front of the distribution.
type WAF struct {
	ACLARN       string   `json:"aclArn"`       // an existing web ACL of us-east-1, instead of the rest
	AllowRanges  []string `json:"allowRanges"`  // only these ranges of addresses, such as 192.0.2.0/24, may read
	RatePer5Mins int      `json:"ratePer5Mins"` // requests of one address in five minutes; 0: no limit
}

// Writes is the behaviour that uploads and deletes through the distribution.
type Writes struct {
	PathPrefix  string `json:"pathPrefix"`  // in front of the key, such as /upload/
	SigningKeys []Slot `json:"signingKeys"` // never those of reads
}

// SigningKeys are the keys that the distribution trusts and the gateway signs
// with.
type SigningKeys struct {
	Source string `json:"source"` // Managed, InKMS or Own
	Slots  []Slot `json:"slots"`  // at most 5, CloudFront's limit of a key group
	Active string `json:"active"` // own: the slot whose private half signs. Else none, for the secret says so

	// Own: the secret of Secrets Manager with the document of the private keys,
	// and the key of KMS that encrypts it where that isn't Secrets Manager's.
	SecretARN    string `json:"secretArn"`
	SecretKeyARN string `json:"secretKeyArn"`
}

// Where signing keys come from.
const (
	Managed = "managed" // they are made when they are deployed, and nobody ever sees a private half
	InKMS   = "kms"     // their private halves never leave KMS
	Own     = "own"     // somebody has made them: the slots name files of public keys
)

// Slot is one public key.
type Slot struct {
	ID        string `json:"id"`        // lower-case letters and digits
	PublicKey string `json:"publicKey"` // own: PEM file, beside the environment's: an ECDSA key on P-256 or an RSA key of 2,048 bits
	Source    string `json:"source"`    // Managed or InKMS, where the slots of an environment are changed from one to the other; none: as of all
	KMSKey    string `json:"kmsKey"`    // kms: ARN of an existing key, ECC_NIST_P256 or RSA_2048; none: one is made. Own: of the key that the secret names for this slot
	PEM       string `json:"-"`         // what the file holds
}

// Gateway is the gateway: a function behind an API, or tasks behind a load
// balancer.
type Gateway struct {
	Compute string `json:"compute"` // Lambda or OnFargate; none: Lambda

	Policies    string `json:"policies"`    // folder of Cedar policies, beside the environment's file, or
	PolicySet   string `json:"policySet"`   // the name of a set that comes with signgate, such as photos
	UploadRules string `json:"uploadRules"` // JSON file of rules for uploads; none: there are none
	Issuer      string `json:"issuer"`      // OIDC issuer of access tokens, as in their iss claim
	Audience    string `json:"audience"`    // that they must name

	// Of a function.
	Memory      int      `json:"memory"`      // MiB; 0: 512
	Timeout     Duration `json:"timeout"`     // of an invocation; 0: 29s
	Concurrency int      `json:"concurrency"` // reserved for it, and its most; 0: what the account has left
	Tracing     bool     `json:"tracing"`     // by X-Ray
	Rate        float64  `json:"rate"`        // requests a second that the API lets through, and
	Burst       int      `json:"burst"`       // at once; 0 both: the account's quota

	// Of tasks. It may stand beside what is of a function, so that the same
	// file makes either.
	Fargate Fargate `json:"fargate"`
	// WebACLARN is a web ACL of AWS WAF in front of the load balancer. An HTTP
	// API can't have one.
	WebACLARN string `json:"webAclArn"`

	Sharing     bool `json:"sharing"`     // a table of what is shared; without it nothing can be
	APIKeys     bool `json:"apiKeys"`     // a table of API keys of machines
	AuditTable  bool `json:"auditTable"`  // the audit trail in a table, or
	AuditStream bool `json:"auditStream"` // in files of S3, by Data Firehose; without either in the function's log

	Domain *APIDomain `json:"domain"` // none: the API's own name; tasks need one

	// Settings are settings of the gateway as in a file of its own (package
	// settings), as far as the stacks don't decide them; Handed says which.
	// issuers names a file beside the environment's.
	Settings     jsontext.Value `json:"settings"`
	DecisionHook *DecisionHook  `json:"decisionHook"` // an application that is asked about decisions

	Handed      settings.Values `json:"-"` // what Settings holds
	IssuersFile []byte          `json:"-"` // what the file of issuers holds
	PolicyFiles fs.FS           `json:"-"` // the policies
	Rules       []byte          `json:"-"` // what the file of upload rules holds
}

// DecisionHook is an application that is asked about decisions.
type DecisionHook struct {
	URL          string `json:"url"`          // such as https://app.example.com/decisions
	SecretARN    string `json:"secretArn"`    // of the secret of Secrets Manager that signs the questions
	SecretKeyARN string `json:"secretKeyArn"` // the key of KMS that encrypts it where that isn't Secrets Manager's
}

// What the gateway runs on.
const (
	Lambda    = "lambda"
	OnFargate = "fargate"
)

// RunsOnFargate says whether the gateway is tasks behind a load balancer.
func (g *Gateway) RunsOnFargate() bool { return g != nil && g.Compute == OnFargate }

// Fargate is the gateway's tasks on ECS Fargate, and their load balancer.
type Fargate struct {
	CPU            int      `json:"cpu"`            // units, of which a processor has 1,024; 0: 512
	Memory         int      `json:"memory"`         // MiB; 0: 1024, or the least that goes with cpu
	LeastTasks     int      `json:"leastTasks"`     // 0: two
	MostTasks      int      `json:"mostTasks"`      // 0: ten
	CPUTarget      int      `json:"cpuTarget"`      // percent that processors are kept at by more or fewer tasks; 0: 50
	ImageURI       string   `json:"imageUri"`       // in Amazon ECR, by its digest; none: it is built
	Internal       bool     `json:"internal"`       // the load balancer isn't reached from the internet
	AllowRanges    []string `json:"allowRanges"`    // who may connect to it; none: everybody, unless it is internal
	ConnectionLogs bool     `json:"connectionLogs"` // who connected, and how, in the bucket of access logs
}

// APIDomain is a name of one's own for the gateway.
type APIDomain struct {
	Name           string `json:"name"`           // such as api.example.com
	CertificateARN string `json:"certificateArn"` // of the environment's region; none: one is requested, proven by the zone
	ZoneID         string `json:"zoneId"`         // hosted zone of Route 53 that gets the name; none: the name is pointed by hand, at the output PublicUrlTarget
	ZoneName       string `json:"zoneName"`       // such as example.com
}

// Observability is about logs and alarms.
type Observability struct {
	LogBucketARN string  `json:"logBucketArn"` // an existing bucket for access logs
	LogsExpire   int     `json:"logsExpire"`   // days
	Trail        bool    `json:"trail"`        // CloudTrail records what is done to objects
	Dashboard    bool    `json:"dashboard"`
	Alarms       *Alarms `json:"alarms"`
}

// Alarms tell a topic: those of the distribution one of us-east-1, where
// CloudFront's metrics are, and those of the gateway one of its region, which
// is another where the region is.
type Alarms struct {
	TopicARN        string `json:"topicArn"`        // of us-east-1; none: one is made
	GatewayTopicARN string `json:"gatewayTopicArn"` // of the environment's region where that is another; none: one is made
	Email           string `json:"email"`           // who is told by the topics that are made

	// Of the distribution:
	ErrorRate float64 `json:"errorRate"` // percent of requests that fail at the origin (5xx)
	Refusals  float64 `json:"refusals"`  // percent of requests that are refused (4xx)

	// Of the gateway:
	ServerErrors float64  `json:"serverErrors"` // percent of requests that fail (5xx); 0: 1
	Latency      Duration `json:"latency"`      // of the slowest of a hundred answers; 0: 2s
	Denials      float64  `json:"denials"`      // percent of decisions that are no, and of requests of unknown callers; 0: 50; 100: never
	KeyAge       int      `json:"keyAge"`       // days that a key signs; 0: 97, a quarter of a year and the deployments of a rotation
}

// Network is the VPC of the gateway: one of its own, or an existing one.
type Network struct {
	CIDR        string `json:"cidr"`        // of a VPC of its own
	Zones       int    `json:"zones"`       // its availability zones; 0: two
	NATGateways int    `json:"natGateways"` // its ways to the internet, which the issuer's keys are fetched by

	VPCID         string   `json:"vpcId"` // of an existing VPC, with
	SubnetIDs     []string `json:"subnetIds"`
	RouteTableIDs []string `json:"routeTableIds"`
	// For a load balancer: where it is, unless it is internal, and the ranges of
	// addresses of the subnets that it is in.
	PublicSubnetIDs    []string `json:"publicSubnetIds"`
	LoadBalancerRanges []string `json:"loadBalancerRanges"`

	S3PrefixList string `json:"s3PrefixList"` // see network.Props
}

// Limits are what the bucket and the gateway both hold.
type Limits struct {
	MaxUploadLife Duration `json:"maxUploadLife"` // of a presigned request; the bucket refuses older ones
	MaxReadLife   Duration `json:"maxReadLife"`   // of a signed URL
}

// Duration is text such as "15m" in a file.
type Duration time.Duration

// NeedsBefore says whether the distribution needs something that AWS keeps in
// us-east-1 only: a web ACL or a certificate to be made.
func (e *Environment) NeedsBefore() bool {
	firewall, domain := e.Delivery.Firewall, e.Delivery.Domain
	return firewall != nil && firewall.ACLARN == "" || domain != nil && domain.CertificateARN == ""
}

// NeedsAfter says whether something in us-east-1 looks at the distribution:
// the delivery of its access logs, or alarms.
func (e *Environment) NeedsAfter() bool {
	return e.Delivery.AccessLogs || e.Observability.Alarms != nil
}
