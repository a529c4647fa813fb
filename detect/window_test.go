package detect

import (
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

const sprayRule = `title: failed
id: in
name: failed
logsource: {product: m365_defender, service: IdentityLogonEvents}
detection:
  s: {ActionType: LogonFailed}
  condition: s
---
title: spray
id: spray
correlation:
  type: value_count
  rules: [failed]
  group-by: [IPAddress]
  timespan: 10m
  condition: {field: AccountName, gte: 3}
---
title: burst
id: burst
correlation:
  type: event_count
  rules: [failed]
  group-by: [IPAddress]
  timespan: 10m
  condition: {gt: 3}
`

var windowStart = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func failedLogon(ip, user string, minute, id int) tocsin.Row {
	return tocsin.Row{Table: "IdentityLogonEvents", Values: map[string]any{"Timestamp": windowStart.Add(time.Duration(minute) * time.Minute),
		"ActionType": "LogonFailed", "AccountName": user, "AccountDomain": "contoso", "IPAddress": ip, "ReportId": fmt.Sprint(id)}}
}

// collect is what intake puts into the outbox for rows committed in batches
// of n.
func collect(t testing.TB, e *Engine, rows []tocsin.Row, n int) []*Hit {
	t.Helper()
	var out []*Hit
	s := NewScratch()
	for len(rows) > 0 {
		k := min(n, len(rows))
		b := batchOf(t, rows[:k])
		rows = rows[k:]
		c := NewCollector(e)
		e.MatchBatch(b, s, func(row int, r *Rule) { c.Batch(b, row, r) })
		for _, h := range c.Hits() {
			back, err := UnmarshalHit(h.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, back)
		}
	}
	return out
}

func addAll(e *Engine, w *Windows, hits []*Hit, from int64) (out []*Hit) {
	for i, h := range hits {
		out = append(out, w.Add(e, from+int64(i), h)...)
	}
	return out
}

func windowEngine(t testing.TB) *Engine {
	t.Helper()
	set, rep := LoadFiles([]RuleFile{{"spray.yml", []byte(sprayRule)}})
	if rep.Loaded != 3 {
		t.Fatal(rep.String())
	}
	return NewEngine(set)
}

func ruleHits(hits []*Hit, rule string) (n int) {
	for _, h := range hits {
		if h.RuleID == rule {
			n++
		}
	}
	return n
}

func TestWindows(t *testing.T) {
	e := windowEngine(t)
	for _, c := range []struct {
		name         string
		rows         []tocsin.Row
		spray, burst int
	}{
		{"three accounts in ten minutes", []tocsin.Row{failedLogon("10.0.0.1", "a", 0, 1), failedLogon("10.0.0.1", "b", 5, 2), failedLogon("10.0.0.1", "c", 10, 3)}, 1, 0},
		{"too slow", []tocsin.Row{failedLogon("10.0.0.1", "a", 0, 1), failedLogon("10.0.0.1", "b", 5, 2), failedLogon("10.0.0.1", "c", 11, 3)}, 0, 0},
		{"two sources", []tocsin.Row{failedLogon("10.0.0.1", "a", 0, 1), failedLogon("10.0.0.2", "b", 1, 2), failedLogon("10.0.0.1", "c", 2, 3)}, 0, 0},
		{"one account often", []tocsin.Row{failedLogon("10.0.0.1", "a", 0, 1), failedLogon("10.0.0.1", "A", 1, 2), failedLogon("10.0.0.1", "a", 2, 3), failedLogon("10.0.0.1", "a", 3, 4), failedLogon("10.0.0.1", "a", 4, 5)}, 0, 2},
		{"out of order", []tocsin.Row{failedLogon("10.0.0.1", "c", 9, 3), failedLogon("10.0.0.1", "a", 0, 1), failedLogon("10.0.0.1", "b", 5, 2)}, 1, 0},
		{"the middle comes last", []tocsin.Row{failedLogon("10.0.0.1", "a", 0, 1), failedLogon("10.0.0.1", "c", 14, 3), failedLogon("10.0.0.1", "b", 7, 2), failedLogon("10.0.0.1", "d", 9, 4)}, 1, 0},
		{"no group", []tocsin.Row{failedLogon("", "a", 0, 1), failedLogon("", "b", 1, 2), failedLogon("", "c", 2, 3)}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 100} {
				hits := addAll(e, NewWindows(), collect(t, e, c.rows, n), 1)
				if s, b := ruleHits(hits, "spray"), ruleHits(hits, "burst"); s != c.spray || b != c.burst {
					t.Errorf("batches of %d: spray %d (want %d), burst %d (want %d)", n, s, c.spray, b, c.burst)
				}
			}
		})
	}
}

