package cases

import (
	"cmp"
	"context"
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
	p, _ := tocsin.PrincipalFrom(ctx)
	out := make([]Accepted, 0, len(alerts))
	for part := range slices.Chunk(alerts, batchSize) {
		done, err := c.acceptBatch(ctx, arrive(p.Tenant, part))
		if err != nil {
			return out, err
		}
		out = append(out, done...)
	}
	return out, nil
}

func (c *Cases) acceptBatch(ctx context.Context, in []arrival) (done []Accepted, err error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		defer tx.AsEngine()() // correlation sees everything, whoever brings the alert
		b := newBatch(c, tx)
		if err := b.begin(in); err != nil {
			return err
		}
		done = make([]Accepted, len(in))
		for i := range in {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if done[i], err = b.accept(&in[i]); err != nil {
				return fmt.Errorf("accept alert %q of %s: %w", in[i].a.ExternalID, in[i].a.Source, err)
			}
		}
		return b.finish()
	})
	return done, err
}

// batch is the work of one transaction of Accept. It holds the incidents and
// alerts that it has touched, so that each is counted and written once.
type batch struct {
	c         *Cases
	tx        *store.Tx
	memory    *engineMemory // nil when nothing is correlated: a person says what belongs together
	prev      *store.Prevalence
	incidents map[int64]*openIncident
	alerts    map[string]*knownAlert  // by id
	bySource  map[store.Origin]string // -> id, of those in alerts
	stored    map[store.Origin]string // -> id, of those of the batch that the store has
	first     map[string]bool         // deliveries that were not taken before
	facts     map[string]correlate.Facts
	pending   []store.AlertRow  // not yet written
	repeats   []string          // ids of alerts that occurred again, in order
	reopened  []int64           // incidents that were opened again
	actor     tocsin.Actor      // who puts alerts into incidents: correlation, or a person
	parted    *bool             // whether people have parted incidents; nil until it is asked
	related   map[[2]int64]bool // relations asked for by this batch
}

type openIncident struct {
	inc    tocsin.Incident
	before tocsin.Incident  // as the batch found it
	stored *tocsin.Incident // as it is in the store; nil when it is not
	tally  *tally           // nil until it is needed
	fresh  bool             // opened by this batch
	dirty  bool
}

type knownAlert struct {
	a     *tocsin.Alert
	fresh bool // of this batch
	dirty bool // to be written at the end
}

func newBatch(c *Cases, tx *store.Tx) *batch {
	return &batch{c: c, tx: tx, incidents: map[int64]*openIncident{}, alerts: map[string]*knownAlert{},
		bySource: map[store.Origin]string{}, stored: map[store.Origin]string{}, facts: map[string]correlate.Facts{}, actor: correlation}
}

// begin reads at once what the store knows of alerts that came in.
func (b *batch) begin(in []arrival) (err error) {
	if b.memory, err = b.c.engine.begin(b.tx); err != nil {
		return err
	}
	b.prev = b.memory.prev
	var origins []store.Origin
	var deliveries []string
	var numbers []int64
	for i := range in {
		x := &in[i]
		if x.err != nil {
			continue
		}
		origins = append(origins, x.origin())
		numbers = append(numbers, x.numbers...)
		if x.delivery != "" {
			deliveries = append(deliveries, x.delivery)
		}
	}
	if b.stored, err = b.tx.AlertsFrom(origins); err == nil {
		b.first, err = b.tx.TakeDeliveries(deliveries)
	}
	if err == nil {
		err = b.prev.Load(numbers)
	}
	return err
}

func (b *batch) accept(in *arrival) (Accepted, error) {
	if in.err != nil {
		return Accepted{Err: in.err}, nil
	}
	a := &in.a
	if a.Status == tocsin.AlertResolved && a.Resolved.IsZero() {
		a.Resolved = b.tx.Now()
	}
	known, err := b.known(a)
	if err != nil {
		return Accepted{}, err
	}
	if in.delivery != "" {
		first := b.first[in.delivery]
		b.first[in.delivery] = false
		if !first && known != nil {
			return Accepted{AlertID: known.a.ID, IncidentID: known.a.IncidentID, Duplicate: true}, nil
		}
	}
	if known != nil {
		return b.repeat(known, a)
	}
	return b.take(in)
}

