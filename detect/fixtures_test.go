package detect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/tocsinhq/tocsin"
)

// fixture is one recorded event set with the rules that it must fire.
type fixture struct {
	name   string
	rules  []string
	count  int
	events []*tocsin.Event
}

func publicFixtures(t testing.TB) []fixture {
	t.Helper()
	type info struct {
		Rules []struct{ ID, Title string } `yaml:"rule_metadata"`
		Tests []struct {
			Path  string `yaml:"path"`
			Count int    `yaml:"match_count"`
		} `yaml:"regression_tests_info"`
	}
	files := map[string][]byte{}
	for _, f := range zipFiles(t, "data/sigma-regression_data.zip", func(n string) bool {
		return strings.HasSuffix(n, ".json") || strings.HasSuffix(n, ".raw") || strings.HasSuffix(n, "info.yml")
	}) {
		files[f.Path] = f.Data
	}
	var out []fixture
	for name, data := range files {
		if path.Base(name) != "info.yml" {
			continue
		}
		var in info
		if err := yaml.Unmarshal(data, &in); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f := fixture{name: path.Dir(name)}
		for _, r := range in.Rules {
			f.rules = append(f.rules, r.ID)
		}
		for n, data := range files {
			if path.Dir(n) == f.name && path.Ext(n) == ".json" {
				f.events = append(f.events, windowsJSON(t, n, data)...)
			} else if path.Dir(n) == f.name && path.Ext(n) == ".raw" {
				// A line of a device's log; the folder says whose.
				part := strings.Split(f.name, "/")
				f.events = append(f.events, &tocsin.Event{Product: part[2], Service: part[3], Fields: []tocsin.Field{{Name: "Message", Value: string(data)}}})
			}
		}
		for _, c := range in.Tests {
			f.count = max(f.count, c.Count)
		}
		out = append(out, f)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

// windowsJSON reads the fixtures' form of Windows events: the XML as JSON,
// attributes under #attributes.
func windowsJSON(t testing.TB, name string, data []byte) []*tocsin.Event {
	t.Helper()
	var out []*tocsin.Event
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	for dec.More() {
		var doc any
		if err := dec.Decode(&doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		docs, ok := doc.([]any)
		if !ok {
			docs = []any{doc}
		}
		for _, d := range docs {
			out = append(out, windowsEvent(t, name, d))
		}
	}
	return out
}

func windowsEvent(t testing.TB, name string, doc any) *tocsin.Event {
	get := func(v any, keys ...string) any {
		for _, k := range keys {
			m, _ := v.(map[string]any)
			v = m[k]
		}
		return v
	}
	root := get(doc, "Event")
	sys := get(root, "System")
	ev := &tocsin.Event{Product: "windows"}
	ev.Channel, _ = get(sys, "Channel").(string)
	ev.Host, _ = get(sys, "Computer").(string)
	ev.Provider, _ = get(sys, "Provider", "#attributes", "Name").(string)
	id := get(sys, "EventID")
	if m, ok := id.(map[string]any); ok {
		id = m["#text"]
	}
	if _, err := fmt.Sscan(fmt.Sprint(id), &ev.EventID); err != nil {
		t.Fatalf("%s: no event id: %v", name, err)
	}
	if at, ok := get(sys, "TimeCreated", "#attributes", "SystemTime").(string); ok {
		ev.Time, _ = time.Parse(time.RFC3339Nano, at)
	}
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case nil:
		case map[string]any:
			keys := make([]string, 0, len(v))
			for k := range v {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				switch k {
				case "#attributes":
				case "#text":
					walk(key, v[k])
				default:
					walk(k, v[k])
				}
			}
		case []any:
			for _, x := range v {
				walk(key, x)
			}
		default:
			ev.Fields = append(ev.Fields, tocsin.Field{Name: key, Value: fmt.Sprint(v)})
		}
	}
	walk("EventData", get(root, "EventData"))
	walk("UserData", get(root, "UserData"))
	return ev
}

// Every recorded event set fires the rule that it was recorded for.
func TestPublicFixturesFire(t *testing.T) {
	set, _ := publicRules(t)
	fixtures := publicFixtures(t)
	if len(fixtures) < 202 {
		t.Fatalf("%d fixtures, want 202", len(fixtures))
	}
	e := NewEngine(set)
	s := NewScratch()
	t.Logf("%d fixtures", len(fixtures))
	for _, f := range fixtures {
		fired := map[string]int{}
		for _, ev := range f.events {
			for _, r := range e.MatchEvent(ev, s) {
				fired[r.ID]++
			}
		}
		for _, id := range f.rules {
			if fired[id] == 0 {
				t.Errorf("%s: rule %s does not fire; %d events, fired %v", f.name, id, len(f.events), fired)
			}
			if fired[id] < f.count {
				t.Errorf("%s: rule %s fires %d times, info.yml says %d", f.name, id, fired[id], f.count)
			}
		}
	}
}

// The prefilter never changes what fires.
func TestPrefilterIsTheNaiveMatcher(t *testing.T) {
	set, _ := publicRules(t)
	e := NewEngine(set)
	s, ns := NewScratch(), NewScratch()
	events, hits := 0, 0
	for _, f := range publicFixtures(t) {
		for _, ev := range f.events {
			got := map[string]bool{}
			for _, r := range e.MatchEvent(ev, s) {
				got[r.ID] = true
			}
			row, programs := naiveEvent(e, ev, ns)
			for _, p := range programs {
				for _, r := range p.rules {
					want := r.cond.naive(row)
					if want != got[r.ID] {
						t.Fatalf("%s: rule %s (%s): engine %v, naive %v", f.name, r.ID, r.Path, got[r.ID], want)
					}
				}
			}
			events++
			hits += len(got)
		}
	}
	t.Logf("%d events, %d hits", events, hits)
}