// Totals and ids do not depend on batches, on a restart, or on hits that come
// twice.
func TestWindowsAreDeterministic(t *testing.T) {
	e := windowEngine(t)
	var rows []tocsin.Row
	for i := range 60 {
		rows = append(rows, failedLogon(fmt.Sprintf("10.0.0.%d", i%3), fmt.Sprint("user", i%7), (i*37)%55, i+1))
	}
	ids := func(hits []*Hit) (out []string) {
		for _, h := range hits {
			out = append(out, h.RuleID+h.ID+h.First.String())
		}
		return out
	}
	want := ids(addAll(e, NewWindows(), collect(t, e, rows, 1), 1))
	if len(want) == 0 {
		t.Fatal("nothing fires")
	}
	inputs := collect(t, e, rows, 17)
	path := filepath.Join(t.TempDir(), "windows.json")
	w := NewWindows()
	var got []*Hit
	for i := 0; i < len(inputs); {
		k := min(9, len(inputs)-i)
		now := addAll(e, w, inputs[i:i+k], int64(i+1))
		got = append(got, now...)
		if again := addAll(e, w, inputs[i:i+k], int64(i+1)); !reflect.DeepEqual(ids(again), ids(now)) {
			t.Fatalf("before they are saved, hits that come again give %d answers, not %d", len(again), len(now))
		}
		if err := w.Save(path); err != nil {
			t.Fatal(err)
		}
		if again := addAll(e, w, inputs[i:i+k], int64(i+1)); len(again) != 0 {
			t.Fatalf("after they are saved, hits that come again give %d answers", len(again))
		}
		var err error
		if w, err = LoadWindows(path); err != nil {
			t.Fatal(err)
		}
		i += k
	}
	if !reflect.DeepEqual(ids(got), want) {
		t.Errorf("with batches and restarts %d hits, without %d", len(got), len(want))
	}
}

func TestWindowsAreBounded(t *testing.T) {
	e := windowEngine(t)
	w := NewWindows()
	r := e.Rule("burst")
	row := failedLogon("10.0.0.1", "a", 0, 1)
	for i := range maxGroups + 100 {
		h := &Hit{RuleID: "in", ID: fmt.Sprint(i), First: windowStart.Add(time.Duration(i) * time.Second), Rows: []tocsin.Row{row}, Refs: []tocsin.RowRef{{ReportID: "1"}}}
		w.add(r, &Input{Rule: "burst", Group: []string{fmt.Sprint(i)}}, h)
	}
	if n := len(w.state.Rules["burst"]); n != maxGroups {
		t.Errorf("%d groups, want %d", n, maxGroups)
	}
	if w.state.Rules["burst"]["50"] != nil || w.state.Rules["burst"]["150"] == nil {
		t.Error("it is not the quietest groups that went")
	}
	g := &windowGroup{}
	for i := range maxWindow + 50 {
		g.insert(windowPoint{At: int64(i), ID: fmt.Sprint(i), Row: &row})
		g.forget(1 << 40)
	}
	kept := 0
	for _, p := range g.Points {
		if p.Row != nil {
			kept++
		}
	}
	if len(g.Points) > maxWindow || kept > keptRows {
		t.Errorf("%d points, %d rows", len(g.Points), kept)
	}
}

func TestTemporal(t *testing.T) {
	base := func(name, action string) string {
		return fmt.Sprintf("title: %s\nid: %s\nname: %s\nlogsource: {product: m365_defender, service: IdentityLogonEvents}\ndetection: {s: {ActionType: %s}, condition: s}\n---\n", name, name, name, action)
	}
	src := base("fail", "LogonFailed") + base("ok", "LogonSuccess") + `title: ordered
id: ordered
correlation: {type: temporal_ordered, rules: [fail, ok], group-by: [IPAddress], timespan: 10m}
---
title: any
id: any
correlation: {type: temporal, rules: [fail, ok], group-by: [IPAddress], timespan: 10m}
`
	set, rep := LoadFiles([]RuleFile{{"t.yml", []byte(src)}})
	if rep.Loaded != 4 {
		t.Fatal(rep.String())
	}
	e := NewEngine(set)
	ok := func(ip string, minute, id int) tocsin.Row {
		r := failedLogon(ip, "a", minute, id)
		r.Values["ActionType"] = "LogonSuccess"
		return r
	}
	rows := []tocsin.Row{failedLogon("10.0.0.1", "a", 0, 1), ok("10.0.0.1", 3, 2), ok("10.0.0.2", 0, 3), failedLogon("10.0.0.2", "a", 3, 4), ok("10.0.0.3", 0, 5), failedLogon("10.0.0.3", "a", 30, 6)}
	hits := addAll(e, NewWindows(), collect(t, e, rows, 2), 1)
	if o, a := ruleHits(hits, "ordered"), ruleHits(hits, "any"); o != 1 || a != 2 {
		t.Errorf("ordered %d (want 1), any %d (want 2)", o, a)
	}
}
