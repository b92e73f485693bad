package present

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// earthRadius is the authalic radius of WGS 84 in metres: a sphere of it has the surface of the ellipsoid.
const earthRadius = 6_371_007.2

// SurfaceArea returns the area of polygons in lon/lat degrees, in square metres, on the authalic sphere. It is right to about
// 0.5 % for areas that a person draws; other geometries have none.
func SurfaceArea(g geom.Geometry) float64 {
	var sum float64
	if p, ok := g.AsPolygon(); ok {
		sum = polygonArea(p)
	} else if m, ok := g.AsMultiPolygon(); ok {
		for i := range m.NumPolygons() {
			sum += polygonArea(m.PolygonN(i))
		}
	}
	return sum
}

func polygonArea(p geom.Polygon) float64 {
	if p.IsEmpty() {
		return 0
	}
	a := ringArea(p.ExteriorRing())
	for i := range p.NumInteriorRings() {
		a -= ringArea(p.InteriorRingN(i))
	}
	return math.Max(a, 0)
}

// ringArea sums the strips between each edge and the equator, in the cylindrical equal-area projection.
func ringArea(ring geom.LineString) float64 {
	const rad = math.Pi / 180
	seq := ring.Coordinates()
	var sum float64
	for i := 0; i+1 < seq.Length(); i++ {
		a, b := seq.GetXY(i), seq.GetXY(i+1)
		sum += (b.X - a.X) * rad * (math.Sin(a.Y*rad) + math.Sin(b.Y*rad)) / 2
	}
	return math.Abs(sum) * earthRadius * earthRadius
}

// Bounds returns the box around a geometry; false for an empty one. Two parts on either side of the antimeridian, which is how
// we write an area that crosses it, give a box with West > East.
func Bounds(g geom.Geometry) (geo.BBox, bool) {
	if m, ok := g.AsMultiPolygon(); ok && m.NumPolygons() == 2 {
		a, okA := envelopeBox(m.PolygonN(0).Envelope())
		b, okB := envelopeBox(m.PolygonN(1).Envelope())
		if okA && okB && a.East == 180 && b.West == -180 {
			return geo.BBox{West: a.West, South: math.Min(a.South, b.South), East: b.East, North: math.Max(a.North, b.North)}, true
		}
	}
	return envelopeBox(g.Envelope())
}

func envelopeBox(e geom.Envelope) (geo.BBox, bool) {
	lo, hi, ok := e.MinMaxXYs()
	return geo.BBox{West: lo.X, South: lo.Y, East: hi.X, North: hi.Y}, ok
}
