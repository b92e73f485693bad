package raster

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// bruteCover counts for a pixel the mean winding of a ring over a fine grid of samples.
func bruteCover(ring []point, px, py int) float64 {
	const n = 16
	sum := 0
	for sy := range n {
		for sx := range n {
			x, y := float64(px)+(float64(sx)+0.5)/n, float64(py)+(float64(sy)+0.5)/n
			for i := range ring {
				a, b := ring[i], ring[(i+1)%len(ring)]
				if (a.y > y) == (b.y > y) {
					continue
				}
				if a.x+(y-a.y)/(b.y-a.y)*(b.x-a.x) < x {
					if b.y > a.y {
						sum++
					} else {
						sum--
					}
				}
			}
		}
	}
	return float64(sum) / (n * n)
}

func TestAccumMatchesBruteForce(t *testing.T) {
	var a accum
	rapid.Check(t, func(t *rapid.T) {
		const w, h = 12, 9
		a.reset(w, h)
		coord := rapid.Float64Range(-30, 40)
		n := rapid.IntRange(3, 7).Draw(t, "corners")
		ring := make([]point, n)
		for i := range ring {
			ring[i] = point{coord.Draw(t, "x"), coord.Draw(t, "y")}
		}
		for i := range ring {
			p, q := ring[i], ring[(i+1)%n]
			a.line(p.x, p.y, q.x, q.y, 1)
		}
		got := make([]float32, w*h)
		a.sum(func(y int, cover []float32) { copy(got[y*w:], cover) })
		for y := range h {
			for x := range w {
				want := bruteCover(ring, x, y)
				if d := math.Abs(float64(got[y*w+x]) - want); d > 0.08*float64(n) {
					t.Fatalf("pixel %d,%d: %v, want about %v (ring %v)", x, y, got[y*w+x], want, ring)
				}
			}
		}
	})
}

func TestAccumCountsOverlap(t *testing.T) {
	var a accum
	a.reset(4, 4)
	for range 5 {
		for _, l := range [][4]float64{{1, 1, 1, 3}, {1, 3, 3, 3}, {3, 3, 3, 1}, {3, 1, 1, 1}} {
			a.line(l[0], l[1], l[2], l[3], 1)
		}
	}
	rows := 0
	a.sum(func(y int, cover []float32) {
		rows++
		for x, v := range cover {
			want := float32(0)
			if x == 1 || x == 2 {
				want = 5
			}
			if v != want {
				t.Errorf("pixel %d,%d: %v footprints, want %v", x, y, v, want)
			}
		}
	})
	if rows != 2 {
		t.Errorf("%d rows were touched, want 2", rows)
	}
	a.sum(func(int, []float32) { t.Error("sum did not clear what it read") })
}

func TestStrokesStayInside(t *testing.T) {
	var m strokes
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 20).Draw(t, "w"), rapid.IntRange(1, 20).Draw(t, "h")
		m.reset(w, h)
		coord := rapid.Float64Range(-1e6, 1e6)
		near := rapid.Float64Range(-5, 25)
		for range 5 {
			m.line(coord.Draw(t, "x0"), near.Draw(t, "y0"), near.Draw(t, "x1"), coord.Draw(t, "y1"), rapid.Float64Range(0, 9).Draw(t, "r"))
			m.hair(near.Draw(t, "x0"), coord.Draw(t, "y0"), coord.Draw(t, "x1"), near.Draw(t, "y1"))
		}
		m.rows(func(y, x0 int, cover []uint8) {
			if y < 0 || y >= h || x0 < 0 || x0+len(cover) > w {
				t.Fatalf("row %d from %d, %d pixels, leaves %d×%d", y, x0, len(cover), w, h)
			}
		})
		for i, v := range m.pix {
			if v != 0 {
				t.Fatalf("pixel %d was not cleared", i)
			}
		}
	})
}

func TestStrokeWidth(t *testing.T) {
	var m strokes
	for _, radius := range []float64{1, 2.5, 4} {
		m.reset(40, 20)
		m.line(-10, 10, 50, 10, radius)
		column := 0.0
		m.rows(func(_, x0 int, cover []uint8) { column += float64(cover[20-x0]) / 255 })
		if math.Abs(column-2*radius) > 0.1 {
			t.Errorf("a line of radius %v is %v pixels wide", radius, column)
		}
	}
	m.reset(40, 20)
	m.hair(0, 3, 40, 15)
	column := 0.0
	m.rows(func(_, x0 int, cover []uint8) {
		if i := 20 - x0; i >= 0 && i < len(cover) {
			column += float64(cover[i]) / 255
		}
	})
	if math.Abs(column-1) > 0.05 {
		t.Errorf("a hair is %v pixels wide", column)
	}
}
