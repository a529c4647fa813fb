package api

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// What commands tell of tables and functions.

// systemType is the .NET name of a type as schemas have it.
func systemType(t kql.Type) string {
	switch t {
	case kql.Decimal:
		return "System.Data.SqlTypes.SqlDecimal"
	case kql.Bool:
		return "System.SByte"
	}
	return "System." + netType(t)
}

type schemaColumn struct {
	Name      string
	Type      string
	CslType   string
	DocString string `json:",omitempty"`
}

type schemaTable struct {
	Name           string
	Folder         string
	DocString      string
	OrderedColumns []schemaColumn
}

type schemaParameter struct {
	Name    string
	Type    string         `json:",omitempty"`
	CslType string         `json:",omitempty"`
	Columns []schemaColumn `json:",omitempty"`
}

type schemaFunction struct {
	Name            string
	InputParameters []schemaParameter
	Body            string
	Folder          string
	DocString       string
	FunctionKind    string
	OutputColumns   []schemaColumn
}

type schemaDatabase struct {
	Name               string
	Tables             map[string]schemaTable
	ExternalTables     map[string]any
	MaterializedViews  map[string]any
	EntityGroups       map[string]any
	MajorVersion       int
	MinorVersion       int
	Functions          map[string]schemaFunction
	DatabaseAccessMode string
}

type schemaCluster struct {
	Databases map[string]schemaDatabase
}

// columnsOf are the columns of a table that queries may name.
func columnsOf(def *kql.TableDef) []schemaColumn {
	var out []schemaColumn
	for _, c := range def.Columns {
		if !c.Hidden {
			out = append(out, schemaColumn{c.Name, systemType(c.Type), c.Type.String(), c.Doc})
		}
	}
	return out
}

func tableOf(def *kql.TableDef) schemaTable {
	t := schemaTable{Name: def.Name, OrderedColumns: columnsOf(def)}
	if known, ok := lake.Catalog().Table(def.Name); ok {
		t.Folder, t.DocString = known.Group, known.Description
	}
	return t
}

// definedTables are the tables of a catalog, in order.
func definedTables(catalog kql.Catalog, names []string) []schemaTable {
	var out []schemaTable
	for _, name := range names {
		if def := catalog.Table(name); def != nil {
			out = append(out, tableOf(def))
		}
	}
	return out
}

func functionOf(def *kql.FunctionDef) schemaFunction {
	f := schemaFunction{Name: def.Name, Body: def.Text, DocString: def.Doc, FunctionKind: "Unknown",
		InputParameters: []schemaParameter{}, OutputColumns: []schemaColumn{}}
	if end := closing(def.Text); end > 0 {
		f.Body = strings.TrimSpace(def.Text[end+1:])
	}
	decl, err := kql.ParseFunction(def.Text)
	if err != nil {
		return f // it cannot be called either, and calling it says why
	}
	for _, p := range decl.Params {
		one := schemaParameter{Name: p.Name.Text}
		if p.Table {
			for _, c := range p.Columns {
				if t, ok := kql.ParseType(c.Type.Text); ok {
					one.Columns = append(one.Columns, schemaColumn{Name: c.Name.Text, Type: systemType(t), CslType: t.String()})
				}
			}
		} else if t, ok := kql.ParseType(p.Type.Text); ok {
			one.Type, one.CslType = systemType(t), t.String()
		}
		f.InputParameters = append(f.InputParameters, one)
	}
	return f
}

