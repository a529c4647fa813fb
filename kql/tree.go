package kql

// The tree is what was written: names are not resolved and types not known.
// Every node has the span of its text. Names of nodes follow Kusto's grammar.

// Node is any node of the tree.
type Node interface{ Pos() Span }

func (s Span) Pos() Span { return s }

// Query is a whole text: statements separated by ';'.
type Query struct {
	Span
	Source     string
	Statements []Statement
}

// Statement is one of Let, ExprStatement, SetOption, DeclareParameters,
// DeclarePattern, Alias, Restrict.
type Statement interface {
	Node
	statement()
}

type (
	// Name is an identifier as written, without brackets and quotes.
	Name struct {
		Span
		Text   string
		Quoted bool // ['x y'] or ["x y"]
		Wild   bool // contains * : Device*
	}
	// Let is let Name = Value; Value is an Expr, a *FuncDecl or (view) FuncDecl.
	Let struct {
		Span
		Name  Name
		Value Expr
	}
	// ExprStatement is a query or an expression.
	ExprStatement struct {
		Span
		X Expr
	}
	SetOption struct {
		Span
		Name  Name
		Value Expr // nil for a flag
	}
	// DeclareParameters is declare query_parameters(...).
	DeclareParameters struct {
		Span
		Params []ParamDecl
	}
	// DeclarePattern is declare pattern Name = (args)[path] { ("a").["b"] = { body }; ... };
	DeclarePattern struct {
		Span
		Name    Name
		Params  []ParamDecl
		Path    *ParamDecl
		Matches []PatternMatch
	}
	PatternMatch struct {
		Span
		Args []Expr
		Path Expr // nil
		Body *FuncBody
	}
	Alias struct {
		Span
		Name Name
		X    Expr
	}
	Restrict struct {
		Span
		Names []Expr
	}
)

func (*Let) statement()               {}
func (*ExprStatement) statement()     {}
func (*SetOption) statement()         {}
func (*DeclareParameters) statement() {}
func (*DeclarePattern) statement()    {}
func (*Alias) statement()             {}
func (*Restrict) statement()          {}

// Expr is a scalar or a tabular expression; only binding tells which.
type Expr interface {
	Node
	expr()
}

type (
	// Literal is a constant: 1, "x", 1d, datetime(...), true, dynamic([...]),
	// int(null). Text is the text inside the parentheses or the literal itself.
	Literal struct {
		Span
		Value Value
		// Bad is set for a literal such as datetime(xyz) that Kusto takes as null.
		Text string
	}
	// NameRef is a name where a value or a table is asked for.
	NameRef struct{ Name }
	// Path is X.Name or X.['name'] .
	Path struct {
		Span
		X    Expr
		Name Name
	}
	// Element is X[Index].
	Element struct {
		Span
		X, Index Expr
	}
	// CallExpr is Name(Args...). X is set for database("d").f() and the like:
	// a path before the call.
	CallExpr struct {
		Span
		X    Expr // nil
		Name Name
		Args []Expr
	}
	// Unary is -x or +x.
	Unary struct {
		Span
		Op string
		X  Expr
	}
	// Binary is X Op Y; Op is the canonical spelling: + - * / % and or == != <
	// <= > >= =~ !~ has !has has_cs !has_cs hasprefix hassuffix contains
	// contains_cs startswith endswith (and their ! and _cs forms), "matches
	// regex", ":", like; the legacy <> and notcontains are folded to != and
	// !contains. A chain such as a or b or c ... is deep on its left side, as deep
	// as the source is long: walks follow X in a loop, not by recursion.
	Binary struct {
		Span
		Op     string
		OpSpan Span
		X, Y   Expr
	}
	// In is X in (...), and !in, in~, !in~, has_any, has_all. List holds the
	// items; one that is a table or a dynamic is known at binding.
	In struct {
		Span
		Op     string
		OpSpan Span
		X      Expr
		List   []Expr
	}
	// Between is X between (Lo .. Hi) or !between.
	Between struct {
		Span
		Not       bool
		X, Lo, Hi Expr
	}
	// Paren is (X).
	Paren struct {
		Span
		X Expr
	}
	// Named is Name = X, or (a, b) = X, among the columns of an operator or the
	// arguments of a call.
	Named struct {
		Span
		Names []Name
		Tuple bool // written in parentheses
		X     Expr
	}
	// Star is * as an argument or a column.
	Star struct{ Span }
	// TypeOf is typeof(type) or typeof(schema).
	TypeOf struct {
		Span
		Type    Name
		Columns []ColumnDecl // of a schema; Star set when it starts with *
		Star    bool
	}
	// Pipe is a tabular expression: Source | Op | Op.
	Pipe struct {
		Span
		Source Expr // nil when the pipeline is only operators (mv-apply, fork, partition)
		Ops    []Operator
	}
	// DataTable is datatable (cols) [values].
	DataTable struct {
		Span
		Columns []ColumnDecl
		Values  []Expr
	}
	// ExternalData is externaldata (cols) [uris] with (props).
	ExternalData struct {
		Span
		Columns []ColumnDecl
		URIs    []Expr
		Props   []Property
	}
	// FuncDecl is (params) { body }, of a let.
	FuncDecl struct {
		Span
		View   bool
		Params []ParamDecl
		Body   *FuncBody
	}

	Missing struct{ Span } // stands where the parser found nothing; already reported
)

