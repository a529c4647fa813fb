package correlate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// link turns a weighed pair into what is kept with the alert.
func (p *pair) link(f *Facts) tocsin.Link {
	l := tocsin.Link{ToAlertID: p.member.ID, ToAlertTitle: p.member.Title, Sentence: p.sentence(f),
		Strength: strength(p.weight), Weight: round(p.weight)}
	for _, s := range p.told() {
		for _, r := range s.reasons(p.gap) {
			if !slices.Contains(l.Reasons, r) {
				l.Reasons = append(l.Reasons, r)
			}
		}
		if s.thing != nil && len(s.thing.Keys) > 0 {
			addThing(&l, &s)
		}
	}
	if p.gap <= 15*time.Minute && !slices.Contains(l.Reasons, tocsin.ReasonTemporal) {
		l.Reasons = append(l.Reasons, tocsin.ReasonTemporal)
	}
	if p.lateral(f) && !slices.Contains(l.Reasons, tocsin.ReasonLateralMovement) {
		l.Reasons = append(l.Reasons, tocsin.ReasonLateralMovement)
	}
	return l
}

// addThing names what a signal rests on. Signals of one value count together
// under the strongest, which comes first.
func addThing(l *tocsin.Link, s *shared) {
	k := s.key
	if k.IsZero() {
		k = s.thing.Keys[0]
	}
	for i := range l.Entities {
		if l.Entities[i].Key == k.String() {
			l.Entities[i].Weight = round(l.Entities[i].Weight + s.weight)
			return
		}
	}
	l.Entities = append(l.Entities, tocsin.LinkedThing{Type: k.Type, Name: s.linkName(), Key: k.String(), Signal: string(s.signal), Weight: round(s.weight)})
}

// strength maps a weight to 0 to 1, for people; weightOf is its inverse for
// links of before weights were kept.
func strength(weight float64) float64 { return math.Round(100*(1-math.Exp(-1.4*weight))) / 100 }

func weightOf(strength float64) float64 { return -math.Log(1-math.Min(strength, 0.99)) / 1.4 }

func round(weight float64) float64 { return math.Round(1000*weight) / 1000 }

func (s *shared) linkName() string {
	if o := s.other; o != nil && o.Name != "" && strings.EqualFold(s.thing.Name, s.thing.Keys[0].ID) {
		return o.Name
	}
	return s.thing.Name
}

// told are the signals worth telling: those that carry a tenth of the weight.
func (p *pair) told() []shared {
	var out []shared
	for _, s := range p.shared {
		if s.weight >= 0.1*p.weight {
			out = append(out, s)
		}
	}
	// That somebody acts in two places says more than that it is somebody.
	if len(out) > 1 && out[0].signal == SameUser {
		if i := slices.IndexFunc(out, func(s shared) bool { return s.signal == Movement }); i > 0 {
			out[0], out[i] = out[i], out[0]
		}
	}
	return out
}

// lateral: one of the alerts shows lateral movement and they are on different
// devices.
func (p *pair) lateral(f *Facts) bool {
	const lm = "LateralMovement"
	if !slices.Contains(f.Categories, lm) && !slices.Contains(p.member.Categories, lm) {
		return false
	}
	mine, theirs := f.devices(), p.member.devices()
	return len(mine) > 0 && len(theirs) > 0 && !intersects(mine, theirs)
}

func (f *Facts) devices() []string {
	var out []string
	for i := range f.Things {
		if f.Things[i].Part == PartDevice {
			out = append(out, f.Things[i].Keys[0].ID)
		}
	}
	return out
}

