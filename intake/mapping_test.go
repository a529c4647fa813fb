package intake

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
)

var updateMapping = flag.Bool("update-mapping", false, "rewrite the rows of testdata/mapping")

// TestMapping runs the cases of testdata/mapping: records in, as objects
// (in.json), a Zeek file (in.log) or audit lines (in.audit), and what comes of
// them, event by event. The name of the leaf may be given in item; fields shows
// the fields that rules see.
func TestMapping(t *testing.T) {
	schema := ours()
	files, err := filepath.Glob("testdata/mapping/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			item, input := "leaf", []byte(nil)
			rows, fields := -1, -1
			for i, f := range a.Files {
				switch f.Name {
				case "item":
					item = strings.TrimSpace(string(f.Data))
				case "in.json", "in.log", "in.audit":
					input = f.Data
				case "rows":
					rows = i
				case "fields":
					fields = i
				}
			}
			if input == nil || rows < 0 {
				t.Fatal("case without in.json, in.log or in.audit, or without rows")
			}
			var gotRows, gotFields strings.Builder
			if err := decodeLeaf(item, input, func(_ string, evs []tocsin.Event, err error) {
				if err != nil {
					fmt.Fprintf(&gotRows, "error: %v\n", err)
				}
				for i := range evs {
					printEvent(t, schema, &evs[i], &gotRows, &gotFields)
				}
			}); err != nil {
				t.Fatal(err)
			}
			check := func(i int, got string) {
				if i < 0 {
					return
				}
				if *updateMapping {
					a.Files[i].Data = []byte(got)
				} else if diff := cmp.Diff(string(a.Files[i].Data), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", a.Files[i].Name, diff)
				}
			}
			check(rows, gotRows.String())
			check(fields, gotFields.String())
			if *updateMapping {
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func printEvent(t *testing.T, schema map[string]map[string]string, ev *tocsin.Event, rows, fields *strings.Builder) {
	t.Helper()
	fmt.Fprintf(rows, "event %s/%s %d %s %s\n", ev.Product, ev.Service, ev.EventID, ev.Time.Format("2006-01-02T15:04:05.999999999Z07:00"), ev.Host)
	for _, r := range ev.Rows {
		if why := misfit(schema, r); why != "" {
			t.Error(why)
		}
		fmt.Fprintf(rows, "  %s\n", r.Table)
		names := make([]string, 0, len(r.Values))
		for name := range r.Values {
			// These follow from the case's place and the host's name alone.
			if name != "ReportId" && name != "DeviceId" && name != "RawEventData" {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		for _, name := range names {
			v := r.Values[name]
			if at, ok := v.(time.Time); ok {
				v = at.Format(time.RFC3339Nano)
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(rows, "    %s %s\n", name, b)
		}
	}
	if ev.Unmapped != "" {
		fmt.Fprintf(rows, "  unmapped: %s\n", ev.Unmapped)
	}
	for _, f := range ev.Fields {
		fmt.Fprintf(fields, "%s %q\n", f.Name, f.Value)
	}
	fields.WriteByte('\n')
}

// ours is the schema as the lake declares it.
var ours = sync.OnceValue(func() map[string]map[string]string {
	out := make(map[string]map[string]string)
	for _, table := range lake.Catalog().Tables() {
		m := make(map[string]string)
		for _, c := range table.Columns {
			m[c.Name] = c.Type.String()
		}
		out[table.Name] = m
	}
	return out
})

// A bad record is an error about itself, and no panic.
func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)
	for name, c := range map[string]struct{ in, want string }{
		"nothing":          {``, "JSON ends too early"},
		"no object":        {`[1]`, "record is no JSON object"},
		"NaN":              {`{"a":NaN}`, "NaN and Infinity are no JSON numbers"},
		"minus infinity":   {`{"a":-Infinity}`, "NaN and Infinity are no JSON numbers"},
		"lone surrogate":   {`{"a":"\ud800x"}`, "string holds a lone surrogate"},
		"half pair":        {`{"a":"\ud800\u0041"}`, "string holds a lone surrogate"},
		"low surrogate":    {`{"a":"\udc00"}`, "string holds a lone surrogate"},
		"escaped NUL":      {`{"a":"x\u0000"}`, "string holds a NUL"},
		"bare NUL":         {"{\"a\":\"x\x00\"}", "string holds a NUL"},
		"no UTF-8":         {"{\"a\":\"\xff\"}", "string is not UTF-8"},
		"no UTF-8 in name": {"{\"\xc3\":1}", "string is not UTF-8"},
		"control":          {"{\"a\":\"\x01\"}", "string holds a bare control character"},
		"deep":             {deep, "JSON is nested deeper than 64 levels"},
		"long string":      {`{"a":"` + strings.Repeat("x", 1<<20+1) + `"}`, "string is longer than 1 MiB"},
		"long by escapes":  {`{"a":"` + strings.Repeat(`\n`, 1<<20+1) + `"}`, "string is longer than 1 MiB"},
		"large":            {`{"a":"` + strings.Repeat(`","b":"`, 3<<20) + `"}`, "record is larger than 16 MiB"},
		"cut":              {`{"a":"x`, "JSON string without an end"},
		"cut object":       {`{"a":1`, "JSON ends too early"},
		"two values":       {`{"a":1}{"b":2}`, "something follows the JSON value"},
		"comma":            {`{"a":1,}`, "JSON object without a name where one must stand"},
		"leading zero":     {`{"a":01}`, "JSON number begins with a needless zero"},
		"point":            {`{"a":1.}`, "JSON number without digits"},
		"word":             {`{"a":nul}`, "no JSON value where one must stand"},
		"many fields":      {`{"TimeGenerated":"2024-05-01T10:00:00Z","EventID":1,"Channel":"x","Computer":"a","d":[` + strings.Repeat("1,", 70000) + `1]}`, "record has more fields than an event may have"},
		"long names":       {`{"TimeGenerated":"2024-05-01T10:00:00Z","EventID":1,"Channel":"x","Computer":"a","` + strings.Repeat("d", 600) + `":{"` + strings.Repeat("e", 600) + `":1}}`, "record has more fields than an event may have"},
		"wide names":       {`{"TimeGenerated":"2024-05-01T10:00:00Z","EventID":1,"Channel":"x","Computer":"a","` + strings.Repeat("d", 1000) + `":[` + strings.Repeat("1,", 9000) + `1]}`, "record has more fields than an event may have"},
		"unknown":          {`{"a":1}`, "JSON object of no known source"},
		"no time":          {`{"EventTime":"soon","EventID":1,"Channel":"Security"}`, "record has no readable time"},
		"old":              {`{"TimeGenerated":"1601-01-01T00:00:00Z","EventID":1,"Channel":"Security","Computer":"a"}`, "time lies before 1970 or after 2261"},
	} {
		t.Run(name, func(t *testing.T) {
			evs, err := NewDecoder("x").Decode([]byte(c.in), 0, nil)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if len(evs) != 0 {
				t.Errorf("%d events beside the error", len(evs))
			}
		})
	}
}

func TestDecodeAccepts(t *testing.T) {
	at := func(fields string) string {
		return `{"TimeGenerated":"2024-05-01T10:00:00Z","EventID":4658,"Channel":"Security","Computer":"a","EventData":{` + fields + `}}`
	}
	for name, c := range map[string]struct{ in, want string }{
		"pair":            {at(`"x":"\ud83d\ude00"`), "😀"},
		"escapes":         {at(`"x":"\"\\\/\b\f\n\r\t\u00e9"`), "\"\\/\b\f\n\r\té"},
		"just a MiB":      {at(`"x":"` + strings.Repeat(`\n`, 1<<20) + `"`), strings.Repeat("\n", 1<<20)},
		"number":          {at(`"x":-1.5e+3`), "-1.5e+3"},
		"truth":           {at(`"x":true`), "true"},
		"nested":          {at(`"y":{"z":1},"x":"1"`), "1"},
		"blanks between":  {" \n" + strings.ReplaceAll(at(`"x":"1"`), ":", " :\t") + "\r\n", ""},
		"escaped name":    {at(`"\u0078":"1"`), "1"},
		"replacement":     {at(`"x":"\ufffd"`), "\ufffd"},
		"repeated member": {at(`"x":"1","x":"2"`), "1"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want == "" {
				c.in = strings.ReplaceAll(strings.ReplaceAll(c.in, "10 :\t00 :\t00Z", "10:00:00Z"), "\t", " ")
				c.want = "1"
			}
			evs, err := NewDecoder("x").Decode([]byte(c.in), 0, nil)
			if err != nil || len(evs) != 1 {
				t.Fatalf("%d events, %v", len(evs), err)
			}
			if got := evs[0].Get("x"); got != c.want {
				t.Errorf("got %.60q, want %.60q", got, c.want)
			}
		})
	}
}

// The identity of a row depends on leaf and record alone.
func TestReportID(t *testing.T) {
	d := NewDecoder("a")
	d.SetIdentity([8]byte{7})
	other := NewDecoder("a")
	other.SetIdentity([8]byte{8})
	seen := make(map[int64]bool)
	for ordinal := range int64(2000) {
		for sub := range 4 {
			id := d.reportID(ordinal, sub)
			if id <= 0 || seen[id] {
				t.Fatalf("record %d row %d: id %d is not positive or not new", ordinal, sub, id)
			}
			seen[id] = true
			if other.reportID(ordinal, sub) == id {
				t.Fatal("two leaves share an id")
			}
		}
	}
	again := NewDecoder("b")
	again.SetIdentity([8]byte{7})
	if again.reportID(5, 1) != d.reportID(5, 1) {
		t.Error("the id changed between two decoders of one leaf")
	}
}

// A reader that resumes replays the leaf and drops what the first calls gave:
// that works only if each call gives the same every time.
func TestDecodeDeterministic(t *testing.T) {
	var input []byte
	for _, name := range []string{"flat-clock", "script-parts"} {
		a, err := txtar.ParseFile(filepath.Join("testdata/mapping", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name == "in.json" {
				input = append(input, f.Data...)
			}
		}
	}
	run := func() (out []string) {
		if err := decodeLeaf("x", input, func(_ string, evs []tocsin.Event, err error) {
			b, jerr := json.Marshal(evs)
			if jerr != nil {
				t.Fatal(jerr)
			}
			out = append(out, fmt.Sprint(string(b), err))
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Error(diff)
	}
}

// Records wait for their clock only within bounds, and all come out in order.
func TestDecodeWaitsWithinBounds(t *testing.T) {
	d := NewDecoder("x")
	var evs []tocsin.Event
	for i := range maxHeld + 10 {
		raw := fmt.Sprintf(`{"TimeCreated":"2024-03-05T07:00:00Z","Hostname":"a","Channel":"Security","EventID":4658,"HandleId":"%d"}`, i)
		var err error
		before := len(evs)
		if evs, err = d.Decode([]byte(raw), int64(i), evs); err != nil {
			t.Fatal(err)
		}
		if i < maxHeld-1 && len(evs) != 0 {
			t.Fatalf("record %d did not wait", i)
		}
		if i >= maxHeld && len(evs) != before+1 {
			t.Fatalf("record %d waits after the decoder gave up", i)
		}
	}
	if evs = d.Flush(evs); len(evs) != maxHeld+10 {
		t.Fatalf("%d events", len(evs))
	}
	for i := range evs {
		if evs[i].Get("HandleId") != fmt.Sprint(i) {
			t.Fatalf("event %d is record %s", i, evs[i].Get("HandleId"))
		}
	}
}
