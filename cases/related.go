package cases

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// RelatedIncident is a relation with the incident that it leads to, without
// alerts and comments.
type RelatedIncident struct {
	tocsin.Related
	Incident tocsin.Incident
}

// RelatedIncidents are those that an incident is related to, what people said
// first, then the newest, at most tocsin.MaxRelated. An incident that was merged
// into another is shown as that one, and has handed on what it was related to.
func (c *Cases) RelatedIncidents(ctx context.Context, id int64) (out []RelatedIncident, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		out = nil
		if _, err := tx.Incident(id); err != nil {
			return err
		}
		here, err := tx.MergedInto(id)
		if err != nil {
			return err
		}
		here = append([]int64{id}, here...)
		var all []tocsin.Related
		for _, from := range here {
			some, err := tx.RelatedTo(from)
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		slices.SortStableFunc(all, func(a, b tocsin.Related) int {
			if p, q := a.Basis == tocsin.RelatedByPeople, b.Basis == tocsin.RelatedByPeople; p != q {
				if p {
					return -1
				}
				return 1
			}
			return b.At.Compare(a.At)
		})
		for _, r := range all {
			if len(out) >= tocsin.MaxRelated {
				break
			}
			inc, err := standsNow(tx, r.IncidentID)
			if err != nil {
				return err
			}
			if inc.ID == 0 || slices.Contains(here, inc.ID) || slices.ContainsFunc(out, func(x RelatedIncident) bool { return x.Incident.ID == inc.ID }) {
				continue
			}
			if tx.Limited() && r.Basis != tocsin.RelatedByPeople {
				r.Sentence, r.AlertID = "", "" // they may name what is not to be seen
			}
			out = append(out, RelatedIncident{r, inc})
		}
		return nil
	})
	return out, err
}

// standsNow is an incident, or the one that it was merged into; of number 0 when
// the principal may not see it.
func standsNow(tx *store.Tx, id int64) (tocsin.Incident, error) {
	for range 100 {
		found, err := tx.IncidentsByID([]int64{id})
		if err != nil || len(found) == 0 {
			return tocsin.Incident{}, err
		}
		if found[0].Status != tocsin.IncidentRedirected {
			return found[0], nil
		}
		id = found[0].RedirectID
	}
	return tocsin.Incident{}, nil
}

// Relate says that two incidents have to do with each other, and why; they stay
// two. Both have it in their record. What correlation said about them gives way.
func (c *Cases) Relate(ctx context.Context, a, b int64, reason string) error {
	reason = strings.TrimSpace(strings.ToValidUTF8(reason, "\uFFFD"))
	switch {
	case a == b:
		return tocsin.Errorf(tocsin.CodeInvalid, "an incident cannot be related to itself")
	case reason == "":
		return tocsin.Errorf(tocsin.CodeInvalid, "say why they are related")
	case utf8.RuneCountInString(reason) > tocsin.MaxRelatedRunes:
		return tocsin.Errorf(tocsin.CodeLimit, "the reason takes at most %d characters", tocsin.MaxRelatedRunes)
	}
	return c.st.Update(ctx, func(tx *store.Tx) error {
		r := tocsin.Related{Basis: tocsin.RelatedByPeople, Reason: reason, By: tx.Principal().Actor(), At: tx.Now()}
		return c.both(tx, a, b, func(inc *tocsin.Incident, other int64) tocsin.Change {
			return tocsin.Change{Kind: "related", After: object("incident", other, "reason", reason),
				Summary: fmt.Sprintf("Related to incident %d: %s", other, reason)}
		}, func() error {
			_, err := tx.Relate(a, b, r)
			return err
		})
	})
}

// Unrelate takes a relation away, also one that correlation found, which does
// not bring it back. CodeNotFound when there is none. What two incidents were
// told before others were merged into them is taken away with it.
func (c *Cases) Unrelate(ctx context.Context, a, b int64) error {
	return c.st.Update(ctx, func(tx *store.Tx) error {
		var was *tocsin.Related
		for _, pair := range [][2]int64{{a, b}, {b, a}} {
			if _, err := tx.Incident(pair[0]); err != nil {
				return err
			}
		}
		left, err := tx.MergedInto(a)
		if err != nil {
			return err
		}
		right, err := tx.MergedInto(b)
		if err != nil {
			return err
		}
		return c.both(tx, a, b, func(inc *tocsin.Incident, other int64) tocsin.Change {
			return tocsin.Change{Kind: "unrelated", Before: object("incident", other, "basis", was.Basis, "reason", was.Reason),
				Summary: fmt.Sprintf("No longer related to incident %d", other)}
		}, func() error {
			for _, x := range append(left, a) {
				for _, y := range append(right, b) {
					r, err := tx.Unrelate(x, y)
					if err != nil {
						return err
					}
					if r != nil {
						was = r
					}
				}
			}
			if was == nil {
				return tocsin.Errorf(tocsin.CodeNotFound, "incidents %d and %d are not related", a, b)
			}
			return nil
		})
	})
}

// both does something to two incidents and writes a line for each.
func (c *Cases) both(tx *store.Tx, a, b int64, line func(inc *tocsin.Incident, other int64) tocsin.Change, do func() error) error {
	if err := tx.RequireWhole(a, b); err != nil {
		return err
	}
	var incs []tocsin.Incident
	for _, id := range []int64{a, b} {
		inc, err := tx.Incident(id)
		if err == nil {
			err = inc.CheckMove(inc.Status)
		}
		if err != nil {
			return err
		}
		incs = append(incs, inc)
	}
	if err := do(); err != nil {
		return err
	}
	for i := range incs {
		if err := c.save(tx, &incs[i], []tocsin.Change{line(&incs[i], incs[1-i].ID)}); err != nil {
			return err
		}
	}
	return nil
}

// relate notes which incidents an alert has to do with and does not join. Like
// the links of an alert that is no change of an incident, so it is not in the
// record, and the other incident is not touched.
func (b *batch) relate(in *arrival, incident int64, d *correlate.Decision) error {
	near := map[int64]bool{}
	for i := range d.Near {
		n := &d.Near[i]
		near[n.IncidentID] = true
		if err := b.relateTo(in, incident, n.IncidentID, func() tocsin.Related {
			reason, link := n.Say()
			r := tocsin.Related{Basis: tocsin.RelatedWeak, Reason: reason, Sentence: link.Sentence, Weight: n.Weight}
			if n.Forbidden {
				r.Basis = tocsin.RelatedForbidden
			}
			return r
		}); err != nil {
			return err
		}
	}
	for _, refused := range d.Refused {
		if near[refused.IncidentID] {
			continue // it said so already, with the evidence
		}
		if err := b.relateTo(in, incident, refused.IncidentID, func() tocsin.Related {
			return tocsin.Related{Basis: tocsin.RelatedForbidden, Reason: "not merged: " + refused.Reason, Sentence: d.Why}
		}); err != nil {
			return err
		}
	}
	return nil
}

// relateTo relates two incidents once in a batch.
func (b *batch) relateTo(in *arrival, incident, other int64, say func() tocsin.Related) error {
	pair := [2]int64{min(incident, other), max(incident, other)}
	if pair[0] == pair[1] || b.related[pair] {
		return nil
	}
	if b.related == nil {
		b.related = map[[2]int64]bool{}
	}
	b.related[pair] = true
	r := say()
	r.By, r.At, r.AlertID = correlation, b.tx.Now(), in.a.ID
	_, err := b.tx.Relate(pair[0], pair[1], r)
	return err
}
