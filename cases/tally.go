package cases

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// digest is what counting an incident needs of one alert. It is kept beside
// the alert, so that an incident of thousands is counted without reading
// thousands of alerts in full.
type digest struct {
	Title           string                 `json:"t"`
	Severity        tocsin.Severity        `json:"s"`
	ServiceSource   tocsin.ServiceSource   `json:"o"`
	DetectionSource tocsin.DetectionSource `json:"d,omitempty"`
	Categories      []string               `json:"c,omitempty"`
	Techniques      []string               `json:"q,omitempty"`
	First           time.Time              `json:"f"`
	Last            time.Time              `json:"l"`
	Assets          []tocsin.Evidence      `json:"a,omitempty"`
	Labels          tocsin.Labels          `json:"x,omitempty"` // besides those of the assets
}

// assetProps are the properties that give an asset its keys and its name.
var assetProps = []string{"deviceDnsName", "hostName", "mdeDeviceId", "userAccount", "primaryAddress", "upn", "mailboxPrimaryAddress", "displayName",
	"appId", "objectId", "saasAppId", "servicePrincipalObjectId", "servicePrincipalName", "resourceId", "resourceName", "amazonResourceId",
	"fullResourceName", "name", "url", "clusterId", "urn", "value"}

func digestOf(a *tocsin.Alert) digest {
	d := digest{Title: a.Title, Severity: a.Severity, ServiceSource: a.ServiceSource, DetectionSource: a.DetectionSource,
		Categories: a.Categories, Techniques: a.Techniques, First: a.FirstActivity, Last: a.LastActivity}
	labels := tocsin.LabelSet{}
	labels.AddAlert(a)
	d.Labels = labels.Labels()
	for i := range a.Evidence {
		e := &a.Evidence[i]
		if !e.Entity().IsAsset() {
			continue
		}
		small := tocsin.Evidence{Type: e.Type, UniqueID: e.UniqueID, Device: e.Device, Props: map[string]any{}}
		for _, p := range assetProps {
			if v, ok := e.Props[p]; ok && v != nil {
				small.Props[p] = v
			}
		}
		d.Assets = append(d.Assets, small)
	}
	return d
}

// tally holds what the alerts of an incident come to, in a size that grows with
// what is distinct among them and not with their number. Recounting from it
// gives what Incident.Recount over all the alerts gives.
type tally struct {
	alerts, active int
	groups         map[groupKey]*tocsin.Alert
	assets         map[string]tocsin.Evidence // by keys and name
	labels         tocsin.LabelSet
}

type groupKey struct {
	title string
	src   tocsin.ServiceSource
	det   tocsin.DetectionSource
}

func newTally() *tally {
	return &tally{groups: map[groupKey]*tocsin.Alert{}, assets: map[string]tocsin.Evidence{}, labels: tocsin.LabelSet{}}
}

// loadTally counts an incident anew from the store.
func loadTally(tx *store.Tx, incidentID int64) (*tally, error) {
	t := newTally()
	ds, err := tx.Digests(incidentID)
	if err != nil {
		return nil, fmt.Errorf("count incident %d: %w", incidentID, err)
	}
	for _, row := range ds {
		var d digest
		if err := json.Unmarshal([]byte(row.JSON), &d); err != nil {
			return nil, fmt.Errorf("count incident %d: %w", incidentID, err)
		}
		t.add(d, row.Active)
	}
	return t, nil
}

// add counts a further alert.
func (t *tally) add(d digest, active bool) {
	t.alerts++
	if active {
		t.active++
	}
	t.widen(d)
}

// widen takes in what a known alert has grown to; alerts only ever grow.
func (t *tally) widen(d digest) {
	k := groupKey{d.Title, d.ServiceSource, d.DetectionSource}
	g := t.groups[k]
	if g == nil {
		g = &tocsin.Alert{Title: d.Title, ServiceSource: d.ServiceSource, DetectionSource: d.DetectionSource, Severity: d.Severity,
			FirstActivity: d.First, LastActivity: d.Last, Status: tocsin.AlertResolved}
		t.groups[k] = g
	}
	if d.Severity.Rank() > g.Severity.Rank() {
		g.Severity = d.Severity
	}
	if d.First.Before(g.FirstActivity) {
		g.FirstActivity = d.First
	}
	if d.Last.After(g.LastActivity) {
		g.LastActivity = d.Last
	}
	g.Categories = union(g.Categories, d.Categories)
	g.Techniques = union(g.Techniques, d.Techniques)
	for i := range d.Assets {
		t.addAsset(d.Assets[i])
	}
	t.labels.Merge(d.Labels)
	t.labels.AddAssets(d.Assets)
}

func (t *tally) addAsset(e tocsin.Evidence) { t.assets[assetKey(&e)] = e }

// assetKey tells one asset from another.
func assetKey(e *tocsin.Evidence) string {
	var b strings.Builder
	b.WriteString(string(e.Type))
	for _, k := range e.Keys() {
		b.WriteByte(0)
		b.WriteString(k.String())
	}
	b.WriteByte(0)
	b.WriteString(e.Name())
	return b.String()
}

// merge takes in all alerts of another incident.
func (t *tally) merge(from *tally) {
	t.alerts += from.alerts
	t.active += from.active
	for _, g := range from.groups {
		t.widen(digest{Title: g.Title, Severity: g.Severity, ServiceSource: g.ServiceSource, DetectionSource: g.DetectionSource,
			Categories: g.Categories, Techniques: g.Techniques, First: g.FirstActivity, Last: g.LastActivity})
	}
	for k, e := range from.assets {
		t.assets[k] = e
	}
	t.labels.Merge(from.labels.Labels())
}

func union(have, more []string) []string {
	for _, m := range more {
		if !slices.Contains(have, m) {
			// A copy, since the slice may still be that of an alert.
			have = append(slices.Clip(have), m)
		}
	}
	return have
}

// apply recounts the incident.
func (t *tally) apply(inc *tocsin.Incident) {
	stand := make([]tocsin.Alert, 0, len(t.groups)+1)
	for _, g := range t.groups {
		stand = append(stand, *g)
	}
	slices.SortFunc(stand, func(a, b tocsin.Alert) int {
		return strings.Compare(a.Title+"\x00"+string(a.ServiceSource)+"\x00"+string(a.DetectionSource),
			b.Title+"\x00"+string(b.ServiceSource)+"\x00"+string(b.DetectionSource))
	})
	if len(stand) > 0 {
		ids := make([]string, 0, len(t.assets))
		for id := range t.assets {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			stand[0].Evidence = append(stand[0].Evidence, t.assets[id])
		}
		// The automatic name asks how many alerts there are: whether more than
		// one, and exactly how many when there is nothing better to say.
		want := min(t.alerts, 2)
		if !slices.ContainsFunc(stand, func(a tocsin.Alert) bool { return len(a.Categories) > 0 }) {
			want = t.alerts
		}
		for len(stand) < want {
			more := stand[0]
			more.Evidence = nil
			stand = append(stand, more)
		}
	}
	inc.Recount(stand)
	inc.AlertCount, inc.ActiveAlerts, inc.Labels = t.alerts, t.active, t.labels.Labels()
}
