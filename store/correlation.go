package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsinhq/tocsin"
)

// PutExclusion keeps an exclusion.
func (tx *Tx) PutExclusion(x tocsin.Exclusion) error {
	body, err := toJSON(x)
	if err == nil {
		_, err = tx.exec(`INSERT INTO exclusion (tenant, id, created, body) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body`, x.ID, micros(x.Created), body)
	}
	if err != nil {
		return fmt.Errorf("keep exclusion %s: %w", x.ID, err)
	}
	return nil
}

// DeleteExclusion removes an exclusion.
func (tx *Tx) DeleteExclusion(id string) error {
	_, err := tx.exec(`DELETE FROM exclusion WHERE tenant = $1 AND id = $2`, id)
	return err
}

// Exclusions are those of the tenant, the newest first.
func (tx *Tx) Exclusions() ([]tocsin.Exclusion, error) {
	rows, err := tx.query(`SELECT body FROM exclusion WHERE tenant = $1 ORDER BY created DESC, id LIMIT $2`, tocsin.MaxExclusions)
	return bodies[tocsin.Exclusion](rows, err)
}

// PutRuleCorrelation keeps the settings of a rule.
func (tx *Tx) PutRuleCorrelation(r tocsin.RuleCorrelation) error {
	body, err := toJSON(r)
	if err == nil {
		_, err = tx.exec(`INSERT INTO rule_correlation (tenant, detector_id, body) VALUES ($1, $2, $3)
			ON CONFLICT (tenant, detector_id) DO UPDATE SET body = excluded.body`, r.DetectorID, body)
	}
	if err != nil {
		return fmt.Errorf("keep settings of rule %s: %w", r.DetectorID, err)
	}
	return nil
}

// RuleCorrelations are the settings of all rules that have some.
func (tx *Tx) RuleCorrelations() ([]tocsin.RuleCorrelation, error) {
	rows, err := tx.query(`SELECT body FROM rule_correlation WHERE tenant = $1 ORDER BY detector_id LIMIT $2`, tocsin.MaxRuleSettings)
	return bodies[tocsin.RuleCorrelation](rows, err)
}

func bodies[T any](rows *sql.Rows, err error) (out []T, _ error) {
	err = each(rows, err, func(rows *sql.Rows) error {
		var text string
		var v T
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return fmt.Errorf("read settings of correlation: %w", err)
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

// RuleGroup is the incident that the alerts of a rule with equal details go into.
type RuleGroup struct {
	ID         string
	IncidentID int64
	Alerts     int
	Last       time.Time
}

// RuleGroup is the group of this id, nil when there is none.
func (tx *Tx) RuleGroup(id string) (*RuleGroup, error) {
	g := RuleGroup{ID: id}
	var last int64
	found, err := tx.one(`SELECT incident_id, alerts, last FROM rule_group WHERE tenant = $1 AND id = $2`, []any{id}, &g.IncidentID, &g.Alerts, &last)
	if err != nil || !found {
		return nil, err
	}
	g.Last = fromMicros(last)
	return &g, nil
}

// PutRuleGroup keeps a group.
func (tx *Tx) PutRuleGroup(g RuleGroup) error {
	_, err := tx.exec(`INSERT INTO rule_group (tenant, id, incident_id, alerts, last) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant, id) DO UPDATE SET incident_id = excluded.incident_id, alerts = excluded.alerts, last = excluded.last`,
		g.ID, g.IncidentID, g.Alerts, micros(g.Last))
	return err
}

// TakeRefusal notes that two incidents were not merged, and why; false when
// that was known.
func (tx *Tx) TakeRefusal(a, b int64, reason string) (bool, error) {
	n, err := tx.exec(`INSERT INTO merge_refused (tenant, id, other, reason, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant, id, other, reason) DO NOTHING`, min(a, b), max(a, b), reason, micros(tx.now))
	return n > 0, err
}

// PeoplesRearrangements are the moves and splits that people did since a time
// and nobody undid, the newest first, at most limit.
func (tx *Tx) PeoplesRearrangements(since time.Time, limit int) ([]tocsin.Rearrangement, error) {
	return tx.rearrangements(fromRearrangement+`at >= $2 AND actor_kind = 'user' AND kind <> 'merge' AND undone = 0 ORDER BY id DESC LIMIT $3`, micros(since), limit)
}
