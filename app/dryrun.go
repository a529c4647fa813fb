package app

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/tocsinhq/tocsin/cases"
)

// TryCorrelation writes what changed weights, bounds and exclusions, as
// cases.ParseDryRun reads them from change, would do to the alerts of the last
// days; nil counts what the present settings make of them. Nothing is changed.
func (a *App) TryCorrelation(ctx context.Context, days int, change io.Reader, out io.Writer) error {
	var ask cases.DryRunAsk
	if change != nil {
		text, err := io.ReadAll(io.LimitReader(change, cases.MaxDryRunBytes+1))
		if err == nil {
			ask, err = cases.ParseDryRun(text)
		}
		if err != nil {
			return err
		}
	}
	ask.Days = days
	d, err := a.cases.DryRun(a.system(ctx), ask)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d alerts since %s, %d of them of rules that do not correlate\n", d.Alerts, d.From.Format("2006-01-02"), d.Apart)
	if d.More {
		fmt.Fprintf(&b, "there are more in that time; these are the newest\n")
	}
	fmt.Fprintf(&b, "incidents as set now: %d\n", d.Present)
	if change != nil {
		fmt.Fprintf(&b, "incidents as changed: %d\nsplit: %d\nmerged: %d\n", d.Changed, d.Split, d.Merged)
	}
	for i := range d.Pairs {
		writePair(&b, &d.Pairs[i])
	}
	_, err = io.WriteString(out, b.String())
	return err
}

func writePair(b *strings.Builder, p *cases.DryRunPair) {
	what := "merged"
	if p.Split {
		what = "split"
	}
	fmt.Fprintf(b, "%s\n", what)
	for _, s := range []*cases.DryRunSide{&p.Main, &p.Piece} {
		fmt.Fprintf(b, "  %d alerts from %s %q on, now in incident %d, %q\n", s.Alerts, s.AlertID, s.Title, s.IncidentID, s.Name)
	}
	if p.Sentence != "" {
		fmt.Fprintf(b, "  weight %.2f: %q\n", p.Weight, p.Sentence)
	}
}
