package kql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// runRows runs an operator over tables and prints each row that it emits.
func runRows(t *testing.T, op RowOperator, tables ...[][]Value) []string {
	t.Helper()
	var ins []func() ([]Value, error)
	for _, rows := range tables {
		at := 0
		ins = append(ins, func() ([]Value, error) {
			if at == len(rows) {
				return nil, nil
			}
			at++
			return rows[at-1], nil
		})
	}
	var out []string
	err := op.Run(ins, func(row []Value) error {
		parts := make([]string, len(row))
		for i, v := range row {
			parts[i] = strings.Trim(showDyn(plainDyn(v)), `"`)
		}
		out = append(out, strings.Join(parts, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantRows(t *testing.T, got []string, want string) {
	t.Helper()
	if g, want := strings.Join(got, "\n"), strings.Trim(want, "\n"); g != want {
		t.Errorf("got\n%s\nwant\n%s", g, want)
	}
}

func pickCell(i int) Compute { return func(row []Value) Value { return row[i] } }

func whether(f func(row []Value) bool) Compute {
	return func(row []Value) Value { return BoolOf(f(row)) }
}

func minutes(pairs ...any) (rows [][]Value) {
	for i := 0; i < len(pairs); i += 2 {
		rows = append(rows, []Value{LongOf(int64(pairs[i].(int))), StringOf(pairs[i+1].(string))})
	}
	return rows
}

// The documented walk through of events between Start and Stop.
func TestScanMatchesSequences(t *testing.T) {
	spec := ScanSpec{Types: []Type{Long, String}, MatchID: true, Steps: make([]ScanStepSpec, 3)}
	soon := func(row []Value) bool { return row[0].Int()-row[spec.Column(0, 0)].Int() <= 5 }
	spec.Steps[0].Cond = whether(func(row []Value) bool { return row[1].Str() == "Start" })
	spec.Steps[1].Cond = whether(func(row []Value) bool {
		return row[1].Str() != "Start" && row[1].Str() != "Stop" && soon(row)
	})
	spec.Steps[2].Cond = whether(func(row []Value) bool { return row[1].Str() == "Stop" && soon(row) })
	rows := minutes(0, "A", 1, "Start", 2, "B", 3, "D", 4, "Stop", 6, "C", 8, "Start", 11, "E", 12, "Stop")
	wantRows(t, runRows(t, NewScan(spec), rows), `
1 Start 0
2 B 0
3 D 0
4 Stop 0
8 Start 1
11 E 1
12 Stop 1`)

	spec.Steps[1].Output = "last"
	wantRows(t, runRows(t, NewScan(spec), rows), `
1 Start 0
3 D 0
4 Stop 0
8 Start 1
11 E 1
12 Stop 1`)
}

// The documented sessions: a silent step ends one and lets the next begin.
func TestScanSessions(t *testing.T) {
	spec := ScanSpec{Types: []Type{Long, String}, Declare: []Value{Null(Long)}, MatchID: true, Steps: make([]ScanStepSpec, 2)}
	spec.Steps[0] = ScanStepSpec{
		Cond: whether(func([]Value) bool { return true }),
		Assign: []ScanAssign{{0, func(row []Value) Value {
			if start := row[spec.Column(0, 2)]; !start.IsNull() {
				return start
			}
			return row[0]
		}}},
	}
	spec.Steps[1] = ScanStepSpec{Output: "none", Cond: whether(func(row []Value) bool {
		return row[0].Int()-row[spec.Column(0, 2)].Int() > 30
	})}
	rows := minutes(0, "A", 1, "A", 2, "B", 3, "D", 32, "B", 36, "C", 38, "D", 41, "E", 75, "A")
	wantRows(t, runRows(t, NewScan(spec), rows), `
0 A 0 0
1 A 0 0
2 B 0 0
3 D 0 0
32 B 32 1
36 C 32 1
38 D 32 1
41 E 32 1
75 A 75 2`)
}

// What the engine gave: a declared name alone is its default, behind a step its
// state, and all assignments see the record before.
func TestScanState(t *testing.T) {
	spec := ScanSpec{Types: []Type{Long}, Declare: []Value{LongOf(0), LongOf(1)}, Steps: make([]ScanStepSpec, 1)}
	spec.Steps[0] = ScanStepSpec{Cond: whether(func([]Value) bool { return true }), Assign: []ScanAssign{
		{0, func(row []Value) Value { return row[spec.Column(0, 2)] }},
		{1, func(row []Value) Value { return LongOf(row[spec.Column(0, 1)].Int() + row[0].Int()) }},
	}}
	rows := [][]Value{{LongOf(1)}, {LongOf(2)}, {LongOf(3)}, {LongOf(4)}, {LongOf(5)}}
	wantRows(t, runRows(t, NewScan(spec), rows), "1 1 1\n2 1 3\n3 3 4\n4 4 7\n5 7 9")
	spec.Partition = []Compute{func(row []Value) Value { return LongOf(row[0].Int() % 2) }}
	wantRows(t, runRows(t, NewScan(spec), rows), "1 1 1\n2 1 2\n3 1 4\n4 2 5\n5 4 6")
}

// stations is the graph of Kusto's documentation.
func stations() (GraphSpec, [][]Value) {
	var rows [][]Value
	for _, e := range strings.Split("Central North red,North Central red,Central South red,South Central red,South South-West red,"+
		"South-West South red,South-West West red,West South-West red,Central East blue,East Central blue,Central West blue,West Central blue", ",") {
		f := strings.Fields(e)
		rows = append(rows, []Value{StringOf(f[0]), StringOf(f[1]), StringOf(f[2])})
	}
	return GraphSpec{EdgeTypes: []Type{String, String, String}, From: pickCell(0), To: pickCell(1), NodeTypes: []Type{String}, IDColumn: 0}, rows
}

func isNamed(col int, name string) MatchCondition {
	return MatchCondition{Uses: []int{col}, X: whether(func(row []Value) bool { return row[col].Str() == name })}
}

func TestGraphShortestPaths(t *testing.T) {
	g, rows := stations()
	spec := GraphMatchSpec{Nodes: 2, Shortest: true,
		Edges: []PatternEdge{{Left: 0, Right: 1, Dir: "->", Var: true, Min: 1, Max: 5}},
		Columns: []MatchColumn{{Kind: MatchNode, Element: 0}, {Kind: MatchNode, Element: 1},
			{Kind: MatchMap, Column: 1}, {Kind: MatchMap, Column: 2}},
		Where:   []MatchCondition{isNamed(0, "South-West"), isNamed(1, "North")},
		Project: []Compute{pickCell(0), pickCell(2), pickCell(3), pickCell(1)}}
	run := func() []string {
		op, err := NewGraphMatch(g, spec)
		if err != nil {
			t.Fatal(err)
		}
		return runRows(t, op, rows)
	}
	red := `South-West ["South","Central","North"] ["red","red","red"] North`
	blue := `South-West ["West","Central","North"] ["red","blue","red"] North`
	wantRows(t, run(), red)
	spec.AllPaths = true
	wantRows(t, run(), red+"\n"+blue)
	// The other search must find the same when a condition keeps it from going
	// breadth first.
	spec.Columns = append(spec.Columns, MatchColumn{Kind: MatchLength})
	spec.Where = append(spec.Where, MatchCondition{Uses: []int{4}, X: whether(func(row []Value) bool { return row[4].Int() > 0 })})
	wantRows(t, run(), red+"\n"+blue)
	// Without wifi in the South only the way through the West is left.
	spec.AllPaths = false
	spec.Columns = append(spec.Columns, MatchColumn{Kind: MatchAll, Inner: true, X: whether(func(row []Value) bool { return row[0].Str() != "South" })})
	spec.Where = append(spec.Where, MatchCondition{Uses: []int{5}, Plain: true, X: pickCell(5)})
	wantRows(t, run(), blue)
}

func TestGraphMatchCycles(t *testing.T) {
	g, rows := stations()
	spec := GraphMatchSpec{Nodes: 2, Cycles: "none",
		Edges:   []PatternEdge{{Left: 0, Right: 1, Dir: "->", Var: true, Min: 1, Max: 5}},
		Columns: []MatchColumn{{Kind: MatchNode, Element: 0}, {Kind: MatchNode, Element: 1}, {Kind: MatchMap, Inner: true}},
		Where:   []MatchCondition{isNamed(0, "South-West"), isNamed(1, "East")},
		Project: []Compute{pickCell(2)}}
	op, _ := NewGraphMatch(g, spec)
	wantRows(t, runRows(t, op, rows), `["South","Central"]`+"\n"+`["West","Central"]`)

	// Followed from its right end a path still reads from left to right.
	spec.Edges[0] = PatternEdge{Left: 1, Right: 0, Dir: "<-", Var: true, Min: 1, Max: 5}
	op, _ = NewGraphMatch(g, spec)
	wantRows(t, runRows(t, op, rows), `["Central","South"]`+"\n"+`["Central","West"]`)

	// A triangle closes on one edge each; an edge may not be taken twice.
	tri := GraphSpec{EdgeTypes: []Type{String, String}, From: pickCell(0), To: pickCell(1), NodeTypes: []Type{String}, IDColumn: 0}
	loop := [][]Value{{StringOf("a"), StringOf("b")}, {StringOf("b"), StringOf("a")}}
	count := func(cycles string) int {
		op, err := NewGraphMatch(tri, GraphMatchSpec{Nodes: 2, Cycles: cycles,
			Edges:   []PatternEdge{{Left: 0, Right: 1, Dir: "->", Var: true, Min: 1, Max: 3}},
			Columns: []MatchColumn{{Kind: MatchNode}}, Project: []Compute{pickCell(0)}})
		if err != nil {
			t.Fatal(err)
		}
		return len(runRows(t, op, loop))
	}
	for cycles, want := range map[string]int{"none": 2, "unique_edges": 4, "": 4, "all": 6} {
		if n := count(cycles); n != want {
			t.Errorf("cycles=%q: %d matches, want %d", cycles, n, want)
		}
	}
}

func TestGraphComponentsAndTables(t *testing.T) {
	var rows [][]Value
	for _, e := range strings.Split("Alice Bob,Carol Alice,Carol Dave,Eve Frank,Frank Mallory,Mallory Eve", ",") {
		f := strings.Fields(e)
		rows = append(rows, []Value{StringOf(f[0]), StringOf(f[1])})
	}
	g := GraphSpec{EdgeTypes: []Type{String, String}, From: pickCell(0), To: pickCell(1), NodeTypes: []Type{String, Long}, IDColumn: 0,
		Steps: []GraphTransform{{Components: true, Column: 1}}}
	wantRows(t, runRows(t, NewGraphToTable(g, GraphTableSpec{}), rows),
		"Alice 0\nBob 0\nCarol 0\nDave 0\nEve 1\nFrank 1\nMallory 1")
	g.Steps[0].Strong = true
	wantRows(t, runRows(t, NewGraphToTable(g, GraphTableSpec{}), rows),
		"Alice 0\nBob 1\nCarol 2\nDave 3\nEve 4\nFrank 4\nMallory 4")
	g.Steps = append(g.Steps, GraphTransform{Nodes: whether(func(row []Value) bool { return row[0].Str() != "Alice" })})
	wantRows(t, runRows(t, NewGraphToTable(g, GraphTableSpec{Edges: true}), rows),
		"Carol Dave\nEve Frank\nFrank Mallory\nMallory Eve")
}

// Node tables come first, and an end that none has is there with its id alone.
func TestGraphNodeTables(t *testing.T) {
	g := GraphSpec{EdgeTypes: []Type{String, String}, From: pickCell(0), To: pickCell(1), NodeTypes: []Type{String, Long}, IDColumn: -1,
		Nodes: []GraphNodeTable{{ID: pickCell(0), Columns: []int{0, 1}, IDColumn: 0}}}
	edges := [][]Value{{StringOf("Bob"), StringOf("Alice")}, {StringOf("Eve"), StringOf("Bob")}}
	nodes := [][]Value{{StringOf("Alice"), LongOf(45)}, {StringOf("Bob"), LongOf(35)}, {StringOf("Bob"), LongOf(36)}}
	wantRows(t, runRows(t, NewGraphToTable(g, GraphTableSpec{}), edges, nodes), "Alice 45\nBob 35\nEve null")
}

func TestKeeperIsBounded(t *testing.T) {
	k := newKeeper("scan")
	if err := k.add(keptBytes); err != nil {
		t.Fatal(err)
	}
	if err := k.add(1); !errors.Is(err, ErrTooLarge) || !strings.HasPrefix(fmt.Sprint(err), "scan: ") {
		t.Errorf("an operator that keeps too much ends with %v", err)
	}
}

func texts(list ...string) (rows [][]Value) {
	for _, s := range list {
		rows = append(rows, []Value{StringOf(s)})
	}
	return rows
}

func TestReduce(t *testing.T) {
	var foo, machine []string
	for i := 1; i <= 10; i++ {
		foo = append(foo, fmt.Sprintf("fooZ%d", i))
	}
	for i := range 100 {
		machine = append(machine, fmt.Sprintf("MachineLearningX%d", (i+4)%100))
	}
	spec := ReduceSpec{Text: pickCell(0), Threshold: 0.1}
	wantRows(t, runRows(t, NewReduce(spec), texts(foo...)), "others 10 ")
	spec.Characters = "Z"
	wantRows(t, runRows(t, NewReduce(spec), texts(foo...)), "foo* 10 fooZ1")
	spec.Characters = "X"
	wantRows(t, runRows(t, NewReduce(spec), texts(machine...)), "MachineLearning* 100 MachineLearningX4")
	cities := texts("San Jose", "San Diego", "San Luis Obispo", "Moscow", "Moscow", "")
	spec = ReduceSpec{Text: pickCell(0), Threshold: 0.2}
	wantRows(t, runRows(t, NewReduce(spec), cities), "San * 3 San Jose\nMoscow 2 Moscow\nothers 1 ")
	spec.Source = true
	wantRows(t, runRows(t, NewReduce(spec), cities),
		"San Jose San *\nSan Diego San *\nSan Luis Obispo San *\nMoscow Moscow\nMoscow Moscow\n others")
}

// storms are rows of an event, whether there was damage, and to which half of
// the data they belong.
func storms() (rows [][]Value) {
	add := func(n int, event, damage, half string) {
		for range n {
			rows = append(rows, []Value{StringOf(event), StringOf(damage), StringOf(half)})
		}
	}
	add(60, "Hail", "NO", "A")
	add(10, "Wind", "YES", "A")
	add(10, "Hail", "NO", "B")
	add(20, "Wind", "YES", "B")
	return rows
}

func TestPatterns(t *testing.T) {
	spec := PatternSpec{Types: []Type{String, String, String}, Dims: []int{0, 1}, Weight: -1}
	// Hail is always without damage, so that neither stands alone.
	wantRows(t, runRows(t, NewBasket(BasketSpec{spec, 0.05, 5}), storms()), "0 70 70.0 Hail NO\n1 30 30.0 Wind YES")
	wantRows(t, runRows(t, NewBasket(BasketSpec{spec, 0.5, 5}), storms()), "0 70 70.0 Hail NO")
	wantRows(t, runRows(t, NewAutocluster(AutoclusterSpec{spec, 0.5, 25}), storms()), "0 70 70.0 Hail NO\n1 30 30.0 Wind YES")
	half := func(row []Value) int { return 1 + oneIf(row[2].Str() == "B") }
	got := runRows(t, NewDiffPatterns(DiffSpec{spec, half, 0.05, 0}), storms())
	if len(got) != 2 || !strings.HasPrefix(got[0], "0 60 10 85.71") || !strings.HasSuffix(got[0], " Hail NO") || !strings.HasSuffix(got[1], " Wind YES") {
		t.Errorf("diffpatterns: %q", got)
	}
	spec.Dims = []int{0, 1, 2}
	spec.Wildcards = map[Type]Value{String: StringOf("*")}
	wantRows(t, runRows(t, NewBasket(BasketSpec{spec, 0.6, 5}), storms()),
		"0 70 70.0 Hail NO *\n1 70 70.0 * * A\n2 60 60.0 Hail NO A")
}
