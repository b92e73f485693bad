package raster

import (
	"fmt"
	"math"
	"sync"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// Base is a base map projected and cut up for drawing. It is immutable and may be shared between renderers.
type Base struct {
	Level   basemap.Level
	land    []path
	coast   []path
	borders []path
	labels  []countryLabel
}

// path is a line or ring in the Web Mercator square.
type path struct {
	pts []point
	box box
}

type point struct{ x, y float64 }

// chunk is how many points of a line are culled together.
const chunk = 96

// NewBase projects a base map. It takes as long as a few renders and belongs off the UI goroutine.
func NewBase(b *basemap.Base) *Base {
	out := &Base{Level: b.Level, labels: countryLabels(b)}
	for _, poly := range b.Land {
		// The outer ring counts as positive, holes as negative, whichever way the source turns them.
		for i, ring := range poly {
			p := project(ring)
			if ccw := signedArea(p.pts) < 0; ccw != (i == 0) {
				reverse(p.pts)
			}
			out.land = append(out.land, p)
		}
	}
	for _, line := range b.Coast {
		out.coast = appendChunks(out.coast, project(line).pts)
	}
	for _, line := range b.Borders {
		out.borders = appendChunks(out.borders, project(line).pts)
	}
	return out
}

// LevelFor returns the level of detail that suits a zoom: the coarsest whose simplification can't be seen.
func LevelFor(v View) basemap.Level {
	switch z := v.Zoom + math.Log2(max(v.Scale, 0.25)); {
	case z < 2.9:
		return basemap.Coarse
	case z < 5.3:
		return basemap.Medium
	}
	return basemap.Fine
}

func project(line []geom.XY) path {
	p := path{pts: make([]point, len(line)), box: emptyBox()}
	for i, q := range line {
		x, y := geo.MercatorX(q.X), geo.MercatorY(q.Y)
		p.pts[i] = point{x, y}
		p.box.add(x, y)
	}
	return p
}

func appendChunks(out []path, pts []point) []path {
	for len(pts) > 1 {
		n := min(len(pts), chunk)
		p := path{pts: pts[:n:n], box: emptyBox()}
		for _, q := range p.pts {
			p.box.add(q.x, q.y)
		}
		out = append(out, p)
		pts = pts[n-1:]
	}
	return out
}

func signedArea(pts []point) float64 {
	a := 0.0
	for i := 1; i < len(pts); i++ {
		a += pts[i-1].x*pts[i].y - pts[i].x*pts[i-1].y
	}
	return a / 2
}

func reverse(pts []point) {
	for i, j := 0, len(pts)-1; i < j; i, j = i+1, j-1 {
		pts[i], pts[j] = pts[j], pts[i]
	}
}

// drawSurface paints sea and land, and a soft band of shallow water along the coast between them.
func (b *Base) drawSurface(c *canvas, f frame, p Palette) {
	paint(c.img, p.Sea)
	shore := newInk(p.Shore)
	for _, band := range [...]struct{ points, strength float64 }{{7, 0.35}, {3, 0.5}} {
		b.strokeAll(c, f, b.coast, band.points*f.view.Scale)
		c.flushStrokes(shore.faded(band.strength))
	}
	for i := range b.land {
		ring := &b.land[i]
		f.turns(ring.box, 1, func(k float64) { fillPath(&c.fill, f, ring.pts, k, 1) })
	}
	c.flushFill(p.Land)
}

// drawLines paints borders and coast.
func (b *Base) drawLines(c *canvas, f frame, p Palette) {
	border := 0.55
	if f.view.Zoom < 3 {
		border = 0.4
	}
	b.strokeAll(c, f, b.borders, border*f.view.Scale)
	c.flushStrokes(newInk(p.Border))
	b.strokeAll(c, f, b.coast, 0.5*f.view.Scale)
	c.flushStrokes(newInk(p.Coast))
}

func (b *Base) strokeAll(c *canvas, f frame, lines []path, radius float64) {
	for i := range lines {
		line := &lines[i]
		f.turns(line.box, radius+1, func(k float64) { strokePath(&c.strokes, f, line.pts, k, radius) })
	}
}

// finest is the distance in pixels below which points of a path are not told apart.
const finest = 0.4

// fillPath adds a closed ring to an accumulator. k is the turn of the globe.
func fillPath(a *accum, f frame, pts []point, k, sign float64) {
	ox := f.ox - k*f.s
	px, py := pts[0].x*f.s-ox, pts[0].y*f.s-f.oy
	last := len(pts) - 1
	for i := 1; i <= last; i++ {
		x, y := pts[i].x*f.s-ox, pts[i].y*f.s-f.oy
		if math.Abs(x-px)+math.Abs(y-py) < finest && i < last {
			continue
		}
		a.line(px, py, x, y, sign)
		px, py = x, y
	}
}

// strokePath adds a line to a mask. Lines of one pixel and less take the fast way.
func strokePath(m *strokes, f frame, pts []point, k, radius float64) {
	ox := f.ox - k*f.s
	px, py := pts[0].x*f.s-ox, pts[0].y*f.s-f.oy
	last := len(pts) - 1
	skip := max(finest, radius/3) // a broad line hides its detail
	for i := 1; i <= last; i++ {
		x, y := pts[i].x*f.s-ox, pts[i].y*f.s-f.oy
		if math.Abs(x-px)+math.Abs(y-py) < skip && i < last {
			continue
		}
		if radius <= 0.5 {
			m.hair(px, py, x, y)
		} else {
			m.line(px, py, x, y, radius)
		}
		px, py = x, y
	}
}

// drawGraticule paints meridians and parallels as crisp lines, at the step that leaves about 150 points between them.
func drawGraticule(c *canvas, f frame, p Palette) {
	step := graticuleStep(f.view)
	k := newInk(p.Graticule)
	width := max(1, int(math.Round(f.view.Scale)))
	w, h := c.img.Rect.Dx(), c.img.Rect.Dy()
	top, bottom := max(0, int(-f.oy)), min(h, int(f.s-f.oy))
	first := math.Ceil(geo.LonOfMercatorX(f.bounds.x0)/step) * step
	for lon := first; lon <= geo.LonOfMercatorX(f.bounds.x1); lon += step {
		x := int(math.Floor(geo.MercatorX(lon)*f.s - f.ox))
		for i := max(x, 0); i < min(x+width, w); i++ {
			for y := top; y < bottom; y++ {
				k.over(rowAt(c.img, i, y), k.a)
			}
		}
	}
	for lat := -90 + step; lat < 90; lat += step {
		y := int(math.Floor(geo.MercatorY(lat)*f.s - f.oy))
		for j := max(y, 0); j < min(y+width, h); j++ {
			pix := rowAt(c.img, 0, j)
			for x := 0; x < w; x++ {
				k.over(pix[x*4:], k.a)
			}
		}
	}
}

// graticuleStep returns the distance of meridians in degrees.
func graticuleStep(v View) float64 {
	degrees := 360 / (tileSize * math.Exp2(v.Zoom)) * 150
	for _, step := range [...]float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15} {
		if degrees <= step {
			return step
		}
	}
	return 30
}

// loaders project each level at most once per process.
var loaders = [...]func() (*Base, error){
	basemap.Coarse: sync.OnceValues(func() (*Base, error) { return loadBase(basemap.Coarse) }),
	basemap.Medium: sync.OnceValues(func() (*Base, error) { return loadBase(basemap.Medium) }),
	basemap.Fine:   sync.OnceValues(func() (*Base, error) { return loadBase(basemap.Fine) }),
}

// LoadBase returns the embedded base map at a level, ready for drawing. The first call takes up to half a second.
func LoadBase(l basemap.Level) (*Base, error) {
	if int(l) >= len(loaders) {
		return nil, fmt.Errorf("map: there is no base map %v", l)
	}
	return loaders[l]()
}

func loadBase(l basemap.Level) (*Base, error) {
	b, err := basemap.Load(l)
	if err != nil {
		return nil, err
	}
	return NewBase(b), nil
}
