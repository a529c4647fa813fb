package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/tocsinhq/tocsin"
)

// scoringKey is where a tenant's own points are kept.
const scoringKey = "scoring"

// scorings remembers how each tenant scores, since every change of an incident
// asks.
type scorings struct {
	mu sync.Mutex
	m  map[string]*tenantScoring
}

type tenantScoring struct {
	scoring tocsin.Scoring
	marks   map[string][]tocsin.AssetMark
}

func (s *scorings) get(tenant string) *tenantScoring {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[tenant]
}

func (s *scorings) set(tenant string, v *tenantScoring) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string]*tenantScoring{}
	}
	s.m[tenant] = v
}

// scored is how the tenant scores. Only a writing transaction remembers it:
// what a reader sees may be older than what was set meanwhile.
func (tx *Tx) scored() (*tenantScoring, error) {
	if have := tx.s.scorings.get(tx.who.Tenant); have != nil && !tx.rescored {
		return have, nil
	}
	out := &tenantScoring{marks: map[string][]tocsin.AssetMark{}}
	var err error
	if out.scoring, err = tx.Scoring(); err != nil {
		return nil, err
	}
	marks, err := tx.AssetMarks()
	if err != nil {
		return nil, err
	}
	for _, m := range marks {
		fold := strings.ToLower(m.Name)
		out.marks[fold] = append(out.marks[fold], m.Mark)
	}
	if tx.write && !tx.rescored {
		tx.s.scorings.set(tx.who.Tenant, out)
	}
	return out, nil
}

// score brings the priority of an incident up to date.
func (tx *Tx) score(inc *tocsin.Incident) error {
	s, err := tx.scored()
	if err != nil {
		return fmt.Errorf("score incident %d: %w", inc.ID, err)
	}
	inc.Score, inc.Factors = inc.Priority(&s.scoring, s.marks, tx.now)
	return nil
}

// Rescore brings the priority of an incident up to date and says whether that
// changed it.
func (tx *Tx) Rescore(inc *tocsin.Incident) (changed bool, err error) {
	before, factors := inc.Score, len(inc.Factors)
	err = tx.score(inc)
	return inc.Score != before || len(inc.Factors) != factors, err
}

// Scoring is how the tenant scores: its own points, or those of the program.
func (tx *Tx) Scoring() (tocsin.Scoring, error) {
	text, found, err := tx.Meta(scoringKey)
	if err != nil || !found {
		return tocsin.DefaultScoring(), err
	}
	var s tocsin.Scoring
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("read the scoring: %w", err)
	}
	return s, nil
}

// PutScoring sets the tenant's points; nil goes back to those of the program.
// Incidents have their new score when they are written next.
func (tx *Tx) PutScoring(s *tocsin.Scoring) error {
	tx.forgetScoring()
	if s == nil {
		return tx.DeleteMeta(scoringKey)
	}
	text, err := toJSON(s)
	if err != nil {
		return err
	}
	return tx.PutMeta(scoringKey, text)
}

func (tx *Tx) forgetScoring() {
	tx.rescored = true // until the end the transaction reads for itself
	tx.AfterCommit(func() { tx.s.scorings.set(tx.who.Tenant, nil) })
}

// AssetMarks are all that were said of assets, by name.
func (tx *Tx) AssetMarks() (out []tocsin.MarkedAsset, err error) {
	rows, err := tx.query(`SELECT name, mark, reason, marked_by, at FROM asset_mark WHERE tenant = $1 ORDER BY fold, mark`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var m tocsin.MarkedAsset
		var at int64
		err := rows.Scan(&m.Name, &m.Mark, &m.Reason, &m.By, &at)
		m.At = fromMicros(at)
		out = append(out, m)
		return err
	})
	return out, err
}

// PutAssetMark says something of an asset.
func (tx *Tx) PutAssetMark(m tocsin.MarkedAsset) error {
	tx.forgetScoring()
	_, err := tx.exec(`INSERT INTO asset_mark (tenant, fold, mark, name, reason, marked_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant, fold, mark) DO UPDATE SET name = excluded.name, reason = excluded.reason, marked_by = excluded.marked_by, at = excluded.at`,
		strings.ToLower(m.Name), string(m.Mark), m.Name, m.Reason, m.By, micros(m.At))
	if err != nil {
		return fmt.Errorf("mark asset: %w", err)
	}
	return nil
}

// RemoveAssetMark takes it back; found is false when nobody had said so.
func (tx *Tx) RemoveAssetMark(name string, mark tocsin.AssetMark) (found bool, err error) {
	tx.forgetScoring()
	n, err := tx.exec(`DELETE FROM asset_mark WHERE tenant = $1 AND fold = $2 AND mark = $3`, strings.ToLower(name), string(mark))
	return n > 0, err
}

// OpenIncidentIDs are the numbers of incidents that are neither resolved nor
// redirected, above a number, in order.
func (tx *Tx) OpenIncidentIDs(after int64, limit int) (ids []int64, err error) {
	rows, err := tx.query(`SELECT id FROM incident WHERE tenant = $1 AND id > $2 AND status IN ('active', 'inProgress', 'awaitingAction') ORDER BY id LIMIT $3`, after, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}
