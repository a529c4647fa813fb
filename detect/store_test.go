package detect

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tocsinhq/tocsin"
)

func rawJSON(s string) json.RawMessage { return json.RawMessage(s) }

func testStore(t *testing.T, dir string) *RuleStore {
	t.Helper()
	s, err := openRules(dir, fstest.MapFS{"own.yml": {Data: []byte(shellRule)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func zipOf(t *testing.T, files map[string]string) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for n, c := range files {
		w, err := z.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(c)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func TestRuleStore(t *testing.T) {
	dir := t.TempDir()
	s := testStore(t, dir)
	z := zipOf(t, map[string]string{"set/a.yml": strings.Replace(ruleOf("  s: {A: x}\n  condition: s"), "id: 1", "id: a", 1), "set/bad.yml": "title: [", "set/ex.yml": strings.Replace(ruleOf("  s: {A|expand: '%x%'}\n  condition: s"), "id: 1", "id: e", 1), "README.md": "no rule"})
	rep, err := s.ImportZip(context.Background(), z, z.Size())
	if err != nil {
		t.Fatal(err)
	}
	if rep.Files != 3 || rep.Loaded != 1 || len(rep.Failed) != 1 || len(rep.Unsupported["modifier expand"]) != 1 {
		t.Errorf("report %s", rep.String())
	}
	before := s.Engine()
	if before.Rule("a") == nil || before.Rule("shell") == nil {
		t.Fatal("a rule is not in force")
	}
	if err := s.SetEnabled("shell", false); err != nil {
		t.Fatal(err)
	}
	if s.Engine().Rule("shell") != nil || before.Rule("shell") == nil {
		t.Error("switching a rule off changes the engine in use, or not the next one")
	}
	if err := s.SetEnabled("nosuch", true); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("unknown rule: %v", err)
	}
	// All of it is there after a restart; the second import changes nothing.
	s = testStore(t, dir)
	if s.Engine().Rule("shell") != nil || s.Engine().Rule("a") == nil || len(s.List()) != 2 {
		t.Error("the store forgot something")
	}
	if r, ok := s.Rule("a"); !ok || r.Origin != "imported" || r.Path != "set/a.yml" || !r.Enabled {
		t.Errorf("rule a: %+v", r)
	}
	if rep, err = s.ImportZip(context.Background(), z, z.Size()); err != nil || rep.Loaded != 1 || len(s.List()) != 2 {
		t.Errorf("second import: %v, %s", err, rep.String())
	}
	if err := s.SetEnabled("shell", true); err != nil || s.Engine().Rule("shell") == nil {
		t.Errorf("switching on again: %v", err)
	}
}

func TestRuleImportRefuses(t *testing.T) {
	s := testStore(t, t.TempDir())
	for _, name := range []string{"../out.yml", "/abs.yml", `..\out.yml`, "a/../../b.yml", "c:/x.yml"} {
		z := zipOf(t, map[string]string{name: shellRule})
		if _, err := s.ImportZip(context.Background(), z, z.Size()); tocsin.CodeOf(err) != tocsin.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	z := zipOf(t, map[string]string{"big.yml": strings.Repeat("#", MaxRuleFile+10)})
	if rep, err := s.ImportZip(context.Background(), z, z.Size()); err != nil || rep.Loaded != 0 || len(rep.Failed) != 1 {
		t.Errorf("large file: %v %s", err, rep.String())
	}
	if _, err := s.ImportZip(context.Background(), bytes.NewReader([]byte("no zip")), 6); tocsin.CodeOf(err) != tocsin.CodeInvalid {
		t.Errorf("no zip: %v", err)
	}
	if _, err := s.Import(context.Background(), filepath.Join(t.TempDir(), "nosuch")); tocsin.CodeOf(err) != tocsin.CodeNotFound {
		t.Errorf("missing path: %v", err)
	}
}

func TestRuleImportFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "a.yaml"), []byte(strings.Replace(shellRule, "id: shell", "id: other", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.yml")); err != nil {
		t.Fatal(err)
	}
	s := testStore(t, t.TempDir())
	rep, err := s.Import(context.Background(), dir)
	if err != nil || rep.Files != 1 || rep.Loaded != 1 || s.Engine().Rule("other") == nil {
		t.Errorf("%v %s", err, rep.String())
	}
}
