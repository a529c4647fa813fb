package lake

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// Defaults of HuntOptions and Config.
const (
	huntRows      = 100_000
	huntBytes     = 64 << 20
	huntTimeLimit = 10 * time.Minute
	huntRange     = 30 * 24 * time.Hour
	huntsAtOnce   = 4
	huntDisk      = "10GB"
	stageMemory   = 512 << 20
	probeRows     = 100_000
	maxQuery      = 1 << 20 // bytes of a query
)

// hunt is one query being answered.
type hunt struct {
	statementRun
	src   string
	opts  HuntOptions
	stats HuntStats
	// probeFailed is why a probe came to nothing, if not for the query's fault:
	// the binder only knows that it did.
	probeFailed error
}

// Hunt answers a query. The principal in ctx may read what the permission table
// lets it. Rows go to sink as they are found; when an error comes after some of
// them, what was handed over is not the answer.
//
// The error is *kql.Diagnostics for a bad query, before anything went to sink;
// a *tocsin.Error with words for people for a limit (see ErrHuntTimeout and
// those beside it) or a fault of ours; ctx's error when that was cancelled; or
// what sink returned.
func (l *Lake) Hunt(ctx context.Context, src string, opts HuntOptions, sink HuntSink) (HuntStats, error) {
	who, err := hunter(ctx)
	if err != nil {
		return HuntStats{}, err
	}
	opts = l.huntDefaults(opts)
	leave, err := l.hunts.enter(ctx)
	if err != nil {
		return HuntStats{}, err
	}
	defer leave()
	meter, err := l.quota.start(who.Tenant, opts.Interface)
	if err != nil {
		return HuntStats{}, err
	}
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, opts.Timeout, ErrHuntTimeout)
	defer cancel()
	h := &hunt{src: src, opts: opts}
	h.statementRun = statementRun{l: l, ctx: ctx, native: &nativeRun{}, from: opts.From, to: opts.To, left: l.cfg.StageMemory}
	var share float64
	func() {
		stopWatch := h.watch()
		defer func() { // a sink may panic
			stopWatch()
			h.stats.Elapsed = time.Since(start)
			h.stats.CPU, share = meter.stop(h.stats.Elapsed)
		}()
		err = h.answer(who, sink)
	}()
	h.stats.Resource = resourceOf(h.stats.CPU)
	if share > 0.1 {
		h.stats.Warnings = append(h.stats.Warnings, kql.Diagnostic{Warning: true, Msg: fmt.Sprintf("This query used %.0f %% of the processing resources that this tenant has for %s. At 100 %% queries wait for the next %s.", share*100, spoken(quotaCycle), spoken(quotaCycle))})
	}
	if err != nil {
		return h.stats, h.explain(err)
	}
	return h.stats, nil
}

// resourceOf is how the portal calls what a query took: Low up to 5 seconds of
// processor time, Medium up to a minute, High above.
func resourceOf(cpu time.Duration) string {
	switch {
	case cpu <= 5*time.Second:
		return "Low"
	case cpu <= time.Minute:
		return "Medium"
	}
	return "High"
}

func hunter(ctx context.Context) (tocsin.Principal, error) {
	p, _ := tocsin.PrincipalFrom(ctx)
	return p, tocsin.Allow(p, tocsin.VerbHunt)
}

// huntConfig fills in what a Config does not say of hunting.
func huntConfig(c Config) Config {
	if c.Tenant == "" {
		c.Tenant = tocsin.DefaultTenant
	}
	if c.HuntRange <= 0 {
		c.HuntRange = huntRange
	}
	if c.Hunts <= 0 {
		c.Hunts = huntsAtOnce
	}
	if c.HuntCPU <= 0 {
		c.HuntCPU = time.Duration(c.Threads) * quotaCycle / 2
	}
	if c.StageMemory <= 0 {
		c.StageMemory = stageMemory
	}
	if c.HuntDisk == "" {
		c.HuntDisk = huntDisk
	}
	return c
}

