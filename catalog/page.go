package catalog

import "time"

// Page is one part of an answer, in order.
type Page struct {
	Items []Item
	// Next and Prev are empty where there is no such page.
	Next, Prev Cursor
	Matched    Count
	Origin     Origin
}

// CountKind says how far a Count can be trusted.
type CountKind uint8

// The kinds of a Count.
const (
	CountUnknown CountKind = iota // nobody counted
	CountExact                    // N is the number of matches
	CountAtLeast                  // there are N or more
)

// Count is a number of matches.
type Count struct {
	N    int64
	Kind CountKind
}

// OriginKind says which catalogue gave an answer.
type OriginKind uint8

// The kinds of an Origin.
const (
	OriginRemote OriginKind = iota // the service answered just now
	OriginLocal                    // the catalogue on this machine answered
)

// Origin says where a page comes from, as of when, and whether it is the whole answer.
type Origin struct {
	Kind OriginKind
	// AsOf is when the service last said what the page says: now for a remote page, for a local one the
	// time of the oldest coverage that it rests on (zero when unknown).
	AsOf time.Time
	// Complete is true when nothing that the service held at AsOf is missing. Remote pages are complete.
	Complete bool
	// Missing says, for an incomplete local page, which part of the question was never fetched.
	Missing Missing
	// Cause is why the local catalogue answered although the service was asked; nil if it was not asked.
	Cause error
}

// Missing names the parts of a question that local coverage lacks. The zero value is "nothing is known to be missing".
type Missing struct {
	// Everything is true when no part of the question was ever fetched.
	Everything bool
	// Collections that the question asks for and no recorded query covers for it.
	Collections []CollectionID
	// Area is true when the question reaches outside the areas fetched; Time likewise; Filter when only a narrower
	// filter was fetched; Pages when a fetch stopped before its last page.
	Area, Time, Filter, Pages bool
}

// Coverage records that a query was fetched from the service.
type Coverage struct {
	// Query is what was asked, without Limit, Cursor, Sort and CountUpTo.
	Query Query
	// At is when the first page of the fetch was asked for.
	At time.Time
	// Complete is true when the last page has been fetched. Otherwise Fetched says how many items were.
	Complete bool
	Fetched  int64
}

// CountOf returns the count that a query asks for, of n matches or of at least so many.
func CountOf(q Query, n int64) Count {
	most := int64(q.CountUpTo)
	switch {
	case most <= 0:
		return Count{}
	case n > most:
		return Count{N: most, Kind: CountAtLeast}
	}
	return Count{N: n, Kind: CountExact}
}
