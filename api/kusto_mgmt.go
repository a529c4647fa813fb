package api

import (
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tocsinhq/tocsin"
	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/lake"
)

// shown is the result of a command.
type shown struct {
	columns []kql.Column
	rows    [][]kql.Value
}

// showing makes an empty result of columns written "name:type name:type"; a column
// without a type is a string.
func showing(columns string) *shown {
	s := &shown{}
	for one := range strings.FieldsSeq(columns) {
		name, typ, typed := strings.Cut(one, ":")
		t := kql.String
		if typed {
			t, _ = kql.ParseType(typ)
		}
		s.columns = append(s.columns, kql.Column{ID: kql.ColID(len(s.columns)), Name: name, Type: t})
	}
	return s
}

// add appends a row of Go values; nil is null.
func (s *shown) add(values ...any) {
	row := make([]kql.Value, len(s.columns))
	for i, v := range values {
		switch v := v.(type) {
		case string:
			if row[i] = kql.StringOf(v); s.columns[i].Type == kql.Guid {
				row[i] = kql.GuidOf(v)
			}
		case bool:
			row[i] = kql.BoolOf(v)
		case int:
			if row[i] = kql.LongOf(int64(v)); s.columns[i].Type == kql.Int {
				row[i] = kql.IntOf(int64(v))
			}
		case time.Time:
			row[i] = kql.TimeOf(v)
		default:
			row[i] = kql.Null(s.columns[i].Type)
		}
	}
	s.rows = append(s.rows, row)
}

// kustoCommand answers a command.
func (a *API) kustoCommand(r *http.Request, src string, sink lake.HuntSink) (lake.HuntStats, error) {
	if a.cfg.Hunting == nil {
		return lake.HuntStats{}, missing("hunting")
	}
	start := time.Now()
	tokens, rest, err := commandTokens(src)
	if err != nil {
		return lake.HuntStats{}, err
	}
	catalog, err := a.cfg.Hunting.Catalog(r.Context())
	if err != nil {
		return lake.HuntStats{}, err
	}
	result, err := a.shown(r, &command{tokens}, catalog)
	if err != nil {
		return lake.HuntStats{}, err
	}
	if strings.TrimSpace(rest) != "" {
		return a.huntPlain(r.Context(), result.text()+"\n|"+rest, lake.HuntOptions{AllTime: true, Interface: huntDoor(r)}, sink)
	}
	if err := sink.Table(lake.HuntTable{Columns: result.columns}); err != nil {
		return lake.HuntStats{}, err
	}
	for _, row := range result.rows {
		if err := sink.Row(row); err != nil {
			return lake.HuntStats{}, err
		}
	}
	return lake.HuntStats{Rows: int64(len(result.rows)), Elapsed: time.Since(start)}, nil
}

// text is the result as a table of the language, for the query behind a bar.
func (s *shown) text() string {
	var b strings.Builder
	b.WriteString("datatable(")
	for i, c := range s.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("['" + c.Name + "']:" + c.Type.String())
	}
	b.WriteString(")[")
	for i, row := range s.rows {
		for j, v := range row {
			if i+j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(literal(v))
		}
	}
	b.WriteByte(']')
	return b.String()
}

var literalEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

func literal(v kql.Value) string {
	switch {
	case v.Type() == kql.String:
		return `"` + literalEscapes.Replace(v.Str()) + `"`
	case v.IsNull():
		return v.Type().String() + "(null)"
	case v.Type() == kql.Bool:
		return strconv.FormatBool(v.Bool())
	}
	return v.Type().String() + "(" + kql.TextOf(v) + ")"
}

// databaseID is made up: clients want one.
const databaseID = "6f2a4c3e-5b0d-4e57-9a55-746f6373696e"

func unknownCommand() error {
	return tocsin.Errorf(tocsin.CodeInvalid, "Syntax error: this command is not known here. The hunting tables are read only; there are .show tables, .show table T schema, "+
		".show functions, .show databases, .show database schema, .show version and .show cluster.")
}

