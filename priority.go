package tocsin

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Factor is one reason for an incident's priority score, with its points.
type Factor struct {
	Name   string `json:"name"`
	Points int    `json:"points"`
	Text   string `json:"text"` // in words
}

// Scoring says how many points each reason for urgency gives at most. A tenant
// may change it; all are 0 to 100.
type Scoring struct {
	Severity  map[Severity]int  `json:"severity"`  // by the incident's severity
	Progress  int               `json:"progress"`  // how far along ATT&CK's tactics the attack has come
	Tactics   int               `json:"tactics"`   // how many of them it shows: a quarter for each beyond the first
	Sources   int               `json:"sources"`   // how many products saw it: a half for each beyond the first
	Alerts    int               `json:"alerts"`    // active alerts: a quarter for each doubling
	Spread    int               `json:"spread"`    // assets touched: a quarter for each doubling
	Threat    int               `json:"threat"`    // an alert names a known threat
	Duration  int               `json:"duration"`  // it went on for more than a day
	Waiting   int               `json:"waiting"`   // nobody has taken it: one point a day
	Marks     map[AssetMark]int `json:"marks"`     // what people say of an asset that it touches
	Tags      map[string]int    `json:"tags"`      // tags that say that it matters, in any case
	MarksMost int               `json:"marksMost"` // all marks and tags together
	High      int               `json:"high"`      // above it the score is red
	Low       int               `json:"low"`       // from it on the score is orange, below grey
}

// AssetMark is what people say of a device, a person or another asset, because
// alerts cannot know it.
type AssetMark string

const (
	MarkCritical   AssetMark = "critical"   // the organisation stands still without it
	MarkPrivileged AssetMark = "privileged" // its rights reach far: an administrator, a domain controller
	MarkHoneytoken AssetMark = "honeytoken" // nobody has reason to touch it
	MarkVIP        AssetMark = "vip"        // a person whose mail and files are sought after
)

// AssetMarks lists them.
var AssetMarks = []AssetMark{MarkCritical, MarkPrivileged, MarkHoneytoken, MarkVIP}

