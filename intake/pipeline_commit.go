package intake

import (
	"context"
	"fmt"

	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/lake"
)

// pendingCommit is what will be stored in one transaction.
type pendingCommit struct {
	write    lake.Write
	match    *matcher
	mapped   map[string]*lake.Batch // rows made from source events, already matched
	hunting  map[string]*lake.Batch // rows that came as hunting rows
	progress map[*importLeaf]*lake.Progress
	order    []*importLeaf // of progress

	n           int   // outcomes of decoding
	records     int64 // source records newly read
	hits        int64
	items       int
	bytes       int64
	events      map[string]int64
	quarantined map[string]int64
	problems    []ItemError
	path, item  string // last seen, for the progress line
}

func newPendingCommit(m *matcher) *pendingCommit {
	return &pendingCommit{
		match: m, mapped: map[string]*lake.Batch{}, hunting: map[string]*lake.Batch{},
		progress: map[*importLeaf]*lake.Progress{}, events: map[string]int64{}, quarantined: map[string]int64{},
	}
}

func (c *pendingCommit) empty() bool {
	return c.n == 0 && len(c.order) == 0
}

// batch is the open batch of a table in one of the two sets.
func (c *pendingCommit) batch(pool *batchPool, set map[string]*lake.Batch, table string) (*lake.Batch, error) {
	if b := set[table]; b != nil {
		return b, nil
	}
	b, err := pool.get(table)
	if err != nil {
		return nil, err
	}
	set[table] = b
	c.write.Batches = append(c.write.Batches, b)
	return b, nil
}

func (c *pendingCommit) quarantine(leaf *importLeaf, at int64, reason string, raw []byte) {
	const keep = 16 << 10
	if len(raw) > keep {
		raw = raw[:keep]
	}
	c.quarantined[reason]++
	c.write.Quarantine = append(c.write.Quarantine, lake.Quarantined{
		Source: leaf.path, Item: leaf.item, Offset: at, Reason: reason, Raw: printable(raw),
	})
}

// advance notes how far a leaf is.
func (c *pendingCommit) advance(m *leafMark) {
	p := c.progress[m.leaf]
	if p == nil {
		p = &lake.Progress{Source: m.leaf.source, Item: m.leaf.item}
		c.progress[m.leaf] = p
		c.order = append(c.order, m.leaf)
	}
	p.Records, p.Rows = max(p.Records, m.upto, m.leaf.skip), m.leaf.rows
	p.Done = p.Done || m.done()
	c.records += m.read
	c.path, c.item = m.leaf.path, m.leaf.item
	if !m.end {
		return
	}
	c.items++
	if m.err != nil {
		c.problems = append(c.problems, ItemError{Path: m.leaf.path, Item: m.leaf.item, Reason: plainError(m.err).Error()})
	}
}

// seal runs the rules over the hunting rows, table by table in the order in
// which the tables came, and closes the commit.
func (c *pendingCommit) seal() {
	for _, b := range c.write.Batches {
		if c.hunting[b.Table().Name] == b {
			c.match.batch(b)
		}
	}
	c.write.Outbox, c.hits = c.match.outbox()
}

// match is the third stage: rules over events, rows into batches, cut into
// commits. A commit ends only between two parts of the input, where the
// progress of every leaf is exact.
func (run *importRun) match(ctx context.Context, in <-chan *decodedChunk, out chan<- *pendingCommit) error {
	i := run.in
	scratch := detect.NewScratch()
	// Rules may change while an import runs; one commit sees one set of them.
	c := newPendingCommit(newMatcher(i.engine(), scratch))
	finish := func() error {
		c.seal()
		err := send(ctx, out, c)
		c = newPendingCommit(newMatcher(i.engine(), scratch))
		return err
	}
	for d := range in {
		from := 0
		for k := range d.marks {
			m := &d.marks[k]
			for ; from < m.recs; from++ {
				if _, err := i.place(c, &d.recs[from]); err != nil {
					return err
				}
			}
			c.advance(m)
			c.bytes = d.bytes
			if c.n >= i.cfg.Commit {
				if err := finish(); err != nil {
					return err
				}
			}
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.empty() {
		return nil
	}
	return finish()
}

// commit is the last stage: store, then hand the alerts on, then say how far
// things are. Alerts are made here and not beside it, so that an import cannot
// outrun the cases and its end means that everything is in them.
func (run *importRun) commit(ctx context.Context, in <-chan *pendingCommit) error {
	for c := range in {
		if err := run.store(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (run *importRun) store(ctx context.Context, c *pendingCommit) error {
	for _, leaf := range c.order {
		c.write.Progress = append(c.write.Progress, *c.progress[leaf])
	}
	rows := map[string]int64{}
	for _, b := range c.write.Batches {
		rows[b.Table().Name] += int64(b.Len())
	}
	if _, err := run.in.lake.Append(ctx, c.write); err != nil {
		return fmt.Errorf("store import: %w", err)
	}
	for _, b := range c.write.Batches {
		run.in.batches.put(b)
	}
	run.mu.Lock()
	s := run.sum
	s.Records += c.records
	s.Items += c.items
	s.Hits += c.hits
	addTo(s.Rows, rows)
	addTo(s.Events, c.events)
	addTo(s.Quarantined, c.quarantined)
	for _, p := range c.problems {
		s.problem(p.Path, p.Item, fmt.Errorf("%s", p.Reason))
	}
	run.mu.Unlock()
	if len(c.write.Outbox) > 0 {
		if err := run.drain(ctx); err != nil {
			return err
		}
	}
	run.tell(c)
	return nil
}

func addTo(sum, more map[string]int64) {
	for k, v := range more {
		if v != 0 {
			sum[k] += v
		}
	}
}

func (run *importRun) tell(c *pendingCommit) {
	if run.report == nil {
		return
	}
	run.mu.Lock()
	p := Progress{Path: c.path, Item: c.item, Files: run.sum.Files, Bytes: c.bytes, TotalBytes: run.total,
		Records: run.sum.Records, Alerts: int64(run.sum.NewAlerts)}
	for _, n := range run.sum.Rows {
		p.Rows += n
	}
	run.mu.Unlock()
	run.report(p)
}

// drain hands on what lies in the outbox and adds it to the summary.
func (run *importRun) drain(ctx context.Context) error {
	got, err := run.in.Drain(ctx)
	run.mu.Lock()
	defer run.mu.Unlock()
	run.sum.NewAlerts += got.New
	run.sum.Repeated += got.Repeated
	for _, id := range got.Incidents {
		run.touched[id] = true
	}
	return err
}
