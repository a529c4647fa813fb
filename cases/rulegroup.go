package cases

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// ruleGroupID is what the alerts of one group of a rule have in common, hashed. The
// mode is part of it: alerts grouped in another way are another group.
func ruleGroupID(a *tocsin.Alert, g tocsin.RuleGrouping) string {
	parts := []string{a.DetectorID, string(g.Mode)}
	if a.DetectorID == "" {
		parts[0] = a.Title
	}
	if g.Mode == tocsin.GroupEntities || g.Mode == tocsin.GroupChosen {
		var keys []string
		for i := range a.Evidence {
			ks := a.Evidence[i].Keys()
			if len(ks) > 0 && (g.Mode == tocsin.GroupEntities || slices.Contains(g.Entities, ks[0].Type)) {
				keys = append(keys, ks[0].String())
			}
		}
		slices.Sort(keys)
		parts = append(parts, slices.Compact(keys)...)
	}
	if g.Mode == tocsin.GroupChosen {
		for _, name := range slices.Sorted(slices.Values(g.Details)) {
			v, err := json.Marshal(a.CustomDetails[name])
			if err != nil {
				v = []byte(err.Error()) // equal only to what fails alike
			}
			parts = append(parts, "detail", name, string(v))
		}
	}
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// groupAlert finds the incident of an alert whose rule does not correlate: that
// of its group, or a new one.
func (b *batch) groupAlert(in *arrival, g tocsin.RuleGrouping) (*openIncident, error) {
	a := &in.a
	if g.Mode == "" || g.Mode == tocsin.GroupNone {
		return b.open(in, correlate.Decision{Why: "its rule does not correlate and puts each alert into an incident of its own"})
	}
	id := ruleGroupID(a, g)
	have, err := b.tx.RuleGroup(id)
	if err != nil {
		return nil, err
	}
	oi, err := b.groupIncident(have, a, g)
	if err != nil {
		return nil, err
	}
	next := store.RuleGroup{ID: id, Alerts: 1, Last: a.LastActivity}
	if oi == nil {
		why := "its rule does not correlate, and no earlier alert of its group is near enough"
		if have != nil && have.Alerts >= tocsin.MaxGroupedAlerts {
			why = fmt.Sprintf("the group of its rule has %d alerts in incident %d already", have.Alerts, have.IncidentID)
		}
		if oi, err = b.open(in, correlate.Decision{Why: why}); err != nil {
			return nil, err
		}
	} else {
		next.Alerts = have.Alerts + 1
		if have.Last.After(next.Last) {
			next.Last = have.Last
		}
		before := oi.tally.alerts
		oi.tally.add(in.digest, a.Active())
		if err := b.record(oi, tocsin.Change{Kind: "alertGrouped", AlertID: a.ID, Before: object("alertCount", before), After: object("alertCount", oi.tally.alerts, "severity", a.Severity),
			Summary: fmt.Sprintf("Alert “%s” was added by the grouping of its rule (%s)", a.Title, groupWords[g.Mode])}); err != nil {
			return nil, err
		}
	}
	next.IncidentID = oi.inc.ID
	return oi, b.tx.PutRuleGroup(next)
}

var groupWords = map[tocsin.GroupingMode]string{tocsin.GroupEntities: "all entities equal", tocsin.GroupRule: "all alerts of the rule", tocsin.GroupChosen: "chosen entities and details equal"}

// groupIncident is the incident that a group goes on in, opened again where
// the rule wants it; nil when the group begins anew.
func (b *batch) groupIncident(have *store.RuleGroup, a *tocsin.Alert, g tocsin.RuleGrouping) (*openIncident, error) {
	within := time.Duration(g.Minutes) * time.Minute
	if have == nil || have.Alerts >= tocsin.MaxGroupedAlerts || a.FirstActivity.Sub(have.Last) > within || have.Last.Sub(a.LastActivity) > within {
		return nil, nil
	}
	oi, err := b.incident(have.IncidentID)
	for hops := 0; err == nil && oi.inc.Status == tocsin.IncidentRedirected && hops < 100; hops++ {
		oi, err = b.incident(oi.inc.RedirectID)
	}
	if err != nil {
		return nil, err
	}
	if oi.inc.Status == tocsin.IncidentRedirected || (!oi.inc.Open() && !g.Reopen) {
		return nil, nil
	}
	if err := b.count(oi); err != nil {
		return nil, err
	}
	if oi.inc.Open() {
		return oi, nil
	}
	was := oi.inc.Status
	oi.inc.Status = tocsin.IncidentActive
	b.reopened = append(b.reopened, oi.inc.ID)
	return oi, b.record(oi, tocsin.Change{Kind: "statusChanged", AlertID: a.ID, Before: object("status", was), After: object("status", oi.inc.Status),
		Summary: fmt.Sprintf("Opened again by alert “%s”, as its rule asks for", a.Title)})
}
