package cases

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
)

// How far the search for candidates goes. With these bounds an alert of busy
// entities costs a millisecond or two, whatever the size of the store.
const (
	rarely       = 32 // alerts of a key up to which all are looked at
	lookedPerKey = 400
	nearPerKey   = 2 * correlate.MaxMembers
	maxSightings = 600
)

// decide finds the candidates of an alert and asks correlation.
func (b *batch) decide(f correlate.Facts, keys []tocsin.EntityKey, numbers []int64, set *settings) (correlate.Decision, error) {
	cands, prev, err := b.look(f, keys, numbers, set)
	if err != nil {
		return correlate.Decision{}, err
	}
	return correlate.Decide(f, cands, prev, set.policy), nil
}

// look finds the candidates of an alert, and how common its keys are.
func (b *batch) look(f correlate.Facts, keys []tocsin.EntityKey, numbers []int64, set *settings) ([]correlate.Candidate, correlate.Prevalence, error) {
	prev := correlate.Prevalence{Keys: make(map[tocsin.EntityKey]correlate.Known, len(keys)), Doubted: set.doubted}
	total, counts, err := b.prev.Of(numbers)
	if err != nil {
		return nil, prev, err
	}
	prev.Total = correlate.Known(total)
	var rare, busy []int64 // those never seen lead nowhere
	for i, k := range keys {
		switch n := counts[i].Alerts; {
		case n == 0:
			continue
		case n <= rarely:
			rare = append(rare, numbers[i])
		default:
			busy = append(busy, numbers[i])
		}
		prev.Keys[k] = correlate.Known(counts[i])
	}
	found := b.memory.open.sightings(rare, busy, reach{at: f.Last, window: set.policy.Window,
		near: nearPerKey, looked: lookedPerKey, limit: maxSightings})
	cands, err := b.candidates(found)
	if err == nil {
		err = b.setApart(cands)
	}
	if err == nil && set.policy.GroupsApart && len(cands) > 0 {
		err = b.groupCandidates(cands)
	}
	return cands, prev, err
}

// refuse takes out of a merge what would have too many entities, and notes the
// merges that the evidence asks for and that are not done, once for each two
// incidents and reason, on both of them.
func (b *batch) refuse(d *correlate.Decision, set *settings) error {
	if d.Kind == correlate.Merge {
		if err := b.boundEntities(d, set.policy.MaxEntities); err != nil {
			return err
		}
	}
	for _, r := range d.Refused {
		first, err := b.tx.TakeRefusal(d.IncidentID, r.IncidentID, r.Reason)
		if err != nil || !first {
			if err != nil {
				return err
			}
			continue
		}
		for _, pair := range [][2]int64{{d.IncidentID, r.IncidentID}, {r.IncidentID, d.IncidentID}} {
			oi, err := b.incident(pair[0])
			if err == nil {
				err = b.count(oi)
			}
			if err == nil {
				err = b.record(oi, tocsin.Change{Kind: "mergeRefused", After: object("incident", pair[1], "reason", r.Reason),
					Summary: fmt.Sprintf("Not merged with incident %d, although an alert ties them together: %s", pair[1], r.Reason)})
			}
			if err != nil {
				return fmt.Errorf("note that incident %d was not merged with %d: %w", pair[0], pair[1], err)
			}
		}
	}
	return nil
}

func (b *batch) boundEntities(d *correlate.Decision, most int) error {
	assets := map[string]bool{}
	add := func(id int64) (int, error) {
		oi, err := b.incident(id)
		if err == nil {
			err = b.count(oi)
		}
		if err != nil {
			return 0, err
		}
		n := len(assets)
		for k := range oi.tally.assets {
			if !assets[k] {
				n++
			}
		}
		return n, nil
	}
	take := func(id int64) {
		for k := range b.incidents[id].tally.assets {
			assets[k] = true
		}
	}
	if _, err := add(d.IncidentID); err != nil {
		return err
	}
	take(d.IncidentID)
	var from []int64
	for _, id := range d.From {
		n, err := add(id)
		if err != nil {
			return err
		}
		if n > most {
			d.TooMany(id, n, most)
			continue
		}
		take(id)
		from = append(from, id)
	}
	d.Narrow(from)
	return nil
}

