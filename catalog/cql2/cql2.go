// Package cql2 is the Common Query Language of OGC 21-065r2: one syntax tree, text and JSON in and out, and
// evaluation in memory.
//
// It knows nothing of STAC: properties are resolved by the caller. What must not be here: SQL and HTTP.
//
// ParseText and ParseJSON make trees, Text and JSON print them, Eval says whether one holds. Whoever translates
// a tree into another language (SQL) must give the answers of Eval, whose comment states the rules.
package cql2

import (
	"time"

	"github.com/peterstace/simplefeatures/geom"
)

// Expr is a node of the tree: one of the types of this file.
type Expr interface{ isExpr() }

// Call is an operator or a function with its arguments, named as in CQL2 JSON (§ 6 to 8): and, or, not, =, <>, <,
// >, <=, >=, like, between, in, isNull, casei, accenti, +, -, *, /, %, div, ^, s_*, t_*, a_*, or a function's name.
// The parsers give and and or two or more arguments, between three (value, low, high), and in two (value, Array).
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
	// Date is a whole day in UTC; Time is its midnight.
	Date struct{ Time time.Time }
	// Span is INTERVAL(start, end): each end is a Timestamp, a Date, a Property, a function's Call, or nil for "..".
	Span struct{ Start, End Expr }
	// Geometry is a spatial literal in lon/lat degrees.
	Geometry struct {
		Geom geom.Geometry
		// BBox holds the four or six numbers of a literal that was written as a box, else nil. Geom is that box.
		BBox []float64
	}
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

// Resolver gives the values of one item's properties.
type Resolver interface {
	// Value returns nil for a property that is null or that the item lacks, else a bool, float64, string,
	// time.Time, Period, geom.Geometry, or []any of such values.
	Value(name string) any
}

// Period is the value of a property that lasts: a closed span in UTC. A zero Start or End is open.
type Period struct{ Start, End time.Time }

// ResolverFunc makes a function a Resolver.
type ResolverFunc func(name string) any

// Value calls f.
func (f ResolverFunc) Value(name string) any { return f(name) }
