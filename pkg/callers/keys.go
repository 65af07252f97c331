package callers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"golang.org/x/time/rate"
)

const (
	// refreshKeysEvery is how long a key that the issuer takes back is among
	// those known, at most, where the issuer can be reached.
	refreshKeysEvery = time.Hour
	// unknownKeyEvery bounds how often tokens that name unknown keys, which
	// anybody can make, send us to the issuer.
	unknownKeyEvery = 10 * time.Second
	// unknownKeyWait bounds how long the holder of such a token waits for the
	// issuer's answer. The question itself goes on.
	unknownKeyWait = 3 * time.Second
)

// newKeys reads the issuer's keys. The storage keeps them fresh.
func newKeys(ctx context.Context, config OIDCConfig, address string) (keyfunc.Keyfunc, *sharedKeys, error) {
	memory := jwkset.NewMemoryStorage()
	shared := &sharedKeys{
		Storage: memory, address: address, now: config.Now, log: config.Log, limit: rate.NewLimiter(rate.Every(unknownKeyEvery), 1),
		fetch: func(ctx context.Context) error { // without an interval a new storage asks once
			_, err := jwkset.NewStorageFromHTTP(address, jwkset.HTTPClientStorageOptions{
				Client: config.HTTP, Ctx: ctx, HTTPTimeout: issuerTimeout, Storage: memory,
			})
			return err
		},
	}
	if err := shared.renew(ctx); err != nil {
		return nil, nil, fmt.Errorf("%w: its keys can't be read: %w", ErrIssuer, err)
	}
	keys, err := keyfunc.New(keyfunc.Options{
		Ctx: ctx, Storage: shared,
		UseWhitelist: []jwkset.USE{jwkset.UseSig, ""}, // never a key meant for encryption
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	return keys, shared, nil
}

// sharedKeys finds a key among those known, else asks the issuer once for
// everybody who is waiting, and not more often than the limit. The question
// doesn't end with the request that caused it: otherwise a flood of forged
// tokens whose senders hang up would use up the limit and keep a new key from
// being learned.
type sharedKeys struct {
	jwkset.Storage // the keys known
	address        string
	fetch          func(ctx context.Context) error // replaces them by those that the issuer has now
	now            func() time.Time
	log            *slog.Logger
	limit          *rate.Limiter

	mu      sync.Mutex
	running chan struct{} // closed when the issuer has answered; nil: nobody asks
	due     time.Time     // when the keys are to be read again
}

// refresh reads the keys again where it is time to. Where that fails it
// remains time to.
func (s *sharedKeys) refresh(ctx context.Context) {
	s.mu.Lock()
	due := !s.now().Before(s.due)
	s.mu.Unlock()
	if due {
		s.renewOrTell(ctx)
	}
}

func (s *sharedKeys) renew(ctx context.Context) error {
	if err := s.fetch(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = s.now().Add(refreshKeysEvery)
	return nil
}

func (s *sharedKeys) renewOrTell(ctx context.Context) {
	if err := s.renew(ctx); err != nil {
		s.log.ErrorContext(ctx, "the issuer's keys can't be refreshed; those already known go on", "keys", s.address, "error", err)
	}
}

// KeyRead finds the key of an id. The error wraps jwkset.ErrKeyNotFound, or
// is that of ctx.
func (s *sharedKeys) KeyRead(ctx context.Context, id string) (jwkset.JWK, error) {
	key, err := s.Storage.KeyRead(ctx, id)
	if !errors.Is(err, jwkset.ErrKeyNotFound) {
		return key, err
	}
	answered, asking := s.ask(context.WithoutCancel(ctx))
	if !asking {
		return jwkset.JWK{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, unknownKeyWait)
	defer cancel()
	select {
	case <-answered:
		return s.Storage.KeyRead(ctx, id)
	case <-ctx.Done():
		return jwkset.JWK{}, ctx.Err()
	}
}

// ask joins the question that is under way or begins one, if it may.
func (s *sharedKeys) ask(ctx context.Context) (answered <-chan struct{}, asking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return s.running, true
	}
	if !s.limit.Allow() {
		return nil, false
	}
	running := make(chan struct{})
	s.running = running
	go func() {
		s.renewOrTell(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running = nil
		close(running)
	}()
	return running, true
}