// groupCandidates tells the candidates the device groups that they concern.
func (b *batch) groupCandidates(cands []correlate.Candidate) error {
	ids := make([]int64, len(cands))
	for i := range cands {
		ids[i] = cands[i].IncidentID
	}
	groups, err := b.tx.GroupsOfIncidents(ids)
	for id, k := range b.alerts { // those of this batch may not be written yet
		if at := k.a.IncidentID; slices.Contains(ids, at) && err == nil {
			groups[at] = append(groups[at], b.facts[id].Groups...)
		}
	}
	for i := range cands {
		cands[i].Groups = groups[cands[i].IncidentID]
	}
	return err
}

// setApart tells the candidates which of the others people parted from them.
// Most tenants have parted nothing, which one look for the batch tells.
func (b *batch) setApart(cands []correlate.Candidate) error {
	if len(cands) < 2 {
		return nil
	}
	if b.parted == nil {
		any, err := b.tx.AnyApart()
		if err != nil {
			return err
		}
		b.parted = &any
	}
	if !*b.parted {
		return nil
	}
	ids := make([]int64, len(cands))
	for i := range cands {
		ids[i] = cands[i].IncidentID
	}
	apart, err := b.tx.Apart(ids)
	for i := range cands {
		cands[i].Apart = apart[cands[i].IncidentID]
	}
	return err
}

// candidates are the open incidents of the alerts seen, newest first, with
// those alerts as members, newest first.
func (b *batch) candidates(seen []uint32) ([]correlate.Candidate, error) {
	x := b.memory.open
	var out []correlate.Candidate
	type member struct {
		n uint32
		f *correlate.Facts // held now: keeping others lets those go that are held longest
	}
	var members [][]member
	var want []string // whose facts are not held
	at := map[int64]int{}
	for _, n := range seen {
		id := x.slab[n].incident
		i, ok := at[id]
		if !ok {
			if len(out) >= correlate.MaxCandidates {
				continue
			}
			c, open := b.candidate(id)
			if !open {
				continue
			}
			i = len(out)
			at[id] = i
			out, members = append(out, c), append(members, nil)
		}
		if len(members[i]) >= correlate.MaxMembers {
			continue
		}
		m := member{n, x.slab[n].facts}
		if m.f == nil {
			if f, ok := b.facts[x.slab[n].id]; ok {
				m.f = &f // of this batch, and perhaps not written yet
			}
		}
		members[i] = append(members[i], m)
		if m.f == nil {
			want = append(want, x.slab[n].id)
		}
	}
	read, err := b.readFacts(want)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Members = make([]correlate.Facts, len(members[i]))
		for j, m := range members[i] {
			if m.f == nil {
				m.f = read[x.slab[m.n].id]
				x.keep(m.n, m.f)
			}
			out[i].Members[j] = *m.f
		}
	}
	return out, nil
}

// readFacts reads the digests of alerts taken earlier.
func (b *batch) readFacts(ids []string) (map[string]*correlate.Facts, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	texts, err := b.tx.FactsOf(ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*correlate.Facts, len(ids))
	for _, id := range ids {
		f := &correlate.Facts{}
		if err := json.Unmarshal([]byte(texts[id]), f); err != nil {
			return nil, fmt.Errorf("read facts of alert %s: %w", id, err)
		}
		out[id] = f
	}
	return out, nil
}

// candidate is an incident without members, as this batch has left it, and
// whether it is open.
func (b *batch) candidate(id int64) (correlate.Candidate, bool) {
	if oi := b.incidents[id]; oi != nil {
		n := oi.inc.AlertCount
		if oi.tally != nil {
			n = oi.tally.alerts
		}
		return correlate.Candidate{IncidentID: id, AssignedTo: oi.inc.AssignedTo, Classification: oi.inc.Classification,
			Determination: oi.inc.Determination, Created: oi.inc.Created, AlertCount: n}, oi.inc.Open()
	}
	st := b.memory.open.stands[id]
	inc := tocsin.Incident{Status: st.Status}
	return correlate.Candidate{IncidentID: id, AssignedTo: st.AssignedTo, Classification: st.Classification,
		Determination: st.Determination, Created: st.Created, AlertCount: st.AlertCount}, st.Status != "" && inc.Open()
}

