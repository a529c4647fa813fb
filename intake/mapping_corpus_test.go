package intake

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// eachLeaf calls f with the content of each file of JSON or text below the
// shared telemetry, inside archives too.
func eachLeaf(t testing.TB, f func(name string, content []byte)) {
	t.Helper()
	root := sharedData(t)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		low := strings.ToLower(path)
		switch {
		case strings.Contains(rel, "sigma-rules"), strings.Contains(rel, "EVTX"):
		case strings.HasSuffix(low, ".zip"):
			z, err := zip.OpenReader(path)
			if err != nil {
				return err
			}
			defer z.Close()
			for _, m := range z.File {
				if strings.Contains(m.Name, "__MACOSX") || !leafName(m.Name) {
					continue
				}
				f(rel+"!"+m.Name, readMember(t, m))
			}
		case strings.HasSuffix(low, ".tar.gz"):
			return eachTarMember(path, func(name string, b []byte) { f(rel+"!"+name, b) })
		case leafName(low):
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f(rel, b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func leafName(name string) bool {
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".log")
}

func eachTarMember(path string, f func(string, []byte)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	gz, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	r := tar.NewReader(gz)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || !leafName(h.Name) || strings.Contains(h.Name, "__MACOSX") || strings.Contains(h.Name, "._") {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		f(h.Name, b)
	}
}

// eachObject cuts a leaf into its JSON objects: lines, arrays, or one after
// another.
func eachObject(content []byte, f func([]byte)) error {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	dec := json.NewDecoder(bytes.NewReader(content))
	if start := bytes.TrimLeft(content, " \t\r\n"); len(start) > 0 && start[0] == '[' {
		if _, err := dec.Token(); err != nil {
			return err
		}
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		f(raw)
	}
	return nil
}

// decodeLeaf decodes a leaf as an importer would.
func decodeLeaf(name string, content []byte, tell func(format string, evs []tocsin.Event, err error)) error {
	d := NewDecoder(name)
	d.SetIdentity([8]byte{1, 2, 3})
	var ordinal int64
	start := bytes.TrimLeft(content, " \t\r\n\xef\xbb\xbf")
	switch {
	case bytes.HasPrefix(start, []byte("#separator")):
		path, names := "", []string(nil)
		for line := range strings.Lines(string(content)) {
			line = strings.TrimRight(line, "\r\n")
			switch {
			case strings.HasPrefix(line, "#path\t"):
				path = strings.TrimPrefix(line, "#path\t")
			case strings.HasPrefix(line, "#fields\t"):
				names = strings.Split(line, "\t")[1:]
			case line != "" && line[0] != '#':
				evs, err := d.DecodeZeek(path, names, strings.Split(line, "\t"), ordinal, nil)
				tell("zeek-tsv", evs, err)
				ordinal++
			}
		}
	case bytes.HasPrefix(start, []byte("type=")):
		for line := range bytes.Lines(content) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			evs, err := d.DecodeAudit(line, ordinal, nil)
			tell("auditd", evs, err)
			ordinal++
		}
		tell("auditd", d.Flush(nil), nil)
	default:
		format := ""
		err := eachObject(content, func(raw []byte) {
			if ordinal%1000 == 0 || format == "" {
				format = Sniff(raw)
			}
			if strings.HasPrefix(format, "zeek-") {
				format = "zeek-json"
			}
			evs, err := d.Decode(raw, ordinal, nil)
			tell(format, evs, err)
			ordinal++
		})
		tell(format, d.Flush(nil), nil)
		return err
	}
	return nil
}

// declared is the published schema: table -> column -> type.
func declared(t testing.TB) map[string]map[string]string {
	t.Helper()
	path := filepath.Join(filepath.Dir(sharedData(t)), "reference", "hunting-schema.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Skip(err)
	}
	var s struct {
		Tables []struct {
			Name    string
			Columns []struct{ Name, Type string }
		}
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	out := make(map[string]map[string]string)
	for _, table := range s.Tables {
		m := make(map[string]string)
		for _, c := range table.Columns {
			m[c.Name] = c.Type
		}
		out[table.Name] = m
	}
	for _, name := range []string{"DeviceProcessEvents", "DeviceEvents"} {
		out[name]["ProcessUniqueId"] = "string"
	}
	for name := range out {
		if strings.HasPrefix(name, "Device") {
			out[name]["InitiatingProcessUniqueId"] = "string"
		}
	}
	return out
}

// misfit says what is wrong with a row, "" for nothing.
func misfit(schema map[string]map[string]string, r tocsin.Row) string {
	columns, ok := schema[r.Table]
	if !ok {
		return "unknown table " + r.Table
	}
	for name, v := range r.Values {
		typ, ok := columns[name]
		if !ok {
			return r.Table + "." + name + " is not declared"
		}
		good := false
		switch typ {
		case "string", "guid":
			_, good = v.(string)
		case "long", "int":
			var n int64
			n, good = v.(int64)
			good = good && (typ == "long" || n >= -1<<31 && n < 1<<31)
		case "bool", "boolean":
			_, good = v.(bool)
		case "datetime":
			var at time.Time
			at, good = v.(time.Time)
			good = good && at.Location() == time.UTC && validTime(at)
		case "real":
			_, good = v.(float64)
		case "dynamic":
			var raw json.RawMessage
			raw, good = v.(json.RawMessage)
			good = good && json.Valid(raw)
		}
		if !good {
			return fmt.Sprintf("%s.%s (%s) holds %T", r.Table, name, typ, v)
		}
		if name == "AdditionalFields" && typ == "string" && !json.Valid([]byte(v.(string))) {
			return r.Table + ".AdditionalFields is no JSON"
		}
		if (name == "RawEventData" || name == "AdditionalFields") && typ == "dynamic" && v == nil {
			return r.Table + "." + name + " is empty"
		}
	}
	for _, need := range []string{"ReportId", "Timestamp", "TimeGenerated"} {
		if _, ok := columns[need]; ok && r.Values[need] == nil && (need != "TimeGenerated" || columns["Timestamp"] == "") {
			return r.Table + " without " + need
		}
	}
	return ""
}

func count(m map[string]int) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return m[keys[i]] > m[keys[j]] || m[keys[i]] == m[keys[j]] && keys[i] < keys[j] })
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "\n  %8d %s", m[k], k)
	}
	return b.String()
}

