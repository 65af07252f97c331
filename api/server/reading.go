package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/signedurl"
)

// signTime is when, counted from its beginning, a request stops waiting for a
// key elsewhere: later than for the application, and so that its answer still
// leaves within Stall.
const signTime = 25 * time.Second

// reading is a URL for reading on its way: all that is decided is done, and what
// is left is the signature.
type reading struct {
	answer  ReadURL
	request signedurl.Request // without a key: nothing is left to sign
	record  int               // its place in the issue's records
}

// sign signs what was prepared: one after the other where the key is at hand,
// side by side where it is asked elsewhere, as many as one request may ask for
// at a time. A URL that would be too long is a problem of its own. The first
// other error ends it; what isn't signed then isn't recorded.
func (i *issue) sign(ctx context.Context, readings []*reading) error {
	signer := i.server.parts.Signer(ctx)
	if signer.Parallel() == 1 {
		for _, one := range readings {
			if err := i.signOne(signer, one); err != nil {
				return err
			}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, i.signUntil.Sub(i.server.parts.Now()))
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	signer = i.server.parts.Signer(ctx)
	group.SetLimit(max(1, signer.Parallel()/shareOfTurns))
	for _, one := range readings {
		group.Go(func() error { return caught(func() error { return i.signOne(signer, one) }) }) // once ctx has ended, the key isn't asked
	}
	return group.Wait()
}

// errPanic is wrapped where something that was done side by side panicked.
var errPanic = errors.New("panic")

// caught makes an error of a panic. What is done side by side panics beyond the
// reach of those who answer the request, and would end the process.
func caught(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, cause, debug.Stack())
		}
	}()
	return do()
}

// signOne signs one. It touches nothing that belongs to another.
func (i *issue) signOne(signer Signer, one *reading) error {
	if one.request.Key.IsZero() {
		return nil
	}
	url, err := signer.Sign(one.request)
	if errors.Is(err, signedurl.ErrTooLong) {
		one.answer = ReadURL{Key: one.answer.Key, Problem: problemFor(i.ctx, err)}
		return nil
	}
	if err != nil {
		return err
	}
	one.answer.URL = url
	i.records[one.record].Outcome, i.records[one.record].KeyID = audit.Issued, signer.KeyID()
	return nil
}
