package lake

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/tocsinhq/tocsin"
)

const (
	fileName       = "lake.duckdb"
	extraColumn    = "_extra"    // JSON object of keys the table does not declare
	ingestedColumn = "_ingested" // when the row was stored, rising from commit to commit
	// A checkpoint for each 16 MB of write-ahead log, DuckDB's default, halves
	// the rate of small commits; replaying 1 GB after a crash takes seconds.
	checkpointAt = "1GB"
)

// connect opens the data file, makes what is missing in it and locks the
// configuration. The file is attached to a database in memory, because only
// ATTACH lets the size of row groups be chosen.
func connect(ctx context.Context, path string, cfg Config) (*sql.DB, error) {
	opts := url.Values{}
	for name, value := range map[string]string{
		"threads":                      strconv.Itoa(cfg.Threads),
		"memory_limit":                 cfg.MemoryLimit,
		"checkpoint_threshold":         checkpointAt,
		"preserve_insertion_order":     "false", // lets one INSERT use all threads; hunts sort by time
		"temp_directory":               path + ".tmp",
		"max_temp_directory_size":      cfg.HuntDisk,
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
		"allow_community_extensions":   "false",
	} {
		opts.Set(name, value)
	}
	var attached atomic.Bool
	connector, err := duckdb.NewConnector("?"+opts.Encode(), func(c driver.ExecerContext) error {
		if !attached.Load() {
			return nil
		}
		_, err := c.ExecContext(context.Background(), "USE lake", nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start DuckDB: %w", err)
	}
	db := sql.OpenDB(connector)
	if err := setUp(ctx, db, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	// Connections made from here on start in the lake; the one of the set-up
	// goes.
	attached.Store(true)
	return db, nil
}

func setUp(ctx context.Context, db *sql.DB, path string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer discard(conn)
	attach := fmt.Sprintf("ATTACH '%s' AS lake (ROW_GROUP_SIZE %d, STORAGE_VERSION 'v1.5.0')", strings.ReplaceAll(path, "'", "''"), groupRows)
	if err := run(conn, attach); err != nil {
		return openError(path, err)
	}
	if err := conn.Raw(func(c any) error { return withHandle(c, registerFunctions) }); err != nil {
		return err
	}
	for _, s := range []string{"USE lake", "BEGIN"} {
		if err := run(conn, s); err != nil {
			return err
		}
	}
	if err := makeTables(ctx, conn); err != nil {
		return fmt.Errorf("make the tables of %s: %w", path, err)
	}
	for _, s := range []string{"COMMIT", "SET GLOBAL enable_external_access=false", "SET GLOBAL lock_configuration=true"} {
		if err := run(conn, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// discard closes a connection instead of giving it back to the pool.
func discard(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn })
	conn.Close()
}

// openError tells a file that another process holds from other failures; for
// that DuckDB has no code, only words.
func openError(path string, err error) error {
	if strings.Contains(err.Error(), "Conflicting lock") {
		return &tocsin.Error{Code: tocsin.CodeConflict, Msg: "the lake " + path + " is open in another process; stop that one first", Err: err}
	}
	return fmt.Errorf("open %s: %w", path, err)
}

// withHandle gives fn the C handle inside the driver's connection. The driver
// keeps it private and offers no way to a table function that fills vectors in
// place, so this reads the field; a driver that renames it fails here, at Open.
func withHandle(driverConn any, fn func(mapping.Connection) error) error {
	field := reflect.ValueOf(driverConn)
	if field.Kind() == reflect.Pointer && field.Elem().Kind() == reflect.Struct {
		field = field.Elem().FieldByName("conn")
	}
	if !field.IsValid() || field.Type() != reflect.TypeFor[mapping.Connection]() {
		return fmt.Errorf("the DuckDB driver's connection %T holds no handle named conn", driverConn)
	}
	return fn(*(*mapping.Connection)(field.Addr().UnsafePointer()))
}

// drive lends this thread to DuckDB until a statement is done or, when its
// result is streamed, has its first rows. The driver would do the same, but
// polls without a pause while another of DuckDB's threads works for it, and
// burns a core that decoders want.
func drive(pending mapping.PendingResult) {
	const shortest, longest = 10 * time.Microsecond, 500 * time.Microsecond
	for pause := shortest; ; {
		state := mapping.PendingExecuteTask(pending)
		if mapping.PendingExecutionIsFinished(state) {
			return
		}
		if state != mapping.PendingStateNoTasksAvailable {
			pause = shortest
			continue
		}
		time.Sleep(pause)
		pause = min(2*pause, longest)
	}
}

// run executes one statement without arguments and without a result, as
// everything that writes should be.
func run(conn *sql.Conn, query string) error {
	return conn.Raw(func(c any) error {
		return withHandle(c, func(h mapping.Connection) error { return execute(h, query) })
	})
}

// execute runs one statement to its end.
func execute(conn mapping.Connection, query string) error {
	var stmt mapping.PreparedStatement
	defer mapping.DestroyPrepare(&stmt)
	if mapping.Prepare(conn, query, &stmt) == mapping.StateError {
		return errors.New(mapping.PrepareError(stmt))
	}
	var pending mapping.PendingResult
	defer mapping.DestroyPending(&pending)
	if mapping.PendingPrepared(stmt, &pending) == mapping.StateError {
		return errors.New(mapping.PendingError(pending))
	}
	drive(pending)
	var result mapping.Result
	defer mapping.DestroyResult(&result)
	if mapping.ExecutePending(pending, &result) == mapping.StateError {
		return errors.New(mapping.ResultError(&result))
	}
	return nil
}

func (t Type) sql() string {
	switch t {
	case Datetime:
		return "TIMESTAMP"
	case Dynamic:
		return "JSON"
	case Int:
		return "INTEGER"
	case Long:
		return "BIGINT"
	case Bool:
		return "BOOLEAN"
	case Real:
		return "DOUBLE"
	case blob:
		return "BLOB"
	}
	return "VARCHAR"
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// bookkeeping is what is neither a hunting table nor filled like one.
var bookkeeping = []string{
	`CREATE TABLE IF NOT EXISTS _progress (source VARCHAR, item VARCHAR, records BIGINT NOT NULL, rows BIGINT NOT NULL, done BOOLEAN NOT NULL, PRIMARY KEY (source, item))`,
	`CREATE TABLE IF NOT EXISTS _once (key VARCHAR PRIMARY KEY, stored TIMESTAMP NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS _state (key VARCHAR PRIMARY KEY, value BIGINT NOT NULL)`,
}

// makeTables makes the missing tables and adds the missing columns, so that a
// newer program can open an older file. Aliases of the time column are
// generated columns: both names work everywhere and only one is stored.
func makeTables(ctx context.Context, conn *sql.Conn) error {
	have, err := existingColumns(ctx, conn)
	if err != nil {
		return err
	}
	for _, s := range bookkeeping {
		if err := run(conn, s); err != nil {
			return err
		}
	}
	for _, t := range append([]*Table{quarantineTable, outboxTable}, Catalog().Tables()...) {
		cols := have[t.Name]
		if cols == nil {
			if err := run(conn, createTable(t)); err != nil {
				return fmt.Errorf("make table %s: %w", t.Name, err)
			}
			continue
		}
		for _, c := range t.Columns {
			if cols[c.Name] {
				continue
			}
			s := fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", quote(t.Name), quote(c.Name), c.Type.sql())
			if err := run(conn, s); err != nil {
				return fmt.Errorf("add column %s.%s: %w", t.Name, c.Name, err)
			}
		}
	}
	return nil
}

func existingColumns(ctx context.Context, conn *sql.Conn) (map[string]map[string]bool, error) {
	rows, err := conn.QueryContext(ctx, "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'lake' AND NOT internal")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := make(map[string]map[string]bool)
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		if have[table] == nil {
			have[table] = make(map[string]bool)
		}
		have[table][column] = true
	}
	return have, rows.Err()
}

func createTable(t *Table) string {
	var s strings.Builder
	s.WriteString("CREATE TABLE " + quote(t.Name) + " (")
	for _, c := range t.Columns {
		s.WriteString(quote(c.Name) + " " + c.Type.sql() + ", ")
	}
	s.WriteString(quote(extraColumn) + " JSON, " + quote(ingestedColumn) + " TIMESTAMP")
	for _, a := range t.Aliases() {
		s.WriteString(", " + quote(a) + " TIMESTAMP GENERATED ALWAYS AS (" + quote(t.TimeColumn()) + ") VIRTUAL")
	}
	s.WriteString(")")
	return s.String()
}

func registerFunctions(conn mapping.Connection) error {
	return errors.Join(registerSource(conn), registerStages(conn))
}
