package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
)

// An attack is a query that somebody writes to hurt.
type attack struct {
	name, query string
	// ends says how it has to end: "bad" with diagnostics, "limit" with a limit
	// told in words, "rows" with an answer, "" with one of them.
	ends string
	text string // that the error has
}

func many(n int, format string, sep string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(sep)
		}
		if strings.Contains(format, "%d") {
			fmt.Fprintf(&b, format, i)
		} else {
			b.WriteString(format)
		}
	}
	return b.String()
}

// doubled defines x0 by first and each of x1 ... xn by two of the one before.
func doubled(n int, first, twice string) string {
	q := "let x0 = " + first + ";\n"
	for i := 1; i <= n; i++ {
		q += fmt.Sprintf("let x%d = %s;\n", i, strings.ReplaceAll(twice, "X", fmt.Sprintf("x%d", i-1)))
	}
	return q
}

func nested(n int, open, inner, end string) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
}

var attacks = []attack{
	// Much work from few words.
	{name: "cross join", query: endless, ends: "limit"},
	{name: "cross join kept", query: "range a from 1 to 3000000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 3000000 step 1 | extend k = 1) on k | summarize make_list(a * b)", ends: "limit"},
	{name: "cross join sorted", query: "range a from 1 to 1000000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 1000 step 1 | extend k = 1) on k | sort by b desc, a asc | extend n = row_number() | where n == 77", ends: "limit"},
	{name: "cross joins of cross joins", query: "let t = range a from 1 to 1000 step 1 | extend k = 1; t" + strings.Repeat(" | join kind=inner t on k", 12) + " | count", ends: "limit"},
	{name: "union of itself", query: "let t0 = range a from 1 to 1000 step 1;" + func() (s string) {
		for i := 1; i < 40; i++ {
			s += fmt.Sprintf("let t%d = union t%d, t%d;", i, i-1, i-1)
		}
		return s
	}() + "t39 | count", ends: "bad", text: "too"},
	{name: "range without end", query: "range x from 1 to 9223372036854775807 step 1 | count"},
	{name: "range without end kept", query: "range x from 1 to 9223372036854775807 step 1 | summarize make_set(x), dcount(x)", ends: "bad"},
	{name: "range without end as rows", query: "range x from 1 to 9223372036854775807 step 1", ends: "bad"},
	{name: "range of ticks", query: "range x from datetime(0001-01-01) to datetime(9999-12-31) step 1tick | summarize max(x), make_list(x)", ends: "bad"},
	{name: "range that stands", query: "range x from 1 to 10 step 0"},
	{name: "range that runs away", query: "range x from 9223372036854775800 to 9223372036854775807 step 5", ends: "rows"},
	{name: "range of tiny reals", query: "range x from 0.0 to 1.0 step 1e-300 | count"},
	{name: "range of reals that stand", query: "range x from 1e300 to 1.1e300 step 1.0 | count"},
	{name: "range of NaN", query: "range x from real(nan) to 5.0 step 1.0 | count"},
	{name: "range to infinity", query: "range x from 0.0 to real(+inf) step 1.0 | count"},
	{name: "array without end", query: "print array_length(range(1, 1000000000000))"},
	{name: "arrays in every row", query: "range x from 1 to 100000 step 1 | extend a = range(1, 1000000 + x) | summarize sum(array_length(a))"},
	{name: "arrays kept in every row", query: "range x from 1 to 100000 step 1 | extend a = range(x, 1000000 + x) | summarize make_list(a)", ends: "limit"},
	{name: "arrays doubled", query: doubled(40, "range(1, 1000)", "array_concat(X, X)") + "print array_length(x40)"},
	{name: "arrays doubled in rows", query: "range r from 1 to 4000 step 1 | extend x0 = range(r, r + 1000)" + func() (s string) {
		for i := 1; i <= 25; i++ {
			s += fmt.Sprintf(" | extend x%d = array_concat(x%d, x%d)", i, i-1, i-1)
		}
		return s
	}() + "| summarize sum(array_length(x25))"},
	{name: "bags doubled", query: doubled(40, "pack('a', 'b')", "pack('l', X, 'r', X)") + "print tostring(x40)"},
	{name: "bags doubled in rows", query: "range r from 1 to 4000 step 1 | extend x0 = pack('r', r)" + func() (s string) {
		for i := 1; i <= 35; i++ {
			s += fmt.Sprintf(" | extend x%d = pack('l', x%d, 'r', x%d)", i, i-1, i-1)
		}
		return s
	}() + "| summarize max(tostring(x35))"},
	{name: "texts doubled", query: doubled(40, "'some text'", "strcat(X, X)") + "print strlen(x40)"},
	{name: "texts doubled in rows", query: "range r from 1 to 4000 step 1 | extend x0 = tostring(r)" + func() (s string) {
		for i := 1; i <= 35; i++ {
			s += fmt.Sprintf(" | extend x%d = strcat(x%d, x%d)", i, i-1, i-1)
		}
		return s
	}() + "| summarize sum(strlen(x35))"},
	{name: "texts joined doubled in rows", query: "range r from 1 to 4000 step 1 | extend x0 = tostring(r)" + func() (s string) {
		for i := 1; i <= 35; i++ {
			s += fmt.Sprintf(" | extend x%d = strcat_delim(x%d, x%d, x%d)", i, i-1, i-1, i-1)
		}
		return s
	}() + "| summarize sum(strlen(x35))"},
	{name: "text repeated", query: "print strlen(strrep('x', 1000000000))"},
	{name: "text repeated in rows", query: "range r from 1 to 100000 step 1 | extend x = strrep('0123456789', 1000 * r) | summarize sum(strlen(strcat(x, x)))"},
	{name: "repeat", query: "print array_length(repeat(1, 1000000000000))"},
	{name: "numbers doubled", query: doubled(60, "rand()", "X + X") + "print x60"},
	{name: "branches doubled", query: doubled(60, "rand()", "iff(X > 0.5, X, X)") + "print x60"},
	{name: "columns doubled", query: "range x0 from 1 to 10 step 1" + func() (s string) {
		for i := 1; i <= 60; i++ {
			s += fmt.Sprintf(" | extend x%d = x%d * x%d", i, i-1, i-1)
		}
		return s
	}() + " | project x60"},
	{name: "conditions doubled", query: "DeviceInfo | extend x0 = DeviceId == 'a'" + func() (s string) {
		for i := 1; i <= 60; i++ {
			s += fmt.Sprintf(" | extend x%d = x%d or not(x%d)", i, i-1, i-1)
		}
		return s
	}() + " | where x60"},
	{name: "functions doubled", query: "let f0 = (x:long) { x + 1 };" + func() (s string) {
		for i := 1; i <= 60; i++ {
			s += fmt.Sprintf("let f%d = (x:long) { f%d(f%d(x)) };", i, i-1, i-1)
		}
		return s
	}() + "print f60(1)", ends: "bad", text: "too"},
	{name: "tables doubled by functions", query: "let f0 = () { DeviceInfo };" + func() (s string) {
		for i := 1; i <= 60; i++ {
			s += fmt.Sprintf("let f%d = () { union f%d(), f%d() };", i, i-1, i-1)
		}
		return s
	}() + "f60()", ends: "bad", text: "too"},
	{name: "make-series of a billion bins", query: "range x from 1 to 10 step 1 | extend t = datetime(2020-01-01) | make-series count() on t from datetime(2000-01-01) to datetime(2030-01-01) step 1s"},
	{name: "make-series of ticks", query: "print t = datetime(2020-01-01) | make-series count() on t from datetime(0001-01-01) to datetime(9999-12-31) step 1tick"},
	{name: "make-series of numbers", query: "range x from 1 to 10 step 1 | make-series count() on x from 1 to 9223372036854775807 step 1"},
	{name: "make-series of its own range", query: "datatable(x:long)[-9223372036854775807, 9223372036854775807] | make-series count() on x step 1"},
	{name: "make-series by many", query: "range x from 1 to 1000000 step 1 | extend g = x | make-series count() on x from 1 to 1000 step 1 by g"},
	{name: "make-series that stands", query: "range x from 1 to 10 step 1 | make-series count() on x from 1 to 10 step 0"},
	{name: "mv-expand of mv-expand", query: "print a = range(1, 1000000) | mv-expand a | extend b = range(1, 1000000) | mv-expand b | count"},
	{name: "mv-expand of mv-expand kept", query: "print a = range(1, 1000000) | mv-expand a | extend b = range(1, 1000000) | mv-expand b | summarize make_list(b), make_list(a)", ends: "limit"},
	{name: "mv-apply of mv-apply", query: "print a = range(1, 100000) | mv-apply a on (extend b = range(1, 100000) | mv-apply b on (summarize c = count())) | summarize sum(c)"},
	{name: "buckets", query: "range x from 1 to 5000000 step 1 | summarize l = make_list(tostring(x)) by x | summarize make_list(l)"},
	{name: "percentiles of all", query: "range x from 1 to 100000000 step 1 | summarize percentiles(x, 1, 50, 99), make_list(x)", ends: "limit"},
	{name: "scan of much", query: "range x from 1 to 100000000 step 1 | sort by x asc | scan declare (s:long) with (step a: true => s = x;) | count"},
	{name: "graph of all with all", query: "range a from 1 to 2000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 2000 step 1 | extend k = 1) on k | project a, b | make-graph a --> b | graph-match (x)-[e*1..10]->(y) project y = 1 | count"},
	{name: "basket", query: "range x from 1 to 200000 step 1 | extend " + many(25, "c%d = x %% 2 ", ", ") + " | evaluate basket(0.02)"},
	{name: "autocluster", query: "range x from 1 to 300000 step 1 | extend " + many(25, "c%d = rand(1000)", ", ") + " | evaluate autocluster(0.02)"},
	{name: "reduce", query: "range x from 1 to 3000000 step 1 | extend s = tostring(x * 7919) | reduce by s"},
	{name: "pivot of many", query: "range x from 1 to 1000000 step 1 | evaluate pivot(x)"},
	{name: "bag_unpack of many", query: "range x from 1 to 100000 step 1 | extend d = bag_pack(tostring(x), x) | evaluate bag_unpack(d)"},
	{name: "partition of many", query: "range x from 1 to 1000000 step 1 | partition by x (count)"},
	{name: "partition hinted", query: "range x from 1 to 1000000 step 1 | partition hint.strategy=native by x (top 1 by x)"},
	{name: "a decimal of many digits", query: "print x = todecimal('9" + strings.Repeat("9", 100000) + "')", ends: "rows"},
	{name: "powers of decimals", query: "range x from 1 to 1000000 step 1 | extend d = todecimal('1e6000') * todecimal(x) / decimal(3) | summarize max(tostring(d))"},
	{name: "series", query: "print s = range(1, 1000000) | extend a = series_decompose(s), f = series_fft(s), c = series_periods_detect(s, 2.0, 100000.0, 5), o = series_outliers(s), fit = series_fit_2lines(s)"},
	{name: "series of filters", query: "print s = range(1, 1000000) | extend a = series_fir(s, range(1, 1000000)), b = series_iir(s, range(1, 1000000), range(1, 1000000))"},
	{name: "sorting arrays", query: "range x from 1 to 1000 step 1 | extend a = array_sort_asc(range(x, x + 1000000)) | summarize take_any(a)"},
	{name: "sets", query: "print a = set_intersect(range(1, 1000000), range(500000, 1500000)), b = set_union(range(1, 1000000), range(500000, 1500000)), c = jaccard_index(range(1, 1000000), range(5, 1000000)) | project array_length(a), array_length(b), c"},
	// Depth.
	{name: "parentheses", query: "print " + nested(10_000, "(", "1", ")"), ends: "bad"},
	{name: "not", query: "print " + nested(10_000, "not(", "true", ")"), ends: "bad"},
	{name: "minus", query: "print " + strings.Repeat("-", 10_000) + "1"},
	{name: "iff", query: "print " + nested(10_000, "iff(true, 1, ", "1", ")"), ends: "bad"},
	{name: "arrays", query: "print dynamic(" + nested(10_000, "[", "1", "]") + ")", ends: "bad"},
	{name: "bags", query: "print dynamic(" + nested(10_000, `{"a":`, "1", "}") + ")", ends: "bad"},
	{name: "JSON in a text", query: "print parse_json('" + nested(100_000, "[", "1", "]") + "')", ends: "rows"},
	{name: "JSON made deep", query: "print x = parse_json('[1]')" + strings.Repeat(" | extend x = pack_array(x)", 150)},
	{name: "JSON made deeper", query: "let f0 = (x:dynamic) { pack_array(pack_array(x)) };" + func() (s string) {
		for i := 1; i <= 12; i++ {
			s += fmt.Sprintf("let f%d = (x:dynamic) { f%d(f%d(x)) };", i, i-1, i-1)
		}
		return s
	}() + "print tostring(f12(1))"},
	{name: "JSON made deeper of rows", query: "let f0 = (x:dynamic) { pack_array(pack_array(x)) };" + func() (s string) {
		for i := 1; i <= 9; i++ {
			s += fmt.Sprintf("let f%d = (x:dynamic) { f%d(f%d(x)) };", i, i-1, i-1)
		}
		return s
	}() + "DeviceProcessEvents | take 3 | extend x = f9(ReportId) | extend y = tostring(x), z = x[0][0][0]"},
	{name: "toscalar", query: "print " + nested(10_000, "toscalar(print ", "1", ")"), ends: "bad"},
	{name: "subqueries", query: nested(10_000, "union (", "print 1", ")"), ends: "bad"},
	{name: "joins in joins", query: nested(3000, "DeviceInfo | join (", "DeviceInfo", ") on DeviceId"), ends: "bad"},
	{name: "paths", query: "print dynamic({})" + strings.Repeat(".a", 10_000), ends: "bad"},
	{name: "indexes", query: "print d = dynamic([]) | project d" + strings.Repeat("[0]", 10_000), ends: "bad"},
	{name: "function bodies", query: nested(10_000, "let f = () { ", "1", " };") + "print 1", ends: "bad"},
	{name: "comments", query: "print 1 " + strings.Repeat("// x\n", 100_000), ends: "rows"},
	{name: "open brackets", query: strings.Repeat("[", 1<<20-10), ends: "bad"},
	{name: "open quotes", query: strings.Repeat(`'"`, 1<<19-10), ends: "bad"},
	{name: "open raw texts", query: "print @'" + strings.Repeat("`~", 1<<18), ends: "bad"},
	// Length.
	{name: "a megabyte of or", query: cutAt("DeviceProcessEvents | where "+many(60_000, "ReportId == %d", " or "), 1<<20-20) + " | count"},
	{name: "a megabyte of or of texts", query: cutAt("DeviceProcessEvents | where "+many(30_000, "FileName has 'file %d'", " or "), 1<<20-20) + " | count"},
	{name: "a megabyte of and", query: cutAt("DeviceProcessEvents | where "+many(60_000, "ReportId != %d", " and "), 1<<20-20) + " | count"},
	{name: "a megabyte of plus", query: "print " + many(250_000, "1", " + ")},
	{name: "a megabyte of plus of columns", query: "range x from 1 to 3 step 1 | project " + many(250_000, "x", " + ")},
	{name: "a megabyte of in", query: cutAt("DeviceProcessEvents | where ReportId in ("+many(200_000, "%d", ","), 1<<20-20) + ") | count"},
	{name: "a megabyte of has_any", query: cutAt("DeviceProcessEvents | where FileName has_any ("+many(60_000, "'term%d'", ","), 1<<20-20) + ") | count"},
	{name: "a megabyte of rows", query: "datatable(a:long)[" + many(120_000, "%d", ",") + "] | summarize sum(a)"},
	{name: "a megabyte of columns", query: "print " + many(60_000, "c%d = 1", ", ")},
	{name: "a megabyte of wheres", query: "DeviceInfo" + strings.Repeat(" | where true", 80_000)},
	{name: "a megabyte of extends", query: "DeviceInfo" + many(40_000, " | extend c%d = 1", "")},
	{name: "a megabyte of unions", query: "union " + many(80_000, "DeviceInfo", ", ")},
	{name: "a megabyte of lets", query: many(60_000, "let x%d = 1;", "") + "print x7"},
	{name: "a megabyte of joins", query: "DeviceInfo" + strings.Repeat(" | join DeviceInfo on DeviceId", 30_000)},
	{name: "a megabyte of cases", query: "range x from 1 to 3 step 1 | project case(" + many(60_000, "x == %d", ", 1, ") + ", 1, 2)"},
	{name: "a megabyte of sorts", query: "DeviceInfo | sort by " + many(90_000, "DeviceId", ", ")},
	{name: "a megabyte of mistakes", query: "print " + many(90_000, "x%d", " + "), ends: "bad"},
	{name: "a name of a megabyte", query: "print ['" + strings.Repeat("x", 1<<20-100) + "'] = 1"},
	{name: "searches of all", query: "search " + many(3000, "'x%d'", " or ")},
	{name: "finds of all", query: "find where " + many(3000, "DeviceId == 'x%d'", " or ")},
	{name: "unions of all", query: strings.Repeat("union * | ", 20) + "count"},
	// Patterns.
	{name: "nested quantifiers", query: "range x from 1 to 100000 step 1 | extend s = strrep('a', 30) | where s matches regex '(a+)+$' or s matches regex '(a|aa)+b' | count"},
	{name: "quantifiers that multiply", query: "print x = 'aaaa' matches regex '" + nested(8, "(", "a", "{100}){100}") + "'", ends: "bad"},
	{name: "quantifiers that add", query: "print x = 'aaaa' matches regex '" + strings.Repeat("(a{1000})?", 100) + "'"},
	{name: "groups", query: "print x = 'aaaa' matches regex '" + nested(10_000, "(", "a", ")") + "'"},
	{name: "a pattern of the data", query: "range x from 1 to 100000 step 1 | extend p = strcat('(', x, '+)+'), s = tostring(x) | where s matches regex p | count"},
	{name: "extract", query: "range x from 1 to 1000 step 1 | extend s = strrep('ab', 500) | extend m = extract_all('((a*)*b)*c', s) | count"},
	{name: "parse with stars", query: "print s = '" + strings.Repeat("a", 50_000) + "' | parse s with " + many(200, `* "a" x%d`, " ") + ` * "b"`},
	{name: "replace", query: "print replace_regex('" + strings.Repeat("a", 10_000) + "', 'a', '" + strings.Repeat(`\\0`, 10_000) + "') | project strlen(print_0)"},
	{name: "has of nothing", query: "DeviceProcessEvents | where FileName has_any (dynamic([])) or FileName has '' | count", ends: "rows"},
}

