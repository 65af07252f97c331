package bolt

import (
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/signgate/signgate/pkg/grants"
)

const (
	grantsBucket   = "grants"
	granteesBucket = "grantees"
	expiriesBucket = "expiries"
)

var errIndex = errors.New("an index of the file names a grant that isn't there")

// buckets are the store within a transaction.
type buckets struct{ grants, grantees, expiries *bbolt.Bucket }

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range []string{grantsBucket, granteesBucket, expiriesBucket} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

func bucketsOf(tx *bbolt.Tx) buckets {
	return buckets{
		grants: tx.Bucket([]byte(grantsBucket)), grantees: tx.Bucket([]byte(granteesBucket)), expiries: tx.Bucket([]byte(expiriesBucket)),
	}
}

// put keeps a grant under all its keys.
func (b buckets) put(place grants.Place, grant grants.Grant) error {
	if err := b.replace(place, grant); err != nil {
		return err
	}
	if err := b.grantees.Put(granteeKey(place), []byte(grant.Resource)); err != nil {
		return err
	}
	if grant.Expires == nil {
		return nil
	}
	return b.expiries.Put(expiryKey(*grant.Expires, place), nil)
}

// replace writes a grant whose keys are there.
func (b buckets) replace(place grants.Place, grant grants.Grant) error {
	value, err := encode(grant)
	if err != nil {
		return err
	}
	return b.grants.Put(grantKey(grant.Resource, place), value)
}

// get finds a grant by its place: the resource by the place, then the grant.
func (b buckets) get(place grants.Place) (grants.Grant, error) {
	resource := b.grantees.Get(granteeKey(place))
	if resource == nil {
		return grants.Grant{}, grants.ErrNotFound
	}
	key := grantKey(string(resource), place)
	value := b.grants.Get(key)
	if value == nil {
		return grants.Grant{}, errIndex
	}
	return decode(key, value)
}

// remove takes a grant from under all its keys.
func (b buckets) remove(place grants.Place, grant grants.Grant) error {
	if err := b.grants.Delete(grantKey(grant.Resource, place)); err != nil {
		return err
	}
	if err := b.grantees.Delete(granteeKey(place)); err != nil {
		return err
	}
	if grant.Expires == nil {
		return nil
	}
	return b.expiries.Delete(expiryKey(*grant.Expires, place))
}

// sweep removes up to limit of the grants that expired before a time.
func (b buckets) sweep(before time.Time, limit int) error {
	var due []grants.Place
	cursor := b.expiries.Cursor()
	for key, _ := cursor.First(); key != nil && len(due) < limit; key, _ = cursor.Next() {
		expires, place, err := parseExpiryKey(key)
		if err != nil {
			return err
		}
		if !expires.Before(before) {
			break
		}
		due = append(due, place)
	}
	for _, place := range due {
		grant, err := b.get(place)
		if err != nil {
			return err
		}
		if err := b.remove(place, grant); err != nil {
			return err
		}
	}
	return nil
}
