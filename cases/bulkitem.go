package cases

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// managed is what a bulk change can set of a thing; nil: it did not change.
type managed struct {
	Status           *string                `json:"status,omitempty"`
	Severity         *tocsin.Severity       `json:"severity,omitempty"`
	SeverityManual   *bool                  `json:"severityManual,omitempty"`
	AssignedTo       *string                `json:"assignedTo,omitempty"`
	Classification   *tocsin.Classification `json:"classification,omitempty"`
	Determination    *tocsin.Determination  `json:"determination,omitempty"`
	ResolvingComment *string                `json:"resolvingComment,omitempty"`
}

// kept is what an item keeps so that it can be undone.
type kept struct {
	Before      managed  `json:"before"`
	After       managed  `json:"after"`
	TagsAdded   []string `json:"tagsAdded,omitempty"`
	TagsRemoved []string `json:"tagsRemoved,omitempty"`
	Commented   bool     `json:"commented,omitempty"`
	// Alerts are those that the incident's change reached, as they stood before
	// but for the version, which is the one after it.
	Alerts []store.AlertStand `json:"alerts,omitempty"`
}

func differ[T comparable](before, after T, toBefore, toAfter **T) {
	if before != after {
		*toBefore, *toAfter = &before, &after
	}
}

func keepIncident(was, is *tocsin.Incident) (k kept) {
	differ(string(was.Status), string(is.Status), &k.Before.Status, &k.After.Status)
	differ(was.AssignedTo, is.AssignedTo, &k.Before.AssignedTo, &k.After.AssignedTo)
	differ(was.ResolvingComment, is.ResolvingComment, &k.Before.ResolvingComment, &k.After.ResolvingComment)
	if was.Severity != is.Severity || was.SeverityManual != is.SeverityManual {
		k.Before.Severity, k.After.Severity = &was.Severity, &is.Severity
		k.Before.SeverityManual, k.After.SeverityManual = &was.SeverityManual, &is.SeverityManual
	}
	keepVerdict(&k, was.Classification, is.Classification, was.Determination, is.Determination)
	k.TagsAdded, k.TagsRemoved = missing(is.CustomTags, was.CustomTags), missing(was.CustomTags, is.CustomTags)
	return k
}

func keepVerdict(k *kept, wasC, isC tocsin.Classification, wasD, isD tocsin.Determination) {
	if wasC != isC || wasD != isD {
		k.Before.Classification, k.After.Classification = &wasC, &isC
		k.Before.Determination, k.After.Determination = &wasD, &isD
	}
}

// change makes the asked change of one thing.
func (r *bulkRun) change(it *tocsin.BulkItem) error {
	if r.b.Noun == "alert" {
		return r.changeAlert(it)
	}
	id, err := strconv.ParseInt(it.ItemID, 10, 64)
	if err != nil {
		return tocsin.Errorf(tocsin.CodeInvalid, "%q is no number of an incident", it.ItemID)
	}
	inc, err := r.tx.Incident(id)
	if err != nil {
		return err
	}
	ch, was := &r.b.Change, inc
	u := IncidentUpdate{Severity: ch.Severity, AssignedTo: ch.AssignedTo, Classification: ch.Classification, Determination: ch.Determination, ResolvingComment: ch.ResolvingComment}
	if ch.Status != nil {
		u.Status = (*tocsin.IncidentStatus)(ch.Status)
	}
	if len(ch.AddTags)+len(ch.RemoveTags) > 0 {
		tags := withTags(inc.CustomTags, ch.AddTags, ch.RemoveTags)
		u.CustomTags = &tags
	}
	var stands []store.AlertStand
	if u.AssignedTo != nil || u.Status != nil && *u.Status == tocsin.IncidentResolved {
		if stands, err = r.tx.AlertStands(id); err != nil {
			return err
		}
	}
	var e edit
	err = r.tx.Try(func() error {
		e = edit{}
		if err := applyIncident(r.tx, &inc, u, &e); err != nil {
			return err
		}
		return r.say(&e, id, "")
	})
	if err != nil {
		return err
	}
	if len(e.lines) == 0 {
		it.State = tocsin.BulkUnchanged
		return nil
	}
	k := keepIncident(&was, &inc)
	k.Commented = ch.Comment != ""
	k.Alerts = reached(stands, &was, &inc)
	it.State = tocsin.BulkChanged
	if it.Undo, err = json.Marshal(k); err != nil {
		return fmt.Errorf("encode what was changed: %w", err)
	}
	return r.c.save(r.tx, &inc, r.mark(e.lines))
}

// say adds the comment of the bulk change.
func (r *bulkRun) say(e *edit, incident int64, alert string) error {
	if r.b.Change.Comment == "" {
		return nil
	}
	cm, err := comment(r.tx, r.b.Change.Comment)
	if err != nil {
		return err
	}
	e.line("commented", "Commented", nil, object("comment", cm.Text))
	return r.tx.AddComment(incident, alert, cm)
}

