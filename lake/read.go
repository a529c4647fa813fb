package lake

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tocsinhq/tocsin"
)

// Rows is a result being read; close it.
type Rows struct {
	*sql.Rows
	conn *sql.Conn
}

// Close ends the reading and its transaction.
func (r *Rows) Close() error {
	err := r.Rows.Close()
	_, rollback := r.conn.ExecContext(context.Background(), "ROLLBACK")
	return errors.Join(err, rollback, r.conn.Close())
}

// Query runs one SELECT in a transaction that cannot write. CodeInvalid for
// anything else than one SELECT. A cancelled ctx ends it.
func (l *Lake) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return nil, l.readError(err)
	}
	if err := conn.Raw(func(c any) error { return onlySelect(c.(*duckdb.Conn), query) }); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if _, err := conn.ExecContext(ctx, "BEGIN TRANSACTION READ ONLY"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		_, rollback := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return nil, errors.Join(err, rollback, conn.Close())
	}
	return &Rows{rows, conn}, nil
}

func (l *Lake) readError(err error) error {
	if errors.Is(err, sql.ErrConnDone) || l.ctx.Err() != nil {
		return errClosed
	}
	return err
}

func onlySelect(conn *duckdb.Conn, query string) error {
	stmt, err := conn.Prepare(query) // refuses several statements
	if err != nil {
		return &tocsin.Error{Code: tocsin.CodeInvalid, Msg: err.Error(), Err: err}
	}
	defer stmt.Close()
	if typ, err := stmt.(*duckdb.Stmt).StatementType(); err != nil || typ != duckdb.STATEMENT_TYPE_SELECT {
		return tocsin.Errorf(tocsin.CodeInvalid, "only SELECT can be run")
	}
	return nil
}

