package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tocsinhq/tocsin"
)

// ChainRow is an alert of an incident as far as the chain of its links needs it.
type ChainRow struct {
	ID              string
	Title           string
	Severity        tocsin.Severity
	Category        string
	DetectionSource tocsin.DetectionSource
	Created         time.Time
	First           time.Time
	Links           []tocsin.Link
}

// ChainRows are the alerts of an incident in the order of their activity, at
// most limit.
func (tx *Tx) ChainRows(incidentID int64, limit int) (out []ChainRow, err error) {
	rows, err := tx.query(`SELECT a.id, a.title, a.severity, a.category, a.detection_source, a.created, a.first_activity, b.body`+
		fromAlert+`a.incident_id = $2`+and(tx.alertCondition("a.id"))+` ORDER BY a.first_activity, a.id LIMIT $3`, incidentID, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		var r ChainRow
		var severity int
		var created, first int64
		var body []byte
		if err := rows.Scan(&r.ID, &r.Title, &severity, &r.Category, &r.DetectionSource, &created, &first, &body); err != nil {
			return err
		}
		r.Severity, r.Created, r.First = severityOf(severity), fromMicros(created), fromMicros(first)
		var part struct {
			Links []tocsin.Link `json:"links"`
		}
		if err := json.Unmarshal(body, &part); err != nil {
			return fmt.Errorf("read the links of alert %s: %w", r.ID, err)
		}
		r.Links = part.Links
		out = append(out, r)
		return nil
	})
	if err == nil && tx.scope != nil {
		err = tx.narrowChain(out)
	}
	return out, err
}

// narrowChain takes out of the alerts the links that speak of what a limited
// principal may not see.
func (tx *Tx) narrowChain(all []ChainRow) error {
	shown := make([]tocsin.Alert, len(all))
	for i := range all {
		shown[i] = tocsin.Alert{ID: all[i].ID, Links: all[i].Links}
	}
	shown, err := tx.narrowAlerts(shown)
	links := map[string][]tocsin.Link{}
	for i := range shown {
		links[shown[i].ID] = shown[i].Links
	}
	for i := range all {
		all[i].Links = links[all[i].ID]
	}
	return err
}
