package cases

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// Move is what a person asks for who moves alerts.
type Move struct {
	Alerts []string // 1 to MaxMoved
	To     int64    // 0: a new incident, named from them
	Why    string
	// Reasons say what they have to do with the incident that they go to, in
	// correlation's words.
	Reasons []string
	// WrongReasons and Irrelevant say which reasons for their having been where
	// they were are wrong, and which entities mean nothing there. They are kept
	// with the move, at most maxFeedback each.
	WrongReasons []tocsin.CorrelationReason
	Irrelevant   []tocsin.LinkedThing
}

// maxFeedback is how many wrong reasons, and how many irrelevant entities, are
// kept with a move.
const maxFeedback = 50

func (m *Move) check() (err error) {
	m.Alerts = slices.Clone(m.Alerts)
	slices.Sort(m.Alerts)
	m.Alerts = slices.Compact(m.Alerts)
	if len(m.Alerts) == 0 || len(m.Alerts) > tocsin.MaxMoved {
		return tocsin.Errorf(tocsin.CodeInvalid, "1 to %d alerts can be moved at once, not %d", tocsin.MaxMoved, len(m.Alerts))
	}
	if m.Why, err = checkWhy(m.Why); err != nil {
		return err
	}
	for _, r := range m.Reasons {
		if !slices.Contains(tocsin.CorrelationReasons, tocsin.CorrelationReason(r)) {
			return tocsin.Errorf(tocsin.CodeInvalid, "unknown correlation reason %q", r)
		}
	}
	return checkFeedback(m.WrongReasons, m.Irrelevant)
}

func checkFeedback(wrong []tocsin.CorrelationReason, irrelevant []tocsin.LinkedThing) error {
	if len(wrong) > maxFeedback || len(irrelevant) > maxFeedback {
		return tocsin.Errorf(tocsin.CodeLimit, "at most %d wrong reasons and %d irrelevant entities can be named", maxFeedback, maxFeedback)
	}
	for _, r := range wrong {
		if !slices.Contains(tocsin.CorrelationReasons, r) {
			return tocsin.Errorf(tocsin.CodeInvalid, "unknown correlation reason %q", r)
		}
	}
	for _, t := range irrelevant {
		if k := tocsin.ParseEntityKey(t.Key); k.IsZero() || k.Type == "" || len(t.Key) > maxKeyBytes || len(t.Name) > maxKeyBytes {
			return tocsin.Errorf(tocsin.CodeInvalid, "an irrelevant entity is named by its key, of at most %d bytes", maxKeyBytes)
		}
	}
	return nil
}

const maxKeyBytes = 2000

// MoveAlerts moves alerts into another open incident, or with to 0 into a new
// one that is named from them. The incidents that gave are counted again; one
// that has no alert left becomes a signpost to the taker. The engine will not
// join what was parted so. It returns the taker and what was done, one
// rearrangement for each incident that gave, which Undo takes back.
func (c *Cases) MoveAlerts(ctx context.Context, alerts []string, to int64, why string) (taker int64, done []tocsin.Rearrangement, err error) {
	return c.Move(ctx, Move{Alerts: alerts, To: to, Why: why})
}

// Move is MoveAlerts with what the mover says about why they had been together.
func (c *Cases) Move(ctx context.Context, q Move) (taker int64, done []tocsin.Rearrangement, err error) {
	if err := q.check(); err != nil {
		return 0, nil, err
	}
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		m := mover{c: c, tx: tx, from: map[int64][]tocsin.Alert{}, like: tocsin.Rearrangement{Kind: tocsin.RearrangeMove, Why: q.Why,
			Reasons: q.Reasons, WrongReasons: q.WrongReasons, Irrelevant: q.Irrelevant}}
		for _, id := range q.Alerts {
			a, err := tx.Alert(id)
			if err != nil {
				return err
			}
			if a.IncidentID == q.To {
				return tocsin.Errorf(tocsin.CodeConflict, "alert %s is in incident %d already", id, q.To)
			}
			if _, ok := m.from[a.IncidentID]; !ok {
				m.order = append(m.order, a.IncidentID)
			}
			m.from[a.IncidentID] = append(m.from[a.IncidentID], a)
		}
		slices.Sort(m.order)
		if err := tx.RequireWhole(m.order...); err != nil {
			return err
		}
		if q.To != 0 {
			if err := tx.RequireWhole(q.To); err != nil {
				return err
			}
		}
		defer tx.AsEngine()()
		var err error
		taker, done, err = m.run(q.To)
		return err
	})
	return taker, done, err
}

// mover is one move or split while it runs.
type mover struct {
	c     *Cases
	tx    *store.Tx
	like  tocsin.Rearrangement // what each rearrangement says beside what moved
	held  int                  // alerts of the taker so far
	from  map[int64][]tocsin.Alert
	order []int64
}

