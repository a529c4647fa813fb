package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tocsinhq/tocsin"
)

const filterSetColumns = `id, noun, name, query, shared, owner_id, owner, updated`

func scanFilterSet(rows *sql.Rows) (f tocsin.FilterSet, err error) {
	var updated int64
	err = rows.Scan(&f.ID, &f.Noun, &f.Name, &f.Query, &f.Shared, &f.OwnerID, &f.Owner, &updated)
	f.Updated = fromMicros(updated)
	return f, err
}

// FilterSets lists the sets of a noun that the principal of ctx keeps and those
// that are shared in its tenant, by name.
func (s *Store) FilterSets(ctx context.Context, noun string) (out []tocsin.FilterSet, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		rows, err := tx.query(`SELECT `+filterSetColumns+` FROM filter_set WHERE tenant = $1 AND noun = $2 AND `+tx.mySaved("$3")+`
			ORDER BY lower(name), id LIMIT 1000`, noun, tx.who.ID)
		return each(rows, err, func(rows *sql.Rows) error {
			f, err := scanFilterSet(rows)
			out = append(out, f)
			return err
		})
	})
	return out, err
}

// SaveFilterSet keeps a set in the name of the principal of ctx when its ID is
// empty. Otherwise change is called with the set of that ID as it is, and what
// it makes of it is kept; one of somebody else only with manage, and only if it
// is shared. A name that the owner has already is an error of CodeConflict.
func (s *Store) SaveFilterSet(ctx context.Context, id string, manage bool, change func(f *tocsin.FilterSet)) (f tocsin.FilterSet, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		kind, before := "created", json.RawMessage(nil)
		if id == "" {
			if err := tx.roomForFilterSet(); err != nil {
				return err
			}
			f = tocsin.FilterSet{ID: strings.ToLower(rand.Text()), OwnerID: tx.who.ID, Owner: tx.who.UserName}
		} else {
			if f, err = tx.filterSet(id, manage); err != nil {
				return err
			}
			kind, before = "updated", filterSetState(f)
		}
		have := f
		change(&f)
		f.ID, f.OwnerID, f.Owner, f.Updated = have.ID, have.OwnerID, have.Owner, tx.now
		if id != "" {
			f.Noun = have.Noun
		}
		if err := f.Validate(); err != nil {
			return err
		}
		_, err := tx.exec(`INSERT INTO filter_set (tenant, id, noun, name, query, shared, owner_id, owner, updated)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, query = excluded.query, shared = excluded.shared, updated = excluded.updated`,
			f.ID, f.Noun, f.Name, f.Query, flag(f.Shared), f.OwnerID, f.Owner, micros(f.Updated))
		if tocsin.CodeOf(err) == tocsin.CodeConflict {
			return &tocsin.Error{Code: tocsin.CodeConflict, Msg: fmt.Sprintf("there is a filter set named %q already", f.Name), Err: err}
		}
		if err != nil {
			return fmt.Errorf("save a filter set: %w", err)
		}
		return tx.filterSetChange(&f, kind, before, filterSetState(f))
	})
	return f, err
}

func (tx *Tx) roomForFilterSet() error {
	n := 0
	if _, err := tx.one(`SELECT count(*) FROM filter_set WHERE tenant = $1 AND owner_id = $2`, []any{tx.who.ID}, &n); err != nil {
		return err
	}
	if n >= tocsin.MaxFilterSets {
		return tocsin.Errorf(tocsin.CodeLimit, "%d filter sets are the most that one keeps; delete some first", tocsin.MaxFilterSets)
	}
	return nil
}

