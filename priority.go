package tocsin

import (
	"fmt"
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

// Bands of the priority score, as Defender colours them: above High is red, from
// Low on orange, below grey.
const (
	PriorityHigh = 85
	PriorityLow  = 15
)

// priorityTags are marks on an incident that say that it matters, with their
// points; together they count for at most maxTagPoints.
var priorityTags = []struct {
	tag    string
	points int
}{
	{"Attack disruption", 15}, {"Ransomware", 15}, {"Nation state", 12}, {"Critical asset", 10}, {"Honeytoken", 10}, {"VIP", 8},
}

const maxTagPoints = 25

var severityPoints = map[Severity]int{SeverityHigh: 40, SeverityMedium: 22, SeverityLow: 8}

// Priority is how much an incident asks for attention, 0 to 100, and the reasons
// whose points add up to it (before it is cut at 100). It is a plain sum of
// capped points over what the incident says of itself, so that it can be checked
// by hand: severity (40 high, 22 medium, 8 low), how far along ATT&CK's tactics
// the attack has come (15) and how many of them it shows (12), how many products
// saw it (8), active alerts (8), assets touched (8), marks (25), and whether it
// went on for more than a day (3).
func (i *Incident) Priority() (score int, factors []Factor) {
	add := func(name string, points int, format string, args ...any) {
		if points > 0 {
			factors = append(factors, Factor{name, points, fmt.Sprintf(format, args...)})
			score += points
		}
	}
	add("severity", severityPoints[i.Severity], "Severity is %s", i.Severity)
	furthest, tactics := -1, 0
	for _, c := range i.Categories {
		if r := TacticRank(c); r >= 0 {
			tactics++
			furthest = max(furthest, r)
		}
	}
	if furthest >= 0 {
		all := len(tacticOrder)
		add("progress", int(math.Round(15*float64(furthest+1)/float64(all))), "The attack has come to %s, tactic %d of %d", strings.ToLower(TacticName(tacticOrder[furthest])), furthest+1, all)
		add("tactics", min(12, 3*(tactics-1)), "It shows %d tactics", tactics)
	}
	add("sources", min(8, 4*(len(i.ServiceSources)-1)), "%d products saw it", len(i.ServiceSources))
	add("alerts", capped(8, 2, i.ActiveAlerts), "%d active alerts", i.ActiveAlerts)
	n := i.AssetCounts
	assets := n.Devices + n.Users + n.Mailboxes + n.Apps + n.CloudResources
	add("spread", capped(8, 2, assets-1), "It touches %d assets", assets)
	left := maxTagPoints
	for _, m := range priorityTags {
		same := func(t string) bool { return strings.EqualFold(t, m.tag) }
		if slices.ContainsFunc(i.SystemTags, same) || slices.ContainsFunc(i.CustomTags, same) {
			points := min(left, m.points)
			left -= points
			add("tag", points, "Marked “%s”", m.tag)
		}
	}
	if i.LastActivity.Sub(i.FirstActivity) > 24*time.Hour {
		add("duration", 3, "It went on for more than a day")
	}
	return min(score, 100), factors
}

// capped grows with the logarithm of n: step points for each doubling.
func capped(most, step, n int) int {
	if n <= 0 {
		return 0
	}
	return min(most, int(math.Floor(float64(step)*math.Log2(float64(1+n)))))
}