func (*Literal) expr()      {}
func (*NameRef) expr()      {}
func (*Path) expr()         {}
func (*Element) expr()      {}
func (*CallExpr) expr()     {}
func (*Unary) expr()        {}
func (*Binary) expr()       {}
func (*In) expr()           {}
func (*Between) expr()      {}
func (*Paren) expr()        {}
func (*Named) expr()        {}
func (*Star) expr()         {}
func (*TypeOf) expr()       {}
func (*Pipe) expr()         {}
func (*DataTable) expr()    {}
func (*ExternalData) expr() {}
func (*FuncDecl) expr()     {}
func (*Missing) expr()      {}

type (
	// FuncBody is { statements }; the last one is the result.
	FuncBody struct {
		Span
		Statements []Statement
	}
	// ParamDecl is name:type = default, or name:(col:type, ...), or name:(*).
	ParamDecl struct {
		Span
		Name    Name
		Type    Name         // empty for a table
		Table   bool         // a tabular parameter
		Star    bool         // (*) : any columns
		Columns []ColumnDecl // of a tabular parameter
		Default Expr         // nil
	}
	ColumnDecl struct {
		Span
		Name Name
		Type Name
	}
	// Property is name = value before or after an operator's arguments: kind=,
	// hint.strategy=, with_itemindex=, isfuzzy=, withsource=, bagexpansion=.
	// Names keep their dots.
	Property struct {
		Span
		Name  Name
		Value Expr // a name is a *NameRef, a literal a *Literal
		// List is all names of a list of columns such as ycolumns=a, b, of which
		// Value is the first; nil for one.
		List []Name
	}
)

// Operator is one step of a pipe. Keyword is the canonical one: filter is
// where, limit is take, order is sort, mvexpand is mv-expand.
type Operator interface {
	Node
	operator()
}

// OrderKey is X asc|desc nulls first|last. Asc and Nulls are "" when not said.
type OrderKey struct {
	Span
	X     Expr
	Dir   string // "asc", "desc", ""
	Nulls string // "first", "last", ""
}

