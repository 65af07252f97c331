package stacks

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/config"
	"github.com/signgate/signgate/infra/content"
	"github.com/signgate/signgate/infra/delivery"
	"github.com/signgate/signgate/infra/gateway"
	"github.com/signgate/signgate/infra/network"
	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/stores"
	"github.com/signgate/signgate/pkg/edge"
)

// edgeRegion is where AWS keeps what belongs to CloudFront: web ACLs,
// certificates, metrics, and the delivery of access logs.
const edgeRegion = "us-east-1"

// Environment is the stacks of one environment. Content holds the bucket, the
// distribution and everything that has no region of its own. Where it isn't in
// us-east-1, Before holds what the distribution needs from there, and After
// what looks at the distribution from there; else they are Content itself.
type Environment struct {
	Content, Before, After awscdk.Stack

	config config.Environment
	guard  policy.Guard

	gateway      awsiam.Role
	logs         awss3.IBucket           // gets access logs
	accessLogs   observability.LogBucket // nil where logs is another's
	bucket       content.Bucket
	keys         keys
	distribution delivery.Distribution
	network      network.StorageAccess // nil where the gateway is in no VPC
	tables       stores.Tables         // nil where the gateway keeps nothing in tables
	function     gateway.Function      // nil where the gateway runs elsewhere, or as
	service      gateway.Service       // tasks behind a load balancer
	execution    awsiam.Role           // of those who start them

	auditStream observability.AuditStream // nil where the trail is kept elsewhere
}

// quarantine is where uploads land that are to be verified.
const quarantine = "quarantine/"

// New makes the stacks of an environment in the app.
func New(app constructs.Construct, environment config.Environment) *Environment {
	e := &Environment{config: environment, guard: policy.Guard{
		Deployers: environment.Access.Deployers, Administrators: environment.Access.Administrators, RequireMFA: environment.Access.RequireMFA,
	}}
	e.makeStacks(app)
	e.makeContent()
	e.makeDelivery()
	e.makeTables()
	e.makeAuditStream()
	e.connect()
	e.makeGateway()
	e.observe()
	e.putOut()
	return e
}

// makeStacks makes as many stacks as the environment's regions ask for.
func (e *Environment) makeStacks(app constructs.Construct) {
	region, name := e.config.Region, "signgate-"+e.config.Name
	e.Content = e.newStack(app, name, region, "Private objects, delivered by one distribution")
	e.Before, e.After = e.Content, e.Content
	if region == "" { // nobody knows yet
		if e.config.NeedsBefore() || e.config.NeedsAfter() {
			mustBeInEdgeRegion(e.Content)
		}
		return
	}
	if region == edgeRegion {
		return
	}
	if e.config.NeedsBefore() {
		e.Before = e.newStack(app, name+"-before", edgeRegion, "What the distribution needs from "+edgeRegion)
	}
	if e.config.NeedsAfter() {
		e.After = e.newStack(app, name+"-after", edgeRegion, "What looks at the distribution from "+edgeRegion)
	}
}

func (e *Environment) newStack(app constructs.Construct, name, region, description string) awscdk.Stack {
	props := &awscdk.StackProps{
		Description: jsii.String("signgate " + e.config.Name + ": " + description), TerminationProtection: jsii.Bool(e.config.Retain),
	}
	if region != "" {
		props.Env = &awscdk.Environment{Account: jsii.String(e.config.Account), Region: jsii.String(region)}
		props.CrossRegionReferences = jsii.Bool(e.config.Region != edgeRegion)
	}
	if boundary := e.config.Access.Boundary; boundary != "" {
		props.PermissionsBoundary = awscdk.PermissionsBoundary_FromName(jsii.String(boundary))
	}
	stack := awscdk.NewStack(app, jsii.String(name), props)
	for _, tag := range slices.Sorted(maps.Keys(e.config.Tags)) {
		awscdk.Tags_Of(stack).Add(jsii.String(tag), jsii.String(e.config.Tags[tag]), nil)
	}
	return stack
}

// mustBeInEdgeRegion refuses to deploy elsewhere a stack that nobody has given
// a region.
func mustBeInEdgeRegion(stack awscdk.Stack) {
	awscdk.NewCfnRule(stack, jsii.String("InUsEast1"), &awscdk.CfnRuleProps{Assertions: &[]*awscdk.CfnRuleAssertion{{
		Assert:            awscdk.Fn_ConditionEquals(awscdk.Aws_REGION(), edgeRegion),
		AssertDescription: jsii.String("Without a region of its own this environment is for " + edgeRegion + ": give it account and region"),
	}}})
}

