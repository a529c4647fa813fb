package lake

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

func columnsOf(types ...kql.Type) (cols []kql.Column) {
	for i, t := range types {
		cols = append(cols, kql.Column{ID: kql.ColID(i + 1), Name: fmt.Sprintf("n%d", i), Type: t})
	}
	return cols
}

func outCols(types ...kql.Type) (cols []sqlgen.OutCol) {
	for _, c := range columnsOf(types...) {
		cols = append(cols, sqlgen.OutCol{Column: c})
	}
	return cols
}

// runStatement gives the rows of a statement as texts.
func runStatement(l *Lake, st *sqlgen.Statement) ([]string, error) {
	r := &statementRun{l: l, ctx: context.Background(), native: &nativeRun{}, left: 1 << 20}
	var out []string
	err := r.run(st, func(row []kql.Value) error {
		var texts []string
		for _, v := range row {
			if v.IsNull() {
				texts = append(texts, "null")
			} else {
				texts = append(texts, kql.TextOf(v))
			}
		}
		out = append(out, strings.Join(texts, "|"))
		return nil
	})
	if r.left != 1<<20 {
		err = errors.Join(err, fmt.Errorf("%d bytes of stages are still counted", 1<<20-r.left))
	}
	return out, err
}

func TestResultTypes(t *testing.T) {
	l := openLake(t, t.TempDir())
	st := &sqlgen.Statement{
		SQL: `SELECT * FROM (VALUES (true, 1::INTEGER, 2::BIGINT, 0.5::DOUBLE, $1, 630822816000000000, 36000000000, '74be27de-1e4e-49d9-b579-fe0b331d3642', '1.50', '{"a":1}', TIMESTAMP '2000-01-01 00:00:00.000001'),
			(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL))`,
		Args: []any{"text of some length"},
		Cols: outCols(kql.Bool, kql.Int, kql.Long, kql.Real, kql.String, kql.DateTime, kql.TimeSpan, kql.Guid, kql.Decimal, kql.Dynamic, kql.DateTime),
	}
	st.Cols[10].Rep = sqlgen.Micros
	rows, err := runStatement(l, st)
	must0(t, err)
	want := `True|1|2|0.5|text of some length|2000-01-01T00:00:00.0000000Z|01:00:00|74be27de-1e4e-49d9-b579-fe0b331d3642|1.50|{"a":1}|2000-01-01T00:00:00.0000010Z`
	if len(rows) != 2 || rows[0] != want || rows[1] != "null|null|null|null||null|null|null|null|null|null" {
		t.Errorf("%q", rows)
	}
	for _, bad := range []*sqlgen.Statement{
		{SQL: "SELECT 1::HUGEINT", Cols: outCols(kql.Long)},
		{SQL: "SELECT 'a'", Cols: outCols(kql.Long)},
		{SQL: "SELECT 1::BIGINT, 2", Cols: outCols(kql.Long)},
		{SQL: "SELECT $1", Args: []any{[]byte("x")}, Cols: outCols(kql.String)},
		{SQL: "SELECT", Cols: outCols(kql.Long)},
		{SQL: "SELECT 1; SELECT 2", Cols: outCols(kql.Long)},
		{SQL: "CREATE TABLE t (i INTEGER)"},
		{SQL: "SELECT error('no')::BIGINT FROM range(10000)", Cols: outCols(kql.Long)},
	} {
		if rows, err := runStatement(l, bad); err == nil {
			t.Errorf("%s ran: %q", bad.SQL, rows)
		}
	}
	// Nothing of the failures is left behind.
	if rows, err := runStatement(l, &sqlgen.Statement{SQL: "SELECT count(*) FROM DeviceInfo", Cols: outCols(kql.Long)}); err != nil || rows[0] != "0" {
		t.Errorf("%q, %v", rows, err)
	}
}

