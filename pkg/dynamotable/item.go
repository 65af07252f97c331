package dynamotable

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is an item of a table, by attribute.
type Item = map[string]types.AttributeValue

// Text makes an attribute.
func Text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

// Number makes an attribute.
func Number[T int | int64](value T) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(value), 10)}
}

// Bytes makes an attribute.
func Bytes(value []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: value} }

// Texts makes an attribute: a list, which keeps its order and may be empty.
func Texts[T ~string](values []T) types.AttributeValue {
	list := make([]types.AttributeValue, 0, len(values))
	for _, value := range values {
		list = append(list, Text(string(value)))
	}
	return &types.AttributeValueMemberL{Value: list}
}

// Reader reads the attributes of an item, and remembers one that is missing or
// of another type.
type Reader struct {
	Item    Item
	Missing string // its name; empty if all that were read are as they should be
}

// Has says whether there is such an attribute.
func (r *Reader) Has(name string) bool {
	_, ok := r.Item[name]
	return ok
}

// Text reads an attribute.
func (r *Reader) Text(name string) string {
	value, ok := r.Item[name].(*types.AttributeValueMemberS)
	if !ok {
		r.Missing = name
		return ""
	}
	return value.Value
}

// Number reads an attribute that is a whole number.
func (r *Reader) Number(name string) int64 {
	value, ok := r.Item[name].(*types.AttributeValueMemberN)
	if !ok {
		r.Missing = name
		return 0
	}
	parsed, err := strconv.ParseInt(value.Value, 10, 64)
	if err != nil {
		r.Missing = name
	}
	return parsed
}

// Bytes reads an attribute.
func (r *Reader) Bytes(name string) []byte {
	value, ok := r.Item[name].(*types.AttributeValueMemberB)
	if !ok {
		r.Missing = name
		return nil
	}
	return value.Value
}

// Texts reads an attribute that is a list of texts.
func (r *Reader) Texts(name string) []string {
	list, ok := r.Item[name].(*types.AttributeValueMemberL)
	if !ok {
		r.Missing = name
		return nil
	}
	texts := make([]string, 0, len(list.Value))
	for _, value := range list.Value {
		text, ok := value.(*types.AttributeValueMemberS)
		if !ok {
			r.Missing = name
			return nil
		}
		texts = append(texts, text.Value)
	}
	return texts
}
