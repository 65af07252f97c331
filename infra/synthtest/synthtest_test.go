package synthtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

func ExampleSynth() {
	stack := synthtest.Stack(synthtest.NoFlags, "")
	awss3.NewBucket(stack, jsii.String("Photos"), &awss3.BucketProps{Versioned: jsii.Bool(true)})
	for _, bucket := range synthtest.Synth(stack).Of("AWS::S3::Bucket") {
		fmt.Println(bucket.Get("VersioningConfiguration", "Status"), bucket.DeletionPolicy)
	}
	// Output: Enabled Retain
}

func TestActionsThatMeanMoreThanOneAreFoundWhereverTheyStand(t *testing.T) {
	template := synthtest.Template{Resources: map[string]synthtest.Resource{
		"Role": {Properties: map[string]any{"Policies": []any{map[string]any{
			"Document": map[string]any{"Statement": []any{map[string]any{"Effect": "Allow", "Action": []any{"s3:GetObject", "s3:Put*"}}}},
		}}}},
		"Bucket": {Properties: map[string]any{"Statement": map[string]any{"Effect": "Allow", "NotAction": "s3:*"}}},
		"Deny":   {Properties: map[string]any{"Statement": map[string]any{"Effect": "Deny", "Action": "s3:*"}}},
		"Key":    {Properties: map[string]any{"Statement": map[string]any{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}},
	}}
	synthtest.Equal(t, "what is found", template.Wildcards(), []string{
		"Bucket.Statement: s3:*", "Role.Policies[0].Document.Statement[0]: s3:Put*",
	})
}

func TestWarningsOfCDKAreSeen(t *testing.T) {
	for said, annotate := range map[string]func(awscdk.Annotations){
		"":             func(awscdk.Annotations) {},
		"mind the gap": func(a awscdk.Annotations) { a.AddWarningV2(jsii.String("test"), jsii.String("mind the gap")) },
		"stop here":    func(a awscdk.Annotations) { a.AddError(jsii.String("stop here")) },
	} {
		stack := synthtest.Stack(synthtest.NoFlags, "eu-central-1")
		annotate(awscdk.Annotations_Of(awss3.NewBucket(stack, jsii.String("Photos"), nil)))
		if got := synthtest.Synth(stack).Warnings; !strings.Contains(got, said) || (said == "") != (got == "") {
			t.Errorf("got %q, not %q", got, said)
		}
	}
}

// The flags of the house make findings of CDK's own validator errors, so that
// a test which synthesizes with them fails on any.
func TestWhatCloudFormationWouldRefuseIsRefused(t *testing.T) {
	stack := synthtest.Stack(synthtest.HouseFlags, "")
	awscdk.NewCfnResource(stack, jsii.String("Nothing"), &awscdk.CfnResourceProps{Type: jsii.String("AWS::S3::BucketPolicy")})
	defer func() {
		if refused := fmt.Sprint(recover()); !strings.Contains(refused, "Validation failed") {
			t.Errorf("got %s", refused)
		}
	}()
	synthtest.Synth(stack)
}

func TestStatementsAreReadWhateverFormTheyAreWrittenIn(t *testing.T) {
	document := map[string]any{"Statement": []any{
		map[string]any{"Sid": "One", "Effect": "Allow", "Principal": map[string]any{"AWS": "*"}, "Action": "s3:GetObject", "Resource": []any{"b", "a"}},
		map[string]any{
			"Sid": "Two", "Effect": "Deny", "Principal": "*", "Action": []any{"s3:PutObject", "s3:DeleteObject"}, "Resource": "a",
			"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}, "ArnLike": map[string]any{"aws:PrincipalArn": []any{"x", "y"}}},
		},
	}}
	synthtest.Equal(t, "the statements", synthtest.Statements(t, document), map[string]synthtest.Statement{
		"One": synthtest.Allow("*", []string{"s3:GetObject"}, []string{"a", "b"}, nil),
		"Two": synthtest.Deny([]string{"s3:DeleteObject", "s3:PutObject"}, []string{"a"},
			map[string][]string{"Bool aws:SecureTransport": {"false"}, "ArnLike aws:PrincipalArn": {"x", "y"}}),
	})
}
