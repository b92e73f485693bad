package raster

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

func viewOf(lon, lat, zoom float64, w, h int) View {
	return View{X: geo.MercatorX(lon), Y: geo.MercatorY(lat), Zoom: zoom, Width: w, Height: h, Scale: 1}
}

func newRenderer(t testing.TB) *Renderer {
	t.Helper()
	r, err := NewRenderer(Fonts{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func baseFor(t testing.TB, v View) *Base {
	t.Helper()
	b, err := LoadBase(LevelFor(v))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGolden(t *testing.T) {
	fiji := []Footprint{{"fiji", wkt(t, "MULTIPOLYGON(((176 -20,180 -20,180 -15,177 -15,176 -20)),((-180 -20,-177 -20,-176 -15,-180 -15,-180 -20)))")}}
	montpellier := geo.BBox{West: 3.4, South: 43.3, East: 4.4, North: 43.9}.Geometry()
	fine := viewOf(3.9, 43.6, 7, 480, 320)
	fine.Scale = 2
	tests := []struct {
		name  string
		scene Scene
	}{
		{"world-light", Scene{View: viewOf(10, 20, 0.7, 520, 360), Palette: Light()}},
		{"france-dark", Scene{View: viewOf(2.5, 46.5, 4.7, 480, 360), Palette: Dark(), Language: "fr", Footprints: NewFootprints(scenes(40, 1)), Selection: []string{"scene-3"}, Hover: "scene-5"}},
		{"piled-light", Scene{View: viewOf(2.5, 46.5, 4.7, 480, 360), Palette: Light(), Language: "fr", Footprints: NewFootprints(scenes(2000, 1))}},
		{"density-light", Scene{View: viewOf(2.5, 46.5, 4.7, 480, 360), Palette: Light(), Footprints: NewFootprints(scenes(densityFrom+1, 2))}},
		{"area-hidpi", Scene{View: fine, Palette: Light(), Language: "fr", Footprints: NewFootprints(scenes(40, 3)), Area: montpellier}},
		{"antimeridian", Scene{View: viewOf(180, -17.5, 4.5, 480, 320), Palette: Light(), Footprints: NewFootprints(fiji), Selection: []string{"fiji"}}},
	}
	r := newRenderer(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.scene.Base, tt.scene.Graticule = baseFor(t, tt.scene.View), true
			compareGolden(t, tt.name, r.Render(nil, tt.scene))
		})
	}
}

// compareGolden tells pictures apart by what an eye would see: rounding may differ between processors.
func compareGolden(t *testing.T, name string, got *image.RGBA) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	if *update {
		var buf bytes.Buffer
		if err := png.Encode(&buf, got); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if want.Bounds() != got.Bounds() {
		t.Fatalf("picture is %v, want %v", got.Bounds(), want.Bounds())
	}
	differing := 0
	for y := range got.Rect.Dy() {
		for x := range got.Rect.Dx() {
			r0, g0, b0, _ := want.At(x, y).RGBA()
			r1, g1, b1, _ := got.At(x, y).RGBA()
			if diff(r0, r1) > 0x0400 || diff(g0, g1) > 0x0400 || diff(b0, b1) > 0x0400 {
				differing++
			}
		}
	}
	if limit := got.Rect.Dx() * got.Rect.Dy() / 1000; differing > limit {
		failed := filepath.Join(t.ArtifactDir(), name+".png")
		if out, err := os.Create(failed); err == nil {
			_ = png.Encode(out, got)
			_ = out.Close()
		}
		t.Errorf("%d pixels differ from %s, %d may; look at %s (-artifacts keeps it)", differing, path, limit, failed)
	}
}

func diff(a, b uint32) uint32 { return max(a, b) - min(a, b) }

func TestImageForm(t *testing.T) {
	s := Scene{View: viewOf(0, 0, 1, 101, 57), Palette: Light()}
	img := newRenderer(t).Render(nil, s)
	if img.Rect != image.Rect(0, 0, 101, 57) || img.Stride != 4*101 {
		t.Errorf("image %v with stride %d can't be uploaded without a copy", img.Rect, img.Stride)
	}
	if !img.Opaque() {
		t.Error("image is not opaque")
	}
}

// A kept layer must not change what is drawn.
func TestCaching(t *testing.T) {
	v := viewOf(2.5, 46.5, 5, 300, 200)
	one, two := NewFootprints(scenes(50, 1)), NewFootprints(scenes(50, 2))
	r := newRenderer(t)
	var img *image.RGBA
	base := Scene{View: v, Palette: Light(), Base: baseFor(t, v), Graticule: true, Footprints: one}
	moved, dark, other, hover, french := base, base, base, base, base
	moved.View.X += 0.001
	dark.Palette = Dark()
	other.Footprints = two
	hover.Hover = "scene-1"
	french.Language = "fr"
	for i, s := range []Scene{base, hover, base, other, base, dark, hover, moved, french, base} {
		img = r.Render(img, s)
		if fresh := newRenderer(t).Render(nil, s); !bytes.Equal(img.Pix, fresh.Pix) {
			t.Errorf("scene %d differs from one that is drawn from nothing", i)
		}
	}
}

// A footprint that its document cuts at ±180° is one shape without a seam.
func TestAntimeridianSeam(t *testing.T) {
	fp := NewFootprints([]Footprint{{"x", wkt(t, "MULTIPOLYGON(((170 -10,180 -10,180 10,170 10,170 -10)),((-180 -10,-170 -10,-170 10,-180 10,-180 -10)))")}})
	img := newRenderer(t).Render(nil, Scene{View: viewOf(180, 0, 3, 301, 101), Palette: Light(), Footprints: fp})
	middle := img.RGBAAt(150, 50)
	if middle == img.RGBAAt(2, 50) {
		t.Fatal("the footprint is not to be seen")
	}
	for x := 120; x < 180; x++ {
		if c := img.RGBAAt(x, 50); c != middle {
			t.Errorf("pixel %d is %v, at the antimeridian %v", x, c, middle)
		}
	}
}

func TestNamesDoNotOverlap(t *testing.T) {
	for _, zoom := range []float64{1, 3, 4.6, 5.7, 7} {
		v := viewOf(3, 47, zoom, 900, 600)
		pl := placeLabels(newFrame(v), baseFor(t, v), newGazetteer("fr"), newRenderer(t).text, Light())
		if zoom >= 3 && len(pl.names) < 10 {
			t.Errorf("zoom %v: only %d names", zoom, len(pl.names))
		}
		for i, p := range pl.names {
			for _, q := range pl.names[:i] {
				if p.box().Overlaps(q.box()) {
					t.Errorf("zoom %v: names at %v and %v overlap", zoom, p.box(), q.box())
				}
			}
		}
	}
}

func TestCountryNames(t *testing.T) {
	g := newGazetteer("fr")
	for id, want := range map[string]string{"250": "FRANCE", "276": "ALLEMAGNE", "104": "MYANMAR"} {
		if got := g.country(countryLabel{id: id, name: "?"}); got != want {
			t.Errorf("country %s is %q, want %q", id, got, want)
		}
	}
	if got := newGazetteer("not a language").country(countryLabel{name: "Kosovo"}); got != "KOSOVO" {
		t.Errorf("a country without a code is %q", got)
	}
}

func TestBadFont(t *testing.T) {
	if _, err := NewRenderer(Fonts{Regular: []byte("not a font")}); err == nil {
		t.Error("a font of nonsense was accepted")
	}
}

func FuzzRender(f *testing.F) {
	f.Add(0.5, 0.5, 1.0, 1.0, uint8(40), uint8(30), "POLYGON((0 0,10 0,10 10,0 0))")
	f.Add(1.0, 0.4, 22.0, 2.0, uint8(1), uint8(1), "MULTIPOLYGON(((170 0,180 0,180 9,170 0)))")
	f.Add(math.NaN(), math.Inf(1), -50.0, 0.0, uint8(9), uint8(0), "LINESTRING(-540 -90,540 90)")
	f.Add(-3.0, 2.0, 9.0, 3.0, uint8(99), uint8(99), "POLYGON((0 0,1e300 0,0 1e300,0 0),(0 0,0 0,0 0,0 0))")
	f.Add(0.2, 0.9, 30.0, 8.0, uint8(20), uint8(20), "GEOMETRYCOLLECTION(POINT(1 1),MULTIPOINT((1 1),(2 2)),LINESTRING(0 0,1 1))")
	base, err := LoadBase(0)
	if err != nil {
		f.Fatal(err)
	}
	r := newRenderer(f)
	f.Fuzz(func(t *testing.T, x, y, zoom, scale float64, w, h uint8, text string) {
		g, err := geom.UnmarshalWKT(text, geom.NoValidate{})
		if err != nil {
			g = geom.Geometry{}
		}
		fp := NewFootprints([]Footprint{{"a", g}, {"b", g}})
		v := View{X: x, Y: y, Zoom: zoom, Width: int(w), Height: int(h), Scale: scale}
		img := r.Render(nil, Scene{View: v, Palette: Dark(), Base: base, Graticule: true, Footprints: fp, Selection: []string{"b", "none"}, Hover: "a", Area: g})
		if !img.Opaque() {
			t.Error("image is not opaque")
		}
		fp.At(x, y, scale)
	})
}

func BenchmarkRender(b *testing.B) {
	// Dropping the kept layer of footprints alone has them drawn anew.
	vary := func(s *Scene, _ int) {
		s.Footprints = &Footprints{shapes: s.Footprints.shapes, byID: s.Footprints.byID, index: s.Footprints.index}
	}
	v := viewOf(2.5, 46.5, 5.7, 1280, 800)
	for _, bm := range []struct {
		name string
		fp   *Footprints
		vary func(*Scene, int)
	}{
		{"base", nil, func(s *Scene, i int) { s.View.X += 1e-7 * float64(i) }},
		{"footprints-3000", NewFootprints(scenes(3000, 1)), vary},
		{"footprints-20000", NewFootprints(scenes(20000, 1)), vary},
		{"density-50000", NewFootprints(scenes(50000, 1)), vary},
		{"hover", NewFootprints(scenes(3000, 1)), func(s *Scene, i int) { s.Hover = []string{"scene-1", "scene-2"}[i%2] }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			r := newRenderer(b)
			s := Scene{View: v, Palette: Light(), Base: baseFor(b, v), Graticule: true, Footprints: bm.fp}
			img := r.Render(nil, s)
			i := 0
			for b.Loop() {
				i++
				bm.vary(&s, i)
				r.Render(img, s)
			}
		})
	}
}

func BenchmarkAt(b *testing.B) {
	fp := NewFootprints(scenes(3000, 1))
	for b.Loop() {
		fp.At(2.5, 46.5, 0.01)
	}
}
