package delivery

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/complaints"
)

// edgeRegion is where AWS wants whatever belongs to CloudFront itself.
const edgeRegion = "us-east-1"

const (
	cloudFrontScope = "CLOUDFRONT"
	// leastRate is AWS WAF's (Developer Guide, "Rate-based rule high-level
	// settings").
	leastRate = 10
	fiveMins  = 300
	// logsName is what AWS WAF asks of destinations: buckets, log groups and
	// streams whose names begin so.
	logsName = `^arn:[a-z-]+:(s3:::|logs:us-east-1:[0-9]{12}:log-group:|firehose:us-east-1:[0-9]{12}:deliverystream/)aws-waf-logs-`
)

// FirewallProps say who may ask at all, and how often. At least one is given.
type FirewallProps struct {
	// AllowRanges are the only addresses that may read, such as 192.0.2.0/24
	// or 2001:db8::/32. None: any may.
	AllowRanges []string
	// RatePer5Mins is how many requests of one address in five minutes are
	// let through, from 10 on. 0: any number.
	RatePer5Mins int
	// LogDestination is the ARN of what gets the firewall's log: a log group,
	// bucket or stream whose name begins with aws-waf-logs-. Nil: no log.
	LogDestination *string
}

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
func (p *FirewallProps) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: no props", ErrInvalid)
	}
	var found complaints.List
	found.When(len(p.AllowRanges) == 0 && p.RatePer5Mins == 0, "a firewall has AllowRanges or RatePer5Mins, or it does nothing")
	for _, text := range p.AllowRanges {
		prefix, err := netip.ParsePrefix(text)
		found.When(err != nil || prefix.Masked() != prefix || prefix.Bits() == 0, "AllowRanges: %q is no range such as 192.0.2.0/24", text)
	}
	found.When(p.RatePer5Mins != 0 && p.RatePer5Mins < leastRate, "RatePer5Mins is at least %d, not %d", leastRate, p.RatePer5Mins)
	found.When(p.LogDestination != nil && !isToken(*p.LogDestination) && !matches(logsName, *p.LogDestination),
		"LogDestination is the ARN of a bucket, log group or stream whose name begins with aws-waf-logs-, the latter two of us-east-1")
	return found.Err(ErrInvalid)
}

// Firewall is a web ACL of AWS WAF for a distribution.
type Firewall interface {
	constructs.Construct
	// ARN is what a distribution takes as WebACL, a token.
	ARN() *string
}

type firewall struct {
	constructs.Construct
	acl awswafv2.CfnWebACL
}

func (f *firewall) ARN() *string { return f.acl.AttrArn() }

// NewFirewall makes the web ACL. Its scope has to be a stack of us-east-1, or
// one that doesn't know its region. It panics with the error of Validate, as
// CDK does.
//
// AWS WAF keeps samples and logs of requests, with their addresses, whose
// query is a signature. Here no samples are taken, and query and cookies are
// replaced before anything is kept.
func NewFirewall(scope constructs.Construct, id *string, props *FirewallProps) Firewall {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	checkRegion(scope, "a firewall for CloudFront")
	this := &firewall{}
	constructs.NewConstruct_Override(this, scope, id)
	var rules []any
	if props.RatePer5Mins > 0 {
		rules = append(rules, rule("RateLimit", 0, &awswafv2.CfnWebACL_RuleActionProperty{Block: &awswafv2.CfnWebACL_BlockActionProperty{}}, &awswafv2.CfnWebACL_StatementProperty{
			RateBasedStatement: &awswafv2.CfnWebACL_RateBasedStatementProperty{
				AggregateKeyType: jsii.String("IP"), Limit: jsii.Number(float64(props.RatePer5Mins)), EvaluationWindowSec: jsii.Number(fiveMins),
			},
		}))
	}
	action := &awswafv2.CfnWebACL_DefaultActionProperty{Allow: &awswafv2.CfnWebACL_AllowActionProperty{}}
	if len(props.AllowRanges) > 0 {
		// After the limit, which holds for those that are let in too.
		rules = append(rules, rule("AllowedRanges", 1, &awswafv2.CfnWebACL_RuleActionProperty{Allow: &awswafv2.CfnWebACL_AllowActionProperty{}}, this.inRanges(props.AllowRanges)))
		action = &awswafv2.CfnWebACL_DefaultActionProperty{Block: &awswafv2.CfnWebACL_BlockActionProperty{}}
	}
	this.acl = awswafv2.NewCfnWebACL(this, jsii.String("WebACL"), &awswafv2.CfnWebACLProps{
		Scope: jsii.String(cloudFrontScope), DefaultAction: action, Rules: &rules,
		Description:      jsii.String("Who may ask for private objects, and how often"),
		VisibilityConfig: visibility(*awscdk.Names_UniqueResourceName(this, &awscdk.UniqueResourceNameOptions{MaxLength: jsii.Number(100)})),
		DataProtectionConfig: &awswafv2.CfnWebACL_DataProtectionConfigProperty{DataProtections: &[]any{
			protect("QUERY_STRING"), protect("SINGLE_HEADER", "cookie"), protect("SINGLE_HEADER", "referer"),
		}},
	})
	if props.LogDestination != nil {
		this.log(props.LogDestination)
	}
	return this
}

