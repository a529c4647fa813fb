package lake

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
)

// The statement that is made of a query has to give what kql.Eval gives: SQL is
// there to be fast, and Eval says what a function means. The test below writes
// expressions at random over a table of edge values and compares the two.
//
// KQL_SEED and KQL_EXPRESSIONS make it another, longer walk.

// edgeColumns are the columns of the table, by type.
var edgeColumns = []struct {
	name   string
	typ    kql.Type
	values []string
}{
	{"b", kql.Bool, []string{"true", "false", "bool(null)"}},
	{"i", kql.Int, []string{"int(0)", "int(1)", "int(-1)", "int(7)", "int(2147483647)", "int(-2147483648)", "int(null)"}},
	{"l", kql.Long, []string{"0", "1", "-1", "3", "64", "9223372036854775807", "long(-9223372036854775808)", "long(4294967296)", "long(null)"}},
	{"r", kql.Real, []string{"0.0", "-0.0", "1.5", "-2.5", "1e300", "-1e-300", "3.0", "real(nan)", "real(+inf)", "real(-inf)", "0.1", "real(null)"}},
	{"s", kql.String, []string{"''", "'a'", "'A'", "'abc def'", "'ABC-def'", "'ä Ö ß'", "'İı'", "'ſK\u212a'", "'日本語'", "'\U0001F600 x'", "'12'", "'-3.5'", "'2020-01-02'", "'[1,2]'", `'{"a":1}'`, "'1.2.3.4'", "' '", `'x\ty\n'`, "'true'", "'%_'", "'e\u0301'", `'a"b\\'`}},
	{"t", kql.DateTime, []string{"datetime(2020-02-29 23:59:59.9999999)", "datetime(0001-01-01)", "datetime(9999-12-31 23:59:59.9999999)", "datetime(1970-01-01)", "datetime(1969-12-31 23:59:59.5)", "datetime(null)"}},
	{"d", kql.TimeSpan, []string{"0s", "1s", "-1tick", "1d", "timespan(1.02:03:04.5678901)", "timespan(-1.12:00:00)", "timespan(10675199.02:48:05.4775807)", "timespan(null)"}},
	{"g", kql.Guid, []string{"guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", "guid(00000000-0000-0000-0000-000000000000)", "guid(null)"}},
	{"m", kql.Decimal, []string{"decimal(0)", "decimal(1.50)", "decimal(-3)", "decimal(12345678901234567890.123)", "decimal(null)"}},
	{"y", kql.Dynamic, []string{"dynamic(null)", "dynamic([1,2,3])", `dynamic({"a":1,"b":{"c":"x"},"":null})`, "dynamic([])", "dynamic({})", "dynamic('text')", "dynamic(5)", "dynamic(1.5)", "dynamic(true)", `dynamic([null,"a",[1],{"k":"v"},2.0])`, `dynamic("2020-01-01")`, "dynamic([\"ä\", \"\U0001F600\"])"}},
}

const edgeRows = 24

// edgeTable is the table as a query.
func edgeTable() string {
	var b strings.Builder
	b.WriteString("datatable(k:long")
	for _, c := range edgeColumns {
		fmt.Fprintf(&b, ", %s:%s", c.name, c.typ)
	}
	b.WriteString(")[")
	for row := range edgeRows {
		fmt.Fprintf(&b, "\n%d", row)
		for i, c := range edgeColumns {
			// Each column in a step of its own, so that values meet others.
			b.WriteString(", " + c.values[(row*(1+i%3)+i+row/len(c.values))%len(c.values)])
		}
		b.WriteByte(',')
	}
	return strings.TrimSuffix(b.String(), ",") + "]"
}

// expressions writes typed expressions at random.
type expressions struct {
	rnd   *rand.Rand
	funcs map[kql.Type][]*kql.Func // by what they can give
}

// unlike are functions of which the two sides may differ, or that a column may
// not be given to.
var unlike = regexp.MustCompile(`^(rand|new_guid|now|ago|series_|geo_|hll|tdigest|percentile_|percentiles_|rank_|dcount_|estimate_|cursor_|current_|extent_|ingestion_time|row_|prev|next|repeat$|range$|strrep$|__|sample_)`)

