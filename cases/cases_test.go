package cases

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/correlate"
	"github.com/tocsinhq/tocsin/store"
)

// clock is a time that stands until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// world is a case store of its own with a door to it.
type world struct {
	*Cases
	st    *store.Store
	clock *clock
	path  string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{clock: &clock{t: day}, path: filepath.Join(t.TempDir(), "cases.db")}
	st, err := store.Open(t.Context(), store.Config{Path: w.path, Now: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w.st, w.Cases = st, New(st, correlate.DefaultPolicy())
	return w
}

func as(ctx context.Context, tenant, user string) context.Context {
	return tocsin.WithPrincipal(ctx, tocsin.Principal{Tenant: tenant, ID: user, UserName: user, DisplayName: "The " + user, Kind: tocsin.ActorUser,
		Roles: []tocsin.Role{tocsin.RoleOperator}})
}

func anna(t testing.TB) context.Context { return as(t.Context(), "default", "anna") }

func engine(t testing.TB) context.Context {
	return tocsin.WithPrincipal(t.Context(), tocsin.System("default", "detect"))
}

func device(host string) tocsin.Evidence {
	return tocsin.Evidence{Type: tocsin.EvDevice, Props: map[string]any{"deviceDnsName": host}, Roles: []tocsin.EvidenceRole{tocsin.RoleAttacked}}
}

func user(upn string) tocsin.Evidence {
	return tocsin.Evidence{Type: tocsin.EvUser, Props: map[string]any{"userAccount": map[string]any{"userPrincipalName": upn, "accountName": upn}}}
}

func process(host, guid, image string) tocsin.Evidence {
	return tocsin.Evidence{Type: tocsin.EvProcess, Device: host, UniqueID: guid,
		Props: map[string]any{"processCommandLine": image + " -enc", "imageFile": map[string]any{"fileName": image}}}
}

func alert(ext, title string, at time.Time, ev ...tocsin.Evidence) tocsin.Alert {
	return tocsin.Alert{Source: "detect", ExternalID: ext, Title: title, Severity: tocsin.SeverityMedium, ServiceSource: tocsin.SourceEndpoint,
		DetectionSource: "microsoftDefenderForEndpoint", DetectorID: "rule/" + title, Category: "Execution", Techniques: []string{"T1059.001"},
		FirstActivity: at, LastActivity: at, Evidence: ev}
}

// accept takes alerts and fails the test if one of them is refused.
func (w *world) accept(t testing.TB, alerts ...tocsin.Alert) []Accepted {
	t.Helper()
	got, err := w.Accept(engine(t), alerts)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range got {
		if a.Err != nil {
			t.Fatalf("alert %d: %v", i, a.Err)
		}
	}
	return got
}

func (w *world) incident(t testing.TB, id int64) tocsin.Incident {
	t.Helper()
	inc, err := w.Incident(anna(t), id, true)
	if err != nil {
		t.Fatal(err)
	}
	return inc
}

// sound checks the record's chain, and that every incident of the tenant says
// what recounting its alerts from nothing says; and that each alert is in exactly
// one incident that is there (C01).
func (w *world) sound(t testing.TB) {
	t.Helper()
	n, bad, err := w.st.VerifyChain(t.Context())
	if err != nil || bad != nil {
		t.Fatalf("chain: %d sound lines, then %+v, %v", n, bad, err)
	}
	p, err := w.Incidents(anna(t), tocsin.Query{Top: store.MaxTop, Expand: []string{"alerts"}})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]int64{}
	for _, inc := range p.Incidents {
		for i := range inc.Alerts {
			if have, ok := in[inc.Alerts[i].ID]; ok || inc.Alerts[i].IncidentID != inc.ID || inc.Status == tocsin.IncidentRedirected {
				t.Errorf("alert %s is in incident %d (%s) and in %d, and says %d", inc.Alerts[i].ID, inc.ID, inc.Status, have, inc.Alerts[i].IncidentID)
			}
			in[inc.Alerts[i].ID] = inc.ID
		}
		want := inc
		want.Recount(inc.Alerts)
		if inc.AlertCount != want.AlertCount || inc.ActiveAlerts != want.ActiveAlerts || inc.Severity != want.Severity ||
			inc.DisplayName != want.DisplayName || inc.AssetCounts != want.AssetCounts || !inc.FirstActivity.Equal(want.FirstActivity) ||
			!inc.LastActivity.Equal(want.LastActivity) || fmt.Sprint(inc.Assets, inc.Categories, inc.Techniques, inc.ServiceSources) !=
			fmt.Sprint(want.Assets, want.Categories, want.Techniques, want.ServiceSources) {
			t.Errorf("incident %d says\n%+v\nits alerts say\n%+v", inc.ID, inc, want)
		}
	}
	if !p.More {
		for id, a := range w.whereAll(t) {
			if in[id] != a.IncidentID {
				t.Errorf("alert %s says that it is in incident %d and is in %d", id, a.IncidentID, in[id])
			}
		}
	}
}
