package auth

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

const (
	sessionBytes = 32
	// touchEvery bounds how often the sign of life of one session is written.
	touchEvery = time.Minute
)

// SignedIn is a fresh session: who, and what the browser must remember.
type SignedIn struct {
	Principal tocsin.Principal
	CSRF      string
	Cookie    *http.Cookie
}

// cookieName differs with TLS: the prefix __Host- has the browser refuse the
// cookie from a sub-domain or over plain HTTP, and plain HTTP is all that
// loopback has.
func (a *Auth) cookieName(r *http.Request) string {
	if a.Secure(r) {
		return "__Host-tocsin"
	}
	return "tocsin"
}

func (a *Auth) cookie(r *http.Request, value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{Name: a.cookieName(r), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: a.Secure(r), MaxAge: int(age.Seconds())}
	if age <= 0 {
		c.MaxAge = -1
	}
	return c
}

// wrongPassword is the one answer for unknown, disabled and wrong.
func wrongPassword() error { return errNobody("the user name or the password is wrong") }

// Login signs a person in and begins a new session; a session that the request
// already had ends. Failures are CodeUnauthenticated, the same for an unknown
// account, a disabled one and a wrong password; CodeLimit with a LockedError
// after too many of them, for the account or the address.
func (a *Auth) Login(r *http.Request, userName string, password tocsin.Secret) (SignedIn, error) {
	ctx := a.system(r.Context(), a.cfg.Tenant)
	name, err := CanonicalUserName(userName)
	known := err == nil
	if !known {
		name = fmt.Sprintf("?%.64q", userName)
	}
	source := a.Source(r)
	if wait := a.sources.begin(source, a.now()); wait > 0 {
		return SignedIn{}, errLocked(wait)
	}
	if wait := a.accounts.begin(name, a.now()); wait > 0 {
		return SignedIn{}, errLocked(wait)
	}
	var u store.User
	if known {
		err = a.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
			u, err = tx.UserByName(name)
			return err
		})
		if err != nil && !notFound(err) {
			return SignedIn{}, err
		}
	}
	ok, stale, err := a.hasher.verify(ctx, password.Reveal(), u.PasswordHash)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok || u.ID == "" || u.Disabled {
		a.failed(ctx, name, known, source)
		return SignedIn{}, wrongPassword()
	}
	a.accounts.succeeded(name, true)
	a.sources.succeeded(source, false)
	if stale {
		a.rehash(ctx, u, password)
	}
	old := ""
	if c, err := r.Cookie(a.cookieName(r)); err == nil {
		old = digest(c.Value)
	}
	csrf, err := a.secret(sessionBytes)
	if err != nil {
		return SignedIn{}, err
	}
	return a.begin(r, u, old, csrf, "signedIn", fmt.Sprintf("%s signed in from %s", u.UserName, source))
}

// begin makes a session for u and writes it with its line in the record.
func (a *Auth) begin(r *http.Request, u store.User, old, csrf, kind, summary string) (SignedIn, error) {
	id, err := a.secret(sessionBytes)
	if err != nil {
		return SignedIn{}, err
	}
	p := principalOf(u)
	now := a.now()
	x := store.Session{IDHash: digest(id), UserID: u.ID, CSRF: csrf, Created: now, LastSeen: now, Expires: now.Add(a.cfg.SessionAge)}
	err = a.cfg.Store.Update(tocsin.WithPrincipal(r.Context(), p), func(tx *store.Tx) error {
		if old != "" {
			if err := tx.DeleteSession(old); err != nil {
				return err
			}
		}
		if err := tx.PutSession(x); err != nil {
			return err
		}
		if _, err := tx.DeleteExpired(now.Add(-24*time.Hour), time.Time{}); err != nil {
			return err
		}
		_, err := tx.Append(tocsin.Change{Noun: "session", ID: x.IDHash[:12], Kind: kind, Summary: summary})
		return err
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("begin session: %w", err)
	}
	return SignedIn{Principal: p, CSRF: csrf, Cookie: a.cookie(r, id, a.cfg.SessionAge)}, nil
}

func principalOf(u store.User) tocsin.Principal {
	display := u.DisplayName
	if display == "" {
		display = u.UserName
	}
	return tocsin.Principal{Tenant: u.Tenant, ID: u.ID, UserName: u.UserName, DisplayName: display, Kind: tocsin.ActorUser, Roles: u.Roles, Groups: u.Groups}
}

// failed writes a failed sign-in to the record, not every one of a flood.
func (a *Auth) failed(ctx context.Context, name string, known bool, source string) {
	more, ok := a.quiet.may(name, a.now())
	if !ok {
		return
	}
	if !known {
		name = "an impossible user name"
	}
	summary := fmt.Sprintf("A sign-in as %s from %s failed", name, source)
	if more > 0 {
		summary += fmt.Sprintf(" (and %d more since the last line like this)", more)
	}
	a.note(ctx, "failed sign-in not recorded", a.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Append(tocsin.Change{Noun: "session", ID: name, Kind: "signInFailed", Summary: summary})
		return err
	}))
}

