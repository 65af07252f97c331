package gateway_test

import (
	"fmt"
	"testing/fstest"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/gateway"
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
