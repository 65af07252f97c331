package bolt

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/signgate/signgate/pkg/grants"
)

// Find is grants.Store's. It sees one moment of the store.
func (s *Store) Find(ctx context.Context, now time.Time, resources []string, grantees []grants.Grantee) ([]grants.Grant, error) {
	resources, grantees, err := grants.CheckFind(resources, grantees)
	if err != nil {
		return nil, err
	}
	var found []grants.Grant
	pairs := pairsOf(resources, grantees)
	err = s.view(ctx, func(b buckets) error {
		return b.match(pairs, func(key, value []byte) error {
			grant, err := decode(key, value)
			if err == nil && slices.Contains(resources, grant.Resource) && slices.Contains(grantees, grant.Grantee) && grant.Holds(now) == nil {
				found = append(found, grant)
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// pairsOf returns what the keys of the grants asked for begin with, in order.
func pairsOf(resources []string, grantees []grants.Grantee) [][]byte {
	marks := make([]grants.Mark, len(grantees))
	for n, grantee := range grantees {
		marks[n] = grantee.Mark()
	}
	slices.SortFunc(marks, func(a, b grants.Mark) int { return bytes.Compare(a[:], b[:]) })
	slices.Sort(resources) // the byte that ends them sorts before all of theirs
	total := 0
	for _, resource := range resources {
		total += len(marks) * (len(resource) + 1 + grants.MarkBytes)
	}
	text, pairs := make([]byte, 0, total), make([][]byte, 0, len(resources)*len(marks))
	for _, resource := range resources {
		for _, mark := range marks {
			begin := len(text)
			text = append(append(append(text, resource...), endOfResource), mark[:]...)
			pairs = append(pairs, text[begin:len(text):len(text)])
		}
	}
	return pairs
}

// match calls take for every key that begins with one of the pairs, which are
// in order. It seeks at most once for a pair, and mostly far less often: a seek
// ends at the next key that there is, and pairs before that need none.
func (b buckets) match(pairs [][]byte, take func(key, value []byte) error) error {
	cursor := b.grants.Cursor()
	for len(pairs) > 0 {
		key, value := cursor.Seek(pairs[0])
		for len(pairs) > 0 && bytes.HasPrefix(key, pairs[0]) {
			if err := take(key, value); err != nil {
				return err
			}
			if key, value = cursor.Next(); !bytes.HasPrefix(key, pairs[0]) {
				pairs = pairs[1:]
			}
		}
		if key == nil {
			return nil
		}
		for len(pairs) > 0 && bytes.Compare(pairs[0], key) < 0 && !bytes.HasPrefix(key, pairs[0]) {
			pairs = pairs[1:]
		}
	}
	return nil
}