// rehash moves an account to the present cost. Failing is no reason to refuse
// the person.
func (a *Auth) rehash(ctx context.Context, u store.User, password tocsin.Secret) {
	hash, err := a.hasher.hash(ctx, password.Reveal())
	if err == nil {
		err = a.cfg.Store.Update(ctx, func(tx *store.Tx) error {
			now, err := tx.User(u.ID)
			if err != nil || now.PasswordHash != u.PasswordHash {
				return err // changed meanwhile
			}
			now.PasswordHash = hash
			return tx.PutUser(now)
		})
	}
	a.note(ctx, "password hash not renewed", err)
}

func (a *Auth) bySession(ctx context.Context, cookie string, touch bool) (Identity, error) {
	hash := digest(cookie)
	x, u, err := a.cfg.Store.FindSession(ctx, hash)
	if notFound(err) {
		return Identity{}, errNobody("sign in first")
	}
	if err != nil {
		return Identity{}, fmt.Errorf("find session: %w", err)
	}
	now := a.now()
	if !a.alive(x, now) || u.Disabled || u.Tenant != a.cfg.Tenant {
		return Identity{}, errNobody("the session has ended; sign in again")
	}
	if touch && now.Sub(x.LastSeen) >= touchEvery {
		a.note(ctx, "session not touched", a.cfg.Store.Update(a.system(ctx, x.Tenant), func(tx *store.Tx) error {
			// Read again inside: writing back a session that was ended
			// meanwhile would bring it back to life.
			cur, err := tx.Session(hash)
			if err != nil {
				if notFound(err) {
					return nil
				}
				return err
			}
			cur.LastSeen = now
			return tx.PutSession(cur)
		}))
	}
	return Identity{Principal: principalOf(u), Method: MethodSession, CSRF: x.CSRF, session: hash}, nil
}

func (a *Auth) alive(x store.Session, now time.Time) bool {
	return now.Before(x.Expires) && now.Sub(x.LastSeen) < a.cfg.SessionIdle
}

// CheckCSRF reports whether token is that of the session.
func (id Identity) CheckCSRF(token string) bool {
	return id.CSRF != "" && subtle.ConstantTimeCompare([]byte(id.CSRF), []byte(token)) == 1
}

// Logout ends the session of id and returns the cookie that makes the browser
// forget it. An identity without a session has nothing to end.
func (a *Auth) Logout(r *http.Request, id Identity) (*http.Cookie, error) {
	if id.session == "" {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "there is no session to end; revoke a token instead")
	}
	err := a.cfg.Store.Update(tocsin.WithPrincipal(r.Context(), id.Principal), func(tx *store.Tx) error {
		if err := tx.DeleteSession(id.session); err != nil {
			return err
		}
		_, err := tx.Append(tocsin.Change{Noun: "session", ID: id.session[:12], Kind: "signedOut", Summary: id.Principal.UserName + " signed out"})
		return err
	})
	return a.cookie(r, "", 0), err
}

// ChangePassword sets a person's own password. All of their sessions end, and
// the one that asked is replaced by the one returned; it keeps its CSRF token,
// which without the new cookie is worth nothing. A wrong current password
// counts as a failed sign-in.
func (a *Auth) ChangePassword(r *http.Request, id Identity, current, next tocsin.Secret) (SignedIn, error) {
	if id.Method != MethodSession {
		return SignedIn{}, tocsin.Errorf(tocsin.CodeForbidden, "only a signed-in person can change their password")
	}
	ctx := tocsin.WithPrincipal(r.Context(), id.Principal)
	var u store.User
	err := a.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.User(id.Principal.ID)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	if wait := a.accounts.begin(u.UserName, a.now()); wait > 0 {
		return SignedIn{}, errLocked(wait)
	}
	ok, _, err := a.hasher.verify(ctx, current.Reveal(), u.PasswordHash)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok {
		a.failed(a.system(r.Context(), u.Tenant), u.UserName, true, a.Source(r))
		return SignedIn{}, tocsin.Errorf(tocsin.CodeInvalid, "the current password is wrong")
	}
	a.accounts.succeeded(u.UserName, true)
	if current == next {
		return SignedIn{}, tocsin.Errorf(tocsin.CodeInvalid, "the new password is the old one")
	}
	if err := a.setPassword(ctx, u.ID, next, fmt.Sprintf("%s changed their password", u.UserName)); err != nil {
		return SignedIn{}, err
	}
	return a.begin(r, u, "", id.CSRF, "renewed", u.UserName+" continued after a change of password")
}

// setPassword writes a new hash and ends every session of the account.
func (a *Auth) setPassword(ctx context.Context, userID string, password tocsin.Secret, summary string) error {
	var u store.User
	err := a.cfg.Store.View(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.User(userID)
		return err
	})
	if err != nil {
		return err
	}
	if err := checkPassword(u.UserName, password.Reveal()); err != nil {
		return err
	}
	hash, err := a.hasher.hash(ctx, password.Reveal())
	if err != nil {
		return err
	}
	return a.cfg.Store.Update(ctx, func(tx *store.Tx) error {
		u, err := tx.User(userID)
		if err != nil {
			return err
		}
		u.PasswordHash = hash
		if err := tx.PutUser(u); err != nil {
			return err
		}
		if err := tx.DeleteSessionsOf(userID, ""); err != nil {
			return err
		}
		_, err = tx.Append(tocsin.Change{Noun: "user", ID: userID, Kind: "passwordChanged", Summary: summary})
		return err
	})
}
