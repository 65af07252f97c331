package dynamo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/dynamotable"
)

// The names of the attributes. Times are in nanoseconds since 1970.
const (
	idAttribute       = "id"
	digestAttribute   = "digest"
	nameAttribute     = "title"
	machineAttribute  = "machine"
	groupsAttribute   = "member_of"
	tenantAttribute   = "tenant"
	scopesAttribute   = "scopes"
	createdAttribute  = "created_at"
	expiresAttribute  = "expires_at"
	lastUsedAttribute = "last_used_at"
	revokedAttribute  = "revoked_at"
)

var errItem = errors.New("an item of the table is no API key of ours")

func keyOf(id string) dynamotable.Item { return dynamotable.Item{idAttribute: dynamotable.Text(id)} }

// encode writes a key that Check has found right: neither used nor revoked.
func encode(key apikeys.Key) dynamotable.Item {
	item := keyOf(key.ID)
	item[digestAttribute] = dynamotable.Bytes(key.Digest[:])
	item[nameAttribute] = dynamotable.Text(key.Name)
	item[machineAttribute] = dynamotable.Text(key.Machine)
	item[groupsAttribute] = dynamotable.Texts(key.Groups)
	item[tenantAttribute] = dynamotable.Text(key.Tenant)
	item[scopesAttribute] = dynamotable.Texts(key.Scopes)
	item[createdAttribute] = dynamotable.Number(key.CreatedAt.UnixNano())
	item[expiresAttribute] = dynamotable.Number(key.ExpiresAt.UnixNano())
	return item
}

// decode reads an item, and believes it only if it is whole.
func decode(item dynamotable.Item) (apikeys.Key, error) {
	read := dynamotable.Reader{Item: item}
	moment := func(attribute string) time.Time { return time.Unix(0, read.Number(attribute)).UTC() }
	key := apikeys.Key{
		ID: read.Text(idAttribute), Name: read.Text(nameAttribute), Machine: read.Text(machineAttribute),
		Tenant: read.Text(tenantAttribute), Scopes: read.Texts(scopesAttribute),
		CreatedAt: moment(createdAttribute), ExpiresAt: moment(expiresAttribute),
	}
	if groups := read.Texts(groupsAttribute); len(groups) > 0 {
		key.Groups = groups
	}
	if digest := read.Bytes(digestAttribute); len(digest) == sha256.Size {
		key.Digest = [sha256.Size]byte(digest)
	}
	complaint := key.Check() // of a key as it was when it was created
	if read.Has(lastUsedAttribute) {
		key.LastUsedAt = moment(lastUsedAttribute)
	}
	if read.Has(revokedAttribute) {
		key.RevokedAt = moment(revokedAttribute)
	}
	if read.Missing != "" {
		return apikeys.Key{}, fmt.Errorf("%w: %s", errItem, read.Missing)
	}
	if complaint != nil {
		return apikeys.Key{}, fmt.Errorf("%w: %w", errItem, complaint)
	}
	return key, nil
}
