package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tocsinhq/tocsin"
)

// seenEvery is how exact the time is at which a device was last seen.
const seenEvery = time.Hour

// PutDevices notes which devices an alert that is in the store speaks of.
func (tx *Tx) PutDevices(alertID string, incidentID int64, devices []tocsin.Seen) error {
	return tx.putDevices([]AlertRow{{Alert: &tocsin.Alert{ID: alertID, IncidentID: incidentID}, Devices: devices}})
}

// putDevices notes which devices alerts speak of, and what they say of them.
// What is known already costs neither a read nor a write: it is remembered.
func (tx *Tx) putDevices(of []AlertRow) error {
	var rows []any
	for i := range of {
		var ids []int64
		for j := range of[i].Devices {
			id, err := tx.device(&of[i].Devices[j])
			if err != nil {
				return fmt.Errorf("write a device of alert %s: %w", of[i].Alert.ID, err)
			}
			if id != 0 && !slices.Contains(ids, id) {
				ids = append(ids, id)
				rows = append(rows, of[i].Alert.ID, id, of[i].Alert.IncidentID)
			}
		}
	}
	err := tx.execRows(`INSERT INTO alert_device (tenant, alert_id, device_id, incident_id) VALUES `, 3,
		` ON CONFLICT (tenant, alert_id, device_id) DO NOTHING`, rows)
	if err != nil {
		return fmt.Errorf("write devices of alerts: %w", err)
	}
	return nil
}

// device finds, makes or amends the device that these keys name.
func (tx *Tx) device(s *tocsin.Seen) (int64, error) {
	if len(s.Keys) == 0 {
		return 0, nil
	}
	known := tx.deviceMemory()
	if d, ok := known.get(tx.who.Tenant, s.Keys); ok {
		if !d.Learn(&s.Device) && tx.now.Sub(d.LastSeen) < seenEvery {
			return d.ID, nil
		}
	}
	ids := map[string]int64{}
	rows, err := tx.query(`SELECT key, device_id FROM device_key WHERE tenant = $1 AND key IN `+inList(2, len(s.Keys)), anys(s.Keys)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var key string
		var id int64
		err := rows.Scan(&key, &id)
		ids[key] = id
		return err
	})
	if err != nil {
		return 0, err
	}
	d := s.Device
	changed := true
	for _, k := range s.Keys {
		if ids[k] != 0 {
			if d, err = tx.Device(ids[k]); err != nil {
				return 0, err
			}
			changed = d.Learn(&s.Device)
			break
		}
	}
	if d.ID == 0 {
		if d.ID, err = tx.next("device"); err != nil {
			return 0, err
		}
		d.FirstSeen = tx.now
	}
	if changed {
		groups, err := tx.deviceGroups()
		if err != nil {
			return 0, err
		}
		d.Group = tocsin.GroupOf(groups, &d)
	}
	if changed || tx.now.Sub(d.LastSeen) >= seenEvery {
		d.LastSeen = tx.now
		if err := tx.putDevice(&d); err != nil {
			return 0, err
		}
	}
	for _, k := range s.Keys {
		if ids[k] == 0 {
			if _, err := tx.exec(`INSERT INTO device_key (tenant, key, device_id) VALUES ($1, $2, $3)`, k, d.ID); err != nil {
				return 0, err
			}
		}
	}
	known.put(tx.who.Tenant, s.Keys, d)
	return d.ID, nil
}

const deviceColumns = `id, group_id, name, domain, os, tags, first_seen, last_seen`

func scanDevice(rows *sql.Rows) (d tocsin.Device, err error) {
	var tags string
	var first, last int64
	if err := rows.Scan(&d.ID, &d.Group, &d.Name, &d.Domain, &d.OSPlatform, &tags, &first, &last); err != nil {
		return d, err
	}
	d.FirstSeen, d.LastSeen = fromMicros(first), fromMicros(last)
	return d, json.Unmarshal([]byte(tags), &d.Tags)
}

