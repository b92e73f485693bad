package catalogtest

import (
	"time"

	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// Queries generates questions about an archive: every parameter of catalog.Query alone and together, except Cursor.
func Queries(items []catalog.Item) *rapid.Generator[catalog.Query] {
	return rapid.Custom(func(t *rapid.T) catalog.Query {
		var q catalog.Query
		maybe := func(one int, label string) bool { return rapid.IntRange(0, one-1).Draw(t, label) == 0 }
		if maybe(3, "with collections") {
			for _, id := range rapid.SliceOfN(rapid.SampledFrom(append(collectionIDs, "unknown")), 1, 3).Draw(t, "collections") {
				q.Collections = append(q.Collections, catalog.CollectionID(id))
			}
		}
		if maybe(8, "with ids") {
			for _, it := range rapid.SliceOfN(rapid.SampledFrom(items), 1, 5).Draw(t, "ids") {
				q.IDs = append(q.IDs, it.Key.Item)
			}
		}
		if maybe(2, "with area") {
			q.Area = area(t, items)
		}
		if maybe(2, "with time") {
			q.Time = interval(t, items)
		}
		if maybe(3, "with filter") {
			q.Filter = filter(t, items, 2)
		}
		if maybe(6, "with text") {
			q.Text = rapid.SampledFrom([]string{"montpellier", "ETE", "l'été Montpellier", "sète", "foret vigne", "item", "spot6 ms", "absent", "!?", "cotieres"}).Draw(t, "text")
		}
		if maybe(2, "with sort") {
			for range rapid.IntRange(1, 3).Draw(t, "sort keys") {
				q.Sort = append(q.Sort, catalog.SortKey{
					Field: rapid.SampledFrom([]string{
						"id", "collection", "datetime", "properties.datetime", "eo:cloud_cover", "properties.eo:cloud_cover", "gsd", "platform",
						"created", "updated", "title", "x:score", "x:tags", "start_datetime", "absent",
					}).Draw(t, "field"),
					Desc: rapid.Bool().Draw(t, "desc"),
				})
			}
		}
		q.Limit = rapid.SampledFrom([]int{0, 1, 2, 7, 50, 1000}).Draw(t, "limit")
		if q.Limit > 0 && q.Limit < 7 && len(items) > 100 && len(q.IDs) == 0 {
			q.Limit *= 20 // walks stay short
		}
		q.CountUpTo = rapid.SampledFrom([]int{0, 1, 25, 100000}).Draw(t, "count up to")
		return q
	})
}

func area(t *rapid.T, items []catalog.Item) geom.Geometry {
	switch rapid.IntRange(0, 6).Draw(t, "kind of area") {
	case 0:
		return geo.BBox{West: 170, South: -90, East: -170, North: 90}.Geometry()
	case 1:
		return geo.World().Geometry()
	case 2: // a grid cell, whose edges footprints share
		x, y := float64(rapid.IntRange(2, 5).Draw(t, "x")), float64(rapid.IntRange(42, 44).Draw(t, "y"))
		return geo.BBox{West: x, South: y, East: x + 1, North: y + 1}.Geometry()
	case 3:
		return geom.XY{X: rapid.Float64Range(2, 6).Draw(t, "x"), Y: rapid.Float64Range(42, 45).Draw(t, "y")}.AsPoint().AsGeometry()
	case 4: // longitudes past 180
		return geo.BBox{West: 178, South: -60, East: 179, North: 60}.Geometry().TransformXY(func(p geom.XY) geom.XY { return geom.XY{X: p.X + 1.5, Y: p.Y} })
	}
	x, y := rapid.Float64Range(-175, 165).Draw(t, "x"), rapid.Float64Range(-85, 75).Draw(t, "y")
	if rapid.Bool().Draw(t, "over an item") {
		if b := rapid.SampledFrom(items).Draw(t, "near"); b.HasBBox {
			x, y = min(165, b.BBox.West-0.1), max(-85, min(75, b.BBox.South-0.1))
		}
	}
	w, h := rapid.Float64Range(0.01, 10).Draw(t, "w"), rapid.Float64Range(0.01, 10).Draw(t, "h")
	if rapid.Bool().Draw(t, "box") {
		return geo.BBox{West: x, South: y, East: x + w, North: y + h}.Geometry()
	}
	ring := geom.NewLineString(geom.NewSequence([]float64{x, y, x + w, y + h/3, x + w/2, y + h, x, y}, geom.DimXY))
	return geom.NewPolygon([]geom.LineString{ring}).AsGeometry()
}

func moment(t *rapid.T, items []catalog.Item) time.Time {
	if rapid.Bool().Draw(t, "time of an item") {
		it := rapid.SampledFrom(items).Draw(t, "item")
		if !it.Time.Start.IsZero() {
			return it.Time.Start
		}
	}
	return time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, 10*365*24*3600*1e6).Draw(t, "µs")) * time.Microsecond)
}

