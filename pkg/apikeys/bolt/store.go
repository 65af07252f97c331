package bolt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/signgate/signgate/pkg/apikeys"
)

const (
	fileMode = 0o600
	// lockTimeout is how long another process may keep the file.
	lockTimeout = 2 * time.Second
	bucketName  = "apikeys"
)

// Store is a file of keys. It is an apikeys.Store.
type Store struct {
	path string
	// opening keeps those of this process apart: waiting for the lock of the
	// file takes longer.
	opening sync.RWMutex
}

var _ apikeys.Store = (*Store)(nil)

// Open makes the file, or looks whether it is one of keys. Errors wrap
// apikeys.ErrUnavailable.
func Open(ctx context.Context, path string) (*Store, error) {
	store := &Store{path: path}
	return store, store.update(ctx, func(*bbolt.Bucket) error { return nil })
}

// Create is apikeys.Store's.
func (s *Store) Create(ctx context.Context, key apikeys.Key) error {
	if err := key.Check(); err != nil {
		return err
	}
	return s.update(ctx, func(bucket *bbolt.Bucket) error {
		if bucket.Get([]byte(key.ID)) != nil {
			return apikeys.ErrExists
		}
		return put(bucket, key)
	})
}

// Get is apikeys.Store's.
func (s *Store) Get(ctx context.Context, id string) (apikeys.Key, error) {
	var key apikeys.Key
	err := s.view(ctx, func(bucket *bbolt.Bucket) (err error) {
		key, err = get(bucket, id)
		return err
	})
	return key, err
}

// List is apikeys.Store's.
func (s *Store) List(ctx context.Context, cursor string, limit int) (apikeys.Page, error) {
	if err := apikeys.CheckList(cursor, limit); err != nil {
		return apikeys.Page{}, err
	}
	var found []apikeys.Key
	err := s.view(ctx, func(bucket *bbolt.Bucket) error {
		keys := bucket.Cursor()
		for id, value := keys.Seek([]byte(cursor)); id != nil && len(found) <= limit; id, value = keys.Next() {
			if string(id) == cursor {
				continue
			}
			key, err := decode(id, value)
			if err != nil {
				return err
			}
			found = append(found, key)
		}
		return nil
	})
	return apikeys.NewPage(found, limit), err
}

// Revoke is apikeys.Store's.
func (s *Store) Revoke(ctx context.Context, id string, at time.Time) error {
	return s.update(ctx, func(bucket *bbolt.Bucket) error {
		key, err := get(bucket, id)
		if err != nil || !key.RevokedAt.IsZero() {
			return err
		}
		key.RevokedAt = at
		return put(bucket, key)
	})
}

// Touch is apikeys.Store's.
func (s *Store) Touch(ctx context.Context, id string, at time.Time) error {
	return s.update(ctx, func(bucket *bbolt.Bucket) error {
		key, err := get(bucket, id)
		if errors.Is(err, apikeys.ErrNotFound) || err == nil && !at.After(key.LastUsedAt) {
			return nil
		}
		if err != nil {
			return err
		}
		key.LastUsedAt = at
		return put(bucket, key)
	})
}

func get(bucket *bbolt.Bucket, id string) (apikeys.Key, error) {
	if !apikeys.IsID(id) {
		return apikeys.Key{}, apikeys.ErrNotFound
	}
	value := bucket.Get([]byte(id))
	if value == nil {
		return apikeys.Key{}, apikeys.ErrNotFound
	}
	return decode([]byte(id), value)
}

func put(bucket *bbolt.Bucket, key apikeys.Key) error {
	value, err := encode(key)
	if err != nil {
		return err
	}
	return bucket.Put([]byte(key.ID), value)
}

// view reads the file beside other readers.
func (s *Store) view(ctx context.Context, read func(*bbolt.Bucket) error) error {
	s.opening.RLock()
	defer s.opening.RUnlock()
	return s.with(ctx, true, func(db *bbolt.DB) error {
		return db.View(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket([]byte(bucketName))
			if bucket == nil {
				return errors.New("the file holds no API keys")
			}
			return read(bucket)
		})
	})
}

// update changes the file, wholly or, where change returns an error, not.
func (s *Store) update(ctx context.Context, change func(*bbolt.Bucket) error) error {
	s.opening.Lock()
	defer s.opening.Unlock()
	return s.with(ctx, false, func(db *bbolt.DB) error {
		return db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte(bucketName))
			if err != nil {
				return err
			}
			return change(bucket)
		})
	})
}

// with opens the file for one thing. It lets our own errors through and makes
// all others ErrUnavailable.
func (s *Store) with(ctx context.Context, reading bool, do func(*bbolt.DB) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", apikeys.ErrUnavailable, err)
	}
	db, err := bbolt.Open(s.path, fileMode, &bbolt.Options{Timeout: lockTimeout, ReadOnly: reading})
	if err != nil {
		return fmt.Errorf("%w: open %s: %w", apikeys.ErrUnavailable, s.path, err)
	}
	err = do(db)
	closed := db.Close()
	for _, own := range []error{apikeys.ErrExists, apikeys.ErrNotFound} {
		if errors.Is(err, own) {
			return own
		}
	}
	if err := errors.Join(err, closed); err != nil {
		return fmt.Errorf("%w: %s: %w", apikeys.ErrUnavailable, s.path, err)
	}
	return nil
}
