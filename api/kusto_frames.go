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
// tables; v2 is an array of frames, which clients that stream read line by
// line: each line begins with '[' or ',', and FrameType is a frame's first key.

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

// kustoResult gathers an answer. Clients learn of a failure from the last
// frame or the status, so nothing is sent before the query has ended; the lake
// bounds what there is to hold.
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
func (k *kustoResult) v1(activity, client string, now time.Time) []byte {
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
	}, appendRow(nil, []kql.Value{kql.TimeOf(now), kql.IntOf(4), kql.StringOf("Info"), kql.IntOf(0), kql.StringOf("Query completed successfully"),
		kql.IntOf(1), kql.GuidOf(activity), kql.GuidOf(activity), kql.GuidOf(activity), kql.StringOf(client)}))
	buf = appendTableV1(buf, n, []kql.Column{column("Ordinal", kql.Long), column("Kind", kql.String), column("Name", kql.String),
		column("Id", kql.String), column("PrettyName", kql.String)}, contents)
	return append(buf, `]}`...)
}

func appendColumnsV2(buf []byte, columns []kql.Column) []byte {
	buf = append(buf, '[')
	for i, c := range columns {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, `{"ColumnName":`...)
		buf = appendText(buf, c.Name)
		buf = append(buf, `,"ColumnType":"`...)
		buf = append(buf, c.Type.String()...)
		buf = append(buf, `"}`...)
	}
	return append(buf, ']')
}

func appendDataTable(buf []byte, id int, kind, name string, columns []kql.Column, rows []byte) []byte {
	buf = append(buf, ",{\"FrameType\":\"DataTable\",\"TableId\":"...)
	buf = strconv.AppendInt(buf, int64(id), 10)
	buf = append(buf, `,"TableKind":"`...)
	buf = append(buf, kind...)
	buf = append(buf, `","TableName":`...)
	buf = appendText(buf, name)
	buf = append(buf, `,"Columns":`...)
	buf = appendColumnsV2(buf, columns)
	buf = append(buf, `,"Rows":[`...)
	buf = append(buf, rows...)
	return append(buf, "]}\n"...)
}

// v2 is the framed form. fragmented sends primary tables in the pieces that
// streaming clients ask for with results_v2_fragment_primary_tables.
func (k *kustoResult) v2(activity, client string, fragmented bool, now time.Time) []byte {
	buf := []byte(`[{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"`)
	if fragmented {
		buf = append(buf, `,"IsFragmented":true,"ErrorReportingPlacement":"EndOfTable"`...)
	}
	buf = append(buf, "}\n"...)
	var render *kql.Render
	if len(k.tables) > 0 {
		render = k.tables[0].render
	}
	var props []byte
	props = append(props, `[1,"Visualization",`...)
	props = append(props, visualization(render)...)
	props = append(props, ']')
	buf = appendDataTable(buf, 0, "QueryProperties", "@ExtendedProperties",
		[]kql.Column{column("TableId", kql.Int), column("Key", kql.String), column("Value", kql.Dynamic)}, props)
	for i, t := range k.tables {
		name := t.name
		if name == "" {
			name = "PrimaryResult"
		}
		if !fragmented {
			buf = appendDataTable(buf, i+1, "PrimaryResult", name, t.columns, t.rows)
			continue
		}
		id := strconv.Itoa(i + 1)
		buf = append(buf, `,{"FrameType":"TableHeader","TableId":`+id+`,"TableKind":"PrimaryResult","TableName":`...)
		buf = appendText(buf, name)
		buf = append(buf, `,"Columns":`...)
		buf = appendColumnsV2(buf, t.columns)
		buf = append(buf, "}\n"...)
		buf = append(buf, `,{"FrameType":"TableFragment","TableFragmentType":"DataAppend","TableId":`+id+`,"Rows":[`...)
		buf = append(buf, t.rows...)
		buf = append(buf, "]}\n"...)
		buf = append(buf, `,{"FrameType":"TableCompletion","TableId":`+id+`,"RowCount":`+strconv.FormatInt(t.count, 10)+"}\n"...)
	}
	info := []kql.Column{
		column("Timestamp", kql.DateTime), column("ClientRequestId", kql.String), column("ActivityId", kql.Guid), column("SubActivityId", kql.Guid),
		column("ParentActivityId", kql.Guid), column("Level", kql.Int), column("LevelName", kql.String), column("StatusCode", kql.Int),
		column("StatusCodeName", kql.String), column("EventType", kql.Int), column("EventTypeName", kql.String), column("Payload", kql.String),
	}
	done := appendRow(nil, []kql.Value{kql.TimeOf(now), kql.StringOf(client), kql.GuidOf(activity), kql.GuidOf(activity), kql.GuidOf(activity),
		kql.IntOf(4), kql.StringOf("Info"), kql.IntOf(0), kql.StringOf("S_OK (0)"), kql.IntOf(4), kql.StringOf("QueryInfo"),
		kql.StringOf(`{"Count":1,"Text":"Query completed successfully"}`)})
	buf = appendDataTable(buf, len(k.tables)+1, "QueryCompletionInformation", "QueryCompletionInformation", info, done)
	return append(buf, ",{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":false,\"Cancelled\":false}\n]"...)
}
