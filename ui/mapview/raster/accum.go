package raster

import "math"

// accum adds up how many polygons lie over each pixel, with exact coverage at their edges. It works as signed-area
// rasterisers of fonts do: each edge leaves its area in the cells that it crosses, and a sum along the row turns that
// into coverage. Unlike them it doesn't stop at one, so that all footprints need one pass together, however much they
// overlap. Lines may leave the image on every side.
type accum struct {
	w, h   int
	stride int
	cells  []float32
	y0, y1 int // rows that were touched
}

func (a *accum) reset(w, h int) {
	a.w, a.h, a.stride = w, h, w+2
	// What is kept is zero everywhere: sum clears what it has read.
	if n := a.stride * h; cap(a.cells) < n {
		a.cells = make([]float32, n)
	} else {
		a.cells = a.cells[:n]
	}
	a.y0, a.y1 = h, 0
}

// line adds one edge of a polygon, in pixels, with weight sign.
func (a *accum) line(x0, y0, x1, y1, sign float64) {
	if y0 == y1 {
		return
	}
	if y0 > y1 {
		x0, y0, x1, y1, sign = x1, y1, x0, y0, -sign
	}
	h, w := float64(a.h), float64(a.w)
	// A polygon's area lies to the right of its left edge: what is right of the image does not count, and what is left
	// of it counts from the first column on.
	if y1 <= 0 || y0 >= h || (x0 >= w && x1 >= w) {
		return
	}
	slope := (x1 - x0) / (y1 - y0)
	if y0 < 0 {
		x0, y0 = x0-y0*slope, 0
	}
	if y1 > h {
		x1, y1 = x1-(y1-h)*slope, h
	}
	a.clipped(x0, y0, x1, y1, slope, sign)
}

// clipped takes a line within the rows of the image and cuts it at the left and right side.
func (a *accum) clipped(x0, y0, x1, y1, slope, sign float64) {
	w := float64(a.w)
	if x0 >= 0 && x1 >= 0 && x0 <= w && x1 <= w {
		a.rows(x0, x1, y0, y1, sign)
		return
	}
	if slope == 0 {
		a.piece(x0, x1, y0, y1, sign)
		return
	}
	c0, c1 := y0-x0/slope, y0+(w-x0)/slope
	if c0 > c1 {
		c0, c1 = c1, c0
	}
	c0, c1 = min(max(c0, y0), y1), min(max(c1, y0), y1)
	at := func(y float64) float64 { return x0 + (y-y0)*slope }
	a.piece(x0, at(c0), y0, c0, sign)
	a.piece(at(c0), at(c1), c0, c1, sign)
	a.piece(at(c1), x1, c1, y1, sign)
}

// piece adds a line that lies on one side of each border, up to rounding.
func (a *accum) piece(x0, x1, y0, y1, sign float64) {
	w := float64(a.w)
	switch mid := (x0 + x1) / 2; {
	case y1 <= y0 || mid >= w:
	case mid <= 0:
		a.rows(0, 0, y0, y1, sign)
	default:
		a.rows(min(max(x0, 0), w), min(max(x1, 0), w), y0, y1, sign)
	}
}

// rows adds a line that lies wholly within the image, with y0 < y1.
func (a *accum) rows(x0, x1, y0, y1, sign float64) {
	first, last := int(y0), min(int(math.Ceil(y1)), a.h)
	if first >= last {
		return
	}
	a.y0, a.y1 = min(a.y0, first), max(a.y1, last)
	slope := (x1 - x0) / (y1 - y0)
	x, xmax := x0, float64(a.w)
	for row := first; row < last; row++ {
		dy := min(float64(row+1), y1) - max(float64(row), y0)
		next := min(max(x+slope*dy, 0), xmax)
		a.span(a.cells[row*a.stride:(row+1)*a.stride], x, next, dy*sign)
		x = next
	}
}

// span adds the part of a line within one row: d is its height, signed, and xa and xb are where it enters and leaves.
func (a *accum) span(cells []float32, xa, xb, d float64) {
	if xa > xb {
		xa, xb = xb, xa
	}
	i := int(xa)
	if n := int(math.Ceil(xb)); n > i+1 {
		a.longSpan(cells, i, n, xa, xb, d)
		return
	}
	// Within one cell: what lies right of the line belongs to it, the rest to the next.
	m := d * ((xa+xb)/2 - float64(i))
	cells[i] += float32(d - m)
	cells[i+1] += float32(m)
}

func (a *accum) longSpan(cells []float32, i, n int, xa, xb, d float64) {
	s := d / (xb - xa)
	// covered(x) is the area right of the line up to column x, per row; each cell gets the growth of its growth.
	prev := 0.0
	for c := i; c < n; c++ {
		lo, hi := max(xa, float64(c)), min(xb, float64(c+1))
		entered := s * (lo - xa) // height of the line left of this cell
		within := s * (hi - lo)
		cover := entered + within*(float64(c+1)-(lo+hi)/2)
		cells[c] += float32(cover - prev)
		prev = cover
	}
	cells[n] += float32(d - prev)
}

// sum calls row for each row that anything was drawn in, with how many polygons cover each pixel, and clears them.
func (a *accum) sum(row func(y int, cover []float32)) {
	for y := a.y0; y < a.y1; y++ {
		cells := a.cells[y*a.stride : (y+1)*a.stride]
		acc := float32(0)
		for x := range cells {
			acc += cells[x]
			cells[x] = acc
		}
		row(y, cells[:a.w])
		clear(cells)
	}
	a.y0, a.y1 = a.h, 0
}
