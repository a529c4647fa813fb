package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/tocsinhq/tocsin/app"
)

// printSummary says what an import did and what the lake now holds.
func printSummary(s app.ImportSummary, t app.Totals) {
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	section := func(title string) { fmt.Fprintf(w, "\n%s\n", title) }
	section("Rows by table\tadded\tin the lake\t")
	var added, total int64
	for _, name := range slices.Sorted(maps.Keys(t.Rows)) {
		fmt.Fprintf(w, "%s\t%d\t%d\t\n", name, s.Rows[name], t.Rows[name])
		added, total = added+s.Rows[name], total+t.Rows[name]
	}
	fmt.Fprintf(w, "total\t%d\t%d\t\n", added, total)
	list := func(title string, m map[string]int64) {
		if len(m) == 0 {
			return
		}
		section(title)
		keys := slices.Collect(maps.Keys(m))
		slices.SortFunc(keys, func(a, b string) int {
			if m[a] != m[b] {
				return int(m[b] - m[a])
			}
			if a < b {
				return -1
			}
			return 1
		})
		for _, k := range keys {
			fmt.Fprintf(w, "%s\t%d\t\n", k, m[k])
		}
	}
	list("Records by format", s.Events)
	list("Quarantined now, by reason", s.Quarantined)
	skipped := map[string]int64{}
	for k, n := range s.Skipped {
		skipped[k] = int64(n)
	}
	list("Left out, by reason", skipped)
	_ = w.Flush()
	fmt.Printf("\n%d files, %d items read, %d known already; %d records in %s\n", s.Files, s.Items, s.Already, s.Records, s.Duration.Round(100*time.Millisecond))
	fmt.Printf("now: %d rows added, %d new alerts, %d repeated\n", added, s.NewAlerts, s.Repeated)
	fmt.Printf("in all: %d rows, %d alerts, %d incidents, %d quarantined records\n", total, t.Alerts, t.Incidents, t.Quarantined)
}

// printErrors names the items that could not be read, or not to their end.
func printErrors(s app.ImportSummary) {
	for _, e := range s.Errors {
		where := e.Path
		if e.Item != "" {
			where += " " + e.Item
		}
		fmt.Fprintf(os.Stderr, "tocsin: %s: %s\n", where, e.Reason)
	}
	if s.MoreErrors > 0 {
		fmt.Fprintf(os.Stderr, "tocsin: ... and %d more\n", s.MoreErrors)
	}
}

func printRuleReport(r app.RuleReport) {
	fmt.Print(r.String())
}
