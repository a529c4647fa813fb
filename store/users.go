package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// User is a local account. PasswordHash is opaque to the store; "" means that
// the account cannot sign in with a password.
type User struct {
	ID           string
	Tenant       string // filled by the store
	UserName     string // unique in the tenant, whatever the case
	DisplayName  string
	Roles        []tocsin.Role
	Groups       []int64 // device groups that it is limited to; nil: not limited
	PasswordHash string
	Disabled     bool
	Created      time.Time
}

// Session is one signed-in browser. IDHash is the hash of the cookie: the
// cookie itself is nowhere in the store.
type Session struct {
	IDHash   string
	Tenant   string // filled by the store
	UserID   string
	CSRF     string
	Created  time.Time
	LastSeen time.Time
	Expires  time.Time
}

// Token is an API token, or the client of the OAuth2 client-credentials flow
// (ClientID and SecretHash), or an access token that such a client was given.
// Zero times mean never.
type Token struct {
	ID         string
	Tenant     string // filled by the store
	Hash       string // of the token, unique; "" when it is only a client
	Name       string
	UserName   string // in whose name it acts
	Roles      []tocsin.Role
	Scopes     []tocsin.Verb
	Groups     []int64 // device groups that it is limited to; nil: not limited
	ClientID   string
	SecretHash string
	Created    time.Time
	Expires    time.Time
	LastUsed   time.Time
	Revoked    time.Time
}

const userColumns = `tenant, id, user_name, display_name, roles, password_hash, disabled, created, device_groups`

func scanUser(rows *sql.Rows) (User, error) {
	var u User
	var roles, groups string
	var disabled int
	var created int64
	if err := rows.Scan(&u.Tenant, &u.ID, &u.UserName, &u.DisplayName, &roles, &u.PasswordHash, &disabled, &created, &groups); err != nil {
		return u, err
	}
	if err := readGroups(groups, &u.Groups); err != nil {
		return u, err
	}
	u.Disabled, u.Created = disabled != 0, fromMicros(created)
	return u, json.Unmarshal([]byte(roles), &u.Roles)
}

// writeGroups and readGroups are what an account is limited to, as its row has
// it: ” for everything. What cannot be read limits to nothing at all.
func writeGroups(groups []int64) (string, error) {
	if groups == nil {
		return "", nil
	}
	return toJSON(groups)
}

func readGroups(text string, groups *[]int64) error {
	if text == "" {
		return nil
	}
	*groups = []int64{}
	return json.Unmarshal([]byte(text), groups)
}

