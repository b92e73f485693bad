package raster

import "math"

// strokes is an 8-bit mask of lines. Where lines meet or overlap the stronger coverage wins, so that joints and shared
// edges look like a single line.
type strokes struct {
	w, h   int
	pix    []uint8
	lo, hi []int32 // columns that were touched, for each row: lo <= x < hi
}

func (m *strokes) reset(w, h int) {
	m.w, m.h = w, h
	// What is kept is zero everywhere: rows clears what it has read.
	if n := w * h; cap(m.pix) < n {
		m.pix = make([]uint8, n)
	} else {
		m.pix = m.pix[:n]
	}
	if cap(m.lo) < h {
		m.lo, m.hi = make([]int32, h), make([]int32, h)
	}
	m.lo, m.hi = m.lo[:h], m.hi[:h]
	for y := range m.lo {
		m.lo[y], m.hi[y] = int32(w), 0
	}
}

// touch notes that columns x0 <= x < x1 of a row are about to change.
func (m *strokes) touch(y, x0, x1 int) {
	m.lo[y] = min(m.lo[y], int32(x0))
	m.hi[y] = max(m.hi[y], int32(x1))
}

// line draws a segment with round ends, radius in pixels being half its width. It may leave the image on every side.
func (m *strokes) line(x0, y0, x1, y1, radius float64) {
	reach := radius + 1
	x0, y0, x1, y1, ok := clipSegment(x0, y0, x1, y1, -reach, -reach, float64(m.w)+reach, float64(m.h)+reach)
	if !ok {
		return
	}
	dx, dy := x1-x0, y1-y0
	length := math.Hypot(dx, dy)
	ux, uy := 1.0, 0.0
	if length > 1e-9 {
		ux, uy = dx/length, dy/length
	}
	top, bottom := max(int(math.Floor(min(y0, y1)-reach)), 0), min(int(math.Ceil(max(y0, y1)+reach)), m.h)
	left, right := min(x0, x1)-reach, max(x0, x1)+reach
	// Squares spare the root where a pixel is wholly in or wholly out.
	outer2, inner2 := (radius+0.5)*(radius+0.5), max(radius-0.5, 0)*max(radius-0.5, 0)
	for y := top; y < bottom; y++ {
		cy := float64(y) + 0.5
		a, b := left, right
		if math.Abs(uy) > 1e-6 {
			// The row cuts the strip around the line here.
			x, half := x0+(cy-y0)*ux/uy, reach/math.Abs(uy)
			a, b = max(a, x-half), min(b, x+half)
		}
		i, j := max(int(math.Floor(a)), 0), min(int(math.Ceil(b)), m.w)
		if i >= j {
			continue
		}
		m.touch(y, i, j)
		row := m.pix[y*m.w : (y+1)*m.w]
		ry := cy - y0
		for x := i; x < j; x++ {
			if row[x] == 0xFF {
				continue
			}
			rx := float64(x) + 0.5 - x0
			// The nearest point of the segment is t along it.
			t := min(max(rx*ux+ry*uy, 0), length)
			ex, ey := rx-t*ux, ry-t*uy
			switch d2 := ex*ex + ey*ey; {
			case d2 <= inner2:
				row[x] = 0xFF
			case d2 < outer2:
				row[x] = max(row[x], uint8(min(radius+0.5-math.Sqrt(d2), 1)*255))
			}
		}
	}
}

// hair draws a segment one pixel wide, faster than line: two pixels a step along its longer axis.
func (m *strokes) hair(x0, y0, x1, y1 float64) {
	x0, y0, x1, y1, ok := clipSegment(x0, y0, x1, y1, -1, -1, float64(m.w)+1, float64(m.h)+1)
	if !ok {
		return
	}
	x0, y0, x1, y1 = x0-0.5, y0-0.5, x1-0.5, y1-0.5 // to the grid of pixel centres
	if math.Abs(x1-x0) >= math.Abs(y1-y0) {
		if x0 > x1 {
			x0, y0, x1, y1 = x1, y1, x0, y0
		}
		slope := 0.0
		if x1 > x0 {
			slope = (y1 - y0) / (x1 - x0)
		}
		first := max(int(math.Ceil(x0-0.5)), 0)
		for x, last := first, min(int(math.Floor(x1+0.5)), m.w-1); x <= last; x++ {
			y := y0 + (min(max(float64(x), x0), x1)-x0)*slope
			f := math.Floor(y)
			m.dot(x, int(f), 1-(y-f))
			m.dot(x, int(f)+1, y-f)
		}
		return
	}
	if y0 > y1 {
		x0, y0, x1, y1 = x1, y1, x0, y0
	}
	slope := (x1 - x0) / (y1 - y0)
	first := max(int(math.Ceil(y0-0.5)), 0)
	for y, last := first, min(int(math.Floor(y1+0.5)), m.h-1); y <= last; y++ {
		x := x0 + (min(max(float64(y), y0), y1)-y0)*slope
		f := math.Floor(x)
		m.dot(int(f), y, 1-(x-f))
		m.dot(int(f)+1, y, x-f)
	}
}

func (m *strokes) dot(x, y int, c float64) {
	if uint(x) >= uint(m.w) || uint(y) >= uint(m.h) {
		return
	}
	m.touch(y, x, x+1)
	p := &m.pix[y*m.w+x]
	*p = max(*p, uint8(c*255))
}

// rows calls row for each row with what was touched in it, from column x0 on, and clears it.
func (m *strokes) rows(row func(y, x0 int, cover []uint8)) {
	for y := range m.lo {
		if lo, hi := int(m.lo[y]), int(m.hi[y]); lo < hi {
			cover := m.pix[y*m.w+lo : y*m.w+hi]
			row(y, lo, cover)
			clear(cover)
			m.lo[y], m.hi[y] = int32(m.w), 0
		}
	}
}

// clipSegment cuts a segment to a rectangle (Liang and Barsky 1984). ok is false when nothing is left, or when a
// coordinate is not a finite number.
func clipSegment(x0, y0, x1, y1, left, top, right, bottom float64) (a, b, c, d float64, ok bool) {
	dx, dy := x1-x0, y1-y0
	if math.IsNaN(dx) || math.IsNaN(dy) || math.IsInf(dx, 0) || math.IsInf(dy, 0) {
		return 0, 0, 0, 0, false
	}
	t0, t1 := 0.0, 1.0
	for _, e := range [4][2]float64{{-dx, x0 - left}, {dx, right - x0}, {-dy, y0 - top}, {dy, bottom - y0}} {
		p, q := e[0], e[1]
		switch {
		case p == 0:
			if q < 0 {
				return 0, 0, 0, 0, false
			}
		case p < 0:
			t0 = max(t0, q/p)
		default:
			t1 = min(t1, q/p)
		}
	}
	if t0 > t1 {
		return 0, 0, 0, 0, false
	}
	return x0 + t0*dx, y0 + t0*dy, x0 + t1*dx, y0 + t1*dy, true
}
