package gateway

import (
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
)

// everything is the route, and the stage, that take every request.
const everything = "$default"

// newAPI passes every request on to the function.
func (f *function) newAPI(accessLogs awslogs.CfnLogGroup) {
	api := awsapigatewayv2.NewCfnApi(f, jsii.String("API"), &awsapigatewayv2.CfnApiProps{
		Name: awscdk.Names_UniqueResourceName(f, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(100), Separator: jsii.String("-")}), ProtocolType: jsii.String("HTTP"),
		Description:               jsii.String("signgate: hands out access to private objects"),
		DisableExecuteApiEndpoint: jsii.Bool(f.props.Domain != nil), // nobody gets past the domain
	})
	f.apiID = api.Ref()
	integration := awsapigatewayv2.NewCfnIntegration(f, jsii.String("Integration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId: f.apiID, IntegrationType: jsii.String("AWS_PROXY"), IntegrationUri: f.lambda.FunctionArn(), PayloadFormatVersion: jsii.String("2.0"),
		TimeoutInMillis: jsii.Number(f.props.wait().Milliseconds()),
	})
	route := awsapigatewayv2.NewCfnRoute(f, jsii.String("Route"), &awsapigatewayv2.CfnRouteProps{
		ApiId: f.apiID, RouteKey: jsii.String(everything), Target: jsii.String("integrations/" + *integration.Ref()),
		AuthorizationType: jsii.String("NONE"), // the gateway itself asks for tokens
	})
	settings := &awsapigatewayv2.CfnStage_RouteSettingsProperty{DetailedMetricsEnabled: jsii.Bool(false)}
	if limit := f.props.Throttling; limit.Rate > 0 {
		settings.ThrottlingRateLimit, settings.ThrottlingBurstLimit = jsii.Number(limit.Rate), jsii.Number(limit.Burst)
	}
	stage := awsapigatewayv2.NewCfnStage(f, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId: f.apiID, StageName: jsii.String(everything), AutoDeploy: jsii.Bool(true), DefaultRouteSettings: settings,
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{DestinationArn: accessLogs.AttrArn(), Format: jsii.String(accessLogFormat())},
	})
	invoked := awslambda.NewCfnPermission(f, jsii.String("MayInvoke"), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: f.lambda.FunctionArn(), Principal: jsii.String("apigateway.amazonaws.com"),
		// It names the account too. Not every service sends SourceAccount (AWS
		// CloudFormation Template Reference), and without it nobody gets in.
		SourceArn: jsii.String(policy.ARN(f, "execute-api", *awscdk.Stack_Of(f).Region(), *f.apiID+"/*/*")),
	})
	f.url = api.AttrApiEndpoint()
	if f.props.Domain != nil {
		f.url = jsii.String("https://" + f.props.Domain.Name)
		f.newDomain(stage, route, invoked)
	}
}

// accessLogFormat is one line of JSON for each request. Neither path nor query
// nor any header is in it: paths and queries hold what lets its bearer upload,
// and keys of objects, and the gateway's own log says what was asked. The
// request's id stands in both.
func accessLogFormat() string {
	variables := []string{
		"requestId", "requestTimeEpoch", "identity.sourceIp", "httpMethod", "protocol", "status", "responseLength", "responseLatency", "integrationLatency",
		"integrationStatus", "error.responseType",
	}
	members := make([]string, len(variables))
	for i, variable := range variables {
		members[i] = strconv.Quote(variable) + `:"$context.` + variable + `"`
	}
	return "{" + strings.Join(members, ",") + "}"
}

// newDomain points the name at the API once that answers: until then it may be
// pointed at tasks, which go on.
func (f *function) newDomain(stage awsapigatewayv2.CfnStage, answers ...constructs.IDependable) {
	given := f.props.Domain
	domain := awsapigatewayv2.NewCfnDomainName(f, jsii.String("Domain"), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: jsii.String(given.Name),
		DomainNameConfigurations: []any{&awsapigatewayv2.CfnDomainName_DomainNameConfigurationProperty{
			CertificateArn: given.Certificate.CertificateArn(), EndpointType: jsii.String("REGIONAL"), SecurityPolicy: jsii.String("TLS_1_2"),
		}},
	})
	mapping := awsapigatewayv2.NewCfnApiMapping(f, jsii.String("Mapping"), &awsapigatewayv2.CfnApiMappingProps{
		ApiId: f.apiID, DomainName: domain.Ref(), Stage: stage.Ref(),
	})
	record := f.props.newRecord(f, awsroute53targets.NewApiGatewayv2DomainProperties(domain.AttrRegionalDomainName(), domain.AttrRegionalHostedZoneId()))
	if record == nil {
		f.target = domain.AttrRegionalDomainName()
		return
	}
	record.Node().AddDependency(append(answers, mapping)...)
}
