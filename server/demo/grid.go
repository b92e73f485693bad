package demo

import (
	"fmt"
	"math"
	"strconv"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// frame is where a scene lies: a north-up box of pixels in a projection, and the convex footprint within it that
// holds data. Scenes of the same tile and orbit share one.
type frame struct {
	proj                   *geo.Projection
	west, south            float64 // metres
	east, north            float64
	ring                   []geom.XY // footprint in the projection, counter-clockwise, not closed
	lonlat                 []geom.XY // the same in degrees
	bbox                   geo.BBox
	footprint              geom.Geometry
	centre                 geom.XY // degrees
	geometryJSON, bboxJSON string
	projBBoxJSON           string
}

// newFrame makes a frame of a counter-clockwise footprint, both in projected metres.
func newFrame(p *geo.Projection, ring []geom.XY, west, south, east, north float64) (*frame, error) {
	f := &frame{proj: p, ring: ring, west: west, south: south, east: east, north: north}
	return f, f.locate()
}

// snapBox returns the bounds of a ring, moved outwards to multiples of snap so that all resolutions of a scene share
// their corners.
func snapBox(ring []geom.XY, snap float64) (west, south, east, north float64) {
	west, south, east, north = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, v := range ring {
		west, east = min(west, v.X), max(east, v.X)
		south, north = min(south, v.Y), max(north, v.Y)
	}
	return math.Floor(west/snap) * snap, math.Floor(south/snap) * snap,
		math.Ceil(east/snap) * snap, math.Ceil(north/snap) * snap
}

// locate derives the geographic side of the frame.
func (f *frame) locate() error {
	f.bbox = geo.BBox{West: 180, South: 90, East: -180, North: -90}
	flat := make([]float64, 0, 2*len(f.ring)+2)
	for _, v := range f.ring {
		lon, lat := f.proj.Inverse(v.X, v.Y)
		ll := geom.XY{X: round6(lon), Y: round6(lat)}
		f.lonlat = append(f.lonlat, ll)
		flat = append(flat, ll.X, ll.Y)
		f.bbox.West, f.bbox.East = min(f.bbox.West, ll.X), max(f.bbox.East, ll.X)
		f.bbox.South, f.bbox.North = min(f.bbox.South, ll.Y), max(f.bbox.North, ll.Y)
	}
	flat = append(flat, flat[0], flat[1])
	poly := geom.NewPolygon([]geom.LineString{geom.NewLineString(geom.NewSequence(flat, geom.DimXY))})
	if err := poly.Validate(); err != nil {
		return fmt.Errorf("footprint: %w", err)
	}
	f.footprint = poly.AsGeometry()
	f.centre.X, f.centre.Y = f.proj.Inverse((f.west+f.east)/2, (f.south+f.north)/2)

	b := []byte(`{"type":"Polygon","coordinates":[[`)
	for i := 0; i < len(flat); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = appendNumber(b, flat[i])
		b = append(b, ',')
		b = appendNumber(b, flat[i+1])
		b = append(b, ']')
	}
	f.geometryJSON = string(append(b, `]]}`...))
	f.bboxJSON = string(appendNumbers(nil, f.bbox.West, f.bbox.South, f.bbox.East, f.bbox.North))
	f.projBBoxJSON = string(appendNumbers(nil, f.west, f.south, f.east, f.north))
	return nil
}

// size returns the frame in pixels of res metres.
func (f *frame) size(res float64) (width, height int) {
	return int(math.Round((f.east - f.west) / res)), int(math.Round((f.north - f.south) / res))
}

// clip keeps the part of a convex, counter-clockwise ring where nx·x + ny·y <= limit (Sutherland–Hodgman).
func clip(ring []geom.XY, nx, ny, limit float64) []geom.XY {
	var out []geom.XY
	for i, b := range ring {
		a := ring[(i+len(ring)-1)%len(ring)]
		da, db := nx*a.X+ny*a.Y-limit, nx*b.X+ny*b.Y-limit
		if da <= 0 != (db <= 0) {
			t := da / (da - db)
			out = append(out, geom.XY{X: a.X + t*(b.X-a.X), Y: a.Y + t*(b.Y-a.Y)})
		}
		if db <= 0 {
			out = append(out, b)
		}
	}
	return out
}

// ringArea returns the area of a counter-clockwise ring.
func ringArea(ring []geom.XY) float64 {
	var sum float64
	for i, b := range ring {
		a := ring[(i+len(ring)-1)%len(ring)]
		sum += a.X*b.Y - b.X*a.Y
	}
	return sum / 2
}

func round6(v float64) float64 { return math.Round(v*1e6) / 1e6 }

func appendNumber(b []byte, v float64) []byte { return strconv.AppendFloat(b, v, 'f', -1, 64) }

func appendNumbers(b []byte, vs ...float64) []byte {
	b = append(b, '[')
	for i, v := range vs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, v)
	}
	return append(b, ']')
}
