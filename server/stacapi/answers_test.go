package stacapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/catalogtest"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/stacapi"
)

func TestWrongParameters(t *testing.T) {
	w := archive(t, 3, stacapi.Config{})
	for _, c := range []struct{ query, names string }{
		{"bbox=[1,2,3,4]", "bbox"},
		{"bbox=1,2,3,x", "bbox"},
		{"bbox=1,2,3", "bbox"},
		{"bbox=1,5,3,4", "bbox"},
		{"bbox=1,2,3,NaN", "bbox"},
		{"bbox=1,2,9,3,4,5", "bbox"},
		{"bbox=1,2,3,4&intersects=%7B%22type%22:%22Point%22,%22coordinates%22:[1,2]%7D", "bbox"},
		{"intersects=POINT(1%202)", "intersects"},
		{"intersects=%7B%22type%22:%22Polygon%22,%22coordinates%22:[[[0,0],[1,1]]]%7D", "intersects"},
		{"limit=0", "limit"},
		{"limit=-1", "limit"},
		{"limit=x", "limit"},
		{"limit=1.5", "limit"},
		{"datetime=2020-01-01", "datetime"},
		{"datetime=/", "datetime"},
		{"datetime=../..", "datetime"},
		{"datetime=/..", "datetime"},
		{"datetime=..", "datetime"},
		{"datetime=2021-01-01T00:00:00Z/2020-01-01T00:00:00Z", "datetime"},
		{"datetime=2020-01-01T00:00:00Z/2021-01-01T00:00:00Z/..", "datetime"},
		{"datetime=2020-01-01T00:00:00", "datetime"},
		{"datetime=2020-01-01T00:00:00.Z", "datetime"},
		{"datetime=2020-13-01T00:00:00Z", "datetime"},
		{"datetime=2020-01-01%2000:00:00Z", "datetime"},
		{"sortby=-", "sortby"},
		{"filter=eo:cloud_cover%20%3C", "filter"},
		{"filter=avg(x)%3D1", "filter"},
		{"filter=x%3D1&filter-lang=sql", "filter-lang"},
		{"filter=x%3D1&filter-crs=EPSG:2154", "filter-crs"},
		{"query=%7B%22x%22:%7B%22like%22:1%7D%7D", "query"},
		{"query=[]", "query"},
		{"token=nonsense", "token"},
		{"q=a,b", "q"},
		{"bbox=%zz", "query string"},
	} {
		for _, path := range []string{"/search", "/collections/spot/items"} {
			a := w.get(t, path+"?"+c.query)
			desc, _ := a.json["description"].(string)
			if a.StatusCode != 400 || !strings.HasPrefix(desc, c.names+": ") || a.json["code"] == nil {
				t.Errorf("%s?%s: %d %s", path, c.query, a.StatusCode, a.raw)
			}
		}
	}
	for _, c := range []struct{ body, names string }{
		{`[]`, "body"},
		{`{"limit":`, "body"},
		{`{"limit":0}`, "limit"},
		{`{"limit":1.5}`, "limit"},
		{`{"bbox":"1,2,3,4"}`, "bbox"},
		{`{"bbox":[1,2,3,4],"intersects":{"type":"Point","coordinates":[1,2]}}`, "bbox"},
		{`{"bbox":[1,5,3,4]}`, "bbox"},
		{`{"ids":{}}`, "ids"},
		{`{"collections":[1]}`, "collections"},
		{`{"fields":null}`, "fields"},
		{`{"fields":["id"]}`, "fields"},
		{`{"datetime":5}`, "datetime"},
		{`{"sortby":[{"field":"id","direction":"up"}]}`, "sortby"},
		{`{"sortby":[{"field":""}]}`, "sortby"},
		{`{"filter":{"op":"and"}}`, "filter"},
		{`{"query":{"x":5}}`, "query"},
		{`{"query":{"x":{"in":5}}}`, "query"},
		{`{"intersects":{"type":"Point","coordinates":[1,95]}}`, "intersects"},
	} {
		a := w.do(t, http.MethodPost, "/search", c.body)
		desc, _ := a.json["description"].(string)
		if a.StatusCode != 400 || !strings.HasPrefix(desc, c.names+": ") {
			t.Errorf("POST %s: %d %s", c.body, a.StatusCode, a.raw)
		}
	}
}

