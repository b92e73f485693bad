package scene

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// View is where an image lies: square pixels in a projection, and the convex footprint that holds data.
type View struct {
	Proj *geo.Projection
	// West and North are the outer corner of the upper left pixel, Res is the pixel size, all in metres.
	West, North, Res float64
	Width, Height    int
	// Footprint is a convex, counter-clockwise ring in the projection, not closed.
	Footprint []geom.XY
}

// Overpass is when it is taken and under which sky.
type Overpass struct {
	Time time.Time
	// Cloud is how much of the footprint is cloud, in percent.
	Cloud float64
	// Sky is the seed of the clouds: equal for all that is seen in one overpass.
	Sky uint64
}

// Scene is the world as one overpass sees it through one view. It is safe for concurrent use.
type Scene struct {
	w       *World
	view    View
	sky     sky
	palette *palette
	day     int
	// The sun: a unit vector (east, north, up), and where a shadow comes from, km per km of height.
	sunX, sunY, sunZ float32
	castX, castY     float32
	step             int // pixels between the nodes of the lattice
	scratch          sync.Pool
}

// NewScene prepares a scene; the pixels are made by its methods. The error is the coast's, which is read from the
// embedded basemap.
func (w *World) NewScene(v View, o Overpass) (*Scene, error) {
	if v.Proj == nil || v.Width <= 0 || v.Height <= 0 || !(v.Res > 0) || len(v.Footprint) < 3 {
		return nil, fmt.Errorf("scene: view of %d × %d pixels of %v m with %d corners", v.Width, v.Height, v.Res, len(v.Footprint))
	}
	s := &Scene{w: w, view: v, sky: newSky(o.Sky), day: o.Time.YearDay()}
	s.palette = newPalette(s.day)
	lon, lat := v.Proj.Inverse(v.West+float64(v.Width)*v.Res/2, v.North-float64(v.Height)*v.Res/2)
	azimuth, elevation := Sun(o.Time, lon, lat)
	const rad = math.Pi / 180
	el := max(elevation, 8) * rad
	s.sunX = float32(math.Sin(azimuth*rad) * math.Cos(el))
	s.sunY = float32(math.Cos(azimuth*rad) * math.Cos(el))
	s.sunZ = float32(math.Sin(el))
	s.castX, s.castY = s.sunX/s.sunZ, s.sunY/s.sunZ
	switch {
	case v.Res <= 20:
		s.step = 8
	case v.Res <= 80:
		s.step = 4
	case v.Res <= 120:
		s.step = 2
	default:
		s.step = 1
	}
	s.setCover(o.Cloud)
	return s, nil
}

// setCover finds the density above which the wanted share of the footprint is cloud.
func (s *Scene) setCover(percent float64) {
	const n = 72
	var samples []float32
	v := s.view
	for j := range n {
		row := (float64(j) + 0.5) / n * float64(v.Height)
		from, to := s.Span(int(row))
		for i := range n {
			col := (float64(i) + 0.5) / n * float64(v.Width)
			if int(col) < from || int(col) >= to {
				continue
			}
			x, y := place(v.Proj.Inverse(v.West+col*v.Res, v.North-row*v.Res))
			samples = append(samples, s.sky.density(x, y))
		}
	}
	s.sky.cover(percent, samples)
}