// TestResultVectors reads results of every kind of vector: constants,
// dictionaries, parts of others, over many chunks.
func TestResultVectors(t *testing.T) {
	l := openLake(t, t.TempDir())
	n := 0
	r := &statementRun{l: l, ctx: context.Background(), native: &nativeRun{}}
	st := &sqlgen.Statement{SQL: `SELECT i, 'a constant that is long', 'few ' || (i % 3), CASE WHEN i % 5 > 0 THEN i::VARCHAR || repeat('x', 20) END FROM range(100000) r(i) WHERE i % 2 = 0 ORDER BY i`,
		Cols: outCols(kql.Long, kql.String, kql.String, kql.String)}
	must0(t, r.run(st, func(row []kql.Value) error {
		i := int64(2 * n)
		last := ""
		if i%5 > 0 {
			last = fmt.Sprint(i) + strings.Repeat("x", 20)
		}
		if row[0].Int() != i || row[1].Str() != "a constant that is long" || row[2].Str() != fmt.Sprintf("few %d", i%3) || row[3].Str() != last {
			return fmt.Errorf("row %d: %v", n, row)
		}
		n++
		return nil
	}))
	if n != 50000 {
		t.Errorf("%d rows", n)
	}
}

// everyOther keeps each second row of its input and puts a number before it.
type everyOther struct{ fail error }

func (o everyOther) Run(ins []func() ([]kql.Value, error), emit func([]kql.Value) error) error {
	for n := int64(0); ; n++ {
		row, err := ins[0]()
		if err != nil || row == nil {
			return errors.Join(err, o.fail)
		}
		if n%2 == 0 {
			if err := emit(append([]kql.Value{kql.LongOf(n)}, row...)); err != nil {
				return err
			}
		}
	}
}

func TestStageOfOperator(t *testing.T) {
	l := openLake(t, t.TempDir())
	handle := handles.Add(1)
	input := &sqlgen.Statement{SQL: `SELECT i, CASE WHEN i % 3 > 0 THEN 'a name that is long ' || i END, CASE WHEN i > 2 THEN '{"i":' || i || '}' END FROM range(5000) r(i) ORDER BY i`, Cols: outCols(kql.Long, kql.String, kql.Dynamic)}
	stage := &sqlgen.Stage{Handle: handle, Name: "scan", Cols: columnsOf(kql.Long, kql.Long, kql.String, kql.Dynamic), Op: everyOther{}, Inputs: []*sqlgen.Statement{input}}
	st := &sqlgen.Statement{SQL: fmt.Sprintf("SELECT a.c0, b.c2, b.c3, (SELECT count(*) FROM kql_stage(%d)) FROM kql_stage(%d) a JOIN kql_stage(%d) b ON a.c0 = b.c1 WHERE a.c0 < 8 ORDER BY a.c0", handle, handle, handle),
		Cols: outCols(kql.Long, kql.String, kql.Dynamic, kql.Long), Stages: []*sqlgen.Stage{stage}}
	rows, err := runStatement(l, st)
	must0(t, err)
	if got, want := strings.Join(rows, "\n"), "0||null|2500\n2|a name that is long 2|null|2500\n4|a name that is long 4|{\"i\":4}|2500\n6||{\"i\":6}|2500"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if _, err := findStage(handle); err == nil {
		t.Error("the stage stayed")
	}
	// A stage keeps what the hunt may, and says so in the words of the portal.
	input.SQL = "SELECT i, repeat('x', 1000), NULL::VARCHAR FROM range(100000) r(i)"
	_, err = runStatement(l, st)
	if want := "Query stopped. Adjust use of the scan operator to avoid excessive resource consumption."; err == nil || tocsin.Message(err) != want || !errors.Is(err, ErrHuntResources) {
		t.Errorf("%v", err)
	}
	stage.Op = everyOther{fail: kql.ErrTooLarge}
	input.SQL = "SELECT i, '', NULL::VARCHAR FROM range(10) r(i)"
	if _, err := runStatement(l, st); !errors.Is(err, ErrHuntResources) {
		t.Errorf("%v", err)
	}
	failed := errors.New("failed")
	stage.Op = everyOther{fail: failed}
	if _, err := runStatement(l, st); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}

