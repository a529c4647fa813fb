package auth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// The prefixes tell secrets apart for people and for scanners of leaked ones.
const (
	apiTokenPrefix     = "tcs_"
	accessTokenPrefix  = "tco_"
	clientSecretPrefix = "tcc_"

	tokenBytes = 32
	// AccessTokenAge is how long an access token of the client credentials flow
	// lives.
	AccessTokenAge = time.Hour
	// lastUsedEvery bounds how often the use of one token is written.
	lastUsedEvery = 5 * time.Minute
	// maxTokenAge is the longest life that can be asked for.
	maxTokenAge = 10 * 365 * 24 * time.Hour
)

// Token is an API token or an OAuth client, without its secret.
type Token struct {
	ID        string
	Name      string
	Client    bool
	ClientID  string // of a client
	CreatedBy string
	Roles     []tocsin.Role
	Scopes    []tocsin.Verb
	Groups    []int64 // device groups that it is limited to; nil: not limited
	Created   time.Time
	Expires   time.Time // zero: never
	LastUsed  time.Time // to within five minutes; zero: never
	Revoked   time.Time // zero: not
}

func tokenOf(t store.Token) Token {
	return Token{ID: t.ID, Name: t.Name, Client: t.SecretHash != "", ClientID: t.ClientID, CreatedBy: t.UserName, Roles: t.Roles, Scopes: t.Scopes, Groups: t.Groups,
		Created: t.Created, Expires: t.Expires, LastUsed: t.LastUsed, Revoked: t.Revoked}
}

// NewToken asks for a token.
type NewToken struct {
	Name    string
	Roles   []tocsin.Role
	Scopes  []tocsin.Verb // empty: all that the roles allow
	Groups  []int64       // device groups to limit it to; nil: none
	Expires time.Time     // zero: never
	Client  bool          // an OAuth client instead of an API token
}

// CreateToken makes a token in the name of ctx's principal and returns its
// secret, which nobody can see again. It can never do more than the principal
// may, now and at each later use.
func (a *Auth) CreateToken(ctx context.Context, n NewToken) (Token, tocsin.Secret, error) {
	p, err := principalFrom(ctx)
	if err != nil {
		return Token{}, "", err
	}
	now := a.now()
	if n.Name, err = checkName("the name", n.Name, 100); err != nil {
		return Token{}, "", err
	}
	if n.Name == "" {
		return Token{}, "", tocsin.Errorf(tocsin.CodeInvalid, "a token needs a name")
	}
	if !n.Expires.IsZero() && (!n.Expires.After(now) || n.Expires.Sub(now) > maxTokenAge) {
		return Token{}, "", tocsin.Errorf(tocsin.CodeInvalid, "a token expires in the future, within ten years")
	}
	if err := grantable(p, n.Roles, n.Scopes); err != nil {
		return Token{}, "", err
	}
	t := store.Token{Name: n.Name, Roles: n.Roles, Scopes: n.Scopes, Groups: n.Groups, Created: now, Expires: n.Expires.UTC().Truncate(time.Microsecond)}
	if n.Expires.IsZero() {
		t.Expires = time.Time{}
	}
	if p.Kind == tocsin.ActorUser {
		t.UserName = p.UserName
	}
	if t.ID, err = a.newID(); err != nil {
		return Token{}, "", err
	}
	random, err := a.secret(tokenBytes)
	if err != nil {
		return Token{}, "", err
	}
	what, plain := "API token", apiTokenPrefix+random
	if n.Client {
		what, plain = "OAuth client", clientSecretPrefix+random
		if t.ClientID, err = a.newID(); err != nil {
			return Token{}, "", err
		}
		t.SecretHash = digest(plain)
	} else {
		t.Hash = digest(plain)
	}
	err = a.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if err := knownGroups(tx, t.Groups); err != nil {
			return err
		}
		if err := tx.PutToken(t); err != nil {
			return err
		}
		_, err := tx.Append(tocsin.Change{Noun: "token", ID: t.ID, Kind: "created", After: tokenStanding(&t),
			Summary: fmt.Sprintf("Created the %s %q with the roles %s", what, t.Name, roleNames(t.Roles))})
		return err
	})
	if err != nil {
		return Token{}, "", fmt.Errorf("create token: %w", err)
	}
	return tokenOf(t), tocsin.Secret(plain), nil
}