// open makes a new incident for an alert.
func (b *batch) open(in *arrival, d correlate.Decision) (*openIncident, error) {
	a, now := &in.a, b.tx.Now()
	oi := &openIncident{fresh: true, tally: newTally(), inc: tocsin.Incident{Status: tocsin.IncidentActive, Classification: tocsin.ClassUnknown,
		Determination: tocsin.DetUnknown, Created: now, LastUpdate: now}}
	oi.tally.add(in.digest, a.Active())
	oi.tally.apply(&oi.inc)
	if err := b.tx.NumberIncident(&oi.inc); err != nil {
		return nil, err
	}
	b.incidents[oi.inc.ID] = oi
	return oi, b.record(oi, tocsin.Change{Kind: "created", AlertID: a.ID,
		After:   object("displayName", oi.inc.DisplayName, "severity", oi.inc.Severity, "status", oi.inc.Status),
		Summary: sentence(fmt.Sprintf("Opened for alert “%s”", a.Title), d.Why)})
}

// join puts an alert into an open incident, after merging others into it when
// the alert shows that they are one story.
func (b *batch) join(in *arrival, d correlate.Decision) (*openIncident, error) {
	a := &in.a
	oi, err := b.incident(d.IncidentID)
	if err != nil {
		return nil, err
	}
	if err := b.count(oi); err != nil {
		return nil, err
	}
	for _, from := range d.From {
		src, err := b.incident(from)
		if err == nil {
			_, err = b.merge(oi, src, &tocsin.Rearrangement{Why: d.Why})
		}
		if err != nil {
			return nil, fmt.Errorf("merge incident %d into %d: %w", from, oi.inc.ID, err)
		}
	}
	before := oi.tally.alerts
	oi.tally.add(in.digest, a.Active())
	why := d.Why
	if d.Kind == correlate.Merge && len(d.Links) > 0 {
		why = d.Links[0].Sentence // the merge has said the rest
	}
	return oi, b.record(oi, tocsin.Change{Kind: "alertCorrelated", AlertID: a.ID,
		Before: object("alertCount", before), After: object("alertCount", oi.tally.alerts, "severity", a.Severity, "links", d.Links),
		Summary: sentence(fmt.Sprintf("Alert “%s” was correlated", a.Title), why)})
}

