package tocsin

import "context"

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
