package lake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsinhq/tocsin"
)

// everyType has a column of each type.
var everyType = must(newTable(tableFile{Name: "EveryType", Time: "Timestamp", Key: "ReportId", Columns: []columnFile{
	{Name: "Timestamp", Type: "datetime"}, {Name: "DeviceId", Type: "string"}, {Name: "ReportId", Type: "long"},
	{Name: "S", Type: "string"}, {Name: "D", Type: "dynamic"}, {Name: "I", Type: "int"}, {Name: "L", Type: "long"},
	{Name: "B", Type: "bool"}, {Name: "G", Type: "guid"}, {Name: "R", Type: "real"}, {Name: "T", Type: "datetime"}}}))

const at = `"Timestamp":"2026-03-01T12:00:00Z"`

// one appends a row with one more column and returns its value.
func one(t *testing.T, col, value string) (any, error) {
	t.Helper()
	b := newBatch(everyType, 0)
	if err := b.AppendJSON([]byte(`{` + at + `,"` + col + `":` + value + `}`)); err != nil {
		return nil, err
	}
	i, _ := everyType.Column(col)
	return b.Value(i, 0), nil
}

func TestCoercion(t *testing.T) {
	day := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	raw := func(s string) any { return json.RawMessage(s) }
	const refused = "refused"
	for _, c := range []struct {
		col, in string
		want    any
	}{
		{"S", `"text"`, "text"}, {"S", `""`, ""}, {"S", `12.50`, "12.50"}, {"S", `true`, "true"}, {"S", `null`, nil},
		{"S", `{"a": [1]}`, `{"a": [1]}`}, {"S", `"a\tb\"c\\d\/\u00e9\ud83d\ude00"`, "a\tb\"c\\d/é😀"},
		{"S", `"twelve bytes"`, "twelve bytes"}, {"S", `"thirteen byte"`, "thirteen byte"}, {"S", `"é漢"`, "é漢"},
		{"S", `"C:\\Windows\\System32\\drivers\\etc\\hosts and more"`, `C:\Windows\System32\drivers\etc\hosts and more`},
		{"L", `5`, int64(5)}, {"L", `-0`, int64(0)}, {"L", `"42"`, int64(42)}, {"L", `5.0`, int64(5)}, {"L", `2e3`, int64(2000)},
		{"L", `9223372036854775807`, int64(math.MaxInt64)}, {"L", `-9223372036854775808`, int64(math.MinInt64)},
		{"L", `true`, int64(1)}, {"L", `""`, nil}, {"L", `9223372036854775808`, refused}, {"L", `5.5`, refused}, {"L", `"0x10"`, refused},
		{"L", `" 5"`, refused}, {"L", `1e300`, refused}, {"L", `[1]`, refused}, {"L", `"NaN"`, refused}, {"L", `"5,5"`, refused},
		{"I", `2147483647`, int64(math.MaxInt32)}, {"I", `2147483648`, refused}, {"I", `"-7"`, int64(-7)}, {"I", `{}`, refused},
		{"B", `true`, true}, {"B", `false`, false}, {"B", `1`, true}, {"B", `0`, false}, {"B", `"True"`, true}, {"B", `"0"`, false},
		{"B", `2`, refused}, {"B", `"yes"`, refused}, {"B", `1.0`, refused},
		{"R", `0.5`, 0.5}, {"R", `"1e3"`, 1000.0}, {"R", `7`, 7.0}, {"R", `1e999`, refused}, {"R", `"Infinity"`, refused}, {"R", `true`, refused},
		{"G", `"0A1B2C3D-0000-1111-2222-333344445555"`, "0a1b2c3d-0000-1111-2222-333344445555"},
		{"G", `"{0a1b2c3d-0000-1111-2222-333344445555}"`, "0a1b2c3d-0000-1111-2222-333344445555"},
		{"G", `"0a1b2c3d000011112222333344445555"`, "0a1b2c3d-0000-1111-2222-333344445555"},
		{"G", `"0a1b2c3d-0000-1111-2222-33334444555"`, refused}, {"G", `"0a1b2c3d+0000-1111-2222-333344445555"`, refused}, {"G", `5`, refused},
		{"D", `{"a":1}`, raw(`{"a":1}`)}, {"D", `[]`, raw(`[]`)}, {"D", `"{\"a\":\"b\\\\c\"}"`, raw(`{"a":"b\\c"}`)},
		{"D", `"plain"`, raw(`"plain"`)}, {"D", `"{not json}"`, raw(`"{not json}"`)}, {"D", `7`, raw(`7`)}, {"D", `null`, nil}, {"D", `"é\n"`, raw(`"é\n"`)},
		{"T", `"2026-03-01T12:34:56.1234567Z"`, day("2026-03-01T12:34:56.123456Z")}, {"T", `"2026-03-01 12:34:56"`, day("2026-03-01T12:34:56Z")},
		{"T", `"2026-03-01T12:34:56.5+02:00"`, day("2026-03-01T10:34:56.5Z")}, {"T", `"2026-03-01T12:34:56-0330"`, day("2026-03-01T16:04:56Z")},
		{"T", `"2026-03-01T12:34+01"`, day("2026-03-01T11:34:00Z")}, {"T", `"2024-02-29"`, day("2024-02-29T00:00:00Z")}, {"T", `"0001-01-01T00:00:00Z"`, day("0001-01-01T00:00:00Z")},
		{"T", `"9999-12-31T23:59:59.9999999Z"`, day("9999-12-31T23:59:59.999999Z")}, {"T", `"1601-01-01T00:00:00Z"`, day("1601-01-01T00:00:00Z")},
		{"T", `1772366096`, day("2026-03-01T11:54:56Z")}, {"T", `1772366096123`, day("2026-03-01T11:54:56.123Z")}, {"T", `1772366096123456`, day("2026-03-01T11:54:56.123456Z")},
		{"T", `1772366096123456789`, day("2026-03-01T11:54:56.123456Z")}, {"T", `1772366096.25`, day("2026-03-01T11:54:56.25Z")}, {"T", `""`, nil},
		{"T", `"2026-02-29"`, refused}, {"T", `"2026-13-01"`, refused}, {"T", `"2026-03-01T25:00:00Z"`, refused}, {"T", `"2026-03-01T12:00:00.Z"`, refused},
		{"T", `"2026-03-01T12:00:00 CET"`, refused}, {"T", `"1772366096"`, refused}, {"T", `"/Date(1)/"`, refused}, {"T", `-5`, refused}, {"T", `true`, refused},
		{"T", `"2026-03-01T1"`, refused}, {"T", `"2026-03-01T12:00:"`, refused}, {"T", `"2026-03-01T12:00:00+1"`, refused},
	} {
		got, err := one(t, c.col, c.in)
		if c.want == refused {
			var re *RowError
			if err == nil || !errors.As(err, &re) || re.Column != c.col {
				t.Errorf("%s %s: got %v, %v; want refused for the column", c.col, c.in, got, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", c.col, c.in, err)
		} else if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %s: %s", c.col, c.in, diff)
		}
	}
}

// TestCalendar compares our days with the standard library's over 800 years.
func TestCalendar(t *testing.T) {
	end := time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC); d.Before(end); d = d.AddDate(0, 0, 1) {
		if got, ok := parseTime([]byte(d.Format("2006-01-02"))); !ok || got != d.UnixMicro() {
			t.Fatalf("%s: %d, %v; want %d", d.Format("2006-01-02"), got, ok, d.UnixMicro())
		}
	}
	for _, bad := range []string{"1900-02-29", "2100-02-29", "2026-04-31", "2026-00-10", "2026-01-00", "0000-01-01", "20260101aa", "2026-1-1000"} {
		if _, ok := parseTime([]byte(bad)); ok {
			t.Errorf("%s is no date", bad)
		}
	}
}

