package grants

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

var (
	// ErrInvalid is wrapped where a grant, a grantee, a secret, a cursor or a
	// question isn't what it has to be.
	ErrInvalid = errors.New("invalid grant")
	// ErrExists says that there is a grant with the id already.
	ErrExists = errors.New("the grant exists")
	// ErrNotFound says that there is no such grant, or none any more.
	ErrNotFound = errors.New("no such grant")
	// ErrExpired says that the grant's time is over.
	ErrExpired = errors.New("the grant has expired")
	// ErrUsedUp says that the grant has been used as often as it may be.
	ErrUsedUp = errors.New("the grant is used up")
	// ErrUnavailable is wrapped where a store doesn't do it for any other
	// reason: throttled, unreachable, closed, or not understood. What it means
	// for a decision is no.
	ErrUnavailable = errors.New("the grants can't be looked up or changed")
)

const (
	// MaxLimit is the most grants on a page.
	MaxLimit = 1000
	// MaxPairs is how many pairs of a resource and a grantee Find looks up at
	// most, lest a deep key and a long list of groups keep a store busy.
	MaxPairs = 4096
	// KeepExpired is how long at least a grant stays in its store after it
	// expired, for those who ask why it gives nothing any more.
	KeepExpired = 7 * 24 * time.Hour
)

// Store keeps grants. It is safe for concurrent use, and every change is there
// for whoever asks after it returned, except where ForGrantee says otherwise.
// Stores fail closed: an answer that can't be had in full is an error. Where an
// error wraps ErrUnavailable, a change may have been made or not; doing it
// again is safe, but may count another use.
type Store interface {
	// Create keeps a new grant. The error is ErrExists where there is one with
	// its id, or wraps ErrInvalid, by the rules of Grant.Check.
	Create(ctx context.Context, grant Grant) error

	// Get returns a grant, expired or used up as it may be. ErrNotFound.
	Get(ctx context.Context, id string) (Grant, error)

	// Delete takes a grant back: from when it returns, Find doesn't find it.
	// Once it is gone, again and again, the error is ErrNotFound.
	Delete(ctx context.Context, id string) error

	// Find returns the grants that hold at a time (Grant.Holds) whose resource
	// is among the resources and whose grantee is among the grantees, in no
	// particular order. It costs at most a look-up for each pair of them,
	// whatever else the store holds. The error wraps ErrInvalid where a grantee
	// is nobody or there are more than MaxPairs pairs.
	Find(ctx context.Context, now time.Time, resources []string, grantees []Grantee) ([]Grant, error)

	// OnResource lists the grants on exactly this resource, expired and used
	// up ones included until they are swept, grouped by grantee.
	OnResource(ctx context.Context, resource, cursor string, limit int) (Page, error)

	// ForGrantee lists the grants of a grantee, likewise, the newest first.
	// Changes may take a moment to show up here.
	ForGrantee(ctx context.Context, grantee Grantee, cursor string, limit int) (Page, error)

	// Use counts one use of a grant, at once and never past its limit, however
	// many try. The error is ErrNotFound, ErrExpired or ErrUsedUp.
	Use(ctx context.Context, id string, now time.Time) error
}

// Page is a part of a list. Grants created or deleted meanwhile may be on it
// or not; every other one is on exactly one page.
type Page struct {
	Grants []Grant
	Next   string // the cursor of the next page; empty on the last
}

// CheckFind returns the question of a Find with doubles dropped. It is for
// stores.
func CheckFind(resources []string, grantees []Grantee) ([]string, []Grantee, error) {
	if slices.ContainsFunc(grantees, Grantee.IsZero) {
		return nil, nil, fmt.Errorf("%w: a grantee is nobody", ErrInvalid)
	}
	if len(resources) > MaxPairs || len(grantees) > MaxPairs || len(resources)*len(grantees) > MaxPairs {
		return nil, nil, fmt.Errorf("%w: more than %d pairs of a resource and a grantee", ErrInvalid, MaxPairs)
	}
	return unique(resources), unique(grantees), nil
}

// unique keeps the first of each. The lists are mostly short, and then
// quicker to search than a map is to fill.
func unique[T comparable](list []T) []T {
	const short = 16
	kept := make([]T, 0, len(list))
	if len(list) <= short {
		for _, item := range list {
			if !slices.Contains(kept, item) {
				kept = append(kept, item)
			}
		}
		return kept
	}
	seen := make(map[T]bool, len(list))
	for _, item := range list {
		if !seen[item] {
			seen[item] = true
			kept = append(kept, item)
		}
	}
	return kept
}

// ParseCursor reads a cursor, which is the id of the last grant on the page
// before, and checks the limit; an empty cursor gives the zero place. It is for
// stores, which must check that the place belongs to their list. The error
// wraps ErrInvalid.
func ParseCursor(cursor string, limit int) (Place, error) {
	if limit < 1 || limit > MaxLimit {
		return Place{}, fmt.Errorf("%w: a page has 1 to %d grants", ErrInvalid, MaxLimit)
	}
	if cursor == "" {
		return Place{}, nil
	}
	after, err := ParseID(cursor)
	if err != nil {
		return Place{}, fmt.Errorf("%w: not a cursor of this list", ErrInvalid)
	}
	return after, nil
}

// NewPage makes a page of up to limit grants of those found; one more than
// that tells that there is a next page. It is for stores.
func NewPage(found []Grant, limit int) Page {
	if len(found) <= limit {
		return Page{Grants: found}
	}
	return Page{Grants: found[:limit], Next: found[limit-1].ID}
}