type (
	WhereOp struct {
		Span
		Props []Property
		X     Expr
	}
	ExtendOp struct {
		Span
		Cols []Expr
	}
	// ProjectOp is project, project-away, project-keep, project-rename,
	// project-by-names, project-smart: Kind is the word after the hyphen, ""
	// for project.
	ProjectOp struct {
		Span
		Kind string
		Cols []Expr
	}
	// ReorderOp is project-reorder; a key may be a wild NameRef with asc, desc,
	// granny-asc or granny-desc in Dir.
	ReorderOp struct {
		Span
		Keys []OrderKey
	}
	SummarizeOp struct {
		Span
		Props []Property
		Aggs  []Expr
		By    []Expr
		HasBy bool
	}
	DistinctOp struct {
		Span
		Props []Property
		Cols  []Expr // a *Star for *
	}
	SortOp struct {
		Span
		Props []Property
		Keys  []OrderKey
	}
	TakeOp struct {
		Span
		Props []Property
		N     Expr
	}
	SampleOp struct {
		Span
		N        Expr
		Distinct Expr // of sample-distinct N of X; nil for sample
	}
	TopOp struct {
		Span
		Props  []Property
		N      Expr
		Keys   []OrderKey
		Others Expr // with others = X ; nil
	}
	// TopNestedOp is one or more levels.
	TopNestedOp struct {
		Span
		Levels []TopNestedLevel
	}
	TopNestedLevel struct {
		Span
		N      Expr // nil: all
		Of     Expr
		Others Expr // nil
		By     Expr // the aggregate, may be Named
		Dir    string
		Nulls  string // "first", "last", ""
	}
	// TopHittersOp is top-hitters N of X by Y.
	TopHittersOp struct {
		Span
		N, Of, By Expr // By may be nil
	}
	CountOp struct {
		Span
		As *Name // count as Name; nil
	}
	// JoinOp is join and lookup. On holds names, $left.a == $right.b, or
	// expressions joined by and.
	JoinOp struct {
		Span
		Lookup bool
		Props  []Property // kind=, hint.*
		Right  Expr
		On     []Expr
	}
	UnionOp struct {
		Span
		Props  []Property
		Tables []Expr
	}
	MvExpandOp struct {
		Span
		Props []Property
		Cols  []MvColumn
		Limit Expr
	}
	MvColumn struct {
		Span
		X  Expr // may be Named
		To *TypeOf
	}
	MvApplyOp struct {
		Span
		Props []Property
		Cols  []MvColumn
		Limit Expr
		ID    *Name // id
		Sub   *Pipe // Source nil
	}
	// ParseOp is parse and parse-where.
	ParseOp struct {
		Span
		Where   bool
		Props   []Property // kind=, flags=
		X       Expr
		Pattern []ParsePart
	}
	// ParsePart is a *, a text or a column.
	ParsePart struct {
		Span
		Star   bool
		Text   Expr // a string literal; nil
		Column *ColumnDecl
	}
	// ParseKvOp is parse-kv X as (cols) with (props).
	ParseKvOp struct {
		Span
		X       Expr
		Columns []ColumnDecl
		Props   []Property
	}
	MakeSeriesOp struct {
		Span
		Props    []Property
		Series   []MakeSeriesAgg
		On       Expr // may be Named
		From, To Expr // nil
		Step     Expr
		Range    []Expr // of the older "in range(from, to, step)"; nil
		By       []Expr
	}
	MakeSeriesAgg struct {
		Span
		X       Expr // may be Named
		Default Expr // nil
	}
	SerializeOp struct {
		Span
		Cols []Expr
	}
	// RangeOp is the source range X from A to B step C.
	RangeOp struct {
		Span
		Name           Name
		From, To, Step Expr
	}
	// PrintOp is the source print a, b=c.
	PrintOp struct {
		Span
		Cols []Expr
	}
	// SearchOp is search kind=... in (tables) predicate; a source or a step.
	SearchOp struct {
		Span
		Props  []Property
		Tables []Expr
		X      Expr
	}
	// FindOp is find ... in (tables) where X project ...; a source.
	FindOp struct {
		Span
		Props   []Property // withsource=, datascope=
		Tables  []Expr
		X       Expr
		Project []Expr // nil; a ColumnDecl:type is Named with a TypeOf ; pack(*) a CallExpr
		Smart   bool
		Away    []Expr
	}
	RenderOp struct {
		Span
		Chart string
		Props []Property
	}
	// EvaluateOp is evaluate plugin(args) : schema. As a source too.
	EvaluateOp struct {
		Span
		Props  []Property
		Call   *CallExpr
		Schema *TypeOf // nil
	}
	InvokeOp struct {
		Span
		Call *CallExpr
	}
	AsOp struct {
		Span
		Props []Property
		Name  Name
	}
	GetSchemaOp struct {
		Span
		Kind string
	}
	ConsumeOp struct {
		Span
		Props []Property
	}
	ReduceOp struct {
		Span
		Props []Property // kind=, threshold=, characters= of "with"
		X     Expr
		With  []Property
	}
	// ForkOp is fork name=(subquery) ...
	ForkOp struct {
		Span
		Branches []ForkBranch
	}
	ForkBranch struct {
		Span
		Name *Name
		Sub  *Pipe
	}
	FacetOp struct {
		Span
		By   []Expr
		With *Pipe // nil
	}
	// PartitionOp is partition hint.strategy=... by X (subquery) or { query }.
	PartitionOp struct {
		Span
		Props []Property
		By    Expr
		Scope Expr  // of partition by X in (...); nil
		Sub   *Pipe // Source nil, or a whole query for the legacy { }
		// Braces tells the legacy form { query }.
		Braces bool
	}
	ScanOp struct {
		Span
		Props       []Property // with_match_id=
		OrderBy     []OrderKey
		PartitionBy []Expr
		Declare     []ParamDecl
		Steps       []ScanStep
	}
	ScanStep struct {
		Span
		Name     Name
		Optional bool
		Output   string // "all", "last", "none", ""
		Cond     Expr
		Assign   []Expr // Named
	}
	AssertSchemaOp struct {
		Span
		Columns []ColumnDecl
	}
	// SampleDistinct, top-hitters and the like have nodes of their own above.
	// MakeGraphOp and those below are the graph operators.
	MakeGraphOp struct {
		Span
		Props       []Property
		From, To    Expr
		Dir         string // "-->" , "--"
		Nodes       []GraphNodes
		WithNodeID  *Name
		PartitionBy Expr
		Sub         *Pipe
	}
	GraphNodes struct {
		Span
		Table Expr
		On    Expr
	}
	// GraphMatchOp is graph-match and graph-shortest-paths (Shortest).
	GraphMatchOp struct {
		Span
		Shortest bool
		Props    []Property
		Patterns [][]GraphStep
		Where    Expr
		Project  []Expr
	}
	// GraphStep is a node (a) or an edge -[e]->, <-[e*1..3]-, --.
	GraphStep struct {
		Span
		Edge     bool
		Name     *Name
		Dir      string // "->", "<-", "--"
		Var      bool   // has a range
		Min, Max Expr
	}
	GraphMarkComponentsOp struct {
		Span
		Props []Property // kind=, with_component_id=
	}
	GraphToTableOp struct {
		Span
		Outputs []GraphOutput
	}
	GraphOutput struct {
		Span
		Entity string // nodes, edges
		As     *Name
		Props  []Property
	}
	GraphWhereOp struct {
		Span
		Nodes bool
		X     Expr
	}
)

