package store

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/tocsinhq/tocsin"
)

// PutRearrangement keeps what a merge or a move did. ID and At are assigned here.
func (tx *Tx) PutRearrangement(r *tocsin.Rearrangement) error {
	id, err := tx.next("rearrangement")
	if err != nil {
		return fmt.Errorf("number a rearrangement: %w", err)
	}
	r.ID, r.At = id, tx.now
	body, err := toJSON(r)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO rearrangement (tenant, id, at, kind, actor_kind, actor_name, from_id, to_id, undone, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)`,
		r.ID, micros(r.At), string(r.Kind), string(r.Actor.Kind), r.Actor.Name, r.From, r.To, body)
	if err != nil {
		return fmt.Errorf("keep rearrangement %d: %w", r.ID, err)
	}
	return nil
}

// SetUndone notes that a rearrangement was undone.
func (tx *Tx) SetUndone(id int64) error {
	_, err := tx.exec(`UPDATE rearrangement SET undone = $3 WHERE tenant = $1 AND id = $2`, id, micros(tx.now))
	return err
}

const fromRearrangement = `SELECT body, undone FROM rearrangement WHERE tenant = $1 AND `

func (tx *Tx) rearrangements(q string, args ...any) (out []tocsin.Rearrangement, err error) {
	rows, err := tx.query(q, args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var body string
		var undone int64
		var r tocsin.Rearrangement
		if err := rows.Scan(&body, &undone); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			return fmt.Errorf("read rearrangement: %w", err)
		}
		r.Undone = fromMicros(undone)
		out = append(out, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tx.narrowRearrangements(out)
}

// Rearrangement is the merge or move of this number; CodeNotFound when the
// tenant has none such.
func (tx *Tx) Rearrangement(id int64) (tocsin.Rearrangement, error) {
	rs, err := tx.rearrangements(fromRearrangement+`id = $2`, id)
	if err == nil && len(rs) == 0 {
		err = tocsin.Errorf(tocsin.CodeNotFound, "there is no merge or move %d", id)
	}
	if err != nil {
		return tocsin.Rearrangement{}, err
	}
	return rs[0], nil
}

// RearrangementsOf are the merges and moves into and out of an incident, newest
// first, at most limit.
func (tx *Tx) RearrangementsOf(incidentID int64, limit int) ([]tocsin.Rearrangement, error) {
	return tx.rearrangements(fromRearrangement+`(from_id = $2 OR to_id = $2) ORDER BY id DESC LIMIT $3`, incidentID, limit)
}

// AlertsIn are the alerts of an incident as a move needs them, in the order in
// which they were made.
func (tx *Tx) AlertsIn(incidentID int64) (out []tocsin.MovedAlert, err error) {
	rows, err := tx.query(`SELECT id, assigned_to FROM alert AS a WHERE tenant = $1 AND incident_id = $2`+and(tx.alertCondition("a.id"))+` ORDER BY +created, id`, incidentID)
	err = each(rows, err, func(rows *sql.Rows) error {
		var a tocsin.MovedAlert
		err := rows.Scan(&a.ID, &a.AssignedTo)
		out = append(out, a)
		return err
	})
	return out, err
}

// CommentsIn are the numbers of the comments on an incident itself.
func (tx *Tx) CommentsIn(incidentID int64) (ids []int64, err error) {
	rows, err := tx.query(`SELECT id FROM comment WHERE tenant = $1 AND incident_id = $2 AND alert_id = '' ORDER BY id`, incidentID)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// MoveAlert moves one alert, with its comments, and says whose it is.
// It is false when the alert is not in the incident from.
func (tx *Tx) MoveAlert(id string, from, to int64, assignedTo string) (bool, error) {
	n, err := tx.exec(`UPDATE alert SET incident_id = $4, assigned_to = $5, version = version + 1, last_update = $6
		WHERE tenant = $1 AND id = $2 AND incident_id = $3`, id, from, to, assignedTo, micros(tx.now))
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := tx.exec(`UPDATE comment SET incident_id = $3 WHERE tenant = $1 AND alert_id = $2`, id, to); err != nil {
		return false, fmt.Errorf("move alert %s to incident %d: %w", id, to, err)
	}
	return true, nil
}

// MoveComment moves a comment on one incident to another.
func (tx *Tx) MoveComment(id, from, to int64) error {
	_, err := tx.exec(`UPDATE comment SET incident_id = $4 WHERE tenant = $1 AND id = $2 AND incident_id = $3 AND alert_id = ''`, id, from, to)
	return err
}

// RenewNames makes an incident findable by the names of the alerts that are in
// it now, and by no others.
func (tx *Tx) RenewNames(incidentID int64) error {
	tx.reindexNames(incidentID)
	_, err := tx.exec(`DELETE FROM incident_name WHERE tenant = $1 AND incident_id = $2 AND kind = 'part'`, incidentID)
	if err == nil {
		_, err = tx.exec(`INSERT INTO incident_name (tenant, incident_id, kind, name_id)
			SELECT DISTINCT a.tenant, a.incident_id, 'part', n.name_id FROM alert AS a
			JOIN alert_name AS n ON n.tenant = a.tenant AND n.alert_no = a.no
			WHERE a.tenant = $1 AND a.incident_id = $2`, incidentID)
	}
	if err != nil {
		return fmt.Errorf("renew names of incident %d: %w", incidentID, err)
	}
	return nil
}

// SetApart keeps two incidents apart, whatever the engine finds; or no longer.
func (tx *Tx) SetApart(a, b int64, apart bool) error {
	for _, pair := range [][2]int64{{a, b}, {b, a}} {
		q := `DELETE FROM incident_apart WHERE tenant = $1 AND id = $2 AND other = $3`
		args := []any{pair[0], pair[1]}
		if apart {
			q = `INSERT INTO incident_apart (tenant, id, other, at) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, id, other) DO NOTHING`
			args = append(args, micros(tx.now))
		}
		if _, err := tx.exec(q, args...); err != nil {
			return fmt.Errorf("part incidents %d and %d: %w", a, b, err)
		}
	}
	return nil
}

// InheritApart makes to stay apart from what from stays apart from.
func (tx *Tx) InheritApart(from, to int64) error {
	for _, q := range []string{
		`INSERT INTO incident_apart (tenant, id, other, at) SELECT tenant, $3, other, at FROM incident_apart
			WHERE tenant = $1 AND id = $2 AND other <> $3 ON CONFLICT (tenant, id, other) DO NOTHING`,
		`INSERT INTO incident_apart (tenant, id, other, at) SELECT tenant, other, $3, at FROM incident_apart
			WHERE tenant = $1 AND id = $2 AND other <> $3 ON CONFLICT (tenant, id, other) DO NOTHING`,
	} {
		if _, err := tx.exec(q, from, to); err != nil {
			return fmt.Errorf("hand on what incident %d stays apart from: %w", from, err)
		}
	}
	return nil
}

// AnyApart tells whether the tenant has parted any incidents.
func (tx *Tx) AnyApart() (bool, error) {
	var one int
	return tx.one(`SELECT 1 FROM incident_apart WHERE tenant = $1 LIMIT 1`, nil, &one)
}

// Apart are, for each of these incidents, the others of them that it must stay
// apart from.
func (tx *Tx) Apart(ids []int64) (map[int64][]int64, error) {
	out := map[int64][]int64{}
	in := inList(2, len(ids))
	rows, err := tx.query(`SELECT id, other FROM incident_apart WHERE tenant = $1 AND id IN `+in+` AND other IN `+in, anys(ids)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var a, b int64
		err := rows.Scan(&a, &b)
		out[a] = append(out[a], b)
		return err
	})
	return out, err
}
