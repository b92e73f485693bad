package catalog

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseItem(t *testing.T) {
	raw := readFile(t, "spot.json")
	it, err := ParseItem(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(it.Raw, bytes.TrimSpace(raw)) {
		t.Error("the document was changed")
	}
	raw[0] = 'x'
	if it.Raw[0] != '{' {
		t.Error("the item shares the caller's bytes")
	}
	at := time.Date(2022, 7, 27, 9, 58, 7, 123456000, time.UTC)
	want := Projection{
		Time: Interval{at, at}, Datetime: at, HasBBox: true,
		BBox:       geo.BBox{West: 3.4, South: 43.3, East: 4.2, North: 43.9},
		CloudCover: 3.5, GSD: 1.5, Title: "Été à \"Montpellier\"", Platform: "SPOT-6",
		Created: time.Date(2023, 1, 2, 3, 4, 5, 0, time.UTC), Updated: time.Date(2023, 1, 2, 5, 4, 5, 0, time.UTC),
	}
	if d := cmp.Diff(want, it.Projection, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Footprint" }, cmp.Ignore())); d != "" {
		t.Error(d)
	}
	if it.Key.String() != "spot-6-7-drs/SPOT6_MS_202207270958074_SPOT6_P_202207270958074" {
		t.Error(it.Key)
	}
	if got := it.Footprint.AsText(); got != "POLYGON((3.5 43.3,4.2 43.4,4.1 43.9,3.4 43.8,3.5 43.3))" {
		t.Error(got)
	}
	assets, err := it.Assets()
	if err != nil {
		t.Fatal(err)
	}
	wantAssets := []Asset{
		{Key: "src_xs", Href: "https://s3.test/dinamis/a/xs.tif", Title: "XS", Description: "Four bands", MediaType: "image/tiff; application=geotiff; profile=cloud-optimized", Roles: []string{"data", "reflectance"}, Size: 858993459, Checksum: "1220aa", GSD: 6},
		{Key: "src_pan", Href: "https://s3.test/dinamis/a/pan.tif", Size: -1, GSD: math.NaN()},
		{Key: "été", Href: "x.png", Size: -1, GSD: math.NaN()},
	}
	if d := cmp.Diff(wantAssets, assets, cmp.Comparer(func(a, b float64) bool { return a == b || (math.IsNaN(a) && math.IsNaN(b)) })); d != "" {
		t.Error(d)
	}
}

func item(body string) string {
	return `{"type":"Feature","id":"x","collection":"c",` + body + `}`
}

func TestParseItemGeometry(t *testing.T) {
	for _, c := range []struct{ name, body, footprint, bbox string }{
		{"null", `"geometry":null,"bbox":[1,2,3,4]`, "GEOMETRYCOLLECTION EMPTY", "none"},
		{"absent", `"x":1`, "GEOMETRYCOLLECTION EMPTY", "none"},
		{"point", `"geometry":{"type":"Point","coordinates":[3,43,120]}`, "POINT(3 43)", "[3 43 3 43]"},
		{"unclosed", `"geometry":{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,2]]]}`, "POLYGON((0 0,2 0,2 2,0 0))", "[0 0 2 2]"},
		{"crossed with bbox", `"bbox":[0,0,2,2],"geometry":{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]}`, "POLYGON((0 0,0 2,2 2,2 0,0 0))", "[0 0 2 2]"},
		{"crossed without bbox", `"geometry":{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]}`, "GEOMETRYCOLLECTION EMPTY", "none"},
		{"numbers as text", `"bbox":[0,0,1,1],"geometry":{"type":"Point","coordinates":["NaN",1]}`, "POLYGON((0 0,0 1,1 1,1 0,0 0))", "[0 0 1 1]"},
		{"null in a ring", `"geometry":{"type":"Polygon","coordinates":[[[0,0],[null,0],[2,2],[0,0]]]}`, "GEOMETRYCOLLECTION EMPTY", "none"},
		{"unknown type", `"bbox":[0,0,1,1],"geometry":{"type":"Circle","coordinates":[0,0]}`, "POLYGON((0 0,0 1,1 1,1 0,0 0))", "[0 0 1 1]"},
		{"metres", `"geometry":{"type":"Point","coordinates":[770000,6280000]}`, "GEOMETRYCOLLECTION EMPTY", "none"},
		{"past the pole by rounding", `"geometry":{"type":"Point","coordinates":[3,90.0000001]}`, "POINT(3 90)", "[3 90 3 90]"},
		{"past 180", `"geometry":{"type":"Polygon","coordinates":[[[179,0],[181,0],[181,1],[179,1],[179,0]]]}`, "MULTIPOLYGON(((-180 0,-180 1,-179 1,-179 0,-180 0)),((179 0,179 1,180 1,180 0,179 0)))", "[179 0 -179 1]"},
		{"declared crossing", `"bbox":[179,0,-179,1],"geometry":{"type":"Polygon","coordinates":[[[179,0],[-179,0],[-179,1],[179,1],[179,0]]]}`, "MULTIPOLYGON(((-180 0,-180 1,-179 1,-179 0,-180 0)),((179 0,179 1,180 1,180 0,179 0)))", "[179 0 -179 1]"},
		{"cut as RFC 7946 asks", `"bbox":[179,0,-179,1],"geometry":{"type":"MultiPolygon","coordinates":[[[[179,0],[180,0],[180,1],[179,1],[179,0]]],[[[-180,0],[-179,0],[-179,1],[-180,1],[-180,0]]]]}`, "MULTIPOLYGON(((-180 0,-180 1,-179 1,-179 0,-180 0)),((179 0,179 1,180 1,180 0,179 0)))", "[179 0 -179 1]"},
		{"line past -180", `"geometry":{"type":"LineString","coordinates":[[-181,0],[-179,0]]}`, "MULTILINESTRING((-180 0,-179 0),(179 0,180 0))", "[179 0 -179 0]"},
		{"world", `"geometry":{"type":"Polygon","coordinates":[[[-180,-90],[180,-90],[180,90],[-180,90],[-180,-90]]]}`, "POLYGON((-180 -90,180 -90,180 90,-180 90,-180 -90))", "[-180 -90 180 90]"},
		{"bbox of six that is wider", `"bbox":[-1,-1,0,3,3,9],"geometry":{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,2],[0,0]]]}`, "POLYGON((0 0,2 0,2 2,0 0))", "[-1 -1 3 3]"},
		{"bbox that lies", `"bbox":[50,50,51,51],"geometry":{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,2],[0,0]]]}`, "POLYGON((0 0,2 0,2 2,0 0))", "[0 0 2 2]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			it, err := ParseItem([]byte(item(c.body)))
			if err != nil {
				t.Fatal(err)
			}
			want, err := geom.UnmarshalWKT(c.footprint)
			if err != nil {
				t.Fatal(err)
			}
			if same, err := geom.Equals(it.Footprint, want); it.Footprint.IsEmpty() != want.IsEmpty() || (!want.IsEmpty() && (err != nil || !same)) {
				t.Errorf("footprint %s, want %s", it.Footprint.AsText(), c.footprint)
			}
			got := "none"
			if it.HasBBox {
				got = fmt.Sprint(it.BBox.Array())
			}
			if got != c.bbox {
				t.Errorf("bbox %s, want %s", got, c.bbox)
			}
		})
	}
}