func (*WhereOp) operator()               {}
func (*ExtendOp) operator()              {}
func (*ProjectOp) operator()             {}
func (*ReorderOp) operator()             {}
func (*SummarizeOp) operator()           {}
func (*DistinctOp) operator()            {}
func (*SortOp) operator()                {}
func (*TakeOp) operator()                {}
func (*SampleOp) operator()              {}
func (*TopOp) operator()                 {}
func (*TopNestedOp) operator()           {}
func (*TopHittersOp) operator()          {}
func (*CountOp) operator()               {}
func (*JoinOp) operator()                {}
func (*UnionOp) operator()               {}
func (*MvExpandOp) operator()            {}
func (*MvApplyOp) operator()             {}
func (*ParseOp) operator()               {}
func (*ParseKvOp) operator()             {}
func (*MakeSeriesOp) operator()          {}
func (*SerializeOp) operator()           {}
func (*RangeOp) operator()               {}
func (*PrintOp) operator()               {}
func (*SearchOp) operator()              {}
func (*FindOp) operator()                {}
func (*RenderOp) operator()              {}
func (*EvaluateOp) operator()            {}
func (*InvokeOp) operator()              {}
func (*AsOp) operator()                  {}
func (*GetSchemaOp) operator()           {}
func (*ConsumeOp) operator()             {}
func (*ReduceOp) operator()              {}
func (*ForkOp) operator()                {}
func (*FacetOp) operator()               {}
func (*PartitionOp) operator()           {}
func (*ScanOp) operator()                {}
func (*AssertSchemaOp) operator()        {}
func (*MakeGraphOp) operator()           {}
func (*GraphMatchOp) operator()          {}
func (*GraphMarkComponentsOp) operator() {}
func (*GraphToTableOp) operator()        {}
func (*GraphWhereOp) operator()          {}
