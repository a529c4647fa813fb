package intake

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/lake"
)

// EventsOptions goes with a body of hunting rows.
type EventsOptions struct {
	// Once names this body: sent again under the same name it stores nothing
	// twice, also when the first try was cut off in the middle.
	Once   string
	Gzip   bool   // the body is compressed
	Source string // for the quarantine: who sent it
	// MaxBytes bounds the body after unpacking; 0 for Limits.MemberBytes.
	MaxBytes int64
}

// LineError is one line that was refused.
type LineError struct {
	Line   int64  `json:"line"` // from 1
	Reason string `json:"reason"`
}

// EventsResult says what became of a body. It is right also beside an error:
// Accepted rows are durable, whatever happened later.
type EventsResult struct {
	Accepted   int64       `json:"accepted"`
	Rejected   int64       `json:"rejected"`
	Duplicates int64       `json:"duplicates"` // rows known under the same Once
	Hits       int64       `json:"hits"`
	Errors     []LineError `json:"errors"` // the first MaxLineErrors
}

// MaxLineErrors is how many refused lines a result lists.
const MaxLineErrors = 100

const (
	blockBytes = 4 << 20
	blockAhead = 4 // blocks that may be decoded before the oldest is gathered
	// groupBlocks is how many blocks share a transaction at most: of rows of
	// usual size enough for two row groups of the lake, which are then
	// compressed at once, on two threads, instead of passing through its log.
	groupBlocks = 22
	gatherPause = 200 * time.Millisecond // without a block, after which a group is stored as it is
	decoders    = 2
)

// block is a run of whole lines on its way from the body to the lake.
type block struct {
	data []byte // until it is decoded
	line int64  // number of its first line
	// sum is that of data when the body is named.
	named bool
	sum   uint64

	done   chan struct{}
	batch  *lake.Batch
	bad    []lineFault
	outbox []lake.OutboxItem
	hits   int64
	err    error
}

type lineFault struct {
	line   int64
	reason string
	raw    []byte
}

// Events stores a body of NDJSON rows of one hunting table. It returns after
// everything it counts as accepted is durable. Lines are stored in order, each
// by itself: a line that is refused goes to the quarantine and costs nothing
// else. The error is of CodeNotFound for an unknown table, CodeLimit for a body
// beyond the limits, CodeInvalid for one that cannot be read, or the lake's.
func (in *Intake) Events(ctx context.Context, table string, r io.Reader, opts EventsOptions) (EventsResult, error) {
	var res EventsResult
	t, ok := lake.Catalog().Table(table)
	if !ok {
		return res, tocsin.Errorf(tocsin.CodeNotFound, "no hunting table is named %q", table)
	}
	body, err := in.body(ctx, r, opts)
	if err != nil {
		return res, err
	}
	defer in.batches.hold()()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan *block)
	queue := make(chan *block, blockAhead) // the same blocks, in order
	for range decoders {
		go func() {
			s := detect.NewScratch()
			for b := range work {
				in.decodeSafely(b, t, s)
				close(b.done)
			}
		}()
	}
	var readErr error // read after queue is closed
	go func() {
		defer close(queue)
		defer close(work)
		readErr = readBlocks(body, in.cfg.Limits.Record, func(b *block) error {
			b.done, b.named = make(chan struct{}), opts.Once != ""
			if err := send(ctx, queue, b); err != nil {
				return err
			}
			// From here on somebody waits for done, so the block must get there.
			select {
			case work <- b:
				return nil
			case <-ctx.Done():
				close(b.done)
				return context.Cause(ctx)
			}
		})
	}()
	err = in.storeBlocks(ctx, queue, opts, &res, func() error { return readErr })
	if err != nil {
		cancel(err)
		go func() { // the reader may hang in the body; nobody waits for it
			for b := range queue {
				<-b.done
				in.release(b)
			}
		}()
		return res, err
	}
	return res, readErr
}

// storeBlocks takes decoded blocks in order and stores them in groups, one
// group while the next gathers. ended tells, once queue is closed, why the body
// ended too early, if it did.
func (in *Intake) storeBlocks(ctx context.Context, queue <-chan *block, opts EventsOptions, res *EventsResult, ended func() error) (err error) {
	var storing chan error // of the group under way; nil when there is none
	wait := func() error {
		if storing == nil {
			return nil
		}
		e := <-storing
		storing = nil
		return e
	}
	// Whatever happens, res must not change any more after the return.
	defer func() {
		if e := wait(); err == nil {
			err = e
		}
	}()
	for n := 0; ; n++ {
		group, more, err := in.gather(ctx, queue, opts.Once == "")
		drop := func() {
			for _, b := range group {
				in.release(b)
			}
		}
		if err == nil {
			err = wait()
		}
		switch {
		case err != nil:
			drop()
			return err
		case len(group) == 0:
			return nil
		case !more && opts.Once != "" && ended() != nil:
			// Under a name, half a group would pass for the whole when the
			// body comes again.
			drop()
			return nil
		}
		done := make(chan error, 1)
		storing = done
		go func() { done <- in.storeGroup(ctx, group, n, opts, res) }()
	}
}

