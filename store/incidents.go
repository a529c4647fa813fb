package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// CreateIncident gives the incident its tenant and the next number, and makes
// its row. Its body, its labels and its name for search come with PutIncident,
// which must follow in the same transaction.
func (tx *Tx) CreateIncident(inc *tocsin.Incident) error {
	if err := tx.NumberIncident(inc); err != nil {
		return err
	}
	return tx.putIncidentRows([]IncidentRow{{Incident: inc}})
}

// NumberIncident gives the incident its tenant and the next number. It must be
// written in the same transaction.
func (tx *Tx) NumberIncident(inc *tocsin.Incident) error {
	id, err := tx.next("incident")
	if err != nil {
		return fmt.Errorf("number an incident: %w", err)
	}
	inc.Tenant, inc.ID = tx.who.Tenant, id
	return nil
}

// PutIncident writes the incident, with its labels and its name for search.
// Alerts and comments are kept elsewhere and are left alone. A principal that
// sees only a part of it cannot write it: an error of CodeForbidden.
func (tx *Tx) PutIncident(inc *tocsin.Incident) error {
	return tx.PutIncidents([]IncidentRow{{Incident: inc}})
}

// IncidentRow is an incident to be written.
type IncidentRow struct {
	Incident *tocsin.Incident
	Fresh    bool             // it is not in the store yet, or has only its row
	Before   *tocsin.Incident // as it is in the store, which spares reading that; nil: not known
}

// PutIncidents writes incidents as PutIncident does, and faster than one by one.
func (tx *Tx) PutIncidents(rows []IncidentRow) error {
	for _, r := range rows {
		if err := tx.RequireWhole(r.Incident.ID); err != nil {
			return err
		}
		if err := tx.score(r.Incident); err != nil {
			return err
		}
	}
	if err := tx.putIncidentRows(rows); err != nil {
		return err
	}
	bodies, err := inParallel(rows, func(r *IncidentRow) (string, error) {
		kept := *r.Incident
		kept.Alerts, kept.Comments = nil, nil
		return toJSON(&kept)
	})
	if err != nil {
		return err
	}
	args := make([]any, 0, 2*len(rows))
	for i, r := range rows {
		args = append(args, r.Incident.ID, bodies[i])
	}
	if err := tx.execRows(`INSERT INTO incident_body (tenant, id, body) VALUES `, 2,
		` ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body`, args); err != nil {
		return fmt.Errorf("write incidents: %w", err)
	}
	if err := tx.putIncidentLabels(rows); err != nil {
		return fmt.Errorf("write labels of incidents: %w", err)
	}
	return tx.putTitles(rows)
}

// putIncidentLabels makes the labels of incidents what they should be.
func (tx *Tx) putIncidentLabels(rows []IncidentRow) error {
	var add []any
	ch := tx.indexed()
	for _, r := range rows {
		id, want := r.Incident.ID, labelsOf(r.Incident)
		ch.rows = append(ch.rows, indexRowOf(r.Incident, want))
		if !r.Fresh && r.Before == nil {
			if err := tx.putLabels(incidentLabels, id, want); err != nil {
				return err
			}
			continue
		}
		var had map[oneLabel]bool
		if !r.Fresh {
			had = labelsHad(labelsOf(r.Before))
		}
		var gone []oneLabel
		var err error
		if add, gone, err = tx.labelChanges(add, id, had, want); err != nil {
			return err
		}
		if err := tx.removeLabels(incidentLabels, id, gone); err != nil {
			return err
		}
	}
	return tx.execRows(incidentLabels.add, 3, "", add)
}

