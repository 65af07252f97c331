package pairs

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/cenkalti/backoff/v5"

	"github.com/signgate/signgate/pkg/keyring"
)

// The types of custom resources that are answered, with their properties.
const (
	// Pair is the key pair of a slot: Secret, Slot, and KMSKey, the ARN of a
	// key in KMS whose private half stays there; without it a pair is made. It
	// has an attribute PublicKey, in PEM.
	Pair = "Custom::SigningKey"
	// IDs is under which ids CloudFront knows the keys: Secret, KeyIDs by slot,
	// and KeepFor, how long after a key has stopped signing the distribution
	// has to know it, such as 13h0m0s.
	IDs = "Custom::SigningKeyIDs"
)

var (
	// ErrRequest is wrapped where a request can't be understood.
	ErrRequest = errors.New("invalid request for signing keys")
	// ErrNeeded is wrapped where a key would be taken from the distribution
	// that URLs need.
	ErrNeeded = errors.New("the key of the slot is needed")
)

// tries is how often a change is begun again that met another.
const tries = 4

// What a request may take: the function ends after 60 seconds, and then
// CloudFormation hears nothing.
const (
	longest  = 50 * time.Second
	patience = 40 * time.Second
)

// Store keeps a document of keys. awskeys.Secret is one.
type Store interface {
	Read(ctx context.Context) (document *keyring.Document, revision string, err error)
	Write(ctx context.Context, document *keyring.Document, revision string) error
}

// Keys says the public half of a key in KMS. awskeys.KMS is one.
type Keys interface {
	PublicKey(ctx context.Context, keyARN string) (crypto.PublicKey, error)
}

// Config is what a handler works with. Patience may be left out.
type Config struct {
	Open func(secret string) Store // the secret that a request names
	KMS  Keys
	Now  func() time.Time
	// Patience is how long a key in KMS is waited for that can't be read yet:
	// CloudFormation asks as soon as there is a key, and what the function may
	// do with it arrives a little later. 0: 40 seconds.
	Patience time.Duration
}

// Handler answers requests.
type Handler struct{ config Config }

// NewHandler makes a handler.
func NewHandler(config Config) *Handler {
	if config.Patience <= 0 {
		config.Patience = patience
	}
	return &Handler{config}
}

// Handle answers one request: cfn.LambdaWrap sends the answer. Errors, which
// CloudFormation shows to whoever deploys, wrap ErrRequest, ErrNeeded or are
// the store's and the document's; no key is in one.
func (h *Handler) Handle(ctx context.Context, event cfn.Event) (physicalID string, data map[string]any, err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if event.RequestType == cfn.RequestDelete {
		// No stack's deletion waits for this: what is left over does no harm.
		_ = h.forget(ctx, event)
		return event.PhysicalResourceID, nil, nil
	}
	secret, err := text(event, "Secret")
	if err != nil {
		return event.PhysicalResourceID, nil, err
	}
	switch event.ResourceType {
	case Pair:
		slot, err := text(event, "Slot")
		if err != nil {
			return event.PhysicalResourceID, nil, err
		}
		slotted, err := h.wanted(ctx, event)
		if err != nil {
			return event.PhysicalResourceID, nil, err
		}
		public, err := h.pair(ctx, h.config.Open(secret), slot, slotted, event.RequestType == cfn.RequestUpdate)
		if err != nil {
			return event.PhysicalResourceID, nil, err
		}
		return idOf(secret, slot, slotted), map[string]any{"PublicKey": public}, nil
	case IDs:
		ids, keep, err := identities(event)
		if err == nil {
			err = h.bind(ctx, h.config.Open(secret), ids, keep, event.RequestType == cfn.RequestUpdate)
		}
		if err != nil {
			return event.PhysicalResourceID, nil, err
		}
		return secret + "#ids", nil, nil
	}
	return event.PhysicalResourceID, nil, fmt.Errorf("%w: the type %q", ErrRequest, event.ResourceType)
}

// forget takes out a slot whose resource is gone and whose key has never signed
// and isn't at the distribution: of a deployment that was rolled back, or of a
// slot that was given up. signgate keys rotate would wait for a deployment of it
// otherwise. Every other slot is for signgate keys rotate to remove.
func (h *Handler) forget(ctx context.Context, event cfn.Event) error {
	secret, err := text(event, "Secret")
	if err != nil || event.ResourceType != Pair {
		return err
	}
	slot, err := text(event, "Slot")
	if err != nil {
		return err
	}
	return h.change(ctx, h.config.Open(secret), func(document *keyring.Document) (bool, error) {
		held, there := document.Slots[slot]
		if !there || slot == document.Active || !held.Waits() || held.KeyID != "" || idOf(secret, slot, held) != event.PhysicalResourceID {
			return false, nil
		}
		return true, document.Remove(slot, h.config.Now())
	})
}

