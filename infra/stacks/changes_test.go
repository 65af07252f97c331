package stacks_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/policytest"
	"github.com/signgate/signgate/infra/synthtest"
)

// changes compares two deployments of a stack: resources that go, that change
// and that come, by their logical ids.
func changes(before, after policytest.Template) (gone, changed, come []string) {
	old, now := before.Body["Resources"].(map[string]any), after.Body["Resources"].(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(old)) {
		if _, there := now[id]; !there {
			gone = append(gone, id)
		} else if !reflect.DeepEqual(deployed(old[id]), deployed(now[id])) {
			changed = append(changed, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(now)) {
		if _, there := old[id]; !there {
			come = append(come, id)
		}
	}
	return gone, changed, come
}

// deployed is a resource without what is only said about it.
func deployed(resource any) map[string]any {
	bare := maps.Clone(resource.(map[string]any))
	delete(bare, "Metadata")
	return bare
}

// kinds are the types of resources.
func kinds(template policytest.Template, ids []string) []string {
	resources := template.Body["Resources"].(map[string]any)
	found := make([]string, len(ids))
	for i, id := range ids {
		found[i] = resources[id].(map[string]any)["Type"].(string)
	}
	slices.Sort(found)
	return found
}

func TestKeysAreRotatedInStepsThatNeverChangeAKey(t *testing.T) {
	const publicKey, keyGroup, parameter = "AWS::CloudFront::PublicKey", "AWS::CloudFront::KeyGroup", "AWS::SSM::Parameter"
	for _, step := range []struct {
		from, to            string
		gone, changed, come []string
	}{
		{"plain", "rotating", []string{}, []string{keyGroup}, []string{publicKey}},
		{"rotating", "switched", []string{}, []string{parameter}, []string{}},
		{"switched", "rotated", []string{publicKey}, []string{keyGroup}, []string{}},
	} {
		before, after := content(t, step.from), content(t, step.to)
		gone, changed, come := changes(before, after)
		synthtest.Equal(t, step.from+" to "+step.to, [][]string{kinds(before, gone), kinds(before, changed), kinds(after, come)}, [][]string{step.gone, step.changed, step.come})
	}
}

// Keys that are made when they are deployed, in the secret or in KMS, and from
// the one to the other. What is new comes first, then the function is asked
// whether a key may go, then the group changes, and what is gone goes last.
func TestMadeKeysAreRotatedInStepsThatNeverChangeAKey(t *testing.T) {
	const (
		publicKey, keyGroup, key = "AWS::CloudFront::PublicKey", "AWS::CloudFront::KeyGroup", "AWS::KMS::Key"
		pair, ids, permissions   = "Custom::SigningKey", "Custom::SigningKeyIDs", "AWS::IAM::ManagedPolicy"
	)
	for _, step := range []struct {
		from, to            string
		gone, changed, come []string
	}{
		{"managed a", "managed ab", []string{}, []string{keyGroup, ids}, []string{publicKey, pair}},
		{"managed ab", "managed b", []string{publicKey, pair}, []string{keyGroup, ids}, []string{}},
		{"kms a", "kms ab", []string{}, []string{keyGroup, permissions, permissions, ids}, []string{publicKey, key, pair}},
		{"kms ab", "kms b", []string{publicKey, key, pair}, []string{keyGroup, permissions, permissions, ids}, []string{}},
		{"managed a", "into kms", []string{}, []string{keyGroup, permissions, permissions, ids}, []string{publicKey, key, pair}},
		{"into kms", "kms b", []string{publicKey, pair}, []string{keyGroup, ids}, []string{}},
	} {
		before, after := content(t, step.from), content(t, step.to)
		gone, changed, come := changes(before, after)
		changed = slices.DeleteFunc(changed, func(id string) bool { // what it waits for is no change to CloudFormation
			old, now := before.Body["Resources"].(map[string]any)[id], after.Body["Resources"].(map[string]any)[id]
			return reflect.DeepEqual(at(old, "Properties"), at(now, "Properties"))
		})
		synthtest.Equal(t, step.from+" to "+step.to, [][]string{kinds(before, gone), kinds(before, changed), kinds(after, come)}, [][]string{step.gone, step.changed, step.come})
		for id, group := range of(after, keyGroup) {
			waits, _ := group["DependsOn"].([]any)
			for asked := range of(after, ids) {
				if !slices.Contains(waits, any(asked)) {
					t.Errorf("%s to %s: %s changes before %s was asked", step.from, step.to, id, asked)
				}
			}
		}
	}
}

func TestTurningOptionsOnAndOffReplacesNothingThatHoldsData(t *testing.T) {
	// What CloudFormation replaces when it changes, of what options touch.
	immutable := map[string][]string{
		"AWS::S3::Bucket":               {"BucketName", "BucketNamePrefix", "BucketNamespace", "ObjectLockEnabled"},
		"AWS::KMS::Key":                 {"KeySpec", "KeyUsage", "MultiRegion", "Origin"},
		"AWS::CloudFront::Distribution": {},
	}
	for _, name := range []string{"fallback", "full", "bounded", "rotating", "bare"} {
		before, after := content(t, "plain"), content(t, name)
		for kind, properties := range immutable {
			for id, resource := range of(before, kind) {
				now, there := of(after, kind)[id]
				if !there && (name != "bare" || kind != "AWS::KMS::Key") { // bare encrypts with S3's keys
					t.Errorf("%s: %s %s is gone", name, kind, id)
					continue
				}
				for _, property := range properties {
					was, is := resource["Properties"].(map[string]any)[property], any(nil)
					if there {
						is = now["Properties"].(map[string]any)[property]
					}
					if there && !reflect.DeepEqual(was, is) {
						t.Errorf("%s: %s of %s changes, which replaces it", name, property, id)
					}
				}
			}
		}
	}
}

func TestTheFallbackChangesTheKeysPolicyOnly(t *testing.T) {
	gone, changed, come := changes(content(t, "plain"), content(t, "fallback"))
	if len(gone)+len(come) != 0 || len(changed) != 1 || !strings.HasPrefix(changed[0], "ContentKey") {
		t.Errorf("gone %v, changed %v, come %v", gone, changed, come)
	}
}

// A process of the function reads its settings when it begins, and lives for
// hours: a shorter life of URLs that doesn't hold yet is none.
func TestOtherSettingsStartTheFunctionAnewOnceTheyAreThere(t *testing.T) {
	before, after := content(t, "apart"), content(t, "shorter")
	_, changed, _ := changes(before, after)
	if !slices.ContainsFunc(changed, func(id string) bool { return strings.HasPrefix(id, "GatewayFunction") }) {
		t.Errorf("the function stays as it is; changed %v", changed)
	}
	var function map[string]any
	for id, resource := range of(after, "AWS::Lambda::Function") {
		if strings.HasPrefix(id, "GatewayFunction") {
			function = resource
		}
	}
	for id := range of(after, "AWS::SSM::Parameter") {
		if waits, _ := function["DependsOn"].([]any); !slices.Contains(waits, any(id)) {
			t.Errorf("it doesn't wait for %s: %v", id, waits)
		}
	}
}

func TestNoTwoFunctionsShareAnAsset(t *testing.T) {
	for name := range variants() {
		for _, template := range templates(t, name) {
			users := map[string]string{}
			for id, function := range of(template, "AWS::Lambda::Function") {
				code, _ := function["Properties"].(map[string]any)["Code"].(map[string]any)
				asset, _ := code["S3Key"].(string)
				if other, twice := users[asset]; twice {
					t.Errorf("%s: %s and %s have the same code %s", template.Stack, id, other, asset)
				}
				users[asset] = id
			}
		}
	}
}