func (s *shared) reasons(gap time.Duration) []tocsin.CorrelationReason {
	switch s.signal {
	case SameProcess, Lineage, Sibling, SamePID:
		return []tocsin.CorrelationReason{tocsin.ReasonCausalSequence}
	case SameMail:
		return []tocsin.CorrelationReason{tocsin.ReasonSameCampaign, tocsin.ReasonSimilarArtifacts}
	case SameURL:
		return []tocsin.CorrelationReason{tocsin.ReasonSameCampaign, tocsin.ReasonIndicators}
	case SameDomain, SameIP:
		if s.thing.Hostile || s.other.Hostile {
			return []tocsin.CorrelationReason{tocsin.ReasonThreatSource, tocsin.ReasonIndicators}
		}
		return []tocsin.CorrelationReason{tocsin.ReasonIndicators}
	case SameSender:
		return []tocsin.CorrelationReason{tocsin.ReasonSameCampaign, tocsin.ReasonThreatSource}
	case SameFile, SameObject:
		return []tocsin.CorrelationReason{tocsin.ReasonSimilarArtifacts}
	case Movement:
		return []tocsin.CorrelationReason{tocsin.ReasonSameActor, tocsin.ReasonLateralMovement}
	case SameUser, SameSession:
		return []tocsin.CorrelationReason{tocsin.ReasonSameActor}
	case SameMailbox, SameResource:
		return []tocsin.CorrelationReason{tocsin.ReasonTargetedAsset}
	case SameApp:
		return []tocsin.CorrelationReason{tocsin.ReasonThreatSource}
	case SameDevice:
		return []tocsin.CorrelationReason{tocsin.ReasonSameAsset}
	case SameRule:
		return []tocsin.CorrelationReason{tocsin.ReasonRepeated}
	case SimilarTTP:
		return []tocsin.CorrelationReason{tocsin.ReasonSimilarTTPs}
	case NextStage:
		return []tocsin.CorrelationReason{tocsin.ReasonEventSequence}
	}
	return nil
}

// sentence says the link in English: the strongest signal as the statement,
// up to two further ones behind it, then the distance in time.
func (p *pair) sentence(f *Facts) string {
	told := p.told()
	var main string
	var also []string
	order := false
	named := map[string]bool{}
	for i := range told {
		switch s := &told[i]; {
		case main == "" && s.thing != nil:
			main = s.statement()
			named[s.name()] = true
		case s.thing != nil && named[s.name()]:
		case s.thing != nil && len(also) < 2:
			also = append(also, s.phrase())
			named[s.name()] = true
		case s.signal == NextStage && main != "" && len(also) < 2:
			order = true
		case s.signal == SimilarTTP && main != "" && len(also) < 2:
			also = append(also, "a technique")
		}
	}
	if len(also) > 0 {
		main += ", with " + strings.Join(also, " and ") + " in common"
	}
	if order {
		main += ", one the next step of an attack after the other"
	}
	return main + ", " + distance(p.gap) + "."
}

func (s *shared) statement() string {
	t, n := s.thing, s.name()
	switch s.signal {
	case SameProcess, SamePID:
		return "The same process " + n + " appears in both alerts"
	case Lineage:
		return s.lineage()
	case Sibling:
		if t.Part == PartTarget || s.other.Part == PartTarget {
			return "Both alerts touch the process " + n
		}
		return "The processes of both alerts were started by " + n
	case SameMail:
		return "Both alerts are about the same mail message " + quote(n)
	case SameURL:
		return "Both alerts contain the same link " + n
	case SameApp:
		return "Both alerts are about the same application " + n
	case SameSender:
		return "Both alerts are about mail from " + n
	case SameSession:
		return "Both alerts happened in the same logon session " + n
	case SameFile:
		return "The same file " + n + " appears in both alerts"
	case SameRule:
		return "The same detection fired for " + n
	case Movement:
		return "The user " + n + " acts on two devices at once"
	case SameDevice:
		return "Both alerts happened on the same device " + n
	}
	return "Both alerts name " + s.phrase()
}

// lineage says which process started or touched which.
func (s *shared) lineage() string {
	t, o := s.thing, s.other
	switch {
	case t.Part == PartParent:
		return "The process " + o.name() + " of the other alert started the process of this one"
	case o.Part == PartParent:
		return "The process " + t.name() + " of this alert started the process of the other one"
	case t.Part == PartTarget:
		return "This alert touches the process " + o.name() + " of the other one"
	}
	return "The other alert touches the process " + t.name() + " of this one"
}

