package grants_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/grants/bolt"
	"github.com/signgate/signgate/pkg/objectkey"
)

// Alice shares an album by a link that can be used once.
func Example() {
	dir, err := os.MkdirTemp("", "grants-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, now := context.Background(), time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	store, err := bolt.Open(filepath.Join(dir, "grants"), func() time.Time { return now })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = store.Close() }()

	secret, album := grants.NewSecret(), "users/alice/albums/7/" // secret.Reveal() is shown to Alice once
	share := grants.Grant{
		ID: grants.NewID(album, secret.Holder(), now), Resource: album, Grantee: secret.Holder(),
		Actions: []grants.Action{grants.Read}, MaxUses: 1, CreatedBy: "alice", CreatedAt: now,
	}
	if err := store.Create(ctx, share); err != nil {
		fmt.Println(err)
		return
	}

	key, err := objectkey.Parse("users/alice/albums/7/sunrise.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	brought, err := grants.ParseSecret(secret.Reveal())
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := store.Find(ctx, now, grants.ResourcesOf(key), []grants.Grantee{grants.Everyone(), brought.Holder()})
	fmt.Println(len(found), found[0].Resource, found[0].Allows(grants.Read), err)
	fmt.Println(store.Use(ctx, found[0].ID, now))
	fmt.Println(store.Use(ctx, found[0].ID, now))
	// Output:
	// 1 users/alice/albums/7/ true <nil>
	// <nil>
	// the grant is used up
}
