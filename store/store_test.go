package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsinhq/tocsin"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 123456000, time.UTC)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newStore(t testing.TB) *Store { return open(t, filepath.Join(t.TempDir(), "case?s #1%.db")) }

func as(ctx context.Context, tenant string) context.Context {
	return tocsin.WithPrincipal(ctx, tocsin.Principal{Tenant: tenant, ID: "u1", UserName: "ann", Kind: tocsin.ActorUser})
}

func update(t testing.TB, s *Store, tenant string, fn func(tx *Tx) error) {
	t.Helper()
	if err := s.Update(as(t.Context(), tenant), fn); err != nil {
		t.Fatal(err)
	}
}

func line(n int) tocsin.Change {
	return tocsin.Change{Noun: "incident", ID: fmt.Sprint(n), Version: 1, Kind: "created", Summary: fmt.Sprintf("line %d", n), After: []byte(`{"a":1}`)}
}

func TestRebind(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT $2, $1":            "SELECT ?2, ?1",
		"SELECT '$1', \"$2\", $10": "SELECT '$1', \"$2\", ?10",
		"SELECT 'it''s $1', $1":    "SELECT 'it''s $1', ?1",
		"SELECT 1 -- $1\n, $1":     "SELECT 1 -- $1\n, ?1",
		"SELECT '$":                "SELECT '$",
		"SELECT 1":                 "SELECT 1",
		"a $ b $x $":               "a $ b $x $",
	} {
		if got := rebind(in); got != want {
			t.Errorf("rebind(%q) = %q, want %q", in, got, want)
		}
	}
	// And the driver really binds by number, in any order and twice.
	s := newStore(t)
	var got []any
	rows, err := s.r.Query(rebind(`SELECT $2, $1, $2, $3`), "one", "two", "three")
	err = each(rows, err, func(rows *sql.Rows) error {
		got = make([]any, 4)
		return rows.Scan(&got[0], &got[1], &got[2], &got[3])
	})
	if err != nil || !reflect.DeepEqual(got, []any{"two", "one", "two", "three"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzRebind(f *testing.F) {
	f.Add("SELECT '$1' -- $2\n, $3")
	f.Fuzz(func(t *testing.T, q string) {
		got := rebind(q)
		if len(got) != len(q) || strings.ReplaceAll(got, "?", "$") != strings.ReplaceAll(q, "?", "$") {
			t.Errorf("%q became %q", q, got)
		}
	})
}

// TestSettings looks at every connection of both pools, not at one of them.
func TestSettings(t *testing.T) {
	s := newStore(t)
	check := func(db *sql.DB, n int, want map[string]string) {
		var conns []*sql.Conn
		for range n {
			c, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
			for p, v := range want {
				var got string
				if err := c.QueryRowContext(t.Context(), "PRAGMA "+p).Scan(&got); err != nil || got != v {
					t.Errorf("%s is %q, %v, want %q", p, got, err, v)
				}
			}
		}
		for _, c := range conns {
			c.Close()
		}
	}
	check(s.w, 1, map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000", "wal_autocheckpoint": "4000", "temp_store": "2"})
	check(s.r, 4, map[string]string{"journal_mode": "wal", "query_only": "1", "busy_timeout": "10000"})
	if st, err := os.Stat(s.cfg.Path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", st.Mode(), err)
	}
}

func TestOpenRefusesNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, path)
	if _, err := s.w.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(t.Context(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), "9999") {
		t.Errorf("opening a newer schema: %v", err)
	}
}

// TestCopyBeforeMigrating runs a further step over a database that is up to date.
func TestCopyBeforeMigrating(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	s := open(t, path)
	update(t, s, "a", func(tx *Tx) error { return tx.PutMeta("k", "v") })
	copies := func() []string {
		found, err := filepath.Glob(filepath.Join(dir, "x.db.schema*.bak"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := copies(); len(got) != 0 {
		t.Errorf("copies of a new database: %v", got)
	}
	steps := fstest.MapFS{"90000_more.sql": {Data: []byte("-- +goose Up\nDROP TABLE meta;\nBROKEN;")}}
	known, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range known {
		data, err := fs.ReadFile(migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		steps[name] = &fstest.MapFile{Data: data}
	}
	if err := s.migrate(t.Context(), steps); err == nil {
		t.Fatal("a broken step went through")
	}
	var v string
	if err := s.w.QueryRow(`SELECT value FROM meta`).Scan(&v); err != nil || v != "v" {
		t.Errorf("half of a broken step stayed: %q, %v", v, err)
	}
	got := copies()
	if len(got) != 1 {
		t.Fatalf("copies: %v", got)
	}
	if st, err := os.Stat(got[0]); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %v, %v", st.Mode(), err)
	}
	c := open(t, got[0])
	if err := c.View(as(t.Context(), "a"), func(tx *Tx) error {
		if v, _, err := tx.Meta("k"); v != "v" || err != nil {
			t.Errorf("the copy holds %q, %v", v, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyGetsIn(t *testing.T) {
	s := newStore(t)
	for what, ctx := range map[string]context.Context{
		"no principal": t.Context(),
		"no tenant":    tocsin.WithPrincipal(t.Context(), tocsin.Principal{ID: "x"}),
		"no id":        tocsin.WithPrincipal(t.Context(), tocsin.Principal{Tenant: "a"}),
	} {
		fn := func(*Tx) error { t.Errorf("%s: the function ran", what); return nil }
		if err := s.View(ctx, fn); tocsin.CodeOf(err) != tocsin.CodeUnauthenticated {
			t.Errorf("View, %s: %v", what, err)
		}
		if err := s.Update(ctx, fn); tocsin.CodeOf(err) != tocsin.CodeUnauthenticated {
			t.Errorf("Update, %s: %v", what, err)
		}
	}
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	s := newStore(t)
	stop := errors.New("stop")
	wake, cancel := s.Watch()
	defer cancel()
	err := s.Update(as(t.Context(), "a"), func(tx *Tx) error {
		if _, err := tx.Append(line(1)); err != nil {
			return err
		}
		tx.AfterCommit(func() { t.Error("told of a commit that was none") })
		if err := tx.Enqueue(Job{Kind: "k"}); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		s.Update(as(t.Context(), "a"), func(tx *Tx) error {
			tx.Append(line(1))
			panic("oh")
		})
	}()
	ctx, stopCtx := context.WithCancel(as(t.Context(), "a"))
	if err := s.Update(ctx, func(tx *Tx) error { stopCtx(); _, err := tx.Append(line(1)); return err }); err == nil {
		t.Error("an update whose context had ended was committed")
	}
	select {
	case <-wake:
		t.Error("woken for nothing")
	default:
	}
	if n, bad, err := s.VerifyChain(t.Context()); n != 0 || bad != nil || err != nil {
		t.Errorf("record: %d, %v, %v", n, bad, err)
	}
	if err := s.View(as(t.Context(), "a"), func(tx *Tx) error { return tx.PutMeta("k", "v") }); err == nil {
		t.Error("a View wrote")
	}
	update(t, s, "a", func(tx *Tx) error { _, err := tx.Append(line(1)); return err })
	select {
	case <-wake:
	default:
		t.Error("not woken by a commit")
	}
}

// L05.
func TestRecord(t *testing.T) {
	s := newStore(t)
	for i := range 5 {
		tenant := []string{"a", "b"}[i%2]
		update(t, s, tenant, func(tx *Tx) error {
			for j := range 3 {
				if _, err := tx.Append(line(10*i + j)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	a, err := s.Changes(as(t.Context(), "a"), 0, 0)
	if err != nil || len(a) != 9 || a[0].Seq != 1 || a[8].Seq != 15 || a[3].Seq != 7 {
		t.Fatalf("lines of a: %+v, %v", a, err)
	}
	if c := a[0]; c.Tenant != "a" || !c.At.Equal(noon) || c.Actor != (tocsin.Actor{Kind: tocsin.ActorUser, Name: "ann"}) || c.Hash != c.ComputeHash() || string(c.After) != `{"a":1}` || c.Before != nil {
		t.Errorf("line %+v", c)
	}
	if b, _ := s.Changes(as(t.Context(), "b"), 4, 2); len(b) != 2 || b[0].Seq != 5 {
		t.Errorf("lines of b after 4: %+v", b)
	}
	if h, err := s.Head(as(t.Context(), "b")); h != 12 || err != nil {
		t.Errorf("head of b is %d, %v", h, err)
	}
	if n, bad, err := s.VerifyChain(t.Context()); n != 15 || bad != nil || err != nil {
		t.Errorf("chain: %d, %v, %v", n, bad, err)
	}
	for _, q := range []string{`UPDATE change SET summary = 'x' WHERE seq = 3`, `DELETE FROM change WHERE seq = 15`, `REPLACE INTO change SELECT * FROM change WHERE seq = 1`} {
		if _, err := s.w.Exec(q); err == nil {
			t.Errorf("%s went through", q)
		}
	}
}

func TestTampering(t *testing.T) {
	for _, tt := range []struct {
		name, how string
		sound     int64
		bad       int64
		kind      tocsin.FaultKind
	}{
		{"text", `UPDATE change SET summary = 'x' WHERE seq = 3`, 2, 3, tocsin.FaultHash},
		{"actor", `UPDATE change SET actor_name = 'eve' WHERE seq = 1`, 0, 1, tocsin.FaultHash},
		{"time", `UPDATE change SET at = at + 1 WHERE seq = 4`, 3, 4, tocsin.FaultHash},
		{"value", `UPDATE change SET after = '{"a":2}' WHERE seq = 2`, 1, 2, tocsin.FaultHash},
		{"tenant", `UPDATE change SET tenant = 'b' WHERE seq = 2`, 1, 2, tocsin.FaultHash},
		{"hash", `UPDATE change SET hash = 'x' WHERE seq = 5`, 4, 5, tocsin.FaultHash},
		{"gap", `DELETE FROM change WHERE seq = 3`, 2, 4, tocsin.FaultGap},
		{"first", `DELETE FROM change WHERE seq = 1`, 0, 2, tocsin.FaultGap},
		{"tail", `DELETE FROM change WHERE seq >= 5`, 4, 6, tocsin.FaultTail},
		{"swap", `UPDATE change SET summary = (SELECT summary FROM change AS c WHERE c.seq = 7 - change.seq) WHERE seq IN (3, 4)`, 2, 3, tocsin.FaultHash},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			var head tocsin.Change
			update(t, s, "a", func(tx *Tx) (err error) {
				for i := range 6 {
					if head, err = tx.Append(line(i)); err != nil {
						return err
					}
				}
				return nil
			})
			mark := Mark{Seq: head.Seq, Hash: head.Hash}
			if n, bad, err := s.VerifyChain(t.Context(), mark); n != 6 || bad != nil || err != nil {
				t.Fatalf("untouched: %d, %v, %v", n, bad, err)
			}
			for _, q := range []string{`DROP TRIGGER change_keep_update`, `DROP TRIGGER change_keep_delete`, tt.how} {
				if _, err := s.w.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
			n, bad, err := s.VerifyChain(t.Context(), mark)
			if err != nil || n != tt.sound || bad == nil || bad.Seq != tt.bad || bad.Kind != tt.kind {
				t.Errorf("%d sound lines, then %+v, %v; want %d, then %s at %d", n, bad, err, tt.sound, tt.kind, tt.bad)
			}
		})
	}
	t.Run("rewritten", func(t *testing.T) {
		// Someone who recomputes every hash is caught by the mark alone.
		s := newStore(t)
		var head tocsin.Change
		update(t, s, "a", func(tx *Tx) (err error) { head, err = tx.Append(line(1)); return err })
		if _, err := s.w.Exec(`DROP TRIGGER change_keep_update`); err != nil {
			t.Fatal(err)
		}
		forged := head
		forged.Summary = "nothing happened"
		forged.Hash = forged.ComputeHash()
		if _, err := s.w.Exec(`UPDATE change SET summary = ?1, hash = ?2`, forged.Summary, forged.Hash); err != nil {
			t.Fatal(err)
		}
		if _, bad, _ := s.VerifyChain(t.Context()); bad != nil {
			t.Errorf("a forged chain was found without a mark: %+v", bad)
		}
		if _, bad, _ := s.VerifyChain(t.Context(), Mark{Seq: head.Seq, Hash: head.Hash}); bad == nil || bad.Seq != 1 || bad.Kind != tocsin.FaultHead {
			t.Errorf("a forged chain was not found: %+v", bad)
		}
	})
}

// TestTwoWriters: two processes on one file, each with its own pools, take
// sequence numbers without gaps, doubles or a broken chain.
func TestTwoWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	stores := []*Store{open(t, path), open(t, path)}
	const each = 60
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range each {
				err := stores[g%2].Update(as(t.Context(), fmt.Sprint("t", g)), func(tx *Tx) error {
					for range 1 + i%3 {
						if _, err := tx.Append(line(i)); err != nil {
							return err
						}
					}
					return tx.PutMeta(fmt.Sprint(i), "v")
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want := int64(4 * each * 2)
	if n, bad, err := stores[0].VerifyChain(t.Context()); n != want || bad != nil || err != nil {
		t.Errorf("chain: %d of %d, %+v, %v", n, want, bad, err)
	}
}

func TestUsersSessionsTokens(t *testing.T) {
	s := newStore(t)
	u := User{ID: "u1", UserName: "Ann", DisplayName: "Ann A.", Roles: []tocsin.Role{tocsin.RoleOperator}, PasswordHash: "h", Created: noon}
	x := Session{IDHash: "s1", UserID: "u1", CSRF: "c", Created: noon, LastSeen: noon, Expires: noon.Add(time.Hour)}
	k := Token{ID: "k1", Hash: "kh", Name: "shipper", UserName: "ann", Roles: []tocsin.Role{tocsin.RoleSender}, Scopes: []tocsin.Verb{tocsin.VerbIntakeWrite}, ClientID: "c1", SecretHash: "sh", Created: noon}
	update(t, s, "a", func(tx *Tx) error { return errors.Join(tx.PutUser(u), tx.PutSession(x), tx.PutToken(k)) })
	u.Tenant, x.Tenant, k.Tenant = "a", "a", "a"
	update(t, s, "a", func(tx *Tx) error {
		if got, err := tx.UserByName("aNN"); err != nil || !reflect.DeepEqual(got, u) {
			t.Errorf("user %+v, %v", got, err)
		}
		if err := tx.PutUser(User{ID: "u2", UserName: "ANN"}); tocsin.CodeOf(err) != tocsin.CodeConflict {
			t.Errorf("a second ann: %v", err)
		}
		return nil
	})
	if gx, gu, err := s.FindSession(t.Context(), "s1"); err != nil || !reflect.DeepEqual(gx, x) || !reflect.DeepEqual(gu, u) {
		t.Errorf("session %+v, %+v, %v", gx, gu, err)
	}
	if g, err := s.FindToken(t.Context(), "kh"); err != nil || !reflect.DeepEqual(g, k) {
		t.Errorf("token %+v, %v", g, err)
	}
	if g, err := s.FindClient(t.Context(), "a", "c1"); err != nil || g.ID != "k1" {
		t.Errorf("client %+v, %v", g, err)
	}
	for _, err := range []error{
		second2(s.FindSession(t.Context(), "nope")), second(s.FindToken(t.Context(), "")), second(s.FindToken(t.Context(), "x")), second(s.FindClient(t.Context(), "b", "c1")),
	} {
		if tocsin.CodeOf(err) != tocsin.CodeNotFound {
			t.Errorf("unknown: %v", err)
		}
	}
	// Nobody of another tenant sees, changes or ends them.
	update(t, s, "b", func(tx *Tx) error {
		for _, err := range []error{second(tx.User("u1")), second(tx.UserByName("ann")), second(tx.Session("s1")), second(tx.Token("k1"))} {
			if tocsin.CodeOf(err) != tocsin.CodeNotFound {
				t.Errorf("another tenant: %v", err)
			}
		}
		stolen := x
		stolen.CSRF = "mine"
		_, err := tx.DeleteExpired(noon.Add(1000*time.Hour), noon)
		return errors.Join(err, tx.DeleteSession("s1"), tx.DeleteSessionsOf("u1", ""), tx.DeleteToken("k1"), tx.TouchToken("k1"), tx.PutSession(x), tx.PutSession(stolen))
	})
	if gx, _, err := s.FindSession(t.Context(), "s1"); err != nil || gx.CSRF != "c" || gx.Tenant != "a" {
		t.Errorf("after another tenant tried: %+v, %v", gx, err)
	}
	update(t, s, "a", func(tx *Tx) error {
		n, err := tx.DeleteExpired(noon.Add(2*time.Hour), noon)
		if n != 1 {
			t.Errorf("%d rows expired", n)
		}
		return err
	})
	if _, _, err := s.FindSession(t.Context(), "s1"); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("an expired session: %v", err)
	}
}

func second[T any](_ T, err error) error          { return err }
func second2[T, U any](_ T, _ U, err error) error { return err }

func TestMeta(t *testing.T) {
	s := newStore(t)
	update(t, s, "a", func(tx *Tx) error {
		return errors.Join(tx.PutMeta("rule/1", "off"), tx.PutMeta("rule/1", "on"), tx.PutMeta("RULE/2", "x"), tx.PutMeta("rule%", "x"))
	})
	update(t, s, "b", func(tx *Tx) error {
		if m, err := tx.Metas(""); len(m) != 0 || err != nil {
			t.Errorf("another tenant's: %v, %v", m, err)
		}
		return tx.DeleteMeta("rule/1")
	})
	update(t, s, "a", func(tx *Tx) error {
		if m, err := tx.Metas("rule/"); err != nil || !reflect.DeepEqual(m, map[string]string{"rule/1": "on"}) {
			t.Errorf("metas %v, %v", m, err)
		}
		if _, found, _ := tx.Meta("rule/9"); found {
			t.Error("found what is not there")
		}
		return nil
	})
}

func TestSketch(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 1000, 100_000} {
		var s sketch
		for range 2 {
			for i := range n {
				s.add(fmt.Sprint("value ", i))
			}
		}
		s.add("")
		back, rest := readSketch(s.append(nil))
		if len(rest) != 0 || !reflect.DeepEqual([]uint64(back), append([]uint64{}, s...)) {
			t.Errorf("%d: %v came back as %v", n, s, back)
		}
		got := float64(s.count())
		if slack := map[bool]float64{true: 0, false: 0.4}[n < sketchSize]; got < float64(n)*(1-slack) || got > float64(n)*(1+slack) {
			t.Errorf("%d values are counted as %v", n, got)
		}
	}
}
