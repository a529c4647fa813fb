package lake

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// natively runs SQL whose kql_ functions are the given sites, by handle 1, 2 ...
// written as $1 and so on, and gives the rows as text.
func natively(t testing.TB, l *Lake, query string, sites ...*sqlgen.Site) ([]string, error) {
	t.Helper()
	ctx := context.Background()
	byHandle := make(map[int64]*sqlgen.Site)
	for i, s := range sites {
		h := handles.Add(1)
		byHandle[h] = s
		query = strings.ReplaceAll(query, fmt.Sprintf("$%d", i+1), fmt.Sprint(h))
	}
	run := &nativeRun{}
	must0(t, l.knowSites(ctx, byHandle))
	must0(t, openSites(byHandle, run))
	defer closeSites(byHandle)
	var out []string
	err := l.each(ctx, func(r *Rows) error {
		cols, err := r.Columns()
		must0(t, err)
		vals := make([]any, len(cols))
		ptrs := make([]any, len(cols))
		for i := range vals {
			ptrs[i] = &vals[i]
		}
		must0(t, r.Scan(ptrs...))
		var text []string
		for _, v := range vals {
			text = append(text, fmt.Sprint(v))
		}
		out = append(out, strings.Join(text, "|"))
		return nil
	}, query)
	if f := run.failure.Load(); f != nil {
		err = errors.Join(err, f)
	}
	return out, err
}

// callSite is a call of a function of one's own.
func callSite(shape string, eval func([]kql.Value) kql.Value, result kql.Type, types ...kql.Type) *sqlgen.Site {
	return &sqlgen.Site{Shape: shape, Types: types, Result: result,
		Call: &kql.Call{Func: &kql.Func{Name: "test"}, T: result, Eval: eval}}
}

func TestNativeCall(t *testing.T) {
	l := openLake(t, t.TempDir())
	var got []string
	note := func(result kql.Value) func([]kql.Value) kql.Value {
		return func(args []kql.Value) kql.Value {
			var s []string
			for _, a := range args {
				switch {
				case a.IsNull():
					s = append(s, a.Type().String()+"(null)")
				case a.Type() == kql.Real:
					s = append(s, fmt.Sprint(a.Real()))
				case a.Type() == kql.Dynamic:
					s = append(s, dynamicText(a))
				case a.Type() == kql.String || a.Type() == kql.Guid:
					s = append(s, fmt.Sprintf("%s %q", a.Type(), a.Str()))
				default:
					s = append(s, fmt.Sprint(a.Type(), a.Int()))
				}
			}
			got = append(got, strings.Join(s, ", "))
			return result
		}
	}
	for _, c := range []struct {
		query, want, args string
		site              *sqlgen.Site
	}{
		{"SELECT kql_s_bilds($1, true, 7::INTEGER, 8::BIGINT, 0.5::DOUBLE, 'text')", "a result longer than twelve bytes", `bool 1, int 7, long 8, 0.5, string "text"`,
			callSite("s_bilds", note(kql.StringOf("a result longer than twelve bytes")), kql.String, kql.Bool, kql.Int, kql.Long, kql.Real, kql.String)},
		{"SELECT kql_b_bilds($1, NULL, NULL, NULL, NULL, NULL)", "<nil>", `bool(null), int(null), long(null), real(null), string ""`,
			callSite("b_bilds", note(kql.Null(kql.Bool)), kql.Bool, kql.Bool, kql.Int, kql.Long, kql.Real, kql.String)},
		{"SELECT kql_l_ll($1, 630822816000000000, 7)", "5", "datetime 630822816000000000, timespan 7",
			callSite("l_ll", note(kql.TimeSpanOf(5)), kql.TimeSpan, kql.DateTime, kql.TimeSpan)},
		{"SELECT kql_s_ss($1, '{\"a\":[1]}', '74be27de-1e4e-49d9-b579-fe0b331d3642')", `["v",1]`, `{"a":[1]}, guid "74be27de-1e4e-49d9-b579-fe0b331d3642"`,
			callSite("s_ss", note(kql.DynamicOf([]kql.Dyn{"v", int64(1)})), kql.Dynamic, kql.Dynamic, kql.Guid)},
		{"SELECT kql_d_($1)", "+Inf", "", callSite("d_", note(kql.RealOf(math.Inf(1))), kql.Real)},
		{"SELECT kql_i_($1)", "-3", "", callSite("i_", note(kql.IntOf(-3)), kql.Int)},
		{"SELECT kql_s_l($1, 1)", "half � of it, and more text", "long 1", callSite("s_l", note(kql.StringOf("half \xff of it, and more text")), kql.String, kql.Long)},
	} {
		got = nil
		rows, err := natively(t, l, c.query, c.site)
		must0(t, err)
		if len(rows) != 1 || rows[0] != c.want {
			t.Errorf("%s: %q, want %q", c.query, rows, c.want)
		}
		if len(got) == 0 || got[0] != c.args {
			t.Errorf("%s: arguments %q, want %q", c.query, got, c.args)
		}
	}
}

