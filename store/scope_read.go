package store

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
)

// errEngine is a mistake of a caller: what correlation reads was asked for by
// somebody who may see only a part of it.
var errEngine = errors.New("correlation reads as the engine: AsEngine is missing")

// requireWholeAlert is nil when the principal may write the alert.
func (tx *Tx) requireWholeAlert(id string, fresh bool) error {
	if tx.scope == nil || fresh {
		return nil
	}
	see, err := tx.sightOfAlerts([]string{id})
	switch {
	case err != nil:
		return err
	case !see[id].seen:
		return noAlert(id)
	case !see[id].whole:
		return tocsin.Errorf(tocsin.CodeForbidden, "alert %s also concerns devices outside of your device groups", id)
	}
	return nil
}

// limitedOpen counts the open incidents that a limited principal sees by the
// severity that it sees.
func (tx *Tx) limitedOpen() (map[tocsin.Severity]int64, error) {
	out := map[tocsin.Severity]int64{}
	c := compiler{n: incidents, tx: tx}
	with, table, err := tx.limitedIncidents(&c)
	if err != nil {
		return nil, err
	}
	rows, err := tx.queryOnce(with+`SELECT i.severity, count(*) FROM `+table+` WHERE i.status NOT IN ('resolved', 'redirected') GROUP BY i.severity`, c.args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var rank int
		var n int64
		err := rows.Scan(&rank, &n)
		out[severityOf(rank)] = n
		return err
	})
	return out, err
}

