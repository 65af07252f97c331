package dynamo

import (
	"errors"
	"fmt"
	"time"

	"github.com/signgate/signgate/pkg/dynamotable"
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

// keyOf is where an item is in the table.
func keyOf(place grants.Place) dynamotable.Item {
	return dynamotable.Item{
		partitionAttribute: dynamotable.Text(place.Resource.String()),
		sortAttribute:      dynamotable.Text(place.Grantee.String() + place.Serial.String()),
	}
}

// indexKeyOf is where it is in the index by grantee.
func indexKeyOf(place grants.Place) dynamotable.Item {
	key := keyOf(place)
	key[granteeAttribute] = dynamotable.Text(place.Grantee.String())
	key[sharedAttribute] = dynamotable.Text(place.Serial.String() + place.Resource.String())
	return key
}

func encode(place grants.Place, grant grants.Grant, attempt string) dynamotable.Item {
	kept := indexKeyOf(place)
	kept[resourceAttribute] = dynamotable.Text(grant.Resource)
	kept[holderAttribute] = dynamotable.Text(grant.Grantee.String())
	kept[actionsAttribute] = dynamotable.Texts(grant.Actions)
	kept[maxUsesAttribute] = dynamotable.Number(grant.MaxUses)
	kept[usesAttribute] = dynamotable.Number(grant.Uses)
	kept[createdByAttribute] = dynamotable.Text(grant.CreatedBy)
	kept[createdAtAttribute] = dynamotable.Number(grant.CreatedAt.UnixNano())
	kept[attemptAttribute] = dynamotable.Text(attempt)
	if grant.Expires != nil {
		kept[expiresAttribute] = dynamotable.Number(grant.Expires.UnixNano())
		kept[sweepAttribute] = dynamotable.Number(grant.Expires.Add(grants.KeepExpired).Unix() + 1)
	}
	return kept
}

// decode reads an item, and believes it only if it belongs under its key.
func decode(kept dynamotable.Item) (grants.Grant, error) {
	read := dynamotable.Reader{Item: kept}
	grant := grants.Grant{
		Resource: read.Text(resourceAttribute), MaxUses: int(read.Number(maxUsesAttribute)), Uses: int(read.Number(usesAttribute)),
		CreatedBy: read.Text(createdByAttribute), CreatedAt: time.Unix(0, read.Number(createdAtAttribute)).UTC(),
		ID: read.Text(partitionAttribute) + read.Text(sortAttribute),
	}
	for _, action := range read.Texts(actionsAttribute) {
		grant.Actions = append(grant.Actions, grants.Action(action))
	}
	if read.Has(expiresAttribute) {
		expires := time.Unix(0, read.Number(expiresAttribute)).UTC()
		grant.Expires = &expires
	}
	holder := read.Text(holderAttribute)
	if read.Missing != "" {
		return grants.Grant{}, fmt.Errorf("%w: %s", errItem, read.Missing)
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
