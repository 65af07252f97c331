package access

import (
	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/signgate/signgate/pkg/objectkey"
)

// entities are the facts that one decision may look at, or several about the
// same principal and key. They are made as they are asked for, most policies
// look at two or three of them, and once: every policy that asks where an
// object lies goes up the same prefixes. They are nobody else's at the time.
type entities struct {
	principal types.Entity
	key       objectkey.Key
	layout    Layout
	prefixes  []string       // shortest first
	above     []types.Entity // those of the prefixes that were made
	itself    types.Entity   // the object, once it was made
}

func newEntities(principal Principal, key objectkey.Key, layout Layout) *entities {
	prefixes := key.Prefixes()
	return &entities{principal: principal.entity(), key: key, layout: layout, prefixes: prefixes, above: make([]types.Entity, len(prefixes))}
}

func objectUID(key objectkey.Key) cedar.EntityUID {
	return cedar.NewEntityUID("Object", cedar.String(key.String()))
}

func prefixUID(prefix string) cedar.EntityUID {
	return cedar.NewEntityUID("Prefix", cedar.String(prefix))
}

// Get answers Cedar's question about one entity.
func (e *entities) Get(uid cedar.EntityUID) (types.Entity, bool) {
	switch uid.Type {
	case types.EntityType(Person), types.EntityType(Machine), types.EntityType(Anonymous):
		return e.principal, uid == e.principal.UID
	case "Group", "Tenant":
		return types.Entity{UID: uid}, e.principal.Parents.Contains(uid)
	case "Object":
		return e.object(uid)
	case "Prefix":
		return e.prefix(uid)
	}
	return types.Entity{}, false
}

func (e *entities) object(uid cedar.EntityUID) (types.Entity, bool) {
	if string(uid.ID) != e.key.String() {
		return types.Entity{}, false
	}
	if e.itself.UID.IsZero() {
		e.itself = types.Entity{UID: uid, Parents: e.parent(len(e.prefixes)), Attributes: types.NewRecord(e.layout.attributes(e.key))}
	}
	return e.itself, true
}

func (e *entities) prefix(uid cedar.EntityUID) (types.Entity, bool) {
	for i, prefix := range e.prefixes {
		if string(uid.ID) != prefix {
			continue
		}
		if e.above[i].UID.IsZero() {
			e.above[i] = types.Entity{UID: uid, Parents: e.parent(i)}
		}
		return e.above[i], true
	}
	return types.Entity{}, false
}

// parent is the prefix just above the one at depth.
func (e *entities) parent(depth int) types.EntityUIDSet {
	if depth == 0 {
		return types.NewEntityUIDSet()
	}
	return types.NewEntityUIDSet(prefixUID(e.prefixes[depth-1]))
}
