package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// kustoAnswer has a table with a value of every type, a null of every type,
// and what JSON has no number or character for.
func kustoAnswer(t *testing.T, result lake.HuntSink) {
	t.Helper()
	columns := []kql.Column{column("b", kql.Bool), column("i", kql.Int), column("l", kql.Long), column("r", kql.Real), column("s", kql.String),
		column("d", kql.DateTime), column("t", kql.TimeSpan), column("g", kql.Guid), column("y", kql.Dynamic), column("m", kql.Decimal)}
	if err := result.Table(lake.HuntTable{Columns: columns, Render: &kql.Render{Chart: "timechart", Props: map[string]string{"title": "T"}}}); err != nil {
		t.Fatal(err)
	}
	bag := kql.NewBag()
	bag.Set("a", []kql.Dyn{int64(1), "x", nil, true})
	rows := [][]kql.Value{
		{kql.BoolOf(true), kql.IntOf(-1), kql.LongOf(math.MaxInt64), kql.RealOf(0.5), kql.StringOf("a\"\n<\u2028"), kql.TimeOf(time.Unix(0, 100).UTC()),
			kql.TimeSpanOf(kql.TicksPerDay + 1), kql.GuidOf("74be27de-1e4e-49d9-b579-fe0b331d3642"), kql.DynamicOf(bag), kql.DecimalOf("1.5")},
		{kql.Null(kql.Bool), kql.Null(kql.Int), kql.Null(kql.Long), kql.RealOf(math.NaN()), kql.StringOf(""), kql.Null(kql.DateTime),
			kql.Null(kql.TimeSpan), kql.Null(kql.Guid), kql.Null(kql.Dynamic), kql.Null(kql.Decimal)},
	}
	for _, row := range rows {
		if err := result.Row(row); err != nil {
			t.Fatal(err)
		}
	}
}

const wantRows = `[[true,-1,9223372036854775807,0.5,"a\"\n<\u2028","1970-01-01T00:00:00.0000001Z","1.00:00:00.0000001",` +
	`"74be27de-1e4e-49d9-b579-fe0b331d3642",{"a":[1,"x",null,true]},"1.5"],[null,null,null,"NaN","",null,null,null,null,null]]`

func sameJSON(t *testing.T, got json.RawMessage, want string) {
	t.Helper()
	var a, b any
	decode := func(text []byte, into *any) {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(into); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	decode(got, &a)
	decode([]byte(want), &b)
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if !bytes.Equal(x, y) {
		t.Errorf("got  %s\nwant %s", x, y)
	}
}

func TestKustoV1(t *testing.T) {
	var answer struct {
		Tables []struct {
			TableName string
			Columns   []struct{ ColumnName, DataType, ColumnType string }
			Rows      json.RawMessage
		}
	}
	result := &kustoResult{}
	kustoAnswer(t, result)
	text := result.v1("00000000-0000-0000-0000-000000000001", "client", time.Unix(0, 0), lake.HuntStats{}, "")
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if len(answer.Tables) != 4 {
		t.Fatalf("%d tables, want the result, properties, status and contents", len(answer.Tables))
	}
	first := answer.Tables[0]
	var types []string
	for _, c := range first.Columns {
		types = append(types, c.ColumnName+":"+c.DataType+":"+c.ColumnType)
	}
	if got, want := strings.Join(types, " "), "b:SByte:bool i:Int32:int l:Int64:long r:Double:real s:String:string d:DateTime:datetime t:TimeSpan:timespan g:Guid:guid y:Object:dynamic m:SqlDecimal:decimal"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
	sameJSON(t, first.Rows, wantRows)
	sameJSON(t, answer.Tables[3].Rows, `[[0,"QueryResult","PrimaryResult","",""],[1,"QueryProperties","@ExtendedProperties","",""],[2,"QueryStatus","QueryStatus","",""]]`)
	if props := string(answer.Tables[1].Rows); !strings.Contains(props, `\"Visualization\":\"timechart\"`) || !strings.Contains(props, `\"Title\":\"T\"`) {
		t.Errorf("properties %s", props)
	}
}

func TestKustoV2(t *testing.T) {
	for _, fragmented := range []bool{false, true} {
		var out bytes.Buffer
		k := &kustoFrames{w: &out, flush: func() error { return nil }, activity: "00000000-0000-0000-0000-000000000001", client: "client",
			fragmented: fragmented, now: time.Now}
		kustoAnswer(t, k)
		if err := k.end(lake.HuntStats{}, nil); err != nil {
			t.Fatal(err)
		}
		text := out.Bytes()
		var frames []map[string]json.RawMessage
		if err := json.Unmarshal(text, &frames); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		// As a streaming client reads it: a frame in each line, behind one byte.
		var kinds []string
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			line := lines.Bytes()
			if string(line) == "]" {
				continue
			}
			if line[0] != '[' && line[0] != ',' {
				t.Fatalf("line begins with %q", line[0])
			}
			rest, ok := strings.CutPrefix(string(line[1:]), `{"FrameType":"`)
			if !ok {
				t.Fatalf("FrameType is not the first key of %s", line)
			}
			kind, _, _ := strings.Cut(rest, `"`)
			kinds = append(kinds, kind)
		}
		want := "DataSetHeader DataTable DataTable DataTable DataSetCompletion"
		rows := frames[2]["Rows"]
		if fragmented {
			want = "DataSetHeader DataTable TableHeader TableFragment TableCompletion DataTable DataSetCompletion"
			rows = frames[3]["Rows"]
		}
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("frames %s, want %s", got, want)
		}
		sameJSON(t, rows, wantRows)
	}
}
