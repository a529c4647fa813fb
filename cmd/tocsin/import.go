package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"

	"github.com/tocsinhq/tocsin/app"
)

func runImport(ctx context.Context, args []string) error {
	fs := flags("import")
	data := dataFlag(fs)
	asJSON := fs.Bool("json", false, "print the summary as JSON")
	paths, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		fs.Usage()
		return errUsage
	}
	return withApp(ctx, *data, func(a *app.App) error {
		bar := newBar()
		sum, err := a.Import(ctx, paths, bar.update)
		bar.done()
		if err != nil {
			return err
		}
		totals, err := a.Totals(ctx)
		if err != nil {
			return err
		}
		if *asJSON {
			enc := json.NewEncoder(os.Stdout)
			enc.SetIndent("", "  ")
			err = enc.Encode(struct {
				Import app.ImportSummary `json:"import"`
				Totals app.Totals        `json:"totals"`
			}{sum, totals})
			if err != nil {
				return err
			}
		} else {
			printSummary(sum, totals)
		}
		printErrors(sum)
		if len(sum.Errors) > 0 {
			return errRefused
		}
		return nil
	})
}

// bar draws progress on a terminal and keeps quiet elsewhere.
type bar struct{ b *progressbar.ProgressBar }

func newBar() *bar {
	if !isTerminal(os.Stderr) {
		return &bar{}
	}
	return &bar{progressbar.NewOptions64(-1, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionSetWidth(24), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100_000_000))}
}

func (b *bar) update(p app.ImportProgress) {
	if b.b == nil {
		return
	}
	if p.TotalBytes > 0 && b.b.GetMax64() != p.TotalBytes {
		b.b.ChangeMax64(p.TotalBytes)
	}
	b.b.Describe(fmt.Sprintf("%d records  %s", p.Records, shorten(p.Item, 40)))
	_ = b.b.Set64(p.Bytes)
}

func (b *bar) done() {
	if b.b != nil {
		_ = b.b.Finish()
	}
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return "…" + string(r[len(r)-n+1:])
	}
	return s
}
