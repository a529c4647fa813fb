package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// maxNameText is how much of a name can be searched for, in bytes.
const maxNameText = 200

// foldName is the form in which names are kept for search.
func foldName(s string) string {
	s = strings.Join(strings.Fields(strings.ToLower(s)), " ")
	if len(s) > maxNameText {
		s = strings.ToValidUTF8(s[:maxNameText], "")
	}
	return s
}

func foldTag(s string) string { return strings.ToLower(s) }

// nameID is the number of a name in the dictionary, made when it is new.
// Numbers never change, so those of the last few thousand names are remembered.
func (tx *Tx) nameID(text string) (id int64, err error) {
	k := nameKey{tx.who.Tenant, text}
	if id, ok := tx.s.names.get(k); ok {
		return id, nil
	}
	found, err := tx.one(`SELECT id FROM name WHERE tenant = $1 AND text = $2`, []any{text}, &id)
	if err == nil && !found {
		_, err = tx.one(`INSERT INTO name (tenant, text) VALUES ($1, $2) RETURNING id`, []any{text}, &id)
		ch := tx.indexed()
		ch.names = append(ch.names, indexName{id, text})
	}
	if err == nil {
		// Only once it is durable: a number that was rolled back is given again.
		tx.AfterCommit(func() { tx.s.names.put(k, id) })
	}
	return id, err
}

type nameKey struct{ tenant, text string }

// nameMemory forgets everything when it is full; it fills again quickly.
type nameMemory struct {
	mu sync.Mutex
	m  map[nameKey]int64
}

func (m *nameMemory) get(k nameKey) (int64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, ok := m.m[k]
	return id, ok
}

func (m *nameMemory) put(k nameKey, id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.m == nil || len(m.m) >= 20_000 {
		m.m = map[nameKey]int64{}
	}
	m.m[k] = id
}

// nameIDs are the numbers of these names, none twice.
func (tx *Tx) nameIDs(names []string) ([]int64, error) {
	ids := make([]int64, 0, len(names))
	for _, n := range names {
		text := foldName(n)
		if text == "" {
			continue
		}
		id, err := tx.nameID(text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// putNames makes alerts and their incidents findable by the names in the rows;
// nos are the numbers of the alerts.
func (tx *Tx) putNames(rows []AlertRow, nos []int64) error {
	type part struct{ incident, name int64 }
	var ofAlerts, ofIncidents []any
	done, ch := map[part]bool{}, tx.indexed()
	for i := range rows {
		ids, err := tx.nameIDs(rows[i].Names)
		if err != nil {
			return fmt.Errorf("write names of alert %s: %w", rows[i].Alert.ID, err)
		}
		incident := rows[i].Alert.IncidentID
		for _, id := range ids {
			ofAlerts = append(ofAlerts, nos[i], id)
			if p := (part{incident, id}); !done[p] {
				done[p] = true
				ch.add[incident] = append(ch.add[incident], id)
				ofIncidents = append(ofIncidents, incident, id)
			}
		}
	}
	err := tx.execRows(`INSERT INTO alert_name (tenant, alert_no, name_id) VALUES `, 2, ` ON CONFLICT (tenant, name_id, alert_no) DO NOTHING`, ofAlerts)
	if err == nil {
		err = tx.putParts(ofIncidents)
	}
	if err != nil {
		return fmt.Errorf("write names of alerts: %w", err)
	}
	return nil
}

// putParts takes pairs of an incident and the number of a name of its alerts.
func (tx *Tx) putParts(pairs []any) error {
	rows := make([]any, 0, len(pairs)/2*3)
	for i := 0; i+1 < len(pairs); i += 2 {
		rows = append(rows, pairs[i], "part", pairs[i+1])
	}
	return tx.execRows(`INSERT INTO incident_name (tenant, incident_id, kind, name_id) VALUES `, 3,
		` ON CONFLICT (tenant, incident_id, kind, name_id) DO NOTHING`, rows)
}

// putTitles makes incidents findable by their own names, and no longer by
// earlier ones.
func (tx *Tx) putTitles(rows []IncidentRow) error {
	var fresh []any
	for _, r := range rows {
		if r.Before != nil && r.Before.DisplayName == r.Incident.DisplayName {
			continue
		}
		id, err := tx.nameID(foldName(r.Incident.DisplayName))
		if err != nil {
			return fmt.Errorf("write name of incident %d: %w", r.Incident.ID, err)
		}
		tx.indexed().titles[r.Incident.ID] = id
		if r.Fresh {
			fresh = append(fresh, r.Incident.ID, "title", id)
			continue
		}
		n, err := tx.exec(`INSERT INTO incident_name (tenant, incident_id, kind, name_id) VALUES ($1, $2, 'title', $3)
			ON CONFLICT (tenant, incident_id, kind, name_id) DO NOTHING`, r.Incident.ID, id)
		if err == nil && n > 0 {
			_, err = tx.exec(`DELETE FROM incident_name WHERE tenant = $1 AND incident_id = $2 AND kind = 'title' AND name_id <> $3`, r.Incident.ID, id)
		}
		if err != nil {
			return fmt.Errorf("write name of incident %d: %w", r.Incident.ID, err)
		}
	}
	err := tx.execRows(`INSERT INTO incident_name (tenant, incident_id, kind, name_id) VALUES `, 3, "", fresh)
	if err != nil {
		return fmt.Errorf("write names of incidents: %w", err)
	}
	return nil
}
