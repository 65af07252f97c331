package compliance

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// Exception is findings that are left, at the constructs where they are.
type Exception struct {
	Paths  []string // ends of constructs' paths, such as /Content/Bucket/Resource
	Rules  []string // such as AwsSolutions-S1
	Reason string
}

// Check looks at everything below the scope when it is synthesized. What is
// no exception is an error then.
func Check(scope constructs.Construct) {
	props := &cdknag.NagPackProps{Reports: jsii.Bool(true), ReportFormats: &[]cdknag.NagReportFormat{cdknag.NagReportFormat_JSON}}
	for _, pack := range []awscdk.IAspect{
		cdknag.NewAwsSolutionsChecks(props), cdknag.NewNIST80053R5Checks(props),
		cdknag.NewHIPAASecurityChecks(props), cdknag.NewPCIDSS321Checks(props),
	} {
		awscdk.Aspects_Of(scope).Add(pack, nil)
	}
}