func newExpressions(rnd *rand.Rand) *expressions {
	e := &expressions{rnd: rnd, funcs: make(map[kql.Type][]*kql.Func)}
	for _, f := range kql.Funcs() {
		if f.Eval == nil && f.Prepare == nil || f.Volatile || f.Window || f.Special || unlike.MatchString(f.Name) || len(f.Multi) > 0 {
			continue
		}
		given := make(map[kql.Type]bool)
		for _, s := range f.Sigs {
			args := make([]kql.Type, len(s.Params))
			for i, p := range s.Params {
				args[i] = firstType(p.Types)
			}
			given[s.Result(args)] = true
			if p := len(args); p > 0 {
				for _, c := range edgeColumns {
					for i := range args {
						if s.Params[i].Types.Has(c.typ) {
							args[i] = c.typ
						}
					}
					given[s.Result(args)] = true
				}
			}
		}
		for t := range given {
			e.funcs[t] = append(e.funcs[t], f)
		}
	}
	return e
}

func firstType(s kql.TypeSet) kql.Type {
	for t := kql.Bool; t <= kql.Dynamic; t++ {
		if s.Has(t) {
			return t
		}
	}
	return kql.Unknown
}

func (e *expressions) pick(n int) int { return e.rnd.IntN(n) }

// of is an expression of a type, as far as one can be foretold.
func (e *expressions) of(t kql.Type, depth int) string {
	if depth <= 0 || e.pick(6) == 0 {
		return e.leaf(t)
	}
	if e.pick(12) == 0 {
		switch e.pick(4) {
		case 0:
			return fmt.Sprintf("iff(%s, %s, %s)", e.of(kql.Bool, depth-1), e.of(t, depth-1), e.of(t, depth-1))
		case 1:
			return fmt.Sprintf("case(%s, %s, %s, %s, %s)", e.of(kql.Bool, depth-1), e.of(t, depth-1), e.of(kql.Bool, depth-1), e.of(t, depth-1), e.of(t, depth-1))
		case 2:
			return fmt.Sprintf("coalesce(%s, %s)", e.of(t, depth-1), e.of(t, depth-1))
		}
		if t == kql.Bool {
			return fmt.Sprintf("isnull(%s)", e.of(e.typ(), depth-1))
		}
	}
	list := e.funcs[t]
	if len(list) == 0 {
		return e.leaf(t)
	}
	return e.call(list[e.pick(len(list))], depth)
}

func (e *expressions) typ() kql.Type { return edgeColumns[e.pick(len(edgeColumns))].typ }

func (e *expressions) leaf(t kql.Type) string {
	for _, c := range edgeColumns {
		if c.typ == t {
			if e.pick(3) > 0 {
				return c.name
			}
			return c.values[e.pick(len(c.values))]
		}
	}
	return "1"
}

var operatorName = regexp.MustCompile(`^[a-z_]\w*$`)

// wordOperators are functions that are written between their arguments.
var wordOperators = map[string]bool{"and": true, "or": true, "has": true, "contains": true, "startswith": true, "endswith": true, "hasprefix": true, "hassuffix": true, "has_cs": true, "contains_cs": true, "startswith_cs": true, "endswith_cs": true, "hasprefix_cs": true, "hassuffix_cs": true,
	"in": true, "has_any": true, "has_all": true, "between": true, "like": true, "notlike": true}