// shown answers one command.
func (a *API) shown(r *http.Request, c *command, catalog kql.Catalog) (*shown, error) {
	var s *shown
	var err error
	switch {
	case !c.words(".show"):
		return nil, unknownCommand()
	case c.words("version"):
		s = showing("BuildVersion BuildTime:datetime ServiceType ProductVersion ServiceOffering")
		s.add(a.cfg.Version, nil, "Engine", a.cfg.Version, `{"Type":"Tocsin"}`)
	case c.words("cluster", "databases"), c.words("databases"):
		s, err = a.showDatabases(c, catalog)
	case c.words("cluster", "principals"), c.words("principal", "roles"), c.words("cluster", "principal", "roles"):
		s = showPrincipal(r)
	case c.words("cluster"):
		c.words("details")
		s = showing("NodeId Address Name StartTime:datetime IsAdmin:bool MachineTotalMemory:long MachineAvailableMemory:long ProcessorCount:int EnvironmentDescription ProductVersion Reserved0 ClockDescription")
		s.add("1", "", "TOCSIN", nil, true, nil, nil, runtime.NumCPU(), "", a.cfg.Version, "", "")
	case c.words("database"):
		s, err = a.showDatabase(r, c, catalog)
	case c.words("schema"):
		s = showSchema(c, catalog)
	case c.words("tables"):
		s, err = showTables(c, catalog)
	case c.words("table"):
		s, err = showTable(c, catalog)
	case c.words("functions"):
		s = showFunctions(catalog, catalog.Functions())
	case c.words("function"):
		name, _ := c.name()
		if catalog.Function(name) == nil {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "Function '%.100s' was not found.", name)
		}
		s = showFunctions(catalog, []string{name})
	case c.words("external", "tables"):
		s = showing("TableName TableType Folder DocString Properties ConnectionStrings:dynamic Partitions:dynamic PathFormat")
	case c.words("materialized-views"):
		s = showing("Name SourceTable Query MaterializedTo:datetime LastRun:datetime LastRunResult IsHealthy:bool IsEnabled:bool Folder DocString AutoUpdateSchema:bool EffectiveDateTime:datetime Lookback:timespan")
	case c.words("entity_groups"):
		s = showing("Name Entities")
	case c.words("graph_models"):
		s = showing("Name CreationTime:datetime Id SnapshotsCount:long")
	}
	switch {
	case err != nil:
		return nil, err
	case s == nil || !c.end():
		return nil, unknownCommand()
	}
	return s, nil
}

func (a *API) showDatabases(c *command, catalog kql.Catalog) (*shown, error) {
	for _, name := range c.names() {
		if !a.knownDatabase(name) {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "Database '%.100s' was not found. The database here is '%s'.", name, kustoDatabase)
		}
	}
	switch {
	case c.words("schema"):
		return showSchema(c, catalog), nil
	case c.words("entities"):
		return showEntities(catalog), nil
	}
	if !c.words("details") {
		c.words("identity")
	}
	s := showing("DatabaseName PersistentStorage Version IsCurrent:bool DatabaseAccessMode PrettyName ReservedSlot1:bool DatabaseId:guid InTransitionTo SuspensionState")
	s.add(kustoDatabase, "", "v1.0", true, "ReadOnly", a.cfg.TenantName, nil, databaseID, "", "")
	return s, nil
}

// showDatabase is .show database, with or without a name behind.
func (a *API) showDatabase(r *http.Request, c *command, catalog kql.Catalog) (*shown, error) {
	words := []string{"schema", "cslschema", "entities", "details", "identity", "principals", "principal", "policies", "with"}
	if len(c.tokens) > 0 && (c.tokens[0].quoted || !slices.Contains(words, strings.ToLower(c.tokens[0].text))) {
		name, _ := c.name()
		if !a.knownDatabase(name) {
			return nil, tocsin.Errorf(tocsin.CodeInvalid, "Database '%.100s' was not found. The database here is '%s'.", name, kustoDatabase)
		}
	}
	switch {
	case c.words("cslschema"):
		return showCSL(catalog, catalog.Tables()), nil
	case c.words("principals"), c.words("principal", "roles"):
		return showPrincipal(r), nil
	}
	return a.showDatabases(c, catalog)
}

// showPrincipal says what the one who asks is here.
func showPrincipal(r *http.Request) *shown {
	who := whoIs(r)
	s := showing("Scope DisplayName AADObjectID Role")
	s.add("Database "+kustoDatabase, who.UserName, who.ID, "Viewer")
	return s
}
