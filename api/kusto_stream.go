package api

import (
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// kustoFrames writes an answer in the newer of Kusto's forms, v2: an array of
// frames. Clients that stream read it line by line: each line begins with '['
// or ',', and FrameType is a frame's first key.
//
// The first keepBytes are held back, so that a query that fails soon is an
// error of HTTP; what comes after that is sent as it is found, and a failure is
// told in the last frames.
type kustoFrames struct {
	w          io.Writer
	flush      func() error // sends what w holds
	activity   string
	client     string
	fragmented bool // primary tables come in fragments
	now        func() time.Time

	buf   []byte
	sent  bool
	id    int   // of the table that is open or was last
	open  bool  // a table is
	part  bool  // a fragment is
	since int   // rows in it
	count int64 // rows of the table
}

const (
	keepBytes = 4 << 20
	sendBytes = 256 << 10
	// fragmentRows is how many rows a line has that a client must hold whole.
	fragmentRows = 1000
)

func (k *kustoFrames) begin(render *kql.Render) {
	k.buf = append(k.buf, `[{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"`...)
	if k.fragmented {
		k.buf = append(k.buf, `,"IsFragmented":true,"ErrorReportingPlacement":"EndOfTable"`...)
	}
	k.buf = append(k.buf, "}\n"...)
	props := append([]byte(`[1,"Visualization",`), visualization(render)...)
	k.buf = appendDataTable(k.buf, 0, "QueryProperties", "@ExtendedProperties",
		[]kql.Column{column("TableId", kql.Int), column("Key", kql.String), column("Value", kql.Dynamic)}, append(props, ']'))
}

// Table and Row make it a lake.HuntSink.
func (k *kustoFrames) Table(t lake.HuntTable) error {
	if k.id == 0 {
		k.begin(t.Render)
	}
	k.closeTable(nil)
	k.id++
	k.open, k.count = true, 0
	name := "PrimaryResult" // of the first, whatever it is read from
	if k.id > 1 && t.Name != "" {
		name = t.Name
	}
	kind := "DataTable"
	if k.fragmented {
		kind = "TableHeader"
	}
	k.buf = append(k.buf, `,{"FrameType":"`+kind+`","TableId":`+strconv.Itoa(k.id)+`,"TableKind":"PrimaryResult","TableName":`...)
	k.buf = appendText(k.buf, name)
	k.buf = append(k.buf, `,"Columns":`...)
	k.buf = appendColumnsV2(k.buf, t.Columns)
	if k.fragmented {
		k.buf = append(k.buf, "}\n"...)
	} else {
		k.buf = append(k.buf, `,"Rows":[`...)
	}
	return nil
}

func (k *kustoFrames) Row(row []kql.Value) error {
	if k.fragmented && !k.part {
		k.buf = append(k.buf, `,{"FrameType":"TableFragment","TableFragmentType":"DataAppend","TableId":`+strconv.Itoa(k.id)+`,"Rows":[`...)
		k.part, k.since = true, 0
	} else if k.count > 0 {
		k.buf = append(k.buf, ',')
	}
	k.buf = appendRow(k.buf, row)
	k.count++
	if k.since++; k.part && k.since == fragmentRows {
		k.closePart()
	}
	if len(k.buf) < sendBytes || !k.sent && len(k.buf) < keepBytes {
		return nil
	}
	return k.send()
}

func (k *kustoFrames) closePart() {
	if k.part {
		k.buf = append(k.buf, "]}\n"...)
		k.part = false
	}
}

// closeTable ends the open table; errs is what it misses rows for.
func (k *kustoFrames) closeTable(errs []byte) {
	if !k.open {
		return
	}
	k.open = false
	if k.fragmented {
		k.closePart()
		k.buf = append(k.buf, `,{"FrameType":"TableCompletion","TableId":`+strconv.Itoa(k.id)+`,"RowCount":`+strconv.FormatInt(k.count, 10)...)
		if errs != nil {
			k.buf = append(append(k.buf, `,"OneApiErrors":`...), errs...)
		}
		k.buf = append(k.buf, "}\n"...)
		return
	}
	if errs != nil {
		if k.count > 0 {
			k.buf = append(k.buf, ',')
		}
		k.buf = append(append(append(k.buf, `{"OneApiErrors":`...), errs...), '}')
	}
	k.buf = append(k.buf, "]}\n"...)
}

// end writes the last frames. failure is nil or what rows are missing for.
func (k *kustoFrames) end(stats lake.HuntStats, failure *oneAPIError) error {
	if k.id == 0 {
		k.begin(nil)
	}
	var errs []byte
	if failure != nil {
		text, err := json.Marshal([]*oneAPIError{failure})
		if err != nil {
			return err
		}
		errs = text
	}
	k.closeTable(errs)
	k.buf = appendDataTable(k.buf, k.id+1, "QueryCompletionInformation", "QueryCompletionInformation", []kql.Column{
		column("Timestamp", kql.DateTime), column("ClientRequestId", kql.String), column("ActivityId", kql.Guid), column("SubActivityId", kql.Guid),
		column("ParentActivityId", kql.Guid), column("Level", kql.Int), column("LevelName", kql.String), column("StatusCode", kql.Int),
		column("StatusCodeName", kql.String), column("EventType", kql.Int), column("EventTypeName", kql.String), column("Payload", kql.String),
	}, k.completion(stats, failure))
	if failure == nil {
		k.buf = append(k.buf, ",{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":false,\"Cancelled\":false}\n]"...)
	} else {
		k.buf = append(k.buf, `,{"FrameType":"DataSetCompletion","HasErrors":true,"Cancelled":false,"OneApiErrors":`...)
		k.buf = append(append(k.buf, errs...), "}\n]"...)
	}
	return k.send()
}

func (k *kustoFrames) completion(stats lake.HuntStats, failure *oneAPIError) []byte {
	now := kql.TimeOf(k.now())
	row := func(level int64, name string, code int64, codeName string, event int64, eventName, payload string) []byte {
		return appendRow(nil, []kql.Value{now, kql.StringOf(k.client), kql.GuidOf(k.activity), kql.GuidOf(k.activity), kql.GuidOf(k.activity),
			kql.IntOf(level), kql.StringOf(name), kql.IntOf(code), kql.StringOf(codeName), kql.IntOf(event), kql.StringOf(eventName), kql.StringOf(payload)})
	}
	rows := row(4, "Info", 0, "S_OK (0)", 4, "QueryInfo", `{"Count":1,"Text":"Query completed successfully"}`)
	if failure != nil {
		text := string(appendText(nil, failure.Error.Description))
		rows = row(2, "Error", -2147467259, "E_FAIL (80004005)", 4, "QueryInfo", `{"Count":1,"Text":`+text+`}`)
	}
	return append(append(rows, ','), row(6, "Stats", 0, "S_OK (0)", 0, "QueryResourceConsumption", resourceText(stats))...)
}

func (k *kustoFrames) send() error {
	k.sent = true
	_, err := k.w.Write(k.buf)
	if err == nil {
		err = k.flush()
	}
	k.buf = k.buf[:0]
	if err != nil {
		return readerGone{err}
	}
	return nil
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
