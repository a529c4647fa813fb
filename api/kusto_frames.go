package api

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// Kusto's clients read two forms of an answer. The older, v1, is one object of
// tables; for the newer see kustoFrames.

// netType is the .NET name that clients read a column's type from.
func netType(t kql.Type) string {
	switch t {
	case kql.Bool:
		return "SByte"
	case kql.Int:
		return "Int32"
	case kql.Long:
		return "Int64"
	case kql.Real:
		return "Double"
	case kql.Decimal:
		return "SqlDecimal"
	case kql.DateTime:
		return "DateTime"
	case kql.TimeSpan:
		return "TimeSpan"
	case kql.Guid:
		return "Guid"
	case kql.Dynamic:
		return "Object"
	}
	return "String"
}

// appendCell writes a value as Kusto's JSON has it: numbers and bools as such,
// reals that JSON has no number for as text, dynamic as JSON, everything else
// as its text.
func appendCell(buf []byte, v kql.Value) []byte {
	if v.IsNull() {
		return append(buf, "null"...)
	}
	switch v.Type() {
	case kql.Bool:
		return strconv.AppendBool(buf, v.Bool())
	case kql.Int, kql.Long:
		return strconv.AppendInt(buf, v.Int(), 10)
	case kql.Real:
		f := v.Real()
		switch {
		case math.IsNaN(f):
			return append(buf, `"NaN"`...)
		case math.IsInf(f, 1):
			return append(buf, `"Infinity"`...)
		case math.IsInf(f, -1):
			return append(buf, `"-Infinity"`...)
		}
		text, err := json.Marshal(f)
		if err != nil {
			return append(buf, "null"...)
		}
		return append(buf, text...)
	case kql.Dynamic:
		return append(buf, kql.JSONOf(v.Dynamic())...)
	}
	return appendText(buf, kql.TextOf(v))
}

// appendText writes a JSON string.
func appendText(buf []byte, s string) []byte {
	text, err := json.Marshal(s) // of a string: cannot fail
	if err != nil {
		return append(buf, `""`...)
	}
	return append(buf, text...)
}

func appendRow(buf []byte, row []kql.Value) []byte {
	buf = append(buf, '[')
	for i, v := range row {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendCell(buf, v)
	}
	return append(buf, ']')
}

// kustoTable is one table of an answer, its rows written already.
type kustoTable struct {
	name    string
	columns []kql.Column
	render  *kql.Render
	rows    []byte // rows with commas between
	count   int64
}

// kustoResult gathers an answer in the older form, which says in its last table
// what the others are; the lake bounds what there is to hold.
type kustoResult struct {
	tables []*kustoTable
}

// Table and Row make it a lake.HuntSink.
func (k *kustoResult) Table(t lake.HuntTable) error {
	k.tables = append(k.tables, &kustoTable{name: t.Name, columns: append([]kql.Column(nil), t.Columns...), render: t.Render})
	return nil
}

func (k *kustoResult) Row(row []kql.Value) error {
	t := k.tables[len(k.tables)-1]
	if t.count > 0 {
		t.rows = append(t.rows, ',')
	}
	t.rows = appendRow(t.rows, row)
	t.count++
	return nil
}

// visualization is what clients draw by, as Kusto sends it in
// @ExtendedProperties.
func visualization(r *kql.Render) string {
	props := map[string]any{
		"Visualization": nil, "Title": nil, "XColumn": nil, "Series": nil, "YColumns": nil, "AnomalyColumns": nil,
		"XTitle": nil, "YTitle": nil, "XAxis": nil, "YAxis": nil, "Legend": nil, "YSplit": nil, "Accumulate": false,
		"IsQuerySorted": false, "Kind": nil, "Ymin": "NaN", "Ymax": "NaN", "Xmin": nil, "Xmax": nil,
	}
	if r != nil {
		props["Visualization"] = r.Chart
		names := map[string]string{"title": "Title", "xcolumn": "XColumn", "series": "Series", "ycolumns": "YColumns",
			"anomalycolumns": "AnomalyColumns", "xtitle": "XTitle", "ytitle": "YTitle", "xaxis": "XAxis", "yaxis": "YAxis",
			"legend": "Legend", "ysplit": "YSplit", "accumulate": "Accumulate", "kind": "Kind", "ymin": "Ymin", "ymax": "Ymax",
			"xmin": "Xmin", "xmax": "Xmax"}
		for name, value := range r.Props {
			if key, ok := names[name]; ok {
				props[key] = value
			}
		}
	}
	text, err := json.Marshal(props) // of strings and bools: cannot fail
	if err != nil {
		return "{}"
	}
	return string(text)
}

