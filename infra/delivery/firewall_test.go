package delivery_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/delivery"
)

func rules(t *testing.T, name string) []any {
	t.Helper()
	found, _ := of(t, name).one(t, "AWS::WAFv2::WebACL", "Rules").([]any)
	return found
}

func TestOnlyAddressesOfTheRangesGetIn(t *testing.T) {
	made := of(t, "FirewallOfRanges")
	is(t, "everybody else", made.one(t, "AWS::WAFv2::WebACL", "DefaultAction"), `{"Block":{}}`)
	is(t, "the scope", made.one(t, "AWS::WAFv2::WebACL", "Scope"), `"CLOUDFRONT"`)
	found := rules(t, "FirewallOfRanges")
	if len(found) != 2 {
		t.Fatalf("the rules are %v", found)
	}
	is(t, "those of the ranges", at(found[1], "Action"), `{"Allow":{}}`)
	statements, _ := at(found[1], "Statement", "OrStatement", "Statements").([]any)
	addresses := map[string]string{}
	for _, statement := range statements {
		set := made.referred(t, at(statement, "IPSetReferenceStatement", "Arn"))
		addresses[fmt.Sprint(set["IPAddressVersion"])] = fmt.Sprint(set["Addresses"])
		is(t, "the set's scope", set["Scope"], `"CLOUDFRONT"`)
	}
	if addresses["IPV4"] != "[192.0.2.0/24 198.51.100.7/32]" || addresses["IPV6"] != "[2001:db8::/32]" || len(statements) != 2 {
		t.Errorf("the sets are %v", addresses)
	}

	made = of(t, "FirewallOfOneVersion")
	if found := rules(t, "FirewallOfOneVersion"); len(found) != 1 || made.referred(t, at(found[0], "Statement", "IPSetReferenceStatement", "Arn"))["IPAddressVersion"] != "IPV4" {
		t.Errorf("the rules are %v", found)
	}
	is(t, "everybody else", made.one(t, "AWS::WAFv2::WebACL", "DefaultAction"), `{"Block":{}}`)
}

// The limit comes before the ranges, whose rule ends the evaluation.
func TestNobodyGetsInMoreOftenThanTheLimit(t *testing.T) {
	for name, limit := range map[string]string{"FirewallOfRanges": "2000", "FirewallOfRates": "100"} {
		found := rules(t, name)
		is(t, name, at(found[0], "Statement"), `{"RateBasedStatement":{"AggregateKeyType":"IP","EvaluationWindowSec":300,"Limit":`+limit+`}}`)
		is(t, name, at(found[0], "Action"), `{"Block":{}}`)
		is(t, name, at(found[0], "Priority"), `0`)
		if len(found) > 1 && at(found[1], "Priority") != 1.0 {
			t.Errorf("%s: %v", name, found[1])
		}
	}
	is(t, "without ranges anybody", of(t, "FirewallOfRates").one(t, "AWS::WAFv2::WebACL", "DefaultAction"), `{"Allow":{}}`)
	if found := rules(t, "FirewallOfRates"); len(found) != 1 {
		t.Errorf("the rules are %v", found)
	}
}

// A query is a signature, a cookie may be one, and a referrer holds a query.
func TestFirewallKeepsNoSignature(t *testing.T) {
	for _, name := range []string{"FirewallOfRanges", "FirewallOfOneVersion", "FirewallOfRates"} {
		made := of(t, name)
		is(t, name, made.one(t, "AWS::WAFv2::WebACL", "DataProtectionConfig"), `{"DataProtections":[
			{"Action":"SUBSTITUTION","Field":{"FieldType":"QUERY_STRING"}},
			{"Action":"SUBSTITUTION","Field":{"FieldType":"SINGLE_HEADER","FieldKeys":["cookie"]}},
			{"Action":"SUBSTITUTION","Field":{"FieldType":"SINGLE_HEADER","FieldKeys":["referer"]}}]}`)
		configs := []any{made.one(t, "AWS::WAFv2::WebACL", "VisibilityConfig")}
		for _, rule := range rules(t, name) {
			configs = append(configs, at(rule, "VisibilityConfig"))
		}
		for _, config := range configs {
			if at(config, "SampledRequestsEnabled") != false || at(config, "CloudWatchMetricsEnabled") != true || at(config, "MetricName") == "" {
				t.Errorf("%s: %v", name, config)
			}
		}
		if logs := made.resources("AWS::WAFv2::LoggingConfiguration"); (len(logs) > 0) != (name == "FirewallOfRanges") {
			t.Errorf("%s has the logs %v", name, logs)
		}
	}
	made := of(t, "FirewallOfRanges")
	is(t, "redacted", made.one(t, "AWS::WAFv2::LoggingConfiguration", "RedactedFields"), `[{"QueryString":{}},{"SingleHeader":{"Name":"cookie"}},{"SingleHeader":{"Name":"referer"}}]`)
	is(t, "where to", made.one(t, "AWS::WAFv2::LoggingConfiguration", "LogDestinationConfigs"), `["arn:aws:s3:::aws-waf-logs-mine"]`)
	made.referred(t, made.one(t, "AWS::WAFv2::LoggingConfiguration", "ResourceArn"))
}

func TestFirewallsThatMakeNoSenseAreRefused(t *testing.T) {
	for want, props := range map[string]*delivery.FirewallProps{
		"no props":             nil,
		"it does nothing":      {},
		`"192.0.2.1" is no`:    {AllowRanges: []string{"192.0.2.1"}},
		`"192.0.2.1/24" is no`: {AllowRanges: []string{"192.0.2.1/24"}},
		`"0.0.0.0/0" is no`:    {AllowRanges: []string{"0.0.0.0/0"}},
		"at least 10":          {RatePer5Mins: 9},
		"not -1":               {RatePer5Mins: -1},
		"LogDestination is":    {RatePer5Mins: 10, LogDestination: jsii.String("")},
		"begins with aws-waf":  {RatePer5Mins: 10, LogDestination: jsii.String("arn:aws:s3:::logs-aws-waf-logs-")},
		"of us-east-1":         {RatePer5Mins: 10, LogDestination: jsii.String("arn:aws:logs:eu-central-1:111122223333:log-group:aws-waf-logs-mine")},
	} {
		if err := props.Validate(); !errors.Is(err, delivery.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for _, destination := range []string{
		"arn:aws:s3:::aws-waf-logs-mine", "arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-mine",
		"arn:aws:firehose:us-east-1:111122223333:deliverystream/aws-waf-logs-mine", "${Token[TOKEN.1]}",
	} {
		if err := (&delivery.FirewallProps{RatePer5Mins: 10, LogDestination: &destination}).Validate(); err != nil {
			t.Error(err)
		}
	}
}
