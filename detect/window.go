package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

const (
	maxWindow = 10_000 // points that one group keeps, and the largest count of a rule
	maxGroups = 20_000 // groups that one correlation rule keeps
	keptRows  = 10     // rows that a group keeps for evidence
)

// Windows holds what correlation rules have seen, by event time. Adding the
// same hits in the same order gives the same answers, whatever the batches;
// Save and LoadWindows carry it over a restart. It is for one goroutine.
//
// A group forgets points older than twice its span before its newest, and its
// oldest points and a rule its quietest groups when there are too many.
type Windows struct {
	state windowState
	dirty bool
	// unsaved are the answers since the last Save: when their delivery failed
	// they are asked for again.
	unsaved map[int64][]*Hit
}

// maxUnsaved bounds the answers that are kept for whoever never saves.
const maxUnsaved = 10_000

type windowState struct {
	// Seq is the last hit taken: a hit that comes again after a crash is known.
	Seq   int64                              `json:"seq"`
	Rules map[string]map[string]*windowGroup `json:"rules"`
}

type windowGroup struct {
	Group  []string      `json:"group"`
	Points []windowPoint `json:"points"` // by time, then id
	Newest int64         `json:"newest"`
	Fired  bool          `json:"fired,omitempty"`
}

type windowPoint struct {
	At    int64         `json:"at"` // Unix microseconds
	ID    string        `json:"id"`
	Rule  string        `json:"rule,omitempty"` // temporal: the input rule
	Value string        `json:"value,omitempty"`
	Ref   tocsin.RowRef `json:"ref"`
	Row   *tocsin.Row   `json:"row,omitempty"`
}

// NewWindows is empty.
func NewWindows() *Windows {
	return &Windows{state: windowState{Rules: map[string]map[string]*windowGroup{}}, unsaved: map[int64][]*Hit{}}
}

// LoadWindows reads what Save wrote; a missing file is empty windows.
func LoadWindows(path string) (*Windows, error) {
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return NewWindows(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the windows of correlation rules: %w", err)
	}
	w := NewWindows()
	if err := json.Unmarshal(b, &w.state); err != nil {
		return nil, fmt.Errorf("read the windows of correlation rules: %w", err)
	}
	if w.state.Rules == nil {
		w.state.Rules = map[string]map[string]*windowGroup{}
	}
	return w, nil
}

// Save writes the windows when they have changed since the last time. To lose
// nothing and count nothing twice over a crash, alerts go to the cases first,
// then this is called, then the outbox is cleared.
func (w *Windows) Save(path string) error {
	if !w.dirty {
		return nil
	}
	b, err := json.Marshal(&w.state)
	if err != nil {
		return fmt.Errorf("save the windows of correlation rules: %w", err)
	}
	if err := writeAtomic(path, b); err != nil {
		return fmt.Errorf("save the windows of correlation rules: %w", err)
	}
	w.dirty = false
	clear(w.unsaved)
	return nil
}

// writeAtomic replaces a file as a whole or not at all.
func writeAtomic(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	// The rename itself must be on disk before anybody relies on it.
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Add takes a hit from the outbox and returns the hits of correlation rules
// that it completes. seq is its outbox number: a number that was taken before
// changes nothing; it gives the same answer until the next Save, which says
// that the answers were delivered, and none after it. The hit itself, unless
// its rule is input only, is the caller's to deliver.
func (w *Windows) Add(e *Engine, seq int64, h *Hit) []*Hit {
	if seq <= w.state.Seq {
		return w.unsaved[seq]
	}
	w.state.Seq = seq
	w.dirty = true
	var out []*Hit
	for i := range h.Inputs {
		in := &h.Inputs[i]
		r := e.Rule(in.Rule)
		if r == nil || r.Correlation == nil {
			continue
		}
		if hit := w.add(r, in, h); hit != nil {
			out = append(out, hit)
		}
	}
	if len(out) > 0 {
		if len(w.unsaved) >= maxUnsaved {
			clear(w.unsaved)
		}
		w.unsaved[seq] = out
	}
	return out
}

func (w *Windows) add(r *Rule, in *Input, h *Hit) *Hit {
	groups := w.state.Rules[r.ID]
	if groups == nil {
		groups = map[string]*windowGroup{}
		w.state.Rules[r.ID] = groups
	}
	key := fold(strings.Join(in.Group, "\x00"))
	g := groups[key]
	if g == nil {
		if len(groups) >= maxGroups {
			dropQuietest(groups)
		}
		g = &windowGroup{Group: in.Group}
		groups[key] = g
	}
	p := windowPoint{At: h.First.UnixMicro(), ID: h.ID, Value: fold(in.Value), Ref: h.Refs[0], Row: &h.Rows[0]}
	if len(r.Correlation.Rules) > 1 {
		p.Rule = h.RuleID
	}
	at, known := g.insert(p)
	if known {
		return nil
	}
	span := r.Correlation.Span.Microseconds()
	from, to, ok := g.window(r.Correlation, at, span)
	var hit *Hit
	if ok {
		hit = g.hit(r, key, from, to, at)
		g.Fired = true
	}
	g.forget(span)
	return hit
}

// dropQuietest drops the group whose newest event is the oldest.
func dropQuietest(groups map[string]*windowGroup) {
	least := ""
	for k, g := range groups {
		if l := groups[least]; l == nil || g.Newest < l.Newest || g.Newest == l.Newest && k < least {
			least = k
		}
	}
	delete(groups, least)
}

func comparePoints(a, b windowPoint) int {
	return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.ID, b.ID))
}

