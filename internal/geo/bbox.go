// Package geo holds geometry without domain: bounding boxes, the antimeridian and map projections.
//
// Coordinates are degrees in OGC:CRS84 axis order (longitude, latitude) unless a name says otherwise.
// Nothing here knows about STAC, files or screens.
package geo

import (
	"fmt"
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// BBox is a geographic rectangle in degrees, in the order of GeoJSON (RFC 7946 §5):
// west, south, east, north. West > East means that it crosses the antimeridian (RFC 7946 §5.2).
type BBox struct {
	West, South, East, North float64
}

// World is the whole globe.
func World() BBox { return BBox{-180, -90, 180, 90} }

// CrossesAntimeridian reports whether the box runs over ±180° longitude.
func (b BBox) CrossesAntimeridian() bool { return b.West > b.East }

// Valid returns an error that names what is wrong: a number that is not finite, a latitude outside
// [-90, 90], a longitude outside [-180, 180], or south > north.
func (b BBox) Valid() error {
	for _, v := range [...]float64{b.West, b.South, b.East, b.North} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("bbox: %v is not a finite number", v)
		}
	}
	switch {
	case b.South > b.North:
		return fmt.Errorf("bbox: south %v is greater than north %v", b.South, b.North)
	case b.South < -90 || b.North > 90:
		return fmt.Errorf("bbox: latitudes %v..%v leave [-90, 90]", b.South, b.North)
	case b.West < -180 || b.West > 180 || b.East < -180 || b.East > 180:
		return fmt.Errorf("bbox: longitudes %v..%v leave [-180, 180]", b.West, b.East)
	}
	return nil
}

// Parts splits the box at the antimeridian: one box, or two whose West <= East.
func (b BBox) Parts() []BBox {
	if !b.CrossesAntimeridian() {
		return []BBox{b}
	}
	return []BBox{{b.West, b.South, 180, b.North}, {-180, b.South, b.East, b.North}}
}

// Geometry returns the box as a polygon, or as two in a multipolygon where it crosses the antimeridian.
// A box without width or height becomes a line or a point, which intersects what it touches (in a collection with the
// other side where it crosses the antimeridian).
func (b BBox) Geometry() geom.Geometry {
	parts := b.Parts()
	if len(parts) == 1 {
		return envelope(parts[0])
	}
	east, ok1 := envelope(parts[0]).AsPolygon()
	west, ok2 := envelope(parts[1]).AsPolygon()
	if !ok1 || !ok2 {
		return geom.NewGeometryCollection([]geom.Geometry{envelope(parts[0]), envelope(parts[1])}).AsGeometry()
	}
	return geom.NewMultiPolygon([]geom.Polygon{east, west}).AsGeometry()
}

func envelope(b BBox) geom.Geometry {
	return geom.NewEnvelope(geom.XY{X: b.West, Y: b.South}, geom.XY{X: b.East, Y: b.North}).AsGeometry()
}

// Intersects reports whether the boxes share a point, on either side of the antimeridian.
func (b BBox) Intersects(o BBox) bool {
	for _, p := range b.Parts() {
		for _, q := range o.Parts() {
			if p.West <= q.East && q.West <= p.East && p.South <= q.North && q.South <= p.North {
				return true
			}
		}
	}
	return false
}

// Array returns the GeoJSON form [west, south, east, north].
func (b BBox) Array() [4]float64 { return [4]float64{b.West, b.South, b.East, b.North} }
