package cases

import (
	"cmp"
	"context"
	"slices"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// Split is what a person asks for who parts an incident: a link to cut, or the
// alerts that go.
type Split struct {
	FromAlert, ToAlert string // the two ends of the link, in either order
	Alerts             []string
	Why                string
	// Said with it, as with a move.
	WrongReasons []tocsin.CorrelationReason
	Irrelevant   []tocsin.LinkedThing
	IfVersion    int64 // of the incident that the person saw; 0: any
}

// SplitPlan is what a split does.
type SplitPlan struct {
	Version  int64 // of the incident that the plan is of
	Cut      []ChainLink
	CutCount int // of all links that are cut; Cut has the strongest 100
	Stay, Go ChainSide
	NewName  string // of the incident that is made
}

// PlanSplit says what a split would do, and changes nothing.
func (c *Cases) PlanSplit(ctx context.Context, incidentID int64, s Split) (p SplitPlan, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		w, err := prepareSplit(tx, incidentID, s)
		if err != nil {
			return err
		}
		p = w.plan
		alerts, err := w.alerts(tx)
		if err != nil {
			return err
		}
		p.NewName = nameOf(alerts)
		return nil
	})
	return p, err
}

// Split parts an incident in two. When a link is cut and others still connect
// its two ends, the lightest of them that part the ends are cut with it. What
// then no longer hangs together with the incident's first alert becomes a new
// incident, named from its alerts; the engine will not join the two again. It
// returns the new incident and what was done, which Undo takes back. An incident
// that changed since IfVersion is an error of CodeConflict.
func (c *Cases) Split(ctx context.Context, incidentID int64, s Split) (to int64, done tocsin.Rearrangement, err error) {
	if s.Why, err = checkWhy(s.Why); err != nil {
		return 0, done, err
	}
	if err := checkFeedback(s.WrongReasons, s.Irrelevant); err != nil {
		return 0, done, err
	}
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		w, err := prepareSplit(tx, incidentID, s)
		if err != nil {
			return err
		}
		alerts, err := w.alerts(tx)
		if err != nil {
			return err
		}
		defer tx.AsEngine()()
		r := tocsin.Rearrangement{Kind: tocsin.RearrangeSplit, Why: s.Why, WrongReasons: s.WrongReasons, Irrelevant: s.Irrelevant}
		for i, e := range w.cut[:min(len(w.cut), tocsin.MaxCut)] {
			l := w.g.cutLink(e)
			if i == 0 {
				r.Cut = &l
			} else {
				r.AlsoCut = append(r.AlsoCut, l)
			}
		}
		m := mover{c: c, tx: tx, like: r, from: map[int64][]tocsin.Alert{incidentID: alerts}, order: []int64{incidentID}}
		var all []tocsin.Rearrangement
		if to, all, err = m.run(0); err == nil {
			done = all[0]
		}
		return err
	})
	return to, done, err
}

// splitWork is a split that was found possible.
type splitWork struct {
	id    int64
	g     *chainGraph
	cut   []int // edges; the one that was asked for first, else the strongest
	stays []bool
	plan  SplitPlan
}

func prepareSplit(tx *store.Tx, incidentID int64, s Split) (*splitWork, error) {
	if err := tx.RequireWhole(incidentID); err != nil {
		return nil, err
	}
	inc, err := tx.Incident(incidentID)
	if err != nil {
		return nil, err
	}
	if err := inc.CheckMove(inc.Status); err != nil {
		return nil, err
	}
	if s.IfVersion != 0 && s.IfVersion != inc.Version {
		return nil, tocsin.Errorf(tocsin.CodeConflict, "incident %d changed meanwhile; look again at what would be split", incidentID)
	}
	if inc.AlertCount > tocsin.MaxSplit {
		return nil, tocsin.Errorf(tocsin.CodeLimit, "an incident of up to %d alerts can be split; move alerts out of it", tocsin.MaxSplit)
	}
	g, err := loadChain(tx, incidentID)
	if err != nil {
		return nil, err
	}
	w := &splitWork{id: incidentID, g: g}
	switch {
	case len(s.Alerts) > 0 && s.FromAlert == "" && s.ToAlert == "":
		err = w.choose(s.Alerts)
	case len(s.Alerts) == 0 && s.FromAlert != "" && s.ToAlert != "":
		err = w.cutAt(s.FromAlert, s.ToAlert)
	default:
		err = tocsin.Errorf(tocsin.CodeInvalid, "name the two alerts of the link to cut, or the alerts that go")
	}
	if err != nil {
		return nil, err
	}
	w.plan = SplitPlan{Version: inc.Version, Cut: g.someLinks(w.cut), CutCount: len(w.cut), Stay: g.side(w.stays, true), Go: g.side(w.stays, false)}
	return w, nil
}

