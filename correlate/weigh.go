package correlate

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// shared is one signal of a pair of alerts, weighed.
type shared struct {
	signal Signal
	weight float64
	thing  *Thing           // of the new alert
	other  *Thing           // of the member
	key    tocsin.EntityKey // the value that both carry
}

// pair is the evidence between the new alert and one member of a candidate.
type pair struct {
	member *Facts
	gap    time.Duration
	weight float64
	hard   float64 // the share of weight that does not come from place, person or time
	shared []shared
}

// gapOf is the distance in time between two alerts, 0 when they overlap.
func gapOf(a, b *Facts) time.Duration {
	switch {
	case a.First.After(b.Last):
		return a.First.Sub(b.Last)
	case b.First.After(a.Last):
		return b.First.Sub(a.Last)
	}
	return 0
}

// weigher compares one alert with the members of its candidates.
type weigher struct {
	f       *Facts
	p       *Policy
	prev    *Prevalence
	byKey   map[tocsin.EntityKey][]*Thing
	sieve   [4]uint64   // says of most keys that they are not in byKey
	users   bool        // the alert names an account of a person
	earlier int         // firings of the alert's own rule at its place on other occasions
	own     map[int]int // how many of them are in candidate i: its story, not routine
	// ruleSeen has, for the rules of members at the alert's place, the slots of
	// time in which they fired.
	ruleSeen map[string]map[int64]int // rule, slot -> candidate, or several
	// together has, for each of those rules, the candidates (by number) in
	// which it stands beside an alert of this rule.
	together map[string]map[int]bool
	inside   []map[tocsin.EntityKey]float64 // by candidate: in how many of its alerts each key occurs
	// carriers and counted say of each key in how many candidates it occurs, and
	// in how many of their alerts.
	carriers map[tocsin.EntityKey]int
	counted  map[tocsin.EntityKey]float64
	place    string
}

func newWeigher(f *Facts, prev *Prevalence, p *Policy, cands []Candidate) *weigher {
	w := &weigher{f: f, p: p, prev: prev, byKey: map[tocsin.EntityKey][]*Thing{}, ruleSeen: map[string]map[int64]int{}, together: map[string]map[int]bool{}, own: map[int]int{},
		carriers: map[tocsin.EntityKey]int{}, counted: map[tocsin.EntityKey]float64{}, place: f.place()}
	for i := range f.Things {
		t := &f.Things[i]
		if t.Common {
			continue
		}
		for _, k := range t.Keys {
			w.byKey[k] = append(w.byKey[k], t)
			at := sieveAt(k)
			w.sieve[at>>6] |= 1 << (at & 63)
		}
		w.users = w.users || t.Part == PartUser
	}
	always, recent := f.ruleKeys()
	w.earlier = prev.Keys[always].Alerts - prev.Keys[recent[1]].Alerts
	w.inside = make([]map[tocsin.EntityKey]float64, len(cands))
	for i := range cands {
		w.inside[i] = w.counts(&cands[i])
		for k, n := range w.inside[i] {
			w.carriers[k]++
			w.counted[k] += n
		}
		if w.place != "" {
			w.observe(i, membersOf(&cands[i]))
		}
	}
	return w
}

// sieveAt is the place of a key among the 256 of the sieve: cheap to find, and
// different for most keys.
func sieveAt(k tocsin.EntityKey) byte {
	n := len(k.ID)
	if n == 0 {
		return 0
	}
	return k.ID[n-1]*31 ^ k.ID[n/2]*7 ^ k.ID[n-min(n, 2)]*13 ^ byte(n)*17
}

// may is false of a key that the alert has not; most keys of members are such.
func (w *weigher) may(k tocsin.EntityKey) bool {
	at := sieveAt(k)
	return w.sieve[at>>6]&(1<<(at&63)) != 0
}

func membersOf(c *Candidate) []Facts { return c.Members[:min(len(c.Members), MaxMembers)] }

