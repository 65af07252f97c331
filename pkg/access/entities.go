package access

import (
	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/signgate/signgate/pkg/objectkey"
)

// entities are the facts that one decision may look at. They are made as
// they are asked for: most policies look at two or three of them.
type entities struct {
	principal types.Entity
	key       objectkey.Key
	prefixes  []string // shortest first
	layout    Layout
}

func newEntities(principal Principal, key objectkey.Key, layout Layout) entities {
	return entities{principal: principal.entity(), key: key, prefixes: key.Prefixes(), layout: layout}
}

func objectUID(key objectkey.Key) cedar.EntityUID {
	return cedar.NewEntityUID("Object", cedar.String(key.String()))
}

func prefixUID(prefix string) cedar.EntityUID {
	return cedar.NewEntityUID("Prefix", cedar.String(prefix))
}

// Get answers Cedar's question about one entity.
func (e entities) Get(uid cedar.EntityUID) (types.Entity, bool) {
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

func (e entities) object(uid cedar.EntityUID) (types.Entity, bool) {
	if uid != objectUID(e.key) {
		return types.Entity{}, false
	}
	return types.Entity{
		UID:        uid,
		Parents:    e.parent(len(e.prefixes)),
		Attributes: types.NewRecord(e.layout.attributes(e.key)),
	}, true
}

func (e entities) prefix(uid cedar.EntityUID) (types.Entity, bool) {
	for i, prefix := range e.prefixes {
		if string(uid.ID) == prefix {
			return types.Entity{UID: uid, Parents: e.parent(i)}, true
		}
	}
	return types.Entity{}, false
}

// parent is the prefix just above the one at depth.
func (e entities) parent(depth int) types.EntityUIDSet {
	if depth == 0 {
		return types.NewEntityUIDSet()
	}
	return types.NewEntityUIDSet(prefixUID(e.prefixes[depth-1]))
}