// gather takes blocks for one transaction, until there are enough, the body
// ends, or, when early is allowed, the sender pauses. A body under a name is cut
// the same way each time, or its parts could not be recognised when it comes
// again.
func (in *Intake) gather(ctx context.Context, queue <-chan *block, early bool) (group []*block, more bool, err error) {
	var pause <-chan time.Time
	for len(group) < groupBlocks {
		var b *block
		select {
		case b, more = <-queue:
		case <-pause:
			return group, true, nil
		}
		if !more {
			return group, false, nil
		}
		<-b.done
		group = append(group, b)
		if ctx.Err() != nil {
			return group, true, context.Cause(ctx)
		}
		if b.err != nil {
			return group, true, b.err
		}
		if early {
			pause = time.After(gatherPause)
		}
	}
	return group, true, nil
}

func (in *Intake) storeGroup(ctx context.Context, group []*block, n int, opts EventsOptions, res *EventsResult) error {
	var w lake.Write
	rows, bad, hits := int64(0), int64(0), int64(0)
	content := fnv.New64a()
	for _, b := range group {
		content.Write(binary.LittleEndian.AppendUint64(nil, b.sum))
		if b.batch.Len() > 0 {
			w.Batches = append(w.Batches, b.batch)
		}
		rows += int64(b.batch.Len())
		w.Outbox = append(w.Outbox, b.outbox...)
		hits += b.hits
		for _, f := range b.bad {
			bad++
			w.Quarantine = append(w.Quarantine, lake.Quarantined{
				At: in.cfg.Now().UTC(), Source: opts.Source, Item: b.batch.Table().Name, Offset: f.line, Reason: f.reason, Raw: printable(f.raw),
			})
			if len(res.Errors) < MaxLineErrors {
				res.Errors = append(res.Errors, LineError{Line: f.line, Reason: f.reason})
			}
		}
	}
	if opts.Once != "" {
		// The content is part of the name, so that another body under the same
		// name is stored rather than lost.
		w.Once = opts.Once + "#" + strconv.Itoa(n) + "#" + strconv.FormatUint(content.Sum64(), 16)
	}
	receipt, err := in.lake.Append(ctx, w)
	for _, b := range group {
		in.release(b)
	}
	if err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	res.Rejected += bad
	if receipt.Duplicate {
		res.Duplicates += rows
		return nil
	}
	res.Accepted += rows
	res.Hits += hits
	if len(w.Outbox) > 0 {
		in.Wake()
	}
	return nil
}

// body applies the limits on size and compression.
func (in *Intake) body(ctx context.Context, r io.Reader, opts EventsOptions) (io.Reader, error) {
	limit := opts.MaxBytes
	if limit <= 0 {
		limit = in.cfg.Limits.MemberBytes
	}
	counted := &countReader{r: r}
	src := io.Reader(counted)
	b := &bodyReader{ctx: ctx, limit: limit, limits: in.cfg.Limits}
	if opts.Gzip {
		zr, err := newGunzip(bufio.NewReaderSize(counted, 64<<10))
		if err != nil {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "the body is not gzip")
		}
		src, b.packed = zr, counted
	}
	b.r = src
	return b, nil
}

type countReader struct {
	r io.Reader
	n int64
}

func (c *countReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bodyReader ends a body that is too large, or grows too much in unpacking.
type bodyReader struct {
	ctx    context.Context
	r      io.Reader
	packed *countReader // nil for a body that is not compressed
	limits Limits
	limit  int64
	n      int64
}

func (b *bodyReader) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	switch {
	case b.n > b.limit:
		return 0, tocsin.Errorf(tocsin.CodeLimit, "the body is larger than %d MiB", b.limit>>20)
	case b.packed != nil && b.n > b.limits.RatioFrom && b.n/b.limits.Ratio > b.packed.n:
		return 0, tocsin.Errorf(tocsin.CodeLimit, "the body unpacks to more than %d times its size", b.limits.Ratio)
	case err != nil && err != io.EOF && b.packed != nil && tocsin.CodeOf(err) == tocsin.CodeInternal:
		// A network error stays one; anything else that gzip says is the sender's.
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return n, tocsin.Errorf(tocsin.CodeInvalid, "the compressed body is cut off")
		}
		return n, tocsin.Errorf(tocsin.CodeInvalid, "the compressed body is damaged")
	}
	return n, err
}

