package detect

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/lake"
)

var recordedOnce struct {
	sync.Once
	events []*tocsin.Event
	err    error
}

// recordedEvents are Windows events of real attacks: every process creation
// and every 25th of the others, from the flat archives.
func recordedEvents(t testing.TB) []*tocsin.Event {
	t.Helper()
	root := shared(t, "data/Security-Datasets/datasets")
	recordedOnce.Do(func() {
		recordedOnce.err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(p) != ".zip" || !strings.Contains(p, "windows") && !strings.Contains(p, "compound") {
				return err
			}
			return recordedZip(p)
		})
	})
	if recordedOnce.err != nil {
		t.Fatal(recordedOnce.err)
	}
	if len(recordedOnce.events) == 0 {
		t.Skip("no recorded events")
	}
	return recordedOnce.events
}

func recordedZip(p string) error {
	z, err := zip.OpenReader(p)
	if err != nil {
		return nil // some archives have stray bytes; intake reads those
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		sc := bufio.NewScanner(r)
		sc.Buffer(nil, 8<<20)
		for n := 0; sc.Scan(); n++ {
			// Most lines are not wanted; reading them as JSON would take most
			// of the test.
			if n%25 != 0 && !bytes.Contains(sc.Bytes(), []byte(`"EventID":1,`)) && !bytes.Contains(sc.Bytes(), []byte(`"EventID":4688,`)) {
				continue
			}
			var m map[string]any
			if json.Unmarshal(sc.Bytes(), &m) != nil {
				continue
			}
			ev := &tocsin.Event{Product: "windows"}
			ev.Channel, _ = m["Channel"].(string)
			ev.Host, _ = m["Hostname"].(string)
			ev.Provider, _ = m["SourceName"].(string)
			id, _ := m["EventID"].(float64)
			ev.EventID = int(id)
			creation := ev.EventID == 4688 || ev.EventID == 1 && strings.Contains(ev.Channel, "Sysmon")
			if ev.Channel == "" || !creation && n%25 != 0 {
				continue
			}
			for k, v := range m {
				if s, ok := v.(string); ok {
					ev.Fields = append(ev.Fields, tocsin.Field{Name: k, Value: s})
				} else {
					ev.Fields = append(ev.Fields, tocsin.Field{Name: k, Value: fmt.Sprint(v)})
				}
			}
			recordedOnce.events = append(recordedOnce.events, ev)
		}
		r.Close()
		if err := sc.Err(); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

// processRows are the recorded Sysmon process creations as hunting rows.
func processRows(t testing.TB) []tocsin.Row {
	var rows []tocsin.Row
	for _, ev := range recordedEvents(t) {
		if ev.EventID != 1 {
			continue
		}
		domain, user, _ := strings.Cut(ev.Get("User"), `\`)
		hash := map[string]string{}
		for _, h := range strings.Split(ev.Get("Hashes"), ",") {
			k, v, _ := strings.Cut(h, "=")
			hash[k] = strings.ToLower(v)
		}
		rows = append(rows, tocsin.Row{Table: "DeviceProcessEvents", Values: map[string]any{
			"Timestamp": time.Date(2026, 3, 2, 9, 0, len(rows)%60, 0, time.UTC), "ActionType": "ProcessCreated",
			"DeviceName": strings.ToLower(ev.Host), "DeviceId": tocsin.DeviceID(ev.Host), "ReportId": int64(len(rows) + 1),
			"FileName": lastPart(ev.Get("Image")), "FolderPath": ev.Get("Image"), "ProcessCommandLine": ev.Get("CommandLine"),
			"ProcessVersionInfoOriginalFileName": ev.Get("OriginalFileName"), "ProcessVersionInfoFileDescription": ev.Get("Description"),
			"ProcessVersionInfoCompanyName": ev.Get("Company"), "ProcessVersionInfoProductName": ev.Get("Product"),
			"AccountDomain": domain, "AccountName": user, "ProcessIntegrityLevel": ev.Get("IntegrityLevel"),
			"SHA1": hash["SHA1"], "MD5": hash["MD5"], "SHA256": hash["SHA256"],
			"InitiatingProcessFileName": lastPart(ev.Get("ParentImage")), "InitiatingProcessFolderPath": ev.Get("ParentImage"),
			"InitiatingProcessCommandLine": ev.Get("ParentCommandLine"), "InitiatingProcessId": int64(4711),
			"AdditionalFields": `{"CurrentDirectory":` + quoteJSON(ev.Get("CurrentDirectory")) + `,"TerminalSessionId":"1"}`,
		}})
	}
	return rows
}

func quoteJSON(s string) string { b, _ := json.Marshal(s); return string(b) }

func lastPart(p string) string { return p[strings.LastIndexByte(p, '\\')+1:] }

func batchOf(t testing.TB, rows []tocsin.Row) *lake.Batch {
	t.Helper()
	b, err := new(lake.Lake).NewBatch(rows[0].Table)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := b.AppendRow(r); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestPrefilterOnRecordedEvents(t *testing.T) {
	set, _ := publicRules(t)
	e := NewEngine(set)
	s, ns := NewScratch(), NewScratch()
	events, hits := 0, 0
	for i, ev := range recordedEvents(t) {
		if i%6 != 0 || (testing.Short() || raceEnabled) && i%60 != 0 {
			continue
		}
		got := map[string]bool{}
		for _, r := range e.MatchEvent(ev, s) {
			got[r.ID] = true
		}
		row, programs := naiveEvent(e, ev, ns)
		for _, p := range programs {
			for _, r := range p.rules {
				if want := r.cond.naive(row); want != got[r.ID] {
					t.Fatalf("event %d of %s, rule %s (%s): engine %v, naive %v", ev.EventID, ev.Channel, r.ID, r.Path, got[r.ID], want)
				}
			}
		}
		events++
		hits += len(got)
	}
	t.Logf("%d events, %d hits", events, hits)
	if hits == 0 {
		t.Error("no rule fires on recorded attacks")
	}
}

func TestPrefilterOnHuntingRows(t *testing.T) {
	set, _ := publicRules(t)
	e := NewEngine(set)
	rows := processRows(t)
	b := batchOf(t, rows)
	got := make([]map[string]bool, b.Len())
	for i := range got {
		got[i] = map[string]bool{}
	}
	e.MatchBatch(b, NewScratch(), func(row int, r *Rule) { got[row][r.ID] = true })
	ns := NewScratch()
	ns.fit(e)
	hits := 0
	one := NewScratch()
	for i := range b.Len() {
		if i%4 != 0 || (testing.Short() || raceEnabled) && i%20 != 0 {
			continue
		}
		byRow := map[string]bool{}
		for _, r := range e.MatchRow(&rows[i], one) {
			byRow[r.ID] = true
		}
		ns.arena = ns.arena[:0]
		for _, u := range e.tables["DeviceProcessEvents"] {
			ns.view = rowView{use: u, batch: b, row: i}
			if !ns.admits(&u.gate) {
				continue
			}
			ns.nextRow()
			row := ns.naiveRow()
			for j, r := range u.prog.rules {
				want := r.cond.naive(row) && (u.skip == nil || !u.skip[j])
				if want != got[i][r.ID] || want != byRow[r.ID] {
					t.Fatalf("row %d (%v), rule %s: batch %v, row %v, naive %v", i, rows[i].Values["ProcessCommandLine"], r.Title, got[i][r.ID], byRow[r.ID], want)
				}
			}
		}
		hits += len(got[i])
	}
	t.Logf("%d rows, %d hits", b.Len(), hits)
	if hits == 0 {
		t.Error("no rule fires on recorded attacks")
	}
	for _, u := range e.tables["DeviceProcessEvents"] {
		n := 0
		for _, x := range u.skip {
			if x {
				n++
			}
		}
		t.Logf("%s: %d of %d rules left out for fields the table lacks", u.prog.source, n, len(u.skip))
	}
}

// Matching allocates nothing on rows that fire no rule.
func TestMatchBatchDoesNotAllocate(t *testing.T) {
	set, _ := publicRules(t)
	e := NewEngine(set)
	b := batchOf(t, processRows(t))
	s := NewScratch()
	emit := func(int, *Rule) {}
	e.MatchBatch(b, s, emit)
	per := testing.AllocsPerRun(3, func() { e.MatchBatch(b, s, emit) }) / float64(b.Len())
	t.Logf("%.3f allocations a row", per)
	if per > 0.01 && !raceEnabled {
		t.Errorf("%.3f allocations a row, want none", per)
	}
}

func BenchmarkProcessRows(b *testing.B) {
	set, _ := publicRules(b)
	e := NewEngine(set)
	rows := processRows(b)
	batch := batchOf(b, rows)
	text := 0
	for _, r := range rows {
		for _, v := range r.Values {
			if s, ok := v.(string); ok {
				text += len(s)
			}
		}
	}
	b.Run("engine", func(b *testing.B) {
		s := NewScratch()
		hits := 0
		b.ReportAllocs()
		from := cpuTime()
		for range b.N {
			e.MatchBatch(batch, s, func(int, *Rule) { hits++ })
		}
		b.ReportMetric(float64(cpuTime()-from)/float64(b.N*batch.Len()), "cpu-ns/row")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch.Len()), "ns/row")
		b.ReportMetric(float64(b.N*batch.Len())/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64(text)/float64(len(rows)), "textbytes/row")
		b.ReportMetric(float64(hits)/float64(b.N*batch.Len()), "hits/row")
	})
	b.Run("naive", func(b *testing.B) {
		s := NewScratch()
		s.fit(e)
		n := 0
		for range b.N {
			for i := range min(200, batch.Len()) {
				s.arena = s.arena[:0]
				for _, u := range e.tables["DeviceProcessEvents"] {
					s.view = rowView{use: u, batch: batch, row: i * 7 % batch.Len()}
					if !s.admits(&u.gate) {
						continue
					}
					s.nextRow()
					row := s.naiveRow()
					for _, r := range u.prog.rules {
						r.cond.naive(row)
					}
				}
				n++
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
}

// cpuTime is what this process has used, which on a busy machine says more
// than the wall clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkCompile(b *testing.B) {
	set, _ := publicRules(b)
	for range b.N {
		NewEngine(set)
	}
}
