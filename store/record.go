package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsinhq/tocsin"
)

const (
	// recordWindow is how many numbers one step of a search through the record
	// looks at, and recordReach how many a page does: a filter that matches
	// nothing must not read a record of ten million lines in one request.
	recordWindow = 50_000
	recordReach  = 500_000
)

// Record is a page of the tenant's lines. next is where the following page
// begins (its After, or its Before when the newest come first), 0 when there is
// nothing further; a page may be short, or empty, and have a next all the same,
// because only so much is searched at once.
func (tx *Tx) Record(q tocsin.RecordQuery) (cs []tocsin.Change, next int64, err error) {
	if err := q.Check(); err != nil {
		return nil, 0, err
	}
	limit := q.Limit
	if limit <= 0 || limit > tocsin.MaxRecordLines {
		limit = tocsin.MaxRecordLines
	}
	var head int64
	if _, err := tx.one(`SELECT coalesce(max(seq), 0) FROM change WHERE tenant = $1`, nil, &head); err != nil {
		return nil, 0, err
	}
	low, high := q.After+1, head
	if q.Before > 0 {
		high = min(high, q.Before-1)
	}
	// The lines of a few things are found by an index, all of them at once.
	step := int64(recordWindow)
	if len(q.IDs) > 0 || len(q.Origins) > 0 {
		step = head + 1
	}
	for looked := int64(0); low <= high && len(cs) < limit; looked += step {
		if looked >= recordReach && step == recordWindow {
			return cs, bound(q.Newest, low, high), nil
		}
		a, b := low, min(high, low+step-1)
		if q.Newest {
			a, b = max(low, high-step+1), high
		}
		want := limit - len(cs) + 1
		if tx.scope != nil {
			want = math.MaxInt32 // of these, some are left out
		}
		got, err := tx.recordBetween(&q, a, b, want)
		if err != nil {
			return nil, 0, err
		}
		cs = append(cs, got...)
		if q.Newest {
			high = a - 1
		} else {
			low = b + 1
		}
	}
	if len(cs) > limit {
		cs = cs[:limit]
		return cs, cs[limit-1].Seq, nil
	}
	if low <= high {
		next = bound(q.Newest, low, high)
	}
	return cs, next, nil
}

func bound(newest bool, low, high int64) int64 {
	if newest {
		return high + 1
	}
	return low - 1
}

func (tx *Tx) recordBetween(q *tocsin.RecordQuery, low, high int64, limit int) (cs []tocsin.Change, err error) {
	w := &recordWhere{args: []any{low, high, limit}}
	w.of(q)
	order := ` ORDER BY seq LIMIT $4`
	if q.Newest {
		order = ` ORDER BY seq DESC LIMIT $4`
	}
	rows, err := tx.queryOnce(`SELECT `+changeColumns+` FROM change WHERE tenant = $1 AND seq >= $2 AND seq <= $3`+w.text.String()+order, w.args...)
	err = each(rows, err, func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		cs = append(cs, c)
		return err
	})
	if err != nil || tx.scope == nil {
		return cs, err
	}
	said := make(map[int64]string, len(cs))
	for i := range cs {
		said[cs[i].Seq] = cs[i].Summary + string(cs[i].After)
	}
	cs, err = tx.narrowChanges(cs)
	// A line that is shown in other words must not be found by those that it had.
	return slices.DeleteFunc(cs, func(c tocsin.Change) bool { return said[c.Seq] != c.Summary+string(c.After) }), err
}

// recordWhere puts the conditions of a query together.
type recordWhere struct {
	text strings.Builder
	args []any // from $2 on
}

func (w *recordWhere) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args)+1)
}

func (w *recordWhere) list(vs []string) string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = w.arg(v)
	}
	return "(" + strings.Join(out, ", ") + ")"
}

func (w *recordWhere) in(column string, vs []string) {
	if len(vs) > 0 {
		w.text.WriteString(" AND " + column + " IN " + w.list(vs))
	}
}

func (w *recordWhere) any(conditions []string) {
	if len(conditions) > 0 {
		w.text.WriteString(" AND (" + strings.Join(conditions, " OR ") + ")")
	}
}

