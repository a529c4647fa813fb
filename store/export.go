package store

import (
	"database/sql"

	"github.com/tocsinhq/tocsin"
)

// MaxExport is how many things one export holds.
const MaxExport = 10_000

// IncidentsToExport are the numbers of the incidents that a query finds, in its
// order, at most MaxExport, and how many it finds in all. Page and count of the
// query are not looked at.
func (tx *Tx) IncidentsToExport(q tocsin.Query) (ids []int64, total int64, err error) {
	total, err = tx.toExport(incidents, q, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, total, err
}

// AlertsToExport are the same of alerts.
func (tx *Tx) AlertsToExport(q tocsin.Query) (ids []string, total int64, err error) {
	total, err = tx.toExport(alerts, q, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, total, err
}

func (tx *Tx) toExport(n noun, q tocsin.Query, scan func(rows *sql.Rows) error) (total int64, err error) {
	asked, err := tx.compile(n, q, "")
	if err != nil {
		return 0, err
	}
	if total, err = tx.count(asked); err != nil {
		return 0, err
	}
	rows, err := tx.queryOnce(asked.with+`SELECT `+n.alias+`.id FROM `+asked.table+` WHERE `+asked.where+` ORDER BY `+asked.order+` LIMIT `+asked.arg(MaxExport), asked.args...)
	return total, each(rows, err, scan)
}

// IncidentsByID are the incidents with these numbers, at most 1,000, in this
// order, without alerts and comments; those that the tenant has not are left
// out.
func (tx *Tx) IncidentsByID(ids []int64) ([]tocsin.Incident, error) {
	if len(ids) > MaxTop {
		return nil, tocsin.Errorf(tocsin.CodeLimit, "at most %d incidents are read at once", MaxTop)
	}
	return tx.incidents(ids)
}

// AlertsByID are the same of alerts.
func (tx *Tx) AlertsByID(ids []string) ([]tocsin.Alert, error) {
	if len(ids) > MaxTop {
		return nil, tocsin.Errorf(tocsin.CodeLimit, "at most %d alerts are read at once", MaxTop)
	}
	return tx.alertsByID(ids)
}
