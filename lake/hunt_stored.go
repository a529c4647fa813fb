package lake

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Between gives the stored rows of a table whose time is between from and to,
// zero for no bound, in no order, as maps like those of Sample: what a
// LiveTable adds of what was delivered as telemetry.
func (l *Lake) Between(ctx context.Context, table string, from, to time.Time, emit func(row map[string]any) error) error {
	t, err := findTable(table)
	if err != nil {
		return err
	}
	var bounds []string
	var args []any
	if name := t.TimeColumn(); name != "" {
		if !from.IsZero() {
			bounds, args = append(bounds, quote(name)+" >= make_timestamp(?)"), append(args, from.UnixMicro())
		}
		if !to.IsZero() {
			bounds, args = append(bounds, quote(name)+" <= make_timestamp(?)"), append(args, to.UnixMicro())
		}
	}
	where := ""
	if bounds != nil {
		where = " WHERE " + strings.Join(bounds, " AND ")
	}
	return l.each(ctx, func(r *Rows) error {
		row, err := scanMap(t, r)
		if err != nil {
			return err
		}
		return emit(row)
	}, fmt.Sprintf("SELECT %s FROM %s%s", columnList(t), quote(t.Name), where), args...)
}
