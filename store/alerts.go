package store

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/tocsinhq/tocsin"
)

// alertColumns are those that can change without the body: by moving, by
// resolving an incident, by assigning one.
const alertColumns = `b.body, a.incident_id, a.version, a.status, a.classification, a.determination, a.assigned_to, a.last_update, a.resolved`

const fromAlert = ` FROM alert AS a JOIN alert_body AS b ON b.tenant = a.tenant AND b.no = a.no WHERE a.tenant = $1 AND `

func scanAlert(rows *sql.Rows) (*tocsin.Alert, error) {
	var body string
	var a tocsin.Alert
	var incident, version, updated, resolved int64
	var status tocsin.AlertStatus
	var class tocsin.Classification
	var det tocsin.Determination
	var assigned string
	if err := rows.Scan(&body, &incident, &version, &status, &class, &det, &assigned, &updated, &resolved); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		return nil, fmt.Errorf("read alert: %w", err)
	}
	a.IncidentID, a.Version, a.Status, a.Classification, a.Determination = incident, version, status, class, det
	a.AssignedTo, a.LastUpdate, a.Resolved = assigned, fromMicros(updated), fromMicros(resolved)
	return &a, nil
}

// Alert is the alert with this id, without comments; CodeNotFound when the
// tenant has none such.
func (tx *Tx) Alert(id string) (tocsin.Alert, error) {
	a, err := tx.alert(`SELECT `+alertColumns+fromAlert+`a.id = $2`, id)
	if err == nil && a == nil {
		return tocsin.Alert{}, noAlert(id)
	}
	if err != nil {
		return tocsin.Alert{}, err
	}
	return *a, nil
}

func (tx *Tx) alert(q string, args ...any) (a *tocsin.Alert, err error) {
	rows, err := tx.query(q, args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		a, err = scanAlert(rows)
		return err
	})
	if err != nil || a == nil || tx.scope == nil {
		return a, err
	}
	seen, err := tx.narrowAlerts([]tocsin.Alert{*a})
	if err != nil || len(seen) == 0 {
		return nil, err
	}
	return &seen[0], nil
}

