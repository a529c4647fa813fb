package tocsin

import (
	"context"
	"slices"
)

// DefaultTenant is the tenant of a portal that serves one organisation.
const DefaultTenant = "default"

// Principal is who is asking: a person in a session, an API token, or a part
// of the portal itself.
type Principal struct {
	Tenant      string
	ID          string
	UserName    string
	DisplayName string
	Kind        ActorKind
	Roles       []Role
	// Scopes limit a token to these verbs; empty means all that Roles allow.
	Scopes []Verb
	// Groups limit what the principal sees to what concerns the devices of
	// these device groups (UngroupedDevices among them); nil does not limit, and
	// an empty list leaves nothing.
	Groups []int64
}

// Scoped reports whether the principal sees only what concerns the devices of
// some device groups.
func (p Principal) Scoped() bool { return p.Groups != nil }

// Within limits p to what q may see as well: what two hold of groups together
// is what both of them hold.
func (p Principal) Within(q Principal) Principal {
	switch {
	case q.Groups == nil:
	case p.Groups == nil:
		p.Groups = append([]int64{}, q.Groups...)
	default:
		both := []int64{}
		for _, g := range p.Groups {
			if slices.Contains(q.Groups, g) {
				both = append(both, g)
			}
		}
		p.Groups = both
	}
	return p
}

// Actor is the principal as the record names it.
func (p Principal) Actor() Actor { return Actor{Kind: p.Kind, Name: p.UserName} }

// System is the principal of work that the portal does by itself.
func System(tenant, name string) Principal {
	return Principal{Tenant: tenant, ID: "system", UserName: name, DisplayName: name, Kind: ActorEngine, Roles: []Role{RoleSystem}}
}

type principalKey struct{}

// WithPrincipal returns a context that carries p. From the door inwards the
// context is the only carrier of tenant and actor.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom is the principal of ctx, and false when there is none.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}