func (e *expressions) call(f *kql.Func, depth int) string {
	s := f.Sigs[e.pick(len(f.Sigs))]
	n := len(s.Params)
	for n > 0 && s.Params[n-1].Optional && e.pick(2) == 0 {
		n--
	}
	if s.Repeat > 0 {
		n += s.Repeat * e.pick(3)
	}
	args := make([]string, n)
	for i := range args {
		j := i
		if j >= len(s.Params) {
			j = len(s.Params) - s.Repeat + (i-len(s.Params))%s.Repeat
		}
		p := s.Params[j]
		var types []kql.Type
		for t := kql.Bool; t <= kql.Dynamic; t++ {
			if p.Types.Has(t) {
				types = append(types, t)
			}
		}
		t := types[e.pick(len(types))]
		if p.Const {
			for _, c := range edgeColumns {
				if c.typ == t {
					args[i] = c.values[e.pick(len(c.values))]
				}
			}
			continue
		}
		args[i] = e.of(t, depth-1)
	}
	name := f.Name
	switch {
	case name == "[]":
		return fmt.Sprintf("(%s)[%s]", args[0], args[1])
	case name == "-" && n == 1:
		return "-(" + args[0] + ")"
	case strings.HasSuffix(name, "between") && n == 3:
		return fmt.Sprintf("(%s %s (%s .. %s))", args[0], name, args[1], args[2])
	case slices.Contains([]string{"in", "!in", "in~", "!in~", "has_any", "has_all"}, name):
		return fmt.Sprintf("(%s %s (%s))", args[0], name, strings.Join(args[1:], ", "))
	case (wordOperators[name] || !operatorName.MatchString(name)) && n == 2:
		return fmt.Sprintf("((%s) %s (%s))", args[0], name, args[1])
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}

// agree compares two values of a type; a real may differ in its last digits, as
// the two sides have mathematics of their own.
//
// Between two calls of a statement a dynamic is JSON, which has no NaN and no
// Infinity: what was computed of such an element is another value or null.
func agree(text string, a, b kql.Value) bool {
	if b.Type() == kql.Real && (math.IsNaN(b.Real()) || math.IsInf(b.Real(), 0)) && inDynamic.MatchString(text) {
		return true
	}
	if a.IsNull() || b.IsNull() {
		return a.IsNull() == b.IsNull()
	}
	if a.Type() == kql.Real && b.Type() == kql.Real {
		x, y := a.Real(), b.Real()
		return x == y || math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 1e-11*math.Max(math.Abs(x), math.Abs(y))
	}
	if a.Type() == kql.Dynamic && b.Type() == kql.Dynamic {
		return sameText(kql.JSONOf(a.Dynamic()), kql.JSONOf(b.Dynamic()))
	}
	return a.Type() == b.Type() && sameText(kql.TextOf(a), kql.TextOf(b))
}

var inDynamic = regexp.MustCompile(`pack|array_|bag_|set_|jaccard`)

var longReal = regexp.MustCompile(`-?\d+\.\d{6,}(E[+-]?\d+)?`)

// sameText compares texts in which reals may differ in their last digits.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	x, y := longReal.FindAllString(a, -1), longReal.FindAllString(b, -1)
	if len(x) == 0 || len(x) != len(y) || longReal.ReplaceAllString(a, "#") != longReal.ReplaceAllString(b, "#") {
		return false
	}
	for i := range x {
		f, _ := strconv.ParseFloat(x[i], 64)
		g, _ := strconv.ParseFloat(y[i], 64)
		if math.Abs(f-g) > 1e-11*math.Max(math.Abs(f), math.Abs(g)) {
			return false
		}
	}
	return true
}

// bothWays computes an expression over the rows of a table by the statement and
// by Eval. source has a column k that numbers the rows; rows are by k.
func bothWays(l *Lake, source, text string, rows []map[string]kql.Value) (bySQL, byEval []kql.Value, err error) {
	query := source + " | project k, x = " + text
	who, _ := tocsin.PrincipalFrom(analyst(context.Background()))
	opts := l.huntDefaults(HuntOptions{AllTime: true})
	bound, err := l.bind(who, query, opts, nil, &HuntStats{})
	if err != nil {
		return nil, nil, err
	}
	project, ok := bound.Plans[0].Root.(*kql.Project)
	if !ok || len(project.Items) != 2 {
		return nil, nil, errNotCompared
	}
	names := make(map[kql.ColID]string)
	for _, c := range project.In.Columns() {
		names[c.ID] = c.Name
	}
	byEval = make([]kql.Value, len(rows))
	for i, row := range rows {
		byEval[i] = kql.Eval(project.Items[1].X, func(id kql.ColID) kql.Value { return row[names[id]] })
	}
	sink := &valuesByKey{values: make([]kql.Value, len(rows))}
	if _, err := l.Hunt(analyst(context.Background()), query, HuntOptions{AllTime: true, Timeout: 20 * time.Second}, sink); err != nil {
		return nil, nil, err
	}
	return sink.values, byEval, nil
}

var errNotCompared = errors.New("not compared")

type valuesByKey struct{ values []kql.Value }

func (s *valuesByKey) Table(HuntTable) error { return nil }
func (s *valuesByKey) Row(row []kql.Value) error {
	s.values[row[0].Int()] = row[1]
	return nil
}

// rowsByName collects whole rows.
type rowsByName struct {
	cols []kql.Column
	rows []map[string]kql.Value
}

func (s *rowsByName) Table(t HuntTable) error { s.cols = t.Columns; return nil }
func (s *rowsByName) Row(row []kql.Value) error {
	m := make(map[string]kql.Value)
	for i, c := range s.cols {
		m[c.Name] = row[i]
	}
	s.rows = append(s.rows, m)
	return nil
}

