package compliance_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/compliance"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

// bucketOf synthesizes a stack of one bucket, and returns its metadata.
func bucketOf(exceptions ...compliance.Exception) map[string]any {
	stack := synthtest.Stack(synthtest.NoFlags, "")
	awss3.NewBucket(stack, jsii.String("Bucket"), nil)
	compliance.Check(awscdk.App_Of(stack), exceptions)
	template := *assertions.Template_FromStack(stack, nil).ToJSON()
	for _, resource := range template["Resources"].(map[string]any) {
		if resource := resource.(map[string]any); resource["Type"] == "AWS::S3::Bucket" {
			metadata, _ := resource["Metadata"].(map[string]any)
			return metadata
		}
	}
	return nil
}

func TestEachLinterReadsItsExceptionsInTheTemplate(t *testing.T) {
	metadata := bucketOf(
		compliance.Exception{Paths: []string{"/Bucket/Resource"}, Rules: []string{"CKV_AWS_18", "W3005"}, Reason: "Said as it is."},
		compliance.Exception{Paths: []string{"/Bucket/Resource"}, Rules: []string{"CKV2_AWS_1", "AwsSolutions-S1"}, Reason: "For another reason."},
		compliance.Exception{Paths: []string{"/Other/Resource"}, Rules: []string{"E1001"}, Reason: "Of something else."},
	)
	synthtest.Equal(t, "cfn-lint ignores", metadata["cfn-lint"], any(map[string]any{"config": map[string]any{"ignore_checks": []any{"W3005"}}}))
	synthtest.Equal(t, "checkov skips", metadata["checkov"], any(map[string]any{"skip": []any{
		map[string]any{"id": "CKV_AWS_18", "comment": "Said as it is."}, map[string]any{"id": "CKV2_AWS_1", "comment": "For another reason."},
	}}))
	synthtest.Equal(t, "cdk-nag suppresses", metadata["cdk_nag"], any(map[string]any{"rules_to_suppress": []any{
		map[string]any{"id": "AwsSolutions-S1", "reason": "For another reason."},
	}}))
}

func TestNothingIsIgnoredWithoutAnException(t *testing.T) {
	metadata := bucketOf()
	for _, tool := range []string{"cfn-lint", "checkov", "cdk_nag"} {
		if metadata[tool] != nil {
			t.Errorf("%s ignores %v", tool, metadata[tool])
		}
	}
}
