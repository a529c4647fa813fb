package correlate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// scored is a candidate with the evidence for it.
type scored struct {
	c      *Candidate
	weight float64
	hard   float64 // of its best pair
	pairs  []pair  // strongest first, at most maxLinks
	over   pair    // strongest of those that do not count, since the incident is too large
}

// maxLinks is how many links a decision names for each incident.
const maxLinks = 3

// Decide says what to do with an alert, given the open incidents that share a
// key with it (newest first) and how common its keys are among earlier alerts.
//
// An alert joins the candidate with the most evidence, if that reaches
// Policy.Join; ties go to the older incident. It merges candidates that each
// reach Policy.Merge with it (less when one is small), or Policy.Join with things
// alone, unless people have said different things about them: then they stay
// apart, and the alert joins the best one.
func Decide(f Facts, cands []Candidate, prev Prevalence, p Policy) Decision {
	if len(cands) > MaxCandidates {
		cands = cands[:MaxCandidates]
	}
	if p.GroupsApart {
		cands = slices.DeleteFunc(slices.Clone(cands), func(c Candidate) bool { return strangers(f.Groups, c.Groups) })
	}
	w := newWeigher(&f, &prev, &p, cands)
	var all, large []scored
	for i := range cands {
		if s := w.score(i, &cands[i]); s.weight > 0 {
			all = append(all, s)
		} else if s.over.weight >= p.Join/2 {
			large = append(large, s)
		}
	}
	d := choose(&f, cands, all, &p)
	d.Near = near(&f, &d, all, large, &p)
	return d
}

// near are those of the scored that the decision leaves aside.
func near(f *Facts, d *Decision, all, large []scored, p *Policy) (out []Near) {
	for _, s := range all {
		if s.weight < p.Join/2 || s.c.IncidentID == d.IncidentID || slices.Contains(d.From, s.c.IncidentID) {
			continue
		}
		n := Near{IncidentID: s.c.IncidentID, Weight: s.weight, f: f, p: p, best: s.pairs[0]}
		for _, r := range d.Refused {
			if r.IncidentID == n.IncidentID {
				n.Forbidden, n.refused = true, r.Reason
			}
		}
		out = append(out, n)
	}
	for _, s := range large {
		out = append(out, Near{IncidentID: s.c.IncidentID, Weight: s.over.weight, Forbidden: true, f: f, p: p, best: s.over})
	}
	slices.SortStableFunc(out, func(a, b Near) int { return cmp.Compare(b.Weight, a.Weight) })
	return out[:min(len(out), MaxNear)]
}

// choose decides from the candidates with evidence.
func choose(f *Facts, cands []Candidate, all []scored, p *Policy) Decision {
	slices.SortStableFunc(all, func(a, b scored) int {
		if c := cmp.Compare(b.weight, a.weight); c != 0 {
			return c
		}
		if c := a.c.Created.Compare(b.c.Created); c != 0 {
			return c
		}
		return cmp.Compare(a.c.IncidentID, b.c.IncidentID)
	})
	if len(all) == 0 || all[0].weight < p.Join {
		return Decision{Kind: Open, Why: whyOpen(f, cands, all, p)}
	}
	best := all[0]
	d := Decision{Kind: Attach, IncidentID: best.c.IncidentID, Links: links(f, best)}
	d.Why = d.Links[0].Sentence
	group := []scored{best}
	for _, s := range all[1:] {
		size := min(best.c.AlertCount, s.c.AlertCount)
		if !mergeable(p, best, size) || !mergeable(p, s, size) {
			continue
		}
		if why := forbidden(p, group, s); why != "" {
			d.Refused = append(d.Refused, Refusal{s.c.IncidentID, why})
			continue
		}
		group = append(group, s)
	}
	if len(group) == 1 {
		return d
	}
	refused := d.Refused
	d = merge(f, group)
	d.Refused = refused
	return d
}

// score sums up a candidate: its best pair, and a little for further ones.
func (w *weigher) score(n int, c *Candidate) scored {
	s := scored{c: c}
	members := membersOf(c)
	more := 0.0
	for i := range members {
		pr := w.weigh(n, &members[i])
		if c.AlertCount >= w.p.MaxAlerts && pr.hard < w.p.Join {
			if pr.weight > s.over.weight {
				s.over = pr
			}
			continue
		}
		if pr.weight > 0 {
			s.pairs = append(s.pairs, pr)
		}
	}
	slices.SortStableFunc(s.pairs, func(a, b pair) int {
		if c := cmp.Compare(b.weight, a.weight); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.gap, b.gap), cmp.Compare(a.member.ID, b.member.ID))
	})
	if len(s.pairs) == 0 {
		return s
	}
	for _, pr := range s.pairs[1:] {
		more += pr.weight
	}
	s.weight = s.pairs[0].weight + w.p.Support*(1-math.Exp(-more))*math.Min(1, s.pairs[0].weight)
	for _, pr := range s.pairs {
		s.hard = math.Max(s.hard, pr.hard)
	}
	if all, from := union(s.pairs); w.p.Union*all > s.weight {
		s.weight, s.pairs = w.p.Union*all, from
	}
	s.pairs = s.pairs[:min(len(s.pairs), maxLinks)]
	return s
}