func (g *windowGroup) insert(p windowPoint) (at int, known bool) {
	at, known = slices.BinarySearchFunc(g.Points, p, comparePoints)
	if known {
		return at, true
	}
	rows := 0
	for i := range g.Points {
		if g.Points[i].Row != nil {
			rows++
		}
	}
	if rows >= keptRows {
		// The newest distinct things make the better evidence; the oldest row
		// goes first.
		for i := range g.Points {
			if g.Points[i].Row != nil {
				g.Points[i].Row = nil
				break
			}
		}
	}
	g.Points = slices.Insert(g.Points, at, p)
	g.Newest = max(g.Newest, p.At)
	return at, false
}

func (g *windowGroup) forget(span int64) {
	n := 0
	for n < len(g.Points) && g.Points[n].At < g.Newest-2*span {
		n++
	}
	n = max(n, len(g.Points)-maxWindow)
	if n > 0 {
		g.Points = slices.Delete(g.Points, 0, n)
	}
}

// window finds a window of the rule's span that holds point at and enough
// besides. Of several the earliest is taken.
func (g *windowGroup) window(c *Correlation, at int, span int64) (from, to int, ok bool) {
	t := g.Points[at].At
	first := at
	for first > 0 && g.Points[first-1].At >= t-span {
		first--
	}
	need := c.Count
	measure := func(i int) string { return g.Points[i].Value }
	switch c.Type {
	case "event_count":
		for from = first; from <= at; from++ {
			if to = from + need - 1; to < len(g.Points) && to >= at && g.Points[to].At-g.Points[from].At <= span {
				return from, to, true
			}
			if to < at && g.Points[at].At-g.Points[from].At <= span {
				return from, at, true // more than enough up to this one
			}
		}
		return 0, 0, false
	case "temporal", "temporal_ordered":
		need = len(c.Rules)
		measure = func(i int) string {
			if len(c.Rules) == 1 {
				return c.Rules[0]
			}
			return g.Points[i].Rule
		}
	}
	// Slide a window over the neighbourhood and count different values.
	count := map[string]int{}
	to = first
	for from = first; from <= at; from++ {
		for to < len(g.Points) && g.Points[to].At-g.Points[from].At <= span {
			count[measure(to)]++
			to++
		}
		if to > at && len(count) >= need && (c.Type != "temporal_ordered" || g.ordered(c, from, to)) {
			return from, to - 1, true
		}
		v := measure(from)
		if count[v]--; count[v] == 0 {
			delete(count, v)
		}
	}
	return 0, 0, false
}

// ordered reports whether the rules of c occur in their order in [from, to).
func (g *windowGroup) ordered(c *Correlation, from, to int) bool {
	next := 0
	for i := from; i < to && next < len(c.Rules); i++ {
		if g.Points[i].Rule == c.Rules[next] || len(c.Rules) == 1 {
			next++
		}
	}
	return next == len(c.Rules)
}

// hit is the correlation rule's hit for the window. The first of a group
// carries the window's rows; later ones only what is new.
func (g *windowGroup) hit(r *Rule, key string, from, to, at int) *Hit {
	h := &Hit{RuleID: r.ID, Key: "group|" + key, Count: 1, First: time.UnixMicro(g.Points[from].At).UTC(), Last: time.UnixMicro(g.Points[to].At).UTC()}
	trigger := g.Points[at]
	h.Rows = []tocsin.Row{*trigger.Row}
	h.Refs = []tocsin.RowRef{trigger.Ref}
	if !g.Fired {
		for i := from; i <= to; i++ {
			if i == at {
				continue
			}
			if p := &g.Points[i]; p.Row != nil && len(h.Rows) < maxHitRows {
				h.Rows = append(h.Rows, *p.Row)
			}
			if len(h.Refs) < tocsin.MaxAlertRows {
				h.Refs = append(h.Refs, g.Points[i].Ref)
			}
		}
	}
	sum := sha256.Sum256([]byte(r.ID + "\x00" + key + "\x00" + trigger.ID))
	h.ID = hex.EncodeToString(sum[:16])
	return h
}