func TestWhatMustBeAccepted(t *testing.T) {
	w := archive(t, 50, stacapi.Config{})
	for _, q := range []string{
		"limit=1000000", "limit=99999999999999999999", "bbox=170,-10,-170,10", "bbox=1,2,3,4,5,6",
		"datetime=1985-04-12t23:20:50.52z", "datetime=1985-04-12T23:20:50.123456789Z", "datetime=1996-12-19T16:39:57-08:00",
		"datetime=1990-12-31T23:59:60Z", "datetime=2020-01-01T00:00:00Z/", "datetime=/2020-01-01T00:00:00Z",
		"datetime=../2020-01-01T00:00:00Z", "collections=nowhere", "ids=,a,", "bbox=", "sortby=-datetime,%2Bid", "unknown=1",
		"filter=nothing_has_this+%3D+1", "filter=%7B%22op%22:%22isNull%22,%22args%22:[%7B%22property%22:%22x%22%7D]%7D",
		"filter=eo:cloud_cover+%3C+10&filter-lang=cql2-text&filter-crs=http://www.opengis.net/def/crs/OGC/1.3/CRS84",
		"query=%7B%22eo:cloud_cover%22:%7B%22lt%22:%2210%22%7D%7D", "fields=id,-geometry", "fields=", "q=montpellier",
	} {
		if a := w.get(t, "/search?"+q); a.StatusCode != 200 {
			t.Errorf("%s: %d %s", q, a.StatusCode, a.raw)
		}
	}
	for _, body := range []string{
		``, `{}`, `{"collections":"spot"}`, `{"limit":"5"}`, `{"datetime":null,"bbox":null,"ids":[]}`, `{"sortby":["-datetime","+id"]}`,
		`{"filter":"eo:cloud_cover < 10","filter-lang":"cql2-text"}`, `{"filter":"{\"op\":\"isNull\",\"args\":[{\"property\":\"x\"}]}"}`,
		`{"filter":{"op":"BETWEEN","args":[{"property":"eo:cloud_cover"},[0,50]]},"filter-lang":"cql2-json"}`,
	} {
		if a := w.do(t, http.MethodPost, "/search", body); a.StatusCode != 200 {
			t.Errorf("POST %s: %d %s", body, a.StatusCode, a.raw)
		}
	}
}

func TestNotFoundAndWrongMethods(t *testing.T) {
	w := archive(t, 3, stacapi.Config{})
	for _, p := range []string{
		"/collections/nowhere", "/collections/nowhere/items", "/collections/nowhere/items/x", "/collections/nowhere/queryables",
		"/collections/spot/items/x", "/x", "/collections/spot/x", "/search/x", w.URL + "/elsewhere", w.URL + "/stacx",
	} {
		if a := w.get(t, p); a.StatusCode != 404 || a.json["code"] != "NotFound" || a.json["description"] == nil {
			t.Errorf("%s: %d %s", p, a.StatusCode, a.raw)
		}
	}
	a := w.do(t, http.MethodDelete, "/search", "")
	if a.StatusCode != 405 || a.Header.Get("Allow") != "GET, HEAD, OPTIONS, POST" {
		t.Errorf("DELETE /search: %d, Allow %q", a.StatusCode, a.Header.Get("Allow"))
	}
	a = w.do(t, http.MethodOptions, "/search", "", "Origin", "https://example.test", "Access-Control-Request-Method", "POST")
	if a.StatusCode != 204 || a.Header.Get("Allow") == "" || !strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), "POST") ||
		!strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "Allow") {
		t.Errorf("OPTIONS: %d %v", a.StatusCode, a.Header)
	}
}

func TestConditionalRequests(t *testing.T) {
	w := archive(t, 3, stacapi.Config{})
	self := w.get(t, "/search?limit=1").json["features"].([]any)[0].(map[string]any)["links"].([]any)[0].(map[string]any)["href"].(string)
	for _, coding := range []string{"identity", "gzip"} {
		a := w.get(t, self, "Accept-Encoding", coding)
		tag := a.Header.Get("ETag")
		if tag == "" {
			t.Fatal("no ETag")
		}
		for _, sent := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			if b := w.get(t, self, "If-None-Match", sent, "Accept-Encoding", coding); b.StatusCode != 304 || len(b.raw) != 0 {
				t.Errorf("If-None-Match %s: %d", sent, b.StatusCode)
			}
		}
		if b := w.get(t, self, "If-None-Match", `"x"`); b.StatusCode != 200 {
			t.Errorf("another tag: %d", b.StatusCode)
		}
	}
}

