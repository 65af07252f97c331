package callers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"golang.org/x/time/rate"
)

const (
	refreshKeysEvery = time.Hour
	// unknownKeyEvery bounds how often tokens that name unknown keys, which
	// anybody can make, send us to the issuer.
	unknownKeyEvery = 10 * time.Second
	// unknownKeyWait bounds how long the holder of such a token waits for the
	// issuer's answer. The question itself goes on.
	unknownKeyWait = 3 * time.Second
)

// newKeys reads the issuer's keys and keeps them fresh until ctx ends.
func newKeys(ctx context.Context, config OIDCConfig, address string) (keyfunc.Keyfunc, error) {
	storage, err := jwkset.NewStorageFromHTTP(address, jwkset.HTTPClientStorageOptions{
		Client:          config.HTTP,
		Ctx:             ctx,
		HTTPTimeout:     issuerTimeout,
		RefreshInterval: refreshKeysEvery,
		RefreshErrorHandler: func(ctx context.Context, err error) {
			config.Log.ErrorContext(ctx, "the issuer's keys can't be refreshed; those already known go on", "keys", address, "error", err)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: its keys can't be read: %w", ErrIssuer, err)
	}
	refreshing, err := jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
		HTTPURLs:          map[string]jwkset.Storage{address: storage},
		RateLimitWaitMax:  issuerTimeout,                // bounds the question as well
		RefreshUnknownKID: rate.NewLimiter(rate.Inf, 1), // sharedKeys has the limit
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	keys, err := keyfunc.New(keyfunc.Options{
		Ctx: ctx, Storage: &sharedKeys{Storage: storage, refreshing: refreshing, limit: rate.NewLimiter(rate.Every(unknownKeyEvery), 1)},
		UseWhitelist: []jwkset.USE{jwkset.UseSig, ""}, // never a key meant for encryption
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	return keys, nil
}

// sharedKeys finds a key among those known, else asks the issuer once for
// everybody who is waiting, and not more often than the limit. The question
// doesn't end with the request that caused it: otherwise a flood of forged
// tokens whose senders hang up would use up the limit and keep a new key from
// being learned.
type sharedKeys struct {
	jwkset.Storage // the keys known
	refreshing     jwkset.Storage
	limit          *rate.Limiter

	mu      sync.Mutex
	running chan struct{} // closed when the issuer has answered; nil: nobody asks
}

// KeyRead finds the key of an id. The error wraps jwkset.ErrKeyNotFound, or
// is that of ctx.
func (s *sharedKeys) KeyRead(ctx context.Context, id string) (jwkset.JWK, error) {
	key, err := s.Storage.KeyRead(ctx, id)
	if !errors.Is(err, jwkset.ErrKeyNotFound) {
		return key, err
	}
	answered, asking := s.ask(context.WithoutCancel(ctx), id)
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
func (s *sharedKeys) ask(ctx context.Context, id string) (answered <-chan struct{}, asking bool) {
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
		_, _ = s.refreshing.KeyRead(ctx, id) // what it learned is in the storage; failures are logged there
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running = nil
		close(running)
	}()
	return running, true
}
