package pairs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/signgate/signgate/pkg/keyring"
)

// The types of custom resources that are answered, with their properties.
const (
	// Pair is the key pair of a slot: Secret, Slot. It has an attribute
	// PublicKey, in PEM.
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

// Store keeps a document of keys. awskeys.Secret is one.
type Store interface {
	Read(ctx context.Context) (document *keyring.Document, revision string, err error)
	Write(ctx context.Context, document *keyring.Document, revision string) error
}

// Handler answers requests.
type Handler struct {
	open func(secret string) Store
	now  func() time.Time
}

// NewHandler makes a handler, which opens the secret that a request names.
func NewHandler(open func(secret string) Store, now func() time.Time) *Handler {
	return &Handler{open: open, now: now}
}

// Handle answers one request: cfn.LambdaWrap sends the answer. Errors, which
// CloudFormation shows to whoever deploys, wrap ErrRequest, ErrNeeded or are
// the store's and the document's; no key is in one.
func (h *Handler) Handle(ctx context.Context, event cfn.Event) (physicalID string, data map[string]any, err error) {
	if event.RequestType == cfn.RequestDelete {
		return event.PhysicalResourceID, nil, nil // the secret says what happens to keys
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
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
		public, err := h.pair(ctx, h.open(secret), slot)
		if err != nil {
			return event.PhysicalResourceID, nil, err
		}
		return secret + "#" + slot + "#P-256", map[string]any{"PublicKey": public}, nil
	case IDs:
		ids, keep, err := identities(event)
		if err == nil {
			err = h.bind(ctx, h.open(secret), ids, keep)
		}
		if err != nil {
			return event.PhysicalResourceID, nil, err
		}
		return secret + "#ids", nil, nil
	}
	return event.PhysicalResourceID, nil, fmt.Errorf("%w: the type %q", ErrRequest, event.ResourceType)
}

// text is a property.
func text(event cfn.Event, name string) (string, error) {
	value, ok := event.ResourceProperties[name].(string)
	if !ok || value == "" {
		return "", fmt.Errorf("%w: %s has no %s", ErrRequest, event.ResourceType, name)
	}
	return value, nil
}

// identities are the properties of IDs.
func identities(event cfn.Event) (ids map[string]string, keep time.Duration, err error) {
	given, ok := event.ResourceProperties["KeyIDs"].(map[string]any)
	if !ok || len(given) == 0 {
		return nil, 0, fmt.Errorf("%w: %s has no KeyIDs", ErrRequest, event.ResourceType)
	}
	ids = make(map[string]string, len(given))
	for slot, value := range given {
		id, _ := value.(string)
		if err := keyring.CheckID(id); err != nil {
			return nil, 0, fmt.Errorf("%w: slot %s: %w", ErrRequest, slot, err)
		}
		ids[slot] = id
	}
	limit, err := text(event, "KeepFor")
	if err != nil {
		return nil, 0, err
	}
	keep, err = time.ParseDuration(limit)
	if err != nil || keep <= 0 {
		return nil, 0, fmt.Errorf("%w: KeepFor is a duration such as 13h0m0s", ErrRequest)
	}
	return ids, keep, nil
}

// pair returns the public half of a slot's key, which it makes where there is
// none. It only believes what it has read.
func (h *Handler) pair(ctx context.Context, store Store, slot string) (string, error) {
	var public string
	err := h.change(ctx, store, func(document *keyring.Document) (bool, error) {
		if held, ok := document.Slots[slot]; ok {
			if public = held.PublicPEM(); public == "" {
				return false, fmt.Errorf("%w: slot %s has no key", keyring.ErrDocument, slot)
			}
			return false, nil
		}
		key, err := keyring.Generate(keyring.P256)
		if err != nil {
			return false, err
		}
		private, err := keyring.MarshalPrivatePEM(key)
		if err != nil {
			return false, err
		}
		return true, document.Add(slot, keyring.Slot{}.WithPrivateKey(private), h.now())
	})
	return public, err
}

// bind writes down the ids, unless a key would be missing at the distribution.
// A key that waits may have another id, from a deployment that was rolled back,
// or be taken from the distribution: it has no id then, lest it be made to
// sign meanwhile. No URL has the one before.
func (h *Handler) bind(ctx context.Context, store Store, ids map[string]string, keep time.Duration) error {
	return h.change(ctx, store, func(document *keyring.Document) (bool, error) {
		if err := h.covers(document, ids, keep); err != nil {
			return false, err
		}
		before := maps.Clone(document.Slots)
		for _, slot := range document.Names() {
			if held := document.Slots[slot]; slot != document.Active && held.Waits() && held.KeyID != ids[slot] {
				if err := document.Unbind(slot); err != nil {
					return false, err
				}
			}
		}
		changed := false
		for slot, id := range ids {
			if document.Slots[slot].KeyID == id {
				continue
			}
			if err := document.Bind(slot, id, h.now()); err != nil {
				return false, err
			}
		}
		for slot, held := range document.Slots {
			changed = changed || held.KeyID != before[slot].KeyID
		}
		return changed, nil
	})
}

// covers says whether every key is among the ids that signs, or whose URLs may
// live.
func (h *Handler) covers(document *keyring.Document, ids map[string]string, keep time.Duration) error {
	for _, name := range document.Names() {
		slot := document.Slots[name]
		if _, there := ids[name]; there || (name != document.Active && slot.Waits()) {
			continue
		}
		if slot.RetiredAt.IsZero() {
			return fmt.Errorf("%w: %s signs; leave it in signingKeys until signgate keys rotate has made another one sign", ErrNeeded, name)
		}
		if until := slot.RetiredAt.Add(keep); until.After(h.now()) {
			return fmt.Errorf("%w: URLs signed with %s may live until %s; leave it in signingKeys until then", ErrNeeded, name, until.UTC().Format(time.RFC3339))
		}
	}
	return nil
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
