package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

func ExampleDeny() {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Media"), nil)
	bucket := awss3.NewBucket(stack, jsii.String("Bucket"), nil)
	bucket.AddToResourcePolicy(policy.Deny("NobodyErases", []string{*bucket.ArnForObjects(jsii.String("*"))}, policy.Erasing(), nil))

	statement := synthtest.Synth(stack).Of("AWS::S3::BucketPolicy")[0].Get("PolicyDocument", "Statement", 0).(map[string]any)
	fmt.Println(statement["Effect"], statement["Principal"], statement["Sid"])
	// Output: Deny * NobodyErases
}

func TestGroupsOfActionsNameEachActionOnceAndNoWildcard(t *testing.T) {
	everything := slices.Concat(policy.Reading(), policy.Listing(), policy.Writing(), policy.Erasing(), policy.SharingByACL(), policy.Governing())
	slices.Sort(everything)
	if once := slices.Compact(slices.Clone(everything)); len(once) != len(everything) {
		t.Error("an action is there twice")
	}
	for _, action := range slices.Concat(everything, policy.KeyAdministration(), policy.GatewayWrites(), policy.GatewayLists(), policy.GatewayInspects(),
		policy.GatewayShares(), policy.GatewayRecords(), policy.GatewayKnowsMachines()) {
		if strings.Contains(action, "*") {
			t.Errorf("%s is more than one action", action)
		}
	}
}

func TestWhoAdministersAKeyCannotUseIt(t *testing.T) {
	for _, use := range []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:Sign", "kms:CreateGrant"} {
		if slices.Contains(policy.KeyAdministration(), use) {
			t.Errorf("%s is allowed", use)
		}
	}
}

// A secret of another region is asked for there, and so is its key.
func TestSecretsManagerUsesAKeyInTheRegionOfTheSecret(t *testing.T) {
	stack := synthtest.Stack(synthtest.NoFlags, "eu-central-1")
	for secret, region := range map[string]string{
		"arn:aws:secretsmanager:us-east-1:111122223333:secret:keys-AbCdEf": "us-east-1", *awscdk.Fn_ImportValue(jsii.String("secret")): "eu-central-1",
	} {
		via, _ := policy.ThroughSecrets(stack, secret)["StringEquals"]["kms:ViaService"].(string)
		if !strings.HasPrefix(via, "secretsmanager."+region+".") {
			t.Errorf("a secret of %s: %s", region, via)
		}
	}
}

func TestAKeyRotatesAndItsPolicySaysNoMoreThanWasGiven(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		stack := synthtest.Stack(flags, "")
		use := policy.Allow("Use", awsiam.NewServicePrincipal(jsii.String("s3.amazonaws.com"), nil), []string{"*"}, []string{"kms:Decrypt"},
			policy.Conditions{"StringEquals": {"aws:SourceAccount": "111122223333"}})
		policy.Guard{Deployers: []string{"arn:aws:iam::111122223333:role/deployer"}}.NewKey(stack, "Key", "what for", awscdk.RemovalPolicy_RETAIN, use)
		key := synthtest.Synth(stack).Only(t, "AWS::KMS::Key", "Key")
		synthtest.Equal(t, "the policy", synthtest.Statements(t, key.Get("KeyPolicy")), map[string]synthtest.Statement{
			"AccountGoverns": synthtest.Allow("AWS arn:${AWS::Partition}:iam::${AWS::AccountId}:root", policy.KeyAdministration(), []string{"*"}, nil),
			"OnlyDeployersGovern": synthtest.Deny(policy.GoverningKeys(), []string{"*"}, map[string][]string{
				"ArnNotLike aws:PrincipalArn": {"arn:aws:iam::111122223333:role/deployer"},
			}),
			"Use": synthtest.Allow("Service s3.amazonaws.com", []string{"kms:Decrypt"}, []string{"*"},
				map[string][]string{"StringEquals aws:SourceAccount": {"111122223333"}}),
		})
		synthtest.Equal(t, "rotation and description", []any{key.Get("EnableKeyRotation"), key.Get("Description")}, []any{true, "what for"})
		synthtest.Equal(t, "what is kept", []string{key.DeletionPolicy, key.UpdateReplacePolicy}, []string{"Retain", "Retain"})
	}
}

func TestASigningKeyIsGovernedAsOthersAndNeverRotates(t *testing.T) {
	stack := synthtest.Stack(synthtest.HouseFlags, "")
	guard := policy.Guard{Administrators: []string{"arn:aws:iam::111122223333:role/keeper"}, RequireMFA: true}
	guard.NewKey(stack, "Key", "encrypts", awscdk.RemovalPolicy_RETAIN)
	guard.NewSigningKey(stack, "Signs", "signs", awscdk.RemovalPolicy_RETAIN)
	template := synthtest.Synth(stack)
	key, signs := template.Only(t, "AWS::KMS::Key", "Key"), template.Only(t, "AWS::KMS::Key", "Signs")
	synthtest.Equal(t, "the policy", synthtest.Statements(t, signs.Get("KeyPolicy")), synthtest.Statements(t, key.Get("KeyPolicy")))
	synthtest.Equal(t, "the key", []any{signs.Get("KeySpec"), signs.Get("KeyUsage"), signs.Get("EnableKeyRotation"), signs.Get("PendingWindowInDays"), signs.DeletionPolicy},
		[]any{"ECC_NIST_P256", "SIGN_VERIFY", nil, 30.0, "Retain"})
}

func TestARNsAreOfTheAccountAndPartitionOfTheStack(t *testing.T) {
	stack := synthtest.Stack(synthtest.NoFlags, "eu-central-1")
	if got := policy.ARN(stack, "logs", "us-east-1", "delivery-source:*"); !strings.HasSuffix(got, ":logs:us-east-1:111122223333:delivery-source:*") {
		t.Errorf("got %s", got)
	}
	if got := policy.BootstrapRole(stack); !strings.HasSuffix(got, ":iam::111122223333:role/cdk-hnb659fds-cfn-exec-role-111122223333-eu-central-1") {
		t.Errorf("got %s", got)
	}
}
