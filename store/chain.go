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
		fromAlert+`a.incident_id = $2 ORDER BY a.first_activity, a.id LIMIT $3`, incidentID, limit)
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
	return out, err
}
