package cases

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// batchSize is how many alerts one transaction takes: enough to share its
// fsync and its counting, few enough that other writers wait only a moment.
const batchSize = 200

// correlation is the actor of what happens to incidents by itself.
var correlation = tocsin.Actor{Kind: tocsin.ActorEngine, Name: "correlation"}

// Accept takes in alerts, in order: normalizes and validates them, recognises
// repeats by source and external id and deliveries by delivery id, and lets
// correlation open, join or merge incidents. Each batch of 200 is one
// transaction; when one fails, the earlier ones stand, the result has the
// entries up to there, and the whole call can be repeated safely if the alerts
// carry delivery ids. An alert that cannot be taken has Err set in its entry
// and disturbs no other.
func (c *Cases) Accept(ctx context.Context, alerts []tocsin.Alert) ([]Accepted, error) {
	out := make([]Accepted, 0, len(alerts))
	for part := range slices.Chunk(alerts, batchSize) {
		var done []Accepted
		err := c.st.Update(ctx, func(tx *store.Tx) error {
			defer tx.AsEngine()() // correlation sees everything, whoever brings the alert
			b := newBatch(c, tx)
			done = make([]Accepted, len(part))
			for i := range part {
				if err := ctx.Err(); err != nil {
					return err
				}
				var err error
				if done[i], err = b.accept(&part[i]); err != nil {
					return fmt.Errorf("accept alert %q of %s: %w", part[i].ExternalID, part[i].Source, err)
				}
			}
			return b.finish()
		})
		if err != nil {
			return out, err
		}
		out = append(out, done...)
	}
	return out, nil
}

// alertPrefixes are the letters before an alert's id that tell its source, as
// Defender has them.
var alertPrefixes = map[tocsin.ServiceSource]string{
	tocsin.SourceEndpoint: "da", tocsin.SourceIdentity: "aa", tocsin.SourceCloudApps: "ca", tocsin.SourceOffice: "fa",
	tocsin.SourceXDR: "ra", tocsin.SourceEntra: "ad", tocsin.SourceAppGovernance: "ma", tocsin.SourceDLP: "dl",
	tocsin.SourceCloud: "dc", tocsin.SourceSentinel: "sn", tocsin.SourceInsiderRisk: "ir", tocsin.SourceThreatIntel: "ti",
}

// alertID is the id of an alert: a function of where it comes from, so that
// taking it again after a crash makes no second one.
func alertID(a *tocsin.Alert) string {
	p := alertPrefixes[a.ServiceSource]
	switch {
	case a.DetectionSource == tocsin.DetectionCustom && a.ServiceSource == tocsin.SourceEndpoint:
		p = "ed"
	case a.DetectionSource == tocsin.DetectionCustom && a.ServiceSource == tocsin.SourceXDR:
		p = "ea"
	case p == "":
		p = "un"
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s%d:%s", len(a.Source), a.Source, len(a.ExternalID), a.ExternalID)
	return p + hex.EncodeToString(h.Sum(nil)[:16])
}

// batch is the work of one transaction of Accept. It holds the incidents and
// alerts that it has touched, so that each is counted and written once.
type batch struct {
	c         *Cases
	tx        *store.Tx
	prev      *store.Prevalence
	incidents map[int64]*openIncident
	alerts    map[string]*knownAlert   // by id
	standings map[int64]store.Standing // of incidents that were candidates only
	bySource  map[[2]string]string     // source and external id -> id
	facts     map[string]correlate.Facts
	repeats   []string     // ids of alerts that occurred again, in order
	actor     tocsin.Actor // who puts alerts into incidents: correlation, or a person
	parted    *bool        // whether people have parted incidents; nil until it is asked
}

type openIncident struct {
	inc    tocsin.Incident
	before tocsin.Incident // as the batch found it
	tally  *tally          // nil until it is needed
	fresh  bool            // opened by this batch
	dirty  bool
}

type knownAlert struct {
	a     *tocsin.Alert
	fresh bool // of this batch
	dirty bool // to be written at the end
}

func newBatch(c *Cases, tx *store.Tx) *batch {
	return &batch{c: c, tx: tx, prev: tx.Prevalence(), incidents: map[int64]*openIncident{}, alerts: map[string]*knownAlert{}, standings: map[int64]store.Standing{},
		bySource: map[[2]string]string{}, facts: map[string]correlate.Facts{}, actor: correlation}
}

func (b *batch) accept(in *tocsin.Alert) (Accepted, error) {
	a := *in // the caller keeps its own
	a.Evidence, a.Rows, a.Categories, a.Techniques = slices.Clone(a.Evidence), slices.Clone(a.Rows), slices.Clone(a.Categories), slices.Clone(a.Techniques)
	a.Normalize()
	if err := a.Validate(); err != nil {
		return Accepted{Err: err}, nil
	}
	if a.Status == tocsin.AlertResolved && a.Resolved.IsZero() {
		a.Resolved = b.tx.Now()
	}
	known, err := b.known(&a)
	if err != nil {
		return Accepted{}, err
	}
	if a.DeliveryID != "" {
		first, err := b.tx.TakeDelivery(deliveryID(&a))
		if err != nil {
			return Accepted{}, err
		}
		if !first && known != nil {
			return Accepted{AlertID: known.a.ID, IncidentID: known.a.IncidentID, Duplicate: true}, nil
		}
	}
	if known != nil {
		return b.repeat(known, &a)
	}
	return b.take(&a)
}

func deliveryID(a *tocsin.Alert) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(len(a.Source)) + ":" + a.Source + strconv.Itoa(len(a.ExternalID)) + ":" + a.ExternalID + a.DeliveryID))
	return hex.EncodeToString(sum[:16])
}

