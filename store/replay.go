package store

import (
	"database/sql"
	"time"

	"github.com/tocsinhq/tocsin"
)

// AlertNumbers are the numbers of the newest alerts that were taken since a
// time, at most limit, in the order of taking. Numbers are the store's own, for
// AlertsByNumber.
func (tx *Tx) AlertNumbers(since time.Time, limit int) (nos []int64, err error) {
	if tx.Limited() {
		return nil, tocsin.Errorf(tocsin.CodeForbidden, "this reads all alerts, and you see those of some device groups only")
	}
	rows, err := tx.query(`SELECT no FROM (SELECT no, created, id FROM alert WHERE tenant = $1 AND created >= $2 ORDER BY created DESC, id DESC LIMIT $3) AS newest
		ORDER BY no`, micros(since), limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		var no int64
		err := rows.Scan(&no)
		nos = append(nos, no)
		return err
	})
	return nos, err
}

// AlertsByNumber are the alerts with these numbers, in their order, at most
// some hundreds at a time, without comments. With groups it also says of which
// device groups the devices of each alert are, by the alert's id.
func (tx *Tx) AlertsByNumber(nos []int64, groups bool) (out []tocsin.Alert, of map[string][]int64, err error) {
	if tx.Limited() {
		return nil, nil, tocsin.Errorf(tocsin.CodeForbidden, "this reads all alerts, and you see those of some device groups only")
	}
	if len(nos) == 0 {
		return nil, nil, nil
	}
	rows, err := tx.queryOnce(`SELECT `+alertColumns+fromAlert+`a.no IN `+inList(2, len(nos))+` ORDER BY a.no`, anys(nos)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		if err == nil {
			out = append(out, *a)
		}
		return err
	})
	if err != nil || !groups {
		return out, nil, err
	}
	of = map[string][]int64{}
	rows, err = tx.queryOnce(`SELECT DISTINCT a.id, d.group_id FROM alert AS a JOIN alert_device AS s ON s.tenant = a.tenant AND s.alert_id = a.id
		JOIN device AS d ON d.tenant = s.tenant AND d.id = s.device_id WHERE a.tenant = $1 AND a.no IN `+inList(2, len(nos)), anys(nos)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id string
		var g int64
		err := rows.Scan(&id, &g)
		of[id] = append(of[id], g)
		return err
	})
	return out, of, err
}
