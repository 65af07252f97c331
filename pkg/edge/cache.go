package edge

import (
	"bytes"
	"container/list"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pquerna/cachecontrol/cacheobject"
)

// What the cache keeps: small enough for a laptop, large enough for pictures.
const (
	maxCachedObject = 8 << 20
	maxCachedBytes  = 64 << 20
)

// cache keeps whole answers in memory, the least recently used going first.
type cache struct {
	mu      sync.Mutex
	entries map[string]*list.Element // of *entry
	order   list.List                // most recently used first
	bytes   int
}

// entry is one cached answer. It is never changed; a refreshed one replaces it.
type entry struct {
	key    string
	header http.Header
	body   []byte
	stored time.Time
	life   time.Duration
}

func newCache() *cache { return &cache{entries: map[string]*list.Element{}} }

func (c *cache) get(key string) (*entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(element)
	found, ok := element.Value.(*entry)
	return found, ok
}

func (c *cache) put(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(e.key)
	c.entries[e.key] = c.order.PushFront(e)
	c.bytes += len(e.body)
	for c.bytes > maxCachedBytes {
		if last, ok := c.order.Back().Value.(*entry); ok {
			c.drop(last.key)
		}
	}
}

// remove forgets an answer that the origin doesn't give any more.
func (c *cache) remove(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(key)
}

func (c *cache) drop(key string) {
	element, ok := c.entries[key]
	if !ok {
		return
	}
	delete(c.entries, key)
	if dropped, ok := c.order.Remove(element).(*entry); ok {
		c.bytes -= len(dropped.body)
	}
}

func (e *entry) fresh(now time.Time) bool { return now.Sub(e.stored) < e.life }

// cacheKey is the path and the parameters that the behaviour names, in the
// order in which they came. Nothing else of a request tells answers apart.
func cacheKey(path string, parameters []string) string {
	return path + "?" + strings.Join(parameters, "&")
}

// named returns those parameters of a raw query that are listed.
func named(rawQuery string, names []string) []string {
	var found []string
	for parameter := range strings.SplitSeq(rawQuery, "&") {
		if name, _, _ := strings.Cut(parameter, "="); slices.Contains(names, name) {
			found = append(found, parameter)
		}
	}
	return found
}

// lifeOf says how long an answer may be kept (Developer Guide, "Manage how
// long content stays in the cache").
func (l Lifetime) lifeOf(header http.Header, now time.Time) time.Duration {
	life := l.Default
	directives, err := cacheobject.ParseResponseCacheControl(header.Get("Cache-Control"))
	switch {
	case err != nil, directives.NoStore, directives.NoCachePresent, directives.PrivatePresent:
		return l.Min
	case directives.SMaxAge >= 0:
		life = time.Duration(directives.SMaxAge) * time.Second
	case directives.MaxAge >= 0:
		life = time.Duration(directives.MaxAge) * time.Second
	default:
		if expires, err := http.ParseTime(header.Get("Expires")); err == nil {
			life = expires.Sub(now)
		}
	}
	return min(max(life, l.Min), l.Max)
}

// keeper copies an answer on its way to the viewer and stores it once it is
// whole.
type keeper struct {
	io.ReadCloser
	buffer bytes.Buffer
	want   int64
	store  func(body []byte)
}

// Read passes on and keeps what was read.
func (k *keeper) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	k.buffer.Write(p[:n])
	if k.store != nil && int64(k.buffer.Len()) == k.want {
		k.store(k.buffer.Bytes())
		k.store = nil
	}
	return n, err
}
