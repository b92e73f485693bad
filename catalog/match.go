package catalog

import (
	"fmt"
	"slices"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// Matcher tests items against a query. It is the meaning of Query: every Source agrees with it. It is safe for
// concurrent use.
type Matcher struct {
	q           Query
	collections map[CollectionID]bool
	ids         map[ItemID]bool
	words       []string
	everywhere  bool
	area        geom.Geometry
	box         geom.Envelope // of area, if area is a rectangle
}

// NewMatcher prepares a query. KindInvalid, naming the parameter, for one that cannot be answered.
func NewMatcher(q Query) (*Matcher, error) {
	area, ok := geo.Normalize(q.Area)
	if !ok {
		why := q.Area.Validate()
		if why == nil {
			why = fmt.Errorf("longitudes and latitudes in degrees are expected, within [-180, 180] and [-90, 90]")
		}
		return nil, invalid("area: %w", why)
	}
	if !q.Time.Start.IsZero() && !q.Time.End.IsZero() && q.Time.End.Before(q.Time.Start) {
		return nil, invalid("time: the end %s is before the start %s", q.Time.End.Format(timeLayout), q.Time.Start.Format(timeLayout))
	}
	for _, s := range q.Sort {
		if fieldOf(s.Field) == "" {
			return nil, invalid("sort: a field has no name")
		}
	}
	if q.Filter != nil {
		if err := cql2.Check(q.Filter); err != nil {
			return nil, invalid("filter: %w", err)
		}
	}
	m := &Matcher{q: q, words: Words(q.Text), everywhere: area.IsEmpty(), area: area}
	m.collections = setOf(q.Collections)
	m.ids = setOf(q.IDs)
	if env := area.Envelope(); area.IsPolygon() && geom.ExactEquals(area, env.AsGeometry(), geom.IgnoreOrder) {
		m.box = env
	}
	return m, nil
}

const timeLayout = "2006-01-02T15:04:05.999999Z07:00"

func invalid(format string, args ...any) error {
	return &Error{Op: "search", Kind: KindInvalid, Err: fmt.Errorf(format, args...)}
}

func setOf[T comparable](list []T) map[T]bool {
	if len(list) == 0 {
		return nil
	}
	set := make(map[T]bool, len(list))
	for _, v := range list {
		set[v] = true
	}
	return set
}

// Area returns the area of the query on the globe (geo.Normalize); empty means everywhere.
func (m *Matcher) Area() geom.Geometry { return m.area }

// AreaIsBox reports whether the area is one rectangle along the axes.
func (m *Matcher) AreaIsBox() bool { return !m.box.IsEmpty() }

// Words returns the words of the free text.
func (m *Matcher) Words() []string { return m.words }

// NeedsRaw reports whether Match needs more of an item than its projection.
func (m *Matcher) NeedsRaw() bool {
	if len(m.words) > 0 {
		return true
	}
	return slices.ContainsFunc(cql2.Properties(m.q.Filter), func(name string) bool { return !Projected(name) })
}

// Match reports whether the query, cursor and limit aside, asks for the item.
func (m *Matcher) Match(it Item) (bool, error) {
	if (m.collections != nil && !m.collections[it.Key.Collection]) || (m.ids != nil && !m.ids[it.Key.Item]) ||
		!it.Time.Intersects(m.q.Time) || !m.matchArea(it.Footprint) {
		return false, nil
	}
	if len(m.words) > 0 {
		have := setOf(it.Words())
		for _, w := range m.words {
			if !have[w] {
				return false, nil
			}
		}
	}
	if m.q.Filter == nil {
		return true, nil
	}
	ok, err := cql2.Eval(m.q.Filter, cql2.ResolverFunc(it.Property))
	if err != nil {
		return false, invalid("filter: %w", err)
	}
	return ok, nil
}

func (m *Matcher) matchArea(footprint geom.Geometry) bool {
	if m.everywhere {
		return true
	}
	if footprint.IsEmpty() {
		return false
	}
	if !m.box.IsEmpty() && m.box.Covers(footprint.Envelope()) {
		return true
	}
	return geo.Intersects(footprint, m.area)
}
