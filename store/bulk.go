package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// bulkIDs is how many ids stand in one row.
const bulkIDs = 1000

// CreateBulk keeps a bulk change and the ids that it is about. ID, State, Total
// and Created are assigned here.
func (tx *Tx) CreateBulk(b *tocsin.Bulk, ids []string) error {
	id, err := tx.next("bulk")
	if err != nil {
		return fmt.Errorf("number a bulk change: %w", err)
	}
	b.ID, b.State, b.Total, b.Created = id, tocsin.BulkRunning, int64(len(ids)), tx.now
	body, err := toJSON(b)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO bulk (tenant, id, noun, state, asker, undo_of, undone_by, total, done, changed, unchanged, refused, created, finished, body)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0, 0, 0, 0, $8, 0, $9)`,
		b.ID, b.Noun, string(b.State), b.Asker.ID, b.UndoOf, b.Total, micros(b.Created), body); err != nil {
		return fmt.Errorf("keep bulk change: %w", err)
	}
	for first := 0; first < len(ids); first += bulkIDs {
		part, err := toJSON(ids[first:min(first+bulkIDs, len(ids))])
		if err != nil {
			return err
		}
		if _, err := tx.exec(`INSERT INTO bulk_ids (tenant, bulk_id, first, ids) VALUES ($1, $2, $3, $4)`, b.ID, first, part); err != nil {
			return fmt.Errorf("keep ids of bulk change %d: %w", b.ID, err)
		}
	}
	return nil
}

const bulkColumns = `body, state, undone_by, done, changed, unchanged, refused, finished`

func scanBulk(rows *sql.Rows) (b tocsin.Bulk, err error) {
	var body string
	var state tocsin.BulkState
	var undone, done, changed, unchanged, refused, finished int64
	if err := rows.Scan(&body, &state, &undone, &done, &changed, &unchanged, &refused, &finished); err != nil {
		return b, err
	}
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return b, fmt.Errorf("read bulk change: %w", err)
	}
	b.State, b.UndoneBy, b.Done, b.Changed, b.Unchanged, b.Refused, b.Finished = state, undone, done, changed, unchanged, refused, fromMicros(finished)
	return b, nil
}

// Bulk is the bulk change of this number; CodeNotFound when the tenant has none
// such.
func (tx *Tx) Bulk(id int64) (b tocsin.Bulk, err error) {
	found := false
	rows, err := tx.query(`SELECT `+bulkColumns+` FROM bulk WHERE tenant = $1 AND id = $2`, id)
	err = each(rows, err, func(rows *sql.Rows) error {
		found = true
		b, err = scanBulk(rows)
		return err
	})
	if err == nil && !found {
		err = tocsin.Errorf(tocsin.CodeNotFound, "there is no bulk change %d", id)
	}
	return b, err
}

// BulksOf are the bulk changes that somebody asked for, newest first, at most
// limit.
func (tx *Tx) BulksOf(asker string, limit int) (out []tocsin.Bulk, err error) {
	rows, err := tx.query(`SELECT `+bulkColumns+` FROM bulk WHERE tenant = $1 AND asker = $2 ORDER BY id DESC LIMIT $3`, asker, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		b, err := scanBulk(rows)
		out = append(out, b)
		return err
	})
	return out, err
}

// SaveBulk writes how far a bulk change is.
func (tx *Tx) SaveBulk(b *tocsin.Bulk) error {
	_, err := tx.exec(`UPDATE bulk SET state = $3, undone_by = $4, done = $5, changed = $6, unchanged = $7, refused = $8, finished = $9
		WHERE tenant = $1 AND id = $2`, b.ID, string(b.State), b.UndoneBy, b.Done, b.Changed, b.Unchanged, b.Refused, micros(b.Finished))
	if err != nil {
		return fmt.Errorf("save bulk change %d: %w", b.ID, err)
	}
	return nil
}

// BulkIDs are ids that a bulk change is about, from a position on: at least one
// while there are more, and no more than suit one reading.
func (tx *Tx) BulkIDs(id, from int64) (ids []string, err error) {
	first := from / bulkIDs * bulkIDs
	var part string
	found, err := tx.one(`SELECT ids FROM bulk_ids WHERE tenant = $1 AND bulk_id = $2 AND first = $3`, []any{id, first}, &part)
	if err != nil || !found {
		return nil, err
	}
	if err := json.Unmarshal([]byte(part), &ids); err != nil {
		return nil, fmt.Errorf("read ids of bulk change %d: %w", id, err)
	}
	return ids[min(int(from-first), len(ids)):], nil
}

// PutBulkItem keeps what became of one item.
func (tx *Tx) PutBulkItem(bulk int64, it tocsin.BulkItem) error {
	_, err := tx.exec(`INSERT INTO bulk_item (tenant, bulk_id, position, item_id, state, reason, undo) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		bulk, it.Position, it.ItemID, string(it.State), it.Reason, string(it.Undo))
	if err != nil {
		return fmt.Errorf("keep item %d of bulk change %d: %w", it.Position, bulk, err)
	}
	return nil
}

