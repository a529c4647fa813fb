package lake

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Config says where the lake lies and what it may use.
type Config struct {
	Dir         string // folder of lake.duckdb; made when missing
	MemoryLimit string // what DuckDB may hold, as "4GB"; "" for 4GB
	Threads     int    // of DuckDB; 0 for one per core
	MaxString   int    // longest single value in bytes; 0 for 1 MiB
	Now         func() time.Time
	Log         *slog.Logger
}

// Lake is one open data file. All methods may be called concurrently.
type Lake struct{ cfg Config }

var errTODO = errors.New("lake: not written yet")

// Open opens or makes the lake in cfg.Dir.
func Open(ctx context.Context, cfg Config) (*Lake, error) { return nil, errTODO }

// Close finishes pending writes, folds the write-ahead log into the data file
// and releases it.
func (l *Lake) Close() error { return errTODO }

// NewBatch makes an empty batch for one table; CodeNotFound for a name that is
// no hunting table. A batch is for one goroutine at a time.
func (l *Lake) NewBatch(table string) (*Batch, error) { return nil, errTODO }

// Append stores w and returns after it is durable.
func (l *Lake) Append(ctx context.Context, w Write) (Receipt, error) { return Receipt{}, errTODO }

// Quarantine lists refused records, newest first.
func (l *Lake) Quarantine(ctx context.Context, limit int) ([]Quarantined, error) { return nil, errTODO }

// QuarantineSummary counts refused records by reason, most frequent first.
func (l *Lake) QuarantineSummary(ctx context.Context) ([]ReasonCount, error) { return nil, errTODO }

// Progress is how far each item of a source is stored, keyed by item.
func (l *Lake) Progress(ctx context.Context, source string) (map[string]Progress, error) {
	return nil, errTODO
}

// Outbox lists up to limit items with a sequence above after, in order.
func (l *Lake) Outbox(ctx context.Context, after int64, limit int) ([]OutboxEntry, error) {
	return nil, errTODO
}

// OutboxDone forgets the items up to and including upto.
func (l *Lake) OutboxDone(ctx context.Context, upto int64) error { return errTODO }

// Rows is a result being read. Use Next, Scan, Err and Close as with database/sql.
type Rows struct{}

// Query runs one read-only statement.
func (l *Lake) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	return nil, errTODO
}

// Count is the number of rows of one table.
func (l *Lake) Count(ctx context.Context, table string) (int64, error) { return 0, errTODO }

// Counts is the number of rows of every table that has any.
func (l *Lake) Counts(ctx context.Context) (map[string]int64, error) { return nil, errTODO }

// Rows fetches the rows that refs point at, as maps by column name without
// empty columns; a ref whose row is gone gives nil at its place.
func (l *Lake) Rows(ctx context.Context, refs []tocsin.RowRef) ([]map[string]any, error) {
	return nil, errTODO
}

// Sample is up to n rows of a table, the latest stored first.
func (l *Lake) Sample(ctx context.Context, table string, n int) ([]map[string]any, error) {
	return nil, errTODO
}
