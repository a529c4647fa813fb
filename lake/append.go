package lake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/tocsinhq/tocsin"
)

// One goroutine, the committer, owns the writing connection. While it commits,
// further writes queue up and share the next transaction: one fsync for all of
// them, and larger inserts, which DuckDB rewards.

// maxGroup bounds the rows of one transaction, so that the first writer of a
// burst does not wait for all of it.
const maxGroup = 32 * groupRows

// pending is one call of Append on its way.
type pending struct {
	write   Write
	receipt Receipt
	err     error
	done    chan struct{}
	skip    bool // Once key known: nothing to store
}

type queue struct {
	mu     sync.Mutex
	items  []*pending
	closed bool
	wake   chan struct{} // holds one token while items wait
}

func (q *queue) put(p *pending) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.items = append(q.items, p)
	q.signal()
	return true
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take removes what the next transaction will hold; none when closed and empty.
func (q *queue) take() (group []*pending, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	rows, n := 0, 0
	for n < len(q.items) && (n == 0 || rows < maxGroup) {
		rows += q.items[n].rows()
		n++
	}
	group = append(group, q.items[:n]...)
	rest := copy(q.items, q.items[n:])
	clear(q.items[rest:]) // they hold batches
	q.items = q.items[:rest]
	if len(q.items) > 0 {
		q.signal()
	}
	return group, q.closed
}

// drop takes p back out, false when the committer has it already.
func (q *queue) drop(p *pending) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, x := range q.items {
		if x == p {
			q.items = append(q.items[:i], q.items[i+1:]...)
			return true
		}
	}
	return false
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

func (p *pending) rows() int {
	n := 0
	for _, b := range p.write.Batches {
		n += b.rows
	}
	return n
}

// Append stores w and returns after it is durable; concurrent calls share one
// transaction and are stored in the order they came. The batches must not be
// touched until it returns. A cancelled ctx takes back a write that is still
// waiting, and no other.
func (l *Lake) Append(ctx context.Context, w Write) (Receipt, error) {
	for _, b := range w.Batches {
		if b == nil {
			return Receipt{}, tocsin.Errorf(tocsin.CodeInvalid, "a write with a nil batch")
		}
	}
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	p := &pending{write: w, done: make(chan struct{})}
	if !l.queue.put(p) {
		return Receipt{}, errClosed
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		if l.queue.drop(p) {
			return Receipt{}, ctx.Err()
		}
		<-p.done
	}
	return p.receipt, p.err
}

var errClosed = &tocsin.Error{Code: tocsin.CodeUnavailable, Msg: "the lake is closed"}

func (l *Lake) commitLoop() {
	defer close(l.stopped)
	for range l.queue.wake {
		group, closed := l.queue.take()
		if len(group) > 0 {
			l.commitGroup(group)
		} else if closed {
			return
		}
		if closed {
			l.queue.signal() // look again until nothing is left
		}
	}
}

// commitGroup stores a group in one transaction. If that fails each write is
// tried alone, so that one that cannot be stored does not take others with it.
func (l *Lake) commitGroup(group []*pending) {
	err := l.commit(group)
	if err != nil && len(group) > 1 {
		for _, p := range group {
			p.finish(l.commit([]*pending{p}))
		}
		return
	}
	for _, p := range group {
		p.finish(err)
	}
}

func (p *pending) finish(err error) {
	if err != nil {
		p.receipt, p.err = Receipt{}, fmt.Errorf("append to the lake: %w", err)
	}
	close(p.done)
}

// commit is deliberately one straight list: what it does is the transaction.
// It runs under the lake's own context, not a caller's: others share it.
func (l *Lake) commit(group []*pending) (err error) {
	ctx := l.ctx
	if err := run(l.writer, "BEGIN"); err != nil {
		return err
	}
	defer func() {
		if err == nil {
			return
		}
		if rollback := run(l.writer, "ROLLBACK"); rollback != nil {
			err = errors.Join(err, rollback)
		}
	}()
	now := l.nextTime()
	if err := l.once(ctx, group, now); err != nil {
		return err
	}
	side := newSideRows(l.lastSeq, now)
	var batches []*Batch
	for _, p := range group {
		p.receipt = Receipt{Duplicate: p.skip}
		if p.skip {
			continue
		}
		p.receipt.Rows = p.rows()
		p.receipt.FirstSeq = side.add(&p.write)
		batches = append(batches, p.write.Batches...)
	}
	if err := l.insertAll(ctx, append(batches, side.quarantine, side.outbox), now); err != nil {
		return err
	}
	if err := l.putProgress(ctx, side.progress); err != nil {
		return err
	}
	if side.seq != l.lastSeq {
		if _, err := l.writer.ExecContext(ctx, "INSERT OR REPLACE INTO _state VALUES ('outbox', ?)", side.seq); err != nil {
			return err
		}
	}
	if err := run(l.writer, "COMMIT"); err != nil {
		return err
	}
	l.lastSeq = side.seq
	return nil
}