// union is the evidence of all pairs of a candidate together: each signal once,
// where it is strongest, and place, tactics and techniques only of the best
// pair. The pairs that contribute come first, the best one at their head.
func union(pairs []pair) (float64, []pair) {
	sum := pairs[0].weight
	have := map[Signal]bool{}
	for _, s := range pairs[0].shared {
		have[s.signal] = true
	}
	from := pairs[:1:1]
	for _, pr := range pairs[1:] {
		gave := false
		for _, s := range pr.shared {
			if !have[s.signal] && ofStory(s.signal) {
				have[s.signal] = true
				sum += s.weight
				gave = true
			}
		}
		if gave {
			from = append(from, pr)
		}
	}
	return sum, from
}

// ofStory: signals that name a thing which a whole incident can share with an
// alert, not a moment at one place. Of one process the strongest signal counts.
func ofStory(s Signal) bool {
	switch s {
	case SameUser, SameIP, SameFile, SameDomain, SameSender, SameMailbox, SameResource, SameObject:
		return true
	}
	return false
}

// mergeable: joining one alert wrongly is a small mistake, joining two stories
// wrongly a large one, so that place, person and moment must say more for it,
// unless one of the two is hardly more than an alert (of size alerts).
func mergeable(p *Policy, s scored, size int) bool {
	need := p.Join + (p.Merge-p.Join)*math.Min(1, float64(size)/float64(max(1, p.MergeSmall)))
	return s.weight >= need || s.hard >= p.Join
}

// tooLarge keeps merges from building an incident that nobody can read.
func tooLarge(p *Policy, group []scored, s scored) bool {
	n := s.c.AlertCount
	for _, g := range group {
		n += g.c.AlertCount
	}
	return n > p.MaxAlerts
}

// forbidden says why an incident must not be merged with the group: what people
// decided about them differs, or people parted them, or it would be too large.
func forbidden(p *Policy, group []scored, s scored) string {
	for _, g := range group {
		a, b := g.c, s.c
		if slices.Contains(a.Apart, b.IncidentID) || slices.Contains(b.Apart, a.IncidentID) {
			return "people parted them"
		}
		if on := Differ(a, b); len(on) > 0 {
			return "they differ in " + strings.Join(on, " and ")
		}
	}
	if tooLarge(p, group, s) {
		return fmt.Sprintf("together they would have more than %d alerts", p.MaxAlerts)
	}
	return ""
}

// Differ names what people decided differently about two incidents, which
// forbids their merging: assigned to, classification, determination. Not having
// decided anything differs from nothing.
func Differ(a, b *Candidate) (on []string) {
	if a.AssignedTo != "" && b.AssignedTo != "" && !strings.EqualFold(a.AssignedTo, b.AssignedTo) {
		on = append(on, "assigned to")
	}
	if decided(string(a.Classification), string(b.Classification)) {
		on = append(on, "classification")
	}
	if decided(string(a.Determination), string(b.Determination)) {
		on = append(on, "determination")
	}
	if strangers(a.Groups, b.Groups) {
		on = append(on, "device group")
	}
	return on
}

// strangers are two sets of device groups that have none in common. What has no
// device is of no group, and nobody's stranger.
func strangers(a, b []int64) bool {
	return len(a) > 0 && len(b) > 0 && !slices.ContainsFunc(a, func(g int64) bool { return slices.Contains(b, g) })
}

func decided(a, b string) bool {
	return a != b && a != "" && b != "" && a != "unknown" && b != "unknown"
}

// Keep orders the incidents of a merge; the greatest is the one that the others
// move into: the one with an owner, else the larger, else the older, so that most
// stays where people know it.
func Keep(a, b *Candidate) int {
	if (a.AssignedTo != "") != (b.AssignedTo != "") {
		return cmp.Compare(len(a.AssignedTo), len(b.AssignedTo))
	}
	return cmp.Or(cmp.Compare(a.AlertCount, b.AlertCount), b.Created.Compare(a.Created), cmp.Compare(b.IncidentID, a.IncidentID))
}

// merge joins the alert and every incident of the group into one of them.
func merge(f *Facts, group []scored) Decision {
	keep := slices.MaxFunc(group, func(a, b scored) int { return Keep(a.c, b.c) })
	d := Decision{Kind: Merge, IncidentID: keep.c.IncidentID, Links: links(f, keep)}
	names := []string{}
	for _, s := range group {
		if s.c.IncidentID != keep.c.IncidentID {
			d.From = append(d.From, s.c.IncidentID)
			d.Links = append(d.Links, links(f, s)...)
		}
	}
	slices.Sort(d.From)
	for _, id := range d.From {
		names = append(names, strconv.FormatInt(id, 10))
	}
	what := "incident " + names[0]
	if len(names) > 1 {
		what = "incidents " + strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
	d.Why = fmt.Sprintf("This alert ties %s to incident %d: %s", what, keep.c.IncidentID, lowerFirst(group[0].pairs[0].sentence(f)))
	return d
}

func links(f *Facts, s scored) []tocsin.Link {
	var out []tocsin.Link
	for i := range s.pairs {
		if i > 0 && s.pairs[i].weight < 0.5*s.pairs[0].weight {
			break
		}
		out = append(out, s.pairs[i].link(f))
	}
	return out
}
