package store

import (
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsinhq/tocsin"
)

// stepsUpTo are the migrations up to a version.
func stepsUpTo(t *testing.T, version string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	names, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n[:len(version)] > version {
			continue
		}
		data, err := fs.ReadFile(migrations(), n)
		if err != nil {
			t.Fatal(err)
		}
		out[n] = &fstest.MapFile{Data: data}
	}
	return out
}

// TestMigrateNumbers brings a database over in which alerts and keys had no
// numbers.
func TestMigrateNumbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	old := &Store{cfg: Config{Path: path, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}, dialect: sqlite{}}
	var err error
	if old.w, err = old.dialect.open(path, true, 1); err != nil {
		t.Fatal(err)
	}
	if err := old.migrate(t.Context(), stepsUpTo(t, "00003")); err != nil {
		t.Fatal(err)
	}
	long := tocsin.EntityKey{Type: tocsin.EntityURL, ID: strings.Repeat("x", 500)}
	keys := []tocsin.EntityKey{{Type: tocsin.EntityDevice, ID: "ws1"}, {Type: tocsin.EntityOther, ID: "rule/0f/ws1/123456"}, long}
	var s sketch
	for _, v := range []string{"r1", "r2", "r3"} {
		s.add(v)
	}
	blob := sketch(nil).append(sketch(nil).append(s.append(nil)))
	run := func(q string, args ...any) {
		t.Helper()
		if _, err := old.w.Exec(rebind(q), args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	for n, status := range []string{"active", "resolved"} {
		id, at := int64(n+1), noon.UnixMicro()+int64(n)
		run(`INSERT INTO incident (tenant, id, version, display_name, severity, status, assigned_to, classification, determination, redirect_id, created,
			last_update, first_activity, last_activity, alert_count, active_alerts) VALUES ('a', $1, 1, 'i', 2, $2, 'ann', 'unknown', 'unknown', 0, $3, $3, $3, $3, 1, 1)`, id, status, at)
		run(`INSERT INTO incident_body VALUES ('a', $1, '{}')`, id)
		alert := fmt.Sprintf("da%d", id)
		run(`INSERT INTO alert VALUES ('a', $1, 's', $1, $2, 1, 'T', 2, 'new', 'unknown', 'unknown', '', 'unknown', '', '', '', 'Execution', $3, $3, $3, $3, 0, 1)`, alert, id, at)
		run(`INSERT INTO alert_body VALUES ('a', $1, '{"id":"' || $1 || '","title":"T"}', '{"id":"f"}', '{"t":"T"}')`, alert)
		run(`INSERT INTO alert_label VALUES ('a', $1, 'categories', 'execution')`, alert)
		run(`INSERT INTO name (tenant, text) VALUES ('a', $1)`, "host "+alert)
		run(`INSERT INTO alert_name SELECT 'a', $1, id FROM name WHERE text = $2`, alert, "host "+alert)
		for _, k := range keys {
			run(`INSERT INTO alert_key VALUES ('a', $1, $2, $3, $4, $5)`, keyText(k), flag(status == "active"), at, alert, id)
		}
	}
	for i, k := range append(keys, tocsin.EntityKey{}) {
		text := ""
		if !k.IsZero() {
			text = keyText(k)
		}
		run(`INSERT INTO key_stat VALUES ('a', $1, $2, $3)`, text, i+7, blob)
	}
	if err := old.w.Close(); err != nil {
		t.Fatal(err)
	}

	now := open(t, path)
	update(t, now, "a", func(tx *Tx) error {
		found, stands, err := tx.OpenAlerts(10)
		if err != nil || len(found) != 1 || found[0].ID != "da1" || found[0].IncidentID != 1 || !found[0].Last.Equal(noon) || stands[1].AssignedTo != "ann" {
			t.Fatalf("open alerts %+v, %+v, %v", found, stands, err)
		}
		var want []int64
		for _, k := range keys {
			want = append(want, KeyNumber(k))
		}
		slices.Sort(want)
		slices.Sort(found[0].Keys)
		if !reflect.DeepEqual(found[0].Keys, want) {
			t.Errorf("keys %v, want %v", found[0].Keys, want)
		}
		total, each, err := tx.Prevalence().Of([]int64{KeyNumber(keys[0]), KeyNumber(long), KeyNumber(tocsin.EntityKey{Type: "ip", ID: "new"})})
		if err != nil || total.Alerts != 10 || each[0] != (KeyCount{Alerts: 7, Rules: 3}) || each[1].Alerts != 9 || each[2].Alerts != 0 {
			t.Errorf("counts %+v %+v, %v", total, each, err)
		}
		for _, id := range []string{"da1", "da2"} {
			a, err := tx.Alert(id)
			facts, err2 := tx.Facts(id)
			if err != nil || err2 != nil || a.Title != "T" || facts != `{"id":"f"}` {
				t.Errorf("alert %s: %+v, %q, %v, %v", id, a, facts, err, err2)
			}
		}
		for _, q := range []tocsin.Query{{Top: 5, Search: "host da2"}, {Top: 5, Filter: tocsin.And{tocsin.Any{Field: "categories", Op: tocsin.Eq, Value: "execution"},
			tocsin.Compare{Field: "incidentId", Op: tocsin.Eq, Value: int64(2)}}}} {
			got, _, _, err := tx.Alerts(q)
			if err != nil || len(got) != 1 || got[0].IncidentID != 2 {
				t.Errorf("%+v finds %+v, %v", q, got, err)
			}
		}
		a := tocsin.Alert{ID: "da3", Source: "s", ExternalID: "3", IncidentID: 1, Title: "new", Created: noon, FirstActivity: noon}
		return tx.PutAlert(AlertRow{Alert: &a, Keys: want, Fresh: true})
	})
	var no int64
	if err := now.w.QueryRow(`SELECT no FROM alert WHERE id = 'da3'`).Scan(&no); err != nil || no != 3 {
		t.Errorf("the next alert has number %d, %v", no, err)
	}
}

// TestKeyNumbers: numbers are part of what is stored.
func TestKeyNumbers(t *testing.T) {
	for _, c := range []struct {
		key  tocsin.EntityKey
		want int64
	}{
		{tocsin.EntityKey{Type: tocsin.EntityDevice, ID: "ws1"}, 0x10b6d40697fcfae},
		{tocsin.EntityKey{Type: tocsin.EntityOther, ID: "rule/0f/ws1"}, 0x60e7b9c1cb19b7a7},
		{tocsin.EntityKey{Type: tocsin.EntityOther, ID: "rule/0f/ws1/123456"}, 0x6101e2405244ca45},
		{tocsin.EntityKey{Type: "unheard", ID: "of"}, 0x50541933bd147a7e},
	} {
		if got := KeyNumber(c.key); got != c.want {
			t.Errorf("%s is number %#x, want %#x", c.key, got, c.want)
		}
	}
	later := KeyNumber(tocsin.EntityKey{Type: tocsin.EntityOther, ID: "rule/00/x/123457"})
	if soon := KeyNumber(tocsin.EntityKey{Type: tocsin.EntityOther, ID: "rule/ff/y/123456"}); soon >= later {
		t.Errorf("the keys of a slot of time do not lie before those of the next: %#x, %#x", soon, later)
	}
}
