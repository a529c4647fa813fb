package store

import (
	"cmp"
	"database/sql"
	"slices"
	"strings"

	"github.com/tocsinhq/tocsin"
)

const (
	// maxFacets bounds the properties of one question, maxFacetValues the values
	// that are answered of one: those that most things have.
	maxFacets      = 20
	maxFacetValues = 100
)

// Facets counts, for each of the properties, how many incidents have each of
// its values, the most frequent first, at most 100. The counts are exact. The
// filter holds, except for what it says of the property that is counted: beside
// a list of severities of which two are chosen, people want to see what each of
// the others would bring. Order and page of the query are not looked at.
func (tx *Tx) Facets(q tocsin.Query, properties []string) (map[string][]tocsin.FacetCount, error) {
	return tx.facets(incidents, q, properties)
}

// AlertFacets are the Facets of alerts.
func (tx *Tx) AlertFacets(q tocsin.Query, properties []string) (map[string][]tocsin.FacetCount, error) {
	return tx.facets(alerts, q, properties)
}

func (tx *Tx) facets(n noun, q tocsin.Query, properties []string) (map[string][]tocsin.FacetCount, error) {
	if len(properties) == 0 || len(properties) > maxFacets {
		return nil, tocsin.Errorf(tocsin.CodeInvalid, "1 to %d properties can be counted at once, not %d", maxFacets, len(properties))
	}
	for _, p := range properties {
		if f, ok := n.fields[p]; !ok || !f.countable() {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "%s has no property %q whose values can be counted", n.name, p)
		}
	}
	if _, err := tx.compile(n, q, ""); err != nil {
		return nil, err
	}
	out, err := tx.indexedFacets(n, q, properties)
	if err != nil {
		return nil, err
	}
	for _, p := range properties {
		f := n.fields[p]
		counts, known := out[p]
		if !known {
			counts, err = tx.facet(n, f, besides(q, n, f))
		}
		if err == nil {
			err = tx.spell(f, counts)
		}
		if err != nil {
			return nil, err
		}
		out[p] = counts
	}
	return out, nil
}

// indexedFacets has those of the properties that the index can count.
func (tx *Tx) indexedFacets(n noun, q tocsin.Query, properties []string) (map[string][]tocsin.FacetCount, error) {
	out := make(map[string][]tocsin.FacetCount, len(properties))
	k := tx.asker(n)
	if k == nil {
		return out, nil
	}
	defer k.done()
	for _, p := range properties {
		f := n.fields[p]
		counts, ok, err := k.facet(f, besides(q, n, f))
		if err != nil {
			return nil, err
		}
		if ok {
			out[p] = counts
		}
	}
	return out, nil
}

// countable reports a property with few enough values to choose among.
func (f field) countable() bool {
	switch f.kind {
	case enumField, rankField, labelField:
		return true
	}
	return f.choice
}

// facet counts the values of one property in the database itself.
func (tx *Tx) facet(n noun, f field, q tocsin.Query) ([]tocsin.FacetCount, error) {
	q.OrderBy = nil
	value, join := f.expr, ""
	if f.kind == labelField {
		value, join = "l.value", n.of(f, n.labelJoin)
	}
	if tx.scope != nil {
		join = tx.limitedText(n, join)
	}
	asked, err := tx.compile(n, q, value+join)
	if err != nil {
		return nil, err
	}
	if join != "" {
		join += asked.arg(f.expr)
	}
	rows, err := tx.queryOnce(asked.with+`SELECT `+value+`, count(*) AS n FROM `+asked.table+join+` WHERE `+asked.where+
		` GROUP BY `+value+` ORDER BY n DESC, `+value+` LIMIT `+asked.arg(maxFacetValues), asked.args...)
	var out []tocsin.FacetCount
	err = each(rows, err, func(rows *sql.Rows) error {
		var fc tocsin.FacetCount
		if f.kind == rankField {
			var rank int
			err := rows.Scan(&rank, &fc.Count)
			fc.Value = string(severityOf(rank))
			out = append(out, fc)
			return err
		}
		err := rows.Scan(&fc.Value, &fc.Count)
		out = append(out, fc)
		return err
	})
	return out, err
}

// spell writes values of labels, which are kept in lower case, as people know
// them.
func (tx *Tx) spell(f field, counts []tocsin.FacetCount) error {
	if f.kind != labelField || len(counts) == 0 {
		return nil
	}
	known := map[string]string{}
	for _, v := range f.values {
		known[strings.ToLower(v)] = v
	}
	folded := make([]string, len(counts))
	for i := range counts {
		folded[i] = counts[i].Value
	}
	if f.from != "" {
		return tx.spellGroups(known, counts)
	}
	written, err := tx.LabelTexts(f.expr, folded)
	if err != nil {
		return err
	}
	for fold, text := range written {
		known[fold] = cmp.Or(known[fold], text)
	}
	if f.expr == "customTags" {
		folds := make([]any, len(counts))
		for i := range counts {
			folds[i] = counts[i].Value
		}
		rows, err := tx.queryOnce(`SELECT fold, text FROM tag WHERE tenant = $1 AND fold IN `+inList(2, len(folds)), folds...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var fold, text string
			err := rows.Scan(&fold, &text)
			known[fold] = text
			return err
		})
		if err != nil {
			return err
		}
	}
	for i := range counts {
		if s, ok := known[counts[i].Value]; ok {
			counts[i].Value = s
		}
	}
	return nil
}

// besides is the query without those terms that speak of the property alone.
func besides(q tocsin.Query, n noun, f field) tocsin.Query {
	about := func(t tocsin.Filter) bool { return onlyAbout(t, n, f) }
	switch t := q.Filter.(type) {
	case tocsin.And:
		// Terms may be bracketed in twos, as a parser builds them.
		q.Filter = tocsin.And(slices.DeleteFunc(flatten(t), about))
	case nil:
	default:
		if about(t) {
			q.Filter = nil
		}
	}
	return q
}

func flatten(and tocsin.And) []tocsin.Filter {
	var out []tocsin.Filter
	for _, t := range and {
		if inner, ok := t.(tocsin.And); ok {
			out = append(out, flatten(inner)...)
			continue
		}
		out = append(out, t)
	}
	return out
}

// onlyAbout reports whether a term asks about this property and no other.
func onlyAbout(t tocsin.Filter, n noun, f field) bool {
	all := func(ts []tocsin.Filter) bool {
		return len(ts) > 0 && !slices.ContainsFunc(ts, func(t tocsin.Filter) bool { return !onlyAbout(t, n, f) })
	}
	same := func(name string) bool {
		have, ok := n.fields[name]
		return ok && have.expr == f.expr && (have.kind == labelField) == (f.kind == labelField)
	}
	switch t := t.(type) {
	case tocsin.And:
		return all(t)
	case tocsin.Or:
		return all(t)
	case tocsin.Not:
		return onlyAbout(t.Filter, n, f)
	case tocsin.Compare:
		return same(t.Field)
	case tocsin.In:
		return same(t.Field)
	case tocsin.Any:
		return same(t.Field)
	}
	return false
}
