package catalog

import (
	"slices"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// Question returns q without what doesn't change which items it asks for: the form in which coverage is recorded.
func (q Query) Question() Query {
	q.Limit, q.Cursor, q.Sort, q.CountUpTo = 0, "", nil, 0
	q.Collections = slices.Compact(slices.Sorted(slices.Values(q.Collections)))
	q.IDs = slices.Compact(slices.Sorted(slices.Values(q.IDs)))
	if area, ok := geo.Normalize(q.Area); ok {
		q.Area = area
	}
	return q
}

// LocalOrigin says how far the recorded coverages answer a question: whether together they hold all of it, as of when,
// and what is missing otherwise. A collection counts as held when one coverage holds it, or several whose times adjoin.
func LocalOrigin(q Query, known []Coverage) Origin {
	q = q.Question()
	o := Origin{Kind: OriginLocal}
	collections := q.Collections
	if len(collections) == 0 {
		collections = []CollectionID{""} // stands for "all of them"; only a query without collections holds it
	}
	all, nothing := true, true
	for _, id := range collections {
		h := heldOf(q, id, known)
		all = all && h.complete
		nothing = nothing && h.nothing
		if !h.asOf.IsZero() && (o.AsOf.IsZero() || h.asOf.Before(o.AsOf)) {
			o.AsOf = h.asOf
		}
		if h.nothing && id != "" {
			o.Missing.Collections = append(o.Missing.Collections, id)
		}
		o.Missing.Area = o.Missing.Area || h.missing.area
		o.Missing.Time = o.Missing.Time || h.missing.time
		o.Missing.Filter = o.Missing.Filter || h.missing.filter
		o.Missing.Pages = o.Missing.Pages || h.missing.pages
	}
	o.Complete = all
	o.Missing.Everything = nothing
	if nothing {
		o.AsOf = time.Time{}
	}
	return o
}

// held says what is known of one collection for a question.
type held struct {
	complete, nothing bool
	asOf              time.Time
	missing           lack
}

// lack names the ways in which a coverage falls short of a question.
type lack struct{ area, time, filter, pages bool }

func heldOf(q Query, id CollectionID, known []Coverage) held {
	var spans []Coverage // complete but for their time
	best := held{nothing: true}
	score := -1
	for _, c := range known {
		if (len(c.Query.Collections) > 0 && !slices.Contains(c.Query.Collections, id)) || !touches(c.Query, q) {
			continue
		}
		m := lacks(c, q)
		h := held{complete: m == lack{}, asOf: c.At, missing: m}
		s := scoreOf(m)
		if s > score || (s == score && c.At.After(best.asOf)) {
			best, score = h, s
		}
		if m.time = false; m == (lack{}) {
			spans = append(spans, c)
		}
	}
	if !best.complete {
		if asOf, ok := spansHold(spans, q.Time); ok {
			return held{complete: true, asOf: asOf}
		}
	}
	return best
}

// touches reports whether a coverage can hold any of the question.
func touches(c, q Query) bool {
	return c.Time.Intersects(q.Time) && (c.Area.IsEmpty() || q.Area.IsEmpty() || geo.Intersects(c.Area, q.Area))
}

// lacks compares a coverage with a question.
func lacks(c Coverage, q Query) lack {
	return lack{
		area:   !c.Query.Area.IsEmpty() && !areaHolds(c.Query.Area, q.Area),
		time:   !c.Query.Time.Contains(q.Time),
		filter: !filterHolds(c.Query, q),
		pages:  !c.Complete,
	}
}

func scoreOf(m lack) int {
	s := 4
	for _, lacking := range []bool{m.area, m.time, m.filter, m.pages} {
		if lacking {
			s--
		}
	}
	return s
}

func areaHolds(outer, inner geom.Geometry) bool {
	return geom.ExactEquals(outer, inner) || geo.Contains(outer, inner)
}

// filterHolds reports whether everything that q's filter, text and ids let through, c's let through as well.
func filterHolds(c, q Query) bool {
	if len(c.IDs) > 0 && (len(q.IDs) == 0 || !subset(q.IDs, c.IDs)) {
		return false
	}
	if !subset(Words(c.Text), Words(q.Text)) {
		return false
	}
	have := conjuncts(q.Filter)
	for _, need := range conjuncts(c.Filter) {
		if !slices.ContainsFunc(have, func(e cql2.Expr) bool { return cql2.Equal(e, need) }) {
			return false
		}
	}
	return true
}

func subset[T comparable](small, big []T) bool {
	return !slices.ContainsFunc(small, func(v T) bool { return !slices.Contains(big, v) })
}

// conjuncts returns the conditions that all must hold for e to hold.
func conjuncts(e cql2.Expr) []cql2.Expr {
	if e == nil {
		return nil
	}
	if c, ok := e.(cql2.Call); ok && c.Op == "and" {
		var all []cql2.Expr
		for _, a := range c.Args {
			all = append(all, conjuncts(a)...)
		}
		return all
	}
	return []cql2.Expr{e}
}

// spansHold reports whether the times of some coverages together hold t, and the oldest that is needed for it.
// Times of items have whole microseconds, so that spans one microsecond apart adjoin.
func spansHold(cs []Coverage, t Interval) (time.Time, bool) {
	slices.SortFunc(cs, func(a, b Coverage) int { return a.Query.Time.Start.Compare(b.Query.Time.Start) })
	var oldest time.Time
	reached := t.Start // everything before it is held
	open := t.Start.IsZero()
	for len(cs) > 0 {
		var next *Coverage
		for i := range cs {
			s := cs[i].Query.Time
			adjoins := s.Start.IsZero() || (!open && !s.Start.After(reached.Add(time.Microsecond)))
			if adjoins && (next == nil || next.Query.Time.End.Before(s.End) || s.End.IsZero()) {
				next = &cs[i]
			}
		}
		if next == nil {
			return time.Time{}, false
		}
		end := next.Query.Time.End
		if !end.IsZero() && !open && !end.After(reached) {
			return time.Time{}, false
		}
		if oldest.IsZero() || next.At.Before(oldest) {
			oldest = next.At
		}
		if end.IsZero() || (!t.End.IsZero() && !end.Before(t.End)) {
			return oldest, true
		}
		reached, open = end, false
	}
	return time.Time{}, false
}
