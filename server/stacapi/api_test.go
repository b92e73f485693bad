package stacapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/catalogtest"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/stacapi"
)

// world is a served catalogue and what is in it.
type world struct {
	*httptest.Server
	base        string
	collections []catalog.Collection
	items       []catalog.Item
	log         *bytes.Buffer
}

func serve(t testing.TB, src catalog.Source, cfg stacapi.Config) *world {
	t.Helper()
	w := &world{log: &bytes.Buffer{}}
	cfg.Source = src
	cfg.Logger = slog.New(slog.NewTextHandler(w.log, nil))
	api, err := stacapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Server = httptest.NewServer(api)
	t.Cleanup(w.Close)
	w.base = w.URL + "/stac"
	return w
}

func archive(t testing.TB, n int, cfg stacapi.Config) *world {
	t.Helper()
	m := catalogtest.NewMemory()
	cs, items := catalogtest.Archive(42, n)
	catalogtest.Fill(t, m, cs, items)
	w := serve(t, m, cfg)
	w.collections, w.items = cs, items
	return w
}

type answer struct {
	*http.Response
	raw  []byte
	json map[string]any
}

func (w *world) do(t testing.TB, method, target, body string, headers ...string) answer {
	t.Helper()
	if strings.HasPrefix(target, "/") {
		target = w.base + target
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := w.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Response: resp, raw: raw}
	_ = json.Unmarshal(raw, &a.json) // some answers are not JSON; those that must be are looked into
	return a
}

func (w *world) get(t testing.TB, target string, headers ...string) answer {
	t.Helper()
	return w.do(t, http.MethodGet, target, "", headers...)
}

// link returns the first link of that rel, or nil.
func (a answer) link(rel string) map[string]any {
	links, _ := a.json["links"].([]any)
	for _, l := range links {
		if m := l.(map[string]any); m["rel"] == rel {
			return m
		}
	}
	return nil
}

func (a answer) href(rel string) string {
	s, _ := a.link(rel)["href"].(string)
	return s
}

func (a answer) ids() []string {
	out := []string{}
	fs, _ := a.json["features"].([]any)
	for _, f := range fs {
		out = append(out, f.(map[string]any)["id"].(string))
	}
	return out
}

func TestEveryAddress(t *testing.T) {
	w := archive(t, 30, stacapi.Config{})
	key := w.items[0].Key
	coll := "/collections/" + url.PathEscape(string(key.Collection))
	for _, c := range []struct{ path, mediaType string }{
		{"", "application/json"},
		{"/", "application/json"},
		{"/conformance", "application/json"},
		{"/collections", "application/json"},
		{"/children", "application/json"},
		{coll, "application/json"},
		{coll + "/items", "application/geo+json"},
		{coll + "/items/" + url.PathEscape(string(key.Item)), "application/geo+json"},
		{coll + "/queryables", "application/schema+json"},
		{"/queryables", "application/schema+json"},
		{"/search", "application/geo+json"},
		{"/search?limit=3&bbox=-180,-90,180,90", "application/geo+json"},
		{"/api", "application/vnd.oai.openapi+json;version=3.1"},
		{"/api.html", "text/html"},
	} {
		a := w.get(t, w.base+c.path)
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != c.mediaType {
			t.Errorf("GET %s: %d %s, want 200 %s\n%s", c.path, a.StatusCode, a.Header.Get("Content-Type"), c.mediaType, a.raw)
		}
		if self := a.href("self"); a.link("self") != nil && self != w.base+c.path {
			t.Errorf("GET %s: self is %s", c.path, self)
		}
		if a.Header.Get("Access-Control-Allow-Origin") != "*" || a.Header.Get("X-Request-Id") == "" {
			t.Errorf("GET %s: headers %v", c.path, a.Header)
		}
		head := w.do(t, http.MethodHead, w.base+c.path, "")
		if head.StatusCode != 200 || head.ContentLength != int64(len(a.raw)) {
			t.Errorf("HEAD %s: %d, %d bytes; GET has %d", c.path, head.StatusCode, head.ContentLength, len(a.raw))
		}
	}
}

func TestItemsSelfCarriesNoQuery(t *testing.T) {
	w := archive(t, 30, stacapi.Config{})
	path := w.base + "/collections/" + string(w.items[0].Key.Collection) + "/items"
	if a := w.get(t, path+"?limit=2"); a.href("self") != path {
		t.Errorf("self is %s", a.href("self"))
	}
}