// observe notes which rules fired at the alert's place in candidate i, when,
// and whether beside an alert of the alert's own rule.
func (w *weigher) observe(i int, members []Facts) {
	beside := false
	for j := range members {
		beside = beside || (members[j].Rule == w.f.Rule && members[j].place() == w.place)
	}
	for j := range members {
		m := &members[j]
		if m.place() != w.place {
			continue
		}
		if w.ruleSeen[m.Rule] == nil {
			w.ruleSeen[m.Rule], w.together[m.Rule] = map[int64]int{}, map[int]bool{}
		}
		slot := slotOf(m)
		if m.Rule == w.f.Rule && slotOf(w.f)-slot > 1 {
			w.own[i]++
		}
		if c, ok := w.ruleSeen[m.Rule][slot]; ok && c != i {
			w.ruleSeen[m.Rule][slot] = several
		} else {
			w.ruleSeen[m.Rule][slot] = i
		}
		if beside {
			w.together[m.Rule][i] = true
		}
	}
}

func slotOf(f *Facts) int64 { return f.Last.Unix() / int64(routineSlot/time.Second) }

// several candidates.
const several = -1

// occasions counts the slots of time in which a rule fired at the alert's place
// in candidates other than i: what recurs within one story is part of it.
func (w *weigher) occasions(rule string, i int) int {
	n := 0
	for _, c := range w.ruleSeen[rule] {
		if c != i {
			n++
		}
	}
	return n
}

// cut is what is left of evidence of place between the alert and a member of
// candidate i: all of it for one rule, or for two that regularly fire together
// there; less the more routine either of them is.
func (w *weigher) cut(i int, m *Facts, samePlace bool) float64 {
	if m.Rule == w.f.Rule {
		return 1
	}
	mine, theirs := w.routineness(w.earlier-w.own[i]), 0.0
	if samePlace {
		theirs = w.routineness(w.occasions(m.Rule, i))
		if elsewhere := len(w.together[m.Rule]); elsewhere > 1 || (elsewhere == 1 && !w.together[m.Rule][i]) {
			return 1
		}
	}
	return 1 - w.p.Routine*math.Max(mine, theirs)
}

// routineness maps a number of earlier occasions to 0 (never) to 1 (always).
func (w *weigher) routineness(occasions int) float64 {
	if occasions <= 0 {
		return 0
	}
	return float64(occasions) / (float64(occasions) + w.p.RoutineAfter)
}

// counts says how often each key of the alert occurs in a candidate, scaled up
// when only some of its alerts were handed over.
func (w *weigher) counts(c *Candidate) map[tocsin.EntityKey]float64 {
	n := map[tocsin.EntityKey]float64{}
	last := map[tocsin.EntityKey]int{}
	members := membersOf(c)
	for i := range members {
		for j := range members[i].Things {
			for _, k := range members[i].Things[j].Keys {
				if !w.may(k) {
					continue
				}
				if _, ok := w.byKey[k]; ok && last[k] != i+1 {
					last[k] = i + 1
					n[k]++
				}
			}
		}
	}
	if len(members) == MaxMembers && c.AlertCount > MaxMembers {
		for k := range n {
			n[k] *= float64(c.AlertCount) / MaxMembers
		}
	}
	return n
}

// specific is how far a value points to this candidate: 1 when nothing outside
// carries it, falling with the number of other candidates that do and of alerts
// that are in none; 0 for infrastructure. Candidates count once however many of
// their alerts carry it: an attack that is still in pieces must not take its own
// pieces for proof that the value is common.
func (w *weigher) specific(k tocsin.EntityKey, inside float64, sig Signal) float64 {
	r := w.p.Weights[sig].Rarity
	known := w.prev.Keys[k]
	if r == 0 {
		return 1
	}
	switch sig {
	case SameIP, SameDomain, SameFile, SameObject, SameSender:
		if known.Devices >= w.p.CommonDevices && known.Rules >= w.p.CommonRules && inside < 0.8*float64(known.Alerts) {
			return 0
		}
		if known.Devices >= 4*w.p.CommonDevices && known.Rules >= 2*w.p.CommonRules {
			return 0
		}
	}
	outside := math.Max(0, float64(known.Alerts)-w.counted[k]) + float64(w.carriers[k])
	if inside > 0 {
		outside--
	}
	return r / (r + math.Max(0, outside))
}

