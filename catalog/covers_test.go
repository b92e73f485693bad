package catalog

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

func day(n int) time.Time { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC) }

func box(w, s, e, n float64) geo.BBox { return geo.BBox{West: w, South: s, East: e, North: n} }

func less(name string, v float64) cql2.Expr {
	return cql2.Call{Op: "<=", Args: []cql2.Expr{cql2.Property{Name: name}, cql2.Number(v)}}
}

func and(es ...cql2.Expr) cql2.Expr { return cql2.Call{Op: "and", Args: es} }

func TestLocalOrigin(t *testing.T) {
	ab := []CollectionID{"a", "b"}
	big, small := box(0, 0, 10, 10).Geometry(), box(2, 2, 3, 3).Geometry()
	done := func(q Query, at int) Coverage { return Coverage{Query: q.Question(), At: day(at), Complete: true} }
	for _, c := range []struct {
		name  string
		q     Query
		known []Coverage
		want  Origin
	}{
		{"nothing known", Query{}, nil, Origin{Missing: Missing{Everything: true}}},
		{"nothing known of two", Query{Collections: ab}, nil, Origin{Missing: Missing{Everything: true, Collections: ab}}},
		{"the same question", Query{Collections: ab, Area: small}, []Coverage{done(Query{Collections: ab, Area: small}, 5)}, Origin{Complete: true, AsOf: day(5)}},
		{"the newest wins", Query{}, []Coverage{done(Query{}, 5), done(Query{}, 7), done(Query{}, 6)}, Origin{Complete: true, AsOf: day(7)}},
		{
			"wider in all",
			Query{Collections: ab[:1], Area: small, Time: Interval{day(3), day(4)}, Text: "Spot"},
			[]Coverage{done(Query{Area: big, Time: Interval{day(2), day(5)}}, 5)},
			Origin{Complete: true, AsOf: day(5)},
		},
		{"one collection of two", Query{Collections: ab}, []Coverage{done(Query{Collections: ab[:1]}, 5)}, Origin{AsOf: day(5), Missing: Missing{Collections: ab[1:]}}},
		{"each of two", Query{Collections: ab}, []Coverage{done(Query{Collections: ab[:1]}, 5), done(Query{Collections: ab[1:]}, 4)}, Origin{Complete: true, AsOf: day(4)}},
		{"all when two were fetched", Query{}, []Coverage{done(Query{Collections: ab}, 5)}, Origin{Missing: Missing{Everything: true}}},
		{"area too wide", Query{Area: big}, []Coverage{done(Query{Area: small}, 5)}, Origin{AsOf: day(5), Missing: Missing{Area: true}}},
		{"area everywhere", Query{}, []Coverage{done(Query{Area: small}, 5)}, Origin{AsOf: day(5), Missing: Missing{Area: true}}},
		{"area elsewhere", Query{Area: box(20, 20, 21, 21).Geometry()}, []Coverage{done(Query{Area: small}, 5)}, Origin{Missing: Missing{Everything: true}}},
		{"open end", Query{Time: Interval{Start: day(3)}}, []Coverage{done(Query{Time: Interval{day(1), day(9)}}, 5)}, Origin{AsOf: day(5), Missing: Missing{Time: true}}},
		{
			"adjoining spans",
			Query{Time: Interval{day(1), day(9)}},
			[]Coverage{done(Query{Time: Interval{day(5), day(9)}}, 5), done(Query{Time: Interval{day(1), day(5).Add(-time.Microsecond)}}, 3)},
			Origin{Complete: true, AsOf: day(3)},
		},
		{
			"spans with a gap",
			Query{Time: Interval{day(1), day(9)}},
			[]Coverage{done(Query{Time: Interval{day(6), day(9)}}, 5), done(Query{Time: Interval{day(1), day(5)}}, 3)},
			Origin{AsOf: day(5), Missing: Missing{Time: true}},
		},
		{"open spans", Query{}, []Coverage{done(Query{Time: Interval{End: day(5)}}, 5), done(Query{Time: Interval{Start: day(4)}}, 3)}, Origin{Complete: true, AsOf: day(3)}},
		{"stopped before the end", Query{}, []Coverage{{At: day(5), Fetched: 10}}, Origin{AsOf: day(5), Missing: Missing{Pages: true}}},
		{"a complete one beside it", Query{}, []Coverage{{At: day(6), Fetched: 10}, done(Query{}, 5)}, Origin{Complete: true, AsOf: day(5)}},
		{"narrower filter", Query{}, []Coverage{done(Query{Filter: less("eo:cloud_cover", 20)}, 5)}, Origin{AsOf: day(5), Missing: Missing{Filter: true}}},
		{"one more condition", Query{Filter: and(less("eo:cloud_cover", 20), less("gsd", 5))}, []Coverage{done(Query{Filter: less("eo:cloud_cover", 20)}, 5)}, Origin{Complete: true, AsOf: day(5)}},
		{"other ids", Query{IDs: []ItemID{"x", "z"}}, []Coverage{done(Query{IDs: []ItemID{"x", "y"}}, 5)}, Origin{AsOf: day(5), Missing: Missing{Filter: true}}},
		{"some of the ids", Query{IDs: []ItemID{"y"}}, []Coverage{done(Query{IDs: []ItemID{"x", "y"}}, 5)}, Origin{Complete: true, AsOf: day(5)}},
		{"narrower text", Query{Text: "spot"}, []Coverage{done(Query{Text: "SPOT 6"}, 5)}, Origin{AsOf: day(5), Missing: Missing{Filter: true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Kind = OriginLocal
			if d := cmp.Diff(c.want, LocalOrigin(c.q, c.known)); d != "" {
				t.Error(d)
			}
		})
	}
}
