package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
)

// Life is how long something issued may live.
type Life struct {
	Default time.Duration // where the caller asks for none
	Longest time.Duration
}

// Limits bound what one request may ask for.
type Limits struct {
	Read, Upload, Delete Life
	OpenUpload           Life // of an upload in parts, or one to be verified, from its start
	Session              Life // of the address of an upload session
	MaxUploadBytes       int64
	MaxBodyBytes         int64
	StableWindow         time.Duration // that stable URLs are rounded up to
	S3Reads              bool          // whether reading from S3 itself may be asked for
}

func (l Limits) check() error {
	for _, life := range []Life{l.Read, l.Upload, l.Delete, l.OpenUpload, l.Session} {
		if life.Default < time.Second || life.Longest < life.Default {
			return fmt.Errorf("server: a life of %s, at most %s, makes no sense", life.Default, life.Longest)
		}
	}
	if l.MaxUploadBytes < 1 || l.MaxBodyBytes < 1 || l.StableWindow < time.Second {
		return errors.New("server: the sizes must be limited and the window be a second or more")
	}
	return nil
}

// seconds returns the life that was asked for. A refusal names the field and
// guesses the usual mistake.
func (l Life) seconds(asked *int64, pointer string) (time.Duration, error) {
	if asked == nil {
		return l.Default, nil
	}
	most := int64(l.Longest / time.Second)
	if *asked >= 1 && *asked <= most {
		return time.Duration(*asked) * time.Second, nil
	}
	detail := fmt.Sprintf("must be between 1 and %d seconds", most)
	if *asked >= 1000 && *asked/1000 <= most {
		detail += fmt.Sprintf("; %d looks like milliseconds", *asked)
	}
	return 0, invalid(pointer, detail)
}

// invalid is the problem of one field that breaks a rule.
func invalid(pointer, detail string) *problem.Document {
	return problem.New(problem.InvalidRequest, "", problem.Field{Pointer: pointer, Detail: detail})
}

// parseKey reads a key that a caller sent. A signed URL in its place would
// put a signature into the audit trail.
func parseKey(name, pointer string) (objectkey.Key, error) {
	if holdsSignature(name) {
		return objectkey.Key{}, invalid(pointer, "holds a signature: send the key of the object, not a URL")
	}
	key, err := objectkey.Parse(name)
	if err != nil {
		return objectkey.Key{}, invalid(pointer, err.Error())
	}
	return key, nil
}

// parsePrefix reads a prefix as parseKey reads a key.
func parsePrefix(name, pointer string) (objectkey.Prefix, error) {
	if holdsSignature(name) {
		return objectkey.Prefix{}, invalid(pointer, "holds a signature: send a prefix of keys, not a URL")
	}
	prefix, err := objectkey.ParsePrefix(name)
	if err != nil {
		return objectkey.Prefix{}, invalid(pointer, err.Error())
	}
	return prefix, nil
}

// issue collects what one request hands out, so that all of it is recorded
// before any of it leaves.
type issue struct {
	server  *Server
	ctx     context.Context //nolint:containedctx // lives as long as the one request
	who     access.Principal
	records []audit.Record
	folders map[string]*decision // by action and prefix; nil: asked for once so far

	ahead     map[question]aheadOf
	askUntil  time.Time // that the application is asked
	signUntil time.Time // that a key elsewhere is asked
}

func (s *Server) newIssue(ctx context.Context) *issue {
	now := s.parts.Now()
	return &issue{server: s, ctx: ctx, who: principalOf(callerFrom(ctx)), folders: map[string]*decision{}, askUntil: now.Add(hookTime), signUntil: now.Add(signTime)}
}

// issued notes that something was made for the caller and returns its id.
func (i *issue) issued(action access.Action, key string, decision decision, id, keyID string, expires time.Time) {
	n := i.announced(action, key, decision, id, expires)
	i.records[n].Outcome, i.records[n].KeyID = audit.Issued, keyID
}

// announced keeps a place in the records for what is about to be made for the
// caller. As long as it has no outcome it isn't written.
func (i *issue) announced(action access.Action, key string, decision decision, id string, expires time.Time) int {
	record := i.record(action, key, decision)
	record.ID, record.ExpiresAt = id, &expires
	i.records = append(i.records, record)
	return len(i.records) - 1
}

func (i *issue) record(action access.Action, key string, decision decision) audit.Record {
	caller := callerFrom(i.ctx)
	return audit.Record{
		Time:          i.server.parts.Now().UTC(),
		RequestID:     requestIDOf(i.ctx),
		Principal:     caller.Subject,
		Authenticated: caller.Authenticated,
		Address:       addressFrom(i.ctx),
		Action:        string(action),
		Key:           key,
		Policies:      decision.Policies,
		Grant:         decision.grantID(),
		Hook:          decision.hookID(),
	}
}

// done writes the records that are not written yet. Only after it has returned
// nil may anything leave.
func (i *issue) done() error {
	i.records = slices.DeleteFunc(i.records, func(record audit.Record) bool { return record.Outcome == "" })
	if len(i.records) == 0 {
		return nil
	}
	if err := i.server.parts.Audit.Record(i.ctx, i.records...); err != nil {
		return err
	}
	i.records = nil
	return nil
}

// lateRecord is how long the trail may take where a request's time is over, or
// its caller has hung up.
const lateRecord = time.Second

// lateTrail records what was denied though the request has ended.
type lateTrail struct{ Recorder }

// Record is the trail's.
func (t lateTrail) Record(ctx context.Context, records ...audit.Record) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), lateRecord)
		defer cancel()
	}
	return t.Recorder.Record(ctx, records...)
}