// known is the alert if it was taken before, nil otherwise.
func (b *batch) known(a *tocsin.Alert) (*knownAlert, error) {
	at := [2]string{a.Source, a.ExternalID}
	if id, ok := b.bySource[at]; ok {
		return b.alerts[id], nil
	}
	have, err := b.tx.AlertFrom(a.Source, a.ExternalID)
	if err != nil || have == nil {
		return nil, err
	}
	k := &knownAlert{a: have}
	b.alerts[have.ID], b.bySource[at] = k, have.ID
	return k, nil
}

// repeat takes a further occurrence of a known alert. It counts, also in an
// incident that is resolved, and reopens nothing.
func (b *batch) repeat(k *knownAlert, a *tocsin.Alert) (Accepted, error) {
	was := factsOf(k.a)
	old := was.LookupKeys()
	k.a.Repeat(a)
	if !k.dirty {
		k.dirty = true
		b.repeats = append(b.repeats, k.a.ID)
	}
	var more []tocsin.EntityKey
	f := factsOf(k.a)
	for _, key := range f.LookupKeys() {
		if !slices.Contains(old, key) {
			more = append(more, key)
		}
	}
	if len(more) > 0 {
		devices, users := places(k.a)
		if err := b.prev.Add(more, f.Rule, devices, users, false); err != nil {
			return Accepted{}, err
		}
	}
	b.facts[k.a.ID] = f
	oi, err := b.incident(k.a.IncidentID)
	if err != nil {
		return Accepted{}, err
	}
	if err := b.count(oi); err != nil {
		return Accepted{}, err
	}
	oi.tally.widen(digestOf(k.a))
	oi.dirty = true
	return Accepted{AlertID: k.a.ID, IncidentID: k.a.IncidentID, Repeat: true}, nil
}

// take lets correlation find a place for a new alert.
func (b *batch) take(a *tocsin.Alert) (Accepted, error) {
	a.Tenant, a.ID, a.Version = b.tx.Tenant(), alertID(a), 1
	a.Created, a.LastUpdate = b.tx.Now(), b.tx.Now()
	a.IncidentID, a.Links = 0, nil
	set, err := b.c.settings(b.tx)
	if err != nil {
		return Accepted{}, err
	}
	a.Correlation = set.correlates(a)
	f := factsOf(a)
	keys := f.LookupKeys()
	oi, err := b.house(a, f, keys, set)
	if err != nil {
		return Accepted{}, err
	}
	a.IncidentID = oi.inc.ID
	if a.AssignedTo == "" {
		a.AssignedTo = oi.inc.AssignedTo
	}
	if err := b.write(a, f, keys); err != nil {
		return Accepted{}, err
	}
	return Accepted{AlertID: a.ID, IncidentID: a.IncidentID, New: true}, nil
}

