package sqlgen_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// engine runs statements in DuckDB with the Go functions and stages that they
// ask for, row by row and without any haste.
type engine struct {
	t      testing.TB
	conn   *sql.Conn
	shapes map[string]bool
}

// sites are known to all engines; their handles are made here, so no two
// statements share one.
var (
	sites      sync.Map
	lastHandle int64
	handleLock sync.Mutex
)

func nextHandle() int64 {
	handleLock.Lock()
	defer handleLock.Unlock()
	lastHandle++
	return lastHandle
}

var testOptions = sqlgen.Options{Handle: nextHandle}

func newEngine(t testing.TB, path string) *engine {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); db.Close() })
	return &engine{t: t, conn: conn, shapes: map[string]bool{}}
}

func (e *engine) exec(text string) {
	e.t.Helper()
	if _, err := e.conn.ExecContext(context.Background(), text); err != nil {
		e.t.Fatalf("%v\n%s", err, text)
	}
}

// run gives the rows of a statement.
func (e *engine) run(st *sqlgen.Statement) ([][]kql.Value, error) {
	for h, s := range st.Sites {
		sites.Store(h, s)
		if !e.shapes[s.Shape] {
			if err := duckdb.RegisterScalarUDF(e.conn, "kql_"+s.Shape, &siteFunc{shape: s.Shape}); err != nil {
				return nil, err
			}
			e.shapes[s.Shape] = true
		}
	}
	text := st.SQL
	for _, s := range st.Stages {
		name := fmt.Sprintf("stage_%d", s.Handle)
		if err := e.stage(name, s); err != nil {
			return nil, err
		}
		text = strings.ReplaceAll(text, fmt.Sprintf("kql_stage(%d)", s.Handle), name)
	}
	found, err := e.conn.QueryContext(context.Background(), text, st.Args...)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	defer found.Close()
	var rows [][]kql.Value
	for found.Next() {
		cells, into := make([]any, len(st.Cols)), make([]any, len(st.Cols))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]kql.Value, len(cells))
		for i, c := range cells {
			if row[i], err = outValue(c, st.Cols[i]); err != nil {
				return nil, fmt.Errorf("%w\n%s", err, text)
			}
		}
		rows = append(rows, row)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	return rows, nil
}

var sqlTypes = map[byte]string{'b': "BOOLEAN", 'i': "INTEGER", 'l': "BIGINT", 'd': "DOUBLE", 's': "VARCHAR"}

// stage makes the table of a stage.
func (e *engine) stage(name string, s *sqlgen.Stage) error {
	if s.Op == nil {
		return errors.New("this stage cannot be made here")
	}
	var ins []func() ([]kql.Value, error)
	for _, in := range s.Inputs {
		rows, err := e.run(in)
		if err != nil {
			return err
		}
		ins = append(ins, func() ([]kql.Value, error) {
			if len(rows) == 0 {
				return nil, nil
			}
			row := rows[0]
			rows = rows[1:]
			return row, nil
		})
	}
	var defs []string
	for i, c := range s.Cols {
		defs = append(defs, fmt.Sprintf("c%d %s", i, sqlTypes[sqlgen.Letter(c.Type)]))
	}
	e.exec("CREATE OR REPLACE TEMP TABLE " + name + " (" + strings.Join(defs, ", ") + ")")
	return s.Op.Run(ins, func(row []kql.Value) error {
		var marks []string
		var args []any
		for i, v := range row {
			marks = append(marks, "$"+strconv.Itoa(i+1))
			args = append(args, inCell(v))
		}
		_, err := e.conn.ExecContext(context.Background(), "INSERT INTO "+name+" VALUES ("+strings.Join(marks, ", ")+")", args...)
		return err
	})
}

// inCell is a value as the engine takes it.
func inCell(v kql.Value) any {
	if v.IsNull() {
		return nil
	}
	switch v.Type() {
	case kql.Bool:
		return v.Bool()
	case kql.Int:
		return int32(v.Int())
	case kql.Long, kql.DateTime, kql.TimeSpan:
		return v.Int()
	case kql.Real:
		return v.Real()
	case kql.Dynamic:
		return kql.JSONOf(v.Dynamic())
	}
	return v.Str()
}

// outValue is a cell of a result.
func outValue(cell any, c sqlgen.OutCol) (kql.Value, error) {
	if cell == nil {
		if c.Type == kql.String && c.Rep != sqlgen.MaybeNull {
			return kql.Null(c.Type), fmt.Errorf("the string column %s came out as NULL", c.Name)
		}
		return kql.Null(c.Type), nil
	}
	v, ok := argValue(cell, c.Type)
	if at, isTime := cell.(time.Time); isTime && c.Rep == sqlgen.Micros && c.Type == kql.DateTime {
		return kql.TimeOf(at), nil
	}
	if !ok || c.Rep == sqlgen.Micros {
		return v, fmt.Errorf("%s of type %s came out as %T", c.Name, c.Type, cell)
	}
	return v, nil
}