func (l *Lake) huntDefaults(o HuntOptions) HuntOptions {
	if o.MaxRows <= 0 {
		o.MaxRows = huntRows
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = huntBytes
	}
	if o.Timeout <= 0 {
		o.Timeout = huntTimeLimit
	}
	if o.Now.IsZero() {
		o.Now = l.cfg.Now()
	}
	if o.AllTime {
		o.From, o.To = time.Time{}, time.Time{}
	} else if o.From.IsZero() && o.To.IsZero() {
		o.From = o.Now.Add(-l.cfg.HuntRange)
	}
	return o
}

// CheckHunt says what a query means without running anything: *kql.Diagnostics
// for a bad one. Columns that only the data knows are left open.
func (l *Lake) CheckHunt(ctx context.Context, src string, opts HuntOptions) (*kql.Bound, error) {
	who, err := hunter(ctx)
	if err != nil {
		return nil, err
	}
	return l.bind(who, src, l.huntDefaults(opts), nil, &HuntStats{})
}

func (l *Lake) bind(who tocsin.Principal, src string, opts HuntOptions, probe func(kql.Rel) ([][]kql.Value, error), stats *HuntStats) (bound *kql.Bound, err error) {
	defer recovered("bind", &err)
	start := time.Now()
	if len(src) > maxQuery {
		return nil, tocsin.Errorf(tocsin.CodeLimit, "The query is longer than %d characters.", maxQuery)
	}
	for i, r := range src {
		if r == utf8.RuneError && !strings.HasPrefix(src[i:], "\uFFFD") {
			d := &kql.Diagnostics{List: []kql.Diagnostic{{Span: kql.Span{Start: i, End: i + 1}, Msg: "The query is not UTF-8.", Syntax: true}}}
			d.Place(src)
			return nil, d
		}
	}
	query, err := kql.Parse(src)
	stats.Parse = time.Since(start)
	if err != nil {
		return nil, err
	}
	start = time.Now()
	defer func() { stats.Bind = time.Since(start) }()
	catalog, err := l.huntCatalog(who, opts.Functions)
	if err != nil {
		return nil, err
	}
	return kql.Bind(query, kql.BindOptions{Catalog: catalog, Database: HuntDatabase, Now: opts.Now, Params: opts.Params, From: opts.From, To: opts.To, Probe: probe})
}

// answer does the work of Hunt.
func (h *hunt) answer(who tocsin.Principal, sink HuntSink) error {
	bound, err := h.l.bind(who, h.src, h.opts, h.probe, &h.stats)
	if h.probeFailed != nil {
		return h.probeFailed
	}
	if err != nil {
		return err
	}
	h.stats.Warnings, h.stats.Tables = bound.Warnings, bound.Uses
	start := time.Now()
	parts := make([]planParts, len(bound.Plans))
	for i, p := range bound.Plans {
		legs, limit := kql.Legs(p.Root)
		parts[i].limit = limit
		for _, leg := range legs {
			st, err := h.generate(leg, h.opts.MaxRows+1)
			if err != nil {
				return err
			}
			parts[i].statements = append(parts[i].statements, st)
		}
	}
	h.stats.Plan = time.Since(start)
	start = time.Now()
	defer func() { h.stats.Run = time.Since(start) }()
	for i, p := range bound.Plans {
		if err := h.table(p, parts[i], sink); err != nil {
			return err
		}
		if h.stats.Partial != "" {
			break
		}
	}
	return nil
}

// recovered makes a panic of the language's code the error of one query: many
// people's queries run in this process.
func recovered(what string, err *error) {
	if cause := recover(); cause != nil {
		*err = &nativeFailure{what, cause, debug.Stack()}
	}
}

// generate makes SQL of a plan.
func (h *hunt) generate(root kql.Rel, limit int64) (st *sqlgen.Statement, err error) {
	defer recovered("generate", &err)
	st, err = sqlgen.Generate(root, sqlgen.Options{
		Handle:   func() int64 { return handles.Add(1) },
		Limit:    limit,
		Live:     func(table string) bool { return h.l.cfg.Live[table] != nil },
		Nullable: func(table, column string) bool { return true },
	})
	var diags *kql.Diagnostics
	if errors.As(err, &diags) {
		diags.Place(h.src)
	}
	return st, err
}

