package keyring

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Source is where keys come from.
type Source interface {
	// Load returns the keys as they are now: before itself where nothing has
	// changed since, nil the first time.
	Load(ctx context.Context, before *Keys) (*Keys, error)
}

// Reloading holds the keys of a source, as they are now. A change is taken
// whole or not at all; while the source can't be reached, or holds what can't
// be used, the keys from before go on. It is safe for concurrent use.
type Reloading struct {
	source  Source
	accept  func(*Keys) error
	now     func() time.Time
	current atomic.Pointer[Keys]

	refreshing sync.Mutex
	mu         sync.Mutex
	looked     time.Time // at the source, whatever came of it
	seen       time.Time // what current holds is what the source held then
	failure    error     // of the last look
}

// NewReloading loads the keys. accept is called with every set of keys before
// it is taken over, and an error of its keeps it from being so. Errors are
// those of the source and of accept.
func NewReloading(ctx context.Context, source Source, now func() time.Time, accept func(*Keys) error) (*Reloading, error) {
	r := &Reloading{source: source, now: now, accept: accept}
	if _, err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Refresh asks the source and says whether other keys were taken over. After
// an error those from before go on.
func (r *Reloading) Refresh(ctx context.Context) (bool, error) {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	return r.refresh(ctx)
}

// RefreshAfter is Refresh where nobody has asked the source for that long, and
// nobody does now.
func (r *Reloading) RefreshAfter(ctx context.Context, age time.Duration) (bool, error) {
	if r.now().Sub(r.lookedAt()) < age || !r.refreshing.TryLock() {
		return false, nil
	}
	defer r.refreshing.Unlock()
	return r.refresh(ctx)
}

func (r *Reloading) refresh(ctx context.Context) (bool, error) {
	before, began := r.current.Load(), r.now()
	keys, err := r.source.Load(ctx, before)
	taken := err == nil && keys != before
	if taken {
		err = r.accept(keys)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked, r.failure = began, err
	if err != nil {
		return false, err
	}
	r.seen = began
	r.current.Store(keys)
	return taken, nil
}

// Keys returns the keys that were taken over last.
func (r *Reloading) Keys() *Keys { return r.current.Load() }

// Seen returns when the source last held these very keys, and the error of the
// last look where it failed.
func (r *Reloading) Seen() (time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen, r.failure
}

func (r *Reloading) lookedAt() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.looked
}
