package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
)

// indexes are those of the tenants.
type indexes struct {
	// commit is held from before a commit until the indexes have followed it, so
	// that they follow in the order of the commits.
	commit sync.Mutex
	mu     sync.Mutex
	m      map[string]*tenantIndex // under mu
	stop   context.CancelFunc
	ctx    context.Context
}

type tenantIndex struct {
	index *index
	done  chan struct{} // closed when the making of it has ended
	err   error         // why it could not be made; valid after done
	ended time.Time
}

const (
	// smallQueue is up to how many incidents a first question waits until the
	// index is made; with more, the tables answer meanwhile.
	smallQueue = 20_000
	// maxIndexed is how many incidents an index takes.
	maxIndexed = 5_000_000
	indexRetry = time.Minute
)

// index is the index of the tenant of the transaction, nil while there is none.
// The first call begins to make it.
func (tx *Tx) index() *index {
	if tx.scope != nil {
		return nil // it knows what is kept, not what a limited principal sees of it
	}
	if tx.write || tx.s.cfg.NoIndex {
		return nil // a writing transaction sees what the index cannot know yet
	}
	x := &tx.s.indexes
	x.mu.Lock()
	ti := x.m[tx.who.Tenant]
	again := ti != nil && ti.failed() && tx.s.Now().Sub(ti.ended) > indexRetry
	if ti == nil || again {
		ti = &tenantIndex{index: newIndex(), done: make(chan struct{})}
		if x.m == nil {
			x.m = map[string]*tenantIndex{}
		}
		x.m[tx.who.Tenant] = ti
		tx.s.background.Go(func() { tx.s.makeIndex(tx.who.Tenant, ti) })
	}
	x.mu.Unlock()
	select {
	case <-ti.done:
	default:
		var n int64
		if _, err := tx.one(`SELECT count(*) FROM (SELECT 1 FROM incident WHERE tenant = $1 LIMIT $2) AS some`, []any{smallQueue + 1}, &n); err != nil || n > smallQueue {
			return nil
		}
		select {
		case <-ti.done:
		case <-tx.ctx.Done():
			return nil
		}
	}
	if ti.err != nil {
		return nil
	}
	return ti.index
}

func (x *indexes) of(tenant string) *tenantIndex {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.m[tenant]
}

func (ti *tenantIndex) failed() bool {
	select {
	case <-ti.done:
		return ti.err != nil
	default:
		return false
	}
}

// makeIndex reads the tables. Commits that come meanwhile wait in pending.
func (s *Store) makeIndex(tenant string, ti *tenantIndex) {
	start := time.Now()
	ctx := tocsin.WithPrincipal(s.indexes.ctx, tocsin.System(tenant, "queue index"))
	var n uint64
	err := s.View(ctx, func(tx *Tx) error {
		if err := tx.beginSnapshot(); err != nil {
			return err
		}
		l := indexLoader{tx: tx, x: ti.index}
		if err := l.run(); err != nil {
			return err
		}
		n = ti.index.all.GetCardinality()
		return nil
	})
	if err == nil {
		// Until pending is empty; what is committed from then on is applied.
		ti.index.mu.Lock()
		for _, ch := range ti.index.pending {
			ti.index.applyLocked(ch)
		}
		ti.index.pending, ti.index.ready = nil, true
		ti.index.mu.Unlock()
		s.cfg.Logger.Info("store: index of the queue made", "tenant", tenant, "incidents", n, "took", time.Since(start))
	} else if s.indexes.ctx.Err() == nil {
		s.cfg.Logger.Error("store: the index of the queue could not be made; queries go on without it, slower", "tenant", tenant, "error", err)
	}
	s.indexes.commit.Lock()
	ti.err, ti.ended = err, s.Now()
	if err != nil {
		ti.index = newIndex() // drops what was read
	}
	close(ti.done)
	s.indexes.commit.Unlock()
}

// beginSnapshot fixes what the transaction sees while no commit is under way:
// what is committed later comes through pending.
func (tx *Tx) beginSnapshot() error {
	tx.s.indexes.commit.Lock()
	defer tx.s.indexes.commit.Unlock()
	if ti := tx.s.indexes.of(tx.who.Tenant); ti != nil {
		ti.index.mu.Lock()
		ti.index.pending = nil // the snapshot has those already
		ti.index.mu.Unlock()
	}
	var n int64
	_, err := tx.one(`SELECT count(*) FROM (SELECT 1 FROM incident WHERE tenant = $1 LIMIT 1) AS some`, nil, &n)
	return err
}

