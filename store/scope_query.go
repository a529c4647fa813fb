package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tocsinhq/tocsin"
)

// Queries of limited principals. A filter, a search or an order must not tell
// what may not be seen, so they run over what is seen: the columns, labels and
// names of incidents that are seen in whole are those that are kept, and those
// of incidents that are seen in part are worked out, remembered, and handed to
// the statement as one JSON value.

// limitedNoun is the noun as a limited principal asks about it. A property whose
// meaning for it nobody has thought about does not exist.
func (tx *Tx) limitedNoun(n noun) noun {
	n.labels, n.labelJoin = tx.limitedText(n, n.labels), tx.limitedText(n, n.labelJoin)
	n.labelTable = "seen_" + n.labelTable
	fields := make(map[string]field, len(n.fields))
	for name, f := range n.fields {
		if f.kind == partField {
			switch rest, ofAlert := strings.CutPrefix(f.expr, alertOf); {
			case ofAlert:
				f.expr = alertOf + tx.alertCondition("x.id") + ` AND ` + rest
			case n.name == "alert" && strings.TrimPrefix(name, "tocsin/") == "entities":
				f.expr = `EXISTS (SELECT 1 FROM seen_alert_name AS x WHERE x.alert_no = a.no AND x.text`
			case n.name == "alert" && strings.TrimPrefix(name, "tocsin/") == "incidentTags":
				// People put tags on the incident as a whole.
			default:
				continue
			}
		}
		if f.from != "" {
			f.from = tx.limitedFrom(f.from)
		}
		fields[name] = f
	}
	n.fields = fields
	return n
}

// limitedText makes a text over labels read those that the principal sees.
func (tx *Tx) limitedText(n noun, text string) string {
	for _, view := range []string{"incident_device_group", "alert_device_group"} {
		if strings.Contains(text, view) && !strings.Contains(text, "group_id IN") {
			text = strings.Replace(text, view, tx.limitedFrom(view), 1)
		}
	}
	return strings.Replace(text, " "+n.labelTable+" ", " seen_"+n.labelTable+" ", 1)
}

func (tx *Tx) limitedFrom(view string) string {
	return `(SELECT * FROM ` + view + ` WHERE tenant = $1 AND group_id IN ` + tx.scope.list + `)`
}

// derivedColumns are the columns of an incident that come of its alerts,
// plainColumns those that do not. A column that is in neither list does not
// exist for limited principals.
var (
	derivedColumns = []string{"display_name", "severity", "first_activity", "last_activity", "alert_count", "active_alerts", "priority"}
	plainColumns   = []string{"tenant", "id", "version", "status", "assigned_to", "classification", "determination", "redirect_id", "created", "last_update"}
)

// limited is where a query of a limited principal reads from: a table under the
// noun's alias, and the WITH clause that it needs. text is everything that the
// statement says of the noun.
func (tx *Tx) limited(c *compiler, text string) (with, table string, err error) {
	if c.n.name == "incident" {
		derived := strings.Contains(text, "seen_incident_label") || strings.Contains(text, "part_name")
		for _, col := range derivedColumns {
			derived = derived || strings.Contains(text, "i."+col)
		}
		if derived {
			return tx.limitedIncidents(c)
		}
		cols := make([]string, len(plainColumns))
		for i, col := range plainColumns {
			cols[i] = "i." + col + " AS " + col
		}
		return "", `(SELECT ` + strings.Join(cols, ", ") + ` FROM incident AS i WHERE i.tenant = $1` + and(tx.scopeCondition("i")) + `) AS i`, nil
	}
	table = `(SELECT a.* FROM alert AS a WHERE a.tenant = $1` + and(tx.alertCondition("a.id")) + `) AS a`
	if strings.Contains(text, "seen_alert_") || strings.Contains(text, "part_name") {
		with, err = tx.limitedAlerts(c)
	}
	return with, table, err
}

