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
	_, err := tx.exec(`UPDATE alert_key SET open = $3 WHERE tenant = $1 AND incident_id = $2 AND open <> $3`, incidentID, flag(open))
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
	// Looked is how many alerts of one key before At are looked at, nearest
	// first, and Per how many of them one incident may give, so that a large
	// incident does not hide the small ones beside it. After At it is a quarter.
	Looked, Per int
	Limit       int // of all sightings
}

// Sightings are the alerts of open incidents that carry one of the keys, for
// each key those nearest in time. The keys come first to last until there are
// r.Limit sightings. An alert that carries several keys comes several times.
func (tx *Tx) Sightings(keys []tocsin.EntityKey, r Reach) (out []Sighting, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	args := []any{micros(r.At), micros(r.At.Add(-r.Window)), micros(r.At.Add(r.Window)), r.Looked, r.Per,
		max(1, r.Looked/4), max(1, r.Per/4), r.Limit}
	side := func(key, name, times, dir, looked, per string) string {
		return `SELECT alert_id, incident_id, last FROM (SELECT alert_id, incident_id, last,
				row_number() OVER (PARTITION BY incident_id ORDER BY last` + dir + `) AS n
			FROM (SELECT alert_id, incident_id, last FROM alert_key WHERE tenant = $1 AND key = ` + key + ` AND open = 1 AND ` + times + `
				ORDER BY last` + dir + ` LIMIT ` + looked + `) AS ` + name + `l) AS ` + name + ` WHERE n <= ` + per
	}
	parts := make([]string, 0, 2*len(keys))
	for i, k := range keys {
		args = append(args, keyText(k))
		key, n := "$"+strconv.Itoa(10+i), strconv.Itoa(i)
		parts = append(parts, side(key, "b"+n, "last <= $2 AND last >= $3", " DESC", "$5", "$6"),
			side(key, "a"+n, "last > $2 AND last <= $4", "", "$7", "$8"))
	}
	rows, err := tx.query(strings.Join(parts, " UNION ALL ")+` LIMIT $9`, args...)
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
