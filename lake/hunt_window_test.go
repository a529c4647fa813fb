package lake

import (
	"slices"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// TestWindowJoin compares joins on a window of time, which are computed with
// slices of time, with the same condition where nothing tells that it is one:
// behind a computed column, for which all pairs are looked at.
func TestWindowJoin(t *testing.T) {
	l := openLake(t, t.TempDir())
	const tables = `let A = range i from 0 to 600 step 1
| extend k = tostring(i % 3), a = iff(i % 11 == 0, datetime(null), datetime(2026-05-01) + (i * 7919 % 3600) * 1s + (i % 4) * 1tick);
let B = range j from 0 to 500 step 1
| extend k = tostring(j % 4), b = iff(j % 13 == 0, datetime(null), datetime(2026-05-01) + (j * 104729 % 3600) * 1s), early = datetime(0001-01-01) + (j % 50) * 1s;
`
	for _, c := range []struct{ window, plain string }{
		{"a between (b .. b + 30s)", "a - b >= 0s and a - b <= 30s"},
		{"b between ((a - 45s) .. (a + 15s))", "b - a >= -45s and b - a <= 15s"},
		{"a > b and a < b + 1m", "a - b > 0s and a - b < 1m"},
		{"(a - b) between (0s .. 2m)", "a - b >= 0s and a - b <= 2m"},
		{"b - a >= 0s and b - a <= 10s and i % 2 == 0", "b - a >= 0s and b - a <= 10s and i % 2 == 0"},
		{"b + 10s >= a and a >= b + 10s", "a - b == 10s"},
		{"a - 1m <= b and a + 1m >= b and a between (b .. b + 5s)", "a - b >= 0s and a - b <= 5s"},
		{"b between (a .. a - 5s)", "false"},
	} {
		for _, kind := range []string{"inner", "innerunique"} {
			// innerunique keeps one row of a key, whichever; so keys are unique there.
			left := "A"
			if kind == "innerunique" {
				left = "(A | summarize arg_max(i, a) by k)"
			}
			source := tables + left + " | join kind=" + kind + " B on k "
			windowed := source + "| where " + c.window + " | project i, j"
			st := firstStatement(t, l, windowed)
			if sliced := strings.Contains(st.SQL, " // "); !sliced && c.plain != "false" {
				t.Errorf("%s: no slices in %s", c.window, st.SQL)
			}
			got := huntRowsOf(t, l, windowed, HuntOptions{AllTime: true}).rows
			all := huntRowsOf(t, l, source+"| extend hit = iff("+c.plain+", 1, 0) | where hit == 1 | project i, j", HuntOptions{AllTime: true}).rows
			slices.Sort(got)
			slices.Sort(all)
			if !slices.Equal(got, all) || len(all) == 0 && c.plain != "false" && kind == "inner" {
				t.Errorf("%s %s: %d rows instead of %d", kind, c.window, len(got), len(all))
			}
		}
	}
	// Windows that begin before there is time, where there is no such time.
	r := huntRowsOf(t, l, tables+"B | join kind=inner (B | project k, j2 = j, early2 = early) on k | where early between ((early2 - 20s) .. (early2 + 20s)) | count", HuntOptions{AllTime: true})
	all := huntRowsOf(t, l, tables+"B | join kind=inner (B | project k, j2 = j, early2 = early) on k | extend hit = iff(early >= early2 - 20s and early <= early2 + 20s, 1, 0) | where hit == 1 | count", HuntOptions{AllTime: true})
	if r.rows[0] != all.rows[0] || r.rows[0] == "0" {
		t.Errorf("at the beginning of time: %s rows instead of %s", r.rows[0], all.rows[0])
	}
}

// firstStatement is the SQL of the first plan of a query.
func firstStatement(t *testing.T, l *Lake, src string) *sqlgen.Statement {
	t.Helper()
	bound, err := l.CheckHunt(analyst(t.Context()), src, HuntOptions{AllTime: true})
	must0(t, err)
	st, err := sqlgen.Generate(bound.Plans[0].Root, sqlgen.Options{})
	if err != nil {
		t.Fatal(err.(*kql.Diagnostics))
	}
	return st
}