func cutAt(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	return s[:max(strings.LastIndex(s, " or "), strings.LastIndex(s, " and "), strings.LastIndex(s, ","))]
}

// hostileLake is small, and says in log what was a fault of ours.
func hostileLake(t testing.TB) (*Lake, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	l, err := Open(context.Background(), Config{Dir: t.TempDir(), Threads: 2, MemoryLimit: "300MB", HuntDisk: "100MB", StageMemory: 64 << 20, HuntCPU: time.Hour,
		Now: func() time.Time { return noon }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	must0(t, err)
	t.Cleanup(func() { l.Close() })
	appendAll(t, l, Write{Batches: []*Batch{events(t, l, 0, 1000)}})
	return l, &log
}

// discardRows is a sink that keeps nothing.
type discardRows struct{}

func (discardRows) Table(HuntTable) error { return nil }
func (discardRows) Row([]kql.Value) error { return nil }

// TestHuntAttacks: whatever a query is made to do, it ends soon, in memory that
// is bounded, with an answer or with words that say what was too much.
func TestHuntAttacks(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes of attacks")
	}
	l, log := hostileLake(t)
	timeout, most := time.Second, int64(1500<<20)
	if raceEnabled {
		most *= 4
	}
	for _, a := range attacks {
		t.Run(strings.ReplaceAll(a.name, " ", "_"), func(t *testing.T) {
			log.Reset()
			runtime.GC()
			before := resetPeak()
			start := time.Now()
			_, err := l.Hunt(analyst(context.Background()), a.query, HuntOptions{AllTime: true, Timeout: timeout, MaxBytes: 1 << 20}, discardRows{})
			took := time.Since(start)
			peak := peakMemory() - before
			how := "rows"
			var bad *kql.Diagnostics
			switch {
			case errors.As(err, &bad):
				how = "bad"
			case tocsin.CodeOf(err) == tocsin.CodeLimit, tocsin.CodeOf(err) == tocsin.CodeInvalid:
				how = "limit"
			case err != nil:
				how = "fault"
			}
			text := fmt.Sprint(err)
			t.Logf("%s in %v, %d MB: %s", how, took.Round(time.Millisecond), peak>>20, cut(text, 150))
			// On a slow machine time may be over before anything else is.
			late := errors.Is(err, ErrHuntTimeout)
			if how == "fault" || !late && (a.ends != "" && how != a.ends || a.text != "" && !strings.Contains(text, a.text)) {
				t.Errorf("ends with %s, want %s: %s\n%s", how, a.ends, cut(text, 500), cut(log.String(), 3000))
			}
			if peak > most {
				t.Errorf("took %d MB of memory", peak>>20)
			}
		})
	}
	if r := huntRowsOf(t, l, "DeviceProcessEvents | count", HuntOptions{AllTime: true}); r.rows[0] != "1000" {
		t.Errorf("afterwards: %v", r.rows)
	}
}

// resetPeak forgets the greatest memory so far and gives what is in use.
func resetPeak() int64 {
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	return peakMemory()
}

// peakMemory is the most memory that the process had resident; 0 where the
// system does not say.
func peakMemory() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, _ := strconv.ParseInt(strings.TrimSpace(strings.SplitN(rest, "kB", 2)[0]), 10, 64)
	return kb << 10
}