// makeContent makes the gateway's role, the logs and the private bucket.
func (e *Environment) makeContent() {
	c, stack := e.config.Content, e.Content
	e.gateway = awsiam.NewRole(stack, jsii.String("GatewayRole"), &awsiam.RoleProps{
		AssumedBy:   e.runsGateway(),
		Description: jsii.String("The gateway: presigns uploads and deletes, and reads nothing but the quarantine"),
	})
	if e.config.Gateway.RunsOnFargate() {
		e.execution = gateway.NewExecutionRole(stack, jsii.String("GatewayExecutionRole"))
	}
	e.accessLogs = e.newLogs()
	props := &content.Props{
		Gateway: e.gateway, BucketName: c.BucketName, LogBucket: e.logs, LogPrefix: "s3/",
		TransferAcceleration: c.TransferAcceleration, UploadOrigins: c.UploadOrigins, QuarantinePrefix: quarantine,
		Lifecycle: content.Lifecycle(c.Lifecycle), Retain: e.config.Retain, MaxPresignAge: time.Duration(e.config.Limits.MaxUploadLife), Guard: e.guard,
	}
	if props.ReadOrigins = e.config.Delivery.Origins; len(props.ReadOrigins) == 0 {
		props.ReadOrigins = []string{"*"} // with a URL, and without cookies
	}
	if c.Encryption == config.S3 {
		props.Encryption = content.S3Managed
	}
	if c.DecryptFor == config.AnyDistribution {
		props.DecryptFor = content.AnyDistribution
	}
	if c.KeyARN != "" {
		props.Key = importedKey(stack, c.KeyARN)
	}
	if c.Backup != nil {
		props.Backup = new(content.Backup(*c.Backup))
	}
	e.bucket = content.NewBucket(stack, jsii.String("Content"), props)
	e.acceptLogs(e.bucket.Bucket(), "s3/Bucket/")
	if backup := e.bucket.Backup(); backup != nil {
		e.acceptLogs(backup, "s3/Backup/")
	}
}

// acceptLogs lets S3 deliver the access logs of a bucket.
func (e *Environment) acceptLogs(of awss3.IBucket, prefix string) {
	if e.accessLogs != nil {
		e.accessLogs.AcceptAccessLogs(*of.BucketArn(), prefix)
	}
}

// newLogs makes the bucket of access logs, or takes the one that is named,
// whose policy is its owner's matter.
func (e *Environment) newLogs() observability.LogBucket {
	if arn := e.config.Observability.LogBucketARN; arn != "" {
		e.logs = awss3.Bucket_FromBucketArn(e.Content, jsii.String("Logs"), jsii.String(arn))
		return nil
	}
	logs := observability.NewLogBucket(e.Content, jsii.String("Logs"), &observability.LogBucketProps{
		ExpireDays: e.config.Observability.LogsExpire, Retain: e.config.Retain, Guard: e.logsGuard(),
	})
	e.logs = logs.Bucket()
	return logs
}

// makeDelivery makes the distribution, and lets it read the bucket.
func (e *Environment) makeDelivery() {
	d, stack := e.config.Delivery, e.Content
	e.makeKeys()
	ids := *e.keys.trust.KeyIDs()
	keyIDs := make([]string, 0, len(ids))
	for _, id := range ids {
		keyIDs = append(keyIDs, *id)
	}
	props := &delivery.Props{
		Bucket: e.bucket.Bucket(), Keys: e.keys.trust.KeyGroup(), Comment: *stack.StackName(),
		Behavior: edge.ReadBehavior(keyIDs, edge.Lifetime{
			Min: time.Duration(d.Cache.Min), Default: time.Duration(d.Cache.Default), Max: time.Duration(d.Cache.Max),
		}, d.Origins...),
		PriceClass: priceClass(d.PriceClass), IPv4Only: d.BindAddresses, WebACL: e.webACL(), Domain: e.domain(),
	}
	if d.Geo != nil {
		props.Geo = new(delivery.Geo(*d.Geo))
	}
	if w := d.Writes; w != nil {
		trust := newTrust(stack, "WritingKeys", w.SigningKeys, w.SigningKeys[0].ID)
		props.Writes = &delivery.WriteBehavior{PathPrefix: w.PathPrefix, Keys: trust.KeyGroup()}
	}
	e.distribution = delivery.NewDistribution(stack, jsii.String("Delivery"), props)
	e.bucket.DeliverThrough(*e.distribution.DistributionARN())
	if d.Writes != nil {
		e.bucket.AllowWritesThrough(*e.distribution.DistributionARN())
	}
}
