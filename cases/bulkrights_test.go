package cases

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// M12: what somebody sees who is limited to device groups is all that their
// bulk change reaches, and that its undo reaches, also from a job that runs
// later in the name of the portal's engine.
func TestM12BulkWithinDeviceGroups(t *testing.T) {
	w := newWorld(t)
	groups := map[string]int64{}
	for _, name := range []string{"blue", "red"} {
		g, err := w.CreateDeviceGroup(engine(t), tocsin.DeviceGroup{Name: name, Rule: nameRule(tocsin.DeviceStartsWith, name)})
		if err != nil {
			t.Fatal(err)
		}
		groups[name] = g.ID
	}
	var ids []string // blue, red, both
	for i, a := range []tocsin.Alert{
		alert("s0", "Blue tool", day, device("blue-1.corp.example")),
		alert("s1", "Red tool", day.Add(-time.Hour), device("red-1.corp.example")),
		alert("s2", "Spread", day.Add(-2*time.Hour), device("blue-2.corp.example"), device("red-2.corp.example")),
	} {
		got := w.accept(t, a)[0]
		if got.Err != nil || slices.Contains(ids, strconv.FormatInt(got.IncidentID, 10)) {
			t.Fatal(i, got)
		}
		ids = append(ids, strconv.FormatInt(got.IncidentID, 10))
	}
	blue := tocsin.Principal{Tenant: "default", ID: "bob", UserName: "bob", Kind: tocsin.ActorUser, Roles: []tocsin.Role{tocsin.RoleOperator}, Groups: []int64{groups["blue"]}}
	put := func(disabled bool, in []int64) {
		t.Helper()
		if err := w.st.Update(engine(t), func(tx *store.Tx) error {
			return tx.PutUser(store.User{ID: "bob", UserName: "bob", Roles: blue.Roles, Disabled: disabled, Groups: in})
		}); err != nil {
			t.Fatal(err)
		}
	}
	put(false, blue.Groups)
	ctx := tocsin.WithPrincipal(t.Context(), blue)
	change := tocsin.BulkChange{Severity: ptr(tocsin.SeverityLow), AddTags: []string{"mine"}}
	named := BulkAsk{Noun: "incident", IDs: ids, Change: change}

	b := w.ask(t, ctx, named)
	refused := w.items(t, ctx, b.ID, tocsin.BulkRefused)
	if b.Changed != 1 || b.Refused != 2 || refused[ids[1]] != "there is no incident "+ids[1] || !strings.Contains(refused[ids[2]], "outside of your device groups") {
		t.Errorf("by number: %+v, refused %v", b, refused)
	}
	if inc := w.incident(t, number(t, ids[0])); inc.Severity != tocsin.SeverityLow {
		t.Errorf("what they see was not changed: %+v", inc)
	}
	for _, id := range ids[1:] {
		if inc := w.incident(t, number(t, id)); inc.Severity == tocsin.SeverityLow || len(inc.CustomTags) > 0 {
			t.Errorf("incident %s was changed from outside of its device group: %+v", id, inc)
		}
	}
	undo, err := w.UndoBulk(ctx, b.ID)
	if err != nil || undo.Total != 1 {
		t.Fatal(undo, err)
	}
	if undo = w.finish(t, ctx, undo.ID); undo.Changed != 1 {
		t.Errorf("undo: %+v", undo)
	}
	// All that match are those that they see.
	b = w.ask(t, ctx, BulkAsk{Noun: "incident", Query: &tocsin.Query{}, Change: tocsin.BulkChange{AddTags: []string{"all"}}})
	if b.Total != 2 || b.Changed != 1 || b.Refused != 1 {
		t.Errorf("all that match: %+v", b)
	}
	if inc := w.incident(t, number(t, ids[1])); len(inc.CustomTags) > 0 {
		t.Errorf("all that match reached another group: %+v", inc)
	}
	// The groups are theirs when the job runs, too; and the account.
	for name, tt := range map[string]struct {
		disabled bool
		groups   []int64
		want     string
	}{
		"another group":  {false, []int64{groups["red"]}, "may see has changed"},
		"no limit":       {false, nil, "may see has changed"},
		"none at all":    {false, []int64{}, "may see has changed"},
		"disabled since": {true, []int64{groups["blue"]}, "was disabled"},
	} {
		put(false, blue.Groups)
		b, err := w.AskBulk(ctx, BulkAsk{Noun: "incident", IDs: ids[:1], Change: tocsin.BulkChange{AddTags: []string{"late"}}})
		if err != nil {
			t.Fatal(err)
		}
		put(tt.disabled, tt.groups)
		b = w.finish(t, ctx, b.ID)
		if why := w.items(t, ctx, b.ID, "")[ids[0]]; b.Refused != 1 || !strings.Contains(why, tt.want) {
			t.Errorf("%s: %+v, %q", name, b, why)
		}
	}
	w.sound(t)
}

// M12: a bulk change that a program asked for ends with its token, and with the
// rights of the person who made that.
func TestM12BulkOfAToken(t *testing.T) {
	w := newWorld(t)
	ids := w.apart(t, 1)
	kim := store.User{ID: "kim", UserName: "kim", Roles: []tocsin.Role{tocsin.RoleOperator}}
	key := store.Token{ID: "k1", Hash: "h1", Name: "robot", UserName: "kim", Roles: []tocsin.Role{tocsin.RoleOperator}, Created: day}
	robot := tocsin.WithPrincipal(t.Context(), tocsin.Principal{Tenant: "default", ID: "k1", UserName: "robot", Kind: tocsin.ActorIntegration, Roles: key.Roles})
	for i, tt := range []struct {
		name  string
		since func(u *store.User, k *store.Token)
		want  string // "": it is done
	}{
		{"nothing", func(*store.User, *store.Token) {}, ""},
		{"revoked", func(_ *store.User, k *store.Token) { k.Revoked = day }, "was revoked"},
		{"expired", func(_ *store.User, k *store.Token) { k.Expires = day.Add(-time.Hour) }, "has expired"},
		{"scopes taken", func(_ *store.User, k *store.Token) { k.Scopes = []tocsin.Verb{tocsin.VerbIncidentRead} }, "you do not have the permission"},
		{"limited", func(_ *store.User, k *store.Token) { k.Groups = []int64{1} }, "may see has changed"},
		{"maker disabled", func(u *store.User, _ *store.Token) { u.Disabled = true }, "that made the token"},
		{"maker a reader", func(u *store.User, _ *store.Token) { u.Roles = []tocsin.Role{tocsin.RoleReader} }, "you do not have the permission"},
		{"maker limited", func(u *store.User, _ *store.Token) { u.Groups = []int64{1} }, "may see has changed"},
	} {
		u, k := kim, key
		put := func() {
			t.Helper()
			if err := w.st.Update(engine(t), func(tx *store.Tx) error {
				if err := tx.PutUser(u); err != nil {
					return err
				}
				return tx.PutToken(k)
			}); err != nil {
				t.Fatal(err)
			}
		}
		put()
		b, err := w.AskBulk(robot, BulkAsk{Noun: "incident", IDs: ids, Change: tocsin.BulkChange{AddTags: []string{"tag " + strconv.Itoa(i)}}})
		if err != nil {
			t.Fatal(err)
		}
		tt.since(&u, &k)
		put()
		b = w.finish(t, robot, b.ID)
		why := w.items(t, robot, b.ID, "")[ids[0]]
		if tt.want == "" && b.Changed != 1 || tt.want != "" && (b.Refused != 1 || !strings.Contains(why, tt.want)) {
			t.Errorf("%s: %+v, %q", tt.name, b, why)
		}
	}
}