// merge moves everything of src into dst. The source stays as a signpost. What
// it did is kept in r, so that it can be undone; r.Why says why.
func (b *batch) merge(dst, src *openIncident, r *tocsin.Rearrangement) (n int64, err error) {
	if err := b.count(src); err != nil {
		return 0, err
	}
	if err := b.flush(); err != nil {
		return 0, err
	}
	r.Kind, r.Actor, r.From, r.To, r.Emptied = tocsin.RearrangeMerge, b.actor, src.inc.ID, dst.inc.ID, true
	r.FromBefore, r.ToBefore = standing(src.inc), standing(dst.inc)
	if r.Alerts, err = b.tx.AlertsIn(src.inc.ID); err == nil {
		r.Comments, err = b.tx.CommentsIn(src.inc.ID)
	}
	if err == nil {
		r.Tasks, err = b.tx.TaskIDs(src.inc.ID)
	}
	if err == nil {
		err = b.tx.InheritApart(src.inc.ID, dst.inc.ID)
	}
	if err == nil {
		n, err = b.tx.MoveAll(src.inc.ID, dst.inc.ID)
	}
	if err != nil {
		return 0, err
	}
	why := r.Why
	for _, k := range b.alerts {
		if k.a.IncidentID == src.inc.ID {
			k.a.IncidentID = dst.inc.ID
			k.a.Version++ // as MoveAll did to the row
		}
	}
	if b.memory != nil {
		b.memory.open.move(src.inc.ID, dst.inc.ID)
	}
	dst.tally.merge(src.tally)
	takeOver(&dst.inc, &src.inc)
	if dst.inc.AssignedTo != "" {
		if _, err := b.tx.AssignAlerts(dst.inc.ID, dst.inc.AssignedTo); err != nil {
			return 0, err
		}
		for _, k := range b.alerts {
			if k.a.IncidentID == dst.inc.ID && k.a.AssignedTo != dst.inc.AssignedTo {
				k.a.AssignedTo = dst.inc.AssignedTo
				k.a.Version++
			}
		}
	}
	lost, after := takenOver(r.ToBefore, &dst.inc)
	after = append(after, "alertCount", dst.tally.alerts, "from", src.inc.ID, "fromName", src.inc.DisplayName, "alertsMoved", n)
	if len(r.Reasons) > 0 {
		after = append(after, "reasons", r.Reasons)
	}
	if err := b.record(dst, tocsin.Change{Kind: "merged", Before: object(append(lost, "alertCount", dst.tally.alerts-src.tally.alerts)...), After: object(after...),
		Summary: sentence(fmt.Sprintf("Incident %d, “%s”, was merged into this one", src.inc.ID, src.inc.DisplayName), why)}); err != nil {
		return 0, err
	}
	was := src.inc.Status
	src.inc.Status, src.inc.RedirectID = tocsin.IncidentRedirected, dst.inc.ID
	if !slices.Contains(src.inc.SystemTags, "Redirected") {
		src.inc.SystemTags = append(src.inc.SystemTags, "Redirected")
	}
	// It keeps its last figures for whoever looks at it, so it is not counted again.
	src.tally.apply(&src.inc)
	src.tally, src.before = nil, src.inc
	if err := b.record(src, tocsin.Change{Kind: "redirected", Before: object("status", was),
		After:   object("status", src.inc.Status, "redirectIncidentId", dst.inc.ID),
		Summary: sentence(fmt.Sprintf("Merged into incident %d, “%s”", dst.inc.ID, dst.inc.DisplayName), why)}); err != nil {
		return 0, err
	}
	if err := b.putIncidents([]*openIncident{src}); err != nil {
		return 0, err
	}
	src.dirty = false
	r.ToAfter = standing(dst.inc)
	return n, b.tx.PutRearrangement(r)
}

// standing is what people had said about an incident, as a rearrangement keeps
// it: what its alerts come to is counted, not remembered.
func standing(inc tocsin.Incident) *tocsin.Incident {
	inc.Alerts, inc.Comments, inc.Assets = nil, nil, nil
	inc.CustomTags, inc.SystemTags = slices.Clone(inc.CustomTags), slices.Clone(inc.SystemTags)
	return &inc
}

// takeOver gives the target what people had decided about the source and it
// had not; correlation merges only what does not contradict.
func takeOver(dst, src *tocsin.Incident) {
	if dst.AssignedTo == "" {
		dst.AssignedTo = src.AssignedTo
	}
	if dst.Classification == tocsin.ClassUnknown {
		dst.Classification, dst.Determination = src.Classification, src.Determination
	} else if dst.Classification == src.Classification && dst.Determination == tocsin.DetUnknown {
		dst.Determination = src.Determination
	}
	if dst.Status == tocsin.IncidentActive && src.Status != tocsin.IncidentActive {
		dst.Status = src.Status
	}
	if src.SeverityManual && (!dst.SeverityManual || src.Severity.Rank() > dst.Severity.Rank()) {
		dst.Severity, dst.SeverityManual = src.Severity, true
	}
	if tags, err := cleanTags(append(slices.Clone(dst.CustomTags), src.CustomTags...)); err == nil {
		dst.CustomTags = tags
	}
	for _, t := range src.SystemTags {
		if t != "Redirected" && !slices.Contains(dst.SystemTags, t) {
			dst.SystemTags = append(dst.SystemTags, t)
		}
	}
	// What it was called by hand was said of less than it is now.
	dst.Renamed = false
	if dst.Description == "" {
		dst.Description = src.Description
	}
	if dst.Summary == "" {
		dst.Summary = src.Summary
	}
}

// sentence puts the reason behind what happened.
func sentence(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}
