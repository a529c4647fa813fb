package cases

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// apart makes n incidents that have nothing in common, of one alert each.
func (w *world) apart(t testing.TB, n int) []string {
	t.Helper()
	in := make([]tocsin.Alert, n)
	for i := range in {
		in[i] = alert(fmt.Sprintf("apart-%d", i), fmt.Sprintf("Alert %d", i), day.Add(-time.Duration(i)*time.Minute), device(fmt.Sprintf("host-%d.corp.example", i)))
	}
	seen := map[int64]bool{}
	var ids []string
	for _, a := range w.accept(t, in...) {
		if seen[a.IncidentID] {
			t.Fatal("two of them are one incident")
		}
		seen[a.IncidentID] = true
		ids = append(ids, strconv.FormatInt(a.IncidentID, 10))
	}
	return ids
}

// ask asks for a bulk change as ctx's principal and has it done to its end.
func (w *world) ask(t testing.TB, ctx context.Context, a BulkAsk) tocsin.Bulk {
	t.Helper()
	b, err := w.AskBulk(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return w.finish(t, ctx, b.ID)
}

func (w *world) finish(t testing.TB, ctx context.Context, id int64) tocsin.Bulk {
	t.Helper()
	if err := w.RunBulk(engine(t), store.Claim{Kind: BulkKind, Key: strconv.FormatInt(id, 10)}); err != nil {
		t.Fatal(err)
	}
	b, err := w.Bulk(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) items(t testing.TB, ctx context.Context, id int64, state tocsin.BulkItemState) map[string]string {
	t.Helper()
	its, err := w.BulkItems(ctx, id, state, -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, it := range its {
		out[it.ItemID] = it.Reason
	}
	return out
}

func number(t testing.TB, id string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// M12: a change of N chosen incidents applies to all that can be changed, and
// reports the rest by number with the reason.
func TestM12BulkChange(t *testing.T) {
	w := newWorld(t)
	ids := w.apart(t, 6)
	ctx := anna(t)
	// One is merged away, one is so already, one is not there.
	if _, _, err := w.MergeIncidents(ctx, []int64{number(t, ids[4]), number(t, ids[5])}, "", nil); err != nil {
		t.Fatal(err)
	}
	gone := ids[4]
	if w.incident(t, number(t, gone)).Status != tocsin.IncidentRedirected {
		gone = ids[5]
	}
	if _, err := w.UpdateIncident(ctx, number(t, ids[3]), IncidentUpdate{Severity: ptr(tocsin.SeverityHigh), AssignedTo: ptr("ben"), CustomTags: &[]string{"VIP"}}); err != nil {
		t.Fatal(err)
	}
	b := w.ask(t, ctx, BulkAsk{Noun: "incident", IDs: []string{ids[0], ids[1], ids[2], ids[3], gone, "99999", ids[0]},
		Change: tocsin.BulkChange{Severity: ptr(tocsin.SeverityHigh), AssignedTo: ptr("ben"), AddTags: []string{"vip"}}})
	if b.State != tocsin.BulkDone || b.Total != 6 || b.Done != 6 || b.Changed != 3 || b.Unchanged != 1 || b.Refused != 2 {
		t.Fatalf("%+v", b)
	}
	refused := w.items(t, ctx, b.ID, tocsin.BulkRefused)
	if !strings.Contains(refused[gone], "was merged into") || !strings.Contains(refused["99999"], "there is no incident") {
		t.Errorf("refused: %v", refused)
	}
	if same := w.items(t, ctx, b.ID, tocsin.BulkUnchanged); len(same) != 1 || same[ids[3]] != "" {
		t.Errorf("unchanged: %v", same)
	}
	for _, id := range ids[:3] {
		inc := w.incident(t, number(t, id))
		if inc.Severity != tocsin.SeverityHigh || inc.AssignedTo != "ben" || inc.Alerts[0].AssignedTo != "ben" || !slices.Equal(inc.CustomTags, []string{"vip"}) {
			t.Errorf("incident %s is %+v", id, inc)
		}
		lines, err := w.Activities(ctx, inc.ID, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, l := range lines {
			if strings.Contains(string(l.After), fmt.Sprintf(`"bulk":%d`, b.ID)) && l.Actor.Name == "anna" && l.Before != nil {
				n++
			}
		}
		if n != 3 {
			t.Errorf("incident %s has %d lines that name the bulk change", id, n)
		}
	}
	w.sound(t)
}

// What is wrong for all is refused when it is asked.
func TestBulkAskRefuses(t *testing.T) {
	w := newWorld(t)
	ids := w.apart(t, 1)
	many := make([]string, tocsin.MaxBulkNamed+1)
	for i := range many {
		many[i] = strconv.Itoa(i + 1)
	}
	for name, tt := range map[string]struct {
		ask  BulkAsk
		code tocsin.Code
	}{
		"nothing to change": {BulkAsk{Noun: "incident", IDs: ids}, tocsin.CodeInvalid},
		"no ids":            {BulkAsk{Noun: "incident", Change: tocsin.BulkChange{Comment: "x"}}, tocsin.CodeInvalid},
		"too many ids":      {BulkAsk{Noun: "incident", IDs: many, Change: tocsin.BulkChange{Comment: "x"}}, tocsin.CodeInvalid},
		"no number":         {BulkAsk{Noun: "incident", IDs: []string{"x"}, Change: tocsin.BulkChange{Comment: "x"}}, tocsin.CodeInvalid},
		"other noun":        {BulkAsk{Noun: "user", IDs: ids, Change: tocsin.BulkChange{Comment: "x"}}, tocsin.CodeInvalid},
		"illegal pair":      {BulkAsk{Noun: "incident", IDs: ids, Change: tocsin.BulkChange{Classification: ptr(tocsin.ClassFalsePositive), Determination: ptr(tocsin.DetMalware)}}, tocsin.CodeInvalid},
		"redirected":        {BulkAsk{Noun: "incident", IDs: ids, Change: tocsin.BulkChange{Status: ptr("redirected")}}, tocsin.CodeInvalid},
		"severity, no such": {BulkAsk{Noun: "incident", IDs: ids, Change: tocsin.BulkChange{Severity: ptr(tocsin.Severity("grave"))}}, tocsin.CodeInvalid},
		"long comment":      {BulkAsk{Noun: "incident", IDs: ids, Change: tocsin.BulkChange{Comment: strings.Repeat("é", 30_001)}}, tocsin.CodeLimit},
		"no such group":     {BulkAsk{Noun: "incident", IDs: ids, Change: tocsin.BulkChange{AssignedTo: ptr("group:nobody")}}, tocsin.CodeInvalid},
		"tags on alerts":    {BulkAsk{Noun: "alert", IDs: []string{"a"}, Change: tocsin.BulkChange{AddTags: []string{"x"}}}, tocsin.CodeInvalid},
		"nothing matches": {BulkAsk{Noun: "incident", Query: &tocsin.Query{Search: "no such name"}, Change: tocsin.BulkChange{Comment: "x"}},
			tocsin.CodeInvalid},
	} {
		if _, err := w.AskBulk(anna(t), tt.ask); tocsin.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if bs, err := w.Bulks(anna(t)); err != nil || len(bs) != 0 {
		t.Errorf("a refused one is kept: %v, %v", bs, err)
	}
}

// M12: all that match are those that matched when it was asked, whatever comes
// and changes afterwards.
func TestBulkFixesItsChoice(t *testing.T) {
	w := newWorld(t)
	w.apart(t, 4)
	ctx := anna(t)
	open := &tocsin.Query{Filter: tocsin.Compare{Field: "status", Op: tocsin.Eq, Value: "active"}}
	b, err := w.AskBulk(ctx, BulkAsk{Noun: "incident", Query: open, Asked: "status eq 'active'",
		Change: tocsin.BulkChange{Status: ptr("resolved"), ResolvingComment: ptr("storm"), Classification: ptr(tocsin.ClassFalsePositive), Comment: "closed together"}})
	if err != nil || b.Total != 4 {
		t.Fatalf("%+v, %v", b, err)
	}
	late := w.accept(t, alert("late", "Late", day, device("late.corp.example")))[0].IncidentID
	b = w.finish(t, ctx, b.ID)
	if b.Changed != 4 || b.Refused != 0 {
		t.Errorf("%+v", b)
	}
	if inc := w.incident(t, late); inc.Status != tocsin.IncidentActive {
		t.Errorf("what came later was changed: %+v", inc)
	}
	page, err := w.Incidents(ctx, tocsin.Query{Filter: tocsin.Compare{Field: "status", Op: tocsin.Eq, Value: "resolved"}, Expand: []string{"alerts"}})
	if err != nil || len(page.Incidents) != 4 {
		t.Fatal(len(page.Incidents), err)
	}
	for _, inc := range page.Incidents {
		if inc.ResolvingComment != "storm" || inc.Alerts[0].Status != tocsin.AlertResolved || len(inc.Comments) != 1 || inc.Comments[0].Text != "closed together" {
			t.Errorf("%+v", inc)
		}
	}
	w.sound(t)
}

// One undo gives every incident back what it had, and leaves alone what
// somebody changed since, saying so.
func TestM12BulkUndo(t *testing.T) {
	w := newWorld(t)
	ids := w.apart(t, 4)
	ctx := anna(t)
	before := map[string]tocsin.Incident{}
	if _, err := w.UpdateIncident(ctx, number(t, ids[0]), IncidentUpdate{AssignedTo: ptr("old"), CustomTags: &[]string{"a", "b"}, Severity: ptr(tocsin.SeverityLow)}); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		before[id] = w.incident(t, number(t, id))
	}
	b := w.ask(t, ctx, BulkAsk{Noun: "incident", IDs: ids, Change: tocsin.BulkChange{Status: ptr("resolved"), Severity: ptr(tocsin.SeverityHigh), AssignedTo: ptr("ben"),
		Classification: ptr(tocsin.ClassTruePositive), Determination: ptr(tocsin.DetMalware), ResolvingComment: ptr("done"), AddTags: []string{"c"}, RemoveTags: []string{"A"}}})
	if b.Changed != 4 {
		t.Fatalf("%+v", b)
	}
	// Meanwhile: one has another owner, one another classification and its alert
	// is open again, one is merged away.
	if _, err := w.UpdateIncident(ctx, number(t, ids[1]), IncidentUpdate{AssignedTo: ptr("carol")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdateAlert(ctx, before[ids[2]].Alerts[0].ID, AlertUpdate{Status: ptr(tocsin.AlertInProgress)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdateIncident(ctx, number(t, ids[2]), IncidentUpdate{Classification: ptr(tocsin.ClassFalsePositive)}); err != nil {
		t.Fatal(err)
	}
	u, err := w.UndoBulk(ctx, b.ID)
	if err != nil {
		t.Fatal(err)
	}
	u = w.finish(t, ctx, u.ID)
	if u.Changed != 4 || u.UndoOf != b.ID {
		t.Errorf("%+v", u)
	}
	for i, id := range ids {
		was, is := before[id], w.incident(t, number(t, id))
		if is.Status != was.Status || is.Severity != was.Severity || is.SeverityManual != was.SeverityManual || is.ResolvingComment != "" || !slices.Equal(sortedCopy(is.CustomTags), sortedCopy(was.CustomTags)) {
			t.Errorf("incident %d: %+v\nwas %+v", i, is, was)
		}
		if i != 1 && is.AssignedTo != was.AssignedTo || i == 1 && is.AssignedTo != "carol" {
			t.Errorf("incident %d is %q's", i, is.AssignedTo)
		}
		if i != 2 && is.Classification != was.Classification || i == 2 && is.Classification != tocsin.ClassFalsePositive {
			t.Errorf("incident %d is classified %s", i, is.Classification)
		}
		wantAlert := tocsin.AlertNew
		if i == 2 {
			wantAlert = tocsin.AlertInProgress
		}
		// The alert of 1 was assigned again with its incident, and so stays as it is.
		if i != 1 && (is.Alerts[0].Status != wantAlert || is.ActiveAlerts != 1) {
			t.Errorf("alert of incident %d is %s, %d active", i, is.Alerts[0].Status, is.ActiveAlerts)
		}
	}
	reasons := w.items(t, ctx, u.ID, tocsin.BulkChanged)
	if reasons[ids[0]] != "" || !strings.Contains(reasons[ids[1]], "the owner was changed since") || !strings.Contains(reasons[ids[2]], "the classification was changed since") ||
		!strings.Contains(reasons[ids[2]], "1 alert changed") {
		t.Errorf("%q", reasons)
	}
	if _, err := w.UndoBulk(ctx, b.ID); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("undone twice: %v", err)
	}
	if _, err := w.UndoBulk(ctx, u.ID); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("undo undone: %v", err)
	}
	w.sound(t)
}

func sortedCopy(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// A04: status, owner, classification and comment for many alerts at once, also
// of one incident; and their undo.
func TestA04BulkAlerts(t *testing.T) {
	w := newWorld(t)
	ctx := anna(t)
	var in []tocsin.Alert
	for i := range 5 {
		in = append(in, alert(fmt.Sprint("one", i), "Same", day, device("ws-1.corp.example"), process("ws-1", fmt.Sprint(i), "x.exe")))
	}
	in = append(in, alert("other", "Other", day, device("ws-9.corp.example")))
	var ids []string
	inc := int64(0)
	for i, a := range w.accept(t, in...) {
		ids = append(ids, a.AlertID)
		if i == 0 {
			inc = a.IncidentID
		}
	}
	b := w.ask(t, ctx, BulkAsk{Noun: "alert", IDs: append([]string{"none"}, ids...), Change: tocsin.BulkChange{Status: ptr("resolved"), AssignedTo: ptr("ben"),
		Classification: ptr(tocsin.ClassFalsePositive), Determination: ptr(tocsin.DetNotMalicious), Comment: "known tool"}})
	if b.Changed != 6 || b.Refused != 1 || !strings.Contains(w.items(t, ctx, b.ID, tocsin.BulkRefused)["none"], "there is no alert") {
		t.Fatalf("%+v", b)
	}
	for _, id := range ids {
		a, err := w.Alert(ctx, id)
		if err != nil || a.Status != tocsin.AlertResolved || a.AssignedTo != "ben" || a.Classification != tocsin.ClassFalsePositive || len(a.Comments) != 1 || a.Resolved.IsZero() {
			t.Errorf("%+v, %v", a, err)
		}
	}
	if i := w.incident(t, inc); i.ActiveAlerts != 0 || i.Status != tocsin.IncidentActive || i.AssignedTo != "" {
		t.Errorf("the incident: %+v", i)
	}
	if _, err := w.UpdateAlert(ctx, ids[0], AlertUpdate{Status: ptr(tocsin.AlertInProgress)}); err != nil {
		t.Fatal(err)
	}
	u, err := w.UndoBulk(ctx, b.ID)
	if err != nil {
		t.Fatal(err)
	}
	u = w.finish(t, ctx, u.ID)
	if u.Changed != 6 {
		t.Errorf("%+v", u)
	}
	for i, id := range ids {
		a, _ := w.Alert(ctx, id)
		want := tocsin.AlertNew
		if i == 0 {
			want = tocsin.AlertInProgress
		}
		if a.Status != want || a.AssignedTo != "" || a.Classification != tocsin.ClassUnknown {
			t.Errorf("%d: %+v", i, a)
		}
	}
	if why := w.items(t, ctx, u.ID, tocsin.BulkChanged)[ids[0]]; !strings.Contains(why, "the status was changed since") || !strings.Contains(why, "the comment stays") {
		t.Errorf("%q", why)
	}
	w.sound(t)
}

// The rights are those that the asking person has when each is changed; others
// do not see the job, and cancelling keeps what was done.
func TestM12BulkRights(t *testing.T) {
	w := newWorld(t)
	ids := w.apart(t, 3)
	admin := as(t.Context(), "default", "root")
	put := func(disabled bool, roles ...tocsin.Role) {
		t.Helper()
		if err := w.st.Update(admin, func(tx *store.Tx) error {
			return tx.PutUser(store.User{ID: "anna", UserName: "anna", Roles: roles, Disabled: disabled})
		}); err != nil {
			t.Fatal(err)
		}
	}
	ask := BulkAsk{Noun: "incident", IDs: ids, Change: tocsin.BulkChange{AssignedTo: ptr("ben")}}
	for name, tt := range map[string]struct {
		disabled bool
		role     tocsin.Role
		want     string
	}{"reader by now": {false, tocsin.RoleReader, "you do not have the permission"}, "disabled": {true, tocsin.RoleOperator, "was disabled"}} {
		put(tt.disabled, tt.role)
		b := w.ask(t, anna(t), ask)
		if b.Refused != 3 || b.Changed != 0 || !strings.Contains(w.items(t, anna(t), b.ID, "")[ids[0]], tt.want) {
			t.Errorf("%s: %+v", name, b)
		}
	}
	put(false, tocsin.RoleOperator)
	b, err := w.AskBulk(anna(t), ask)
	if err != nil {
		t.Fatal(err)
	}
	other := as(t.Context(), "default", "mallory")
	if _, err := w.Bulk(other, b.ID); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("another sees it: %v", err)
	}
	if _, err := w.CancelBulk(other, b.ID); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("another cancels it: %v", err)
	}
	if _, err := w.Bulk(as(t.Context(), "elsewhere", "anna"), b.ID); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("another tenant sees it: %v", err)
	}
	if _, err := w.UndoBulk(anna(t), b.ID); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("undone while it runs: %v", err)
	}
	if _, err := w.CancelBulk(anna(t), b.ID); err != nil {
		t.Fatal(err)
	}
	if b = w.finish(t, anna(t), b.ID); b.State != tocsin.BulkCancelled || b.Done != 0 {
		t.Errorf("%+v", b)
	}
	if _, err := w.CancelBulk(anna(t), b.ID); tocsin.CodeOf(err) != tocsin.CodeConflict {
		t.Errorf("cancelled twice: %v", err)
	}
}

// A bulk change goes on where it was after the process ended, and changes
// nothing twice.
func TestBulkSurvivesRestart(t *testing.T) {
	w := newWorld(t)
	w.apart(t, 1200)
	b, err := w.AskBulk(anna(t), BulkAsk{Noun: "incident", Query: &tocsin.Query{}, Change: tocsin.BulkChange{AddTags: []string{"storm"}, Comment: "once"}})
	if err != nil || b.Total != 1200 {
		t.Fatalf("%+v %v", b, err)
	}
	// One step, and then the process is gone.
	if err := w.st.Update(anna(t), func(tx *store.Tx) error {
		_, err := w.bulkStep(tx, b.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if b, _ = w.Bulk(anna(t), b.ID); b.Done == 0 || b.Done > bulkChunk || b.State != tocsin.BulkRunning {
		t.Fatalf("after one step: %+v", b)
	}
	if err := w.st.Close(); err != nil {
		t.Fatal(err)
	}
	if w.st, err = store.Open(t.Context(), store.Config{Path: w.path, Now: w.clock.now}); err != nil {
		t.Fatal(err)
	}
	defer w.st.Close()
	w.Cases = New(w.st, correlate.DefaultPolicy())
	if b = w.finish(t, anna(t), b.ID); b.State != tocsin.BulkDone || b.Changed != 1200 {
		t.Fatalf("%+v", b)
	}
	p, err := w.Incidents(anna(t), tocsin.Query{Top: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, inc := range p.Incidents {
		if len(inc.Comments) != 1 || len(inc.CustomTags) != 1 {
			t.Fatalf("incident %d has %d comments", inc.ID, len(inc.Comments))
		}
	}
}
