package lake

import (
	"fmt"
	"io/fs"
	"sort"
	"sync"

	"go.yaml.in/yaml/v4"

	"github.com/tocsinhq/tocsin/content"
)

// Type is the KQL type of a column.
type Type uint8

const (
	String Type = iota + 1
	Datetime
	Dynamic
	Int
	Long
	Bool
	GUID
	Real
	blob // bytes; only in our own tables
)

var typeNames = [...]string{String: "string", Datetime: "datetime", Dynamic: "dynamic", Int: "int", Long: "long", Bool: "bool", GUID: "guid", Real: "real", blob: "blob"}

func (t Type) String() string {
	if t == 0 || int(t) >= len(typeNames) {
		return "unknown"
	}
	return typeNames[t]
}

// Column is one declared column of a hunting table.
type Column struct {
	Name        string
	Type        Type
	Description string
	Extra       bool   // ours, beyond the tables as Microsoft publishes them
	Alias       string // another spelling that queries written elsewhere use; "" mostly
}

// Table is one hunting table.
type Table struct {
	Name        string
	Group       string // where the schema tree shows it: devices, email, ...
	Description string
	// Time is the index of the time column, -1 for the few tables that are
	// states and not events.
	Time int
	// Key is the index of the column that, with time and device, tells rows
	// apart (ReportId where there is one), -1 without.
	Key int
	// Device is the index of DeviceId, -1 without.
	Device  int
	Columns []Column // without the aliases of the time column

	index map[string]int
}

// Column finds a column by its exact name. Timestamp and TimeGenerated both
// lead to the time column of a table that has one.
func (t *Table) Column(name string) (int, bool) {
	i, ok := t.index[name]
	return i, ok
}

// TimeColumn is the name of the time column, "" without.
func (t *Table) TimeColumn() string {
	if t.Time < 0 {
		return ""
	}
	return t.Columns[t.Time].Name
}

// Aliases are the names, besides its own, that the time column answers to.
func (t *Table) Aliases() []string {
	if t.Time < 0 {
		return nil
	}
	var names []string
	for _, n := range []string{"Timestamp", "TimeGenerated"} {
		if n != t.TimeColumn() {
			names = append(names, n)
		}
	}
	return names
}

// Schema is the set of hunting tables.
type Schema struct {
	tables []*Table
	byName map[string]*Table
}

// Tables lists all tables by name.
func (s *Schema) Tables() []*Table { return s.tables }

// Table finds a table by its exact name.
func (s *Schema) Table(name string) (*Table, bool) {
	t, ok := s.byName[name]
	return t, ok
}

var catalog = sync.OnceValue(func() *Schema {
	s, err := readSchema(content.FS)
	if err != nil {
		// The files are part of the program: a fault in them is a fault of the
		// build, and a test reads them all.
		panic("lake: built-in tables: " + err.Error())
	}
	return s
})

// Catalog is the schema this program was built with. It is read once and must
// not be changed.
func Catalog() *Schema { return catalog() }

type tableFile struct {
	Name        string       `yaml:"name"`
	Group       string       `yaml:"group"`
	Description string       `yaml:"description"`
	Time        string       `yaml:"time"`
	Key         string       `yaml:"key"`
	Columns     []columnFile `yaml:"columns"`
}

type columnFile struct {
	Name        string `yaml:"name"`
	Type        string `yaml:"type"`
	Description string `yaml:"description"`
	Extra       bool   `yaml:"extra"`
	Alias       string `yaml:"alias"`
}

func readSchema(fsys fs.FS) (*Schema, error) {
	files, err := fs.Glob(fsys, "tables/*.yaml")
	if err != nil {
		return nil, err
	}
	s := &Schema{byName: make(map[string]*Table, len(files))}
	for _, name := range files {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		var f tableFile
		if err := yaml.Unmarshal(data, &f); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		t, err := newTable(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if s.byName[t.Name] != nil {
			return nil, fmt.Errorf("%s: table %s is declared twice", name, t.Name)
		}
		s.byName[t.Name] = t
		s.tables = append(s.tables, t)
	}
	sort.Slice(s.tables, func(i, j int) bool { return s.tables[i].Name < s.tables[j].Name })
	return s, nil
}

func newTable(f tableFile) (*Table, error) {
	t := &Table{Name: f.Name, Group: f.Group, Description: f.Description, Time: -1, Key: -1, Device: -1,
		index: make(map[string]int, len(f.Columns)+2)}
	if f.Name == "" {
		return nil, fmt.Errorf("table without a name")
	}
	for _, c := range f.Columns {
		typ := Type(0)
		for k, n := range typeNames {
			if n != "" && n == c.Type {
				typ = Type(k)
			}
		}
		if typ == 0 {
			return nil, fmt.Errorf("column %s: unknown type %q", c.Name, c.Type)
		}
		if _, dup := t.index[c.Name]; dup || c.Name == "" {
			return nil, fmt.Errorf("column %q is empty or declared twice", c.Name)
		}
		t.index[c.Name] = len(t.Columns)
		t.Columns = append(t.Columns, Column{Name: c.Name, Type: typ, Description: c.Description, Extra: c.Extra, Alias: c.Alias})
	}
	if i, ok := t.index["DeviceId"]; ok {
		t.Device = i
	}
	if f.Key != "" {
		i, ok := t.index[f.Key]
		if !ok {
			return nil, fmt.Errorf("key column %s is not declared", f.Key)
		}
		t.Key = i
	}
	if f.Time == "" {
		return t, nil
	}
	i, ok := t.index[f.Time]
	if !ok || t.Columns[i].Type != Datetime {
		return nil, fmt.Errorf("time column %s is not a declared datetime", f.Time)
	}
	t.Time = i
	for _, alias := range t.Aliases() {
		if _, dup := t.index[alias]; dup {
			return nil, fmt.Errorf("%s is an alias of the time column and must not be declared", alias)
		}
		t.index[alias] = i
	}
	return t, nil
}
