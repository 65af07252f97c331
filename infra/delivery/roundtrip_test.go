package delivery_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/signgate/signgate/infra/behaviors"
	"github.com/signgate/signgate/pkg/edge"
)

// What the local edge runs is what the construct was given, and both are what
// CloudFront gets.
func TestBehavioursOfTheTemplateAreThoseThatWereGiven(t *testing.T) {
	plain := edge.ReadBehavior(nil, lifetime())
	full := edge.ReadBehavior(nil, lifetime(), "https://app.example.com", "https://www.example.com")
	full.Headers = headers() // in the order in which settings are read
	for name, want := range map[string]edge.Behavior{"Plain": plain, "Bound": plain, "Full": full, "Pointed": bare(plain)} {
		made := of(t, name)
		for id := range made.resources("AWS::CloudFront::PublicKey") {
			if strings.HasPrefix(id, "SigningKeys") {
				want.KeyGroup = []string{id}
			}
		}
		got, err := behaviors.Of(made)
		if err != nil || !reflect.DeepEqual(got, []edge.Behavior{want}) {
			t.Errorf("%s: %v\n%+v, not\n%+v", name, err, got, want)
		}
		var file bytes.Buffer
		if err := behaviors.Write(&file, made); err != nil {
			t.Fatal(err)
		}
		read, err := edge.ReadBehaviors(&file)
		if err != nil || !reflect.DeepEqual(read, got) {
			t.Errorf("%s: from a file %v, %+v", name, err, read)
		}
	}
}
