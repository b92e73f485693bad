package catalog

import (
	"github.com/peterstace/simplefeatures/geom"
)

// geometryOf reads a raw GeoJSON geometry without judging it. Polygons, which nearly all footprints are, and points take a
// short way that costs a tenth of a general decoder. False where a coordinate is not a number or the type is unknown.
func geometryOf(v []byte) (geom.Geometry, bool) {
	typ, _ := stringOf(member(v, "type"))
	coords := member(v, "coordinates")
	switch typ {
	case "Polygon":
		p, ok := polygonOf(coords)
		return p.AsGeometry(), ok
	case "MultiPolygon":
		var polys []geom.Polygon
		ok := true
		eachElement(coords, func(e []byte) bool {
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
	eachElement(v, func(e []byte) bool {
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
	eachElement(v, func(ring []byte) bool {
		flat := make([]float64, 0, 16)
		eachElement(ring, func(pos []byte) bool {
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