// storedEdges keeps the table in the lake, as far as its types are those of a
// hunting table, and is the query that reads it under the same names.
func storedEdges(t *testing.T, l *Lake, rows []map[string]kql.Value) string {
	b, err := l.NewBatch("DeviceFileEvents")
	must0(t, err)
	for i, row := range rows {
		values := map[string]any{"Timestamp": noon, "ReportId": int64(i)}
		if v := row["s"]; v.Str() != "" {
			values["FileName"] = v.Str()
		}
		if v := row["l"]; !v.IsNull() {
			values["FileSize"] = v.Int()
		}
		if v := row["b"]; !v.IsNull() {
			values["IsAzureInfoProtectionApplied"] = v.Bool()
		}
		if v := row["t"]; !v.IsNull() && v.Time().Year() > 1 && v.Time().Year() < 9999 {
			values["InitiatingProcessCreationTime"] = v.Time().Truncate(time.Microsecond)
		}
		if v := row["y"]; !v.IsNull() {
			values["AdditionalFields"] = kql.TextOf(v)
		}
		must0(t, b.AppendRow(tocsin.Row{Table: "DeviceFileEvents", Values: values}))
	}
	appendAll(t, l, Write{Batches: []*Batch{b}})
	return "DeviceFileEvents | project-rename k = ReportId, s = FileName, l = FileSize, b = IsAzureInfoProtectionApplied, t = InitiatingProcessCreationTime, y = AdditionalFields"
}

func TestHuntDifferential(t *testing.T) {
	seed, n := uint64(1), 3000
	if testing.Short() {
		n = 300
	}
	if s, err := strconv.ParseUint(os.Getenv("KQL_SEED"), 10, 64); err == nil {
		seed = s
	}
	if s, err := strconv.Atoi(os.Getenv("KQL_EXPRESSIONS")); err == nil {
		n = s
	}
	t.Logf("KQL_SEED=%d KQL_EXPRESSIONS=%d", seed, n)
	l, log := hostileLake(t)
	made := &rowsByName{}
	_, err := l.Hunt(analyst(context.Background()), edgeTable(), HuntOptions{}, made)
	must0(t, err)
	stored := &rowsByName{}
	source := storedEdges(t, l, made.rows)
	_, err = l.Hunt(analyst(context.Background()), source+" | sort by k asc", HuntOptions{AllTime: true}, stored)
	must0(t, err)
	e := newExpressions(rand.New(rand.NewPCG(seed, 0)))
	compared, failed := 0, 0
	var why = make(map[string]int)
	for range n {
		text := e.of(e.typ(), 1+e.pick(3))
		from, rows := edgeTable(), made.rows
		if e.pick(3) == 0 {
			from, rows = source, stored.rows
		}
		log.Reset()
		bySQL, byEval, err := bothWays(l, from, text, rows)
		var bad *kql.Diagnostics
		switch {
		case errors.As(err, &bad):
			why[regexp.MustCompile(`'.*?'|".*?"|\d+`).ReplaceAllString(bad.List[0].Msg, "_")]++
			continue
		case err == errNotCompared:
			continue
		case err != nil:
			if failed++; failed < 60 {
				t.Errorf("%s: %v\n%s", text, err, cut(log.String(), 700))
			}
			continue
		}
		compared++
		for i := range rows {
			if !agree(text, bySQL[i], byEval[i]) {
				if failed++; failed < 60 {
					t.Errorf("%s\nover %s: the statement gives %s %q, Eval %s %q", text, describe(rows[i], text), bySQL[i].Type(), shown(bySQL[i]), byEval[i].Type(), shown(byEval[i]))
				}
				break
			}
		}
	}
	t.Logf("%d of %d expressions compared, %d differ", compared, n, failed)
	if os.Getenv("KQL_VERBOSE") != "" {
		for m, n := range why {
			t.Logf("%d %s", n, m)
		}
	}
	if compared < n/4 {
		t.Errorf("only %d of %d expressions were compared", compared, n)
	}
}

func shown(v kql.Value) string {
	if v.IsNull() {
		return "null"
	}
	return kql.TextOf(v)
}

// describe names the values of the columns that a text may mean.
func describe(row map[string]kql.Value, text string) string {
	var parts []string
	for _, c := range edgeColumns {
		if regexp.MustCompile(`\b` + c.name + `\b`).MatchString(text) {
			parts = append(parts, c.name+"="+shown(row[c.name]))
		}
	}
	return strings.Join(parts, " ")
}