// PutUser makes or changes the account with u.ID. A user name that another
// account has is an error of CodeConflict.
func (tx *Tx) PutUser(u User) error {
	roles, err := toJSON(u.Roles)
	if err != nil {
		return err
	}
	groups, err := writeGroups(u.Groups)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO account (tenant, id, user_name, user_key, display_name, roles, password_hash, disabled, created, device_groups)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (tenant, id) DO UPDATE SET user_name = excluded.user_name, user_key = excluded.user_key,
		display_name = excluded.display_name, roles = excluded.roles, password_hash = excluded.password_hash, disabled = excluded.disabled,
		device_groups = excluded.device_groups`,
		u.ID, u.UserName, strings.ToLower(u.UserName), u.DisplayName, roles, u.PasswordHash, flag(u.Disabled), micros(u.Created), groups)
	if tocsin.CodeOf(err) == tocsin.CodeConflict {
		return &tocsin.Error{Code: tocsin.CodeConflict, Msg: "there is already a user " + u.UserName, Err: err}
	}
	return err
}

// User is the account with this id, CodeNotFound when there is none.
func (tx *Tx) User(id string) (User, error) {
	return tx.user(`SELECT `+userColumns+` FROM account WHERE tenant = $1 AND id = $2`, id)
}

// UserByName is the account with this user name in any case, CodeNotFound when
// there is none.
func (tx *Tx) UserByName(name string) (User, error) {
	return tx.user(`SELECT `+userColumns+` FROM account WHERE tenant = $1 AND user_key = $2`, strings.ToLower(name))
}

func (tx *Tx) user(q string, arg any) (User, error) {
	us, err := tx.users(q, arg)
	if err == nil && len(us) == 0 {
		return User{}, &tocsin.Error{Code: tocsin.CodeNotFound, Msg: "no such user"}
	}
	if err != nil {
		return User{}, err
	}
	return us[0], nil
}

// Users lists the accounts of the tenant by user name.
func (tx *Tx) Users() ([]User, error) {
	return tx.users(`SELECT ` + userColumns + ` FROM account WHERE tenant = $1 ORDER BY user_key`)
}

func (tx *Tx) users(q string, args ...any) (us []User, err error) {
	rows, err := tx.query(q, args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		u, err := scanUser(rows)
		us = append(us, u)
		return err
	})
	return us, err
}

const sessionColumns = `id_hash, tenant, user_id, csrf, created, last_seen, expires`

func scanSession(rows *sql.Rows) (Session, error) {
	var x Session
	var created, seen, expires int64
	err := rows.Scan(&x.IDHash, &x.Tenant, &x.UserID, &x.CSRF, &created, &seen, &expires)
	x.Created, x.LastSeen, x.Expires = fromMicros(created), fromMicros(seen), fromMicros(expires)
	return x, err
}

// PutSession makes the session, or moves its LastSeen and Expires.
func (tx *Tx) PutSession(x Session) error {
	_, err := tx.exec(`INSERT INTO session (id_hash, tenant, user_id, csrf, created, last_seen, expires)
		VALUES ($2, $1, $3, $4, $5, $6, $7)
		ON CONFLICT (id_hash) DO UPDATE SET csrf = excluded.csrf, last_seen = excluded.last_seen, expires = excluded.expires
		WHERE session.tenant = excluded.tenant`,
		x.IDHash, x.UserID, x.CSRF, micros(x.Created), micros(x.LastSeen), micros(x.Expires))
	return err
}

// Session is the session with this hash, CodeNotFound when there is none. It
// may have expired: the caller compares.
func (tx *Tx) Session(idHash string) (Session, error) {
	rows, err := tx.query(`SELECT `+sessionColumns+` FROM session WHERE tenant = $1 AND id_hash = $2`, idHash)
	return firstSession(rows, err)
}

func firstSession(rows *sql.Rows, err error) (Session, error) {
	var x Session
	found := false
	err = each(rows, err, func(rows *sql.Rows) (err error) {
		found = true
		x, err = scanSession(rows)
		return err
	})
	if err == nil && !found {
		err = &tocsin.Error{Code: tocsin.CodeNotFound, Msg: "no such session"}
	}
	return x, err
}

// DeleteSession ends a session; one that does not exist is no error.
func (tx *Tx) DeleteSession(idHash string) error {
	_, err := tx.exec(`DELETE FROM session WHERE tenant = $1 AND id_hash = $2`, idHash)
	return err
}

// DeleteSessionsOf ends all sessions of a user but one ("" for really all).
func (tx *Tx) DeleteSessionsOf(userID, except string) error {
	_, err := tx.exec(`DELETE FROM session WHERE tenant = $1 AND user_id = $2 AND id_hash <> $3`, userID, except)
	return err
}

const tokenColumns = `tenant, id, hash, name, user_name, roles, scopes, client_id, secret_hash, created, expires, last_used, revoked, device_groups`

func scanToken(rows *sql.Rows) (Token, error) {
	var t Token
	var roles, scopes, groups string
	var created, expires, used, revoked int64
	if err := rows.Scan(&t.Tenant, &t.ID, &t.Hash, &t.Name, &t.UserName, &roles, &scopes, &t.ClientID, &t.SecretHash, &created, &expires, &used, &revoked, &groups); err != nil {
		return t, err
	}
	t.Created, t.Expires, t.LastUsed, t.Revoked = fromMicros(created), fromMicros(expires), fromMicros(used), fromMicros(revoked)
	if err := json.Unmarshal([]byte(roles), &t.Roles); err != nil {
		return t, err
	}
	if err := readGroups(groups, &t.Groups); err != nil {
		return t, err
	}
	return t, json.Unmarshal([]byte(scopes), &t.Scopes)
}

// PutToken makes or changes the token with t.ID.
func (tx *Tx) PutToken(t Token) error {
	roles, err := toJSON(t.Roles)
	if err != nil {
		return err
	}
	scopes, err := toJSON(t.Scopes)
	if err != nil {
		return err
	}
	groups, err := writeGroups(t.Groups)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO token (tenant, id, hash, name, user_name, roles, scopes, client_id, secret_hash, created, expires, last_used, revoked, device_groups)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (tenant, id) DO UPDATE SET hash = excluded.hash, name = excluded.name, user_name = excluded.user_name, roles = excluded.roles,
		scopes = excluded.scopes, client_id = excluded.client_id, secret_hash = excluded.secret_hash, expires = excluded.expires,
		last_used = excluded.last_used, revoked = excluded.revoked, device_groups = excluded.device_groups`,
		t.ID, t.Hash, t.Name, t.UserName, roles, scopes, t.ClientID, t.SecretHash, micros(t.Created), micros(t.Expires), micros(t.LastUsed), micros(t.Revoked), groups)
	return err
}

