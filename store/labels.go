package store

import (
	"database/sql"
	"fmt"
	"sync"

	"github.com/tocsinhq/tocsin"
)

// Kinds of labels that are not lists of the incident.
const (
	// labelMultiple holds the names of the lists that have more than one value,
	// so that "more than one category" is a look-up and no counting.
	labelMultiple = "multiple"
	// labelUpdatedBy is who changed the incident last.
	labelUpdatedBy = "updatedBy"
)

// labelsOf is everything list-valued that an incident is filtered by.
func labelsOf(inc *tocsin.Incident) map[string][]string {
	out := map[string][]string{
		"customTags": inc.CustomTags, "systemTags": inc.SystemTags, "categories": inc.Categories, "mitreTechniques": inc.Techniques,
		"serviceSources": texts(inc.ServiceSources), "detectionSources": texts(inc.DetectionSources),
	}
	var multiple []string
	for _, kind := range []string{"serviceSources", "detectionSources", "categories"} {
		if len(out[kind]) > 1 {
			multiple = append(multiple, kind)
		}
	}
	for kind, values := range inc.Labels {
		out[string(kind)] = values
	}
	out[labelMultiple] = multiple
	if inc.LastModifiedBy != "" {
		out[labelUpdatedBy] = []string{inc.LastModifiedBy}
	}
	return out
}

// alertLabelsOf is the same of an alert. Its product is a column, and its
// entities are found by their names.
func alertLabelsOf(a *tocsin.Alert) map[string][]string {
	s := tocsin.LabelSet{}
	s.AddAlert(a)
	delete(s, tocsin.LabelProducts)
	out := map[string][]string{"categories": a.Categories, "mitreTechniques": a.Techniques, "systemTags": a.SystemTags}
	for kind, values := range s.Labels() {
		out[string(kind)] = values
	}
	return out
}

// RelabelAlert writes the labels and the digest of an alert anew, as they
// follow from the alert.
func (tx *Tx) RelabelAlert(a *tocsin.Alert, digest string) error {
	var no int64
	found, err := tx.one(`SELECT no FROM alert WHERE tenant = $1 AND id = $2`, []any{a.ID}, &no)
	if err != nil || !found {
		return err
	}
	if err := tx.putLabels(alertLabels, no, alertLabelsOf(a)); err != nil {
		return fmt.Errorf("write labels of alert %s: %w", a.ID, err)
	}
	_, err = tx.exec(`UPDATE alert_body SET digest = $3 WHERE tenant = $1 AND no = $2`, no, digest)
	return err
}

// IncidentIDs lists the numbers of the tenant's incidents after one, merged
// ones too, at most limit.
func (tx *Tx) IncidentIDs(after int64, limit int) (ids []int64, err error) {
	rows, err := tx.query(`SELECT id FROM incident WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3`, after, limit)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// putLabelText remembers how a label is written, for showing it: labels
// themselves are in lower case.
func (tx *Tx) putLabelText(kind, fold, text string) error {
	if fold == text || labelWords[kind] {
		return nil
	}
	k := nameKey{tx.who.Tenant, kind + "\x00" + fold}
	if tx.s.labelTexts.has(k) {
		return nil
	}
	_, err := tx.exec(`INSERT INTO label_text (tenant, kind, fold, text) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, kind, fold) DO NOTHING`, kind, fold, text)
	if err != nil {
		return fmt.Errorf("write the spelling of a label: %w", err)
	}
	tx.AfterCommit(func() { tx.s.labelTexts.add(k) })
	return nil
}

// labelWords are the kinds whose values are words of the field, which the
// portal knows how to write.
var labelWords = map[string]bool{"categories": true, "serviceSources": true, "detectionSources": true, labelMultiple: true,
	string(tocsin.LabelInvestigations): true, string(tocsin.LabelAssetTypes): true}

// LabelTexts is how labels of a kind are written, for those of the folded
// values that are not in lower case anyhow; at most 1,000 are asked for.
func (tx *Tx) LabelTexts(kind string, folds []string) (map[string]string, error) {
	out := map[string]string{}
	if len(folds) == 0 {
		return out, nil
	}
	folds = folds[:min(len(folds), 1000)]
	args := append([]any{kind}, anys(folds)...)
	rows, err := tx.queryOnce(`SELECT fold, text FROM label_text WHERE tenant = $1 AND kind = $2 AND fold IN `+inList(3, len(folds)), args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var fold, text string
		err := rows.Scan(&fold, &text)
		out[fold] = text
		return err
	})
	return out, err
}

// spellings remembers which spellings are written; it forgets everything when
// it is full.
type spellings struct {
	mu sync.Mutex
	m  map[nameKey]bool
}

func (s *spellings) has(k nameKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[k]
}

func (s *spellings) add(k nameKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil || len(s.m) >= 20_000 {
		s.m = map[nameKey]bool{}
	}
	s.m[k] = true
}