// house finds the incident of a new alert: by what it shares, or by the
// grouping of its rule alone.
func (b *batch) house(a *tocsin.Alert, f correlate.Facts, keys []tocsin.EntityKey, set *settings) (*openIncident, error) {
	if a.Correlation == tocsin.CorrelationDisabled {
		return b.groupAlert(a, set.rules[a.DetectorID].Grouping)
	}
	if len(set.excluded) > 0 {
		f = set.exclude(f, a, b.tx.Now())
		keys = f.LookupKeys()
	}
	d, err := b.decide(f, keys, set)
	if err != nil {
		return nil, err
	}
	if err := b.refuse(&d, set); err != nil {
		return nil, err
	}
	a.Links = d.Links
	if d.Kind == correlate.Open {
		return b.open(a, d)
	}
	return b.join(a, d)
}

func (b *batch) write(a *tocsin.Alert, f correlate.Facts, keys []tocsin.EntityKey) error {
	if err := b.putAlert(a, f, true); err != nil {
		return err
	}
	if err := b.tx.PutKeys(a.ID, a.IncidentID, true, a.LastActivity, keys, true); err != nil {
		return err
	}
	if err := b.tx.PutNames(a.ID, a.IncidentID, names(a)); err != nil {
		return err
	}
	if err := b.tx.PutDevices(a.ID, a.IncidentID, a.Devices(), true); err != nil {
		return err
	}
	devices, users := places(a)
	if err := b.prev.Add(keys, f.Rule, devices, users, true); err != nil {
		return err
	}
	b.facts[a.ID] = f
	b.alerts[a.ID] = &knownAlert{a: a, fresh: true}
	b.bySource[[2]string{a.Source, a.ExternalID}] = a.ID
	return nil
}

func (b *batch) putAlert(a *tocsin.Alert, f correlate.Facts, fresh bool) error {
	facts, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode facts: %w", err)
	}
	dig, err := json.Marshal(digestOf(a))
	if err != nil {
		return fmt.Errorf("encode digest: %w", err)
	}
	return b.tx.PutAlert(store.AlertRow{Alert: a, Facts: string(facts), Digest: string(dig), Fresh: fresh})
}

// places are the devices and people of an alert, one name each: what a key is
// common on.
func places(a *tocsin.Alert) (devices, users []string) {
	for i := range a.Evidence {
		e := &a.Evidence[i]
		switch e.Entity() {
		case tocsin.EntityDevice:
			if ks := e.Keys(); len(ks) > 0 {
				devices = append(devices, ks[0].ID)
			}
		case tocsin.EntityUser:
			if ks := e.Keys(); len(ks) > 0 && !tocsin.SystemAccount(e.Str("userAccount.accountName"), e.Str("userAccount.userSid")) {
				users = append(users, ks[0].ID)
			}
		}
	}
	return devices, users
}

// maxNames is how many names an alert is found by.
const maxNames = 40

// names are what people may search an alert by: its title and what its
// evidence is called.
func names(a *tocsin.Alert) []string {
	out := []string{a.Title}
	for i := range a.Evidence {
		e := &a.Evidence[i]
		if n := e.Name(); n != string(e.Type) && !slices.Contains(out, n) && len(out) < maxNames {
			out = append(out, n)
		}
	}
	return out
}

// incident is an incident of the tenant, read once a batch.
func (b *batch) incident(id int64) (*openIncident, error) {
	if oi := b.incidents[id]; oi != nil {
		return oi, nil
	}
	inc, err := b.tx.Incident(id)
	if err != nil {
		return nil, err
	}
	oi := &openIncident{inc: inc, before: inc}
	b.incidents[id] = oi
	return oi, nil
}