// known is the alert if it was taken before, nil otherwise.
func (b *batch) known(a *tocsin.Alert) (*knownAlert, error) {
	at := store.Origin{Source: a.Source, ExternalID: a.ExternalID}
	if id, ok := b.bySource[at]; ok {
		return b.alerts[id], nil
	}
	id := b.stored[at]
	if id == "" {
		return nil, nil
	}
	have, err := b.tx.Alert(id)
	if err != nil {
		return nil, err
	}
	k := &knownAlert{a: &have}
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
	var more []int64
	f := factsOf(k.a)
	keys := f.LookupKeys()
	for _, key := range keys {
		if !slices.Contains(old, key) {
			more = append(more, store.KeyNumber(key))
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
	if oi.inc.Open() {
		b.index(k.a, &f, numbersOf(keys))
	}
	oi.tally.widen(digestOf(k.a))
	oi.dirty = true
	return Accepted{AlertID: k.a.ID, IncidentID: k.a.IncidentID, Repeat: true}, nil
}

// index makes an alert of an open incident a candidate for those that follow.
func (b *batch) index(a *tocsin.Alert, f *correlate.Facts, numbers []int64) {
	if b.memory == nil {
		return
	}
	x := b.memory.open
	x.keep(x.add(openAlert{id: a.ID, incident: a.IncidentID, last: a.LastActivity.UnixMicro(), keys: numbers}), f)
}

// take lets correlation find a place for a new alert.
func (b *batch) take(in *arrival) (Accepted, error) {
	a := &in.a
	a.Created, a.LastUpdate = b.tx.Now(), b.tx.Now()
	set, err := b.c.settings(b.tx)
	if err != nil {
		return Accepted{}, err
	}
	if a.Correlation = set.correlates(a); a.Correlation == tocsin.CorrelationDisabled {
		if err := in.digestFacts(); err != nil {
			return Accepted{}, err
		}
	}
	if set.policy.GroupsApart {
		if in.facts.Groups, err = b.tx.GroupsOfDevices(in.seen); err != nil {
			return Accepted{}, err
		}
	}
	oi, err := b.house(in, set)
	if err != nil {
		return Accepted{}, err
	}
	if err := b.write(in, oi); err != nil {
		return Accepted{}, err
	}
	return Accepted{AlertID: a.ID, IncidentID: a.IncidentID, New: true}, nil
}

// house finds the incident of a new alert: by what it shares, or by the
// grouping of its rule alone.
func (b *batch) house(in *arrival, set *settings) (*openIncident, error) {
	a := &in.a
	if a.Correlation == tocsin.CorrelationDisabled {
		return b.groupAlert(in, set.rules[a.DetectorID].Grouping)
	}
	d, err := b.correlated(in, set)
	if err != nil {
		return nil, err
	}
	place := b.join
	if d.Kind == correlate.Open {
		place = b.open
	}
	oi, err := place(in, d)
	if err == nil {
		err = b.relate(in, oi.inc.ID, &d)
	}
	return oi, err
}

// correlated is where correlation wants a new alert, and its links.
func (b *batch) correlated(in *arrival, set *settings) (d correlate.Decision, err error) {
	a, f, keys, numbers := &in.a, in.facts, in.keys, in.numbers
	if len(set.excluded) > 0 {
		f = set.exclude(f, a, b.tx.Now())
		keys = f.LookupKeys()
		numbers = numbersOf(keys)
	}
	d, err = b.decide(f, keys, numbers, set)
	if err != nil {
		return d, err
	}
	if err := b.refuse(&d, set); err != nil {
		return d, err
	}
	a.Links = d.Links
	return d, nil
}

// write puts a new alert into its incident. Its rows are written with those of
// the rest of the batch.
func (b *batch) write(in *arrival, oi *openIncident) error {
	a := &in.a
	a.IncidentID = oi.inc.ID
	if a.AssignedTo == "" {
		a.AssignedTo = oi.inc.AssignedTo
	}
	b.pending = append(b.pending, store.AlertRow{Alert: a, Facts: in.factsJSON, Digest: in.digestJSON, Keys: in.numbers, Names: in.names,
		Devices: in.seen, Fresh: true})
	if err := b.prev.Add(in.numbers, in.facts.Rule, in.devices, in.users, true); err != nil {
		return err
	}
	b.index(a, &in.facts, in.numbers)
	b.facts[a.ID] = in.facts
	b.alerts[a.ID] = &knownAlert{a: a, fresh: true}
	b.bySource[in.origin()] = a.ID
	return nil
}

// flush writes the new alerts of the batch and their incidents, for statements
// that work on the rows of an incident.
func (b *batch) flush() error {
	if len(b.pending) == 0 {
		return nil
	}
	var fresh []*openIncident
	for _, oi := range b.incidents {
		if oi.stored == nil {
			oi.tally.apply(&oi.inc)
			fresh = append(fresh, oi)
		}
	}
	if err := b.putIncidents(fresh); err != nil {
		return err
	}
	return b.putPending()
}

func (b *batch) putPending() error {
	rows := b.pending
	b.pending = nil
	return b.tx.PutAlerts(rows)
}

func (b *batch) putIncidents(list []*openIncident) error {
	slices.SortFunc(list, func(x, y *openIncident) int { return cmp.Compare(x.inc.ID, y.inc.ID) })
	rows := make([]store.IncidentRow, len(list))
	for i, oi := range list {
		oi.inc.LastUpdate, oi.inc.LastModifiedBy = b.tx.Now(), b.actor.Name
		rows[i] = store.IncidentRow{Incident: &oi.inc, Fresh: oi.stored == nil, Before: oi.stored}
	}
	if err := b.tx.PutIncidents(rows); err != nil {
		return err
	}
	for _, oi := range list {
		inc := oi.inc
		oi.stored = &inc
	}
	return nil
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
	stored := inc
	oi := &openIncident{inc: inc, before: inc, stored: &stored}
	b.incidents[id] = oi
	return oi, nil
}

// count makes sure that the incident's tally is there. It must be called
// before an alert of this batch is put into the incident, since it reads those
// that are written.
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
	var dirty []*openIncident
	for _, oi := range b.incidents {
		if oi.dirty {
			dirty = append(dirty, oi)
		}
	}
	slices.SortFunc(dirty, func(x, y *openIncident) int { return cmp.Compare(x.inc.ID, y.inc.ID) })
	for _, oi := range dirty {
		if err := b.finishIncident(oi); err != nil {
			return err
		}
	}
	err := b.putIncidents(dirty)
	if err == nil {
		err = b.putPending()
	}
	if err == nil && b.prev != nil {
		err = b.prev.Flush()
	}
	if err != nil {
		return err
	}
	line, err := b.tx.Line()
	if err != nil {
		return err
	}
	b.tx.AfterCommit(func() {
		for _, oi := range dirty {
			b.c.tallies.put(&oi.inc, oi.tally)
		}
		if b.memory != nil {
			b.memory.settle(dirty, b.reopened, line)
		}
	})
	return nil
}

func (b *batch) finishRepeats() error {
	if len(b.repeats) == 0 {
		return nil
	}
	if err := b.flush(); err != nil {
		return err
	}
	rows := make([]store.AlertRow, 0, len(b.repeats))
	for _, id := range b.repeats {
		a := b.alerts[id].a
		a.Version++
		a.LastUpdate = b.tx.Now()
		f := b.facts[id]
		facts, digest, err := encodeFacts(a, f)
		if err != nil {
			return err
		}
		rows = append(rows, store.AlertRow{Alert: a, Facts: facts, Digest: digest, Keys: numbersOf(f.LookupKeys()), Names: names(a), Devices: a.Devices()})
		err = b.record(b.incidents[a.IncidentID], tocsin.Change{Kind: "alertRepeated", AlertID: a.ID, After: object("count", a.Count),
			Summary: fmt.Sprintf("Alert “%s” occurred again, %d times in all", a.Title, a.Count)})
		if err != nil {
			return err
		}
	}
	return b.tx.PutAlerts(rows)
}

// finishIncident counts an incident that was changed.
func (b *batch) finishIncident(oi *openIncident) error {
	if oi.tally != nil {
		oi.tally.apply(&oi.inc)
	}
	// What correlation changed of an incident that people knew before is said
	// once a batch; how it came about is in the lines of the alerts.
	was, is := oi.before, oi.inc
	if oi.fresh {
		return nil
	}
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
	return nil
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
