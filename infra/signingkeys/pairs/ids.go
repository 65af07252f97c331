package pairs

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/signgate/signgate/pkg/keyring"
)

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

// bind writes down the ids, unless a key would be missing at the distribution.
// A key that waits may have another id, from a deployment that was rolled back,
// or be taken from the distribution: it has no id then, lest it be made to
// sign meanwhile. No URL has the one before.
//
// An update may name a slot that the document has no more: a rollback does, of
// the deployment that took a spent key from the distribution, when signgate
// keys rotate has removed it meanwhile. Refused, it would leave the stack in
// the middle of its rollback; a public key that nobody signs with does no harm.
func (h *Handler) bind(ctx context.Context, store Store, ids map[string]string, keep time.Duration, update bool) error {
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
			held, there := document.Slots[slot]
			if held.KeyID == id || !there && update {
				continue
			}
			if held.KeyID != "" {
				return false, fmt.Errorf("%w: the key of slot %s has signed as %s, and the distribution has it as %s now; a slot that was taken away takes a new name when it comes back", keyring.ErrSlot, slot, held.KeyID, id)
			}
			if err := document.Bind(slot, id, h.config.Now()); err != nil {
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
		if until := slot.RetiredAt.Add(keep); until.After(h.config.Now()) {
			return fmt.Errorf("%w: URLs signed with %s may live until %s; leave it in signingKeys until then", ErrNeeded, name, until.UTC().Format(time.RFC3339))
		}
	}
	return nil
}