// grantable reports why p may not hand out these roles and scopes: they do not
// exist, or p does not have what they allow.
func grantable(p tocsin.Principal, roles []tocsin.Role, scopes []tocsin.Verb) error {
	if len(roles) == 0 || len(roles) > len(tocsin.AssignableRoles) {
		return tocsin.Errorf(tocsin.CodeInvalid, "at least one role is needed")
	}
	for _, r := range roles {
		if !tocsin.ValidRole(r) {
			return tocsin.Errorf(tocsin.CodeInvalid, "there is no role %q", r)
		}
	}
	for _, v := range scopes {
		if !tocsin.ValidVerb(v) {
			return tocsin.Errorf(tocsin.CodeInvalid, "there is no permission %q", v)
		}
	}
	given := tocsin.Permissions(tocsin.Principal{Tenant: p.Tenant, ID: "new", Roles: roles, Scopes: scopes})
	for _, v := range given {
		if v != tocsin.VerbSession && !tocsin.Can(p, v) {
			return tocsin.Errorf(tocsin.CodeForbidden, "you cannot give the permission %s, which you do not have", v)
		}
	}
	return nil
}

func roleNames(roles []tocsin.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// Tokens lists the tokens and clients of the tenant, newest first.
func (a *Auth) Tokens(ctx context.Context) ([]Token, error) {
	var out []Token
	err := a.cfg.Store.View(ctx, func(tx *store.Tx) error {
		ts, err := tx.Tokens()
		for _, t := range ts {
			if !isAccessToken(t) {
				out = append(out, tokenOf(t))
			}
		}
		return err
	})
	return out, err
}

// isAccessToken tells what a client was given from the client itself.
func isAccessToken(t store.Token) bool { return t.ClientID != "" && t.SecretHash == "" }

// RevokeToken ends a token at once, and with a client all that it was given.
func (a *Auth) RevokeToken(ctx context.Context, id string) error {
	return a.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		t, err := tx.Token(id)
		if err != nil {
			return err
		}
		if isAccessToken(t) {
			return tocsin.Errorf(tocsin.CodeNotFound, "no such token")
		}
		if !t.Revoked.IsZero() {
			return nil
		}
		was := tokenStanding(&t)
		t.Revoked = tx.Now()
		if err := tx.PutToken(t); err != nil {
			return err
		}
		_, err = tx.Append(tocsin.Change{Noun: "token", ID: t.ID, Kind: "revoked", Before: was, After: tokenStanding(&t), Summary: fmt.Sprintf("Revoked the token %q", t.Name)})
		return err
	})
}

// tokenStanding is a token as the record tells it, without its secret.
func tokenStanding(t *store.Token) json.RawMessage {
	b, _ := json.Marshal(map[string]any{"name": t.Name, "roles": t.Roles, "scopes": t.Scopes, "expires": t.Expires, "revoked": !t.Revoked.IsZero()}) // it cannot fail
	return b
}

// byToken is who an API token or access token speaks for.
func (a *Auth) byToken(ctx context.Context, token, keyID string, touch bool) (Identity, error) {
	bad := errNobody("the token is not valid")
	if len(token) > 200 || !strings.HasPrefix(token, apiTokenPrefix) && !strings.HasPrefix(token, accessTokenPrefix) {
		return Identity{}, bad
	}
	t, err := a.cfg.Store.FindToken(ctx, digest(token))
	if notFound(err) {
		return Identity{}, bad
	}
	if err != nil {
		return Identity{}, fmt.Errorf("find token: %w", err)
	}
	now := a.now()
	if !live(t, now) || t.Tenant != a.cfg.Tenant || keyID != "" && subtle.ConstantTimeCompare([]byte(keyID), []byte(t.ID)) != 1 {
		return Identity{}, bad
	}
	method := MethodToken
	if isAccessToken(t) {
		method = MethodOAuth
		// Its client may have been revoked, or changed its roles, meanwhile.
		if t, err = a.cfg.Store.FindClient(ctx, t.Tenant, t.ClientID); err != nil || !live(t, now) {
			if err != nil && !notFound(err) {
				return Identity{}, fmt.Errorf("find client: %w", err)
			}
			return Identity{}, bad
		}
	}
	p := tocsin.Principal{Tenant: t.Tenant, ID: t.ID, UserName: t.Name, DisplayName: t.Name, Kind: tocsin.ActorIntegration, Roles: t.Roles, Scopes: t.Scopes, Groups: t.Groups}
	if p, err = a.cut(ctx, p, t.UserName); err != nil {
		return Identity{}, err
	}
	if touch && now.Sub(t.LastUsed) >= lastUsedEvery {
		a.note(ctx, "use of a token not recorded", a.cfg.Store.Update(a.system(ctx, t.Tenant), func(tx *store.Tx) error { return tx.TouchToken(t.ID) }))
	}
	return Identity{Principal: p, Method: method}, nil
}

