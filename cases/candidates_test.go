package cases

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// TestLittleMemory takes the same alerts with hardly any digests held and
// with many: what is not held is read, and nothing else changes.
func TestLittleMemory(t *testing.T) {
	in := traffic(600, 3)
	plenty, little := newWorld(t), newWorld(t)
	want := plenty.accept(t, in...)
	if err := little.st.Update(engine(t), func(tx *store.Tx) error {
		m, err := little.engine.begin(tx)
		m.open.facts, m.sure = 5, true
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := little.accept(t, in...); !reflect.DeepEqual(got, want) {
		t.Error("with little memory the alerts go elsewhere")
	}
	little.sound(t)
}

// TestTwoDoors lets two doors over one store take alerts in turn, and
// people resolve and open again between: the memory of each follows the other.
func TestTwoDoors(t *testing.T) {
	w := newWorld(t)
	other := New(w.st, correlate.DefaultPolicy())
	r := rand.New(rand.NewPCG(9, 9))
	in := traffic(900, 4)
	for i := 0; i < len(in); i += 30 {
		door := w.Cases
		if i/30%2 == 1 {
			door = other
		}
		got, err := door.Accept(engine(t), in[i:i+30])
		if err != nil {
			t.Fatal(err)
		}
		status := []tocsin.IncidentStatus{tocsin.IncidentResolved, tocsin.IncidentActive}[r.IntN(2)]
		inc, err := w.Incident(anna(t), got[r.IntN(30)].IncidentID, false)
		if err == nil && inc.Status != tocsin.IncidentRedirected {
			_, err = w.UpdateIncident(anna(t), inc.ID, IncidentUpdate{Status: &status})
		}
		if err != nil {
			t.Fatal(err)
		}
		// What each remembers must be what one that begins anew reads.
		if err := w.st.Update(engine(t), func(tx *store.Tx) error {
			fresh := engineMemories{}
			want, err := fresh.begin(tx)
			if err != nil {
				return err
			}
			have, err := door.engine.begin(tx)
			if err != nil {
				return err
			}
			have.sure = true
			if a, b := said(have.open), said(want.open); !reflect.DeepEqual(a, b) {
				t.Fatalf("after %d alerts it remembers %d lines, the store says %d, and they differ", i+30, len(a), len(b))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.sound(t)
}

// said is everything that an index says, in a form that can be compared.
func said(x *openIndex) (out []string) {
	for key, list := range x.byKey {
		if !slices.IsSortedFunc(list, x.order) {
			out = append(out, fmt.Sprintf("the list of %d is out of order", key))
		}
		for _, n := range list {
			a := &x.slab[n]
			st := x.stands[a.incident]
			out = append(out, fmt.Sprint(key, a.id, a.incident, a.last, st.Status, st.AssignedTo, st.AlertCount, st.Created))
		}
	}
	slices.Sort(out)
	return out
}

// TestBusyKeyIsBounded: however many alerts share a key, a search looks at
// no more than it is allowed to, and finds the nearest.
func TestBusyKeyIsBounded(t *testing.T) {
	x := newOpenIndex()
	const n = 20_000
	for i := range n {
		x.add(openAlert{id: fmt.Sprintf("a%06d", i), incident: int64(i % 700), last: day.Add(time.Duration(i) * time.Second).UnixMicro(), keys: []int64{1}})
	}
	at := day.Add(n / 2 * time.Second)
	found := x.sightings(nil, []int64{1, 1, 1, 1, 1, 1, 1, 1}, reach{at: at, window: 24 * time.Hour, near: 80, looked: 400, limit: 600})
	if len(found) == 0 || len(found) > 2*80+2*20 {
		t.Fatalf("%d alerts found", len(found))
	}
	nearest := false
	for _, ref := range found {
		gap := at.Sub(time.UnixMicro(x.slab[ref].last)).Abs()
		nearest = nearest || gap == 0
		if gap > 400*time.Second {
			t.Errorf("an alert %v away was found", gap)
		}
	}
	if !nearest {
		t.Error("the nearest alert was not found")
	}
	// The bound on what is held: those that came first go.
	x.most = 1000
	x.add(openAlert{id: "new", incident: 1, last: at.UnixMicro(), keys: []int64{1}})
	if _, ok := x.byID["a000000"]; ok || len(x.byID) != 1000 || len(x.byKey[1]) != 1000 {
		t.Errorf("%d alerts are held after the bound sank to 1000", len(x.byID))
	}
}
