package raster

import (
	"image/color"
	"math"
)

// Beyond this many footprints in view single outlines tell nothing any more, and their number is shown instead.
const densityFrom = 20_000

// Footprints smaller than this, in points, are drawn as a dot so that they can be seen.
const dotSize = 3.0

// drawFootprints paints all footprints in the view, as shapes or as a density.
func drawFootprints(c *canvas, f frame, fp *Footprints, p Palette) {
	if fp.Len() == 0 {
		return
	}
	visible := fp.visible(f)
	if len(visible) > densityFrom {
		drawDensity(c, f, fp, visible, p)
		return
	}
	for _, i := range visible {
		s := &fp.shapes[i]
		f.turns(s.box, dotSize, func(k float64) { s.fill(&c.fill, f, k) })
	}
	overlap := flushOverlap(c, p.Fill)
	for _, i := range visible {
		s := &fp.shapes[i]
		f.turns(s.box, dotSize, func(k float64) { s.stroke(&c.strokes, f, k, 0.5*f.view.Scale) })
	}
	c.flushStrokes(newInk(p.Outline).faded(outlineStrength(overlap)))
}

// outlineStrength fades outlines as footprints pile up: with twenty layers everything would be outline.
func outlineStrength(overlap float64) float64 {
	return max(0.16, 1/(1+0.14*max(0, overlap-1)))
}

// fill adds the area of the shape.
func (s *shape) fill(a *accum, f frame, k float64) {
	for i := range s.rings {
		r := &s.rings[i]
		sign := 1.0
		if r.hole {
			sign = -1
		}
		fillPath(a, f, r.pts, k, sign)
		// A ring that its source left open is closed.
		if n := len(r.pts) - 1; r.pts[0] != r.pts[n] {
			fillPath(a, f, []point{r.pts[n], r.pts[0]}, k, sign)
		}
	}
}

// stroke adds the outline of the shape, without the cut along the antimeridian.
func (s *shape) stroke(m *strokes, f frame, k, radius float64) {
	small := dotSize * f.view.Scale / f.s
	if s.box.x1-s.box.x0 < small && s.box.y1-s.box.y0 < small {
		s.dot(m, f, k, max(radius, dotSize*f.view.Scale/2))
		return
	}
	for i := range s.rings {
		pts := s.rings[i].pts
		start := 0
		for j := 1; j < len(pts); j++ {
			if onSeam(pts[j-1]) && onSeam(pts[j]) {
				if j-start > 1 {
					strokePath(m, f, pts[start:j], k, radius)
				}
				start = j
			}
		}
		if len(pts)-start > 1 {
			strokePath(m, f, pts[start:], k, radius)
		}
		if n := len(pts) - 1; pts[0] != pts[n] {
			strokePath(m, f, []point{pts[n], pts[0]}, k, radius)
		}
	}
	for i := range s.lines {
		strokePath(m, f, s.lines[i].pts, k, max(radius, f.view.Scale))
	}
	for _, q := range s.spots {
		x, y := (q.x+k)*f.s-f.ox, q.y*f.s-f.oy
		m.line(x, y, x, y, radius+2.5*f.view.Scale)
	}
}

func (s *shape) dot(m *strokes, f frame, k, radius float64) {
	x, y := ((s.box.x0+s.box.x1)/2+k)*f.s-f.ox, (s.box.y0+s.box.y1)/2*f.s-f.oy
	m.line(x, y, x, y, radius)
}

func onSeam(p point) bool { return p.x < 1e-9 || p.x > 1-1e-9 }

// maxCover is the alpha that a pile of footprints tends to: the map stays readable under any number of them.
const maxCover = 0.44

// coverSteps is how finely the table of alpha by overlap is cut.
const coverSteps = 8

// overlapAlpha tabulates the alpha of n footprints, n in steps of 1/coverSteps. The first ones count most.
func overlapAlpha(one float64) [64 * coverSteps]uint32 {
	var t [64 * coverSteps]uint32
	one = min(one, maxCover*0.95)
	for i := range t {
		a := maxCover * (1 - math.Pow(1-one/maxCover, float64(i)/coverSteps))
		t[i] = uint32(a*256 + 0.5)
	}
	return t
}

