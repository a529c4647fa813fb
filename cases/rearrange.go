package cases

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// MergeIncidents merges two to MaxMerged open incidents into one of them: the
// one with an owner, else the largest, else the oldest, so that most stays
// where people know it. Incidents about which people decided different things
// (owner, classification, determination) are an error of CodeConflict that
// names what differs, and nothing changes. It returns the target and what was
// done, which Undo takes back.
func (c *Cases) MergeIncidents(ctx context.Context, ids []int64, why string, reasons []string) (target int64, done []tocsin.Rearrangement, err error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) < 2 || len(ids) > tocsin.MaxMerged {
		return 0, nil, tocsin.Errorf(tocsin.CodeInvalid, "2 to %d incidents can be merged at once, not %d", tocsin.MaxMerged, len(ids))
	}
	if why, err = checkWhy(why); err != nil {
		return 0, nil, err
	}
	for _, r := range reasons {
		if !slices.Contains(tocsin.MergeReasons, r) {
			return 0, nil, tocsin.Errorf(tocsin.CodeInvalid, "unknown reason %q for a merge", r)
		}
	}
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		if err := tx.RequireWhole(ids...); err != nil {
			return err
		}
		defer tx.AsEngine()()
		b := newBatch(c, tx)
		b.actor = tx.Principal().Actor()
		done = nil
		var all []correlate.Candidate
		for _, id := range ids {
			oi, err := b.incident(id)
			if err != nil {
				return err
			}
			if err := oi.inc.CheckMove(oi.inc.Status); err != nil {
				return err
			}
			cand, open := b.candidate(id)
			if !open {
				return tocsin.Errorf(tocsin.CodeConflict, "incident %d is resolved; a resolved incident is not merged", id)
			}
			all = append(all, cand)
		}
		set, err := c.settings(tx)
		if err != nil {
			return err
		}
		if err := mergeable(all, set.policy.MaxAlerts); err != nil {
			return err
		}
		keep := b.incidents[slices.MaxFunc(all, func(x, y correlate.Candidate) int { return correlate.Keep(&x, &y) }).IncidentID]
		if err := b.count(keep); err != nil {
			return err
		}
		for _, id := range ids {
			oi := b.incidents[id]
			if oi == keep {
				continue
			}
			// A person who merges what was parted has thought again.
			if err := tx.SetApart(keep.inc.ID, oi.inc.ID, false); err != nil {
				return err
			}
			r := tocsin.Rearrangement{Why: why, Reasons: reasons}
			if _, err := b.merge(keep, oi, &r); err != nil {
				return fmt.Errorf("merge incident %d into %d: %w", oi.inc.ID, keep.inc.ID, err)
			}
			done = append(done, r)
		}
		target = keep.inc.ID
		return b.finish()
	})
	return target, done, err
}

// mergeable tells which decisions of people forbid a merge, all of them, and
// whether it would be too large.
func mergeable(all []correlate.Candidate, most int) error {
	var differ []string
	n := 0
	for i := range all {
		n += all[i].AlertCount
		for j := range i {
			for _, on := range correlate.Differ(&all[j], &all[i]) {
				if !slices.Contains(differ, on) {
					differ = append(differ, on)
				}
			}
		}
	}
	if differ != nil {
		return tocsin.Errorf(tocsin.CodeConflict, "the incidents differ in what people decided about them: %s; make it equal first", strings.Join(differ, ", "))
	}
	if n > most {
		return tocsin.Errorf(tocsin.CodeConflict, "together they would have %d alerts; an incident is merged up to %d", n, most)
	}
	return nil
}

func checkWhy(why string) (string, error) {
	why = strings.TrimSpace(strings.ToValidUTF8(why, "\uFFFD"))
	if utf8.RuneCountInString(why) > tocsin.MaxCommentRunes {
		return "", tocsin.Errorf(tocsin.CodeLimit, "a reason takes at most %d characters", tocsin.MaxCommentRunes)
	}
	return why, nil
}

