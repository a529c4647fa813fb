package kql_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tocsinhq/tocsin/kql"
	"github.com/tocsinhq/tocsin/kql/sqlgen"
)

// logs is a catalog of one table.
type logs struct{}

func (logs) Table(name string) *kql.TableDef {
	if name != "Logs" {
		return nil
	}
	return &kql.TableDef{Name: "Logs", Columns: []kql.ColumnDef{
		{Name: "Device", Type: kql.String},
		{Name: "Bytes", Type: kql.Long},
	}}
}
func (logs) Tables() []string                      { return []string{"Logs"} }
func (logs) Function(name string) *kql.FunctionDef { return nil }
func (logs) Functions() []string                   { return nil }

// A query is read, bound against a catalog, and written as SQL.
func Example() {
	query, err := kql.Parse(`Logs | where Bytes > 10 | summarize Total = sum(Bytes) by Device`)
	if err != nil {
		fmt.Println(err)
		return
	}
	bound, err := kql.Bind(query, kql.BindOptions{Catalog: logs{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan := bound.Plans[0]
	for _, c := range plan.Root.Columns() {
		fmt.Println(c.Name, c.Type)
	}
	handle := int64(0)
	st, err := sqlgen.Generate(plan.Root, sqlgen.Options{Handle: func() int64 { handle++; return handle }})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.HasPrefix(st.SQL, "SELECT "), len(st.Args), "parameters")
	// Output:
	// Device string
	// Total long
	// true 1 parameters
}

// A mistake says where it is.
func ExampleParse() {
	_, err := kql.Parse("Logs\n| where Device ha \"x\"")
	fmt.Println(strings.SplitN(err.Error(), "\n", 2)[0])
	// Output:
	// 2:16: Unexpected: ha
}

// A name that means nothing is a mistake as well, with a suggestion.
func ExampleBind() {
	query, err := kql.Parse("Logs | project Bites")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = kql.Bind(query, kql.BindOptions{Catalog: logs{}})
	var diags *kql.Diagnostics
	if errors.As(err, &diags) {
		d := diags.List[0]
		fmt.Printf("%d:%d %s\n", d.Line, d.Col, d.Msg)
	}
	// Output:
	// 1:16 'project' operator: Failed to resolve scalar expression named 'Bites'. Did you mean 'Bytes'?
}