// flushOverlap paints the polygons in c.fill the stronger the more of them overlap, and returns their mean number where
// there is any.
func flushOverlap(c *canvas, col color.NRGBA) float64 {
	table := overlapAlpha(float64(col.A) / 255)
	k := newInk(col)
	var sum, covered float64
	c.fill.sum(func(y int, cover []float32) {
		pix := rowAt(c.img, 0, y)
		for x, v := range cover {
			if v < 1.0/64 {
				continue
			}
			sum += float64(v)
			covered++
			if a := table[min(int(v*coverSteps+0.5), len(table)-1)]; a > 0 {
				k.over(pix[x*4:], a)
			}
		}
	})
	if covered == 0 {
		return 0
	}
	return sum / covered
}

// cellPoints is the side of a cell of the density grid, in points.
const cellPoints = 6

// drawDensity paints how many footprints lie over each cell of a grid, by their boxes, smoothly.
func drawDensity(c *canvas, f frame, fp *Footprints, visible []int32, p Palette) {
	cell := cellPoints * f.view.Scale
	w, h := int(float64(f.view.Width)/cell)+3, int(float64(f.view.Height)/cell)+3
	stride := w + 1
	grid := make([]float32, stride*(h+1))
	// Each box adds one at its corners, so that two sums give the number of boxes over every cell.
	for _, i := range visible {
		b := fp.shapes[i].box
		f.turns(b, cell, func(k float64) {
			x0, x1 := cellIndex((b.x0+k)*f.s-f.ox, cell, w), cellIndex((b.x1+k)*f.s-f.ox, cell, w)
			y0, y1 := cellIndex(b.y0*f.s-f.oy, cell, h), cellIndex(b.y1*f.s-f.oy, cell, h)
			grid[y0*stride+x0]++
			grid[y0*stride+x1+1]--
			grid[(y1+1)*stride+x0]--
			grid[(y1+1)*stride+x1+1]++
		})
	}
	var peak float32
	for y := range h {
		for x := range w {
			v := grid[y*stride+x]
			if x > 0 {
				v += grid[y*stride+x-1]
			}
			if y > 0 {
				v += grid[(y-1)*stride+x]
			}
			if x > 0 && y > 0 {
				v -= grid[(y-1)*stride+x-1]
			}
			grid[y*stride+x] = v
			peak = max(peak, v)
		}
	}
	if peak > 0 {
		paintGrid(c, grid, stride, cell, peak, p)
	}
}

// cellIndex returns the cell of a pixel, with one cell of margin before the image.
func cellIndex(px, cell float64, n int) int {
	return int(min(max(math.Floor(px/cell)+1, 0), float64(n-1)))
}

func paintGrid(c *canvas, grid []float32, stride int, cell float64, peak float32, p Palette) {
	k := newInk(p.Outline)
	scale := 1 / math.Log1p(float64(peak))
	alpha := make([]float32, len(grid))
	for i, v := range grid {
		if v > 0 {
			alpha[i] = float32((0.15 + 0.6*math.Log1p(float64(v))*scale) * 256)
		}
	}
	w, h := c.img.Rect.Dx(), c.img.Rect.Dy()
	for y := range h {
		gy := (float64(y)+0.5)/cell + 0.5
		iy := int(gy)
		fy := float32(gy - float64(iy))
		pix := rowAt(c.img, 0, y)
		top, bottom := alpha[iy*stride:], alpha[(iy+1)*stride:]
		for x := range w {
			gx := (float64(x)+0.5)/cell + 0.5
			ix := int(gx)
			fx := float32(gx - float64(ix))
			a := (top[ix]*(1-fx)+top[ix+1]*fx)*(1-fy) + (bottom[ix]*(1-fx)+bottom[ix+1]*fx)*fy
			if a >= 1 {
				k.over(pix[x*4:], uint32(a))
			}
		}
	}
}
