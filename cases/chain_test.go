package cases

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
)

// twoStories makes one incident of two stories of three and two alerts, which
// one alert ties together.
func (w *world) twoStories(t testing.TB) (id int64) {
	t.Helper()
	one := func(ext string, minute int, ev ...tocsin.Evidence) {
		w.clock.forward(time.Minute)
		id = w.accept(t, alert(ext, "Found "+ext, day.Add(time.Duration(minute)*time.Minute), ev...))[0].IncidentID
	}
	one("a1", 0, device("h1"), process("h1", "g1", "a.exe"))
	one("a2", 5, device("h1"), process("h1", "g1", "a.exe"))
	one("tie", 300, device("h1"), process("h1", "g1", "a.exe"), device("h2"), process("h2", "g2", "b.exe"))
	one("b1", 600, device("h2"), process("h2", "g2", "b.exe"))
	one("b2", 605, device("h2"), process("h2", "g2", "b.exe"))
	if inc := w.incident(t, id); len(inc.Alerts) != 5 {
		t.Fatalf("%d alerts in one incident", len(inc.Alerts))
	}
	return id
}

func (w *world) chain(t testing.TB, id int64, q ChainQuery) Chain {
	t.Helper()
	c, err := w.Chain(anna(t), id, q)
	w.do(t, err)
	return c
}

// C04: of every alert it is said which entity links it, by its key, with the
// signal and its weight, and a way leads from the first alert to it.
func TestC04ChainNamesReasons(t *testing.T) {
	w := newWorld(t)
	id := w.twoStories(t)
	c := w.chain(t, id, ChainQuery{})
	if len(c.Steps) != 5 || c.Parts != 1 || c.Unlinked != 1 || c.More || c.Links < 4 || c.Join != 1 {
		t.Fatalf("%+v", c)
	}
	for i, s := range c.Steps {
		if i == 0 {
			if s.Came != CameOpened || s.Held != nil || s.Alert.Title != "Found a1" {
				t.Errorf("the first: %+v", s)
			}
			continue
		}
		if s.Came != CameLinked || s.Held == nil || s.Held.Sentence == "" || s.Held.Weight < c.Join || len(s.Held.Entities) == 0 {
			t.Fatalf("%s: %+v", s.Alert.Title, s)
		}
		e := s.Held.Entities[0]
		if k := tocsin.ParseEntityKey(e.Key); k.Type != tocsin.EntityProcess || e.Signal != string(correlate.SameProcess) || e.Weight <= 0 {
			t.Errorf("%s rests on %+v", s.Alert.Title, e)
		}
	}
	if c.Weakest == nil || c.Weakest.Stay.Count+c.Weakest.Go.Count != 5 || c.Weakest.Stay.Alerts[0].Title != "Found a1" {
		t.Errorf("%+v", c.Weakest)
	}
	last := c.Steps[4].Alert.ID
	one := w.chain(t, id, ChainQuery{AlertID: last})
	if len(one.Steps) != 1 || len(one.Path) < 2 || one.Path[0].Alert.ID != c.Steps[0].Alert.ID || one.Path[len(one.Path)-1].Alert.ID != last {
		t.Errorf("%+v", one.Path)
	}
	a, b := w.chain(t, id, ChainQuery{Top: 3}), w.chain(t, id, ChainQuery{Skip: 3, Top: 3})
	if len(a.Steps) != 3 || !a.More || len(b.Steps) != 2 || b.More || b.Steps[0].Alert.ID != c.Steps[3].Alert.ID {
		t.Errorf("pages %d, %d", len(a.Steps), len(b.Steps))
	}
	for name, q := range map[string]struct {
		id   int64
		q    ChainQuery
		code tocsin.Code
	}{"no incident": {999, ChainQuery{}, tocsin.CodeNotFound}, "no alert": {id, ChainQuery{AlertID: "x"}, tocsin.CodeNotFound},
		"page": {id, ChainQuery{Top: MaxChainSteps + 1}, tocsin.CodeInvalid}, "before": {id, ChainQuery{Skip: -1}, tocsin.CodeInvalid}} {
		if _, err := w.Chain(anna(t), q.id, q.q); tocsin.CodeOf(err) != q.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Chain(as(t.Context(), "other", "eve"), id, ChainQuery{}); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("another tenant: %v", err)
	}
}