func (tx *Tx) limitedIncidents(c *compiler) (with, table string, err error) {
	parts, err := tx.parts()
	if err != nil {
		return "", "", err
	}
	raw, err := json.Marshal(parts)
	if err != nil {
		return "", "", fmt.Errorf("encode what is seen in part: %w", err)
	}
	with = `WITH part (tenant, id, display_name, severity, first_activity, last_activity, alert_count, active_alerts, priority, labels, names) AS MATERIALIZED
		(SELECT $1, value ->> 'i', value ->> 'd', value ->> 's', value ->> 'f', value ->> 'l', value ->> 'n', value ->> 'a', value ->> 'p', value -> 'b', value -> 't' FROM json_each(` + c.arg(string(raw)) + `)),
	part_label (incident_id, kind, value) AS MATERIALIZED (SELECT p.id, e.value ->> 0, e.value ->> 1 FROM part AS p, json_each(p.labels) AS e),
	part_name (incident_id, text) AS MATERIALIZED (SELECT p.id, e.value FROM part AS p, json_each(p.names) AS e),
	seen_incident_label (tenant, incident_id, kind, value) AS (
		SELECT tenant, incident_id, kind, value FROM incident_label WHERE tenant = $1 AND incident_id NOT IN (SELECT id FROM part)
		UNION ALL SELECT $1, incident_id, kind, value FROM part_label) `
	var cols []string
	for _, col := range plainColumns {
		cols = append(cols, "i."+col+" AS "+col)
	}
	for _, col := range derivedColumns {
		cols = append(cols, "coalesce(v."+col+", i."+col+") AS "+col)
	}
	table = `(SELECT ` + strings.Join(cols, ", ") + ` FROM incident AS i LEFT JOIN part AS v ON v.tenant = i.tenant AND v.id = i.id
		WHERE i.tenant = $1` + and(tx.scopeCondition("i")) + `) AS i`
	return with, table, nil
}

// limitedAlerts is the WITH clause over labels and names of alerts: what an
// alert says of itself is the same for everybody who sees it, its evidence is
// not.
func (tx *Tx) limitedAlerts(c *compiler) (with string, err error) {
	mixed, err := tx.mixedAlerts()
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(mixed)
	if err != nil {
		return "", fmt.Errorf("encode what is seen in part: %w", err)
	}
	return `WITH part_alert (id, no, labels, names) AS MATERIALIZED (SELECT value ->> 'i', (SELECT no FROM alert WHERE tenant = $1 AND id = value ->> 'i'),
		value -> 'b', value -> 't' FROM json_each(` + c.arg(string(raw)) + `)),
	part_label (alert_no, kind, value) AS MATERIALIZED (SELECT p.no, e.value ->> 0, e.value ->> 1 FROM part_alert AS p, json_each(p.labels) AS e),
	part_name (alert_id, text) AS MATERIALIZED (SELECT p.id, e.value FROM part_alert AS p, json_each(p.names) AS e),
	seen_alert_label (tenant, alert_no, kind, value) AS (
		SELECT tenant, alert_no, kind, value FROM alert_label WHERE tenant = $1 AND alert_no NOT IN (SELECT no FROM part_alert)
		UNION ALL SELECT $1, alert_no, kind, value FROM part_label),
	seen_alert_name (alert_no, text) AS (
		SELECT x.alert_no, y.text FROM alert_name AS x JOIN name AS y ON y.tenant = $1 AND y.id = x.name_id
			WHERE x.tenant = $1 AND x.alert_no NOT IN (SELECT no FROM part_alert)
		UNION ALL SELECT p.no, e.value FROM part_alert AS p, json_each(p.names) AS e) `, nil
}

