package dynamo

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/signgate/signgate/pkg/grants"
)

// The names of the other attributes. Times are in nanoseconds since 1970.
const (
	resourceAttribute  = "resource"
	holderAttribute    = "grantee"
	actionsAttribute   = "actions"
	expiresAttribute   = "expires"
	maxUsesAttribute   = "max_uses"
	usesAttribute      = "uses"
	createdByAttribute = "created_by"
	createdAtAttribute = "created_at"
	attemptAttribute   = "attempt" // tells one call of Create from another
)

var errItem = errors.New("an item of the table is no grant of ours")

type item = map[string]types.AttributeValue

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func number[T int | int64](value T) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(value), 10)}
}

// keyOf is where an item is in the table.
func keyOf(place grants.Place) item {
	return item{
		partitionAttribute: text(place.Resource.String()),
		sortAttribute:      text(place.Grantee.String() + place.Serial.String()),
	}
}

// indexKeyOf is where it is in the index by grantee.
func indexKeyOf(place grants.Place) item {
	key := keyOf(place)
	key[granteeAttribute] = text(place.Grantee.String())
	key[sharedAttribute] = text(place.Serial.String() + place.Resource.String())
	return key
}

func encode(place grants.Place, grant grants.Grant, attempt string) item {
	kept := indexKeyOf(place)
	actions := make([]types.AttributeValue, 0, len(grant.Actions))
	for _, action := range grant.Actions {
		actions = append(actions, text(string(action)))
	}
	kept[resourceAttribute] = text(grant.Resource)
	kept[holderAttribute] = text(grant.Grantee.String())
	kept[actionsAttribute] = &types.AttributeValueMemberL{Value: actions}
	kept[maxUsesAttribute] = number(grant.MaxUses)
	kept[usesAttribute] = number(grant.Uses)
	kept[createdByAttribute] = text(grant.CreatedBy)
	kept[createdAtAttribute] = number(grant.CreatedAt.UnixNano())
	kept[attemptAttribute] = text(attempt)
	if grant.Expires != nil {
		kept[expiresAttribute] = number(grant.Expires.UnixNano())
		kept[sweepAttribute] = number(grant.Expires.Add(grants.KeepExpired).Unix() + 1)
	}
	return kept
}

// decode reads an item, and believes it only if it belongs under its key.
func decode(kept item) (grants.Grant, error) {
	read := reader{item: kept}
	grant := grants.Grant{
		Resource: read.text(resourceAttribute), MaxUses: int(read.number(maxUsesAttribute)), Uses: int(read.number(usesAttribute)),
		CreatedBy: read.text(createdByAttribute), CreatedAt: time.Unix(0, read.number(createdAtAttribute)).UTC(),
		ID: read.text(partitionAttribute) + read.text(sortAttribute), Actions: read.actions(),
	}
	if _, ok := kept[expiresAttribute]; ok {
		expires := time.Unix(0, read.number(expiresAttribute)).UTC()
		grant.Expires = &expires
	}
	holder := read.text(holderAttribute)
	if read.missing != "" {
		return grants.Grant{}, fmt.Errorf("%w: %s", errItem, read.missing)
	}
	place, err := grants.ParseID(grant.ID)
	if err != nil {
		return grants.Grant{}, fmt.Errorf("%w: %w", errItem, err)
	}
	if grant.Grantee, err = grants.ParseGrantee(holder); err != nil {
		return grants.Grant{}, fmt.Errorf("%w: %w", errItem, err)
	}
	if place.Resource != grants.MarkOf(grant.Resource) || place.Grantee != grant.Grantee.Mark() {
		return grants.Grant{}, fmt.Errorf("%w: it lies under another key", errItem)
	}
	return grant, nil
}

// reader reads attributes and remembers one that isn't as it should be.
type reader struct {
	item    item
	missing string
}

func (r *reader) text(name string) string {
	value, ok := r.item[name].(*types.AttributeValueMemberS)
	if !ok {
		r.missing = name
		return ""
	}
	return value.Value
}

func (r *reader) number(name string) int64 {
	value, ok := r.item[name].(*types.AttributeValueMemberN)
	if !ok {
		r.missing = name
		return 0
	}
	parsed, err := strconv.ParseInt(value.Value, 10, 64)
	if err != nil {
		r.missing = name
	}
	return parsed
}

func (r *reader) actions() []grants.Action {
	list, ok := r.item[actionsAttribute].(*types.AttributeValueMemberL)
	if !ok {
		r.missing = actionsAttribute
		return nil
	}
	actions := make([]grants.Action, 0, len(list.Value))
	for _, value := range list.Value {
		action, ok := value.(*types.AttributeValueMemberS)
		if !ok {
			r.missing = actionsAttribute
			return nil
		}
		actions = append(actions, grants.Action(action.Value))
	}
	return actions
}
