package signingkeys_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/signingkeys"
	"github.com/signgate/signgate/infra/synthtest"
)

const (
	gatewayRole = "arn:aws:iam::111122223333:role/gateway"
	keeper      = "arn:aws:iam::111122223333:role/keeper"
)

// managed synthesizes managed keys, which must not have made CDK warn of
// anything.
func managed(t *testing.T, flags synthtest.Flags, change func(*signingkeys.ManagedProps)) synthtest.Template {
	t.Helper()
	stack := synthtest.Stack(flags, "eu-central-1")
	props := &signingkeys.ManagedProps{
		Slots: []string{"a", "b"}, Gateway: awsiam.Role_FromRoleArn(stack, jsii.String("Gateway"), jsii.String(gatewayRole), nil),
		KeepFor: 13 * time.Hour, LogDays: 30, Guard: policy.Guard{Deployers: []string{keeper}},
	}
	if change != nil {
		change(props)
	}
	made := signingkeys.NewManaged(stack, jsii.String("Keys"), props)
	awscdk.NewCfnOutput(stack, jsii.String("Secret"), &awscdk.CfnOutputProps{Value: made.SecretARN()})
	awscdk.NewCfnOutput(stack, jsii.String("EncryptedBy"), &awscdk.CfnOutputProps{Value: made.KeyARN()})
	template := synthtest.Synth(stack)
	synthtest.Equal(t, "what CDK warns of", template.Warnings, "")
	synthtest.Equal(t, "what names more than one action", template.Wildcards(), []string(nil))
	return template
}

func TestThePublicHalvesComeFromTheFunctionAndAreTrusted(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := managed(t, flags, nil)
		function := "${" + template.Only(t, "AWS::Lambda::Function", "").ID + ".Arn}"
		secret := "${" + template.Only(t, "AWS::SecretsManager::Secret", "").ID + "}"
		for _, slot := range []string{"a", "b"} {
			pair := template.Only(t, "Custom::SigningKey", "KeysPair"+slot)
			synthtest.Equal(t, "what is asked for", pair.Properties, map[string]any{"ServiceToken": function, "ServiceTimeout": "300", "Secret": secret, "Slot": slot})
			key := template.Only(t, "AWS::CloudFront::PublicKey", "KeysTrustKey"+slot)
			synthtest.Equal(t, "what is trusted", key.Get("PublicKeyConfig", "EncodedKey"), any("${"+pair.ID+".PublicKey}"))
		}
	}
}

func TestPairsAreMadeOneAfterTheOther(t *testing.T) {
	template := managed(t, synthtest.NoFlags, func(p *signingkeys.ManagedProps) { p.Slots = []string{"b", "c", "a"} })
	id := func(slot string) string { return template.Only(t, "Custom::SigningKey", "KeysPair"+slot).ID }
	for slot, before := range map[string]string{"c": "b", "a": "c"} {
		if !slices.Contains(template.Resources[id(slot)].DependsOn, id(before)) {
			t.Errorf("%s doesn't wait for %s: both would write the first document", slot, before)
		}
	}
}

// The function refuses to forget a key that URLs need, and the group may be
// changed only after it had the chance.
func TestTheKeyGroupChangesOnlyAfterTheIDsWereTaken(t *testing.T) {
	template := managed(t, synthtest.NoFlags, nil)
	ids := template.Only(t, "Custom::SigningKeyIDs", "")
	a, b := template.Only(t, "AWS::CloudFront::PublicKey", "KeysTrustKeya").ID, template.Only(t, "AWS::CloudFront::PublicKey", "KeysTrustKeyb").ID
	synthtest.Equal(t, "ids", ids.Get("KeyIDs"), any(map[string]any{"a": "${" + a + "}", "b": "${" + b + "}"}))
	synthtest.Equal(t, "how long keys are kept", ids.Get("KeepFor"), any("13h0m0s"))
	if group := template.Only(t, "AWS::CloudFront::KeyGroup", ""); !slices.Contains(group.DependsOn, ids.ID) {
		t.Errorf("the group depends on %v", group.DependsOn)
	}
}

