package store

import (
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
)

// A principal that is limited to device groups sees an alert when the alert has
// a device of those groups, of that alert only what is not another device's,
// and of an incident only what its visible alerts come to. All of that is
// decided in this package, by the transaction, so that no caller can forget it;
// for everybody else scope is nil and nothing is asked.

// scope is what a limited principal is limited to.
type scope struct {
	groups []int64
	list   string // "(1, 3)", to stand in a statement: numbers only
}

func scopeOf(p tocsin.Principal) *scope {
	if !p.Scoped() {
		return nil
	}
	groups := slices.Clone(p.Groups)
	slices.Sort(groups)
	groups = slices.Compact(groups)
	parts := make([]string, len(groups))
	for i, g := range groups {
		parts[i] = strconv.FormatInt(g, 10)
	}
	if len(parts) == 0 {
		parts = []string{"-1"} // no group has this number
	}
	return &scope{groups: groups, list: "(" + strings.Join(parts, ", ") + ")"}
}

// Limited reports whether the transaction shows only what concerns some device
// groups.
func (tx *Tx) Limited() bool { return tx.scope != nil }

func (tx *Tx) inScope(group int64) bool {
	return tx.scope == nil || slices.Contains(tx.scope.groups, group)
}

// AsEngine has the transaction see and write everything of the tenant until the
// function that it returns is called. It is for what the portal does by itself
// on behalf of somebody, after the caller has checked that they may cause it
// (RequireWhole, or that the alert can be seen): correlation must know all, and
// counters count all. Nothing that is read in between may be shown.
func (tx *Tx) AsEngine() (back func()) {
	was := tx.scope
	tx.scope = nil
	return func() { tx.scope = was }
}

// scopeCondition is a condition on an incident under this alias that holds when
// the principal may see it; "" when it sees all. It needs no parameters beside
// the tenant, $1. The cross join keeps the database from beginning with all
// devices of the groups, for each incident anew.
func (tx *Tx) scopeCondition(alias string) string { return tx.incidentCondition(alias + ".id") }

// incidentCondition is the same on an incident whose id is the expression.
func (tx *Tx) incidentCondition(id string) string {
	if tx.scope == nil {
		return ""
	}
	return `EXISTS (SELECT 1 FROM alert_device AS sc CROSS JOIN device AS sd
		WHERE sc.tenant = $1 AND sd.tenant = sc.tenant AND sd.id = sc.device_id AND sc.incident_id = ` + id + ` AND sd.group_id IN ` + tx.scope.list + `)`
}

// alertCondition is the same on an alert whose id is the expression.
func (tx *Tx) alertCondition(id string) string {
	if tx.scope == nil {
		return ""
	}
	return `EXISTS (SELECT 1 FROM alert_device AS sc CROSS JOIN device AS sd
		WHERE sc.tenant = $1 AND sd.tenant = sc.tenant AND sd.id = sc.device_id AND sc.alert_id = ` + id + ` AND sd.group_id IN ` + tx.scope.list + `)`
}

// and joins a condition to those before it.
func and(condition string) string {
	if condition == "" {
		return ""
	}
	return " AND " + condition
}

// sight is how much of an alert a limited principal sees.
type sight struct {
	incident int64
	seen     bool // it has a device of the principal's groups
	whole    bool // and no other
}

// sightOf tells how much of these alerts is to be seen; one that the tenant
// has not is left out.
func (tx *Tx) sightOf(where string, args ...any) (map[string]sight, error) {
	out := map[string]sight{}
	rows, err := tx.queryOnce(`SELECT a.id, a.incident_id, count(s.device_id), count(CASE WHEN d.group_id IN `+tx.scope.list+` THEN 1 END)
		FROM alert AS a LEFT JOIN alert_device AS s ON s.tenant = a.tenant AND s.alert_id = a.id LEFT JOIN device AS d ON d.tenant = a.tenant AND d.id = s.device_id
		WHERE a.tenant = $1 AND `+where+` GROUP BY a.id, a.incident_id`, args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id string
		var s sight
		var all, mine int64
		err := rows.Scan(&id, &s.incident, &all, &mine)
		s.seen, s.whole = mine > 0, mine > 0 && mine == all
		out[id] = s
		return err
	})
	return out, err
}

