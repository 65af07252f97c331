package compliance

import (
	"fmt"
	"regexp"
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
	Rules         []string // such as AwsSolutions-S1 of cdk-nag, W3005 of cfn-lint, CKV_AWS_111 of checkov
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
	visit(scope, exceptions, func(construct constructs.IConstruct, exception Exception) {
		if suppressions := exception.suppressions(); len(*suppressions) > 0 {
			cdknag.NagSuppressions_AddResourceSuppressions(construct, suppressions, nil)
		}
	})
	scope.Node().AddValidation(&directives{scope, exceptions})
}

// visit calls for each exception of each construct below the scope.
func visit(scope constructs.Construct, exceptions []Exception, call func(constructs.IConstruct, Exception)) {
	for _, construct := range *scope.Node().FindAll(constructs.ConstructOrder_PREORDER) {
		_, path, _ := strings.Cut(*construct.Node().Path(), "/")
		for _, exception := range exceptions {
			if slices.Contains(exception.Paths, "/"+path) {
				call(construct, exception)
			}
		}
	}
}

// directives leaves in templates what cfn-lint and checkov are to ignore. It
// is a validation because those come last: CDK adds the functions that carry
// references from region to region after everything else, even aspects.
type directives struct {
	scope      constructs.Construct
	exceptions []Exception
}

// Validate finds nothing wrong.
func (d *directives) Validate() *[]*string {
	ignored := map[constructs.IConstruct][]string{}            // by cfn-lint
	skipped := map[constructs.IConstruct][]map[string]string{} // by checkov
	visit(d.scope, d.exceptions, func(construct constructs.IConstruct, exception Exception) {
		ignored[construct] = append(ignored[construct], exception.of(cfnLint)...)
		for _, rule := range exception.of(checkov) {
			skipped[construct] = append(skipped[construct], map[string]string{"id": rule, "comment": exception.Reason})
		}
	})
	for construct := range ignored {
		tell(construct, ignored[construct], skipped[construct])
	}
	return &[]*string{}
}

// tell leaves in the template what the linters of templates are to ignore
// about a resource, where each of them reads it.
func tell(construct constructs.IConstruct, ignored []string, skipped []map[string]string) {
	resource, is := construct.(awscdk.CfnResource)
	switch {
	case len(ignored)+len(skipped) == 0:
		return
	case !is:
		panic(fmt.Errorf("%s is no resource, and cfn-lint and checkov know no others", *construct.Node().Path()))
	}
	if len(ignored) > 0 {
		resource.AddMetadata(jsii.String("cfn-lint"), map[string]any{"config": map[string]any{"ignore_checks": ignored}})
	}
	if len(skipped) > 0 {
		resource.AddMetadata(jsii.String("checkov"), map[string]any{"skip": skipped})
	}
}

// tool is who has a rule.
type tool int

const (
	cdkNag tool = iota
	cfnLint
	checkov
)

// cfnLintRule is how cfn-lint names its rules: errors, warnings, information.
var cfnLintRule = regexp.MustCompile(`^[EWI]\d{4}$`)

func toolOf(rule string) tool {
	switch {
	case strings.HasPrefix(rule, "CKV"):
		return checkov
	case cfnLintRule.MatchString(rule):
		return cfnLint
	}
	return cdkNag
}

// of are the rules of a tool.
func (e Exception) of(tool tool) []string {
	return slices.DeleteFunc(slices.Clone(e.Rules), func(rule string) bool { return toolOf(rule) != tool })
}

// suppressions is the exception as cdk-nag takes it.
func (e Exception) suppressions() *[]*cdknag.NagPackSuppression {
	all := make([]*cdknag.NagPackSuppression, 0, len(e.Rules))
	for _, rule := range e.of(cdkNag) {
		suppression := &cdknag.NagPackSuppression{Id: jsii.String(rule), Reason: jsii.String(e.Reason)}
		if e.OnlyResources {
			suppression.AppliesTo = &[]any{&cdknag.RegexAppliesTo{Regex: jsii.String("/^Resource::/")}}
		}
		all = append(all, suppression)
	}
	return &all
}
