package geo

import (
	"math"
	"strings"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
)

const square = `{"type":"Topology","transform":{"scale":[0.5,0.5],"translate":[10,20]},
 "arcs":[[[0,0],[2,0],[0,2]],[[0,0],[0,2],[2,0]]],
 "objects":{"o":{"type":"GeometryCollection","geometries":[
  {"type":"Polygon","id":"250","properties":{"name":"France"},"arcs":[[0,-2]]},
  {"type":"Point","coordinates":[1,1]},
  {"type":"MultiPolygon","id":7,"arcs":[[[0,-2]],[[1,-1]]]}]}}}`

func TestDecodeTopoJSON(t *testing.T) {
	topo, err := DecodeTopoJSON([]byte(square))
	if err != nil {
		t.Fatal(err)
	}
	features := topo.Objects["o"]
	if len(features) != 2 || features[0].ID != "250" || features[1].ID != "7" || len(features[1].Polygons) != 2 {
		t.Fatalf("features: %+v", features)
	}
	got := topo.Ring(features[0].Polygons[0][0])
	want := []geom.XY{{X: 10, Y: 20}, {X: 11, Y: 20}, {X: 11, Y: 21}, {X: 10, Y: 21}, {X: 10, Y: 20}}
	if len(got) != len(want) {
		t.Fatalf("ring: %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("ring[%d] = %v, want %v", i, got[i], want[i])
		}
	}
}

func TestDecodeTopoJSONErrors(t *testing.T) {
	deep := strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 20) + strings.Repeat(`]}`, 20)
	tests := []struct{ name, doc, want string }{
		{"not JSON", `{`, "unexpected end"},
		{"not a topology", `{"type":"FeatureCollection"}`, "want \"Topology\""},
		{"missing arc", `{"type":"Topology","arcs":[],"objects":{"o":{"type":"Polygon","arcs":[[0]]}}}`, "arc 0 does not exist"},
		{"missing reversed arc", `{"type":"Topology","arcs":[[]],"objects":{"o":{"type":"Polygon","arcs":[[-2]]}}}`, "arc -2"},
		{"arcs of the wrong depth", `{"type":"Topology","arcs":[[]],"objects":{"o":{"type":"MultiPolygon","arcs":[0]}}}`, "multipolygon arcs"},
		{"nested", `{"type":"Topology","objects":{"o":` + deep + `}}`, "nested too deeply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeTopoJSON([]byte(tt.doc))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func FuzzDecodeTopoJSON(f *testing.F) {
	f.Add([]byte(square))
	f.Add([]byte(`{"type":"Topology","arcs":[[]],"objects":{"o":{"type":"Polygon","arcs":[[-1,0]]}}}`))
	f.Add([]byte(`{"type":"Topology","transform":{"scale":[1e308,1],"translate":[0,0]},"arcs":[[[1e9,0]]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		topo, err := DecodeTopoJSON(data)
		if err != nil {
			return
		}
		for _, features := range topo.Objects {
			for _, feature := range features {
				for _, rings := range feature.Polygons {
					for _, arcs := range rings {
						UnwrapRing(topo.Ring(arcs))
					}
				}
			}
		}
	})
}

func TestUnwrapRing(t *testing.T) {
	fiji := []geom.XY{{X: 179}, {X: -179}, {X: -179, Y: 1}, {X: 179, Y: 1}, {X: 179}}
	if turn := UnwrapRing(fiji); turn != 0 || fiji[1].X != 181 || fiji[3].X != 179 {
		t.Errorf("Fiji: turn %v, %v", turn, fiji)
	}
	pole := []geom.XY{{X: -180}, {X: -60}, {X: 60}, {X: 170}, {X: -180}}
	if turn := UnwrapRing(pole); turn != 360 || pole[4].X != 180 {
		t.Errorf("round the pole: turn %v, %v", turn, pole)
	}
}

func TestMercatorRoundTrip(t *testing.T) {
	for lon := -180.0; lon <= 180; lon += 7.5 {
		for lat := -85.0; lat <= 85; lat += 2.5 {
			gotLon, gotLat := LonOfMercatorX(MercatorX(lon)), LatOfMercatorY(MercatorY(lat))
			if math.Abs(gotLon-lon) > 1e-9 || math.Abs(gotLat-lat) > 1e-9 {
				t.Errorf("(%v, %v) came back as (%v, %v)", lon, lat, gotLon, gotLat)
			}
		}
	}
	// EPSG:3857 of Montpellier, from the formula of EPSG Guidance Note 7-2 §3.2.1 with R = 6,378,137 m.
	const worldWidth = 2 * math.Pi * 6378137
	if x := (MercatorX(3.8767) - 0.5) * worldWidth; math.Abs(x-431552.3) > 1 {
		t.Errorf("easting %v", x)
	}
	if y := (0.5 - MercatorY(43.6108)) * worldWidth; math.Abs(y-5405839) > 1000 {
		t.Errorf("northing %v", y)
	}
	if MercatorY(90) != 0 || MercatorY(-90) != 1 {
		t.Error("the poles are not clamped to the edge of the map")
	}
}

func TestWrapLon(t *testing.T) {
	for in, want := range map[float64]float64{0: 0, 180: -180, -180: -180, 190: -170, -190: 170, 725: 5} {
		if got := WrapLon(in); got != want {
			t.Errorf("WrapLon(%v) = %v, want %v", in, got, want)
		}
	}
}