// TestCorpus decodes all shared telemetry that is JSON or text and holds what
// comes of it against the declared tables.
func TestCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 600 MB")
	}
	schema := declared(t)
	formats, tables, unmapped, faults, bad := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	events, without := 0, 0
	ids := make(map[string]struct{})
	eachLeaf(t, func(name string, content []byte) {
		clear(ids)
		err := decodeLeaf(name, content, func(format string, evs []tocsin.Event, err error) {
			if err != nil {
				faults[name+": "+err.Error()]++
			}
			for i := range evs {
				ev := &evs[i]
				events++
				formats[format]++
				if len(ev.Rows) == 0 {
					without++
					if ev.Unmapped == "" {
						bad["event without rows and without a reason"]++
					}
					unmapped[ev.Unmapped]++
				}
				for _, r := range ev.Rows {
					tables[r.Table]++
					if why := misfit(schema, r); why != "" {
						bad[why]++
					}
					if id := r.Values["ReportId"]; id != nil {
						key := fmt.Sprint(r.Table, id)
						if _, dup := ids[key]; dup && format != "defender-row" {
							bad["ReportId used twice in "+r.Table]++
						}
						ids[key] = struct{}{}
					}
				}
			}
		})
		if err != nil {
			faults[name+": leaf: "+err.Error()]++
		}
	})
	t.Logf("%d events by format:%s", events, count(formats))
	t.Logf("rows by table:%s", count(tables))
	t.Logf("%d events without rows, by reason:%s", without, count(unmapped))
	if len(bad) > 0 {
		t.Errorf("rows that do not fit:%s", count(bad))
	}
	if len(faults) > 0 {
		t.Errorf("records that do not decode:%s", count(faults))
	}
}