// Span returns which pixels of a row have their middle in the footprint: from (inclusive) to (exclusive).
func (s *Scene) Span(row int) (from, to int) {
	v := s.view
	y := v.North - (float64(row)+0.5)*v.Res
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, b := range v.Footprint {
		a := v.Footprint[(i+len(v.Footprint)-1)%len(v.Footprint)]
		if (a.Y > y) == (b.Y > y) {
			continue
		}
		x := a.X + (y-a.Y)/(b.Y-a.Y)*(b.X-a.X)
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo > hi {
		return 0, 0
	}
	from = int(math.Ceil((lo-v.West)/v.Res - 0.5))
	to = int(math.Ceil((hi-v.West)/v.Res - 0.5))
	return min(max(from, 0), v.Width), min(max(to, 0), v.Width)
}

// lattice is the nodes under a block of pixels, with one more all round for slopes.
type latticeOf struct {
	nodes  []node
	nx, ny int
	around around
}

// measure computes the lattice under the pixels x0 … x0+w, y0 … y0+h.
func (s *Scene) measure(l *latticeOf, x0, y0, w, h int) error {
	step := s.step
	l.nx, l.ny = (w+step-1)/step+3, (h+step-1)/step+3
	if cap(l.nodes) < l.nx*l.ny {
		l.nodes = make([]node, l.nx*l.ny)
	}
	l.nodes = l.nodes[:l.nx*l.ny]
	if err := s.locate(l, x0, y0); err != nil {
		return err
	}
	minX, minY := float32(math.Inf(1)), float32(math.Inf(1))
	maxX, maxY := -minX, -minY
	for i := range l.nodes {
		n := &l.nodes[i]
		minX, maxX = min(minX, n.x), max(maxX, n.x)
		minY, maxY = min(minY, n.y), max(maxY, n.y)
	}
	l.around = s.w.around(minX, minY, maxX, maxY)
	for i := range l.nodes {
		s.w.ground(&l.nodes[i], &l.around)
		s.above(&l.nodes[i])
	}
	s.slopes(l)
	return nil
}

// locate sets the places and the coast of the nodes. Every eighth node goes through the projection, those between
// follow: over less than two kilometres a map is flat to within a centimetre or so.
func (s *Scene) locate(l *latticeOf, x0, y0 int) error {
	const every = 8
	cx, cy := (l.nx-1)/every+2, (l.ny-1)/every+2
	type lonlat struct{ lon, lat float64 }
	grid := make([]lonlat, cx*cy)
	v := s.view
	for j := range cy {
		for i := range cx {
			px := float64(x0 + (i*every-1)*s.step)
			py := float64(y0 + (j*every-1)*s.step)
			grid[j*cx+i].lon, grid[j*cx+i].lat = v.Proj.Inverse(v.West+px*v.Res, v.North-py*v.Res)
		}
	}
	var tile *coastTile
	for j := range l.ny {
		for i := range l.nx {
			g := grid[j/every*cx+i/every:]
			u, t := float64(i%every)/every, float64(j%every)/every
			lon := (g[0].lon*(1-u)+g[1].lon*u)*(1-t) + (g[cx].lon*(1-u)+g[cx+1].lon*u)*t
			lat := (g[0].lat*(1-u)+g[1].lat*u)*(1-t) + (g[cx].lat*(1-u)+g[cx+1].lat*u)*t
			n := &l.nodes[j*l.nx+i]
			*n = node{}
			n.x, n.y = place(lon, lat)
			ti, tj := int(math.Floor(lon)), int(math.Floor(lat))
			if tile == nil || tile.lon != ti || tile.lat != tj {
				var err error
				if tile, err = s.w.coastAt(ti, tj); err != nil {
					return err
				}
			}
			n.coast = tile.at(lon, lat)
		}
	}
	return nil
}

// above sets a node's sky.
func (s *Scene) above(n *node) {
	n.snowline = snowLine(s.day)
	n.haze = (0.25 + 0.75*s.sky.haze) * (0.8 + 0.4*noise(s.sky.seed+9, n.x*0.02, n.y*0.02)) * smoothstep(3200, 200, n.height)
	if s.sky.clear {
		return
	}
	density := s.sky.density(n.x, n.y)
	n.opacity = s.sky.opacity(density)
	if n.opacity > 0 {
		// Thick cloud is brighter, and so is the side that faces the sun.
		const away = 0.6 // km
		facing := density - s.sky.density(n.x+s.sunX*away, n.y+s.sunY*away)
		n.bright = min(max(0.52+1.0*(density-s.sky.threshold)+2.6*facing, 0.42), 1.1)
	}
	n.shadow = s.sky.opacity(s.sky.density(n.x+s.castX*s.sky.height, n.y+s.castY*s.sky.height))
}

// slopes sets the light from the heights of the neighbours. The outermost nodes only lend theirs.
func (s *Scene) slopes(l *latticeOf) {
	span := 2 * float32(s.step) * float32(s.view.Res)
	for j := 1; j < l.ny-1; j++ {
		for i := 1; i < l.nx-1; i++ {
			k := j*l.nx + i
			dx := (l.nodes[k+1].height - l.nodes[k-1].height) / span
			dy := (l.nodes[k-l.nx].height - l.nodes[k+l.nx].height) / span
			// The nodes are further apart than real slopes are long.
			dx, dy = dx*1.7, dy*1.7
			cos := (s.sunZ - dx*s.sunX - dy*s.sunY) / float32(math.Sqrt(float64(1+dx*dx+dy*dy)))
			light := cos / s.sunZ
			// Some light comes from the sky.
			l.nodes[k].light = 0.18 + 0.82*min(max(light, 0), 1.6)
		}
	}
}

// each calls emit for every pixel of a block that lies in the footprint; at is its column and row in the block.
func (s *Scene) each(x0, y0, w, h int, emit func(x, y int, n *node, p *surface)) error {
	l, _ := s.scratch.Get().(*latticeOf)
	if l == nil {
		l = new(latticeOf)
	}
	defer s.scratch.Put(l)
	if s.empty(x0, y0, w, h) {
		return nil
	}
	if err := s.measure(l, x0, y0, w, h); err != nil {
		return err
	}
	c := pixelContext{w: s.w, res: float32(s.view.Res / 1000), fine: s.view.Res <= 30}
	step := s.step
	// Blocks of pixels share a short list of the rivers that can reach them.
	const side = 32
	for by := 0; by < h; by += side {
		for bx := 0; bx < w; bx += side {
			s.focus(&c, l, bx, by, min(side, w-bx), min(side, h-by))
			for y := by; y < min(by+side, h); y++ {
				from, to := s.Span(y0 + y)
				from, to = max(from-x0, bx), min(to-x0, min(bx+side, w))
				j, v := y/step+1, (float32(y%step)+0.5)/float32(step)
				var a, b node
				have := -1
				var p surface
				for x := from; x < to; x++ {
					i := x/step + 1
					if i != have {
						k := j*l.nx + i
						a = mixNodes(&l.nodes[k], &l.nodes[k+l.nx], v)
						b = mixNodes(&l.nodes[k+1], &l.nodes[k+l.nx+1], v)
						have = i
					}
					n := mixNodes(&a, &b, (float32(x%step)+0.5)/float32(step))
					c.cover(&n, &p)
					p.opacity, p.bright, p.shadow, p.haze = n.opacity, n.bright, n.shadow, n.haze
					emit(x, y, &n, &p)
				}
			}
		}
	}
	return nil
}

// empty reports whether no pixel of a block lies in the footprint.
func (s *Scene) empty(x0, y0, w, h int) bool {
	for y := y0; y < y0+h; y++ {
		if from, to := s.Span(y); max(from, x0) < min(to, x0+w) {
			return false
		}
	}
	return true
}

// focus lists the rivers, lakes and dunes that can touch a block of pixels.
func (s *Scene) focus(c *pixelContext, l *latticeOf, bx, by, w, h int) {
	step := s.step
	a := &l.nodes[(by/step+1)*l.nx+bx/step+1]
	b := &l.nodes[((by+h-1)/step+2)*l.nx+(bx+w-1)/step+2]
	x0, x1 := min(a.x, b.x), max(a.x, b.x)
	y0, y1 := min(a.y, b.y), max(a.y, b.y)
	c.waters = appendNear(c.waters[:0], l.around.waters, x0, y0, x1, y1)
	c.sands = appendNear(c.sands[:0], l.around.sands, x0, y0, x1, y1)
}

// appendNear is near without allocating, and with the reach of the largest push and of a lake's wavy shore.
func appendNear(out, all []segment, x0, y0, x1, y1 float32) []segment {
	for i := range all {
		s := &all[i]
		r := s.half*2 + 1.8
		if min(s.ax, s.bx)-r <= x1 && max(s.ax, s.bx)+r >= x0 && min(s.ay, s.by)-r <= y1 && max(s.ay, s.by)+r >= y0 {
			out = append(out, *s)
		}
	}
	return out
}
