package network_test

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/network"
	"github.com/signgate/signgate/infra/synthtest"
)

func ExampleNewStorageAccess() {
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Media"), nil)
	network.NewStorageAccess(stack, jsii.String("Network"), &network.Props{
		BucketARN:        "arn:aws:s3:::some-bucket",
		GatewayRole:      "arn:aws:iam::111122223333:role/gateway",
		QuarantinePrefix: "quarantine/",
		CIDR:             "10.20.0.0/20",
	})

	for _, subnet := range synthtest.Synth(stack).Of("AWS::EC2::Subnet") {
		fmt.Println(subnet.Get("CidrBlock"))
	}
	// Output:
	// 10.20.0.0/23
	// 10.20.2.0/23
}