// planParts are the statements that give the rows of one plan, one after the
// other, of which no more than limit are wanted (-1: all).
type planParts struct {
	statements []*sqlgen.Statement
	limit      int64
}

// errEnough ends the reading of a result that has reached a limit.
var errEnough = errors.New("enough rows")

// table runs one plan and hands its rows over.
func (h *hunt) table(p *kql.Plan, parts planParts, sink HuntSink) error {
	cols := make([]kql.Column, len(parts.statements[0].Cols))
	for i, c := range parts.statements[0].Cols {
		cols[i] = c.Column
	}
	told := false
	tell := func() error {
		if told {
			return nil
		}
		told = true
		if err := sink.Table(HuntTable{Name: p.Name, Columns: cols, Render: p.Render}); err != nil {
			return sinkError{err}
		}
		return nil
	}
	left := parts.limit
	take := func(row []kql.Value) error {
		if left == 0 {
			return errEnough
		}
		left--
		if h.stats.Rows == h.opts.MaxRows {
			h.stats.Partial = fmt.Sprintf("The result has more than %s rows, which is the most that a query gives; the first %s are shown.", grouped(h.opts.MaxRows), grouped(h.opts.MaxRows))
			return errEnough
		}
		size := int64(2)
		for _, v := range row {
			size += encodedSize(v)
		}
		if h.stats.Bytes+size > h.opts.MaxBytes {
			h.stats.Partial = fmt.Sprintf("The result is larger than %s, which is the most that a query gives; the first %s rows are shown.", megabytes(h.opts.MaxBytes), grouped(h.stats.Rows))
			return errEnough
		}
		if err := tell(); err != nil {
			return err
		}
		h.stats.Rows++
		h.stats.Bytes += size
		if err := sink.Row(row); err != nil {
			return sinkError{err}
		}
		return nil
	}
	for _, st := range parts.statements {
		if left == 0 {
			break
		}
		err := h.run(st, take)
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return err
		}
	}
	return tell()
}

// probe runs a small plan whose result decides what columns a query has.
func (h *hunt) probe(root kql.Rel) ([][]kql.Value, error) {
	st, err := h.generate(root, probeRows+1)
	if err != nil {
		return nil, err
	}
	var out [][]kql.Value
	err = h.run(st, func(row []kql.Value) error {
		if len(out) == probeRows {
			return huntResources()
		}
		out = append(out, append([]kql.Value(nil), row...))
		return nil
	})
	var engine *engineError
	var fault *nativeFailure
	if h.ctx.Err() != nil || errors.As(err, &engine) || errors.As(err, &fault) || errors.As(err, new(*tocsin.Error)) {
		h.probeFailed = err
	}
	return out, err
}

// watch stops what runs when the ctx of the hunt ends; the result ends the
// watching.
func (h *hunt) watch() (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		select {
		case <-done:
			return
		case <-h.ctx.Done():
		}
		h.native.stopped.Store(true)
		// A statement that begins just now forgets an interruption from before.
		again := time.NewTicker(5 * time.Millisecond)
		defer again.Stop()
		for {
			h.sessions.interrupt()
			select {
			case <-done:
				return
			case <-again.C:
			}
		}
	})
	return func() { close(done); wait.Wait() }
}

// sessionSet are the sessions that a hunt has open.
type sessionSet struct {
	mu   sync.Mutex
	open map[*session]bool
}

func (s *sessionSet) add(one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[*session]bool)
	}
	s.open[one] = true
}

func (s *sessionSet) remove(one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, one)
}

func (s *sessionSet) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.open {
		one.interrupt()
	}
}

// grouped is a number with commas: 100,000.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func megabytes(n int64) string {
	if n < 1<<20 {
		return grouped(n) + " bytes"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/(1<<20)), ".0") + " MB"
}
