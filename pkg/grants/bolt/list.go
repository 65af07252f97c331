package bolt

import (
	"bytes"
	"context"
	"fmt"

	"github.com/signgate/signgate/pkg/grants"
)

// OnResource is grants.Store's.
func (s *Store) OnResource(ctx context.Context, resource, cursor string, limit int) (grants.Page, error) {
	after, err := startAfter(cursor, limit, grants.MarkOf(resource), func(place grants.Place) grants.Mark { return place.Resource })
	if err != nil {
		return grants.Page{}, err
	}
	prefix := resourcePrefix(resource)
	var found []grants.Grant
	err = s.view(ctx, func(b buckets) error {
		walk, last := b.grants.Cursor(), prefix
		if cursor != "" {
			last = grantKey(resource, after)
		}
		key, value := walk.Seek(last)
		if bytes.Equal(key, last) {
			key, value = walk.Next()
		}
		for ; bytes.HasPrefix(key, prefix) && len(found) <= limit; key, value = walk.Next() {
			grant, err := decode(key, value)
			if err != nil {
				return err
			}
			found = append(found, grant)
		}
		return nil
	})
	if err != nil {
		return grants.Page{}, err
	}
	return grants.NewPage(found, limit), nil
}

// ForGrantee is grants.Store's. Changes show up at once.
func (s *Store) ForGrantee(ctx context.Context, grantee grants.Grantee, cursor string, limit int) (grants.Page, error) {
	mark := grantee.Mark()
	after, err := startAfter(cursor, limit, mark, func(place grants.Place) grants.Mark { return place.Grantee })
	if err != nil {
		return grants.Page{}, err
	}
	if cursor == "" { // from the end of what is the grantee's
		after = highest(mark)
	}
	var found []grants.Grant
	err = s.view(ctx, func(b buckets) error {
		walk := b.grantees.Cursor()
		key, _ := walk.Seek(granteeKey(after))
		if key == nil {
			key, _ = walk.Last()
		}
		for key != nil && bytes.Compare(key, granteeKey(after)) >= 0 {
			key, _ = walk.Prev()
		}
		for ; bytes.HasPrefix(key, mark[:]) && len(found) <= limit; key, _ = walk.Prev() {
			place, err := parseGranteeKey(key)
			if err != nil {
				return err
			}
			grant, err := b.get(place)
			if err != nil {
				return err
			}
			if grant.Grantee == grantee {
				found = append(found, grant)
			}
		}
		return nil
	})
	if err != nil {
		return grants.Page{}, err
	}
	return grants.NewPage(found, limit), nil
}

// highest is past every place of a grantee: no serial has all bits set, for
// millisecond 2^48 is in the year 10889.
func highest(grantee grants.Mark) grants.Place {
	after := grants.Place{Grantee: grantee}
	for i := range grants.MarkBytes {
		after.Serial[i], after.Resource[i] = 0xff, 0xff
	}
	return after
}

// startAfter reads a cursor and sees to it that it belongs to the list.
func startAfter(cursor string, limit int, list grants.Mark, listOf func(grants.Place) grants.Mark) (grants.Place, error) {
	after, err := grants.ParseCursor(cursor, limit)
	if err != nil {
		return grants.Place{}, err
	}
	if cursor != "" && listOf(after) != list {
		return grants.Place{}, fmt.Errorf("%w: not a cursor of this list", grants.ErrInvalid)
	}
	return after, nil
}
