package lake

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// sharedFile finds reference data that lies outside the module, or skips.
func sharedFile(t testing.TB, rel string) string {
	t.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		dir, err := os.Getwd()
		for err == nil {
			if _, statErr := os.Stat(filepath.Join(dir, "go.mod")); statErr == nil {
				root = filepath.Join(dir, "..", "shared")
				break
			}
			if filepath.Dir(dir) == dir {
				break
			}
			dir = filepath.Dir(dir)
		}
	}
	path := filepath.Join(root, rel)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not here; set TOCSIN_SHARED to the folder of shared data", rel)
	}
	return path
}

func TestCatalogMatchesPublishedSchema(t *testing.T) {
	data, err := os.ReadFile(sharedFile(t, "reference/hunting-schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Tables []struct {
			Name, Group, TimeColumn string
			Columns                 []struct{ Name, Type, Description string }
		}
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	cat := Catalog()
	if len(cat.Tables()) != len(want.Tables) {
		t.Errorf("%d tables declared, %d published", len(cat.Tables()), len(want.Tables))
	}
	columns := 0
	for _, w := range want.Tables {
		table, ok := cat.Table(w.Name)
		if !ok {
			t.Errorf("table %s is not declared", w.Name)
			continue
		}
		if table.Group != w.Group || table.TimeColumn() != w.TimeColumn {
			t.Errorf("%s: group %q, time %q; want %q, %q", w.Name, table.Group, table.TimeColumn(), w.Group, w.TimeColumn)
		}
		published := make(map[string]bool)
		for _, c := range w.Columns {
			columns++
			published[c.Name] = true
			i, ok := table.Column(c.Name)
			if !ok {
				t.Errorf("%s.%s is not declared", w.Name, c.Name)
				continue
			}
			if got := table.Columns[i].Type.String(); got != c.Type {
				t.Errorf("%s.%s is %s, want %s", w.Name, c.Name, got, c.Type)
			}
		}
		for _, c := range table.Columns {
			if published[c.Name] == c.Extra {
				t.Errorf("%s.%s: published %v, marked extra %v", w.Name, c.Name, published[c.Name], c.Extra)
			}
		}
	}
	t.Logf("%d columns compared", columns)
}

func TestCatalog(t *testing.T) {
	for _, table := range Catalog().Tables() {
		if table.Description == "" || table.Group == "" || len(table.Columns) == 0 {
			t.Errorf("%s lacks a description, group or columns", table.Name)
		}
		for i, c := range table.Columns {
			if c.Description == "" {
				t.Errorf("%s.%s has no description", table.Name, c.Name)
			}
			if strings.HasPrefix(c.Name, "_") && (c.Name == extraColumn || c.Name == ingestedColumn) {
				t.Errorf("%s.%s takes the name of a hidden column", table.Name, c.Name)
			}
			if j, ok := table.Column(c.Name); !ok || j != i {
				t.Errorf("%s.%s is found at %d, lies at %d", table.Name, c.Name, j, i)
			}
		}
		for _, name := range []string{"Timestamp", "TimeGenerated"} {
			if i, ok := table.Column(name); table.Time >= 0 && (!ok || i != table.Time) {
				t.Errorf("%s.%s is not the time column", table.Name, name)
			}
		}
	}
	for _, name := range []string{"DeviceProcessEvents", "DeviceEvents"} {
		table, _ := Catalog().Table(name)
		for _, col := range []string{"ProcessUniqueId", "InitiatingProcessUniqueId"} {
			if _, ok := table.Column(col); !ok {
				t.Errorf("%s has no %s", name, col)
			}
		}
	}
	if _, ok := Catalog().Table("deviceevents"); ok {
		t.Error("table names must be exact")
	}
}

func TestReadSchemaRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"unknown type": "name: T\ncolumns: [{name: A, type: strng}]",
		"twice":        "name: T\ncolumns: [{name: A, type: string}, {name: A, type: long}]",
		"no time":      "name: T\ntime: At\ncolumns: [{name: A, type: string}]",
		"time type":    "name: T\ntime: A\ncolumns: [{name: A, type: string}]",
		"alias":        "name: T\ntime: A\ncolumns: [{name: A, type: datetime}, {name: Timestamp, type: datetime}]",
		"key":          "name: T\nkey: B\ncolumns: [{name: A, type: string}]",
		"no name":      "columns: [{name: A, type: string}]",
	} {
		if _, err := readSchema(fstest.MapFS{"tables/x.yaml": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
