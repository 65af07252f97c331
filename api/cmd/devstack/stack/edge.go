package stack

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/edge"
	"github.com/signgate/signgate/pkg/keyring"
)

// lookAtGroup is how often the edge looks at its key group.
const lookAtGroup = 200 * time.Millisecond

// KeyGroup returns the folder of the public keys that the edge trusts: what a
// key group is to a distribution.
func (s *Stack) KeyGroup() string { return s.path("key-group") }

// Keys returns the folder of the signing keys.
func (s *Stack) Keys() string { return s.path("keys") }

// seedGroup has the edge trust every key that is there at the first start.
func (s *Stack) seedGroup(ctx context.Context) error {
	if err := os.Mkdir(s.KeyGroup(), dirMode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // kept data stays as it is
		}
		return fmt.Errorf("data folder: %w", err)
	}
	keys, err := keyring.NewFolder(s.path("keys"), "", nil).Load(ctx, nil)
	if err != nil {
		return err
	}
	for id, public := range keys.Ring.PublicKeys() {
		if err := keyring.NewGroup(s.KeyGroup()).Add(ctx, id, public); err != nil {
			return err
		}
	}
	return nil
}

// startEdge starts the edge, which follows its key group.
func (s *Stack) startEdge(ctx context.Context) error {
	if err := s.seedGroup(ctx); err != nil {
		return err
	}
	follower := &groupFollower{stack: s, seen: map[string]crypto.PublicKey{}}
	if err := follower.look(); err != nil {
		return err
	}
	s.group = follower
	listener, err := listen(ctx, "edge", s.config.Edge)
	if err != nil {
		return err
	}
	s.serving.Go(func() { follower.follow(ctx) })
	s.serving.Go(func() { s.ended(ctx, server.ServeObjects(ctx, listener, follower, grace, server.Stall, s.config.Now)) })
	return nil
}

// groupFollower is the edge with the key group as it is now. With another
// group its cache is empty again.
type groupFollower struct {
	stack   *Stack
	current atomic.Pointer[edgeOf]
	seen    map[string]crypto.PublicKey // every key that was ever trusted
	ever    atomic.Pointer[map[string]crypto.PublicKey]
}

type edgeOf struct {
	handler http.Handler
	keys    map[string]crypto.PublicKey
}

// ServeHTTP is the edge's.
func (g *groupFollower) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.current.Load().handler.ServeHTTP(w, r)
}

func (g *groupFollower) follow(ctx context.Context) {
	ticker := time.NewTicker(lookAtGroup)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := g.look(); err != nil {
			g.stack.config.Log.ErrorContext(ctx, "the key group can't be used; the one from before goes on", "error", err)
		}
	}
}

// look takes over a changed key group.
func (g *groupFollower) look() error {
	keys, err := keyring.NewGroup(g.stack.KeyGroup()).Keys()
	if err != nil {
		return err
	}
	before := g.current.Load()
	if before != nil && maps.EqualFunc(keys, before.keys, samePublic) {
		return nil
	}
	handler, err := g.stack.newEdge(keys)
	if err != nil {
		return err
	}
	maps.Copy(g.seen, keys)
	g.ever.Store(new(maps.Clone(g.seen)))
	g.current.Store(&edgeOf{handler, keys})
	return nil
}

func samePublic(a, b crypto.PublicKey) bool {
	key, ok := a.(interface {
		Equal(other crypto.PublicKey) bool
	})
	return ok && key.Equal(b)
}

func (s *Stack) newEdge(keys map[string]crypto.PublicKey) (http.Handler, error) {
	behaviors, err := s.config.behaviors(slices.Sorted(maps.Keys(keys)))
	if err != nil {
		return nil, err
	}
	return edge.New(edge.Config{
		Origin: edge.Origin{
			BucketURL: s.s3.URL() + "/" + Bucket, Region: Region,
			Credentials: credentials.NewStaticCredentialsProvider(s.edge.Access, s.edge.Secret, ""),
		},
		Behaviors: behaviors,
		Keys:      keys, Log: s.config.Log.With("part", "edge"), Now: s.config.Now,
	})
}

// PublicKeys returns the public halves of all keys that the edge has trusted
// since it was started, by their ids: the trail is signed by keys of before
// too.
func (s *Stack) PublicKeys() (map[string]crypto.PublicKey, error) { return *s.group.ever.Load(), nil }