// limitedSearch is search over what is seen.
func (c *compiler) limitedSearch(tx *Tx, s string) string {
	like := c.arg("%" + likeText(foldName(s)) + "%")
	exact := c.arg(s)
	names := `(SELECT id FROM name WHERE tenant = $1 AND text LIKE ` + like + ` ESCAPE '\')`
	mine := ` IN (SELECT alert_id FROM part_name WHERE text LIKE ` + like + ` ESCAPE '\')`
	if c.n.name == "alert" {
		return `(a.id = ` + exact + ` OR a.external_id = ` + exact + ` OR a.id` + mine + ` OR a.id NOT IN (SELECT id FROM part_alert) AND a.no IN
			(SELECT alert_no FROM alert_name WHERE tenant = $1 AND name_id IN ` + names + `))`
	}
	number := c.arg(int64(-1))
	if n, err := strconv.ParseInt(strings.TrimPrefix(s, "#"), 10, 64); err == nil {
		c.args[len(c.args)-1] = n
	}
	return `(i.id = ` + number + ` OR i.id IN (SELECT incident_id FROM alert AS x WHERE tenant = $1 AND id = ` + exact + ` AND ` + tx.alertCondition("x.id") + `)
		OR i.id IN (SELECT incident_id FROM part_name WHERE text LIKE ` + like + ` ESCAPE '\')
		OR i.id NOT IN (SELECT id FROM part) AND i.id IN (SELECT incident_id FROM incident_name WHERE tenant = $1 AND name_id IN ` + names + `))`
}

// part is what an incident comes to that is seen in part, as a query needs it.
// Times are in microseconds.
type part struct {
	ID       int64       `json:"i"`
	Name     string      `json:"d"`
	Severity int         `json:"s"`
	First    int64       `json:"f"`
	Last     int64       `json:"l"`
	Alerts   int         `json:"n"`
	Active   int         `json:"a"`
	Priority int         `json:"p"`
	Labels   [][2]string `json:"b"`
	Names    []string    `json:"t"`
}

