package cases

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

const (
	// maxIncidentAlerts is how many alerts one incident is shown with.
	maxIncidentAlerts = 10_000
	// maxPageAlerts is how many alerts each incident of an expanded page has.
	maxPageAlerts = 1000
	maxTagHints   = 20
)

// Incident is the incident with this number, with its comments and, if asked
// for, its alerts and theirs; CodeNotFound when the tenant has none such.
func (c *Cases) Incident(ctx context.Context, id int64, withAlerts bool) (inc tocsin.Incident, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		inc, err = load(tx, id, withAlerts)
		return err
	})
	return inc, err
}

func load(tx *store.Tx, id int64, withAlerts bool) (tocsin.Incident, error) {
	inc, err := tx.Incident(id)
	if err == nil {
		inc.Comments, err = tx.Comments(id, "")
	}
	if err == nil && withAlerts {
		err = expand(tx, &inc, maxIncidentAlerts)
	}
	return inc, err
}

func expand(tx *store.Tx, inc *tocsin.Incident, limit int) (err error) {
	if inc.Alerts, err = tx.AlertsOf(inc.ID, limit); err != nil {
		return err
	}
	comments, err := tx.AlertComments(inc.ID)
	for i := range inc.Alerts {
		inc.Alerts[i].Comments = comments[inc.Alerts[i].ID]
	}
	return err
}

// Incidents is a page of the queue, newest first unless the query says
// otherwise, without redirected incidents unless its filter names that status.
// Expand "alerts" brings up to 1,000 alerts of each.
func (c *Cases) Incidents(ctx context.Context, q tocsin.Query) (p IncidentPage, err error) {
	for _, e := range q.Expand {
		if e != "alerts" {
			return p, tocsin.Errorf(tocsin.CodeInvalid, "incident has no %q to expand", e)
		}
	}
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if p.Incidents, p.Total, p.More, err = tx.Incidents(q); err != nil {
			return err
		}
		ids := make([]int64, len(p.Incidents))
		for i := range p.Incidents {
			ids[i] = p.Incidents[i].ID
		}
		comments, err := tx.IncidentComments(ids)
		if err != nil {
			return err
		}
		for i := range p.Incidents {
			inc := &p.Incidents[i]
			inc.Comments = comments[inc.ID]
			if slices.Contains(q.Expand, "alerts") {
				if err := expand(tx, inc, maxPageAlerts); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return p, err
}

// Alert is the alert with this id, with its comments; CodeNotFound when the
// tenant has none such.
func (c *Cases) Alert(ctx context.Context, id string) (a tocsin.Alert, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if a, err = tx.Alert(id); err != nil {
			return err
		}
		a.Comments, err = tx.Comments(a.IncidentID, id)
		return err
	})
	return a, err
}

// IncidentFacets counts how many incidents of the query have each value of the
// properties; see store.Tx.Facets.
func (c *Cases) IncidentFacets(ctx context.Context, q tocsin.Query, properties []string) (out map[string][]tocsin.FacetCount, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		out, err = tx.Facets(q, properties)
		return err
	})
	return out, err
}

// AlertFacets counts the same of alerts.
func (c *Cases) AlertFacets(ctx context.Context, q tocsin.Query, properties []string) (out map[string][]tocsin.FacetCount, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		out, err = tx.AlertFacets(q, properties)
		return err
	})
	return out, err
}

// Alerts is a page of alerts, newest first unless the query says otherwise.
func (c *Cases) Alerts(ctx context.Context, q tocsin.Query) (p AlertPage, err error) {
	if len(q.Expand) > 0 {
		return p, tocsin.Errorf(tocsin.CodeInvalid, "alert has no %q to expand", q.Expand[0])
	}
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if p.Alerts, p.Total, p.More, err = tx.Alerts(q); err != nil {
			return err
		}
		for i := range p.Alerts {
			if p.Alerts[i].Comments, err = tx.Comments(p.Alerts[i].IncidentID, p.Alerts[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	return p, err
}

// Activities are the lines of the record about an incident and about those
// that were merged into it, after a sequence, oldest first, at most top (1,000
// at most and by default). A line of a merged one keeps that one's number in ID.
func (c *Cases) Activities(ctx context.Context, incidentID int64, after int64, top int) (cs []tocsin.Change, err error) {
	cs, _, _, err = c.Log(ctx, incidentID, tocsin.RecordQuery{After: after, Limit: top}, false)
	return cs, err
}

// LogValues are what the filters of an incident's log can be set to, with how
// many of its lines have each value, the most frequent first.
type LogValues struct {
	Kinds, Actors, Origins []LogValue
}

// LogValue is one value and its count.
type LogValue = store.RecordCount

// Log is a page of the lines of Activities that match; next is where the
// following page begins, see store.Tx.Record. Origins of the query are numbers
// of incidents in whose log the lines were written: this one or one that was
// merged into it. With values it also counts what the whole log has.
func (c *Cases) Log(ctx context.Context, incidentID int64, q tocsin.RecordQuery, values bool) (cs []tocsin.Change, next int64, v LogValues, err error) {
	if err := q.Check(); err != nil {
		return nil, 0, v, err
	}
	err = c.st.View(ctx, func(tx *store.Tx) error {
		if _, err := tx.Incident(incidentID); err != nil {
			return err
		}
		merged, err := tx.MergedInto(incidentID)
		if err != nil {
			return err
		}
		q.Nouns, q.IDs = []string{"incident"}, []string{strconv.FormatInt(incidentID, 10)}
		for _, id := range merged {
			q.IDs = append(q.IDs, strconv.FormatInt(id, 10))
		}
		if cs, next, err = tx.Record(q); err == nil && values {
			v.Kinds, v.Actors, v.Origins, err = tx.RecordValues(q.IDs)
		}
		return err
	})
	return cs, next, v, err
}

// Tags are up to 20 custom tags that were given before and begin with prefix,
// in any case, those used most first.
func (c *Cases) Tags(ctx context.Context, prefix string) (tags []string, err error) {
	err = c.st.View(ctx, func(tx *store.Tx) error {
		tags, err = tx.Tags(strings.TrimSpace(prefix), maxTagHints)
		return err
	})
	return tags, err
}

// Hours is the chart of the 24 hours up to now, the running one last, by the
// time at which Tocsin took the alerts; and the open incidents by severity.
func (c *Cases) Hours(ctx context.Context, now time.Time) (hours []HourCount, open map[tocsin.Severity]int64, err error) {
	first := now.UTC().Truncate(time.Hour).Add(-23 * time.Hour)
	err = c.st.View(ctx, func(tx *store.Tx) error {
		at := first.Unix() / 3600
		incidents, alerts, err := tx.CreatedPerHour(at)
		if err != nil {
			return err
		}
		for i := range int64(24) {
			hours = append(hours, HourCount{At: first.Add(time.Duration(i) * time.Hour), Alerts: alerts[at+i], Incidents: incidents[at+i]})
		}
		open, err = tx.OpenBySeverity()
		return err
	})
	return hours, open, err
}