// isToken says whether a text is known only once it is deployed, as CDK writes
// it.
func isToken(text string) bool { return strings.Contains(text, "${Token[") }

// checkRegion panics where the stack is known to be elsewhere.
func checkRegion(scope constructs.Construct, what string) {
	region := awscdk.Stack_Of(scope).Region()
	if !*awscdk.Token_IsUnresolved(region) && *region != edgeRegion {
		panic(fmt.Errorf("%w: %s belongs into a stack of %s, not %s", ErrInvalid, what, edgeRegion, *region))
	}
}

// inRanges is true of addresses in sets, of which AWS WAF wants one for each
// version of IP.
func (f *firewall) inRanges(ranges []string) *awswafv2.CfnWebACL_StatementProperty {
	byVersion := map[string][]*string{}
	for _, text := range ranges {
		version := "IPV6"
		if netip.MustParsePrefix(text).Addr().Is4() { // Validate has parsed it
			version = "IPV4"
		}
		byVersion[version] = append(byVersion[version], jsii.String(text))
	}
	var statements []any
	for _, version := range []string{"IPV4", "IPV6"} {
		if addresses := byVersion[version]; len(addresses) > 0 {
			set := awswafv2.NewCfnIPSet(f, jsii.String("Allowed"+version), &awswafv2.CfnIPSetProps{
				Scope: jsii.String(cloudFrontScope), IpAddressVersion: jsii.String(version), Addresses: &addresses,
				Description: jsii.String("Addresses that may read"),
			})
			statements = append(statements, &awswafv2.CfnWebACL_StatementProperty{
				IpSetReferenceStatement: &awswafv2.CfnWebACL_IPSetReferenceStatementProperty{Arn: set.AttrArn()},
			})
		}
	}
	if len(statements) == 1 {
		return statements[0].(*awswafv2.CfnWebACL_StatementProperty)
	}
	return &awswafv2.CfnWebACL_StatementProperty{OrStatement: &awswafv2.CfnWebACL_OrStatementProperty{Statements: &statements}}
}

func (f *firewall) log(destination *string) {
	header := func(name string) *awswafv2.CfnLoggingConfiguration_FieldToMatchProperty {
		return &awswafv2.CfnLoggingConfiguration_FieldToMatchProperty{SingleHeader: map[string]string{"Name": name}}
	}
	awswafv2.NewCfnLoggingConfiguration(f, jsii.String("Log"), &awswafv2.CfnLoggingConfigurationProps{
		ResourceArn: f.acl.AttrArn(), LogDestinationConfigs: &[]any{destination},
		RedactedFields: &[]any{
			&awswafv2.CfnLoggingConfiguration_FieldToMatchProperty{QueryString: map[string]any{}}, header("cookie"), header("referer"),
		},
	})
}

func rule(name string, priority float64, action *awswafv2.CfnWebACL_RuleActionProperty, statement *awswafv2.CfnWebACL_StatementProperty) *awswafv2.CfnWebACL_RuleProperty {
	return &awswafv2.CfnWebACL_RuleProperty{
		Name: jsii.String(name), Priority: jsii.Number(priority), Action: action, Statement: statement, VisibilityConfig: visibility(name),
	}
}

func visibility(metric string) *awswafv2.CfnWebACL_VisibilityConfigProperty {
	return &awswafv2.CfnWebACL_VisibilityConfigProperty{
		CloudWatchMetricsEnabled: jsii.Bool(true), SampledRequestsEnabled: jsii.Bool(false), MetricName: jsii.String(metric),
	}
}

func protect(kind string, names ...string) *awswafv2.CfnWebACL_DataProtectProperty {
	field := &awswafv2.CfnWebACL_FieldToProtectProperty{FieldType: jsii.String(kind)}
	if len(names) > 0 {
		field.FieldKeys = new(pointers(names))
	}
	return &awswafv2.CfnWebACL_DataProtectProperty{Action: jsii.String("SUBSTITUTION"), Field: field}
}
