package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// CreateIncident gives the incident its tenant and the next number, and makes
// its row. Its body, its labels and its name for search come with PutIncident,
// which must follow in the same transaction.
func (tx *Tx) CreateIncident(inc *tocsin.Incident) error {
	id, err := tx.next("incident")
	if err != nil {
		return fmt.Errorf("number an incident: %w", err)
	}
	inc.Tenant, inc.ID = tx.who.Tenant, id
	return tx.putIncidentRow(inc)
}

// PutIncident writes the incident, with its labels and its name for search.
// Alerts and comments are kept elsewhere and are left alone. A principal that
// sees only a part of it cannot write it: an error of CodeForbidden.
func (tx *Tx) PutIncident(inc *tocsin.Incident) error {
	if err := tx.RequireWhole(inc.ID); err != nil {
		return err
	}
	inc.Score, inc.Factors = inc.Priority()
	if err := tx.putIncidentRow(inc); err != nil {
		return err
	}
	kept := *inc
	kept.Alerts, kept.Comments = nil, nil
	body, err := toJSON(&kept)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO incident_body (tenant, id, body) VALUES ($1, $2, $3)
		ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body`, inc.ID, body); err != nil {
		return fmt.Errorf("write incident %d: %w", inc.ID, err)
	}
	labels := labelsOf(inc)
	if err := tx.putLabels(incidentLabels, inc.ID, false, labels); err != nil {
		return fmt.Errorf("write labels of incident %d: %w", inc.ID, err)
	}
	ch := tx.indexed()
	ch.rows = append(ch.rows, indexRowOf(inc, labels))
	return tx.putTitle(inc.ID, inc.DisplayName)
}

func (tx *Tx) putIncidentRow(inc *tocsin.Incident) error {
	_, err := tx.exec(`INSERT INTO incident (tenant, id, version, display_name, severity, status, assigned_to, classification, determination,
			redirect_id, created, last_update, first_activity, last_activity, alert_count, active_alerts, priority)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
		ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version, display_name = excluded.display_name, severity = excluded.severity,
			status = excluded.status, assigned_to = excluded.assigned_to, classification = excluded.classification,
			determination = excluded.determination, redirect_id = excluded.redirect_id, last_update = excluded.last_update,
			first_activity = excluded.first_activity, last_activity = excluded.last_activity, alert_count = excluded.alert_count,
			active_alerts = excluded.active_alerts, priority = excluded.priority`,
		inc.ID, inc.Version, inc.DisplayName, inc.Severity.Rank(), string(inc.Status), inc.AssignedTo, string(inc.Classification),
		string(inc.Determination), inc.RedirectID, micros(inc.Created), micros(inc.LastUpdate), micros(inc.FirstActivity),
		micros(inc.LastActivity), inc.AlertCount, inc.ActiveAlerts, inc.Score)
	if err != nil {
		return fmt.Errorf("write incident %d: %w", inc.ID, err)
	}
	return nil
}

func texts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = string(v)
	}
	return out
}

// labelTable is the statements over one table of labels.
type labelTable struct{ read, add, remove string }

var incidentLabels = labelTable{
	read:   `SELECT kind, value FROM incident_label WHERE tenant = $1 AND incident_id = $2`,
	add:    `INSERT INTO incident_label (tenant, incident_id, kind, value) VALUES `,
	remove: `DELETE FROM incident_label WHERE tenant = $1 AND incident_id = $2 AND kind = $3 AND value = $4`,
}

var alertLabels = labelTable{
	read:   `SELECT kind, value FROM alert_label WHERE tenant = $1 AND alert_id = $2`,
	add:    `INSERT INTO alert_label (tenant, alert_id, kind, value) VALUES `,
	remove: `DELETE FROM alert_label WHERE tenant = $1 AND alert_id = $2 AND kind = $3 AND value = $4`,
}

// putLabels makes the labels of a thing what they should be, writing only the
// difference: they hardly ever change. fresh says that it has none yet.
func (tx *Tx) putLabels(t labelTable, id any, fresh bool, want map[string][]string) error {
	type label struct{ kind, value string }
	have := map[label]bool{}
	if !fresh {
		rows, err := tx.query(t.read, id)
		err = each(rows, err, func(rows *sql.Rows) error {
			var l label
			err := rows.Scan(&l.kind, &l.value)
			have[l] = false
			return err
		})
		if err != nil {
			return err
		}
	}
	args := []any{id}
	var add []string
	for kind, values := range want {
		for _, v := range values[:min(len(values), tocsin.MaxLabels)] {
			l := label{kind, strings.ToLower(v)}
			if _, ok := have[l]; !ok {
				if err := tx.putLabelText(kind, l.value, v); err != nil {
					return err
				}
				add = append(add, "($1, $2, $"+strconv.Itoa(len(args)+2)+", $"+strconv.Itoa(len(args)+3)+")")
				args = append(args, kind, l.value)
			}
			have[l] = true
		}
	}
	if len(add) > 0 {
		if _, err := tx.exec(t.add+strings.Join(add, ", "), args...); err != nil {
			return err
		}
	}
	for l, wanted := range have {
		if !wanted {
			if _, err := tx.exec(t.remove, id, l.kind, l.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// Incident is the incident with this number, without alerts and comments;
// CodeNotFound when the tenant has none such.
func (tx *Tx) Incident(id int64) (tocsin.Incident, error) {
	found, err := tx.incidents([]int64{id})
	if err != nil {
		return tocsin.Incident{}, fmt.Errorf("read incident %d: %w", id, err)
	}
	if len(found) == 0 {
		return tocsin.Incident{}, noIncident(id)
	}
	return found[0], nil
}

// incidents are those with these numbers, in this order; one that the tenant
// has not is left out.
func (tx *Tx) incidents(ids []int64) ([]tocsin.Incident, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	byID := make(map[int64]tocsin.Incident, len(ids))
	q := `SELECT id, body FROM incident_body WHERE tenant = $1 AND id IN ` + inList(2, len(ids))
	query := tx.query
	if len(ids) > 1 {
		query = tx.queryOnce
	}
	rows, err := query(q, anys(ids)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		var body string
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		var inc tocsin.Incident
		err := json.Unmarshal([]byte(body), &inc)
		byID[id] = inc
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]tocsin.Incident, 0, len(ids))
	for _, id := range ids {
		if inc, ok := byID[id]; ok {
			out = append(out, inc)
		}
	}
	return tx.narrowIncidents(out)
}

// Standing is what correlation asks about an incident.
type Standing struct {
	Status         tocsin.IncidentStatus
	AssignedTo     string
	Classification tocsin.Classification
	Determination  tocsin.Determination
	Created        time.Time
	AlertCount     int
}

// Standings are those of the incidents with these numbers; one that the tenant
// has not is left out.
func (tx *Tx) Standings(ids []int64) (map[int64]Standing, error) {
	out := make(map[int64]Standing, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	if tx.scope != nil {
		return nil, errEngine
	}
	rows, err := tx.query(`SELECT id, status, assigned_to, classification, determination, created, alert_count FROM incident
		WHERE tenant = $1 AND id IN `+inList(2, len(ids)), anys(ids)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id, created int64
		var st Standing
		err := rows.Scan(&id, &st.Status, &st.AssignedTo, &st.Classification, &st.Determination, &created, &st.AlertCount)
		st.Created = fromMicros(created)
		out[id] = st
		return err
	})
	return out, err
}

// MergedInto lists the numbers of the incidents that were merged into this
// one, directly or through another.
func (tx *Tx) MergedInto(id int64) (ids []int64, err error) {
	rows, err := tx.query(`WITH RECURSIVE merged (id) AS (
			SELECT id FROM incident WHERE tenant = $1 AND redirect_id = $2 AND redirect_id <> 0
			UNION SELECT i.id FROM incident AS i JOIN merged AS m ON i.redirect_id = m.id WHERE i.tenant = $1 AND i.redirect_id <> 0)
		SELECT id FROM merged ORDER BY id`, id)
	err = each(rows, err, func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		ids = append(ids, n)
		return err
	})
	return ids, err
}

// MoveAll moves what belongs to one incident into another: alerts, their keys,
// comments, tasks and names. It returns how many alerts moved.
func (tx *Tx) MoveAll(from, to int64) (int64, error) {
	for _, q := range []string{
		// The keys go first: they are found through the alerts.
		`UPDATE alert_key SET incident_id = $3 WHERE tenant = $1 AND alert_id IN (SELECT id FROM alert WHERE tenant = $1 AND incident_id = $2)`,
		`UPDATE comment SET incident_id = $3 WHERE tenant = $1 AND incident_id = $2`,
		`UPDATE task SET incident_id = $3 WHERE tenant = $1 AND incident_id = $2`,
		`INSERT INTO incident_name (tenant, incident_id, kind, name_id)
			SELECT tenant, $3, kind, name_id FROM incident_name WHERE tenant = $1 AND incident_id = $2 AND kind = 'part'
			ON CONFLICT (tenant, incident_id, kind, name_id) DO NOTHING`,
	} {
		if _, err := tx.exec(q, from, to); err != nil {
			return 0, fmt.Errorf("move parts of incident %d to %d: %w", from, to, err)
		}
	}
	n, err := tx.exec(`UPDATE alert SET incident_id = $3, version = version + 1, last_update = $4 WHERE tenant = $1 AND incident_id = $2`, from, to, micros(tx.now))
	if err != nil {
		return 0, fmt.Errorf("move alerts of incident %d to %d: %w", from, to, err)
	}
	tx.reindexNames(from)
	tx.reindexNames(to)
	_, err = tx.exec(`DELETE FROM incident_name WHERE tenant = $1 AND incident_id = $2 AND kind = 'part'`, from)
	return n, err
}

// OpenBySeverity counts the incidents that are neither resolved nor redirected.
func (tx *Tx) OpenBySeverity() (map[tocsin.Severity]int64, error) {
	out := map[tocsin.Severity]int64{}
	if tx.scope != nil {
		return tx.limitedOpen()
	}
	rows, err := tx.query(`SELECT severity, count(*) FROM incident WHERE tenant = $1 AND status NOT IN ('resolved', 'redirected') GROUP BY severity`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var rank int
		var n int64
		if err := rows.Scan(&rank, &n); err != nil {
			return err
		}
		out[severityOf(rank)] = n
		return nil
	})
	return out, err
}

func severityOf(rank int) tocsin.Severity {
	if rank < 0 || rank >= len(tocsin.Severities) {
		return tocsin.SeverityUnknown
	}
	return tocsin.Severities[rank]
}

// CreatedPerHour counts incidents and alerts by the hour in which they were
// made, hours since 1970, from an hour on.
func (tx *Tx) CreatedPerHour(from int64) (incidents, alerts map[int64]int, err error) {
	const hour = 3_600_000_000
	count := func(q string) (map[int64]int, error) {
		out := map[int64]int{}
		rows, err := tx.query(q, from*hour, int64(hour))
		err = each(rows, err, func(rows *sql.Rows) error {
			var h int64
			var n int
			err := rows.Scan(&h, &n)
			out[h] = n
			return err
		})
		return out, err
	}
	if incidents, err = count(`SELECT i.created / $3 AS h, count(*) FROM incident AS i WHERE i.tenant = $1 AND i.created >= $2` + and(tx.scopeCondition("i")) + ` GROUP BY h`); err != nil {
		return nil, nil, err
	}
	alerts, err = count(`SELECT a.created / $3 AS h, count(*) FROM alert AS a WHERE a.tenant = $1 AND a.created >= $2` + and(tx.alertCondition("a.id")) + ` GROUP BY h`)
	return incidents, alerts, err
}

// UseTags counts the use of custom tags, for suggesting them again.
func (tx *Tx) UseTags(tags []string) error {
	for _, t := range tags {
		if _, err := tx.exec(`INSERT INTO tag (tenant, fold, text, uses, last) VALUES ($1, $2, $3, 1, $4)
			ON CONFLICT (tenant, fold) DO UPDATE SET uses = tag.uses + 1, text = excluded.text, last = excluded.last`,
			foldTag(t), t, micros(tx.now)); err != nil {
			return fmt.Errorf("count tag: %w", err)
		}
	}
	return nil
}

// Tags are at most limit custom tags that begin with prefix, whatever the
// case, those used most first.
func (tx *Tx) Tags(prefix string, limit int) (out []string, err error) {
	q := `SELECT text FROM tag AS t WHERE t.tenant = $1 AND t.fold LIKE $2 ESCAPE '\'`
	if tx.scope != nil {
		q += ` AND EXISTS (SELECT 1 FROM incident_label AS l JOIN incident AS i ON i.tenant = l.tenant AND i.id = l.incident_id
			WHERE l.tenant = $1 AND l.kind = 'customTags' AND l.value = t.fold AND ` + tx.scopeCondition("i") + `)`
	}
	rows, err := tx.query(q+` ORDER BY t.uses DESC, t.fold LIMIT $3`,
		likeText(foldTag(prefix))+"%", limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		var t string
		err := rows.Scan(&t)
		out = append(out, t)
		return err
	})
	return out, err
}