// settle counts an incident again after alerts came or went, and writes it.
func (c *Cases) settle(tx *store.Tx, inc *tocsin.Incident, lines []tocsin.Change) error {
	if err := tx.RenewNames(inc.ID); err != nil {
		return err
	}
	t, err := loadTally(tx, inc.ID)
	if err != nil {
		return err
	}
	t.apply(inc)
	return c.save(tx, inc, lines)
}

// Undo takes a merge or a move back: what moved and is still where it went goes
// back, an incident that had become a signpost stands again as it was, and what
// the target had taken over from it and nobody changed since is given back.
// What people did meanwhile stays. The engine will not join the two again. A
// rearrangement that was undone, or whose target was merged on, is an error of
// CodeConflict.
func (c *Cases) Undo(ctx context.Context, id int64) (r tocsin.Rearrangement, err error) {
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		if r, err = tx.Rearrangement(id); err != nil {
			return err
		}
		if !r.Undone.IsZero() {
			return tocsin.Errorf(tocsin.CodeConflict, "this %s was undone already", r.Kind)
		}
		// Who is shown a merge or a move sees both incidents in whole; the one
		// that was emptied has no alert by which it could be seen.
		defer tx.AsEngine()()
		to, err := tx.Incident(r.To)
		if err != nil {
			return err
		}
		if err := to.CheckMove(to.Status); err != nil {
			return tocsin.Errorf(tocsin.CodeConflict, "incident %d was merged into incident %d meanwhile; undo that first", to.ID, to.RedirectID)
		}
		from, err := tx.Incident(r.From)
		if err != nil {
			return err
		}
		switch {
		case r.Emptied && (from.Status != tocsin.IncidentRedirected || from.RedirectID != r.To):
			return tocsin.Errorf(tocsin.CodeConflict, "incident %d does not lead to incident %d any more", r.From, r.To)
		case !r.Emptied && from.Status == tocsin.IncidentRedirected:
			return tocsin.Errorf(tocsin.CodeConflict, "incident %d was merged into incident %d meanwhile; undo that first", from.ID, from.RedirectID)
		}
		r.Undone = tx.Now()
		return c.undo(tx, &r, &from, &to)
	})
	return r, err
}

func (c *Cases) undo(tx *store.Tx, r *tocsin.Rearrangement, from, to *tocsin.Incident) error {
	back := int64(0)
	for _, a := range r.Alerts {
		now, err := tx.Alert(a.ID)
		if err != nil {
			return err
		}
		if now.IncidentID != r.To {
			continue // somebody moved it on
		}
		owner := now.AssignedTo
		if owner == r.ToAfter.AssignedTo {
			owner = a.AssignedTo
		}
		if _, err := tx.MoveAlert(a.ID, r.To, r.From, owner); err != nil {
			return err
		}
		back++
	}
	for _, id := range r.Tasks {
		if err := tx.MoveTask(id, r.To, r.From); err != nil {
			return err
		}
	}
	for _, id := range r.Comments {
		if err := tx.MoveComment(id, r.To, r.From); err != nil {
			return err
		}
	}
	if r.Emptied {
		from.Status, from.RedirectID = r.FromBefore.Status, 0
		from.SystemTags = slices.DeleteFunc(slices.Clone(from.SystemTags), func(t string) bool { return t == "Redirected" })
	}
	owned := to.AssignedTo
	was := *to
	giveBack(to, r)
	lost, got := takenOver(&was, to)
	if to.AssignedTo != owned {
		if _, err := tx.AssignAlerts(to.ID, to.AssignedTo); err != nil {
			return err
		}
	}
	what, kind := "merge", "unmerged"
	if r.Kind != tocsin.RearrangeMerge {
		what, kind = string(r.Kind), string(r.Kind)+"Undone"
	}
	number := strconv.FormatInt(r.ID, 10)
	if err := tx.SetApart(r.From, r.To, true); err != nil {
		return err
	}
	left, err := tx.AlertsIn(to.ID)
	if err != nil {
		return err
	}
	gone := tocsin.Change{Kind: kind, Before: object(append(lost, "alertCount", to.AlertCount)...), After: object(append(got, "rearrangement", number, "from", r.From, "alerts", back)...),
		Summary: fmt.Sprintf("The %s of incident %d into this one was undone: %s went back", what, r.From, plural(back, "alert"))}
	if len(left) == 0 {
		// It was made for the alerts that went back; what people said of it goes
		// with them.
		said, err := tx.CommentsIn(to.ID)
		if err != nil {
			return err
		}
		for _, id := range said {
			if err := tx.MoveComment(id, to.ID, from.ID); err != nil {
				return err
			}
		}
		to.Status, to.RedirectID = tocsin.IncidentRedirected, r.From
		to.SystemTags = append(to.SystemTags, "Redirected")
		if err := c.save(tx, to, []tocsin.Change{gone}); err != nil {
			return err
		}
	} else if err := c.settle(tx, to, []tocsin.Change{gone}); err != nil {
		return err
	}
	here := tocsin.Change{Kind: kind, Before: object("status", tocsin.IncidentRedirected), After: object("rearrangement", number, "status", from.Status, "alerts", back),
		Summary: fmt.Sprintf("The %s into incident %d was undone: %s came back", what, r.To, plural(back, "alert"))}
	if !r.Emptied {
		here.Before = object("alertCount", from.AlertCount)
	}
	if err := c.settle(tx, from, []tocsin.Change{here}); err != nil {
		return err
	}
	return tx.SetUndone(r.ID)
}