func (w *recordWhere) of(q *tocsin.RecordQuery) {
	w.in("noun", q.Nouns)
	w.in("noun_id", q.IDs)
	if len(q.Origins) > 0 {
		ids := make([]string, len(q.Origins))
		for i, id := range q.Origins {
			ids[i] = strconv.FormatInt(id, 10)
		}
		w.in("noun", []string{"incident"})
		w.in("noun_id", ids)
	}
	w.in("kind", q.Kinds)
	w.any(w.categories(q.Categories))
	w.any(w.statuses(q.Statuses))
	w.any(w.providers(q.Providers))
	switch q.Trigger {
	case tocsin.TriggerManual:
		w.in("actor_kind", []string{string(tocsin.ActorUser), string(tocsin.ActorIntegration)})
	case tocsin.TriggerAutomatic:
		w.text.WriteString(" AND NOT actor_kind IN " + w.list([]string{string(tocsin.ActorUser), string(tocsin.ActorIntegration)}))
	}
	if len(q.By) > 0 {
		lower := make([]string, len(q.By))
		for i, s := range q.By {
			lower[i] = strings.ToLower(s)
		}
		w.in("lower(actor_name)", lower)
	}
	w.targets(q)
	if !q.From.IsZero() {
		w.text.WriteString(" AND at >= " + w.arg(micros(q.From)))
	}
	if !q.To.IsZero() {
		w.text.WriteString(" AND at <= " + w.arg(micros(q.To)))
	}
}

func (w *recordWhere) categories(cats []tocsin.RecordCategory) (out []string) {
	for _, c := range cats {
		cases := "noun IN " + w.list(tocsin.CaseNouns)
		switch c {
		case tocsin.CategoryComment:
			out = append(out, "("+cases+" AND kind = 'commented')")
		case tocsin.CategoryCorrelation:
			out = append(out, "("+cases+" AND kind IN "+w.list(tocsin.CorrelationKinds)+")")
		case tocsin.CategoryManagement:
			out = append(out, "("+cases+" AND kind <> 'commented' AND NOT kind IN "+w.list(tocsin.CorrelationKinds)+")")
		case tocsin.CategorySettings:
			others := append([]string{}, tocsin.CaseNouns...)
			for _, k := range tocsin.RecordCategories {
				others = append(others, tocsin.NounsOf(k)...)
			}
			out = append(out, "NOT noun IN "+w.list(others))
		default:
			out = append(out, "noun IN "+w.list(tocsin.NounsOf(c)))
		}
	}
	return out
}

func (w *recordWhere) statuses(ss []tocsin.RecordStatus) (out []string) {
	failed := func() string { return w.endings(tocsin.FailedEndings) }
	reverted := func() string {
		return "(" + w.endings(tocsin.RevertedEndings) + " OR kind IN " + w.list(tocsin.RevertedKinds) + ")"
	}
	for _, s := range ss {
		switch s {
		case tocsin.RecordFailed:
			out = append(out, failed())
		case tocsin.RecordReverted:
			out = append(out, reverted())
		default:
			out = append(out, "NOT ("+failed()+" OR "+reverted()+")")
		}
	}
	return out
}

func (w *recordWhere) endings(ends []string) string {
	out := make([]string, len(ends))
	for i, e := range ends {
		out[i] = "kind LIKE " + w.arg("%"+e)
	}
	return "(" + strings.Join(out, " OR ") + ")"
}

func (w *recordWhere) providers(ps []string) (out []string) {
	var parts []string
	for _, p := range ps {
		switch p {
		case "portal":
			out = append(out, "actor_kind = "+w.arg(string(tocsin.ActorUser)))
		case "api":
			out = append(out, "actor_kind = "+w.arg(string(tocsin.ActorIntegration)))
		default:
			parts = append(parts, p)
		}
	}
	if len(parts) > 0 {
		out = append(out, "(NOT actor_kind IN "+w.list([]string{string(tocsin.ActorUser), string(tocsin.ActorIntegration)})+" AND actor_name IN "+w.list(parts)+")")
	}
	return out
}

func (w *recordWhere) targets(q *tocsin.RecordQuery) {
	if q.Target != "" {
		like := "%" + likeText(strings.ToLower(q.Target)) + "%"
		var out []string
		for _, column := range []string{"noun_id", "alert_id", "summary"} {
			out = append(out, "lower("+column+") LIKE "+w.arg(like)+` ESCAPE '\'`)
		}
		w.any(out)
	}
	var out []string
	for _, t := range q.TargetTypes {
		switch t {
		case "alert":
			out = append(out, "alert_id <> '' OR noun = 'alert'")
		default:
			out = append(out, "(alert_id = '' AND noun = "+w.arg(t)+")")
		}
	}
	w.any(out)
}

