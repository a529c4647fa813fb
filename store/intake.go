package store

import (
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/tocsinhq/tocsin"
)

// AlertRow is an alert with what is kept beside it.
type AlertRow struct {
	Alert *tocsin.Alert
	// Facts is what correlation compares, Digest what counting an incident
	// needs; both are JSON of the caller's making.
	Facts, Digest string
	Keys          []int64  // KeyNumber of what it is found by; nil: as they were
	Names         []string // to search it by, beside those it had
	Devices       []tocsin.Seen
	Fresh         bool // it is not in the store yet
}

// PutAlert writes an alert with its labels. The alert's incident must exist.
// Comments are kept elsewhere and are left alone. A principal that sees only a
// part of it cannot write it: an error of CodeForbidden.
func (tx *Tx) PutAlert(r AlertRow) error { return tx.PutAlerts([]AlertRow{r}) }

// PutAlerts writes alerts as PutAlert does, and faster than one by one.
func (tx *Tx) PutAlerts(rows []AlertRow) error {
	if len(rows) == 0 {
		return nil
	}
	kept := make([]tocsin.Alert, len(rows))
	for i := range rows {
		if err := tx.requireWholeAlert(rows[i].Alert.ID, rows[i].Fresh); err != nil {
			return err
		}
		rows[i].Alert.Tenant = tx.who.Tenant
		kept[i] = *rows[i].Alert
		kept[i].Comments = nil
		if tx.scope != nil && !rows[i].Fresh {
			// Links to alerts that are not to be seen were left out in reading.
			back := tx.AsEngine()
			whole, err := tx.Alert(kept[i].ID)
			back()
			if err != nil {
				return err
			}
			kept[i].Links = whole.Links
		}
	}
	nos, err := tx.alertNumbers(rows)
	if err != nil {
		return err
	}
	bodies, err := inParallel(kept, func(a *tocsin.Alert) (string, error) { return toJSON(a) })
	if err == nil {
		err = tx.putAlertRows(rows, nos)
	}
	if err == nil {
		err = tx.putAlertBodies(rows, nos, bodies)
	}
	if err == nil {
		err = tx.putAlertLabels(rows, nos)
	}
	if err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	if err := tx.putNames(rows, nos); err != nil {
		return err
	}
	return tx.putDevices(rows)
}

// alertNumbers are the numbers of the alerts, new ones for those that are not
// known.
func (tx *Tx) alertNumbers(rows []AlertRow) (nos []int64, err error) {
	nos = make([]int64, len(rows))
	for i := range rows {
		found := false
		if !rows[i].Fresh {
			found, err = tx.one(`SELECT no FROM alert WHERE tenant = $1 AND id = $2`, []any{rows[i].Alert.ID}, &nos[i])
		}
		if err == nil && !found {
			nos[i], err = tx.next("alert")
		}
		if err != nil {
			return nil, fmt.Errorf("number alert %s: %w", rows[i].Alert.ID, err)
		}
	}
	return nos, nil
}

func (tx *Tx) putAlertRows(rows []AlertRow, nos []int64) error {
	const columns = 23
	args := make([]any, 0, columns*len(rows))
	for i := range rows {
		a := rows[i].Alert
		args = append(args, nos[i], a.ID, a.Source, a.ExternalID, a.IncidentID, a.Version, a.Title, a.Severity.Rank(), string(a.Status),
			string(a.Classification), string(a.Determination), a.AssignedTo, string(a.ServiceSource), string(a.DetectionSource), a.ProductName,
			a.DetectorID, a.Category, micros(a.Created), micros(a.FirstActivity), micros(a.LastActivity), micros(a.LastUpdate), micros(a.Resolved), a.Count)
	}
	return tx.execRows(`INSERT INTO alert (tenant, no, id, source, external_id, incident_id, version, title, severity, status, classification, determination,
			assigned_to, service_source, detection_source, product_name, detector_id, category, created, first_activity, last_activity,
			last_update, resolved, count) VALUES `, columns, `
		ON CONFLICT (no) DO UPDATE SET incident_id = excluded.incident_id, version = excluded.version, title = excluded.title,
			severity = excluded.severity, status = excluded.status, classification = excluded.classification,
			determination = excluded.determination, assigned_to = excluded.assigned_to, detection_source = excluded.detection_source,
			category = excluded.category, first_activity = excluded.first_activity, last_activity = excluded.last_activity,
			last_update = excluded.last_update, resolved = excluded.resolved, count = excluded.count`, args)
}

