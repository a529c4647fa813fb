package store

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/tocsinhq/tocsin"
)

const relatedOf = ` FROM incident_related WHERE tenant = $1 AND gone = 0 AND (id = $2 OR other = $2)`

// Relate notes that two incidents are related. Of the engine (a basis other than
// people) it is false and does nothing when people or the engine have said
// something about the two before, or one of them has tocsin.MaxRelated already;
// of people that is an Error of CodeConflict or CodeLimit, except that they
// replace what the engine said.
func (tx *Tx) Relate(a, b int64, r tocsin.Related) (bool, error) {
	people := r.Basis == tocsin.RelatedByPeople
	var gone int
	var text string
	var have tocsin.Related
	known, err := tx.one(`SELECT gone, body FROM incident_related WHERE tenant = $1 AND id = $2 AND other = $3`, []any{min(a, b), max(a, b)}, &gone, &text)
	if err == nil && known {
		err = json.Unmarshal([]byte(text), &have)
	}
	switch {
	case err != nil:
		return false, fmt.Errorf("relate incidents %d and %d: %w", a, b, err)
	case known && !people:
		return false, nil
	case known && gone == 0 && have.Basis == tocsin.RelatedByPeople:
		return false, tocsin.Errorf(tocsin.CodeConflict, "incidents %d and %d are related already", a, b)
	}
	if !known || gone != 0 {
		for _, id := range []int64{a, b} {
			var n int
			// Two look-ups: of an OR over two indexes the planner makes a walk of
			// the table when nothing has been counted yet.
			if _, err := tx.one(`SELECT (SELECT count(*) FROM incident_related WHERE tenant = $1 AND id = $2 AND gone = 0)
				+ (SELECT count(*) FROM incident_related WHERE tenant = $1 AND other = $2 AND gone = 0)`, []any{id}, &n); err != nil {
				return false, err
			}
			if n >= tocsin.MaxRelated {
				if people {
					err = tocsin.Errorf(tocsin.CodeLimit, "incident %d is related to %d others, which is the most", id, n)
				}
				return false, err
			}
		}
	}
	body, err := toJSON(r)
	if err == nil {
		_, err = tx.exec(`INSERT INTO incident_related (tenant, id, other, at, gone, body) VALUES ($1, $2, $3, $4, 0, $5)
			ON CONFLICT (tenant, id, other) DO UPDATE SET at = excluded.at, gone = 0, body = excluded.body`, min(a, b), max(a, b), micros(tx.now), body)
	}
	if err != nil {
		return false, fmt.Errorf("relate incidents %d and %d: %w", a, b, err)
	}
	return true, nil
}

// Unrelate takes a relation away for good: the engine does not bring it back.
// It is what was said, nil when they are not related.
func (tx *Tx) Unrelate(a, b int64) (*tocsin.Related, error) {
	var text string
	args := []any{min(a, b), max(a, b)}
	known, err := tx.one(`SELECT body FROM incident_related WHERE tenant = $1 AND id = $2 AND other = $3 AND gone = 0`, args, &text)
	if err != nil || !known {
		return nil, err
	}
	var r tocsin.Related
	if err = json.Unmarshal([]byte(text), &r); err == nil {
		_, err = tx.exec(`UPDATE incident_related SET gone = 1 WHERE tenant = $1 AND id = $2 AND other = $3`, args...)
	}
	return &r, err
}

// RelatedTo are the incidents that one is related to, the newest relation
// first. Those that were merged into others are named as they are.
func (tx *Tx) RelatedTo(incidentID int64) (out []tocsin.Related, err error) {
	rows, err := tx.query(`SELECT id, other, body`+relatedOf+` ORDER BY at DESC, id, other LIMIT $3`, incidentID, tocsin.MaxRelated)
	err = each(rows, err, func(rows *sql.Rows) error {
		var a, b int64
		var text string
		var r tocsin.Related
		if err := rows.Scan(&a, &b, &text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return fmt.Errorf("read relation of incidents %d and %d: %w", a, b, err)
		}
		if r.IncidentID = a; a == incidentID {
			r.IncidentID = b
		}
		out = append(out, r)
		return nil
	})
	return out, err
}
