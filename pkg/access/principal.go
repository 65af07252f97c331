package access

import (
	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

// isNobody says that there is no principal to decide about.
func (p Principal) isNobody() bool {
	switch p.Kind {
	case "", Person, Machine:
		return p.Subject == ""
	case Anonymous:
		return false
	}
	return true
}

func (p Principal) uid() cedar.EntityUID {
	switch p.Kind {
	case Anonymous:
		return cedar.NewEntityUID(types.EntityType(Anonymous), anyone)
	case Machine:
		return cedar.NewEntityUID(types.EntityType(Machine), cedar.String(p.Subject))
	case Person:
	}
	return cedar.NewEntityUID(types.EntityType(Person), cedar.String(p.Subject))
}

// entity is what policies can find out about a principal.
func (p Principal) entity() types.Entity {
	uid := p.uid()
	if p.Kind == Anonymous {
		return types.Entity{UID: uid}
	}
	attributes := types.RecordMap{}
	var parents []cedar.EntityUID
	for _, group := range p.Groups {
		parents = append(parents, cedar.NewEntityUID("Group", cedar.String(group)))
	}
	if p.Tenant != "" {
		tenant := cedar.NewEntityUID("Tenant", cedar.String(p.Tenant))
		parents = append(parents, tenant)
		attributes["tenant"] = tenant
		if prefix, ok := own("tenants/", p.Tenant); ok {
			attributes["tenantHome"] = prefixUID(prefix)
		}
	}
	if p.Kind == Machine {
		scopes := make([]types.Value, len(p.Scopes))
		for n, scope := range p.Scopes {
			scopes[n] = types.String(scope)
		}
		attributes["scopes"] = types.NewSet(scopes...)
	} else if prefix, ok := own("users/", p.Subject); ok {
		attributes["home"] = prefixUID(prefix)
	}
	return types.Entity{UID: uid, Parents: types.NewEntityUIDSet(parents...), Attributes: types.NewRecord(attributes)}
}