// plainJSON is JSON whose <, > and & are as they are: it is the text of a cell.
func plainJSON(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // of texts: it cannot fail
		return "{}"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// showSchema is the schema of the database, as rows or as JSON.
func showSchema(c *command, catalog kql.Catalog) *shown {
	if c.words("as", "json") {
		db := schemaDatabase{Name: kustoDatabase, Tables: map[string]schemaTable{}, ExternalTables: map[string]any{}, MaterializedViews: map[string]any{},
			EntityGroups: map[string]any{}, MajorVersion: 1, Functions: map[string]schemaFunction{}, DatabaseAccessMode: "ReadOnly"}
		for _, t := range definedTables(catalog, catalog.Tables()) {
			db.Tables[t.Name] = t
		}
		for _, name := range catalog.Functions() {
			if def := catalog.Function(name); def != nil {
				db.Functions[name] = functionOf(def)
			}
		}
		s := showing("DatabaseSchema")
		s.add(plainJSON(schemaCluster{map[string]schemaDatabase{kustoDatabase: db}}))
		return s
	}
	s := showing("DatabaseName TableName ColumnName ColumnType IsDefaultTable:bool IsDefaultColumn:bool PrettyName Version Folder DocString")
	s.add(kustoDatabase, "", "", "", false, false, "", "v1.0", "", "")
	for _, t := range definedTables(catalog, catalog.Tables()) {
		s.add(kustoDatabase, t.Name, "", "", false, false, "", "", t.Folder, t.DocString)
		for _, c := range t.OrderedColumns {
			s.add(kustoDatabase, t.Name, c.Name, c.Type, false, false, "", "", "", c.DocString)
		}
	}
	return s
}

func (t schemaTable) csl() string {
	var b strings.Builder
	for i, c := range t.OrderedColumns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Name + ":" + c.CslType)
	}
	return b.String()
}

func showCSL(catalog kql.Catalog, names []string) *shown {
	s := showing("TableName Schema DatabaseName Folder DocString")
	for _, t := range definedTables(catalog, names) {
		s.add(t.Name, t.csl(), kustoDatabase, t.Folder, t.DocString)
	}
	return s
}

func showTables(c *command, catalog kql.Catalog) (*shown, error) {
	names := catalog.Tables()
	if given := c.names(); given != nil {
		for _, name := range given {
			if catalog.Table(name) == nil {
				return nil, noTable(name)
			}
		}
		names = given
	}
	c.words("details")
	s := showing("TableName DatabaseName Folder DocString")
	for _, t := range definedTables(catalog, names) {
		s.add(t.Name, kustoDatabase, t.Folder, t.DocString)
	}
	return s, nil
}

func noTable(name string) error {
	return tocsin.Errorf(tocsin.CodeInvalid, "Entity not found: table '%.100s' was not found.", name)
}

func showTable(c *command, catalog kql.Catalog) (*shown, error) {
	name, _ := c.name()
	def := catalog.Table(name)
	if def == nil {
		return nil, noTable(name)
	}
	switch {
	case c.words("cslschema"), c.words("schema", "as", "csl"):
		return showCSL(catalog, []string{name}), nil
	case c.words("schema", "as", "json"), c.words("schema"):
		t := tableOf(def)
		s := showing("TableName Schema DatabaseName Folder DocString")
		s.add(t.Name, plainJSON(t), kustoDatabase, t.Folder, t.DocString)
		return s, nil
	case c.words("details"):
		t := tableOf(def)
		s := showing("TableName DatabaseName Folder DocString")
		s.add(t.Name, kustoDatabase, t.Folder, t.DocString)
		return s, nil
	}
	s := showing("AttributeName AttributeType DocString")
	for _, col := range columnsOf(def) {
		s.add(col.Name, col.Type, col.DocString)
	}
	return s, nil
}

func showFunctions(catalog kql.Catalog, names []string) *shown {
	s := showing("Name Parameters Body Folder DocString")
	for _, name := range names {
		def := catalog.Function(name)
		if def == nil {
			continue
		}
		f := functionOf(def)
		params := ""
		if end := closing(def.Text); end > 0 {
			params = def.Text[:end+1]
		}
		s.add(f.Name, params, f.Body, f.Folder, f.DocString)
	}
	return s
}

// showEntities lists tables and functions alike.
func showEntities(catalog kql.Catalog) *shown {
	s := showing("DatabaseName EntityType EntityName DocString Folder CslInputSchema Content CslOutputSchema Properties:dynamic")
	for _, t := range definedTables(catalog, catalog.Tables()) {
		s.add(kustoDatabase, "Table", t.Name, t.DocString, t.Folder, t.csl(), "", t.csl(), nil)
	}
	for _, row := range showFunctions(catalog, catalog.Functions()).rows {
		s.add(kustoDatabase, "Function", row[0].Str(), row[4].Str(), "", row[1].Str(), row[2].Str(), "", nil)
	}
	return s
}
