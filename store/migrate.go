package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations
var embedded embed.FS

// migrations are the steps of the schema for SQLite.
func migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations/sqlite")
	if err != nil {
		panic(err) // only a misspelt folder can do that
	}
	return sub
}

// migrate brings the schema up to date, each step in its own transaction.
// There are no steps down: the way back is the copy that is set aside first.
func (s *Store) migrate(ctx context.Context, steps fs.FS) error {
	p, err := goose.NewProvider(database.DialectSQLite3, s.w, steps, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	switch {
	case have > newest:
		return fmt.Errorf("the database has schema %d and this program knows only %d: use the newer program, or restore a backup", have, newest)
	case have == newest:
		return nil
	case have > 0:
		to := fmt.Sprintf("%s.schema%d.%s.bak", s.cfg.Path, have, s.cfg.Now().UTC().Format("20060102T150405"))
		if err := s.dialect.backup(s.w, to); err != nil {
			return fmt.Errorf("set a copy aside before migrating: %w", err)
		}
		if err := os.Chmod(to, 0o600); err != nil {
			return fmt.Errorf("set a copy aside before migrating: %w", err)
		}
		s.cfg.Logger.Info("store: database copied before migration", "copy", to)
	}
	start := time.Now()
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate from schema %d: %w", have, err)
	}
	s.cfg.Logger.Info("store: schema brought up to date", "from", have, "to", newest, "took", time.Since(start))
	return nil
}
