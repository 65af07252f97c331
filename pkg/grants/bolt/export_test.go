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