// eachVisible is EachAlert for a limited principal, some hundred at a time.
func (tx *Tx) eachVisible(created bool, from, to time.Time, fn func(a *tocsin.Alert) error) error {
	span := `a.last_activity >= $2 AND a.first_activity <= $3`
	if created {
		span = `a.created >= $2 AND a.created <= $3`
	}
	var ids []string
	rows, err := tx.query(`SELECT a.id FROM alert AS a WHERE a.tenant = $1 AND `+span+and(tx.alertCondition("a.id"))+` ORDER BY a.created, a.id`, micros(from), lastMicro(to))
	err = each(rows, err, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return err
	}
	return chunked(ids, func(part []string) error {
		found, err := tx.alertsByID(part)
		if err != nil {
			return err
		}
		for i := range found {
			if err := fn(&found[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// narrowRearrangements leaves out what tells a limited principal of what it may
// not see: a merge or a move is shown when everything that it moved can be seen
// in whole, and so can both incidents, as far as they still have alerts.
func (tx *Tx) narrowRearrangements(all []tocsin.Rearrangement) ([]tocsin.Rearrangement, error) {
	if tx.scope == nil || len(all) == 0 {
		return all, nil
	}
	var alerts []string
	var ids []int64
	for i := range all {
		for _, a := range all[i].Alerts {
			alerts = append(alerts, a.ID)
		}
		ids = append(ids, all[i].From, all[i].To)
	}
	slices.Sort(alerts)
	see, err := tx.sightOfAlerts(slices.Compact(alerts))
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	hidden, err := tx.withHidden(slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r tocsin.Rearrangement) bool {
		return len(r.Alerts) == 0 || hidden[r.From] || hidden[r.To] ||
			slices.ContainsFunc(r.Alerts, func(a tocsin.MovedAlert) bool { return !see[a.ID].whole })
	}), nil
}

// withHidden tells which of these incidents have an alert that the principal
// does not see in whole.
func (tx *Tx) withHidden(incidents []int64) (map[int64]bool, error) {
	out := map[int64]bool{}
	err := chunked(incidents, func(part []int64) error {
		alerts, err := tx.sightOf(`a.incident_id IN `+inList(2, len(part)), anys(part)...)
		for _, s := range alerts {
			if !s.whole {
				out[s.incident] = true
			}
		}
		return err
	})
	return out, err
}

// limitedKinds are the kinds of lines about an incident that a limited principal
// reads, and whether they say only what people decided about it: those are
// shown of every incident that it sees, the others, which may speak of any alert
// of it, only of one in which nothing ever was hidden. A kind that is new stays
// out until somebody has thought about it.
var limitedKinds = map[string]bool{
	"commented": true, "descriptionChanged": true, "summaryChanged": true, "resolvingCommentChanged": true, "classified": true, "tagsChanged": true,
	"assigned": false, "statusChanged": false, "renamed": false, "severityChanged": false,
	"created": false, "alertCorrelated": false, "alertLinked": false, "alertRepeated": false, "alertUpdated": false,
	"merged": false, "redirected": false, "unmerged": false, "alertsMovedOut": false, "alertsMovedIn": false, "moveUndone": false,
}

// ofOneAlert are kinds of lines about an incident that speak of one alert
// alone, apart from why it is there; their words of one that is seen in whole
// are shown when the why is taken off.
var ofOneAlert = map[string]bool{"alertRepeated": true, "alertUpdated": true, "alertCorrelated": true, "created": true, "alertLinked": true}

// narrowChanges leaves out the lines of the record that tell a limited principal
// of what it may not see.
func (tx *Tx) narrowChanges(all []tocsin.Change) ([]tocsin.Change, error) {
	if tx.scope == nil || len(all) == 0 {
		return all, nil
	}
	var incidents []int64
	var alerts []string
	for i := range all {
		c := &all[i]
		switch c.Noun {
		case "incident":
			if id, err := strconv.ParseInt(c.ID, 10, 64); err == nil && !slices.Contains(incidents, id) {
				incidents = append(incidents, id)
			}
		case "alert":
			alerts = append(alerts, c.ID)
		}
		if c.AlertID != "" {
			alerts = append(alerts, c.AlertID)
		}
	}
	slices.Sort(alerts)
	see, err := tx.sightOfAlerts(slices.Compact(alerts))
	if err != nil {
		return nil, err
	}
	part, err := tx.partOf(incidents)
	if err != nil {
		return nil, err
	}
	clean := map[int64]bool{}
	for id, whole := range part {
		if whole {
			if clean[id], err = tx.neverHidden(id); err != nil {
				return nil, err
			}
		}
	}
	out := all[:0]
	for _, c := range all {
		keep := false
		switch c.Noun {
		case "incident":
			id, _ := strconv.ParseInt(c.ID, 10, 64)
			_, seen := part[id]
			keep = seen && narrowLine(&c, clean[id], see)
		case "alert":
			keep = see[c.ID].whole || see[c.ID].seen && c.Kind != "customDetailsChanged"
		}
		if keep {
			out = append(out, c)
		}
	}
	return out, nil
}

// narrowLine reports whether a line about an incident is shown, and takes out of
// it what may speak of hidden alerts. clean says that there never were any.
func narrowLine(c *tocsin.Change, clean bool, see map[string]sight) bool {
	decided, known := limitedKinds[c.Kind]
	if !known {
		return false
	}
	if clean || decided && c.AlertID == "" {
		return true
	}
	if c.AlertID == "" {
		// What people set of it holds for all of it; how many alerts that
		// changed with it does not concern the reader.
		if c.Actor.Kind != tocsin.ActorUser || c.Kind != "assigned" && c.Kind != "statusChanged" {
			return false
		}
		c.Summary, _, _ = strings.Cut(c.Summary, ", with ")
		c.After = without(c.After, "alerts")
		return true
	}
	if !see[c.AlertID].whole || !ofOneAlert[c.Kind] {
		return false
	}
	switch c.Kind {
	case "alertCorrelated", "created", "alertLinked":
		if title, _, ok := strings.Cut(c.Summary, "”"); ok {
			c.Summary = title + "”"
			if c.Kind == "alertCorrelated" {
				c.Summary += " was correlated"
			}
		} else {
			c.Summary = "An alert came in"
		}
		c.Before, c.After = nil, nil
	}
	return true
}

// without is a JSON object without one of its properties; nothing at all when it
// is no object.
func without(raw json.RawMessage, property string) json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	delete(m, property)
	out, err := json.Marshal(m)
	if err != nil {
		return nil
	}
	return out
}

// neverHidden tells whether an incident that is seen in whole now was never
// anything else, as far as its lines and its merges and moves tell.
func (tx *Tx) neverHidden(incident int64) (bool, error) {
	var alerts []string
	rows, err := tx.query(`SELECT DISTINCT alert_id FROM change WHERE tenant = $1 AND noun = 'incident' AND noun_id = $2 AND alert_id <> ''`, strconv.FormatInt(incident, 10))
	err = each(rows, err, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		alerts = append(alerts, id)
		return err
	})
	if err != nil {
		return false, err
	}
	see, err := tx.sightOfAlerts(alerts)
	if err != nil {
		return false, err
	}
	for _, id := range alerts {
		if !see[id].whole {
			return false, nil
		}
	}
	var all, shown int
	if _, err := tx.one(`SELECT count(*) FROM rearrangement WHERE tenant = $1 AND (from_id = $2 OR to_id = $2)`, []any{incident}, &all); err != nil || all == 0 {
		return err == nil, err
	}
	rs, err := tx.RearrangementsOf(incident, all)
	shown = len(rs)
	return shown == all, err
}

// limitedRecordValues is RecordValues over the lines that a limited principal
// reads.
func (tx *Tx) limitedRecordValues(incidents []string) (kinds, actors, origins []RecordCount, err error) {
	cs, err := tx.ChangesOf("incident", incidents, 0, math.MaxInt32)
	if err != nil {
		return nil, nil, nil, err
	}
	count := func(value func(c *tocsin.Change) string) (out []RecordCount) {
		n := map[string]int{}
		for i := range cs {
			n[value(&cs[i])]++
		}
		for v, k := range n {
			out = append(out, RecordCount{v, k})
		}
		slices.SortFunc(out, func(a, b RecordCount) int { return cmp.Or(b.Count-a.Count, strings.Compare(a.Value, b.Value)) })
		return out[:min(len(out), 100)]
	}
	return count(func(c *tocsin.Change) string { return c.Kind }), count(func(c *tocsin.Change) string { return c.Actor.Name }),
		count(func(c *tocsin.Change) string { return c.ID }), nil
}
