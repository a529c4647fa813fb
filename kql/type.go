package kql

import "strings"

// Type is one of Kusto's scalar types.
type Type uint8

// The scalar types. Unknown is the type of an expression that did not bind, or
// of a column whose schema only the data knows; it takes part in every overload.
const (
	Unknown Type = iota
	Bool
	Int      // 32 bits
	Long     // 64 bits
	Real     // IEEE 754 double
	Decimal  // 34 significant digits
	String   // never null
	DateTime // ticks of 100 ns since 0001-01-01, UTC
	TimeSpan // ticks of 100 ns
	Guid
	Dynamic // JSON
)

var typeNames = [...]string{"unknown", "bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic"}

// String is the type's canonical name, as getschema prints it in ColumnType.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "unknown"
}

// ParseType knows every spelling that a declaration may use, as Kusto's docs
// and older queries have them. Names are case-sensitive.
func ParseType(name string) (Type, bool) {
	switch name {
	case "bool", "boolean":
		return Bool, true
	case "int", "int32", "uint", "uint32", "int8", "uint8", "int16", "uint16":
		return Int, true
	case "long", "int64", "ulong", "uint64":
		return Long, true
	case "real", "double", "float":
		return Real, true
	case "decimal":
		return Decimal, true
	case "string":
		return String, true
	case "datetime", "date":
		return DateTime, true
	case "timespan", "time":
		return TimeSpan, true
	case "guid", "uuid", "uniqueid":
		return Guid, true
	case "dynamic":
		return Dynamic, true
	}
	return Unknown, false
}

// TypeSet is a set of types, of a parameter of a function.
type TypeSet uint16

// SetOf is the set of the given types.
func SetOf(types ...Type) TypeSet {
	var s TypeSet
	for _, t := range types {
		s |= 1 << t
	}
	return s
}

// Sets that parameters are declared with, named as Kusto's documentation and
// its language service name them.
const (
	AnyInteger TypeSet = 1<<Int | 1<<Long
	AnyReal    TypeSet = 1<<Real | 1<<Decimal
	AnyNumber  TypeSet = AnyInteger | AnyReal
	Summable   TypeSet = AnyNumber | 1<<TimeSpan | 1<<DateTime
	Orderable  TypeSet = AnyScalar &^ (1 << Dynamic)
	AnyScalar  TypeSet = 1<<(Dynamic+1) - 2
)

// Has tells whether t is in the set. Unknown is in every set.
func (s TypeSet) Has(t Type) bool { return t == Unknown || s&(1<<t) != 0 }

// String lists the types, as error messages print them.
func (s TypeSet) String() string {
	var names []string
	for t := Bool; t <= Dynamic; t++ {
		if s&(1<<t) != 0 {
			names = append(names, t.String())
		}
	}
	return strings.Join(names, " or ")
}

// Numeric tells whether t is int, long, real or decimal.
func (t Type) Numeric() bool { return t >= Int && t <= Decimal }

// Widest is the type that arithmetic on a and b gives when both are numbers:
// decimal before real before long before int. Unknown when they have none.
func Widest(a, b Type) Type {
	switch {
	case a == Unknown:
		return b
	case b == Unknown || a == b:
		return a
	case a.Numeric() && b.Numeric():
		return max(a, b)
	}
	return Unknown
}
