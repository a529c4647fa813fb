package cases

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
)

func TestLink(t *testing.T) {
	w := newWorld(t)
	other := w.accept(t, alert("x", "Seen by a rule", day, device("h1"), process("h1", "g1", "a.exe")))[0].IncidentID
	manual := func(ext string, ev ...tocsin.Evidence) tocsin.Alert {
		a := alert(ext, "Found by hand", day, ev...)
		a.Source, a.DetectionSource, a.ServiceSource = "hunting", tocsin.DetectionManual, tocsin.SourceXDR
		return a
	}
	// The same process is in the other incident; the person wants one of their own.
	mine := []tocsin.Alert{manual("1", device("h1"), process("h1", "g1", "a.exe")), manual("2", device("h2"))}
	before := mine[0].Evidence[0]
	into, ids, err := w.Link(anna(t), 0, mine)
	if err != nil || into == 0 || into == other || len(ids) != 2 || !strings.HasPrefix(ids[0], "ra") {
		t.Fatalf("%d, %v, %v", into, ids, err)
	}
	if mine[0].IncidentID != 0 || !reflect.DeepEqual(mine[0].Evidence[0], before) {
		t.Error("the caller's alerts were changed")
	}
	inc := w.incident(t, into)
	if len(inc.Alerts) != 2 || inc.AssetCounts.Devices != 2 || inc.LastModifiedBy != "anna" || inc.Alerts[0].DetectionSource != tocsin.DetectionManual || len(inc.Alerts[0].Links) != 0 {
		t.Errorf("%+v", inc)
	}
	if inc := w.incident(t, other); len(inc.Alerts) != 1 {
		t.Errorf("the other incident: %+v", inc)
	}
	// Into one that is there, and assigned.
	if _, err := w.UpdateIncident(anna(t), other, IncidentUpdate{AssignedTo: ptr("bob")}); err != nil {
		t.Fatal(err)
	}
	w.clock.forward(time.Minute)
	if got, ids, err := w.Link(anna(t), other, []tocsin.Alert{manual("3", user("ann@corp.example"))}); err != nil || got != other {
		t.Errorf("%d, %v", got, err)
	} else if a, err := w.Alert(anna(t), ids[0]); err != nil || a.AssignedTo != "bob" || a.IncidentID != other {
		t.Errorf("%+v, %v", a, err)
	}
	lines, err := w.Activities(anna(t), other, 0, 0)
	last := lines[len(lines)-2] // the name that follows from it comes after
	if err != nil || last.Kind != "alertLinked" || last.Actor != (tocsin.Actor{Kind: tocsin.ActorUser, Name: "anna"}) || last.Summary != "Alert “Found by hand” was linked from a hunting query" ||
		lines[len(lines)-1].Kind != "renamed" || lines[len(lines)-1].Actor != correlation {
		t.Errorf("%+v, %v", lines, err)
	}
	// What comes later is correlated with it as with any other alert.
	if got := w.accept(t, alert("y", "Again", day.Add(time.Minute), device("h2"), process("h2", "g7", "b.exe"), user("x@corp.example")))[0]; got.Err != nil {
		t.Error(got.Err)
	}
	w.sound(t)

	head, err := w.st.Head(anna(t))
	if err != nil {
		t.Fatal(err)
	}
	bad := manual("9")
	bad.Title = ""
	if _, err := w.UpdateIncident(anna(t), into, IncidentUpdate{Status: ptr(tocsin.IncidentResolved)}); err != nil {
		t.Fatal(err)
	}
	resolved, err := w.st.Head(anna(t))
	if err != nil || resolved == head {
		t.Fatal(resolved, err)
	}
	for what, c := range map[string]struct {
		into   int64
		alerts []tocsin.Alert
		code   tocsin.Code
	}{
		"nothing":             {0, nil, tocsin.CodeLimit},
		"too many":            {0, make([]tocsin.Alert, MaxLinked+1), tocsin.CodeLimit},
		"no such incident":    {999, []tocsin.Alert{manual("4")}, tocsin.CodeNotFound},
		"a resolved incident": {into, []tocsin.Alert{manual("5")}, tocsin.CodeConflict},
		"taken before":        {0, []tocsin.Alert{manual("6"), manual("1")}, tocsin.CodeConflict},
		"one is not valid":    {0, []tocsin.Alert{manual("7"), bad}, tocsin.CodeInvalid},
		"twice":               {0, []tocsin.Alert{manual("8"), manual("8")}, tocsin.CodeConflict},
	} {
		if _, _, err := w.Link(anna(t), c.into, c.alerts); tocsin.CodeOf(err) != c.code {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := w.Link(as(t.Context(), "elsewhere", "eve"), other, []tocsin.Alert{manual("10")}); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("another tenant's incident: %v", err)
	}
	if after, err := w.st.Head(anna(t)); err != nil || after != resolved {
		t.Errorf("failures left lines: %d after %d, %v", after, resolved, err)
	}
	w.sound(t)
}
