package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// HuntFormats are how a result may be printed.
var HuntFormats = []string{"table", "csv", "json", "ndjson"}

// HuntAsk is a hunting query from the command line.
type HuntAsk struct {
	Query    string
	Params   map[string]string // of declare query_parameters
	From, To time.Time         // zero: no bound but the query's own
	MaxRows  int64             // 0: as many as there are
	Timeout  time.Duration     // 0: ten minutes
	Format   string            // one of HuntFormats
	Out      io.Writer         // takes the rows
	Notes    io.Writer         // takes what is to be said beside them
	Width    int               // of a terminal, in columns; 0 where lines may be of any length
	Summary  bool              // say how many rows there were
}

// noLimit is more rows, or bytes, than there are.
const noLimit = 1 << 40

// ErrQuery is a query that is wrong, in errors of Hunt and HuntServer.
var ErrQuery = errors.New("the query is wrong")

// queryError is ErrQuery with what is wrong.
type queryError struct{ text string }

func (e queryError) Error() string   { return e.text }
func (e queryError) Is(t error) bool { return t == ErrQuery }

// errCancelled replaces context.Canceled, whose words are about imports.
var errCancelled = errors.New("the query was cancelled")

// Hunt answers a query from the data folder and prints the result. partial is
// that the result is not whole; why was said to Notes.
func (a *App) Hunt(ctx context.Context, ask HuntAsk) (partial bool, err error) {
	params, err := kql.ParseParameters(ask.Query, ask.Params)
	if err != nil {
		return false, queryError{err.Error()}
	}
	opts := lake.HuntOptions{From: ask.From, To: ask.To, AllTime: ask.From.IsZero() && ask.To.IsZero(), Params: params,
		MaxRows: ask.MaxRows, MaxBytes: noLimit, Timeout: ask.Timeout, Interface: "cli"}
	if opts.MaxRows == 0 {
		opts.MaxRows = noLimit
	}
	out, err := newHuntPrinter(ask)
	if err != nil {
		return false, err
	}
	stats, err := a.hunter.Run(a.system(ctx), ask.Query, opts, out)
	var diags *kql.Diagnostics
	switch {
	case ctx.Err() != nil:
		return false, errCancelled
	case errors.As(err, &diags):
		return false, queryError{diags.Error()}
	case err != nil:
		return false, err
	}
	if err := out.end(); err != nil {
		return false, err
	}
	for _, w := range stats.Warnings {
		fmt.Fprintf(ask.Notes, "tocsin: warning: %s\n", w.Msg)
	}
	sayEnd(ask, stats.Rows, stats.Elapsed, stats.Partial)
	return stats.Partial != "", nil
}

func sayEnd(ask HuntAsk, rows int64, took time.Duration, partial string) {
	if partial != "" {
		fmt.Fprintf(ask.Notes, "tocsin: the result is not whole: %s\n", partial)
	}
	if ask.Summary {
		noun := "rows"
		if rows == 1 {
			noun = "row"
		}
		fmt.Fprintf(ask.Notes, "%d %s in %s\n", rows, noun, took.Round(time.Millisecond))
	}
}

// InUse reports an error of New that means that a server has the data folder
// open.
func InUse(err error) bool { return tocsin.CodeOf(err) == tocsin.CodeConflict }
