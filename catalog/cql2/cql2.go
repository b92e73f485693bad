// Package cql2 is the Common Query Language of OGC 21-065r2: one syntax tree, text and JSON in and out, and
// evaluation in memory.
//
// It knows nothing of STAC: properties are resolved by the caller. What must not be here: SQL and HTTP.
package cql2

import (
	"time"

	"github.com/peterstace/simplefeatures/geom"
)

// Expr is a node of the tree: one of the types of this file.
type Expr interface{ isExpr() }

// Call is an operator or a function with its arguments, named as in CQL2 JSON (§ 6 to 8): and, or, not, =, <>, <,
// >, <=, >=, like, between, in, isNull, casei, accenti, +, -, *, /, %, div, ^, s_*, t_*, a_*, or a function's name.
type Call struct {
	Op   string
	Args []Expr
}

// Property refers to a property of the item.
type Property struct{ Name string }

// Literals.
type (
	Bool   bool
	Number float64
	String string
	// Timestamp is an instant in UTC.
	Timestamp struct{ Time time.Time }
	// Date is a whole day in UTC.
	Date struct{ Time time.Time }
	// Span is INTERVAL(start, end): each end is a Timestamp, a Date, a Property or nil for "..".
	Span struct{ Start, End Expr }
	// Geometry is a spatial literal in lon/lat degrees.
	Geometry struct{ Geom geom.Geometry }
	// Array is a list of scalar or array expressions.
	Array []Expr
)

func (Call) isExpr()      {}
func (Property) isExpr()  {}
func (Bool) isExpr()      {}
func (Number) isExpr()    {}
func (String) isExpr()    {}
func (Timestamp) isExpr() {}
func (Date) isExpr()      {}
func (Span) isExpr()      {}
func (Geometry) isExpr()  {}
func (Array) isExpr()     {}