// What people put together is said to be so: no link is invented.
func TestChainOfMergedAndMoved(t *testing.T) {
	w := newWorld(t)
	ids := w.three(t)
	to, _, err := w.MergeIncidents(anna(t), ids[1:], "", nil)
	w.do(t, err)
	_, _, err = w.MoveAlerts(anna(t), []string{w.incident(t, ids[0]).Alerts[0].ID}, to, "")
	w.do(t, err)
	c := w.chain(t, to, ChainQuery{})
	came := map[string]ChainStep{}
	for _, s := range c.Steps {
		if s.Held == nil {
			came[s.Came] = s
		}
	}
	if c.Parts != 3 || c.Unlinked != 3 || len(came) != 3 || came[CameMerged].From != ids[1] || came[CameMoved].From != ids[0] || came[CameMerged].By.Name != "anna" {
		t.Errorf("%d parts, %+v", c.Parts, came)
	}
	if c.Steps[0].Came != CameOpened || !strings.Contains(c.Steps[0].Alert.Title, "Found 3") {
		t.Errorf("the first is %+v", c.Steps[0])
	}
}

func TestSplitByLink(t *testing.T) {
	w := newWorld(t)
	id := w.twoStories(t)
	_, err := w.CommentIncident(anna(t), id, "on the incident")
	w.do(t, err)
	all := w.incident(t, id).Alerts
	_, err = w.CommentAlert(anna(t), all[3].ID, "on an alert that goes")
	w.do(t, err)
	before, log := w.state(t, id), w.log(t, id)
	// b1 hangs on the tie: what is behind goes with it.
	cut := w.chain(t, id, ChainQuery{AlertID: all[3].ID}).Steps[0].Held
	s := Split{FromAlert: cut.From.ID, ToAlert: cut.To.ID, Why: "two stories"}
	head, err := w.st.Head(anna(t))
	w.do(t, err)
	plan, err := w.PlanSplit(anna(t), id, s)
	if err != nil || plan.Stay.Count != 3 || plan.Go.Count != 2 || plan.CutCount < 1 || plan.Cut[0].To.ID != cut.To.ID || plan.NewName == "" {
		t.Fatalf("%+v, %v", plan, err)
	}
	if now, err := w.st.Head(anna(t)); err != nil || now != head {
		t.Error("looking wrote something")
	}
	s.IfVersion = plan.Version
	to, done, err := w.Split(anna(t), id, s)
	w.do(t, err)
	kept, fresh := w.incident(t, id), w.incident(t, to)
	if len(kept.Alerts) != 3 || len(fresh.Alerts) != 2 || fresh.DisplayName != plan.NewName || fresh.Status != tocsin.IncidentActive ||
		fresh.AssetCounts.Devices != 1 || kept.AssetCounts.Devices != 2 || len(kept.Comments) != 1 || len(fresh.Alerts[0].Comments) != 1 {
		t.Errorf("%+v\n%+v", kept, fresh)
	}
	if done.Kind != tocsin.RearrangeSplit || done.Cut == nil || done.Cut.Signal != string(correlate.SameProcess) || done.Cut.Key == "" ||
		done.Cut.FromAlert != cut.From.ID || done.Cut.ToAlert != cut.To.ID || len(done.AlsoCut) != plan.CutCount-1 {
		t.Errorf("%+v", done)
	}
	for at, kinds := range map[int64][]string{id: {"split"}, to: {"created", "splitOff"}} {
		for _, kind := range kinds {
			i := slices.IndexFunc(w.lines(t, at), func(c tocsin.Change) bool { return c.Kind == kind })
			if i < 0 {
				t.Fatalf("incident %d has no line %s", at, kind)
			}
			if c := w.lines(t, at)[i]; kind != "created" && (len(c.Before) == 0 || !strings.Contains(string(c.After), `"cut"`) || !strings.Contains(c.Summary, "two stories")) {
				t.Errorf("%+v", c)
			}
		}
	}
	w.sound(t)
	// The engine does not join them again.
	w.clock.forward(time.Minute)
	w.accept(t, alert("again", "Again", day.Add(606*time.Minute), device("h1"), process("h1", "g1", "a.exe"), device("h2"), process("h2", "g2", "b.exe")))
	if a, b := w.incident(t, id), w.incident(t, to); a.Status == tocsin.IncidentRedirected || b.Status == tocsin.IncidentRedirected {
		t.Error("joined again")
	}
	late := w.incident(t, to)
	for _, a := range append(late.Alerts, w.incident(t, id).Alerts...) {
		if a.ExternalID == "again" {
			_, _, err := w.MoveAlerts(anna(t), []string{a.ID}, 0, "")
			w.do(t, err)
		}
	}
	_, err = w.CommentIncident(anna(t), to, "while apart")
	w.do(t, err)
	_, err = w.Undo(anna(t), done.ID)
	w.do(t, err)
	back := w.incident(t, id)
	if len(back.Comments) != 2 || back.Comments[1].Text != "while apart" {
		t.Errorf("what was said meanwhile: %+v", back.Comments)
	}
	raw, err := json.Marshal(back.Comments[1])
	w.do(t, err)
	if now := strings.Replace(w.state(t, id), ","+string(raw), "", 1); now != before {
		t.Errorf("is\n%s\nwas\n%s", now, before)
	}
	if now := w.log(t, id); !strings.HasPrefix(now, log) {
		t.Errorf("the log is\n%s\nand was\n%s", now, log)
	}
	w.sound(t)
}