// reached are the alerts that assigning and resolving an incident changed, with
// the version that they have now.
func reached(stands []store.AlertStand, was, is *tocsin.Incident) (out []store.AlertStand) {
	for _, a := range stands {
		v := a.Version
		if was.AssignedTo != is.AssignedTo && a.AssignedTo != is.AssignedTo {
			v++
		}
		if was.Status != is.Status && is.Status == tocsin.IncidentResolved && a.Status != string(tocsin.AlertResolved) {
			v++
		}
		if v != a.Version {
			a.Version = v
			out = append(out, a)
		}
	}
	return out
}

// withTags adds and removes tags, whatever their case.
func withTags(have, add, remove []string) []string {
	out := slices.DeleteFunc(slices.Clone(have), func(t string) bool {
		return slices.ContainsFunc(remove, func(r string) bool { return strings.EqualFold(r, t) })
	})
	for _, t := range add {
		if !slices.ContainsFunc(out, func(h string) bool { return strings.EqualFold(h, t) }) {
			out = append(out, t)
		}
	}
	return out
}

func (r *bulkRun) changeAlert(it *tocsin.BulkItem) error {
	ch := &r.b.Change
	u := AlertUpdate{AssignedTo: ch.AssignedTo, Classification: ch.Classification, Determination: ch.Determination}
	if ch.Status != nil {
		u.Status = (*tocsin.AlertStatus)(ch.Status)
	}
	k, changed, err := r.editAlert(it.ItemID, func(*tocsin.Alert) (AlertUpdate, error) { return u, nil })
	if err != nil || !changed {
		it.State = tocsin.BulkUnchanged
		return err
	}
	it.State = tocsin.BulkChanged
	if it.Undo, err = json.Marshal(k); err != nil {
		return fmt.Errorf("encode what was changed: %w", err)
	}
	return nil
}

// editAlert changes an alert; its incident is told at the end of the
// transaction.
func (r *bulkRun) editAlert(id string, update func(*tocsin.Alert) (AlertUpdate, error)) (k kept, changed bool, err error) {
	a, err := r.tx.Alert(id)
	if err == nil {
		err = r.tx.RequireWhole(a.IncidentID) // its incident is counted and written
	}
	if err != nil {
		return k, false, err
	}
	o := r.owed[a.IncidentID]
	if o == nil {
		o = &owing{}
		if o.inc, err = r.tx.Incident(a.IncidentID); err != nil {
			return k, false, err
		}
	}
	if err := o.inc.CheckMove(o.inc.Status); err != nil {
		return k, false, err
	}
	u, err := update(&a)
	if err != nil {
		return k, false, err
	}
	was := a
	var e edit
	if err := r.tx.Try(func() error {
		e = edit{}
		if err := applyAlert(r.tx, &a, u, &e); err != nil {
			return err
		}
		return r.say(&e, a.IncidentID, id)
	}); err != nil || len(e.lines) == 0 {
		return k, false, err
	}
	told, err := r.c.putAlert(r.tx, &a, r.mark(e.lines))
	if err != nil {
		return k, false, err
	}
	if r.owed[a.IncidentID] == nil {
		r.owed[a.IncidentID] = o
		r.order = append(r.order, a.IncidentID)
	}
	o.lines = append(o.lines, told...)
	differ(string(was.Status), string(a.Status), &k.Before.Status, &k.After.Status)
	differ(was.AssignedTo, a.AssignedTo, &k.Before.AssignedTo, &k.After.AssignedTo)
	keepVerdict(&k, was.Classification, a.Classification, was.Determination, a.Determination)
	k.Commented = r.b.Change.Comment != ""
	return k, true, nil
}

// settle tells the incidents of changed alerts.
func (r *bulkRun) settle() error {
	for _, id := range r.order {
		o := r.owed[id]
		t, err := loadTally(r.tx, id)
		if err != nil {
			return err
		}
		t.apply(&o.inc)
		if err := r.c.save(r.tx, &o.inc, o.lines); err != nil {
			return err
		}
	}
	return nil
}

// undo gives one thing back what the bulk change took from it.
func (r *bulkRun) undo(it *tocsin.BulkItem, position int64) error {
	of, found, err := r.tx.BulkItemOf(r.b.UndoOf, position)
	if err != nil {
		return err
	}
	var k kept
	if !found || json.Unmarshal(of.Undo, &k) != nil {
		return fmt.Errorf("item %d of bulk change %d has nothing to undo", position, r.b.UndoOf)
	}
	var left []string // what stays, and why
	changed := false
	if r.b.Noun == "alert" {
		_, changed, err = r.editAlert(it.ItemID, func(a *tocsin.Alert) (u AlertUpdate, err error) {
			u, left = undoAlert(a, &k)
			return u, nil
		})
	} else {
		changed, left, err = r.undoIncident(it.ItemID, &k)
	}
	if err != nil {
		return err
	}
	if k.Commented {
		left = append(left, "the comment stays: the record only grows")
	}
	it.Reason = strings.Join(left, "; ")
	switch {
	case changed:
		it.State = tocsin.BulkChanged
	case len(left) > 0:
		it.State = tocsin.BulkRefused
	default:
		it.State = tocsin.BulkUnchanged
	}
	return nil
}

