package store

import (
	"fmt"
	"strings"
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
func (tx *Tx) nameID(text string) (id int64, err error) {
	found, err := tx.one(`SELECT id FROM name WHERE tenant = $1 AND text = $2`, []any{text}, &id)
	if err != nil || found {
		return id, err
	}
	_, err = tx.one(`INSERT INTO name (tenant, text) VALUES ($1, $2) RETURNING id`, []any{text}, &id)
	return id, err
}

// PutNames makes an alert and its incident findable by these names.
func (tx *Tx) PutNames(alertID string, incidentID int64, names []string) error {
	done := map[string]bool{}
	for _, n := range names {
		text := foldName(n)
		if text == "" || done[text] {
			continue
		}
		done[text] = true
		id, err := tx.nameID(text)
		if err == nil {
			_, err = tx.exec(`INSERT INTO alert_name (tenant, alert_id, name_id) VALUES ($1, $2, $3)
				ON CONFLICT (tenant, alert_id, name_id) DO NOTHING`, alertID, id)
		}
		if err == nil {
			_, err = tx.exec(`INSERT INTO incident_name (tenant, incident_id, kind, name_id) VALUES ($1, $2, 'part', $3)
				ON CONFLICT (tenant, incident_id, kind, name_id) DO NOTHING`, incidentID, id)
		}
		if err != nil {
			return fmt.Errorf("write names of alert %s: %w", alertID, err)
		}
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