// idOf tells the keys of a slot apart: CloudFormation asks to delete the
// one before when it has another.
func idOf(secret, slot string, held keyring.Slot) string {
	kind := string(keyring.P256)
	if held.KMSKey != "" {
		kind = held.KMSKey[strings.LastIndex(held.KMSKey, "/")+1:]
	}
	return secret + "#" + slot + "#" + kind
}

// text is a property.
func text(event cfn.Event, name string) (string, error) {
	value, ok := event.ResourceProperties[name].(string)
	if !ok || value == "" {
		return "", fmt.Errorf("%w: %s has no %s", ErrRequest, event.ResourceType, name)
	}
	return value, nil
}

// wanted is the slot that a request asks for, empty where a pair is to be
// made.
func (h *Handler) wanted(ctx context.Context, event cfn.Event) (keyring.Slot, error) {
	if _, named := event.ResourceProperties["KMSKey"]; !named {
		return keyring.Slot{}, nil
	}
	key, err := text(event, "KMSKey")
	if err != nil {
		return keyring.Slot{}, err
	}
	public, err := h.publicHalf(ctx, key)
	if err != nil {
		return keyring.Slot{}, fmt.Errorf("the key %s: %w", key, err)
	}
	pem, err := keyring.MarshalPublicPEM(public)
	return keyring.Slot{KMSKey: key, PublicKey: string(pem)}, err
}

// publicHalf asks KMS, again where it can't say yet.
func (h *Handler) publicHalf(ctx context.Context, key string) (crypto.PublicKey, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = h.config.Patience/32, h.config.Patience/8 //nolint:mnd // several times within the patience
	return backoff.Retry(ctx, func() (crypto.PublicKey, error) {
		public, err := h.config.KMS.PublicKey(ctx, key)
		if err != nil && !errors.Is(err, keyring.ErrUnavailable) {
			return nil, backoff.Permanent(err)
		}
		return public, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(h.config.Patience))
}

// pair returns the public half of a slot's key, which it puts there, or makes,
// where there is none. It only believes what it has read.
func (h *Handler) pair(ctx context.Context, store Store, slot string, wanted keyring.Slot, update bool) (string, error) {
	var public string
	err := h.change(ctx, store, func(document *keyring.Document) (bool, error) {
		held, there := document.Slots[slot]
		if there && held.KMSKey == wanted.KMSKey {
			if public = held.PublicPEM(); public == "" {
				return false, fmt.Errorf("%w: slot %s has no key", keyring.ErrDocument, slot)
			}
			return false, nil
		}
		if there {
			if err := h.vacate(document, slot, update); err != nil {
				return false, err
			}
		}
		if wanted.KMSKey == "" {
			key, err := keyring.Generate(keyring.P256)
			if err != nil {
				return false, err
			}
			private, err := keyring.MarshalPrivatePEM(key)
			if err != nil {
				return false, err
			}
			wanted = keyring.Slot{}.WithPrivateKey(private)
		}
		return true, document.Add(slot, wanted, h.config.Now())
	})
	return public, err
}

// vacate takes out a slot's key for another one, which only a key that has
// never signed can be: one of a deployment that was rolled back. A pair that
// was made here and that CloudFront may have stays too. If the deployment is
// rolled back, the slot gets its id back, and this would be another pair's.
func (h *Handler) vacate(document *keyring.Document, slot string, update bool) error {
	held := document.Slots[slot]
	switch {
	case slot == document.Active || !held.Waits():
		return fmt.Errorf("%w: slot %s holds another key, which signs or has signed; give the new key a slot of another name", ErrNeeded, slot)
	case held.KMSKey == "" && (update || held.KeyID != ""):
		return fmt.Errorf("%w: slot %s holds a key that can't be made again if this is rolled back; give the new key a slot of another name", ErrNeeded, slot)
	}
	return document.Remove(slot, h.config.Now())
}

// change applies to what is there until there is nothing left to change.
func (h *Handler) change(ctx context.Context, store Store, apply func(*keyring.Document) (changed bool, err error)) error {
	var met error
	for range tries {
		document, revision, err := store.Read(ctx)
		if errors.Is(err, keyring.ErrNoDocument) {
			document, err = keyring.NewDocument(true), nil
		}
		if err != nil {
			return err
		}
		changed, err := apply(document)
		if err != nil || !changed {
			return err
		}
		if met = store.Write(ctx, document, revision); met != nil && !errors.Is(met, keyring.ErrConflict) {
			return met
		}
	}
	return errors.Join(met, fmt.Errorf("%w: the secret is changed by others again and again", keyring.ErrConflict))
}