// MarkedAsset is an asset of which people said something.
type MarkedAsset struct {
	Name   string    `json:"name"` // as alerts have it
	Mark   AssetMark `json:"mark"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// DefaultScoring has the bands of Defender's portal: red above 85, orange from 15.
func DefaultScoring() Scoring {
	return Scoring{
		Severity: map[Severity]int{SeverityHigh: 40, SeverityMedium: 22, SeverityLow: 8, SeverityInformational: 0},
		Progress: 15, Tactics: 12, Sources: 8, Alerts: 8, Spread: 8, Threat: 8, Duration: 3, Waiting: 5,
		Marks:     map[AssetMark]int{MarkCritical: 15, MarkPrivileged: 10, MarkHoneytoken: 15, MarkVIP: 8},
		Tags:      map[string]int{"Attack disruption": 15, "Ransomware": 15, "Nation state": 12, "Critical asset": 10, "Honeytoken": 10, "VIP": 8},
		MarksMost: 25, High: 85, Low: 15,
	}
}

// maxScoreTags bounds the tags that points are given for.
const maxScoreTags = 50

// Validate says what is wrong with the points, as an Error of CodeInvalid.
func (s *Scoring) Validate() error {
	check := func(what string, n int) error {
		if n < 0 || n > 100 {
			return Errorf(CodeInvalid, "%s: points are 0 to 100, not %d", what, n)
		}
		return nil
	}
	all := map[string]int{"progress": s.Progress, "tactics": s.Tactics, "sources": s.Sources, "alerts": s.Alerts, "spread": s.Spread, "threat": s.Threat,
		"duration": s.Duration, "waiting": s.Waiting, "marksMost": s.MarksMost, "high": s.High, "low": s.Low}
	for sev, n := range s.Severity {
		if !slices.Contains(Severities, sev) {
			return Errorf(CodeInvalid, "unknown severity %q", sev)
		}
		all["severity "+string(sev)] = n
	}
	for m, n := range s.Marks {
		if !slices.Contains(AssetMarks, m) {
			return Errorf(CodeInvalid, "unknown mark %q", m)
		}
		all["mark "+string(m)] = n
	}
	if len(s.Tags) > maxScoreTags {
		return Errorf(CodeLimit, "points are given for at most %d tags", maxScoreTags)
	}
	for t, n := range s.Tags {
		if t = strings.TrimSpace(t); t == "" || len([]rune(t)) > MaxTagRunes {
			return Errorf(CodeInvalid, "a tag has 1 to %d characters", MaxTagRunes)
		}
		all["tag "+t] = n
	}
	for _, what := range slices.Sorted(maps.Keys(all)) {
		if err := check(what, all[what]); err != nil {
			return err
		}
	}
	if s.Low >= s.High {
		return Errorf(CodeInvalid, "the orange band begins at %d, which is not below %d, where red begins", s.Low, s.High)
	}
	return nil
}

// Priority is how much an incident asks for attention at a moment, 0 to 100, and
// the reasons whose points add up to it (before it is cut at 100). It is a plain
// sum of capped points over what the incident says of itself and people of its
// assets, so that it can be checked by hand. marks are by the asset's name in
// lower case.
func (i *Incident) Priority(s *Scoring, marks map[string][]AssetMark, now time.Time) (score int, factors []Factor) {
	add := func(name string, points int, format string, args ...any) {
		if points > 0 {
			factors = append(factors, Factor{name, points, fmt.Sprintf(format, args...)})
			score += points
		}
	}
	add("severity", s.Severity[i.Severity], "Severity is %s", i.Severity)
	furthest, tactics := -1, 0
	for _, c := range i.Categories {
		if r := TacticRank(c); r >= 0 {
			tactics++
			furthest = max(furthest, r)
		}
	}
	if furthest >= 0 {
		all := len(tacticOrder)
		add("progress", int(math.Round(float64(s.Progress)*float64(furthest+1)/float64(all))), "The attack has come to %s, tactic %d of %d", strings.ToLower(TacticName(tacticOrder[furthest])), furthest+1, all)
		add("tactics", part(s.Tactics, tactics-1, 4), "It shows %d tactics", tactics)
	}
	add("sources", part(s.Sources, len(i.ServiceSources)-1, 2), "%d products saw it", len(i.ServiceSources))
	add("alerts", doublings(s.Alerts, i.ActiveAlerts), "%d active alerts", i.ActiveAlerts)
	n := i.AssetCounts
	assets := n.Devices + n.Users + n.Mailboxes + n.Apps + n.CloudResources
	add("spread", doublings(s.Spread, assets-1), "It touches %d assets", assets)
	if threats := i.Labels[LabelThreats]; len(threats) > 0 {
		add("threat", s.Threat, "A known threat: %s", threats[0])
	}
	i.addMarks(s, marks, add)
	if i.LastActivity.Sub(i.FirstActivity) > 24*time.Hour {
		add("duration", s.Duration, "It went on for more than a day")
	}
	if days := int(now.Sub(i.Created) / (24 * time.Hour)); i.Status == IncidentActive && i.AssignedTo == "" && !i.Created.IsZero() && days > 0 {
		add("waiting", min(s.Waiting, days), "Nobody has taken it for %s", dayCount(days))
	}
	return min(score, 100), factors
}

func dayCount(n int) string {
	if n == 1 {
		return "a day"
	}
	return fmt.Sprintf("%d days", n)
}

// addMarks adds what people said of the incident and of what it touches: each
// mark once, the weightiest first, until together they have given the most.
func (i *Incident) addMarks(s *Scoring, marks map[string][]AssetMark, add func(string, int, string, ...any)) {
	type said struct {
		points int
		text   string
	}
	var all []said
	for _, tag := range slices.Sorted(maps.Keys(s.Tags)) {
		same := func(t string) bool { return strings.EqualFold(t, tag) }
		if slices.ContainsFunc(i.SystemTags, same) || slices.ContainsFunc(i.CustomTags, same) {
			all = append(all, said{s.Tags[tag], fmt.Sprintf("Marked “%s”", tag)})
		}
	}
	seen := map[AssetMark]bool{}
	for _, name := range i.Labels[LabelAssets] {
		for _, m := range marks[strings.ToLower(name)] {
			if !seen[m] {
				seen[m] = true
				all = append(all, said{s.Marks[m], fmt.Sprintf("It touches %s, which is marked %s", name, m)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b said) int { return b.points - a.points })
	left := s.MarksMost
	for _, x := range all {
		points := min(left, x.points)
		left -= points
		add("mark", points, "%s", x.text)
	}
}

// part is n steps of a so-manieth of most.
func part(most, n, steps int) int {
	if n <= 0 {
		return 0
	}
	return min(most, int(math.Round(float64(most)*float64(n)/float64(steps))))
}

// doublings gives a quarter of most for each doubling of 1+n.
func doublings(most, n int) int {
	if n <= 0 {
		return 0
	}
	return min(most, int(math.Floor(float64(most)/4*math.Log2(float64(1+n)))))
}
