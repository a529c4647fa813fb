package cases

import (
	"slices"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// rights are looked up again in each transaction: somebody who lost them
// meanwhile changes nothing more. What the asker may see is a part of them: the
// transaction is theirs, with the device groups that they had when they asked,
// and when those are others now, nothing more is done in their name.
func (r *bulkRun) rights() (err error) {
	p := r.tx.Principal()
	switch p.Kind {
	case tocsin.ActorUser:
		err = userStands(r.tx, &p)
	case tocsin.ActorIntegration:
		err = tokenStands(r.tx, &p)
	}
	if err != nil {
		return err
	}
	return tocsin.Allow(p, map[string]tocsin.Verb{"incident": tocsin.VerbIncidentWrite, "alert": tocsin.VerbAlertWrite}[r.b.Noun])
}

func userStands(tx *store.Tx, p *tocsin.Principal) error {
	u, err := tx.User(p.ID)
	switch {
	case tocsin.CodeOf(err) == tocsin.CodeNotFound:
		return nil // somebody who signs in elsewhere has no account here
	case err != nil:
		return err
	case u.Disabled:
		return tocsin.Errorf(tocsin.CodeForbidden, "the account %s was disabled meanwhile", u.UserName)
	}
	p.Roles = u.Roles
	return sameSight(p, u.Groups)
}

// tokenStands holds a token to what it may do now, and that to what the person
// who made it may do now, as at its sign-in.
func tokenStands(tx *store.Tx, p *tocsin.Principal) error {
	t, err := tx.Token(p.ID)
	switch {
	case tocsin.CodeOf(err) == tocsin.CodeNotFound || err == nil && !t.Revoked.IsZero():
		return tocsin.Errorf(tocsin.CodeForbidden, "the token %s was revoked meanwhile", p.UserName)
	case err != nil:
		return err
	case !t.Expires.IsZero() && !tx.Now().Before(t.Expires):
		return tocsin.Errorf(tocsin.CodeForbidden, "the token %s has expired meanwhile", p.UserName)
	}
	now := tocsin.Principal{Tenant: p.Tenant, ID: t.ID, Roles: t.Roles, Scopes: t.Scopes, Groups: t.Groups}
	if t.UserName != "" {
		u, err := tx.UserByName(t.UserName)
		if err != nil && tocsin.CodeOf(err) != tocsin.CodeNotFound {
			return err
		}
		if err != nil || u.Disabled {
			return tocsin.Errorf(tocsin.CodeForbidden, "the account that made the token %s is gone", p.UserName)
		}
		owner := tocsin.Principal{Tenant: p.Tenant, ID: u.ID, Roles: u.Roles, Groups: u.Groups}
		both := slices.DeleteFunc(tocsin.Permissions(now), func(v tocsin.Verb) bool { return !tocsin.Can(owner, v) })
		if len(both) == 0 {
			return tocsin.Errorf(tocsin.CodeForbidden, "the account that made the token %s may do nothing of this any more", p.UserName)
		}
		now.Scopes = both
		now = now.Within(owner)
	}
	p.Roles, p.Scopes = now.Roles, now.Scopes
	return sameSight(p, now.Groups)
}

// sameSight refuses to go on for somebody who is limited to other device groups
// than when they asked.
func sameSight(p *tocsin.Principal, groups []int64) error {
	if p.Scoped() != (groups != nil) || !slices.Equal(p.Groups, groups) {
		return tocsin.Errorf(tocsin.CodeForbidden, "what %s may see has changed meanwhile; ask again", p.UserName)
	}
	return nil
}
