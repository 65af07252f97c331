package bolt

import (
	"go.etcd.io/bbolt"

	"github.com/signgate/signgate/pkg/grants"
)

// Fill creates grants all at once, without waiting for the disk.
func (s *Store) Fill(list []grants.Grant) error {
	s.db.NoSync = true
	defer func() { s.db.NoSync = false }()
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, grant := range list {
			place, err := grant.Check()
			if err != nil {
				return err
			}
			if err := bucketsOf(tx).put(place, grant); err != nil {
				return err
			}
		}
		return nil
	})
}

// Expiring says how many grants are known to expire.
func (s *Store) Expiring() int {
	count := 0
	_ = s.db.View(func(tx *bbolt.Tx) error {
		count = bucketsOf(tx).expiries.Stats().KeyN
		return nil
	})
	return count
}

// Decode reads a record of the file.
func Decode(key, value []byte) (grants.Grant, error) { return decode(key, value) }

// Encode writes one.
func Encode(grant grants.Grant) (key, value []byte, err error) {
	place, err := grants.ParseID(grant.ID)
	if err != nil {
		return nil, nil, err
	}
	value, err = encode(grant)
	return grantKey(grant.Resource, place), value, err
}