func TestParseItemTimes(t *testing.T) {
	for _, c := range []struct{ props, datetime, start, end string }{
		{`"datetime":"2020-02-03T04:05:06.123456789+02:00"`, "2020-02-03T02:05:06.123456Z", "2020-02-03T02:05:06.123456Z", "2020-02-03T02:05:06.123456Z"},
		{`"datetime":null,"start_datetime":"2020-01-01T00:00:00Z","end_datetime":"2020-12-31T00:00:00Z"`, "", "2020-01-01T00:00:00Z", "2020-12-31T00:00:00Z"},
		{`"datetime":null,"start_datetime":"2020-12-31T00:00:00Z","end_datetime":"2020-01-01T00:00:00Z"`, "", "2020-01-01T00:00:00Z", "2020-12-31T00:00:00Z"},
		{`"start_datetime":"2020-01-01t00:00:00z","end_datetime":null`, "", "2020-01-01T00:00:00Z", ""},
		{`"datetime":"2020-01-01"`, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"},
		{`"datetime":"yesterday"`, "", "", ""},
		{`"datetime":7`, "", "", ""},
	} {
		it, err := ParseItem([]byte(item(`"properties":{` + c.props + `}`)))
		if err != nil {
			t.Fatal(err)
		}
		show := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.Format(time.RFC3339Nano)
		}
		if d := cmp.Diff([]string{c.datetime, c.start, c.end}, []string{show(it.Datetime), show(it.Time.Start), show(it.Time.End)}); d != "" {
			t.Errorf("%s: %s", c.props, d)
		}
	}
}

func TestParseItemRefuses(t *testing.T) {
	for _, c := range []struct {
		raw, want string
		kind      Kind
	}{
		{``, "not JSON", KindProtocol},
		{`<html>`, "not JSON at byte 1", KindProtocol},
		{`{"type":"Feature","id":"x"`, "not JSON", KindProtocol},
		{`[]`, "not an object", KindProtocol},
		{`null`, "not an object", KindProtocol},
		{`{"type":"Feature"}`, `"id" is missing`, KindProtocol},
		{`{"type":"Feature","id":7}`, `"id" is missing`, KindProtocol},
		{`{"type":"Feature","id":""}`, `"id" is missing`, KindProtocol},
		{`{"type":"Catalog","id":"x"}`, `"type" is not "Feature"`, KindProtocol},
		{`{"id":"x"}`, `"type" is not "Feature"`, KindProtocol},
		{strings.Repeat("[", 100_000), "not JSON", KindProtocol},
		{`{"id":"` + strings.Repeat("x", MaxDocument) + `"}`, "more than", KindTooLarge},
	} {
		_, err := ParseItem([]byte(c.raw))
		if err == nil || KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40s: %v", c.raw, err)
		}
	}
}

