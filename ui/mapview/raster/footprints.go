package raster

import (
	"math"
	"slices"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/tidwall/rtree"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// Footprint is the outline of one item, in lon/lat degrees.
type Footprint struct {
	ID       string
	Geometry geom.Geometry
}

// Footprints is a set of footprints, projected and indexed. It is immutable and may be shared.
type Footprints struct {
	shapes []shape
	byID   map[string]int32
	index  rtree.RTreeGN[float64, int32]
}

// shape is one geometry in the Web Mercator square.
type shape struct {
	id    string
	rings []ring // of polygons
	lines []path
	spots []point
	box   box
}

// ring is a closed path, turned counter-clockwise on the screen so that an accum counts it as positive; hole says that
// it is taken away.
type ring struct {
	path
	hole bool
}

// NewFootprints projects and indexes footprints in drawing order, the last on top. Empty geometries are left out. It
// takes some microseconds each and belongs off the UI goroutine.
func NewFootprints(list []Footprint) *Footprints {
	f := &Footprints{shapes: make([]shape, 0, len(list)), byID: make(map[string]int32, len(list))}
	for _, fp := range list {
		s := newShape(fp.ID, fp.Geometry)
		if s.empty() {
			continue
		}
		i := int32(len(f.shapes))
		f.shapes = append(f.shapes, s)
		f.byID[fp.ID] = i
		f.index.Insert([2]float64{s.box.x0, s.box.y0}, [2]float64{s.box.x1, s.box.y1}, i)
	}
	return f
}

// Len is how many footprints can be drawn.
func (f *Footprints) Len() int {
	if f == nil {
		return 0
	}
	return len(f.shapes)
}

func newShape(id string, g geom.Geometry) shape {
	s := shape{id: id, box: emptyBox()}
	s.add(g, 0)
	return s
}

func (s *shape) empty() bool { return len(s.rings) == 0 && len(s.lines) == 0 && len(s.spots) == 0 }

// maxNesting bounds collections within collections.
const maxNesting = 8

func (s *shape) add(g geom.Geometry, depth int) {
	if g.IsEmpty() || depth > maxNesting {
		return
	}
	switch g.Type() {
	case geom.TypePolygon:
		s.addPolygon(g.MustAsPolygon())
	case geom.TypeMultiPolygon:
		mp := g.MustAsMultiPolygon()
		for i := range mp.NumPolygons() {
			s.addPolygon(mp.PolygonN(i))
		}
	case geom.TypeLineString:
		s.addLine(g.MustAsLineString().Coordinates())
	case geom.TypeMultiLineString:
		ml := g.MustAsMultiLineString()
		for i := range ml.NumLineStrings() {
			s.addLine(ml.LineStringN(i).Coordinates())
		}
	case geom.TypePoint:
		if xy, ok := g.MustAsPoint().XY(); ok {
			s.addSpot(xy)
		}
	case geom.TypeMultiPoint:
		mp := g.MustAsMultiPoint()
		for i := range mp.NumPoints() {
			if xy, ok := mp.PointN(i).XY(); ok {
				s.addSpot(xy)
			}
		}
	case geom.TypeGeometryCollection:
		gc := g.MustAsGeometryCollection()
		for i := range gc.NumGeometries() {
			s.add(gc.GeometryN(i), depth+1)
		}
	}
}

func (s *shape) addPolygon(p geom.Polygon) {
	for i, r := range p.DumpRings() {
		path, ok := s.projectSeq(r.Coordinates())
		if !ok || len(path.pts) < 3 {
			continue
		}
		if signedArea(path.pts) > 0 {
			reverse(path.pts)
		}
		s.rings = append(s.rings, ring{path: path, hole: i > 0})
	}
}

func (s *shape) addLine(seq geom.Sequence) {
	if p, ok := s.projectSeq(seq); ok && len(p.pts) > 1 {
		s.lines = append(s.lines, p)
	}
}

func (s *shape) addSpot(xy geom.XY) {
	if p, ok := mercator(xy); ok {
		s.spots = append(s.spots, p)
		s.box.add(p.x, p.y)
	}
}

func (s *shape) projectSeq(seq geom.Sequence) (path, bool) {
	out := path{pts: make([]point, seq.Length()), box: emptyBox()}
	for i := range out.pts {
		p, ok := mercator(seq.GetXY(i))
		if !ok {
			return path{}, false
		}
		out.pts[i] = p
		out.box.add(p.x, p.y)
		s.box.add(p.x, p.y)
	}
	return out, true
}

// mercator projects a place. It refuses what is no place at all; longitudes may lie one turn outside ±180.
func mercator(xy geom.XY) (point, bool) {
	if math.IsNaN(xy.X) || math.IsNaN(xy.Y) || math.Abs(xy.X) > 540 {
		return point{}, false
	}
	return point{geo.MercatorX(xy.X), geo.MercatorY(xy.Y)}, true
}

// visible returns the shapes that the view shows, in drawing order, each once.
func (f *Footprints) visible(fr frame) []int32 {
	var out []int32
	g := fr.grown(4 * fr.view.Scale)
	// Shapes lie on turn 0, and one turn beside it when they run over the antimeridian in one piece.
	for k := math.Floor(g.x0) - 1; k <= math.Ceil(g.x1)+1; k++ {
		f.index.Search([2]float64{g.x0 - k, g.y0}, [2]float64{g.x1 - k, g.y1}, func(_, _ [2]float64, i int32) bool {
			out = append(out, i)
			return true
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// At returns the ids of the footprints at a place, topmost first. tolerance, in degrees of longitude, is how near a line
// or point has to be.
func (f *Footprints) At(lon, lat, tolerance float64) []string {
	if f == nil {
		return nil
	}
	x, y, tol := geo.MercatorX(geo.WrapLon(lon)), geo.MercatorY(lat), tolerance/360
	var hits []int32
	for _, k := range [...]float64{0, -1, 1} {
		f.index.Search([2]float64{x + k - tol, y - tol}, [2]float64{x + k + tol, y + tol}, func(_, _ [2]float64, i int32) bool {
			if f.shapes[i].contains(point{x + k, y}, tol) {
				hits = append(hits, i)
			}
			return true
		})
	}
	slices.Sort(hits)
	hits = slices.Compact(hits)
	slices.Reverse(hits)
	ids := make([]string, len(hits))
	for i, h := range hits {
		ids[i] = f.shapes[h].id
	}
	return ids
}

// Box returns the smallest box around a footprint, and whether it is there.
func (f *Footprints) Box(id string) (geo.BBox, bool) {
	if f == nil {
		return geo.BBox{}, false
	}
	i, ok := f.byID[id]
	if !ok {
		return geo.BBox{}, false
	}
	return f.shapes[i].bbox(), true
}

// bbox returns the box in degrees. A shape cut at the antimeridian gets the narrow box over it.
func (s *shape) bbox() geo.BBox {
	b := s.box
	if b.x1-b.x0 > 0.5 && len(s.rings) > 1 {
		west, east := emptyBox(), emptyBox()
		for _, r := range s.rings {
			side := &west
			if r.box.x0 >= 0.5 {
				side = &east
			}
			side.add(r.box.x0, r.box.y0)
			side.add(r.box.x1, r.box.y1)
		}
		if west.x1 < east.x0 && east.x1 > 1-1e-9 && west.x0 < 1e-9 {
			b.x0, b.x1 = east.x0, west.x1
		}
	}
	return geo.BBox{
		West: geo.LonOfMercatorX(b.x0), South: geo.LatOfMercatorY(b.y1),
		East: geo.LonOfMercatorX(b.x1), North: geo.LatOfMercatorY(b.y0),
	}
}

// contains reports whether a point is inside, or within tol of a line or spot.
func (s *shape) contains(p point, tol float64) bool {
	inside := false
	for i := range s.rings {
		r := &s.rings[i]
		if p.x >= r.box.x0-tol && p.x <= r.box.x1+tol && p.y >= r.box.y0-tol && p.y <= r.box.y1+tol {
			if inRing(r.pts, p) {
				inside = !inside
			}
		}
	}
	if inside {
		return true
	}
	// A footprint may be smaller than the pointer.
	if len(s.rings) > 0 && s.box.x1-s.box.x0 < 2*tol && s.box.y1-s.box.y0 < 2*tol {
		return true
	}
	for i := range s.lines {
		for j := 1; j < len(s.lines[i].pts); j++ {
			if distance(p, s.lines[i].pts[j-1], s.lines[i].pts[j]) <= tol {
				return true
			}
		}
	}
	for _, q := range s.spots {
		if math.Hypot(p.x-q.x, p.y-q.y) <= tol {
			return true
		}
	}
	return false
}

func inRing(pts []point, p point) bool {
	in := false
	j := len(pts) - 1
	for i := range pts {
		a, b := pts[i], pts[j]
		if (a.y > p.y) != (b.y > p.y) && p.x < a.x+(p.y-a.y)/(b.y-a.y)*(b.x-a.x) {
			in = !in
		}
		j = i
	}
	return in
}

func distance(p, a, b point) float64 {
	dx, dy := b.x-a.x, b.y-a.y
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = min(max(((p.x-a.x)*dx+(p.y-a.y)*dy)/l, 0), 1)
	}
	return math.Hypot(p.x-a.x-t*dx, p.y-a.y-t*dy)
}

// Bounds returns the box around all footprints, and false if there are none. It doesn't look for the narrow box of a set
// on both sides of the antimeridian.
func (f *Footprints) Bounds() (geo.BBox, bool) {
	if f.Len() == 0 {
		return geo.BBox{}, false
	}
	lo, hi := f.index.Bounds()
	return geo.BBox{
		West: geo.LonOfMercatorX(lo[0]), South: geo.LatOfMercatorY(hi[1]),
		East: geo.LonOfMercatorX(hi[0]), North: geo.LatOfMercatorY(lo[1]),
	}, true
}
