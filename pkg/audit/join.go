package audit

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
)

// Covers says whether a record is about an object: about its key, or about a
// prefix above it.
func (r Record) Covers(key string) bool {
	return r.Key == key || (strings.HasSuffix(r.Key, "/") && strings.HasPrefix(key, r.Key))
}

// ErrTooMany is returned where a join would need more memory than is for it.
var ErrTooMany = errors.New("the access log names too many URLs: join it in parts")

const (
	maxHeld      = 1 << 20 // URLs, paths and addresses that a join holds
	maxAddresses = 1000    // counted of one URL
)

// Use is what became of one URL, or of one path under a prefix's query string.
type Use struct {
	ID        string     `json:"id"`
	Known     bool       `json:"known"` // the trail has the id
	Principal string     `json:"principal,omitempty"`
	Key       string     `json:"key,omitempty"` // that was given: an object, or a prefix
	Policies  []string   `json:"policies,omitempty"`
	GivenAt   *time.Time `json:"givenAt,omitempty"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`

	Path      string     `json:"path"` // that was asked for, as the access log has it
	Fetched   int64      `json:"fetched"`
	Refused   int64      `json:"refused"` // answered with an error
	Bytes     int64      `json:"bytes"`
	First     *time.Time `json:"first,omitempty"`
	Last      *time.Time `json:"last,omitempty"`
	Addresses int        `json:"addresses"` // from how many the URL was used, under all its paths; counted to 1,000
}

// Join brings CloudFront's access log together with the trail: first Fetched
// with all of the one, then Given with all of the other.
type Join struct {
	WithoutID int64 // requests that name no URL of the gateway's, or more than one

	held int
	uses map[[2]string]*Use // by id and path
	ids  map[string]*urlUse
}

// urlUse is what a join knows of an id.
type urlUse struct {
	addresses map[string]struct{}
	record    *Record
}

// NewJoin makes an empty one.
func NewJoin() *Join {
	return &Join{uses: map[[2]string]*Use{}, ids: map[string]*urlUse{}}
}

// Fetched takes a request of the access log.
func (j *Join) Fetched(f Fetch) error {
	if f.ID == "" {
		j.WithoutID++
		return nil
	}
	use, err := j.use(f)
	if err != nil {
		return err
	}
	if f.Status >= 200 && f.Status < 400 {
		use.Fetched++
	} else {
		use.Refused++
	}
	use.Bytes += f.Bytes
	if f.Time.IsZero() {
		return nil
	}
	if use.First == nil || f.Time.Before(*use.First) {
		use.First = &f.Time
	}
	if use.Last == nil || f.Time.After(*use.Last) {
		use.Last = &f.Time
	}
	return nil
}

// use finds what a request counts for.
func (j *Join) use(f Fetch) (*Use, error) {
	url := j.ids[f.ID]
	if url == nil {
		url = &urlUse{addresses: map[string]struct{}{}}
		j.ids[f.ID] = url
	}
	if _, seen := url.addresses[f.Address]; !seen && len(url.addresses) < maxAddresses {
		url.addresses[f.Address] = struct{}{}
		j.held++
	}
	use := j.uses[[2]string{f.ID, f.Path}]
	if use == nil {
		use = &Use{ID: f.ID, Path: f.Path}
		j.uses[[2]string{f.ID, f.Path}] = use
		j.held++
	}
	if j.held > maxHeld {
		return nil, ErrTooMany
	}
	return use, nil
}

// Given takes a record of the trail. The first one of an id counts.
func (j *Join) Given(r Record) error {
	if url := j.ids[r.ID]; url != nil && url.record == nil && r.Outcome == Issued {
		url.record = &r
	}
	return nil
}

// Uses returns what became of every URL that was used: by who was given it,
// the key, the id and the path. Those that the trail doesn't know come first.
func (j *Join) Uses() []Use {
	uses := make([]Use, 0, len(j.uses))
	for _, use := range j.uses {
		url := j.ids[use.ID]
		use.Addresses = len(url.addresses)
		if r := url.record; r != nil {
			use.Known, use.Principal, use.Key, use.Policies = true, r.Principal, r.Key, r.Policies
			use.GivenAt, use.ExpiresAt = &r.Time, r.ExpiresAt
		}
		uses = append(uses, *use)
	}
	slices.SortFunc(uses, func(a, b Use) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a.Principal, b.Principal),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Path, b.Path))
	})
	return uses
}

func order(use Use) int {
	if use.Known {
		return 1
	}
	return 0
}
