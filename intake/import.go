package intake

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/cases"
	"github.com/tocsinhq/tocsin/detect"
	"github.com/tocsinhq/tocsin/lake"
)

// AcceptFunc stores alerts as cases, in order; cases.Accept is one. It must be
// idempotent: after a crash the same deliveries come again.
type AcceptFunc func(ctx context.Context, alerts []tocsin.Alert) ([]cases.Accepted, error)

// Config sets what Intake may use. The zero value is fit for use.
type Config struct {
	Limits  Limits
	TempDir string // where large archive members are unpacked; "" for the system's
	// StateDir is where the windows of correlation rules are kept over a
	// restart; "" for not at all, and they are then also forgotten when alerts
	// cannot be stored.
	StateDir string
	// Commit is how many records of an import go into one transaction; default
	// 20,000.
	Commit int
	Now    func() time.Time
	Log    *slog.Logger
}

// Intake takes telemetry in. Its methods may be called concurrently; imports
// run one after another.
type Intake struct {
	lake   *lake.Lake
	engine func() *detect.Engine
	accept AcceptFunc
	cfg    Config
	log    *slog.Logger

	importing sync.Mutex
	draining  sync.Mutex
	wake      chan struct{}
	batches   batchPool
	windows   *detect.Windows // the drain's own
}

// New makes an Intake. engine gives the rules of the moment and may return nil
// for none; accept takes the alerts, in order.
func New(l *lake.Lake, engine func() *detect.Engine, accept AcceptFunc, cfg Config) *Intake {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Commit <= 0 {
		cfg.Commit = 20_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if engine == nil {
		engine = func() *detect.Engine { return nil }
	}
	in := &Intake{lake: l, engine: engine, accept: accept, cfg: cfg, log: cfg.Log, wake: make(chan struct{}, 1)}
	in.batches.lake = l
	return in
}

// Progress is a look at a running import.
type Progress struct {
	Path       string // of the file being read
	Item       string // member within it
	Files      int    // files finished
	Bytes      int64  // of the files, as they lie on disk, that are dealt with
	TotalBytes int64
	Records    int64
	Rows       int64
	Alerts     int64 // new ones
}

// Summary is what an import did.
type Summary struct {
	Files       int              `json:"files"`
	Items       int              `json:"items"`   // files and members that were read
	Already     int              `json:"already"` // files and members that an earlier import had finished
	Records     int64            `json:"records"` // read now, without those of earlier imports
	Rows        map[string]int64 `json:"rows"`    // by table
	Events      map[string]int64 `json:"events"`  // by source format
	Hits        int64            `json:"hits"`
	NewAlerts   int              `json:"newAlerts"`
	Repeated    int              `json:"repeatedAlerts"`
	Incidents   int              `json:"incidents"` // touched
	Quarantined map[string]int64 `json:"quarantined"`
	Skipped     map[string]int   `json:"skipped"` // files and members that are no telemetry, by what they are
	Errors      []ItemError      `json:"errors"`
	MoreErrors  int              `json:"moreErrors"` // beyond those listed
	Bytes       int64            `json:"bytes"`      // of the files on disk
	Duration    time.Duration    `json:"duration"`
}

// ItemError is what is wrong with one file or member. Everything else of the
// import went on.
type ItemError struct {
	Path   string `json:"path"`
	Item   string `json:"item,omitempty"`
	Reason string `json:"reason"`
}

// maxListedErrors bounds the list in a summary; the rest is counted.
const maxListedErrors = 1000

func newSummary() *Summary {
	return &Summary{Errors: []ItemError{}, Rows: map[string]int64{}, Events: map[string]int64{}, Quarantined: map[string]int64{}, Skipped: map[string]int{}}
}

func (s *Summary) problem(path, item string, err error) {
	if len(s.Errors) >= maxListedErrors {
		s.MoreErrors++
		return
	}
	s.Errors = append(s.Errors, ItemError{Path: path, Item: item, Reason: err.Error()})
}

// Import reads files and folders into the lake, runs the rules over them and
// hands the alerts on. What an earlier import of the same content stored is not
// stored again. progress may be nil; it is called from one goroutine, at most
// once a commit or file. The error is one that stopped the import (the
// context's, the lake's or accept's); what is wrong with items is in the
// summary, which is valid in any case.
func (in *Intake) Import(ctx context.Context, paths []string, progress func(Progress)) (Summary, error) {
	in.importing.Lock()
	defer in.importing.Unlock()
	start := in.cfg.Now()
	run := &importRun{in: in, sum: newSummary(), report: progress, touched: map[int64]bool{}}
	for _, p := range paths {
		run.total += sizeBelow(p)
	}
	// Hits that a killed import left behind come first: alerts keep their order.
	err := run.drain(ctx)
	if err == nil {
		err = run.pipeline(ctx, paths)
	}
	if err == nil {
		err = run.drain(ctx)
	}
	run.sum.Incidents = len(run.touched)
	run.sum.Duration = in.cfg.Now().Sub(start)
	return *run.sum, err
}

// sizeBelow adds up the files below a path, for the progress bar only.
func sizeBelow(p string) (n int64) {
	if real, err := filepath.EvalSymlinks(p); err == nil {
		p = real
	}
	filepath.WalkDir(p, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// batchPool keeps emptied batches, which own the memory that rows are built in.
type batchPool struct {
	lake *lake.Lake
	mu   sync.Mutex
	free map[string][]*lake.Batch
	held int // users that come back for batches again and again
}

// hold makes the pool keep what a stream of groups needs over and over, until
// the function that it returns is called: fresh memory costs as much as
// decoding into it.
func (p *batchPool) hold() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.held--; p.held > 0 {
			return
		}
		for name, list := range p.free {
			if len(list) > keepBatches {
				clear(list[keepBatches:])
				p.free[name] = list[:keepBatches]
			}
		}
	}
}

func (p *batchPool) get(table string) (*lake.Batch, error) {
	p.mu.Lock()
	if list := p.free[table]; len(list) > 0 {
		b := list[len(list)-1]
		p.free[table] = list[:len(list)-1]
		p.mu.Unlock()
		return b, nil
	}
	p.mu.Unlock()
	return p.lake.NewBatch(table)
}

// keepBatches bounds what the pool keeps for one table, heldBatches what it
// keeps while it is held: two groups and what lies between.
const (
	keepBatches = 4
	heldBatches = 2*groupBlocks + blockAhead + decoders
)

func (p *batchPool) put(b *lake.Batch) {
	if b == nil {
		return
	}
	b.Reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == nil {
		p.free = map[string][]*lake.Batch{}
	}
	name := b.Table().Name
	keep := keepBatches
	if p.held > 0 {
		keep = heldBatches
	}
	if len(p.free[name]) < keep {
		p.free[name] = append(p.free[name], b)
	}
}

// plainError is the text of an error for a summary or a response.
func plainError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err // the path is told beside it
	}
	return err
}
