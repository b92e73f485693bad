package present_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

func TestFormats(t *testing.T) {
	day := time.Date(2022, 8, 3, 10, 2, 3, 0, time.UTC)
	box := geo.BBox{West: -3.5, South: 43.55, East: 4.0364, North: 43.754}
	for _, c := range []struct {
		name   string
		f      func(*present.Printer) string
		en, fr string
	}{
		{"int", func(p *present.Printer) string { return p.Int(1234567) }, "1,234,567", "1 234 567"},
		{"negative int", func(p *present.Printer) string { return p.Int(-1234) }, "−1,234", "−1 234"},
		{"float", func(p *present.Printer) string { return p.Float(1234.5, 2) }, "1,234.5", "1 234,5"},
		{"no minus zero", func(p *present.Printer) string { return p.Float(-0.001, 1) }, "0", "0"},
		{"nan", func(p *present.Printer) string { return p.Float(math.NaN(), 1) }, "–", "–"},
		{"bytes", func(p *present.Printer) string { return p.Bytes(999) }, "999 B", "999 o"},
		{"kilo", func(p *present.Printer) string { return p.Bytes(1000) }, "1 kB", "1 ko"},
		{"mega", func(p *present.Printer) string { return p.Bytes(1_234_500) }, "1.2 MB", "1,2 Mo"},
		{"rounds up to the next unit", func(p *present.Printer) string { return p.Bytes(999_999_999) }, "1 GB", "1 Go"},
		{"unknown size", func(p *present.Printer) string { return p.Bytes(-1) }, "", ""},
		{"rate", func(p *present.Printer) string { return p.Rate(11.2e6) }, "11.2 MB/s", "11,2 Mo/s"},
		{"date", func(p *present.Printer) string { return p.Date(day) }, "3 Aug 2022", "3 août 2022"},
		{"no date", func(p *present.Printer) string { return p.Date(time.Time{}) }, "", ""},
		{"date and time", func(p *present.Printer) string { return p.DateTime(day) }, "3 Aug 2022, 10:02:03 UTC", "3 août 2022, 10:02:03 UTC"},
		{"seconds", func(p *present.Printer) string { return p.Left(7 * time.Second) }, "7 s", "7 s"},
		{"minutes", func(p *present.Printer) string { return p.Left(200 * time.Second) }, "3 min 20 s", "3 min 20 s"},
		{"hours", func(p *present.Printer) string { return p.Left(125 * time.Minute) }, "2 h 05 min", "2 h 05 min"},
		{"days", func(p *present.Printer) string { return p.Left(50 * time.Hour) }, "2 d 02 h", "2 j 02 h"},
		{"percent", func(p *present.Printer) string { return p.Percent(7.46) }, "7.5%", "7,5 %"},
		{"percent whole", func(p *present.Printer) string { return p.Percent(16.4) }, "16%", "16 %"},
		{"area", func(p *present.Printer) string { return p.Area(3480e6) }, "3,480 km²", "3 480 km²"},
		{"bounds", func(p *present.Printer) string { return p.Bounds(box) }, "43.55°N 3.5°W – 43.75°N 4.04°E", "43,55°N 3,5°O – 43,75°N 4,04°E"},
		{"one", func(p *present.Printer) string { return p.N("{n} images", 1) }, "1 image", "1 image"},
		{"none", func(p *present.Printer) string { return p.N("{n} images", 0) }, "0 images", "0 image"},
		{"many", func(p *present.Printer) string { return p.N("{n} images", 2345) }, "2,345 images", "2 345 images"},
	} {
		for l, want := range map[present.Language]string{present.English: c.en, present.French: c.fr} {
			if got := strings.ReplaceAll(c.f(printer(t, l)), "\u00a0", " "); got != want {
				t.Errorf("%s in %s: got %q, want %q", c.name, l, got, want)
			}
		}
	}
}

func TestLanguageOf(t *testing.T) {
	for locale, want := range map[string]present.Language{
		"fr_FR.UTF-8": present.French, "fr": present.French, "fr-CA": present.French, "en_US.UTF-8": present.English, "C": present.English,
		"": present.English, "frr": present.English, "de_DE": present.English,
	} {
		if got := present.LanguageOf(locale); got != want {
			t.Errorf("%q: got %s, want %s", locale, got, want)
		}
	}
}

// A number keeps its digits, whatever the separators.
func TestIntKeepsDigits(t *testing.T) {
	p := printer(t, present.French)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.Int64Range(0, math.MaxInt64).Draw(rt, "n")
		var back int64
		for _, r := range p.Int(n) {
			if r >= '0' && r <= '9' {
				back = back*10 + int64(r-'0')
			}
		}
		if back != n {
			rt.Fatalf("%d became %q", n, p.Int(n))
		}
	})
}

func TestSurfaceArea(t *testing.T) {
	for _, c := range []struct {
		name string
		box  geo.BBox
		km2  float64
	}{
		{"a degree at the equator", geo.BBox{West: 0, South: 0, East: 1, North: 1}, 12364},
		{"Montpellier", geo.BBox{West: 3.6962, South: 43.54745, East: 4.0364, North: 43.7543}, 631},
		{"the globe", geo.World(), 510065622},
		{"over the antimeridian", geo.BBox{West: 179.5, South: 0, East: -179.5, North: 1}, 12364},
		{"a point", geo.BBox{West: 1, South: 1, East: 1, North: 1}, 0},
	} {
		got := present.SurfaceArea(c.box.Geometry()) / 1e6
		if math.Abs(got-c.km2) > c.km2*0.006+0.001 {
			t.Errorf("%s: got %.0f km², want %.0f", c.name, got, c.km2)
		}
		if b, ok := present.Bounds(c.box.Geometry()); !ok || b != c.box {
			t.Errorf("%s: bounds %v, want %v", c.name, b, c.box)
		}
	}
}
