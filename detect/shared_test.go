package detect

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// shared is the folder of public test data: TOCSIN_SHARED, or ../shared beside
// the module. Tests that need it are skipped without.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("TOCSIN_SHARED")
	if dir == "" {
		root, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			if filepath.Dir(root) == root {
				t.Skip("go.mod not found above the test")
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared")
	}
	p := filepath.Join(dir, name)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("no public test data at %s: set TOCSIN_SHARED", p)
	}
	return p
}

func zipFiles(t testing.TB, name string, keep func(string) bool) []RuleFile {
	t.Helper()
	z, err := zip.OpenReader(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out []RuleFile
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !keep(f.Name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, RuleFile{f.Name, data})
	}
	return out
}

var publicOnce struct {
	sync.Once
	set *RuleSet
	rep Report
}

// publicRules is the public rule set, read once.
func publicRules(t testing.TB) (*RuleSet, Report) {
	t.Helper()
	shared(t, "data/sigma-rules.zip") // skips outside the Once
	publicOnce.Do(func() {
		files := zipFiles(t, "data/sigma-rules.zip", func(n string) bool { return strings.HasSuffix(n, ".yml") })
		publicOnce.set, publicOnce.rep = LoadFiles(files)
	})
	return publicOnce.set, publicOnce.rep
}
