package scene

import (
	"math"
	"testing"
	"time"

	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// window is a square view around a place in Lambert-93.
func window(tb testing.TB, lon, lat, res float64, n int) View {
	tb.Helper()
	p, err := geo.NewProjection(2154)
	if err != nil {
		tb.Fatal(err)
	}
	x, y := p.Forward(lon, lat)
	half := float64(n) * res / 2
	x, y = math.Round(x/res)*res, math.Round(y/res)*res
	return View{
		Proj: p, West: x - half, North: y + half, Res: res, Width: n, Height: n,
		Footprint: []geom.XY{{X: x - half, Y: y - half}, {X: x + half, Y: y - half}, {X: x + half, Y: y + half}, {X: x - half, Y: y + half}},
	}
}

func day(month time.Month) time.Time { return time.Date(2021, month, 15, 10, 40, 0, 0, time.UTC) }

// TestNDVIMeansSomething renders places of every kind and reads the index of each class of land from the pixels.
func TestNDVIMeansSomething(t *testing.T) {
	w := NewWorld(1)
	sum, count := map[class]float64{}, map[class]float64{}
	for _, at := range [][2]float64{{3.88, 43.55}, {6.6, 44.9}, {1.4, 48.3}, {-1.0, 44.3}, {3.6, 43.85}} {
		sc, err := w.NewScene(window(t, at[0], at[1], 60, 256), Overpass{Time: day(time.July), Sky: 7})
		if err != nil {
			t.Fatal(err)
		}
		pix := make([]uint16, 256*256*2)
		if err := sc.Reflectance(sc.Inks(Channel(B04), Channel(B08)), 0, 0, 256, 256, 256, pix, nil); err != nil {
			t.Fatal(err)
		}
		err = sc.each(0, 0, 256, 256, func(x, y int, _ *node, p *surface) {
			if p.mix > 0.05 || p.snow > 0 {
				return
			}
			red, nir := float64(pix[(y*256+x)*2]), float64(pix[(y*256+x)*2+1])
			sum[p.class] += (nir - red) / (nir + red)
			count[p.class]++
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		class    class
		low, top float64
	}{
		{clsBroadleaf, 0.70, 0.95},
		{clsNeedleleaf, 0.65, 0.92},
		{clsMaize, 0.60, 0.95},
		{clsWheat, 0.08, 0.45}, // cut in July
		{clsScrub, 0.40, 0.70},
		{clsSand, 0.02, 0.20},
		{clsSeaDeep, -0.9, -0.1},
		{clsLagoon, -0.9, -0.1},
	} {
		if count[tc.class] < 20 {
			t.Errorf("class %d: %v pixels", tc.class, count[tc.class])
			continue
		}
		if got := sum[tc.class] / count[tc.class]; got < tc.low || got > tc.top {
			t.Errorf("class %d: NDVI %.2f, want %.2f to %.2f", tc.class, got, tc.low, tc.top)
		}
	}
}

// TestTheYearGoesBy checks that broad-leaved wood greens up and that wheat is cut.
func TestTheYearGoesBy(t *testing.T) {
	ndvi := func(c class, month time.Month) float32 {
		s := newPalette(day(month).YearDay())[0][c][1]
		return (s[B08] - s[B04]) / (s[B08] + s[B04])
	}
	if winter, summer := ndvi(clsBroadleaf, time.January), ndvi(clsBroadleaf, time.July); winter > 0.65 || summer < 0.75 {
		t.Errorf("broadleaf: NDVI %.2f in January, %.2f in July", winter, summer)
	}
	if may, august := ndvi(clsWheat, time.May), ndvi(clsWheat, time.August); may < 0.75 || august > 0.4 {
		t.Errorf("wheat: NDVI %.2f in May, %.2f in August", may, august)
	}
	if may, august := ndvi(clsMaize, time.May), ndvi(clsMaize, time.August); may > 0.5 || august < 0.75 {
		t.Errorf("maize: NDVI %.2f in May, %.2f in August", may, august)
	}
	if line := snowLine(45); line > snowLine(227) {
		t.Errorf("snow lies higher in February than in August: %v m", line)
	}
}

// TestBlocksMakeOneImage checks that a block alone shows what it shows in the whole.
func TestBlocksMakeOneImage(t *testing.T) {
	w := NewWorld(1)
	sc, err := w.NewScene(window(t, 3.9, 43.5, 15, 256), Overpass{Time: day(time.May), Cloud: 30, Sky: 3})
	if err != nil {
		t.Fatal(err)
	}
	ink := sc.Inks(Panchromatic())
	whole := make([]uint16, 256*256)
	if err := sc.Reflectance(ink, 0, 0, 256, 256, 256, whole, nil); err != nil {
		t.Fatal(err)
	}
	part := make([]uint16, 128*64)
	if err := sc.Reflectance(ink, 64, 128, 128, 64, 128, part, nil); err != nil {
		t.Fatal(err)
	}
	off := 0
	for y := range 64 {
		for x := range 128 {
			// Places are interpolated from other nodes, so a border may move by the last bit of a float32.
			if d := int(part[y*128+x]) - int(whole[(y+128)*256+x+64]); d > 3 || d < -3 {
				off++
			}
		}
	}
	if off > 128*64/200 {
		t.Errorf("%d of %d pixels differ", off, 128*64)
	}
}

func TestCoastIsTheBasemaps(t *testing.T) {
	base, err := basemap.Load(basemap.Fine)
	if err != nil {
		t.Fatal(err)
	}
	w := NewWorld(1)
	rapid.Check(t, func(t *rapid.T) {
		lon := rapid.Float64Range(3, 4.99).Draw(t, "lon")
		lat := rapid.Float64Range(43, 43.99).Draw(t, "lat")
		tile, err := w.coastAt(int(lon), int(lat))
		if err != nil {
			t.Fatal(err)
		}
		// Within half a kilometre the lattice may round a corner.
		if d := tile.at(lon, lat); (d > 0.5 || d < -0.5) && (d > 0) != base.IsLand(lon, lat) {
			t.Fatalf("%v, %v: %v km from the coast, but the basemap's land is %v", lon, lat, d, base.IsLand(lon, lat))
		}
	})
}

// The expected values follow by hand from declination, equation of time and hour angle.
func TestSun(t *testing.T) {
	for _, tc := range []struct {
		at       time.Time
		lon, lat float64
		az, el   float64
	}{
		{time.Date(2022, 6, 21, 12, 0, 0, 0, time.UTC), 0, 45, 178.9, 68.4},
		{time.Date(2022, 12, 21, 12, 0, 0, 0, time.UTC), 0, 45, 180.4, 21.6},
		{time.Date(2022, 3, 20, 10, 40, 0, 0, time.UTC), 3.88, 43.61, 154.8, 43.5},
	} {
		az, el := Sun(tc.at, tc.lon, tc.lat)
		if math.Abs(az-tc.az) > 0.3 || math.Abs(el-tc.el) > 0.2 {
			t.Errorf("%v: azimuth %.2f, elevation %.2f; want %.1f, %.1f", tc.at, az, el, tc.az, tc.el)
		}
	}
}

func TestNewSceneRefusesAnEmptyView(t *testing.T) {
	if _, err := NewWorld(1).NewScene(View{}, Overpass{}); err == nil {
		t.Error("an empty view was accepted")
	}
}

func BenchmarkReflectance(b *testing.B) {
	w := NewWorld(1)
	sc, err := w.NewScene(window(b, 3.9, 43.7, 15, 512), Overpass{Time: day(time.May), Cloud: 30, Sky: 3})
	if err != nil {
		b.Fatal(err)
	}
	ink := sc.Inks(Panchromatic())
	pix := make([]uint16, 512*512)
	for b.Loop() {
		if err := sc.Reflectance(ink, 0, 0, 512, 512, 512, pix, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*512*512)/1e6/b.Elapsed().Seconds(), "Mpx/s")
}
