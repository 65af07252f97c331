package compliance

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// Exception is findings that are left, at the constructs where they are.
type Exception struct {
	Paths         []string // of constructs, within their stack
	Rules         []string // such as AwsSolutions-S1
	OnlyResources bool     // of findings about wildcards: those of resources, not those of actions
	Reason        string
}

// Check looks at everything below the scope when it is synthesized. What is
// no exception is an error then.
func Check(scope constructs.Construct, exceptions []Exception) {
	props := &cdknag.NagPackProps{Reports: jsii.Bool(true), ReportFormats: &[]cdknag.NagReportFormat{cdknag.NagReportFormat_JSON}}
	for _, pack := range []awscdk.IAspect{
		cdknag.NewAwsSolutionsChecks(props), cdknag.NewNIST80053R5Checks(props),
		cdknag.NewHIPAASecurityChecks(props), cdknag.NewPCIDSS321Checks(props),
	} {
		awscdk.Aspects_Of(scope).Add(pack, nil)
	}
	for _, construct := range *scope.Node().FindAll(constructs.ConstructOrder_PREORDER) {
		_, path, _ := strings.Cut(*construct.Node().Path(), "/")
		for _, exception := range exceptions {
			if slices.Contains(exception.Paths, "/"+path) {
				cdknag.NagSuppressions_AddResourceSuppressions(construct, exception.suppressions(), nil)
			}
		}
	}
}

// suppressions is the exception as cdk-nag takes it.
func (e Exception) suppressions() *[]*cdknag.NagPackSuppression {
	all := make([]*cdknag.NagPackSuppression, 0, len(e.Rules))
	for _, rule := range e.Rules {
		suppression := &cdknag.NagPackSuppression{Id: jsii.String(rule), Reason: jsii.String(e.Reason)}
		if e.OnlyResources {
			suppression.AppliesTo = &[]any{&cdknag.RegexAppliesTo{Regex: jsii.String("/^Resource::/")}}
		}
		all = append(all, suppression)
	}
	return &all
}
