package cases

import (
	"context"
	"slices"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// exportChunk is how many rows of an export one transaction reads, so that a
// slow reader holds none open.
const exportChunk = 500

// ExportIncidents finds what a query asks for, without its page: at most 10,000
// incidents in its order. begin is called once with the number of all that
// match and of those that follow, then each with every incident. The list is
// fixed at the beginning; each row is as it is when it is read.
func (c *Cases) ExportIncidents(ctx context.Context, q tocsin.Query, begin func(total int64, rows int) error, each func(inc *tocsin.Incident) error) error {
	var ids []int64
	var total int64
	err := c.st.View(ctx, func(tx *store.Tx) (err error) {
		ids, total, err = tx.IncidentsToExport(q)
		return err
	})
	if err != nil {
		return err
	}
	return export(ctx, c.st, ids, total, begin, (*store.Tx).IncidentsByID, each)
}

// ExportAlerts is the same of alerts.
func (c *Cases) ExportAlerts(ctx context.Context, q tocsin.Query, begin func(total int64, rows int) error, each func(a *tocsin.Alert) error) error {
	var ids []string
	var total int64
	err := c.st.View(ctx, func(tx *store.Tx) (err error) {
		ids, total, err = tx.AlertsToExport(q)
		return err
	})
	if err != nil {
		return err
	}
	return export(ctx, c.st, ids, total, begin, (*store.Tx).AlertsByID, each)
}

func export[ID, T any](ctx context.Context, st *store.Store, ids []ID, total int64, begin func(int64, int) error,
	read func(*store.Tx, []ID) ([]T, error), each func(*T) error) error {
	if err := begin(total, len(ids)); err != nil {
		return err
	}
	for part := range slices.Chunk(ids, exportChunk) {
		var rows []T
		err := st.View(ctx, func(tx *store.Tx) (err error) {
			rows, err = read(tx, part)
			return err
		})
		if err != nil {
			return err
		}
		for i := range rows {
			if err := each(&rows[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