// name is the shared thing by the better of its two names: one source may only
// know an id.
func (s *shared) name() string {
	t := *s.thing
	if len(t.Keys) > 0 {
		t.Name = s.linkName()
	}
	return t.name()
}

// phrase names a shared thing inside a sentence.
func (s *shared) phrase() string {
	n := s.name()
	switch s.signal {
	case SameProcess, SamePID, Lineage, Sibling:
		return "the process " + n
	case SameMail:
		return "the mail message " + quote(n)
	case SameURL:
		return "the link " + n
	case SameApp:
		return "the application " + n
	case SameSender:
		return "the sender " + n
	case SameSession:
		return "the logon session " + n
	case SameFile:
		return "the file " + n
	case SameDomain:
		return "the host name " + n
	case SameIP:
		return "the address " + n
	case SameUser, Movement:
		return "the user " + n
	case SameMailbox:
		return "the mailbox " + n
	case SameResource:
		return "the resource " + n
	case SameDevice:
		return "the device " + n
	case SameRule:
		return "the same detection"
	}
	return quote(n)
}

// name is the thing with what tells it from others of its name.
func (t *Thing) name() string {
	switch t.Part {
	case PartProcess, PartParent, PartTarget, PartPID:
		n := t.Name
		if t.PID > 0 {
			n += fmt.Sprintf(" (pid %d)", t.PID)
		}
		if t.Device != "" {
			n += " on " + tocsin.ShortHost(t.Device)
		}
		return n
	case PartSession:
		if t.Device != "" {
			return t.Name + " on " + tocsin.ShortHost(t.Device)
		}
	}
	return t.Name
}

func quote(s string) string { return "“" + s + "”" }

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// distance says a time span as people do.
func distance(d time.Duration) string {
	count := func(n int64, unit string) string {
		if n == 1 {
			return "1 " + unit + " apart"
		}
		return fmt.Sprintf("%d %ss apart", n, unit)
	}
	switch {
	case d < time.Second:
		return "at the same time"
	case d < 2*time.Minute:
		return count(int64(d/time.Second), "second")
	case d < 2*time.Hour:
		return count(int64(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return count(int64(d/time.Hour), "hour")
	}
	return count(int64(d/(24*time.Hour)), "day")
}

// whyOpen says why no incident fits.
func whyOpen(f *Facts, cands []Candidate, all []scored, p *Policy) string {
	if len(cands) == 0 {
		return "No open incident shares " + f.names() + " with this alert."
	}
	if len(all) == 0 {
		return fmt.Sprintf("What this alert shares with %s is too common or too long ago to link them.", incidents(len(cands)))
	}
	best := all[0]
	s := best.pairs[0].sentence(f)
	return fmt.Sprintf("The closest open incident is %d, but the evidence is too weak to join it (%.0f %% of what is needed): %s",
		best.c.IncidentID, math.Min(99, 100*best.weight/p.Join), lowerFirst(s))
}

func incidents(n int) string {
	if n == 1 {
		return "the one open incident near it"
	}
	return fmt.Sprintf("the %d open incidents near it", n)
}

// names lists what an alert is about, for people.
func (f *Facts) names() string {
	var out []string
	for _, part := range []struct {
		p Part
		s string
	}{{PartDevice, "the device "}, {PartUser, "the user "}, {PartProcess, "the process "}, {PartMail, "the mail message "},
		{PartApp, "the application "}, {PartIP, "the address "}, {PartResource, "the resource "}} {
		for i := range f.Things {
			if t := &f.Things[i]; t.Part == part.p && !t.Common && len(out) < 3 {
				out = append(out, part.s+t.name())
				break
			}
		}
	}
	switch len(out) {
	case 0:
		return "anything"
	case 1:
		return out[0]
	}
	return strings.Join(out[:len(out)-1], ", ") + " or " + out[len(out)-1]
}