func appendColumnsV1(buf []byte, columns []kql.Column) []byte {
	buf = append(buf, '[')
	for i, c := range columns {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, `{"ColumnName":`...)
		buf = appendText(buf, c.Name)
		buf = append(buf, `,"DataType":"`...)
		buf = append(buf, netType(c.Type)...)
		buf = append(buf, `","ColumnType":"`...)
		buf = append(buf, c.Type.String()...)
		buf = append(buf, `"}`...)
	}
	return append(buf, ']')
}

func appendTableV1(buf []byte, n int, columns []kql.Column, rows []byte) []byte {
	if n > 0 {
		buf = append(buf, ',')
	}
	buf = append(buf, `{"TableName":"Table_`...)
	buf = strconv.AppendInt(buf, int64(n), 10)
	buf = append(buf, `","Columns":`...)
	buf = appendColumnsV1(buf, columns)
	buf = append(buf, `,"Rows":[`...)
	buf = append(buf, rows...)
	return append(buf, `]}`...)
}

func column(name string, t kql.Type) kql.Column { return kql.Column{Name: name, Type: t} }

// v1 is the older form: the result tables, the properties, the status, and
// last the table of contents that tells them apart.
//
// failure is what went wrong behind rows that are there; "" for nothing.
func (k *kustoResult) v1(activity, client string, now time.Time, stats lake.HuntStats, failure string) []byte {
	buf := []byte(`{"Tables":[`)
	var contents []byte
	n := 0
	add := func(kind, name, pretty string, columns []kql.Column, rows []byte) {
		buf = appendTableV1(buf, n, columns, rows)
		if n > 0 {
			contents = append(contents, ',')
		}
		contents = appendRow(contents, []kql.Value{kql.LongOf(int64(n)), kql.StringOf(kind), kql.StringOf(name),
			kql.StringOf(""), kql.StringOf(pretty)})
		n++
	}
	for _, t := range k.tables {
		add("QueryResult", "PrimaryResult", t.name, t.columns, t.rows)
	}
	var render *kql.Render
	if len(k.tables) > 0 {
		render = k.tables[0].render
	}
	add("QueryProperties", "@ExtendedProperties", "", []kql.Column{column("Value", kql.String)},
		appendRow(nil, []kql.Value{kql.StringOf(visualization(render))}))
	add("QueryStatus", "QueryStatus", "", []kql.Column{
		column("Timestamp", kql.DateTime), column("Severity", kql.Int), column("SeverityName", kql.String), column("StatusCode", kql.Int),
		column("StatusDescription", kql.String), column("Count", kql.Int), column("RequestId", kql.Guid), column("ActivityId", kql.Guid),
		column("SubActivityId", kql.Guid), column("ClientActivityId", kql.String),
	}, kustoStatusRows(activity, client, now, stats, failure))
	buf = appendTableV1(buf, n, []kql.Column{column("Ordinal", kql.Long), column("Kind", kql.String), column("Name", kql.String),
		column("Id", kql.String), column("PrettyName", kql.String)}, contents)
	buf = append(buf, ']')
	if failure != "" {
		buf = append(buf, `,"Exceptions":[`...)
		buf = append(appendText(buf, failure), ']')
	}
	return append(buf, '}')
}

// kustoStatusRows say how a query ended and what it took.
func kustoStatusRows(activity, client string, now time.Time, stats lake.HuntStats, failure string) []byte {
	row := func(severity int64, name string, code int64, text string) []byte {
		return appendRow(nil, []kql.Value{kql.TimeOf(now), kql.IntOf(severity), kql.StringOf(name), kql.IntOf(code), kql.StringOf(text),
			kql.IntOf(1), kql.GuidOf(activity), kql.GuidOf(activity), kql.GuidOf(activity), kql.StringOf(client)})
	}
	end := row(4, "Info", 0, "Query completed successfully")
	if failure != "" {
		end = row(2, "Error", -2147467259, failure)
	}
	return append(append(end, ','), row(6, "Stats", 0, resourceText(stats))...)
}

// resourceText is what a query took, as Kusto's clients read it.
func resourceText(stats lake.HuntStats) string {
	cpu := kql.TextOf(kql.TimeSpanOf(stats.CPU.Nanoseconds() / 100))
	text, err := json.Marshal(map[string]any{
		"ExecutionTime": stats.Elapsed.Seconds(),
		"resource_usage": map[string]any{
			"cpu": map[string]any{"user": cpu, "kernel": "00:00:00", "total cpu": cpu},
		},
		"dataset_statistics": []any{map[string]any{"table_row_count": stats.Rows, "table_size": stats.Bytes}},
	})
	if err != nil { // of numbers and texts: it cannot fail
		return "{}"
	}
	return string(text)
}
