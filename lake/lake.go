package lake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Config says where the lake lies and what it may use.
type Config struct {
	Dir         string           // folder of lake.duckdb; made when missing
	MemoryLimit string           // what DuckDB may hold, as "4GB"; "" for 4GB. Batches come on top
	Threads     int              // of DuckDB; 0 for one per core
	MaxString   int              // longest single value in bytes; 0 for 1 MiB, which is the most
	Now         func() time.Time // clock of _ingested and the quarantine; nil for time.Now
	Log         *slog.Logger     // nil for slog.Default()

	// What follows is for hunting; see Hunt.
	Tenant string // whose telemetry this is; "" for tocsin.DefaultTenant
	// Devices are the ids and the names of the devices whose rows a principal that
	// is limited to device groups may read; without it, such a one reads none.
	Devices     func(ctx context.Context) (ids, names []string, err error)
	Live        map[string]LiveTable // hunting tables that are kept elsewhere, by name
	External    OpenExternal         // opens what externaldata names; nil switches that off
	HuntRange   time.Duration        // how far back a query sees that does not say; 0 for 30 days
	Hunts       int                  // queries that run at once; 0 for 4
	HuntCPU     time.Duration        // processor time of a tenant in 15 minutes; 0 for half of what Threads have
	StageMemory int64                // bytes of rows that one query's operators in Go may keep; 0 for 512 MiB
	HuntDisk    string               // what DuckDB may put on disk while it sorts and joins, as "10GB"; "" for 10GB
}

// Lake is one open data file. All methods may be called concurrently.
type Lake struct {
	cfg    Config
	path   string
	db     *sql.DB
	ctx    context.Context // of the committer: ends with the lake, not with a caller
	cancel context.CancelFunc

	queue   queue
	natives natives
	hunts   huntSlots
	quota   huntQuotas
	stopped chan struct{} // closed when the committer is done
	closing sync.Once
	closed  error

	// Of the committer alone.
	writer   *sql.Conn
	lastSeq  int64 // of the outbox
	lastTime int64 // _ingested, microseconds
}

// opened are the files this process has open. DuckDB's lock keeps other
// processes out, but not a second opening by the same one, which would spoil
// the file.
var opened struct {
	sync.Mutex
	paths map[string]bool
}

// Open opens or makes the lake in cfg.Dir. CodeConflict means that it is open
// already, here or in another process.
func Open(ctx context.Context, cfg Config) (*Lake, error) {
	if cfg.MemoryLimit == "" {
		cfg.MemoryLimit = "4GB"
	}
	if cfg.Threads <= 0 {
		cfg.Threads = runtime.GOMAXPROCS(0)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	cfg = huntConfig(cfg)
	path, err := claim(cfg.Dir)
	if err != nil {
		return nil, err
	}
	l := &Lake{cfg: cfg, path: path, stopped: make(chan struct{}), hunts: newHuntSlots(cfg.Hunts),
		quota: huntQuotas{now: cfg.Now, clock: time.Now, cpu: processCPU, threads: cfg.Threads, budget: cfg.HuntCPU}}
	l.queue.wake = make(chan struct{}, 1)
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if l.db, err = connect(ctx, path, cfg); err == nil {
		if err = l.resume(ctx); err != nil {
			err = errors.Join(err, l.db.Close())
		}
	}
	if err != nil {
		l.cancel()
		release(path)
		return nil, err
	}
	go l.commitLoop()
	return l, nil
}

func claim(dir string) (string, error) {
	if dir == "" {
		return "", tocsin.Errorf(tocsin.CodeInvalid, "the lake needs a folder")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the lake: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", fmt.Errorf("find the folder of the lake: %w", err)
	}
	path := filepath.Join(dir, fileName)
	opened.Lock()
	defer opened.Unlock()
	if opened.paths[path] {
		return "", tocsin.Errorf(tocsin.CodeConflict, "the lake %s is open already", path)
	}
	if opened.paths == nil {
		opened.paths = make(map[string]bool)
	}
	opened.paths[path] = true
	return path, nil
}

func release(path string) {
	opened.Lock()
	defer opened.Unlock()
	delete(opened.paths, path)
}

// onceKept is how long a Write.Once key is remembered at least; older ones go
// when the lake is opened.
const onceKept = 30 * 24 * time.Hour

// resume takes up the counters where the last run left them.
func (l *Lake) resume(ctx context.Context) (err error) {
	if l.writer, err = l.db.Conn(ctx); err != nil {
		return err
	}
	limit := l.cfg.Now().Add(-onceKept).UnixMicro()
	if _, err := l.writer.ExecContext(ctx, "DELETE FROM _once WHERE stored < make_timestamp(?)", limit); err != nil {
		return fmt.Errorf("forget old keys: %w", err)
	}
	query := "SELECT 'outbox', max(value) FROM _state WHERE key = 'outbox'"
	for _, t := range Catalog().Tables() {
		query += fmt.Sprintf(" UNION ALL SELECT 'time', epoch_us(max(%s)) FROM %s", quote(ingestedColumn), quote(t.Name))
	}
	rows, err := l.writer.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("read the state of the lake: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var what string
		var value sql.NullInt64
		if err := rows.Scan(&what, &value); err != nil {
			return fmt.Errorf("read the state of the lake: %w", err)
		}
		if what == "outbox" {
			l.lastSeq = value.Int64
		} else {
			l.lastTime = max(l.lastTime, value.Int64)
		}
	}
	return rows.Err()
}

// Close finishes pending writes, folds the write-ahead log into the data file
// and releases it. Later calls return the first one's error.
func (l *Lake) Close() error {
	l.closing.Do(func() {
		l.queue.close()
		<-l.stopped
		if err := run(l.writer, "CHECKPOINT lake"); err != nil {
			// Nothing is lost: the log is replayed at the next opening.
			l.cfg.Log.Warn("checkpoint of the lake", "path", l.path, "error", err)
		}
		l.cancel()
		l.closed = errors.Join(l.writer.Close(), l.db.Close())
		release(l.path)
	})
	return l.closed
}

// NewBatch makes an empty batch for one table; CodeNotFound for a name that is
// no hunting table.
func (l *Lake) NewBatch(table string) (*Batch, error) {
	t, err := findTable(table)
	if err != nil {
		return nil, err
	}
	return newBatch(t, l.cfg.MaxString), nil
}

func findTable(name string) (*Table, error) {
	if t, ok := Catalog().Table(name); ok {
		return t, nil
	}
	return nil, tocsin.Errorf(tocsin.CodeNotFound, "no hunting table %q", name)
}