// giveBack undoes takeOver where nobody changed the property since.
func giveBack(to *tocsin.Incident, r *tocsin.Rearrangement) {
	was, is := r.ToBefore, r.ToAfter
	if to.AssignedTo == is.AssignedTo {
		to.AssignedTo = was.AssignedTo
	}
	if to.Classification == is.Classification && to.Determination == is.Determination {
		to.Classification, to.Determination = was.Classification, was.Determination
	}
	if to.Status == is.Status {
		to.Status = was.Status
	}
	if to.SeverityManual == is.SeverityManual && to.Severity == is.Severity {
		to.Severity, to.SeverityManual = was.Severity, was.SeverityManual
	}
	if was.Renamed && !to.Renamed { // nobody named it again
		to.DisplayName, to.Renamed = was.DisplayName, true
	}
	if to.Description == is.Description {
		to.Description = was.Description
	}
	if to.Summary == is.Summary {
		to.Summary = was.Summary
	}
	back := func(have, was, is []string) []string {
		return slices.DeleteFunc(slices.Clone(have), func(t string) bool { return slices.Contains(is, t) && !slices.Contains(was, t) })
	}
	to.CustomTags, to.SystemTags = back(to.CustomTags, was.CustomTags, is.CustomTags), back(to.SystemTags, was.SystemTags, is.SystemTags)
}

// Rearrangements are the merges and moves into and out of an incident, newest
// first.
func (c *Cases) Rearrangements(ctx context.Context, incidentID int64) (out []tocsin.Rearrangement, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if _, err := tx.Incident(incidentID); err != nil {
			return err
		}
		out, err = tx.RearrangementsOf(incidentID, 200)
		return err
	})
	return out, err
}

// Part keeps two incidents apart whatever the engine finds, or with apart false
// leaves it to the engine again.
func (c *Cases) Part(ctx context.Context, a, b int64, apart bool) error {
	if a == b {
		return tocsin.Errorf(tocsin.CodeInvalid, "an incident cannot be parted from itself")
	}
	return c.st.Update(ctx, func(tx *store.Tx) error {
		if err := tx.RequireWhole(a, b); err != nil {
			return err
		}
		for _, pair := range [][2]int64{{a, b}, {b, a}} {
			inc, err := tx.Incident(pair[0])
			if err != nil {
				return err
			}
			if err := inc.CheckMove(inc.Status); err != nil {
				return err
			}
			what := "Kept apart from"
			if !apart {
				what = "No longer kept apart from"
			}
			ch := tocsin.Change{Kind: "parted", Before: object("apart", !apart), After: object("apart", apart, "incident", pair[1]), Summary: fmt.Sprintf("%s incident %d", what, pair[1])}
			if err := c.save(tx, &inc, []tocsin.Change{ch}); err != nil {
				return err
			}
		}
		return tx.SetApart(a, b, apart)
	})
}