// TestNativeRows computes over many vectors on several threads, with nulls and
// strings of every length, and compares with the same in SQL.
func TestNativeRows(t *testing.T) {
	l := openLake(t, t.TempDir())
	double := callSite("s_sl", func(a []kql.Value) kql.Value { return kql.StringOf(a[0].Str() + "/" + a[0].Str()) }, kql.String, kql.String, kql.Long)
	text := &sqlgen.Site{Shape: "b_s", Text: func(b []byte) bool { return strings.Contains(string(b), "7") || len(b) == 0 }}
	odd := callSite("l_l", func(a []kql.Value) kql.Value {
		if a[0].IsNull() || a[0].Int()%2 == 0 {
			return kql.Null(kql.Long)
		}
		return a[0]
	}, kql.Long, kql.Long)
	const numbers = `(SELECT i, CASE WHEN i % 7 > 0 THEN repeat('ab' || i, (i % 40)::INTEGER) END AS s, CASE WHEN i % 11 > 0 THEN i END AS n FROM range(300000) r(i))`
	rows, err := natively(t, l, `SELECT count(*), count(*) FILTER (kql_s_sl($1, s, i) <> coalesce(s, '') || '/' || coalesce(s, '')),
		count(*) FILTER (kql_b_s($2, s) IS DISTINCT FROM (contains(coalesce(s, ''), '7') OR coalesce(s, '') = '')),
		count(*) FILTER (kql_l_l($3, n) IS DISTINCT FROM CASE WHEN n % 2 = 1 THEN n END) FROM `+numbers, double, text, odd)
	must0(t, err)
	if want := "300000|0|0|0"; len(rows) != 1 || rows[0] != want {
		t.Errorf("%q, want %q", rows, want)
	}
}

// sumAll adds numbers up, and counts calls with a null.
type sumAll struct{ sum float64 }

func (s *sumAll) Add(args []kql.Value) {
	for _, a := range args {
		if !a.IsNull() {
			s.sum += a.Float()
		}
	}
}
func (s *sumAll) Result() kql.Value { return kql.RealOf(s.sum) }

func TestNativeLists(t *testing.T) {
	l := openLake(t, t.TempDir())
	sum := func(shape string, types ...kql.Type) *sqlgen.Site {
		return &sqlgen.Site{Shape: shape, Types: types, Result: kql.Real, Agg: &kql.Aggregate{Name: "test",
			New: func([]kql.Type, []*kql.Value) kql.Accumulator { return &sumAll{} }}}
	}
	rows, err := natively(t, l, `SELECT g, kql_d_LdLl($1, list(i::DOUBLE ORDER BY i), list(CASE WHEN i % 2 = 0 THEN i END ORDER BY i)) = sum(i) + sum(i) FILTER (i % 2 = 0)
		FROM (SELECT i, i % 1000 AS g FROM range(300000) r(i)) GROUP BY g HAVING g IN (0, 1, 999) ORDER BY g`, sum("d_LdLl", kql.Real, kql.Long))
	must0(t, err)
	if got := strings.Join(rows, " "); got != "0|true 1|<nil> 999|<nil>" {
		t.Errorf("%q", got)
	}
	// Lists that are parts of others, as filters and slices make them.
	for _, c := range []struct{ list, want string }{
		{"[1, 2, 3, 4]", "10"},
		{"NULL", "0"},
		{"[]", "0"},
		{"list_filter([1, 2, 3, 4], lambda x: x % 2 = 0)", "6"},
		{"list_transform([1, 2, 3, 4], lambda x: x * 10)", "100"},
		{"([1, 2, 3, 4])[2:3]", "5"},
		{"([1, 2, 3, 4])[1:4:2]", "4"},
		{"list_reverse([1, 2, NULL, 4])", "7"},
		{"list_distinct([1, 1, 2])", "3"},
		{"CASE WHEN i = 1 THEN [1, 2] ELSE [3] END", "3"},
	} {
		rows, err := natively(t, l, "SELECT kql_d_Ll($1, ("+c.list+")::BIGINT[]) FROM range(1, 2) r(i)", sum("d_Ll", kql.Long))
		must0(t, err)
		if len(rows) != 1 || rows[0] != c.want {
			t.Errorf("%s: %q, want %s", c.list, rows, c.want)
		}
		// The same in a row set that a join or a filter has picked.
		rows, err = natively(t, l, "SELECT kql_d_Ll($1, x) FROM (SELECT i, ("+c.list+")::BIGINT[] AS x FROM (SELECT 1 AS i FROM range(10)) r) WHERE i = 1 LIMIT 1", sum("d_Ll", kql.Long))
		must0(t, err)
		if len(rows) != 1 || rows[0] != c.want {
			t.Errorf("%s in a table: %q, want %s", c.list, rows, c.want)
		}
	}
}

