package geo

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// latSlack is how far, in degrees, a latitude may pass a pole and still be taken for a rounding error.
const latSlack = 0.01

// Footprint returns g in the form that is searched: two-dimensional, valid, and on the globe, that is with longitudes in
// [-180, 180] and latitudes in [-90, 90]. What runs past ±180° is cut there into parts on either side
// (RFC 7946 § 3.1.9). crossing says that g spans the antimeridian although its longitudes were written within ±180,
// as a bbox whose west exceeds its east declares.
//
// False if g is empty, not finite, not on the globe, or invalid: the caller then has only the bbox to go by.
func Footprint(g geom.Geometry, crossing bool) (out geom.Geometry, ok bool) {
	defer recoverFalse(&ok)
	g = g.Force2D()
	lo, hi, some := g.Envelope().MinMaxXYs()
	if !some || !finiteXY(lo) || !finiteXY(hi) || lo.Y < -90-latSlack || hi.Y > 90+latSlack || lo.X < -540 || hi.X > 540 {
		return geom.Geometry{}, false
	}
	if lo.Y < -90 || hi.Y > 90 {
		g = g.TransformXY(func(p geom.XY) geom.XY { return geom.XY{X: p.X, Y: min(90, max(-90, p.Y))} })
	}
	if crossing && lo.X >= -180 && hi.X <= 180 && hi.X-lo.X > 180 {
		g = g.TransformXY(func(p geom.XY) geom.XY {
			if p.X < 0 {
				p.X += 360
			}
			return p
		})
		lo, hi, _ = g.Envelope().MinMaxXYs()
	}
	if g.Validate() != nil {
		return geom.Geometry{}, false
	}
	if lo.X >= -180 && hi.X <= 180 {
		return g, true
	}
	return cut(g)
}

// Normalize brings the geometry of a question into the same form. Longitudes past ±180° are cut as in Footprint; a geometry that is
// already within is returned as it is. An empty one stays empty.
func Normalize(g geom.Geometry) (geom.Geometry, bool) {
	if g.IsEmpty() {
		return geom.Geometry{}, true
	}
	return Footprint(g, false)
}

// cut clips the copies of g that are one turn to the west, in place, and one turn to the east, to the world.
func cut(g geom.Geometry) (geom.Geometry, bool) {
	world := World().Geometry()
	var parts []geom.Geometry
	for _, turn := range []float64{-360, 0, 360} {
		moved := g.TransformXY(func(p geom.XY) geom.XY { return geom.XY{X: p.X + turn, Y: p.Y} })
		part, err := geom.Intersection(moved, world)
		if err != nil {
			return geom.Geometry{}, false
		}
		if !part.IsEmpty() && part.Dimension() == g.Dimension() {
			parts = append(parts, part)
		}
	}
	all, err := geom.UnionMany(parts)
	return all, err == nil && !all.IsEmpty() && all.Validate() == nil
}

// Boxes returns one or two boxes, none of them crossing the antimeridian, that enclose g as tightly as the sides of the
// antimeridian allow. None for an empty geometry.
func Boxes(g geom.Geometry) []BBox {
	lo, hi, ok := g.Envelope().MinMaxXYs()
	if !ok {
		return nil
	}
	whole := BBox{lo.X, lo.Y, hi.X, hi.Y}
	if lo.X > -180 || hi.X < 180 {
		return []BBox{whole}
	}
	var east, west geom.Envelope
	for _, part := range g.Dump() {
		env := part.Envelope()
		plo, phi, ok := env.MinMaxXYs()
		switch {
		case !ok:
		case plo.X >= 0:
			east = east.ExpandToIncludeEnvelope(env)
		case phi.X <= 0:
			west = west.ExpandToIncludeEnvelope(env)
		default:
			return []BBox{whole}
		}
	}
	elo, ehi, ok1 := east.MinMaxXYs()
	wlo, whi, ok2 := west.MinMaxXYs()
	if !ok1 || !ok2 {
		return []BBox{whole}
	}
	return []BBox{{elo.X, elo.Y, ehi.X, ehi.Y}, {wlo.X, wlo.Y, whi.X, whi.Y}}
}

// Bounds returns the box of a geometry in the form of Footprint; it crosses the antimeridian where the geometry does.
// The zero box for an empty geometry.
func Bounds(g geom.Geometry) BBox {
	b := Boxes(g)
	switch len(b) {
	case 0:
		return BBox{}
	case 1:
		return b[0]
	}
	return BBox{b[0].West, min(b[0].South, b[1].South), b[1].East, max(b[0].North, b[1].North)}
}

// Intersects reports whether two geometries share a point. An empty geometry shares none. It is safe with whatever a
// service sent: should the library fail on a degenerate shape, the boxes decide.
func Intersects(a, b geom.Geometry) (yes bool) {
	if !a.Envelope().Intersects(b.Envelope()) {
		return false
	}
	defer func() {
		if recover() != nil {
			yes = true
		}
	}()
	return geom.Intersects(a, b)
}

// Contains reports whether every point of b is a point of a. Where that cannot be decided, it is false.
func Contains(a, b geom.Geometry) (yes bool) {
	if a.IsEmpty() || b.IsEmpty() {
		return false
	}
	defer recoverFalse(&yes)
	yes, err := geom.Covers(a, b)
	return yes && err == nil
}

// Wrap brings a box whose longitudes pass ±180° back onto the globe: [170, 190] becomes [170, -170]. A box as
// wide as the globe is the globe. False if it is not finite or no box.
func Wrap(b BBox) (BBox, bool) {
	if !finiteXY(geom.XY{X: b.West, Y: b.South}) || !finiteXY(geom.XY{X: b.East, Y: b.North}) ||
		math.Abs(b.West) > 540 || math.Abs(b.East) > 540 || b.South > b.North || b.South < -90-latSlack || b.North > 90+latSlack {
		return BBox{}, false
	}
	b.South, b.North = max(-90, b.South), min(90, b.North)
	if b.West >= -180 && b.West <= 180 && b.East >= -180 && b.East <= 180 {
		return b, true
	}
	if b.West > b.East {
		return BBox{}, false
	}
	if b.East-b.West >= 360 {
		b.West, b.East = -180, 180
		return b, true
	}
	b.West, b.East = turn(b.West), turn(b.East)
	return b, true
}

// Encloses reports whether o lies within b, to a billionth of a degree.
func (b BBox) Encloses(o BBox) bool {
	const slack = 1e-9
	for _, q := range o.Parts() {
		in := false
		for _, p := range b.Parts() {
			in = in || (p.West-slack <= q.West && q.East <= p.East+slack && p.South-slack <= q.South && q.North <= p.North+slack)
		}
		if !in {
			return false
		}
	}
	return true
}

func turn(lon float64) float64 {
	switch {
	case lon > 180:
		return lon - 360
	case lon < -180:
		return lon + 360
	}
	return lon
}

func finiteXY(p geom.XY) bool {
	return !math.IsNaN(p.X) && !math.IsInf(p.X, 0) && !math.IsNaN(p.Y) && !math.IsInf(p.Y, 0)
}

// recoverFalse turns a panic of the geometry library into false: its input is foreign.
func recoverFalse(ok *bool) {
	if recover() != nil {
		*ok = false
	}
}
