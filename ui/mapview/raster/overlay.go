package raster

import (
	"image/color"
	"math"
)

// drawSelected paints shapes that stand out: a tint, and an outline with a casing that sets it off from any ground.
func drawSelected(c *canvas, f frame, shapes []*shape, line, casing color.NRGBA, tint, radius float64) {
	if len(shapes) == 0 {
		return
	}
	each := func(draw func(s *shape, k float64)) {
		for _, s := range shapes {
			f.turns(s.box, 8*f.view.Scale, func(k float64) { draw(s, k) })
		}
	}
	each(func(s *shape, k float64) { s.fill(&c.fill, f, k) })
	wash := line
	wash.A = uint8(tint * 255)
	c.flushFill(wash)
	each(func(s *shape, k float64) { s.stroke(&c.strokes, f, k, (radius+1.1)*f.view.Scale) })
	c.flushStrokes(newInk(casing))
	each(func(s *shape, k float64) { s.stroke(&c.strokes, f, k, radius*f.view.Scale) })
	c.flushStrokes(newInk(line))
}

// maxHandles is how many corners an area may have to get a handle on each.
const maxHandles = 64

// minHandled is how large, in points, an area must appear for its handles not to hide it.
const minHandled = 32

// drawArea paints the area of interest: dashed, with a handle on each corner.
func drawArea(c *canvas, f frame, s *shape, p Palette) {
	scale := f.view.Scale
	handles := 0
	for i := range s.rings {
		handles += len(s.rings[i].pts)
	}
	f.turns(s.box, 10*scale, func(k float64) { s.fill(&c.fill, f, k) })
	wash := p.Area
	wash.A = 0x14
	c.flushFill(wash)
	each := func(draw func(pts []point, k float64)) {
		f.turns(s.box, 10*scale, func(k float64) {
			for i := range s.rings {
				draw(s.rings[i].pts, k)
			}
			for i := range s.lines {
				draw(s.lines[i].pts, k)
			}
		})
	}
	each(func(pts []point, k float64) { dashPath(&c.strokes, f, pts, k, 1.9*scale, 0, 0) })
	c.flushStrokes(newInk(p.Casing))
	each(func(pts []point, k float64) { dashPath(&c.strokes, f, pts, k, 0.9*scale, 7*scale, 4.5*scale) })
	c.flushStrokes(newInk(p.Area))
	if extent := max(s.box.x1-s.box.x0, s.box.y1-s.box.y0) * f.s; handles > maxHandles || extent < minHandled*scale {
		return
	}
	for _, dot := range [...]struct {
		radius float64
		col    color.NRGBA
	}{{4.2, p.Area}, {2.6, p.Handle}} {
		each(func(pts []point, k float64) {
			for _, q := range pts {
				if !onSeam(q) {
					x, y := (q.x+k)*f.s-f.ox, q.y*f.s-f.oy
					c.strokes.line(x, y, x, y, dot.radius*scale)
				}
			}
		})
		c.flushStrokes(newInk(dot.col))
	}
}

// dashPath strokes a path in dashes, which run on around corners. dash 0 means without gaps. Parts along the
// antimeridian are left out.
func dashPath(m *strokes, f frame, pts []point, k, radius, dash, gap float64) {
	reach := radius + 2
	at := 0.0
	for i := 1; i < len(pts); i++ {
		if onSeam(pts[i-1]) && onSeam(pts[i]) {
			continue
		}
		x0, y0 := (pts[i-1].x+k)*f.s-f.ox, pts[i-1].y*f.s-f.oy
		x1, y1 := (pts[i].x+k)*f.s-f.ox, pts[i].y*f.s-f.oy
		length := math.Hypot(x1-x0, y1-y0)
		a, b, d, e, ok := clipSegment(x0, y0, x1, y1, -reach, -reach, float64(m.w)+reach, float64(m.h)+reach)
		if !ok {
			at += length
			continue
		}
		if dash <= 0 {
			m.line(a, b, d, e, radius)
			continue
		}
		// Only what is in the image is cut into dashes: seen from near, an edge may be millions of pixels long.
		ux, uy := (x1-x0)/max(length, 1e-9), (y1-y0)/max(length, 1e-9)
		from, to := math.Hypot(a-x0, b-y0), math.Hypot(d-x0, e-y0)
		for t := from - math.Mod(at+from, dash+gap); t < to; t += dash + gap {
			s, end := max(t, from), min(t+dash, to)
			if s < end {
				m.line(x0+ux*s, y0+uy*s, x0+ux*end, y0+uy*end, radius)
			}
		}
		at += length
	}
}
