package intake

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/tocsinhq/tocsin/lake"
)

// An import is a line of four stages, each one goroutine: read (unpack and cut
// into records), decode (record to event and rows), match (rules; rows into
// batches), commit (one lake transaction, then the alerts). Work is parallel
// because the stages are, and the order of everything is that of the input
// because each stage is alone: what a killed import leaves is a prefix.

// importRun is one call of Import.
type importRun struct {
	in     *Intake
	report func(Progress)

	mu      sync.Mutex // guards sum while the stages run
	sum     *Summary
	touched map[int64]bool
	total   int64
	done    int64 // bytes of files that are finished reading; the reader's own
}

// importLeaf is a leaf on its way through the stages.
type importLeaf struct {
	path, source, item, name string
	format                   format
	table                    string // hunting table that the name gives
	ids                      rowIDs
	skip                     int64 // records that an earlier import stored
	rows                     int64 // rows stored so far
	next                     int64 // record that decoding comes to next
	cutRecords, cutBytes     int   // read since the leaf was cut last
	decoder                  *leafDecoder
}

// rawRecord is one record that has been cut out, or the reason why not.
type rawRecord struct {
	off, end int
	bad      string
	evtx     *EVTXRecord
}

// rawPart is a run of records of one leaf.
type rawPart struct {
	leaf  *importLeaf
	first int64 // number of the first record within the leaf
	recs  []rawRecord
	end   bool  // the leaf ends here
	err   error // and this is why, when it should have gone on
}

// rawChunk is what goes from reading to decoding.
type rawChunk struct {
	data  []byte
	parts []rawPart
	n     int
	bytes int64
}

const (
	chunkRecords = 2000
	chunkBytes   = 8 << 20
)

// pipeline runs the stages until the input ends or one of them fails.
func (run *importRun) pipeline(parent context.Context, paths []string) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	raw := make(chan *rawChunk, 1)
	decoded := make(chan *decodedChunk, 1)
	ready := make(chan *pendingCommit, 1)
	var wg sync.WaitGroup
	stage := func(work func() error, done func()) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer done()
			defer func() {
				if p := recover(); p != nil {
					cancel(fmt.Errorf("import: a stage broke: %v", p))
				}
			}()
			if err := work(); err != nil {
				cancel(err)
			}
		}()
	}
	stage(func() error { return run.read(ctx, paths, raw) }, func() { close(raw) })
	stage(func() error { return run.decode(ctx, raw, decoded) }, func() { close(decoded) })
	stage(func() error { return run.match(ctx, decoded, ready) }, func() { close(ready) })
	stage(func() error { return run.commit(ctx, ready) }, func() {})
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// reader is the first stage.
type reader struct {
	run   *importRun
	out   chan<- *rawChunk
	cur   *rawChunk
	known map[string]map[string]lake.Progress // by source, what earlier imports did
	seen  map[[2]string]bool                  // source and item met in this import
	w     *walker
}

func (run *importRun) read(ctx context.Context, paths []string, out chan<- *rawChunk) error {
	r := &reader{run: run, out: out, cur: &rawChunk{}, known: map[string]map[string]lake.Progress{}, seen: map[[2]string]bool{}}
	r.w = &walker{limits: run.in.cfg.Limits, tmp: run.in.cfg.TempDir, now: run.in.cfg.Now, leaf: r.leaf, found: run.finding,
		begin: func(_ string, size int64) { run.fileStarts(size) }}
	r.w.after = func(size int64) { run.done += size }
	for _, p := range paths {
		if err := r.w.walk(ctx, p); err != nil {
			return err
		}
	}
	return r.flush(ctx)
}

func (run *importRun) fileStarts(size int64) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.sum.Files++
	run.sum.Bytes += size
}

func (run *importRun) finding(f finding) {
	run.mu.Lock()
	defer run.mu.Unlock()
	if f.Skipped {
		run.sum.Skipped[f.Err.Error()]++
		return
	}
	run.sum.problem(f.Path, f.Item, plainError(f.Err))
}

// leaf reads all records of one leaf.
func (r *reader) leaf(ctx context.Context, l *leaf) error {
	in := r.run.in
	s, err := sniff(l.r, l.Name, in.cfg.Limits.Record)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.run.finding(finding{Path: l.Path, Item: l.Item, Err: err})
		return nil
	}
	if s.format == formatNone {
		r.run.finding(finding{Path: l.Path, Item: l.Item, Skipped: true, Err: fmt.Errorf("%s", s.why)})
		return nil
	}
	before, err := r.progress(ctx, l.Source)
	if err != nil {
		return err
	}
	id := [2]string{l.Source, l.Item}
	earlier := before[l.Item]
	if earlier.Done || r.seen[id] {
		r.run.mu.Lock()
		r.run.sum.Already++
		r.run.mu.Unlock()
		return nil
	}
	r.seen[id] = true
	il := &importLeaf{path: l.Path, source: l.Source, item: l.Item, name: l.Name, format: s.format,
		ids: newRowIDs(l.Source, l.Item), skip: earlier.Records, rows: earlier.Rows}
	if s.format == formatJSON {
		il.table = tableOfName(l.Name)
	}
	il.decoder = newLeafDecoder(il)
	var ended error
	if s.format == formatEVTX {
		ended, err = r.evtx(ctx, il, l)
	} else {
		ended, err = r.records(ctx, il, s.framer)
	}
	if err != nil {
		return err
	}
	p := r.part(il, -1)
	p.end, p.err = true, ended
	if r.cur.n >= chunkRecords || len(r.cur.data) >= chunkBytes {
		return r.flush(ctx)
	}
	return nil
}