// Token is the token with this id, CodeNotFound when there is none.
func (tx *Tx) Token(id string) (Token, error) {
	rows, err := tx.query(`SELECT `+tokenColumns+` FROM token WHERE tenant = $1 AND id = $2`, id)
	return firstToken(rows, err)
}

// Tokens lists the tokens of the tenant, newest first.
func (tx *Tx) Tokens() (ts []Token, err error) {
	rows, err := tx.query(`SELECT ` + tokenColumns + ` FROM token WHERE tenant = $1 ORDER BY created DESC, id`)
	err = each(rows, err, func(rows *sql.Rows) error {
		t, err := scanToken(rows)
		ts = append(ts, t)
		return err
	})
	return ts, err
}

// TouchToken sets LastUsed to the time of the transaction.
func (tx *Tx) TouchToken(id string) error {
	_, err := tx.exec(`UPDATE token SET last_used = $3 WHERE tenant = $1 AND id = $2`, id, micros(tx.now))
	return err
}

// DeleteToken removes a token; one that does not exist is no error.
func (tx *Tx) DeleteToken(id string) error {
	_, err := tx.exec(`DELETE FROM token WHERE tenant = $1 AND id = $2`, id)
	return err
}

func firstToken(rows *sql.Rows, err error) (Token, error) {
	var t Token
	found := false
	err = each(rows, err, func(rows *sql.Rows) (err error) {
		found = true
		t, err = scanToken(rows)
		return err
	})
	if err == nil && !found {
		err = &tocsin.Error{Code: tocsin.CodeNotFound, Msg: "no such token"}
	}
	return t, err
}

// The three doors below are for sign-in, which has no principal yet and
// therefore no tenant: the hash of a secret is unique in the database, and the
// row that it finds says whose it is.

// FindSession is the session with this hash and its user, of whichever tenant;
// CodeNotFound when there is none.
func (s *Store) FindSession(ctx context.Context, idHash string) (Session, User, error) {
	rows, err := s.r.QueryContext(ctx, rebind(`SELECT `+sessionColumns+` FROM session WHERE id_hash = $1`), idHash)
	x, err := firstSession(rows, err)
	if err != nil {
		return x, User{}, err
	}
	var u User
	rows, err = s.r.QueryContext(ctx, rebind(`SELECT `+userColumns+` FROM account WHERE tenant = $1 AND id = $2`), x.Tenant, x.UserID)
	err = each(rows, err, func(rows *sql.Rows) (err error) {
		u, err = scanUser(rows)
		return err
	})
	if err == nil && u.ID == "" {
		err = &tocsin.Error{Code: tocsin.CodeNotFound, Msg: "no such session"}
	}
	return x, u, err
}

// FindToken is the token with this hash, of whichever tenant; CodeNotFound
// when there is none. It may have expired or been revoked: the caller looks.
func (s *Store) FindToken(ctx context.Context, hash string) (Token, error) {
	if hash == "" {
		return Token{}, &tocsin.Error{Code: tocsin.CodeNotFound, Msg: "no such token"}
	}
	rows, err := s.r.QueryContext(ctx, rebind(`SELECT `+tokenColumns+` FROM token WHERE hash = $1`), hash)
	return firstToken(rows, err)
}

// FindClient is the OAuth2 client with this id in the tenant, CodeNotFound when
// there is none.
func (s *Store) FindClient(ctx context.Context, tenant, clientID string) (Token, error) {
	if clientID == "" {
		return Token{}, &tocsin.Error{Code: tocsin.CodeNotFound, Msg: "no such token"}
	}
	rows, err := s.r.QueryContext(ctx, rebind(`SELECT `+tokenColumns+` FROM token WHERE tenant = $1 AND client_id = $2 AND secret_hash <> ''
		ORDER BY created DESC LIMIT 1`), tenant, clientID)
	return firstToken(rows, err)
}

// DeleteExpired removes what has passed its time in the tenant: sessions and
// tokens that expired before cut, and the memory of hand-overs older than
// deliveries. It returns how many rows went.
func (tx *Tx) DeleteExpired(cut, deliveries time.Time) (int64, error) {
	var sum int64
	for _, d := range []struct {
		q  string
		at time.Time
	}{
		{`DELETE FROM session WHERE tenant = $1 AND expires < $2`, cut},
		{`DELETE FROM token WHERE tenant = $1 AND expires <> 0 AND expires < $2`, cut},
		{`DELETE FROM delivery WHERE tenant = $1 AND at < $2`, deliveries},
	} {
		n, err := tx.exec(d.q, micros(d.at))
		if err != nil {
			return sum, err
		}
		sum += n
	}
	return sum, nil
}
