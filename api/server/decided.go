package server

import (
	"slices"
	"time"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/decisionhook"
	"github.com/signgate/signgate/pkg/grants"
)

// decision is what policies, shares and, where it is asked, the application say
// together.
type decision struct {
	access.Decision
	shares []grants.Grant       // that it may rest on, the best first
	answer *decisionhook.Answer // of the application; nil where it wasn't asked
	life   time.Duration        // that the application lets anything issued now live; 0: as long as may be
}

// grantID is the id of the share that the decision rests on, if any.
func (d decision) grantID() string {
	if len(d.shares) == 0 {
		return ""
	}
	return d.shares[0].ID
}

// hookID is the id of the question that the application answered, if any.
func (d decision) hookID() string {
	if d.answer == nil {
		return ""
	}
	return d.answer.ID
}

// limit keeps what is issued now from outliving the share that it rests on, and
// what the application says.
func (d decision) limit(now, expires time.Time) time.Time {
	if until := now.UTC().Truncate(time.Second).Add(d.life); d.life > 0 && until.Before(expires) {
		expires = until
	}
	if len(d.shares) == 0 || d.shares[0].Expires == nil || expires.Before(*d.shares[0].Expires) {
		return expires
	}
	return d.shares[0].Expires.UTC().Truncate(time.Second)
}

// limitLife is limit for what is presigned, whose life is counted in seconds
// from when it is signed. Less than a second is too short for anything.
func (d decision) limitLife(now time.Time, life time.Duration) time.Duration {
	if d.life > 0 {
		life = min(life, d.life)
	}
	if len(d.shares) > 0 && d.shares[0].Expires != nil {
		life = min(life, d.shares[0].Expires.Sub(now))
	}
	return life.Truncate(time.Second)
}

// and joins the decisions about two actions that one thing needs: it ends with
// the share that ends first.
func (d decision) and(other decision) decision {
	both := other
	both.Policies = slices.Compact(slices.Sorted(slices.Values(slices.Concat(d.Policies, other.Policies))))
	if d.life > 0 && (both.life == 0 || d.life < both.life) {
		both.life = d.life
	}
	if len(both.shares) == 0 || len(d.shares) > 0 && d.shares[0].Expires != nil && endsFirst(d.shares[0], both.shares[0]) {
		both.shares = d.shares
	}
	return both
}

// endsFirst says whether a share that ends does so no later than another.
func endsFirst(share, other grants.Grant) bool {
	return other.Expires == nil || !other.Expires.Before(*share.Expires)
}
