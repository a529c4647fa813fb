package app

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // to do by hand what the store does not allow

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/store"
)

// keep writes n lines into the record of a data folder.
func keep(t *testing.T, dir string, n int) {
	t.Helper()
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(dir, "tocsin.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ctx := tocsin.WithPrincipal(t.Context(), tocsin.System(tocsin.DefaultTenant, "test"))
	for range n {
		err := st.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.Append(tocsin.Change{Noun: "incident", ID: "1", Kind: "k", Summary: "s"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// by does to the record what only somebody with the file can.
func by(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(dir, "tocsin.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range append([]string{`DROP TRIGGER change_keep_update`, `DROP TRIGGER change_keep_delete`}, statements...) {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
}

// L01: what is done with rules is in the record, with what was before and after.
func TestRulesLeaveALine(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(dir, "tocsin.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	rules, err := OpenRules(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := ruleDoor{rules: rules, store: st}
	ctx := tocsin.WithPrincipal(t.Context(), tocsin.Principal{Tenant: "default", ID: "1", UserName: "ann", Kind: tocsin.ActorUser})
	id := rules.List()[0].ID
	if _, err := d.SetEnabled(ctx, id, false); err != nil {
		t.Fatal(err)
	}
	lines, err := st.Changes(ctx, 0, 0)
	if err != nil || len(lines) != 1 || lines[0].ID != id || lines[0].Actor.Name != "ann" || string(lines[0].Before) != `{"enabled":true}` || string(lines[0].After) != `{"enabled":false}` {
		t.Errorf("%+v, %v", lines, err)
	}
}

// L05: what somebody with the file did to the record is named: a changed line,
// a missing one, and with a head that was noted down outside also a cut tail.
func TestVerifyAudit(t *testing.T) {
	for _, tt := range []struct {
		name, how string
		head      bool
		say       string
	}{
		{"sound", `UPDATE change SET summary = summary`, true, ""},
		{"edited", `UPDATE change SET summary = 'x' WHERE seq = 3`, false, "line 3 is not what was written"},
		{"removed", `DELETE FROM change WHERE seq = 3`, false, "missing before line 4"},
		{"cut, seen from inside", `DELETE FROM change WHERE seq > 4`, false, ""},
		{"cut, seen from outside", `DELETE FROM change WHERE seq > 4`, true, "line 6, published as head, is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			keep(t, dir, 6)
			rep, err := VerifyAudit(t.Context(), dir, "")
			if err != nil || !rep.OK || rep.Changes != 6 || !strings.HasPrefix(rep.Head, "6:") {
				t.Fatal(rep, err)
			}
			by(t, dir, tt.how)
			head := ""
			if tt.head {
				head = filepath.Join(dir, "heads")
				if err := os.WriteFile(head, []byte(rep.Head+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := VerifyAudit(t.Context(), dir, head)
			if err != nil || got.OK != (tt.say == "") || !strings.Contains(got.Detail, tt.say) {
				t.Errorf("%+v, %v, want %q", got, err, tt.say)
			}
		})
	}
	if _, err := VerifyAudit(t.Context(), t.TempDir(), ""); err == nil {
		t.Error("a folder without a record passed")
	}
	for _, head := range []string{"1:x", "/nothing/there", "x"} {
		if _, err := VerifyAudit(t.Context(), t.TempDir(), head); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%s: %v", head, err)
		}
	}
}

func TestExportAndVerifyOffline(t *testing.T) {
	dir := t.TempDir()
	keep(t, dir, 5)
	var b bytes.Buffer
	if n, err := ExportAudit(context.Background(), dir, &b); err != nil || n != 5 {
		t.Fatal(n, err)
	}
	file := filepath.Join(t.TempDir(), "export.ndjson")
	for text, want := range map[string]string{b.String(): "", strings.Replace(b.String(), `"summary":"s"`, `"summary":"t"`, 1): "line 1 is not", b.String()[:b.Len()/2]: "line"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if rep, err := VerifyExport(file, ""); err != nil || rep.OK != (want == "") || !strings.Contains(rep.Detail, want) {
			t.Errorf("%+v, %v, want %q", rep, err, want)
		}
	}
}