// choose lets a set of alerts go.
func (w *splitWork) choose(alerts []string) error {
	if len(alerts) > tocsin.MaxMoved {
		return tocsin.Errorf(tocsin.CodeInvalid, "at most %d alerts can be chosen", tocsin.MaxMoved)
	}
	w.stays = make([]bool, len(w.g.rows))
	for i := range w.stays {
		w.stays[i] = true
	}
	left := len(w.stays)
	for _, id := range alerts {
		i, ok := w.g.at[id]
		if !ok {
			return tocsin.Errorf(tocsin.CodeNotFound, "alert %s is not in incident %d", id, w.id)
		}
		if w.stays[i] {
			w.stays[i] = false
			left--
		}
	}
	if left == 0 {
		return tocsin.Errorf(tocsin.CodeInvalid, "these are all alerts of the incident; at least one must stay")
	}
	for e, edge := range w.g.edges {
		if w.stays[edge.A] != w.stays[edge.B] {
			w.cut = append(w.cut, e)
		}
	}
	w.g.strongestFirst(w.cut)
	return nil
}

// cutAt cuts the link between two alerts, and what else holds them together.
func (w *splitWork) cutAt(from, to string) error {
	a, okA := w.g.at[from]
	b, okB := w.g.at[to]
	if !okA || !okB {
		return tocsin.Errorf(tocsin.CodeNotFound, "the link is not in incident %d any more", w.id)
	}
	at := slices.IndexFunc(w.g.edges, func(e correlate.Edge) bool { return (e.A == a && e.B == b) || (e.A == b && e.B == a) })
	if at < 0 {
		return tocsin.Errorf(tocsin.CodeNotFound, "there is no link between these two alerts")
	}
	cut := correlate.MinCut(len(w.g.rows), w.g.edges, a, b)
	w.stays = w.g.sides(at, cut)
	w.cut = append([]int{at}, w.g.strongestFirst(slices.DeleteFunc(cut, func(e int) bool { return e == at }))...)
	return nil
}

// alerts are those that go.
func (w *splitWork) alerts(tx *store.Tx) (out []tocsin.Alert, err error) {
	for i, stays := range w.stays {
		if !stays {
			a, err := tx.Alert(w.g.rows[i].ID)
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	return out, nil
}

// nameOf is the name that an incident of these alerts would have.
func nameOf(alerts []tocsin.Alert) string {
	var inc tocsin.Incident
	inc.Recount(alerts)
	return inc.DisplayName
}

// cutLink is a link as a rearrangement keeps it: what it rests on most.
func (g *chainGraph) cutLink(e int) tocsin.CutLink {
	l := g.links[e]
	out := tocsin.CutLink{FromAlert: g.rows[g.edges[e].A].ID, ToAlert: g.rows[g.edges[e].B].ID, Weight: g.edges[e].Weight}
	if len(l.Entities) > 0 {
		t := slices.MaxFunc(l.Entities, func(a, b tocsin.LinkedThing) int { return cmp.Compare(a.Weight, b.Weight) }) // the first of equals
		out.Signal, out.Key, out.Name = t.Signal, t.Key, t.Name
	}
	return out
}
