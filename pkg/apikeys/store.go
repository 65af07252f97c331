package apikeys

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrRefused is wrapped where a key that was shown gives nothing, whatever
	// the reason: who shows it isn't told, the log is.
	ErrRefused = errors.New("API key refused")
	// ErrInvalid is wrapped where a key can't be kept, or a list not be asked
	// for in this way.
	ErrInvalid = errors.New("invalid API key")
	// ErrExists says that there is a key with the id already.
	ErrExists = errors.New("the API key exists")
	// ErrNotFound says that there is no such key.
	ErrNotFound = errors.New("no such API key")
	// ErrExpired says that the key's time is over.
	ErrExpired = errors.New("the API key has expired")
	// ErrRevoked says that the key was taken back.
	ErrRevoked = errors.New("the API key was revoked")
	// ErrUnavailable is wrapped where a store doesn't do it for any other
	// reason. What it means for who shows a key is no.
	ErrUnavailable = errors.New("the API keys can't be looked up or changed")
)

// MaxLimit is the most keys on a page.
const MaxLimit = 1000

// Store keeps keys. It is safe for concurrent use, and every change is there
// for whoever asks after it returned. Errors other than those named wrap
// ErrUnavailable; a change may then have been made or not, and doing it again
// is safe.
type Store interface {
	// Create keeps a new key. The error is ErrExists where there is one with its
	// id, or wraps ErrInvalid, by the rules of Key.Check.
	Create(ctx context.Context, key Key) error

	// Get returns a key, whether it holds or not. ErrNotFound.
	Get(ctx context.Context, id string) (Key, error)

	// List returns a page of all keys, those that no longer hold included, in no
	// particular order. An empty cursor is the first page's. The error wraps
	// ErrInvalid where the cursor is none or the limit isn't 1 to MaxLimit.
	List(ctx context.Context, cursor string, limit int) (Page, error)

	// Revoke takes a key back. Once it is, the time stays as it was. ErrNotFound.
	Revoke(ctx context.Context, id string, at time.Time) error

	// Touch notes when a key was used last: an earlier time than is noted
	// changes nothing, and so does a key that isn't there.
	Touch(ctx context.Context, id string, at time.Time) error
}

// Page is a part of a list. Keys made meanwhile may be on it or not; every
// other one is on exactly one page.
type Page struct {
	Keys []Key
	Next string // the cursor of the next page; empty on the last
}

// CheckList says what is wrong with the question of a List. It is for stores.
// The error wraps ErrInvalid.
func CheckList(cursor string, limit int) error {
	if limit < 1 || limit > MaxLimit {
		return fmt.Errorf("%w: a page has 1 to %d keys", ErrInvalid, MaxLimit)
	}
	if cursor != "" && !IsID(cursor) {
		return fmt.Errorf("%w: not a cursor of this list", ErrInvalid)
	}
	return nil
}

// NewPage makes a page of up to limit keys of those found; one more than that
// tells that there is a next page. It is for stores.
func NewPage(found []Key, limit int) Page {
	if len(found) <= limit {
		return Page{Keys: found}
	}
	return Page{Keys: found[:limit], Next: found[limit-1].ID}
}