// DeleteFilterSet removes a set for good, with the same right as changing it.
func (s *Store) DeleteFilterSet(ctx context.Context, id string, manage bool) error {
	return s.Update(ctx, func(tx *Tx) error {
		old, err := tx.filterSet(id, manage)
		if err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM filter_set WHERE tenant = $1 AND id = $2`, id); err != nil {
			return fmt.Errorf("delete a filter set: %w", err)
		}
		return tx.filterSetChange(&old, "deleted", filterSetState(old), nil)
	})
}

// filterSet is one that the principal may change.
func (tx *Tx) filterSet(id string, manage bool) (f tocsin.FilterSet, err error) {
	rows, err := tx.query(`SELECT `+filterSetColumns+` FROM filter_set WHERE tenant = $1 AND id = $2 AND `+tx.mySaved("$3"), id, tx.who.ID)
	err = each(rows, err, func(rows *sql.Rows) error {
		f, err = scanFilterSet(rows)
		return err
	})
	switch {
	case err != nil:
		return f, err
	case f.ID == "":
		return f, tocsin.Errorf(tocsin.CodeNotFound, "there is no filter set %s", id)
	case f.OwnerID != tx.who.ID && !manage:
		return f, tocsin.Errorf(tocsin.CodeForbidden, "“%s” belongs to %s", f.Name, f.Owner)
	}
	return f, nil
}

func (tx *Tx) filterSetChange(f *tocsin.FilterSet, kind string, before, after json.RawMessage) error {
	word := map[string]string{"created": "saved", "updated": "changed", "deleted": "deleted"}[kind]
	_, err := tx.Append(tocsin.Change{Noun: "filterSet", ID: f.ID, Kind: kind, Before: before, After: after,
		Summary: fmt.Sprintf("The filter set “%s” was %s", f.Name, word)})
	return err
}

// filterSetState is what the record keeps of a filter set.
func filterSetState(f tocsin.FilterSet) json.RawMessage {
	raw, err := json.Marshal(map[string]any{"name": f.Name, "noun": f.Noun, "query": f.Query, "shared": f.Shared})
	if err != nil {
		return nil // of texts: cannot fail
	}
	return raw
}

// Preference is what the principal of ctx keeps under a key, as JSON; nil for
// nothing.
func (s *Store) Preference(ctx context.Context, key string) (value json.RawMessage, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		var text string
		found, err := tx.one(`SELECT value FROM preference WHERE tenant = $1 AND user_id = $2 AND key = $3`, []any{tx.who.ID, key}, &text)
		if found {
			value = json.RawMessage(text)
		}
		return err
	})
	return value, err
}

// PutPreference keeps JSON under a key for the principal of ctx; nil forgets
// it. Preferences are nobody else's concern, so they leave no line in the
// record.
func (s *Store) PutPreference(ctx context.Context, key string, value json.RawMessage) error {
	switch {
	case !tocsin.ValidPreferenceKey(key):
		return tocsin.Errorf(tocsin.CodeInvalid, "the key of a preference has 1 to 64 of a to z, 0 to 9, dot and hyphen")
	case len(value) > tocsin.MaxPreference:
		return tocsin.Errorf(tocsin.CodeLimit, "a preference takes at most %d bytes", tocsin.MaxPreference)
	case value != nil && !json.Valid(value):
		return tocsin.Errorf(tocsin.CodeInvalid, "a preference is JSON")
	}
	return s.Update(ctx, func(tx *Tx) error {
		if value == nil {
			_, err := tx.exec(`DELETE FROM preference WHERE tenant = $1 AND user_id = $2 AND key = $3`, tx.who.ID, key)
			return err
		}
		others := 0
		if _, err := tx.one(`SELECT count(*) FROM preference WHERE tenant = $1 AND user_id = $2 AND key <> $3`, []any{tx.who.ID, key}, &others); err != nil {
			return err
		}
		if others >= tocsin.MaxPreferences {
			return tocsin.Errorf(tocsin.CodeLimit, "at most %d preferences are kept", tocsin.MaxPreferences)
		}
		_, err := tx.exec(`INSERT INTO preference (tenant, user_id, key, value, updated) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (tenant, user_id, key) DO UPDATE SET value = excluded.value, updated = excluded.updated`, tx.who.ID, key, string(value), micros(tx.now))
		if err != nil {
			return fmt.Errorf("keep a preference: %w", err)
		}
		return nil
	})
}