// doubt is how many cuts of people halve the weight of the value that they cut on.
const doubt = 2.0

// spread is what is left of a value that is seen all over the place, whoever
// carries it: as the parts of one incident grow together, no outsider may be
// left to prove that it is common. How wide is wide depends on what it is: an
// account that acts on ten devices may be an attacker's, a server that ten people
// are seen on is a server for everybody. A value that only one or two rules name
// is not cut, however often: that is one thing done many times.
func (w *weigher) spread(k tocsin.EntityKey, sig Signal) float64 {
	known := w.prev.Keys[k]
	free := float64(w.p.CommonDevices)
	perRule := free / float64(max(1, w.p.CommonRules))
	n := math.Min(float64(known.Devices), perRule*float64(known.Rules))
	switch sig {
	case SameIP, SameDomain, SameFile, SameObject, SameSender:
	case SameUser:
		free *= 2
		if n > free {
			return free * free / (n * n)
		}
	case SameDevice:
		n = float64(known.Users)
	default:
		return 1
	}
	return math.Min(1, free/math.Max(1, n))
}

func (w *weigher) decay(sig Signal, gap time.Duration) float64 {
	h := w.p.Weights[sig].Half
	if h <= 0 {
		return 1
	}
	return math.Exp2(-float64(gap) / float64(h))
}