func interval(t *rapid.T, items []catalog.Item) catalog.Interval {
	a, b := moment(t, items), moment(t, items)
	if b.Before(a) {
		a, b = b, a
	}
	switch rapid.IntRange(0, 5).Draw(t, "kind of interval") {
	case 0:
		return catalog.Interval{Start: a}
	case 1:
		return catalog.Interval{End: b}
	case 2:
		return catalog.Interval{Start: a, End: a}
	case 3:
		return catalog.Interval{Start: a, End: b.Add(500 * time.Nanosecond)}
	}
	return catalog.Interval{Start: a, End: b}
}

func filter(t *rapid.T, items []catalog.Item, depth int) cql2.Expr {
	call := func(op string, args ...cql2.Expr) cql2.Expr { return cql2.Call{Op: op, Args: args} }
	if depth > 0 {
		switch rapid.IntRange(0, 5).Draw(t, "logic") {
		case 0:
			return call("not", filter(t, items, depth-1))
		case 1:
			return call("or", filter(t, items, depth-1), filter(t, items, depth-1))
		case 2, 3:
			return call("and", filter(t, items, depth-1), filter(t, items, depth-1))
		}
	}
	prop := func(name string) cql2.Expr {
		if rapid.IntRange(0, 4).Draw(t, "prefixed") == 0 && name != "geometry" && name != "id" && name != "collection" {
			name = "properties." + name
		}
		return cql2.Property{Name: name}
	}
	op := rapid.SampledFrom([]string{"=", "<>", "<", ">", "<=", ">="}).Draw(t, "op")
	cloud := cql2.Number(rapid.IntRange(-1, 21).Draw(t, "cloud") * 5)
	it := rapid.SampledFrom(items).Draw(t, "item")
	switch rapid.IntRange(0, 13).Draw(t, "condition") {
	case 0:
		return call(op, prop("eo:cloud_cover"), cloud)
	case 1:
		return call(op, cloud, prop("eo:cloud_cover"))
	case 2:
		return call("between", prop("eo:cloud_cover"), cql2.Number(10), cloud)
	case 3:
		return call(op, prop("gsd"), cql2.Number(6))
	case 4:
		return call(op, prop("platform"), cql2.String(rapid.SampledFrom(platforms).Draw(t, "platform")))
	case 5:
		return call("in", prop("platform"), cql2.Array{cql2.String("SPOT-6"), cql2.String("été")})
	case 6:
		return call(op, prop(rapid.SampledFrom([]string{"datetime", "created", "updated", "start_datetime"}).Draw(t, "time property")), cql2.Timestamp{Time: moment(t, items)})
	case 7:
		return call("isNull", prop(rapid.SampledFrom([]string{"datetime", "gsd", "platform", "x:score", "geometry"}).Draw(t, "nullable")))
	case 8:
		return call(op, prop("id"), cql2.String(it.Key.Item))
	case 9:
		return call(op, prop("collection"), cql2.String(it.Key.Collection))
	case 10:
		return call("like", prop("id"), cql2.String(rapid.SampledFrom([]string{"item%", "SPOT6_%", "%é%", `%\%41`}).Draw(t, "pattern")))
	case 11:
		return call(op, prop("x:score"), rapid.SampledFrom([]cql2.Expr{cql2.Number(3), cql2.String("high"), cql2.Bool(true)}).Draw(t, "score"))
	case 12:
		return call("a_contains", prop("x:tags"), cql2.Array{cql2.String("a"), cql2.Number(1)})
	}
	return call("s_intersects", prop("geometry"), cql2.Geometry{Geom: geo.BBox{West: 3, South: 43, East: 4, North: 44}.Geometry()})
}