func TestLandingPage(t *testing.T) {
	w := archive(t, 3, stacapi.Config{})
	a := w.get(t, w.base)
	for _, rel := range []string{"self", "root", "service-desc", "service-doc", "conformance", "data", "search", "child"} {
		l := a.link(rel)
		if l == nil {
			t.Errorf("no link %s", rel)
			continue
		}
		got := w.get(t, l["href"].(string))
		if got.StatusCode != 200 || got.Header.Get("Content-Type") != l["type"] {
			t.Errorf("%s: %d, type %q is not the link's %q", rel, got.StatusCode, got.Header.Get("Content-Type"), l["type"])
		}
	}
	if !slices.Contains(a.json["conformsTo"].([]any), any("https://api.stacspec.org/v1.0.0/item-search")) {
		t.Error("item-search is not advertised")
	}
	if a.json["type"] != "Catalog" || a.json["stac_version"] == nil {
		t.Errorf("%s", a.raw)
	}
}

func TestCollectionsKeepTheirDocument(t *testing.T) {
	w := archive(t, 3, stacapi.Config{})
	for _, c := range w.collections {
		a := w.get(t, "/collections/"+url.PathEscape(string(c.ID)))
		var want map[string]any
		if err := json.Unmarshal(c.Raw, &want); err != nil {
			t.Fatal(err)
		}
		for k, v := range want {
			if k != "links" && !reflect.DeepEqual(a.json[k], v) {
				t.Errorf("%s: %s is %v, want %v", c.ID, k, a.json[k], v)
			}
		}
		if a.json["itemType"] != "feature" || a.json["crs"] == nil || a.json["storageCrs"] == nil {
			t.Errorf("%s lacks what OGC clients need: %s", c.ID, a.raw)
		}
		if !strings.HasSuffix(a.href("items"), "/items") || a.href("root") != w.base {
			t.Errorf("links: %v", a.json["links"])
		}
	}
}

func TestItemsKeepEveryByteButLinks(t *testing.T) {
	w := archive(t, 60, stacapi.Config{})
	for _, it := range w.items {
		a := w.get(t, "/collections/"+url.PathEscape(string(it.Key.Collection))+"/items/"+url.PathEscape(string(it.Key.Item)))
		before, after, ok := bytes.Cut(it.Raw, []byte(`"links":[]`))
		if !ok {
			t.Fatalf("no empty links in %s", it.Raw)
		}
		if !bytes.HasPrefix(a.raw, before) || !bytes.HasSuffix(a.raw, after) {
			t.Errorf("%s changed:\n%s\n%s", it.Key, it.Raw, a.raw)
		}
		self := a.href("self")
		if again := w.get(t, self); again.StatusCode != 200 || !bytes.Equal(again.raw, a.raw) {
			t.Errorf("%s: its self link %s gives %d", it.Key, self, again.StatusCode)
		}
		for _, rel := range []string{"parent", "collection", "root"} {
			if got := w.get(t, a.href(rel)); got.StatusCode != 200 {
				t.Errorf("%s: its link %s gives %d", it.Key, rel, got.StatusCode)
			}
		}
	}
}

// walk follows next links and returns all ids.
func (w *world) walk(t *testing.T, a answer) []string {
	t.Helper()
	ids := a.ids()
	for range 100 {
		next := a.link("next")
		if next == nil {
			return ids
		}
		if next["method"] == "POST" {
			body, err := json.Marshal(next["body"])
			if err != nil {
				t.Fatal(err)
			}
			a = w.do(t, http.MethodPost, next["href"].(string), string(body), "Content-Type", "application/json")
		} else {
			a = w.get(t, next["href"].(string))
		}
		if a.StatusCode != 200 {
			t.Fatalf("next: %d %s", a.StatusCode, a.raw)
		}
		ids = append(ids, a.ids()...)
	}
	t.Fatal("the pages don't end")
	return nil
}

func TestPagesLeadThroughEverything(t *testing.T) {
	w := archive(t, 83, stacapi.Config{})
	want := len(w.items)
	for name, first := range map[string]answer{
		"GET":           w.get(t, "/search?limit=10&sortby=%2Bid"),
		"GET unescaped": w.get(t, "/search?sortby=+id&limit=10"),
		"POST":          w.do(t, http.MethodPost, "/search", `{"limit":10,"sortby":[{"field":"id","direction":"asc"}]}`),
		"POST text":     w.do(t, http.MethodPost, "/search", `{ "limit" : 10, "sortby": "+id", "fields": {"include": ["id"]}}`),
	} {
		ids := w.walk(t, first)
		if len(ids) != want || !slices.IsSorted(ids) {
			t.Errorf("%s: %d items, want %d in order", name, len(ids), want)
		}
	}
	a := w.get(t, "/search?limit=10&sortby=id")
	b := w.get(t, a.href("next"))
	back := w.get(t, b.href("prev"))
	if !slices.Equal(back.ids(), a.ids()) {
		t.Errorf("prev leads to %v, not to %v", back.ids(), a.ids())
	}
}
