package cases

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

func byHand(id, host string) Manual {
	return Manual{Title: "Seen on the phone", Description: "A colleague called.", Severity: tocsin.SeverityHigh, Category: "Execution",
		Techniques: []string{"t1059.001"}, Assets: []NamedEntity{{"device", host}}, ExternalID: id}
}

func (w *world) byHand(t testing.TB, m Manual) (int64, tocsin.Alert) {
	t.Helper()
	into, id, err := w.CreateAlert(anna(t), m)
	if err != nil {
		t.Fatal(err)
	}
	a, err := w.Alert(anna(t), id)
	if err != nil || a.IncidentID != into {
		t.Fatal(a, err)
	}
	return into, a
}

// M14: an alert that is made by hand has a new incident, the one that is named,
// or the one that correlation finds when the box is ticked.
func TestM14CreateByHand(t *testing.T) {
	w := newWorld(t)
	hash := strings.Repeat("ab12", 16)
	seen := w.accept(t, alert("x", "Seen by a rule", day, device("h1.corp.example"), user("ann@corp.example"),
		tocsin.Evidence{Type: tocsin.EvFile, Device: "h1.corp.example", Props: map[string]any{"fileDetails": map[string]any{"sha256": hash, "fileName": "a.exe"}}}))[0].IncidentID
	w.clock.forward(time.Minute)
	same := func(id string) Manual {
		m := byHand(id, "H1.corp.example")
		m.Assets = append(m.Assets, NamedEntity{"user", "ann@corp.example"}, NamedEntity{"device", "h1.corp.example"})
		m.Evidence = []NamedEntity{{"file", hash}}
		return m
	}
	alone, a := w.byHand(t, same("1"))
	if alone == seen || a.DetectionSource != tocsin.DetectionManual || a.ServiceSource != tocsin.SourceXDR || a.Correlation != tocsin.CorrelationDisabled ||
		!slices.Equal(a.Techniques, []string{"T1059.001"}) || len(a.Evidence) != 3 || !slices.Equal(a.Evidence[0].Roles, []tocsin.EvidenceRole{tocsin.RoleAttacked}) || len(a.Links) != 0 {
		t.Errorf("without correlation it is in incident %d: %+v", alone, a)
	}
	inc := w.incident(t, alone)
	if inc.Severity != tocsin.SeverityHigh || inc.AssetCounts.Devices != 1 || inc.AssetCounts.Users != 1 || inc.DisplayName == "" {
		t.Errorf("%+v", inc)
	}
	m := same("2")
	m.Correlate = true
	joined, a := w.byHand(t, m)
	if joined != seen || a.Correlation != tocsin.CorrelationEnabled || len(a.Links) == 0 {
		t.Errorf("with correlation it is in incident %d, not %d: %+v", joined, seen, a.Links)
	}
	m = byHand("3", "far.corp.example")
	m.IncidentID = seen
	if into, _ := w.byHand(t, m); into != seen {
		t.Errorf("it is in incident %d, not in the one that was named", into)
	}
	// The person is in the record, and what correlation did is correlation's.
	lines, err := w.Activities(anna(t), seen, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, l := range lines {
		if strings.Contains(l.Summary, "Seen on the phone") {
			told = append(told, l.Kind+" "+l.Actor.Name)
		}
	}
	if want := []string{"alertCorrelated correlation", "alertLinked anna", "alertLinked anna"}; !slices.Equal(told, want) {
		t.Errorf("the log says %q, want %q", told, want)
	}
	if lines, err = w.Activities(anna(t), alone, 0, 0); err != nil || lines[0].Kind != "created" || lines[0].Actor.Name != "anna" || !strings.Contains(lines[0].Summary, "by hand") {
		t.Errorf("%+v, %v", lines, err)
	}
	// What comes later joins the ones that correlation may see, and not the other.
	later := w.accept(t, alert("y", "Later", w.clock.now(), device("h1.corp.example"), user("ann@corp.example"),
		tocsin.Evidence{Type: tocsin.EvFile, Device: "h1.corp.example", Props: map[string]any{"fileDetails": map[string]any{"sha256": hash}}}))[0].IncidentID
	if later != seen {
		t.Errorf("a later alert is in incident %d", later)
	}
	if inc := w.incident(t, alone); len(inc.Alerts) != 1 || inc.Status != tocsin.IncidentActive {
		t.Errorf("the one to be left alone was correlated: %+v", inc)
	}
	w.sound(t)
}

// M14: what lacks something is refused and leaves nothing behind.
func TestM14Refuses(t *testing.T) {
	w := newWorld(t)
	done, _ := w.byHand(t, byHand("1", "h1"))
	if _, err := w.UpdateIncident(anna(t), done, IncidentUpdate{Status: ptr(tocsin.IncidentResolved)}); err != nil {
		t.Fatal(err)
	}
	head, err := w.st.Head(anna(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(m *Manual)
		code   tocsin.Code
	}{
		"no title":             {func(m *Manual) { m.Title = " " }, tocsin.CodeInvalid},
		"long title":           {func(m *Manual) { m.Title = strings.Repeat("é", tocsin.MaxTitleRunes+1) }, tocsin.CodeLimit},
		"no severity":          {func(m *Manual) { m.Severity = "" }, tocsin.CodeInvalid},
		"unknown severity":     {func(m *Manual) { m.Severity = tocsin.SeverityUnknown }, tocsin.CodeInvalid},
		"no category":          {func(m *Manual) { m.Category = "" }, tocsin.CodeInvalid},
		"no description":       {func(m *Manual) { m.Description = "\n" }, tocsin.CodeInvalid},
		"no asset":             {func(m *Manual) { m.Assets = nil }, tocsin.CodeInvalid},
		"evidence for asset":   {func(m *Manual) { m.Assets = []NamedEntity{{"ip", "192.0.2.1"}} }, tocsin.CodeInvalid},
		"nameless asset":       {func(m *Manual) { m.Assets[0].Name = "" }, tocsin.CodeInvalid},
		"mailbox, no address":  {func(m *Manual) { m.Assets = []NamedEntity{{"mailbox", "ann"}} }, tocsin.CodeInvalid},
		"no address":           {func(m *Manual) { m.Evidence = []NamedEntity{{"ip", "here"}} }, tocsin.CodeInvalid},
		"no technique":         {func(m *Manual) { m.Techniques = []string{"TA0002"} }, tocsin.CodeInvalid},
		"too many":             {func(m *Manual) { m.Assets = make([]NamedEntity, MaxManualEntities+1) }, tocsin.CodeLimit},
		"no such incident":     {func(m *Manual) { m.IncidentID = 999 }, tocsin.CodeNotFound},
		"of a resolved one":    {func(m *Manual) { m.IncidentID = done }, tocsin.CodeConflict},
		"the same once more":   {func(m *Manual) { m.ExternalID = "1" }, tocsin.CodeConflict},
		"negative of incident": {func(m *Manual) { m.IncidentID = -1 }, tocsin.CodeInvalid},
	} {
		m := byHand("2", "h2")
		tt.change(&m)
		if _, _, err := w.CreateAlert(anna(t), m); tocsin.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if now, err := w.st.Head(anna(t)); err != nil || now != head {
		t.Errorf("what was refused is in the record: %v", err)
	}
	w.sound(t)
}

// M14: who is limited to device groups makes alerts of their devices only, in
// incidents that they see in whole.
func TestM14WithinDeviceGroups(t *testing.T) {
	w := newWorld(t)
	g, err := w.CreateDeviceGroup(engine(t), tocsin.DeviceGroup{Name: "blue", Rule: nameRule(tocsin.DeviceStartsWith, "blue")})
	if err != nil {
		t.Fatal(err)
	}
	red := w.accept(t, alert("r", "Red", day, device("red-1")))[0].IncidentID
	ctx := tocsin.WithPrincipal(t.Context(), tocsin.Principal{Tenant: "default", ID: "bob", UserName: "bob", Kind: tocsin.ActorUser,
		Roles: []tocsin.Role{tocsin.RoleOperator}, Groups: []int64{g.ID}})
	for name, tt := range map[string]struct {
		assets []NamedEntity
		into   int64
		code   tocsin.Code
	}{
		"their device":        {[]NamedEntity{{"device", "blue-1"}}, 0, ""},
		"a person, theirs":    {[]NamedEntity{{"user", "ann@corp.example"}, {"device", "blue-2"}}, 0, ""},
		"another's":           {[]NamedEntity{{"device", "red-1"}}, 0, tocsin.CodeForbidden},
		"one that is unknown": {[]NamedEntity{{"device", "red-77"}}, 0, tocsin.CodeForbidden},
		"both":                {[]NamedEntity{{"device", "blue-1"}, {"device", "red-1"}}, 0, tocsin.CodeForbidden},
		"no device":           {[]NamedEntity{{"user", "ann@corp.example"}}, 0, tocsin.CodeForbidden},
		"another's incident":  {[]NamedEntity{{"device", "blue-1"}}, red, tocsin.CodeNotFound},
	} {
		m := byHand(name, "")
		m.Assets, m.IncidentID = tt.assets, tt.into
		into, id, err := w.CreateAlert(ctx, m)
		if tocsin.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if a, err := w.Alert(ctx, id); err != nil || a.IncidentID != into {
				t.Errorf("%s: who made it cannot read it: %v", name, err)
			}
		}
	}
	if err := w.st.View(engine(t), func(tx *store.Tx) error {
		inc, err := tx.Incident(red)
		if inc.AlertCount != 1 {
			t.Errorf("%+v", inc)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.sound(t)
}