func (w *world) lines(t testing.TB, id int64) []tocsin.Change {
	t.Helper()
	lines, err := w.Activities(anna(t), id, 0, 0)
	w.do(t, err)
	return lines
}

// log is the incident's own part of its record.
func (w *world) log(t testing.TB, id int64) string {
	t.Helper()
	var b strings.Builder
	for _, c := range w.lines(t, id) {
		if c.ID == fmt.Sprint(id) {
			fmt.Fprintln(&b, c.Seq, c.Kind, c.Actor.Name, c.Summary, string(c.Before), string(c.After))
		}
	}
	return b.String()
}

func TestSplitByChoice(t *testing.T) {
	w := newWorld(t)
	id := w.twoStories(t)
	all := w.incident(t, id).Alerts
	// The first alert itself may be what does not belong.
	to, done, err := w.Split(anna(t), id, Split{Alerts: []string{all[0].ID}, WrongReasons: []tocsin.CorrelationReason{tocsin.ReasonTemporal}})
	w.do(t, err)
	if a, b := w.incident(t, id), w.incident(t, to); len(a.Alerts) != 4 || len(b.Alerts) != 1 || b.DisplayName != "Found a1" || done.Cut == nil || len(done.WrongReasons) != 1 {
		t.Errorf("%+v\n%+v\n%+v", a, b, done)
	}
	w.sound(t)
	var rest []string
	for _, a := range w.incident(t, id).Alerts {
		rest = append(rest, a.ID)
	}
	version := w.incident(t, id).Version
	for name, tt := range map[string]struct {
		s    Split
		id   int64
		code tocsin.Code
	}{
		"nothing":       {Split{}, id, tocsin.CodeInvalid},
		"both":          {Split{Alerts: rest[:1], FromAlert: rest[0], ToAlert: rest[1]}, id, tocsin.CodeInvalid},
		"half a link":   {Split{FromAlert: rest[0]}, id, tocsin.CodeInvalid},
		"all":           {Split{Alerts: rest}, id, tocsin.CodeInvalid},
		"elsewhere":     {Split{Alerts: []string{all[0].ID}}, id, tocsin.CodeNotFound},
		"not there":     {Split{FromAlert: rest[0], ToAlert: all[0].ID}, id, tocsin.CodeNotFound},
		"one alert":     {Split{FromAlert: rest[0], ToAlert: rest[0]}, id, tocsin.CodeNotFound},
		"no incident":   {Split{Alerts: rest[:1]}, 999, tocsin.CodeNotFound},
		"changed":       {Split{Alerts: rest[:1], IfVersion: version - 1}, id, tocsin.CodeConflict},
		"reason":        {Split{Alerts: rest[:1], WrongReasons: []tocsin.CorrelationReason{"whim"}}, id, tocsin.CodeInvalid},
		"long":          {Split{Alerts: rest[:1], Why: strings.Repeat("x", tocsin.MaxCommentRunes+1)}, id, tocsin.CodeLimit},
		"empty entity":  {Split{Alerts: rest[:1], Irrelevant: []tocsin.LinkedThing{{Name: "x"}}}, id, tocsin.CodeInvalid},
		"many entities": {Split{Alerts: rest[:1], Irrelevant: make([]tocsin.LinkedThing, 51)}, id, tocsin.CodeLimit},
	} {
		if _, _, err := w.Split(anna(t), tt.id, tt.s); tocsin.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.sound(t)
}

// Where several links hold two alerts together, cutting one says which others
// have to be cut, and cuts them.
func TestSplitCutsWhatElseHolds(t *testing.T) {
	w := newWorld(t)
	id := w.twoStories(t)
	g := w.chain(t, id, ChainQuery{})
	for _, s := range g.Steps {
		for _, l := range append(slices.Clone(s.Also), deref(s.Held)...) {
			if l.Alone {
				continue
			}
			p, err := w.PlanSplit(anna(t), id, Split{FromAlert: l.From.ID, ToAlert: l.To.ID})
			if err != nil || p.CutCount < 2 || p.Cut[0].From.ID != l.From.ID || p.Cut[0].To.ID != l.To.ID {
				t.Errorf("%s: %+v, %v", l.Sentence, p, err)
			}
			return
		}
	}
	t.Fatal("no two links hold the same alerts")
}

func deref(l *ChainLink) []ChainLink {
	if l == nil {
		return nil
	}
	return []ChainLink{*l}
}

// Whatever is split, in whatever order, every alert is in one incident that
// counts it, and undoing from the end brings everything back: alerts, comments,
// and the log, which only grows.
func TestSplitProperty(t *testing.T) {
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for seed := range uint64(rounds) {
		rng := rand.New(rand.NewPCG(seed, 11))
		w := newWorld(t)
		for n := range 40 {
			ev := []tocsin.Evidence{}
			for range 1 + rng.IntN(2) {
				h := fmt.Sprintf("h%d", rng.IntN(6))
				ev = append(ev, device(h), process(h, "g"+h, h+".exe"))
			}
			w.clock.forward(time.Minute)
			w.accept(t, alert(fmt.Sprint(n), fmt.Sprintf("T%d", n%7), day.Add(time.Duration(rng.IntN(400))*time.Minute), ev...))
		}
		for _, id := range w.open(t) {
			_, err := w.CommentIncident(anna(t), id, fmt.Sprint("on ", id))
			w.do(t, err)
			_, err = w.CommentAlert(anna(t), w.incident(t, id).Alerts[0].ID, "on an alert")
			w.do(t, err)
		}
		states, logs := map[int64]string{}, map[int64]string{}
		for _, id := range w.open(t) {
			states[id], logs[id] = w.state(t, id), w.log(t, id)
		}
		var done []int64
		for range 10 {
			open := w.open(t)
			id := open[rng.IntN(len(open))]
			c := w.chain(t, id, ChainQuery{})
			var links []ChainLink
			for _, s := range c.Steps {
				links = append(append(links, s.Also...), deref(s.Held)...)
			}
			if len(links) == 0 {
				continue
			}
			l := links[rng.IntN(len(links))]
			to, r, err := w.Split(anna(t), id, Split{FromAlert: l.From.ID, ToAlert: l.To.ID})
			w.do(t, err)
			done = append(done, r.ID)
			w.sound(t)
			a, b := w.incident(t, id), w.incident(t, to)
			if len(a.Alerts)+len(b.Alerts) != len(c.Steps) || len(a.Alerts) == 0 || len(b.Alerts) == 0 {
				t.Fatalf("seed %d: %d alerts became %d and %d", seed, len(c.Steps), len(a.Alerts), len(b.Alerts))
			}
			if in := func(inc tocsin.Incident, id string) bool {
				return slices.ContainsFunc(inc.Alerts, func(a tocsin.Alert) bool { return a.ID == id })
			}; in(a, l.From.ID) == in(a, l.To.ID) {
				t.Fatalf("seed %d: both ends of the link are on one side", seed)
			}
		}
		if len(done) == 0 {
			t.Fatalf("seed %d: nothing was split", seed)
		}
		for _, id := range slices.Backward(done) {
			_, err := w.Undo(anna(t), id)
			w.do(t, err)
			w.sound(t)
		}
		if open := w.open(t); len(open) != len(states) {
			t.Errorf("seed %d: %d incidents, before %d", seed, len(open), len(states))
		}
		for id, was := range states {
			if now := w.state(t, id); now != was {
				t.Errorf("seed %d: incident %d is\n%s\nwas\n%s", seed, id, now, was)
			}
			if now := w.log(t, id); !strings.HasPrefix(now, logs[id]) {
				t.Errorf("seed %d: the log of incident %d lost something", seed, id)
			}
		}
	}
}