func TestRefusedLines(t *testing.T) {
	deep := strings.Repeat(`[`, 64) + strings.Repeat(`]`, 64)
	okDeep := strings.Repeat(`[`, 63) + strings.Repeat(`]`, 63)
	for _, c := range []struct{ line, reason string }{
		{``, reasonEmpty}, {`  `, reasonEmpty}, {`[]`, reasonObject}, {`null`, reasonObject}, {`5`, reasonObject}, {"\xef\xbb\xbf{}", reasonBOM},
		{`{`, reasonSyntax}, {`{"a"`, reasonSyntax}, {`{"a":`, reasonSyntax}, {`{"a":1`, reasonSyntax}, {`{"a":1,}`, reasonSyntax}, {`{a:1}`, reasonSyntax}, {`{"a" 1}`, reasonSyntax},
		{`{"S":"x`, reasonString}, {`{"S":"x\`, reasonEscape}, {"{\"S\":\"a\x00b\"}", reasonString}, {"{\"S\":\"a\nb\"}", reasonString}, {`{"S":"\q"}`, reasonEscape}, {`{"S":"\u12"}`, reasonEscape},
		{`{"S":"\u0000"}`, reasonNUL}, {`{"S":"\ud800"}`, reasonSurr}, {`{"S":"\udc00x"}`, reasonSurr}, {`{"S":"\ud800\u0041"}`, reasonSurr}, {`{"new":"\ud800"}`, reasonSurr}, {`{"\ud800":1}`, reasonSurr},
		{"{\"S\":\"\xff\"}", reasonUTF8}, {"{\"S\":\"a longer one, then \xc3\"}", reasonUTF8}, {"{\"\xff\":1}", reasonUTF8}, {"{\"D\":[\"\xff\"]}", reasonUTF8}, {"{\"S\":\"\xed\xa0\x80\"}", reasonUTF8},
		{`{"L":01}`, reasonSyntax}, {`{"L":-}`, reasonNumber}, {`{"L":1.}`, reasonNumber}, {`{"L":1e}`, reasonNumber}, {`{"L":+1}`, reasonSyntax}, {`{"L":.5}`, reasonSyntax}, {`{"R":NaN}`, reasonSyntax}, {`{"R":Infinity}`, reasonSyntax}, {`{"R":-Infinity}`, reasonNumber},
		{`{"L":nul}`, reasonSyntax}, {`{"B":tru}`, reasonSyntax}, {`{"B":truex}`, reasonSyntax}, {`{"B":falsy}`, reasonSyntax}, {`{"x":True}`, reasonSyntax}, {`{"D":[1,]}`, reasonSyntax}, {`{"D":{"a":}}`, reasonSyntax}, {`{"D":{1:2}}`, reasonSyntax},
		{`{"D":` + deep + `}`, reasonDepth}, {`{"x":` + deep + `}`, reasonDepth}, {`{` + at + `} x`, reasonEnd}, {`{` + at + `}{}`, reasonEnd},
		{`{}`, "no time"}, {`{"S":"x"}`, "no time"}, {`{"Timestamp":null}`, "no time"}, {`{"Timestamp":""}`, "no time"},
		{`{"Timestamp":"0001-01-01T00:00:00Z"}`, "time outside 1970 to 2261"}, {`{"Timestamp":"9999-12-31T23:59:59Z"}`, "time outside 1970 to 2261"}, {`{"Timestamp":"1969-12-31T23:59:59Z"}`, "time outside 1970 to 2261"},
		{`{"TimeGenerated":"yesterday"}`, "not a time"},
		{`{` + at + `,"S":"` + strings.Repeat("x", maxLine) + `"}`, reasonLong},
	} {
		b := newBatch(everyType, 0)
		must0(t, b.AppendJSON([]byte(`{`+at+`,"S":"before","D":`+okDeep+`}`)))
		before := b.RowJSON(0)
		err := b.AppendJSON([]byte(c.line))
		var re *RowError
		if !errors.As(err, &re) || re.Reason != c.reason {
			t.Errorf("%.60q: %v, want %s", c.line, err, c.reason)
		}
		if b.Len() != 1 || !bytes.Equal(b.RowJSON(0), before) || b.RowJSON(1) == nil || string(b.RowJSON(1)) != "{}" {
			t.Errorf("%.60q changed the batch: %d rows, %s", c.line, b.Len(), b.RowJSON(0))
		}
		for col := range b.cols {
			if b.cols[col].n > 1 {
				t.Errorf("%.60q left a value in column %d", c.line, col)
			}
		}
		// And the batch still works.
		must0(t, b.AppendJSON([]byte(`{`+at+`,"S":"after"}`)))
		if got, _ := b.StringAt(3, 1); got != "after" {
			t.Errorf("after %.60q the next row reads %q", c.line, got)
		}
	}
}

func must0(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLimits(t *testing.T) {
	b := newBatch(everyType, 20)
	must0(t, b.AppendJSON([]byte(`{`+at+`,"S":"exactly twenty bytes"}`)))
	for _, v := range []string{`"S":"exactly twenty bytes!"`, `"D":"exactly twenty bytes!"`, `"D":[1,2,3,4,5,6,7,8,9,10]`, `"S":[1,2,3,4,5,6,7,8,9,10]`} {
		if err := b.AppendJSON([]byte(`{` + at + `,` + v + `}`)); err == nil {
			t.Errorf("%s was taken", v)
		}
	}
	if err := b.AppendRow(tocsin.Row{Table: "EveryType", Values: map[string]any{"Timestamp": time.Unix(1e9, 0), "S": strings.Repeat("x", 21)}}); err == nil {
		t.Error("a long value of a Row was taken")
	}
	if b.Len() != 1 {
		t.Errorf("%d rows", b.Len())
	}
}

func TestUnknownAndRepeatedKeys(t *testing.T) {
	b := newBatch(everyType, 0)
	extra := len(everyType.Columns)
	for i, c := range []struct{ line, row, extra string }{
		{`{` + at + `,"New":{"a":[1, 2]},"S":"x","Ünï":"\u00e9","New":2}`, `"S":"x"`, `{"New":2,"Ünï":"\u00e9"}`},
		{`{` + at + `,"S":"first","S":"last"}`, `"S":"last"`, ``},
		{`{` + at + `,"S":"first","S":null,"L":1}`, `"L":1`, ``},
		{`{"TimeGenerated":"2026-03-01T12:00:00Z"}`, ``, ``},
		{`{` + at + `,"TimeGenerated":"2026-03-01 12:00:00"}`, ``, ``},
		{`{"TimeGenerated":"2026-03-01T13:00:00\u005a",` + at + `}`, ``, `{"TimeGenerated":"2026-03-01T13:00:00\u005a"}`},
		{`{"TimeGenerated":"later",` + at + `}`, ``, `{"TimeGenerated":"later"}`},
		{`{"\u0053":"escaped key",` + at + `}`, `"S":"escaped key"`, ``},
		{` { ` + at + ` , "S" : "blanks" } ` + "\r", `"S":"blanks"`, ``},
	} {
		must0(t, b.AppendJSON([]byte(c.line)))
		want := `{` + at
		if c.row != "" {
			want += "," + c.row
		}
		if got := string(b.RowJSON(i)); got != want+`}` {
			t.Errorf("%s\n got %s\nwant %s}", c.line, got, want)
		}
		if got, _ := b.StringAt(extra, i); got != c.extra {
			t.Errorf("%s: extra %s, want %s", c.line, got, c.extra)
		} else if got != "" && !json.Valid([]byte(got)) {
			t.Errorf("%s: extra is no JSON", c.line)
		}
	}
}

// TestSparse checks values, gaps, Truncate, Reset and the readers against a
// plain model over more rows than one bitmap word and one arena block.
func TestSparse(t *testing.T) {
	b := newBatch(everyType, 0)
	for range 2 {
		var want []string
		for i := range 3000 {
			line := fmt.Sprintf(`{"Timestamp":"2026-03-01T00:00:%02dZ","DeviceId":"d%d","ReportId":%d`, i%60, i%7, i)
			if i%3 == 0 {
				line += `,"S":"` + strings.Repeat("s", i%40) + strconv.Itoa(i) + `"`
			}
			if i > 100 && i%64 == 0 {
				line += `,"D":{"n":` + strconv.Itoa(i) + `}`
			}
			if i%97 == 5 {
				line += `,"B":true`
			}
			line += `}`
			must0(t, b.AppendJSON([]byte(line)))
			want = append(want, line)
			if i%500 == 499 {
				b.Truncate(i - 10)
				want = want[:i-10]
				for range 11 {
					must0(t, b.AppendJSON([]byte(`{"Timestamp":"2026-03-01T00:00:00Z","DeviceId":"d","ReportId":1}`)))
					want = append(want, `{"Timestamp":"2026-03-01T00:00:00Z","DeviceId":"d","ReportId":1}`)
				}
			}
		}
		if b.Len() != len(want) {
			t.Fatalf("%d rows, want %d", b.Len(), len(want))
		}
		for i, w := range want {
			if got := string(b.RowJSON(i)); got != w {
				t.Fatalf("row %d\n got %s\nwant %s", i, got, w)
			}
		}
		if got := b.Ref(2999 - 100); got.DeviceID == "" || got.ReportID == "" || got.Table != "EveryType" || got.Time.Year() != 2026 {
			t.Errorf("ref %+v", got)
		}
		col, _ := everyType.Column("I")
		if b.HasColumn(col) || !b.HasColumn(3) {
			t.Error("HasColumn")
		}
		if text, ok := b.AppendText([]byte("n="), 2, 7); !ok || string(text) != "n=7" {
			t.Errorf("AppendText %s %v", text, ok)
		}
		b.Reset()
		if b.Len() != 0 || b.Bytes() != 0 || b.HasColumn(3) {
			t.Error("Reset left something")
		}
	}
}

func TestAppendRow(t *testing.T) {
	b := newBatch(everyType, 0)
	when := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("x", 3600))
	must0(t, b.AppendRow(tocsin.Row{Table: "EveryType", Values: map[string]any{
		"TimeGenerated": when, "DeviceId": "d", "ReportId": int64(9), "S": "text \"q\"", "D": map[string]any{"a": 1}, "I": 4, "L": "77", "B": true,
		"G": "0A1B2C3D000011112222333344445555", "R": 2.5, "T": "2026-03-01", "Other": []any{"x", 1}, "Gone": nil}}))
	want := `{"Timestamp":"2026-03-01T11:00:00.123456Z","DeviceId":"d","ReportId":9,"S":"text \"q\"","D":{"a":1},"I":4,"L":77,"B":true,"G":"0a1b2c3d-0000-1111-2222-333344445555","R":2.5,"T":"2026-03-01T00:00:00Z"}`
	if got := string(b.RowJSON(0)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got, _ := b.StringAt(len(everyType.Columns), 0); got != `{"Other":["x",1]}` {
		t.Errorf("extra %s", got)
	}
	must0(t, b.AppendRow(tocsin.Row{Table: "EveryType", Values: map[string]any{"Timestamp": when, "D": `{"a":"b"}`, "S": json.RawMessage(`{"k":1}`)}}))
	must0(t, b.AppendRow(tocsin.Row{Table: "EveryType", Values: map[string]any{"Timestamp": when, "D": json.RawMessage(`[1, 2]`), "S": when}}))
	if got := string(b.RowJSON(1)); got != `{"Timestamp":"2026-03-01T11:00:00.123456Z","S":"{\"k\":1}","D":{"a":"b"}}` {
		t.Error(got)
	}
	if got := string(b.RowJSON(2)); got != `{"Timestamp":"2026-03-01T11:00:00.123456Z","S":"2026-03-01T11:00:00.123456Z","D":[1,2]}` {
		t.Error(got)
	}
	for name, r := range map[string]tocsin.Row{
		"other table": {Table: "DeviceEvents", Values: map[string]any{"Timestamp": when}},
		"no time":     {Table: "EveryType", Values: map[string]any{"S": "x"}},
		"bad UTF-8":   {Table: "EveryType", Values: map[string]any{"Timestamp": when, "S": "\xff"}},
		"NUL":         {Table: "EveryType", Values: map[string]any{"Timestamp": when, "S": "a\x00"}},
		"NaN":         {Table: "EveryType", Values: map[string]any{"Timestamp": when, "R": math.NaN()}},
		"NaN extra":   {Table: "EveryType", Values: map[string]any{"Timestamp": when, "X": math.NaN()}},
		"wrong type":  {Table: "EveryType", Values: map[string]any{"Timestamp": when, "I": "many"}},
		"year 1":      {Table: "EveryType", Values: map[string]any{"Timestamp": time.Time{}}},
	} {
		if err := b.AppendRow(r); err == nil || b.Len() != 3 {
			t.Errorf("%s: %v, %d rows", name, err, b.Len())
		}
	}
}

func TestAppendJSONBlock(t *testing.T) {
	b := newBatch(everyType, 0)
	block := "{" + at + "}\n\n  \r\nbroken\r\n{" + at + ",\"S\":\"y\"}\r\n{\"L\":\"x\"}\n{" + at + "}"
	var bad []string
	n := b.AppendJSONBlock([]byte(block), func(line, off int, err error) {
		bad = append(bad, fmt.Sprintf("%d %q %v", line, block[off:off+5], err))
	})
	want := []string{`3 "broke" not valid JSON: not an object`, `5 "{\"L\":" column L: not a whole number`}
	if diff := cmp.Diff(want, bad); n != 3 || b.Len() != 3 || diff != "" {
		t.Errorf("%d rows added, %s", n, diff)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	var buf bytes.Buffer
	must0(t, writeProcessEvents(&buf, 3000))
	table, _ := Catalog().Table("DeviceProcessEvents")
	b := newBatch(table, 0)
	fill := func() {
		b.Reset()
		b.AppendJSONBlock(buf.Bytes(), func(line, off int, err error) { t.Fatal(line, off, err) })
	}
	fill()
	if n := testing.AllocsPerRun(5, fill); n > 10 {
		t.Errorf("%v allocations for 3000 rows", n)
	}
}

// FuzzAppendJSON holds the scanner against encoding/json: what that refuses must
// be refused, what we call bad JSON it must refuse, and what is taken must read
// back as the same strings and numbers.
func FuzzAppendJSON(f *testing.F) {
	for _, s := range []string{`{` + at + `,"S":"x\n\u00e9","D":{"a":[1,2,{"b":null}]},"L":-5,"R":1.5e3,"B":true,"X":"y"}`, `{"Timestamp":1772366096,"S":"\ud83d\ude00"}`, `{`, `[]`, "{\"S\":\"\xff\"}", `{"D":"{\"a\":1}",` + at + `}`} {
		f.Add([]byte(s))
	}
	b := newBatch(everyType, 0)
	f.Fuzz(func(t *testing.T, line []byte) {
		if b.Len() > 1000 {
			b.Reset()
		}
		before := b.Len()
		err := b.AppendJSON(line)
		var m map[string]json.RawMessage
		std := json.Unmarshal(line, &m)
		if err != nil {
			var re *RowError
			if !errors.As(err, &re) || b.Len() != before {
				t.Fatalf("%q: %v, %d rows after %d", line, err, b.Len(), before)
			}
			if strings.HasPrefix(re.Reason, badJSON) && std == nil && m != nil {
				t.Fatalf("%q: %v, but encoding/json takes it", line, err)
			}
			return
		}
		if std != nil {
			t.Fatalf("%q taken, but encoding/json says %v", line, std)
		}
		if !json.Valid(b.RowJSON(before)) {
			t.Fatalf("%q became %s", line, b.RowJSON(before))
		}
		var want string
		if v, ok := m["S"]; ok && v[0] == '"' && json.Unmarshal(v, &want) == nil {
			if got, _ := b.StringAt(3, before); got != want {
				t.Fatalf("%q: S is %q, want %q", line, got, want)
			}
		}
		if extra, ok := b.StringAt(len(everyType.Columns), before); ok && !json.Valid([]byte(extra)) {
			t.Fatalf("%q: extra %s", line, extra)
		}
	})
}