func TestCompression(t *testing.T) {
	w := archive(t, 50, stacapi.Config{})
	plain := w.get(t, "/search?limit=50", "Accept-Encoding", "identity")
	for sent, want := range map[string]string{
		"gzip": "gzip", "gzip, deflate, br, zstd": "zstd", "zstd;q=0.1, gzip;q=0.5": "gzip", "gzip;q=0": "", "br": "", "*": "gzip",
	} {
		a := w.get(t, "/search?limit=50", "Accept-Encoding", sent)
		if got := a.Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %s: coding %q, want %q", sent, got, want)
			continue
		}
		if got := decoded(t, want, a.raw); !bytes.Equal(got, plain.raw) {
			t.Errorf("%s: another body", sent)
		}
	}
}

func decoded(t *testing.T, coding string, raw []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(raw)
	switch coding {
	case "gzip":
		zr, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = zr
	case "zstd":
		zr, err := zstd.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		defer zr.Close()
		r = zr
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCounts(t *testing.T) {
	w := archive(t, 40, stacapi.Config{})
	if a := w.get(t, "/search?limit=5"); a.json["numberMatched"] != nil || a.json["numberReturned"] != 5.0 {
		t.Errorf("unasked: %v", a.json["numberMatched"])
	}
	a := w.get(t, "/search?limit=5", "Prefer", "count=1000")
	ctx := a.json["context"].(map[string]any)
	if a.json["numberMatched"] != 40.0 || ctx["matched"] != 40.0 || ctx["limit"] != 5.0 || ctx["returned"] != 5.0 {
		t.Errorf("asked: %v %v", a.json["numberMatched"], ctx)
	}
	a = w.get(t, "/search?limit=5", "Prefer", "count=10")
	if a.json["numberMatched"] != nil || a.Header.Get("Preference-Applied") != "count=10" {
		t.Errorf("more than was to be counted: %v", a.json["numberMatched"])
	}
	w = archive(t, 40, stacapi.Config{CountUpTo: 100})
	if a := w.get(t, "/search?limit=5"); a.json["numberMatched"] != 40.0 {
		t.Errorf("configured: %v", a.json["numberMatched"])
	}
}

func TestPublicURLAndBasePath(t *testing.T) {
	m := catalogtest.NewMemory()
	w := serve(t, m, stacapi.Config{PublicURL: "https://stac.example/api/", BasePath: "/"})
	a := w.get(t, w.URL+"/collections")
	if a.href("self") != "https://stac.example/api/collections" || a.href("root") != "https://stac.example/api" {
		t.Errorf("%s", a.raw)
	}
	for _, bad := range []string{"stac.example", "ftp://x/", "http://x/?a=b", "http://"} {
		if _, err := stacapi.New(stacapi.Config{Source: m, PublicURL: bad}); err == nil {
			t.Errorf("public URL %q is taken", bad)
		}
	}
}

// broken fails in the ways a catalogue can.
type broken struct {
	catalog.Source
	err error
}

func (b broken) Search(context.Context, catalog.Query) (catalog.Page, error) {
	if b.err == nil {
		panic("a defect with secret=hunter2 in it")
	}
	return catalog.Page{}, b.err
}

func TestFailuresOfTheCatalogue(t *testing.T) {
	for kind, status := range map[catalog.Kind]int{
		catalog.KindInvalid: 400, catalog.KindUnavailable: 503, catalog.KindThrottled: 429, catalog.KindForbidden: 403, catalog.KindCorrupt: 500,
	} {
		w := serve(t, broken{err: &catalog.Error{Op: "search", Kind: kind, Err: fmt.Errorf("because")}}, stacapi.Config{})
		a := w.get(t, "/search")
		if a.StatusCode != status || a.json["description"] == nil {
			t.Errorf("%s: %d %s", kind, a.StatusCode, a.raw)
		}
		if status >= 500 && (bytes.Contains(a.raw, []byte("because")) || !strings.Contains(w.log.String(), "because")) {
			t.Errorf("%s: the cause belongs into the log, not into the answer: %s", kind, a.raw)
		}
	}
	w := serve(t, broken{}, stacapi.Config{})
	a := w.get(t, "/search", "X-Request-Id", "req-1")
	if a.StatusCode != 500 || bytes.Contains(a.raw, []byte("hunter2")) || !bytes.Contains(a.raw, []byte("req-1")) {
		t.Errorf("panic: %d %s", a.StatusCode, a.raw)
	}
	if w.get(t, "/conformance").StatusCode != 200 {
		t.Error("the server did not survive")
	}
}

func TestBodyIsBounded(t *testing.T) {
	m := catalogtest.NewMemory()
	w := serve(t, m, stacapi.Config{MaxBody: 100})
	a := w.do(t, http.MethodPost, "/search", `{"ids":["`+strings.Repeat("x", 200)+`"]}`)
	if a.StatusCode != 413 || a.json["code"] != "TooLarge" {
		t.Errorf("%d %s", a.StatusCode, a.raw)
	}
}

func TestQueryables(t *testing.T) {
	m := catalogtest.NewMemory()
	c, err := catalog.ParseCollection([]byte(`{"type":"Collection","id":"c","summaries":{"platform":["SPOT 6","SPOT 7"],"view:off_nadir":{"minimum":0,"maximum":30},"instruments":["naomi"],"bands":[{"name":"B1"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	catalogtest.Fill(t, m, []catalog.Collection{c}, nil)
	w := serve(t, m, stacapi.Config{})
	for _, path := range []string{"/queryables", "/collections/c/queryables"} {
		a := w.get(t, path)
		props := a.json["properties"].(map[string]any)
		if a.json["$id"] != w.base+path || a.json["type"] != "object" {
			t.Errorf("%s: %v", path, a.json)
		}
		if got := fmt.Sprint(props["platform"].(map[string]any)["enum"]); got != "[SPOT 6 SPOT 7]" {
			t.Errorf("platform: %s", got)
		}
		if off := props["view:off_nadir"].(map[string]any); off["minimum"] != 0.0 || off["maximum"] != 30.0 || off["type"] != "number" {
			t.Errorf("off nadir: %v", off)
		}
		if props["datetime"].(map[string]any)["format"] != "date-time" {
			t.Errorf("datetime: %v", props["datetime"])
		}
	}
}

func TestFields(t *testing.T) {
	w := archive(t, 20, stacapi.Config{})
	keys := func(a answer) (string, string) {
		f := a.json["features"].([]any)[0].(map[string]any)
		top := slices.Sorted(func(yield func(string) bool) {
			for k := range f {
				if !yield(k) {
					return
				}
			}
		})
		props, _ := f["properties"].(map[string]any)
		return strings.Join(top, " "), fmt.Sprint(len(props))
	}
	for _, c := range []struct{ body, top string }{
		{`{"fields":{}}`, "assets bbox collection geometry id links properties stac_version type"},
		{`{"fields":{"include":["id"]}}`, "collection id"},
		{`{"fields":{"include":["properties.datetime","geometry"]}}`, "collection geometry id properties"},
		{`{"fields":{"exclude":["geometry","assets"]}}`, "bbox collection id links properties stac_version type x:unknown"},
		{`{"fields":{"include":[],"exclude":["geometry"]}}`, "assets bbox collection id links properties stac_version type"},
		{`{"fields":{"include":["geometry"],"exclude":["geometry","id"]}}`, "collection geometry id"},
	} {
		a := w.do(t, http.MethodPost, "/search", strings.TrimSuffix(c.body, "}")+`,"filter-lang":"cql2-text",`+
			`"filter":"eo:cloud_cover >= 0 AND datetime IS NOT NULL AND S_INTERSECTS(geometry, BBOX(-180,-90,180,90))"}`)
		if a.StatusCode != 200 {
			t.Fatalf("%s", a.raw)
		}
		top, _ := keys(a)
		if strings.ReplaceAll(top, "bbox ", "") != strings.ReplaceAll(c.top, "bbox ", "") {
			t.Errorf("%s gives %s, want %s", c.body, top, c.top)
		}
	}
	a := w.get(t, "/search?fields=properties.datetime,-assets&filter=eo:cloud_cover+IS+NOT+NULL")
	if _, n := keys(a); n != "1" {
		t.Errorf("%s properties, want 1", n)
	}
}
