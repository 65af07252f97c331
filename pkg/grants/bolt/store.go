package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/signgate/signgate/pkg/grants"
)

const (
	fileMode = 0o600
	// lockTimeout is how long Open waits for another process to let go.
	lockTimeout = time.Second
	// sweepPerCreate is how many expired grants a new one sweeps at most: more
	// than one, so that they don't pile up, and few, so that it stays quick.
	sweepPerCreate = 16
)

// Store is a file of grants. It is a grants.Store.
type Store struct {
	db  *bbolt.DB
	now func() time.Time
}

var _ grants.Store = (*Store)(nil)

// Open opens a file of grants, or makes a new one. Only one process can have it
// open. The clock says which grants expired so long ago that they can be
// swept, which Create does on the way. Errors wrap grants.ErrUnavailable.
func Open(path string, now func() time.Time) (*Store, error) {
	db, err := bbolt.Open(path, fileMode, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, fmt.Errorf("%w: open %s: %w", grants.ErrUnavailable, path, err)
	}
	if err := db.Update(makeBuckets); err != nil {
		return nil, fmt.Errorf("%w: prepare %s: %w", grants.ErrUnavailable, path, errors.Join(err, db.Close()))
	}
	return &Store{db: db, now: now}, nil
}

// Close closes the file, after what is under way.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("%w: close: %w", grants.ErrUnavailable, err)
	}
	return nil
}

// Create is grants.Store's.
func (s *Store) Create(ctx context.Context, grant grants.Grant) error {
	place, err := grant.Check()
	if err != nil {
		return err
	}
	return s.update(ctx, func(b buckets) error {
		if b.grantees.Get(granteeKey(place)) != nil {
			return grants.ErrExists
		}
		if err := b.sweep(s.now().Add(-grants.KeepExpired), sweepPerCreate); err != nil {
			return err
		}
		return b.put(place, grant)
	})
}

// Get is grants.Store's.
func (s *Store) Get(ctx context.Context, id string) (grants.Grant, error) {
	var grant grants.Grant
	place, err := grants.ParseID(id)
	if err != nil {
		return grant, grants.ErrNotFound
	}
	err = s.view(ctx, func(b buckets) error {
		grant, err = b.get(place)
		return err
	})
	return grant, err
}

// Delete is grants.Store's.
func (s *Store) Delete(ctx context.Context, id string) error {
	place, err := grants.ParseID(id)
	if err != nil {
		return grants.ErrNotFound
	}
	return s.update(ctx, func(b buckets) error {
		grant, err := b.get(place)
		if err != nil {
			return err
		}
		return b.remove(place, grant)
	})
}

// Use is grants.Store's.
func (s *Store) Use(ctx context.Context, id string, now time.Time) error {
	place, err := grants.ParseID(id)
	if err != nil {
		return grants.ErrNotFound
	}
	return s.update(ctx, func(b buckets) error {
		grant, err := b.get(place)
		if err != nil {
			return err
		}
		if err := grant.Holds(now); err != nil {
			return err
		}
		grant.Uses++
		return b.replace(place, grant)
	})
}

// view reads one moment of the store.
func (s *Store) view(ctx context.Context, read func(buckets) error) error {
	return failure(ctx, func() error {
		return s.db.View(func(tx *bbolt.Tx) error { return read(bucketsOf(tx)) })
	})
}

// update changes the store, wholly or, where change returns an error, not.
func (s *Store) update(ctx context.Context, change func(buckets) error) error {
	return failure(ctx, func() error {
		return s.db.Update(func(tx *bbolt.Tx) error { return change(bucketsOf(tx)) })
	})
}

// failure lets our own errors through and makes all others ErrUnavailable.
func failure(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", grants.ErrUnavailable, err)
	}
	err := do()
	for _, own := range []error{nil, grants.ErrExists, grants.ErrNotFound, grants.ErrExpired, grants.ErrUsedUp, grants.ErrInvalid} {
		if errors.Is(err, own) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", grants.ErrUnavailable, err)
}
