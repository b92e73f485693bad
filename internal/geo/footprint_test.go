package geo

import (
	"math"
	"slices"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"
)

func wkt(t *testing.T, s string) geom.Geometry {
	t.Helper()
	g, err := geom.UnmarshalWKT(s, geom.NoValidate{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestBoxes(t *testing.T) {
	for _, c := range []struct {
		g      string
		boxes  []BBox
		bounds BBox
	}{
		{"POINT EMPTY", nil, BBox{}},
		{"POINT(3 43)", []BBox{{3, 43, 3, 43}}, BBox{3, 43, 3, 43}},
		{"MULTIPOINT(170 0,-170 1)", []BBox{{-170, 0, 170, 1}}, BBox{-170, 0, 170, 1}},
		{"MULTIPOLYGON(((179 0,180 0,180 2,179 0)),((-180 1,-178 1,-180 3,-180 1)))", []BBox{{179, 0, 180, 2}, {-180, 1, -178, 3}}, BBox{179, 0, -178, 3}},
		{"MULTIPOLYGON(((179 0,180 0,180 2,179 0)),((-180 1,5 1,-180 3,-180 1)))", []BBox{{-180, 0, 180, 3}}, BBox{-180, 0, 180, 3}},
		{"POLYGON((-180 85,180 85,180 90,-180 90,-180 85))", []BBox{{-180, 85, 180, 90}}, BBox{-180, 85, 180, 90}},
	} {
		g := wkt(t, c.g)
		if got := Boxes(g); !slices.Equal(got, c.boxes) {
			t.Errorf("%s: boxes %v, want %v", c.g, got, c.boxes)
		}
		if got := Bounds(g); got != c.bounds {
			t.Errorf("%s: bounds %v, want %v", c.g, got, c.bounds)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in, want BBox
		ok       bool
	}{
		{BBox{1, 2, 3, 4}, BBox{1, 2, 3, 4}, true},
		{BBox{170, 0, 190, 1}, BBox{170, 0, -170, 1}, true},
		{BBox{-190, 0, -170, 1}, BBox{170, 0, -170, 1}, true},
		{BBox{190, 0, 200, 1}, BBox{-170, 0, -160, 1}, true},
		{BBox{-200, -90.001, 200, 90.001}, BBox{-180, -90, 180, 90}, true},
		{BBox{0, 2, 1, 1}, BBox{}, false},
		{BBox{0, 0, math.NaN(), 1}, BBox{}, false},
		{BBox{770000, 6280000, 780000, 6290000}, BBox{}, false},
	} {
		if got, ok := Wrap(c.in); got != c.want || ok != c.ok {
			t.Errorf("%v: %v %v, want %v %v", c.in, got, ok, c.want, c.ok)
		}
	}
}

// TestFootprintCutsWithoutLoss turns shapes about the globe: what is searched covers the same ground.
func TestFootprintCutsWithoutLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := rapid.Float64Range(-300, 300).Draw(t, "x"), rapid.Float64Range(-80, 70).Draw(t, "y")
		w, h := rapid.Float64Range(0.1, 20).Draw(t, "w"), rapid.Float64Range(0.1, 10).Draw(t, "h")
		g := geom.NewPolygon([]geom.LineString{geom.NewLineString(geom.NewSequence([]float64{x, y, x + w, y + h/3, x + w/2, y + h, x, y}, geom.DimXY))}).AsGeometry()
		f, ok := Footprint(g, false)
		if !ok {
			t.Fatal("refused")
		}
		if math.Abs(f.Area()-g.Area()) > 1e-6 {
			t.Fatalf("area %v became %v", g.Area(), f.Area())
		}
		b := Bounds(f)
		if b.Valid() != nil || len(Boxes(f)) > 2 {
			t.Fatalf("bounds %v", b)
		}
		if again, ok := Footprint(f, false); !ok || !geom.ExactEquals(again, f) {
			t.Fatal("it is not stable")
		}
		center, ok := g.Centroid().XY()
		if !ok {
			t.Fatal("no centroid")
		}
		for center.X > 180 {
			center.X -= 360
		}
		for center.X < -180 {
			center.X += 360
		}
		if p := center.AsPoint().AsGeometry(); !Intersects(f, p) || !Intersects(b.Geometry(), p) {
			t.Fatalf("%v lost its middle %v", f.AsText(), center)
		}
	})
}

func TestFlatBoxAcrossTheAntimeridian(t *testing.T) {
	g := BBox{179, 5, -179, 5}.Geometry()
	if !Intersects(g, wkt(t, "POINT(179.5 5)")) || !Intersects(g, wkt(t, "POINT(-179.5 5)")) || Intersects(g, wkt(t, "POINT(0 5)")) {
		t.Error(g.AsText())
	}
}

func TestIntersectsSurvivesInvalidShapes(t *testing.T) {
	box := BBox{0, 0, 1, 1}.Geometry()
	for _, s := range []string{"POLYGON((0 0,1 1,1 0,0 1,0 0))", "POLYGON((0 0,0 0,0 0,0 0))", "LINESTRING(0 0,0 0)"} {
		Intersects(wkt(t, s), box)
		Contains(wkt(t, s), box)
		Contains(box, wkt(t, s))
	}
	if Intersects(geom.Geometry{}, box) || Contains(box, geom.Geometry{}) {
		t.Error("nothing touches something")
	}
}
