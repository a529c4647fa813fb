package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// fill writes n lines of all sorts, of the tenants a and b in turn of three.
func fill(t *testing.T, s *Store, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(ss ...string) string { return ss[r.IntN(len(ss))] }
	for i := range n {
		tenant := "a"
		if i%3 == 2 {
			tenant = "b"
		}
		update(t, s, tenant, func(tx *Tx) error {
			c := tocsin.Change{Noun: pick("incident", "incident", "incident", "alert", "user", "rule", "huntingQuery", "filterSet"), ID: fmt.Sprint(1 + r.IntN(4)),
				Kind:    pick("created", "commented", "merged", "unmerged", "statusChanged", "signInFailed", "mergeRefused", "moveUndone", "assigned"),
				Summary: pick("100% Sure", "under_score", "Ann's Laptop", "<b>"), Before: json.RawMessage(`{"a":1}`),
				Actor: tocsin.Actor{Kind: tocsin.ActorKind(pick("user", "engine", "rule", "integration")), Name: pick("ann", "Ben", "correlation", "detect")}}
			if c.Noun == "incident" && r.IntN(2) == 0 {
				c.AlertID = "da" + fmt.Sprint(r.IntN(3))
			}
			tx.now = noon.Add(time.Duration(i) * time.Minute)
			_, err := tx.Append(c)
			return err
		})
	}
}

// naiveRecord is what the filter means, written down a second time.
func naiveRecord(q *tocsin.RecordQuery, c *tocsin.Change) bool {
	targetType, _ := c.Target()
	if c.Noun == "alert" {
		targetType = "alert"
	}
	return (len(q.Nouns) == 0 || slices.Contains(q.Nouns, c.Noun)) &&
		(len(q.IDs) == 0 || slices.Contains(q.IDs, c.ID)) &&
		(len(q.Origins) == 0 || c.Noun == "incident" && slices.Contains(q.Origins, int64(c.ID[0]-'0'))) &&
		(len(q.Categories) == 0 || slices.Contains(q.Categories, c.Category())) &&
		(len(q.Providers) == 0 || slices.Contains(q.Providers, c.Provider())) &&
		(q.Trigger == "" || q.Trigger == c.Trigger()) &&
		(len(q.Statuses) == 0 || slices.Contains(q.Statuses, c.Status())) &&
		(len(q.Kinds) == 0 || slices.Contains(q.Kinds, c.Kind)) &&
		(len(q.TargetTypes) == 0 || slices.Contains(q.TargetTypes, targetType)) &&
		(q.Target == "" || strings.Contains(strings.ToLower(c.ID+"\x00"+c.AlertID+"\x00"+c.Summary), strings.ToLower(q.Target))) &&
		(len(q.By) == 0 || slices.ContainsFunc(q.By, func(s string) bool { return strings.EqualFold(s, c.Actor.Name) })) &&
		(q.From.IsZero() || !c.At.Before(q.From)) && (q.To.IsZero() || !c.At.After(q.To)) &&
		c.Seq > q.After && (q.Before == 0 || c.Seq < q.Before)
}