// readBlocks cuts a body into blocks of whole lines. A line longer than limit
// is dropped and told as a fault of the block that follows.
func readBlocks(r io.Reader, limit int, put func(*block) error) error {
	line := int64(1)
	size := max(blockBytes, limit+1)
	var carry []byte
	var faults []lineFault
	for atEnd := false; !atEnd; {
		buf := blockBuffer(size)
		n := copy(buf, carry)
		m, err := fill(r, buf[n:])
		n += m
		if atEnd = err == io.EOF; err != nil && !atEnd {
			return err // whole lines before it went out already; half a line is none
		}
		cut := n
		if !atEnd {
			cut = bytes.LastIndexByte(buf[:n], '\n') + 1
		}
		if cut > 0 || atEnd && len(faults) > 0 {
			b := &block{data: buf[:cut], line: line, bad: faults}
			line += int64(bytes.Count(b.data, []byte{'\n'}))
			faults = nil
			if err := put(b); err != nil {
				return err
			}
		}
		if carry = bytes.Clone(buf[cut:n]); cut > 0 || atEnd {
			continue
		}
		// A full buffer without the end of a line.
		faults = append(faults, lineFault{line: line, reason: tooLong(limit), raw: bytes.Clone(buf[:keepOfBroken])})
		line++
		var rest io.Reader
		if rest, err = skipLine(r); err != nil {
			return err
		}
		carry, r = nil, rest
	}
	return nil
}

// blockBuffers are those of blocks that have been stored.
var blockBuffers sync.Pool

func blockBuffer(size int) []byte {
	if p, ok := blockBuffers.Get().(*[]byte); ok && cap(*p) >= size {
		return (*p)[:size]
	}
	return make([]byte, size)
}

// release gives back what a block holds.
func (in *Intake) release(b *block) {
	in.batches.put(b.batch)
	b.batch, b.bad = nil, nil
}

// fill reads until buf is full. Unlike io.ReadFull it leaves the reader's own
// errors as they are: a body that broke off is no body that ended.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	if n == len(buf) && err != io.EOF {
		err = nil
	}
	return n, err
}

// skipLine reads over the rest of a line; what it read of the next ones comes
// first in the reader it gives back.
func skipLine(r io.Reader) (io.Reader, error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return io.MultiReader(bytes.NewReader(buf[i+1:n]), r), nil
		}
		if err == io.EOF {
			return bytes.NewReader(nil), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// decodeSafely keeps a bug that one body brings to light from ending the
// process: that body fails.
func (in *Intake) decodeSafely(b *block, t *lake.Table, s *detect.Scratch) {
	defer func() {
		if p := recover(); p != nil {
			in.log.Error("decoding a block broke", "table", t.Name, "panic", p, "stack", string(debug.Stack()))
			b.err = tocsin.Errorf(tocsin.CodeInternal, "decoding the body broke")
		}
	}()
	in.decodeBlock(b, t, s)
}

// decodeBlock makes rows of a block and runs the rules over them.
func (in *Intake) decodeBlock(b *block, t *lake.Table, s *detect.Scratch) {
	batch, err := in.batches.get(t.Name)
	if err != nil {
		b.err = err
		return
	}
	b.batch = batch
	fault := func(line, off int, err error) {
		raw := b.data[off:]
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			raw = raw[:i]
		}
		b.bad = append(b.bad, lineFault{line: b.line + int64(line), reason: err.Error(), raw: bytes.Clone(raw[:min(len(raw), keepOfBroken)])})
	}
	if first, _, _ := bytes.Cut(b.data, []byte{'\n'}); t.Key < 0 || bytes.Contains(first, []byte(`"ReportId"`)) {
		batch.AppendJSONBlock(b.data, fault)
	} else {
		appendNumbered(batch, b.data, fault)
	}
	if b.named {
		h := fnv.New64a()
		h.Write(b.data)
		b.sum = h.Sum64()
	}
	data := b.data[:0]
	b.data = nil
	blockBuffers.Put(&data)
	m := newMatcher(in.engine(), s)
	m.batch(batch)
	b.outbox, b.hits = m.outbox()
}

// appendNumbered adds rows that bring no id of their own and gives them one, so
// that an alert can name them. Equal lines at equal places get equal ids.
func appendNumbered(batch *lake.Batch, data []byte, fault func(line, off int, err error)) {
	h := fnv.New64a()
	h.Write(data)
	ids := rowIDs(h.Sum64())
	var buf []byte
	for line, off := 0, 0; off < len(data); line++ {
		end := bytes.IndexByte(data[off:], '\n')
		if end < 0 {
			end = len(data) - off
		}
		if raw := data[off : off+end]; len(trimLine(raw)) > 0 {
			buf = withReportID(buf[:0], raw, ids.id(int64(line), 0))
			if err := batch.AppendJSON(buf); err != nil {
				fault(line, off, err)
			}
		}
		off += end + 1
	}
}
