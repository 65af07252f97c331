package rotation

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
)

var (
	// ErrDeploy is wrapped where the next step is a deployment's.
	ErrDeploy = errors.New("a deployment is next")
	// ErrWait is wrapped where the next step has its time, and nobody waits.
	ErrWait = errors.New("not yet")
	// ErrChoose is wrapped where several keys wait to become active.
	ErrChoose = errors.New("several keys wait")
	// ErrProbe is wrapped where it can't be told whether the distribution
	// takes a key, or it takes another under its id.
	ErrProbe = errors.New("the distribution's answer")
)

// Store keeps the document of keys. keyring.Folder is one, awskeys.Secret
// another.
type Store interface {
	Read(ctx context.Context) (document *keyring.Document, revision string, err error)
	Write(ctx context.Context, document *keyring.Document, revision string) error
	Signer(ctx context.Context, slot keyring.Slot) (crypto.Signer, error)
}

// Group is a key group that can be changed from here, as keyring.Group can.
// Both methods may be called again.
type Group interface {
	Add(ctx context.Context, id string, public crypto.PublicKey) error
	Remove(ctx context.Context, id string) error
}

// Prober asks whether the distribution knows a key and takes what it signs, or
// only whether it knows one under an id, which takes no key.
type Prober interface {
	Trusts(ctx context.Context, key keyring.Key) (bool, error)
	Knows(ctx context.Context, id string) (bool, error)
}

// Config says what is rotated and how long its steps take.
type Config struct {
	Store  Store
	Group  Group // nil: the key group is changed by a deployment
	Prober Prober
	// WithoutKey takes it for enough that the distribution knows a new key's
	// id: for who may change the document and not sign, as with keys in KMS
	// that only the gateway signs with. That the id is of the right key is for
	// the deployment then.
	WithoutKey bool

	Life   time.Duration // the longest life of anything that the keys sign or seal
	Grace  time.Duration // how long after a switch a gateway that can't see it goes on signing for Life
	Settle time.Duration // how long it takes until every gateway has looked at the document
	Probes int           // answers in a row that count as taken
	Every  time.Duration // between them

	Now    func() time.Time
	Wait   func(ctx context.Context, d time.Duration) error // returns early only with an error; ErrWait where nobody waits
	Report func(line string)                                // hears of every step
}

// Rotator carries out rotations.
type Rotator struct{ config Config }

// New makes a rotator.
func New(config Config) *Rotator { return &Rotator{config} }

// State says where a slot stands.
type State string

// The states, in their order.
const (
	Pending  State = "pending"  // CloudFront has given it no id yet
	Waiting  State = "waiting"  // to become active
	Active   State = "active"   // signs
	Retiring State = "retiring" // signs no more, but URLs that it signed may live
	Spent    State = "spent"    // no URL needs it
)

// StateOf says where a slot of the document stands at a time, and until when
// it is needed where it is retired.
func (r *Rotator) StateOf(document *keyring.Document, name string, now time.Time) (State, time.Time) {
	slot := document.Slots[name]
	until := slot.RetiredAt.Add(r.config.Life + r.config.Grace)
	switch {
	case name == document.Active:
		return Active, time.Time{}
	case !slot.RetiredAt.IsZero() && until.After(now):
		return Retiring, until
	case !slot.RetiredAt.IsZero():
		return Spent, until
	case slot.KeyID == "":
		return Pending, time.Time{}
	}
	return Waiting, time.Time{}
}

// Rotate finishes the rotation that is under way, or begins one and finishes
// it. to names the slot to switch to, where several wait. Errors wrap
// ErrDeploy, ErrWait, ErrChoose, ErrProbe, keyring.ErrConflict, or are those
// of the store. It may be ended at any time, and called again.
func (r *Rotator) Rotate(ctx context.Context, to string) error {
	worked := false
	for {
		document, revision, err := r.config.Store.Read(ctx)
		if err != nil {
			return err
		}
		next, slot, err := r.next(document, to)
		if err != nil {
			return err
		}
		switch next {
		case Pending:
			return fmt.Errorf("%w: slot %s has no keyId yet; deploy the environment that has it in signingKeys, which makes its public key and writes the id", ErrDeploy, slot)
		case Waiting:
			err = r.activate(ctx, document, revision, slot)
		case Retiring, Spent:
			err = r.remove(ctx, document, revision, slot)
		case Active:
			if worked {
				r.config.Report("done: " + document.Slots[document.Active].KeyID + " signs, and no other key is left")
				return nil
			}
			err = r.begin(ctx, document, revision)
		}
		if err != nil {
			return err
		}
		worked, to = true, ""
	}
}

// next returns the slot that something is to be done with: one that waits
// before one that is retired, else the active one.
func (r *Rotator) next(document *keyring.Document, to string) (State, string, error) {
	now := r.config.Now()
	if to != "" {
		state, _ := r.StateOf(document, to, now)
		if _, ok := document.Slots[to]; !ok || state == Active {
			return "", "", fmt.Errorf("%w: %s is not a slot to switch to", keyring.ErrSlot, to)
		}
		if state == Spent && r.config.Group == nil {
			return "", "", fmt.Errorf("%w: no URL needs %s any more, so a deployment may be taking it from the distribution; rotate to a new one", keyring.ErrSlot, to)
		}
		if state != Pending {
			state = Waiting // back to a retired one too
		}
		return state, to, nil
	}
	found := map[State][]string{}
	for _, name := range document.Names() {
		state, _ := r.StateOf(document, name, now)
		found[state] = append(found[state], name)
	}
	if len(found[Waiting]) > 1 {
		return "", "", fmt.Errorf("%w: say which one is to sign: %s", ErrChoose, strings.Join(found[Waiting], ", "))
	}
	for _, state := range []State{Waiting, Pending, Spent, Retiring} {
		if len(found[state]) > 0 {
			return state, found[state][0], nil
		}
	}
	return Active, document.Active, nil
}