func TestStageOfLiveTable(t *testing.T) {
	l := openLake(t, t.TempDir())
	var from time.Time
	l.cfg.Live = map[string]LiveTable{"AlertInfo": func(ctx context.Context, since, until time.Time, emit func(map[string]any) error) error {
		from = since
		return errors.Join(emit(map[string]any{"Timestamp": noon, "AlertId": "a1", "Extra": map[string]any{}}), emit(map[string]any{"AlertId": int64(5)}))
	}}
	handle := handles.Add(1)
	st := &sqlgen.Statement{SQL: fmt.Sprintf("SELECT c0, c1 FROM kql_stage(%d)", handle), Cols: outCols(kql.DateTime, kql.String),
		Stages: []*sqlgen.Stage{{Handle: handle, Live: "AlertInfo", Source: []string{"Timestamp", "AlertId"}, Cols: columnsOf(kql.DateTime, kql.String)}}}
	rows, err := runStatement(l, st)
	must0(t, err)
	if got := strings.Join(rows, " "); got != "2026-11-01T12:00:00.0000000Z|a1 null|" {
		t.Error(got)
	}
	if !from.IsZero() {
		t.Error(from)
	}
}

func TestExternalData(t *testing.T) {
	zipped := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(s))
		w.Close()
		return b.String()
	}
	files := map[string]string{
		"https://a/x.csv":       "name,n\n\"two, words\",5\nb,\nc,x,more\nd\n",
		"https://a/x.csv?sig=1": "\xef\xbb\xbfa,1\n",
		"https://a/x.tsv":       "a\t1\n",
		"https://a/x.psv":       "a|1\n",
		"https://a/x.txt":       "line one\r\nline two",
		"https://a/x.csv.gz":    zipped("a,1\n"),
		"https://a/x.json":      `{"n0":"a","n1":7,"other":1}` + "\n" + `{"n1":null}`,
		"https://a/list.json":   `[{"n0":"a","n1":"8"},` + "\n" + `{"n0":{"b":1}}]`,
		"https://a/bad.json":    `{"n0":`,
		"https://a/bad.gz":      `no gzip`,
		"https://a/blob":        "whole\nfile",
	}
	l := openLake(t, t.TempDir())
	read := func(ext *kql.External) ([]string, error) {
		handle := handles.Add(1)
		ext.Cols = columnsOf(kql.String, kql.Long)
		return runStatement(l, &sqlgen.Statement{SQL: fmt.Sprintf("SELECT c0, c1 FROM kql_stage(%d)", handle), Cols: outCols(kql.String, kql.Long),
			Stages: []*sqlgen.Stage{{Handle: handle, External: ext, Cols: ext.Cols}}})
	}
	if _, err := read(&kql.External{URIs: []string{"https://a/x.csv"}}); tocsin.CodeOf(err) != tocsin.CodeForbidden {
		t.Errorf("switched off: %v", err)
	}
	l.cfg.External = func(ctx context.Context, uri string) (io.ReadCloser, error) {
		text, ok := files[uri]
		if !ok {
			return nil, errors.New("not there")
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
	for _, c := range []struct {
		ext  kql.External
		want string
	}{
		{kql.External{URIs: []string{"https://a/x.csv"}, IgnoreFirst: true}, "two, words|5 b|null c|null d|null"},
		{kql.External{URIs: []string{"https://a/x.csv?sig=1;managed_identity=system", "https://a/x.tsv"}}, "a|1 a|1"},
		{kql.External{URIs: []string{"https://a/x.psv"}}, "a|1"},
		{kql.External{URIs: []string{"https://a/x.txt"}}, "line one|null line two|null"},
		{kql.External{URIs: []string{"https://a/x.txt"}, IgnoreFirst: true}, "line two|null"},
		{kql.External{URIs: []string{"https://a/x.csv.gz"}}, "a|1"},
		{kql.External{URIs: []string{"https://a/x.json"}}, "a|7 |null"},
		{kql.External{URIs: []string{"https://a/list.json"}, Format: "multijson"}, `a|8 {"b":1}|null`},
		{kql.External{URIs: []string{"https://a/blob"}, Format: "raw"}, "whole\nfile|null"},
	} {
		rows, err := read(&c.ext)
		if err != nil || strings.Join(rows, " ") != c.want {
			t.Errorf("%v: %q, %v", c.ext.URIs, rows, err)
		}
	}
	for _, uri := range []string{"https://a/bad.json", "https://a/bad.gz", "https://a/nothing"} {
		if _, err := read(&kql.External{URIs: []string{uri}}); tocsin.CodeOf(err) != tocsin.CodeInvalid || strings.Contains(tocsin.Message(err), "not there") {
			t.Errorf("%s: %v", uri, err)
		}
	}
}
