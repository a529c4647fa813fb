package lake

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin/kql"
)

// TestHuntResults runs the queries of testdata/results: a query, a line of four
// hyphens, and the columns and rows that it gives or where and why it is
// refused; an empty line ends it. -update writes what they give now.
func TestHuntResults(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "results", "*.txt"))
	must0(t, err)
	if len(files) == 0 {
		t.Fatal("no files in testdata/results")
	}
	l := conformanceLake(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			must0(t, err)
			var out []string
			for block := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
				query, want, _ := strings.Cut(strings.Trim(block, "\n"), "\n----\n")
				query = strings.TrimSuffix(query, "\n----")
				got := strings.TrimSpace(huntedText(t, l, query))
				out = append(out, query+"\n----\n"+got+"\n")
				if !*update && got != strings.TrimSpace(want) {
					t.Errorf("%s\ngot\n%s\nwant\n%s", query, got, want)
				}
			}
			if *update {
				must0(t, os.WriteFile(file, []byte(strings.Join(out, "\n")), 0o644))
			}
		})
	}
}

// huntedText is what a query gives, as the files have it.
func huntedText(t *testing.T, l *Lake, query string) string {
	t.Helper()
	r := runCase(l, conformanceCase{Query: query})
	if r.err != nil {
		var diags *kql.Diagnostics
		if !errors.As(r.err, &diags) {
			t.Errorf("%s\n%v", query, r.err)
			return r.err.Error()
		}
		d := diags.List[0]
		return fmt.Sprintf("! %s: %s", query[d.Span.Start:d.Span.End], d.Msg)
	}
	var b strings.Builder
	for i, c := range r.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c + ":" + r.Types[i])
	}
	lines := make([]string, len(r.Rows))
	for i, row := range r.Rows {
		text, err := json.Marshal(row)
		must0(t, err)
		lines[i] = "\n" + string(text)
	}
	if !strings.Contains(query, "sort by") && !strings.Contains(query, "| top ") {
		slices.Sort(lines) // the rows have no order
	}
	b.WriteString(strings.Join(lines, ""))
	return b.String()
}
