package server

import (
	"context"
	"sync"
	"time"
)

// chore is something that is done again and again.
type chore struct {
	every time.Duration // after the last time
	run   func(ctx context.Context)
}

// repeating does a chore in the background until the returned function is
// called.
func repeating(c chore) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(c.every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			c.run(ctx)
		}
	}()
	return func() error {
		cancel()
		<-done
		return nil
	}
}

// chores are done when somebody asks for those that are due: in a process that
// stands still between requests a background would run at any time or never.
type chores struct {
	now func() time.Time

	mu  sync.Mutex
	all []chore
	due []time.Time
}

func newChores(now func() time.Time, all []chore) *chores {
	c := &chores{now: now, all: all}
	for _, chore := range all {
		c.due = append(c.due, now().Add(chore.every))
	}
	return c
}

// take returns the chores that are due, each to one caller.
func (c *chores) take() []chore {
	c.mu.Lock()
	defer c.mu.Unlock()
	var due []chore
	now := c.now()
	for n, chore := range c.all {
		if now.Before(c.due[n]) {
			continue
		}
		c.due[n] = now.Add(chore.every)
		due = append(due, chore)
	}
	return due
}

// CatchUp does what is due of all that a server made for a process that stands
// still between requests (Environment.Frozen) has to do again and again. It is
// to be called before a request is answered and before the answer leaves. What
// can't be done in a part of the time that ctx leaves is tried again later.
func (s *Server) CatchUp(ctx context.Context) {
	if s.chores == nil {
		return
	}
	for _, chore := range s.chores.take() {
		chore.within(ctx)
	}
}

// What waits for a chore is a request: one that hangs takes neither more than
// choreTimeout nor more than a part of the time that is left for the request.
const (
	choreTimeout = 2 * time.Second
	choreShare   = 4 // a fourth of what is left
)

// within does a chore while a request waits.
func (c chore) within(ctx context.Context) {
	limit := choreTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/choreShare) //nolint:forbidigo // a context ends by this clock, whichever the gateway goes by
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c.run(ctx)
}
