package cases

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

const (
	// MaxChainSteps is how many alerts one page of a chain has at most.
	MaxChainSteps = 1000
	// maxSideAlerts is how many alerts of a side of a cut are named, and
	// maxCutLinks how many links that would be cut.
	maxSideAlerts = 20
	maxCutLinks   = 100
	maxPath       = 100
)

// How an alert came into its incident.
const (
	CameOpened = "opened" // the incident, or a part of it, began with it
	CameLinked = "linked" // correlation linked it
	CameMerged = "merged" // its incident was merged into this one, and no link says why
	CameMoved  = "moved"  // a person moved it here, and no link says why
	CameByHand = "byHand" // a person made it from a hunting query
)

// ChainAlert is an alert as a chain names it.
type ChainAlert struct {
	ID       string
	Title    string
	Severity tocsin.Severity
	Category string
	First    time.Time
}

// ChainLink is a link between two alerts of one incident. From keeps the link:
// it came later.
type ChainLink struct {
	From, To ChainAlert
	tocsin.Link
	// Alone: the two sides of it hang together by nothing else.
	Alone bool
}

// ChainStep is one alert of a chain, and why it is there.
type ChainStep struct {
	Alert ChainAlert
	Came  string // one of the words above
	// From is the incident that it was merged or moved from, By who did it.
	From int64
	By   tocsin.Actor
	// Held is the link that holds it: the way of the strongest links to the
	// incident's first alert begins with it. Nil for the first of a part.
	Held *ChainLink
	// Also are the further links that it keeps to alerts of this incident.
	Also []ChainLink
	// Part is the number of its part, from 0: alerts of different parts are
	// connected by no link at all.
	Part int
}

// ChainSide is what is on one side of a link. Alerts are the first of them.
type ChainSide struct {
	Count  int
	Alerts []ChainAlert
}

// WeakLink is the link whose cutting would part an incident most easily.
type WeakLink struct {
	ChainLink
	// Stay is the side with the incident's first alert, Go the other one.
	Stay, Go ChainSide
	// Also are the links that would have to be cut with it; none when it holds
	// the sides together alone.
	Also []ChainLink
}

// Chain is why the alerts of an incident are together.
type Chain struct {
	Incident tocsin.Incident // without alerts and comments
	Links    int             // between its alerts
	Parts    int             // that no link connects
	Unlinked int             // alerts that no link was made for
	Join     float64         // the weight that joins
	Weakest  *WeakLink       // nil without links
	Steps    []ChainStep     // one page, in order of activity, the first alert first
	More     bool
	// Path is, when one alert was asked for, the way of the strongest links from
	// the first alert of its part to it, at most 100 of the nearest.
	Path []ChainStep
}

// ChainQuery asks for a page of a chain, or for one alert of it.
type ChainQuery struct {
	Skip, Top int    // Top 0: 200; at most MaxChainSteps
	AlertID   string // only this alert, with the way to it
}

// Chain says why the alerts of an incident are together: which links hold it,
// which is the weakest of them, and which alerts no link holds. Alerts beyond
// the 10,000 first by activity are left out. CodeNotFound when the tenant has no
// such incident, or the alert is not in it.
func (c *Cases) Chain(ctx context.Context, incidentID int64, q ChainQuery) (out Chain, err error) {
	if q.Skip < 0 || q.Top < 0 || q.Top > MaxChainSteps {
		return out, tocsin.Errorf(tocsin.CodeInvalid, "a page of a chain has 1 to %d alerts", MaxChainSteps)
	}
	if q.Top == 0 {
		q.Top = 200
	}
	err = c.st.View(ctx, func(tx *store.Tx) error {
		inc, err := tx.Incident(incidentID)
		if err != nil {
			return err
		}
		g, err := loadChain(tx, incidentID)
		if err != nil {
			return err
		}
		out, err = g.page(q)
		out.Incident, out.Join = inc, c.policy.Join
		return err
	})
	return out, err
}

// chainGraph is the graph of links of one incident.
type chainGraph struct {
	rows  []store.ChainRow
	at    map[string]int // alert id -> index of rows
	edges []correlate.Edge
	links []*tocsin.Link // of edges; A of the edge keeps it
	came  map[string]origin
	correlate.Chain
	first  int   // of the incident; -1 when it has no alerts
	toward []int // of each alert the edge toward the first one
}

type origin struct {
	kind tocsin.RearrangeKind
	from int64
	by   tocsin.Actor
}

func loadChain(tx *store.Tx, incidentID int64) (*chainGraph, error) {
	rows, err := tx.ChainRows(incidentID, maxIncidentAlerts)
	if err != nil {
		return nil, err
	}
	done, err := tx.RearrangementsOf(incidentID, 200)
	if err != nil {
		return nil, err
	}
	g := &chainGraph{rows: rows, at: make(map[string]int, len(rows)), came: map[string]origin{}, first: -1}
	for i := range rows {
		g.at[rows[i].ID] = i
	}
	for i := range done { // the newest first
		if r := &done[i]; r.To == incidentID && r.Undone.IsZero() {
			for _, a := range r.Alerts {
				if _, ok := g.came[a.ID]; !ok {
					g.came[a.ID] = origin{r.Kind, r.From, r.Actor}
				}
			}
		}
	}
	kept := make([]int, len(rows))
	for i := range rows {
		for n := range rows[i].Links {
			l := &rows[i].Links[n]
			if to, ok := g.at[l.ToAlertID]; ok && to != i {
				g.edges = append(g.edges, correlate.Edge{A: i, B: to, Weight: correlate.WeightOf(l)})
				g.links = append(g.links, l)
				kept[i]++
			}
		}
	}
	g.Chain = correlate.ChainOf(len(rows), g.edges)
	// What came first opened: alerts that keep no link, by arrival, then activity.
	roots := make([]int, len(rows))
	for i := range roots {
		roots[i] = i
	}
	slices.SortStableFunc(roots, func(a, b int) int {
		return cmp.Or(cmp.Compare(min(kept[a], 1), min(kept[b], 1)), g.rank(a)-g.rank(b), rows[a].Created.Compare(rows[b].Created), a-b)
	})
	if len(roots) > 0 {
		g.first = roots[0]
	}
	g.toward = g.Toward(g.edges, roots)
	return g, nil
}

