package detect

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/content"
	"github.com/tocsinhq/tocsin/lake"
)

func builtinRules(t testing.TB) *RuleSet {
	t.Helper()
	sub, err := fs.Sub(content.FS, "rules")
	if err != nil {
		t.Fatal(err)
	}
	set, rep := Load(sub)
	if len(rep.Failed) > 0 || rep.UnsupportedCount() > 0 {
		t.Fatal(rep.String())
	}
	return set
}

// sampleRows reads a section of samples: one row a line, "Repeat" and "Every"
// write it several times, {n} being the number of the copy.
func sampleRows(t testing.TB, name string, data []byte) []tocsin.Row {
	t.Helper()
	var rows []tocsin.Row
	sc := bufio.NewScanner(strings.NewReader(string(data)))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		line := strings.TrimSpace(sc.Text())
		if line == "" {
			continue
		}
		var head struct {
			Table, Every string
			Repeat       int
		}
		if err := json.Unmarshal([]byte(line), &head); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		every, _ := time.ParseDuration(head.Every)
		for n := range max(1, head.Repeat) {
			var values map[string]any
			if err := json.Unmarshal([]byte(strings.ReplaceAll(line, "{n}", fmt.Sprint(n+1))), &values); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			delete(values, "Table")
			delete(values, "Repeat")
			delete(values, "Every")
			at, ok := parseTime(fmt.Sprint(values["Timestamp"]))
			if !ok {
				at, ok = parseTime(fmt.Sprint(values["TimeGenerated"]))
			}
			if !ok {
				t.Fatalf("%s: a sample has no time: %s", name, line)
			}
			delete(values, "TimeGenerated")
			values["Timestamp"] = at.Add(time.Duration(n) * every)
			values["ReportId"] = int64(len(rows) + 1)
			tab, ok := lake.Catalog().Table(head.Table)
			if !ok {
				t.Fatalf("%s: no table %s", name, head.Table)
			}
			for c := range values {
				if _, ok := tab.Column(c); !ok && c != "ReportId" {
					t.Errorf("%s: table %s has no column %s", name, head.Table, c)
				}
			}
			i, ok := tab.Column("ReportId")
			if !ok {
				delete(values, "ReportId")
			} else if tab.Columns[i].Type == lake.String {
				values["ReportId"] = fmt.Sprint(values["ReportId"])
			}
			rows = append(rows, tocsin.Row{Table: head.Table, Values: values})
		}
	}
	return rows
}

