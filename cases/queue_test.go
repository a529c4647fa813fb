package cases

import (
	"database/sql"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// Q22.
func TestQ22AutomaticName(t *testing.T) {
	w := newWorld(t)
	one := alert("1", "Credential dumping", day, device("ws-1.corp.example"), user("ada@corp.example"))
	id := w.accept(t, one)[0].IncidentID
	if got := w.incident(t, id).DisplayName; got != "Credential dumping" {
		t.Errorf("one alert: %q", got)
	}
	// A second device and a second source of the same person's story.
	two := alert("2", "Odd sign-in", day.Add(time.Minute), device("ws-1.corp.example"), device("ws-2.corp.example"), user("ada@corp.example"))
	two.ServiceSource, two.Category = tocsin.SourceIdentity, "InitialAccess"
	if got := w.accept(t, two)[0].IncidentID; got != id {
		t.Fatalf("it opened incident %d", got)
	}
	name := w.incident(t, id).DisplayName
	if !strings.Contains(name, "multiple endpoints") || !strings.Contains(name, "multiple sources") {
		t.Errorf("two devices and two sources: %q", name)
	}
	called := "Ada's bad day"
	if _, err := w.UpdateIncident(anna(t), id, IncidentUpdate{DisplayName: &called}); err != nil {
		t.Fatal(err)
	}
	three := alert("3", "Ransom note", day.Add(2*time.Minute), device("ws-2.corp.example"), device("ws-3.corp.example"), user("ada@corp.example"))
	if got := w.accept(t, three)[0].IncidentID; got != id {
		t.Fatalf("it opened incident %d", got)
	}
	if got := w.incident(t, id).DisplayName; got != called {
		t.Errorf("a name that a person gave became %q", got)
	}
}

// Q11, Q12, Q13: incidents that were taken before there were labels have them
// after the job.
func TestRelabel(t *testing.T) {
	w := newWorld(t)
	var ids []int64
	for n := range 45 {
		host := "ws-" + string(rune('a'+n%26)) + strings.Repeat("x", n/26) + ".corp.example"
		a := alert(host, "Title "+host, day, device(host))
		a.ProductName, a.ThreatDisplayName, a.Workspace, a.SensitivityLabels = "Product", "Emotet", "Soc-EU", []string{"Secret"}
		a.Evidence[0].Props["osPlatform"] = "Linux"
		ids = append(ids, w.accept(t, a)[0].IncidentID)
	}
	want := w.incident(t, ids[3])
	if want.Labels[tocsin.LabelAssets][0] != "ws-d.corp.example" || len(want.Labels) < 6 {
		t.Fatalf("labels %v", want.Labels)
	}
	// As an earlier version left it.
	db, err := sql.Open("sqlite3", w.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"DELETE FROM incident_label", "DELETE FROM alert_label", "DELETE FROM label_text",
		"UPDATE incident_body SET body = json_remove(body, '$.labels')", "UPDATE alert_body SET digest = json_remove(digest, '$.x')"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	count := func(filter tocsin.Filter) int {
		t.Helper()
		p, err := w.Incidents(anna(t), tocsin.Query{Filter: filter, Top: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return len(p.Incidents)
	}
	linux := tocsin.Any{Field: "osPlatforms", Op: tocsin.Eq, Value: "linux"}
	if count(linux) != 0 {
		t.Fatal("the labels are still there")
	}
	if err := w.Relabel(engine(t), store.Claim{}); err != nil {
		t.Fatal(err)
	}
	got := w.incident(t, ids[3])
	if !reflect.DeepEqual(got.Labels, want.Labels) || got.Version != want.Version || !got.LastUpdate.Equal(want.LastUpdate) {
		t.Errorf("got %+v\nwant %+v", got.Labels, want.Labels)
	}
	if n := count(linux); n != len(ids) {
		t.Errorf("%d of %d", n, len(ids))
	}
	p, err := w.Alerts(anna(t), tocsin.Query{Filter: tocsin.Any{Field: "workspaces", Op: tocsin.Eq, Value: "soc-eu"}, Top: 1000})
	if err != nil || len(p.Alerts) != len(ids) {
		t.Errorf("%d alerts, %v", len(p.Alerts), err)
	}
	w.sound(t)
}