// each calls fn for every row of a query.
func (l *Lake) each(ctx context.Context, fn func(*Rows) error, query string, args ...any) error {
	rows, err := l.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := fn(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// Count is the number of rows of one table.
func (l *Lake) Count(ctx context.Context, table string) (n int64, err error) {
	if _, err := findTable(table); err != nil {
		return 0, err
	}
	err = l.each(ctx, func(r *Rows) error { return r.Scan(&n) }, "SELECT count(*) FROM "+quote(table))
	return n, err
}

// Counts is the number of rows of every table that has any.
func (l *Lake) Counts(ctx context.Context) (map[string]int64, error) {
	var parts []string
	for _, t := range Catalog().Tables() {
		parts = append(parts, fmt.Sprintf("SELECT '%s', count(*) FROM %s", t.Name, quote(t.Name)))
	}
	counts := make(map[string]int64)
	err := l.each(ctx, func(r *Rows) error {
		var name string
		var n int64
		if err := r.Scan(&name, &n); err != nil {
			return err
		}
		if n > 0 {
			counts[name] = n
		}
		return nil
	}, strings.Join(parts, " UNION ALL "))
	return counts, err
}

// Sample is up to n rows of a table, the last stored first.
func (l *Lake) Sample(ctx context.Context, table string, n int) ([]map[string]any, error) {
	t, err := findTable(table)
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	err = l.each(ctx, func(r *Rows) error {
		row, err := scanMap(t, r)
		out = append(out, row)
		return err
	}, fmt.Sprintf("SELECT %s FROM %s ORDER BY %s DESC, rowid DESC LIMIT %d", columnList(t), quote(t.Name), quote(ingestedColumn), max(n, 0)))
	return out, err
}

// refsAtOnce bounds one statement of Rows.
const refsAtOnce = 500

// Rows fetches the rows that refs point at, as maps by column name without
// empty columns: string, int64, float64, bool, time.Time, json.RawMessage. The
// result has the order of refs; a ref whose row is not there gives nil.
func (l *Lake) Rows(ctx context.Context, refs []tocsin.RowRef) ([]map[string]any, error) {
	out := make([]map[string]any, len(refs))
	byTable := make(map[string][]int)
	for i, ref := range refs {
		byTable[ref.Table] = append(byTable[ref.Table], i)
	}
	for table, all := range byTable {
		t, err := findTable(table)
		if err != nil {
			return nil, err
		}
		mine, err := l.mayRead(ctx, t)
		if err != nil {
			return nil, err
		}
		for len(all) > 0 {
			n := min(refsAtOnce, len(all))
			if err := l.fetch(ctx, t, refs, all[:n], out); err != nil {
				return nil, fmt.Errorf("rows of %s: %w", table, err)
			}
			for _, i := range all[:n] {
				if out[i] != nil && !mine(out[i]) {
					out[i] = nil
				}
			}
			all = all[n:]
		}
	}
	return out, nil
}

// rowKey is a RowRef as the database spells it.
type rowKey struct {
	us          int64
	device, key string
}

// fetch reads the rows of one table. The time range and the keys narrow the
// scan by the statistics of row groups; the exact match is made here.
func (l *Lake) fetch(ctx context.Context, t *Table, refs []tocsin.RowRef, which []int, out []map[string]any) error {
	want := make(map[rowKey][]int)
	var where []string
	var args []any
	var keys []string
	lo, hi := int64(1<<62), int64(-1<<62)
	for _, i := range which {
		k := rowKey{device: refs[i].DeviceID, key: refs[i].ReportID}
		if t.Time >= 0 {
			k.us = refs[i].Time.UnixMicro()
		}
		lo, hi = min(lo, k.us), max(hi, k.us)
		want[k] = append(want[k], i)
		keys = append(keys, k.key)
	}
	if t.Time >= 0 {
		name := quote(t.TimeColumn())
		where = append(where, name+" >= make_timestamp(?)", name+" <= make_timestamp(?)")
		args = append(args, lo, hi)
	}
	if t.Key >= 0 {
		where, args = appendIn(where, args, t.Columns[t.Key], keys)
	}
	if len(where) == 0 {
		where = append(where, "true")
	}
	return l.each(ctx, func(r *Rows) error {
		row, err := scanMap(t, r)
		if err != nil {
			return err
		}
		for _, i := range want[keyOf(t, row)] {
			if out[i] == nil {
				out[i] = row
			}
		}
		return nil
	}, fmt.Sprintf("SELECT %s FROM %s WHERE %s", columnList(t), quote(t.Name), strings.Join(where, " AND ")), args...)
}

func appendIn(where []string, args []any, c Column, keys []string) ([]string, []any) {
	var marks []string
	for _, k := range keys {
		if k == "" {
			return where, args // rows without a key: the time must do
		}
		if c.Type == Long || c.Type == Int {
			n, err := strconv.ParseInt(k, 10, 64)
			if err != nil {
				continue // no row has it
			}
			args = append(args, n)
		} else {
			args = append(args, k)
		}
		marks = append(marks, "?")
	}
	if len(marks) == 0 {
		return append(where, "false"), args
	}
	return append(where, quote(c.Name)+" IN ("+strings.Join(marks, ", ")+")"), args
}

func keyOf(t *Table, row map[string]any) rowKey {
	text := func(col int) string {
		if col < 0 || row[t.Columns[col].Name] == nil {
			return ""
		}
		return fmt.Sprint(row[t.Columns[col].Name])
	}
	k := rowKey{device: text(t.Device), key: text(t.Key)}
	if at, ok := row[t.TimeColumn()].(time.Time); ok {
		k.us = at.UnixMicro()
	}
	return k
}

// columnList selects the declared columns in order; JSON as its text, which the
// driver would otherwise parse.
func columnList(t *Table) string {
	list := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		list[i] = quote(c.Name)
		if c.Type == Dynamic {
			list[i] = "CAST(" + list[i] + " AS VARCHAR)"
		}
	}
	return strings.Join(list, ", ")
}

func scanMap(t *Table, r *Rows) (map[string]any, error) {
	vals := make([]any, len(t.Columns))
	ptrs := make([]any, len(vals))
	for i := range vals {
		ptrs[i] = &vals[i]
	}
	if err := r.Scan(ptrs...); err != nil {
		return nil, err
	}
	row := make(map[string]any)
	for i, c := range t.Columns {
		switch v := vals[i].(type) {
		case nil:
			continue
		case int32:
			row[c.Name] = int64(v)
		case string:
			row[c.Name] = v
			if c.Type == Dynamic {
				row[c.Name] = json.RawMessage(v)
			}
		default:
			row[c.Name] = v
		}
	}
	return row, nil
}

// Quarantine lists refused records, the last first.
func (l *Lake) Quarantine(ctx context.Context, limit int) ([]Quarantined, error) {
	var out []Quarantined
	err := l.each(ctx, func(r *Rows) error {
		var q Quarantined
		err := r.Scan(&q.At, &q.Source, &q.Item, &q.Offset, &q.Reason, &q.Raw)
		out = append(out, q)
		return err
	}, `SELECT "At", Source, Item, "Offset", Reason, Raw FROM Quarantine ORDER BY _ingested DESC, rowid DESC LIMIT `+strconv.Itoa(max(limit, 0)))
	return out, err
}

// QuarantineSummary counts refused records by reason, most frequent first.
func (l *Lake) QuarantineSummary(ctx context.Context) ([]ReasonCount, error) {
	var out []ReasonCount
	err := l.each(ctx, func(r *Rows) error {
		var c ReasonCount
		err := r.Scan(&c.Reason, &c.Count, &c.Last)
		out = append(out, c)
		return err
	}, `SELECT Reason, count(*), max("At") FROM Quarantine GROUP BY Reason ORDER BY count(*) DESC, Reason`)
	return out, err
}

// Progress is how far each item of a source is stored, keyed by item.
func (l *Lake) Progress(ctx context.Context, source string) (map[string]Progress, error) {
	out := make(map[string]Progress)
	err := l.each(ctx, func(r *Rows) error {
		p := Progress{Source: source}
		err := r.Scan(&p.Item, &p.Records, &p.Rows, &p.Done)
		out[p.Item] = p
		return err
	}, "SELECT item, records, rows, done FROM _progress WHERE source = ?", source)
	return out, err
}

// Outbox lists up to limit items with a sequence above after, in order.
func (l *Lake) Outbox(ctx context.Context, after int64, limit int) ([]OutboxEntry, error) {
	var out []OutboxEntry
	err := l.each(ctx, func(r *Rows) error {
		var e OutboxEntry
		err := r.Scan(&e.Seq, &e.Payload)
		out = append(out, e)
		return err
	}, "SELECT seq, payload FROM _outbox WHERE seq > ? ORDER BY seq LIMIT "+strconv.Itoa(max(limit, 0)), after)
	return out, err
}

// OutboxDone forgets the items up to and including upto.
func (l *Lake) OutboxDone(ctx context.Context, upto int64) error {
	_, err := l.db.ExecContext(ctx, "DELETE FROM _outbox WHERE seq <= ?", upto)
	if err != nil {
		return l.readError(fmt.Errorf("clear the outbox: %w", err))
	}
	return nil
}