func (m *mover) run(to int64) (int64, []tocsin.Rearrangement, error) {
	tx := m.tx
	var dst tocsin.Incident
	var err error
	fresh := to == 0
	if fresh {
		t := newTally()
		for _, id := range m.order {
			for i := range m.from[id] {
				t.add(digestOf(&m.from[id][i]), m.from[id][i].Active())
			}
		}
		dst = tocsin.Incident{Status: tocsin.IncidentActive, Classification: tocsin.ClassUnknown, Determination: tocsin.DetUnknown, Created: tx.Now(), LastUpdate: tx.Now()}
		t.apply(&dst)
		err = tx.CreateIncident(&dst)
	} else if dst, err = tx.Incident(to); err == nil {
		if err = dst.CheckMove(dst.Status); err == nil && !dst.Open() {
			err = tocsin.Errorf(tocsin.CodeConflict, "incident %d is resolved; open it again first", to)
		}
	}
	if err != nil {
		return 0, nil, err
	}
	if !fresh {
		m.held = dst.AlertCount
	}
	var done []tocsin.Rearrangement
	var lines []tocsin.Change
	for _, id := range m.order {
		r, line, err := m.give(id, &dst, fresh)
		if err != nil {
			return 0, nil, err
		}
		done, lines = append(done, r), append(lines, line)
	}
	if fresh {
		what := "Opened for alerts that were moved"
		if m.like.Kind == tocsin.RearrangeSplit {
			what = fmt.Sprintf("Opened by splitting incident %d", m.order[0])
		}
		lines = append([]tocsin.Change{{Kind: "created", Summary: sentence(what, m.like.Why),
			After: object("displayName", dst.DisplayName, "severity", dst.Severity, "status", dst.Status)}}, lines...)
	}
	if err := m.c.settle(tx, &dst, lines); err != nil {
		return 0, nil, err
	}
	for i := range done {
		done[i].ToAfter = standing(dst)
		if err := tx.PutRearrangement(&done[i]); err != nil {
			return 0, nil, err
		}
	}
	return dst.ID, done, nil
}

// give moves the chosen alerts of one incident.
func (m *mover) give(id int64, dst *tocsin.Incident, fresh bool) (r tocsin.Rearrangement, line tocsin.Change, err error) {
	tx := m.tx
	src, err := tx.Incident(id)
	if err != nil {
		return r, line, err
	}
	if err := src.CheckMove(src.Status); err != nil {
		return r, line, err
	}
	r = m.like
	r.Actor, r.From, r.To, r.Created = tx.Principal().Actor(), src.ID, dst.ID, fresh
	r.FromBefore, r.ToBefore = standing(src), standing(*dst)
	var titles []string
	for i := range m.from[id] {
		a := &m.from[id][i]
		owner := a.AssignedTo
		if dst.AssignedTo != "" {
			owner = dst.AssignedTo
		}
		if _, err := tx.MoveAlert(a.ID, src.ID, dst.ID, owner); err != nil {
			return r, line, err
		}
		r.Alerts = append(r.Alerts, tocsin.MovedAlert{ID: a.ID, AssignedTo: a.AssignedTo})
		if len(titles) < 3 {
			titles = append(titles, "“"+a.Title+"”")
		}
	}
	if err := tx.SetApart(src.ID, dst.ID, true); err != nil {
		return r, line, err
	}
	what := plural(int64(len(r.Alerts)), "alert")
	if len(r.Alerts) <= 3 {
		what = "Alert " + strings.Join(titles, ", ")
	}
	left, err := tx.AlertsIn(src.ID)
	if err != nil {
		return r, line, err
	}
	out, line := m.lines(&r, &src, dst, what, len(left))
	if len(left) == 0 {
		r.Emptied = true
		src.Status, src.RedirectID = tocsin.IncidentRedirected, dst.ID
		src.SystemTags = append(src.SystemTags, "Redirected")
		err = m.c.save(tx, &src, []tocsin.Change{out})
		if err == nil {
			err = tx.SetApart(src.ID, dst.ID, false)
		}
	} else {
		err = m.c.settle(tx, &src, []tocsin.Change{out})
	}
	return r, line, err
}

// lines say in the record of both incidents what went from one to the other.
func (m *mover) lines(r *tocsin.Rearrangement, src, dst *tocsin.Incident, what string, left int) (out, in tocsin.Change) {
	n := len(r.Alerts)
	out = tocsin.Change{Kind: "alertsMovedOut", Summary: sentence(fmt.Sprintf("%s moved to incident %d, “%s”", what, dst.ID, dst.DisplayName), r.Why)}
	in = tocsin.Change{Kind: "alertsMovedIn", Summary: sentence(fmt.Sprintf("%s moved here from incident %d, “%s”", what, src.ID, src.DisplayName), r.Why)}
	if r.Kind == tocsin.RearrangeSplit {
		out.Kind, in.Kind = "split", "splitOff"
		out.Summary = sentence(fmt.Sprintf("Split: %s became incident %d, “%s”", what, dst.ID, dst.DisplayName), r.Why)
		in.Summary = sentence(fmt.Sprintf("Split off from incident %d, “%s”: %s", src.ID, src.DisplayName, what), r.Why)
	}
	pairs := []any{"alerts", n}
	if r.Cut != nil {
		pairs = append(pairs, "cut", r.Cut)
	}
	if len(r.WrongReasons) > 0 {
		pairs = append(pairs, "wrongReasons", r.WrongReasons)
	}
	if len(r.Irrelevant) > 0 {
		pairs = append(pairs, "irrelevantEntities", r.Irrelevant)
	}
	out.Before, out.After = object("alertCount", left+n), object(append(slices.Clone(pairs), "alertCount", left, "to", dst.ID)...)
	in.Before, in.After = object("alertCount", m.held), object(append(pairs, "alertCount", m.held+n, "from", src.ID)...)
	m.held += n
	return out, in
}