// TestRecordFilters (L02): every filter, alone and with others, gives exactly
// the lines that a plain reading of all lines gives, in pages of any size, in
// both orders, and none of another tenant.
func TestRecordFilters(t *testing.T) {
	s := newStore(t)
	fill(t, s, 600)
	ctx := as(t.Context(), "a")
	all, err := s.Changes(ctx, 0, 0)
	if err != nil || len(all) != 400 {
		t.Fatal(len(all), err)
	}
	one := map[string]tocsin.RecordQuery{
		"nothing":    {},
		"origin":     {Origins: []int64{2, 3}},
		"things":     {Nouns: []string{"incident"}, IDs: []string{"1", "4"}},
		"category":   {Categories: []tocsin.RecordCategory{tocsin.CategoryCorrelation}},
		"provider":   {Providers: []string{"portal", "detect"}},
		"api":        {Providers: []string{"api"}},
		"automatic":  {Trigger: tocsin.TriggerAutomatic},
		"manual":     {Trigger: tocsin.TriggerManual},
		"type":       {Kinds: []string{"merged", "assigned"}},
		"target":     {Target: "ANN'S lap"},
		"percent":    {Target: "100%"},
		"underscore": {Target: "r_s"},
		"alert id":   {Target: "da1"},
		"alerts":     {TargetTypes: []string{"alert"}},
		"incidents":  {TargetTypes: []string{"incident", "user"}},
		"by":         {By: []string{"BEN", "ann"}},
		"time":       {From: noon.Add(100 * time.Minute), To: noon.Add(300 * time.Minute)},
		"window":     {After: 50, Before: 200},
	}
	for _, c := range tocsin.RecordCategories {
		one["category "+string(c)] = tocsin.RecordQuery{Categories: []tocsin.RecordCategory{c}}
	}
	for _, st := range tocsin.RecordStatuses {
		one["status "+string(st)] = tocsin.RecordQuery{Statuses: []tocsin.RecordStatus{st}}
	}
	one["all together"] = tocsin.RecordQuery{Origins: []int64{1, 2, 3}, Categories: []tocsin.RecordCategory{tocsin.CategoryManagement, tocsin.CategoryCorrelation},
		Providers: []string{"portal", "correlation"}, Statuses: []tocsin.RecordStatus{tocsin.RecordCompleted}, Target: "a", By: []string{"ann", "correlation"},
		TargetTypes: []string{"incident", "alert"}, From: noon.Add(time.Minute)}
	for name, q := range one {
		var want []int64
		for i := range all {
			if naiveRecord(&q, &all[i]) {
				want = append(want, all[i].Seq)
			}
		}
		if len(want) == 0 || name != "nothing" && len(want) == len(all) {
			t.Errorf("%s: the example does not try the filter: %d lines", name, len(want))
		}
		for _, newest := range []bool{false, true} {
			got := pages(t, s, ctx, q, newest, 7)
			if newest {
				slices.Reverse(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s (newest first: %t): got %v, want %v", name, newest, got, want)
			}
		}
	}
}

func pages(t *testing.T, s *Store, ctx context.Context, q tocsin.RecordQuery, newest bool, size int) (got []int64) {
	t.Helper()
	q.Newest, q.Limit = newest, size
	for range 1000 {
		cs, next, err := s.Record(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(cs) > size {
			t.Fatalf("a page of %d", len(cs))
		}
		for _, c := range cs {
			if c.Tenant != "a" {
				t.Fatalf("a line of %s", c.Tenant)
			}
			got = append(got, c.Seq)
		}
		if next == 0 {
			return got
		}
		if newest {
			q.Before = next
		} else {
			q.After = next
		}
	}
	t.Fatal("the pages do not end")
	return nil
}

func TestRecordQueryRefuses(t *testing.T) {
	s := newStore(t)
	for name, q := range map[string]tocsin.RecordQuery{
		"category": {Categories: []tocsin.RecordCategory{"x"}}, "status": {Statuses: []tocsin.RecordStatus{"x"}}, "trigger": {Trigger: "x"},
		"times": {From: noon, To: noon.Add(-1)}, "long": {Target: strings.Repeat("x", 201)}, "many": {Kinds: strings.Fields(strings.Repeat("x ", 51))},
	} {
		if _, _, err := s.Record(as(t.Context(), "a"), q); tocsin.CodeOf(err) != tocsin.CodeInvalid && tocsin.CodeOf(err) != tocsin.CodeLimit {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An export holds every line exactly, whatever its texts, so that its chain can
// be checked without the store; damage in it is named.
func TestExport(t *testing.T) {
	s := newStore(t)
	odd := []tocsin.Change{
		{Noun: "incident", ID: "1", Kind: "k", Summary: "<b>&\u2028 \x00 é", Before: json.RawMessage(`{"a":  1}`), After: json.RawMessage(`"<&>"`)},
		{Noun: "incident", ID: "1", Kind: "k", Summary: "bad \xff text", Before: json.RawMessage("not JSON \xff"), After: json.RawMessage(`1e400`)},
		{Noun: "incident", ID: "1", Kind: "k", Summary: strings.Repeat("long ", 50_000)},
		{Noun: "incident", ID: "1", Kind: "k", Summary: "plain", After: json.RawMessage(`{"x":[1.10,"é"]}`)},
	}
	ctx := as(t.Context(), "a")
	update(t, s, "a", func(tx *Tx) error {
		for _, c := range odd {
			if _, err := tx.Append(c); err != nil {
				return err
			}
		}
		return nil
	})
	export := func(q tocsin.RecordQuery) string {
		var b bytes.Buffer
		if _, err := s.ExportRecord(ctx, q, &b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	whole := export(tocsin.RecordQuery{})
	h, chain, bad, err := tocsin.CheckExport(strings.NewReader(whole))
	if err != nil || bad != nil || !h.Whole || chain.Lines != 4 || chain.Hash != h.Head.Hash {
		t.Fatalf("%+v, %+v, %+v, %v", h, chain, bad, err)
	}
	lines := strings.SplitAfter(whole, "\n")
	join := func(at ...int) string {
		var out string
		for _, i := range at {
			out += lines[i]
		}
		return out
	}
	for _, tt := range []struct {
		name, text string
		kind       tocsin.FaultKind
		seq        int64
	}{
		{"edited", strings.Replace(whole, `"plain"`, `"other"`, 1), tocsin.FaultHash, 4},
		{"removed", join(0, 1, 3, 4, 5), tocsin.FaultGap, 3},
		{"swapped", join(0, 1, 3, 2, 4, 5), tocsin.FaultGap, 3},
		{"twice", join(0, 1, 2, 2, 3, 4, 5), tocsin.FaultOrder, 2},
	} {
		if _, _, bad, err := tocsin.CheckExport(strings.NewReader(tt.text)); err != nil || bad == nil || bad.Kind != tt.kind || bad.Seq != tt.seq {
			t.Errorf("%s: %v, %v, want %s at %d", tt.name, bad, err, tt.kind, tt.seq)
		}
	}
	for name, text := range map[string]string{"cut": join(0, 1, 2), "end alone": join(0, 1, 5), "nothing": "", "no export": `{"a":1}`, "more": whole + lines[1], "torn": whole[:len(whole)-300]} {
		if _, _, bad, err := tocsin.CheckExport(strings.NewReader(text)); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%s: %v, %v", name, bad, err)
		}
	}
	if _, _, bad, err := tocsin.CheckExport(strings.NewReader(whole), Mark{Seq: 9, Hash: "x"}); err != nil || bad == nil || bad.Kind != tocsin.FaultTail || bad.Seq != 9 {
		t.Errorf("against a later head: %v, %v", bad, err)
	}
	// A part, or a tenant beside another, says that it is one.
	update(t, s, "b", func(tx *Tx) error { _, err := tx.Append(line(1)); return err })
	update(t, s, "a", func(tx *Tx) error { _, err := tx.Append(line(2)); return err })
	for name, q := range map[string]tocsin.RecordQuery{"beside another tenant": {}, "a part": {Target: "plain"}} {
		text := export(q)
		h, chain, bad, err := tocsin.CheckExport(strings.NewReader(text))
		if err != nil || bad != nil || h.Whole || h.Tenant != "a" || chain.Lines == 0 || strings.Contains(text, `"tenant":"b"`) {
			t.Errorf("%s: %+v, %v, %v", name, h, bad, err)
		}
	}
}

func TestClockSetBack(t *testing.T) {
	s := newStore(t)
	for i, d := range []time.Duration{0, time.Hour, time.Minute} {
		update(t, s, "a", func(tx *Tx) error {
			tx.now = noon.Add(d)
			_, err := tx.Append(line(i))
			return err
		})
	}
	if chain, bad, err := s.CheckChain(t.Context()); err != nil || bad != nil || chain.Backwards != 1 {
		t.Errorf("%+v, %v, %v", chain, bad, err)
	}
}
