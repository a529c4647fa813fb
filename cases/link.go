package cases

import (
	"context"
	"fmt"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// MaxLinked is how many alerts one call of Link takes.
const MaxLinked = 150

// Link puts alerts that a person made into one incident: a new one when
// incidentID is 0, else that one, which must be open. Nothing is correlated:
// the person has said what belongs together. Alerts, incident and their lines
// of the record, in the person's name, are there together or not at all; an
// alert that is not valid, or that was taken before, is an error.
func (c *Cases) Link(ctx context.Context, incidentID int64, alerts []tocsin.Alert) (into int64, ids []string, err error) {
	if len(alerts) == 0 || len(alerts) > MaxLinked {
		return 0, nil, tocsin.Errorf(tocsin.CodeLimit, "1 to %d alerts can be linked at once, not %d", MaxLinked, len(alerts))
	}
	err = c.st.Update(ctx, func(tx *store.Tx) error {
		if incidentID != 0 {
			if err := tx.RequireWhole(incidentID); err != nil {
				return err
			}
		}
		defer tx.AsEngine()()
		b := newBatch(c, tx)
		b.actor = tx.Principal().Actor()
		into, ids = incidentID, nil
		in := arrive(tx.Tenant(), alerts)
		var origins []store.Origin
		for i := range in {
			origins = append(origins, in[i].origin())
		}
		if b.stored, err = tx.AlertsFrom(origins); err != nil {
			return err
		}
		b.prev = tx.Prevalence()
		for i := range in {
			if err := b.link(&in[i], into); err != nil {
				return err
			}
			into, ids = in[i].a.IncidentID, append(ids, in[i].a.ID)
		}
		return b.finish()
	})
	return into, ids, err
}

// link takes one alert into an incident, or into a new one when it is 0.
func (b *batch) link(in *arrival, incidentID int64) error {
	if in.err != nil {
		return in.err
	}
	known, err := b.known(&in.a)
	if err != nil {
		return err
	}
	if known != nil {
		return tocsin.Errorf(tocsin.CodeConflict, "this alert is in incident %d already", known.a.IncidentID)
	}
	in.a.Created, in.a.LastUpdate = b.tx.Now(), b.tx.Now()
	var oi *openIncident
	if incidentID == 0 {
		oi, err = b.open(in, correlate.Decision{Why: "linked from a hunting query"})
	} else {
		oi, err = b.put(in, incidentID, "was linked from a hunting query")
	}
	if err != nil {
		return err
	}
	return b.write(in, oi)
}

// put adds an alert to an incident that a person chose; how says how the alert
// came about.
func (b *batch) put(in *arrival, incidentID int64, how string) (*openIncident, error) {
	oi, err := b.incident(incidentID)
	if err != nil {
		return nil, err
	}
	if err := oi.inc.CheckMove(oi.inc.Status); err != nil {
		return nil, err
	}
	if !oi.inc.Open() {
		return nil, tocsin.Errorf(tocsin.CodeConflict, "incident %d is resolved; open it again first", incidentID)
	}
	if err := b.count(oi); err != nil {
		return nil, err
	}
	a, before := &in.a, oi.tally.alerts
	oi.tally.add(in.digest, a.Active())
	return oi, b.record(oi, tocsin.Change{Kind: "alertLinked", AlertID: a.ID,
		Before: object("alertCount", before), After: object("alertCount", oi.tally.alerts, "severity", a.Severity),
		Summary: fmt.Sprintf("Alert “%s” %s", a.Title, how)})
}