// matchRows runs rows through the engine as intake does, one batch a row, and
// gives the ids of the alerting rules, by row and in total.
func matchRows(t testing.TB, e *Engine, rows []tocsin.Row) (fired map[string]int, alerts []tocsin.Alert) {
	t.Helper()
	fired = map[string]int{}
	s, w := NewScratch(), NewWindows()
	seq := int64(0)
	for i := range rows {
		b := batchOf(t, rows[i:i+1])
		c := NewCollector(e)
		e.MatchBatch(b, s, func(row int, r *Rule) { c.Batch(b, row, r) })
		for _, h := range c.Hits() {
			seq++
			h, err := UnmarshalHit(h.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range append([]*Hit{h}, w.Add(e, seq, h)...) {
				a, ok := e.Alert(h)
				if !ok {
					continue
				}
				if err := a.Validate(); err != nil {
					t.Errorf("alert of rule %s: %v", a.Title, err)
				}
				fired[a.DetectorID]++
				alerts = append(alerts, a)
			}
		}
	}
	return fired, alerts
}

func TestBuiltinRulesAndSamples(t *testing.T) {
	set := builtinRules(t)
	e := NewEngine(set)
	alerting := 0
	sources := map[tocsin.ServiceSource]int{}
	for _, r := range set.Rules {
		if r.InputOnly {
			continue
		}
		alerting++
		t.Run(strings.TrimSuffix(r.Path, ".yml"), func(t *testing.T) {
			checkRule(t, e, r)
			name := "rules/" + strings.TrimSuffix(r.Path, ".yml") + ".samples.txtar"
			data, err := fs.ReadFile(content.FS, name)
			if err != nil {
				t.Fatalf("the rule has no samples: %v", err)
			}
			ar := txtar.Parse(data)
			sections := map[string]int{}
			for _, f := range ar.Files {
				rows := sampleRows(t, name, f.Data)
				kind, _, _ := strings.Cut(f.Name, ":")
				sections[kind] += len(rows)
				switch {
				case r.Correlation != nil || kind == "silent":
					fired, alerts := matchRows(t, e, rows)
					if (fired[r.ID] > 0) != (kind == "fires") {
						t.Errorf("section %s: fired %d times", f.Name, fired[r.ID])
					}
					for _, a := range alerts {
						if a.DetectorID == r.ID {
							checkAlert(t, &a)
							sources[a.ServiceSource]++
						}
					}
				case kind == "fires":
					for i := range rows {
						fired, alerts := matchRows(t, e, rows[i:i+1])
						if fired[r.ID] != 1 {
							t.Errorf("row %d does not fire: %v", i+1, rows[i].Values)
						}
						for _, a := range alerts {
							if a.DetectorID == r.ID {
								checkAlert(t, &a)
								sources[a.ServiceSource]++
							}
						}
					}
				default:
					t.Errorf("unknown section %q", f.Name)
				}
			}
			if sections["fires"] == 0 || sections["silent"] == 0 {
				t.Error("samples need a section that fires and one that is silent")
			}
		})
	}
	t.Logf("%d alerting rules, by service source: %v", alerting, sources)
	if alerting < 25 || len(sources) < 7 {
		t.Errorf("%d alerting rules over %d service sources", alerting, len(sources))
	}
}

// checkRule holds our own rules to more than Sigma asks.
func checkRule(t *testing.T, e *Engine, r *Rule) {
	if len(r.Tactics) == 0 || len(r.Techniques) == 0 || r.Description == "" || len(r.FalsePositives) == 0 || len(r.ID) != 36 {
		t.Errorf("the rule lacks tags, description, false positives or a uuid: %+v", r)
	}
	rules := []*Rule{r}
	if r.Correlation != nil {
		rules = nil
		for _, id := range r.Correlation.Rules {
			rules = append(rules, e.Rule(id))
		}
	}
	for _, r := range rules {
		bound := 0
		for _, uses := range e.tables {
			for _, u := range uses {
				if u.prog.source != r.Logsource {
					continue
				}
				bound++
				for f := range fieldsOf(r.cond, map[string]bool{}) {
					if u.native && fold(u.table.Name) == r.Logsource.Service && u.bind[e.fields[f]].kind == bindNone {
						t.Errorf("table %s has no column for field %q", u.table.Name, f)
					}
				}
			}
		}
		if bound == 0 {
			t.Errorf("log source %s applies to no table", r.Logsource)
		}
	}
}

func fieldsOf(x *expr, into map[string]bool) map[string]bool {
	if x.op == exprPred {
		into[x.pred.field] = true
		if x.pred.op == opFieldRef {
			into[x.pred.other] = true
		}
	}
	for _, k := range x.kids {
		fieldsOf(k, into)
	}
	return into
}

func checkAlert(t *testing.T, a *tocsin.Alert) {
	t.Helper()
	if len(a.Evidence) == 0 || len(a.Rows) == 0 || a.ExternalID == "" || a.DeliveryID == "" || a.RecommendedActions == "" || a.FirstActivity.IsZero() || a.ServiceSource == tocsin.SourceXDR {
		t.Errorf("alert is not complete: %+v", a)
	}
	assets := 0
	for i := range a.Evidence {
		if a.Evidence[i].Entity().IsAsset() {
			assets++
		}
		if len(a.Evidence[i].Roles) == 0 || len(a.Evidence[i].Keys()) == 0 {
			t.Errorf("evidence without role or key: %+v", a.Evidence[i])
		}
	}
	if assets == 0 {
		t.Errorf("alert %q names no asset: %+v", a.Title, a.Evidence)
	}
}