func (r *reader) progress(ctx context.Context, source string) (map[string]lake.Progress, error) {
	if p, ok := r.known[source]; ok {
		return p, nil
	}
	p, err := r.run.in.lake.Progress(ctx, source)
	if err != nil {
		return nil, fmt.Errorf("look up import progress: %w", err)
	}
	clear(r.known) // files come one after another
	r.known[source] = p
	return p, nil
}

// part is the open part of a leaf in the open chunk. at is the number of the
// record that comes next, or -1 when none comes any more.
func (r *reader) part(il *importLeaf, at int64) *rawPart {
	if n := len(r.cur.parts); n > 0 && r.cur.parts[n-1].leaf == il {
		return &r.cur.parts[n-1]
	}
	r.cur.parts = append(r.cur.parts, rawPart{leaf: il, first: at})
	return &r.cur.parts[len(r.cur.parts)-1]
}

func (r *reader) add(ctx context.Context, il *importLeaf, at int64, text []byte, rec rawRecord) error {
	rec.off = len(r.cur.data)
	r.cur.data = append(r.cur.data, text...)
	rec.end = len(r.cur.data)
	p := r.part(il, at)
	p.recs = append(p.recs, rec)
	r.cur.n++
	// A leaf is cut at places that are counted from its own start, and commits
	// end at cuts only. So an import that was killed and goes on, from a commit's
	// end, cuts its commits where an undisturbed one would, and hands alerts over
	// in the same company: correlation then comes to the same incidents.
	il.cutRecords++
	il.cutBytes += len(text)
	if il.cutRecords >= min(chunkRecords, r.run.in.cfg.Commit) || il.cutBytes >= chunkBytes {
		il.cutRecords, il.cutBytes = 0, 0
		return r.flush(ctx)
	}
	return nil
}

func (r *reader) flush(ctx context.Context) error {
	c := r.cur
	if len(c.parts) == 0 {
		return nil
	}
	c.bytes = r.run.done + r.w.position()
	r.cur = &rawChunk{data: make([]byte, 0, cap(c.data)/2)}
	return send(ctx, r.out, c)
}

// records reads a text format. ended is why the leaf stopped before its end;
// err stops the import.
func (r *reader) records(ctx context.Context, il *importLeaf, f framer) (ended, err error) {
	for at := int64(0); ; at++ {
		text, ferr := f.next()
		var broken *frameError
		switch {
		case ferr == nil:
			err = r.add(ctx, il, at, text, rawRecord{})
		case asFrameError(ferr, &broken):
			err = r.add(ctx, il, at, text, rawRecord{bad: broken.reason})
		case isEOF(ferr):
			return nil, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		default:
			return ferr, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (r *reader) evtx(ctx context.Context, il *importLeaf, l *leaf) (ended, err error) {
	at, size, drop, ended := l.spool()
	if drop != nil {
		defer drop()
	}
	if at == nil || ctx.Err() != nil {
		return ended, ctx.Err()
	}
	n := int64(0)
	var stop error
	put := func(text []byte, rec rawRecord) error {
		stop = r.add(ctx, il, n, text, rec)
		n++
		return stop
	}
	rerr := ReadEVTX(at, size, func(rec EVTXRecord) error {
		return put(nil, rawRecord{evtx: &rec})
	}, func(d EVTXDamage) {
		r.run.finding(finding{Path: l.Path, Item: l.Item, Err: d})
		if stop == nil {
			put([]byte(d.Error()), rawRecord{bad: "damaged event log"})
		}
	})
	switch {
	case stop != nil:
		return nil, stop
	case rerr != nil && ended == nil:
		ended = rerr
	}
	return ended, nil
}

// rowIDs numbers the rows of a leaf: the same record of the same content always
// gets the same ids, in whatever run.
type rowIDs uint64

func newRowIDs(source, item string) rowIDs {
	h := uint64(14695981039346656037) // FNV-1a: stable for ever, and the hash of the content is in it
	for _, s := range []string{source, "\x00", item} {
		for i := 0; i < len(s); i++ {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	return rowIDs(h)
}

// id is a positive number for the sub'th row of a record.
func (ids rowIDs) id(record int64, sub int) int64 {
	// The finaliser of splitmix64 maps different inputs to different outputs.
	x := uint64(ids) + uint64(record)*64 + uint64(sub)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return int64(x>>1) | 1<<40 // never small enough to look like a counter of a source
}

// bytes is the form in which the decoders take the identity.
func (ids rowIDs) bytes() (b [8]byte) {
	binary.LittleEndian.PutUint64(b[:], uint64(ids))
	return b
}
