package cql2

import (
	"slices"

	"github.com/peterstace/simplefeatures/geom"
)

// Properties returns the names of the properties that e refers to, each once, in order of appearance.
func Properties(e Expr) []string {
	var names []string
	walk(e, func(n Expr) {
		if p, ok := n.(Property); ok && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	})
	return names
}

// walk calls f for e and for every node below it, parents first.
func walk(e Expr, f func(Expr)) {
	if e == nil {
		return
	}
	f(e)
	switch n := e.(type) {
	case Call:
		for _, a := range n.Args {
			walk(a, f)
		}
	case Array:
		for _, a := range n {
			walk(a, f)
		}
	case Span:
		walk(n.Start, f)
		walk(n.End, f)
	}
}

// Equal reports whether a and b are the same tree. Geometries are the same when their coordinates are.
func Equal(a, b Expr) bool {
	switch x := a.(type) {
	case Call:
		y, ok := b.(Call)
		return ok && x.Op == y.Op && slices.EqualFunc(x.Args, y.Args, Equal)
	case Array:
		y, ok := b.(Array)
		return ok && slices.EqualFunc(x, y, Equal)
	case Span:
		y, ok := b.(Span)
		return ok && Equal(x.Start, y.Start) && Equal(x.End, y.End)
	case Geometry:
		y, ok := b.(Geometry)
		return ok && slices.Equal(x.BBox, y.BBox) && geom.ExactEquals(x.Geom, y.Geom)
	case Timestamp:
		y, ok := b.(Timestamp)
		return ok && x.Time.Equal(y.Time)
	case Date:
		y, ok := b.(Date)
		return ok && x.Time.Equal(y.Time)
	case nil:
		return b == nil
	default: // the comparable ones: Property, Bool, Number, String
		switch b.(type) {
		case Property, Bool, Number, String:
			return a == b
		}
		return false
	}
}

// tooDeep reports whether the tree has more levels than levels.
func tooDeep(e Expr, levels int) bool {
	if e == nil {
		return false
	}
	if levels == 0 {
		return true
	}
	var below []Expr
	switch n := e.(type) {
	case Call:
		below = n.Args
	case Array:
		below = n
	case Span:
		below = []Expr{n.Start, n.End}
	}
	return slices.ContainsFunc(below, func(b Expr) bool { return tooDeep(b, levels-1) })
}
