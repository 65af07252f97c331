package bolt

import (
	"errors"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/signgate/signgate/pkg/grants"
)

// Fill creates many grants and waits for the disk once. Each bucket is filled
// in its own order, which is far quicker than any other.
func (s *Store) Fill(list []grants.Grant) error {
	s.db.NoSync = true
	defer func() { s.db.NoSync = false }()
	byResource := func(a, b grants.Grant) int { return strings.Compare(a.Resource, b.Resource) }
	byGrantee := func(a, b grants.Grant) int { return strings.Compare(a.ID[24:48], b.ID[24:48]) }
	return errors.Join(
		s.fill(list, byResource, func(b buckets, place grants.Place, grant grants.Grant) error { return b.replace(place, grant) }),
		s.fill(list, byGrantee, func(b buckets, place grants.Place, grant grants.Grant) error {
			return b.grantees.Put(granteeKey(place), []byte(grant.Resource))
		}),
		s.db.Sync(),
	)
}

func (s *Store) fill(list []grants.Grant, order func(a, b grants.Grant) int, put func(buckets, grants.Place, grants.Grant) error) error {
	const batch = 50_000
	for some := range slices.Chunk(slices.SortedFunc(slices.Values(list), order), batch) {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			for _, grant := range some {
				place, err := grant.Check()
				if err != nil {
					return err
				}
				if err := put(bucketsOf(tx), place, grant); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
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
