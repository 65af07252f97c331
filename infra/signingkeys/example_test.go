package signingkeys_test

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/signingkeys"
)

// Two keys are trusted while the gateway changes from one to the other.
func Example() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Media"), nil)
	trust := signingkeys.NewTrust(stack, jsii.String("SigningKeys"), &signingkeys.Props{
		Slots:  []signingkeys.Slot{{ID: "a", PEM: firstKey}, {ID: "b", PEM: secondKey}},
		Active: "b",
	})
	awscdk.NewCfnOutput(stack, jsii.String("ActiveKeyId"), &awscdk.CfnOutputProps{Value: trust.ActiveKeyID()})

	template := assertions.Template_FromStack(stack, nil)
	template.ResourceCountIs(jsii.String("AWS::CloudFront::PublicKey"), jsii.Number(2))
	fmt.Println(len(*trust.KeyIDs()), "keys in one group")
	// Output: 2 keys in one group
}

// Keys that are made in the account when they are deployed. The context keeps
// this example from building the function that makes them.
func ExampleNewManaged() {
	app := awscdk.NewApp(&awscdk.AppProps{Context: &map[string]any{"aws:cdk:bundling-stacks": []string{}}})
	stack := awscdk.NewStack(app, jsii.String("Media"), nil)
	keys := signingkeys.NewManaged(stack, jsii.String("SigningKeys"), &signingkeys.ManagedProps{
		Slots: []string{"a"},
		Gateway: awsiam.NewRole(stack, jsii.String("Gateway"), &awsiam.RoleProps{
			AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		}),
		KeepFor: 13 * time.Hour,
		LogDays: 90,
	})
	awscdk.NewCfnOutput(stack, jsii.String("SigningSecret"), &awscdk.CfnOutputProps{Value: keys.SecretARN()})

	assertions.Template_FromStack(stack, nil).ResourceCountIs(jsii.String("Custom::SigningKey"), jsii.Number(1))
	fmt.Println("one key,", len(*keys.Trust().KeyIDs()), "trusted")
	// Output: one key, 1 trusted
}
