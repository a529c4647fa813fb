package lake

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/content"
	"github.com/tocsinhq/tocsin/kql"
)

// huntCatalog is what one principal's queries may name.
type huntCatalog struct {
	tables    map[string]*kql.TableDef
	names     []string
	functions map[string]kql.FunctionDef
	mine      []string // names of functions
}

func (c *huntCatalog) Table(name string) *kql.TableDef { return c.tables[name] }
func (c *huntCatalog) Tables() []string                { return c.names }
func (c *huntCatalog) Functions() []string             { return c.mine }
func (c *huntCatalog) Function(name string) *kql.FunctionDef {
	if f, ok := c.functions[name]; ok {
		return &f
	}
	return nil
}

// HuntCatalog is what queries of a principal may name: the tables that it may
// read, the functions that come with the program, and those given, which do not
// replace them. A principal of a tenant whose telemetry is not kept here has
// no tables.
//
// Of a principal that is limited to device groups these are the tables whose
// rows say which device they are of, with a filter on every read of them, and
// those that are made from the cases that it sees.
func (l *Lake) HuntCatalog(p tocsin.Principal, functions map[string]kql.FunctionDef) kql.Catalog {
	c, err := l.huntCatalog(p, functions)
	if err != nil {
		return &huntCatalog{} // a query gets the error
	}
	return c
}

func (l *Lake) huntCatalog(p tocsin.Principal, functions map[string]kql.FunctionDef) (*huntCatalog, error) {
	c := &huntCatalog{tables: make(map[string]*kql.TableDef), functions: maps.Clone(functions)}
	if c.functions == nil {
		c.functions = make(map[string]kql.FunctionDef)
	}
	maps.Copy(c.functions, builtinFunctions())
	c.mine = slices.Sorted(maps.Keys(c.functions))
	if p.Tenant != l.cfg.Tenant || !tocsin.Can(p, tocsin.VerbHunt) {
		return c, nil
	}
	var limit *deviceLimit
	if p.Scoped() {
		var err error
		if limit, err = l.deviceLimit(p); err != nil {
			return nil, err
		}
	}
	for i, t := range Catalog().Tables() {
		if !tocsin.Can(p, tableVerb(t)) {
			continue
		}
		def := tableDefs()[i]
		if limit != nil && l.cfg.Live[t.Name] == nil {
			filter := limit.filter(t)
			if filter == "" {
				continue
			}
			own := *def
			own.RowFilter = filter
			def = &own
		}
		c.tables[t.Name] = def
		c.names = append(c.names, t.Name)
	}
	return c, nil
}

// tableVerb is the permission that reading a table takes, besides hunting.
func tableVerb(t *Table) tocsin.Verb {
	switch {
	case t.Group == "alerts" || t.Name == "SecurityAlert":
		return tocsin.VerbAlertRead
	case t.Name == "SecurityIncident":
		return tocsin.VerbIncidentRead
	}
	return tocsin.VerbEventRead
}

// tableDefs are the tables of the catalog as queries see them.
var tableDefs = sync.OnceValue(func() []*kql.TableDef {
	var defs []*kql.TableDef
	for _, t := range Catalog().Tables() {
		def := &kql.TableDef{Name: t.Name, Time: t.TimeColumn()}
		for i, c := range t.Columns {
			def.Columns = append(def.Columns, kql.ColumnDef{Name: c.Name, Type: c.Type.kql(), Doc: c.Description})
			if c.Alias != "" {
				def.Columns = append(def.Columns, kql.ColumnDef{Name: c.Alias, Type: c.Type.kql(), Source: c.Name, Hidden: true})
			}
			if i == t.Time {
				for _, a := range t.Aliases() {
					def.Columns = append(def.Columns, kql.ColumnDef{Name: a, Type: kql.DateTime, Source: c.Name, Doc: "The same as " + c.Name, Hidden: false})
				}
			}
		}
		def.Columns = append(def.Columns, kql.ColumnDef{Name: ingestedColumn, Type: kql.DateTime, Hidden: true})
		defs = append(defs, def)
	}
	return defs
})

func (t Type) kql() kql.Type {
	switch t {
	case Datetime:
		return kql.DateTime
	case Dynamic:
		return kql.Dynamic
	case Int:
		return kql.Int
	case Long:
		return kql.Long
	case Bool:
		return kql.Bool
	case GUID:
		return kql.Guid
	case Real:
		return kql.Real
	}
	return kql.String
}

// builtinFunctions are those of content/functions, one a file: lines of
// comment say what it does, then "(parameters) { body }".
var builtinFunctions = sync.OnceValue(func() map[string]kql.FunctionDef {
	functions, err := readFunctions(content.FS)
	if err != nil {
		// As with the tables: the files are part of the program.
		panic("lake: built-in functions: " + err.Error())
	}
	return functions
})

func readFunctions(fsys fs.FS) (map[string]kql.FunctionDef, error) {
	files, err := fs.Glob(fsys, "functions/*.kql")
	if err != nil {
		return nil, err
	}
	functions := make(map[string]kql.FunctionDef, len(files))
	for _, file := range files {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		f := kql.FunctionDef{Name: strings.TrimSuffix(path.Base(file), ".kql"), Text: strings.TrimSpace(string(data))}
		var doc []string
		for strings.HasPrefix(f.Text, "//") {
			line, rest, _ := strings.Cut(f.Text, "\n")
			doc = append(doc, strings.TrimSpace(strings.TrimPrefix(line, "//")))
			f.Text = strings.TrimSpace(rest)
		}
		f.Doc = strings.Join(doc, " ")
		if !strings.HasPrefix(f.Text, "(") || f.Doc == "" {
			return nil, fmt.Errorf("%s: not a documented function", file)
		}
		functions[f.Name] = f
	}
	return functions, nil
}
