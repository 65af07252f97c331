package delivery_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/delivery"
	"github.com/signgate/signgate/pkg/audit"
)

func fields(t *testing.T, name string) []string {
	t.Helper()
	found, _ := of(t, name).one(t, "AWS::Logs::Delivery", "RecordFields").([]any)
	var names []string
	for _, field := range found {
		names = append(names, fmt.Sprint(field))
	}
	return names
}

func TestLogsComeFromTheDistributionIntoTheBucket(t *testing.T) {
	made := of(t, "Logs")
	source, destination := "AWS::Logs::DeliverySource", "AWS::Logs::DeliveryDestination"
	is(t, "the source", made.one(t, source, "ResourceArn"), `{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":cloudfront::",{"Ref":"AWS::AccountId"},":distribution/E1EXAMPLE"]]}`)
	is(t, "the kind", made.one(t, source, "LogType"), `"ACCESS_LOGS"`)
	is(t, "the source's name", made.one(t, source, "Name"), `"cloudfront-E1EXAMPLE"`)
	is(t, "the delivery's source", made.one(t, "AWS::Logs::Delivery", "DeliverySourceName"), `"cloudfront-E1EXAMPLE"`)
	is(t, "the bucket", made.one(t, destination, "DestinationResourceArn"), `"arn:aws:s3:::logs"`)
	is(t, "the form", made.one(t, destination, "OutputFormat"), `"json"`)
	is(t, "the folder", made.one(t, "AWS::Logs::Delivery", "S3SuffixPath"), `"{DistributionId}/{yyyy}/{MM}/{dd}"`)
	made.referred(t, made.one(t, "AWS::Logs::Delivery", "DeliveryDestinationArn"))
	for id := range made.resources("AWS::Logs::Delivery") {
		if waits := fmt.Sprint(at(map[string]any(made), "Resources", id, "DependsOn")); !strings.Contains(waits, "Source") {
			t.Errorf("the delivery waits for %s", waits)
		}
	}
}

// Whoever reads the log could use the URL.
func TestSignaturesAreLoggedOnlyWhereTheyAreAskedFor(t *testing.T) {
	for name, queries := range map[string]bool{"Logs": false, "LogsOfQueries": true} {
		names := fields(t, name)
		if slices.Contains(names, "cs-uri-query") != queries {
			t.Errorf("%s has the fields %v", name, names)
		}
		for _, secret := range []string{"cs(Cookie)", "cs(Referer)", "x-forwarded-for"} {
			if slices.Contains(names, secret) {
				t.Errorf("%s has the field %s", name, secret)
			}
		}
	}
}

// The fields are those that signgate's own reader needs.
func TestLogsAreWhatTheAuditJoins(t *testing.T) {
	values := map[string]string{
		"date": "2026-11-21", "time": "12:00:00", "c-ip": "192.0.2.7", "cs-uri-stem": "/users/alice/a.png", "sc-status": "200", "sc-bytes": "512",
		"cs-uri-query": "sg-id=01J0000000000000000000000&Expires=1",
	}
	for name, id := range map[string]string{"Logs": "", "LogsOfQueries": "01J0000000000000000000000"} {
		line := map[string]string{}
		for _, field := range fields(t, name) {
			line[field] = values[field]
		}
		text, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		var fetched []audit.Fetch
		others, err := audit.ReadAccessLog(strings.NewReader(string(text)+"\n"), "sg-id", func(f audit.Fetch) error {
			fetched = append(fetched, f)
			return nil
		})
		if err != nil || others != 0 || len(fetched) != 1 {
			t.Fatalf("%s: %v, %d, %v", name, err, others, fetched)
		}
		got := fetched[0]
		if got.ID != id || got.Time.IsZero() || got.Path != values["cs-uri-stem"] || got.Address != values["c-ip"] || got.Status != 200 || got.Bytes != 512 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestBucketTakesTheLogsOfThisDistributionOnly(t *testing.T) {
	statements, _ := of(t, "Logs").one(t, "AWS::S3::BucketPolicy", "PolicyDocument", "Statement").([]any)
	if len(statements) != 1 {
		t.Fatalf("the statements are %v", statements)
	}
	is(t, "the statement", statements[0], `{
		"Sid": "AccessLogsOfTheDistribution", "Effect": "Allow", "Action": "s3:PutObject",
		"Principal": {"Service": "delivery.logs.amazonaws.com"},
		"Resource": {"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket83908E77", "Arn"]}, "/AWSLogs/", {"Ref": "AWS::AccountId"}, "/*"]]},
		"Condition": {"StringEquals": {
			"s3:x-amz-acl": "bucket-owner-full-control",
			"aws:SourceAccount": {"Ref": "AWS::AccountId"},
			"aws:SourceArn": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":logs:us-east-1:", {"Ref": "AWS::AccountId"}, ":delivery-source:cloudfront-E1EXAMPLE"]]}}}}`)
}

func TestLogsOfNothingAreRefused(t *testing.T) {
	for want, props := range map[string]*delivery.AccessLogsProps{
		"no props":                  nil,
		"DistributionID is missing": {BucketARN: jsii.String("")},
		"BucketARN is missing":      {DistributionID: jsii.String("")},
	} {
		if err := props.Validate(); !errors.Is(err, delivery.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
