package correlate

import (
	"fmt"
	"slices"

	"github.com/tocsinhq/tocsin"
)

// Considered is what Decide made of one candidate.
type Considered struct {
	IncidentID int64
	Alerts     int // members that were compared
	Weight     float64
	// Chosen: the alert joins it, or it is merged into what the alert joins.
	Chosen bool
	Why    string        // in English: why it was chosen, or why not
	Links  []tocsin.Link // the evidence, strongest first; none when Weight is 0
}

// Consider decides as Decide does, and says of every candidate what came of it,
// in their order.
func Consider(f Facts, cands []Candidate, prev Prevalence, p Policy) (Decision, []Considered) {
	d := Decide(f, cands, prev, p)
	var out []Considered
	heard := cands[:min(len(cands), MaxCandidates)]
	if p.GroupsApart {
		heard = slices.DeleteFunc(slices.Clone(heard), func(c Candidate) bool { return strangers(f.Groups, c.Groups) })
	}
	w := newWeigher(&f, &prev, &p, heard)
	best := 0.0
	for i := range cands {
		c := &cands[i]
		x := Considered{IncidentID: c.IncidentID, Alerts: len(membersOf(c))}
		n := slices.IndexFunc(heard, func(h Candidate) bool { return h.IncidentID == c.IncidentID })
		switch {
		case i >= MaxCandidates:
			x.Why = fmt.Sprintf("only the newest %d are looked at", MaxCandidates)
		case n < 0:
			x.Why = "its devices are of other device groups"
		default:
			if s := w.score(n, c); s.weight > 0 {
				x.Weight, x.Links = s.weight, links(&f, s)
			}
		}
		if x.IncidentID == d.IncidentID {
			best = x.Weight
		}
		out = append(out, x)
	}
	for i := range out {
		if x := &out[i]; x.Why == "" {
			x.say(&d, &p, &cands[i], best)
		}
	}
	return d, out
}

// say tells why a candidate was chosen or not; best is the weight of the one
// that was.
func (x *Considered) say(d *Decision, p *Policy, c *Candidate, best float64) {
	refused := slices.IndexFunc(d.Refused, func(r Refusal) bool { return r.IncidentID == x.IncidentID })
	switch {
	case d.Kind != Open && x.IncidentID == d.IncidentID:
		x.Chosen, x.Why = true, "chosen: it has the most evidence"
		if d.Kind == Merge {
			x.Why = "chosen: the others move into it"
		}
	case slices.Contains(d.From, x.IncidentID):
		x.Chosen, x.Why = true, fmt.Sprintf("merged into incident %d", d.IncidentID)
	case refused >= 0:
		x.Why = fmt.Sprintf("not merged with incident %d: %s", d.IncidentID, d.Refused[refused].Reason)
	case x.Weight == 0 && c.AlertCount >= p.MaxAlerts:
		x.Why = fmt.Sprintf("it has %d alerts, and takes more only on evidence of process, mail, link or application", c.AlertCount)
	case x.Weight == 0:
		x.Why = "what they share is too common or too long ago"
	case x.Weight < p.Join:
		x.Why = fmt.Sprintf("too weak: %.2f of %.2f", x.Weight, p.Join)
	default:
		x.Why = fmt.Sprintf("incident %d has more evidence, %.2f, and this is too little to merge the two", d.IncidentID, best)
	}
}

// Forget takes one alert that carries the keys out of the counts of alerts. In
// the numbers of rules, devices and users it stays.
func (p *Prevalence) Forget(keys []tocsin.EntityKey) {
	p.Total.Alerts = max(0, p.Total.Alerts-1)
	for _, k := range keys {
		if n := p.Keys[k]; n.Alerts <= 1 {
			delete(p.Keys, k)
		} else {
			n.Alerts--
			p.Keys[k] = n
		}
	}
}
