package signingkeys_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/policy"
	"github.com/signgate/signgate/infra/signingkeys"
	"github.com/signgate/signgate/infra/synthtest"
)

const existingKey = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// inKMS has every slot's key in KMS.
func inKMS(t *testing.T, flags synthtest.Flags, slots ...string) synthtest.Template {
	t.Helper()
	return managed(t, flags, func(p *signingkeys.ManagedProps) {
		p.Slots, p.InKMS = slots, map[string]string{}
		for _, slot := range slots {
			p.InKMS[slot] = ""
		}
	})
}

func TestOnlyTheGatewaySignsWithAKeyInKMSAndOnlyDigests(t *testing.T) {
	for _, flags := range synthtest.BothFlags() {
		template := inKMS(t, flags, "a", "b")
		maker := "AWS ${" + template.Only(t, "AWS::IAM::Role", "").ID + ".Arn}"
		all := []string{"*"}
		for _, slot := range []string{"a", "b"} {
			key := template.Only(t, "AWS::KMS::Key", "KeysSigningKey"+slot)
			synthtest.Equal(t, "the key", []any{key.Get("KeySpec"), key.Get("KeyUsage"), key.Get("EnableKeyRotation"), key.Get("PendingWindowInDays"), key.Get("Description")},
				[]any{"ECC_NIST_P256", "SIGN_VERIFY", nil, 30.0, "signgate: signing key of slot " + slot})
			rules := synthtest.Statements(t, key.Get("KeyPolicy"))
			if governs := rules["AccountGoverns"]; slices.Contains(governs.Action, "kms:Sign") || slices.Contains(governs.Action, "kms:CreateGrant") {
				t.Errorf("who governs signs: %v", governs.Action)
			}
			delete(rules, "AccountGoverns")
			synthtest.Equal(t, "its policy", rules, map[string]synthtest.Statement{
				"OnlyDeployersGovern": synthtest.Deny(policy.GoverningKeys(), all, map[string][]string{"ArnNotLike aws:PrincipalArn": {keeper}}),
				"GatewaySigns": synthtest.Allow("AWS "+gatewayRole, []string{"kms:Sign"}, all, map[string][]string{
					"StringEquals kms:SigningAlgorithm": {"ECDSA_SHA_256"}, "StringEquals kms:MessageType": {"DIGEST"},
				}),
				"GatewayKnowsThePublicHalf": synthtest.Allow("AWS "+gatewayRole, []string{"kms:GetPublicKey"}, all, nil),
				"KeygenReadsThePublicHalf":  synthtest.Allow(maker, []string{"kms:GetPublicKey"}, all, nil),
			})
			pair := template.Only(t, "Custom::SigningKey", "KeysPair"+slot)
			synthtest.Equal(t, "what is asked for", pair.Get("KMSKey"), any("${"+key.ID+".Arn}"))
		}
		permissions := synthtest.Statements(t, template.Only(t, "AWS::IAM::ManagedPolicy", "").Get("PolicyDocument"))
		synthtest.Equal(t, "what keygen may do", slices.Sorted(maps.Keys(permissions)), []string{"KeepsKeys", "ReadsPublicHalves", "WritesItsLog"})
		if reads := permissions["ReadsPublicHalves"]; len(reads.Resource) != 2 || !slices.Equal(reads.Action, []string{"kms:GetPublicKey"}) {
			t.Errorf("keygen reads %+v", reads)
		}
	}
}

func TestAKeyInKMSGoesWithItsSlotUnlessItIsKept(t *testing.T) {
	for retain, want := range map[bool]string{true: "Retain", false: "Delete"} {
		template := managed(t, synthtest.NoFlags, func(p *signingkeys.ManagedProps) {
			p.Slots, p.InKMS, p.Retain = []string{"a"}, map[string]string{"a": ""}, retain
		})
		if key := template.Only(t, "AWS::KMS::Key", "KeysSigningKey"); key.DeletionPolicy != want || key.UpdateReplacePolicy != want {
			t.Errorf("%s, %s", key.DeletionPolicy, key.UpdateReplacePolicy)
		}
	}
}

// An existing key's policy is its owner's matter, who is told what it needs.
func TestAnExistingKeyInKMSIsUsedAndItsOwnerIsTold(t *testing.T) {
	stack := synthtest.Stack(synthtest.NoFlags, "eu-central-1")
	made := signingkeys.NewManaged(stack, jsii.String("Keys"), &signingkeys.ManagedProps{
		Slots: []string{"a", "b"}, InKMS: map[string]string{"b": existingKey}, Gateway: awsiam.Role_FromRoleArn(stack, jsii.String("Gateway"), jsii.String(gatewayRole), nil),
		KeepFor: 13 * time.Hour, LogDays: 30,
	})
	template := synthtest.Synth(stack)
	for _, needed := range []string{"key of slot b", "GatewaySigns", "GatewayKnowsThePublicHalf", "KeygenReadsThePublicHalf", "RSASSA_PKCS1_V1_5_SHA_256"} {
		if !strings.Contains(template.Warnings, needed) {
			t.Errorf("%q doesn't tell %s", template.Warnings, needed)
		}
	}
	synthtest.Equal(t, "what signs in KMS", made.SignWith(), []string{existingKey})
	synthtest.Equal(t, "what is asked for", template.Only(t, "Custom::SigningKey", "KeysPairb").Get("KMSKey"), any(existingKey))
	synthtest.Equal(t, "of a managed key", template.Only(t, "Custom::SigningKey", "KeysPaira").Get("KMSKey"), any(nil))
	for _, key := range template.Of("AWS::KMS::Key") {
		if key.Get("KeyUsage") != nil {
			t.Errorf("%s is made beside it", key.ID)
		}
	}
}

// CloudFront's public keys can't be changed, so another key, or one that goes
// from the secret to KMS, has to be another resource.
func TestAnotherKeyOfASlotIsAnotherPublicKey(t *testing.T) {
	seen := map[string]string{}
	for name, where := range map[string]map[string]string{"managed": nil, "made in KMS": {"a": ""}, "existing": {"a": existingKey}, "another existing": {"a": existingKey + "0"}} {
		stack := synthtest.Stack(synthtest.NoFlags, "eu-central-1")
		signingkeys.NewManaged(stack, jsii.String("Keys"), &signingkeys.ManagedProps{
			Slots: []string{"a"}, InKMS: where, Gateway: awsiam.Role_FromRoleArn(stack, jsii.String("Gateway"), jsii.String(gatewayRole), nil), KeepFor: time.Hour, LogDays: 30,
		})
		key := synthtest.Synth(stack).Only(t, "AWS::CloudFront::PublicKey", "")
		for _, id := range []string{key.ID, fmt.Sprint(key.Get("PublicKeyConfig", "Name"))} {
			if other, taken := seen[id]; taken {
				t.Errorf("%s and %s are both %s", name, other, id)
			}
			seen[id] = name
		}
	}
}
