package catalog

import (
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

// geometryOf reads a raw GeoJSON geometry without judging it. Polygons, which nearly all footprints are, and points take a
// short way that costs a tenth of a general decoder. False where a coordinate is not a number or the type is unknown.
func geometryOf(v []byte) (geom.Geometry, bool) {
	typ, _ := jsonscan.StringOf(jsonscan.Get(v, "type"))
	coords := jsonscan.Get(v, "coordinates")
	switch typ {
	case "Polygon":
		p, ok := polygonOf(coords)
		return p.AsGeometry(), ok
	case "MultiPolygon":
		var polys []geom.Polygon
		ok := true
		jsonscan.EachElement(coords, func(e []byte) bool {
			var p geom.Polygon
			p, ok = polygonOf(e)
			polys = append(polys, p)
			return ok
		})
		return geom.NewMultiPolygon(polys).AsGeometry(), ok && len(polys) > 0
	case "Point":
		xy, ok := positionOf(coords)
		return xy.AsPoint().AsGeometry(), ok
	case "MultiPoint", "LineString", "MultiLineString", "GeometryCollection":
		g, err := geom.UnmarshalGeoJSON(v, geom.NoValidate{})
		return g.Force2D(), err == nil
	}
	return geom.Geometry{}, false
}

func positionOf(v []byte) (geom.XY, bool) {
	var xy [2]float64
	n, ok := 0, true
	jsonscan.EachElement(v, func(e []byte) bool {
		xy[n], ok = numberOf(e)
		n++
		return ok && n < 2
	})
	return geom.XY{X: xy[0], Y: xy[1]}, ok && n == 2
}

// polygonOf closes a ring that is left open.
func polygonOf(v []byte) (geom.Polygon, bool) {
	var rings []geom.LineString
	ok := true
	jsonscan.EachElement(v, func(ring []byte) bool {
		flat := make([]float64, 0, 16)
		jsonscan.EachElement(ring, func(pos []byte) bool {
			var xy geom.XY
			xy, ok = positionOf(pos)
			flat = append(flat, xy.X, xy.Y)
			return ok
		})
		if n := len(flat); ok && n >= 6 && (flat[0] != flat[n-2] || flat[1] != flat[n-1]) {
			flat = append(flat, flat[0], flat[1])
		}
		ok = ok && len(flat) >= 8
		if ok {
			rings = append(rings, geom.NewLineString(geom.NewSequence(flat, geom.DimXY)))
		}
		return ok
	})
	if !ok || len(rings) == 0 {
		return geom.Polygon{}, false
	}
	return geom.NewPolygon(rings), true
}
