package app

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tocsinhq/tocsin/intake"
	"github.com/tocsinhq/tocsin/sim"
	"github.com/tocsinhq/tocsin/store"
)

// Example is what loading the example attack did.
type Example struct {
	Guide     string // where to look
	Rows      int64
	Tables    int
	Alerts    int64
	Incidents int64
}

const (
	exampleSeed = 1
	// Meta keys: when the example's story begins, and that it is all there. The
	// first is kept before anything is loaded, so that a load that was cut off
	// goes on with the same rows.
	exampleBegin = "example.begin"
	exampleDone  = "example.done"
)

// LoadExample plays the pretend company's last two days, up to now, through
// intake, detection and correlation, as if its sensors had sent them. A data
// folder takes the example once.
func (a *App) LoadExample(ctx context.Context) (Example, error) {
	ctx = a.system(ctx)
	ex := Example{Guide: sim.Guide()}
	start, done, err := a.exampleStart(ctx)
	if err != nil || done {
		return ex, err
	}
	rows := sim.Attack(sim.Company(exampleSeed), exampleSeed, start)
	r, w := io.Pipe()
	go func() {
		buf := bufio.NewWriterSize(w, 1<<16)
		enc := json.NewEncoder(buf)
		enc.SetEscapeHTML(false)
		for _, row := range rows {
			line := make(map[string]any, len(row.Values)+1)
			for k, v := range row.Values {
				line[k] = v
			}
			line["$table"] = row.Table
			if err := enc.Encode(line); err != nil {
				w.CloseWithError(err)
				return
			}
		}
		w.CloseWithError(buf.Flush())
	}()
	res, err := a.intake.EventsMixed(ctx, r, intake.EventsOptions{Source: "example", Once: "example"})
	if err != nil {
		return ex, err
	}
	if res.Rejected > 0 {
		return ex, fmt.Errorf("%d rows of the example were refused, the first in line %d: %s", res.Rejected, res.Errors[0].Line, res.Errors[0].Reason)
	}
	if _, err := a.intake.Drain(ctx); err != nil {
		return ex, err
	}
	if err := a.store.Update(ctx, func(tx *store.Tx) error {
		return tx.PutMeta(exampleDone, tx.Now().Format(time.RFC3339))
	}); err != nil {
		return ex, err
	}
	t, err := a.Totals(ctx)
	if err != nil {
		return ex, err
	}
	for _, n := range t.Rows {
		ex.Rows += n
	}
	ex.Tables, ex.Alerts, ex.Incidents = len(t.Rows), t.Alerts, t.Incidents
	return ex, nil
}

func (a *App) exampleStart(ctx context.Context) (start time.Time, done bool, err error) {
	start = a.cfg.Now().Add(-sim.AttackLength).UTC().Truncate(time.Minute)
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		if _, done, err = tx.Meta(exampleDone); err != nil || done {
			return err
		}
		begun, found, err := tx.Meta(exampleBegin)
		if err != nil {
			return err
		}
		if !found {
			return tx.PutMeta(exampleBegin, start.Format(time.RFC3339))
		}
		start, err = time.Parse(time.RFC3339, begun)
		return err
	})
	return start, done, err
}
