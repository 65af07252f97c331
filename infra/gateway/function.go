package gateway

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/policy"
)

// task is where Lambda unpacks the function's files (AWS Lambda Developer Guide,
// "Working with .zip file archives").
const task = "/var/task/"

// Function is the gateway behind its API.
type Function interface {
	constructs.Construct
	// URL is where callers reach the gateway, its setting public-url: without a
	// slash at its end. It is a token where there is no domain.
	URL() *string
	// Target is what the domain's name is to be pointed at (CNAME), a token;
	// nil: there is no domain, or its zone has been told.
	Target() *string
	// Lambda is the function.
	Lambda() awslambda.IFunction
	// LogGroup is the name of the function's logs, a token: the gateway's log,
	// its audit trail unless a table or a stream keeps that, and its metrics.
	LogGroup() *string
	// AccessLogs is the name of the log group with the API's access logs, a
	// token: a line of JSON for each request, whose members are text.
	AccessLogs() *string
	// APIID is the id of the HTTP API, a token, by which CloudWatch knows its
	// metrics.
	APIID() *string
	// StartAfter has the function's processes start once these are there, such
	// as the parameters of settings. Settings are read at a process's start
	// only: when the digest, of what they say, is another, Lambda starts them
	// anew. They take the settings of these names and no others, for what a
	// deployment deletes is there until it ends.
	StartAfter(digest string, names []string, there ...constructs.IDependable)
}

type function struct {
	constructs.Construct
	props  *Props
	lambda awslambda.Function
	logs   awslogs.CfnLogGroup
	access awslogs.CfnLogGroup
	apiID  *string
	url    *string
	target *string
}

func (f *function) URL() *string                { return f.url }
func (f *function) Target() *string             { return f.target }
func (f *function) Lambda() awslambda.IFunction { return f.lambda }
func (f *function) LogGroup() *string           { return f.logs.Ref() }
func (f *function) AccessLogs() *string         { return f.access.Ref() }
func (f *function) APIID() *string              { return f.apiID }

func (f *function) StartAfter(digest string, names []string, there ...constructs.IDependable) {
	f.lambda.AddEnvironment(jsii.String("SETTINGS_DIGEST"), jsii.String(digest), nil)
	f.lambda.AddEnvironment(jsii.String(parametersOnly), jsii.String(strings.Join(names, ",")), nil)
	f.lambda.Node().AddDependency(there...)
}

// NewFunction makes the function and its API. It panics with the error of
// Validate, as CDK does.
func NewFunction(scope constructs.Construct, id *string, props *Props) Function {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &function{props: props}
	constructs.NewConstruct_Override(this, scope, id)
	logs, key := props.newLogs(this)
	this.logs = logs
	this.lambda = this.newLambda()
	this.access = observability.NewLogGroup(this, jsii.String("AccessLogs"), key, props.LogDays, props.Retain)
	this.newAPI(this.access)
	return this
}

func (f *function) newLambda() awslambda.Function {
	props := f.props
	allowed := policy.Attach(f, "Permissions", props.Role, f.permissions()...)
	options := &awslambda.FunctionProps{
		Description:  jsii.String("signgate: hands out access to private objects"),
		Architecture: awslambda.Architecture_ARM_64(), Runtime: awslambda.Runtime_PROVIDED_AL2023(), Handler: jsii.String("bootstrap"),
		Code: f.code(), Environment: f.environment(), LogGroup: awslogs.LogGroup_FromLogGroupName(f, jsii.String("LogsByName"), f.logs.Ref()),
		// A view of the role that CDK can't widen by what it thinks is needed.
		Role:       awsiam.Role_FromRoleArn(f, jsii.String("Role"), props.Role.RoleArn(), &awsiam.FromRoleArnOptions{Mutable: jsii.Bool(false)}),
		MemorySize: jsii.Number(props.memory()), Timeout: awscdk.Duration_Seconds(jsii.Number(props.timeout().Seconds())),
	}
	if props.Concurrency > 0 {
		options.ReservedConcurrentExecutions = jsii.Number(props.Concurrency)
	}
	if props.Tracing {
		options.Tracing = awslambda.Tracing_ACTIVE
	}
	if props.Network != nil {
		options.Vpc, options.VpcSubnets = props.Network.VPC, props.Network.Subnets
		options.SecurityGroups = &[]awsec2.ISecurityGroup{props.Network.SecurityGroup}
	}
	made := awslambda.NewFunction(f, jsii.String("Function"), options)
	made.Node().AddDependency(allowed) // Lambda tries the role before it makes a function in a VPC
	return made
}

func (f *function) environment() *map[string]*string { return new(f.props.environment(task)) }

func (f *function) code() awslambda.Code {
	if f.props.Code != nil {
		return f.props.Code
	}
	return f.props.program().Code()
}
