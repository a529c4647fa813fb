package kql

import (
	"fmt"
	"strings"
	"testing"
)

// days makes rows of an id and a day: "A 1, B 2".
func days(list string) (rows [][]Value) {
	for _, p := range strings.Split(list, ",") {
		var id string
		var day int64
		if _, err := fmt.Sscan(p, &id, &day); err != nil {
			panic(err)
		}
		rows = append(rows, []Value{StringOf(id), LongOf(day)})
	}
	return rows
}

// The documented tables of the plugins of user activity, with days as numbers.
func TestActivity(t *testing.T) {
	spec := ActivitySpec{ID: pickCell(0), Time: pickCell(1), TimeType: Long, Step: 1}
	for _, c := range []struct {
		name             string
		kind             ActivityKind
		start, end, step int64
		opts             ActivityOptions
		rows, want       string
	}{
		{"activity_counts_metrics", ActivityCounts, 1, 4, 1, ActivityOptions{},
			"A 1,D 1,J 1,B 1,C 2,T 2,J 2,H 3,T 3,T 3,J 3,B 3,S 3,S 4",
			"1 4 4 4 4\n2 3 3 2 6\n3 6 5 2 8\n4 1 1 0 8"},
		{"activity_metrics", ActivityMetrics, 1, 3, 1, ActivityOptions{}, "A 1,B 1,A 2,C 2,B 3",
			"1 2 2 NaN NaN\n2 2 1 0.5 0.5\n3 1 1 0.0 1.0"},
		{"sliding_window_counts", ActivitySliding, 1, 7, 1, ActivityOptions{Lookback: 3},
			"Bob 1,David 1,David 1,John 1,Bob 1,Ananda 2,Atul 2,John 2,Ananda 3,Atul 3,Atul 3,John 3,Bob 3,Betsy 4,Bob 5",
			"1 5 3\n2 8 5\n3 13 5\n4 9 5\n5 7 5\n6 2 2\n7 1 1"},
		{"activity_engagement", ActivityEngagement, 1, 3, 1, ActivityOptions{Lookback: 2}, "A 1,B 1,A 2,C 3",
			"1 2 2 1.0\n2 1 2 0.5\n3 1 2 0.5"},
		// Days count from the first of July; B was seen on two days of June.
		{"active_users_count", ActivityUsers, 1, 31, 7, ActivityOptions{Lookback: 8, Period: 1, ActivePeriods: 3},
			"B -1,B 0,A 2,B 4,B 8,A 10,A 14,A 17,A 20,B 24", "1 1\n15 1"},
		{"session_count", ActivitySessions, 0, 99, 50, ActivityOptions{Lookback: 10}, "A 0,A 5,A 20,A 49,A 51,B 98",
			"0 3\n50 2"},
		{"new_activity_metrics", ActivityNew, 1, 6, 1, ActivityOptions{},
			"0 1,2 1,3 1,4 1,0 2,1 2,3 2,4 2,5 2,0 3,2 3,4 3,5 3,0 4,1 4,2 4,3 4,0 5,1 5,2 5,3 5,4 5",
			"1 1 4 4 0 1.0 0.0\n1 2 2 3 1 0.75 0.25\n1 3 1 3 1 0.75 0.25\n1 4 1 3 1 0.75 0.25\n1 5 1 4 0 1.0 0.0\n1 6 0 0 4 0.0 1.0\n" +
				"2 2 2 2 0 1.0 0.0\n2 3 0 1 1 0.5 0.5\n2 4 0 1 1 0.5 0.5\n2 5 0 1 1 0.5 0.5\n2 6 0 0 2 0.0 1.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := spec
			s.Start, s.End, s.Step = c.start, c.end, c.step
			op, err := NewActivity(c.kind, s, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			wantRows(t, runRows(t, op, days(c.rows)), c.want)
		})
	}
	if _, err := NewActivity(ActivityCounts, ActivitySpec{Step: 1, End: 1 << 40}, ActivityOptions{}); err == nil {
		t.Error("a trillion bins are taken")
	}
}

func TestRowsNear(t *testing.T) {
	rows := texts("a", "b", "c", "d", "E", "f", "g", "h", "i")
	for _, c := range []struct {
		before, after int64
		want          string
	}{{2, 2, "c d E f g"}, {0, 0, "E"}, {1, 0, "d E"}, {0, 1, "E f"}, {20, 20, "a b c d E f g h i"}} {
		op, err := NewRowsNear(whether(func(row []Value) bool { return row[0].Str() == "E" }), c.before, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(runRows(t, op, rows), " "); got != c.want {
			t.Errorf("%d before, %d after: %s", c.before, c.after, got)
		}
	}
}

func TestRollingPercentile(t *testing.T) {
	var rows [][]Value
	for i := range int64(240) {
		rows = append(rows, []Value{LongOf(i), LongOf(i + 1)})
	}
	op, err := NewRollingPercentile(RollingSpec{Value: pickCell(1), Index: pickCell(0), ValueType: Long, IndexType: Long, Percentile: 50, Size: 24, Bins: 3})
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, runRows(t, op, rows), "0 12\n24 24\n48 36\n72 60\n96 84\n120 108\n144 132\n168 156\n192 180\n216 204")
}

