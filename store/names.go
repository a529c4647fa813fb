package store

import (
	"fmt"
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

// PutNames makes an alert and its incident findable by these names.
func (tx *Tx) PutNames(alertID string, incidentID int64, names []string) error {
	var ids []any
	done := map[string]bool{"": true}
	for _, n := range names {
		text := foldName(n)
		if done[text] {
			continue
		}
		done[text] = true
		id, err := tx.nameID(text)
		if err != nil {
			return fmt.Errorf("write names of alert %s: %w", alertID, err)
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil
	}
	ch := tx.indexed()
	for _, id := range ids {
		ch.add[incidentID] = append(ch.add[incidentID], id.(int64))
	}
	_, err := tx.exec(`INSERT INTO alert_name (tenant, alert_id, name_id) VALUES `+rowList(len(ids), `($1, $2, `, 3)+
		` ON CONFLICT (tenant, name_id, alert_id) DO NOTHING`, append([]any{alertID}, ids...)...)
	if err == nil {
		_, err = tx.exec(`INSERT INTO incident_name (tenant, incident_id, kind, name_id) VALUES `+rowList(len(ids), `($1, $2, 'part', `, 3)+
			` ON CONFLICT (tenant, incident_id, kind, name_id) DO NOTHING`, append([]any{incidentID}, ids...)...)
	}
	if err != nil {
		return fmt.Errorf("write names of alert %s: %w", alertID, err)
	}
	return nil
}

// putTitle makes an incident findable by its own name, and no longer by an
// earlier one.
func (tx *Tx) putTitle(incidentID int64, title string) error {
	id, err := tx.nameID(foldName(title))
	if err != nil {
		return fmt.Errorf("write name of incident %d: %w", incidentID, err)
	}
	tx.indexed().titles[incidentID] = id
	n, err := tx.exec(`INSERT INTO incident_name (tenant, incident_id, kind, name_id) VALUES ($1, $2, 'title', $3)
		ON CONFLICT (tenant, incident_id, kind, name_id) DO NOTHING`, incidentID, id)
	if err == nil && n > 0 {
		_, err = tx.exec(`DELETE FROM incident_name WHERE tenant = $1 AND incident_id = $2 AND kind = 'title' AND name_id <> $3`, incidentID, id)
	}
	if err != nil {
		return fmt.Errorf("write name of incident %d: %w", incidentID, err)
	}
	return nil
}
