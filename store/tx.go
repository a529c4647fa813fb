package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Tx is one transaction: one moment, one actor, one tenant. It is valid until
// the function that it was given to returns, and for one goroutine.
type Tx struct {
	ctx   context.Context
	s     *Store
	raw   *sql.Tx
	cache *statements
	now   time.Time
	who   tocsin.Principal
	scope *scope // what who is limited to; nil for everything
	write bool

	stmts      map[string]*sql.Stmt
	unprepared []string
	headKnown  bool
	headSeq    int64
	headHash   string
	appended   bool
	lines      []tocsin.Change // of the record, not yet written
	counters   map[string]*counted
	after      []func()
	rescored   bool         // the way of scoring was changed by it
	change     *indexChange // what the index of the queue must follow; nil for nothing

	devices *deviceMemory
	groups  *[]tocsin.DeviceGroup
}

// Now is the time of the transaction, in UTC and whole microseconds.
func (tx *Tx) Now() time.Time { return tx.now }

// Tenant is whose rows the transaction sees.
func (tx *Tx) Tenant() string { return tx.who.Tenant }

// Principal is who asked for the transaction.
func (tx *Tx) Principal() tocsin.Principal { return tx.who }

// Line is the number of the newest line of the record, of whatever tenant, 0
// when there is none.
func (tx *Tx) Line() (int64, error) {
	err := tx.readHead()
	return tx.headSeq, err
}

// Context is the context that the transaction was begun with.
func (tx *Tx) Context() context.Context { return tx.ctx }

// AfterCommit has f called once the transaction is durable, and not at all if
// it fails. f must not call the store.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

var errReadOnly = errors.New("a View cannot write")

// In every statement $1 is the tenant; args begin at $2. That is the whole of
// the isolation between tenants, so there is no way around it here.
func (tx *Tx) bind(args []any) []any {
	out := make([]any, 0, len(args)+1)
	out = append(out, tx.who.Tenant)
	return append(out, args...)
}

// stmt is the prepared statement for a text, nil when it is not prepared yet.
func (tx *Tx) stmt(q string) *sql.Stmt {
	if st, ok := tx.stmts[q]; ok {
		return st
	}
	var st *sql.Stmt
	if kept := tx.cache.get(q); kept != nil {
		st = tx.raw.StmtContext(tx.ctx, kept)
	} else {
		tx.unprepared = append(tx.unprepared, q)
	}
	if tx.stmts == nil {
		tx.stmts = map[string]*sql.Stmt{}
	}
	tx.stmts[q] = st
	return st
}

// stmtContext is what single statements run under. Those of an Update are
// short, and the driver starts a goroutine for each statement that could be
// cancelled; the transaction as a whole still ends with its context.
func (tx *Tx) stmtContext() context.Context {
	if tx.write {
		return context.WithoutCancel(tx.ctx)
	}
	return tx.ctx
}

func (tx *Tx) exec(q string, args ...any) (int64, error) {
	if !tx.write {
		return 0, errReadOnly
	}
	if fault := tx.s.cfg.Fault; fault != nil {
		if err := fault(); err != nil {
			return 0, err
		}
	}
	var res sql.Result
	var err error
	if st := tx.stmt(q); st != nil {
		res, err = st.ExecContext(tx.stmtContext(), tx.bind(args)...)
	} else {
		res, err = tx.raw.ExecContext(tx.stmtContext(), rebind(q), tx.bind(args)...)
	}
	if err != nil {
		return 0, tx.s.dialect.explain(err)
	}
	return res.RowsAffected()
}

// query runs a statement of a fixed text; queryOnce one whose text was put
// together for this call and is not worth keeping prepared.
func (tx *Tx) query(q string, args ...any) (*sql.Rows, error) {
	if err := tx.settleLines(q); err != nil {
		return nil, err
	}
	st := tx.stmt(q)
	if st == nil {
		return tx.queryOnce(q, args...)
	}
	rows, err := st.QueryContext(tx.stmtContext(), tx.bind(args)...)
	if err != nil {
		return nil, tx.s.dialect.explain(err)
	}
	return rows, nil
}

func (tx *Tx) queryOnce(q string, args ...any) (*sql.Rows, error) {
	if err := tx.settleLines(q); err != nil {
		return nil, err
	}
	rows, err := tx.raw.QueryContext(tx.stmtContext(), rebind(q), tx.bind(args)...)
	if err != nil {
		return nil, tx.s.dialect.explain(err)
	}
	return rows, nil
}

// one scans the single row of a statement; found is false when there is none.
func (tx *Tx) one(q string, args []any, dest ...any) (found bool, err error) {
	rows, err := tx.query(q, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, rows.Err()
	}
	if err := rows.Scan(dest...); err != nil {
		return false, err
	}
	return true, rows.Err()
}

// each calls scan for every row, and closes them.
func each(rows *sql.Rows, err error, scan func(rows *sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// counted is a counter as the transaction has left it.
type counted struct{ value, written int64 }

// next takes the next number of a counter.
func (tx *Tx) next(counter string) (int64, error) {
	c := tx.counters[counter]
	if c == nil {
		var n int64
		// $1, the tenant, has no part in it: numbers are unique in the database, so
		// that an incident keeps its number when tenants are brought together. The
		// transaction is the only writer, so the counter is read and written once.
		found, err := tx.one(`SELECT value FROM counter WHERE name = $2 AND $1 <> ''`, []any{counter}, &n)
		if err == nil && !found {
			err = fmt.Errorf("no counter %q", counter)
		}
		if err == nil && !tx.write {
			err = errReadOnly
		}
		if err != nil {
			return 0, err
		}
		if tx.counters == nil {
			tx.counters = map[string]*counted{}
		}
		c = &counted{n, n}
		tx.counters[counter] = c
	}
	c.value++
	return c.value, nil
}

// settle writes what the transaction has put off to its end.
func (tx *Tx) settle() error {
	for name, c := range tx.counters {
		if c.value == c.written {
			continue
		}
		if _, err := tx.exec(`UPDATE counter SET value = $3 WHERE name = $2 AND $1 <> ''`, name, c.value); err != nil {
			return fmt.Errorf("write counter %s: %w", name, err)
		}
		c.written = c.value
	}
	return tx.writeLines()
}

// statements keeps statements prepared on a pool, by their text.
type statements struct {
	db *sql.DB
	mu sync.RWMutex
	m  map[string]*sql.Stmt
}

func (c *statements) get(q string) *sql.Stmt {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.m[q]
}

func (c *statements) prepare(qs []string) {
	for _, q := range qs {
		if c.get(q) != nil {
			continue
		}
		st, err := c.db.Prepare(rebind(q))
		if err != nil {
			continue // whoever runs it gets the error
		}
		c.mu.Lock()
		if c.m == nil {
			c.m = map[string]*sql.Stmt{}
		}
		if c.m[q] != nil {
			st.Close()
		} else {
			c.m[q] = st
		}
		c.mu.Unlock()
	}
}

func (c *statements) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.m {
		st.Close()
	}
	c.m = nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return string(b), nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// inList is the text of a list of n parameters that begins at $from.
func inList(from, n int) string {
	b := []byte{'('}
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(from+i), 10)
	}
	return string(append(b, ')'))
}

func anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}