// RecordCount is how often a value occurs in the log of some incidents.
type RecordCount struct {
	Value string
	Count int
}

// RecordValues counts the kinds, the actors and the incidents of the lines in
// the log of these incidents: what a filter can be set to. Each list has the
// most frequent 100.
func (tx *Tx) RecordValues(incidents []string) (kinds, actors, origins []RecordCount, err error) {
	count := func(column string) (out []RecordCount, err error) {
		rows, err := tx.queryOnce(`SELECT `+column+`, count(*) FROM change WHERE tenant = $1 AND noun = 'incident' AND noun_id IN `+inList(2, len(incidents))+
			` GROUP BY `+column+` ORDER BY count(*) DESC, `+column+` LIMIT 100`, anys(incidents)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var c RecordCount
			err := rows.Scan(&c.Value, &c.Count)
			out = append(out, c)
			return err
		})
		return out, err
	}
	if len(incidents) == 0 {
		return nil, nil, nil, nil
	}
	if tx.scope != nil {
		return tx.limitedRecordValues(incidents)
	}
	if kinds, err = count("kind"); err != nil {
		return nil, nil, nil, err
	}
	if actors, err = count("actor_name"); err != nil {
		return nil, nil, nil, err
	}
	origins, err = count("noun_id")
	return kinds, actors, origins, err
}

// Record is Tx.Record in a transaction of its own.
func (s *Store) Record(ctx context.Context, q tocsin.RecordQuery) (cs []tocsin.Change, next int64, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		cs, next, err = tx.Record(q)
		return err
	})
	return cs, next, err
}

// EachLine calls f for the tenant's lines that match, in order, up to the
// newest at the time of the call. It reads them in short transactions, so that
// a slow reader holds nothing up.
func (s *Store) EachLine(ctx context.Context, q tocsin.RecordQuery, f func(*tocsin.Change) error) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	q.Newest, q.Limit = false, tocsin.MaxRecordLines
	if q.Before == 0 || q.Before > head+1 {
		q.Before = head + 1
	}
	for {
		cs, next, err := s.Record(ctx, q)
		if err != nil {
			return err
		}
		for i := range cs {
			if err := f(&cs[i]); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		q.After = next
	}
}

// ExportRecord writes the tenant's lines that match as an export, and returns
// how many there were.
func (s *Store) ExportRecord(ctx context.Context, q tocsin.RecordQuery, w io.Writer) (lines int64, err error) {
	if err := q.Check(); err != nil {
		return 0, err
	}
	h := tocsin.ExportHeader{At: s.Now()}
	var others bool
	err = s.View(ctx, func(tx *Tx) error {
		h.Tenant = tx.Tenant()
		if _, err := tx.one(`SELECT seq, hash FROM change WHERE tenant = $1 ORDER BY seq DESC LIMIT 1`, nil, &h.Head.Seq, &h.Head.Hash); err != nil {
			return err
		}
		var n int64
		_, err := tx.one(`SELECT count(*) FROM change WHERE tenant = $1 AND seq <= $2`, []any{h.Head.Seq}, &n)
		others = n != h.Head.Seq
		return err
	})
	if err != nil {
		return 0, err
	}
	h.Whole = !others && q.IsZero()
	out, err := tocsin.NewExport(w, h)
	if err != nil {
		return 0, err
	}
	q.Before = h.Head.Seq + 1
	err = s.EachLine(ctx, q, func(c *tocsin.Change) error {
		lines++
		return out.Add(c)
	})
	if err != nil {
		return lines, err
	}
	return lines, out.End()
}

// NoteExport leaves a line about an export of the record, with the filter that
// it had.
func (s *Store) NoteExport(ctx context.Context, filter string) error {
	return s.Update(ctx, func(tx *Tx) error {
		after, err := toJSON(map[string]string{"filter": filter})
		if err != nil {
			return err
		}
		_, err = tx.Append(tocsin.Change{Noun: "audit", ID: "export", Kind: "recordExported", Summary: "Exported the record of changes", After: json.RawMessage(after)})
		return err
	})
}