// back is what a property should be again: the value before, when it still is
// what the bulk change made it. Otherwise it says that it stays.
func back[T comparable](is T, before, after *T, what string, left *[]string) *T {
	if after == nil {
		return nil
	}
	if is != *after {
		if is != *before {
			*left = append(*left, "the "+what+" was changed since")
		}
		return nil
	}
	return before
}

func undoAlert(a *tocsin.Alert, k *kept) (u AlertUpdate, left []string) {
	if s := back(string(a.Status), k.Before.Status, k.After.Status, "status", &left); s != nil {
		u.Status = (*tocsin.AlertStatus)(s)
	}
	u.AssignedTo = back(a.AssignedTo, k.Before.AssignedTo, k.After.AssignedTo, "owner", &left)
	u.Classification, u.Determination = backVerdict(a.Classification, a.Determination, k, &left)
	return u, left
}

func backVerdict(c tocsin.Classification, d tocsin.Determination, k *kept, left *[]string) (*tocsin.Classification, *tocsin.Determination) {
	type pair struct {
		c tocsin.Classification
		d tocsin.Determination
	}
	if k.After.Classification == nil {
		return nil, nil
	}
	was, is := pair{*k.Before.Classification, *k.Before.Determination}, pair{*k.After.Classification, *k.After.Determination}
	if back(pair{c, d}, &was, &is, "classification", left) == nil {
		return nil, nil
	}
	return k.Before.Classification, k.Before.Determination
}

func (r *bulkRun) undoIncident(item string, k *kept) (changed bool, left []string, err error) {
	id, err := strconv.ParseInt(item, 10, 64)
	if err != nil {
		return false, nil, fmt.Errorf("item %q: %w", item, err)
	}
	inc, err := r.tx.Incident(id)
	if err != nil {
		return false, nil, err
	}
	var u IncidentUpdate
	if s := back(string(inc.Status), k.Before.Status, k.After.Status, "status", &left); s != nil {
		u.Status = (*tocsin.IncidentStatus)(s)
	}
	u.AssignedTo = back(inc.AssignedTo, k.Before.AssignedTo, k.After.AssignedTo, "owner", &left)
	u.ResolvingComment = back(inc.ResolvingComment, k.Before.ResolvingComment, k.After.ResolvingComment, "resolution note", &left)
	u.Classification, u.Determination = backVerdict(inc.Classification, inc.Determination, k, &left)
	if s := back(inc.Severity, k.Before.Severity, k.After.Severity, "severity", &left); s != nil {
		u.Severity = s
		if !*k.Before.SeverityManual {
			follow := tocsin.SeverityUnknown // the alerts' again
			u.Severity = &follow
		}
	}
	if len(k.TagsAdded)+len(k.TagsRemoved) > 0 {
		tags := withTags(inc.CustomTags, k.TagsRemoved, k.TagsAdded)
		u.CustomTags = &tags
	}
	var e edit
	if err := r.tx.Try(func() error {
		e = edit{lone: true}
		if err := applyIncident(r.tx, &inc, u, &e); err != nil {
			return err
		}
		return r.restore(&inc, k, &e, &left)
	}); err != nil || len(e.lines) == 0 {
		return false, left, err
	}
	return true, left, r.c.save(r.tx, &inc, r.mark(e.lines))
}

// restore gives the alerts that the incident's change reached their status and
// owner back, each unless somebody changed it since.
func (r *bulkRun) restore(inc *tocsin.Incident, k *kept, e *edit, left *[]string) error {
	n, touched := int64(0), int64(0)
	for _, stand := range k.Alerts {
		ok, err := r.tx.RestoreAlert(inc.ID, stand)
		if err != nil {
			return err
		}
		if ok {
			n++
		} else {
			touched++
		}
	}
	if touched > 0 {
		*left = append(*left, plural(touched, "alert")+" changed or moved since")
	}
	if n == 0 {
		return nil
	}
	t, err := loadTally(r.tx, inc.ID)
	if err != nil {
		return err
	}
	before := inc.ActiveAlerts
	t.apply(inc)
	e.line("alertsRestored", plural(n, "alert")+" given back status and owner", object("activeAlerts", before), object("activeAlerts", inc.ActiveAlerts, "alerts", n))
	return nil
}
