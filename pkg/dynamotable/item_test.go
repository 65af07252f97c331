package dynamotable_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/signgate/signgate/pkg/dynamotable"
)

func TestWhatWasWrittenIsReadAndWhatWasntIsNoticed(t *testing.T) {
	read := dynamotable.Reader{Item: dynamotable.Item{
		"text": dynamotable.Text("a"), "number": dynamotable.Number(-7), "bytes": dynamotable.Bytes([]byte{1}),
		"texts": dynamotable.Texts([]string{"a", "b"}), "none": dynamotable.Texts([]string{}),
		"fraction": &types.AttributeValueMemberN{Value: "1.5"},
		"mixed":    &types.AttributeValueMemberL{Value: []types.AttributeValue{dynamotable.Text("a"), dynamotable.Number(1)}},
	}}
	if read.Text("text") != "a" || read.Number("number") != -7 || !slices.Equal(read.Bytes("bytes"), []byte{1}) ||
		!slices.Equal(read.Texts("texts"), []string{"a", "b"}) || len(read.Texts("none")) != 0 || read.Missing != "" {
		t.Errorf("%+v", read)
	}
	if !read.Has("text") || read.Has("nothing") {
		t.Error("Has says another thing")
	}
	for name, ask := range map[string]func(*dynamotable.Reader){
		"number":   func(r *dynamotable.Reader) { r.Text("number") },
		"text":     func(r *dynamotable.Reader) { r.Number("text") },
		"fraction": func(r *dynamotable.Reader) { r.Number("fraction") },
		"texts":    func(r *dynamotable.Reader) { r.Bytes("texts") },
		"bytes":    func(r *dynamotable.Reader) { r.Texts("bytes") },
		"mixed":    func(r *dynamotable.Reader) { r.Texts("mixed") },
		"nothing":  func(r *dynamotable.Reader) { r.Text("nothing") },
	} {
		one := dynamotable.Reader{Item: read.Item}
		if ask(&one); one.Missing != name {
			t.Errorf("%s: %q", name, one.Missing)
		}
	}
}
