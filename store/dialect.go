package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"os"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/tocsinhq/tocsin"
)

// dialect is what the two databases do not share; everything else is one SQL
// text for both.
type dialect interface {
	open(path string, write bool, conns int) (*sql.DB, error)
	// fold is how the database's lower() folds a string.
	fold(s string) string
	// explain turns a driver's error into one of ours where a caller can act on it.
	explain(err error) error
	// optimize lets the database learn what its tables hold, for choosing
	// between indexes.
	optimize(ctx context.Context, db *sql.DB) error
	// backup writes a consistent copy of the database.
	backup(db *sql.DB, to string) error
}

type sqlite struct{}

// Settings stand in the data source name: a PRAGMA by Exec would be lost with
// the connection when the pool recycles it.
func (sqlite) open(path string, write bool, conns int) (*sql.DB, error) {
	if write {
		// Made here and not by SQLite, so that nobody else may ever read it.
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		f.Close()
	}
	v := url.Values{"_busy_timeout": {"10000"}, "_foreign_keys": {"on"}, "_cache_size": {"-16384"}, // KiB
		"_mutex": {"no"}} // the pool gives a connection to one goroutine at a time
	if write {
		v.Set("_cache_size", "-65536")
		v.Set("_journal_mode", "WAL")
		v.Set("_synchronous", "FULL") // an answered request survives a power cut
		v.Set("_txlock", "immediate") // a deferred lock could fail when it is upgraded
	} else {
		v.Set("_query_only", "on")
	}
	db := sql.OpenDB(connector{dsn: "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + v.Encode(),
		driver: &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
			// Migrations number the keys of an older database.
			if err := c.RegisterFunc("tocsin_key", keyNumber, true); err != nil {
				return err
			}
			// The data source name has no word for these. A batch of alerts
			// writes more than the 1,000 pages after which SQLite would copy
			// them into the database; at 4,000 pages (16 MB) it does so rarely.
			// And the small sorts of queries are not worth a file.
			_, err := c.Exec("PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY", nil)
			return err
		}}})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(0)
	if err := db.Ping(); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// connector opens connections that are all alike, whenever the pool wants one.
type connector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// fold follows SQLite's lower(), which knows ASCII only.
func (sqlite) fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func (sqlite) explain(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey:
		return &tocsin.Error{Code: tocsin.CodeConflict, Msg: "it exists already", Err: err}
	case e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked:
		return &tocsin.Error{Code: tocsin.CodeUnavailable, Msg: "the case store is busy, try again", Err: err}
	case e.Code == sqlite3.ErrFull:
		return &tocsin.Error{Code: tocsin.CodeUnavailable, Msg: "the disk of the case store is full", Err: err}
	}
	return err
}

func (sqlite) optimize(ctx context.Context, db *sql.DB) error {
	// Bounded: it looks at a sample of the tables that have changed a lot.
	_, err := db.ExecContext(ctx, `PRAGMA analysis_limit = 1000; PRAGMA optimize = 0x10002`)
	return err
}

func (sqlite) backup(db *sql.DB, to string) error {
	_, err := db.Exec(`VACUUM INTO ?1`, to)
	return err
}

// rebind turns $n into ?n. Drivers for SQLite bind "$2, $1" in order of
// appearance, PostgreSQL by number; ?n is by number everywhere. Text in quotes
// and comments stays.
func rebind(q string) string {
	if strings.IndexByte(q, '$') < 0 {
		return q
	}
	b := []byte(q)
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\'' || c == '"':
			for i++; i < len(b) && b[i] != c; i++ {
			}
		case c == '-' && i+1 < len(b) && b[i+1] == '-':
			for i++; i < len(b) && b[i] != '\n'; i++ {
			}
		case c == '$' && i+1 < len(b) && b[i+1] >= '0' && b[i+1] <= '9':
			b[i] = '?'
		}
	}
	return string(b)
}
