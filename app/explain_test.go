package app

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

// C04: an incident and an alert are explained from the data folder alone: every
// link with its weight and the key that it rests on, and the weakest of them.
func TestExplain(t *testing.T) {
	a, err := New(context.Background(), Config{Data: t.TempDir(), Now: func() time.Time { return time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop(context.Background())
	if _, err := a.LoadExample(context.Background()); err != nil {
		t.Fatal(err)
	}
	var large tocsin.Incident
	for _, in := range incidents(t, a) {
		if len(in.Alerts) > len(large.Alerts) {
			large = in
		}
	}
	explain := func(id string) (string, error) {
		var b bytes.Buffer
		err := a.Explain(context.Background(), id, &b)
		return b.String(), err
	}
	all, err := explain(strconv.FormatInt(large.ID, 10))
	if err != nil {
		t.Fatal(err)
	}
	for _, al := range large.Alerts {
		if !strings.Contains(all, al.ID+" "+strconv.Quote(al.Title)+"\n") {
			t.Errorf("%s is not explained", al.ID)
		}
	}
	if !strings.Contains(all, "weakest link: ") || !strings.Contains(all, "  opened\n") || strings.Count(all, "  held by ") != len(large.Alerts)-1 || !strings.Contains(all, "\"device:") {
		t.Error(all)
	}
	last := large.Alerts[len(large.Alerts)-1].ID
	one, err := explain(last)
	if err != nil || !strings.Contains(one, last) || len(one) >= len(all) {
		t.Errorf("%v\n%s", err, one)
	}
	if !strings.Contains(one, "weighed again now") || !strings.Contains(one, "(where it is)") || !strings.Contains(one, "; chosen") || strings.Contains(all, "weighed again") {
		t.Error(one)
	}
	for _, id := range []string{"999999", "nope"} {
		if _, err := explain(id); tocsin.CodeOf(err) != tocsin.CodeNotFound {
			t.Errorf("%s: %v", id, err)
		}
	}
}
