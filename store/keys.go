package store

import (
	"cmp"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// maxKeyText bounds the index: a longer key (a path, a query) is kept by its
// hash, since keys are only ever compared.
const maxKeyText = 120

func keyText(k tocsin.EntityKey) string {
	if len(k.Type)+1+len(k.ID) <= maxKeyText {
		return k.String()
	}
	sum := sha256.Sum256([]byte(k.ID))
	return string(k.Type) + ":#" + hex.EncodeToString(sum[:20])
}

// PutKeys makes the entities of an alert what they should be; last is its last
// activity, open whether its incident is, fresh that it has none yet.
func (tx *Tx) PutKeys(alertID string, incidentID int64, open bool, last time.Time, keys []tocsin.EntityKey, fresh bool) error {
	if !fresh {
		if _, err := tx.exec(`DELETE FROM alert_key WHERE tenant = $1 AND alert_id = $2`, alertID); err != nil {
			return fmt.Errorf("write keys of alert %s: %w", alertID, err)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	texts := make([]any, len(keys))
	for i, k := range keys {
		texts[i] = keyText(k)
	}
	_, err := tx.exec(`INSERT INTO alert_key (tenant, open, last, alert_id, incident_id, key) VALUES `+
		rowList(len(keys), `($1, $2, $3, $4, $5, `, 6)+` ON CONFLICT (tenant, key, open, last, alert_id) DO NOTHING`,
		append([]any{flag(open), micros(last), alertID, incidentID}, texts...)...)
	if err != nil {
		return fmt.Errorf("write keys of alert %s: %w", alertID, err)
	}
	return nil
}

// SetOpen says whether the alerts of an incident are candidates for
// correlation.
func (tx *Tx) SetOpen(incidentID int64, open bool) error {
	// The keys are found first and then changed by all of their columns: asked
	// in one, SQLite walks the whole table, since it changes what it would walk by.
	_, err := tx.exec(`UPDATE alert_key SET open = $3 WHERE tenant = $1 AND (key, open, last, alert_id) IN
		(SELECT k.key, k.open, k.last, k.alert_id FROM alert_key AS k WHERE k.tenant = $1 AND k.open <> $3
			AND k.alert_id IN (SELECT id FROM alert WHERE tenant = $1 AND incident_id = $2))`, incidentID, flag(open))
	return err
}

// rowList is the text of n rows for VALUES: each is head, a parameter of its
// own counted from $from, and a bracket.
func rowList(n int, head string, from int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(head)
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
		b.WriteByte(')')
	}
	return b.String()
}

// Sighting is an alert of an open incident that carries a key.
type Sighting struct {
	AlertID    string
	IncidentID int64
	Last       time.Time
}

// Reach is how far Sightings looks.
type Reach struct {
	At     time.Time
	Window time.Duration // on either side of At
	// Of a busy key the Near nearest alerts before At count, and Near more of
	// other incidents out of the Looked nearest, so that a large incident does
	// not hide the small ones beside it. After At it is a quarter of that.
	Near, Looked int
	Limit        int // of all sightings
}

// Sightings are the alerts of open incidents that carry one of the keys: of a
// rare key all within the window, of a busy one those nearest in time, until
// there are r.Limit. Which keys are rare the caller knows from Prevalence: a few
// dozen alerts at most. An alert that carries several keys comes several times.
func (tx *Tx) Sightings(rare, busy []tocsin.EntityKey, r Reach) (out []Sighting, err error) {
	if len(rare) > 0 {
		parts := make([]string, len(rare))
		args := []any{micros(r.At.Add(-r.Window)), micros(r.At.Add(r.Window)), r.Limit}
		for i, k := range rare {
			parts[i] = `SELECT alert_id, incident_id, last FROM alert_key WHERE tenant = $1 AND key = $` + strconv.Itoa(5+i) +
				` AND open = 1 AND last >= $2 AND last <= $3`
			args = append(args, keyText(k))
		}
		if out, err = tx.sightings(strings.Join(parts, " UNION ALL ")+` LIMIT $4`, args...); err != nil {
			return nil, err
		}
	}
	for _, k := range busy {
		if len(out) >= r.Limit {
			break
		}
		for _, s := range []keySide{
			{"last <= $3 AND last >= $4 ORDER BY last DESC", r.At, r.At.Add(-r.Window), r.Near, r.Looked},
			{"last > $3 AND last <= $4 ORDER BY last", r.At, r.At.Add(r.Window), max(1, r.Near/4), max(1, r.Looked/4)},
		} {
			found, err := tx.busySightings(keyText(k), s)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
	}
	return out[:min(len(out), r.Limit)], nil
}

// keySide is one side in time of a busy key.
type keySide struct {
	span         string // condition and order, from $3 to $4
	from, to     time.Time
	near, looked int
}

// otherIncidents is how many incidents the second look leaves out; the text of
// the statement is the same for any number up to it.
const otherIncidents = 8

func (tx *Tx) busySightings(key string, s keySide) ([]Sighting, error) {
	first := `SELECT alert_id, incident_id, last FROM alert_key WHERE tenant = $1 AND key = $2 AND open = 1 AND ` + s.span + ` LIMIT $5`
	out, err := tx.sightings(first, key, micros(s.from), micros(s.to), s.near)
	if err != nil || len(out) < s.near {
		return out, err
	}
	// Full: leave out the incidents that filled it, and look further.
	count := map[int64]int{}
	for _, f := range out {
		count[f.IncidentID]++
	}
	large := slices.SortedFunc(maps.Keys(count), func(a, b int64) int { return cmp.Or(count[b]-count[a], cmp.Compare(a, b)) })
	large = large[:min(len(large), otherIncidents)]
	for len(large) < otherIncidents {
		large = append(large, large[0])
	}
	more, err := tx.sightings(`SELECT alert_id, incident_id, last FROM (`+first+`) AS looked WHERE incident_id NOT IN `+inList(7, otherIncidents)+` LIMIT $6`,
		append([]any{key, micros(s.from), micros(s.to), s.looked, s.near}, anys(large)...)...)
	return append(out, more...), err
}

func (tx *Tx) sightings(q string, args ...any) (out []Sighting, err error) {
	rows, err := tx.query(q, args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var s Sighting
		var last int64
		err := rows.Scan(&s.AlertID, &s.IncidentID, &last)
		s.Last = fromMicros(last)
		out = append(out, s)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for alerts of the same entities: %w", err)
	}
	return out, nil
}