// chunked calls fn for at most 500 of the values at a time.
func chunked[T any](values []T, fn func(part []T) error) error {
	for part := range slices.Chunk(values, 500) {
		if err := fn(part); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) sightOfAlerts(ids []string) (map[string]sight, error) {
	out := map[string]sight{}
	err := chunked(ids, func(part []string) error {
		some, err := tx.sightOf(`a.id IN `+inList(2, len(part)), anys(part)...)
		for id, s := range some {
			out[id] = s
		}
		return err
	})
	return out, err
}

// partOf tells, of these incidents, which are to be seen (present), and which of
// those in whole (true).
func (tx *Tx) partOf(incidents []int64) (map[int64]bool, error) {
	out := map[int64]bool{}
	err := chunked(incidents, func(part []int64) error {
		alerts, err := tx.sightOf(`a.incident_id IN `+inList(2, len(part)), anys(part)...)
		hidden := map[int64]bool{}
		for _, s := range alerts {
			if s.seen {
				out[s.incident] = true
			}
			if !s.whole {
				hidden[s.incident] = true
			}
		}
		for id := range out {
			if hidden[id] {
				out[id] = false
			}
		}
		return err
	})
	return out, err
}

// RequireWhole is nil when the principal sees all of these incidents in whole,
// and so may change them. One that it does not see is an error of CodeNotFound,
// as if it did not exist; one that it sees in part of CodeForbidden.
func (tx *Tx) RequireWhole(incidents ...int64) error {
	if tx.scope == nil {
		return nil
	}
	part, err := tx.partOf(incidents)
	if err != nil {
		return err
	}
	for _, id := range incidents {
		if whole, seen := part[id]; !seen {
			return noIncident(id)
		} else if !whole {
			return tocsin.Errorf(tocsin.CodeForbidden,
				"incident %d also concerns devices outside of your device groups; only somebody who sees all of it can change it as a whole", id)
		}
	}
	return nil
}

func noIncident(id int64) error {
	return tocsin.Errorf(tocsin.CodeNotFound, "there is no incident %d", id)
}

func noAlert(id string) error {
	return tocsin.Errorf(tocsin.CodeNotFound, "there is no alert %s", id)
}

// narrowIncidents leaves out what the principal may not see, and makes of those
// incidents that it sees in part what their visible alerts come to.
func (tx *Tx) narrowIncidents(all []tocsin.Incident) ([]tocsin.Incident, error) {
	if tx.scope == nil || len(all) == 0 {
		return all, nil
	}
	ids := make([]int64, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	part, err := tx.partOf(ids)
	if err != nil {
		return nil, err
	}
	out := all[:0]
	for i := range all {
		whole, seen := part[all[i].ID]
		if !seen {
			continue
		}
		inc := all[i]
		if !whole {
			alerts, err := tx.AlertsOf(inc.ID, maxNarrowed)
			if err != nil {
				return nil, err
			}
			inc = narrowed(inc, alerts)
			if err := tx.score(&inc); err != nil {
				return nil, err
			}
		}
		out = append(out, inc)
	}
	return out, nil
}

// maxNarrowed is how many alerts of an incident that is seen in part are
// counted; more are not shown either.
const maxNarrowed = 10_000

// narrowed is an incident as these alerts alone would have made it, with what
// people said about it. Only what is named here passes: a property that is new
// stays out until somebody has thought about it.
func narrowed(inc tocsin.Incident, alerts []tocsin.Alert) tocsin.Incident {
	out := tocsin.Incident{Tenant: inc.Tenant, ID: inc.ID, Version: inc.Version, Renamed: inc.Renamed, Description: inc.Description,
		SeverityManual: inc.SeverityManual, Status: inc.Status, AssignedTo: inc.AssignedTo, Classification: inc.Classification,
		Determination: inc.Determination, CustomTags: inc.CustomTags, SystemTags: inc.SystemTags, ResolvingComment: inc.ResolvingComment,
		Summary: inc.Summary, RedirectID: inc.RedirectID, Created: inc.Created, LastUpdate: inc.LastUpdate, LastModifiedBy: inc.LastModifiedBy}
	if inc.Renamed {
		out.DisplayName = inc.DisplayName
	}
	if inc.SeverityManual {
		out.Severity = inc.Severity
	}
	out.Recount(alerts)
	return out
}

// narrowAlerts leaves out what the principal may not see: whole alerts, and of
// those that also concern other devices what hangs on these.
func (tx *Tx) narrowAlerts(all []tocsin.Alert) ([]tocsin.Alert, error) {
	if tx.scope == nil || len(all) == 0 {
		return all, nil
	}
	ids := make([]string, len(all))
	for i := range all {
		ids[i] = all[i].ID
		for _, l := range all[i].Links {
			ids = append(ids, l.ToAlertID)
		}
	}
	slices.Sort(ids)
	see, err := tx.sightOfAlerts(slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	out := all[:0]
	for i := range all {
		a := all[i]
		s := see[a.ID]
		if !s.seen {
			continue
		}
		// A link speaks of both of its alerts, in words as well.
		a.Links = slices.DeleteFunc(slices.Clone(a.Links), func(l tocsin.Link) bool { return !s.whole || !see[l.ToAlertID].whole })
		if !s.whole {
			if err := tx.narrowAlert(&a); err != nil {
				return nil, err
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// narrowAlert takes out of an alert what hangs on devices outside of the scope.
func (tx *Tx) narrowAlert(a *tocsin.Alert) error {
	mine := map[string]bool{}
	rows, err := tx.query(`SELECT k.key FROM alert_device AS s JOIN device AS d ON d.tenant = s.tenant AND d.id = s.device_id
		JOIN device_key AS k ON k.tenant = s.tenant AND k.device_id = d.id
		WHERE s.tenant = $1 AND s.alert_id = $2 AND d.group_id IN `+tx.scope.list, a.ID)
	err = each(rows, err, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		mine[key] = true
		return err
	})
	if err != nil {
		return err
	}
	a.Evidence = slices.DeleteFunc(slices.Clone(a.Evidence), func(e tocsin.Evidence) bool {
		keys := e.HostKeys()
		return len(keys) > 0 && !slices.ContainsFunc(keys, func(k string) bool { return mine[k] })
	})
	a.Rows = slices.DeleteFunc(slices.Clone(a.Rows), func(r tocsin.RowRef) bool {
		return r.DeviceID != "" && !mine[strings.ToLower(r.DeviceID)]
	})
	return nil
}

// bumpScopes tells everybody who remembers what limited principals see that it
// has changed.
func (tx *Tx) bumpScopes() error {
	_, err := tx.exec(`INSERT INTO meta (tenant, key, value) VALUES ($1, $2, $3)
		ON CONFLICT (tenant, key) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)`, scopesKey, "1")
	return err
}

const scopesKey = "scopes.generation"
