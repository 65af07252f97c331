package bolt

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/pkg/grants"
)

var errRecord = errors.New("a record of the file isn't the grant that its key says")

// record is a grant as it is kept; its id and resource are in its key. Times
// are in nanoseconds since 1970.
type record struct {
	Grantee   grants.Grantee  `json:"grantee"`
	Actions   []grants.Action `json:"actions"`
	Expires   int64           `json:"expires,omitzero"`
	MaxUses   int             `json:"maxUses,omitzero"`
	CreatedBy string          `json:"createdBy"`
	CreatedAt int64           `json:"createdAt"`
	Uses      int             `json:"uses,omitzero"`
}

func encode(grant grants.Grant) ([]byte, error) {
	kept := record{
		Grantee: grant.Grantee, Actions: grant.Actions, MaxUses: grant.MaxUses,
		CreatedBy: grant.CreatedBy, CreatedAt: grant.CreatedAt.UnixNano(), Uses: grant.Uses,
	}
	if grant.Expires != nil {
		kept.Expires = grant.Expires.UnixNano()
	}
	value, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("write a grant: %w", err)
	}
	return value, nil
}

// decode reads a record, and believes it only if it belongs under its key.
func decode(key, value []byte) (grants.Grant, error) {
	resource, place, err := parseGrantKey(key)
	if err != nil {
		return grants.Grant{}, err
	}
	var kept record
	if err := json.Unmarshal(value, &kept, json.RejectUnknownMembers(true)); err != nil {
		return grants.Grant{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	if kept.Grantee.Mark() != place.Grantee {
		return grants.Grant{}, errRecord
	}
	grant := grants.Grant{
		ID: place.ID(), Resource: resource, Grantee: kept.Grantee, Actions: kept.Actions, MaxUses: kept.MaxUses,
		CreatedBy: kept.CreatedBy, CreatedAt: time.Unix(0, kept.CreatedAt).UTC(), Uses: kept.Uses,
	}
	if kept.Expires != 0 {
		expires := time.Unix(0, kept.Expires).UTC()
		grant.Expires = &expires
	}
	return grant, nil
}
