package app

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tocsinhq/tocsin"

// mayImport is the shape of the program: which of our packages each package
// may import. An arrow only goes down, never in a circle. A new package or a
// new arrow is a change of this table and a page in docs/decisions.
var mayImport = map[string][]string{
	"":            {},
	"kql":         {},
	"kql/sqlgen":  {"kql"},
	"kql/geo":     {"kql"},
	"content":     {},
	"web":         {},
	"lake":        {"", "kql", "kql/geo", "kql/sqlgen", "content"},
	"store":       {""},
	"work":        {"", "store"},
	"correlate":   {""},
	"cases":       {"", "correlate", "store"},
	"intake":      {"", "cases", "detect", "lake"},
	"detect":      {"", "cases", "kql", "lake", "store", "content"},
	"respond":     {"", "store"},
	"investigate": {"", "cases", "lake", "respond", "store"},
	"automate":    {"", "cases", "investigate", "kql", "respond", "store", "content"},
	"threat":      {"", "cases", "lake", "store", "content"},
	"connect":     {""},
	"agent":       {""},
	"auth":        {"", "store"},
	"api":         {"", "kql", "lake", "store", "work", "correlate", "cases", "intake", "detect", "respond", "investigate", "automate", "threat", "auth"},
	"sim":         {""},
	"app":         {"", "kql", "kql/sqlgen", "content", "web", "lake", "store", "work", "correlate", "cases", "intake", "detect", "respond", "investigate", "automate", "threat", "connect", "agent", "auth", "api", "sim"},
	"cmd/tocsin":  {"app"},
}

// standardOnly are packages that may use the standard library alone, so that
// the glossary and the pure deciders stay free of I/O and of engines.
var standardOnly = []string{"", "correlate", "sim", "kql", "kql/sqlgen", "content", "web"}

func TestImportTable(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for dec.More() {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		seen++
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		allowed, known := mayImport[name]
		if !known {
			t.Errorf("package %q has no line in the import table", name)
			continue
		}
		for _, imp := range p.Imports {
			if imp != module && !strings.HasPrefix(imp, module+"/") {
				if slices.Contains(standardOnly, name) && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
					t.Errorf("package %q may import the standard library only, but imports %s", name, imp)
				}
				continue
			}
			ours := strings.TrimPrefix(strings.TrimPrefix(imp, module), "/")
			if !slices.Contains(allowed, ours) {
				t.Errorf("package %q must not import %q", name, ours)
			}
		}
	}
	if seen < 2 {
		t.Errorf("go list saw %d packages", seen)
	}
}

// The table itself must have no circle.
func TestImportTableHasNoCircle(t *testing.T) {
	state := map[string]int{} // 1 on the path, 2 done
	var visit func(string, []string) error
	visit = func(p string, path []string) error {
		switch state[p] {
		case 1:
			return fmt.Errorf("circle: %s", strings.Join(append(path, p), " -> "))
		case 2:
			return nil
		}
		state[p] = 1
		for _, q := range mayImport[p] {
			if err := visit(q, append(path, p)); err != nil {
				return err
			}
		}
		state[p] = 2
		return nil
	}
	for p := range mayImport {
		if err := visit(p, nil); err != nil {
			t.Fatal(err)
		}
	}
}