func TestParseItemsKeepsSlices(t *testing.T) {
	a, b := `{ "id":"a", "type":"Feature",  "properties":{"x":"}{,\\\"]"} }`, item(`"e":[1,2,{"é":null}]`)
	page := ` {"features" : [ ` + a + " ,\n" + b + ` ], "type":"FeatureCollection"}`
	items, err := ParseItems([]byte(page))
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 2 || string(items[0].Raw) != a || string(items[1].Raw) != b {
		t.Fatalf("%+v", items)
	}
	for _, c := range []struct{ page, want string }{
		{`{"features":{}}`, `"features"`},
		{`{}`, `"features"`},
		{`{"features":[` + a + `,{"type":"Feature"}]}`, `feature 1: read item: "id"`},
		{`{"features":[` + a, "not JSON"},
	} {
		if _, err := ParseItems([]byte(c.page)); KindOf(err) != KindProtocol || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.page, err)
		}
	}
	if items, err := ParseItems([]byte(`{"features":[]}`)); err != nil || len(items) != 0 {
		t.Error(items, err)
	}
}

func TestParseCollection(t *testing.T) {
	raw := readFile(t, "collection.json")
	c, err := ParseCollection(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := Collection{
		ID: "spot-6-7-drs", Raw: bytes.TrimSpace(raw), Title: "SPOT 6/7 DRS", Description: "Ortho images", License: "other", LicenseHref: "https://dinamis.test/licence",
		Keywords: []string{"SPOT", "DRS"}, Extent: geo.BBox{West: -5, South: 41, East: 10, North: 51},
		Time: Interval{Start: time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
	if c, err := ParseCollection([]byte(`{"id":"c"}`)); err != nil || c.Extent != geo.World() || !c.Time.IsZero() {
		t.Error(c, err)
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"id":"c","type":"Feature"}`} {
		if _, err := ParseCollection([]byte(bad)); KindOf(err) != KindProtocol {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzParseItem(f *testing.F) {
	f.Add(readFile(f, "spot.json"))
	f.Add([]byte(item(`"bbox":[179,0,-179,1],"geometry":{"type":"Polygon","coordinates":[[[179,0],[-179,0],[-179,1],[179,1],[179,0]]]}`)))
	f.Add([]byte(item(`"geometry":{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[190,1]}]}`)))
	f.Add([]byte(item(`"geometry":{"type":"Polygon","coordinates":[[[0,0],[2,2],[2,0],[0,2],[0,0]]]},"properties":{"datetime":"2020"}`)))
	f.Add([]byte(`{"\u0069d":"x","type":"Feature","assets":{"a":{"href":"\ud800"}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		it, err := ParseItem(raw)
		if err != nil {
			if k := KindOf(err); k != KindProtocol && k != KindTooLarge {
				t.Fatalf("kind %v: %v", k, err)
			}
			return
		}
		if !bytes.Equal(it.Raw, bytes.TrimSpace(raw)) || it.Key.Item == "" {
			t.Fatalf("%q became %q", raw, it.Raw)
		}
		if it.HasBBox == it.Footprint.IsEmpty() {
			t.Fatal("a box without footprint, or the reverse")
		}
		if it.HasBBox && (it.BBox.Valid() != nil || !it.BBox.Encloses(geo.Bounds(it.Footprint))) {
			t.Fatalf("%v for %s", it.BBox, it.Footprint.AsText())
		}
		if _, err := it.Assets(); err != nil {
			t.Fatal(err)
		}
		page, err := ParseItems([]byte(`{"features":[` + string(it.Raw) + `]}`))
		if err != nil || len(page) != 1 || !bytes.Equal(page[0].Raw, it.Raw) {
			t.Fatalf("as a page: %v", err)
		}
	})
}

func FuzzParseCollection(f *testing.F) {
	f.Add(readFile(f, "collection.json"))
	f.Add([]byte(`{"id":"c","extent":{"spatial":{"bbox":[[1]]},"temporal":{"interval":[[]]}},"links":[1,{"rel":"license"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := ParseCollection(raw)
		if err == nil && (c.ID == "" || c.Extent.Valid() != nil) {
			t.Fatalf("%+v", c)
		}
	})
}

func BenchmarkParseItem(b *testing.B) {
	raw := readFile(b, "spot.json")
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := ParseItem(raw); err != nil {
			b.Fatal(err)
		}
	}
}