// count makes sure that the incident's tally is there. It must be called
// before an alert of this batch is written into the incident, since it reads
// those that are written.
func (b *batch) count(oi *openIncident) (err error) {
	if oi.tally == nil {
		oi.tally, err = b.c.tallies.take(b.tx, &oi.inc)
	}
	return err
}

// finish writes what the batch has left to the end, and the record of it.
func (b *batch) finish() error {
	if err := b.finishRepeats(); err != nil {
		return err
	}
	ids := make([]int64, 0, len(b.incidents))
	for id, oi := range b.incidents {
		if oi.dirty {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := b.finishIncident(b.incidents[id]); err != nil {
			return err
		}
	}
	if err := b.prev.Flush(); err != nil {
		return err
	}
	b.tx.AfterCommit(func() {
		for id, f := range b.facts {
			b.c.facts.keep(b.tx.Tenant(), id, b.alerts[id].a.LastActivity, f)
		}
		for _, id := range ids {
			b.c.tallies.put(&b.incidents[id].inc, b.incidents[id].tally)
		}
	})
	return nil
}

func (b *batch) finishRepeats() error {
	for _, id := range b.repeats {
		a := b.alerts[id].a
		f := b.facts[id]
		a.Version++
		a.LastUpdate = b.tx.Now()
		if err := b.putAlert(a, f, false); err != nil {
			return err
		}
		if err := b.tx.PutKeys(a.ID, a.IncidentID, b.incidents[a.IncidentID].inc.Open(), a.LastActivity, f.LookupKeys(), false); err != nil {
			return err
		}
		if err := b.tx.PutNames(a.ID, a.IncidentID, names(a)); err != nil {
			return err
		}
		if err := b.tx.PutDevices(a.ID, a.IncidentID, a.Devices(), false); err != nil {
			return err
		}
		oi := b.incidents[a.IncidentID]
		err := b.record(oi, tocsin.Change{Kind: "alertRepeated", AlertID: a.ID, After: object("count", a.Count),
			Summary: fmt.Sprintf("Alert “%s” occurred again, %d times in all", a.Title, a.Count)})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) finishIncident(oi *openIncident) error {
	if oi.tally != nil {
		oi.tally.apply(&oi.inc)
	}
	// What correlation changed of an incident that people knew before is said
	// once a batch; how it came about is in the lines of the alerts.
	if was, is := oi.before, oi.inc; !oi.fresh {
		if was.Severity != is.Severity {
			err := b.record(oi, tocsin.Change{Actor: correlation, Kind: "severityChanged", Before: object("severity", was.Severity), After: object("severity", is.Severity),
				Summary: fmt.Sprintf("Severity changed from %s to %s, following the alerts", was.Severity, is.Severity)})
			if err != nil {
				return err
			}
		}
		if was.DisplayName != is.DisplayName {
			err := b.record(oi, tocsin.Change{Actor: correlation, Kind: "renamed", Before: object("displayName", was.DisplayName), After: object("displayName", is.DisplayName),
				Summary: fmt.Sprintf("Renamed to “%s”, following the alerts", is.DisplayName)})
			if err != nil {
				return err
			}
		}
	}
	oi.inc.LastUpdate, oi.inc.LastModifiedBy = b.tx.Now(), b.actor.Name
	return b.tx.PutIncident(&oi.inc)
}

// record appends a line about an incident, which thereby has a new version.
func (b *batch) record(oi *openIncident, ch tocsin.Change) error {
	oi.inc.Version++
	oi.dirty = true
	if ch.Actor == (tocsin.Actor{}) {
		ch.Actor = b.actor
	}
	ch.Noun, ch.ID, ch.Version = "incident", strconv.FormatInt(oi.inc.ID, 10), oi.inc.Version
	_, err := b.tx.Append(ch)
	return err
}

// object is a small JSON object of name and value pairs.
func object(pairs ...any) json.RawMessage {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	raw, err := json.Marshal(m)
	if err != nil {
		// Only values of our own types come here.
		panic(errors.Join(errors.New("cases: a change cannot be encoded"), err))
	}
	return raw
}
