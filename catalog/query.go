package catalog

import (
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
)

// MaxLimit is the most items that one page holds; DefaultLimit is what a query with Limit 0 gets.
const (
	MaxLimit     = 10_000
	DefaultLimit = 10
)

// Query asks for items. The zero value asks for everything, newest first.
type Query struct {
	// Collections limits the answer to these; empty means all.
	Collections []CollectionID
	// IDs limits the answer to items with these ids, in whichever collection; empty means all.
	IDs []ItemID
	// Area limits the answer to items whose footprint intersects it: lon/lat degrees (OGC:CRS84). An empty geometry
	// means everywhere; items with a null geometry match only then. A box over the antimeridian is a
	// multipolygon (geo.BBox.Geometry).
	Area geom.Geometry
	// Time limits the answer to items whose own interval intersects it, both ends included.
	Time Interval
	// Filter is a CQL2 expression that must be true; nil means none.
	Filter cql2.Expr
	// Text is a free-text query over id, title, description and keywords; empty means none. All words must occur.
	Text string
	// Sort orders the answer. Empty means newest first (datetime descending). Ties are always broken by
	// Key.Compare, ascending. Items that lack a sort field come last in either direction. "datetime" stands for
	// start_datetime where an item's datetime is null.
	Sort []SortKey
	// Limit is the size of a page, clamped to MaxLimit; 0 means DefaultLimit.
	Limit int
	// Cursor continues an earlier answer: Page.Next or Page.Prev of the same Source and an otherwise equal query.
	Cursor Cursor
	// CountUpTo asks to count matches, exactly up to this many and "at least" beyond; 0 means don't count.
	CountUpTo int
}

// SortKey is one field to sort by: "id", "collection", "datetime" or the name of an item property such as
// "eo:cloud_cover" (also written "properties.eo:cloud_cover").
type SortKey struct {
	Field string
	Desc  bool
}

// Cursor marks a place in an answer. It is opaque, printable, and safe in a URL once escaped.
type Cursor string

// Interval is a closed span of time in UTC. A zero Start or End is open. The zero value is all of time.
type Interval struct {
	Start, End time.Time
}

// IsZero reports whether both ends are open.
func (i Interval) IsZero() bool { return i.Start.IsZero() && i.End.IsZero() }

// Intersects reports whether the two spans share an instant.
func (i Interval) Intersects(o Interval) bool {
	return (i.Start.IsZero() || o.End.IsZero() || !i.Start.After(o.End)) &&
		(o.Start.IsZero() || i.End.IsZero() || !o.Start.After(i.End))
}

// Contains reports whether o lies wholly within i.
func (i Interval) Contains(o Interval) bool {
	return (i.Start.IsZero() || (!o.Start.IsZero() && !o.Start.Before(i.Start))) &&
		(i.End.IsZero() || (!o.End.IsZero() && !o.End.After(i.End)))
}

// PageLimit returns Limit with the default and the clamp applied.
func (q Query) PageLimit() int {
	switch {
	case q.Limit <= 0:
		return DefaultLimit
	case q.Limit > MaxLimit:
		return MaxLimit
	}
	return q.Limit
}

// SortKeys returns Sort with the default applied, and without the tie-break.
func (q Query) SortKeys() []SortKey {
	if len(q.Sort) == 0 {
		return []SortKey{{Field: "datetime", Desc: true}}
	}
	return q.Sort
}