func TestTheSecretBeginsEmptyAndIsFencedIn(t *testing.T) {
	template := managed(t, synthtest.NoFlags, nil)
	secret := template.Only(t, "AWS::SecretsManager::Secret", "")
	key := template.Only(t, "AWS::KMS::Key", "KeysKey")
	synthtest.Equal(t, "the secret", secret.Properties, map[string]any{"Description": "signgate: private signing keys", "KmsKeyId": "${" + key.ID + ".Arn}"})
	rules := template.Only(t, "AWS::SecretsManager::ResourcePolicy", "")
	maker := "${" + template.Only(t, "AWS::IAM::Role", "").ID + ".Arn}"
	unless := func(roles ...string) map[string][]string {
		return map[string][]string{"ArnNotLike aws:PrincipalArn": roles}
	}
	all := []string{"*"}
	synthtest.Equal(t, "who may", synthtest.Statements(t, rules.Get("ResourcePolicy")), map[string]synthtest.Statement{
		"OnlyTheGatewayReads": synthtest.Deny([]string{"secretsmanager:GetSecretValue"}, all, unless(keeper, maker, gatewayRole)),
		"OnlyKeygenWrites":    synthtest.Deny([]string{"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"}, all, unless(keeper, maker)),
		"OnlyDeployersGovern": synthtest.Deny([]string{
			"secretsmanager:DeleteSecret", "secretsmanager:UpdateSecret", "secretsmanager:PutResourcePolicy", "secretsmanager:DeleteResourcePolicy",
			"secretsmanager:ReplicateSecretToRegions", "secretsmanager:RotateSecret",
		}, all, unless(keeper)),
	})
	synthtest.Equal(t, "of what, and never for everybody", []any{rules.Get("SecretId"), rules.Get("BlockPublicPolicy")}, []any{"${" + secret.ID + "}", true})
	through := map[string][]string{"StringEquals kms:ViaService": {"secretsmanager.eu-central-1.${AWS::URLSuffix}"}}
	uses := synthtest.Statements(t, key.Get("KeyPolicy"))
	write := []string{"kms:Decrypt", "kms:GenerateDataKey"}
	synthtest.Equal(t, "keygen", uses["KeygenWrites"], synthtest.Allow("AWS "+maker, write, all, through))
	const account = "AWS arn:${AWS::Partition}:iam::111122223333:root"
	reads := maps.Clone(through)
	reads["ArnEquals aws:PrincipalArn"] = []string{gatewayRole}
	synthtest.Equal(t, "the gateway", uses["GatewayReads"], synthtest.Allow(account, []string{"kms:Decrypt"}, all, reads))
	through["ArnLike aws:PrincipalArn"] = []string{keeper}
	synthtest.Equal(t, "keepers", uses["KeepersRotate"], synthtest.Allow(account, write, all, through))
	if len(uses) != 5 {
		t.Errorf("%d statements", len(uses))
	}
}