// AlertsOf lists the alerts of an incident in the order of their activity, at
// most limit.
func (tx *Tx) AlertsOf(incidentID int64, limit int) (out []tocsin.Alert, err error) {
	rows, err := tx.query(`SELECT `+alertColumns+fromAlert+`a.incident_id = $2`+and(tx.alertCondition("a.id"))+` ORDER BY a.first_activity, a.id LIMIT $3`, incidentID, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		if err == nil {
			out = append(out, *a)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return tx.narrowAlerts(out)
}

// Digest is one alert of an incident as far as counting the incident needs it.
type Digest struct {
	JSON   string // what PutAlert was given
	Active bool
}

// Digests are those of all alerts of an incident, in the order of arrival.
//
// They say all of an alert, so they are not for a principal that may see only a
// part of the incident: an error of CodeForbidden.
func (tx *Tx) Digests(incidentID int64) (out []Digest, err error) {
	if err := tx.RequireWhole(incidentID); err != nil {
		return nil, err
	}
	// The plus keeps the database from walking all alerts in the order of their
	// making, which it believes to save it the sorting.
	rows, err := tx.query(`SELECT b.digest, a.status`+fromAlert+`a.incident_id = $2 ORDER BY +a.created, a.id`, incidentID)
	err = each(rows, err, func(rows *sql.Rows) error {
		var d Digest
		var status string
		err := rows.Scan(&d.JSON, &status)
		d.Active = status != string(tocsin.AlertResolved)
		out = append(out, d)
		return err
	})
	return out, err
}

// Facts is what PutAlert was given for this alert; "" when there is none such.
// They say all of an alert: a principal that may see only a part of it gets none.
func (tx *Tx) Facts(alertID string) (facts string, err error) {
	if tx.scope != nil {
		see, err := tx.sightOfAlerts([]string{alertID})
		if err != nil || !see[alertID].whole {
			return "", err
		}
	}
	_, err = tx.one(`SELECT b.facts`+fromAlert+`a.id = $2`, []any{alertID}, &facts)
	return facts, err
}

// AssignAlerts gives all alerts of an incident to one person, "" for nobody,
// and returns how many that changed.
func (tx *Tx) AssignAlerts(incidentID int64, to string) (int64, error) {
	return tx.exec(`UPDATE alert SET assigned_to = $3, version = version + 1, last_update = $4
		WHERE tenant = $1 AND incident_id = $2 AND assigned_to <> $3`, incidentID, to, micros(tx.now))
}

// ResolveAlerts resolves all active alerts of an incident and returns how many.
func (tx *Tx) ResolveAlerts(incidentID int64) (int64, error) {
	return tx.exec(`UPDATE alert SET status = 'resolved', resolved = $3, version = version + 1, last_update = $3
		WHERE tenant = $1 AND incident_id = $2 AND status <> 'resolved'`, incidentID, micros(tx.now))
}

// AddComment adds a comment to an incident, or to an alert of it when alertID
// is not empty.
func (tx *Tx) AddComment(incidentID int64, alertID string, c tocsin.Comment) error {
	id, err := tx.next("comment")
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO comment (tenant, id, incident_id, alert_id, text, created_by, created) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, incidentID, alertID, c.Text, c.CreatedBy, micros(c.Created))
	return err
}

// Comments are those on an incident itself, or on an alert when alertID is not
// empty, oldest first.
func (tx *Tx) Comments(incidentID int64, alertID string) ([]tocsin.Comment, error) {
	if alertID != "" {
		return tx.comments(`SELECT text, created_by, created FROM comment AS c WHERE tenant = $1 AND alert_id = $2 AND alert_id <> ''`+
			and(tx.alertCondition("c.alert_id"))+` ORDER BY created, id`, alertID)
	}
	return tx.comments(`SELECT text, created_by, created FROM comment AS c WHERE tenant = $1 AND incident_id = $2 AND alert_id = ''`+
		and(tx.incidentCondition("c.incident_id"))+` ORDER BY created, id`, incidentID)
}

// IncidentComments are those on several incidents themselves, by incident,
// oldest first.
func (tx *Tx) IncidentComments(incidentIDs []int64) (map[int64][]tocsin.Comment, error) {
	out := map[int64][]tocsin.Comment{}
	if len(incidentIDs) == 0 {
		return out, nil
	}
	rows, err := tx.queryOnce(`SELECT incident_id, text, created_by, created FROM comment WHERE tenant = $1 AND alert_id = '' AND incident_id IN `+
		inList(2, len(incidentIDs))+` ORDER BY created, id`, anys(incidentIDs)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		var c tocsin.Comment
		var at int64
		err := rows.Scan(&id, &c.Text, &c.CreatedBy, &at)
		c.Created = fromMicros(at)
		out[id] = append(out[id], c)
		return err
	})
	return out, err
}

// AlertComments are those on the alerts of an incident, by alert, oldest first.
func (tx *Tx) AlertComments(incidentID int64) (map[string][]tocsin.Comment, error) {
	out := map[string][]tocsin.Comment{}
	rows, err := tx.query(`SELECT alert_id, text, created_by, created FROM comment AS c WHERE tenant = $1 AND incident_id = $2 AND alert_id <> ''`+
		and(tx.alertCondition("c.alert_id"))+` ORDER BY created, id`, incidentID)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id string
		var c tocsin.Comment
		var at int64
		err := rows.Scan(&id, &c.Text, &c.CreatedBy, &at)
		c.Created = fromMicros(at)
		out[id] = append(out[id], c)
		return err
	})
	return out, err
}

func (tx *Tx) comments(q string, arg any) (out []tocsin.Comment, err error) {
	rows, err := tx.query(q, arg)
	err = each(rows, err, func(rows *sql.Rows) error {
		var c tocsin.Comment
		var at int64
		err := rows.Scan(&c.Text, &c.CreatedBy, &at)
		c.Created = fromMicros(at)
		out = append(out, c)
		return err
	})
	return out, err
}
