package cql2

import (
	"slices"
	"time"

	"github.com/peterstace/simplefeatures/geom"
)

// end is one end of a span: a day, an instant, or infinite before (-1) or after (1) everything.
type end struct {
	t        time.Time
	day      bool
	infinite int
}

type span struct{ start, end end }

func openEnd(t time.Time, infinite int) end {
	if t.IsZero() {
		return end{infinite: infinite}
	}
	return end{t: t}
}

// compareEnds compares at the coarser granularity of the two.
func compareEnds(a, b end) int {
	if a.infinite != 0 || b.infinite != 0 {
		return a.infinite - b.infinite
	}
	x, y := a.t, b.t
	if a.day || b.day {
		x, y = midnight(x), midnight(y)
	}
	return x.Compare(y)
}

func midnight(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func isTime(v any) bool {
	switch v.(type) {
	case time.Time, day:
		return true
	}
	return false
}

// toEnd reads an instant, a date, or a string that holds one.
func toEnd(v any) (end, bool) {
	switch x := v.(type) {
	case time.Time:
		return end{t: x}, true
	case day:
		return end{t: x.Time, day: true}, true
	case string:
		if e, err := parseInstant(x); err == nil {
			return literalEnd(e)
		}
	}
	return end{}, false
}

func literalEnd(e Expr) (end, bool) {
	switch n := e.(type) {
	case Timestamp:
		return end{t: n.Time}, true
	case Date:
		return end{t: n.Time, day: true}, true
	}
	return end{}, false
}

func evalSpan(s Span, r Resolver) (any, error) {
	ends := [2]end{{infinite: -1}, {infinite: 1}}
	for i, e := range [...]Expr{s.Start, s.End} {
		if e == nil {
			continue
		}
		v, err := eval(e, r)
		if err != nil {
			return nil, err
		}
		var ok bool
		if ends[i], ok = toEnd(v); !ok {
			return nil, nil
		}
	}
	return span{ends[0], ends[1]}, nil
}

// temporal applies f to two spans, an instant being one with the same end twice; unknown where either is no time.
func temporal(f func(a, b span) bool, a, b any) any {
	x, ok1 := toSpan(a)
	y, ok2 := toSpan(b)
	if !ok1 || !ok2 {
		return nil
	}
	return f(x, y)
}

func toSpan(v any) (span, bool) {
	if s, ok := v.(span); ok {
		return s, true
	}
	e, ok := toEnd(v)
	return span{e, e}, ok
}

// temporalOps follows table 14 of OGC 21-065r2, where start and end are those of the first and the second operand.
var temporalOps = map[string]func(a, b span) bool{
	"t_after":      func(a, b span) bool { return compareEnds(a.start, b.end) > 0 },
	"t_before":     func(a, b span) bool { return compareEnds(a.end, b.start) < 0 },
	"t_contains":   func(a, b span) bool { return compareEnds(a.start, b.start) < 0 && compareEnds(a.end, b.end) > 0 },
	"t_disjoint":   func(a, b span) bool { return !spansMeet(a, b) },
	"t_during":     func(a, b span) bool { return compareEnds(a.start, b.start) > 0 && compareEnds(a.end, b.end) < 0 },
	"t_equals":     func(a, b span) bool { return compareEnds(a.start, b.start) == 0 && compareEnds(a.end, b.end) == 0 },
	"t_finishedBy": func(a, b span) bool { return compareEnds(a.start, b.start) < 0 && compareEnds(a.end, b.end) == 0 },
	"t_finishes":   func(a, b span) bool { return compareEnds(a.start, b.start) > 0 && compareEnds(a.end, b.end) == 0 },
	"t_intersects": spansMeet,
	"t_meets":      func(a, b span) bool { return compareEnds(a.end, b.start) == 0 },
	"t_metBy":      func(a, b span) bool { return compareEnds(a.start, b.end) == 0 },
	"t_overlappedBy": func(a, b span) bool {
		return compareEnds(a.start, b.start) > 0 && compareEnds(a.start, b.end) < 0 && compareEnds(a.end, b.end) > 0
	},
	"t_overlaps": func(a, b span) bool {
		return compareEnds(a.start, b.start) < 0 && compareEnds(a.end, b.start) > 0 && compareEnds(a.end, b.end) < 0
	},
	"t_startedBy": func(a, b span) bool { return compareEnds(a.start, b.start) == 0 && compareEnds(a.end, b.end) > 0 },
	"t_starts":    func(a, b span) bool { return compareEnds(a.start, b.start) == 0 && compareEnds(a.end, b.end) < 0 },
}

func spansMeet(a, b span) bool {
	return compareEnds(a.start, b.end) <= 0 && compareEnds(a.end, b.start) >= 0
}

// spatialOps holds the predicates of simplefeatures; their names are those of OGC 06-103r4.
var spatialOps = map[string]func(a, b geom.Geometry) (bool, error){
	"s_intersects": func(a, b geom.Geometry) (bool, error) { return geom.Intersects(a, b), nil },
	"s_disjoint":   geom.Disjoint,
	"s_within":     geom.Within,
	"s_contains":   geom.Contains,
	"s_equals":     geom.Equals,
	"s_touches":    geom.Touches,
	"s_crosses":    geom.Crosses,
	"s_overlaps":   geom.Overlaps,
}

// spatial applies f; unknown where an operand is no geometry, or where the geometry engine gives up on an invalid one.
func spatial(f func(a, b geom.Geometry) (bool, error), a, b any) (v any) {
	x, ok1 := a.(geom.Geometry)
	y, ok2 := b.(geom.Geometry)
	if !ok1 || !ok2 {
		return nil
	}
	defer func() {
		if recover() != nil {
			v = nil
		}
	}()
	ok, err := f(x, y)
	if err != nil {
		return nil
	}
	return ok
}

var arrayOps = map[string]func(a, b []any) bool{
	"a_equals":      func(a, b []any) bool { return slices.EqualFunc(a, b, sameValue) },
	"a_contains":    func(a, b []any) bool { return holdsAll(a, b) },
	"a_containedBy": func(a, b []any) bool { return holdsAll(b, a) },
	"a_overlaps": func(a, b []any) bool {
		return slices.ContainsFunc(b, func(v any) bool { return holds(a, v) })
	},
}

func holds(list []any, v any) bool {
	return slices.ContainsFunc(list, func(e any) bool { return sameValue(e, v) })
}

func holdsAll(list, all []any) bool {
	return !slices.ContainsFunc(all, func(v any) bool { return !holds(list, v) })
}

// sameValue compares two elements of arrays.
func sameValue(a, b any) bool {
	switch x := a.(type) {
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, sameValue)
	case span:
		y, ok := b.(span)
		return ok && compareEnds(x.start, y.start) == 0 && compareEnds(x.end, y.end) == 0
	case geom.Geometry:
		y, ok := b.(geom.Geometry)
		return ok && geom.ExactEquals(x, y)
	}
	c, ok := compare(a, b)
	return ok && c == 0
}