func TestTheFunctionThatMakesKeysMayDoNothingElse(t *testing.T) {
	template := managed(t, synthtest.NoFlags, nil)
	logs, secret := template.Only(t, "AWS::Logs::LogGroup", ""), template.Only(t, "AWS::SecretsManager::Secret", "")
	attached := template.Only(t, "AWS::IAM::ManagedPolicy", "")
	allow := func(resource string, actions ...string) synthtest.Statement {
		return synthtest.Statement{Effect: "Allow", Action: actions, Resource: []string{resource}}
	}
	synthtest.Equal(t, "permissions", synthtest.Statements(t, attached.Get("PolicyDocument")), map[string]synthtest.Statement{
		"WritesItsLog": allow("${"+logs.ID+".Arn}", "logs:CreateLogStream", "logs:PutLogEvents"),
		"KeepsKeys":    allow("${"+secret.ID+"}", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"),
	})
	role := template.Only(t, "AWS::IAM::Role", "")
	synthtest.Equal(t, "and no others", []any{attached.Get("Roles"), role.Get("ManagedPolicyArns"), role.Get("Policies"), len(template.Of("AWS::IAM::Policy"))}, []any{[]any{"${" + role.ID + "}"}, nil, nil, 0})
	function := template.Only(t, "AWS::Lambda::Function", "")
	synthtest.Equal(t, "how it runs", []any{function.Get("Architectures"), function.Get("Runtime"), function.Get("Environment"), function.Get("LoggingConfig", "LogGroup"), function.Get("Role")},
		[]any{[]any{"arm64"}, "provided.al2023", nil, "${" + logs.ID + "}", "${" + role.ID + ".Arn}"})
	key := template.Only(t, "AWS::KMS::Key", "KeysLogKey")
	synthtest.Equal(t, "its log", []any{logs.Get("KmsKeyId"), logs.Get("RetentionInDays")}, []any{"${" + key.ID + ".Arn}", 30.0})
	// CloudFormation gives a request up after five minutes; Lambda would try what
	// it couldn't run for six hours.
	invoked := template.Only(t, "AWS::Lambda::EventInvokeConfig", "")
	synthtest.Equal(t, "how late it may be asked", []any{invoked.Get("FunctionName"), invoked.Get("MaximumEventAgeInSeconds")}, []any{"${" + function.ID + "}", 240.0})
	for _, needed := range []string{attached.ID, template.Only(t, "AWS::SecretsManager::ResourcePolicy", "").ID} {
		if !slices.Contains(function.DependsOn, needed) {
			t.Errorf("it may be asked before there is %s", needed)
		}
	}
}

func TestManagedKeysAreKeptWhereAsked(t *testing.T) {
	for retain, want := range map[bool]string{true: "Retain", false: "Delete"} {
		template := managed(t, synthtest.NoFlags, func(p *signingkeys.ManagedProps) { p.Retain = retain })
		for _, kind := range []string{"AWS::SecretsManager::Secret", "AWS::SecretsManager::ResourcePolicy", "AWS::KMS::Key", "AWS::Logs::LogGroup"} {
			for _, resource := range template.Of(kind) {
				if resource.DeletionPolicy != want || resource.UpdateReplacePolicy != want {
					t.Errorf("%s: %s, %s", resource.ID, resource.DeletionPolicy, resource.UpdateReplacePolicy)
				}
			}
		}
	}
}

// Public halves are references, and private ones are nowhere: there is nothing
// in a template that could be one.
func TestNoKeyIsInATemplate(t *testing.T) {
	template := managed(t, synthtest.HouseFlags, nil)
	if text := fmt.Sprint(template); strings.Contains(text, "-----BEGIN") || strings.Contains(text, "GenerateSecretString") || strings.Contains(text, "SecretString") {
		t.Error("a key, or what makes one up, stands in the template")
	}
	for _, output := range template.Outputs {
		if strings.Contains(output, "resolve:") {
			t.Errorf("an output resolves to %s", output)
		}
	}
}

func TestAKeyOfASlotKeepsItsIDsWhateverElseIsThere(t *testing.T) {
	one := managed(t, synthtest.NoFlags, func(p *signingkeys.ManagedProps) { p.Slots = []string{"b"} })
	two := managed(t, synthtest.NoFlags, nil)
	for _, kind := range []string{"AWS::CloudFront::PublicKey", "Custom::SigningKey"} {
		for _, resource := range one.Of(kind) {
			other, there := two.Resources[resource.ID]
			if !there {
				t.Errorf("%s is another beside a second slot", resource.ID)
			}
			synthtest.Equal(t, resource.ID, other.Properties, resource.Properties)
		}
	}
}

func TestManagedKeysSayWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		props *signingkeys.ManagedProps
		want  []string
	}{
		"no props":      {nil, []string{"no props"}},
		"nothing given": {&signingkeys.ManagedProps{}, []string{"not 0", "Gateway", "KeepFor", "LogDays"}},
		"slots":         {&signingkeys.ManagedProps{Slots: []string{"a", "a", "B", "c", "d", "e"}, Guard: policy.Guard{RequireMFA: true}}, []string{"not 6", `two slots "a"`, `slot "B"`, "RequireMFA"}},
		"keys in KMS":   {&signingkeys.ManagedProps{Slots: []string{"a"}, InKMS: map[string]string{"a": "alias/signing", "b": ""}}, []string{`slot "a": "alias/signing" is no ARN`, `the slot "b"`}},
	} {
		err := c.props.Validate()
		for _, want := range c.want {
			if !errors.Is(err, signingkeys.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v doesn't say %s", name, err, want)
			}
		}
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, signingkeys.ErrInvalid) {
			t.Errorf("the constructor panics with %v", err)
		}
	}()
	signingkeys.NewManaged(synthtest.Stack(synthtest.NoFlags, ""), jsii.String("Keys"), &signingkeys.ManagedProps{})
}
