package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
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
	_, err := tx.exec(`UPDATE alert_key SET open = $3 WHERE tenant = $1 AND open <> $3
		AND alert_id IN (SELECT id FROM alert WHERE tenant = $1 AND incident_id = $2)`, incidentID, flag(open))
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
	// Looked is how many alerts of one busy key before At are looked at, nearest
	// first, and Per how many of them one incident may give, so that a large
	// incident does not hide the small ones beside it. After At it is a quarter.
	Looked, Per int
	Limit       int // of all sightings
}

// Sightings are the alerts of open incidents that carry one of the keys: of a
// rare key all within the window, of a busy one those nearest in time, until
// there are r.Limit. Which keys are rare the caller knows from Prevalence: a few
// dozen alerts at most. An alert that carries several keys comes several times.
func (tx *Tx) Sightings(rare, busy []tocsin.EntityKey, r Reach) (out []Sighting, err error) {
	ask := func(parts []string, keys []tocsin.EntityKey, args ...any) error {
		if len(keys) == 0 || len(out) >= r.Limit {
			return nil
		}
		for _, k := range keys {
			args = append(args, keyText(k))
		}
		rows, err := tx.query(strings.Join(parts, " UNION ALL ")+` LIMIT $4`, args...)
		return each(rows, err, func(rows *sql.Rows) error {
			var s Sighting
			var last int64
			err := rows.Scan(&s.AlertID, &s.IncidentID, &last)
			s.Last = fromMicros(last)
			out = append(out, s)
			return err
		})
	}
	from, to := micros(r.At.Add(-r.Window)), micros(r.At.Add(r.Window))
	parts := make([]string, len(rare))
	for i := range rare {
		parts[i] = `SELECT alert_id, incident_id, last FROM alert_key WHERE tenant = $1 AND key = $` + strconv.Itoa(5+i) +
			` AND open = 1 AND last >= $2 AND last <= $3`
	}
	if err = ask(parts, rare, from, to, r.Limit); err == nil {
		parts = parts[:0]
		for i := range busy {
			parts = append(parts, busySide(i, "b", "last <= $9 AND last >= $2", " DESC", "$5", "$6"),
				busySide(i, "a", "last > $9 AND last <= $3", "", "$7", "$8"))
		}
		err = ask(parts, busy, from, to, r.Limit-len(out), r.Looked, r.Per, max(1, r.Looked/4), max(1, r.Per/4), micros(r.At))
	}
	if err != nil {
		return nil, fmt.Errorf("look for alerts of the same entities: %w", err)
	}
	return out, nil
}

// busySide looks on one side in time for the ith busy key.
func busySide(i int, side, times, dir, looked, per string) string {
	name := side + strconv.Itoa(i)
	return `SELECT alert_id, incident_id, last FROM (SELECT alert_id, incident_id, last,
			row_number() OVER (PARTITION BY incident_id ORDER BY last` + dir + `) AS n
		FROM (SELECT alert_id, incident_id, last FROM alert_key WHERE tenant = $1 AND key = $` + strconv.Itoa(10+i) + ` AND open = 1 AND ` + times + `
			ORDER BY last` + dir + ` LIMIT ` + looked + `) AS ` + name + `l) AS ` + name + ` WHERE n <= ` + per
}
