package raster

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

func wkt(t testing.TB, s string) geom.Geometry {
	t.Helper()
	g, err := geom.UnmarshalWKT(s, geom.NoValidate{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// scenes returns n squares of 58 × 60 km, turned by 10°, over France. They are the same for the same seed.
func scenes(n int, seed uint64) []Footprint {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]Footprint, n)
	for i := range out {
		lon, lat := -4+11*r.Float64(), 43+7*r.Float64()
		sin, cos := math.Sincos(10 * math.Pi / 180)
		var flat []float64
		for _, c := range [...][2]float64{{-29, -30}, {29, -30}, {29, 30}, {-29, 30}, {-29, -30}} {
			x, y := c[0]*cos+c[1]*sin, c[1]*cos-c[0]*sin
			flat = append(flat, lon+x/111.3/math.Cos(lat*math.Pi/180), lat+y/111.3)
		}
		ring := geom.NewLineString(geom.NewSequence(flat, geom.DimXY))
		out[i] = Footprint{ID: fmt.Sprintf("scene-%d", i), Geometry: geom.NewPolygon([]geom.LineString{ring}).AsGeometry()}
	}
	return out
}

func TestAt(t *testing.T) {
	fp := NewFootprints([]Footprint{
		{"below", wkt(t, "POLYGON((0 0,10 0,10 10,0 10,0 0))")},
		{"hole", wkt(t, "POLYGON((0 0,0 10,10 10,10 0,0 0),(4 4,6 4,6 6,4 6,4 4))")},
		{"fiji", wkt(t, "MULTIPOLYGON(((178 -20,180 -20,180 -15,178 -15,178 -20)),((-180 -20,-178 -20,-178 -15,-180 -15,-180 -20)))")},
		{"unwrapped", wkt(t, "POLYGON((178 30,182 30,182 35,178 35,178 30))")},
		{"line", wkt(t, "LINESTRING(20 0,30 0)")},
		{"point", wkt(t, "POINT(40 0)")},
		{"bow tie", wkt(t, "POLYGON((50 0,52 2,52 0,50 2,50 0))")},
		{"collection", wkt(t, "GEOMETRYCOLLECTION(POINT(60 0),POLYGON((62 0,64 0,64 2,62 0)))")},
		{"null", geom.Geometry{}},
	})
	if fp.Len() != 8 {
		t.Errorf("%d footprints, want 8: an empty one is left out", fp.Len())
	}
	tests := []struct {
		lon, lat float64
		want     []string
	}{
		{1, 1, []string{"hole", "below"}},
		{5, 5, []string{"below"}},
		{179, -17, []string{"fiji"}},
		{-179, -17, []string{"fiji"}},
		{181, -17, []string{"fiji"}},
		{541, -17, []string{"fiji"}},
		{-179, 32, []string{"unwrapped"}},
		{179, 32, []string{"unwrapped"}},
		{25, 0.05, []string{"line"}},
		{25, 1, nil},
		{40.05, 0.05, []string{"point"}},
		{50.3, 1, []string{"bow tie"}},
		{63.5, 1, []string{"collection"}},
		{100, 40, nil},
	}
	for _, tt := range tests {
		if got := fp.At(tt.lon, tt.lat, 0.1); !slices.Equal(got, tt.want) {
			t.Errorf("At(%v, %v) = %v, want %v", tt.lon, tt.lat, got, tt.want)
		}
	}
	var none *Footprints
	if none.At(0, 0, 1) != nil || none.Len() != 0 {
		t.Error("a nil set is not empty")
	}
}

func TestBox(t *testing.T) {
	fp := NewFootprints([]Footprint{
		{"fiji", wkt(t, "MULTIPOLYGON(((178 -20,180 -20,180 -15,178 -15,178 -20)),((-180 -20,-178 -20,-178 -15,-180 -15,-180 -20)))")},
		{"square", wkt(t, "POLYGON((0 0,10 0,10 10,0 10,0 0))")},
	})
	for id, want := range map[string]geo.BBox{"fiji": {West: 178, South: -20, East: -178, North: -15}, "square": {East: 10, North: 10}} {
		got, ok := fp.Box(id)
		if !ok || math.Abs(got.West-want.West)+math.Abs(got.South-want.South)+math.Abs(got.East-want.East)+math.Abs(got.North-want.North) > 1e-6 {
			t.Errorf("Box(%s) = %v, %v, want %v", id, got, ok, want)
		}
	}
	if _, ok := fp.Box("missing"); ok {
		t.Error("a missing footprint has a box")
	}
}
