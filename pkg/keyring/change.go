package keyring

import (
	"fmt"
	"maps"
	"time"
)

// Add puts in a slot of a new key; the first one is the active one. Errors
// wrap ErrSlot or are Check's.
func (d *Document) Add(name string, slot Slot, now time.Time) error {
	if _, taken := d.Slots[name]; taken {
		return fmt.Errorf("%w: there is a slot %s already", ErrSlot, name)
	}
	changed := d.clone()
	slot.AddedAt, slot.BoundAt, slot.ActiveAt, slot.RetiredAt = now.UTC(), time.Time{}, time.Time{}, time.Time{}
	if len(d.Slots) == 0 {
		changed.Active, slot.ActiveAt = name, now.UTC()
	}
	changed.Slots[name] = slot
	return d.take(changed)
}

// Bind says under which id CloudFront knows the key of a slot. Once given it
// stays. Errors wrap ErrSlot or are Check's.
func (d *Document) Bind(name, keyID string, now time.Time) error {
	slot, ok := d.Slots[name]
	if !ok || (slot.KeyID != "" && slot.KeyID != keyID) {
		return fmt.Errorf("%w: there is no slot %s without a key id", ErrSlot, name)
	}
	changed := d.clone()
	if slot.KeyID == "" {
		slot.KeyID, slot.BoundAt = keyID, now.UTC()
	}
	changed.Slots[name] = slot
	return d.take(changed)
}

// Unbind forgets the id of a slot that has yet to sign, for CloudFront knows it
// no more. Errors wrap ErrSlot.
func (d *Document) Unbind(name string) error {
	slot, ok := d.Slots[name]
	if !ok || name == d.Active || !slot.Waits() {
		return fmt.Errorf("%w: %s is none that waits", ErrSlot, name)
	}
	changed := d.clone()
	slot.KeyID, slot.BoundAt = "", time.Time{}
	changed.Slots[name] = slot
	return d.take(changed)
}

// Switch makes another slot the active one and notes when the one before
// stopped signing. Switching back to a retired one is possible as long as it
// is there. Errors wrap ErrSlot or are Check's.
func (d *Document) Switch(name string, now time.Time) error {
	slot, ok := d.Slots[name]
	switch {
	case !ok:
		return fmt.Errorf("%w: there is no slot %s", ErrSlot, name)
	case slot.KeyID == "":
		return fmt.Errorf("%w: slot %s has no keyId yet", ErrSlot, name)
	case name == d.Active:
		return fmt.Errorf("%w: %s is the active one", ErrSlot, name)
	}
	changed := d.clone()
	before := changed.Slots[changed.Active]
	before.RetiredAt = now.UTC()
	changed.Slots[changed.Active] = before
	slot.ActiveAt, slot.RetiredAt = now.UTC(), time.Time{}
	changed.Active, changed.Slots[name] = name, slot
	return d.take(changed)
}

// Remove takes out a slot that stopped signing before the given time. Errors
// wrap ErrSlot.
func (d *Document) Remove(name string, stoppedBefore time.Time) error {
	slot, ok := d.Slots[name]
	switch {
	case !ok:
		return fmt.Errorf("%w: there is no slot %s", ErrSlot, name)
	case name == d.Active:
		return fmt.Errorf("%w: %s is the active one", ErrSlot, name)
	case slot.RetiredAt.IsZero() && !slot.Waits():
		return fmt.Errorf("%w: nobody noted when %s stopped signing", ErrSlot, name)
	case slot.RetiredAt.After(stoppedBefore):
		return fmt.Errorf("%w: URLs signed with %s may live", ErrSlot, name)
	}
	changed := d.clone()
	delete(changed.Slots, name)
	return d.take(changed)
}

func (d *Document) clone() *Document {
	return &Document{Active: d.Active, Slots: maps.Clone(d.Slots), tokenSecrets: d.tokenSecrets}
}

// take is the last step of a change: whole or not at all.
func (d *Document) take(changed *Document) error {
	if err := changed.Check(); err != nil {
		return err
	}
	*d = *changed
	return nil
}
