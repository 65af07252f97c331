package signingkeys_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/signingkeys"
	"github.com/signgate/signgate/infra/synthtest"
)

const (
	firstKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAElHul/eaDwjBQPeFzJckvIQIqYNQJ
Zh5+uwqlGg0prh3+pzn1JIqIduQZ6YIGgaanzRoDiunp/k717Orz9Bavag==
-----END PUBLIC KEY-----
`
	secondKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELaN3b18NkJtyhHwr01VHKyWg2pLr
Owqub+Um91vOBUGcxXrGVXBdQT8utda9Nh5EDFoJwfNhO/tbabX5gEsQxQ==
-----END PUBLIC KEY-----
`
	thirdKey = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq6chqPMcb3QxZnQZVEKy
KdShBN6XTC9Y0O9KVeaL42WwubmdBarpOOGCmW/dlEqy9KHJESv6lzl+c2Vtg1Wb
U4qhzxN2+9tOka4pLJrqg1Ad7XCOSzV1irKrvOHXSQCXWKDHEkfE7jfoG4d84EK6
/KyX64aHFExzwDqfwEXjKunNBWDSnQ7o2Vc02uYOnrTuJTWol2Sea6dl8MK9Jjm5
bMBtyshF5b680YWyfHrOJWPjQKU5Irv2tYaNEsHc62LHcFMwFQ8tfTWMJS1UXhTN
0vl/vcbvHAR8qZokMeqvXCiIscwTCjbD+IAOUENhbl0A/fzG0N3w1nTpUcignVNC
aQIDAQAB
-----END PUBLIC KEY-----
`
)

func TestMain(m *testing.M) { synthtest.Main(m) }

// resources are those of a stack with one Trust, by logical id.
type resources map[string]struct {
	Type       string
	Properties map[string]any
}

func synth(t *testing.T, props *signingkeys.Props) resources {
	t.Helper()
	return synthWith(t, synthtest.NoFlags, props)
}

func synthWith(t *testing.T, flags synthtest.Flags, props *signingkeys.Props) resources {
	t.Helper()
	stack := synthtest.Stack(flags, "")
	signingkeys.NewTrust(stack, jsii.String("SigningKeys"), props)
	text, err := json.Marshal(assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	var template struct{ Resources resources }
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	return template.Resources
}

func slots(keys ...string) []signingkeys.Slot {
	var result []signingkeys.Slot
	for i, key := range keys {
		result = append(result, signingkeys.Slot{ID: string(rune('a' + i)), PEM: key})
	}
	return result
}

func (r resources) of(kind string) map[string]map[string]any {
	result := map[string]map[string]any{}
	for id, resource := range r {
		if resource.Type == "AWS::CloudFront::"+kind {
			result[id], _ = resource.Properties[kind+"Config"].(map[string]any)
		}
	}
	return result
}

// trusted are the logical ids that the one key group names.
func (r resources) trusted(t *testing.T) []string {
	t.Helper()
	groups := r.of("KeyGroup")
	if len(groups) != 1 {
		t.Fatalf("there are %d key groups", len(groups))
	}
	var ids []string
	for _, group := range groups {
		items, _ := group["Items"].([]any)
		for _, item := range items {
			reference, _ := item.(map[string]any)
			id, _ := reference["Ref"].(string)
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestGroupTrustsEveryKeyAndNoOther(t *testing.T) {
	made := synth(t, &signingkeys.Props{Slots: slots(firstKey, secondKey, thirdKey), Active: "a"})
	keys := slices.Sorted(maps.Keys(made.of("PublicKey")))
	if len(keys) != 3 || !slices.Equal(keys, made.trusted(t)) {
		t.Errorf("keys %v, trusted %v", keys, made.trusted(t))
	}
}

// A rotation is three deployments. CloudFormation makes what is new, changes
// the group, and removes what is gone, in this order.
func TestRotationNeverChangesAKeyNorTrustsNone(t *testing.T) {
	old := signingkeys.Slot{ID: "a", PEM: firstKey}
	next := signingkeys.Slot{ID: "b", PEM: secondKey}
	steps := []resources{
		synth(t, &signingkeys.Props{Slots: []signingkeys.Slot{old}, Active: "a"}),
		synth(t, &signingkeys.Props{Slots: []signingkeys.Slot{old, next}, Active: "a"}),
		synth(t, &signingkeys.Props{Slots: []signingkeys.Slot{old, next}, Active: "b"}),
		synth(t, &signingkeys.Props{Slots: []signingkeys.Slot{next}, Active: "b"}),
	}
	for i := 1; i < len(steps); i++ {
		before, after := steps[i-1], steps[i]
		kept := 0
		for id, key := range before.of("PublicKey") {
			changed, ok := after.of("PublicKey")[id]
			if !ok {
				continue
			}
			kept++
			if fmt.Sprint(changed) != fmt.Sprint(key) {
				t.Errorf("step %d changes the key %s", i, id)
			}
		}
		if kept == 0 || len(after.trusted(t)) == 0 {
			t.Errorf("step %d leaves no key that was trusted before", i)
		}
		if groups := slices.Collect(maps.Keys(before.of("KeyGroup"))); !slices.Equal(groups, slices.Collect(maps.Keys(after.of("KeyGroup")))) {
			t.Errorf("step %d replaces the key group", i)
		}
	}
	if last := steps[3].trusted(t); len(last) != 1 {
		t.Errorf("in the end %v are trusted", last)
	}
}

func TestAnotherKeyInASlotIsAnotherResourceWithAnotherName(t *testing.T) {
	before := synth(t, &signingkeys.Props{Slots: slots(firstKey), Active: "a"}).of("PublicKey")
	after := synth(t, &signingkeys.Props{Slots: slots(secondKey), Active: "a"}).of("PublicKey")
	for id, key := range before {
		if _, ok := after[id]; ok {
			t.Errorf("%s stays, and CloudFormation would change it in place", id)
		}
		for _, other := range after {
			if key["Name"] == other["Name"] || key["CallerReference"] == other["CallerReference"] {
				t.Errorf("both keys are named %v, with the reference %v", key["Name"], key["CallerReference"])
			}
		}
	}
}

// The same key in another slot is another key to CloudFront, whose names must
// differ while both are there.
func TestNamesTellSlotsApart(t *testing.T) {
	a := synth(t, &signingkeys.Props{Slots: slots(firstKey), Active: "a"}).of("PublicKey")
	b := synth(t, &signingkeys.Props{Slots: []signingkeys.Slot{{ID: "b", PEM: firstKey}}, Active: "b"}).of("PublicKey")
	for id, key := range a {
		for other, config := range b {
			if id == other || key["Name"] == config["Name"] {
				t.Errorf("%s and %s are both named %v", id, other, key["Name"])
			}
		}
	}
}

func TestHowAPEMIsWrappedDoesNotMatter(t *testing.T) {
	plain := synth(t, &signingkeys.Props{Slots: slots(firstKey), Active: "a"})
	for name, text := range map[string]string{
		"no newline at the end": strings.TrimSpace(firstKey),
		"newlines at the end":   firstKey + "\n\n",
		"Windows' line ends":    strings.ReplaceAll(firstKey, "\n", "\r\n"),
		"one line": "-----BEGIN PUBLIC KEY-----\n" +
			strings.Join(strings.Split(strings.TrimSpace(firstKey), "\n")[1:3], "") + "\n-----END PUBLIC KEY-----\n",
	} {
		if wrapped := synth(t, &signingkeys.Props{Slots: slots(text), Active: "a"}); fmt.Sprint(wrapped) != fmt.Sprint(plain) {
			t.Errorf("%s: the template differs", name)
		}
	}
}

func TestOrderOfSlotsDoesNotMatter(t *testing.T) {
	given := slots(firstKey, secondKey, thirdKey)
	forwards := synth(t, &signingkeys.Props{Slots: slices.Clone(given), Active: "b"})
	slices.Reverse(given)
	if backwards := synth(t, &signingkeys.Props{Slots: given, Active: "b"}); fmt.Sprint(forwards) != fmt.Sprint(backwards) {
		t.Error("the templates differ")
	}
	if given[0].PEM != thirdKey {
		t.Error("the caller's slots were put in another order")
	}
}

func TestFeatureFlagsOfTheAppDoNotMatter(t *testing.T) {
	props := &signingkeys.Props{Slots: slots(firstKey, secondKey), Active: "a"}
	if fmt.Sprint(synthWith(t, synthtest.HouseFlags, props)) != fmt.Sprint(synth(t, props)) {
		t.Error("the templates differ")
	}
}

func TestKeysOfACustomResourceAreToldApartByTheirFingerprints(t *testing.T) {
	output := func(fingerprint string) map[string]map[string]any {
		return synth(t, &signingkeys.Props{
			Slots:  []signingkeys.Slot{{ID: "a", PEM: *awscdk.Fn_GetAtt(jsii.String("KeyPair"), jsii.String("PublicKey")).ToString(), Fingerprint: fingerprint}},
			Active: "a",
		}).of("PublicKey")
	}
	first, second := output("0123456789abcdef"), output("fedcba9876543210")
	for id, key := range first {
		if fmt.Sprint(key["EncodedKey"]) != "map[Fn::GetAtt:[KeyPair PublicKey]]" {
			t.Errorf("the key is %v", key["EncodedKey"])
		}
		if _, ok := second[id]; ok {
			t.Errorf("another key keeps the id %s", id)
		}
	}
}

func TestActiveKeyIsTheOneOfItsSlot(t *testing.T) {
	stack := synthtest.Stack(synthtest.NoFlags, "")
	trust := signingkeys.NewTrust(stack, jsii.String("SigningKeys"), &signingkeys.Props{Slots: slots(firstKey, secondKey), Active: "b"})
	reference := func(token *string) string { return fmt.Sprint(stack.Resolve(token)) }
	ids := *trust.KeyIDs()
	if len(ids) != 2 || reference(ids[0]) == reference(ids[1]) || reference(trust.ActiveKeyID()) != reference(ids[1]) {
		t.Errorf("ids %v, active %v", stack.Resolve(ids), reference(trust.ActiveKeyID()))
	}
	if !strings.Contains(reference(trust.ActiveKeyID()), "Keyb") {
		t.Errorf("the active key is %s", reference(trust.ActiveKeyID()))
	}
}

func TestWhatCannotBeTrustedIsRefusedAllAtOnce(t *testing.T) {
	private := strings.ReplaceAll(firstKey, "PUBLIC", "PRIVATE")
	for name, c := range map[string]struct {
		props *signingkeys.Props
		want  []string
	}{
		"no props":           {nil, []string{"no props"}},
		"no slots":           {&signingkeys.Props{}, []string{"Slots holds 1 to 5", `Active ""`}},
		"too many":           {&signingkeys.Props{Slots: slots(firstKey, firstKey, firstKey, firstKey, firstKey, firstKey), Active: "a"}, []string{"not 6"}},
		"a strange id":       {&signingkeys.Props{Slots: []signingkeys.Slot{{ID: "A_1", PEM: firstKey}}, Active: "A_1"}, []string{"lower-case"}},
		"a private key":      {&signingkeys.Props{Slots: slots(private), Active: "a"}, []string{"PRIVATE"}},
		"no key":             {&signingkeys.Props{Slots: slots("hello"), Active: "a"}, []string{"PEM"}},
		"a token":            {&signingkeys.Props{Slots: slots("${Token[TOKEN.1]}"), Active: "a"}, []string{"PEM"}},
		"a short print":      {&signingkeys.Props{Slots: []signingkeys.Slot{{ID: "a", PEM: "${Token[TOKEN.1]}", Fingerprint: "ab"}}, Active: "a"}, []string{"its Fingerprint is 16"}},
		"a print of nothing": {&signingkeys.Props{Slots: []signingkeys.Slot{{ID: "a", Fingerprint: "0123456789abcdef"}}, Active: "a"}, []string{"once it is deployed"}},
		"a print of a known": {&signingkeys.Props{Slots: []signingkeys.Slot{{ID: "a", PEM: firstKey, Fingerprint: "0123456789abcdef"}}, Active: "a"}, []string{"once it is deployed"}},
		"the same id twice":  {&signingkeys.Props{Slots: []signingkeys.Slot{{ID: "a", PEM: firstKey}, {ID: "a", PEM: secondKey}}, Active: "a"}, []string{"two slots"}},
		"the same key twice": {&signingkeys.Props{Slots: slots(firstKey, strings.TrimSpace(firstKey)), Active: "a"}, []string{`slot "b" holds the key of slot "a"`}},
		"no active":          {&signingkeys.Props{Slots: slots(firstKey), Active: "b"}, []string{`Active "b" is none`}},
		"everything":         {&signingkeys.Props{Slots: slots("x", private), Active: "c"}, []string{`slot "a"`, `slot "b"`, "Active"}},
	} {
		err := c.props.Validate()
		for _, want := range c.want {
			if !errors.Is(err, signingkeys.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", name, err, want)
			}
		}
	}
}

func TestConstructorPanicsWithTheComplaints(t *testing.T) {
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, signingkeys.ErrInvalid) {
			t.Errorf("recovered %v", err)
		}
	}()
	signingkeys.NewTrust(synthtest.Stack(synthtest.NoFlags, ""), jsii.String("SigningKeys"), &signingkeys.Props{})
}