func (tx *Tx) putIncidentRows(rows []IncidentRow) error {
	const columns = 16
	args := make([]any, 0, columns*len(rows))
	for _, r := range rows {
		inc := r.Incident
		args = append(args, inc.ID, inc.Version, inc.DisplayName, inc.Severity.Rank(), string(inc.Status), inc.AssignedTo, string(inc.Classification),
			string(inc.Determination), inc.RedirectID, micros(inc.Created), micros(inc.LastUpdate), micros(inc.FirstActivity),
			micros(inc.LastActivity), inc.AlertCount, inc.ActiveAlerts, inc.Score)
	}
	err := tx.execRows(`INSERT INTO incident (tenant, id, version, display_name, severity, status, assigned_to, classification, determination,
			redirect_id, created, last_update, first_activity, last_activity, alert_count, active_alerts, priority) VALUES `, columns, `
		ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version, display_name = excluded.display_name, severity = excluded.severity,
			status = excluded.status, assigned_to = excluded.assigned_to, classification = excluded.classification,
			determination = excluded.determination, redirect_id = excluded.redirect_id, last_update = excluded.last_update,
			first_activity = excluded.first_activity, last_activity = excluded.last_activity, alert_count = excluded.alert_count,
			active_alerts = excluded.active_alerts, priority = excluded.priority`, args)
	if err != nil {
		return fmt.Errorf("write incidents: %w", err)
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
	read:   `SELECT kind, value FROM alert_label WHERE tenant = $1 AND alert_no = $2`,
	add:    `INSERT INTO alert_label (tenant, alert_no, kind, value) VALUES `,
	remove: `DELETE FROM alert_label WHERE tenant = $1 AND alert_no = $2 AND kind = $3 AND value = $4`,
}

// oneLabel is one element of a list-valued property, in lower case.
type oneLabel struct{ kind, value string }

// labelsHad are the labels that a thing with these lists has.
func labelsHad(of map[string][]string) map[oneLabel]bool {
	out := map[oneLabel]bool{}
	for kind, values := range of {
		for _, v := range values[:min(len(values), tocsin.MaxLabels)] {
			out[oneLabel{kind, strings.ToLower(v)}] = true
		}
	}
	return out
}

// labelChanges appends to rows what a thing that has the labels had lacks of
// those that it should have, and says which it should not have.
func (tx *Tx) labelChanges(rows []any, id any, had map[oneLabel]bool, want map[string][]string) (add []any, gone []oneLabel, err error) {
	done := map[oneLabel]bool{}
	for kind, values := range want {
		for _, v := range values[:min(len(values), tocsin.MaxLabels)] {
			l := oneLabel{kind, strings.ToLower(v)}
			if done[l] {
				continue
			}
			done[l] = true
			if had[l] {
				continue
			}
			if err := tx.putLabelText(kind, l.value, v); err != nil {
				return rows, nil, err
			}
			rows = append(rows, id, kind, l.value)
		}
	}
	for l := range had {
		if !done[l] {
			gone = append(gone, l)
		}
	}
	return rows, gone, nil
}

func (tx *Tx) removeLabels(t labelTable, id any, gone []oneLabel) error {
	for _, l := range gone {
		if _, err := tx.exec(t.remove, id, l.kind, l.value); err != nil {
			return err
		}
	}
	return nil
}

// putLabels makes the labels of a thing what they should be, writing only the
// difference: they hardly ever change.
func (tx *Tx) putLabels(t labelTable, id any, want map[string][]string) error {
	had := map[oneLabel]bool{}
	rows, err := tx.query(t.read, id)
	err = each(rows, err, func(rows *sql.Rows) error {
		var l oneLabel
		err := rows.Scan(&l.kind, &l.value)
		had[l] = true
		return err
	})
	if err != nil {
		return err
	}
	add, gone, err := tx.labelChanges(nil, id, had, want)
	if err == nil {
		err = tx.execRows(t.add, 3, "", add)
	}
	if err == nil {
		err = tx.removeLabels(t, id, gone)
	}
	return err
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

// MoveAll moves what belongs to one incident into another: alerts, comments,
// tasks and names. It returns how many alerts moved.
func (tx *Tx) MoveAll(from, to int64) (int64, error) {
	for _, q := range []string{
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