// Device is the device of this number; CodeNotFound when the tenant has none
// such, or the principal may not see it.
func (tx *Tx) Device(id int64) (d tocsin.Device, err error) {
	rows, err := tx.query(`SELECT `+deviceColumns+` FROM device WHERE tenant = $1 AND id = $2`, id)
	err = each(rows, err, func(rows *sql.Rows) (err error) {
		d, err = scanDevice(rows)
		return err
	})
	if err == nil && (d.ID == 0 || !tx.inScope(d.Group)) {
		return tocsin.Device{}, tocsin.Errorf(tocsin.CodeNotFound, "there is no device %d", id)
	}
	return d, err
}

// DevicesAfter lists the devices behind one number, in the order of numbers, at
// most limit.
func (tx *Tx) DevicesAfter(after int64, limit int) (out []tocsin.Device, err error) {
	q := `SELECT ` + deviceColumns + ` FROM device WHERE tenant = $1 AND id > $2`
	if tx.scope != nil {
		q += ` AND group_id IN ` + tx.scope.list
	}
	rows, err := tx.query(q+` ORDER BY id LIMIT $3`, after, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		d, err := scanDevice(rows)
		out = append(out, d)
		return err
	})
	return out, err
}

func (tx *Tx) putDevice(d *tocsin.Device) error {
	if d.Tags == nil {
		d.Tags = []string{}
	}
	tags, err := toJSON(d.Tags)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO device (tenant, id, group_id, name, domain, os, tags, first_seen, last_seen) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET group_id = excluded.group_id, name = excluded.name, domain = excluded.domain, os = excluded.os,
		tags = excluded.tags, last_seen = excluded.last_seen WHERE device.tenant = excluded.tenant`,
		d.ID, d.Group, d.Name, d.Domain, d.OSPlatform, tags, micros(d.FirstSeen), micros(d.LastSeen))
	return err
}

// deviceMemory is what this transaction may remember of devices. What it learns
// itself it gives to the store's memory only once that is durable.
func (tx *Tx) deviceMemory() *deviceMemory {
	if tx.devices == nil {
		tx.devices = &deviceMemory{shared: &tx.s.devices, own: map[nameKey]tocsin.Device{}}
		tx.AfterCommit(func() { tx.s.devices.take(tx.devices.own) })
	}
	return tx.devices
}

type deviceMemory struct {
	shared *sharedDevices
	own    map[nameKey]tocsin.Device
}

// get is the device that all of these keys name.
func (m *deviceMemory) get(tenant string, keys []string) (d tocsin.Device, ok bool) {
	for i, k := range keys {
		at := nameKey{tenant, k}
		one, known := m.own[at]
		if !known {
			if one, known = m.shared.get(at); !known {
				return d, false
			}
		}
		if i > 0 && one.ID != d.ID {
			return d, false
		}
		d = one
	}
	return d, true
}

func (m *deviceMemory) put(tenant string, keys []string, d tocsin.Device) {
	for _, k := range keys {
		m.own[nameKey{tenant, k}] = d
	}
}

// sharedDevices are the devices that were met lately, by key. It forgets
// everything when it is full, or when groups change; it fills again quickly.
type sharedDevices struct {
	mu sync.Mutex
	m  map[nameKey]tocsin.Device
}

const maxKnownDevices = 50_000

func (m *sharedDevices) get(k nameKey) (tocsin.Device, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.m[k]
	return d, ok
}

func (m *sharedDevices) take(own map[nameKey]tocsin.Device) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.m == nil || len(m.m)+len(own) > maxKnownDevices {
		m.m = map[nameKey]tocsin.Device{}
	}
	for k, d := range own {
		m.m[k] = d
	}
}

func (m *sharedDevices) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m = nil
}

// deviceGroups are the groups of the tenant in their order, read once a
// transaction.
func (tx *Tx) deviceGroups() ([]tocsin.DeviceGroup, error) {
	if tx.groups != nil {
		return *tx.groups, nil
	}
	var out []tocsin.DeviceGroup
	rows, err := tx.query(`SELECT id, rank, name, description, rule, level, updated FROM device_group WHERE tenant = $1 ORDER BY rank, id`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var g tocsin.DeviceGroup
		var rule string
		var updated int64
		if err := rows.Scan(&g.ID, &g.Rank, &g.Name, &g.Description, &rule, &g.Level, &updated); err != nil {
			return err
		}
		g.Updated = fromMicros(updated)
		out = append(out, g)
		return json.Unmarshal([]byte(rule), &out[len(out)-1].Rule)
	})
	if err != nil {
		return nil, fmt.Errorf("read device groups: %w", err)
	}
	tx.groups = &out
	return out, nil
}

// DeviceGroups lists the device groups in their order, with how many devices
// each has, and how many have none; of a principal that is limited to some,
// only those.
func (tx *Tx) DeviceGroups() (out []tocsin.DeviceGroup, ungrouped int64, err error) {
	all, err := tx.deviceGroups()
	if err != nil {
		return nil, 0, err
	}
	counts := map[int64]int64{}
	rows, err := tx.query(`SELECT group_id, count(*) FROM device WHERE tenant = $1 GROUP BY group_id`)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id, n int64
		err := rows.Scan(&id, &n)
		counts[id] = n
		return err
	})
	for _, g := range all {
		if tx.inScope(g.ID) {
			g.Devices = counts[g.ID]
			out = append(out, g)
		}
	}
	if tx.inScope(tocsin.UngroupedDevices) {
		ungrouped = counts[tocsin.UngroupedDevices]
	}
	return out, ungrouped, err
}

// PutDeviceGroup makes a group, when its ID is 0, or changes it. Rank is as
// given: keeping the order is the caller's. A name that is taken is an error of
// CodeConflict.
func (tx *Tx) PutDeviceGroup(g *tocsin.DeviceGroup) (err error) {
	if g.ID == 0 {
		if g.ID, err = tx.next("deviceGroup"); err != nil {
			return err
		}
	}
	rule, err := toJSON(g.Rule)
	if err != nil {
		return err
	}
	g.Updated = tx.now
	_, err = tx.exec(`INSERT INTO device_group (tenant, id, rank, name, name_key, description, rule, level, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (tenant, id) DO UPDATE SET rank = excluded.rank, name = excluded.name, name_key = excluded.name_key,
		description = excluded.description, rule = excluded.rule, level = excluded.level, updated = excluded.updated`,
		g.ID, g.Rank, g.Name, strings.ToLower(g.Name), g.Description, rule, string(g.Level), micros(g.Updated))
	if tocsin.CodeOf(err) == tocsin.CodeConflict {
		return &tocsin.Error{Code: tocsin.CodeConflict, Msg: fmt.Sprintf("there is already a device group %q", g.Name), Err: err}
	}
	tx.groups = nil
	return err
}

// DeleteDeviceGroup removes a group. Its devices stay in it by number, and so
// out of everybody's limited sight, until they are put into groups anew.
func (tx *Tx) DeleteDeviceGroup(id int64) error {
	_, err := tx.exec(`DELETE FROM device_group WHERE tenant = $1 AND id = $2`, id)
	tx.groups = nil
	return err
}

// Regroup asks the groups' rules again about these devices, and returns how
// many changed their group.
func (tx *Tx) Regroup(devices []tocsin.Device) (n int, err error) {
	groups, err := tx.deviceGroups()
	if err != nil {
		return 0, err
	}
	for i := range devices {
		d := &devices[i]
		g := tocsin.GroupOf(groups, d)
		if g == d.Group {
			continue
		}
		d.Group = g
		if _, err := tx.exec(`UPDATE device SET group_id = $3 WHERE tenant = $1 AND id = $2`, d.ID, g); err != nil {
			return n, fmt.Errorf("put device %d into its group: %w", d.ID, err)
		}
		n++
	}
	if n > 0 {
		tx.AfterCommit(tx.s.devices.forget)
		if err := tx.bumpScopes(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// AlertsWithoutDevices are alerts behind an id, in the order of ids, that have
// no device noted; at most limit, and the id to go on behind, "" at the end.
func (tx *Tx) AlertsWithoutDevices(after string, limit int) (out []tocsin.Alert, next string, err error) {
	n := 0
	rows, err := tx.query(`SELECT `+alertColumns+fromAlert+`a.id > $2 AND NOT EXISTS
		(SELECT 1 FROM alert_device AS s WHERE s.tenant = $1 AND s.alert_id = a.id) ORDER BY a.id LIMIT $3`, after, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		a, err := scanAlert(rows)
		if err == nil {
			out, next, n = append(out, *a), a.ID, n+1
		}
		return err
	})
	if n < limit {
		next = ""
	}
	return out, next, err
}

// DeviceGroupNames are, for each of these incidents, the names of the groups of
// its devices, sorted. Without groups nothing is asked.
func (tx *Tx) DeviceGroupNames(incidents []int64) (map[int64][]string, error) {
	groups, err := tx.deviceGroups()
	if err != nil || len(groups) == 0 || len(incidents) == 0 {
		return nil, err
	}
	names := map[int64]string{tocsin.UngroupedDevices: tocsin.UngroupedDevicesName}
	for _, g := range groups {
		names[g.ID] = g.Name
	}
	out := map[int64][]string{}
	rows, err := tx.queryOnce(`SELECT DISTINCT s.incident_id, d.group_id FROM alert_device AS s JOIN device AS d ON d.tenant = s.tenant AND d.id = s.device_id
		WHERE s.tenant = $1 AND s.incident_id IN `+inList(2, len(incidents)), anys(incidents)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id, g int64
		err := rows.Scan(&id, &g)
		if n := names[g]; n != "" && tx.inScope(g) {
			out[id] = append(out[id], n)
		}
		return err
	})
	for id := range out {
		slices.Sort(out[id])
	}
	return out, err
}

// maxScopeDevices is how many devices a limited principal can hunt over: each
// stands in the filter of its queries.
const maxScopeDevices = 10_000

// ScopeDevices are the ids and the names under which rows of telemetry may speak
// of the devices that the limited principal of ctx sees.
func (s *Store) ScopeDevices(ctx context.Context) (ids, names []string, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		if tx.scope == nil {
			return errors.New("the principal is not limited to device groups")
		}
		rows, err := tx.queryOnce(`SELECT d.name, k.key FROM device AS d JOIN device_key AS k ON k.tenant = d.tenant AND k.device_id = d.id
			WHERE d.tenant = $1 AND d.group_id IN `+tx.scope.list+` ORDER BY d.id LIMIT $2`, 2*maxScopeDevices+1)
		return each(rows, err, func(rows *sql.Rows) error {
			var name, key string
			if err := rows.Scan(&name, &key); err != nil {
				return err
			}
			if len(ids) >= 2*maxScopeDevices {
				return tocsin.Errorf(tocsin.CodeLimit, "your device groups have more than %d devices, which is more than can be hunted over", maxScopeDevices)
			}
			ids, names = append(ids, key), append(names, name, tocsin.ShortHost(name))
			return nil
		})
	})
	return ids, names, err
}

// GroupsOfDevices are the groups of these devices, also of those that are not
// known yet.
func (tx *Tx) GroupsOfDevices(devices []tocsin.Seen) (groups []int64, err error) {
	for i := range devices {
		id, err := tx.device(&devices[i])
		if err != nil {
			return nil, err
		}
		d, err := tx.Device(id)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(groups, d.Group) {
			groups = append(groups, d.Group)
		}
	}
	return groups, nil
}

// GroupsOfAlert are the groups of the devices of an alert that is kept.
func (tx *Tx) GroupsOfAlert(alertID string) (groups []int64, err error) {
	rows, err := tx.query(`SELECT DISTINCT d.group_id FROM alert_device AS s JOIN device AS d ON d.tenant = s.tenant AND d.id = s.device_id
		WHERE s.tenant = $1 AND s.alert_id = $2`, alertID)
	err = each(rows, err, func(rows *sql.Rows) error {
		var g int64
		err := rows.Scan(&g)
		groups = append(groups, g)
		return err
	})
	return groups, err
}

// GroupsOfIncidents are the groups of the devices of these incidents.
func (tx *Tx) GroupsOfIncidents(incidents []int64) (map[int64][]int64, error) {
	out := map[int64][]int64{}
	rows, err := tx.query(`SELECT DISTINCT s.incident_id, d.group_id FROM alert_device AS s JOIN device AS d ON d.tenant = s.tenant AND d.id = s.device_id
		WHERE s.tenant = $1 AND s.incident_id IN `+inList(2, len(incidents)), anys(incidents)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id, g int64
		err := rows.Scan(&id, &g)
		if tx.inScope(g) {
			out[id] = append(out[id], g)
		}
		return err
	})
	return out, err
}