// rank puts what was always in the incident before what was brought into it.
func (g *chainGraph) rank(i int) int {
	if _, ok := g.came[g.rows[i].ID]; ok {
		return 1
	}
	return 0
}

func (g *chainGraph) alert(i int) ChainAlert {
	r := &g.rows[i]
	return ChainAlert{ID: r.ID, Title: r.Title, Severity: r.Severity, Category: r.Category, First: r.First}
}

func (g *chainGraph) link(e int) ChainLink {
	l := ChainLink{From: g.alert(g.edges[e].A), To: g.alert(g.edges[e].B), Link: *g.links[e], Alone: g.Bridge[e]}
	l.Weight = g.edges[e].Weight
	return l
}

// strongestFirst orders edges, ties by their number, so that it is always the
// same.
func (g *chainGraph) strongestFirst(edges []int) []int {
	slices.SortFunc(edges, func(a, b int) int { return cmp.Or(cmp.Compare(g.edges[b].Weight, g.edges[a].Weight), a-b) })
	return edges
}

func (g *chainGraph) someLinks(edges []int) (out []ChainLink) {
	for _, e := range edges[:min(len(edges), maxCutLinks)] {
		out = append(out, g.link(e))
	}
	return out
}

func (g *chainGraph) page(q ChainQuery) (out Chain, err error) {
	out.Links, out.Parts = len(g.edges), g.Parts
	own := make([][]int, len(g.rows)) // edges by the alert that keeps them
	for e := range g.edges {
		own[g.edges[e].A] = append(own[g.edges[e].A], e)
	}
	order := make([]int, 0, len(g.rows))
	if g.first >= 0 {
		order = append(order, g.first)
	}
	for i := range g.rows {
		if g.toward[i] < 0 {
			out.Unlinked++
		}
		if i != g.first {
			order = append(order, i)
		}
	}
	if g.Weakest >= 0 {
		out.Weakest = g.weakest()
	}
	if q.AlertID != "" {
		i, ok := g.at[q.AlertID]
		if !ok {
			return out, tocsin.Errorf(tocsin.CodeNotFound, "alert %s is not in this incident", q.AlertID)
		}
		out.Steps = []ChainStep{g.step(i, own[i])}
		for n := 0; n < maxPath; n++ {
			out.Path = append(out.Path, g.step(i, nil))
			e := g.toward[i]
			if e < 0 {
				break
			}
			i = g.edges[e].A + g.edges[e].B - i
		}
		slices.Reverse(out.Path)
		return out, nil
	}
	from, to := min(q.Skip, len(order)), min(q.Skip+q.Top, len(order))
	for _, i := range order[from:to] {
		out.Steps = append(out.Steps, g.step(i, own[i]))
	}
	out.More = to < len(order)
	return out, nil
}

func (g *chainGraph) step(i int, own []int) ChainStep {
	s := ChainStep{Alert: g.alert(i), Came: CameLinked, Part: g.Part[i]}
	if e := g.toward[i]; e >= 0 {
		l := g.link(e)
		s.Held = &l
	} else {
		s.Came = CameOpened
		o, brought := g.came[g.rows[i].ID]
		switch {
		case brought && o.kind == tocsin.RearrangeMerge:
			s.Came, s.From, s.By = CameMerged, o.from, o.by
		case brought && g.Part[i] != g.Part[g.first]:
			s.Came, s.From, s.By = CameMoved, o.from, o.by
		case g.rows[i].DetectionSource == tocsin.DetectionManual && i != g.first:
			s.Came = CameByHand
		}
	}
	for _, e := range g.strongestFirst(own) {
		if e != g.toward[i] {
			s.Also = append(s.Also, g.link(e))
		}
	}
	return s
}

func (g *chainGraph) weakest() *WeakLink {
	e := g.Weakest
	cut := correlate.MinCut(len(g.rows), g.edges, g.edges[e].A, g.edges[e].B)
	w := &WeakLink{ChainLink: g.link(e)}
	stays := g.sides(e, cut)
	w.Stay, w.Go = g.side(stays, true), g.side(stays, false)
	w.Also = g.someLinks(g.strongestFirst(slices.DeleteFunc(cut, func(o int) bool { return o == e })))
	return w
}

// sides tells which alerts stay when edges are cut for the sake of edge e: all
// but those that then hang on that end of e which is not with the first alert of
// its part.
func (g *chainGraph) sides(e int, cut []int) (stays []bool) {
	n, root := len(g.rows), g.edges[e].A
	for g.toward[root] >= 0 {
		t := g.edges[g.toward[root]]
		root = t.A + t.B - root
	}
	stays = correlate.Reach(n, g.edges, g.edges[e].A, cut)
	if stays[root] {
		stays = correlate.Reach(n, g.edges, g.edges[e].B, cut)
	}
	for i := range stays {
		stays[i] = !stays[i]
	}
	return stays
}

func (g *chainGraph) side(stays []bool, stay bool) (s ChainSide) {
	for i := range g.rows {
		if stays[i] == stay {
			s.Count++
			if len(s.Alerts) < maxSideAlerts {
				s.Alerts = append(s.Alerts, g.alert(i))
			}
		}
	}
	return s
}
