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
	"unicode/utf8"

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
	if line, _, _ := bytes.Cut(content, []byte("\n")); len(line) > 2 && line[0] == '{' && json.Valid(line) {
		for line := range bytes.Lines(content) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				f(line)
			}
		}
		return nil
	}
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

// leafLimit is how many records of a leaf TestCorpus reads. Captures repeat
// themselves, and under the race detector the whole of them takes minutes;
// TOCSIN_CORPUS=full reads everything.
const leafLimit = 8000

// firstLines cuts a leaf of lines after so many.
func firstLines(content []byte, n int) []byte {
	at := 0
	for range n {
		i := bytes.IndexByte(content[at:], '\n')
		if i < 0 {
			return content
		}
		at += i + 1
	}
	return content[:at]
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

// corpus is what TestCorpus counts.
type corpus struct {
	schema                                  map[string]map[string]string
	formats, tables, unmapped, faults, bad  map[string]int
	events, without, timed, leaves, stamped int
	ids                                     map[string]struct{}
}

func (c *corpus) event(format string, ev *tocsin.Event) {
	c.events++
	c.formats[format]++
	if len(ev.Rows) == 0 {
		c.without++
		c.unmapped[ev.Unmapped]++
		if ev.Unmapped == "" {
			c.bad["event without rows and without a reason"]++
		}
	}
	if len(ev.Rows) > 0 && ev.Unmapped != "" {
		c.bad["event with rows and a reason why it has none"]++
	}
	for _, f := range ev.Fields {
		if !utf8.ValidString(f.Value) || strings.IndexByte(f.Value, 0) >= 0 || f.Name == "" {
			c.bad["field without a name or with bytes that are no text"]++
		}
	}
	for _, r := range ev.Rows {
		c.tables[r.Table]++
		if why := misfit(c.schema, r); why != "" {
			c.bad[why]++
		}
		if id := r.Values["ReportId"]; id != nil && format != "defender-row" {
			key := fmt.Sprint(r.Table, id)
			if _, dup := c.ids[key]; dup {
				c.bad["ReportId used twice in "+r.Table]++
			}
			c.ids[key] = struct{}{}
		}
	}
}

// clocks holds the times of a leaf's events against the Sysmon events that
// carry a true one, and in leaves without, against the time that the exporter
// wrote into the leaf's name.
func (c *corpus) clocks(name, format string, times []eventTime) {
	switch format {
	case "flat-TimeCreated", "nxlog", "array-TimeGenerated", "winlogbeat6", "winlogbeat7":
	default:
		return
	}
	var low, high time.Time
	for _, e := range times {
		if !e.own.IsZero() && (low.IsZero() || e.own.Before(low)) {
			low = e.own
		}
		if e.own.After(high) {
			high = e.own
		}
	}
	// Captures are minutes long; a collector's queue can be an hour old.
	const slack = time.Hour
	if low.IsZero() {
		stamp := stampIn(name[strings.LastIndexAny(name, "!/"):])
		if stamp.IsZero() || format != "array-TimeGenerated" {
			return
		}
		high = stamp.Add(4 * time.Hour) // these exporters sat west of Greenwich
		low = high.Add(-slack)
		c.stamped++
	}
	c.leaves++
	for _, e := range times {
		c.timed++
		if e.at.Before(low.Add(-slack)) || e.at.After(high.Add(slack)) {
			c.bad["time outside the capture: "+name]++
		}
	}
}

// eventTime is when an event says it happened, and its own Sysmon time.
type eventTime struct{ at, own time.Time }

func timeOf(ev *tocsin.Event) eventTime {
	e := eventTime{at: ev.Time}
	if ev.Service == "sysmon" && ev.EventID != 3 && ev.EventID != 22 {
		e.own, _, _ = parseTime(ev.Get("UtcTime"))
	}
	return e
}

// TestCorpus decodes all shared telemetry that is JSON or text and holds what
// comes of it against the declared tables. The figures are a ratchet: they may
// only get better.
func TestCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 700 MB")
	}
	full := os.Getenv("TOCSIN_CORPUS") == "full"
	c := corpus{schema: declared(t), formats: map[string]int{}, tables: map[string]int{}, unmapped: map[string]int{},
		faults: map[string]int{}, bad: map[string]int{}, ids: make(map[string]struct{})}
	eachLeaf(t, func(name string, content []byte) {
		clear(c.ids)
		if !full {
			content = firstLines(content, leafLimit)
		}
		var times []eventTime
		last := ""
		err := decodeLeaf(name, content, func(format string, evs []tocsin.Event, err error) {
			if err != nil {
				c.faults[name+": "+err.Error()]++
			}
			for i := range evs {
				c.event(format, &evs[i])
				times = append(times, timeOf(&evs[i]))
			}
			last = format
		})
		if err != nil {
			c.faults[name+": leaf: "+err.Error()]++
		}
		c.clocks(name, last, times)
	})
	t.Logf("%d events by format:%s", c.events, count(c.formats))
	t.Logf("rows by table:%s", count(c.tables))
	t.Logf("%d events without rows, by reason:%s", c.without, count(c.unmapped))
	t.Logf("%d times of %d leaves held against the capture's (%d by the leaf's name)", c.timed, c.leaves, c.stamped)
	if len(c.bad) > 0 {
		t.Errorf("what does not fit:%s", count(c.bad))
	}
	if len(c.faults) > 0 {
		t.Errorf("records that do not decode:%s", count(c.faults))
	}
	wantEvents, wantWithout := 188912, 4031
	if full {
		wantEvents, wantWithout = 365270, 12456
	}
	if c.events < wantEvents || c.without > wantWithout || len(c.tables) < 18 || len(c.formats) < 15 || c.leaves < 95 {
		t.Errorf("%d events (want %d), %d without rows (want at most %d), %d tables (18), %d formats (15), %d leaves with times (95)",
			c.events, wantEvents, c.without, wantWithout, len(c.tables), len(c.formats), c.leaves)
	}
}