func TestNativeMatch(t *testing.T) {
	l := openLake(t, t.TempDir())
	site := func(where bool) *sqlgen.Site {
		return &sqlgen.Site{Shape: "Ls_s", Where: where, Match: &kql.Matcher{Name: "test", Types: []kql.Type{kql.String, kql.Long},
			Match: func(text string) ([]kql.Value, bool) {
				if a, b, ok := strings.Cut(text, "="); ok {
					return []kql.Value{kql.StringOf(a), kql.LongOf(int64(len(b)))}, true
				}
				return []kql.Value{kql.StringOf(""), kql.Null(kql.Long)}, false
			}}}
	}
	query := `SELECT m, m[1], m[2] FROM (SELECT kql_Ls_s($1, s) AS m FROM (VALUES ('a name that is long=value'), ('none'), (NULL), ('b=')) v(s))`
	rows, err := natively(t, l, query, site(false))
	must0(t, err)
	if got := strings.Join(rows, " "); got != "[a name that is long 5]|a name that is long|5 [ <nil>]||<nil> [ <nil>]||<nil> [b 0]|b|0" {
		t.Error(got)
	}
	rows, err = natively(t, l, query, site(true))
	must0(t, err)
	if got := strings.Join(rows, " "); got != "[a name that is long 5]|a name that is long|5 <nil>|<nil>|<nil> <nil>|<nil>|<nil> [b 0]|b|0" {
		t.Error(got)
	}
}

// TestNativeFault: a function that panics fails its query and nothing else.
func TestNativeFault(t *testing.T) {
	l := openLake(t, t.TempDir())
	bad := callSite("l_l", func(a []kql.Value) kql.Value { panic("a fault of ours") }, kql.Long, kql.Long)
	_, err := natively(t, l, "SELECT sum(kql_l_l($1, i)) FROM range(100000) r(i)", bad)
	if err == nil || !strings.Contains(err.Error(), "a fault of ours") || !strings.Contains(err.Error(), errFault.Error()) {
		t.Errorf("%v", err)
	}
	good := callSite("l_l", func(a []kql.Value) kql.Value { return kql.LongOf(1) }, kql.Long, kql.Long)
	rows, err := natively(t, l, "SELECT sum(kql_l_l($1, i)) FROM range(100000) r(i)", good)
	must0(t, err)
	if rows[0] != "100000" {
		t.Error(rows)
	}
	if _, err := natively(t, l, "SELECT kql_l_l(999999999, 1)", good); err == nil || !strings.Contains(err.Error(), errStopped.Error()) {
		t.Errorf("a site that is not there: %v", err)
	}
}

func TestSitesRefused(t *testing.T) {
	for _, s := range []*sqlgen.Site{
		{Shape: "x_s"}, {Shape: "s"}, {Shape: "_s"}, {Shape: "ss_s"}, {Shape: "LLs_s"}, {Shape: "L_s"}, {Shape: "s_s"},
		{Shape: "b_l", Text: func([]byte) bool { return true }}, {Shape: "s_s", Match: &kql.Matcher{}},
		{Shape: "s_s", Call: &kql.Call{}, Types: []kql.Type{kql.String, kql.Long}},
	} {
		if err := openSites(map[int64]*sqlgen.Site{-1: s}, &nativeRun{}); err == nil {
			t.Errorf("%s was taken", s.Shape)
		}
		if _, ok := nativeSites.Load(int64(-1)); ok {
			t.Errorf("%s stayed", s.Shape)
		}
	}
}
