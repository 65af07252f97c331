package story

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/rotation"
	"github.com/signgate/signgate/pkg/settings"
	"github.com/signgate/signgate/pkg/signedurl"
)

// What makes a rotation a matter of seconds: it takes as long as the longest
// life of a URL and the grace.
const (
	hurriedLife    = 2 * time.Second
	hurriedGrace   = time.Second
	hurriedRefresh = 200 * time.Millisecond
	readers        = 3
)

func (t *teller) rotating() error {
	t.chapter("the signing key is changed while three people read on; here URLs live two seconds at most")
	address, err := t.stack.Beside(t.ctx, func(gateway *settings.Gateway) {
		gateway.ReadLife, gateway.MaxReadLife = hurriedLife, hurriedLife
		gateway.SigningRefresh, gateway.SigningGrace = hurriedRefresh, hurriedGrace
	})
	if err != nil {
		return err
	}
	token, err := t.send(http.MethodGet, t.stack.IssuerURL()+"/token/alice", nil, nil)
	if err != nil {
		return err
	}
	caller, err := client.New(client.Config{URL: address, Token: func(context.Context) (string, error) { return string(token.body), nil }})
	if err != nil {
		return err
	}
	reading := t.startReading(caller)
	defer reading.stop()
	before, err := t.activeKey()
	if err != nil {
		return err
	}
	for _, try := range []struct {
		what, want string
		do         func() (string, error)
	}{
		{"a key is added, taken by the edge, and signs; the old one goes", "added, taken, switched, not yet", func() (string, error) { return t.rotate(hurriedGrace) }},
		{"which key signs", "another one", func() (string, error) {
			after, err := t.activeKey()
			if after != before {
				return "another one", err
			}
			return "the same", err
		}},
		{"later, when the last URL that the old key signed has expired", "removed, done", func() (string, error) { return t.rotate(time.Minute) }},
		{"what the readers say", "both keys, no request failed", reading.end},
	} {
		if err := t.step(try.what, try.want, try.do); err != nil {
			return err
		}
	}
	return nil
}

// activeKey is the one that the document of keys says signs.
func (t *teller) activeKey() (string, error) {
	document, _, err := keyring.NewFolder(t.stack.Keys(), "", nil).Read(t.ctx)
	if err != nil {
		return "", err
	}
	return document.Slots[document.Active].KeyID, nil
}

// rotate goes on with the rotation, as `signgate keys rotate` does, and says
// in a word each what was done. It waits for nothing longer than patience.
func (t *teller) rotate(patience time.Duration) (string, error) {
	var done []string
	err := rotation.New(rotation.Config{
		Store: keyring.NewFolder(t.stack.Keys(), "", nil), Group: keyring.NewGroup(t.stack.KeyGroup()),
		Prober: rotation.Distribution{URL: t.stack.EdgeURL(), Hash: signedurl.SHA256, Now: t.now},
		Life:   hurriedLife, Grace: hurriedGrace, Settle: 2 * hurriedRefresh, Probes: 3, Every: 50 * time.Millisecond, Now: t.now,
		Wait: func(ctx context.Context, d time.Duration) error { return pause(ctx, d, patience) },
		Report: func(line string) {
			switch word, _, _ := strings.Cut(line, ":"); {
			case slices.Contains([]string{"added", "switched", "removed", "done"}, word):
				done = append(done, word)
			case strings.HasPrefix(line, "the distribution takes "):
				done = append(done, "taken")
			}
		},
	}).Rotate(t.ctx, "")
	if errors.Is(err, rotation.ErrWait) {
		done, err = append(done, "not yet"), nil
	}
	return strings.Join(done, ", "), err
}

func pause(ctx context.Context, d, patience time.Duration) error {
	if d > patience {
		return rotation.ErrWait
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// reading is some people who ask for URLs and use each twice, all the time.
type reading struct {
	stop context.CancelFunc
	all  sync.WaitGroup

	mu     sync.Mutex
	keys   map[string]bool
	failed []string
}

func (t *teller) startReading(caller *client.Client) *reading {
	ctx, stop := context.WithCancel(t.ctx)
	r := &reading{stop: stop, keys: map[string]bool{}}
	for range readers {
		r.all.Go(func() {
			for ctx.Err() == nil {
				id, err := t.readTwice(ctx, caller)
				if ctx.Err() == nil {
					r.note(id, err)
				}
			}
		})
	}
	return r
}

func (r *reading) note(id string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[id] = true
	if err != nil {
		r.failed = append(r.failed, err.Error())
	}
}

// readTwice reads at once and when half of the URL's life is over. It returns
// the id of the key that signed.
func (t *teller) readTwice(ctx context.Context, caller *client.Client) (string, error) {
	read, err := caller.ReadURL(ctx, client.ReadItem{Key: ownPicture})
	if err != nil {
		return "", err
	}
	signed, err := url.Parse(read.URL)
	if err != nil {
		return "", errors.New("not a URL")
	}
	id := signed.Query().Get("Key-Pair-Id")
	for range 2 {
		got, err := t.send(http.MethodGet, read.URL, nil, nil)
		if err != nil {
			return id, errors.New("no answer")
		}
		if got.status != http.StatusOK {
			return id, fmt.Errorf("%s: %s", id, got)
		}
		if err := pause(ctx, hurriedLife/4, hurriedLife); err != nil {
			return id, err
		}
	}
	return id, nil
}

func (r *reading) end() (string, error) {
	r.stop()
	r.all.Wait()
	if len(r.failed) > 0 {
		return fmt.Sprintf("%d requests failed: %s", len(r.failed), r.failed[0]), nil
	}
	if len(r.keys) != 2 { //nolint:mnd // the old key and the new one
		return fmt.Sprintf("%d keys", len(r.keys)), nil
	}
	return "both keys, no request failed", nil
}
