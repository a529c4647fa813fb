package lake

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
)

// fuzzSeeds are queries that go through each operator once; the conformance
// cases are added where they are.
var fuzzSeeds = []string{
	"DeviceInfo | where DeviceId != '\x9c'",
	"DeviceProcessEvents | where FileName =~ 'program-3.exe' and ReportId > 5 | summarize n = count(), x = max(ReportId) by DeviceId | sort by n desc, DeviceId asc | take 3",
	"DeviceProcessEvents | extend d = parse_json('{\"a\":[1,2,{\"b\":null}]}') | mv-expand e = d.a to typeof(dynamic) limit 5 | project x = tostring(e.b), tolong(e)",
	"DeviceProcessEvents | make-series n = count() default = 0 on Timestamp from datetime(2026-03-01) to datetime(2026-03-02) step 1h by DeviceId | extend a = series_decompose_anomalies(n)",
	"let t = DeviceProcessEvents | take 10; t | join kind=leftouter (t | project DeviceId, r = ReportId) on DeviceId, $left.ReportId == $right.r | union withsource=s t",
	"print a = dynamic([1, 'x', {'k': 2.5}]), t = datetime(2020-02-29) + 1d, s = strcat('a', 1), g = guid(74be27de-1e4e-49d9-b579-fe0b331d3642), d = decimal(1.5), r = real(nan) | project-away r",
	"datatable(k:string, v:long)['a', 1, 'b', 2, 'a', 3] | partition by k (top 1 by v) | evaluate pivot(k, sum(v))",
	"datatable(s:string)['a=1;b=2', 'x'] | parse-kv s as (a:long, b:string) with (pair_delimiter=';', kv_delimiter='=') | parse s with * 'a=' y:long ';' *",
	"range x from 1 to 20 step 1 | serialize | extend p = prev(x), c = row_cumsum(x), w = row_window_session(x, 5, 2, x > 10) | scan declare (s:long = 0) with (step a: true => s = a.s + x;)",
	"let f = (n:long, T:(x:long)) { T | where x > n }; range x from 1 to 9 step 1 | invoke f(3) | as y | extend z = toscalar(y | count)",
	"datatable(a:string, b:string)['x','y','y','z'] | make-graph a --> b | graph-match (p)-[e*1..3]->(q) where p.a != 'q' project e = q",
	"search in (DeviceProcessEvents) 'program' and ReportId between (3 .. 9) | find-not | getschema",
	"find in (DeviceProcessEvents) where FileName has 'exe' project DeviceId, pack(*)",
	"DeviceProcessEvents | facet by DeviceId with (take 1) | render timechart with (title='x')",
	"DeviceProcessEvents | fork (count) (summarize percentiles(ReportId, 5, 50, 95), dcount(DeviceId), make_set(FileName, 3), arg_max(ReportId, *))",
	"DeviceProcessEvents | top-nested 2 of DeviceId by count(), top-nested 1 of FileName by max(ReportId) | reduce by FileName | sample 2",
	"DeviceProcessEvents | mv-apply x = range(1, ReportId % 4) to typeof(long) on (summarize s = sum(x)) | where s has_any ('1', '3') or FileName matches regex @'\\d+\\.exe$'",
	"declare query_parameters(p:long = 5); DeviceProcessEvents | where ReportId in (p, 6) | distinct * | count",
	"externaldata(a:string)['https://example.com/x.csv'] | evaluate bag_unpack(a)",
	"print x = extract('(\\\\w+)-(\\\\d+)', 2, 'a-12', typeof(long)), y = bin(17, 5), z = format_datetime(datetime(2020-01-01), 'yyyy-MM'), w = iff(1 > 2, 'a', 'b'), v = case(1 == 2, 1, 3)",
}

// addSeeds adds the queries of the conformance files, of those that people
// published only every tenth.
func addSeeds(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	files, _ := filepath.Glob(filepath.Join(root, "conformance", "kql", "*.json"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		must0(f, err)
		var cases []struct{ Query string }
		if json.Unmarshal(data, &cases) != nil {
			continue
		}
		every := 1 + len(cases)/100
		for i, c := range cases {
			if i%every == 0 && c.Query != "" && len(c.Query) < 4000 {
				f.Add(c.Query)
			}
		}
	}
}

// FuzzHunt goes the whole way from a text to its rows: whatever the text is, the
// answer comes soon, as rows whose values are of the types that were told, as
// diagnostics within the text, or as a limit in words.
func FuzzHunt(f *testing.F) {
	l, log := hostileLake(f)
	addSeeds(f)
	f.Fuzz(func(t *testing.T, src string) {
		log.Reset()
		sink := &checkedRows{t: t}
		start := time.Now()
		_, err := l.Hunt(analyst(context.Background()), src, HuntOptions{AllTime: true, Timeout: time.Second, MaxRows: 1000, MaxBytes: 1 << 20}, sink)
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("took %v: %s", took, src)
		}
		var bad *kql.Diagnostics
		switch {
		case err == nil:
		case errors.As(err, &bad):
			if len(bad.List) == 0 || sink.rows > 0 {
				t.Errorf("%d diagnostics after %d rows", len(bad.List), sink.rows)
			}
			for _, d := range bad.List {
				if d.Start < 0 || d.End < d.Start || d.End > len(src) || d.Msg == "" || d.Line < 1 || d.Col < 1 {
					t.Errorf("%+v is not within the text of %d bytes", d, len(src))
				}
			}
		case tocsin.CodeOf(err) == tocsin.CodeLimit, tocsin.CodeOf(err) == tocsin.CodeForbidden, tocsin.CodeOf(err) == tocsin.CodeInvalid:
			if tocsin.Message(err) == "" {
				t.Error("a limit without words")
			}
		default:
			t.Errorf("%v\n%s", err, cut(log.String(), 3000))
		}
	})
}

// checkedRows looks at what comes out.
type checkedRows struct {
	t    *testing.T
	cols []kql.Column
	rows int
}

func (s *checkedRows) Table(t HuntTable) error {
	s.cols = t.Columns
	seen := make(map[string]bool)
	for _, c := range t.Columns {
		if seen[c.Name] {
			s.t.Errorf("two columns are called %q", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

func (s *checkedRows) Row(row []kql.Value) error {
	s.rows++
	if len(row) != len(s.cols) {
		s.t.Fatalf("%d values for %d columns", len(row), len(s.cols))
	}
	for i, v := range row {
		c := s.cols[i]
		if !v.IsNull() && v.Type() != c.Type && c.Type != kql.Unknown {
			s.t.Errorf("column %s of type %s has a %s", c.Name, c.Type, v.Type())
		}
		text := kql.TextOf(v)
		if !utf8.ValidString(text) {
			s.t.Errorf("column %s has %q, which is no UTF-8", c.Name, text)
		}
		switch v.Type() {
		case kql.DateTime:
			if n := v.Int(); !v.IsNull() && (n < 0 || n > kql.MaxDateTimeTicks) {
				s.t.Errorf("column %s has %d ticks, which no datetime has", c.Name, n)
			}
		case kql.Dynamic:
			if json := dynamicText(v); !v.IsNull() && strings.TrimSpace(json) == "null" {
				s.t.Errorf("column %s has a null that is not null", c.Name)
			} else if _, ok := kql.ParseJSON(json); !ok && !v.IsNull() {
				s.t.Errorf("column %s has %.200q, which is no JSON", c.Name, json)
			}
		}
	}
	return nil
}
