package mapview

import (
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

func TestCameraStaysInTheWorld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := camera{size: fyne.NewSize(rapid.Float32Range(1, 3000).Draw(t, "w"), rapid.Float32Range(1, 3000).Draw(t, "h"))}
		c = c.fitted(geo.World())
		for range 10 {
			c = c.moved(rapid.Float32Range(-5000, 5000).Draw(t, "dx"), rapid.Float32Range(-5000, 5000).Draw(t, "dy"))
			c = c.zoomed(rapid.Float64Range(-5, 5).Draw(t, "dz"), fyne.NewPos(rapid.Float32Range(0, 3000).Draw(t, "x"), rapid.Float32Range(0, 3000).Draw(t, "y")))
			if c.x < 0 || c.x >= 1 || c.y < 0 || c.y > 1 || c.zoom < c.minZoom() || c.zoom > maxZoom {
				t.Fatalf("camera %+v is nowhere", c)
			}
			_, top := c.at(fyne.NewPos(0, 0))
			_, bottom := c.at(fyne.NewPos(0, c.size.Height))
			if top < -1e-4 || bottom > 1+1e-4 {
				t.Fatalf("camera %+v shows emptiness from %v to %v", c, top, bottom)
			}
			if err := c.viewport().Valid(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestFitShowsAll(t *testing.T) {
	c := camera{size: fyne.NewSize(800, 600)}
	for _, b := range []geo.BBox{
		{West: 3, South: 43, East: 4, North: 44},
		{West: 170, South: -20, East: -170, North: 5},
		{West: 3.8767, South: 43.6108, East: 3.8767, North: 43.6108},
		{West: -60, South: -50, East: 70, North: 65},
	} {
		got := c.fitted(b)
		if v := got.viewport(); !v.Encloses(b) {
			t.Errorf("fitted to %v the view shows %v", b, v)
		}
		if got.zoom > fitZoom {
			t.Errorf("fitted to %v the zoom is %v", b, got.zoom)
		}
	}
}

func TestRingArea(t *testing.T) {
	square := func(w, s, e, n float64) []geom.XY {
		return []geom.XY{{X: w, Y: s}, {X: e, Y: s}, {X: e, Y: n}, {X: w, Y: n}}
	}
	tests := []struct {
		name string
		ring []geom.XY
		want float64 // km²
	}{
		{"a degree at the equator", square(0, 0, 1, 1), 12363.7}, // authalic zone: R²·Δλ·(sin φ2 − sin φ1)
		{"a degree over the antimeridian", square(179.5, 0, 180.5, 1), 12363.7},
		{"half the globe", square(-180, 0, 180, 90), 255032810},
	}
	for _, tt := range tests {
		if got := ringArea(tt.ring); math.Abs(got-tt.want) > tt.want*1e-3 {
			t.Errorf("%s: %v km², want %v", tt.name, got, tt.want)
		}
	}
}

func TestRoundDistance(t *testing.T) {
	for in, want := range map[float64]float64{1: 1, 1.9: 1, 2: 2, 4.9: 2, 7: 5, 99: 50, 123: 100, 0.3: 0.2, 0: 0, -1: 0} {
		if got := roundDistance(in); math.Abs(got-want) > 1e-9 {
			t.Errorf("roundDistance(%v) = %v, want %v", in, got, want)
		}
	}
	if roundDistance(math.NaN()) != 0 || roundDistance(math.Inf(1)) != 0 {
		t.Error("a distance that is none has no round one")
	}
}

func TestLabels(t *testing.T) {
	en, fr := English(), French()
	tests := []struct{ got, want string }{
		{en.position(3.8767, 43.6108, 4), "43.6108° N   3.8767° E"},
		{fr.position(-4.49, -12.5, 2), "12,50° S   4,49° O"},
		{en.area(3.14159), "3.14 km²"},
		{fr.area(31.4159), "31,4 km²"},
		{en.area(1234567.8), "1\u202f234\u202f568 km²"},
		{en.distance(500), "500 m"},
		{en.distance(2000), "2 km"},
		{Labels{ZoomIn: "Zoom!"}.orEnglish().ZoomIn, "Zoom!"},
		{Labels{}.orEnglish().West, "W"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

func TestOversizeIsBounded(t *testing.T) {
	for _, tt := range []struct {
		w, h        float32
		scale, want float64
	}{{800, 600, 1, 1.5}, {1280, 800, 1, 1.5}, {1920, 1080, 1, 1.5}, {1920, 1080, 2, 1.15}, {1, 1, 1, 1.5}} {
		if got := oversize(fyne.NewSize(tt.w, tt.h), tt.scale); math.Abs(got-tt.want) > 0.06 {
			t.Errorf("a view of %v×%v at scale %v is drawn %v times as long, want %v", tt.w, tt.h, tt.scale, got, tt.want)
		}
	}
}
