package bolt

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/pkg/apikeys"
)

var errRecord = errors.New("a record of the file isn't the key that its id says")

// record is a key as it is kept; its id is the record's. Times are in
// nanoseconds since 1970.
type record struct {
	Digest     []byte   `json:"digest"`
	Name       string   `json:"name"`
	Machine    string   `json:"machine"`
	Groups     []string `json:"groups,omitzero"`
	Tenant     string   `json:"tenant,omitzero"`
	Scopes     []string `json:"scopes"`
	CreatedAt  int64    `json:"createdAt"`
	ExpiresAt  int64    `json:"expiresAt"`
	LastUsedAt int64    `json:"lastUsedAt,omitzero"`
	RevokedAt  int64    `json:"revokedAt,omitzero"`
}

func encode(key apikeys.Key) ([]byte, error) {
	value, err := json.Marshal(record{
		Digest: key.Digest[:], Name: key.Name, Machine: key.Machine, Groups: key.Groups, Tenant: key.Tenant, Scopes: key.Scopes,
		CreatedAt: nanoseconds(key.CreatedAt), ExpiresAt: nanoseconds(key.ExpiresAt),
		LastUsedAt: nanoseconds(key.LastUsedAt), RevokedAt: nanoseconds(key.RevokedAt),
	})
	if err != nil {
		return nil, fmt.Errorf("write a key: %w", err)
	}
	return value, nil
}

// decode reads a record, and believes it only if it is whole.
func decode(id, value []byte) (apikeys.Key, error) {
	var kept record
	if err := json.Unmarshal(value, &kept, json.RejectUnknownMembers(true)); err != nil {
		return apikeys.Key{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	key := apikeys.Key{
		ID: string(id), Name: kept.Name, Machine: kept.Machine, Groups: kept.Groups, Tenant: kept.Tenant, Scopes: kept.Scopes,
		CreatedAt: moment(kept.CreatedAt), ExpiresAt: moment(kept.ExpiresAt),
	}
	if copy(key.Digest[:], kept.Digest) != sha256.Size || len(kept.Digest) != sha256.Size {
		return apikeys.Key{}, errRecord
	}
	if err := key.Check(); err != nil {
		return apikeys.Key{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	key.LastUsedAt, key.RevokedAt = moment(kept.LastUsedAt), moment(kept.RevokedAt)
	return key, nil
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}