// idLetters are how many letters and digits CloudFront's ids have after the K.
const idLetters = 13

// begin adds a key.
func (r *Rotator) begin(ctx context.Context, document *keyring.Document, revision string) error {
	if r.config.Group == nil {
		return fmt.Errorf("%w: add a slot to signingKeys in the environment's file, beside %s, and deploy; then rotate again", ErrDeploy, document.Active)
	}
	key, err := keyring.Generate(keyring.P256)
	if err != nil {
		return err
	}
	text, err := keyring.MarshalPrivatePEM(key)
	if err != nil {
		return err
	}
	random := make([]byte, idLetters)
	_, _ = rand.Read(random) // never fails
	id := "K" + base32.StdEncoding.EncodeToString(random)[:idLetters]
	if err := document.Add(id, keyring.Slot{KeyID: id}.WithPrivateKey(text), r.config.Now()); err != nil {
		return err
	}
	if err := r.config.Store.Write(ctx, document, revision); err != nil {
		return err
	}
	r.config.Report("added: " + id + " waits")
	return nil
}

// activate waits until the distribution takes the key and every gateway has
// it, and has it sign.
func (r *Rotator) activate(ctx context.Context, document *keyring.Document, revision, name string) error {
	slot := document.Slots[name]
	takes := func(ctx context.Context) (bool, error) { return r.config.Prober.Knows(ctx, slot.KeyID) }
	if !r.config.WithoutKey {
		signer, err := r.config.Store.Signer(ctx, slot)
		if err != nil {
			return fmt.Errorf("slot %s: %w", name, err)
		}
		if r.config.Group != nil {
			if err := r.config.Group.Add(ctx, slot.KeyID, signer.Public()); err != nil {
				return err
			}
		}
		takes = func(ctx context.Context) (bool, error) {
			return r.config.Prober.Trusts(ctx, keyring.Key{ID: slot.KeyID, Signer: signer})
		}
	}
	if err := r.untilTrusted(ctx, slot.KeyID, takes); err != nil {
		return err
	}
	if rest := slot.KnownFrom().Add(r.config.Settle).Sub(r.config.Now()); rest > 0 {
		r.config.Report(fmt.Sprintf("waiting %s until every gateway knows %s", rest.Round(time.Second), slot.KeyID))
		if err := r.config.Wait(ctx, rest); err != nil {
			return err
		}
	}
	before := document.Slots[document.Active].KeyID
	if err := document.Switch(name, r.config.Now()); err != nil {
		return err
	}
	if err := r.config.Store.Write(ctx, document, revision); err != nil {
		return err
	}
	r.config.Report("switched: " + slot.KeyID + " signs, " + before + " is retired")
	return nil
}

// untilTrusted probes until the distribution has taken the key several times
// in a row: not every edge learns of it at once.
func (r *Rotator) untilTrusted(ctx context.Context, id string, takes func(context.Context) (bool, error)) error {
	told := false
	for inARow := 0; inARow < max(r.config.Probes, 1); {
		trusted, err := takes(ctx)
		if err != nil {
			return err
		}
		if inARow++; !trusted {
			inARow = 0
			if !told {
				r.config.Report("the distribution doesn't take " + id + " yet")
				told = true
			}
		}
		if inARow < r.config.Probes || !trusted {
			if err := r.config.Wait(ctx, r.config.Every); err != nil {
				return err
			}
		}
	}
	r.config.Report("the distribution takes " + id)
	return nil
}

// remove waits out the last URL of a retired key, or removes it where no URL
// needs it: first from the key group, so that it is never trusted without
// anybody knowing of it.
func (r *Rotator) remove(ctx context.Context, document *keyring.Document, revision, name string) error {
	slot := document.Slots[name]
	if _, until := r.StateOf(document, name, r.config.Now()); until.After(r.config.Now()) {
		r.config.Report(fmt.Sprintf("URLs signed with %s may live until %s", slot.KeyID, until.UTC().Format(time.RFC3339)))
		// Then the document is read again: somebody may have gone back to the key.
		return r.config.Wait(ctx, until.Sub(r.config.Now()))
	}
	if r.config.Group != nil {
		if err := r.config.Group.Remove(ctx, slot.KeyID); err != nil {
			return err
		}
	} else if err := r.mustBeUntrusted(ctx, name, slot); err != nil {
		return err
	}
	if err := document.Remove(name, r.config.Now().Add(-r.config.Life-r.config.Grace)); err != nil {
		return err
	}
	if err := r.config.Store.Write(ctx, document, revision); err != nil {
		return err
	}
	r.config.Report("removed: " + slot.KeyID)
	return nil
}

// mustBeUntrusted keeps a key in the document as long as the distribution has
// it. The key itself isn't asked: one in KMS may be gone by then.
func (r *Rotator) mustBeUntrusted(ctx context.Context, name string, slot keyring.Slot) error {
	known, err := r.config.Prober.Knows(ctx, slot.KeyID)
	if err != nil {
		return err
	}
	if known {
		return fmt.Errorf("%w: no URL needs %s any more; remove slot %s from signingKeys in the environment's file and deploy; then rotate again", ErrDeploy, slot.KeyID, name)
	}
	return nil
}
