package signingkeys_test

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
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
