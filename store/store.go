// Package store is the truth about cases: incidents, alerts, comments, users,
// sessions, tokens, jobs and the record of changes, in SQLite.
//
// It owns the SQL and the schema. It promises that a change, its line in the
// record and its follow-up job commit together or not at all; that a
// transaction has one time, one actor and one tenant, taken from the context,
// and that no statement reaches another tenant's rows; that a committed change
// survives a power cut; and that the record has no gaps and is chained by
// hashes. It decides nothing about cases: which moves are legal, what joins
// what and who may do it are the business of its callers.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
)

// Config says where the store is.
type Config struct {
	// Path is the database file; it is made when absent. Its folder must exist.
	Path string
	// Now is the clock, time.Now when nil.
	Now    func() time.Time
	Logger *slog.Logger
	// Readers is how many queries may run at once; 4 when 0.
	Readers int
	// NoIndex has the queue answered by the tables alone: slower, and with 200 MB
	// of memory less for a million incidents.
	NoIndex bool
	// Fault, when set, is asked before every statement that writes and before
	// every commit, which fails with its error: how tests break off anywhere.
	Fault func() error
}

// Store is an open case store. Its methods may be called from any goroutine.
type Store struct {
	cfg     Config
	dialect dialect
	// One writer and several readers, as two pools: SQLite has one writer at a
	// time anyway, and waiting for a connection in Go is fair and obeys the
	// context, where waiting for SQLite's lock is neither.
	w, r   *sql.DB
	wstmts statements
	rstmts statements

	names      nameMemory
	labelTexts spellings
	indexes    indexes
	scorings   scorings
	background sync.WaitGroup
	devices    sharedDevices
	parts      partsMemory

	mu       sync.Mutex
	watchers map[chan struct{}]bool
}

// Open opens the store at cfg.Path, brings an older schema up to date after a
// copy of the file was set aside, and refuses one that is newer than the program.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Path == "" {
		return nil, errors.New("open store: no path")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Readers <= 0 {
		cfg.Readers = 4
	}
	s := &Store{cfg: cfg, dialect: sqlite{}, watchers: map[chan struct{}]bool{}}
	var err error
	if s.w, err = s.dialect.open(cfg.Path, true, 1); err != nil {
		return nil, fmt.Errorf("open store %s: %w", cfg.Path, err)
	}
	if err := s.migrate(ctx, migrations()); err != nil {
		s.w.Close()
		return nil, fmt.Errorf("open store %s: %w", cfg.Path, err)
	}
	if s.r, err = s.dialect.open(cfg.Path, false, cfg.Readers); err != nil {
		s.w.Close()
		return nil, fmt.Errorf("open store %s: %w", cfg.Path, err)
	}
	s.wstmts.db, s.rstmts.db = s.w, s.r
	s.indexes.ctx, s.indexes.stop = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Close ends the store; running transactions finish first.
func (s *Store) Close() error {
	s.indexes.stop()
	s.background.Wait()
	s.wstmts.close()
	s.rstmts.close()
	return errors.Join(s.r.Close(), s.w.Close())
}

// Now is the store's clock, in UTC and whole microseconds.
func (s *Store) Now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }

// Optimize brings the statistics up to date by which the database chooses
// between indexes. It is cheap when little has changed.
func (s *Store) Optimize(ctx context.Context) error { return s.dialect.optimize(ctx, s.w) }

// View runs fn in one consistent reading transaction of the tenant of ctx.
// Without a principal in ctx it is an error of CodeUnauthenticated.
func (s *Store) View(ctx context.Context, fn func(tx *Tx) error) error {
	p, err := principal(ctx)
	if err != nil {
		return err
	}
	return s.run(ctx, p, false, fn)
}

// Update runs fn in one writing transaction of the tenant of ctx: all of its
// rows, lines of the record and jobs are durable when Update returns nil, and
// none of them exists when it returns an error. fn must not call the store
// again except through tx.
func (s *Store) Update(ctx context.Context, fn func(tx *Tx) error) error {
	p, err := principal(ctx)
	if err != nil {
		return err
	}
	return s.run(ctx, p, true, fn)
}

func principal(ctx context.Context) (tocsin.Principal, error) {
	p, ok := tocsin.PrincipalFrom(ctx)
	if !ok || p.Tenant == "" || p.ID == "" {
		return p, &tocsin.Error{Code: tocsin.CodeUnauthenticated, Msg: "sign in first"}
	}
	return p, nil
}

func (s *Store) run(ctx context.Context, p tocsin.Principal, write bool, fn func(tx *Tx) error) error {
	db, cache := s.r, &s.rstmts
	if write {
		db, cache = s.w, &s.wstmts
	}
	raw, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	// A statement that was new to this transaction is prepared for the next one
	// when the connection is free again: preparing needs a connection, and the
	// writer has just one.
	tx := &Tx{ctx: ctx, s: s, raw: raw, cache: cache, now: s.Now(), who: p, scope: scopeOf(p), write: write}
	defer func() { cache.prepare(tx.unprepared) }()
	defer raw.Rollback() // also when fn panics; after a commit it does nothing
	if err := fn(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("transaction given up: %w", err)
	}
	if !write {
		return nil
	}
	if err := tx.settle(); err != nil {
		return err
	}
	if err := tx.commit(); err != nil {
		return err
	}
	for _, f := range tx.after {
		f()
	}
	if tx.appended {
		s.wake()
	}
	return nil
}

// commit makes the transaction durable, and has the index of its tenant follow.
func (tx *Tx) commit() error {
	if err := tx.finishIndexed(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if fault := tx.s.cfg.Fault; fault != nil {
		if err := fault(); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	if tx.change == nil {
		if err := tx.raw.Commit(); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	}
	x := &tx.s.indexes
	x.commit.Lock()
	defer x.commit.Unlock()
	if err := tx.raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if ti := x.of(tx.who.Tenant); ti != nil && !ti.failed() {
		ti.index.apply(*tx.change)
	}
	return nil
}