// argValue is a natural value of a type.
func argValue(cell any, t kql.Type) (kql.Value, bool) {
	if cell == nil {
		return kql.Null(t), true
	}
	switch v := cell.(type) {
	case bool:
		return kql.BoolOf(v), t == kql.Bool
	case int32:
		return kql.IntOf(int64(v)), t == kql.Int
	case int64:
		switch t {
		case kql.DateTime:
			return kql.DateTimeOf(v), true
		case kql.TimeSpan:
			return kql.TimeSpanOf(v), true
		}
		return kql.LongOf(v), t == kql.Long
	case float64:
		return kql.RealOf(v), t == kql.Real
	case string:
		switch t {
		case kql.String:
			return kql.StringOf(v), true
		case kql.Guid:
			return kql.GuidOf(v), true
		case kql.Decimal:
			return kql.DecimalOf(v), true
		case kql.Dynamic:
			d, ok := kql.ParseJSON(v)
			return kql.DynamicOf(d), ok
		}
	}
	return kql.Null(t), false
}

// siteFunc is kql_<shape>.
type siteFunc struct{ shape string }

func (f *siteFunc) types() (ret duckdb.TypeInfo, args []duckdb.TypeInfo) {
	codes := map[byte]duckdb.Type{'b': duckdb.TYPE_BOOLEAN, 'i': duckdb.TYPE_INTEGER, 'l': duckdb.TYPE_BIGINT, 'd': duckdb.TYPE_DOUBLE, 's': duckdb.TYPE_VARCHAR}
	read := func(text string) (infos []duckdb.TypeInfo) {
		for i := 0; i < len(text); i++ {
			list := text[i] == 'L'
			if list {
				i++
			}
			info, err := duckdb.NewTypeInfo(codes[text[i]])
			if err != nil {
				panic(err)
			}
			if list {
				if info, err = duckdb.NewListInfo(info); err != nil {
					panic(err)
				}
			}
			infos = append(infos, info)
		}
		return infos
	}
	r, a, _ := strings.Cut(f.shape, "_")
	return read(r)[0], read("l" + a)
}

func (f *siteFunc) Config() duckdb.ScalarFuncConfig {
	ret, args := f.types()
	return duckdb.ScalarFuncConfig{InputTypeInfos: args, ResultTypeInfo: ret, SpecialNullHandling: true}
}

func (f *siteFunc) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: func(values []driver.Value) (any, error) {
		found, ok := sites.Load(values[0])
		if !ok {
			return nil, fmt.Errorf("no site %v", values[0])
		}
		return callSite(found.(*sqlgen.Site), values[1:])
	}}
}

func callSite(s *sqlgen.Site, cells []driver.Value) (any, error) {
	switch {
	case s.Text != nil:
		text, _ := cells[0].(string)
		return s.Text([]byte(text)), nil
	case s.Match != nil:
		text, _ := cells[0].(string)
		values, ok := s.Match.Match(text)
		if !ok && s.Where {
			return nil, nil
		}
		var list []any
		for _, v := range values {
			switch {
			case v.IsNull():
				list = append(list, nil)
			case v.Type() == kql.Bool:
				list = append(list, strconv.FormatBool(v.Bool()))
			case v.Type() == kql.Real:
				list = append(list, strconv.FormatFloat(v.Real(), 'g', -1, 64))
			default:
				list = append(list, fmt.Sprint(inCell(v)))
			}
		}
		return list, nil
	case s.Agg != nil:
		acc := s.Agg.New(s.Types, s.AggConst)
		rows := 0
		for _, c := range cells {
			if list, ok := c.([]any); ok {
				rows = max(rows, len(list))
			}
		}
		for i := range rows {
			args := make([]kql.Value, len(cells))
			for j, c := range cells {
				if list, ok := c.([]any); ok {
					c = list[i]
				}
				v, ok := argValue(c, s.Types[j])
				if !ok {
					return nil, fmt.Errorf("an argument of type %s came as %T", s.Types[j], c)
				}
				args[j] = v
			}
			acc.Add(args)
		}
		return inCell(acc.Result()), nil
	}
	args := make([]kql.Value, len(cells))
	for i, c := range cells {
		v, ok := argValue(c, s.Types[i])
		if !ok {
			return nil, fmt.Errorf("an argument of type %s came as %T", s.Types[i], c)
		}
		if v.IsNull() && s.Call.Func.NullIn {
			return inCell(kql.Null(s.Result)), nil
		}
		args[i] = v
	}
	eval := s.Call.Eval
	if eval == nil {
		eval = s.Call.Func.Eval
	}
	v := eval(args)
	if !v.IsNull() && v.Type() != s.Result {
		return nil, fmt.Errorf("%s gave a value of type %s, not %s", s.Call.Func.Name, v.Type(), s.Result)
	}
	if v.IsNull() {
		return inCell(kql.Null(s.Result)), nil
	}
	return inCell(v), nil
}