// parts are all incidents that the principal sees in part. Finding them means
// going through all that it sees, so they are remembered, and brought up to date
// by the lines of the record since.
func (tx *Tx) parts() ([]part, error) {
	mem := tx.s.parts.of(tx.who.Tenant, tx.scope.list)
	mem.mu.Lock()
	defer mem.mu.Unlock()
	gen, _, err := tx.Meta(scopesKey)
	if err != nil {
		return nil, err
	}
	var head int64
	if _, err := tx.one(`SELECT coalesce(max(seq), 0) FROM change WHERE tenant = $1`, nil, &head); err != nil {
		return nil, err
	}
	var stale []int64
	all := mem.m == nil || mem.gen != gen || mem.seq > head || head-mem.seq > maxCatchUp
	if !all && head > mem.seq {
		rows, err := tx.query(`SELECT DISTINCT noun_id FROM change WHERE tenant = $1 AND seq > $2 AND noun = 'incident'`, mem.seq)
		err = each(rows, err, func(rows *sql.Rows) error {
			var text string
			err := rows.Scan(&text)
			if id, bad := strconv.ParseInt(text, 10, 64); bad == nil {
				stale = append(stale, id)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	m := mem.m
	if all {
		m = map[int64]part{}
		if stale, err = tx.mixedIncidents(); err != nil {
			return nil, err
		}
	}
	if err := tx.renewParts(m, stale); err != nil {
		return nil, err
	}
	if mem.m == nil || mem.seq <= head { // never back: an older reader works for itself
		mem.m, mem.gen, mem.seq = m, gen, head
	}
	out := make([]part, 0, len(m))
	for _, p := range m {
		out = append(out, p)
	}
	return out, nil
}

// maxCatchUp is how many lines of the record are read to bring what is
// remembered up to date; behind more it is made anew.
const maxCatchUp = 20_000

// mixedIncidents are the incidents that are seen in part.
func (tx *Tx) mixedIncidents() (ids []int64, err error) {
	rows, err := tx.query(`SELECT i.id FROM incident AS i WHERE i.tenant = $1` + and(tx.scopeCondition("i")) + ` AND (
		EXISTS (SELECT 1 FROM alert_device AS s JOIN device AS d ON d.tenant = s.tenant AND d.id = s.device_id
			WHERE s.tenant = $1 AND s.incident_id = i.id AND d.group_id NOT IN ` + tx.scope.list + `)
		OR EXISTS (SELECT 1 FROM alert AS a WHERE a.tenant = $1 AND a.incident_id = i.id AND NOT EXISTS
			(SELECT 1 FROM alert_device AS s WHERE s.tenant = $1 AND s.alert_id = a.id)))`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// renewParts works these incidents out again.
func (tx *Tx) renewParts(m map[int64]part, ids []int64) error {
	return chunked(ids, func(ids []int64) error {
		for _, id := range ids {
			delete(m, id)
		}
		seen, err := tx.partOf(ids)
		if err != nil {
			return err
		}
		ids = slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { whole, ok := seen[id]; return whole || !ok })
		found, err := tx.incidents(ids)
		if err != nil {
			return err
		}
		for i := range found {
			p, err := tx.partFrom(&found[i])
			if err != nil {
				return err
			}
			m[p.ID] = p
		}
		return nil
	})
}

func (tx *Tx) partFrom(inc *tocsin.Incident) (part, error) {
	p := part{ID: inc.ID, Name: inc.DisplayName, Severity: inc.Severity.Rank(), First: micros(inc.FirstActivity), Last: micros(inc.LastActivity),
		Alerts: inc.AlertCount, Active: inc.ActiveAlerts, Priority: inc.Score, Names: []string{foldName(inc.DisplayName)}}
	p.Labels = foldedLabels(labelsOf(inc))
	alerts, err := tx.AlertsOf(inc.ID, maxNarrowed)
	for i := range alerts {
		for _, n := range foldedNames(&alerts[i]) {
			if !slices.Contains(p.Names, n) {
				p.Names = append(p.Names, n)
			}
		}
	}
	return p, err
}

// foldedNames are the names that an alert is found by, as they are kept.
func foldedNames(a *tocsin.Alert) []string {
	out := []string{foldName(a.Title)}
	for i := range a.Evidence {
		if n := foldName(a.Evidence[i].Name()); n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

func foldedLabels(labels map[string][]string) [][2]string {
	out := [][2]string{}
	for kind, values := range labels {
		for _, v := range values[:min(len(values), tocsin.MaxLabels)] {
			out = append(out, [2]string{kind, strings.ToLower(v)})
		}
	}
	return out
}

// mixedAlert is an alert that is seen in part, with the labels and names that
// are left of it.
type mixedAlert struct {
	ID     string      `json:"i"`
	Labels [][2]string `json:"b"`
	Names  []string    `json:"t"`
}

// mixedAlerts are the alerts that are seen in part. They are few: those that
// speak of devices of several groups.
func (tx *Tx) mixedAlerts() ([]mixedAlert, error) {
	out := []mixedAlert{}
	var ids []string
	rows, err := tx.query(`SELECT DISTINCT s.alert_id FROM alert_device AS s JOIN device AS d ON d.tenant = s.tenant AND d.id = s.device_id
		WHERE s.tenant = $1 AND d.group_id NOT IN ` + tx.scope.list + and(tx.alertCondition("s.alert_id")))
	err = each(rows, err, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = chunked(ids, func(ids []string) error {
		found, err := tx.alertsByID(ids)
		for i := range found {
			out = append(out, mixedAlert{found[i].ID, foldedLabels(alertLabelsOf(&found[i])), foldedNames(&found[i])})
		}
		return err
	})
	return out, err
}

// spellGroups writes names of device groups as people know them.
func (tx *Tx) spellGroups(known map[string]string, counts []tocsin.FacetCount) error {
	groups, err := tx.deviceGroups()
	known[strings.ToLower(tocsin.UngroupedDevicesName)] = tocsin.UngroupedDevicesName
	for _, g := range groups {
		known[strings.ToLower(g.Name)] = g.Name
	}
	for i := range counts {
		if s, ok := known[counts[i].Value]; ok {
			counts[i].Value = s
		}
	}
	return err
}

// partsMemory remembers what limited principals see in part, by tenant and
// groups.
type partsMemory struct {
	mu sync.Mutex
	m  map[nameKey]*rememberedParts
}

type rememberedParts struct {
	mu  sync.Mutex
	gen string // of the groups
	seq int64  // up to which line of the record it is true
	m   map[int64]part
}

// maxScopes is how many different sets of groups are remembered.
const maxScopes = 64

func (p *partsMemory) of(tenant, list string) *rememberedParts {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := nameKey{tenant, list}
	if r := p.m[k]; r != nil {
		return r
	}
	if p.m == nil || len(p.m) >= maxScopes {
		p.m = map[nameKey]*rememberedParts{}
	}
	r := &rememberedParts{}
	p.m[k] = r
	return r
}