// BulkItems are items of a bulk change that were dealt with, behind a position
// (-1: from the first), at most limit; of one state unless that is "".
func (tx *Tx) BulkItems(bulk int64, state tocsin.BulkItemState, after int64, limit int) (out []tocsin.BulkItem, err error) {
	q := `SELECT position, item_id, state, reason, undo FROM bulk_item WHERE tenant = $1 AND bulk_id = $2 AND position > $3`
	args := []any{bulk, after, limit}
	if state != "" {
		q += ` AND state = $5`
		args = append(args, string(state))
	}
	rows, err := tx.query(q+` ORDER BY position LIMIT $4`, args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var it tocsin.BulkItem
		var undo string
		err := rows.Scan(&it.Position, &it.ItemID, &it.State, &it.Reason, &undo)
		it.Undo = json.RawMessage(undo)
		out = append(out, it)
		return err
	})
	return out, err
}

// BulkItemOf is what became of one thing; false when it was not dealt with.
func (tx *Tx) BulkItemOf(bulk, position int64) (it tocsin.BulkItem, found bool, err error) {
	var undo string
	found, err = tx.one(`SELECT position, item_id, state, reason, undo FROM bulk_item WHERE tenant = $1 AND bulk_id = $2 AND position = $3`,
		[]any{bulk, position}, &it.Position, &it.ItemID, &it.State, &it.Reason, &undo)
	it.Undo = json.RawMessage(undo)
	return it, found, err
}

// Matching are the ids of the incidents or alerts that match a query, in its
// order; one more than limit when there are more. Top and Skip have no part.
func (tx *Tx) Matching(of string, q tocsin.Query, limit int) (ids []string, err error) {
	n := incidents
	if of == alerts.name {
		n = alerts
	}
	asked, err := tx.compile(n, q, "")
	if err != nil {
		return nil, err
	}
	rows, err := tx.queryOnce(asked.with+`SELECT `+n.alias+`.id FROM `+asked.table+` WHERE `+asked.where+` ORDER BY `+asked.order+` LIMIT `+asked.arg(limit+1), asked.args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id any
		if err := rows.Scan(&id); err != nil {
			return err
		}
		switch id := id.(type) {
		case int64:
			ids = append(ids, strconv.FormatInt(id, 10))
		case string:
			ids = append(ids, id)
		case []byte:
			ids = append(ids, string(id))
		default:
			return fmt.Errorf("an id is a %T", id)
		}
		return nil
	})
	return ids, err
}

// AlertStand is what assigning or resolving an incident changes of its alerts.
type AlertStand struct {
	ID         string `json:"id"`
	Version    int64  `json:"version"`
	Status     string `json:"status"`
	AssignedTo string `json:"assignedTo,omitempty"`
	Resolved   int64  `json:"resolved,omitempty"` // microseconds since 1970, 0: not resolved
}

// AlertStands are those of the alerts of an incident, in the order of their ids.
func (tx *Tx) AlertStands(incidentID int64) (out []AlertStand, err error) {
	rows, err := tx.query(`SELECT id, version, status, assigned_to, resolved FROM alert AS a WHERE tenant = $1 AND incident_id = $2`+and(tx.alertCondition("a.id")), incidentID)
	err = each(rows, err, func(rows *sql.Rows) error {
		var a AlertStand
		err := rows.Scan(&a.ID, &a.Version, &a.Status, &a.AssignedTo, &a.Resolved)
		out = append(out, a)
		return err
	})
	// Sorted here: asked for it, the database would walk all alerts by their ids.
	slices.SortFunc(out, func(a, b AlertStand) int { return strings.Compare(a.ID, b.ID) })
	return out, err
}

// RestoreAlert makes an alert of an incident stand as it did, unless it has
// another version than stand says or is elsewhere by now: then it is false.
func (tx *Tx) RestoreAlert(incidentID int64, stand AlertStand) (bool, error) {
	n, err := tx.exec(`UPDATE alert SET status = $5, assigned_to = $6, resolved = $7, version = version + 1, last_update = $8
		WHERE tenant = $1 AND id = $2 AND incident_id = $3 AND version = $4`,
		stand.ID, incidentID, stand.Version, stand.Status, stand.AssignedTo, stand.Resolved, micros(tx.now))
	return n > 0, err
}

// Try runs fn so that what it wrote is undone when it returns an error, and
// returns that error; the transaction goes on either way. What fn keeps in
// memory of what it wrote is the caller's to forget.
func (tx *Tx) Try(fn func() error) error {
	if !tx.write {
		return errReadOnly
	}
	do := func(q string) error {
		_, err := tx.raw.ExecContext(tx.stmtContext(), q)
		return err
	}
	if err := do(`SAVEPOINT try`); err != nil {
		return fmt.Errorf("begin a try: %w", err)
	}
	seq, hash, known := tx.headSeq, tx.headHash, tx.headKnown
	if err := fn(); err != nil {
		tx.headSeq, tx.headHash, tx.headKnown = seq, hash, known
		if e := do(`ROLLBACK TO SAVEPOINT try`); e != nil {
			return fmt.Errorf("undo a try: %w", e)
		}
		if e := do(`RELEASE SAVEPOINT try`); e != nil {
			return fmt.Errorf("undo a try: %w", e)
		}
		return err
	}
	return do(`RELEASE SAVEPOINT try`)
}