// nextTime is the group's time of ingestion. It rises from group to group even
// when the clock does not, so that "everything after t" misses nothing.
func (l *Lake) nextTime() int64 {
	l.lastTime = max(l.cfg.Now().UnixMicro(), l.lastTime+1)
	return l.lastTime
}

// once marks the writes whose key was stored before, or earlier in this group,
// and stores the keys of the others.
func (l *Lake) once(ctx context.Context, group []*pending, now int64) error {
	seen := make(map[string]bool)
	for _, p := range group {
		key := p.write.Once
		if p.skip = key != "" && seen[key]; key == "" || p.skip {
			continue
		}
		seen[key] = true
		var n int
		if err := l.writer.QueryRowContext(ctx, "SELECT count(*) FROM _once WHERE key = ?", key).Scan(&n); err != nil {
			return err
		}
		if p.skip = n > 0; p.skip {
			continue
		}
		if _, err := l.writer.ExecContext(ctx, "INSERT INTO _once VALUES (?, make_timestamp(?))", key, now); err != nil {
			return err
		}
	}
	return nil
}

// insertAll stores the batches, all of one table by one statement.
func (l *Lake) insertAll(ctx context.Context, batches []*Batch, now int64) error {
	byTable := make(map[*Table][]*Batch)
	var order []*Table
	for _, b := range batches {
		if b.rows == 0 {
			continue
		}
		if byTable[b.table] == nil {
			order = append(order, b.table)
		}
		byTable[b.table] = append(byTable[b.table], b)
	}
	for _, t := range order {
		if err := l.insert(newSource(t, byTable[t], now, l.cfg.Threads)); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

func (l *Lake) insert(s *source) error {
	id := s.open()
	defer s.close(id)
	names := make([]string, 0, len(s.cols)+1)
	for _, col := range s.cols {
		names = append(names, quote(s.columnName(col)))
	}
	names = append(names, quote(ingestedColumn))
	return run(l.writer, fmt.Sprintf("INSERT INTO %s (%s) SELECT * FROM %s(%d)", quote(s.table.Name), strings.Join(names, ", "), sourceName, id))
}

func (l *Lake) putProgress(ctx context.Context, items map[[2]string]Progress) error {
	for _, p := range items {
		_, err := l.writer.ExecContext(ctx, "INSERT OR REPLACE INTO _progress VALUES (?, ?, ?, ?, ?)", p.Source, p.Item, p.Records, p.Rows, p.Done)
		if err != nil {
			return fmt.Errorf("progress: %w", err)
		}
	}
	return nil
}

// The tables that a write fills besides hunting tables; they go the same way.
var (
	quarantineTable = must(newTable(tableFile{Name: "Quarantine", Columns: []columnFile{
		{Name: "At", Type: "datetime"}, {Name: "Source", Type: "string"}, {Name: "Item", Type: "string"},
		{Name: "Offset", Type: "long"}, {Name: "Reason", Type: "string"}, {Name: "Raw", Type: "string"}}}))
	outboxTable = must(newTable(tableFile{Name: "_outbox", Columns: []columnFile{
		{Name: "seq", Type: "long"}, {Name: "payload", Type: "blob"}}}))
)

func must(t *Table, err error) *Table {
	if err != nil {
		panic(err)
	}
	return t
}

// sideRows gathers what the writes of one group store besides hunting rows.
type sideRows struct {
	quarantine, outbox *Batch
	progress           map[[2]string]Progress // the last word on each item
	seq, now           int64
}

func newSideRows(seq, now int64) *sideRows {
	return &sideRows{newBatch(quarantineTable, 0), newBatch(outboxTable, 0), make(map[[2]string]Progress), seq, now}
}

// add takes one write in and returns the sequence of its first outbox item.
func (s *sideRows) add(w *Write) (firstSeq int64) {
	for _, q := range w.Quarantine {
		at := s.now
		if !q.At.IsZero() {
			at = q.At.UnixMicro()
		}
		b := s.quarantine
		b.begin()
		b.setNum(0, uint64(at))
		for col, text := range map[int]string{1: q.Source, 2: q.Item, 4: q.Reason, 5: q.Raw} {
			b.setStr(col, entryOf(b.keep(storable(text))))
		}
		b.setNum(3, uint64(q.Offset))
		b.rows++
	}
	for _, p := range w.Progress {
		s.progress[[2]string{p.Source, p.Item}] = p
	}
	for i, item := range w.Outbox {
		s.seq++
		if i == 0 {
			firstSeq = s.seq
		}
		s.outbox.begin()
		s.outbox.setNum(0, uint64(s.seq))
		s.outbox.setStr(1, entryOf(s.outbox.keep(item.Payload)))
		s.outbox.rows++
	}
	return firstSeq
}

const maxRaw = 64 << 10 // of a quarantined record

// storable is text as DuckDB takes it: valid UTF-8 of at most 64 KiB. What is
// quarantined is often what was not, so its bad bytes are replaced, visibly.
func storable(text string) []byte {
	if len(text) > maxRaw {
		text = text[:maxRaw]
	}
	return []byte(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD"))
}
