package kql

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// conformance reads a file of the recorded cases into v; the test is skipped
// where they are not.
func conformance(t testing.TB, file string, v any) {
	t.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				root = filepath.Join(dir, "..", "shared")
				break
			}
			if dir == filepath.Dir(dir) {
				t.Fatal("there is no go.mod above the test")
			}
			dir = filepath.Dir(dir)
		}
	}
	data, err := os.ReadFile(filepath.Join(root, "conformance", "kql", file))
	if err != nil {
		t.Skipf("the recorded queries are not here (%v); set TOCSIN_SHARED", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// recorded is a query with the verdict of the official parser.
type recorded struct {
	name, query string
	ok          bool
}

// recordedQueries are all of them.
func recordedQueries(t testing.TB) []recorded {
	t.Helper()
	var list []recorded
	for _, file := range []string{"corpus.json", "docs-cases.json", "docs-noexpect.json", "docs-needs-table.json", "engine-cases.json"} {
		var cases []struct {
			ID, Query string
			Oracle    struct {
				OK bool `json:"syntax_ok"`
			}
		}
		conformance(t, file, &cases)
		for _, c := range cases {
			list = append(list, recorded{file + " " + c.ID, c.Query, c.Oracle.OK})
		}
	}
	var probes []struct {
		Q      string
		Errors []string
	}
	conformance(t, "oracle-probes.json", &probes)
	for _, c := range probes {
		list = append(list, recorded{"probe", c.Q, len(c.Errors) == 0})
	}
	var failing []struct {
		ID, Query string
		Errors    int `json:"oracle_syntax_errors"`
	}
	conformance(t, "engine-errors.json", &failing)
	for _, c := range failing {
		list = append(list, recorded{"engine-errors.json " + c.ID, c.Query, c.Errors == 0})
	}
	return list
}

// syntaxError is the first error in the form of a query, nil when it has none.
func syntaxError(err error) *Diagnostic {
	var d *Diagnostics
	if errors.As(err, &d) {
		for i := range d.List {
			if d.List[i].Syntax {
				return &d.List[i]
			}
		}
	}
	return nil
}

func TestParseRecorded(t *testing.T) {
	queries := recordedQueries(t)
	if len(queries) < 3000 {
		t.Fatalf("only %d queries", len(queries))
	}
	for _, c := range queries {
		q, err := Parse(c.query)
		if d := syntaxError(err); (d == nil) != c.ok {
			t.Errorf("%s: accepted %v, the official parser says %v\n%s\n%v", c.name, d == nil, c.ok, c.query, err)
		}
		if c.ok && err != nil {
			t.Logf("%s: %v", c.name, err)
		}
		if q == nil {
			t.Fatalf("%s: no tree", c.name)
		}
	}
}

func TestParseEmpty(t *testing.T) {
	for _, src := range []string{"", " \n", "// only a comment"} {
		q, err := Parse(src)
		if err != nil || len(q.Statements) != 0 {
			t.Errorf("%q: %d statements, %v", src, len(q.Statements), err)
		}
	}
	_, err := Parse(strings.Repeat("x", MaxSource+1))
	if err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a text that is too long: %v", err)
	}
}
