package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
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
// activity.
func (tx *Tx) PutKeys(alertID string, incidentID int64, last time.Time, keys []tocsin.EntityKey, fresh bool) error {
	if !fresh {
		if _, err := tx.exec(`DELETE FROM alert_key WHERE tenant = $1 AND alert_id = $2`, alertID); err != nil {
			return fmt.Errorf("write keys of alert %s: %w", alertID, err)
		}
	}
	for _, k := range keys {
		if _, err := tx.exec(`INSERT INTO alert_key (tenant, key, last, alert_id, incident_id) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (tenant, key, last, alert_id) DO NOTHING`, keyText(k), micros(last), alertID, incidentID); err != nil {
			return fmt.Errorf("write keys of alert %s: %w", alertID, err)
		}
	}
	return nil
}

// Sighting is an alert of an open incident that carries a key.
type Sighting struct {
	AlertID    string
	IncidentID int64
	Last       time.Time
}

// Sightings are the alerts of open incidents that carry the key and are
// nearest in time to at, on either side of it: at most limit on each, within
// window. Of a key that very many alerts carry only the nearest few hundred
// are looked at.
func (tx *Tx) Sightings(key tocsin.EntityKey, at time.Time, window time.Duration, limit int) (out []Sighting, err error) {
	const looked = 400
	scan := func(rows *sql.Rows) error {
		var s Sighting
		var last int64
		err := rows.Scan(&s.AlertID, &s.IncidentID, &last)
		s.Last = fromMicros(last)
		out = append(out, s)
		return err
	}
	text := keyText(key)
	rows, err := tx.query(`SELECT k.alert_id, k.incident_id, k.last FROM (SELECT tenant, alert_id, incident_id, last FROM alert_key
			WHERE tenant = $1 AND key = $2 AND last <= $3 AND last >= $4 ORDER BY last DESC LIMIT $5) AS k
		JOIN incident AS i ON i.tenant = k.tenant AND i.id = k.incident_id AND i.status NOT IN ('resolved', 'redirected')
		ORDER BY k.last DESC LIMIT $6`, text, micros(at), micros(at.Add(-window)), looked, limit)
	if err := each(rows, err, scan); err != nil {
		return nil, err
	}
	rows, err = tx.query(`SELECT k.alert_id, k.incident_id, k.last FROM (SELECT tenant, alert_id, incident_id, last FROM alert_key
			WHERE tenant = $1 AND key = $2 AND last > $3 AND last <= $4 ORDER BY last LIMIT $5) AS k
		JOIN incident AS i ON i.tenant = k.tenant AND i.id = k.incident_id AND i.status NOT IN ('resolved', 'redirected')
		ORDER BY k.last LIMIT $6`, text, micros(at), micros(at.Add(window)), looked, limit)
	return out, each(rows, err, scan)
}