// weigh compares the alert with one member of candidate i.
func (w *weigher) weigh(i int, m *Facts) pair {
	out := pair{member: m, gap: gapOf(w.f, m)}
	if out.gap > w.p.Window {
		return out
	}
	best := map[Signal]shared{}
	otherUsers := false
	for n := range m.Things {
		o := &m.Things[n]
		if o.Common {
			continue
		}
		otherUsers = otherUsers || o.Part == PartUser
		for _, k := range o.Keys {
			if !w.may(k) {
				continue
			}
			for _, t := range w.byKey[k] {
				sig := signalOf(t, o)
				if sig == "" {
					continue
				}
				special := w.specific(k, w.inside[i][k], sig)
				if !t.Hostile || !o.Hostile {
					special *= w.spread(k, sig)
				}
				if n := w.prev.Doubted[k]; n > 0 {
					special *= doubt / (doubt + float64(n))
				}
				x := w.p.Weights[sig].Full * w.decay(sig, out.gap) * special
				if bareName(k) {
					x *= w.p.BareName
				}
				if t.Vague || o.Vague {
					x *= w.p.Vague
				}
				if have, ok := best[sig]; !ok || x > have.weight {
					best[sig] = shared{sig, x, t, o, k}
				}
			}
		}
	}
	w.placeOnly(i, m, best, otherUsers)
	for _, sig := range signalOrder {
		if s, ok := best[sig]; ok && s.weight > 0.005 {
			out.shared = append(out.shared, s)
			out.weight += s.weight
			if hardSignal(sig) {
				out.hard += s.weight
			}
		}
	}
	if _, sameUser := best[SameUser]; out.weight > 0 && (out.hard > 0 || sameUser || !w.users || !otherUsers) {
		// Of two people at one place, one does not carry on what the other began.
		w.addTactics(&out)
	}
	slices.SortStableFunc(out.shared, func(a, b shared) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	return out
}

// placeOnly cuts what follows from place alone: where a rule fires all the
// time, its alerts say nothing about others beside them; two accounts on one
// device are two stories more often than one; and device, account and session
// mostly say the same thing, so that only the strongest counts in full.
func (w *weigher) placeOnly(i int, m *Facts, best map[Signal]shared, otherUsers bool) {
	samePlace := w.place != "" && m.place() == w.place
	if m.Rule == w.f.Rule {
		x := w.p.Weights[SameRule].Full * w.decay(SameRule, gapOf(w.f, m))
		if t := w.thingAt(w.place); samePlace {
			best[SameRule] = shared{SameRule, x, t, t, t.key()}
		} else if ip, ok := best[SameIP]; ok && ip.weight > 0 {
			// One detection, from one address, at several places.
			best[SameRule] = shared{SameRule, x, ip.thing, ip.other, ip.key}
		}
	}
	user, sameUser := best[SameUser]
	device, sameDevice := best[SameDevice]
	if sameDevice && !sameUser && w.users && otherUsers {
		device.weight *= 1 - w.p.OtherUser
		best[SameDevice] = device
		if w.strangers(m, best) {
			delete(best, SameRule)
		}
	}
	if sameDevice && w.f.besides(m, PartDevice) && m.besides(w.f, PartDevice) {
		// Each has a device of its own: what they share is a server that both asked.
		device.weight *= w.p.Vague
		best[SameDevice] = device
	}
	if sameUser && !sameDevice && w.f.has(PartDevice) && m.has(PartDevice) {
		// An account that is seen everywhere anyway does not move.
		x := w.p.Weights[Movement].Full * w.decay(Movement, gapOf(w.f, m)) * w.specific(user.key, w.inside[i][user.key], Movement) * w.spread(user.key, SameUser)
		if n := w.prev.Doubted[user.key]; n > 0 {
			x *= doubt / (doubt + float64(n))
		}
		if bareName(user.thing.Keys[0]) || bareName(user.other.Keys[0]) {
			x *= w.p.BareName
		}
		best[Movement] = shared{Movement, x, user.thing, user.other, user.key}
	}
	cut := w.cut(i, m, samePlace)
	top := Signal("")
	for _, sig := range placeSignals {
		if s, ok := best[sig]; ok {
			s.weight *= cut
			best[sig] = s
			if top == "" || s.weight > best[top].weight {
				top = sig
			}
		}
	}
	for _, sig := range placeSignals {
		if s, ok := best[sig]; ok && sig != top {
			s.weight *= w.p.Overlap
			best[sig] = s
		}
	}
	keepBest(best, SameProcess, Lineage, Sibling, SamePID)
	keepBest(best, SameURL, SameDomain)
}

var placeSignals = []Signal{SameSession, Movement, SameUser, SameDevice}

func (f *Facts) has(p Part) bool {
	for i := range f.Things {
		if f.Things[i].Part == p && !f.Things[i].Common {
			return true
		}
	}
	return false
}

// strangers: two accounts at one place whose addresses or processes differ, too,
// are two people even when the same rule finds them.
func (w *weigher) strangers(m *Facts, best map[Signal]shared) bool {
	for _, s := range []Signal{SameIP, SameSession, SameProcess, Lineage, Sibling, SamePID} {
		if _, ok := best[s]; ok {
			return false
		}
	}
	return (w.f.has(PartIP) && m.has(PartIP)) || (w.f.has(PartProcess) && m.has(PartProcess))
}

// besides reports whether f names a thing of the part that g does not name.
func (f *Facts) besides(g *Facts, p Part) bool {
	for i := range f.Things {
		t := &f.Things[i]
		if t.Part != p || t.Common {
			continue
		}
		shared := false
		for j := range g.Things {
			o := &g.Things[j]
			shared = shared || (o.Part == p && slices.ContainsFunc(o.Keys, func(k tocsin.EntityKey) bool { return slices.Contains(t.Keys, k) }))
		}
		if !shared {
			return true
		}
	}
	return false
}

func (w *weigher) thingAt(key string) *Thing {
	for i := range w.f.Things {
		if t := &w.f.Things[i]; len(t.Keys) > 0 && t.Keys[0].ID == key {
			return t
		}
	}
	return &Thing{}
}

// key is the first key of a thing, which it is named by.
func (t *Thing) key() tocsin.EntityKey {
	if len(t.Keys) == 0 {
		return tocsin.EntityKey{}
	}
	return t.Keys[0]
}

// keepBest leaves of signals that say the same thing only the strongest.
func keepBest(best map[Signal]shared, sigs ...Signal) {
	top := Signal("")
	for _, s := range sigs {
		if b, ok := best[s]; ok && (top == "" || b.weight > best[top].weight) {
			top = s
		}
	}
	for _, s := range sigs {
		if s != top {
			delete(best, s)
		}
	}
}

// addTactics adds what supports other evidence: techniques in common, and
// tactics that come in the order of an attack.
func (w *weigher) addTactics(p *pair) {
	x := math.Min(1, p.weight)
	if full := w.p.Weights[SimilarTTP].Full; full > 0 && intersects(w.f.Techniques, p.member.Techniques) {
		p.shared = append(p.shared, shared{signal: SimilarTTP, weight: full * x})
		p.weight += full * x
	}
	if full := w.p.Weights[NextStage].Full; full > 0 && follows(w.f, p.member) {
		p.shared = append(p.shared, shared{signal: NextStage, weight: full * x})
		p.weight += full * x
	}
}

func intersects(a, b []string) bool {
	for _, x := range a {
		if slices.Contains(b, x) {
			return true
		}
	}
	return false
}

// follows reports whether the later of two alerts shows a later tactic.
func follows(a, b *Facts) bool {
	if a.First.Before(b.First) {
		a, b = b, a
	}
	lo, hi := 99, -1
	for _, c := range b.Categories {
		if r := tocsin.TacticRank(c); r >= 0 {
			lo = min(lo, r)
		}
	}
	for _, c := range a.Categories {
		hi = max(hi, tocsin.TacticRank(c))
	}
	return hi > lo && lo < 99
}

// signalOf names what two things with one key mean together.
func signalOf(a, b *Thing) Signal {
	process := func(p Part) bool { return p == PartProcess || p == PartParent || p == PartTarget }
	switch {
	case a.Part == PartProcess && b.Part == PartProcess:
		return SameProcess
	case process(a.Part) && process(b.Part):
		if a.Part == PartProcess || b.Part == PartProcess {
			return Lineage
		}
		return Sibling
	case a.Part == PartPID && b.Part == PartPID:
		if strings.EqualFold(a.Name, b.Name) {
			return SamePID
		}
		return ""
	case a.Part == PartFile && b.Part == PartFile:
		return SameFile
	case a.Part != b.Part:
		return ""
	}
	return partSignals[a.Part]
}

var partSignals = map[Part]Signal{PartSession: SameSession, PartUser: SameUser, PartMailbox: SameMailbox, PartDevice: SameDevice, PartIP: SameIP,
	PartMail: SameMail, PartSender: SameSender, PartURL: SameURL, PartDomain: SameDomain, PartApp: SameApp, PartResource: SameResource, PartRegistry: SameObject,
	PartPath: SameObject, PartOther: SameObject}

var signalOrder = []Signal{SameProcess, Lineage, Sibling, SamePID, SameMail, SameURL, SameApp, SameSender, SameSession, SameFile, SameDomain, SameIP,
	Movement, SameUser, SameMailbox, SameResource, SameObject, SameDevice, SameRule}

// hardSignal: evidence that names one thing done, not a place, a person or a
// moment.
func hardSignal(s Signal) bool {
	switch s {
	case SameProcess, Lineage, Sibling, SamePID, SameMail, SameURL, SameApp, SameSender, SameFile, SameDomain:
		return true
	}
	return false
}
