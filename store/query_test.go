package store

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// randomIncidents fills two tenants; the second is there to be left out.
func randomIncidents(t testing.TB, s *Store, r *rand.Rand, n int) (mine []tocsin.Incident) {
	t.Helper()
	for _, tenant := range []string{"a", "b"} {
		update(t, s, tenant, func(tx *Tx) error {
			for range n {
				inc := tocsin.Incident{
					DisplayName: pick(r, "Mail flood", "mail_flood 100%", "Übung", "ransom on srv-1", "x"), Severity: pick(r, tocsin.Severities...),
					Status: pick(r, tocsin.IncidentStatuses...), AssignedTo: pick(r, "", "ann", "Ben", "ben"),
					Classification: pick(r, tocsin.Classifications...), Determination: pick(r, determinations()...),
					Created: noon.Add(time.Duration(r.IntN(50)) * time.Minute), LastUpdate: noon.Add(time.Duration(r.IntN(50)) * time.Minute),
					AlertCount: r.IntN(6), CustomTags: some(r, "vip", "VIP 2", "lab"), Categories: some(r, "Impact", "Execution"),
					ServiceSources: some(r, tocsin.ServiceSources[:3]...),
				}
				if r.IntN(3) > 0 {
					inc.FirstActivity = noon.Add(time.Duration(r.IntN(50)) * time.Minute)
					inc.LastActivity = inc.FirstActivity.Add(time.Hour)
				}
				if err := tx.CreateIncident(&inc); err != nil {
					return err
				}
				if err := tx.PutIncident(&inc); err != nil {
					return err
				}
				if tenant == "a" {
					mine = append(mine, inc)
				}
			}
			return nil
		})
	}
	return mine
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func some[T any](r *rand.Rand, from ...T) (out []T) {
	for _, v := range from {
		if r.IntN(2) == 0 {
			out = append(out, v)
		}
	}
	return out
}

// randomFilter makes a tree over every property of an incident.
func randomFilter(r *rand.Rand, depth int) tocsin.Filter {
	if depth > 0 && r.IntN(3) > 0 {
		switch r.IntN(3) {
		case 0:
			return tocsin.Not{Filter: randomFilter(r, depth-1)}
		case 1:
			return tocsin.And{randomFilter(r, depth-1), randomFilter(r, depth-1)}
		default:
			return tocsin.Or{randomFilter(r, depth-1), randomFilter(r, depth-1), randomFilter(r, depth-1)}
		}
	}
	order := pick(r, tocsin.Eq, tocsin.Ne, tocsin.Lt, tocsin.Le, tocsin.Gt, tocsin.Ge)
	same := pick(r, tocsin.Eq, tocsin.Ne)
	part := pick(r, tocsin.Contains, tocsin.StartsWith, tocsin.EndsWith)
	switch r.IntN(9) {
	case 0:
		return tocsin.Compare{Field: "displayName", Op: part, Value: pick(r, "mail", "%", "_", "FLOOD", "Ü", "x", "")}
	case 1:
		return tocsin.Compare{Field: "assignedTo", Op: same, Value: pick(r, any("ann"), "Ben", nil)}
	case 2:
		return tocsin.Compare{Field: "severity", Op: order, Value: pick(r, "high", "Medium", "low", "unknown")}
	case 3:
		return tocsin.Compare{Field: "status", Op: same, Value: pick(r, "active", "Resolved", "redirected", "inprogress")}
	case 4:
		f := pick(r, "createdDateTime", "lastUpdateDateTime", "firstActivityDateTime", "tocsin/lastActivityDateTime")
		if r.IntN(4) == 0 {
			return tocsin.Compare{Field: f, Op: same, Value: nil}
		}
		return tocsin.Compare{Field: f, Op: order, Value: noon.Add(time.Duration(r.IntN(50)) * time.Minute)}
	case 5:
		return tocsin.Compare{Field: pick(r, "alertCount", "tocsin/alertCount"), Op: order, Value: pick(r, any(int64(2)), 2.5, "3", nil)}
	case 6:
		return tocsin.In{Field: "classification", Values: some(r, any("truePositive"), nil, "FALSEPOSITIVE")}
	case 7:
		return tocsin.Any{Field: pick(r, "customTags", "categories", "serviceSources"), Op: pick(r, same, part), Value: pick(r, "VIP", "lab", "impact", "unknown", "microsoft")}
	}
	return tocsin.In{Field: "id", Values: []any{int64(r.IntN(40)), fmt.Sprint(r.IntN(40))}}
}

// naive is what a filter means, said once more in Go.
func naive(f tocsin.Filter, i *tocsin.Incident) bool {
	switch f := f.(type) {
	case tocsin.And:
		return !slices.ContainsFunc(f, func(g tocsin.Filter) bool { return !naive(g, i) })
	case tocsin.Or:
		return slices.ContainsFunc(f, func(g tocsin.Filter) bool { return naive(g, i) })
	case tocsin.Not:
		return !naive(f.Filter, i)
	case tocsin.In:
		return slices.ContainsFunc(f.Values, func(v any) bool { return naive(tocsin.Compare{Field: f.Field, Op: tocsin.Eq, Value: v}, i) })
	case tocsin.Any:
		have := map[string][]string{"customTags": i.CustomTags, "categories": i.Categories, "serviceSources": texts(i.ServiceSources)}[f.Field]
		return slices.ContainsFunc(have, func(s string) bool {
			return compareText(strings.ToLower(s), f.Op, strings.ToLower(f.Value.(string)))
		})
	case tocsin.Compare:
		return naiveCompare(f, i)
	}
	return false
}

func naiveCompare(f tocsin.Compare, i *tocsin.Incident) bool {
	text, _ := f.Value.(string)
	switch strings.TrimPrefix(f.Field, "tocsin/") {
	case "displayName":
		lower := func(s string) string { return sqlite{}.fold(s) }
		return compareText(lower(i.DisplayName), f.Op, lower(text))
	case "assignedTo":
		return compareText(i.AssignedTo, f.Op, text)
	case "severity":
		sev, _ := tocsin.ParseEnum("severity", text, tocsin.Severities)
		return ordered(cmp.Compare(i.Severity.Rank(), sev.Rank()), f.Op)
	case "status":
		return compareText(strings.ToLower(string(i.Status)), f.Op, strings.ToLower(text))
	case "classification":
		if f.Value == nil {
			text = "unknown"
		}
		return strings.EqualFold(string(i.Classification), text)
	case "id":
		return fmt.Sprint(i.ID) == fmt.Sprint(f.Value)
	case "alertCount":
		n := map[any]float64{int64(2): 2, 2.5: 2.5, "3": 3, nil: 0}[f.Value]
		return ordered(cmp.Compare(float64(i.AlertCount), n), f.Op)
	}
	at := map[string]time.Time{"createdDateTime": i.Created, "lastUpdateDateTime": i.LastUpdate, "firstActivityDateTime": i.FirstActivity,
		"tocsin/lastActivityDateTime": i.LastActivity}[f.Field]
	want, _ := f.Value.(time.Time)
	if f.Op != tocsin.Eq && f.Op != tocsin.Ne && at.IsZero() {
		return false
	}
	return ordered(at.Compare(want), f.Op)
}

func compareText(have string, op tocsin.CompareOp, want string) bool {
	switch op {
	case tocsin.Eq:
		return have == want
	case tocsin.Ne:
		return have != want
	case tocsin.Contains:
		return strings.Contains(have, want)
	case tocsin.StartsWith:
		return strings.HasPrefix(have, want)
	}
	return strings.HasSuffix(have, want)
}

func ordered(c int, op tocsin.CompareOp) bool {
	switch op {
	case tocsin.Eq:
		return c == 0
	case tocsin.Ne:
		return c != 0
	case tocsin.Lt:
		return c < 0
	case tocsin.Le:
		return c <= 0
	case tocsin.Gt:
		return c > 0
	}
	return c >= 0
}

func TestQueryAgainstNaiveFilter(t *testing.T) {
	s := newStore(t)
	r := rand.New(rand.NewPCG(1, 2))
	all := randomIncidents(t, s, r, 150)
	matched := 0
	for n := range 1500 {
		q := tocsin.Query{Filter: randomFilter(r, 3), Top: 1 + r.IntN(60), Skip: r.IntN(20), Count: true}
		byNum := func(a, b *tocsin.Incident) int { return cmp.Compare(b.ID, a.ID) }
		byTime := func(a, b *tocsin.Incident) int { return cmp.Or(b.Created.Compare(a.Created), byNum(a, b)) }
		sorting := byTime
		switch r.IntN(3) {
		case 0:
			q.OrderBy = []tocsin.Order{{Field: "severity", Desc: true}, {Field: "createdDateTime", Desc: true}}
			sorting = func(a, b *tocsin.Incident) int { return cmp.Or(b.Severity.Rank()-a.Severity.Rank(), byTime(a, b)) }
		case 1:
			q.OrderBy = []tocsin.Order{{Field: "tocsin/alertCount"}}
			sorting = func(a, b *tocsin.Incident) int { return cmp.Or(a.AlertCount-b.AlertCount, byNum(b, a)) }
		}
		var want []*tocsin.Incident
		for i := range all {
			if naive(q.Filter, &all[i]) && (all[i].Status != tocsin.IncidentRedirected || namesRedirected(q.Filter)) {
				want = append(want, &all[i])
			}
		}
		slices.SortFunc(want, sorting)
		total := len(want)
		want = want[min(q.Skip, total):]
		more := len(want) > q.Top
		want = want[:min(q.Top, len(want))]
		matched += len(want)
		err := s.View(as(t.Context(), "a"), func(tx *Tx) error {
			got, n, m, err := tx.Incidents(q)
			if err != nil {
				return err
			}
			var a, b []int64
			for i := range got {
				a = append(a, got[i].ID)
			}
			for i := range want {
				b = append(b, want[i].ID)
			}
			if !slices.Equal(a, b) || n != int64(total) || m != more {
				return fmt.Errorf("got %v of %d, more %v; want %v of %d, more %v", a, n, m, b, total, more)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("query %d, %#v: %v", n, q, err)
		}
	}
	if matched < 10_000 {
		t.Errorf("the filters matched only %d incidents: they test too little", matched)
	}
}

func TestQueryRefuses(t *testing.T) {
	s := newStore(t)
	deep := tocsin.Filter(tocsin.Compare{Field: "id", Op: tocsin.Eq, Value: int64(1)})
	for range 100 {
		deep = tocsin.Not{Filter: deep}
	}
	one := func(field string, op tocsin.CompareOp, v any) tocsin.Query {
		return tocsin.Query{Filter: tocsin.Compare{Field: field, Op: op, Value: v}}
	}
	for name, tt := range map[string]struct {
		q    tocsin.Query
		code tocsin.Code
	}{
		"unknown property":       {one("body", tocsin.Eq, "x"), tocsin.CodeInvalid},
		"a column":               {one("i.tenant", tocsin.Eq, "b"), tocsin.CodeInvalid},
		"injection":              {one("id = 1 OR 1", tocsin.Eq, "x"), tocsin.CodeInvalid},
		"unknown comparison":     {one("id", "eq 1 OR", int64(1)), tocsin.CodeInvalid},
		"unknown status":         {one("status", tocsin.Eq, "closed"), tocsin.CodeInvalid},
		"status by order":        {one("status", tocsin.Gt, "active"), tocsin.CodeInvalid},
		"part of a number":       {one("id", tocsin.Contains, "1"), tocsin.CodeInvalid},
		"text as time":           {one("createdDateTime", tocsin.Gt, "yesterday"), tocsin.CodeInvalid},
		"bool as text":           {one("displayName", tocsin.Eq, true), tocsin.CodeInvalid},
		"null before a text":     {one("displayName", tocsin.Lt, nil), tocsin.CodeInvalid},
		"collection as one":      {one("customTags", tocsin.Eq, "x"), tocsin.CodeInvalid},
		"one as collection":      {tocsin.Query{Filter: tocsin.Any{Field: "status", Op: tocsin.Eq, Value: "x"}}, tocsin.CodeInvalid},
		"any of a number":        {tocsin.Query{Filter: tocsin.Any{Field: "customTags", Op: tocsin.Eq, Value: 1}}, tocsin.CodeInvalid},
		"in a collection":        {tocsin.Query{Filter: tocsin.In{Field: "customTags", Values: []any{"x"}}}, tocsin.CodeInvalid},
		"empty term":             {tocsin.Query{Filter: tocsin.Not{}}, tocsin.CodeInvalid},
		"too many terms":         {tocsin.Query{Filter: deep}, tocsin.CodeLimit},
		"too long a list":        {tocsin.Query{Filter: tocsin.In{Field: "id", Values: make([]any, 201)}}, tocsin.CodeLimit},
		"too far":                {tocsin.Query{Skip: MaxSkip + 1}, tocsin.CodeLimit},
		"backwards":              {tocsin.Query{Skip: -1}, tocsin.CodeLimit},
		"order of a collection":  {tocsin.Query{OrderBy: []tocsin.Order{{Field: "customTags"}}}, tocsin.CodeInvalid},
		"order of what is not":   {tocsin.Query{OrderBy: []tocsin.Order{{Field: "1; DROP TABLE incident"}}}, tocsin.CodeInvalid},
		"too many orders":        {tocsin.Query{OrderBy: make([]tocsin.Order, 6)}, tocsin.CodeLimit},
		"too long a search":      {tocsin.Query{Search: strings.Repeat("x", 201)}, tocsin.CodeLimit},
		"a large page is cut":    {tocsin.Query{Top: 1 << 30}, ""},
		"empty and, or, in":      {tocsin.Query{Filter: tocsin.And{tocsin.And{}, tocsin.Or{}, tocsin.In{Field: "id"}}}, ""},
		"text is only ever data": {one("displayName", tocsin.Eq, "'; DROP TABLE incident; --"), ""},
	} {
		err := s.View(as(t.Context(), "a"), func(tx *Tx) error { _, _, _, err := tx.Incidents(tt.q); return err })
		if tocsin.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want code %q", name, err, tt.code)
		}
	}
}

// Q17, Q18.
func TestSearch(t *testing.T) {
	s := newStore(t)
	ids := map[string]int64{}
	for _, tenant := range []string{"a", "b"} {
		update(t, s, tenant, func(tx *Tx) error {
			for _, x := range []struct{ name, alert, entity string }{
				{"Phishing wave", "da01", "WS-Ärger.corp.example"}, {"Ransom 100%", "da02", "srv-db-01.corp.example"},
			} {
				inc := tocsin.Incident{DisplayName: x.name, Status: tocsin.IncidentActive, Created: noon}
				if err := tx.CreateIncident(&inc); err != nil {
					return err
				}
				if err := tx.PutIncident(&inc); err != nil {
					return err
				}
				a := tocsin.Alert{ID: x.alert, Source: "s", ExternalID: x.alert, IncidentID: inc.ID, Title: "t", Created: noon, FirstActivity: noon}
				if err := tx.PutAlert(AlertRow{Alert: &a, Fresh: true, Names: []string{x.entity, x.entity, ""}}); err != nil {
					return err
				}
				if tenant == "a" {
					ids[x.alert] = inc.ID
				}
			}
			return nil
		})
	}
	for search, want := range map[string]string{
		"phish": "da01", "WAVE": "da01", "ärger": "da01", "ws-": "da01", "db-01.corp": "da02", "100%": "da02", "da02": "da02", "corp.example": "da01 da02",
		"  ": "da01 da02", "%": "da02", "_": "", "nothing": "", fmt.Sprint(ids["da01"]): "da01", "#" + fmt.Sprint(ids["da02"]): "da02",
	} {
		err := s.View(as(t.Context(), "a"), func(tx *Tx) error {
			got, _, _, err := tx.Incidents(tocsin.Query{Search: search, OrderBy: []tocsin.Order{{Field: "id"}}})
			var found []string
			for _, inc := range got {
				for a, id := range ids {
					if id == inc.ID {
						found = append(found, a)
					}
				}
			}
			// "01" is the end of a host name too.
			if s := strings.Join(found, " "); s != want && !(strings.ContainsAny(search, "#0123456789") && strings.Contains(s, want)) {
				t.Errorf("searching incidents for %q finds %q, want %q", search, s, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	update(t, s, "a", func(tx *Tx) error {
		inc, err := tx.Incident(ids["da01"])
		if err != nil {
			return err
		}
		inc.DisplayName = "Renamed"
		if err := tx.PutIncident(&inc); err != nil {
			return err
		}
		if got, _, _, err := tx.Incidents(tocsin.Query{Search: "phishing"}); err != nil || len(got) != 0 {
			t.Errorf("found by a name that it has no more: %v, %v", got, err)
		}
		got, _, _, err := tx.Alerts(tocsin.Query{Search: "db-01"})
		if err != nil || len(got) != 1 || got[0].ID != "da02" {
			t.Errorf("alerts of a host: %v, %v", got, err)
		}
		return err
	})
}
