package tocsin

// Query asks for a page of incidents or alerts. Fields are Graph property
// names; which of them a noun allows is an allowlist of the store, and an
// unknown one is an error of CodeInvalid, never ignored.
type Query struct {
	Filter Filter // nil: everything
	// Search matches name, id and entity names, ignoring case.
	Search  string
	OrderBy []Order // empty: newest first
	Top     int     // 0: the noun's default
	Skip    int
	Count   bool // also count all matches
	Expand  []string
}

// Order is one sort key.
type Order struct {
	Field string
	Desc  bool
}

// FacetCount is a value of a property and how many things have it.
type FacetCount struct {
	Value string `json:"value"` // "" for none: nobody assigned
	Count int64  `json:"count"`
}

// Filter is a node of the filter tree: And, Or, Not, Compare, In or Any.
type Filter interface{ filter() }

type (
	And []Filter
	Or  []Filter
	Not struct{ Filter Filter }
	// Compare tests one property. Value is string, int64, float64, bool,
	// time.Time or nil.
	Compare struct {
		Field string
		Op    CompareOp
		Value any
	}
	// In is true when the property equals one of the values.
	In struct {
		Field  string
		Values []any
	}
	// Any is true when one element of a collection property satisfies the
	// comparison (OData's any()).
	Any struct {
		Field string
		Op    CompareOp
		Value any
	}
)

// CompareOp is an OData comparison or string function.
type CompareOp string

const (
	Eq         CompareOp = "eq"
	Ne         CompareOp = "ne"
	Lt         CompareOp = "lt"
	Le         CompareOp = "le"
	Gt         CompareOp = "gt"
	Ge         CompareOp = "ge"
	Contains   CompareOp = "contains"
	StartsWith CompareOp = "startswith"
	EndsWith   CompareOp = "endswith"
)

func (And) filter()     {}
func (Or) filter()      {}
func (Not) filter()     {}
func (Compare) filter() {}
func (In) filter()      {}
func (Any) filter()     {}
