package intake

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tocsinhq/tocsin"
)

func seeds(f *testing.F, add func(name string, data []byte)) {
	files, err := filepath.Glob("testdata/mapping/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, m := range a.Files {
			add(m.Name, m.Data)
		}
	}
}

// sound holds whatever was decoded against the schema: nothing from outside
// may reach a column or a rule in a form that it cannot have.
func sound(t *testing.T, evs []tocsin.Event) {
	t.Helper()
	schema := ours()
	for i := range evs {
		ev := &evs[i]
		if !validTime(ev.Time) {
			t.Errorf("time %v", ev.Time)
		}
		if (len(ev.Rows) == 0) == (ev.Unmapped == "") {
			t.Errorf("%d rows and reason %q", len(ev.Rows), ev.Unmapped)
		}
		for _, f := range ev.Fields {
			if !utf8.ValidString(f.Value) || strings.IndexByte(f.Value, 0) >= 0 {
				t.Errorf("field %s holds %q", f.Name, f.Value)
			}
		}
		for _, r := range ev.Rows {
			if why := misfit(schema, r); why != "" {
				t.Error(why)
			}
			for name, v := range r.Values {
				if s, ok := v.(string); ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
					t.Errorf("%s.%s holds %q", r.Table, name, s)
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	seeds(f, func(name string, data []byte) {
		if name == "in.json" {
			f.Add(data)
			for line := range bytes.Lines(data) {
				f.Add(line)
			}
		}
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		d := NewDecoder("fuzz_2024-03-05T14020000.json")
		var evs []tocsin.Event
		for i, line := range bytes.Split(data, []byte("\n")) {
			before := len(evs)
			var err error
			evs, err = d.Decode(line, int64(i), evs)
			// What encoding/json takes may still break a limit of ours; what we
			// take it must take, too.
			if err == nil && !json.Valid(line) {
				t.Errorf("took %q", line)
			}
			if err != nil && d.doc.parse(line) != nil && len(evs) != before {
				t.Error("events beside a syntax error")
			}
			Sniff(line)
		}
		sound(t, d.Flush(evs))
	})
}

func FuzzZeek(f *testing.F) {
	seeds(f, func(name string, data []byte) {
		if name == "in.log" {
			f.Add("conn", data)
		}
	})
	f.Add("smb_files", []byte("ts\tpath\tname\taction\n1.5\t\\\\a\\b\t\\xff\tx\n"))
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		if !utf8.ValidString(path) || strings.IndexByte(path, 0) >= 0 {
			return // the header's reader sees to that
		}
		d := NewDecoder("fuzz")
		var names []string
		var evs []tocsin.Event
		for i, line := range strings.Split(string(data), "\n") {
			cells := strings.Split(line, "\t")
			if names == nil || cells[0] == "#fields" {
				if names = cells; cells[0] == "#fields" {
					names = cells[1:]
				}
				continue
			}
			evs, _ = d.DecodeZeek(path, names, cells, int64(i), evs)
		}
		sound(t, d.Flush(evs))
	})
}

func FuzzAudit(f *testing.F) {
	seeds(f, func(name string, data []byte) {
		if name == "in.audit" {
			f.Add(data)
		}
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		d := NewDecoder("fuzz")
		var evs []tocsin.Event
		for i, line := range bytes.Split(data, []byte("\n")) {
			evs, _ = d.DecodeAudit(line, int64(i), evs)
		}
		sound(t, d.Flush(evs))
	})
}
