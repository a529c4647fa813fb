package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// PutOwnerGroup makes or changes the group with g.ID. A name that another group
// has, in any case, is an error of CodeConflict.
func (tx *Tx) PutOwnerGroup(g tocsin.OwnerGroup) error {
	members, err := toJSON(g.Members)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO owner_group (tenant, id, name, name_key, description, members, created) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, description = excluded.description, members = excluded.members`,
		g.ID, g.Name, strings.ToLower(g.Name), g.Description, members, micros(g.Created))
	if tocsin.CodeOf(err) == tocsin.CodeConflict {
		return &tocsin.Error{Code: tocsin.CodeConflict, Msg: "there is already a group " + g.Name, Err: err}
	}
	return err
}

// DeleteOwnerGroup removes a group; one that does not exist is no error.
func (tx *Tx) DeleteOwnerGroup(id string) error {
	_, err := tx.exec(`DELETE FROM owner_group WHERE tenant = $1 AND id = $2`, id)
	return err
}

// OwnerGroup is the group with this id, CodeNotFound when there is none.
func (tx *Tx) OwnerGroup(id string) (tocsin.OwnerGroup, error) {
	gs, err := tx.ownerGroups(`AND id = $2`, id)
	if err == nil && len(gs) == 0 {
		err = tocsin.Errorf(tocsin.CodeNotFound, "there is no group %q", id)
	}
	if err != nil {
		return tocsin.OwnerGroup{}, err
	}
	return gs[0], nil
}

// OwnerGroups lists the groups of the tenant by name.
func (tx *Tx) OwnerGroups() ([]tocsin.OwnerGroup, error) { return tx.ownerGroups(``) }

func (tx *Tx) ownerGroups(and string, args ...any) (out []tocsin.OwnerGroup, err error) {
	rows, err := tx.query(`SELECT id, name, description, members, created FROM owner_group WHERE tenant = $1 `+and+` ORDER BY name_key`, args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var g tocsin.OwnerGroup
		var members string
		var created int64
		if err := rows.Scan(&g.ID, &g.Name, &g.Description, &members, &created); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(members), &g.Members); err != nil {
			return fmt.Errorf("read group: %w", err)
		}
		g.Created = fromMicros(created)
		out = append(out, g)
		return nil
	})
	return out, err
}