func (tx *Tx) putAlertBodies(rows []AlertRow, nos []int64, bodies []string) error {
	args := make([]any, 0, 5*len(rows))
	for i := range rows {
		args = append(args, nos[i], packKeys(rows[i].Keys), rows[i].Digest, rows[i].Facts, bodies[i])
	}
	return tx.execRows(`INSERT INTO alert_body (tenant, no, keys, digest, facts, body) VALUES `, 5, `
		ON CONFLICT (no) DO UPDATE SET body = excluded.body, facts = excluded.facts, digest = excluded.digest,
			keys = CASE WHEN length(excluded.keys) = 0 THEN alert_body.keys ELSE excluded.keys END`, args)
}

func (tx *Tx) putAlertLabels(rows []AlertRow, nos []int64) error {
	var fresh []any
	for i := range rows {
		want := alertLabelsOf(rows[i].Alert)
		var err error
		if rows[i].Fresh {
			fresh, _, err = tx.labelChanges(fresh, nos[i], nil, want)
		} else {
			err = tx.putLabels(alertLabels, nos[i], want)
		}
		if err != nil {
			return err
		}
	}
	return tx.execRows(alertLabels.add, 3, "", fresh)
}

// inParallel calls f for every element, on as many processors as there are.
func inParallel[T, R any](in []T, f func(*T) (R, error)) ([]R, error) {
	out := make([]R, len(in))
	workers := min(runtime.GOMAXPROCS(0), len(in)/8)
	if workers < 2 {
		for i := range in {
			var err error
			if out[i], err = f(&in[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(in) && errs[w] == nil; i += workers {
				out[i], errs[w] = f(&in[i])
			}
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// Origin is where an alert comes from, which tells it from all others.
type Origin struct{ Source, ExternalID string }

// AlertsFrom are the ids of those alerts that the tenant has, by where they
// come from.
func (tx *Tx) AlertsFrom(of []Origin) (map[Origin]string, error) {
	bySource := map[string][]any{}
	for _, o := range of {
		bySource[o.Source] = append(bySource[o.Source], o.ExternalID)
	}
	out := map[Origin]string{}
	for source, ids := range bySource {
		for part := range slices.Chunk(ids, askedAtOnce) {
			rows, err := tx.query(`SELECT id, external_id FROM alert WHERE tenant = $1 AND source = $2 AND external_id IN `+inList(3, askedAtOnce),
				append([]any{source}, padded(part)...)...)
			err = each(rows, err, func(rows *sql.Rows) error {
				var id, external string
				err := rows.Scan(&id, &external)
				out[Origin{source, external}] = id
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("look for known alerts: %w", err)
			}
		}
	}
	return out, nil
}

// askedAtOnce is how many values statements ask for that are kept prepared.
const askedAtOnce = 32

// padded brings a list to that length.
func padded(in []any) []any {
	out := make([]any, askedAtOnce)
	for i := range out {
		out[i] = in[min(i, len(in)-1)]
	}
	return out
}

// TakeDeliveries notes hand-overs, and tells which of them were not taken
// before.
func (tx *Tx) TakeDeliveries(ids []string) (map[string]bool, error) {
	had := map[string]bool{}
	for part := range slices.Chunk(anys(ids), askedAtOnce) {
		rows, err := tx.query(`SELECT id FROM delivery WHERE tenant = $1 AND id IN `+inList(2, askedAtOnce), padded(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var id string
			err := rows.Scan(&id)
			had[id] = true
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look for hand-overs: %w", err)
		}
	}
	first := map[string]bool{}
	var rows []any
	for _, id := range ids {
		if !had[id] && !first[id] {
			first[id] = true
			rows = append(rows, id, micros(tx.now))
		}
	}
	err := tx.execRows(`INSERT INTO delivery (tenant, id, at) VALUES `, 2, "", rows)
	if err != nil {
		return nil, fmt.Errorf("note hand-overs: %w", err)
	}
	return first, nil
}

// FactsOf is what PutAlerts was given for these alerts, by id.
func (tx *Tx) FactsOf(ids []string) (map[string]string, error) {
	out := make(map[string]string, len(ids))
	for part := range slices.Chunk(anys(ids), askedAtOnce) {
		rows, err := tx.query(`SELECT a.id, b.facts`+fromAlert+`a.id IN `+inList(2, askedAtOnce), padded(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var id, facts string
			err := rows.Scan(&id, &facts)
			out[id] = facts
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read facts of alerts: %w", err)
		}
	}
	return out, nil
}
