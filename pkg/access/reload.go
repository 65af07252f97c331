package access

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/signgate/signgate/pkg/objectkey"
)

// Reloading decides by the policies of a folder, as they are now. A change is
// taken whole or not at all: only when the folder has stood still from one
// Refresh to the next, so that half of a copy isn't taken for a set without
// its forbids, and only when all of it can be used. It is safe for concurrent
// use.
type Reloading struct {
	folder  fs.FS
	layout  Layout
	current atomic.Pointer[Authorizer]

	mu    sync.Mutex
	taken [sha256.Size]byte // of what current was loaded from
	seen  [sha256.Size]byte // at the last Refresh
}

// NewReloading loads the folder, for keys of a layout. Errors are Load's.
func NewReloading(folder fs.FS, layout Layout) (*Reloading, error) {
	r := &Reloading{folder: folder, layout: layout}
	before, err := fingerprint(folder)
	if err != nil {
		return nil, err
	}
	authorizer, err := LoadWithLayout(folder, layout)
	if err != nil {
		return nil, err
	}
	r.taken, r.seen = before, before
	r.current.Store(authorizer)
	return r, nil
}

// Refresh looks at the folder and says whether its policies were taken over.
// After an error, which is one of Load, those from before still decide.
func (r *Reloading) Refresh() (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, err := fingerprint(r.folder)
	if err != nil {
		return false, err
	}
	settled := now == r.seen
	r.seen = now
	if now == r.taken || !settled {
		return false, nil
	}
	authorizer, err := LoadWithLayout(r.folder, r.layout)
	if err != nil {
		return false, err
	}
	if after, err := fingerprint(r.folder); err != nil || after != now {
		return false, err // it moved while it was read; another time
	}
	r.taken = now
	r.current.Store(authorizer)
	return true, nil
}

// fingerprint is a digest of every policy file, its name and content.
func fingerprint(folder fs.FS) ([sha256.Size]byte, error) {
	names, err := fs.Glob(folder, "*"+policySuffix)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	all := sha256.New()
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since it was listed
		}
		if err != nil {
			return [sha256.Size]byte{}, fmt.Errorf("%w: %w", ErrPolicy, err)
		}
		_, _ = fmt.Fprintf(all, "%q %x\n", name, sha256.Sum256(text)) // a hash takes everything
	}
	return [sha256.Size]byte(all.Sum(nil)), nil
}

// Authorize is Authorizer's, by the policies as they are now.
func (r *Reloading) Authorize(principal Principal, action Action, key objectkey.Key, granted ...Action) Decision {
	return r.current.Load().Authorize(principal, action, key, granted...)
}

// Ask is Authorizer's, by the policies as they are now.
func (r *Reloading) Ask(principal Principal, action Action, key objectkey.Key) *Question {
	return r.current.Load().Ask(principal, action, key)
}

// AuthorizePrefix is Authorizer's, by the policies as they are now.
func (r *Reloading) AuthorizePrefix(principal Principal, action Action, prefix objectkey.Prefix, granted ...Action) Decision {
	return r.current.Load().AuthorizePrefix(principal, action, prefix, granted...)
}

// Len returns the number of policies, which is never zero.
func (r *Reloading) Len() int { return r.current.Load().Len() }