func live(t store.Token, now time.Time) bool {
	return t.Revoked.IsZero() && (t.Expires.IsZero() || now.Before(t.Expires))
}

// cut limits a token to what the person who made it may do now: who leaves, or
// loses a role, leaves no back door behind.
func (a *Auth) cut(ctx context.Context, p tocsin.Principal, owner string) (tocsin.Principal, error) {
	if owner == "" {
		return p, nil
	}
	var u store.User
	err := a.cfg.Store.View(a.system(ctx, p.Tenant), func(tx *store.Tx) (err error) {
		u, err = tx.UserByName(owner)
		return err
	})
	if err != nil && !notFound(err) {
		return p, fmt.Errorf("owner of a token: %w", err)
	}
	if err != nil || u.Disabled {
		return p, errNobody("the token is not valid: the account that made it is gone")
	}
	both := slices.DeleteFunc(tocsin.Permissions(p), func(v tocsin.Verb) bool { return !tocsin.Can(principalOf(u), v) })
	if len(both) == 0 {
		return p, errNobody("the token is not valid: the account that made it may do nothing of this any more")
	}
	p.Scopes = both
	return p.Within(principalOf(u)), nil
}

// ClientCredentials gives a client that shows its secret an access token, good
// for AccessTokenAge. A wrong secret is CodeUnauthenticated, the same as an
// unknown client; CodeLimit with a LockedError after too many.
func (a *Auth) ClientCredentials(r *http.Request, clientID string, secret tocsin.Secret) (tocsin.Secret, time.Duration, error) {
	ctx := a.system(r.Context(), a.cfg.Tenant)
	source := a.Source(r)
	now := a.now()
	if len(clientID) > 100 || len(secret) > 200 {
		return "", 0, errNobody("the client id or the secret is wrong")
	}
	if wait := a.sources.begin(source, now); wait > 0 {
		return "", 0, errLocked(wait)
	}
	// The lock is per client and address: a client's secret cannot be guessed,
	// so nobody shall be able to lock a client out from elsewhere.
	key := clientID + "\x00" + source
	if wait := a.clients.begin(key, now); wait > 0 {
		return "", 0, errLocked(wait)
	}
	t, err := a.cfg.Store.FindClient(ctx, a.cfg.Tenant, clientID)
	if err != nil && !notFound(err) {
		return "", 0, fmt.Errorf("find client: %w", err)
	}
	match := subtle.ConstantTimeCompare([]byte(digest(secret.Reveal())), []byte(t.SecretHash)) == 1
	if err != nil || !match || !live(t, now) {
		a.failed(ctx, "client "+fmt.Sprintf("%.40q", clientID), true, source)
		return "", 0, errNobody("the client id or the secret is wrong")
	}
	a.sources.succeeded(source, false)
	a.clients.succeeded(key, true)
	random, err := a.secret(tokenBytes)
	if err != nil {
		return "", 0, err
	}
	plain := accessTokenPrefix + random
	given := store.Token{Hash: digest(plain), Name: t.Name, ClientID: t.ClientID, Created: now, Expires: now.Add(AccessTokenAge)}
	if given.ID, err = a.newID(); err != nil {
		return "", 0, err
	}
	err = a.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.DeleteExpired(now.Add(-time.Hour), time.Time{}); err != nil {
			return err
		}
		return tx.PutToken(given)
	})
	if err != nil {
		return "", 0, fmt.Errorf("give access token: %w", err)
	}
	return tocsin.Secret(plain), AccessTokenAge, nil
}

func principalFrom(ctx context.Context) (tocsin.Principal, error) {
	p, ok := tocsin.PrincipalFrom(ctx)
	if !ok || p.ID == "" {
		return p, errNobody("sign in first")
	}
	return p, nil
}
