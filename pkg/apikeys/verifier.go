package apikeys

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

const (
	// BelievedFor is how long what a store said of a key is believed: a
	// revocation takes effect that much later at the latest.
	BelievedFor = 5 * time.Second
	// LastUseEvery is how often at most the last use of a key is written, by
	// each process.
	LastUseEvery = 5 * time.Minute

	// believedKeys bounds how many keys are remembered.
	believedKeys = 10_000
	// lookUpTimeout bounds how long a store may take.
	lookUpTimeout = 3 * time.Second
)

// Verifier says whether keys that are shown hold. It is safe for concurrent
// use.
type Verifier struct {
	store    Store
	log      *slog.Logger
	now      func() time.Time
	believed *lru.Cache[string, *belief]
	asking   singleflight.Group // one question at a time for a key
}

// belief is what a store said of a key.
type belief struct {
	key      Key
	until    time.Time
	lastUsed atomic.Int64 // nanoseconds since 1970; 0 for never
}

// NewVerifier makes a verifier of the keys of a store.
func NewVerifier(store Store, log *slog.Logger, now func() time.Time) (*Verifier, error) {
	believed, err := lru.New[string, *belief](believedKeys)
	if err != nil {
		return nil, fmt.Errorf("API keys: %w", err)
	}
	return &Verifier{store: store, log: log, now: now, believed: believed}, nil
}

// Verify returns what is kept of a key that is shown, if it holds. The error
// wraps ErrRefused, for a key that isn't there as for one with another secret,
// or ErrUnavailable. It never holds the key.
func (v *Verifier) Verify(ctx context.Context, text string) (Key, error) {
	secret, err := ParseSecret(text)
	if err != nil {
		return Key{}, err
	}
	found, err := v.find(ctx, secret.ID())
	if errors.Is(err, ErrNotFound) {
		found = &belief{} // compared all the same, so that it takes as long
	} else if err != nil {
		return Key{}, err
	}
	digest := secret.Digest()
	if subtle.ConstantTimeCompare(found.key.Digest[:], digest[:]) != 1 {
		return Key{}, fmt.Errorf("%w: there is no key %s with this secret", ErrRefused, secret.ID())
	}
	if err := found.key.Holds(v.now()); err != nil {
		return Key{}, fmt.Errorf("%w: %s: %w", ErrRefused, secret.ID(), err)
	}
	v.noteUse(ctx, found)
	return found.key, nil
}

// find returns what is believed of a key, or asks the store, once for all who
// want to know. The question doesn't end with the request that caused it.
func (v *Verifier) find(ctx context.Context, id string) (*belief, error) {
	if known, ok := v.known(id); ok {
		return known, nil
	}
	answer, err, _ := v.asking.Do(id, func() (any, error) {
		if known, ok := v.known(id); ok { // since somebody else's answer came
			return known, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpTimeout)
		defer cancel()
		asked := v.now()
		key, err := v.store.Get(ctx, id)
		if err != nil {
			v.believed.Remove(id)
			return nil, err
		}
		learned := &belief{key: key, until: asked.Add(BelievedFor)}
		if !key.LastUsedAt.IsZero() {
			learned.lastUsed.Store(key.LastUsedAt.UnixNano())
		}
		if before, ok := v.believed.Peek(id); ok && before.lastUsed.Load() > learned.lastUsed.Load() {
			learned.lastUsed.Store(before.lastUsed.Load()) // what couldn't be written isn't tried sooner
		}
		v.believed.Add(id, learned)
		return learned, nil
	})
	if err != nil {
		return nil, err
	}
	found, _ := answer.(*belief)
	return found, nil
}

// known returns what is believed of a key still.
func (v *Verifier) known(id string) (*belief, bool) {
	known, ok := v.believed.Get(id)
	return known, ok && v.now().Before(known.until)
}

// noteUse writes when the key was used, now and then. It is worth a line in the
// log where that fails, and no refusal.
func (v *Verifier) noteUse(ctx context.Context, found *belief) {
	now, last := v.now(), found.lastUsed.Load()
	if now.UnixNano()-last < int64(LastUseEvery) || !found.lastUsed.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpTimeout)
	defer cancel()
	if err := v.store.Touch(ctx, found.key.ID, now); err != nil {
		v.log.WarnContext(ctx, "the last use of an API key can't be written", "key", found.key.ID, "error", err)
	}
}

// Ready says whether the store answers. The error wraps ErrUnavailable.
func (v *Verifier) Ready(ctx context.Context) error {
	_, err := v.store.Get(ctx, NewSecret().ID())
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
