package gateway_test

import (
	"fmt"
	"testing/fstest"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/gateway"
	"github.com/signgate/signgate/infra/gateway/fargate"
	"github.com/signgate/signgate/infra/network"
)

// A gateway in an app of one's own. Its other settings are parameters below
// /photos/gateway, public-url among them. The context keeps this example from
// building the program.
func ExampleNewFunction() {
	app := awscdk.NewApp(&awscdk.AppProps{Context: &map[string]any{"aws:cdk:bundling-stacks": []string{}}})
	stack := awscdk.NewStack(app, jsii.String("Photos"), nil)
	made := gateway.NewFunction(stack, jsii.String("Gateway"), &gateway.Props{Common: gateway.Common{
		Role: awsiam.NewRole(stack, jsii.String("Role"), &awsiam.RoleProps{
			AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		}),
		Policies:      fstest.MapFS{"photos.cedar": {Data: []byte("permit (principal, action, resource);")}}, // or os.DirFS("policies")
		SettingsPath:  "/photos/gateway",
		SigningSecret: gateway.SigningSecret{ARN: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:signing-AbCdEf"},
		LogDays:       90,
	}, Throttling: gateway.Throttling{Rate: 100, Burst: 200}})
	awscdk.NewCfnOutput(stack, jsii.String("GatewayUrl"), &awscdk.CfnOutputProps{Value: made.URL()})

	template := assertions.Template_FromStack(stack, nil)
	template.ResourceCountIs(jsii.String("AWS::ApiGatewayV2::Api"), jsii.Number(1))
	fmt.Println("one function behind one API")
	// Output: one function behind one API
}

// The same gateway as tasks behind a load balancer, in a network of its own.
func ExampleNewService() {
	app := awscdk.NewApp(&awscdk.AppProps{Context: &map[string]any{"aws:cdk:bundling-stacks": []string{}}})
	stack := awscdk.NewStack(app, jsii.String("Photos"), nil)
	role := awsiam.NewRole(stack, jsii.String("Role"), &awsiam.RoleProps{AssumedBy: gateway.RunsTasks(stack)})
	place := network.NewStorageAccess(stack, jsii.String("Network"), &network.Props{
		BucketARN: "arn:aws:s3:::photos", GatewayRole: *role.RoleArn(), CIDR: "10.20.0.0/20", NATGateways: 1, Public: true, ContainerImages: true,
	})
	made := gateway.NewService(stack, jsii.String("Gateway"), &gateway.ServiceProps{
		Common: gateway.Common{
			Role:          role,
			Policies:      fstest.MapFS{"photos.cedar": {Data: []byte("permit (principal, action, resource);")}}, // or os.DirFS("policies")
			SettingsPath:  "/photos/gateway",
			SigningSecret: gateway.SigningSecret{ARN: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:signing-AbCdEf"},
			Domain: &gateway.Domain{
				Name:        "api.example.com",
				Certificate: awscertificatemanager.Certificate_FromCertificateArn(stack, jsii.String("Certificate"), jsii.String("arn:aws:acm:eu-central-1:111122223333:certificate/x")),
			},
			LogDays: 90,
		},
		Tasks: fargate.Tasks{Least: 2, Most: 20},
		Network: &gateway.ServiceNetwork{
			Network:      gateway.Network{VPC: place.VPC(), Subnets: place.Subnets(), SecurityGroup: place.SecurityGroup()},
			LoadBalancer: place.PublicSubnetIDs(), LoadBalancerRanges: place.PublicRanges(), Ways: place.Ways(),
		},
	})
	fmt.Println(*made.URL())

	template := assertions.Template_FromStack(stack, nil)
	template.ResourceCountIs(jsii.String("AWS::ECS::Service"), jsii.Number(1))
	// Output: https://api.example.com
}