func TestDcountIntersect(t *testing.T) {
	state := func(n, step int64) Value {
		acc := newHLL([]Type{Long}, nil)
		for i := int64(0); i < n; i += step {
			acc.Add([]Value{LongOf(i)})
		}
		return acc.Result()
	}
	op, err := NewDcountIntersect([]Compute{pickCell(0), pickCell(1), pickCell(2)})
	if err != nil {
		t.Fatal(err)
	}
	counts := func(n int64) (out [3]int64) {
		row := []Value{state(n, 2), state(n, 3), state(n, 5)}
		err := op.Run([]func() ([]Value, error){func() ([]Value, error) { r := row; row = nil; return r, nil }}, func(got []Value) error {
			out = [3]int64{got[3].Int(), got[4].Int(), got[5].Int()}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := counts(100); got != [3]int64{50, 17, 4} {
		t.Errorf("few values are counted as %v", got)
	}
	if got := counts(90_000); abs64(got[0]-45_000) > 2000 || abs64(got[1]-15_000) > 2500 {
		t.Errorf("many values are estimated as %v", got)
	}
}

func abs64(n int64) int64 { return max(n, -n) }

func TestIPLookup(t *testing.T) {
	networks := [][]Value{{StringOf("5.8.0.0/19"), StringOf("Russia")}, {StringOf("2.20.183.0/24"), StringOf("United Kingdom")},
		{StringOf("2.0.0.0/8"), StringOf("Europe")}, {StringOf("2001:db8::/32"), StringOf("Docs")}, {StringOf("junk"), StringOf("none")}}
	ips := texts("2.20.183.12", "5.8.1.2", "192.165.12.17", "x", "2001:db8::7")
	spec := IPLookupSpec{Key: pickCell(0), Network: pickCell(0), LookupTypes: []Type{String, String}, LookupOut: []int{0, 1}}
	wantRows(t, runRows(t, NewIPLookup(spec), ips, networks),
		"2.20.183.12 2.20.183.0/24 United Kingdom\n2.20.183.12 2.0.0.0/8 Europe\n5.8.1.2 5.8.0.0/19 Russia")
	spec.Unmatched = true
	if got := runRows(t, NewIPLookup(spec), ips, networks); len(got) != 6 || got[3] != "192.165.12.17  " {
		t.Errorf("unmatched rows: %q", got)
	}
	spec.Unmatched, spec.V6 = false, true
	if got := runRows(t, NewIPLookup(spec), ips, networks); len(got) != 4 || got[3] != "2001:db8::7 2001:db8::/32 Docs" {
		t.Errorf("ipv6: %q", got)
	}
	// Another key must be equal as well.
	spec.Extra, spec.ExtraLookup = []Compute{pickCell(0)}, []Compute{pickCell(1)}
	if got := runRows(t, NewIPLookup(spec), ips, networks); len(got) != 0 {
		t.Errorf("an extra key that differs matches: %q", got)
	}
}

func TestSequencesAndFunnels(t *testing.T) {
	rows := func(list string) (out [][]Value) {
		for _, p := range strings.Split(list, ",") {
			var id, state string
			var at int64
			if _, err := fmt.Sscan(p, &id, &at, &state); err != nil {
				panic(err)
			}
			out = append(out, []Value{StringOf(id), LongOf(at), StringOf(state)})
		}
		return out
	}
	is := func(s string) Compute { return whether(func(row []Value) bool { return row[2].Str() == s }) }
	seq, err := NewSequenceDetect(SequenceSpec{Time: pickCell(1), TimeType: Long, MaxStep: 5, MaxSpan: 5,
		Steps: []Compute{is("heat"), is("fire")}, Dims: []Compute{pickCell(0)}})
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, runRows(t, seq, rows("CA 1 heat,CA 2 fire,CA 4 fire,TX 1 heat,TX 9 fire,CA 20 fire")), "CA 1 2 1\nCA 1 4 3")

	spec := FunnelSpec{ID: pickCell(0), Time: pickCell(1), State: pickCell(2), TimeType: Long, StateType: String,
		Start: 0, End: 99, Step: 100, MaxStep: 10, Sequence: []Value{StringOf("b")}}
	data := rows("u1 1 a,u1 2 b,u1 3 c,u2 1 a,u2 2 b,u2 3 c,u3 5 b,u3 50 c")
	funnel, err := NewFunnel(spec)
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, runRows(t, funnel, data), `0 a c 2 ["u1","u2"]`+"\n"+`0   1 ["u3"]`)
	spec.Sequence, spec.Periods = []Value{StringOf("b"), StringOf("c")}, []int64{10, 60}
	funnel, err = NewFunnel(spec)
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, runRows(t, funnel, data), "0 b 10 3\n0 c 10 2\n0 b 60 3\n0 c 60 3")
}