// indexLoader fills an index that nobody reads yet.
type indexLoader struct {
	tx *Tx
	x  *index
}

func (l *indexLoader) run() error {
	for _, step := range []struct {
		what string
		run  func() error
	}{{"names", l.names}, {"incidents", l.incidents}, {"names of incidents", l.parts}} {
		if err := step.run(); err != nil {
			return fmt.Errorf("read %s: %w", step.what, err)
		}
	}
	return nil
}

func (l *indexLoader) names() error {
	rows, err := l.tx.query(`SELECT id, text FROM name WHERE tenant = $1 ORDER BY id`)
	return each(rows, err, func(rows *sql.Rows) error {
		var id int64
		var text string
		err := rows.Scan(&id, &text)
		l.x.names.add(id, text)
		return err
	})
}

// incidents reads rows and labels side by side, both by number.
func (l *indexLoader) incidents() error {
	labels, err := l.tx.query(`SELECT incident_id, kind, value FROM incident_label WHERE tenant = $1 ORDER BY incident_id`)
	if err != nil {
		return err
	}
	defer labels.Close()
	var at int64 = -1
	var kind, value string
	next := func() error {
		at = -1
		if labels.Next() {
			return labels.Scan(&at, &kind, &value)
		}
		return labels.Err()
	}
	if err := next(); err != nil {
		return err
	}
	n := 0
	rows, err := l.tx.query(`SELECT ` + indexColumns + ` FROM incident WHERE tenant = $1 ORDER BY id`)
	return each(rows, err, func(rows *sql.Rows) error {
		if n++; n > maxIndexed {
			return fmt.Errorf("more than %d incidents", maxIndexed)
		}
		r, err := scanIndexRow(rows)
		for err == nil && at >= 0 && at <= r.id {
			if at == r.id {
				r.label(kind, value)
			}
			err = next()
		}
		if err == nil {
			l.x.put(&r)
		}
		return err
	})
}

const indexColumns = `id, status, assigned_to, classification, determination, created, last_update, first_activity, last_activity,
	alert_count, active_alerts, priority, severity`

func scanIndexRow(rows *sql.Rows) (indexRow, error) {
	var r indexRow
	var status, assigned, class, det string
	dest := []any{&r.id, &status, &assigned, &class, &det}
	for i := range r.cols {
		dest = append(dest, &r.cols[i])
	}
	err := rows.Scan(dest...)
	r.fixed(status, assigned, class, det)
	return r, err
}

func (l *indexLoader) parts() error {
	rows, err := l.tx.query(`SELECT incident_id, kind, name_id FROM incident_name WHERE tenant = $1 ORDER BY incident_id`)
	var at int64
	var parts []uint32
	flush := func() {
		if b, row := l.x.block(at); b != nil && len(parts) > 0 {
			b.part.set(row, parts)
		}
		parts = parts[:0]
	}
	err = each(rows, err, func(rows *sql.Rows) error {
		var id, name int64
		var kind string
		if err := rows.Scan(&id, &kind, &name); err != nil {
			return err
		}
		if id != at {
			flush()
			at = id
		}
		if o := l.x.names.ordinal(name); kind == "title" {
			if b, row := l.x.block(id); b != nil {
				b.title[row] = o + 1
			}
		} else {
			parts = append(parts, o)
		}
		return nil
	})
	flush()
	return err
}

// indexed collects what the transaction changes of what is in the index.
func (tx *Tx) indexed() *indexChange {
	if tx.change == nil {
		tx.change = &indexChange{titles: map[int64]int64{}, add: map[int64][]int64{}, set: map[int64][]int64{}}
	}
	return tx.change
}

// reindexNames has all names of an incident read again at the end of the
// transaction.
func (tx *Tx) reindexNames(incidentID int64) { tx.indexed().set[incidentID] = nil }

// finishIndexed reads what is only known at the end.
func (tx *Tx) finishIndexed() error {
	if tx.change == nil {
		return nil
	}
	for id := range tx.change.set {
		names := []int64{}
		rows, err := tx.query(`SELECT name_id FROM incident_name WHERE tenant = $1 AND incident_id = $2 AND kind = 'part'`, id)
		err = each(rows, err, func(rows *sql.Rows) error {
			var n int64
			err := rows.Scan(&n)
			names = append(names, n)
			return err
		})
		if err != nil {
			return err
		}
		tx.change.set[id] = names
		delete(tx.change.add, id)
	}
	return nil
}
